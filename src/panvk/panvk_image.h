/* SPDX-License-Identifier: MIT */
/*
 * Sparse images. Images that are not sparse are the engine's alone.
 *
 * There are two kinds, told apart by VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT:
 *
 * Opaque (without it): to the engine an ordinary image, bound to memory that is
 * a window over the image's GPU range. No tile of it is known here, so any
 * format, type and sample count of the engine works.
 *
 * Residency: to the engine a sparse image, whose own address range becomes
 * windows over the image's GPU range. Its tiles lie in PanVK's order in the GPU
 * range (panvk_layout.h) and in the engine's order in host addresses, and the
 * engine's residency bitmap follows the binds.
 *
 * Locking: constant from creation to destruction, but for the words of the
 * residency bitmap, which are read by the engine's threads and written with
 * atomic operations by the one thread that binds.
 */
#ifndef PANVK_IMAGE_H
#define PANVK_IMAGE_H

#include "panvk_engine_image.h"
#include "panvk_layout.h"
#include "panvk_private.h"
#include "panvk_shadow.h"

_Static_assert(PANVK_TILE_SIZE_B == PANVK_SPARSE_BLOCK_SIZE,
               "a tile is what the rest of the driver calls a block");

#define PANVK_IMAGE_SPARSE_FLAGS                                               \
   (VK_IMAGE_CREATE_SPARSE_BINDING_BIT |                                       \
    VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT | VK_IMAGE_CREATE_SPARSE_ALIASED_BIT)

/* What the support of a residency image depends on. */
struct panvk_image_kind {
   VkFormat format;
   VkImageType type;
   VkImageTiling tiling;
   VkSampleCountFlagBits samples;
   VkImageUsageFlags usage;
   VkImageCreateFlags flags;
};

struct panvk_image {
   struct panvk_resource res; /* first: see panvk_private.h */
   bool residency; /* else opaque */
   struct panvk_image_kind kind;

   /* Residency images only. */
   struct panvk_layout layout;
   struct panvk_engine_image engine;
   /*
    * Which blocks of the tails are bound, layer after layer. Written by the one
    * thread that binds.
    */
   bool *tail_bound;
   struct panvk_shadows shadows; /* for rendering */

   /* Opaque images only. */
   struct panvk_host_range host;

   /* One for each stretch in which host and GPU order agree. */
   struct pan_kmod_window **windows;
   uint32_t window_count;
};

/* NULL for images that are not sparse. */
struct panvk_image *panvk_image_lookup(struct panvk_device *dev, VkImage image);

/* ------------------------------------------------ panvk_image_support.c -- */

/*
 * NULL when residency images of @kind work, else what does not, for a message.
 * The first call runs the probe.
 */
const char *
panvk_image_residency_unsupported(struct panvk_physical_device *pdev,
                                  const struct panvk_image_kind *kind);
struct panvk_image_kind
panvk_image_kind_of_create_info(const VkImageCreateInfo *info);
/*
 * NULL when the image that @info describes can be made sparse, else what
 * cannot. *layout_out is written for residency images.
 */
const char *panvk_image_unsupported(struct panvk_physical_device *pdev,
                                    const VkImageCreateInfo *info,
                                    struct panvk_layout *layout_out);

/*
 * The one entry that a residency image has in either sparse query: its aspect
 * and the standard shape. @format is known.
 */
VkSparseImageFormatProperties panvk_sparse_format_properties(VkFormat format,
                                                             VkImageType type);

#endif /* PANVK_IMAGE_H */
