/* SPDX-License-Identifier: MIT */
/*
 * vkh: what every small Vulkan program needs and none wants to repeat: a
 * device with its queues, buffers and images with memory, command buffers that
 * run once. For the demos, the benches and the tests of this repository, which
 * work on any Vulkan 1.3 driver.
 *
 * Policy: thin over Vulkan 1.3, and public structs: take the handles and call
 * Vulkan wherever a wrapper would not save lines. vkh_init() tells whether the
 * device can run the program. After it, a Vulkan call that fails where the
 * program could do nothing useful ends the process with exit code 1 and a
 * message (VKH_CHECK); a program that expects a failure calls Vulkan itself.
 * Nothing here is thread-safe, apart from the count of validation errors.
 */
#ifndef VKH_H
#define VKH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <vulkan/vulkan.h>

/* The exit code for a device that lacks what is needed (meson: skip). */
#define VKH_EXIT_UNSUPPORTED 77

#define VKH_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

const char *vkh_result_name(VkResult result);

/* Ends the program with a message unless @call gives VK_SUCCESS. */
#define VKH_CHECK(call)                                                        \
   do {                                                                        \
      VkResult vkh_result_ = (call);                                           \
      if (vkh_result_ != VK_SUCCESS)                                           \
         vkh_fail(__FILE__, __LINE__, #call, vkh_result_);                     \
   } while (0)

_Noreturn void vkh_fail(const char *file, int line, const char *call,
                        VkResult result);
/* A message in printf style, then exit code 1. */
_Noreturn void vkh_die(const char *format, ...)
   __attribute__((format(printf, 1, 2)));
/* calloc() that ends the program when there is no memory. */
void *vkh_calloc(size_t count, size_t size_B);
/* Monotonic time in seconds. */
double vkh_seconds(void);

/* ---------------------------------------------------------------- device -- */

enum vkh_sparse_queue {
   VKH_SPARSE_QUEUE_NONE, /* the program binds nothing sparse */
   VKH_SPARSE_QUEUE_ANY, /* the universal one, else another family's */
   VKH_SPARSE_QUEUE_UNIVERSAL, /* one queue for work and binds */
   VKH_SPARSE_QUEUE_SEPARATE, /* another queue of another family */
};

struct vkh_config {
   const char *name; /* of the program, for the driver */
   VkPhysicalDeviceFeatures required; /* without them: unsupported */
   VkPhysicalDeviceFeatures wanted; /* enabled where the device has them */
   bool wants_buffer_address; /* bufferDeviceAddress, where present */
   bool wants_present; /* swapchains of headless surfaces, where present */
   enum vkh_sparse_queue sparse_queue;
   /* Of the device, or NULL; enabled where the device has it, with features. */
   const char *wanted_extension;
   void *extension_features; /* a chain of feature structures, or NULL */
};

struct vkh {
   VkInstance instance;
   VkDebugUtilsMessengerEXT messenger;
   VkPhysicalDevice physical;
   VkDevice device;

   VkPhysicalDeviceProperties properties;
   VkPhysicalDeviceDriverProperties driver;
   VkPhysicalDeviceMemoryProperties memory;
   VkPhysicalDeviceFeatures features; /* as enabled */
   bool buffer_address; /* enabled */
   bool can_present; /* VK_EXT_headless_surface and VK_KHR_swapchain, enabled */
   bool extension; /* the wanted one is enabled */

   uint32_t family; /* graphics, compute and transfer */
   VkQueue queue;
   uint32_t sparse_family; /* equals family: then so do the queues */
   VkQueue sparse_queue;
   VkCommandPool pool; /* of family */

   atomic_uint validation_errors; /* reported by layers so far */
};

/*
 * Creates an instance, takes the loader's first device (or the one whose index
 * is in $VKH_DEVICE) and creates the device with its queues. Enables multiview,
 * timeline semaphores, imageless framebuffers, dynamic rendering,
 * synchronization2 and maintenance4. Layers come
 * from the environment (VK_INSTANCE_LAYERS); their messages go to stderr and
 * errors are counted.
 * Returns false, with the reason on stderr and nothing left to destroy, when
 * the device lacks something required: exit with VKH_EXIT_UNSUPPORTED.
 */
bool vkh_init(struct vkh *vk, const struct vkh_config *config);
/* Waits for the device, destroys everything that vkh_init() created. */
void vkh_finish(struct vkh *vk);

/* -------------------------------------------------- memory and resources -- */

enum vkh_memory {
   VKH_MEMORY_DEVICE, /* the GPU's; not mapped */
   VKH_MEMORY_UPLOAD, /* mapped and coherent, written by the CPU */
   VKH_MEMORY_READBACK, /* mapped and coherent, cached where possible */
};

/* The index of a type in @type_bits, by kind. Dies if there is none. */
uint32_t vkh_memory_type(const struct vkh *vk, uint32_t type_bits,
                         enum vkh_memory kind);
VkResult vkh_memory_try_alloc(const struct vkh *vk, VkDeviceSize size_B,
                              uint32_t type_bits, enum vkh_memory kind,
                              VkDeviceMemory *memory_out);

struct vkh_buffer {
   VkBuffer buffer;
   VkDeviceMemory memory;
   VkDeviceSize size_B;
   void *map; /* NULL for VKH_MEMORY_DEVICE */
};

void vkh_buffer_create(const struct vkh *vk, VkDeviceSize size_B,
                       VkBufferUsageFlags usage, enum vkh_memory kind,
                       struct vkh_buffer *buffer_out);
void vkh_buffer_destroy(const struct vkh *vk, struct vkh_buffer *buffer);
/* A buffer without memory, to be bound with vkQueueBindSparse. */
VkBuffer vkh_sparse_buffer_create(const struct vkh *vk, VkDeviceSize size_B,
                                  VkBufferCreateFlags flags,
                                  VkBufferUsageFlags usage);

struct vkh_image {
   VkImage image;
   VkDeviceMemory memory;
   VkImageView view;
   VkFormat format;
   VkExtent3D extent;
};

/* A 2D image of one level and layer with memory and a view of all of it. */
void vkh_image_create(const struct vkh *vk, VkFormat format, uint32_t width,
                      uint32_t height, VkSampleCountFlagBits samples,
                      VkImageUsageFlags usage, VkImageAspectFlags aspect,
                      struct vkh_image *image_out);
void vkh_image_destroy(const struct vkh *vk, struct vkh_image *image);

/* What the driver says of the colour aspect; dies if it says nothing. */
VkSparseImageMemoryRequirements
vkh_sparse_requirements(const struct vkh *vk, VkImage image);

/* ------------------------------------------------------------- pipelines -- */

/* @code: SPIR-V words; @size_B: their size. */
VkShaderModule vkh_shader(const struct vkh *vk, const uint32_t *code,
                          size_t size_B);
VkPipeline vkh_compute_pipeline(const struct vkh *vk, VkPipelineLayout layout,
                                const uint32_t *code, size_t size_B);
/* Bindings 0, 1, ... of one descriptor each; up to 16. */
VkDescriptorSetLayout vkh_set_layout(const struct vkh *vk,
                                     VkShaderStageFlags stages,
                                     const VkDescriptorType *types,
                                     uint32_t count);
/* @push_size_B may be 0. */
VkPipelineLayout vkh_pipeline_layout(const struct vkh *vk,
                                     VkDescriptorSetLayout set,
                                     VkShaderStageFlags push_stages,
                                     uint32_t push_size_B);
/* A set of its own pool: destroying *pool_out frees it. */
VkDescriptorSet vkh_descriptor_set(const struct vkh *vk,
                                   VkDescriptorSetLayout layout,
                                   const VkDescriptorType *types,
                                   uint32_t count, VkDescriptorPool *pool_out);
void vkh_write_buffer(const struct vkh *vk, VkDescriptorSet set,
                      uint32_t binding, VkDescriptorType type, VkBuffer buffer,
                      VkDeviceSize offset, VkDeviceSize range);
void vkh_write_image(const struct vkh *vk, VkDescriptorSet set,
                     uint32_t binding, VkDescriptorType type,
                     VkImageView view, VkImageLayout layout, VkSampler sampler);

/* --------------------------------------------------------- work and time -- */

/* A command buffer that records already. */
VkCommandBuffer vkh_begin(const struct vkh *vk);
/* Ends @cmd, runs it, waits for it and frees it. */
void vkh_run(const struct vkh *vk, VkCommandBuffer cmd);

/* Everything before, made visible to everything after. */
void vkh_full_barrier(VkCommandBuffer cmd);
void vkh_memory_barrier(VkCommandBuffer cmd, VkPipelineStageFlags2 src_stage,
                        VkAccessFlags2 src_access,
                        VkPipelineStageFlags2 dst_stage,
                        VkAccessFlags2 dst_access);
/* All levels and layers of one aspect; waits for all, blocks all. */
void vkh_image_layout(VkCommandBuffer cmd, VkImage image,
                      VkImageAspectFlags aspect, VkImageLayout from,
                      VkImageLayout to);

/* A binary one. */
VkSemaphore vkh_semaphore_create(const struct vkh *vk);
VkSemaphore vkh_timeline_create(const struct vkh *vk, uint64_t value);
void vkh_timeline_wait(const struct vkh *vk, VkSemaphore semaphore,
                       uint64_t value);
void vkh_timeline_signal(const struct vkh *vk, VkSemaphore semaphore,
                         uint64_t value);
VkFence vkh_fence_create(const struct vkh *vk);
/* Binds and waits until it is done. @fence: unsignaled, and is so again. */
void vkh_bind_and_wait(const struct vkh *vk, const VkBindSparseInfo *info,
                       VkFence fence);

#endif /* VKH_H */
