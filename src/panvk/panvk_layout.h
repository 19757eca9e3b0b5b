/* SPDX-License-Identifier: MIT */
/*
 * Where each tile of a sparse residency image lies: PanVK's INTERLEAVED_64K
 * layout in GPU virtual addresses, and the order in which the execution engine
 * keeps the same tiles. Pure arithmetic: no state, no Vulkan objects, and the
 * only place in the driver that knows either order.
 *
 * Both orders agree within one level of one array layer: 64 KiB tiles, x
 * fastest, then y, then z. They differ in what comes next:
 *
 *   PanVK    layer 0: level 0, level 1, ...   layer 1: level 0, level 1, ...
 *   engine   level 0: layer 0, layer 1, ...   level 1: layer 0, layer 1, ...
 *
 * Every level is rounded up to whole tiles in the engine. So it is in PanVK's
 * order, unless a mip tail is packed: of a tile that the edge of a small level
 * cuts, only the first rows are ever touched, and the tail is made of those
 * rows' pages alone (panvk_layout_tail.c). Offsets are bytes from the start of
 * the image; those outside of the tail, and the tail itself, are multiples of
 * the tile size. docs/images.md has the drawings.
 */
#ifndef PANVK_LAYOUT_H
#define PANVK_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "panvk_format.h"

#define PANVK_MAX_LEVELS 17 /* of an image 65,536 texels wide */

struct panvk_layout_level {
   VkExtent3D extent; /* texels */
   uint32_t tiles_x, tiles_y, tiles_z;
   uint64_t offset_B; /* within its layer, in PanVK's order */
   uint64_t size_B; /* of one layer's share, as whole tiles */
   uint64_t engine_offset_B; /* of layer 0, in the engine's order */
};

struct panvk_layout {
   VkImageType type; /* 2D or 3D */
   VkImageAspectFlagBits aspect;
   struct panvk_format_block block;
   VkExtent3D tile; /* texels */
   uint32_t levels, layers;
   uint64_t layer_stride_B; /* PanVK's order */
   uint64_t size_B; /* PanVK's order: what can be bound */
   uint64_t engine_size_B;
   /* The packed mip tail of each layer; none if tail_first == levels. */
   uint32_t tail_first; /* level */
   uint32_t tail_blocks; /* of 64 KiB */
   uint64_t tail_offset_B; /* within its layer */
   struct panvk_layout_level level[PANVK_MAX_LEVELS];
};

struct panvk_layout_info {
   VkImageType type; /* 2D or 3D */
   VkImageAspectFlagBits aspect; /* carried along */
   struct panvk_format_block block;
   VkExtent3D extent; /* of level 0, texels */
   uint32_t levels, layers;
   bool packed_tail; /* pack the mip tail, if that saves anything */
};

/* A tile, or an address within it, found from an offset. */
struct panvk_tile {
   uint32_t level, layer;
   uint32_t x, y, z; /* tiles */
   uint32_t offset_B; /* within the tile */
};

/* A box of tiles in one level of one layer. */
struct panvk_tile_box {
   uint32_t level, layer;
   uint32_t x, y, z;
   uint32_t width, height, depth;
};

/*
 * False when @info is not a shape Vulkan allows (zero or more than 65,536
 * texels a side, more levels than the extent has, zero or more than 65,536
 * layers, layers of a 3D image); *layout is then undefined.
 */
bool panvk_layout_init(struct panvk_layout *layout,
                       const struct panvk_layout_info *info);

/*
 * Offset of a tile in PanVK's order; in the tail, of its first page.
 * Coordinates must be within the image.
 */
uint64_t panvk_layout_tile_offset(const struct panvk_layout *layout,
                                  uint32_t level, uint32_t layer, uint32_t x,
                                  uint32_t y, uint32_t z);
/*
 * The inverse, for any @offset_B below the layout's size. What is left over at
 * the end of a tail counts as its last tile's.
 */
struct panvk_tile panvk_layout_tile_at(const struct panvk_layout *layout,
                                       uint64_t offset_B);

/* Offset of (level, layer) in the engine's order. */
uint64_t panvk_layout_engine_offset(const struct panvk_layout *layout,
                                    uint32_t level, uint32_t layer);

/* Where a tile of the packed tail lies. */
struct panvk_tail_part {
   uint64_t offset_B; /* within its layer, a multiple of 4 KiB */
   uint32_t size_B; /* of what is ever touched of the tile, in pages */
};
struct panvk_tail_part panvk_layout_tail_part(const struct panvk_layout *layout,
                                              uint32_t level, uint32_t x,
                                              uint32_t y, uint32_t z);
/* For panvk_layout_init() and panvk_layout_tile_at(). */
void panvk_layout_pack_tail(struct panvk_layout *layout);
struct panvk_tile panvk_layout_tail_tile_at(const struct panvk_layout *layout,
                                            uint64_t in_layer_B);

/* A stretch that is contiguous in both orders, in multiples of 4 KiB. */
struct panvk_segment {
   uint64_t offset_B; /* PanVK's order */
   uint64_t engine_offset_B;
   uint64_t size_B;
};
struct panvk_segment_cursor {
   uint32_t layer, level, tile;
};
/*
 * Iterates over the fewest segments that make up the image, in PanVK's order:
 * start with cursor {0}; false when there is none left. An image of one layer
 * and no tail, or of one level, is one segment.
 */
bool panvk_layout_next_segment(const struct panvk_layout *layout,
                               struct panvk_segment_cursor *cursor,
                               struct panvk_segment *segment_out);

/*
 * The tiles that [offset, offset + extent) of a subresource covers, in texels
 * as VkSparseImageMemoryBind has them. NULL, or the rule that was broken: the
 * offset must be a multiple of the tile shape, and so must the extent unless it
 * reaches the edge of the level. Levels of the tail are no boxes of tiles.
 */
const char *panvk_layout_box(const struct panvk_layout *layout, uint32_t level,
                             uint32_t layer, VkOffset3D offset,
                             VkExtent3D extent, struct panvk_tile_box *box_out);

/*
 * A stretch of tiles that is contiguous in PanVK's order, in the engine's order
 * and in memory that advances by a tile in x, y, z order.
 */
struct panvk_tile_run {
   uint64_t offset_B; /* PanVK's order */
   /*
    * Blocks of a tail count as if they followed the engine's image, the tails
    * of all layers in a row: see panvk_layout_tail_block().
    */
   uint64_t engine_offset_B;
   uint64_t memory_offset_B; /* from the start of the bind's memory */
   uint64_t size_B;
};

/* The number that a run has for a block of the tail, in 64 KiB. */
static inline uint64_t
panvk_layout_tail_block(const struct panvk_layout *layout, uint32_t layer,
                        uint32_t block)
{
   return (layout->engine_size_B >> PANVK_TILE_SHIFT) +
          (uint64_t)layer * layout->tail_blocks + block;
}

/*
 * Iterate over the runs of a box, or of [offset_B, offset_B + size_B) in
 * PanVK's order (both multiples of the tile size and within the image):
 * start with cursor 0; false when there is none left.
 */
bool panvk_layout_next_box_run(const struct panvk_layout *layout,
                               const struct panvk_tile_box *box,
                               uint64_t *cursor,
                               struct panvk_tile_run *run_out);
bool panvk_layout_next_range_run(const struct panvk_layout *layout,
                                 uint64_t offset_B, uint64_t size_B,
                                 uint64_t *cursor,
                                 struct panvk_tile_run *run_out);

#endif /* PANVK_LAYOUT_H */
