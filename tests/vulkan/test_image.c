/* SPDX-License-Identifier: MIT */
/* Sparse images: residency of arrays and mips, opaque binds, rebinding. */
#include "vt_image.h"

#define USAGE                                                                  \
   (VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT |             \
    VK_IMAGE_USAGE_TRANSFER_DST_BIT)

static const struct vt_format *
rgba8(void)
{
   for (unsigned i = 0; i < vt_format_count; i++)
      if (vt_formats[i].format == VK_FORMAT_R8G8B8A8_UNORM)
         return &vt_formats[i];
   return NULL;
}

#define NEED_RGBA8() VT_NEED(vt_image_supported(rgba8(), USAGE))

static void
expect_residency(const struct vt_image *image, uint32_t level, uint32_t layer,
                 const char *picture)
{
   uint32_t got[64], n = vt_tiles_x(image, level) * vt_tiles_y(image, level);

   if (!vt.features.shaderResourceResidency)
      return;
   assert_int_equal(n, strlen(picture));
   vt_residency(image, level, layer, got);
   for (uint32_t i = 0; i < n; i++)
      if (got[i] != (picture[i] == '#'))
         fail_msg("level %u layer %u tile %u: residency %u, want '%c'", level,
                  layer, i, got[i], picture[i]);
}

/*
 * A level of 4 x 3 tiles, in binds of several tiles: memory advances by x, then
 * by y.
 *
 *     A A A .
 *     A A A B
 *     . . . B
 */
static void
test_rectangles(void **state)
{
   (void)state;
   NEED_RGBA8();
   struct vt_image image;
   vt_image_create(rgba8(), 512, 384, 1, 1, 0, USAGE, &image);
   VkDeviceMemory memory = vt_memory(16, image.req.memoryTypeBits);

   expect_residency(&image, 0, 0, "............");
   const VkSparseImageMemoryBind binds[] = {
      vt_tile_bind(&image, 0, 0, 0, 0, 3, 2, memory, 2),
      vt_tile_bind(&image, 0, 0, 3, 1, 1, 2, memory, 8),
   };
   vt_bind_image(image.image, binds, 2);
   expect_residency(&image, 0, 0, "###.####...#");
   static const struct {
      uint8_t x, y, at;
   } tiles[] = {{0, 0, 2}, {1, 0, 3}, {2, 0, 4}, {0, 1, 5},
                {1, 1, 6}, {2, 1, 7}, {3, 1, 8}, {3, 2, 9}};
   for (unsigned i = 0; i < 8; i++)
      vt_tile_write(&image, 0, 0, tiles[i].x, tiles[i].y, tiles[i].at);

   /* The same memory, tile by tile, upside down: its contents say where. */
   VkSparseImageMemoryBind one[8];
   for (unsigned i = 0; i < 8; i++)
      one[i] = vt_tile_bind(&image, 0, 0, tiles[7 - i].x, tiles[7 - i].y, 1, 1,
                            memory, tiles[i].at);
   vt_bind_image(image.image, one, 8);
   for (unsigned i = 0; i < 8; i++)
      vt_tile_check(&image, 0, 0, tiles[7 - i].x, tiles[7 - i].y, tiles[i].at);

   /* Unbinding the middle row. */
   const VkSparseImageMemoryBind row =
      vt_tile_bind(&image, 0, 0, 0, 1, 4, 1, VK_NULL_HANDLE, 0);
   vt_bind_image(image.image, &row, 1);
   expect_residency(&image, 0, 0, "###........#");
   vt_tile_check(&image, 0, 0, 3, 2, tiles[0].at);
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Every tile of every level and layer keeps to itself. */
static void
test_mips_and_layers(void **state)
{
   (void)state;
   NEED_RGBA8();
   struct vt_image image;
   vt_image_create(rgba8(), 600, 300, 10, 4, 0, USAGE, &image);
   const uint32_t levels = image.sparse.imageMipTailFirstLod;
   VkDeviceMemory memory = vt_memory(256, image.req.memoryTypeBits);
   VkSparseImageMemoryBind binds[256];
   uint32_t count = 0;

   for (uint32_t layer = 0; layer < 4; layer++)
      for (uint32_t level = 0; level < levels; level++)
         for (uint32_t y = 0; y < vt_tiles_y(&image, level); y++)
            for (uint32_t x = 0; x < vt_tiles_x(&image, level); x++) {
               binds[count] = vt_tile_bind(&image, level, layer, x, y, 1, 1,
                                           memory, count * 101 % 256);
               count++;
            }
   assert_true(count <= 256);
   vt_bind_image(image.image, binds, count);
   for (int pass = 0; pass < 2; pass++)
      for (uint32_t i = 0; i < count; i++) {
         const VkSparseImageMemoryBind *b = &binds[i];
         void (*f)(const struct vt_image *, uint32_t, uint32_t, uint32_t,
                   uint32_t, uint32_t) = pass ? vt_tile_check : vt_tile_write;
         f(&image, b->subresource.mipLevel, b->subresource.arrayLayer,
           (uint32_t)b->offset.x / 128, (uint32_t)b->offset.y / 128, i);
      }
   expect_residency(&image, 0, 3, "###############");
   expect_residency(&image, 1, 2, "######");

   /* Unbind one layer of one level: nothing else changes. */
   const VkSparseImageMemoryBind off = vt_tile_bind(
      &image, 1, 2, 0, 0, vt_tiles_x(&image, 1), vt_tiles_y(&image, 1),
      VK_NULL_HANDLE, 0);
   vt_bind_image(image.image, &off, 1);
   expect_residency(&image, 1, 2, "......");
   expect_residency(&image, 1, 1, "######");
   expect_residency(&image, 1, 3, "######");
   expect_residency(&image, 0, 2, "###############");
   if (levels > 2)
      expect_residency(&image, 2, 2, "##");
   for (uint32_t i = 0; i < count; i++)
      if (binds[i].subresource.arrayLayer != 2 ||
          binds[i].subresource.mipLevel != 1)
         vt_tile_check(&image, binds[i].subresource.mipLevel,
                       binds[i].subresource.arrayLayer,
                       (uint32_t)binds[i].offset.x / 128,
                       (uint32_t)binds[i].offset.y / 128, i);
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Opaque binds of a residency image: all of it, then a piece less. */
static void
test_opaque_residency(void **state)
{
   (void)state;
   NEED_RGBA8();
   struct vt_image image;
   vt_image_create(rgba8(), 256, 256, 2, 2, 0, USAGE, &image);
   const uint64_t tiles = image.req.size / VT_TILE;
   VkDeviceMemory memory = vt_memory(tiles, image.req.memoryTypeBits);
   const VkSparseMemoryBind whole = {.size = image.req.size, .memory = memory};

   vt_bind_opaque(image.image, &whole, 1);
   for (uint32_t layer = 0; layer < 2; layer++) {
      expect_residency(&image, 0, layer, "####");
      if (image.sparse.imageMipTailFirstLod > 1)
         expect_residency(&image, 1, layer, "#");
      for (uint32_t i = 0; i < 4; i++)
         vt_tile_write(&image, 0, layer, i % 2, i / 2, layer * 4 + i);
      vt_tile_write(&image, 1, layer, 0, 0, 100 + layer);
   }
   for (uint32_t layer = 0; layer < 2; layer++) {
      for (uint32_t i = 0; i < 4; i++)
         vt_tile_check(&image, 0, layer, i % 2, i / 2, layer * 4 + i);
      vt_tile_check(&image, 1, layer, 0, 0, 100 + layer);
   }
   const VkSparseMemoryBind none = {.size = image.req.size};
   vt_bind_opaque(image.image, &none, 1);
   expect_residency(&image, 0, 0, "....");
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Images that are only sparse-bound: the driver's own layout, bound piecewise. */
static void
binding_only(const VkImageCreateInfo *info, VkImageAspectFlags aspect)
{
   VkImageFormatProperties properties;
   VkImage image;

   if (vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, info->format, info->imageType, info->tiling, info->usage,
          info->flags, &properties) != VK_SUCCESS ||
       !(properties.sampleCounts & info->samples))
      return;
   VKH_CHECK(vkCreateImage(vt.device, info, NULL, &image));
   VkMemoryRequirements req = vt_image_requirements(image);
   const uint64_t tiles = (req.size + VT_TILE - 1) / VT_TILE;
   VkDeviceMemory memory = vt_memory(tiles, req.memoryTypeBits);
   VkSparseMemoryBind *binds = vkh_calloc(tiles, sizeof(*binds));

   for (uint64_t i = 0; i < tiles; i++)
      binds[i] = (VkSparseMemoryBind){
         .resourceOffset = i * VT_TILE,
         .size = i + 1 < tiles ? VT_TILE : req.size - i * VT_TILE,
         .memory = memory,
         .memoryOffset = (tiles - 1 - i) * VT_TILE,
      };
   vt_bind_opaque(image, binds, (uint32_t)tiles);

   const VkClearColorValue color = {.float32 = {64 / 255.0f, 128 / 255.0f,
                                               191 / 255.0f, 1.0f}};
   const VkClearDepthStencilValue depth = {0.5f, 3};
   const VkImageSubresourceRange range = {aspect, 0, VK_REMAINING_MIP_LEVELS, 0,
                                          VK_REMAINING_ARRAY_LAYERS};
   VkCommandBuffer cmd = vkh_begin(&vt);
   vkh_image_layout(cmd, image, aspect, VK_IMAGE_LAYOUT_UNDEFINED,
                    VK_IMAGE_LAYOUT_GENERAL);
   if (aspect == VK_IMAGE_ASPECT_COLOR_BIT)
      vkCmdClearColorImage(cmd, image, VK_IMAGE_LAYOUT_GENERAL, &color, 1,
                           &range);
   else
      vkCmdClearDepthStencilImage(cmd, image, VK_IMAGE_LAYOUT_GENERAL, &depth,
                                  1, &range);
   vkh_full_barrier(cmd);
   vkh_run(&vt, cmd);

   if (info->samples == VK_SAMPLE_COUNT_1_BIT) {
      struct vkh_buffer out;
      const VkExtent3D extent = info->extent;
      const uint32_t texels = extent.width * extent.height * extent.depth;
      const VkBufferImageCopy copy = {
         .imageSubresource = {aspect, 0, info->arrayLayers - 1, 1},
         .imageExtent = extent,
      };
      vkh_buffer_create(&vt, texels * 4ull, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                        VKH_MEMORY_READBACK, &out);
      cmd = vkh_begin(&vt);
      vkCmdCopyImageToBuffer(cmd, image, VK_IMAGE_LAYOUT_GENERAL, out.buffer, 1,
                             &copy);
      vkh_full_barrier(cmd);
      vkh_run(&vt, cmd);
      for (uint32_t i = 0; i < texels; i++)
         if (aspect == VK_IMAGE_ASPECT_COLOR_BIT)
            assert_int_equal(((uint32_t *)out.map)[i], 0xffbf8040);
         else
            assert_true(((float *)out.map)[i] == 0.5f);
      vkh_buffer_destroy(&vt, &out);
   }
   free(binds);
   vkDestroyImage(vt.device, image, NULL);
   vkFreeMemory(vt.device, memory, NULL);
}

static void
test_binding_only(void **state)
{
   (void)state;
   const VkImageUsageFlags transfer =
      VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
   VkImageCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = VK_FORMAT_R8G8B8A8_UNORM,
      .extent = {500, 300, 1},
      .mipLevels = 4,
      .arrayLayers = 3,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = transfer | VK_IMAGE_USAGE_SAMPLED_BIT,
   };

   binding_only(&info, VK_IMAGE_ASPECT_COLOR_BIT);
   info.imageType = VK_IMAGE_TYPE_3D;
   info.extent.depth = 9;
   info.arrayLayers = 1;
   binding_only(&info, VK_IMAGE_ASPECT_COLOR_BIT);
   info.imageType = VK_IMAGE_TYPE_1D;
   info.extent = (VkExtent3D){3000, 1, 1};
   info.arrayLayers = 2;
   info.mipLevels = 1;
   binding_only(&info, VK_IMAGE_ASPECT_COLOR_BIT);
   info.imageType = VK_IMAGE_TYPE_2D;
   info.extent = (VkExtent3D){500, 300, 1};
   info.usage = transfer | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
   info.samples = VK_SAMPLE_COUNT_4_BIT;
   binding_only(&info, VK_IMAGE_ASPECT_COLOR_BIT);
   info.samples = VK_SAMPLE_COUNT_1_BIT;
   info.format = VK_FORMAT_D32_SFLOAT;
   info.usage = transfer | VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
   binding_only(&info, VK_IMAGE_ASPECT_DEPTH_BIT);
}

/* Two images over the same tiles. */
static void
test_aliased(void **state)
{
   (void)state;
   NEED_RGBA8();
   VT_NEED(vt.features.sparseResidencyAliased);
   struct vt_image a, b;
   vt_image_create(rgba8(), 256, 128, 1, 1, VK_IMAGE_CREATE_SPARSE_ALIASED_BIT,
                   USAGE, &a);
   vt_image_create(rgba8(), 128, 256, 1, 1, VK_IMAGE_CREATE_SPARSE_ALIASED_BIT,
                   USAGE, &b);
   VkDeviceMemory memory = vt_memory(2, a.req.memoryTypeBits);
   const VkSparseImageMemoryBind of_a =
      vt_tile_bind(&a, 0, 0, 0, 0, 2, 1, memory, 0);
   const VkSparseImageMemoryBind of_b =
      vt_tile_bind(&b, 0, 0, 0, 0, 1, 2, memory, 0);

   vt_bind_image(a.image, &of_a, 1);
   vt_bind_image(b.image, &of_b, 1);
   vt_tile_write(&a, 0, 0, 0, 0, 11);
   vt_tile_write(&a, 0, 0, 1, 0, 22);
   vt_tile_check(&b, 0, 0, 0, 0, 11);
   vt_tile_check(&b, 0, 0, 0, 1, 22);
   vt_tile_write(&b, 0, 0, 0, 1, 33);
   vt_tile_check(&a, 0, 0, 1, 0, 33);
   vt_image_destroy(&a);
   vt_image_destroy(&b);
   vkFreeMemory(vt.device, memory, NULL);
}

/* Large and mostly empty: far more than memory. */
static void
test_large(void **state)
{
   (void)state;
   NEED_RGBA8();
   enum { SIZE = 16384 };
   VkImageFormatProperties properties;
   if (vkGetPhysicalDeviceImageFormatProperties(
          vt.physical, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
          VK_IMAGE_TILING_OPTIMAL, USAGE,
          VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
             VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT,
          &properties) != VK_SUCCESS ||
       properties.maxExtent.width < SIZE)
      skip();
   struct vt_image image;
   vt_image_create(rgba8(), SIZE, SIZE, 15, 1, 0, USAGE, &image);
   VkDeviceMemory memory = vt_memory(4, image.req.memoryTypeBits);
   const VkSparseImageMemoryBind binds[] = {
      vt_tile_bind(&image, 0, 0, 0, 0, 1, 1, memory, 0),
      vt_tile_bind(&image, 0, 0, 127, 127, 1, 1, memory, 1),
      vt_tile_bind(&image, 0, 0, 64, 1, 1, 1, memory, 2),
      vt_tile_bind(&image, 3, 0, 15, 15, 1, 1, memory, 3),
   };

   vt_bind_image(image.image, binds, 4);
   for (int pass = 0; pass < 2; pass++) {
      void (*f)(const struct vt_image *, uint32_t, uint32_t, uint32_t, uint32_t,
                uint32_t) = pass ? vt_tile_check : vt_tile_write;
      f(&image, 0, 0, 0, 0, 1);
      f(&image, 0, 0, 127, 127, 2);
      f(&image, 0, 0, 64, 1, 3);
      f(&image, 3, 0, 15, 15, 4);
   }
   vt_image_destroy(&image);
   vkFreeMemory(vt.device, memory, NULL);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rectangles),
      cmocka_unit_test(test_mips_and_layers),
      cmocka_unit_test(test_opaque_residency),
      cmocka_unit_test(test_binding_only),
      cmocka_unit_test(test_aliased),
      cmocka_unit_test(test_large),
   };
   return cmocka_run_group_tests_name("vulkan-image", tests, vt_group_setup,
                                      vt_group_teardown);
}
