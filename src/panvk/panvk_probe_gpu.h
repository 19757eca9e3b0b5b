/* SPDX-License-Identifier: MIT */
/*
 * The probe's Vulkan objects: an image, a buffer and a compute pipeline on the
 * private engine device. Used by panvk_probe.c alone; no locking.
 */
#ifndef PANVK_PROBE_GPU_H
#define PANVK_PROBE_GPU_H

#include <stdint.h>

#include "panvk_private.h"

/*
 * The smallest image that tells x from y and tile order from row order: 4x2,
 * 2x1 and one tile that the image's edge cuts, in two layers.
 */
#define PROBE_WIDTH 512
#define PROBE_HEIGHT 256
#define PROBE_LEVELS 3
#define PROBE_LAYERS 2
#define PROBE_FORMAT VK_FORMAT_R32_UINT
/* The subresource that is a storage image and that is copied. */
#define PROBE_STORAGE_LEVEL 1
#define PROBE_COPY_LAYER 1
#define PROBE_COPY_WIDTH (PROBE_WIDTH >> PROBE_STORAGE_LEVEL)
#define PROBE_COPY_HEIGHT (PROBE_HEIGHT >> PROBE_STORAGE_LEVEL)

#define PROBE_MAX_QUERIES 32

/* As in panvk_probe.comp. */
struct panvk_probe_query {
   uint32_t x, y, layer, level;
   uint32_t store;
   uint32_t sampled_resident, sampled_value;
   uint32_t storage_resident, storage_value;
};

/* The buffer, mapped. */
struct panvk_probe_results {
   struct panvk_probe_query query[PROBE_MAX_QUERIES];
   uint32_t pad[1024 - PROBE_MAX_QUERIES *
                          sizeof(struct panvk_probe_query) / 4];
   uint32_t copy[PROBE_COPY_WIDTH * PROBE_COPY_HEIGHT];
};

struct panvk_probe_gpu {
   struct panvk_device *dev;
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
                                    struct panvk_device *dev);
/* All the rest, once the image has turned out to be what it should be. */
VkResult panvk_probe_gpu_init(struct panvk_probe_gpu *gpu);
/* Accepts what either of the two left half-done. */
void panvk_probe_gpu_finish(struct panvk_probe_gpu *gpu);

/* Runs the shader over all queries, then the copy, and waits for both. */
VkResult panvk_probe_gpu_run(struct panvk_probe_gpu *gpu);

#endif /* PANVK_PROBE_GPU_H */
