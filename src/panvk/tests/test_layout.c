/* SPDX-License-Identifier: MIT */
/*
 * The layout of residency images against enumerations that share no code with
 * it: each walks the tiles in the order in which the documents list them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_layout.h"

#define TILE 65536ull
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* -------------------------------------------------------------- formats -- */

/* The tables of "Standard Sparse Image Block Shapes", in texels. */
static const struct {
   VkFormat format;
   VkImageType type;
   uint32_t width, height, depth;
} shapes[] = {
   {VK_FORMAT_R8_UNORM, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_R8G8_UNORM, VK_IMAGE_TYPE_2D, 256, 128, 1},
   {VK_FORMAT_R8G8B8A8_SRGB, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_B8G8R8A8_UNORM, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_A2B10G10R10_UINT_PACK32, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_B10G11R11_UFLOAT_PACK32, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_E5B9G9R9_UFLOAT_PACK32, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_R5G6B5_UNORM_PACK16, VK_IMAGE_TYPE_2D, 256, 128, 1},
   {VK_FORMAT_R16G16B16A16_SFLOAT, VK_IMAGE_TYPE_2D, 128, 64, 1},
   {VK_FORMAT_R32_UINT, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_R32G32B32A32_SFLOAT, VK_IMAGE_TYPE_2D, 64, 64, 1},
   {VK_FORMAT_R64_UINT, VK_IMAGE_TYPE_2D, 128, 64, 1},
   {VK_FORMAT_D16_UNORM, VK_IMAGE_TYPE_2D, 256, 128, 1},
   {VK_FORMAT_X8_D24_UNORM_PACK32, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_D32_SFLOAT, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_S8_UINT, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_BC1_RGB_UNORM_BLOCK, VK_IMAGE_TYPE_2D, 512, 256, 1},
   {VK_FORMAT_BC2_UNORM_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_BC3_SRGB_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_BC4_SNORM_BLOCK, VK_IMAGE_TYPE_2D, 512, 256, 1},
   {VK_FORMAT_BC5_UNORM_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_BC6H_SFLOAT_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_BC7_SRGB_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_ASTC_5x4_UNORM_BLOCK, VK_IMAGE_TYPE_2D, 320, 256, 1},
   {VK_FORMAT_ASTC_12x12_SRGB_BLOCK, VK_IMAGE_TYPE_2D, 768, 768, 1},
   {VK_FORMAT_ETC2_R8G8B8A1_SRGB_BLOCK, VK_IMAGE_TYPE_2D, 512, 256, 1},
   {VK_FORMAT_EAC_R11G11_SNORM_BLOCK, VK_IMAGE_TYPE_2D, 256, 256, 1},
   {VK_FORMAT_G8B8G8R8_422_UNORM, VK_IMAGE_TYPE_2D, 256, 128, 1},
   {VK_FORMAT_R10X6G10X6_UNORM_2PACK16, VK_IMAGE_TYPE_2D, 128, 128, 1},
   {VK_FORMAT_A4R4G4B4_UNORM_PACK16, VK_IMAGE_TYPE_2D, 256, 128, 1},
   {VK_FORMAT_R8_UNORM, VK_IMAGE_TYPE_3D, 64, 32, 32},
   {VK_FORMAT_R8G8_UNORM, VK_IMAGE_TYPE_3D, 32, 32, 32},
   {VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_3D, 32, 32, 16},
   {VK_FORMAT_R16G16B16A16_SFLOAT, VK_IMAGE_TYPE_3D, 32, 16, 16},
   {VK_FORMAT_R32G32B32A32_SFLOAT, VK_IMAGE_TYPE_3D, 16, 16, 16},
};

static void
test_shapes(void **state)
{
   for (size_t i = 0; i < COUNT(shapes); i++) {
      struct panvk_format_block block;

      assert_true(panvk_format_get_block(shapes[i].format, &block));
      VkExtent3D tile = panvk_format_tile_shape(&block, shapes[i].type);

      assert_int_equal(tile.width, shapes[i].width);
      assert_int_equal(tile.height, shapes[i].height);
      assert_int_equal(tile.depth, shapes[i].depth);
      assert_int_equal(tile.width / block.width * (tile.height / block.height) *
                          tile.depth * block.size_B,
                       TILE);
   }
}

static void
test_formats_without_shape(void **state)
{
   static const VkFormat formats[] = {
      VK_FORMAT_UNDEFINED,
      VK_FORMAT_R8G8B8_UNORM,
      VK_FORMAT_B8G8R8_SRGB,
      VK_FORMAT_R16G16B16_SFLOAT,
      VK_FORMAT_R32G32B32_UINT,
      VK_FORMAT_R64G64B64_UINT,
      VK_FORMAT_R64G64B64A64_SFLOAT,
      VK_FORMAT_D16_UNORM_S8_UINT,
      VK_FORMAT_D24_UNORM_S8_UINT,
      VK_FORMAT_D32_SFLOAT_S8_UINT,
      VK_FORMAT_G8_B8_R8_3PLANE_420_UNORM,
      VK_FORMAT_G8_B8R8_2PLANE_422_UNORM,
      VK_FORMAT_G10X6B10X6G10X6R10X6_422_UNORM_4PACK16,
      VK_FORMAT_MAX_ENUM,
   };
   struct panvk_format_block block;

   for (size_t i = 0; i < COUNT(formats); i++)
      assert_false(panvk_format_get_block(formats[i], &block));
}

/* -------------------------------------------------------------- layouts -- */

static const VkFormat some_formats[] = {
   VK_FORMAT_R8_UNORM,          VK_FORMAT_R8G8_UNORM,
   VK_FORMAT_R8G8B8A8_UNORM,    VK_FORMAT_R16G16B16A16_SFLOAT,
   VK_FORMAT_R32G32B32A32_UINT, VK_FORMAT_BC1_RGB_UNORM_BLOCK,
   VK_FORMAT_BC7_UNORM_BLOCK,   VK_FORMAT_ASTC_10x6_UNORM_BLOCK,
};

static const VkExtent3D some_extents[] = {
   {1, 1, 1},    {127, 129, 1},   {128, 128, 1},  {512, 512, 1},
   {1000, 3, 1}, {3, 1000, 1},    {1200, 530, 1}, {2048, 1024, 1},
   {33, 65, 17}, {100, 100, 100}, {256, 64, 200},
};

static uint32_t
full_levels(VkExtent3D e)
{
   uint32_t levels = 1;

   while (e.width > 1 || e.height > 1 || e.depth > 1) {
      e.width /= 2;
      e.height /= 2;
      e.depth /= 2;
      levels++;
   }
   return levels;
}

typedef void (*layout_fn)(const struct panvk_layout *layout,
                          const struct panvk_layout_info *info);

/* Calls @fn with many layouts, 2D and 3D. */
static void
foreach_layout_of(layout_fn fn, bool packed_tail)
{
   static const uint32_t layer_counts[] = {1, 2, 6, 13};

   for (size_t f = 0; f < COUNT(some_formats); f++) {
      for (size_t e = 0; e < COUNT(some_extents); e++) {
         bool is_3d = some_extents[e].depth > 1;
         uint32_t most = full_levels(some_extents[e]);

         for (uint32_t levels = 1; levels <= most; levels++) {
            for (size_t n = 0; n < COUNT(layer_counts); n++) {
               struct panvk_layout_info info = {
                  .type = is_3d ? VK_IMAGE_TYPE_3D : VK_IMAGE_TYPE_2D,
                  .extent = some_extents[e],
                  .levels = levels,
                  .layers = is_3d ? 1 : layer_counts[n],
                  .packed_tail = packed_tail,
               };
               struct panvk_layout layout;

               assert_true(
                  panvk_format_get_block(some_formats[f], &info.block));
               assert_true(panvk_layout_init(&layout, &info));
               fn(&layout, &info);
               if (is_3d)
                  break;
            }
         }
      }
   }
}

static void
foreach_layout(layout_fn fn)
{
   foreach_layout_of(fn, false);
}

/* Tiles on one axis of one level, counted by subtraction. */
static uint32_t
count_tiles(uint32_t extent, uint32_t level, uint32_t tile)
{
   uint32_t tiles = 1;

   for (; level; level--)
      extent = extent / 2 ? extent / 2 : 1;
   for (; extent > tile; extent -= tile)
      tiles++;
   return tiles;
}

/* The order is: layers, levels, z, y, x; 64 KiB a step; no gaps. */
static void
check_panvk_order(const struct panvk_layout *layout,
                  const struct panvk_layout_info *info)
{
   uint64_t offset = 0;

   for (uint32_t layer = 0; layer < info->layers; layer++) {
      for (uint32_t l = 0; l < info->levels; l++) {
         uint32_t w = count_tiles(info->extent.width, l, layout->tile.width);
         uint32_t h = count_tiles(info->extent.height, l, layout->tile.height);
         uint32_t d = count_tiles(info->extent.depth, l, layout->tile.depth);

         for (uint32_t i = 0; i < w * h * d; i++, offset += TILE) {
            uint32_t x = i % w, y = i / w % h, z = i / w / h;

            assert_int_equal(
               panvk_layout_tile_offset(layout, l, layer, x, y, z), offset);

            struct panvk_tile tile =
               panvk_layout_tile_at(layout, offset + i % TILE);
            assert_int_equal(tile.level, l);
            assert_int_equal(tile.layer, layer);
            assert_int_equal(tile.x, x);
            assert_int_equal(tile.y, y);
            assert_int_equal(tile.z, z);
            assert_int_equal(tile.offset_B, i % TILE);
         }
      }
   }
   assert_int_equal(layout->size_B, offset);
   assert_int_equal(layout->layer_stride_B * info->layers, offset);
}

static void
test_panvk_order(void **state)
{
   foreach_layout(check_panvk_order);
}

/* Levels, then layers. */
static void
check_engine_order(const struct panvk_layout *layout,
                   const struct panvk_layout_info *info)
{
   uint64_t offset = 0;
   bool same = true;

   for (uint32_t l = 0; l < info->levels; l++) {
      uint64_t tiles =
         (uint64_t)count_tiles(info->extent.width, l, layout->tile.width) *
         count_tiles(info->extent.height, l, layout->tile.height) *
         count_tiles(info->extent.depth, l, layout->tile.depth);

      for (uint32_t layer = 0; layer < info->layers; layer++) {
         assert_int_equal(panvk_layout_engine_offset(layout, l, layer), offset);
         same &= panvk_layout_tile_offset(layout, l, layer, 0, 0, 0) == offset;
         offset += tiles * TILE;
      }
   }
   assert_int_equal(layout->size_B, offset);
   assert_int_equal(layout->engine_size_B, offset);

   struct panvk_segment_cursor cursor = {0};
   struct panvk_segment segment;
   uint64_t at = 0;
   uint32_t segments = 0;

   while (panvk_layout_next_segment(layout, &cursor, &segment)) {
      assert_int_equal(segment.offset_B, at);
      at += segment.size_B;
      segments++;
   }
   assert_int_equal(at, offset);
   assert_int_equal(segments == 1, same);
}

static void
test_engine_order(void **state)
{
   foreach_layout(check_engine_order);
}

static struct panvk_layout
make_layout(VkFormat format, uint32_t width, uint32_t height, uint32_t depth,
            uint32_t levels, uint32_t layers)
{
   struct panvk_layout_info info = {
      .type = depth > 1 ? VK_IMAGE_TYPE_3D : VK_IMAGE_TYPE_2D,
      .extent = {width, height, depth},
      .levels = levels,
      .layers = layers,
   };
   struct panvk_layout layout;

   assert_true(panvk_format_get_block(format, &info.block));
   assert_true(panvk_layout_init(&layout, &info));
   return layout;
}

/* Figures that were published, or that can be added up by hand. */
static void
test_figures(void **state)
{
   struct panvk_layout l;

   /* PanVK: RGBA8 512x512 with 10 levels: 16 + 4 + 8 x 1. */
   l = make_layout(VK_FORMAT_R8G8B8A8_UNORM, 512, 512, 1, 10, 1);
   assert_int_equal(l.size_B, 28 * TILE);
   /* The demo: 16,384 + 4,096 + 1,024 + 256 + 64 + 16 + 4 + 8 x 1. */
   l = make_layout(VK_FORMAT_R8G8B8A8_UNORM, 16384, 16384, 1, 15, 1);
   assert_int_equal(l.size_B, 21852 * TILE);
   /* BC1: eight tiles across 4,096 texels. */
   l = make_layout(VK_FORMAT_BC1_RGB_UNORM_BLOCK, 4096, 4096, 1, 1, 1);
   assert_int_equal(l.size_B, 8 * 16 * TILE);
   /* A cube map: six layers of 4 + 8 x 1 tiles. */
   l = make_layout(VK_FORMAT_R8G8B8A8_UNORM, 256, 256, 1, 9, 6);
   assert_int_equal(l.size_B, 6 * 12 * TILE);
   /* foijord/SparseTexture: 65,536 tiles, had it one level and R8. */
   l = make_layout(VK_FORMAT_R8_SNORM, 4096, 4096, 1024, 1, 1);
   assert_int_equal(l.size_B, 64ull * 128 * 32 * TILE);
   /* The largest there can be; no product wraps. */
   l = make_layout(VK_FORMAT_R32G32B32A32_UINT, 65536, 65536, 65536, 17, 1);
   assert_true(l.size_B > 1ull << 52 && l.size_B < 1ull << 53);
   l = make_layout(VK_FORMAT_R32G32B32A32_UINT, 65536, 65536, 1, 17, 65536);
   assert_true(l.size_B > 1ull << 52 && l.size_B < 1ull << 53);

   struct panvk_tile last = panvk_layout_tile_at(&l, l.size_B - 1);
   assert_int_equal(last.level, 16);
   assert_int_equal(last.layer, 65535);
   assert_int_equal(last.offset_B, 65535);
}

/*
 * RGBA8, 70 x 50 x 21, tiles of 32 x 32 x 16: 3 x 2 x 2 of them, then level 1,
 * 35 x 25 x 10, with 2 x 1 x 1.
 *
 *    z 0..15          z 16..20         level 1
 *    +---+---+--      +---+---+--      +---+-
 *    | 0 | 1 | 2      | 6 | 7 | 8      |12 |13
 *    +---+---+--      +---+---+--      +---+-
 *    | 3 | 4 | 5      | 9 |10 |11
 *    +---+---+--      +---+---+--
 */
static void
test_volume_drawn(void **state)
{
   static const uint32_t level_0[2][2][3] = {
      {{0, 1, 2}, {3, 4, 5}},
      {{6, 7, 8}, {9, 10, 11}},
   };
   struct panvk_layout l =
      make_layout(VK_FORMAT_R8G8B8A8_UNORM, 70, 50, 21, 2, 1);
   struct panvk_tile_box box;
   struct panvk_tile_run run;
   uint64_t cursor = 0;

   assert_int_equal(l.size_B, 14 * TILE);
   for (uint32_t z = 0; z < 2; z++)
      for (uint32_t y = 0; y < 2; y++)
         for (uint32_t x = 0; x < 3; x++) {
            struct panvk_tile tile =
               panvk_layout_tile_at(&l, level_0[z][y][x] * TILE + 77);

            assert_int_equal(panvk_layout_tile_offset(&l, 0, 0, x, y, z),
                             level_0[z][y][x] * TILE);
            assert_int_equal(tile.x, x);
            assert_int_equal(tile.y, y);
            assert_int_equal(tile.z, z);
            assert_int_equal(tile.offset_B, 77);
         }
   assert_int_equal(panvk_layout_tile_offset(&l, 1, 0, 1, 0, 0), 13 * TILE);
   assert_int_equal(panvk_layout_engine_offset(&l, 1, 0), 12 * TILE);

   /* The right half of everything: 1, 2, 4, 5, 7, 8, 10, 11 in pairs. */
   assert_null(panvk_layout_box(&l, 0, 0, (VkOffset3D){32, 0, 0},
                                (VkExtent3D){38, 50, 21}, &box));
   for (uint32_t i = 0; i < 4; i++) {
      assert_true(panvk_layout_next_box_run(&l, &box, &cursor, &run));
      assert_int_equal(run.offset_B, (i * 3 + 1) * TILE);
      assert_int_equal(run.memory_offset_B, i * 2 * TILE);
      assert_int_equal(run.size_B, 2 * TILE);
   }
   assert_false(panvk_layout_next_box_run(&l, &box, &cursor, &run));
   /* z is on the grid as well. */
   assert_non_null(panvk_layout_box(&l, 0, 0, (VkOffset3D){0, 0, 8},
                                    (VkExtent3D){70, 50, 13}, &box));
   assert_non_null(panvk_layout_box(&l, 0, 0, (VkOffset3D){0},
                                    (VkExtent3D){70, 50, 20}, &box));
}

static void
test_bad_infos(void **state)
{
   static const struct panvk_layout_info good = {
      .type = VK_IMAGE_TYPE_2D,
      .block = {1, 1, 4, false},
      .extent = {100, 100, 1},
      .levels = 7,
      .layers = 3,
   };
   struct panvk_layout_info bad[12];
   struct panvk_layout layout;

   assert_true(panvk_layout_init(&layout, &good));
   for (size_t i = 0; i < COUNT(bad); i++)
      bad[i] = good;
   bad[0].type = VK_IMAGE_TYPE_1D;
   bad[1].extent.width = 0;
   bad[2].extent.height = 0;
   bad[3].extent.depth = 0;
   bad[4].extent.depth = 2;
   bad[5].extent.width = 65537;
   bad[6].levels = 0;
   bad[7].levels = 8;
   bad[8].layers = 0;
   bad[9].layers = 65537;
   bad[10].type = VK_IMAGE_TYPE_3D; /* with three layers */
   bad[11].extent.height = UINT32_MAX;
   for (size_t i = 0; i < COUNT(bad); i++)
      assert_false(panvk_layout_init(&layout, &bad[i]));
}

/* ---------------------------------------------------------------- boxes -- */

/*
 * RGBA8 300 x 200, four levels, two layers; in tiles of 128 x 128:
 *
 *   level 0   +-----+-----+--:    3 x 2, the edge cuts the last column
 *             |     |     |  :    after 44 texels and the last row
 *             +-----+-----+--:    after 72
 *             +.....+.....+..:
 *   level 1   150 x 100: 2 x 1    level 2   75 x 50: 1 x 1
 */
static const struct {
   uint32_t level, layer;
   VkOffset3D offset;
   VkExtent3D extent;
   bool good;
   struct panvk_tile_box box;
} boxes[] = {
   {0, 0, {0, 0, 0}, {300, 200, 1}, true, {0, 0, 0, 0, 0, 3, 2, 1}},
   {0, 1, {0, 0, 0}, {128, 128, 1}, true, {0, 1, 0, 0, 0, 1, 1, 1}},
   {0, 0, {256, 128, 0}, {44, 72, 1}, true, {0, 0, 2, 1, 0, 1, 1, 1}},
   {0, 0, {128, 0, 0}, {172, 128, 1}, true, {0, 0, 1, 0, 0, 2, 1, 1}},
   {1, 1, {0, 0, 0}, {150, 100, 1}, true, {1, 1, 0, 0, 0, 2, 1, 1}},
   {2, 0, {0, 0, 0}, {75, 50, 1}, true, {2, 0, 0, 0, 0, 1, 1, 1}},
   {3, 0, {0, 0, 0}, {37, 25, 1}, true, {3, 0, 0, 0, 0, 1, 1, 1}},
   /* the subresource */
   {4, 0, {0, 0, 0}, {18, 12, 1}, false, {0}},
   {0, 2, {0, 0, 0}, {128, 128, 1}, false, {0}},
   {UINT32_MAX, 0, {0, 0, 0}, {1, 1, 1}, false, {0}},
   {0, UINT32_MAX, {0, 0, 0}, {1, 1, 1}, false, {0}},
   /* off the grid */
   {0, 0, {1, 0, 0}, {128, 128, 1}, false, {0}},
   {0, 0, {0, 64, 0}, {128, 128, 1}, false, {0}},
   {0, 0, {-128, 0, 0}, {128, 128, 1}, false, {0}},
   {0, 0, {0, 0, 0}, {100, 128, 1}, false, {0}},
   {0, 0, {0, 0, 0}, {128, 100, 1}, false, {0}},
   /* beyond the edge, or short of it */
   {0, 0, {256, 0, 0}, {128, 128, 1}, false, {0}},
   {0, 0, {256, 128, 0}, {44, 71, 1}, false, {0}},
   {0, 0, {384, 0, 0}, {128, 128, 1}, false, {0}},
   {0, 0, {0, 0, 1}, {128, 128, 1}, false, {0}},
   {0, 0, {0, 0, 0}, {128, 128, 2}, false, {0}},
   {0, 0, {128, 0, 0}, {UINT32_MAX, 128, 1}, false, {0}},
   /* nothing */
   {0, 0, {0, 0, 0}, {0, 128, 1}, false, {0}},
   {0, 0, {0, 0, 0}, {128, 0, 1}, false, {0}},
   {0, 0, {0, 0, 0}, {128, 128, 0}, false, {0}},
};

static void
test_boxes(void **state)
{
   const struct panvk_layout layout =
      make_layout(VK_FORMAT_R8G8B8A8_UNORM, 300, 200, 1, 4, 2);

   for (size_t i = 0; i < COUNT(boxes); i++) {
      struct panvk_tile_box box, untouched;
      const char *rule;

      memset(&box, 0xa5, sizeof(box));
      untouched = box;
      rule = panvk_layout_box(&layout, boxes[i].level, boxes[i].layer,
                              boxes[i].offset, boxes[i].extent, &box);
      if ((rule == NULL) != boxes[i].good)
         fail_msg("case %zu: %s", i, rule ? rule : "accepted");
      assert_memory_equal(&box, boxes[i].good ? &boxes[i].box : &untouched,
                          sizeof(box));
   }
}

/* ----------------------------------------------------------------- runs -- */

/* Adds the tiles of a run to what was seen; fails on gaps between runs. */
static void
check_run(const struct panvk_layout *layout, const struct panvk_tile_run *run,
          const struct panvk_tile_run *previous)
{
   assert_true(run->size_B && run->size_B % TILE == 0);
   assert_true(run->offset_B + run->size_B <= layout->size_B);
   assert_true(run->engine_offset_B + run->size_B <= layout->size_B);
   if (!previous)
      return;
   assert_int_equal(run->memory_offset_B,
                    previous->memory_offset_B + previous->size_B);
   /* Two runs that join on all three sides should have been one. */
   assert_false(run->offset_B == previous->offset_B + previous->size_B &&
                run->engine_offset_B ==
                   previous->engine_offset_B + previous->size_B);
}

/* The engine's place of the tile at an offset in PanVK's order. */
static uint64_t
engine_place(const struct panvk_layout *layout, uint64_t offset)
{
   struct panvk_tile tile = panvk_layout_tile_at(layout, offset);

   return panvk_layout_engine_offset(layout, tile.level, tile.layer) + offset -
          panvk_layout_tile_offset(layout, tile.level, tile.layer, 0, 0, 0);
}

static void
check_box_runs(const struct panvk_layout *layout,
               const struct panvk_tile_box *box)
{
   struct panvk_tile_run run, previous;
   uint64_t cursor = 0, in_run = 0, memory = 0;

   assert_true(panvk_layout_next_box_run(layout, box, &cursor, &run));
   check_run(layout, &run, NULL);
   for (uint32_t z = box->z; z < box->z + box->depth; z++) {
      for (uint32_t y = box->y; y < box->y + box->height; y++) {
         for (uint32_t x = box->x; x < box->x + box->width; x++) {
            uint64_t offset = panvk_layout_tile_offset(layout, box->level,
                                                       box->layer, x, y, z);

            if (in_run == run.size_B) {
               previous = run;
               assert_true(
                  panvk_layout_next_box_run(layout, box, &cursor, &run));
               check_run(layout, &run, &previous);
               in_run = 0;
            }
            assert_int_equal(run.offset_B + in_run, offset);
            assert_int_equal(run.engine_offset_B + in_run,
                             engine_place(layout, offset));
            assert_int_equal(run.memory_offset_B + in_run, memory);
            in_run += TILE;
            memory += TILE;
         }
      }
   }
   assert_int_equal(in_run, run.size_B);
   assert_false(panvk_layout_next_box_run(layout, box, &cursor, &run));
}

static uint32_t
pick(uint32_t n)
{
   return (uint32_t)rand() % n;
}

static void
check_random_box_runs(const struct panvk_layout *layout,
                      const struct panvk_layout_info *info)
{
   for (int i = 0; i < 4; i++) {
      struct panvk_tile_box box = {.level = pick(layout->levels),
                                   .layer = pick(layout->layers)};
      const struct panvk_layout_level *level = &layout->level[box.level];

      /* Whole widths and heights often, since their runs join. */
      box.x = pick(2) ? 0 : pick(level->tiles_x);
      box.y = pick(2) ? 0 : pick(level->tiles_y);
      box.z = pick(2) ? 0 : pick(level->tiles_z);
      box.width = level->tiles_x - box.x;
      box.height = level->tiles_y - box.y;
      box.depth = level->tiles_z - box.z;
      if (pick(2))
         box.width = 1 + pick(box.width);
      if (pick(2))
         box.height = 1 + pick(box.height);
      if (pick(2))
         box.depth = 1 + pick(box.depth);
      check_box_runs(layout, &box);
   }
}

static void
test_box_runs(void **state)
{
   foreach_layout(check_random_box_runs);
}

static void
check_range_runs(const struct panvk_layout *layout, uint64_t offset,
                 uint64_t size)
{
   struct panvk_tile_run run, previous;
   uint64_t cursor = 0, at = 0;
   bool first = true;

   while (panvk_layout_next_range_run(layout, offset, size, &cursor, &run)) {
      check_run(layout, &run, first ? NULL : &previous);
      assert_int_equal(run.offset_B, offset + at);
      assert_int_equal(run.memory_offset_B, at);
      for (uint64_t in_run = 0; in_run < run.size_B; in_run += TILE)
         assert_int_equal(run.engine_offset_B + in_run,
                          engine_place(layout, offset + at + in_run));
      at += run.size_B;
      previous = run;
      first = false;
   }
   assert_int_equal(at, size);
}

static void
check_random_range_runs(const struct panvk_layout *layout,
                        const struct panvk_layout_info *info)
{
   uint32_t tiles = (uint32_t)(layout->size_B / TILE);

   check_range_runs(layout, 0, layout->size_B);
   check_range_runs(layout, 0, 0);
   for (int i = 0; i < 4; i++) {
      uint32_t start = pick(tiles);

      check_range_runs(layout, start * TILE, (1 + pick(tiles - start)) * TILE);
   }
}

static void
test_range_runs(void **state)
{
   foreach_layout(check_random_range_runs);
}

/* ------------------------------------------------------------- mip tail -- */

/* Of the 16 pages of a tile, those with a texel of the level: bit by bit. */
static uint32_t
touched_pages(const struct panvk_layout *layout, VkExtent3D size, uint32_t x,
              uint32_t y, uint32_t z)
{
   const struct panvk_format_block *block = &layout->block;
   const VkExtent3D *tile = &layout->tile;
   uint32_t pages = 0;

   for (uint32_t tz = 0; tz < tile->depth; tz++)
      for (uint32_t ty = 0; ty < tile->height; ty += block->height)
         for (uint32_t tx = 0; tx < tile->width; tx += block->width) {
            uint32_t row =
               tz * (tile->height / block->height) + ty / block->height;
            uint32_t texel =
               row * (tile->width / block->width) + tx / block->width;

            if (x * tile->width + tx < size.width &&
                y * tile->height + ty < size.height &&
                z * tile->depth + tz < size.depth)
               pages |= 1u << texel * block->size_B / 4096;
         }
   return pages;
}

static bool
smaller(VkExtent3D size, VkExtent3D tile)
{
   return size.width < tile.width || size.height < tile.height ||
          size.depth < tile.depth;
}

/*
 * The tail holds the touched pages of all levels from the first small one on,
 * in order, but not of a level 0 of several tiles; every other level is as if
 * there were no tail.
 */
static void
check_tail(const struct panvk_layout *layout,
           const struct panvk_layout_info *info)
{
   struct panvk_layout_info whole_info = *info;
   struct panvk_layout whole;
   uint64_t at = 0;
   uint32_t first = layout->level[0].tiles_x * layout->level[0].tiles_y *
                       layout->level[0].tiles_z > 1;

   whole_info.packed_tail = false;
   assert_true(panvk_layout_init(&whole, &whole_info));
   assert_int_equal(layout->engine_size_B, whole.size_B);
   while (first < info->levels &&
          !smaller(layout->level[first].extent, layout->tile))
      first++;
   if (layout->tail_first == info->levels) {
      assert_int_equal(layout->size_B, whole.size_B);
      assert_int_equal(layout->tail_blocks, 0);
   } else {
      assert_int_equal(layout->tail_first, first);
      assert_true(layout->size_B < whole.size_B);
      assert_int_equal(layout->tail_offset_B % TILE, 0);
   }

   for (uint32_t l = 0; l < info->levels; l++) {
      const struct panvk_layout_level *level = &layout->level[l];
      uint32_t tiles = level->tiles_x * level->tiles_y * level->tiles_z;

      if (l == layout->tail_first)
         assert_int_equal(at, layout->tail_offset_B);
      for (uint32_t i = 0; i < tiles; i++) {
         uint32_t x = i % level->tiles_x,
                  y = i / level->tiles_x % level->tiles_y,
                  z = i / level->tiles_x / level->tiles_y;
         uint32_t pages = 16;

         if (l >= layout->tail_first) {
            struct panvk_tail_part part =
               panvk_layout_tail_part(layout, l, x, y, z);
            uint32_t mask = touched_pages(layout, level->extent, x, y, z);

            pages = part.size_B / 4096;
            assert_int_equal(part.size_B % 4096, 0);
            assert_int_equal(part.offset_B, at);
            /* At the start, and no more than these. */
            assert_int_equal(mask & ~((1ull << pages) - 1), 0);
            assert_true(mask >> (pages - 1) & 1);
         }
         for (uint32_t layer = 0; layer < info->layers; layer++) {
            uint64_t offset = layer * layout->layer_stride_B + at;

            assert_int_equal(
               panvk_layout_tile_offset(layout, l, layer, x, y, z), offset);
            for (uint32_t page = 0; page < pages; page++) {
               struct panvk_tile tile =
                  panvk_layout_tile_at(layout, offset + page * 4096 + 7);

               assert_int_equal(tile.level, l);
               assert_int_equal(tile.layer, layer);
               assert_int_equal(tile.x, x);
               assert_int_equal(tile.y, y);
               assert_int_equal(tile.z, z);
               assert_int_equal(tile.offset_B, page * 4096 + 7);
            }
         }
         at += pages * 4096;
      }
   }
   /* A level that is smaller than a block only in one direction saves less. */
   assert_true(at <= layout->layer_stride_B);
   assert_true(layout->layer_stride_B - at < TILE);
}

static void
test_tail(void **state)
{
   foreach_layout_of(check_tail, true);
}

/*
 * RGBA8, 512 x 512: three levels of whole tiles, then those of 64, 32, 16, ...
 * rows of 512 bytes.
 *
 *   GPU range  [ level 0: 16 tiles ][ 4 tiles ][ 1 tile ][ tail: 2 blocks ]
 *   tail       3 3 3 3 3 3 3 3 4 4 4 4 5 5 6 7 | 8 9 . . . . . . . . . . . . .
 * .
 */
static void
test_tail_drawn(void **state)
{
   static const uint8_t page_levels[] = {3, 3, 3, 3, 3, 3, 3, 3, 4,
                                         4, 4, 4, 5, 5, 6, 7, 8, 9};
   const struct panvk_layout_info info = {
      .type = VK_IMAGE_TYPE_2D,
      .block = {1, 1, 4, false},
      .extent = {512, 512, 1},
      .levels = 10,
      .layers = 1,
      .packed_tail = true,
   };
   struct panvk_segment_cursor cursor = {0};
   struct panvk_segment segment;
   struct panvk_tile_box box;
   struct panvk_layout l;

   assert_true(panvk_layout_init(&l, &info));
   assert_int_equal(l.tail_first, 3);
   assert_int_equal(l.tail_offset_B, 21 * TILE);
   assert_int_equal(l.tail_blocks, 2);
   assert_int_equal(l.size_B, 23 * TILE);
   assert_int_equal(l.engine_size_B, 28 * TILE);
   for (uint32_t page = 0; page < COUNT(page_levels); page++)
      assert_int_equal(panvk_layout_tile_at(&l, 21 * TILE + page * 4096).level,
                       page_levels[page]);
   assert_int_equal(panvk_layout_tile_at(&l, 23 * TILE - 1).level, 9);

   /* The first segment goes on into the tail; then one a level. */
   assert_true(panvk_layout_next_segment(&l, &cursor, &segment));
   assert_int_equal(segment.size_B, 21 * TILE + 8 * 4096);
   for (uint32_t level = 4; level < 10; level++) {
      assert_true(panvk_layout_next_segment(&l, &cursor, &segment));
      assert_int_equal(segment.offset_B, l.level[level].offset_B);
      assert_int_equal(segment.engine_offset_B, (18 + level) * TILE);
   }
   assert_false(panvk_layout_next_segment(&l, &cursor, &segment));

   assert_null(panvk_layout_box(&l, 2, 0, (VkOffset3D){0},
                                (VkExtent3D){128, 128, 1}, &box));
   assert_non_null(strstr(panvk_layout_box(&l, 3, 0, (VkOffset3D){0},
                                           (VkExtent3D){64, 64, 1}, &box),
                          "mip tail"));
}

/* Every run of a layout with a tail; blocks of tails have their numbers. */
static void
check_tail_runs(const struct panvk_layout *layout,
                const struct panvk_layout_info *info)
{
   struct panvk_tile_run run;
   uint64_t cursor = 0, at = 0;

   while (
      panvk_layout_next_range_run(layout, 0, layout->size_B, &cursor, &run)) {
      assert_int_equal(run.offset_B, at);
      for (uint64_t offset = at; offset < at + run.size_B; offset += TILE) {
         uint64_t in_layer = offset % layout->layer_stride_B;
         uint32_t layer = (uint32_t)(offset / layout->layer_stride_B);
         uint64_t want;

         if (layout->tail_blocks && in_layer >= layout->tail_offset_B)
            want = layout->engine_size_B +
                   (layer * layout->tail_blocks) * TILE + in_layer -
                   layout->tail_offset_B;
         else
            want = engine_place(layout, offset);
         assert_int_equal(run.engine_offset_B + offset - at, want);
      }
      at += run.size_B;
   }
   assert_int_equal(at, layout->size_B);
}

static void
test_tail_runs(void **state)
{
   foreach_layout_of(check_tail_runs, true);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_formats_without_shape),
      cmocka_unit_test(test_panvk_order),
      cmocka_unit_test(test_engine_order),
      cmocka_unit_test(test_figures),
      cmocka_unit_test(test_volume_drawn),
      cmocka_unit_test(test_bad_infos),
      cmocka_unit_test(test_boxes),
      cmocka_unit_test(test_box_runs),
      cmocka_unit_test(test_range_runs),
      cmocka_unit_test(test_tail),
      cmocka_unit_test(test_tail_drawn),
      cmocka_unit_test(test_tail_runs),
   };

   srand(1);
   return cmocka_run_group_tests(tests, NULL, NULL);
}
