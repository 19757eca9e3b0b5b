/* SPDX-License-Identifier: MIT */
/*
 * The probe's Vulkan objects: an image, a buffer and a compute pipeline on the
 * private engine device. Used by panvk_probe.c alone; no locking.
 */
#ifndef PANVK_PROBE_GPU_H
#define PANVK_PROBE_GPU_H

#include <stdint.h>

#include "panvk_private.h"

#define PROBE_FORMAT VK_FORMAT_R32_UINT
#define PROBE_LEVELS 3
/* The subresource that is a storage image and that is copied. */
#define PROBE_STORAGE_LEVEL 1
/* Words of the largest such subresource. */
#define PROBE_MAX_COPY_WORDS (64 * 32 * 24)

/*
 * An image to probe with: the smallest that tells x from y from z and tile
 * order from row order, with tiles that the image's edge cuts.
 */
struct panvk_probe_shape {
   const char *name; /* for messages */
   VkImageType type;
   VkExtent3D extent;
   uint32_t layers;
   VkImageViewType view_type; /* of the shader's images */
   uint32_t copy_layer;
   /* Texels that every tile of every level has, from its corner on. */
   VkExtent3D common;
};

extern const struct panvk_probe_shape panvk_probe_shape_2d;
extern const struct panvk_probe_shape panvk_probe_shape_3d;

#define PROBE_MAX_QUERIES 32

/* As in panvk_probe.comp. */
struct panvk_probe_query {
   uint32_t x, y;
   uint32_t z; /* the array layer, or the slice of a 3D image */
   uint32_t level;
   uint32_t store;
   uint32_t sampled_resident, sampled_value;
   uint32_t storage_resident, storage_value;
};

/* The buffer, mapped. */
struct panvk_probe_results {
   struct panvk_probe_query query[PROBE_MAX_QUERIES];
   uint32_t
      pad[1024 - PROBE_MAX_QUERIES * sizeof(struct panvk_probe_query) / 4];
   uint32_t copy[PROBE_MAX_COPY_WORDS];
};

struct panvk_probe_gpu {
   struct panvk_device *dev;
   const struct panvk_probe_shape *shape;
   VkQueue queue;
   VkImage image;
   VkImageView sampled_view, storage_view;
   VkSampler sampler;
   VkBuffer buffer;
   VkDeviceMemory memory;
   struct panvk_probe_results *results;
   VkShaderModule shader;
   VkDescriptorSetLayout set_layout;
   VkDescriptorPool descriptor_pool;
   VkDescriptorSet set;
   VkPipelineLayout pipeline_layout;
   VkPipeline pipeline;
   VkCommandPool command_pool;
   VkCommandBuffer commands;
   VkFence fence;
};

/* The image alone: enough to look at its descriptors. */
VkResult panvk_probe_gpu_init_image(struct panvk_probe_gpu *gpu,
                                    struct panvk_device *dev,
                                    const struct panvk_probe_shape *shape);
/* All the rest, once the image has turned out to be what it should be. */
VkResult panvk_probe_gpu_init(struct panvk_probe_gpu *gpu);
/* Accepts what either of the two left half-done. */
void panvk_probe_gpu_finish(struct panvk_probe_gpu *gpu);

/* The level that is copied: texels. */
VkExtent3D panvk_probe_copy_extent(const struct panvk_probe_shape *shape);

/* Runs the shader over all queries, then the copy, and waits for both. */
VkResult panvk_probe_gpu_run(struct panvk_probe_gpu *gpu);

#endif /* PANVK_PROBE_GPU_H */
