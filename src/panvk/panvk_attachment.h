/* SPDX-License-Identifier: MIT */
/*
 * Residency images as attachments. A view of one that may be an attachment has
 * a second view, of a shadow (panvk_shadow.h), that takes its place in
 * framebuffers, in vkCmdBeginRendering and in input-attachment descriptors.
 * Around each render pass instance the render area is copied in and out.
 *
 * Layouts: the engine has none, it keeps an image in one way whatever it is
 * called. So the copies name GENERAL, and the barriers around them are of
 * memory alone.
 *
 * Locking: what is found by handle is constant while the handle may be used.
 */
#ifndef PANVK_ATTACHMENT_H
#define PANVK_ATTACHMENT_H

#include "panvk_image.h"
#include "panvk_private.h"

/* The usages for which a view has a shadow. */
#define PANVK_ATTACHMENT_USAGE                                                 \
   (VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |                                      \
    VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT |                              \
    VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT)

/* Of a residency image, of one level, with a usage of the above. */
struct panvk_view {
   struct panvk_image *image;
   uint32_t level;
   /* Layers of the image, or of a 3D image's slices. */
   uint32_t first_layer, layer_count;
   struct panvk_shadow *shadow; /* of the level, with the same layers */
   VkImageView shadow_view;
};

/* NULL for all other views. Any thread. */
struct panvk_view *panvk_view_lookup(struct panvk_device *dev,
                                     VkImageView view);
/* The handle that is an attachment in place of @view, which may be itself. */
VkImageView panvk_view_to_attachment(struct panvk_device *dev,
                                     VkImageView view);
/*
 * After the engine has made @view of @image: makes its shadow, if it is of that
 * kind. Vulkan's out-of-memory errors, and then nothing has changed.
 */
VkResult panvk_view_add(struct panvk_device *dev, struct panvk_image *image,
                        const VkImageViewCreateInfo *info, VkImageView view);

/* Destroys the shadows of views that the application has left. */
void panvk_view_finish_device(struct panvk_device *dev);

/* --------------------------------------------- panvk_attachment_pass.c -- */

/* What a render pass does with an attachment. */
struct panvk_pass_attachment {
   bool used;  /* by any subpass */
   bool loads; /* some of what was there before is kept */
   bool stores;
   uint32_t view_mask; /* of the subpasses that use it */
};

struct panvk_pass {
   uint32_t count;
   struct panvk_pass_attachment attachments[];
};

/* Framebuffers that are imageless or have a view with a shadow. */
struct panvk_framebuffer {
   uint32_t layers;
   uint32_t count;      /* 0: imageless */
   VkImageView views[]; /* as the application named them */
};

/* NULL: none that is known; its views have no shadows. Any thread. */
struct panvk_framebuffer *panvk_framebuffer_lookup(struct panvk_device *dev,
                                                   VkFramebuffer handle);
/* Never NULL for a handle that came from this driver. Any thread. */
struct panvk_pass *panvk_pass_lookup(struct panvk_device *dev,
                                     VkRenderPass handle);

/* Frees what the application has left of passes, framebuffers, templates. */
void panvk_pass_finish_device(struct panvk_device *dev);

#endif /* PANVK_ATTACHMENT_H */
