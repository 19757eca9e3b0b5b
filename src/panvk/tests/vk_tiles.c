/* SPDX-License-Identifier: MIT */
#include "vk_tiles.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

const struct format_desc rgba8 = {VK_FORMAT_R8G8B8A8_UNORM, 1, 1, 4};

VkImageCreateInfo
residency_info(const struct format_desc *format, uint32_t width,
               uint32_t height, uint32_t levels, uint32_t layers)
{
   return (VkImageCreateInfo){
      .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
      .flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT |
               VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT |
               VK_IMAGE_CREATE_SPARSE_ALIASED_BIT,
      .imageType = VK_IMAGE_TYPE_2D,
      .format = format->format,
      .extent = {width, height, 1},
      .mipLevels = levels,
      .arrayLayers = layers,
      .samples = VK_SAMPLE_COUNT_1_BIT,
      .tiling = VK_IMAGE_TILING_OPTIMAL,
      .usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
               VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_SAMPLED_BIT,
   };
}

struct image
create_image(const struct format_desc *format, uint32_t width, uint32_t height,
             uint32_t levels, uint32_t layers)
{
   const VkImageCreateInfo info =
      residency_info(format, width, height, levels, layers);
   struct image image = {
      .format = format,
      .extent = info.extent,
      .levels = levels,
      .layers = layers,
   };
   uint32_t count = 1;

   vk_ok(vkCreateImage(fixture.device, &info, NULL, &image.handle));
   vkGetImageMemoryRequirements(fixture.device, image.handle, &image.memory);
   vkGetImageSparseMemoryRequirements(fixture.device, image.handle, &count,
                                      &image.sparse);
   assert_int_equal(count, 1);
   assert_int_equal(image.sparse.formatProperties.aspectMask,
                    VK_IMAGE_ASPECT_COLOR_BIT);
   image.tile = image.sparse.formatProperties.imageGranularity;
   return image;
}

void
destroy_image(struct image *image)
{
   vkDestroyImage(fixture.device, image->handle, NULL);
}

uint32_t
level_size(uint32_t size, uint32_t level)
{
   return size >> level ? size >> level : 1;
}

bool
tile_region(const struct image *image, uint32_t level, uint32_t x, uint32_t y,
            VkOffset3D *offset_out, VkExtent3D *extent_out)
{
   uint32_t width = level_size(image->extent.width, level);
   uint32_t height = level_size(image->extent.height, level);
   uint32_t left = x * image->tile.width, top = y * image->tile.height;

   if (left >= width || top >= height)
      return false;
   *offset_out = (VkOffset3D){(int32_t)left, (int32_t)top, 0};
   *extent_out = (VkExtent3D){
      width - left < image->tile.width ? width - left : image->tile.width,
      height - top < image->tile.height ? height - top : image->tile.height,
      1,
   };
   return true;
}

void
list_tiles(const struct image *image, struct tiles *tiles)
{
   tiles->count = 0;
   for (uint32_t layer = 0; layer < image->layers; layer++) {
      for (uint32_t level = 0;
           level < image->levels && level < image->sparse.imageMipTailFirstLod;
           level++) {
         struct tile tile = {.level = level, .layer = layer};

         for (tile.y = 0;; tile.y++) {
            for (tile.x = 0; tile_region(image, level, tile.x, tile.y,
                                         &tile.offset, &tile.extent);
                 tile.x++) {
               assert_true(tiles->count < MAX_TILES);
               /* Below 0x7f, so that four make a float that is a number. */
               tile.byte = (uint8_t)(1 + tiles->count * 29 % 125);
               tiles->tile[tiles->count++] = tile;
            }
            if (!tile.x)
               break;
         }
      }
   }
}

VkImageSubresourceLayers
tile_layers(const struct tile *tile)
{
   return (VkImageSubresourceLayers){VK_IMAGE_ASPECT_COLOR_BIT, tile->level,
                                     tile->layer, 1};
}

VkSparseImageMemoryBind
tile_bind(const struct tile *tile, VkDeviceMemory memory, uint32_t nth_tile)
{
   return (VkSparseImageMemoryBind){
      .subresource = {VK_IMAGE_ASPECT_COLOR_BIT, tile->level, tile->layer},
      .offset = tile->offset,
      .extent = tile->extent,
      .memory = memory,
      .memoryOffset = memory ? nth_tile * (VkDeviceSize)TILE : 0,
   };
}

void
bind_image(const struct image *image, const VkSparseImageMemoryBind *binds,
           uint32_t count)
{
   const VkSparseImageMemoryBindInfo bind = {image->handle, count, binds};
   const VkBindSparseInfo info = {
      .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
      .imageBindCount = 1,
      .pImageBinds = &bind,
   };

   vk_ok(vk_bind(&fixture, &info));
}

VkDeviceMemory
alloc_tiles(const struct image *image, uint32_t count)
{
   /* An image may be nothing but a mip tail. */
   return vk_alloc(&fixture, (count ? count : 1) * (VkDeviceSize)TILE,
                   image->memory.memoryTypeBits);
}

VkDeviceMemory
bind_tiles(const struct image *image, const struct tiles *tiles)
{
   VkDeviceMemory memory = alloc_tiles(image, tiles->count);
   VkSparseImageMemoryBind binds[MAX_TILES];
   uint32_t count = 0;

   for (uint32_t i = 0; i < tiles->count; i++) {
      if (tiles->tile[i].bound)
         binds[count++] = tile_bind(&tiles->tile[i], memory, i);
   }
   if (count)
      bind_image(image, binds, count);
   return memory;
}

uint32_t
region_size_B(const struct format_desc *format, const VkExtent3D *extent)
{
   return (extent->width + format->block_width - 1) / format->block_width *
          ((extent->height + format->block_height - 1) / format->block_height) *
          format->block_B;
}

void
write_tiles(const struct image *image, const struct tiles *tiles)
{
   for (uint32_t i = 0; i < tiles->count; i++) {
      const struct tile *tile = &tiles->tile[i];

      if (!tile->bound)
         continue;
      memset(fixture.staging_map, tile->byte,
             region_size_B(image->format, &tile->extent));
      vk_upload(&fixture, image->handle, tile_layers(tile), tile->offset,
                tile->extent);
   }
}

void
check_by_copy(const struct image *image, const struct tiles *tiles)
{
   for (uint32_t i = 0; i < tiles->count; i++) {
      const struct tile *tile = &tiles->tile[i];
      uint32_t size_B = region_size_B(image->format, &tile->extent);

      if (!tile->bound)
         continue;
      memset(fixture.staging_map, 0, size_B);
      vk_download(&fixture, image->handle, tile_layers(tile), tile->offset,
                  tile->extent);
      for (uint32_t b = 0; b < size_B; b++)
         assert_int_equal(fixture.staging_map[b], tile->byte);
   }
}

/* The red channel of the texel at (x, y) where all bytes are @byte. */
static float
expected_red(VkFormat format, uint8_t byte, uint32_t x, uint32_t y)
{
   uint32_t bits = byte * 0x01010101u;
   uint32_t index;
   float f;

   switch (format) {
   case VK_FORMAT_R32G32B32A32_SFLOAT:
      memcpy(&f, &bits, sizeof(f));
      return f;
   case VK_FORMAT_B8G8R8A8_SRGB:
      f = (float)byte / 255;
      return f <= 0.04045f ? f / 12.92f : powf((f + 0.055f) / 1.055f, 2.4f);
   case VK_FORMAT_BC1_RGB_UNORM_BLOCK:
      /* Two-bit indices; the end points are equal, so index 3 is black. */
      index = bits >> 2 * (x % 4) & 3;
      return index == 3 ? 0 : (float)(byte >> 3) / 31;
   case VK_FORMAT_BC3_UNORM_BLOCK:
      return (float)(byte >> 3) / 31;
   case VK_FORMAT_BC4_UNORM_BLOCK:
      /* Three-bit indices, of which 6 is 0 and 7 is 1. */
      index = bits >> 3 * (y % 4 * 4 + x % 4) % 8 & 7;
      return index == 7 ? 1 : index == 6 ? 0 : (float)byte / 255;
   default:
      return (float)byte / 255;
   }
}

static void
assert_red(const struct image *image, const struct tile *tile,
           const struct vk_query *query)
{
   float expected = expected_red(image->format->format, tile->byte, query->x,
                                 query->y);

   if (fabsf(query->red - expected) > 0.004f * fmaxf(expected, 1))
      fail_msg("format %d: texel (%u, %u) of level %u, layer %u: red is %f, "
               "not %f",
               image->format->format, query->x, query->y, tile->level,
               tile->layer, (double)query->red, (double)expected);
}

void
check_by_shader(const struct image *image, const struct tiles *tiles)
{
   static struct vk_query queries[VK_MAX_QUERIES];
   uint32_t count = 0;

   for (uint32_t i = 0; i < tiles->count; i++) {
      const struct tile *tile = &tiles->tile[i];
      uint32_t right = tile->extent.width - 1, bottom = tile->extent.height - 1;
      const uint32_t at[5][2] = {
         {0, 0}, {right, 0}, {0, bottom}, {right, bottom},
         {right / 2, bottom / 3},
      };

      for (int n = 0; n < 5; n++) {
         queries[count++] = (struct vk_query){
            .x = (uint32_t)tile->offset.x + at[n][0],
            .y = (uint32_t)tile->offset.y + at[n][1],
            .layer = tile->layer,
            .level = tile->level,
         };
      }
   }
   vk_fetch(&fixture, image->handle, image->format->format, image->levels,
            image->layers, queries, count);

   for (uint32_t i = 0; i < count; i++) {
      const struct tile *tile = &tiles->tile[i / 5];

      if (queries[i].resident != tile->bound)
         fail_msg("tile (%u, %u) of level %u, layer %u: %sresident, %sbound",
                  tile->x, tile->y, tile->level, tile->layer,
                  queries[i].resident ? "" : "not ",
                  tile->bound ? "" : "not ");
      if (tile->bound)
         assert_red(image, tile, &queries[i]);
   }
}
