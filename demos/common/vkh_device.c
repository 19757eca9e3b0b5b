/* SPDX-License-Identifier: MIT */
/* The instance, the device and its queues; messages; the end of a program. */
#include "vkh.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define MAX_DEVICES 16
#define MAX_FAMILIES 16

const char *
vkh_result_name(VkResult result)
{
#define NAME(name)                                                             \
   case name:                                                                  \
      return #name
   switch (result) {
      NAME(VK_SUCCESS);
      NAME(VK_NOT_READY);
      NAME(VK_TIMEOUT);
      NAME(VK_INCOMPLETE);
      NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
      NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
      NAME(VK_ERROR_INITIALIZATION_FAILED);
      NAME(VK_ERROR_DEVICE_LOST);
      NAME(VK_ERROR_MEMORY_MAP_FAILED);
      NAME(VK_ERROR_LAYER_NOT_PRESENT);
      NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
      NAME(VK_ERROR_FEATURE_NOT_PRESENT);
      NAME(VK_ERROR_INCOMPATIBLE_DRIVER);
      NAME(VK_ERROR_TOO_MANY_OBJECTS);
      NAME(VK_ERROR_FORMAT_NOT_SUPPORTED);
      NAME(VK_ERROR_FRAGMENTED_POOL);
      NAME(VK_ERROR_OUT_OF_POOL_MEMORY);
      NAME(VK_ERROR_UNKNOWN);
   default:
      return "another VkResult";
   }
#undef NAME
}

void
vkh_fail(const char *file, int line, const char *call, VkResult result)
{
   const char *slash = strrchr(file, '/');

   fprintf(stderr, "%s:%d: %s: %s (%d)\n", slash ? slash + 1 : file, line, call,
           vkh_result_name(result), (int)result);
   exit(1);
}

void
vkh_die(const char *format, ...)
{
   va_list args;

   va_start(args, format);
   vfprintf(stderr, format, args);
   va_end(args);
   fputc('\n', stderr);
   exit(1);
}

void *
vkh_calloc(size_t count, size_t size_B)
{
   void *memory = calloc(count ? count : 1, size_B ? size_B : 1);

   if (!memory)
      vkh_die("out of memory (%zu x %zu bytes)", count, size_B);
   return memory;
}

double
vkh_seconds(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Called by layers and drivers, from any thread. */
static VKAPI_ATTR VkBool32 VKAPI_CALL
on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
           VkDebugUtilsMessageTypeFlagsEXT types,
           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
   struct vkh *vk = user;

   if ((severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) &&
       (types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT))
      atomic_fetch_add(&vk->validation_errors, 1);
   fprintf(stderr, "vulkan %s: %s\n",
           severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT ? "error"
                                                                    : "warning",
           data->pMessage ? data->pMessage : "(no text)");
   return VK_FALSE;
}

static VkDebugUtilsMessengerCreateInfoEXT
messenger_info(struct vkh *vk)
{
   return (VkDebugUtilsMessengerCreateInfoEXT){
      .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
      .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
      .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
      .pfnUserCallback = on_message,
      .pUserData = vk,
   };
}

/* Of the instance, or of a device. */
static bool
has_extension(VkPhysicalDevice device, const char *name)
{
   uint32_t count = 0;
   bool found = false;
   VkResult result =
      device ? vkEnumerateDeviceExtensionProperties(device, NULL, &count, NULL)
             : vkEnumerateInstanceExtensionProperties(NULL, &count, NULL);

   if (result != VK_SUCCESS)
      return false;

   VkExtensionProperties *list = vkh_calloc(count, sizeof(*list));

   result =
      device ? vkEnumerateDeviceExtensionProperties(device, NULL, &count, list)
             : vkEnumerateInstanceExtensionProperties(NULL, &count, list);
   for (uint32_t i = 0; i < count && result >= 0; i++)
      found |= strcmp(list[i].extensionName, name) == 0;
   free(list);
   return found;
}

static bool
has_instance_extension(const char *name)
{
   return has_extension(VK_NULL_HANDLE, name);
}

static bool
create_instance(struct vkh *vk, const struct vkh_config *config)
{
   const bool debug = has_instance_extension(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
   const char *extensions[3];
   uint32_t extension_count = 0;
   VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info(vk);
   const VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = config->name,
      .apiVersion = VK_API_VERSION_1_3,
   };

   vk->can_present =
      config->wants_present &&
      has_instance_extension(VK_KHR_SURFACE_EXTENSION_NAME) &&
      has_instance_extension(VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME);
   if (debug)
      extensions[extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
   if (vk->can_present) {
      extensions[extension_count++] = VK_KHR_SURFACE_EXTENSION_NAME;
      extensions[extension_count++] = VK_EXT_HEADLESS_SURFACE_EXTENSION_NAME;
   }

   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pNext = debug ? &messenger : NULL,
      .pApplicationInfo = &app,
      .enabledExtensionCount = extension_count,
      .ppEnabledExtensionNames = extensions,
   };
   VkResult result = vkCreateInstance(&info, NULL, &vk->instance);

   if (result != VK_SUCCESS) {
      fprintf(stderr, "%s: no Vulkan instance: %s\n", config->name,
              vkh_result_name(result));
      vk->instance = VK_NULL_HANDLE;
      return false;
   }
   if (debug) {
      PFN_vkCreateDebugUtilsMessengerEXT create =
         (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
            vk->instance, "vkCreateDebugUtilsMessengerEXT");

      VKH_CHECK(create(vk->instance, &messenger, NULL, &vk->messenger));
   }
   return true;
}

static bool
choose_device(struct vkh *vk, const struct vkh_config *config)
{
   const char *wish = getenv("VKH_DEVICE");
   const unsigned long index = wish ? strtoul(wish, NULL, 10) : 0;
   VkPhysicalDevice devices[MAX_DEVICES];
   uint32_t count = MAX_DEVICES;
   VkResult result = vkEnumeratePhysicalDevices(vk->instance, &count, devices);

   if (result < 0 || index >= count) {
      fprintf(stderr, "%s: no Vulkan device number %lu (%s)\n", config->name,
              index, vkh_result_name(result));
      return false;
   }
   vk->physical = devices[index];
   vk->driver.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES;

   VkPhysicalDeviceProperties2 properties = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
      .pNext = &vk->driver,
   };

   vkGetPhysicalDeviceProperties2(vk->physical, &properties);
   vk->driver.pNext = NULL;
   vk->properties = properties.properties;
   vkGetPhysicalDeviceMemoryProperties(vk->physical, &vk->memory);
   if (vk->properties.apiVersion < VK_API_VERSION_1_3) {
      fprintf(stderr, "%s: %s offers Vulkan 1.%u, but 1.3 is needed\n",
              config->name, vk->properties.deviceName,
              VK_API_VERSION_MINOR(vk->properties.apiVersion));
      return false;
   }
   return true;
}

static bool
choose_families(struct vkh *vk, const struct vkh_config *config)
{
   const VkQueueFlags work = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
   const VkQueueFlags sparse = VK_QUEUE_SPARSE_BINDING_BIT;
   VkQueueFamilyProperties families[MAX_FAMILIES];
   uint32_t count = MAX_FAMILIES;
   uint32_t universal = UINT32_MAX, separate = UINT32_MAX;

   vk->family = UINT32_MAX;
   vkGetPhysicalDeviceQueueFamilyProperties(vk->physical, &count, families);
   for (uint32_t i = 0; i < count; i++) {
      const VkQueueFlags flags = families[i].queueFlags;

      if ((flags & work) == work && vk->family == UINT32_MAX)
         vk->family = i;
      if ((flags & work) == work && (flags & sparse) && universal == UINT32_MAX)
         universal = i;
   }
   if (universal != UINT32_MAX)
      vk->family = universal;
   for (uint32_t i = 0; i < count; i++) {
      if (i != vk->family && (families[i].queueFlags & sparse) &&
          separate == UINT32_MAX)
         separate = i;
   }

   switch (config->sparse_queue) {
   case VKH_SPARSE_QUEUE_NONE:
      vk->sparse_family = vk->family;
      break;
   case VKH_SPARSE_QUEUE_ANY:
      vk->sparse_family = universal != UINT32_MAX ? universal : separate;
      break;
   case VKH_SPARSE_QUEUE_UNIVERSAL:
      vk->sparse_family = universal;
      break;
   case VKH_SPARSE_QUEUE_SEPARATE:
      vk->sparse_family = separate;
      break;
   }
   if (vk->family == UINT32_MAX || vk->sparse_family == UINT32_MAX) {
      fprintf(stderr, "%s: %s has no queue family for %s\n", config->name,
              vk->properties.deviceName,
              vk->family == UINT32_MAX ? "graphics and compute"
                                       : "sparse binding as asked for");
      return false;
   }
   return true;
}

/* The features that the programs here ask for, by name for the message. */
static const char *
feature_name(size_t offset)
{
#define NAME(field)                                                            \
   if (offset == offsetof(VkPhysicalDeviceFeatures, field))                    \
      return #field
   NAME(fragmentStoresAndAtomics);
   NAME(shaderInt64);
   NAME(shaderResourceResidency);
   NAME(shaderResourceMinLod);
   NAME(sparseBinding);
   NAME(sparseResidencyBuffer);
   NAME(sparseResidencyImage2D);
   NAME(sparseResidencyImage3D);
   NAME(sparseResidencyAliased);
#undef NAME
   return "a feature of VkPhysicalDeviceFeatures that the program requires";
}

/* VkPhysicalDeviceFeatures is an array of VkBool32 in all but name. */
static bool
choose_features(struct vkh *vk, const struct vkh_config *config)
{
   VkPhysicalDeviceFeatures available;
   const size_t count = sizeof(available) / sizeof(VkBool32);

   vkGetPhysicalDeviceFeatures(vk->physical, &available);

   const VkBool32 *has = (const VkBool32 *)&available;
   const VkBool32 *required = (const VkBool32 *)&config->required;
   const VkBool32 *wanted = (const VkBool32 *)&config->wanted;
   VkBool32 *enabled = (VkBool32 *)&vk->features;

   for (size_t i = 0; i < count; i++) {
      if (required[i] && !has[i]) {
         fprintf(stderr, "%s: %s (%s) lacks %s\n", config->name,
                 vk->properties.deviceName, vk->driver.driverName,
                 feature_name(i * sizeof(VkBool32)));
         return false;
      }
      enabled[i] = required[i] || (wanted[i] && has[i]);
   }
   return true;
}

static void
create_device(struct vkh *vk, const struct vkh_config *config)
{
   VkPhysicalDeviceVulkan12Features has12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
   };
   VkPhysicalDeviceFeatures2 has = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = &has12,
   };

   vkGetPhysicalDeviceFeatures2(vk->physical, &has);
   vk->buffer_address = config->wants_buffer_address &&
                        has12.bufferDeviceAddress;
   vk->extension = config->wanted_extension &&
                   has_extension(vk->physical, config->wanted_extension);

   /* All of these are mandatory in Vulkan 1.3. */
   VkPhysicalDeviceVulkan13Features features13 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
      .pNext = vk->extension ? config->extension_features : NULL,
      .dynamicRendering = VK_TRUE,
      .synchronization2 = VK_TRUE,
      .maintenance4 = VK_TRUE,
   };
   VkPhysicalDeviceVulkan11Features features11 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
      .pNext = &features13,
      .multiview = VK_TRUE,
   };
   VkPhysicalDeviceVulkan12Features features12 = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
      .pNext = &features11,
      .imagelessFramebuffer = VK_TRUE,
      .timelineSemaphore = VK_TRUE,
      .bufferDeviceAddress = vk->buffer_address,
   };
   const float priority = 1.0f;
   const VkDeviceQueueCreateInfo queues[2] = {
      {
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = vk->family,
         .queueCount = 1,
         .pQueuePriorities = &priority,
      },
      {
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = vk->sparse_family,
         .queueCount = 1,
         .pQueuePriorities = &priority,
      },
   };
   const char *extensions[2];
   uint32_t extension_count = 0;

   vk->can_present =
      vk->can_present &&
      has_extension(vk->physical, VK_KHR_SWAPCHAIN_EXTENSION_NAME);
   if (vk->can_present)
      extensions[extension_count++] = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
   if (vk->extension)
      extensions[extension_count++] = config->wanted_extension;

   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &features12,
      .queueCreateInfoCount = vk->sparse_family == vk->family ? 1 : 2,
      .pQueueCreateInfos = queues,
      .enabledExtensionCount = extension_count,
      .ppEnabledExtensionNames = extensions,
      .pEnabledFeatures = &vk->features,
   };

   VKH_CHECK(vkCreateDevice(vk->physical, &info, NULL, &vk->device));
   vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
   vkGetDeviceQueue(vk->device, vk->sparse_family, 0, &vk->sparse_queue);

   const VkCommandPoolCreateInfo pool = {
      .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
      .flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
      .queueFamilyIndex = vk->family,
   };

   VKH_CHECK(vkCreateCommandPool(vk->device, &pool, NULL, &vk->pool));
}

bool
vkh_init(struct vkh *vk, const struct vkh_config *config)
{
   memset(vk, 0, sizeof(*vk));
   atomic_init(&vk->validation_errors, 0);
   if (!create_instance(vk, config))
      return false;
   if (!choose_device(vk, config) || !choose_families(vk, config) ||
       !choose_features(vk, config)) {
      vkh_finish(vk);
      return false;
   }
   create_device(vk, config);
   return true;
}

void
vkh_finish(struct vkh *vk)
{
   if (vk->device) {
      VKH_CHECK(vkDeviceWaitIdle(vk->device));
      vkDestroyCommandPool(vk->device, vk->pool, NULL);
      vkDestroyDevice(vk->device, NULL);
   }
   if (vk->messenger) {
      PFN_vkDestroyDebugUtilsMessengerEXT destroy =
         (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
            vk->instance, "vkDestroyDebugUtilsMessengerEXT");

      destroy(vk->instance, vk->messenger, NULL);
   }
   vkDestroyInstance(vk->instance, NULL);
   vk->device = VK_NULL_HANDLE;
   vk->messenger = VK_NULL_HANDLE;
   vk->instance = VK_NULL_HANDLE;
}
