/* SPDX-License-Identifier: MIT */
/*
 * Residency images seen as something else than they were created as: other
 * formats, swizzled components, blocks as texels, depth and stencil, cube
 * arrays.
 */
#include "vt.h"

#include "cube_array.spv.h"
#include "fetch_float.spv.h"
#include "fetch_uint.spv.h"

#define USAGE                                                                  \
   (VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |             \
    VK_IMAGE_USAGE_TRANSFER_DST_BIT)
#define SPARSE                                                                 \
   (VK_IMAGE_CREATE_SPARSE_BINDING_BIT | VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT)

/* An image all of which is bound. */
struct bound_image {
   VkImage image;
   VkDeviceMemory memory;
   VkImageAspectFlags aspect;
};

static VkImageCreateInfo
image_info(VkFormat format, VkImageCreateFlags flags, uint32_t width,
           uint32_t height, uint32_t levels, uint32_t layers)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = SPARSE | flags,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format,
      .extent = {width, height, 1},
      .mipLevels = levels,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = USAGE,
   };
}

/* False where the device has no such images, of that one aspect. */
static bool
create_bound(const VkImageCreateInfo *info, VkImageAspectFlags aspect,
             struct bound_image *out)
{
   VkImageFormatProperties limits;
   VkSparseImageFormatProperties sparse;
   uint32_t count = 1;

   if (!vt.features.sparseResidencyImage2D ||
       vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, info->format, info->imageType, info->tiling, info->usage,
          info->flags, &limits) != VK_SUCCESS)
      return false;
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, info->format, info->imageType, info->samples, info->usage,
      info->tiling, &count, &sparse);
   if (!count)
      return false;
   assert_int_equal(sparse.aspectMask, aspect);
   out->aspect = aspect;
   VKH_CHECK(vkCreateImage(vt.device, info, NULL, &out->image));
   VkMemoryRequirements req = vt_image_requirements(out->image);
   out->memory = vt_memory(req.size / VT_TILE + 1, req.memoryTypeBits);
   const VkSparseMemoryBind all = {.size = req.size, .memory = out->memory};
   vt_bind_opaque(out->image, &all, 1);
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_image_layout(cmd, out->image, aspect, VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_GENERAL);
   vkh_run(&vt, cmd);
   return true;
}

static void
destroy_bound(struct bound_image *image)
{
   vkDestroyImage(vt.device, image->image, NULL);
   vkFreeMemory(vt.device, image->memory, NULL);
}

/* Copies between @bytes and one (level, layer), tightly packed. */
static void
transfer(const struct bound_image *image, uint32_t level, uint32_t layer,
         VkExtent3D extent, void *bytes, size_t size_B, bool write)
{
   const VkBufferImageCopy copy = {
      .imageSubresource = {image->aspect, level, layer, 1},
      .imageExtent = extent,
   };
   struct vkh_buffer staging;

   vkh_buffer_create(&vt, size_B,
                     VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                        VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                     VKH_MEMORY_READBACK, &staging);
   if (write)
      memcpy(staging.map, bytes, size_B);
   VkCommandBuffer cmd = vkh_begin(&vt);
   if (write)
      vkCmdCopyBufferToImage(cmd, staging.buffer, image->image,
                             VK_IMAGE_LAYOUT_GENERAL, 1, &copy);
   else
      vkCmdCopyImageToBuffer(cmd, image->image, VK_IMAGE_LAYOUT_GENERAL,
                             staging.buffer, 1, &copy);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   if (!write)
      memcpy(bytes, staging.map, size_B);
   vkh_buffer_destroy(&vt, &staging);
}

/* Words without NaNs and denormals in any part of them. */
static void *
make_bytes(size_t size_B, uint32_t seed)
{
   uint8_t *bytes = vkh_calloc(size_B, 1);

   for (size_t i = 0; i < size_B; i++) {
      uint32_t hash = ((uint32_t)i + seed * 7919) * 0x85ebca6bu;

      bytes[i] = (uint8_t)(0x41 + (hash >> 24) % 16);
   }
   return bytes;
}

/* ------------------------------------------------------------- a shader -- */

/* Runs a compute shader over an image and a buffer. */
static void
run_shader(const uint32_t *code, size_t code_B, VkDescriptorType type,
           VkImageView view, struct vkh_buffer *buffer, const void *push,
           uint32_t push_B, uint32_t x, uint32_t y, uint32_t z)
{
   const VkDescriptorType types[] = {type, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};
   const VkShaderStageFlags stage = VK_SHADER_STAGE_COMPUTE_BIT;
   const VkSamplerCreateInfo sampler_info = {
      .sType = VK_STRUCTURE_TYPE_SAMPLER_CREATE_INFO,
      .maxLod = VK_LOD_CLAMP_NONE,
   };
   VkDescriptorPool pool;
   VkSampler sampler;

   VKH_CHECK(vkCreateSampler(vt.device, &sampler_info, NULL, &sampler));
   VkDescriptorSetLayout set_layout = vkh_set_layout(&vt, stage, types, 2);
   VkPipelineLayout layout =
      vkh_pipeline_layout(&vt, set_layout, stage, push_B);
   VkPipeline pipeline = vkh_compute_pipeline(&vt, layout, code, code_B);
   VkDescriptorSet set = vkh_descriptor_set(&vt, set_layout, types, 2, &pool);
   vkh_write_image(&vt, set, 0, type, view, VK_IMAGE_LAYOUT_GENERAL, sampler);
   vkh_write_buffer(&vt, set, 1, types[1], buffer->buffer, 0, buffer->size_B);

   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdBindPipeline(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
   vkCmdBindDescriptorSets(cmd, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1,
                           &set, 0, NULL);
   vkCmdPushConstants(cmd, layout, stage, 0, push_B, push);
   vkCmdDispatch(cmd, x, y, z);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);

   vkDestroyDescriptorPool(vt.device, pool, NULL);
   vkDestroyPipeline(vt.device, pipeline, NULL);
   vkDestroyPipelineLayout(vt.device, layout, NULL);
   vkDestroyDescriptorSetLayout(vt.device, set_layout, NULL);
   vkDestroySampler(vt.device, sampler, NULL);
}

/*
 * All texels of a view of one level and layer, four words each. For the caller
 * to free.
 */
static uint32_t *
fetch_view(const struct bound_image *image, VkFormat format,
           VkComponentMapping swizzle, uint32_t level, uint32_t layer,
           uint32_t width, uint32_t height, bool is_float)
{
   const VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .image = image->image,
      .viewType = VK_IMAGE_VIEW_TYPE_2D_ARRAY,
      .format = format,
      .components = swizzle,
      .subresourceRange = {image->aspect, level, 1, layer, 1},
   };
   const uint32_t push[] = {width, height, 0, 0};
   const size_t size_B = (size_t)width * height * 16;
   uint32_t *texels = vkh_calloc(size_B, 1);
   struct vkh_buffer out;
   VkImageView view;

   VKH_CHECK(vkCreateImageView(vt.device, &view_info, NULL, &view));
   vkh_buffer_create(&vt, size_B, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &out);
   run_shader(is_float ? vt_fetch_float : vt_fetch_uint,
              is_float ? sizeof(vt_fetch_float) : sizeof(vt_fetch_uint),
              VK_DESCRIPTOR_TYPE_COMBINED_IMAGE_SAMPLER, view, &out, push,
              sizeof(push), (width * height + 63) / 64, 1, 1);
   memcpy(texels, out.map, size_B);
   vkh_buffer_destroy(&vt, &out);
   vkDestroyImageView(vt.device, view, NULL);
   return texels;
}

/* ---------------------------------------------------------------- formats --
 */

static const VkComponentMapping identity = {0};

/* Colours as words, in the last layer and the second level. */
static void
test_mutable(void **state)
{
   (void)state;
   const VkImageCreateInfo info =
      image_info(VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
                 600, 300, 2, 3);
   const VkExtent3D size = {300, 150, 1};
   struct bound_image image;

   VT_NEED(create_bound(&info, VK_IMAGE_ASPECT_COLOR_BIT, &image));
   uint32_t *words = make_bytes(300 * 150 * 4, 1);
   transfer(&image, 1, 2, size, words, 300 * 150 * 4, true);
   uint32_t *texels = fetch_view(&image, VK_FORMAT_R32_UINT, identity, 1, 2,
                                 size.width, size.height, false);
   for (uint32_t i = 0; i < 300 * 150; i++)
      assert_int_equal(texels[i * 4], words[i]);
   free(texels);
   free(words);
   destroy_bound(&image);
}

static void
test_swizzle(void **state)
{
   (void)state;
   const VkImageCreateInfo info =
      image_info(VK_FORMAT_R8G8B8A8_UINT, 0, 200, 140, 1, 1);
   const VkComponentMapping swizzle = {
      VK_COMPONENT_SWIZZLE_A, VK_COMPONENT_SWIZZLE_R, VK_COMPONENT_SWIZZLE_ONE,
      VK_COMPONENT_SWIZZLE_G};
   struct bound_image image;

   VT_NEED(create_bound(&info, VK_IMAGE_ASPECT_COLOR_BIT, &image));
   uint8_t *bytes = make_bytes(200 * 140 * 4, 2);
   transfer(&image, 0, 0, info.extent, bytes, 200 * 140 * 4, true);
   uint32_t *texels = fetch_view(&image, VK_FORMAT_R8G8B8A8_UINT, swizzle, 0, 0,
                                 200, 140, false);
   for (uint32_t i = 0; i < 200 * 140; i++) {
      const uint32_t want[] = {bytes[i * 4 + 3], bytes[i * 4], 1,
                               bytes[i * 4 + 1]};

      assert_memory_equal(&texels[i * 4], want, sizeof(want));
   }
   free(texels);
   free(bytes);
   destroy_bound(&image);
}

/*
 * Blocks of a compressed image as texels of their size. Levels whose sizes are
 * no multiples of blocks; the second level is a block wider than a tile. With
 * @extended usage for storage, which the views alone can have.
 */
static void
block_views(VkFormat format, uint32_t block_B, VkFormat view_format,
            bool extended)
{
   VkImageCreateInfo info =
      image_info(format,
                 VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT |
                    VK_IMAGE_CREATE_BLOCK_TEXEL_VIEW_COMPATIBLE_BIT,
                 1026, 700, 3, 2);
   struct bound_image image;

   if (extended) {
      info.flags |= VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
      info.usage |= VK_IMAGE_USAGE_STORAGE_BIT;
   }
   VT_NEED(create_bound(&info, VK_IMAGE_ASPECT_COLOR_BIT, &image));
   for (uint32_t level = 0; level < 3; level++) {
      const VkExtent3D size = {1026 >> level, 700 >> level, 1};
      const uint32_t w = (size.width + 3) / 4, h = (size.height + 3) / 4;
      uint32_t *words = make_bytes(w * h * block_B, level);

      transfer(&image, level, 1, size, words, w * h * block_B, true);
      uint32_t *texels =
         fetch_view(&image, view_format, identity, level, 1, w, h, false);
      for (uint32_t i = 0; i < w * h; i++)
         if (memcmp(&texels[i * 4], &words[i * block_B / 4], block_B))
            fail_msg("level %u block %u,%u is another", level, i % w, i / w);
      free(texels);
      free(words);
   }
   destroy_bound(&image);
}

static void
test_block_views(void **state)
{
   (void)state;
   block_views(VK_FORMAT_BC1_RGB_UNORM_BLOCK, 8, VK_FORMAT_R32G32_UINT, false);
   block_views(VK_FORMAT_BC3_UNORM_BLOCK, 16, VK_FORMAT_R32G32B32A32_UINT,
               false);
}

static void
test_extended_usage(void **state)
{
   (void)state;
   block_views(VK_FORMAT_BC1_RGB_UNORM_BLOCK, 8, VK_FORMAT_R32G32_UINT, true);
   block_views(VK_FORMAT_BC3_UNORM_BLOCK, 16, VK_FORMAT_R32G32B32A32_UINT,
               true);
}

/* ------------------------------------------------------ depth and stencil --
 */

static void
depth_round_trip(VkFormat format, uint32_t texel_B, VkImageAspectFlags aspect)
{
   const VkImageCreateInfo info = image_info(format, 0, 600, 300, 3, 2);
   struct bound_image image;

   VT_NEED(create_bound(&info, aspect, &image));
   for (uint32_t level = 0; level < 3; level++) {
      const VkExtent3D size = {600 >> level, 300 >> level, 1};
      const uint32_t count = size.width * size.height;
      uint8_t *bytes = make_bytes((size_t)count * texel_B, level);
      uint8_t *back = vkh_calloc(count, texel_B);

      if (format == VK_FORMAT_D32_SFLOAT)
         for (uint32_t i = 0; i < count; i++)
            ((float *)bytes)[i] = (float)(i % 65521) / 65521.0f;
      transfer(&image, level, 1, size, bytes, (size_t)count * texel_B, true);
      transfer(&image, level, 1, size, back, (size_t)count * texel_B, false);
      assert_memory_equal(bytes, back, (size_t)count * texel_B);

      bool is_float = aspect == VK_IMAGE_ASPECT_DEPTH_BIT;
      uint32_t *texels = fetch_view(&image, format, identity, level, 1,
                                    size.width, size.height, is_float);
      for (uint32_t i = 0; i < count; i++) {
         float got, want = 0;

         memcpy(&got, &texels[i * 4], 4);
         if (format == VK_FORMAT_D32_SFLOAT)
            want = ((float *)bytes)[i];
         else if (format == VK_FORMAT_D16_UNORM)
            want = (float)((uint16_t *)bytes)[i] / 65535.0f;
         else
            assert_int_equal(texels[i * 4], bytes[i]);
         if (is_float)
            assert_true(got > want - 1e-6f && got < want + 1e-6f);
      }
      free(texels);
      free(bytes);
      free(back);
   }
   destroy_bound(&image);
}

static void
test_d16(void **state)
{
   (void)state;
   depth_round_trip(VK_FORMAT_D16_UNORM, 2, VK_IMAGE_ASPECT_DEPTH_BIT);
}

static void
test_d32(void **state)
{
   (void)state;
   depth_round_trip(VK_FORMAT_D32_SFLOAT, 4, VK_IMAGE_ASPECT_DEPTH_BIT);
}

static void
test_s8(void **state)
{
   (void)state;
   depth_round_trip(VK_FORMAT_S8_UINT, 1, VK_IMAGE_ASPECT_STENCIL_BIT);
}

static void
test_clear_depth(void **state)
{
   (void)state;
   const VkImageCreateInfo info =
      image_info(VK_FORMAT_D32_SFLOAT, 0, 300, 200, 2, 2);
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_DEPTH_BIT, 0, 2, 0,
                                          2};
   const VkClearDepthStencilValue value = {0.625f, 0};
   static float back[300 * 200];
   struct bound_image image;

   VT_NEED(create_bound(&info, VK_IMAGE_ASPECT_DEPTH_BIT, &image));
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkCmdClearDepthStencilImage(cmd, image.image, VK_IMAGE_LAYOUT_GENERAL,
                               &value, 1, &range);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);
   for (uint32_t layer = 0; layer < 2; layer++)
      for (uint32_t level = 0; level < 2; level++) {
         const VkExtent3D size = {300 >> level, 200 >> level, 1};
         const uint32_t count = size.width * size.height;

         transfer(&image, level, layer, size, back, count * 4, false);
         for (uint32_t i = 0; i < count; i++)
            assert_true(back[i] == 0.625f);
      }
   destroy_bound(&image);
}

/* ------------------------------------------------------------------ cubes --
 */

/* Stores of a cube array's shader, read by shader and by copies. */
static void
test_cube_array_storage(void **state)
{
   (void)state;
   VkImageCreateInfo info = image_info(
      VK_FORMAT_R32_UINT, VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT, 140, 140, 2, 12);
   VkPhysicalDeviceFeatures has;
   struct bound_image image;
   struct vkh_buffer out;
   VkImageView view;

   info.usage = VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
   vkGetPhysicalDeviceFeatures(vt.physical, &has);
   VT_NEED(has.imageCubeArray &&
           create_bound(&info, VK_IMAGE_ASPECT_COLOR_BIT, &image));
   vkh_buffer_create(&vt, 4, VK_BUFFER_USAGE_STORAGE_BUFFER_BIT,
                     VKH_MEMORY_READBACK, &out);
   for (uint32_t level = 0; level < 2; level++) {
      const uint32_t size = 140 >> level;
      const VkImageViewCreateInfo view_info = {
         .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
         .image = image.image,
         .viewType = VK_IMAGE_VIEW_TYPE_CUBE_ARRAY,
         .format = info.format,
         .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, level, 1, 0, 12},
      };
      uint32_t *words = vkh_calloc(size * size, 4);

      VKH_CHECK(vkCreateImageView(vt.device, &view_info, NULL, &view));
      *(uint32_t *)out.map = 0;
      for (uint32_t check = 0; check < 2; check++)
         run_shader(vt_cube_array, sizeof(vt_cube_array),
                    VK_DESCRIPTOR_TYPE_STORAGE_IMAGE, view, &out, &check, 4,
                    (size + 7) / 8, (size + 7) / 8, 12);
      assert_int_equal(*(uint32_t *)out.map, 0);
      for (uint32_t layer = 0; layer < 12; layer++) {
         transfer(&image, level, layer, (VkExtent3D){size, size, 1}, words,
                  size * size * 4, false);
         for (uint32_t i = 0; i < size * size; i++)
            assert_int_equal(words[i],
                             i % size + 256 * (i / size) + 65536 * layer);
      }
      free(words);
      vkDestroyImageView(vt.device, view, NULL);
   }
   vkh_buffer_destroy(&vt, &out);
   destroy_bound(&image);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_mutable),
      cmocka_unit_test(test_swizzle),
      cmocka_unit_test(test_block_views),
      cmocka_unit_test(test_extended_usage),
      cmocka_unit_test(test_d16),
      cmocka_unit_test(test_d32),
      cmocka_unit_test(test_s8),
      cmocka_unit_test(test_clear_depth),
      cmocka_unit_test(test_cube_array_storage),
   };
   return cmocka_run_group_tests_name("vulkan-image-views", tests,
                                      vt_group_setup, vt_group_teardown);
}
