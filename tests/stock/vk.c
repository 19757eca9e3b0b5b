/* SPDX-License-Identifier: MIT */
#include "vk.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static PFN_vkGetInstanceProcAddr get_instance_proc;

#define INSTANCE(vk, name) ((PFN_vk##name)get_proc((vk)->instance, "vk" #name))

void
vk_check(bool ok, const char *what, const char *file, int line)
{
   if (ok)
      return;
   fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
   exit(1);
}

static PFN_vkVoidFunction
get_proc(VkInstance instance, const char *name)
{
   PFN_vkVoidFunction found = get_instance_proc(instance, name);

   vk_check(found, name, __FILE__, __LINE__);
   return found;
}

static void
open_loader(void)
{
   void *loader = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);

   if (!loader) {
      fprintf(stderr, "no Vulkan loader: %s\n", dlerror());
      exit(1);
   }
   get_instance_proc =
      (PFN_vkGetInstanceProcAddr)dlsym(loader, "vkGetInstanceProcAddr");
   CHECK(get_instance_proc);
}

static void
create_instance(struct vk *vk)
{
   const VkApplicationInfo app = {
      .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
      .pApplicationName = "sparse-client",
      .apiVersion = VK_API_VERSION_1_2,
   };
   const VkInstanceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
      .pApplicationInfo = &app,
   };

   CHECK(INSTANCE(vk, CreateInstance)(&info, NULL, &vk->instance) == VK_SUCCESS);
}

static void
choose_physical(struct vk *vk)
{
   VkPhysicalDevice devices[16];
   uint32_t count = 16;
   VkResult result =
      INSTANCE(vk, EnumeratePhysicalDevices)(vk->instance, &count, devices);

   CHECK(result == VK_SUCCESS || result == VK_INCOMPLETE);
   for (uint32_t i = 0; i < count; i++) {
      vk->physical = devices[i];
      INSTANCE(vk, GetPhysicalDeviceProperties)(devices[i], &vk->properties);
      INSTANCE(vk, GetPhysicalDeviceFeatures)(devices[i], &vk->features);
      if (vk->features.sparseBinding)
         return;
   }
   fprintf(stderr, "none of %u devices binds sparse memory\n", count);
   exit(1);
}

static void
choose_families(struct vk *vk)
{
   const VkQueueFlags work = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;
   VkQueueFamilyProperties families[16];
   uint32_t count = 16;
   bool has_work = false, has_sparse = false;

   INSTANCE(vk, GetPhysicalDeviceQueueFamilyProperties)
   (vk->physical, &count, families);
   for (uint32_t i = 0; i < count; i++) {
      VkQueueFlags flags = families[i].queueFlags;
      bool alone = flags & VK_QUEUE_SPARSE_BINDING_BIT && !(flags & work);

      if (flags & work && !has_work) {
         vk->work_family = i;
         has_work = true;
      }
      if (alone || (flags & VK_QUEUE_SPARSE_BINDING_BIT && !has_sparse)) {
         vk->sparse_family = i;
         has_sparse = true;
      }
   }
   CHECK(has_work && has_sparse);
}

static void
create_device(struct vk *vk)
{
   const float priority = 1;
   const VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
      .timelineSemaphore = VK_TRUE,
   };
   const VkPhysicalDeviceFeatures features = {
      .sparseBinding = VK_TRUE,
      .sparseResidencyBuffer = vk->features.sparseResidencyBuffer,
      .sparseResidencyImage2D = vk->features.sparseResidencyImage2D,
      .sparseResidencyImage3D = vk->features.sparseResidencyImage3D,
   };
   VkDeviceQueueCreateInfo queues[2];

   for (uint32_t i = 0; i < 2; i++)
      queues[i] = (VkDeviceQueueCreateInfo){
         .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
         .queueFamilyIndex = i ? vk->sparse_family : vk->work_family,
         .queueCount = 1,
         .pQueuePriorities = &priority,
      };
   const VkDeviceCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
      .pNext = &timeline,
      .queueCreateInfoCount = vk->sparse_family == vk->work_family ? 1 : 2,
      .pQueueCreateInfos = queues,
      .pEnabledFeatures = &features,
   };
   CHECK(INSTANCE(vk, CreateDevice)(vk->physical, &info, NULL, &vk->device) ==
         VK_SUCCESS);
}

static void
load_functions(struct vk *vk)
{
   PFN_vkGetDeviceProcAddr get = INSTANCE(vk, GetDeviceProcAddr);

#define X(name)                                                                \
   vk->name = (PFN_vk##name)get(vk->device, "vk" #name);                       \
   vk_check(vk->name, "vk" #name, __FILE__, __LINE__);
   VK_FUNCTIONS(X)
#undef X
}

void
vk_open(struct vk *vk)
{
   *vk = (struct vk){0};
   open_loader();
   create_instance(vk);
   choose_physical(vk);
   choose_families(vk);
   create_device(vk);
   load_functions(vk);
   vk->GetDeviceQueue(vk->device, vk->work_family, 0, &vk->work);
   vk->GetDeviceQueue(vk->device, vk->sparse_family, 0, &vk->sparse);
}

void
vk_close(struct vk *vk)
{
   CHECK(vk->DeviceWaitIdle(vk->device) == VK_SUCCESS);
   vk->DestroyDevice(vk->device, NULL);
   INSTANCE(vk, DestroyInstance)(vk->instance, NULL);
}

VkDeviceMemory
vk_memory(struct vk *vk, VkDeviceSize size_B, uint32_t type_bits)
{
   const VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .allocationSize = size_B,
      .memoryTypeIndex = (uint32_t)__builtin_ctz(type_bits),
   };
   VkDeviceMemory memory;

   CHECK(type_bits);
   CHECK(vk->AllocateMemory(vk->device, &info, NULL, &memory) == VK_SUCCESS);
   return memory;
}
