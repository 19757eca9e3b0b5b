/* SPDX-License-Identifier: MIT */
#include "panvk_layout.h"

#include <assert.h>

#define MAX_EXTENT 65536u
#define MAX_LAYERS 65536u

static uint32_t
minify(uint32_t extent, uint32_t level)
{
   uint32_t size = extent >> level;

   return size ? size : 1;
}

static uint32_t
div_round_up(uint32_t n, uint32_t d)
{
   return (n + d - 1) / d;
}

static uint32_t
max_levels(const VkExtent3D *extent)
{
   uint32_t longest = extent->width;

   if (longest < extent->height)
      longest = extent->height;
   if (longest < extent->depth)
      longest = extent->depth;
   return 32 - (uint32_t)__builtin_clz(longest);
}

static bool
info_is_valid(const struct panvk_layout_info *info)
{
   const VkExtent3D *extent = &info->extent;

   if (info->type != VK_IMAGE_TYPE_2D && info->type != VK_IMAGE_TYPE_3D)
      return false;
   if (!extent->width || !extent->height || !extent->depth)
      return false;
   if (extent->width > MAX_EXTENT || extent->height > MAX_EXTENT ||
       extent->depth > MAX_EXTENT)
      return false;
   if (info->type == VK_IMAGE_TYPE_2D && extent->depth != 1)
      return false;
   if (info->type == VK_IMAGE_TYPE_3D && info->layers != 1)
      return false;
   if (!info->layers || info->layers > MAX_LAYERS)
      return false;
   return info->levels && info->levels <= max_levels(extent);
}

bool
panvk_layout_init(struct panvk_layout *layout,
                  const struct panvk_layout_info *info)
{
   if (!info_is_valid(info))
      return false;

   *layout = (struct panvk_layout){
      .type = info->type,
      .aspect = info->aspect,
      .block = info->block,
      .tile = panvk_format_tile_shape(&info->block, info->type),
      .levels = info->levels,
      .layers = info->layers,
      .tail_first = info->levels,
   };

   for (uint32_t l = 0; l < info->levels; l++) {
      struct panvk_layout_level *level = &layout->level[l];

      level->extent = (VkExtent3D){
         minify(info->extent.width, l),
         minify(info->extent.height, l),
         minify(info->extent.depth, l),
      };
      level->tiles_x = div_round_up(level->extent.width, layout->tile.width);
      level->tiles_y = div_round_up(level->extent.height, layout->tile.height);
      level->tiles_z = div_round_up(level->extent.depth, layout->tile.depth);
      /*
       * At most 2^16 texels a side and 2^16 layers of 16-byte texels, so no
       * product here comes near 64 bits: 2^(48 + 4) for a 3D image and
       * 2^(32 + 16 + 4) for an array, and rounding up to whole tiles makes
       * 2^16 bytes of a single texel at worst.
       */
      level->size_B = (uint64_t)level->tiles_x * level->tiles_y *
                      level->tiles_z * PANVK_TILE_SIZE_B;
      level->offset_B = layout->layer_stride_B;
      level->engine_offset_B = layout->layer_stride_B * info->layers;
      layout->layer_stride_B += level->size_B;
   }
   layout->engine_size_B = layout->layer_stride_B * info->layers;
   if (info->packed_tail)
      panvk_layout_pack_tail(layout);
   layout->size_B = layout->layer_stride_B * info->layers;
   return true;
}

uint64_t
panvk_layout_tile_offset(const struct panvk_layout *layout, uint32_t level,
                         uint32_t layer, uint32_t x, uint32_t y, uint32_t z)
{
   const struct panvk_layout_level *l = &layout->level[level];

   assert(level < layout->levels && layer < layout->layers);
   assert(x < l->tiles_x && y < l->tiles_y && z < l->tiles_z);

   uint64_t tile = ((uint64_t)z * l->tiles_y + y) * l->tiles_x + x;
   uint64_t layer_B = layer * layout->layer_stride_B;

   if (level >= layout->tail_first)
      return layer_B + panvk_layout_tail_part(layout, level, x, y, z).offset_B;
   return layer_B + l->offset_B + (tile << PANVK_TILE_SHIFT);
}

struct panvk_tile
panvk_layout_tile_at(const struct panvk_layout *layout, uint64_t offset_B)
{
   assert(offset_B < layout->size_B);

   uint64_t in_layer_B = offset_B % layout->layer_stride_B;
   uint32_t layer = (uint32_t)(offset_B / layout->layer_stride_B);
   uint32_t level = layout->tail_first - 1;

   if (layout->tail_blocks && in_layer_B >= layout->tail_offset_B) {
      struct panvk_tile tile = panvk_layout_tail_tile_at(layout, in_layer_B);

      tile.layer = layer;
      return tile;
   }
   while (layout->level[level].offset_B > in_layer_B)
      level--;

   const struct panvk_layout_level *l = &layout->level[level];
   uint64_t tile = (in_layer_B - l->offset_B) >> PANVK_TILE_SHIFT;

   return (struct panvk_tile){
      .level = level,
      .layer = layer,
      .x = (uint32_t)(tile % l->tiles_x),
      .y = (uint32_t)(tile / l->tiles_x % l->tiles_y),
      .z = (uint32_t)(tile / l->tiles_x / l->tiles_y),
      .offset_B = (uint32_t)(offset_B & (PANVK_TILE_SIZE_B - 1)),
   };
}

uint64_t
panvk_layout_engine_offset(const struct panvk_layout *layout, uint32_t level,
                           uint32_t layer)
{
   assert(level < layout->levels && layer < layout->layers);
   return layout->level[level].engine_offset_B +
          layer * layout->level[level].size_B;
}

/*
 * One axis of a bind: first tile and number of tiles, or false. An extent that
 * ends at the level's edge covers the whole last tile, which the edge may cut.
 */
static bool
tile_span(int32_t offset, uint32_t size, uint32_t level_size, uint32_t tile,
          uint32_t *first_out, uint32_t *count_out)
{
   if (offset < 0 || (uint32_t)offset % tile || !size)
      return false;

   uint64_t end = (uint64_t)offset + size;

   if (end > level_size || (end != level_size && size % tile))
      return false;
   *first_out = (uint32_t)offset / tile;
   *count_out = div_round_up(size, tile);
   return true;
}

const char *
panvk_layout_box(const struct panvk_layout *layout, uint32_t level,
                 uint32_t layer, VkOffset3D offset, VkExtent3D extent,
                 struct panvk_tile_box *box_out)
{
   if (level >= layout->levels)
      return "the mip level does not exist";
   if (layer >= layout->layers)
      return "the array layer does not exist";
   if (level >= layout->tail_first)
      return "the mip level is in the mip tail, which takes opaque binds only";

   const VkExtent3D *size = &layout->level[level].extent;
   const VkExtent3D *tile = &layout->tile;
   struct panvk_tile_box box = {.level = level, .layer = layer};

   if (!tile_span(offset.x, extent.width, size->width, tile->width, &box.x,
                  &box.width))
      return "offset.x or extent.width is not on the tile grid";
   if (!tile_span(offset.y, extent.height, size->height, tile->height, &box.y,
                  &box.height))
      return "offset.y or extent.height is not on the tile grid";
   if (!tile_span(offset.z, extent.depth, size->depth, tile->depth, &box.z,
                  &box.depth))
      return "offset.z or extent.depth is not on the tile grid";

   *box_out = box;
   return NULL;
}

bool
panvk_layout_next_box_run(const struct panvk_layout *layout,
                          const struct panvk_tile_box *box, uint64_t *cursor,
                          struct panvk_tile_run *run_out)
{
   const struct panvk_layout_level *level = &layout->level[box->level];
   uint64_t total = (uint64_t)box->width * box->height * box->depth;

   if (*cursor == total)
      return false;

   /*
    * Rows of a box as wide as the level join, and slices of one that is also
    * as high.
    */
   uint64_t run = box->width;

   if (box->width == level->tiles_x) {
      run *= box->height;
      if (box->height == level->tiles_y)
         run *= box->depth;
   }

   uint64_t row = *cursor / box->width;
   uint32_t y = box->y + (uint32_t)(row % box->height);
   uint32_t z = box->z + (uint32_t)(row / box->height);
   uint64_t tile = ((uint64_t)z * level->tiles_y + y) * level->tiles_x + box->x;

   *run_out = (struct panvk_tile_run){
      .offset_B =
         panvk_layout_tile_offset(layout, box->level, box->layer, box->x, y, z),
      .engine_offset_B =
         panvk_layout_engine_offset(layout, box->level, box->layer) +
         (tile << PANVK_TILE_SHIFT),
      .memory_offset_B = *cursor << PANVK_TILE_SHIFT,
      .size_B = run << PANVK_TILE_SHIFT,
   };
   *cursor += run;
   return true;
}

/*
 * How far both orders go on side by side from @start_B on, and the engine's
 * offset there.
 */
static uint64_t
side_by_side(const struct panvk_layout *layout, uint64_t start_B,
             uint64_t *engine_offset_out)
{
   uint64_t in_layer_B = start_B % layout->layer_stride_B;
   uint32_t layer = (uint32_t)(start_B / layout->layer_stride_B);

   if (layout->tail_blocks && in_layer_B >= layout->tail_offset_B) {
      uint64_t in_tail_B = in_layer_B - layout->tail_offset_B;
      uint64_t block = panvk_layout_tail_block(
         layout, layer, (uint32_t)(in_tail_B >> PANVK_TILE_SHIFT));

      *engine_offset_out = block << PANVK_TILE_SHIFT;
      return layout->layer_stride_B - in_layer_B;
   }
   if (layout->levels == 1 || layout->layers == 1) {
      *engine_offset_out = start_B;
      return (layout->tail_blocks ? layout->tail_offset_B : layout->size_B) -
             start_B;
   }

   struct panvk_tile tile = panvk_layout_tile_at(layout, start_B);
   const struct panvk_layout_level *level = &layout->level[tile.level];
   uint64_t in_level_B = in_layer_B - level->offset_B;

   *engine_offset_out =
      panvk_layout_engine_offset(layout, tile.level, layer) + in_level_B;
   return level->size_B - in_level_B;
}

bool
panvk_layout_next_range_run(const struct panvk_layout *layout,
                            uint64_t offset_B, uint64_t size_B,
                            uint64_t *cursor, struct panvk_tile_run *run_out)
{
   if (*cursor == size_B)
      return false;

   uint64_t start_B = offset_B + *cursor;
   uint64_t run_B = size_B - *cursor;
   uint64_t engine_B, longest_B;

   assert(start_B + run_B <= layout->size_B);
   assert(!(start_B & (PANVK_TILE_SIZE_B - 1)));
   longest_B = side_by_side(layout, start_B, &engine_B);
   if (run_B > longest_B)
      run_B = longest_B;

   *run_out = (struct panvk_tile_run){
      .offset_B = start_B,
      .engine_offset_B = engine_B,
      .memory_offset_B = *cursor,
      .size_B = run_B,
   };
   *cursor += run_B;
   return true;
}
