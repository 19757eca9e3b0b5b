/* SPDX-License-Identifier: MIT */
/*
 * Every colour format of the standard 2D block shapes: what the queries say,
 * and a round trip of bytes and residency through a two-layer, mipmapped image
 * of which every second tile is bound.
 */
#include "vt_image.h"

#define USAGE                                                                  \
   (VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |             \
    VK_IMAGE_USAGE_TRANSFER_DST_BIT)

static void
check_queries(const struct vt_format *format, const struct vt_image *image)
{
   VkSparseImageFormatProperties properties;
   uint32_t count = 1;

   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, format->format, VK_IMAGE_TYPE_2D, VK_SAMPLE_COUNT_1_BIT,
      USAGE, VK_IMAGE_TILING_OPTIMAL, &count, &properties);
   assert_int_equal(count, 1);
   assert_int_equal(properties.aspectMask, VK_IMAGE_ASPECT_COLOR_BIT);
   assert_int_equal(
      properties.flags & VK_SPARSE_IMAGE_FORMAT_NONSTANDARD_BLOCK_SIZE_BIT, 0);
   assert_int_equal(properties.imageGranularity.width, format->tile_w);
   assert_int_equal(properties.imageGranularity.height, format->tile_h);
   assert_int_equal(properties.imageGranularity.depth, 1);
   assert_memory_equal(&image->sparse.formatProperties, &properties,
                       sizeof(properties));
   assert_true(image->sparse.imageMipTailFirstLod <= image->levels);
}

static void
round_trip(const struct vt_format *format)
{
   struct vt_image image;
   VkSparseImageMemoryBind binds[64];
   uint32_t count = 0, resident[16];

   /* Edges that cut tiles; down to levels smaller than a tile. */
   vt_image_create(format, 2 * format->tile_w + format->block_w * 3,
                   format->tile_h + format->block_h * 5, 3, 2, 0, USAGE,
                   &image);
   check_queries(format, &image);
   VkDeviceMemory memory = vt_memory(64, image.req.memoryTypeBits);
   const uint32_t levels = image.sparse.imageMipTailFirstLod;
   for (uint32_t level = 0; level < levels; level++)
      for (uint32_t layer = 0; layer < 2; layer++)
         for (uint32_t y = 0; y < vt_tiles_y(&image, level); y++)
            for (uint32_t x = 0; x < vt_tiles_x(&image, level); x++) {
               if ((x + y + layer) % 2)
                  continue;
               binds[count] = vt_tile_bind(&image, level, layer, x, y, 1, 1,
                                           memory, 63 - count);
               count++;
            }
   vt_bind_image(image.image, binds, count);

   for (int pass = 0; pass < 2; pass++)
      for (uint32_t i = 0; i < count; i++) {
         const VkSparseImageMemoryBind *b = &binds[i];
         void (*f)(const struct vt_image *, uint32_t, uint32_t, uint32_t,
                   uint32_t, uint32_t) = pass ? vt_tile_check : vt_tile_write;
         f(&image, b->subresource.mipLevel, b->subresource.arrayLayer,
           (uint32_t)b->offset.x / format->tile_w,
           (uint32_t)b->offset.y / format->tile_h, i + 1);
      }
   if (vt.features.shaderResourceResidency)
      for (uint32_t level = 0; level < levels; level++)
         for (uint32_t layer = 0; layer < 2; layer++) {
            uint32_t w = vt_tiles_x(&image, level);
            vt_residency(&image, level, layer, resident);
            for (uint32_t i = 0; i < w * vt_tiles_y(&image, level); i++)
               if (resident[i] != 1 - (i % w + i / w + layer) % 2)
                  fail_msg("%s level %u layer %u tile %u: residency %u",
                           format->name, level, layer, i, resident[i]);
         }
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

static void
test_format(void **state)
{
   const struct vt_format *format = *state;

   VT_NEED(vt_image_supported(format, USAGE));
   round_trip(format);
}

/* What must not be claimed. */
static void
test_unsupported(void **state)
{
   (void)state;
   static const struct {
      VkFormat format;
      VkImageType type;
      VkSampleCountFlagBits samples;
      bool offered; /* by the features of the device */
   } cases[] = {
      {VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_1D, VK_SAMPLE_COUNT_1_BIT,
       false},
   };
   VkPhysicalDeviceFeatures has;
   uint32_t count;

   for (unsigned i = 0; i < VKH_ARRAY_SIZE(cases); i++) {
      count = 99;
      vkGetPhysicalDeviceSparseImageFormatProperties(
         vt.physical, cases[i].format, cases[i].type, cases[i].samples, USAGE,
         VK_IMAGE_TILING_OPTIMAL, &count, NULL);
      assert_int_equal(count, 0);
   }
   vkGetPhysicalDeviceFeatures(vt.physical, &has);
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_3D,
      VK_SAMPLE_COUNT_1_BIT, USAGE, VK_IMAGE_TILING_OPTIMAL, &count, NULL);
   assert_int_equal(count, has.sparseResidencyImage3D ? 1 : 0);
   vkGetPhysicalDeviceSparseImageFormatProperties(
      vt.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
      VK_SAMPLE_COUNT_4_BIT, USAGE, VK_IMAGE_TILING_OPTIMAL, &count, NULL);
   assert_true(count == 0 || has.sparseResidency4Samples);
}

int
main(void)
{
   struct CMUnitTest *tests = vkh_calloc(vt_format_count + 1, sizeof(*tests));

   for (unsigned i = 0; i < vt_format_count; i++)
      tests[i] = (struct CMUnitTest){
         .name = vt_formats[i].name,
         .test_func = test_format,
         .initial_state = (void *)&vt_formats[i],
      };
   tests[vt_format_count] =
      (struct CMUnitTest)cmocka_unit_test(test_unsupported);
   int failed = _cmocka_run_group_tests("vulkan-formats", tests,
                                        vt_format_count + 1, vt_group_setup,
                                        vt_group_teardown);
   free(tests);
   return failed;
}
