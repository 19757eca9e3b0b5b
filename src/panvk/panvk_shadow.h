/* SPDX-License-Identifier: MIT */
/*
 * Shadows: ordinary images of the engine that stand in for parts of residency
 * images where the engine would render to those as if they were linear. What is
 * wanted of a part is copied in, the engine renders, and the result is copied
 * out; copies from and to sparse images it does right.
 *
 * A *level shadow* has the size of one level, with all its layers, and is used
 * by attachments: it exists while a view of the level does that can be one,
 * which may be longer than the image does. A
 * *scratch* holds the destination of one blit or resolve at its origin, and
 * lives as long as the image. Nothing in either matters from one render pass
 * instance or blit to the next, and the engine executes in order, so command
 * buffers share them.
 *
 * Memory: a shadow is address space until it is written. docs/images.md says
 * what bounds it.
 */
#ifndef PANVK_SHADOW_H
#define PANVK_SHADOW_H

#include "panvk_layout.h"
#include "panvk_private.h"

struct panvk_image;

/* Widths of scratches are powers of two, up to that of level 0. */
#define PANVK_SCRATCH_WIDTHS PANVK_MAX_LEVELS

struct panvk_shadow {
   VkImage image;
   struct panvk_host_range memory;
   /* Guarded by one lock for all, as the pointers of all images are. */
   struct panvk_shadow **slot; /* the image's pointer; NULL: it is gone */
   uint32_t users;             /* views */
};

/* Those of one residency image. */
struct panvk_shadows {
   struct panvk_shadow *level[PANVK_MAX_LEVELS];
   struct panvk_shadow *scratch[PANVK_SCRATCH_WIDTHS];
};

/* The image goes: no command that uses it is pending. Views may still exist. */
void panvk_shadows_finish(struct panvk_device *dev,
                          struct panvk_shadows *shadows);

/*
 * Takes a reference to the shadow of @level of @image, which is made if there
 * is none. Any thread. Vulkan's out-of-memory errors.
 */
VkResult panvk_shadow_ref_level(struct panvk_device *dev,
                                struct panvk_image *image, uint32_t level,
                                struct panvk_shadow **shadow_out);
/* Gives it back; with the last reference it is destroyed. */
void panvk_shadow_unref(struct panvk_device *dev, struct panvk_shadow *shadow);
/*
 * A scratch of @image that is at least @width texels wide, and as high and deep
 * as its level 0; it has one layer. Any thread. Vulkan's out-of-memory errors.
 */
VkResult panvk_shadow_get_scratch(struct panvk_device *dev,
                                  struct panvk_image *image, uint32_t width,
                                  struct panvk_shadow **shadow_out);

#endif /* PANVK_SHADOW_H */
