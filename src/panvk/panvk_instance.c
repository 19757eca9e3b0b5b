/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_chain.h"
#include "panvk_physical_device.h"
#include "panvk_private.h"

static struct panvk_map instances = PANVK_MAP_INITIALIZER;

struct panvk_instance *
panvk_instance_from_handle(VkInstance handle)
{
   return panvk_map_find(&instances, panvk_key(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_EnumerateInstanceExtensionProperties(const char *pLayerName,
                                           uint32_t *pPropertyCount,
                                           VkExtensionProperties *pProperties)
{
   const struct panvk_engine *engine = panvk_engine_get();
   if (engine == NULL)
      return VK_ERROR_INCOMPATIBLE_DRIVER;
   return engine->vk.EnumerateInstanceExtensionProperties(
      pLayerName, pPropertyCount, pProperties);
}

/*
 * This driver asks more of the engine than a Vulkan 1.0 application has to
 * enable, so what an engine of that version would not show is enabled as an
 * extension.
 */
static VkResult
create_engine_instance(const struct panvk_engine *engine,
                       const VkInstanceCreateInfo *info,
                       const VkAllocationCallbacks *allocator,
                       VkInstance *handle_out)
{
   static const char *const needed[] = {
      VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME,
   };
   VkInstanceCreateInfo engine_info = *info;
   const char **names = panvk_merge_names(
      info->ppEnabledExtensionNames, info->enabledExtensionCount, needed,
      PANVK_ARRAY_SIZE(needed), &engine_info.enabledExtensionCount);
   if (names == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   engine_info.ppEnabledExtensionNames = names;
   VkResult result =
      engine->vk.CreateInstance(&engine_info, allocator, handle_out);
   free(names);
   return result;
}

static void
free_physical_devices(struct panvk_instance *instance)
{
   for (uint32_t i = 0; i < instance->pdev_count; i++)
      panvk_physical_device_destroy(instance->pdevs[i]);
   free(instance->pdevs);
   instance->pdevs = NULL;
   instance->pdev_count = 0;
}

/* Creates our side of every physical device; their handles never change. */
static VkResult
create_physical_devices(struct panvk_instance *instance)
{
   VkPhysicalDevice handles[16];
   uint32_t count = PANVK_ARRAY_SIZE(handles);
   VkResult result = instance->vk.EnumeratePhysicalDevices(instance->handle,
                                                           &count, handles);
   /* VK_INCOMPLETE cannot be: lavapipe has one device. */
   if (result != VK_SUCCESS)
      return result < 0 ? result : VK_ERROR_INITIALIZATION_FAILED;

   if (count == 0) {
      panvk_error(NULL, VK_OBJECT_TYPE_UNKNOWN, 0,
                  "the engine %s offers no device; lavapipe always has one",
                  panvk_engine_get()->path);
      return VK_ERROR_INCOMPATIBLE_DRIVER;
   }

   instance->pdevs = calloc(count, sizeof(*instance->pdevs));
   if (instance->pdevs == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < count; i++) {
      result = panvk_physical_device_create(
         instance, handles[i], &instance->pdevs[instance->pdev_count]);
      if (result != VK_SUCCESS)
         goto err_free;
      instance->pdev_count++;
   }
   return VK_SUCCESS;

err_free:
   free_physical_devices(instance);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateInstance(const VkInstanceCreateInfo *pCreateInfo,
                     const VkAllocationCallbacks *pAllocator,
                     VkInstance *pInstance)
{
   const struct panvk_engine *engine = panvk_engine_get();
   VkResult result;

   if (engine == NULL)
      return VK_ERROR_INCOMPATIBLE_DRIVER;
   (void)panvk_debug(); /* PANSPARSE_DEBUG=help is answered here */
   struct panvk_instance *instance = calloc(1, sizeof(*instance));
   if (instance == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   panvk_map_init(&instance->messengers);

   result = create_engine_instance(engine, pCreateInfo, pAllocator,
                                   &instance->handle);
   if (result != VK_SUCCESS)
      goto err_free;
   panvk_instance_table_load(&instance->vk, instance->handle);

   result = create_physical_devices(instance);
   if (result != VK_SUCCESS)
      goto err_destroy;
   if (!panvk_map_insert(&instances, panvk_key(instance->handle), instance)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_physical_devices;
   }
   *pInstance = instance->handle;
   return VK_SUCCESS;

err_physical_devices:
   free_physical_devices(instance);
err_destroy:
   instance->vk.DestroyInstance(instance->handle, pAllocator);
err_free:
   panvk_map_finish(&instance->messengers);
   free(instance);
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyInstance(VkInstance handle,
                      const VkAllocationCallbacks *pAllocator)
{
   struct panvk_instance *instance =
      handle != VK_NULL_HANDLE ? panvk_map_remove(&instances, panvk_key(handle))
                               : NULL;
   if (instance == NULL)
      return;
   free_physical_devices(instance);
   instance->vk.DestroyInstance(handle, pAllocator);
   panvk_map_finish(&instance->messengers);
   free(instance);
}

/* ------------------------------------------------------------ messengers -- */

static void
count_listeners(struct panvk_instance *instance,
                VkDebugUtilsMessageSeverityFlagsEXT severity, int by)
{
   if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT)
      atomic_fetch_add(&instance->error_listeners, by);
   if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT)
      atomic_fetch_add(&instance->warning_listeners, by);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateDebugUtilsMessengerEXT(
   VkInstance handle, const VkDebugUtilsMessengerCreateInfoEXT *pCreateInfo,
   const VkAllocationCallbacks *pAllocator,
   VkDebugUtilsMessengerEXT *pMessenger)
{
   struct panvk_instance *instance = panvk_instance_from_handle(handle);
   /* All that this driver sends is of the general type. */
   VkDebugUtilsMessageSeverityFlagsEXT severity =
      pCreateInfo->messageType & VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT
         ? pCreateInfo->messageSeverity
         : 0;
   VkResult result = instance->vk.CreateDebugUtilsMessengerEXT(
      handle, pCreateInfo, pAllocator, pMessenger);
   if (result != VK_SUCCESS || severity == 0)
      return result;
   /* A value is a pointer; this one carries the flags. */
   if (!panvk_map_insert(&instance->messengers, panvk_key(*pMessenger),
                         (void *)(uintptr_t)severity)) {
      instance->vk.DestroyDebugUtilsMessengerEXT(handle, *pMessenger,
                                                 pAllocator);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   count_listeners(instance, severity, 1);
   return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyDebugUtilsMessengerEXT(VkInstance handle,
                                    VkDebugUtilsMessengerEXT messenger,
                                    const VkAllocationCallbacks *pAllocator)
{
   struct panvk_instance *instance = panvk_instance_from_handle(handle);
   if (messenger != VK_NULL_HANDLE) {
      uintptr_t severity = (uintptr_t)panvk_map_remove(&instance->messengers,
                                                       panvk_key(messenger));
      count_listeners(instance, (VkDebugUtilsMessageSeverityFlagsEXT)severity,
                      -1);
   }
   instance->vk.DestroyDebugUtilsMessengerEXT(handle, messenger, pAllocator);
}
