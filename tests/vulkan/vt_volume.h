/* SPDX-License-Identifier: MIT */
/*
 * Sparse residency images as boxes of tiles, whatever their type: what
 * vt_image.h is for 2D arrays of many formats.
 */
#ifndef VT_VOLUME_H
#define VT_VOLUME_H

#include "vt.h"

struct vt_volume_format {
   VkFormat format;
   const char *name;
   uint8_t block_w, block_h, block_B; /* texel block */
   VkExtent3D tile; /* the specification's standard shape, in texels */
};

struct vt_volume {
   const struct vt_volume_format *format;
   VkImageCreateInfo info;
   VkImage image;
   VkImageView view; /* everything; or null without sampled usage */
   VkMemoryRequirements req;
   VkSparseImageMemoryRequirements sparse;
};

/* A tile: its level, layer and place, in tiles. */
struct vt_tile {
   uint32_t level, layer, x, y, z;
};

/* The one that vt_volume_create() would create; residency and binding set. */
VkImageCreateInfo vt_volume_info(const struct vt_volume_format *format,
                                 VkImageType type, VkExtent3D extent,
                                 uint32_t levels, VkImageUsageFlags usage);
bool vt_volume_supported(const VkImageCreateInfo *info);
/* In layout GENERAL. */
void vt_volume_create(const struct vt_volume_format *format,
                      const VkImageCreateInfo *info,
                      struct vt_volume *volume_out);
void vt_volume_destroy(struct vt_volume *volume);

VkExtent3D vt_volume_level(const struct vt_volume *volume, uint32_t level);
/* Tiles of one layer of a level. */
VkExtent3D vt_volume_tiles(const struct vt_volume *volume, uint32_t level);
/* Calls @fn for every tile outside of the mip tail. Returns their number. */
uint32_t vt_volume_foreach(const struct vt_volume *volume,
                           void (*fn)(struct vt_tile tile, void *data),
                           void *data);

/* The bind of a box of tiles from @tile on, cut at the image's edge. */
VkSparseImageMemoryBind vt_volume_bind(const struct vt_volume *volume,
                                       struct vt_tile tile, VkExtent3D tiles,
                                       VkDeviceMemory memory, uint64_t at_tile);

/*
 * Writes to every texel block of a box, by copy, bytes that follow from @seed
 * and the block's place in it; and checks them, failing the test.
 */
void vt_box_write(const struct vt_volume *volume, uint32_t level,
                  VkOffset3D offset, VkExtent3D extent, uint32_t seed);
void vt_box_check(const struct vt_volume *volume, uint32_t level,
                  VkOffset3D offset, VkExtent3D extent, uint32_t seed);
/* The same for one tile. */
void vt_volume_write(const struct vt_volume *volume, struct vt_tile tile,
                     uint32_t seed);
void vt_volume_check(const struct vt_volume *volume, struct vt_tile tile,
                     uint32_t seed);

struct vt_texel {
   int32_t x, y, z, level;
   uint32_t resident; /* out */
   float red; /* out */
   uint32_t pad[2];
};
/* Fetches texels of a 3D image of a float format through its view. */
void vt_fetch_texels_3d(const struct vt_volume *volume, struct vt_texel *texels,
                        uint32_t count);
/* Fails unless both far corners of each tile have that residency code. */
void vt_volume_check_resident(const struct vt_volume *volume,
                              struct vt_tile tile, bool resident);

#endif /* VT_VOLUME_H */
