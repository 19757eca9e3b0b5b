/* SPDX-License-Identifier: MIT */
/*
 * Rendering to sparse images and to ordinary ones: the same commands on both,
 * and a comparison of the texels.
 */
#ifndef VT_RENDER_H
#define VT_RENDER_H

#include "vt_image.h"

/* A sparse image with some tiles bound, and an ordinary one beside it. */
struct vt_pair {
   struct vt_image sparse;
   VkDeviceMemory memory; /* of the sparse image's tiles and tails */
   uint8_t *bound;        /* a flag a tile, in the order of vt_pair_tile() */
   uint32_t tile_count;
   VkImage plain;
   VkDeviceMemory plain_memory;
};

/* Which tiles to bind. */
enum vt_binding { VT_BIND_ALL, VT_BIND_CHECKERBOARD, VT_BIND_NONE };

/*
 * Both images with the same contents, a pattern that depends on the level and
 * layer, where they have memory; in layout GENERAL. Skips the test where the
 * device has no such sparse images.
 */
void vt_pair_create(VkFormat format, uint32_t width, uint32_t height,
                    uint32_t levels, uint32_t layers, VkImageUsageFlags usage,
                    enum vt_binding binding, struct vt_pair *pair_out);
void vt_pair_destroy(struct vt_pair *pair);
/* The number of a tile. */
uint32_t vt_pair_tile(const struct vt_pair *pair, uint32_t level,
                      uint32_t layer, uint32_t x, uint32_t y);
/*
 * Fails unless every level and layer is equal where it is bound, and zero where
 * it is not if the device promises that.
 */
void vt_pair_compare(const struct vt_pair *pair);
/* The same for formats of 8-bit channels, which may differ by one. */
void vt_pair_compare_near(const struct vt_pair *pair);
/*
 * Fails unless what was never bound, and is now, has the pattern that its
 * memory was given before.
 */
void vt_pair_check_unbound(struct vt_pair *pair);
/* Bytes of a level of one layer of @image, rows packed, for the caller. */
uint8_t *vt_read_level(const struct vt_pair *pair, VkImage image,
                       uint32_t level, uint32_t layer);

/* A view of one level for attachments; @type 2D or 2D_ARRAY. */
VkImageView vt_attachment_view(VkImage image, VkFormat format,
                               VkImageViewType type, uint32_t level,
                               uint32_t layer, uint32_t layers);

/* In layout GENERAL; a load operation that clears has a colour of its own. */
VkRenderingAttachmentInfo vt_color_attachment(VkImageView view,
                                              VkAttachmentLoadOp load,
                                              VkAttachmentStoreOp store);

/* Push constants of the render shaders. */
struct vt_triangle {
   float corner[3][4];
   float seed;
};
extern const struct vt_triangle vt_full_triangle, vt_slanted_triangle;

struct vt_pipeline {
   VkPipeline pipeline;
   VkPipelineLayout layout;
   VkDescriptorSetLayout set_layout; /* of render_input.frag */
};

/* What a pipeline is for. */
struct vt_pipeline_info {
   VkFormat formats[2];
   uint32_t color_count;
   VkSampleCountFlagBits samples;
   VkFormat depth;    /* or UNDEFINED; tests LESS, writes */
   bool blend;        /* the mean of old and new */
   bool reads_input;  /* render_input.frag in place of render.frag */
   VkRenderPass pass; /* or null: dynamic rendering */
   uint32_t subpass;
   uint32_t view_mask; /* dynamic rendering */
};
struct vt_pipeline vt_pipeline_create(const struct vt_pipeline_info *info);
void vt_pipeline_destroy(struct vt_pipeline *pipeline);
/* Within a render pass instance, with a viewport of @width x @height. */
void vt_draw(VkCommandBuffer cmd, const struct vt_pipeline *pipeline,
             const struct vt_triangle *triangle, uint32_t width,
             uint32_t height, VkRect2D scissor);

#endif /* VT_RENDER_H */
