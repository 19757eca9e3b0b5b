/* SPDX-License-Identifier: MIT */
/*
 * A Vulkan device with sparse binding, for a program that links nothing: the
 * loader is opened when it runs. What cannot be had ends the program, in words.
 */
#ifndef STOCK_VK_H
#define STOCK_VK_H

#include <stdbool.h>
#include <stdint.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#define VK_FUNCTIONS(X)                                                        \
   X(AllocateMemory) X(FreeMemory)                                             \
   X(BeginCommandBuffer) X(EndCommandBuffer) X(AllocateCommandBuffers)         \
   X(CreateCommandPool) X(DestroyCommandPool) X(CmdFillBuffer)                 \
   X(CreateBuffer) X(DestroyBuffer) X(GetBufferMemoryRequirements)             \
   X(CreateImage) X(DestroyImage) X(GetImageMemoryRequirements)                \
   X(GetImageSparseMemoryRequirements)                                         \
   X(CreateFence) X(DestroyFence) X(ResetFences) X(WaitForFences)              \
   X(CreateSemaphore) X(DestroySemaphore) X(SignalSemaphore)                   \
   X(WaitSemaphores) X(GetSemaphoreCounterValue)                               \
   X(QueueBindSparse) X(QueueSubmit) X(DeviceWaitIdle)                         \
   X(GetDeviceQueue) X(DestroyDevice)

struct vk {
   VkInstance instance;
   VkPhysicalDevice physical;
   VkPhysicalDeviceProperties properties;
   VkPhysicalDeviceFeatures features;
   VkDevice device;
   uint32_t work_family; /* graphics or compute */
   uint32_t sparse_family; /* for binding alone, where there is one */
   VkQueue work;
   VkQueue sparse;
#define X(name) PFN_vk##name name;
   VK_FUNCTIONS(X)
#undef X
};

/* The first device that can bind sparse memory. */
void vk_open(struct vk *vk);
void vk_close(struct vk *vk);

VkDeviceMemory vk_memory(struct vk *vk, VkDeviceSize size_B, uint32_t type_bits);

/* Says what is not so, and where, and ends the program. */
void vk_check(bool ok, const char *what, const char *file, int line);
#define CHECK(condition) vk_check((condition), #condition, __FILE__, __LINE__)

#endif /* STOCK_VK_H */
