/* SPDX-License-Identifier: MIT */
/*
 * The mip tail of residency images: bound by opaque binds, layer by layer;
 * every level of it keeps its contents apart from all others, and its residency
 * codes follow the binds.
 */
#include "vt_image.h"
#include "vt_volume.h"

#define USAGE                                                                  \
   (VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |             \
    VK_IMAGE_USAGE_TRANSFER_DST_BIT)

static const struct vt_format *
find_format(VkFormat format)
{
   for (unsigned i = 0; i < vt_format_count; i++)
      if (vt_formats[i].format == format)
         return &vt_formats[i];
   return NULL;
}

static bool
single_tail(const struct vt_image *image)
{
   return image->sparse.formatProperties.flags &
          VK_SPARSE_IMAGE_FORMAT_SINGLE_MIPTAIL_BIT;
}

/* Fails unless that is what all tiles of a level say. */
static void
expect_level(const struct vt_image *image, uint32_t level, uint32_t layer,
             bool resident)
{
   uint32_t got[64], n = vt_tiles_x(image, level) * vt_tiles_y(image, level);

   if (!vt.features.shaderResourceResidency)
      return;
   assert_true(n <= VKH_ARRAY_SIZE(got));
   vt_residency(image, level, layer, got);
   for (uint32_t i = 0; i < n; i++)
      if (got[i] != resident)
         fail_msg("%s %ux%u level %u layer %u tile %u: residency %u, want %u",
                  image->format->name, image->width, image->height, level,
                  layer, i, got[i], resident);
}

/* Binds the tail of @layer, or unbinds it. */
static void
bind_tail(const struct vt_image *image, uint32_t layer, VkDeviceMemory memory,
          VkDeviceSize offset)
{
   const VkSparseMemoryBind bind = vt_tail_bind(image, layer, memory, offset);

   vt_bind_opaque(image->image, &bind, 1);
}

static void
for_tail_levels(const struct vt_image *image, uint32_t layer, uint32_t seed,
                void (*fn)(const struct vt_image *, uint32_t, uint32_t,
                           uint32_t, uint32_t, uint32_t))
{
   for (uint32_t level = image->sparse.imageMipTailFirstLod;
        level < image->levels; level++)
      for (uint32_t y = 0; y < vt_tiles_y(image, level); y++)
         for (uint32_t x = 0; x < vt_tiles_x(image, level); x++)
            fn(image, level, layer, x, y, seed++);
}

static void
check_tail(VkFormat format, uint32_t width, uint32_t height, uint32_t levels,
           uint32_t layers)
{
   const struct vt_format *f = find_format(format);
   struct vt_image image;

   if (!vt_image_supported(f, USAGE))
      return;
   vt_image_create(f, width, height, levels, layers, 0, USAGE, &image);
   const VkSparseImageMemoryRequirements *s = &image.sparse;
   const VkDeviceSize size = s->imageMipTailSize;

   assert_int_equal(size % VT_TILE, 0);
   if (s->imageMipTailFirstLod >= levels || single_tail(&image)) {
      vt_image_destroy(&image);
      return;
   }
   assert_true(size >= VT_TILE);
   assert_int_equal(s->imageMipTailOffset % VT_TILE, 0);
   if (layers > 1)
      assert_int_equal(s->imageMipTailStride % VT_TILE, 0);
   assert_true(s->imageMipTailOffset + (layers - 1) * s->imageMipTailStride +
                  size <=
               image.req.size);
   VkDeviceMemory memory =
      vt_memory(layers * size / VT_TILE, image.req.memoryTypeBits);
   const uint32_t first = s->imageMipTailFirstLod;

   /* Last layer first: the others are not touched. */
   for (uint32_t n = 0; n < layers; n++) {
      uint32_t layer = layers - 1 - n;

      expect_level(&image, first, layer, false);
      expect_level(&image, levels - 1, layer, false);
      bind_tail(&image, layer, memory, n * size);
      for_tail_levels(&image, layer, layer * 1000, vt_tile_write);
   }
   for (uint32_t layer = 0; layer < layers; layer++) {
      for_tail_levels(&image, layer, layer * 1000, vt_tile_check);
      for (uint32_t level = first; level < levels; level++)
         expect_level(&image, level, layer, true);
   }
   if (first > 0)
      expect_level(&image, first - 1, 0, false);

   /* The tails of two layers change places; then one goes. */
   if (layers > 1) {
      bind_tail(&image, 0, memory, (layers - 1 - 1) * size);
      bind_tail(&image, 1, memory, (layers - 1) * size);
      for_tail_levels(&image, 0, 1000, vt_tile_check);
      for_tail_levels(&image, 1, 0, vt_tile_check);
      bind_tail(&image, 0, VK_NULL_HANDLE, 0);
      expect_level(&image, first, 0, false);
      expect_level(&image, levels - 1, 0, false);
      expect_level(&image, first, 1, true);
      for_tail_levels(&image, 1, 0, vt_tile_check);
   }
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

static void
test_formats(void **state)
{
   (void)state;
   check_tail(VK_FORMAT_R8_UNORM, 512, 512, 10, 1);
   check_tail(VK_FORMAT_R8G8_UNORM, 512, 512, 10, 1);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 512, 512, 10, 1);
   check_tail(VK_FORMAT_R16G16B16A16_SFLOAT, 256, 256, 9, 1);
   check_tail(VK_FORMAT_R32G32B32A32_SFLOAT, 256, 256, 9, 1);
   check_tail(VK_FORMAT_BC1_RGB_UNORM_BLOCK, 1024, 1024, 11, 1);
   check_tail(VK_FORMAT_BC3_UNORM_BLOCK, 512, 512, 10, 1);
}

static void
test_sizes(void **state)
{
   (void)state;
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 300, 200, 9, 1);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 1025, 5, 11, 1);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 5, 1025, 11, 1);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 100, 100, 7, 1);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 600, 300, 10, 1);
   check_tail(VK_FORMAT_R8_UNORM, 1000, 40, 6, 1);
}

static void
test_layers(void **state)
{
   (void)state;
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 300, 200, 9, 3);
   check_tail(VK_FORMAT_R8G8B8A8_UNORM, 256, 256, 9, 6);
   check_tail(VK_FORMAT_BC1_RGB_UNORM_BLOCK, 600, 600, 10, 2);
}

/* ------------------------------------------------------------------- 3D -- */

static void
check_volume(const struct vt_volume_format *format, VkExtent3D extent,
             uint32_t levels)
{
   const VkImageCreateInfo info =
      vt_volume_info(format, VK_IMAGE_TYPE_3D, extent, levels, USAGE);
   struct vt_volume volume;

   if (!vt_volume_supported(&info))
      skip();
   vt_volume_create(format, &info, &volume);
   const VkSparseImageMemoryRequirements *s = &volume.sparse;
   if (s->imageMipTailFirstLod >= levels) {
      vt_volume_destroy(&volume);
      return;
   }
   VkDeviceMemory memory =
      vt_memory(s->imageMipTailSize / VT_TILE, volume.req.memoryTypeBits);
   VkSparseMemoryBind bind = {
      .resourceOffset = s->imageMipTailOffset,
      .size = s->imageMipTailSize,
      .memory = memory,
   };

   vt_bind_opaque(volume.image, &bind, 1);
   for (uint32_t l = s->imageMipTailFirstLod; l < levels; l++)
      vt_box_write(&volume, l, (VkOffset3D){0}, vt_volume_level(&volume, l), l);
   for (uint32_t l = s->imageMipTailFirstLod; l < levels; l++) {
      vt_box_check(&volume, l, (VkOffset3D){0}, vt_volume_level(&volume, l), l);
      vt_volume_check_resident(&volume, (struct vt_tile){.level = l}, true);
   }
   bind.memory = VK_NULL_HANDLE;
   vt_bind_opaque(volume.image, &bind, 1);
   for (uint32_t l = s->imageMipTailFirstLod; l < levels; l++)
      vt_volume_check_resident(&volume, (struct vt_tile){.level = l}, false);
   vt_volume_destroy(&volume);
   vkFreeMemory(vt.device, memory, NULL);
}

static void
test_volumes(void **state)
{
   (void)state;
   static const struct vt_volume_format r8 = {
      VK_FORMAT_R8_UNORM, "R8_UNORM", 1, 1, 1, {64, 32, 32}};
   static const struct vt_volume_format rgba8 = {
      VK_FORMAT_R8G8B8A8_UNORM, "R8G8B8A8_UNORM", 1, 1, 4, {32, 32, 16}};

   check_volume(&r8, (VkExtent3D){128, 128, 128}, 8);
   check_volume(&rgba8, (VkExtent3D){64, 64, 64}, 7);
   check_volume(&rgba8, (VkExtent3D){100, 70, 9}, 7);
   check_volume(&rgba8, (VkExtent3D){20, 90, 50}, 7);
}

/* ---------------------------------------------------------------- memory -- */

/* No image takes more memory than whole tiles for all levels. */
static void
test_savings(void **state)
{
   (void)state;
   const struct vt_format *f = find_format(VK_FORMAT_R8G8B8A8_UNORM);
   static const struct {
      uint32_t size, levels, tiles; /* unpacked: one tile at least a level */
   } cases[] = {{128, 8, 8}, {256, 9, 12}, {512, 10, 28}, {1024, 11, 92}};

   VT_NEED(vt_image_supported(f, USAGE));
   for (unsigned i = 0; i < VKH_ARRAY_SIZE(cases); i++) {
      struct vt_image image;

      vt_image_create(f, cases[i].size, cases[i].size, cases[i].levels, 1, 0,
                      USAGE, &image);
      assert_true(image.req.size <= cases[i].tiles * VT_TILE);
      print_message("# RGBA8 %ux%u: %u tiles, %u without a tail\n",
                    cases[i].size, cases[i].size,
                    (unsigned)(image.req.size / VT_TILE), cases[i].tiles);
      vt_image_destroy(&image);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formats), cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_layers),  cmocka_unit_test(test_volumes),
      cmocka_unit_test(test_savings),
   };
   return cmocka_run_group_tests_name("vulkan-mip-tail", tests, vt_group_setup,
                                      vt_group_teardown);
}
