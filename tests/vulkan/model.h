/* SPDX-License-Identifier: MIT */
/*
 * What sparse resources must contain: a model on the CPU, slow and simple.
 *
 * Memory is an array of blocks of 64 KiB. A resource maps each of its tiles to
 * a block or to nothing. Every byte is known or not: what Vulkan leaves
 * undefined (fresh memory, unbound reads of a device that is not strict) is not
 * known, stays so when it is copied, and is never compared.
 *
 * How texels lie in a tile is the driver's secret. So a block remembers what it
 * was last written as (its layout, a number), and tells nothing to whoever
 * reads it as something else. The model has an order of its own: row by row.
 *
 * A buffer is an image of bytes here, one row in tiles of 65536. Levels in the
 * mip tail, and all levels of an image without residency, lie one after the
 * other in the blocks of a tail, which is bound as a whole.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_BLOCK_B 65536u
#define MODEL_MAX_LEVELS 8

/* Packed bytes; known[i] is 0xff where value[i] is known, else 0. */
struct model_bytes {
   uint8_t *value, *known;
   size_t size_B;
};
/* All known to be zero. Aborts without memory, as everything here does. */
struct model_bytes model_bytes_create(size_t size_B);
void model_bytes_destroy(struct model_bytes *bytes);

struct model_block {
   uint32_t layout; /* 0: never written */
   uint8_t value[MODEL_BLOCK_B], known[MODEL_BLOCK_B];
};

struct model_memory {
   struct model_block *blocks;
   uint32_t block_count;
};
void model_memory_init(struct model_memory *memory, uint32_t block_count);
void model_memory_finish(struct model_memory *memory);

/* Where a tile or a tail begins; memory NULL: it is not bound. */
struct model_place {
   struct model_memory *memory;
   uint32_t block;
};

struct model_level {
   uint32_t size[3];    /* in texels */
   uint32_t tiles[3];   /* 0 in a tail */
   uint32_t first_tile; /* of layer 0 */
   size_t tail_at_B;    /* in a tail: of its first layer */
};

struct model_resource {
   bool strict; /* unbound memory reads as zero */
   uint32_t texel_B;
   uint32_t tile[3]; /* in texels: 64 KiB */
   uint32_t levels, layers;
   struct model_level level[MODEL_MAX_LEVELS];
   uint32_t layout; /* of tiles */

   uint32_t layer_tiles;      /* tiles of one layer */
   struct model_place *tiles; /* layers * layer_tiles */

   uint32_t tail_level;  /* the first one in a tail, or levels */
   uint32_t tail_count;  /* 0, 1 or layers */
   uint32_t tail_blocks; /* of each */
   uint32_t tail_layout; /* of the first block of the first tail */
   struct model_place *tails;
};

/* What model_resource_init() is told; all else follows. */
struct model_shape {
   bool strict;
   uint32_t size[3]; /* of level 0, in texels */
   uint32_t levels, layers;
   uint32_t texel_B;
   uint32_t tile[3];
   uint32_t tail_level, tail_count, tail_blocks;
};

/*
 * @layout: of tiles; equal for resources that see the same in a block.
 * @tail_layout: tail_count * tail_blocks numbers from there on are this
 * resource's own.
 */
void model_resource_init(struct model_resource *res,
                         const struct model_shape *shape, uint32_t layout,
                         uint32_t tail_layout);
void model_resource_finish(struct model_resource *res);

/* A box of texels of one layer. */
struct model_region {
   uint32_t level, layer;
   uint32_t at[3], size[3];
};
size_t model_region_size(const struct model_resource *res,
                         const struct model_region *region);

uint32_t model_tile_index(const struct model_resource *res, uint32_t level,
                          uint32_t layer, uint32_t x, uint32_t y, uint32_t z);
bool model_is_resident(const struct model_resource *res, uint32_t level,
                       uint32_t layer, const uint32_t at[3]);
/* Every tile and tail has memory. */
bool model_is_fully_bound(const struct model_resource *res);
/* Is the block bound anywhere in @res? */
bool model_uses_block(const struct model_resource *res,
                      const struct model_memory *memory, uint32_t block);

/* The region's texels, packed row by row; @out has just their size. */
void model_read(const struct model_resource *res,
                const struct model_region *region, struct model_bytes *out);
/*
 * Writes them. What is not bound is lost. Blocks that appear twice in the
 * region are not known afterwards: Vulkan does not say which write is the last.
 */
void model_write(struct model_resource *res, const struct model_region *region,
                 const struct model_bytes *in);
/* Does a block appear twice in the region? */
bool model_aliases_itself(const struct model_resource *res,
                          const struct model_region *region);
/* Is there a block that both see? */
bool model_overlap(const struct model_resource *a,
                   const struct model_region *a_region,
                   const struct model_resource *b,
                   const struct model_region *b_region);

#endif /* MODEL_H */
