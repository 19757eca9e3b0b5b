/* SPDX-License-Identifier: MIT */
/* An engine that says that it is lavapipe of Mesa 22.3.6, and nothing more. */
#include <string.h>

#include <vulkan/vulkan.h>
#include <vulkan/vk_icd.h>

#define EXPORT __attribute__((visibility("default")))

static struct {
   VK_LOADER_DATA loader;
} instance_object, device_object;

static VKAPI_ATTR VkResult VKAPI_CALL
create_instance(const VkInstanceCreateInfo *info,
                const VkAllocationCallbacks *allocator, VkInstance *instance)
{
   set_loader_magic_value(&instance_object);
   *instance = (VkInstance)&instance_object;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
destroy_instance(VkInstance instance, const VkAllocationCallbacks *allocator)
{
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_devices(VkInstance instance, uint32_t *count,
                  VkPhysicalDevice *devices)
{
   set_loader_magic_value(&device_object);
   if (devices && *count)
      devices[0] = (VkPhysicalDevice)&device_object;
   *count = 1;
   return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL
get_properties(VkPhysicalDevice device, VkPhysicalDeviceProperties *properties)
{
   *properties = (VkPhysicalDeviceProperties){
      .apiVersion = VK_API_VERSION_1_3,
      .driverVersion = VK_MAKE_API_VERSION(0, 0, 0, 1),
      .deviceType = VK_PHYSICAL_DEVICE_TYPE_CPU,
      .deviceName = "llvmpipe (LLVM 15.0.6, 256 bits)",
   };
}

static VKAPI_ATTR void VKAPI_CALL
get_properties2(VkPhysicalDevice device,
                VkPhysicalDeviceProperties2 *properties)
{
   get_properties(device, &properties->properties);
   for (VkBaseOutStructure *s = properties->pNext; s; s = s->pNext) {
      if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES) {
         VkPhysicalDeviceDriverProperties *driver = (void *)s;
         driver->driverID = VK_DRIVER_ID_MESA_LLVMPIPE;
         strcpy(driver->driverName, "llvmpipe");
         strcpy(driver->driverInfo, "Mesa 22.3.6 (LLVM 15.0.6)");
      }
   }
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_extensions(const char *layer, uint32_t *count,
                     VkExtensionProperties *properties)
{
   *count = 0;
   return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL
enumerate_version(uint32_t *version)
{
   *version = VK_API_VERSION_1_3;
   return VK_SUCCESS;
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char *name)
{
   static const struct {
      const char *name;
      PFN_vkVoidFunction function;
   } table[] = {
      {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
      {"vkDestroyInstance", (PFN_vkVoidFunction)destroy_instance},
      {"vkEnumeratePhysicalDevices", (PFN_vkVoidFunction)enumerate_devices},
      {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)get_properties},
      {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties2},
      {"vkEnumerateInstanceExtensionProperties",
       (PFN_vkVoidFunction)enumerate_extensions},
      {"vkEnumerateInstanceVersion", (PFN_vkVoidFunction)enumerate_version},
   };

   for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
      if (!strcmp(name, table[i].name))
         return table[i].function;
   return NULL;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version)
{
   if (*version > 5)
      *version = 5;
   return VK_SUCCESS;
}
