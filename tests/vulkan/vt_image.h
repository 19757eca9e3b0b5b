/* SPDX-License-Identifier: MIT */
/* Sparse residency images for the tests: binding tiles, texels, residency. */
#ifndef VT_IMAGE_H
#define VT_IMAGE_H

#include "vt.h"

enum vt_numeric { VT_FLOAT, VT_INT, VT_UINT };

/* A colour format of 64 KiB tiles of the standard 2D shape. */
struct vt_format {
   VkFormat format;
   const char *name;
   uint16_t tile_w, tile_h; /* the specification's standard shape, in texels */
   uint8_t block_w, block_h, block_B; /* texel block */
   enum vt_numeric numeric;
};
extern const struct vt_format vt_formats[];
extern const unsigned vt_format_count;

struct vt_image {
   const struct vt_format *format;
   VkImage image;
   VkImageView view; /* 2D array, everything; or null without sampled usage */
   uint32_t width, height, levels, layers;
   VkMemoryRequirements req;
   VkSparseImageMemoryRequirements sparse;
};

/* Whether the device can make such an image at all. */
bool vt_image_supported(const struct vt_format *format,
                        VkImageUsageFlags usage);
/* In layout GENERAL. */
void vt_image_create(const struct vt_format *format, uint32_t width,
                     uint32_t height, uint32_t levels, uint32_t layers,
                     VkImageCreateFlags flags, VkImageUsageFlags usage,
                     struct vt_image *image_out);
void vt_image_destroy(struct vt_image *image);

uint32_t vt_level_width(const struct vt_image *image, uint32_t level);
uint32_t vt_level_height(const struct vt_image *image, uint32_t level);
/* Tiles of one layer of a level. */
uint32_t vt_tiles_x(const struct vt_image *image, uint32_t level);
uint32_t vt_tiles_y(const struct vt_image *image, uint32_t level);

/* The bind of a rectangle of tiles, cut at the image's edge as Vulkan asks. */
VkSparseImageMemoryBind vt_tile_bind(const struct vt_image *image,
                                     uint32_t level, uint32_t layer, uint32_t x,
                                     uint32_t y, uint32_t w, uint32_t h,
                                     VkDeviceMemory memory, uint64_t at_tile);

/* How many mip tails there are: none, one, or one a layer. */
uint32_t vt_tail_count(const struct vt_image *image);
/* The opaque bind of tail number @tail. */
VkSparseMemoryBind vt_tail_bind(const struct vt_image *image, uint32_t tail,
                                VkDeviceMemory memory,
                                VkDeviceSize memory_offset);

/*
 * Writes to every texel block of a tile, by copy, bytes that follow from @seed
 * and the block's place; and checks them, failing the test with the place.
 */
void vt_tile_write(const struct vt_image *image, uint32_t level, uint32_t layer,
                   uint32_t x, uint32_t y, uint32_t seed);
void vt_tile_check(const struct vt_image *image, uint32_t level, uint32_t layer,
                   uint32_t x, uint32_t y, uint32_t seed);

/*
 * Per tile of a (level, layer): whether a shader finds it resident. *out has
 * vt_tiles_x() * vt_tiles_y() entries: 1 resident, 0 not; 16 and
 * a bit for each of its corners that is (low y first, low x before high x).
 */
void vt_residency(const struct vt_image *image, uint32_t level, uint32_t layer,
                  uint32_t *out);

#endif /* VT_IMAGE_H */
