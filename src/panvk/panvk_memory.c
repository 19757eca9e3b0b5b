/* SPDX-License-Identifier: MIT */
/*
 * Device memory: a BO of the kernel driver, mapped, and imported into the
 * engine as host memory. So the same pages can be bound to ordinary resources
 * by the engine and to sparse ones by the page tables.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "panvk_private.h"

struct panvk_memory *
panvk_memory_lookup(struct panvk_device *dev, VkDeviceMemory memory)
{
   return panvk_map_find(&dev->memories, panvk_key(memory));
}

/* Memory that comes from elsewhere or has to go elsewhere is the engine's. */
static bool
is_external(const VkMemoryAllocateInfo *info)
{
   const VkExportMemoryAllocateInfo *export = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
   const VkImportMemoryFdInfoKHR *fd = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
   return (export != NULL && export->handleTypes != 0) ||
          (fd != NULL && fd->handleType != 0) ||
          panvk_find_struct_const(
             info->pNext,
             VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) != NULL ||
          panvk_find_struct_const(
             info->pNext,
             VK_STRUCTURE_TYPE_IMPORT_ANDROID_HARDWARE_BUFFER_INFO_ANDROID) !=
             NULL;
}

/* Gives the engine the BO's mapping as memory of the application's request. */
static VkResult
import_memory(struct panvk_device *dev, const VkMemoryAllocateInfo *info,
              const VkAllocationCallbacks *allocator, void *map,
              VkDeviceMemory *memory_out)
{
   VkImportMemoryHostPointerInfoEXT import = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .pNext = info->pNext,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
      .pHostPointer = map,
   };
   VkMemoryAllocateInfo engine_info = *info;
   engine_info.pNext = &import;
   return dev->vk.AllocateMemory(dev->handle, &engine_info, allocator,
                                 memory_out);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_AllocateMemory(VkDevice device, const VkMemoryAllocateInfo *pAllocateInfo,
                     const VkAllocationCallbacks *pAllocator,
                     VkDeviceMemory *pMemory)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;

   if (pAllocateInfo->allocationSize == 0 || is_external(pAllocateInfo))
      return dev->vk.AllocateMemory(device, pAllocateInfo, pAllocator, pMemory);

   struct panvk_memory *memory = calloc(1, sizeof(*memory));
   if (memory == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   if (pan_kmod_bo_create(dev->kmod, pAllocateInfo->allocationSize, 0,
                          dev->vm->id, NULL, &memory->bo) != 0)
      goto err_free;
   memory->size_B = memory->bo->size_B;
   if (pan_kmod_bo_mmap(memory->bo, NULL, PROT_READ | PROT_WRITE, MAP_SHARED,
                        &memory->map) != 0)
      goto err_bo;
   result = import_memory(dev, pAllocateInfo, pAllocator, memory->map,
                          &memory->handle);
   if (result != VK_SUCCESS)
      goto err_map;
   result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (!panvk_map_insert(&dev->memories, panvk_key(memory->handle), memory))
      goto err_engine;
   *pMemory = memory->handle;
   return VK_SUCCESS;

err_engine:
   dev->vk.FreeMemory(device, memory->handle, pAllocator);
err_map:
   pan_kmod_munmap(dev->kmod, memory->map, memory->size_B);
err_bo:
   pan_kmod_bo_destroy(memory->bo);
err_free:
   free(memory);
   return result;
}

/*
 * Memory that is still bound to sparse resources may be freed: the kernel keeps
 * its pages for as long as they are mapped.
 */
VKAPI_ATTR void VKAPI_CALL
panvk_FreeMemory(VkDevice device, VkDeviceMemory handle,
                 const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_memory *memory =
      handle != VK_NULL_HANDLE
         ? panvk_map_remove(&dev->memories, panvk_key(handle))
         : NULL;

   dev->vk.FreeMemory(device, handle, pAllocator);
   if (memory != NULL) {
      pan_kmod_munmap(dev->kmod, memory->map, memory->size_B);
      pan_kmod_bo_destroy(memory->bo);
      free(memory);
   }
}
