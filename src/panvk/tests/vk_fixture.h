/* SPDX-License-Identifier: MIT */
/*
 * A Vulkan device with one queue that binds and computes, and the few things
 * that the image tests do with it, through the loader, on whatever driver that
 * finds. Everything here ends the test when it fails; nothing is thread-safe.
 */
#ifndef VK_FIXTURE_H
#define VK_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#define vk_ok(call) vk_check((call), #call, __FILE__, __LINE__)
void vk_check(VkResult result, const char *what, const char *file, int line);

/* As in vk_image.comp. */
struct vk_query {
   uint32_t x, y, layer, level;
   uint32_t resident;
   float red;
};

#define VK_MAX_QUERIES 4096
#define VK_STAGING_SIZE_B (16u << 20)

struct vk_fixture {
   VkInstance instance;
   VkDebugUtilsMessengerEXT messenger;
   VkPhysicalDevice pdev;
   VkPhysicalDeviceFeatures features;
   VkPhysicalDeviceMemoryProperties memory_props;
   bool ours; /* not another driver that the tests run on for comparison */
   VkDevice device;
   VkQueue queue;
   VkCommandPool pool;
   VkFence fence;
   /* Written and read by the CPU. */
   VkBuffer staging;
   VkDeviceMemory staging_memory;
   uint8_t *staging_map;
   /* The number of queries, then the queries. */
   VkBuffer query_buffer;
   VkDeviceMemory query_memory;
   uint32_t *query_map;
   VkSampler sampler;
   VkDescriptorSetLayout set_layout;
   VkPipelineLayout pipeline_layout;
   VkPipeline pipeline;
   VkDescriptorPool descriptor_pool;
   /* Errors that VK_EXT_debug_utils reported, of the driver or of a layer. */
   bool errors_expected;
   unsigned errors; /* while expected */
   unsigned unexpected_errors; /* these are printed, too */
};

/*
 * False when no driver here can do what the tests need; says so. @f->ours is
 * then true if the last one asked was this driver, which ought to.
 */
bool vk_fixture_init(struct vk_fixture *f);
void vk_fixture_finish(struct vk_fixture *f);

VkDeviceMemory vk_alloc(struct vk_fixture *f, VkDeviceSize size_B,
                        uint32_t type_bits);

/* A command buffer that vk_submit() runs, waits for and frees. */
VkCommandBuffer vk_begin(struct vk_fixture *f);
void vk_submit(struct vk_fixture *f, VkCommandBuffer commands);

/* One bind, one fence; waits. Returns what vkQueueBindSparse returned. */
VkResult vk_bind(struct vk_fixture *f, const VkBindSparseInfo *info);

/* All levels and layers from UNDEFINED to GENERAL. */
void vk_make_general(struct vk_fixture *f, VkImage image);
/* Between the staging buffer (at 0, tightly packed) and one region. */
void vk_upload(struct vk_fixture *f, VkImage image,
               VkImageSubresourceLayers subresource, VkOffset3D offset,
               VkExtent3D extent);
void vk_download(struct vk_fixture *f, VkImage image,
                 VkImageSubresourceLayers subresource, VkOffset3D offset,
                 VkExtent3D extent);

/* Runs vk_image.comp over @queries and fills in what it found. */
void vk_fetch(struct vk_fixture *f, VkImage image, VkFormat format,
              uint32_t levels, uint32_t layers, struct vk_query *queries,
              uint32_t count);

#endif /* VK_FIXTURE_H */
