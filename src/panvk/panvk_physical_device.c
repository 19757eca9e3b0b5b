/* SPDX-License-Identifier: MIT */
#include "panvk_physical_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
#include "panvk_probe.h"
#include "panvk_strict.h"

/*
 * What all sparse resources of a device may take together. Each takes as much
 * host address space as GPU address space, of which a process has 128 TiB.
 */
#define SPARSE_ADDRESS_SPACE_SIZE_B (1ull << 44)

static struct panvk_map physical_devices = PANVK_MAP_INITIALIZER;

/*
 * What is the same for all instances of the process, because the engine's library
 * stays loaded and has one physical device: how it lays out images, and what
 * unbound memory is. Asked for when a query first depends on it; kept for good.
 */
static struct {
   pthread_mutex_t lock; /* guards the rest */
   bool probed, strict_asked;
   struct panvk_probe *probe; /* NULL: sparse images do not work */
   bool strict;
} known = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct panvk_physical_device *
panvk_physical_device_from_handle(VkPhysicalDevice handle)
{
   return panvk_map_find(&physical_devices, panvk_key(handle));
}

/* ------------------------------------------------------ the engine's own -- */

/* Reads who the engine is; false, after a message, if it will not do. */
static bool
identify_engine(struct panvk_physical_device *pdev)
{
   struct panvk_instance *instance = pdev->instance;
   VkPhysicalDeviceDriverProperties driver = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
   };
   VkPhysicalDeviceProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &driver,
   };
   instance->vk.GetPhysicalDeviceProperties2(pdev->handle, &properties);
   snprintf(pdev->engine_name, sizeof(pdev->engine_name), "%s",
            properties.properties.deviceName);
   snprintf(pdev->engine_info, sizeof(pdev->engine_info), "%s",
            driver.driverInfo);

   const char *path = panvk_engine_get()->path;
   unsigned major = 0, minor = 0;
   if (driver.driverID != VK_DRIVER_ID_MESA_LLVMPIPE) {
      panvk_error(NULL, VK_OBJECT_TYPE_UNKNOWN, 0,
                  "the engine %s is not Mesa's lavapipe but '%s' (%s)", path,
                  driver.driverName, driver.driverInfo);
      return false;
   }
   if (!panvk_engine_parse_version(driver.driverInfo, &major, &minor) ||
       major < PANVK_ENGINE_MIN_MESA) {
      panvk_error(NULL, VK_OBJECT_TYPE_UNKNOWN, 0,
                  "the engine %s is too old: '%s'. Mesa %d or newer is needed "
                  "(Debian 12 has it in bookworm-backports, package "
                  "mesa-vulkan-drivers), or name a newer one in "
                  "PANSPARSE_ENGINE",
                  path, driver.driverInfo, PANVK_ENGINE_MIN_MESA);
      return false;
   }
   panvk_trace(PANVK_DEBUG_ENGINE, "engine: %s, %s", pdev->engine_name,
               pdev->engine_info);
   return true;
}

VkResult
panvk_physical_device_create(struct panvk_instance *instance,
                             VkPhysicalDevice handle,
                             struct panvk_physical_device **pdev_out)
{
   VkResult result;
   struct panvk_physical_device *pdev = calloc(1, sizeof(*pdev));
   if (pdev == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   pdev->handle = handle;
   pdev->instance = instance;

   result = VK_ERROR_INCOMPATIBLE_DRIVER;
   if (!identify_engine(pdev))
      goto err_free;
   result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (!panvk_map_insert(&physical_devices, panvk_key(handle), pdev))
      goto err_free;
   *pdev_out = pdev;
   return VK_SUCCESS;

err_free:
   free(pdev);
   return result;
}

void
panvk_physical_device_destroy(struct panvk_physical_device *pdev)
{
   if (pdev == NULL)
      return;
   panvk_map_remove(&physical_devices, panvk_key(pdev->handle));
   free(pdev);
}

static struct panvk_probe *
run_probe(struct panvk_physical_device *pdev)
{
   struct panvk_device *dev;
   if (panvk_device_create_private(pdev, NULL, &dev) != VK_SUCCESS) {
      panvk_warning(pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
                    "cannot create a device of the engine to probe it; sparse "
                    "residency images are not offered");
      return NULL;
   }
   struct panvk_probe *probe = panvk_probe_run(dev);
   panvk_device_destroy_private(dev, NULL);
   panvk_trace(PANVK_DEBUG_ENGINE, "image probe: %s",
               probe != NULL ? "passed" : "failed");
   return probe;
}

const struct panvk_probe *
panvk_physical_device_probe(struct panvk_physical_device *pdev)
{
   pthread_mutex_lock(&known.lock);
   if (!known.probed) {
      known.probe = run_probe(pdev);
      known.probed = true;
   }
   const struct panvk_probe *probe = known.probe;
   pthread_mutex_unlock(&known.lock);
   return probe;
}

bool
panvk_memory_is_strict(void)
{
   struct pan_kmod_dev *kmod;

   pthread_mutex_lock(&known.lock);
   if (!known.strict_asked && pan_kmod_dev_create(NULL, NULL, &kmod) == 0) {
      known.strict = pan_kmod_dev_props(kmod)->null_memory;
      (void)pan_kmod_dev_destroy(kmod);
   }
   known.strict_asked = true;

   bool strict = known.strict;
   pthread_mutex_unlock(&known.lock);
   return strict;
}

/* --------------------------------------------------------------- queries -- */

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceFeatures(VkPhysicalDevice physicalDevice,
                                VkPhysicalDeviceFeatures *pFeatures)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   pdev->instance->vk.GetPhysicalDeviceFeatures(physicalDevice, pFeatures);
   panvk_filter_features(pdev, pFeatures);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceFeatures2(VkPhysicalDevice physicalDevice,
                                 VkPhysicalDeviceFeatures2 *pFeatures)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   pdev->instance->vk.GetPhysicalDeviceFeatures2(physicalDevice, pFeatures);
   panvk_filter_feature_chain(pdev, pFeatures);
}

static void
write_device_name(const struct panvk_physical_device *pdev,
                  char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE])
{
   snprintf(name, VK_MAX_PHYSICAL_DEVICE_NAME_SIZE,
            "pansparse virtual Mali on %.200s", pdev->engine_name);
}

static void
write_driver_info(const struct panvk_physical_device *pdev,
                  char info[VK_MAX_DRIVER_INFO_SIZE])
{
   snprintf(info, VK_MAX_DRIVER_INFO_SIZE, "pansparse %s on %.200s",
            PANSPARSE_VERSION, pdev->engine_info);
}

static void
fill_properties(struct panvk_physical_device *pdev,
                VkPhysicalDeviceProperties *properties)
{
   const struct panvk_probe *probe = panvk_physical_device_probe(pdev);

   write_device_name(pdev, properties->deviceName);
   properties->driverVersion = PANSPARSE_VERSION_NUMBER;
   properties->limits.sparseAddressSpaceSize = SPARSE_ADDRESS_SPACE_SIZE_B;
   properties->sparseProperties = (VkPhysicalDeviceSparseProperties){
      .residencyStandard2DBlockShape = probe != NULL,
      .residencyStandard3DBlockShape = probe != NULL && probe->images_3d,
      .residencyNonResidentStrict = panvk_memory_is_strict(),
   };
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceProperties(VkPhysicalDevice physicalDevice,
                                  VkPhysicalDeviceProperties *pProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   pdev->instance->vk.GetPhysicalDeviceProperties(physicalDevice, pProperties);
   fill_properties(pdev, pProperties);
}

/*
 * driverID stays the engine's: there is none for this driver. The conformance
 * version is that of a driver that nobody has submitted.
 */
static void
fill_driver_properties(const struct panvk_physical_device *pdev,
                       char name[VK_MAX_DRIVER_NAME_SIZE],
                       char info[VK_MAX_DRIVER_INFO_SIZE],
                       VkConformanceVersion *conformance)
{
   snprintf(name, VK_MAX_DRIVER_NAME_SIZE, "pansparse");
   write_driver_info(pdev, info);
   *conformance = (VkConformanceVersion){0};
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceProperties2(VkPhysicalDevice physicalDevice,
                                   VkPhysicalDeviceProperties2 *pProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   pdev->instance->vk.GetPhysicalDeviceProperties2(physicalDevice, pProperties);
   fill_properties(pdev, &pProperties->properties);

   VkPhysicalDeviceDriverProperties *driver = panvk_find_struct(
      pProperties->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
   if (driver != NULL)
      fill_driver_properties(pdev, driver->driverName, driver->driverInfo,
                             &driver->conformanceVersion);
   VkPhysicalDeviceVulkan12Properties *vulkan12 = panvk_find_struct(
      pProperties->pNext,
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
   if (vulkan12 != NULL)
      fill_driver_properties(pdev, vulkan12->driverName, vulkan12->driverInfo,
                             &vulkan12->conformanceVersion);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetPhysicalDeviceExternalBufferProperties(
   VkPhysicalDevice physicalDevice,
   const VkPhysicalDeviceExternalBufferInfo *pInfo,
   VkExternalBufferProperties *pProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   pdev->instance->vk.GetPhysicalDeviceExternalBufferProperties(
      physicalDevice, pInfo, pProperties);
   /* External memory is the engine's alone: no sparse resource can have it. */
   if (pInfo->flags & PANVK_BUFFER_SPARSE_FLAGS)
      pProperties->externalMemoryProperties = (VkExternalMemoryProperties){0};
}

/* ------------------------------------------------------------ extensions -- */

bool
panvk_extension_is_hidden(const char *name)
{
   /* Memory is mapped by the kernel driver, where it wants. */
   return strcmp(name, VK_EXT_MAP_MEMORY_PLACED_EXTENSION_NAME) == 0;
}

/* What is offered of the engine's list, for the caller to free(). */
static VkResult
get_extensions(struct panvk_physical_device *pdev,
               VkExtensionProperties **extensions_out, uint32_t *count_out)
{
   const struct panvk_instance_table *vk = &pdev->instance->vk;
   uint32_t count = 0;
   VkResult result =
      vk->EnumerateDeviceExtensionProperties(pdev->handle, NULL, &count, NULL);
   if (result != VK_SUCCESS)
      return result;
   VkExtensionProperties *extensions = calloc(count + 1, sizeof(*extensions));
   if (extensions == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   result = vk->EnumerateDeviceExtensionProperties(pdev->handle, NULL, &count,
                                                   extensions);
   if (result != VK_SUCCESS) {
      free(extensions);
      return result;
   }

   uint32_t kept = 0;
   for (uint32_t i = 0; i < count; i++) {
      if (!panvk_extension_is_hidden(extensions[i].extensionName))
         extensions[kept++] = extensions[i];
   }
   *extensions_out = extensions;
   *count_out = kept;
   return VK_SUCCESS;
}

bool
panvk_physical_device_has_extension(struct panvk_physical_device *pdev,
                                    const char *name)
{
   VkExtensionProperties *extensions;
   uint32_t count;
   bool found = false;
   if (get_extensions(pdev, &extensions, &count) != VK_SUCCESS)
      return false;
   for (uint32_t i = 0; i < count && !found; i++)
      found = strcmp(extensions[i].extensionName, name) == 0;
   free(extensions);
   return found;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_EnumerateDeviceExtensionProperties(VkPhysicalDevice physicalDevice,
                                         const char *pLayerName,
                                         uint32_t *pPropertyCount,
                                         VkExtensionProperties *pProperties)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   if (pLayerName != NULL)
      return pdev->instance->vk.EnumerateDeviceExtensionProperties(
         physicalDevice, pLayerName, pPropertyCount, pProperties);

   VkExtensionProperties *extensions;
   uint32_t count;
   VkResult result = get_extensions(pdev, &extensions, &count);
   if (result != VK_SUCCESS)
      return result;
   if (pProperties == NULL) {
      *pPropertyCount = count;
   } else {
      result = *pPropertyCount < count ? VK_INCOMPLETE : VK_SUCCESS;
      *pPropertyCount = PANVK_MIN(*pPropertyCount, count);
      memcpy(pProperties, extensions, *pPropertyCount * sizeof(*extensions));
   }
   free(extensions);
   return result;
}
