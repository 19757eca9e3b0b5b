/* SPDX-License-Identifier: MIT */
/*
 * Which semaphores are timelines, for the bind queue: Vulkan's batches do not
 * say. Each has a serial number, since a handle may come back for another one.
 */
#include "panvk_chain.h"
#include "panvk_queue.h"

uint64_t
panvk_timeline_serial(struct panvk_device *dev, VkSemaphore semaphore)
{
   return panvk_key(panvk_map_find(&dev->timelines, panvk_key(semaphore)));
}

static bool
is_timeline(const VkSemaphoreCreateInfo *info)
{
   const VkSemaphoreTypeCreateInfo *type = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
   return type != NULL && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateSemaphore(VkDevice device, const VkSemaphoreCreateInfo *pCreateInfo,
                      const VkAllocationCallbacks *pAllocator,
                      VkSemaphore *pSemaphore)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result =
      dev->vk.CreateSemaphore(device, pCreateInfo, pAllocator, pSemaphore);
   if (result != VK_SUCCESS || !is_timeline(pCreateInfo))
      return result;
   uintptr_t serial = atomic_fetch_add_explicit(&dev->timeline_serials, 1,
                                                memory_order_relaxed) +
                      1;
   /* Without memory for it, it is one that binds are not chained by. */
   (void)panvk_map_insert(&dev->timelines, panvk_key(*pSemaphore),
                          (void *)serial);
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroySemaphore(VkDevice device, VkSemaphore semaphore,
                       const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   /* Before the handle can be given out again. */
   if (semaphore != VK_NULL_HANDLE)
      (void)panvk_map_remove(&dev->timelines, panvk_key(semaphore));
   dev->vk.DestroySemaphore(device, semaphore, pAllocator);
}
