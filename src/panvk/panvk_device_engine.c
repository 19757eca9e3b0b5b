/* SPDX-License-Identifier: MIT */
/*
 * The engine's side of a device: what the application enables, and what this
 * driver needs besides.
 */
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
#include "panvk_physical_device.h"
#include "panvk_queue_family.h"

/*
 * What this driver needs of the engine whatever the application enables: memory
 * from the kernel driver, timelines for binds, a look at image descriptors.
 */
static const char *const needed_extensions[] = {
   VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME,
   VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
   VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME,
   VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
};

/* The commands that they add, which only an application that asks may see. */
static const struct {
   const char *extension;
   const char *command;
} added_commands[] = {
   {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME,
    "vkGetMemoryHostPointerPropertiesEXT"},
   {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, "vkGetSemaphoreCounterValueKHR"},
   {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, "vkWaitSemaphoresKHR"},
   {VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, "vkSignalSemaphoreKHR"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME, "vkGetDescriptorSetLayoutSizeEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetDescriptorSetLayoutBindingOffsetEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME, "vkGetDescriptorEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME, "vkCmdBindDescriptorBuffersEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkCmdSetDescriptorBufferOffsetsEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkCmdBindDescriptorBufferEmbeddedSamplersEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetBufferOpaqueCaptureDescriptorDataEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetImageOpaqueCaptureDescriptorDataEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetImageViewOpaqueCaptureDescriptorDataEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetSamplerOpaqueCaptureDescriptorDataEXT"},
   {VK_EXT_DESCRIPTOR_BUFFER_EXTENSION_NAME,
    "vkGetAccelerationStructureOpaqueCaptureDescriptorDataEXT"},
};

bool
panvk_device_hides_command(const struct panvk_device *dev, const char *name)
{
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(added_commands); i++) {
      if (strcmp(added_commands[i].command, name) == 0)
         return panvk_has_name(dev->added_extensions,
                               dev->added_extension_count,
                               added_commands[i].extension);
   }
   return false;
}

/*
 * Notes which needed extensions the application has not enabled and the engine
 * has. The probe copes with the rest.
 */
static void
find_added(struct panvk_device *dev, const VkDeviceCreateInfo *info)
{
   _Static_assert(PANVK_ARRAY_SIZE(needed_extensions) <=
                     PANVK_ARRAY_SIZE(dev->added_extensions),
                  "there is room for all");
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(needed_extensions); i++) {
      const char *name = needed_extensions[i];
      if (!panvk_has_name(info->ppEnabledExtensionNames,
                          info->enabledExtensionCount, name) &&
          panvk_physical_device_has_extension(dev->pdev, name))
         dev->added_extensions[dev->added_extension_count++] = name;
   }
}

VkResult
panvk_device_init_engine(struct panvk_device *dev,
                         struct panvk_physical_device *pdev,
                         const VkDeviceCreateInfo *info,
                         const VkAllocationCallbacks *allocator)
{
   const struct panvk_instance_table *vk = &pdev->instance->vk;
   VkDeviceCreateInfo engine_info = *info;
   VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
      .pNext = (void *)info->pNext,
      .timelineSemaphore = VK_TRUE,
   };

   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo universal = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueFamilyIndex = PANVK_FAMILY_UNIVERSAL,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };

   engine_info.queueCreateInfoCount = 1;
   engine_info.pQueueCreateInfos = panvk_engine_queue_info(info, &universal);
   dev->pdev = pdev;
   find_added(dev, info);
   /* No feature may be asked for in two structures of a chain. */
   if (panvk_find_struct_const(info->pNext, timeline.sType) == NULL &&
       panvk_find_struct_const(
          info->pNext,
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES) == NULL)
      engine_info.pNext = &timeline;

   const char **names = panvk_merge_names(
      info->ppEnabledExtensionNames, info->enabledExtensionCount,
      dev->added_extensions, dev->added_extension_count,
      &engine_info.enabledExtensionCount);
   if (names == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   engine_info.ppEnabledExtensionNames = names;
   VkResult result =
      vk->CreateDevice(pdev->handle, &engine_info, allocator, &dev->handle);
   free(names);
   if (result == VK_SUCCESS)
      panvk_device_table_load(&dev->vk, dev->handle, vk->GetDeviceProcAddr);
   return result;
}

VkResult
panvk_device_create_private(struct panvk_physical_device *pdev,
                            const VkAllocationCallbacks *allocator,
                            struct panvk_device **dev_out)
{
   float priority = 1.0f;
   VkDeviceQueueCreateInfo queue = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
      .queueCount = 1,
      .pQueuePriorities = &priority,
   };
   VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .queueCreateInfoCount = 1,
      .pQueueCreateInfos = &queue,
   };
   struct panvk_device *dev = calloc(1, sizeof(*dev));
   if (dev == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   VkResult result = panvk_device_init_engine(dev, pdev, &info, allocator);
   if (result != VK_SUCCESS) {
      free(dev);
      return result;
   }
   *dev_out = dev;
   return VK_SUCCESS;
}

void
panvk_device_destroy_private(struct panvk_device *dev,
                             const VkAllocationCallbacks *allocator)
{
   dev->vk.DestroyDevice(dev->handle, allocator);
   free(dev);
}
