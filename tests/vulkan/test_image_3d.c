/* SPDX-License-Identifier: MIT */
/*
 * 3D images with sparse residency: the standard block shapes, contents through
 * shader loads, copies and storage, at edges that cut tiles in all three
 * directions, and at every level.
 */
#include "vt_volume.h"

#include "store_3d.spv.h"

#define TRANSFER                                                               \
   (VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT)
#define USAGE (TRANSFER | VK_IMAGE_USAGE_SAMPLED_BIT)

#define F(f, bw, bh, bytes, w, h, d)                                           \
   {                                                                           \
      VK_FORMAT_##f, #f, bw, bh, bytes,                                        \
      {                                                                        \
         w, h, d                                                               \
      }                                                                        \
   }

/* "Standard Sparse Image Block Shapes (3D)". */
static const struct vt_volume_format formats[] = {
   F(R8_UNORM, 1, 1, 1, 64, 32, 32),
   F(R8_SNORM, 1, 1, 1, 64, 32, 32),
   F(R8G8_UNORM, 1, 1, 2, 32, 32, 32),
   F(R16_SFLOAT, 1, 1, 2, 32, 32, 32),
   F(R8G8B8A8_UNORM, 1, 1, 4, 32, 32, 16),
   F(B8G8R8A8_SRGB, 1, 1, 4, 32, 32, 16),
   F(R32_SFLOAT, 1, 1, 4, 32, 32, 16),
   F(R16G16B16A16_SFLOAT, 1, 1, 8, 32, 16, 16),
   F(R32G32B32A32_SFLOAT, 1, 1, 16, 16, 16, 16),
   F(BC1_RGB_UNORM_BLOCK, 4, 4, 8, 128, 64, 16),
   F(BC3_UNORM_BLOCK, 4, 4, 16, 64, 64, 16),
   F(BC4_UNORM_BLOCK, 4, 4, 8, 128, 64, 16),
};
static const struct vt_volume_format r32_uint =
   F(R32_UINT, 1, 1, 4, 32, 32, 16);
static const struct vt_volume_format rgba8 =
   F(R8G8B8A8_UNORM, 1, 1, 4, 32, 32, 16);
static const struct vt_volume_format r8_snorm =
   F(R8_SNORM, 1, 1, 1, 64, 32, 32);

static const VkExtent3D one = {1, 1, 1};

static void
check_queries(const struct vt_volume *volume)
{
   const VkImageCreateInfo *info = &volume->info;
   const VkExtent3D *tile = &volume->format->tile;
   VkSparseImageFormatProperties properties;
   uint32_t count = 1;

   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, info->format, info->imageType, info->samples, info->usage,
      info->tiling, &count, &properties);
   assert_int_equal(count, 1);
   assert_int_equal(properties.aspectMask, VK_IMAGE_ASPECT_COLOR_BIT);
   if (vt.properties.sparseProperties.residencyStandard3DBlockShape) {
      assert_int_equal(properties.flags &
                          VK_SPARSE_IMAGE_FORMAT_NONSTANDARD_BLOCK_SIZE_BIT,
                       0);
      assert_int_equal(properties.imageGranularity.width, tile->width);
      assert_int_equal(properties.imageGranularity.height, tile->height);
      assert_int_equal(properties.imageGranularity.depth, tile->depth);
   }
   assert_memory_equal(&volume->sparse.formatProperties, &properties,
                       sizeof(properties));
}

/* ----------------------------------------------------------- round trips -- */

struct round_trip {
   struct vt_volume volume;
   VkDeviceMemory memory;
   struct vt_tile tile[256];
   uint32_t count;
};

static void
note_tile(struct vt_tile tile, void *data)
{
   struct round_trip *r = data;

   assert_true(r->count < VKH_ARRAY_SIZE(r->tile));
   r->tile[r->count++] = tile;
}

static bool
is_bound(uint32_t i)
{
   return (i * 5 + i / 7) % 3 != 0;
}

/* Two of three tiles of every level bound, in an order of their own. */
static void
round_trip(const struct vt_volume_format *format)
{
   const VkExtent3D *tile = &format->tile;
   const VkExtent3D extent = {2 * tile->width + 3 * format->block_w,
                              tile->height + 5 * format->block_h,
                              2 * tile->depth + 7};
   const VkImageCreateInfo info =
      vt_volume_info(format, VK_IMAGE_TYPE_3D, extent, 6, USAGE);
   struct round_trip r = {.count = 0};
   VkSparseImageMemoryBind binds[256];
   uint32_t bound = 0;

   if (!vt_volume_supported(&info))
      skip();
   vt_volume_create(format, &info, &r.volume);
   check_queries(&r.volume);
   vt_volume_foreach(&r.volume, note_tile, &r);
   r.memory = vt_memory(r.count, r.volume.req.memoryTypeBits);
   for (uint32_t i = 0; i < r.count; i++)
      if (is_bound(i))
         binds[bound++] = vt_volume_bind(&r.volume, r.tile[i], one, r.memory,
                                         r.count - 1 - i);
   vt_bind_image(r.volume.image, binds, bound);
   for (uint32_t i = 0; i < r.count; i++)
      if (is_bound(i))
         vt_volume_write(&r.volume, r.tile[i], i);
   for (uint32_t i = 0; i < r.count; i++) {
      if (is_bound(i))
         vt_volume_check(&r.volume, r.tile[i], i);
      vt_volume_check_resident(&r.volume, r.tile[i], is_bound(i));
   }
   vt_volume_destroy(&r.volume);
   vkFreeMemory(vt.device, r.memory, NULL);
}

static void
test_format(void **state)
{
   round_trip(*state);
}

/* What shaders load is what copies wrote, texel by texel of whole levels. */
static void
test_shader_loads(void **state)
{
   (void)state;
   /* 3 x 2 x 2 tiles, cut by all edges; the second level has 2 x 1 x 1. */
   const VkExtent3D extent = {70, 50, 21};
   const VkImageCreateInfo info =
      vt_volume_info(&rgba8, VK_IMAGE_TYPE_3D, extent, 2, USAGE);
   struct vt_volume volume;

   VT_NEED(vt_volume_supported(&info) && vt.features.shaderResourceResidency);
   vt_volume_create(&rgba8, &info, &volume);
   VT_NEED(volume.sparse.imageMipTailFirstLod == 2);
   VkDeviceMemory memory = vt_memory(16, volume.req.memoryTypeBits);
   const VkSparseImageMemoryBind binds[] = {
      vt_volume_bind(&volume, (struct vt_tile){0}, (VkExtent3D){3, 2, 2},
                     memory, 3),
      vt_volume_bind(&volume, (struct vt_tile){.level = 1},
                     (VkExtent3D){2, 1, 1}, memory, 1),
   };
   vt_bind_image(volume.image, binds, 2);

   for (uint32_t level = 0; level < 2; level++) {
      const VkExtent3D size = vt_volume_level(&volume, level);
      const uint32_t count = size.width * size.height * size.depth;
      const VkBufferImageCopy copy = {
         .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
         .imageExtent = size,
      };
      struct vt_texel *texels = vkh_calloc(count, sizeof(*texels));
      struct vkh_buffer staging;

      vkh_buffer_create(&vt, count * 4, VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
                        VKH_MEMORY_UPLOAD, &staging);
      for (uint32_t i = 0; i < count; i++)
         ((uint32_t *)staging.map)[i] = i * 2654435761u >> 7;
      VkCommandBuffer cmd = vkh_begin(&vt);
      vkCmdCopyBufferToImage(cmd, staging.buffer, volume.image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);

      for (uint32_t i = 0; i < count; i++)
         texels[i] = (struct vt_texel){
            .x = (int32_t)(i % size.width),
            .y = (int32_t)(i / size.width % size.height),
            .z = (int32_t)(i / size.width / size.height),
            .level = (int32_t)level,
         };
      vt_fetch_texels_3d(&volume, texels, count);
      for (uint32_t i = 0; i < count; i++) {
         uint32_t want = ((uint32_t *)staging.map)[i] & 0xff;

         if ((uint32_t)(texels[i].red * 255.0f + 0.5f) != want ||
             !texels[i].resident)
            fail_msg("level %u texel %d,%d,%d: %f (resident %u), want %u/255",
                     level, texels[i].x, texels[i].y, texels[i].z,
                     (double)texels[i].red, texels[i].resident, want);
      }
      free(texels);
      vkh_buffer_destroy(&vt, &staging);
   }
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

/* ----------------------------------------------------------------- binds -- */

/*
 * A box of 2 x 2 x 2 tiles in one bind: memory advances by x, then y, then z.
 * Then the same memory tile by tile in reverse, and a slice unbound.
 */
static void
test_boxes(void **state)
{
   (void)state;
   const VkExtent3D extent = {96, 96, 48}; /* 3 x 3 x 3 tiles */
   const VkImageCreateInfo info =
      vt_volume_info(&rgba8, VK_IMAGE_TYPE_3D, extent, 1, USAGE);
   struct vt_volume volume;
   VkSparseImageMemoryBind binds[8];

   VT_NEED(vt_volume_supported(&info));
   vt_volume_create(&rgba8, &info, &volume);
   VkDeviceMemory memory = vt_memory(8, volume.req.memoryTypeBits);
   const struct vt_tile corner = {.x = 1, .y = 1, .z = 1};
   binds[0] = vt_volume_bind(&volume, corner, (VkExtent3D){2, 2, 2}, memory, 0);
   vt_bind_image(volume.image, binds, 1);
   for (uint32_t i = 0; i < 8; i++) {
      const struct vt_tile t = {
         .x = 1 + i % 2, .y = 1 + i / 2 % 2, .z = 1 + i / 4};

      vt_volume_write(&volume, t, i);
      binds[i] = vt_volume_bind(&volume, t, one, memory, 7 - i);
   }
   vt_volume_check_resident(&volume, (struct vt_tile){0}, false);
   vt_volume_check_resident(&volume, corner, true);

   vt_bind_image(volume.image, binds, 8);
   for (uint32_t i = 0; i < 8; i++)
      vt_volume_check(
         &volume,
         (struct vt_tile){.x = 1 + i % 2, .y = 1 + i / 2 % 2, .z = 1 + i / 4},
         7 - i);

   const VkSparseImageMemoryBind slice =
      vt_volume_bind(&volume, (struct vt_tile){.z = 1}, (VkExtent3D){3, 3, 1},
                     VK_NULL_HANDLE, 0);
   vt_bind_image(volume.image, &slice, 1);
   vt_volume_check_resident(&volume, corner, false);
   vt_volume_check_resident(&volume, (struct vt_tile){.x = 1, .y = 1, .z = 2},
                            true);
   vt_volume_check(&volume, (struct vt_tile){.x = 2, .y = 2, .z = 2}, 0);
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

/* All of it by one opaque bind; copies that cross tiles in all directions. */
static void
test_opaque_and_partial_copies(void **state)
{
   (void)state;
   const VkExtent3D extent = {70, 50, 37};
   const VkImageCreateInfo info =
      vt_volume_info(&rgba8, VK_IMAGE_TYPE_3D, extent, 7, USAGE);
   struct vt_volume volume;

   VT_NEED(vt_volume_supported(&info));
   vt_volume_create(&rgba8, &info, &volume);
   VkDeviceMemory memory =
      vt_memory(volume.req.size / VT_TILE + 1, volume.req.memoryTypeBits);
   const VkSparseMemoryBind all = {.size = volume.req.size, .memory = memory};
   vt_bind_opaque(volume.image, &all, 1);

   for (uint32_t level = 0; level < 7; level++) {
      const VkExtent3D size = vt_volume_level(&volume, level);

      vt_box_write(&volume, level, (VkOffset3D){0}, size, level);
   }
   vt_box_write(&volume, 0, (VkOffset3D){29, 30, 11}, (VkExtent3D){9, 5, 23},
                100);
   vt_box_write(&volume, 0, (VkOffset3D){64, 32, 32}, (VkExtent3D){6, 18, 5},
                101);
   vt_box_check(&volume, 0, (VkOffset3D){29, 30, 11}, (VkExtent3D){9, 5, 23},
                100);
   vt_box_check(&volume, 0, (VkOffset3D){64, 32, 32}, (VkExtent3D){6, 18, 5},
                101);
   for (uint32_t level = 1; level < 7; level++)
      vt_box_check(&volume, level, (VkOffset3D){0},
                   vt_volume_level(&volume, level), level);
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

/* ------------------------------------------------------------- storage -- */

static uint32_t
run_store(const struct vt_volume *volume, uint32_t level, uint32_t check)
{
   static const VkDescriptorType types[] = {
      VK_DESCRIPTOR_TYPE_STORAGE_IMAGE,
      VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
   };
   const VkShaderStageFlags stage = VK_SHADER_STAGE_COMPUTE_BIT;
   const VkExtent3D size = vt_volume_level(volume, level);
   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = volume->image,
      .viewType = VK_IMAGE_VIEW_TYPE_3D,
      .format = volume->info.format,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, 0, 1},
   };
   struct vkh_buffer out;
   VkDescriptorPool pool;
   VkImageView view;

   VKH_CHECK(vkCreateImageView(vt.device, &view_info, NULL, &view));
   vkh_buffer_create(&vt, 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &out);
   *(uint32_t *)out.map = 0;
   VkDescriptorSetLayout set_layout = vkh_set_layout(&vt, stage, types, 2);
   VkPipelineLayout layout =
      vkh_pipeline_layout(&vt, set_layout, stage, sizeof(check));
   VkPipeline pipeline =
      vkh_compute_pipeline(&vt, layout, vt_store_3d, sizeof(vt_store_3d));
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 2, &pool);
   vkh_write_image(&vt, set, 0, types[0], view, VK_IMAGE_LAYOUT_GENERAL,
                   VK_NULL_HANDLE);
   vkh_write_buffer(&vt, set, 1, types[1], out.buffer, 0, 4);

   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, stage, 0, sizeof(check), &check);
   vkCmdDispatch(cmd, (size.width + 7) / 8, (size.height + 7) / 8, size.depth);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   uint32_t wrong = *(uint32_t *)out.map;

   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
   vkh_buffer_destroy(&vt, &out);
   vkDestroyImageView(vt.device, view, NULL);
   return wrong;
}

/* Stores of shaders, read back by shaders and by copies. */
static void
test_storage(void **state)
{
   (void)state;
   const VkExtent3D extent = {70, 50, 37};
   const VkImageCreateInfo info =
      vt_volume_info(&r32_uint, VK_IMAGE_TYPE_3D, extent, 3,
                     TRANSFER | VK_IMAGE_USAGE_STORAGE_BIT);
   struct vt_volume volume;

   VT_NEED(vt_volume_supported(&info));
   vt_volume_create(&r32_uint, &info, &volume);
   VkDeviceMemory memory =
      vt_memory(volume.req.size / VT_TILE + 1, volume.req.memoryTypeBits);
   const VkSparseMemoryBind all = {.size = volume.req.size, .memory = memory};
   vt_bind_opaque(volume.image, &all, 1);
   for (uint32_t level = 0; level < 3; level++)
      run_store(&volume, level, 0);
   for (uint32_t level = 0; level < 3; level++) {
      const VkExtent3D size = vt_volume_level(&volume, level);
      const uint32_t count = size.width * size.height * size.depth;
      const VkBufferImageCopy copy = {
         .imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, 0, 1},
         .imageExtent = size,
      };
      struct vkh_buffer out;

      assert_int_equal(run_store(&volume, level, 1), 0);
      vkh_buffer_create(&vt, count * 4, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                        VKH_MEMORY_READBACK, &out);
      VkCommandBuffer cmd = vkh_begin(&vt);
      vkCmdCopyImageToBuffer(cmd, volume.image, VK_IMAGE_LAYOUT_GENERAL,
                             out.buffer, 1, &copy);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);
      for (uint32_t i = 0; i < count; i++) {
         uint32_t x = i % size.width, y = i / size.width % size.height,
                  z = i / size.width / size.height;

         assert_int_equal(((uint32_t *)out.map)[i], x + 256 * y + 65536 * z);
      }
      vkh_buffer_destroy(&vt, &out);
   }
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

/* ----------------------------------------------------------------- large -- */

/*
 * As volume renderers do: every tile of a large R8 volume bound, 16 tiles a
 * call. Memory comes round, so that tiles share it.
 */
static void
test_large_volume(void **state)
{
   (void)state;
   const VkExtent3D extent = {1024, 1024, 1024}; /* 16 x 32 x 32 tiles */
   VkImageCreateInfo info =
      vt_volume_info(&r8_snorm, VK_IMAGE_TYPE_3D, extent, 1, USAGE);
   struct vt_volume volume;
   VkSparseImageMemoryBind binds[16];

   info.flags |= VK_IMAGE_CREATE_SPARSE_ALIASED_BIT;
   VT_NEED(vt_volume_supported(&info) && vt.features.sparseResidencyAliased);
   vt_volume_create(&r8_snorm, &info, &volume);
   VkDeviceMemory memory = vt_memory(64, volume.req.memoryTypeBits);
   for (uint32_t row = 0; row < 32 * 32; row++) {
      for (uint32_t x = 0; x < 16; x++)
         binds[x] = vt_volume_bind(
            &volume, (struct vt_tile){.x = x, .y = row % 32, .z = row / 32},
            one, memory, (row * 16 + x) % 64);
      vt_bind_image(volume.image, binds, 16);
   }
   for (uint32_t i = 0; i < 64; i++)
      vt_volume_write(&volume,
                      (struct vt_tile){.x = i % 16, .y = i / 16, .z = 0}, i);
   /* Row n of tiles has the memory of row n mod 4. */
   vt_volume_check(&volume, (struct vt_tile){.x = 15, .y = 31, .z = 31}, 63);
   vt_volume_check(&volume, (struct vt_tile){.x = 3, .y = 6, .z = 17}, 35);
   vt_volume_check_resident(&volume,
                            (struct vt_tile){.x = 15, .y = 31, .z = 31}, true);
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

int
main(void)
{
   const struct CMUnitTest more[] = {
      cmocka_unit_test(test_shader_loads),
      cmocka_unit_test(test_boxes),
      cmocka_unit_test(test_opaque_and_partial_copies),
      cmocka_unit_test(test_storage),
      cmocka_unit_test(test_large_volume),
   };
   struct CMUnitTest tests[VKH_ARRAY_SIZE(formats) + VKH_ARRAY_SIZE(more)];

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(formats); i++)
      tests[i] = (struct CMUnitTest){
         .name = formats[i].name,
         .test_func = test_format,
         .initial_state = (void *)&formats[i],
      };
   memcpy(tests + VKH_ARRAY_SIZE(formats), more, sizeof(more));
   return cmocka_run_group_tests_name("vulkan-image-3d", tests, vt_group_setup,
                                      vt_group_teardown);
}
