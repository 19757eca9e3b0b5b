/* SPDX-License-Identifier: MIT */
/*
 * VK_EXT_descriptor_buffer: descriptors of sparse buffers, by address, and of
 * sparse images, in an ordinary buffer and in a sparse one.
 */
#include <stdlib.h>

#include "vt_texels.h"

#include "descriptor_buffer.spv.h"
#include "descriptor_buffer_codes.spv.h"

#define COUNT 4096u /* words of each resource that are looked at */
#define STRIDE 13u  /* between them */
#define RESULTS 7u
#define SIDE 256u /* of the images, in texels: 4 tiles */
#define TILES 4u  /* of each range of the buffer */
#define TILE_WORDS ((uint32_t)(VT_TILE / 4))
/* The uniform buffer lies across the edge of the first two tiles. */
#define UNIFORM_OFFSET (VT_TILE - COUNT * 2)
#define UNTOUCHED 0x12121212u

static VkPhysicalDeviceDescriptorBufferFeaturesEXT feature = {
   .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_FEATURES_EXT,
   .descriptorBuffer = VK_TRUE,
};
static PFN_vkGetDescriptorSetLayoutSizeEXT get_layout_size;
static PFN_vkGetDescriptorSetLayoutBindingOffsetEXT get_binding_offset;
static PFN_vkGetDescriptorEXT get_descriptor;
static PFN_vkCmdBindDescriptorBuffersEXT bind_descriptor_buffers;
static PFN_vkCmdSetDescriptorBufferOffsetsEXT set_offsets;
static VkPhysicalDeviceDescriptorBufferPropertiesEXT properties;

#define NEED_DESCRIPTOR_BUFFER()                                               \
   VT_NEED(vt.extension &&vt.buffer_address &&vt.features.sparseResidencyBuffer)

enum binding {
   UNIFORM,
   STORAGE,
   UNIFORM_TEXELS,
   STORAGE_TEXELS,
   SAMPLED,
   STORAGE_IMAGE,
   OUT,
   BINDINGS
};
static const VkDescriptorType types[] = {
   [UNIFORM] = VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER,
   [STORAGE] = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   [UNIFORM_TEXELS] = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER,
   [STORAGE_TEXELS] = VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER,
   [SAMPLED] = VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER,
   [STORAGE_IMAGE] = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
   [OUT] = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
};
/* Where a range of the sparse buffer begins, in tiles. */
static const uint32_t first_tile[] = {
   [STORAGE] = 0, [UNIFORM_TEXELS] = TILES, [STORAGE_TEXELS] = 2 * TILES};

/* Where the descriptors lie. */
enum place { IN_ORDINARY, IN_SPARSE };

struct push {
   uint32_t store, stride, width, seed;
};

/* What the descriptors name, and how they are used. */
struct scene {
   VkBuffer data; /* sparse; every other tile is bound */
   VkDeviceMemory data_memory;
   struct vt_texels images[2]; /* sampled, storage */
   VkImageView views[2];
   VkSampler sampler;
   struct vkh_buffer out;
   bool codes; /* the shader asks for them */

   VkDescriptorSetLayout set_layout;
   VkPipelineLayout layout;
   VkPipeline pipeline;
   VkBuffer set; /* the descriptor buffer */
   struct vkh_buffer ordinary_set;
   VkDeviceMemory sparse_set_memory;
   VkDeviceSize set_offset;
};

static const struct vt_texels_info image_info = {
   "R32_UINT", VK_FORMAT_R32_UINT, VK_IMAGE_ASPECT_COLOR_BIT, 1, 1,
   4,          VK_IMAGE_TYPE_2D,   {SIDE, SIDE, 1},           1, 1,
   0};
#define IMAGE_USAGE                                                            \
   (VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_STORAGE_BIT |                  \
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)

/* ----------------------------------------------------------- resources -- */

static VkDeviceAddress
address_of(VkBuffer buffer)
{
   const VkBufferDeviceAddressInfo info = {
      .sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
      .buffer = buffer,
   };

   return vkGetBufferDeviceAddress(vt.device, &info);
}

/* Word k of the sparse buffer is 1000 + k where it is bound. */
static void
create_data(struct scene *s)
{
   VkSparseMemoryBind binds[3 * TILES / 2];

   s->data = vkh_sparse_buffer_create(
      &vt, 3 * TILES * VT_TILE, VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT,
      VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
         VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
         VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT |
         VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
   s->data_memory = vt_memory(VKH_ARRAY_SIZE(binds),
                              vt_buffer_requirements(s->data).memoryTypeBits);
   for (uint32_t i = 0; i < VKH_ARRAY_SIZE(binds); i++)
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = 2 * i * VT_TILE,
         .size = VT_TILE,
         .memory = s->data_memory,
         .memoryOffset = i * VT_TILE,
      };
   vt_bind_buffer(s->data, binds, VKH_ARRAY_SIZE(binds));
   for (uint32_t i = 0; i < 3 * TILES; i += 2)
      vt_fill_words(s->data, i * VT_TILE, TILE_WORDS, 1000 + i * TILE_WORDS);
}

static void
create_images(struct scene *s, enum vt_kind kind)
{
   const VkSamplerCreateInfo sampler = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
   };

   for (uint32_t i = 0; i < 2; i++) {
      struct vt_texels *t = &s->images[i];

      vt_texels_create(&image_info, kind, IMAGE_USAGE, t);
      vt_texels_bind(t, vt_bind_even);
      if (kind == VT_OPAQUE)
         vt_texels_bind(t, vt_bind_everything);
      const VkImageViewCreateInfo view = {
         .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
         .image = t->image,
         .viewType = VK_IMAGE_VIEW_TYPE_2D,
         .format = VK_FORMAT_R32_UINT,
         .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1},
      };
      VKH_CHECK(vkCreateImageView(vt.device, &view, NULL, &s->views[i]));
      VkCommandBuffer cmd = vkh_begin(&vt);
      vkh_image_layout(cmd, t->image, VK_IMAGE_ASPECT_COLOR_BIT,
                       VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_GENERAL);
      vkh_run(&vt, cmd);
      vt_texels_fill(t, 5 + i);
   }
   VKH_CHECK(vkCreateSampler(vt.device, &sampler, NULL, &s->sampler));
}

/* ------------------------------------------------------------ pipeline -- */

static void
create_pipeline(struct scene *s)
{
   VkDescriptorSetLayoutBinding bindings[BINDINGS];
   const VkDescriptorSetLayoutCreateInfo set_info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
      .bindingCount = BINDINGS,
      .pBindings = bindings,
   };

   for (uint32_t i = 0; i < BINDINGS; i++)
      bindings[i] = (VkDescriptorSetLayoutBinding){
         .binding = i,
         .descriptorType = types[i],
         .descriptorCount = 1,
         .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
      };
   VKH_CHECK(
      vkCreateDescriptorSetLayout(vt.device, &set_info, NULL, &s->set_layout));
   s->layout = vkh_pipeline_layout(
      &vt, s->set_layout, VK_SHADER_STAGE_COMPUTE_BIT, sizeof(struct push));
   const VkComputePipelineCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
      .flags = VK_PIPELINE_CREATE_DESCRIPTOR_BUFFER_BIT_EXT,
      .stage =
         {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = s->codes ? vkh_shader(&vt, vt_descriptor_buffer_codes,
                                            sizeof(vt_descriptor_buffer_codes))
                               : vkh_shader(&vt, vt_descriptor_buffer,
                                            sizeof(vt_descriptor_buffer)),
            .pName = "main",
         },
      .layout = s->layout,
   };
   VKH_CHECK(vkCreateComputePipelines(vt.device, VK_NULL_HANDLE, 1, &info, NULL,
                                      &s->pipeline));
   vkDestroyShaderModule(vt.device, info.stage.module, NULL);
}

/* --------------------------------------------------------- descriptors -- */

static size_t
descriptor_size(enum binding binding)
{
   const size_t sizes[] = {
      [UNIFORM] = properties.uniformBufferDescriptorSize,
      [STORAGE] = properties.storageBufferDescriptorSize,
      [UNIFORM_TEXELS] = properties.uniformTexelBufferDescriptorSize,
      [STORAGE_TEXELS] = properties.storageTexelBufferDescriptorSize,
      [SAMPLED] = properties.combinedImageSamplerDescriptorSize,
      [STORAGE_IMAGE] = properties.storageImageDescriptorSize,
      [OUT] = properties.storageBufferDescriptorSize,
   };

   return sizes[binding];
}

static void
write_descriptor(const struct scene *s, enum binding binding, uint8_t *set)
{
   VkDeviceSize offset_B;
   VkDescriptorAddressInfoEXT buffer = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_ADDRESS_INFO_EXT,
      .range = TILES * VT_TILE,
   };
   const bool sampled = binding == SAMPLED;
   const VkDescriptorImageInfo image = {
      .sampler = sampled ? s->sampler : VK_NULL_HANDLE,
      .imageView = s->views[sampled ? 0 : 1],
      .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
   };
   VkDescriptorGetInfoEXT info = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_GET_INFO_EXT,
      .type = types[binding],
      .data.pUniformBuffer = &buffer,
   };

   if (binding == UNIFORM) {
      buffer.address = address_of(s->data) + UNIFORM_OFFSET;
      buffer.range = COUNT * 4;
   } else if (binding == OUT) {
      buffer.address = address_of(s->out.buffer);
      buffer.range = s->out.size_B;
   } else if (binding == SAMPLED || binding == STORAGE_IMAGE) {
      info.data.pCombinedImageSampler = &image;
   } else {
      buffer.address = address_of(s->data) + first_tile[binding] * VT_TILE;
      if (binding != STORAGE)
         buffer.format = VK_FORMAT_R32_UINT;
   }
   get_binding_offset(vt.device, s->set_layout, binding, &offset_B);
   get_descriptor(vt.device, &info, descriptor_size(binding), set + offset_B);
}

#define SET_USAGE                                                              \
   (VK_BUFFER_USAGE_RESOURCE_DESCRIPTOR_BUFFER_BIT_EXT |                       \
    VK_BUFFER_USAGE_SAMPLER_DESCRIPTOR_BUFFER_BIT_EXT |                        \
    VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT)

/* Two tiles, bound back to front, with the set across their common edge. */
static void
create_sparse_set(struct scene *s, const uint8_t *set, VkDeviceSize size_B)
{
   struct vkh_buffer staging;

   s->set_offset = VT_TILE - 1024;
   s->set = vkh_sparse_buffer_create(
      &vt, 2 * VT_TILE, 0, SET_USAGE | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
   s->sparse_set_memory =
      vt_memory(2, vt_buffer_requirements(s->set).memoryTypeBits);
   const VkSparseMemoryBind binds[] = {
      {0, VT_TILE, s->sparse_set_memory, VT_TILE, 0},
      {VT_TILE, VT_TILE, s->sparse_set_memory, 0, 0},
   };
   vt_bind_buffer(s->set, binds, 2);
   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                     VKH_MEMORY_UPLOAD, &staging);
   memcpy(staging.map, set, size_B);
   const VkBufferCopy copy = {0, s->set_offset, size_B};
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdCopyBuffer(cmd, staging.buffer, s->set, 1, &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   vkh_buffer_destroy(&vt, &staging);
}

static void
create_set(struct scene *s, enum place place)
{
   VkDeviceSize size_B;

   get_layout_size(vt.device, s->set_layout, &size_B);
   uint8_t *set = vkh_calloc(size_B, 1);
   for (enum binding i = 0; i < BINDINGS; i++)
      write_descriptor(s, i, set);
   if (place == IN_SPARSE) {
      create_sparse_set(s, set, size_B);
   } else {
      vkh_buffer_create(&vt, size_B, SET_USAGE, VKH_MEMORY_UPLOAD,
                        &s->ordinary_set);
      s->set = s->ordinary_set.buffer;
      memcpy(s->ordinary_set.map, set, size_B);
   }
   free(set);
}

static void
scene_create(enum vt_kind kind, enum place place, bool codes, struct scene *s)
{
   *s = (struct scene){.codes = codes};
   create_data(s);
   create_images(s, kind);
   vkh_buffer_create(&vt, COUNT * RESULTS * 4,
                     VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                        VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
                     VKH_MEMORY_READBACK, &s->out);
   create_pipeline(s);
   create_set(s, place);
}

static void
scene_destroy(struct scene *s)
{
   if (s->ordinary_set.buffer)
      vkh_buffer_destroy(&vt, &s->ordinary_set);
   else
      vkDestroyBuffer(vt.device, s->set, NULL);
   vkFreeMemory(vt.device, s->sparse_set_memory, NULL);
   vkDestroyPipeline(vt.device, s->pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, s->layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, s->set_layout, NULL);
   vkh_buffer_destroy(&vt, &s->out);
   vkDestroySampler(vt.device, s->sampler, NULL);
   for (uint32_t i = 0; i < 2; i++) {
      vkDestroyImageView(vt.device, s->views[i], NULL);
      vt_texels_destroy(&s->images[i]);
   }
   vkDestroyBuffer(vt.device, s->data, NULL);
   vkFreeMemory(vt.device, s->data_memory, NULL);
}

/* ---------------------------------------------------------------- work -- */

static void
dispatch(const struct scene *s, bool store, uint32_t seed)
{
   const VkDescriptorBufferBindingInfoEXT buffer = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_BUFFER_BINDING_INFO_EXT,
      .address = address_of(s->set),
      .usage = SET_USAGE & ~VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT,
   };
   const struct push push = {store, STRIDE, SIDE, seed};
   const uint32_t index = 0;
   VkCommandBuffer cmd = vkh_begin(&vt);

   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, s->pipeline);
   bind_descriptor_buffers(cmd, 1, &buffer);
   set_offsets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, s->layout, 0, 1, &index,
               &s->set_offset);
   vkCmdPushConstants(cmd, s->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                      sizeof(push), &push);
   vkCmdDispatch(cmd, COUNT / 64, 1, 1);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
}

/* What result @binding of word or texel @k should be; @resident: is it bound.
 */
static uint32_t
expected(struct scene *s, enum binding binding, uint32_t i, uint32_t seed,
         bool *resident)
{
   const uint32_t k = i * STRIDE;
   uint32_t word = k, texel = 0;

   if (binding == SAMPLED || binding == STORAGE_IMAGE) {
      const uint8_t *block = vt_texels_block(
         &s->images[binding - SAMPLED], 0, 0,
         (VkOffset3D){(int32_t)(k % SIDE), (int32_t)(k / SIDE), 0});

      *resident = block != NULL;
      if (block)
         memcpy(&texel, block, 4);
      return binding == STORAGE_IMAGE && block && seed ? seed + k + 2 : texel;
   }
   if (binding == UNIFORM)
      word = UNIFORM_OFFSET / 4 + i;
   else
      word += first_tile[binding] * TILE_WORDS;
   *resident = word / TILE_WORDS % 2 == 0;
   if (!*resident)
      return 0;
   if (seed && binding == STORAGE)
      return seed + k;
   if (seed && binding == STORAGE_TEXELS)
      return seed + k + 1;
   /* It sees what was stored to the storage buffer. */
   if (seed && binding == UNIFORM && word % STRIDE == 0 &&
       word / STRIDE < COUNT)
      return seed + word;
   return 1000 + word;
}

static void
check(struct scene *s, uint32_t seed)
{
   const bool strict =
      vt.properties.sparseProperties.residencyNonResidentStrict;
   const uint32_t *results = s->out.map;

   memset(s->out.map, 0x12, s->out.size_B);
   dispatch(s, false, 0);
   for (uint32_t i = 0; i < COUNT; i++) {
      bool resident = true;

      for (enum binding b = UNIFORM; b < OUT; b++) {
         const uint32_t want = expected(s, b, i, seed, &resident);
         const uint32_t got = results[i * RESULTS + b];

         if (got != want && (resident || strict))
            fail_msg("binding %d, number %u: %#x, not %#x (%s)", b, i, got,
                     want, resident ? "bound" : "not bound");
      }
      expected(s, SAMPLED, i, seed, &resident);
      assert_int_equal(results[i * RESULTS + OUT],
                       s->codes ? resident : UNTOUCHED);
   }
}

static void
run(enum vt_kind kind, enum place place, bool codes)
{
   struct scene s;

   NEED_DESCRIPTOR_BUFFER();
   VT_NEED(vt_texels_supported(&image_info, kind, IMAGE_USAGE));
   scene_create(kind, place, codes, &s);
   check(&s, 0);
   dispatch(&s, true, 0x40000000);
   check(&s, 0x40000000);
   scene_destroy(&s);
}

static void
test_residency(void **state)
{
   (void)state;
   run(VT_RESIDENCY, IN_ORDINARY, false);
}

static void
test_codes(void **state)
{
   (void)state;
   VT_NEED(vt.features.shaderResourceResidency);
   run(VT_RESIDENCY, IN_ORDINARY, true);
}

static void
test_opaque(void **state)
{
   (void)state;
   run(VT_OPAQUE, IN_ORDINARY, false);
}

/* The descriptors themselves lie in sparse memory. */
static void
test_sparse_set(void **state)
{
   (void)state;
   run(VT_RESIDENCY, IN_SPARSE, false);
}

/* Descriptors stay valid: tiles are bound and unbound under them. */
static void
test_rebind(void **state)
{
   struct scene s;

   (void)state;
   NEED_DESCRIPTOR_BUFFER();
   VT_NEED(vt_texels_supported(&image_info, VT_RESIDENCY, IMAGE_USAGE));
   scene_create(VT_RESIDENCY, IN_ORDINARY, false, &s);
   for (uint32_t i = 0; i < 2; i++) {
      vt_texels_bind(&s.images[i], vt_bind_everything);
      vt_texels_fill(&s.images[i], 20 + i);
   }
   check(&s, 0);
   vt_texels_bind(&s.images[0], vt_bind_nothing);
   vt_texels_bind(&s.images[1], vt_bind_even);
   check(&s, 0);
   dispatch(&s, true, 0x50000000);
   check(&s, 0x50000000);
   scene_destroy(&s);
}

static void
load_commands(void)
{
   VkPhysicalDeviceProperties2 props = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &properties,
   };

   properties.sType =
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DESCRIPTOR_BUFFER_PROPERTIES_EXT;
   vkGetPhysicalDeviceProperties2(vt.physical, &props);
#define LOAD(pointer, name)                                                    \
   pointer = (PFN_vk##name)vkGetDeviceProcAddr(vt.device, "vk" #name)
   LOAD(get_layout_size, GetDescriptorSetLayoutSizeEXT);
   LOAD(get_binding_offset, GetDescriptorSetLayoutBindingOffsetEXT);
   LOAD(get_descriptor, GetDescriptorEXT);
   LOAD(bind_descriptor_buffers, CmdBindDescriptorBuffersEXT);
   LOAD(set_offsets, CmdSetDescriptorBufferOffsetsEXT);
#undef LOAD
}

static int
setup(void **state)
{
   int ret =
      vt_group_setup_with(VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME, &feature);

   (void)state;
   if (vt.extension)
      load_commands();
   return ret;
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_residency), cmocka_unit_test(test_codes),
      cmocka_unit_test(test_opaque),    cmocka_unit_test(test_sparse_set),
      cmocka_unit_test(test_rebind),
   };

   return cmocka_run_group_tests_name("vulkan-descriptor-buffer", tests, setup,
                                      vt_group_teardown);
}
