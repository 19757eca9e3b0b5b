/* SPDX-License-Identifier: MIT */
/*
 * Sparse residency images and their tiles, for tests: every tile that is bound
 * gets a byte of its own in all of its texels, so that a texel says which tile
 * it came from. Failures end the cmocka test that is running.
 */
#ifndef VK_TILES_H
#define VK_TILES_H

#include "vk_fixture.h"

/* The size of a sparse block. */
#define TILE 65536u

/* The device of the running program. */
extern struct vk_fixture fixture;

struct format_desc {
   VkFormat format;
   uint32_t block_width, block_height, block_B;
};


struct image {
   VkImage handle;
   const struct format_desc *format;
   VkExtent3D extent;
   uint32_t levels, layers;
   VkMemoryRequirements memory;
   VkSparseImageMemoryRequirements sparse;
   VkExtent3D tile;
};

extern const struct format_desc rgba8;

/* For transfers and sampling, aliased. */
VkImageCreateInfo residency_info(const struct format_desc *format,
                                 uint32_t width, uint32_t height,
                                 uint32_t levels, uint32_t layers);
struct image create_image(const struct format_desc *format, uint32_t width,
                          uint32_t height, uint32_t levels, uint32_t layers);
void destroy_image(struct image *image);

uint32_t level_size(uint32_t size, uint32_t level);
/* Of @extent texels, rounded up to whole blocks. */
uint32_t region_size_B(const struct format_desc *format,
                       const VkExtent3D *extent);
/* Tile (x, y) of a level in texels, cut at the edge. False: beyond it. */
bool tile_region(const struct image *image, uint32_t level, uint32_t x,
                 uint32_t y, VkOffset3D *offset_out, VkExtent3D *extent_out);

/* What is known of one tile of an image under test. */
struct tile {
   uint32_t level, layer, x, y;
   VkOffset3D offset;
   VkExtent3D extent;
   bool bound;
   uint8_t byte; /* in all of its texels, if bound */
};

#define MAX_TILES 512

struct tiles {
   struct tile tile[MAX_TILES];
   uint32_t count;
};

/* All tiles outside of a mip tail, none of them bound, each with its byte. */
void list_tiles(const struct image *image, struct tiles *tiles);
VkImageSubresourceLayers tile_layers(const struct tile *tile);

/* Binds one tile to the @nth_tile block of @memory. */
VkSparseImageMemoryBind tile_bind(const struct tile *tile,
                                  VkDeviceMemory memory, uint32_t nth_tile);
void bind_image(const struct image *image, const VkSparseImageMemoryBind *binds,
                uint32_t count);
/* Memory for @count tiles. */
VkDeviceMemory alloc_tiles(const struct image *image, uint32_t count);
/* Binds those tiles that are to be bound, in one batch; tile n to block n. */
VkDeviceMemory bind_tiles(const struct image *image, const struct tiles *tiles);

/* Their bytes into all bound tiles, by copies. */
void write_tiles(const struct image *image, const struct tiles *tiles);
/* Every byte of every bound tile, read by copies. */
void check_by_copy(const struct image *image, const struct tiles *tiles);
/* The corners of every tile, and its middle, with their residency codes. */
void check_by_shader(const struct image *image, const struct tiles *tiles);

#endif /* VK_TILES_H */
