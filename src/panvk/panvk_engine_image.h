/* SPDX-License-Identifier: MIT */
/*
 * The engine's side of a sparse residency image: where its tiles and its
 * residency bitmap lie in this process. None of it is part of any interface; it
 * shows in the descriptors that VK_EXT_descriptor_buffer hands out. Nothing
 * here may be relied on before panvk_probe_run() has verified it.
 */
#ifndef PANVK_ENGINE_IMAGE_H
#define PANVK_ENGINE_IMAGE_H

#include <stdint.h>

#include "panvk_layout.h"

struct panvk_device;

/* The engine's texture offsets are signed 32-bit numbers. */
#define PANVK_ENGINE_MAX_IMAGE_SIZE_B (1ull << 31)
/* Larger than any descriptor of the engine, with room to grow. */
#define PANVK_ENGINE_MAX_DESCRIPTOR_SIZE_B 1024

/* Fields of the engine's sampled-image descriptor, in bytes. */
#define PANVK_SAMPLED_BASE 0 /* uint64_t: the image, not the view */
#define PANVK_SAMPLED_RESIDENCY 16 /* uint64_t: the bitmap */
#define PANVK_SAMPLED_MIP_OFFSETS 148 /* uint32_t a level */
#define PANVK_SAMPLED_LEVELS 16
#define PANVK_SAMPLED_MIN_SIZE_B                                               \
   (PANVK_SAMPLED_MIP_OFFSETS + 4 * PANVK_SAMPLED_LEVELS)
/* Fields of its storage-image descriptor. */
#define PANVK_STORAGE_BASE 0 /* uint64_t: the (level, layer) */
#define PANVK_STORAGE_RESIDENCY 32 /* uint64_t */
#define PANVK_STORAGE_OFFSET 40 /* uint32_t: of the (level, layer) */
#define PANVK_STORAGE_MIN_SIZE_B (PANVK_STORAGE_OFFSET + 4)

struct panvk_engine_image {
   uint8_t *base; /* page-aligned; tiles in the engine's order */
   uint32_t *residency; /* bit n % 32 of word n / 32: tile n */
};

/*
 * Looks at @image, a sparse residency image of the engine with SAMPLED usage,
 * and checks that the engine keeps it as @layout says. @descriptor_size_B:
 * sampledImageDescriptorSize. VK_ERROR_INITIALIZATION_FAILED when it does not,
 * with *reason_out saying why; else the error of creating a view, with
 * *reason_out saying so.
 */
VkResult panvk_engine_image_inspect(struct panvk_device *dev, VkImage image,
                                    VkFormat format,
                                    const struct panvk_layout *layout,
                                    size_t descriptor_size_B,
                                    struct panvk_engine_image *out,
                                    const char **reason_out);

/* Reads a field of a descriptor. */
uint64_t panvk_descriptor_u64(const uint8_t *descriptor, size_t offset_B);
uint32_t panvk_descriptor_u32(const uint8_t *descriptor, size_t offset_B);

#endif /* PANVK_ENGINE_IMAGE_H */
