/* SPDX-License-Identifier: MIT */
/*
 * What the sparse layer has to know about a format: the size of its texel
 * blocks, and the standard sparse block shape that follows from it.
 *
 * Only formats of one plane and one aspect whose texel block is 8, 16, 32, 64
 * or 128 bits are known here; these are the sizes for which the specification
 * defines standard shapes ("Standard Sparse Image Block Shapes"). Everything
 * else (depth with stencil, multi-planar, three-component) is reported as
 * unknown.
 */
#ifndef PANVK_FORMAT_H
#define PANVK_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan_core.h>

/* One sparse block, which we call a tile: 64 KiB whatever its shape. */
#define PANVK_TILE_SIZE_B 65536u
#define PANVK_TILE_SHIFT 16

/* A texel block: one texel, or one block of a compressed format. */
struct panvk_format_block {
   uint8_t width, height; /* texels */
   uint8_t size_B; /* 1, 2, 4, 8 or 16 */
   bool compressed;
};

/* False, and nothing written, when @format has no standard shape. */
bool panvk_format_get_block(VkFormat format,
                            struct panvk_format_block *block_out);

/* The only aspect of such a format. */
VkImageAspectFlagBits panvk_format_aspect(VkFormat format);

/*
 * The standard shape of a single-sampled 2D or 3D image, in texels. @block must
 * have come from panvk_format_get_block().
 */
VkExtent3D panvk_format_tile_shape(const struct panvk_format_block *block,
                                   VkImageType type);

#endif /* PANVK_FORMAT_H */
