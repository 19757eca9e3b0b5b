/* SPDX-License-Identifier: MIT */
/*
 * Vulkan 1.3, 5.3 "Queues": which families there are, and whose queues a device
 * has.
 */
#include "panvk_queue_family.h"

#include "panvk_queue.h"

/* --------------------------------------------------------------- queries -- */

/* 5.1, VkQueueFamilyProperties; granularity as for any family that copies. */
static const VkQueueFamilyProperties sparse_family = {
   .queueFlags = VK_QUEUE_SPARSE_BINDING_BIT,
   .queueCount = 1,
   .minImageTransferGranularity = {1, 1, 1},
};

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceQueueFamilyProperties(
   VkPhysicalDevice physicalDevice, uint32_t *pQueueFamilyPropertyCount,
   VkQueueFamilyProperties *pQueueFamilyProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   uint32_t one = 1;

   if (pQueueFamilyProperties == NULL) {
      *pQueueFamilyPropertyCount = PANVK_FAMILY_COUNT;
      return;
   }
   uint32_t count = PANVK_MIN(*pQueueFamilyPropertyCount, PANVK_FAMILY_COUNT);
   if (count > PANVK_FAMILY_UNIVERSAL)
      pdev->instance->vk.GetPhysicalDeviceQueueFamilyProperties(
         physicalDevice, &one, &pQueueFamilyProperties[PANVK_FAMILY_UNIVERSAL]);
   if (count > PANVK_FAMILY_SPARSE)
      pQueueFamilyProperties[PANVK_FAMILY_SPARSE] = sparse_family;
   *pQueueFamilyPropertyCount = count;
}

/* What is chained (global priorities and the like) is as the engine's own. */
VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceQueueFamilyProperties2(
   VkPhysicalDevice physicalDevice, uint32_t *pQueueFamilyPropertyCount,
   VkQueueFamilyProperties2 *pQueueFamilyProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);

   if (pQueueFamilyProperties == NULL) {
      *pQueueFamilyPropertyCount = PANVK_FAMILY_COUNT;
      return;
   }
   uint32_t count = PANVK_MIN(*pQueueFamilyPropertyCount, PANVK_FAMILY_COUNT);
   for (uint32_t i = 0; i < count; i++) {
      uint32_t one = 1;
      pdev->instance->vk.GetPhysicalDeviceQueueFamilyProperties2(
         physicalDevice, &one, &pQueueFamilyProperties[i]);
   }
   if (count > PANVK_FAMILY_SPARSE)
      pQueueFamilyProperties[PANVK_FAMILY_SPARSE].queueFamilyProperties =
         sparse_family;
   *pQueueFamilyPropertyCount = count;
}

/* 35.2: images are presented from the universal family alone. */
VKAPI_ATTR VkResult VKAPI_CALL
panvk_GetPhysicalDeviceSurfaceSupportKHR(VkPhysicalDevice physicalDevice,
                                         uint32_t queueFamilyIndex,
                                         VkSurfaceKHR surface,
                                         VkBool32 *pSupported)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   if (queueFamilyIndex != PANVK_FAMILY_UNIVERSAL) {
      *pSupported = VK_FALSE;
      return VK_SUCCESS;
   }
   return pdev->instance->vk.GetPhysicalDeviceSurfaceSupportKHR(
      physicalDevice, queueFamilyIndex, surface, pSupported);
}

/* --------------------------------------------------------------- devices -- */

bool
panvk_check_queue_infos(struct panvk_physical_device *pdev,
                        const VkDeviceCreateInfo *info)
{
   for (uint32_t i = 0; i < info->queueCreateInfoCount; i++) {
      const VkDeviceQueueCreateInfo *queue = &info->pQueueCreateInfos[i];
      if (queue->queueFamilyIndex < PANVK_FAMILY_COUNT &&
          queue->queueCount == 1)
         continue;
      panvk_error(pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
                  "vkCreateDevice: %u queues of family %u, but there are %u "
                  "families of one queue each",
                  queue->queueCount, queue->queueFamilyIndex,
                  PANVK_FAMILY_COUNT);
      return false;
   }
   return true;
}

static const VkDeviceQueueCreateInfo *
find_family(const VkDeviceCreateInfo *info, uint32_t family)
{
   for (uint32_t i = 0; i < info->queueCreateInfoCount; i++)
      if (info->pQueueCreateInfos[i].queueFamilyIndex == family)
         return &info->pQueueCreateInfos[i];
   return NULL;
}

bool
panvk_wants_family(const VkDeviceCreateInfo *info, uint32_t family)
{
   return find_family(info, family) != NULL;
}

const VkDeviceQueueCreateInfo *
panvk_engine_queue_info(const VkDeviceCreateInfo *info,
                        const VkDeviceQueueCreateInfo *fallback)
{
   const VkDeviceQueueCreateInfo *found =
      find_family(info, PANVK_FAMILY_UNIVERSAL);
   return found != NULL ? found : fallback;
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetDeviceQueue(VkDevice device, uint32_t queueFamilyIndex,
                     uint32_t queueIndex, VkQueue *pQueue)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   if (queueFamilyIndex == PANVK_FAMILY_UNIVERSAL)
      dev->vk.GetDeviceQueue(device, queueFamilyIndex, queueIndex, pQueue);
   else
      *pQueue = dev->sparse_queue != NULL ? dev->sparse_queue->handle : NULL;
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetDeviceQueue2(VkDevice device, const VkDeviceQueueInfo2 *pQueueInfo,
                      VkQueue *pQueue)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   if (pQueueInfo->queueFamilyIndex == PANVK_FAMILY_UNIVERSAL)
      dev->vk.GetDeviceQueue2(device, pQueueInfo, pQueue);
   else
      *pQueue = dev->sparse_queue != NULL ? dev->sparse_queue->handle : NULL;
}
