/* SPDX-License-Identifier: MIT */
/*
 * What shaders and copies see of sparse residency images, from end to end,
 * through the Vulkan loader: contents and residency codes at the corners of
 * every tile. (tests/vulkan has the wider tests of the API.) Runs on any driver
 * with a queue that binds and computes; what only this driver promises is
 * asserted only there. Skipped where there is no such driver.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vk_tiles.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct vk_fixture fixture;

static const struct format_desc formats[] = {
   {VK_FORMAT_R8_UNORM, 1, 1, 1},
   {VK_FORMAT_R8G8_UNORM, 1, 1, 2},
   {VK_FORMAT_R8G8B8A8_UNORM, 1, 1, 4},
   {VK_FORMAT_B8G8R8A8_SRGB, 1, 1, 4},
   {VK_FORMAT_R16G16B16A16_UNORM, 1, 1, 8},
   {VK_FORMAT_R32G32B32A32_SFLOAT, 1, 1, 16},
   {VK_FORMAT_BC1_RGB_UNORM_BLOCK, 4, 4, 8},
   {VK_FORMAT_BC3_UNORM_BLOCK, 4, 4, 16},
   {VK_FORMAT_BC4_UNORM_BLOCK, 4, 4, 8},
};

/* Binds the tiles of @pattern (of every 32), then writes and reads them. */
static void
check_image(const struct format_desc *format, uint32_t width, uint32_t height,
            uint32_t levels, uint32_t layers, uint32_t pattern)
{
   struct image image = create_image(format, width, height, levels, layers);
   struct tiles tiles;
   VkDeviceMemory memory;

   list_tiles(&image, &tiles);
   for (uint32_t i = 0; i < tiles.count; i++)
      tiles.tile[i].bound = pattern >> i % 32 & 1;
   memory = bind_tiles(&image, &tiles);
   vk_make_general(&fixture, image.handle);
   write_tiles(&image, &tiles);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);
   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

/* ------------------------------------------------- tests: what it holds -- */

static void
test_residency(void **state)
{
   check_image(&rgba8, 512, 512, 10, 1, 0x5a3c9669);
   check_image(&rgba8, 512, 512, 10, 1, 0xffffffff);
   check_image(&rgba8, 512, 512, 10, 1, 0);
}

static void
test_odd_sizes(void **state)
{
   check_image(&rgba8, 300, 200, 1, 1, 0x15);
   check_image(&rgba8, 1, 1, 1, 1, 1);
   check_image(&rgba8, 1025, 5, 1, 1, 0x5a3c9669);
   check_image(&rgba8, 5, 1025, 1, 1, 0x5a3c9669);
   check_image(&rgba8, 1025, 5, 11, 1, 0x5a3c9669);
   check_image(&rgba8, 5, 1025, 11, 1, 0x5a3c9669);
}

static void
test_arrays(void **state)
{
   check_image(&rgba8, 300, 200, 1, 5, 0x5a3c9669);
   check_image(&rgba8, 300, 200, 9, 5, 0x5a3c9669);
   check_image(&rgba8, 512, 256, 3, 6, 0xffffffff);
}

/* Offered, and in blocks of 64 KiB, which Mesa 25 gets wrong for BC formats. */
static bool
format_works(const struct format_desc *format)
{
   const VkImageCreateInfo info = residency_info(format, 64, 64, 1, 1);
   VkSparseImageFormatProperties props;
   uint32_t count = 1;

   vkGetPhysicalDeviceSparseImageFormatProperties(
      fixture.pdev, format->format, info.imageType, info.samples, info.usage,
      info.tiling, &count, &props);
   return count == 1 && region_size_B(format, &props.imageGranularity) == TILE;
}

static void
test_formats(void **state)
{
   for (size_t i = 0; i < COUNT(formats); i++) {
      const struct format_desc *format = &formats[i];

      if (!format_works(format)) {
         assert_false(fixture.ours);
         continue;
      }
      check_image(format, 700, 520, 2, 1, 0x5a3c9669);
      check_image(format, 700, 520, 10, 2, 0x5a3c9669);
   }
}

/* Tiles that change places take their contents along. */
static void
test_rebinding(void **state)
{
   struct image image = create_image(&rgba8, 512, 256, 1, 1);
   struct tiles tiles;
   VkDeviceMemory memory;
   VkSparseImageMemoryBind binds[8];

   list_tiles(&image, &tiles);
   assert_int_equal(tiles.count, 8);
   for (uint32_t i = 0; i < 8; i++)
      tiles.tile[i].bound = true;
   memory = bind_tiles(&image, &tiles);
   vk_make_general(&fixture, image.handle);
   write_tiles(&image, &tiles);
   check_by_shader(&image, &tiles);

   /* Backwards, but the first two, which are unbound. */
   for (uint32_t i = 0; i < 8; i++) {
      bool bound = i > 1;

      binds[i] = tile_bind(&tiles.tile[i], bound ? memory : VK_NULL_HANDLE,
                           7 - i);
      tiles.tile[i].bound = bound;
   }
   for (uint32_t i = 0; i < 4; i++) {
      uint8_t byte = tiles.tile[i].byte;

      tiles.tile[i].byte = tiles.tile[7 - i].byte;
      tiles.tile[7 - i].byte = byte;
   }
   bind_image(&image, binds, 8);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);

   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

/* Whole subresources in one bind, whose last tiles the edge cuts. */
static void
test_large_binds(void **state)
{
   struct image image = create_image(&rgba8, 700, 300, 2, 3);
   struct tiles tiles;
   VkSparseImageMemoryBind binds[6];
   uint32_t count = 0, used = 0;
   VkDeviceMemory memory;

   list_tiles(&image, &tiles);
   memory = alloc_tiles(&image, tiles.count);
   for (uint32_t layer = 0; layer < 3; layer++) {
      for (uint32_t level = 0; level < 2; level++) {
         binds[count] = (VkSparseImageMemoryBind){
            .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, level, layer},
            .extent = {level_size(700, level), level_size(300, level), 1},
            .memory = memory,
            .memoryOffset = used * (VkDeviceSize)TILE,
         };
         for (uint32_t i = 0; i < tiles.count; i++) {
            if (tiles.tile[i].level == level && tiles.tile[i].layer == layer) {
               tiles.tile[i].bound = true;
               used++;
            }
         }
         count++;
      }
   }
   assert_int_equal(used, tiles.count);
   bind_image(&image, binds, count);
   vk_make_general(&fixture, image.handle);
   write_tiles(&image, &tiles);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);

   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

static void
bind_opaque(VkImage image, const VkSparseMemoryBind *binds, uint32_t count)
{
   const VkSparseImageOpaqueMemoryBindInfo opaque = {image, count, binds};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageOpaqueBindCount = 1,
      .pImageOpaqueBinds = &opaque,
   };

   vk_ok(vk_bind(&fixture, &info));
}

/* A residency image bound as a whole, then with a hole in the middle. */
static void
test_opaque_binds_of_tiles(void **state)
{
   /* Only here is the order of the tiles behind the offsets known. */
   if (!fixture.ours)
      skip();

   struct image image = create_image(&rgba8, 300, 200, 3, 2);
   struct tiles tiles;
   VkDeviceMemory memory = vk_alloc(&fixture, image.memory.size,
                                    image.memory.memoryTypeBits);
   const VkSparseMemoryBind all = {0, image.memory.size, memory, 0, 0};
   const VkSparseMemoryBind hole = {4 * TILE, 7 * TILE, VK_NULL_HANDLE, 0, 0};

   list_tiles(&image, &tiles);
   assert_int_equal(image.memory.size, tiles.count * TILE);
   for (uint32_t i = 0; i < tiles.count; i++)
      tiles.tile[i].bound = true;
   bind_opaque(image.handle, &all, 1);
   vk_make_general(&fixture, image.handle);
   write_tiles(&image, &tiles);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);

   /* list_tiles() has them in PanVK's order. */
   for (uint32_t i = 4; i < 11; i++)
      tiles.tile[i].bound = false;
   bind_opaque(image.handle, &hole, 1);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);

   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

/* Clears of a residency image whose last tiles the edge cuts. */
static void
test_clear(void **state)
{
   static const VkClearColorValue colour = {.float32 = {1, 0, 1, 0}};
   struct image image = create_image(&rgba8, 300, 200, 2, 2);
   const VkImageSubresourceRange range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 2, 0,
                                          2};
   struct tiles tiles;
   VkDeviceMemory memory;
   VkCommandBuffer commands;

   list_tiles(&image, &tiles);
   for (uint32_t i = 0; i < tiles.count; i++)
      tiles.tile[i].bound = true;
   memory = bind_tiles(&image, &tiles);
   vk_make_general(&fixture, image.handle);
   commands = vk_begin(&fixture);
   vkCmdClearColorImage(commands, image.handle, VK_IMAGE_LAYOUT_GENERAL,
                        &colour, 1, &range);
   vk_submit(&fixture, commands);
   for (uint32_t i = 0; i < tiles.count; i++) {
      const struct tile *tile = &tiles.tile[i];

      vk_download(&fixture, image.handle, tile_layers(tile), tile->offset,
                  tile->extent);
      for (uint32_t t = 0; t < tile->extent.width * tile->extent.height; t++)
         assert_memory_equal(fixture.staging_map + t * 4, "\xff\0\xff\0", 4);
   }
   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

/* ------------------------------------------------------- tests: queries -- */

/* What does not work must be said so in every query, and at creation. */
static void
test_unsupported(void **state)
{
   static const struct {
      const char *what;
      VkImageType type;
      VkFormat format;
      VkImageUsageFlags usage;
      VkImageTiling tiling;
   } cases[] = {
      {"1D", VK_IMAGE_TYPE_1D, VK_FORMAT_R8G8B8A8_UNORM,
       VK_IMAGE_USAGE_SAMPLED_BIT, VK_IMAGE_TILING_OPTIMAL},
      {"depth with stencil", VK_IMAGE_TYPE_2D, VK_FORMAT_D32_SFLOAT_S8_UINT,
       VK_IMAGE_USAGE_SAMPLED_BIT, VK_IMAGE_TILING_OPTIMAL},
      {"two planes", VK_IMAGE_TYPE_2D, VK_FORMAT_G8_B8R8_2PLANE_420_UNORM,
       VK_IMAGE_USAGE_SAMPLED_BIT, VK_IMAGE_TILING_OPTIMAL},
      {"transient", VK_IMAGE_TYPE_2D, VK_FORMAT_R8G8B8A8_UNORM,
       VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
          VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT,
       VK_IMAGE_TILING_OPTIMAL},
      {"rendering what cannot be", VK_IMAGE_TYPE_2D,
       VK_FORMAT_E5B9G9R9_UFLOAT_PACK32,
       VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, VK_IMAGE_TILING_OPTIMAL},
      {"three components", VK_IMAGE_TYPE_2D, VK_FORMAT_R32G32B32_SFLOAT,
       VK_IMAGE_USAGE_SAMPLED_BIT, VK_IMAGE_TILING_OPTIMAL},
      {"linear", VK_IMAGE_TYPE_2D, VK_FORMAT_R8G8B8A8_UNORM,
       VK_IMAGE_USAGE_SAMPLED_BIT, VK_IMAGE_TILING_LINEAR},
   };

   if (!fixture.ours)
      skip();
   for (size_t i = 0; i < COUNT(cases); i++) {
      VkImageCreateInfo info = residency_info(&rgba8, 64, 64, 1, 1);
      VkImageFormatProperties props;
      VkImage image = VK_NULL_HANDLE;
      uint32_t count = 99;

      info.imageType = cases[i].type;
      if (info.imageType == VK_IMAGE_TYPE_1D)
         info.extent.height = 1;
      info.format = cases[i].format;
      info.usage = cases[i].usage;
      info.tiling = cases[i].tiling;
      vkGetPhysicalDeviceSparseImageFormatProperties(
         fixture.pdev, info.format, info.imageType, info.samples, info.usage,
         info.tiling, &count, NULL);
      assert_int_equal(count, 0);
      assert_int_equal(vkGetPhysicalDeviceImageFormatProperties(
                          fixture.pdev, info.format, info.imageType,
                          info.tiling, info.usage, info.flags, &props),
                       VK_ERROR_FORMAT_NOT_SUPPORTED);

      fixture.errors = 0;
      fixture.errors_expected = true;
      assert_int_not_equal(
         vkCreateImage(fixture.device, &info, NULL, &image), VK_SUCCESS);
      fixture.errors_expected = false;
      assert_true(fixture.errors > 0);
      assert_true(image == VK_NULL_HANDLE);
   }
}

/* The engine samples them wrongly: an error, not wrong texels. */
static void
test_cube_array_view(void **state)
{
   VkImageCreateInfo info = residency_info(&rgba8, 64, 64, 1, 12);
   VkImageViewCreateInfo view_info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
      .viewType = VK_IMAGE_VIEW_TYPE_CUBE_ARRAY,
      .format = info.format,
      .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 12},
   };
   VkImageView view;

   if (!fixture.ours)
      skip();
   info.flags |= VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT;
   vk_ok(vkCreateImage(fixture.device, &info, NULL, &view_info.image));
   fixture.errors = 0;
   fixture.errors_expected = true;
   assert_int_equal(vkCreateImageView(fixture.device, &view_info, NULL, &view),
                    VK_ERROR_FORMAT_NOT_SUPPORTED);
   fixture.errors_expected = false;
   assert_true(fixture.errors > 0);

   view_info.viewType = VK_IMAGE_VIEW_TYPE_CUBE;
   view_info.subresourceRange.layerCount = 6;
   vk_ok(vkCreateImageView(fixture.device, &view_info, NULL, &view));
   vkDestroyImageView(fixture.device, view, NULL);
   vkDestroyImage(fixture.device, view_info.image, NULL);
}

/* What can be asked of a description must be what the image then says. */
static void
test_requirements(void **state)
{
   struct image image = create_image(&rgba8, 512, 512, 10, 1);
   const VkImageCreateInfo info = residency_info(&rgba8, 512, 512, 10, 1);
   const VkDeviceImageMemoryRequirements query = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS,
      .pCreateInfo = &info,
      .planeAspect = VK_IMAGE_ASPECT_COLOR_BIT,
   };
   VkMemoryDedicatedRequirements dedicated = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS,
      .requiresDedicatedAllocation = VK_TRUE,
   };
   VkMemoryRequirements2 memory = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2,
      .pNext = &dedicated,
   };
   VkSparseImageMemoryRequirements2 sparse[2] = {
      {.sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_MEMORY_REQUIREMENTS_2},
      {.sType = VK_STRUCTURE_TYPE_SPARSE_IMAGE_MEMORY_REQUIREMENTS_2},
   };
   uint32_t count = 2;

   vkGetDeviceImageMemoryRequirements(fixture.device, &query, &memory);
   assert_memory_equal(&memory.memoryRequirements, &image.memory,
                       sizeof(image.memory));
   if (fixture.ours)
      assert_false(dedicated.requiresDedicatedAllocation);
   vkGetDeviceImageSparseMemoryRequirements(fixture.device, &query, &count,
                                            sparse);
   assert_int_equal(count, 1);
   assert_memory_equal(&sparse[0].memoryRequirements, &image.sparse,
                       sizeof(image.sparse));
   if (fixture.ours) {
      /* 16 + 4 + 1 tiles, and 8 + 4 + 2 + 4 x 1 pages of the mip tail. */
      assert_int_equal(image.memory.size, 23 * TILE);
      assert_int_equal(image.memory.alignment, TILE);
      assert_int_equal(image.sparse.imageMipTailFirstLod, 3);
      assert_int_equal(image.sparse.imageMipTailSize, 2 * TILE);
      assert_int_equal(image.sparse.imageMipTailOffset, 21 * TILE);
   }
   destroy_image(&image);
}

/* Larger than the engine can address: an error, not a crash later. */
static void
test_too_large(void **state)
{
   const struct format_desc rgba32 = {VK_FORMAT_R32G32B32A32_SFLOAT, 1, 1, 16};
   VkImageCreateInfo info = residency_info(&rgba32, 16384, 16384, 1, 1);
   VkImageFormatProperties props;
   VkImage image;

   if (!fixture.ours)
      skip();
   vk_ok(vkGetPhysicalDeviceImageFormatProperties(
      fixture.pdev, info.format, info.imageType, info.tiling, info.usage,
      info.flags, &props));
   assert_true(props.maxResourceSize < 16384ull * 16384 * 16);
   assert_true(props.maxResourceSize >= 1ull << 31);
   fixture.errors = 0;
   fixture.errors_expected = true;
   for (int opaque = 0; opaque < 2; opaque++) {
      if (opaque)
         info.flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT;
      assert_int_equal(vkCreateImage(fixture.device, &info, NULL, &image),
                       VK_ERROR_OUT_OF_DEVICE_MEMORY);
   }
   /* foijord's SparseTexture: 16 GiB of R8 voxels. */
   info = residency_info(&rgba8, 4096, 4096, 1, 1);
   info.imageType = VK_IMAGE_TYPE_3D;
   info.format = VK_FORMAT_R8_SNORM;
   info.extent.depth = 1024;
   assert_int_equal(vkCreateImage(fixture.device, &info, NULL, &image),
                    VK_ERROR_OUT_OF_DEVICE_MEMORY);
   fixture.errors_expected = false;
   assert_true(fixture.errors >= 3);
}

/* The demo's texture: 1.3 GiB of addresses, of which five tiles get memory. */
static void
test_large_image(void **state)
{
   struct image image = create_image(&rgba8, 16384, 16384, 15, 1);
   struct tiles tiles = {.count = 5};
   static const uint32_t at[5][3] = {
      {0, 0, 0}, {0, 127, 127}, {0, 64, 3}, {3, 15, 15}, {7, 0, 0}};
   VkDeviceMemory memory;

   for (uint32_t i = 0; i < 5; i++) {
      struct tile *tile = &tiles.tile[i];

      *tile = (struct tile){.level = at[i][0],
                            .x = at[i][1],
                            .y = at[i][2],
                            .bound = true,
                            .byte = (uint8_t)(10 + i)};
      if (tile->level >= image.sparse.imageMipTailFirstLod ||
          image.tile.width != 128 || image.tile.height != 128) {
         destroy_image(&image);
         skip();
      }
      assert_true(tile_region(&image, tile->level, tile->x, tile->y,
                              &tile->offset, &tile->extent));
   }
   memory = bind_tiles(&image, &tiles);
   vk_make_general(&fixture, image.handle);
   write_tiles(&image, &tiles);
   check_by_shader(&image, &tiles);
   check_by_copy(&image, &tiles);
   destroy_image(&image);
   vkFreeMemory(fixture.device, memory, NULL);
}

/* Many images one after the other, and many at once: addresses come back. */
static void
test_many_images(void **state)
{
   struct image images[32];

   for (int round = 0; round < 4; round++) {
      for (size_t i = 0; i < COUNT(images); i++)
         images[i] = create_image(&rgba8, 1024, 512, 5, 4);
      for (size_t i = 0; i < COUNT(images); i++)
         destroy_image(&images[(i * 13 + 5) % COUNT(images)]);
   }
   check_image(&rgba8, 300, 200, 2, 2, 0x5a3c9669);
}

/* Neither the driver nor a layer had anything to say that no test expected. */
static void
test_no_errors(void **state)
{
   assert_int_equal(fixture.unexpected_errors, 0);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unsupported),
      cmocka_unit_test(test_cube_array_view),
      cmocka_unit_test(test_requirements),
      cmocka_unit_test(test_too_large),
      cmocka_unit_test(test_residency),
      cmocka_unit_test(test_odd_sizes),
      cmocka_unit_test(test_arrays),
      cmocka_unit_test(test_formats),
      cmocka_unit_test(test_rebinding),
      cmocka_unit_test(test_large_binds),
      cmocka_unit_test(test_opaque_binds_of_tiles),
      cmocka_unit_test(test_clear),
      cmocka_unit_test(test_large_image),
      cmocka_unit_test(test_many_images),
      cmocka_unit_test(test_no_errors),
   };
   int failed;

   if (!vk_fixture_init(&fixture)) {
      printf("1..0 # SKIP no sparse residency images\n");
      return fixture.ours;
   }
   failed = cmocka_run_group_tests(tests, NULL, NULL);
   vk_fixture_finish(&fixture);
   return failed;
}
