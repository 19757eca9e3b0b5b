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
 * Every level is rounded up to whole tiles and there is no packed mip tail, so
 * all offsets below are multiples of the tile size. Offsets are bytes from the
 * start of the image. docs/images.md has the drawings.
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
   uint64_t offset_B;        /* within its layer, in PanVK's order */
   uint64_t size_B;          /* of one layer's share */
   uint64_t engine_offset_B; /* of layer 0, in the engine's order */
};

struct panvk_layout {
   VkImageType type; /* 2D or 3D */
   VkExtent3D tile;  /* texels */
   uint32_t levels, layers;
   uint64_t layer_stride_B;
   uint64_t size_B;
   struct panvk_layout_level level[PANVK_MAX_LEVELS];
};

struct panvk_layout_info {
   VkImageType type; /* 2D or 3D */
   struct panvk_format_block block;
   VkExtent3D extent; /* of level 0, texels */
   uint32_t levels, layers;
};

/* A tile, or an address within it, found from an offset. */
struct panvk_tile {
   uint32_t level, layer;
   uint32_t x, y, z;  /* tiles */
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

/* Offset of a tile in PanVK's order. Coordinates must be within the image. */
uint64_t panvk_layout_tile_offset(const struct panvk_layout *layout,
                                  uint32_t level, uint32_t layer, uint32_t x,
                                  uint32_t y, uint32_t z);
/* The inverse, for any @offset_B below the layout's size. */
struct panvk_tile panvk_layout_tile_at(const struct panvk_layout *layout,
                                       uint64_t offset_B);

/* Offset of (level, layer) in the engine's order. */
uint64_t panvk_layout_engine_offset(const struct panvk_layout *layout,
                                    uint32_t level, uint32_t layer);

/*
 * True when both orders are one and the same from beginning to end, which holds
 * for images of one layer or one level.
 */
bool panvk_layout_orders_agree(const struct panvk_layout *layout);

/*
 * The tiles that [offset, offset + extent) of a subresource covers, in texels
 * as VkSparseImageMemoryBind has them. NULL, or the rule that was broken: the
 * offset must be a multiple of the tile shape, and so must the extent unless it
 * reaches the edge of the level.
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
   uint64_t engine_offset_B;
   uint64_t memory_offset_B; /* from the start of the bind's memory */
   uint64_t size_B;
};

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
