/* SPDX-License-Identifier: MIT */
/*
 * An image of any kind (ordinary, bound as a whole, bound by tile) beside what
 * its texels are expected to be. The expectation follows what is bound; whoever
 * changes the image by other means than vt_texels_fill() says so with
 * vt_texels_block().
 */
#ifndef VT_TEXELS_H
#define VT_TEXELS_H

#include "vt_volume.h"

#define VT_TEXELS_LEVELS 16

enum vt_kind { VT_ORDINARY, VT_OPAQUE, VT_RESIDENCY };

struct vt_texels_info {
   const char *name;
   VkFormat format;
   VkImageAspectFlags aspect;
   uint8_t block_w, block_h, block_B; /* texel block */
   VkImageType type;
   VkExtent3D extent;
   uint32_t levels, layers;
   VkImageCreateFlags flags; /* beside the sparse ones */
};

struct vt_texels {
   const struct vt_texels_info *info;
   enum vt_kind kind;
   VkImage image;
   VkDeviceMemory memory; /* of all tiles and tails, in order */
   VkMemoryRequirements req;
   VkSparseImageMemoryRequirements sparse; /* of a residency image */
   bool *tile_bound, *tail_bound;
   uint32_t *tile_place; /* of a residency image, in the memory, in tiles */
   uint32_t tile_count, tail_count;
   uint32_t level_tile[VT_TEXELS_LEVELS + 1]; /* tiles before a level */
   uint8_t *expected[VT_TEXELS_LEVELS];       /* layer, z, y, x of blocks */
};

/* Part of one level; a copy's words. */
struct vt_region {
   uint32_t level, layer, layers;
   VkOffset3D offset;
   VkExtent3D extent;
   uint32_t row_length, image_height; /* of the memory, in texels, or 0 */
};

/* Whether the device has such images. */
bool vt_texels_supported(const struct vt_texels_info *info, enum vt_kind kind,
                         VkImageUsageFlags usage);
/* In layout UNDEFINED; only ordinary ones are bound. */
void vt_texels_create(const struct vt_texels_info *info, enum vt_kind kind,
                      VkImageUsageFlags usage, struct vt_texels *texels_out);
void vt_texels_destroy(struct vt_texels *texels);

/*
 * Binds what @wanted says, given the number of a tile or tail, and unbinds the
 * rest. Contents move with the memory: each tile has its place in it.
 */
void vt_texels_bind(struct vt_texels *texels,
                    bool (*wanted)(uint32_t number, bool is_tail));
/* For vt_texels_bind(). */
bool vt_bind_everything(uint32_t number, bool is_tail);
bool vt_bind_nothing(uint32_t number, bool is_tail);
bool vt_bind_even(uint32_t number, bool is_tail);

/* Where a tile of a residency image is. Returns whether it is bound. */
bool vt_texels_tile(const struct vt_texels *texels, uint32_t number,
                    struct vt_region *region_out);
/* Binds or unbinds one tile, as vt_texels_bind() does. */
void vt_texels_bind_tile(struct vt_texels *texels, uint32_t number, bool bound);
/*
 * Two bound tiles exchange their memory; what is expected is the caller's
 * business.
 */
void vt_texels_swap(struct vt_texels *texels, uint32_t a, uint32_t b);

VkExtent3D vt_texels_level(const struct vt_texels *texels, uint32_t level);
/* All of a level. */
struct vt_region vt_texels_whole(const struct vt_texels *texels,
                                 uint32_t level);
/* Blocks of a level's layer. */
VkExtent3D vt_texels_blocks(const struct vt_texels *texels, uint32_t level);

/*
 * The expectation of a block, given its layer and place in blocks; NULL where
 * nothing is bound.
 */
uint8_t *vt_texels_block(struct vt_texels *texels, uint32_t level,
                         uint32_t layer, VkOffset3D block);

/* Where each block of a region lies in memory, in bytes. */
struct vt_place {
   uint32_t layer;
   VkOffset3D block;
   size_t offset_B;
};
typedef void (*vt_place_fn)(struct vt_texels *texels, struct vt_place place,
                            void *data);
/* Calls @fn, unless it is NULL, for each. Returns the end of the last one. */
size_t vt_region_foreach(struct vt_texels *texels,
                         const struct vt_region *region, vt_place_fn fn,
                         void *data);
/* @size_B bytes that the format keeps as they are, one block after the other.
 */
void vt_texels_pattern(const struct vt_texels *texels, uint32_t seed,
                       void *bytes, size_t size_B);

/* Writes everything by commands, in layout GENERAL. */
void vt_texels_fill(struct vt_texels *texels, uint32_t seed);
/*
 * Reads everything by a command, in layout GENERAL. Fails unless what is bound
 * is as expected, and what is not is zero if the device promises that.
 */
void vt_texels_check(struct vt_texels *texels);
/* The same for memory that @region was read to; its gaps must be @gap. */
void vt_texels_check_memory(struct vt_texels *texels,
                            const struct vt_region *region, uint8_t *memory,
                            size_t size_B, uint8_t gap);

#endif /* VT_TEXELS_H */
