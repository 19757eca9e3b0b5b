/* SPDX-License-Identifier: MIT */
/*
 * The packed mip tail, and the segments that are contiguous in both orders.
 *
 * Texels of a tile lie row by row, slice by slice, at the pitch of a whole
 * tile. So a level of 64 x 64 RGBA8 texels, in a tile of 128 x 128, touches the
 * first 64 rows of 512 bytes, 8 pages of 16; one of 8 x 8 touches one page. In
 * the tail every tile has these pages only, one tile after the other in x, y, z
 * order, level after level; its end is rounded up to 64 KiB.
 */
#include "panvk_layout.h"

#include <assert.h>

#define PAGE_SIZE_B 4096u

static uint32_t
div_round_up(uint32_t n, uint32_t d)
{
   return (n + d - 1) / d;
}

/* The pages touched of a tile of which @height x @depth texels are used. */
static uint32_t
touched_B(const struct panvk_layout *layout, uint32_t height, uint32_t depth)
{
   uint32_t pitch_B =
      layout->tile.width / layout->block.width * layout->block.size_B;
   uint32_t tile_rows = layout->tile.height / layout->block.height;
   uint32_t rows = div_round_up(height, layout->block.height);
   uint32_t size_B = ((depth - 1) * tile_rows + rows) * pitch_B;

   return div_round_up(size_B, PAGE_SIZE_B) * PAGE_SIZE_B;
}

/* Of the tiles in row @y of slice @z: only the last ones are cut. */
static uint32_t
part_size_B(const struct panvk_layout *layout,
            const struct panvk_layout_level *level, uint32_t y, uint32_t z)
{
   const VkExtent3D *tile = &layout->tile;
   uint32_t height = tile->height, depth = tile->depth;

   if (y == level->tiles_y - 1)
      height = level->extent.height - y * tile->height;
   if (z == level->tiles_z - 1)
      depth = level->extent.depth - z * tile->depth;
   return touched_B(layout, height, depth);
}

/* All tiles of slice @z. */
static uint64_t
slice_size_B(const struct panvk_layout *layout,
             const struct panvk_layout_level *level, uint32_t z)
{
   uint32_t last = level->tiles_y - 1;
   uint64_t column_B = part_size_B(layout, level, last, z);

   if (last)
      column_B += (uint64_t)last * part_size_B(layout, level, 0, z);
   return column_B * level->tiles_x;
}

static uint64_t
level_size_B(const struct panvk_layout *layout,
             const struct panvk_layout_level *level)
{
   uint32_t last = level->tiles_z - 1;
   uint64_t size_B = slice_size_B(layout, level, last);

   if (last)
      size_B += last * slice_size_B(layout, level, 0);
   return size_B;
}

struct panvk_tail_part
panvk_layout_tail_part(const struct panvk_layout *layout, uint32_t level,
                       uint32_t x, uint32_t y, uint32_t z)
{
   const struct panvk_layout_level *l = &layout->level[level];
   uint32_t size_B = part_size_B(layout, l, y, z);
   uint64_t offset_B = l->offset_B + (uint64_t)x * size_B;

   assert(level >= layout->tail_first && level < layout->levels);
   if (y)
      offset_B += (uint64_t)y * l->tiles_x * part_size_B(layout, l, 0, z);
   if (z)
      offset_B += z * slice_size_B(layout, l, 0);
   return (struct panvk_tail_part){offset_B, size_B};
}

struct panvk_tile
panvk_layout_tail_tile_at(const struct panvk_layout *layout,
                          uint64_t in_layer_B)
{
   uint32_t level = layout->levels - 1;

   while (layout->level[level].offset_B > in_layer_B)
      level--;

   const struct panvk_layout_level *l = &layout->level[level];
   uint64_t rest_B = in_layer_B - l->offset_B;
   uint32_t x, y = 0, z = 0;

   if (l->tiles_z > 1) {
      uint64_t slice_B = slice_size_B(layout, l, 0);
      uint64_t n = rest_B / slice_B;

      z = n < l->tiles_z - 1 ? (uint32_t)n : l->tiles_z - 1;
      rest_B -= z * slice_B;
   }
   if (l->tiles_y > 1) {
      uint64_t row_B = (uint64_t)l->tiles_x * part_size_B(layout, l, 0, z);
      uint64_t n = rest_B / row_B;

      y = n < l->tiles_y - 1 ? (uint32_t)n : l->tiles_y - 1;
      rest_B -= y * row_B;
   }
   uint32_t size_B = part_size_B(layout, l, y, z);
   uint64_t n = rest_B / size_B;

   x = n < l->tiles_x - 1 ? (uint32_t)n : l->tiles_x - 1;
   return (struct panvk_tile){
      .level = level,
      .x = x,
      .y = y,
      .z = z,
      .offset_B = (uint32_t)(rest_B - (uint64_t)x * size_B),
   };
}

/*
 * Levels that are smaller than a tile in any direction form the tail. Level 0
 * does not if it has several tiles: nothing could be bound tile by tile.
 */
static bool
is_small(const struct panvk_layout *layout,
         const struct panvk_layout_level *level)
{
   return level->extent.width < layout->tile.width ||
          level->extent.height < layout->tile.height ||
          level->extent.depth < layout->tile.depth;
}

void
panvk_layout_pack_tail(struct panvk_layout *layout)
{
   uint64_t packed_B = 0, unpacked_B = 0;
   uint32_t first = layout->levels;
   uint32_t lowest = layout->level[0].size_B > PANVK_TILE_SIZE_B ? 1 : 0;

   while (first > lowest && is_small(layout, &layout->level[first - 1])) {
      first--;
      packed_B += level_size_B(layout, &layout->level[first]);
      unpacked_B += layout->level[first].size_B;
   }
   packed_B =
      (packed_B + PANVK_TILE_SIZE_B - 1) & ~(uint64_t)(PANVK_TILE_SIZE_B - 1);
   /* No tail if it saves nothing: binding levels one by one is worth more. */
   if (packed_B == unpacked_B)
      return;

   layout->tail_first = first;
   layout->tail_offset_B = layout->layer_stride_B - unpacked_B;
   layout->tail_blocks = (uint32_t)(packed_B >> PANVK_TILE_SHIFT);
   layout->layer_stride_B = layout->tail_offset_B + packed_B;

   uint64_t offset_B = layout->tail_offset_B;

   for (uint32_t l = first; l < layout->levels; l++) {
      layout->level[l].offset_B = offset_B;
      offset_B += level_size_B(layout, &layout->level[l]);
   }
}

/* ------------------------------------------------------------- segments -- */

/* A level of a layer, or a tile of the tail; advances @cursor. */
static bool
next_piece(const struct panvk_layout *layout,
           struct panvk_segment_cursor *cursor, struct panvk_segment *piece_out)
{
   if (cursor->layer == layout->layers)
      return false;

   const struct panvk_layout_level *level = &layout->level[cursor->level];
   bool level_done = true;

   *piece_out = (struct panvk_segment){
      .offset_B = cursor->layer * layout->layer_stride_B + level->offset_B,
      .engine_offset_B =
         panvk_layout_engine_offset(layout, cursor->level, cursor->layer),
      .size_B = level->size_B,
   };
   if (cursor->level >= layout->tail_first) {
      uint32_t row = cursor->tile / level->tiles_x;
      struct panvk_tail_part part = panvk_layout_tail_part(
         layout, cursor->level, cursor->tile % level->tiles_x,
         row % level->tiles_y, row / level->tiles_y);

      piece_out->offset_B =
         cursor->layer * layout->layer_stride_B + part.offset_B;
      piece_out->engine_offset_B += (uint64_t)cursor->tile << PANVK_TILE_SHIFT;
      piece_out->size_B = part.size_B;
      level_done =
         ++cursor->tile == level->tiles_x * level->tiles_y * level->tiles_z;
   }
   if (level_done) {
      cursor->tile = 0;
      if (++cursor->level == layout->levels) {
         cursor->level = 0;
         cursor->layer++;
      }
   }
   return true;
}

bool
panvk_layout_next_segment(const struct panvk_layout *layout,
                          struct panvk_segment_cursor *cursor,
                          struct panvk_segment *segment_out)
{
   struct panvk_segment_cursor next;
   struct panvk_segment piece;

   if (!next_piece(layout, cursor, segment_out))
      return false;
   for (next = *cursor; next_piece(layout, &next, &piece); *cursor = next) {
      if (piece.offset_B != segment_out->offset_B + segment_out->size_B ||
          piece.engine_offset_B !=
             segment_out->engine_offset_B + segment_out->size_B)
         break;
      segment_out->size_B += piece.size_B;
   }
   return true;
}
