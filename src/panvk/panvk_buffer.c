/* SPDX-License-Identifier: MIT */
/*
 * Sparse buffers. To the engine a sparse buffer is an ordinary one, bound to
 * memory that is a window: whatever it loads and stores there goes through the
 * page tables. Buffers that are not sparse are the engine's alone.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_chain.h"
#include "panvk_diag.h"
#include "panvk_private.h"
#include "panvk_vk_compat.h"

struct panvk_buffer {
   struct panvk_resource res; /* first: see panvk_private.h */
   VkBuffer handle;
   struct panvk_host_range host;
   struct pan_kmod_window *window;
};

/*
 * What binds to a sparse buffer are multiples of. Pages; but blocks for texel
 * buffers, whose loads may ask what is resident: the engine knows that of nothing
 * (docs/images.md, fault 8), so the less there is to know the better.
 */
static uint32_t
bind_alignment(const VkBufferCreateInfo *info)
{
   const VkBufferUsageFlags texel = VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                                    VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
   const VkBufferUsageFlags2CreateInfoKHR *usage2 = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_BUFFER_USAGE_FLAGS_2_CREATE_INFO_KHR);
   uint64_t usage = usage2 != NULL ? usage2->usage : info->usage;

   return usage & texel ? PANVK_SPARSE_BLOCK_SIZE : PANVK_PAGE_SIZE;
}

/* What a sparse buffer's requirements differ in from an ordinary one's. */
static void
make_sparse(VkMemoryRequirements *requirements, uint32_t alignment_B)
{
   requirements->alignment = PANVK_MAX(requirements->alignment, alignment_B);
   requirements->size =
      PANVK_ALIGN(requirements->size, requirements->alignment);
}

/* ------------------------------------------------- creation, destruction -- */

/*
 * Undoes create_buffer(), however far it came. The window is above the host
 * range, which is above nothing; the engine's buffer goes first of all.
 */
static void
destroy_buffer(struct panvk_device *dev, struct panvk_buffer *buffer,
               const VkAllocationCallbacks *allocator)
{
   panvk_diag_remove_resource(dev, &buffer->res);
   dev->vk.DestroyBuffer(dev->handle, buffer->handle, allocator);
   pan_kmod_window_destroy(buffer->window);
   panvk_host_range_finish(dev, &buffer->host);
   panvk_resource_finish_range(dev, &buffer->res);
   free(buffer);
}

/* Gives the engine's buffer its range, window and memory. */
static VkResult
back_buffer(struct panvk_device *dev, struct panvk_buffer *buffer)
{
   VkMemoryRequirements requirements;
   dev->vk.GetBufferMemoryRequirements(dev->handle, buffer->handle,
                                       &requirements);
   make_sparse(&requirements, buffer->res.alignment_B);

   VkResult result =
      panvk_resource_init_range(dev, &buffer->res, requirements.size);
   if (result != VK_SUCCESS)
      return result;
   result = panvk_host_range_init(
      dev, buffer->res.size_B,
      (uint32_t)__builtin_ctz(requirements.memoryTypeBits), &buffer->host);
   if (result != VK_SUCCESS)
      return result;

   int ret = pan_kmod_window_create(dev->vm, buffer->res.va, buffer->host.ptr,
                                    buffer->res.size_B, &buffer->window);
   if (ret != 0) {
      panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
                  panvk_key(dev->handle),
                  "cannot lay a window of %" PRIu64
                  " bytes over a sparse buffer: %s",
                  buffer->res.size_B, strerror(-ret));
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
   }
   panvk_diag_watch(dev, &buffer->res, buffer->window, buffer->res.va,
                    buffer->res.size_B);
   return dev->vk.BindBufferMemory(dev->handle, buffer->handle,
                                   buffer->host.memory, 0);
}

static VkResult
create_buffer(struct panvk_device *dev, const VkBufferCreateInfo *info,
              const VkAllocationCallbacks *allocator, VkBuffer *buffer_out)
{
   struct panvk_buffer *buffer = calloc(1, sizeof(*buffer));
   if (buffer == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;

   VkBufferCreateInfo engine_info = *info;
   engine_info.flags &= ~(VkBufferCreateFlags)PANVK_BUFFER_SPARSE_FLAGS;
   VkResult result = dev->vk.CreateBuffer(dev->handle, &engine_info, allocator,
                                          &buffer->handle);
   if (result != VK_SUCCESS) {
      free(buffer);
      return result;
   }
   buffer->res.type = VK_OBJECT_TYPE_BUFFER;
   buffer->res.handle = panvk_key(buffer->handle);
   buffer->res.app_size_B = info->size;
   buffer->res.alignment_B = bind_alignment(info);
   buffer->res.may_be_partly_bound =
      info->flags & VK_BUFFER_CREATE_SPARSE_RESIDENCY_BIT;

   result = back_buffer(dev, buffer);
   if (result != VK_SUCCESS)
      goto err_destroy;
   if (!panvk_map_insert(&dev->buffers, buffer->res.handle, buffer)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_destroy;
   }
   *buffer_out = buffer->handle;
   return VK_SUCCESS;

err_destroy:
   destroy_buffer(dev, buffer, allocator);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateBuffer(VkDevice device, const VkBufferCreateInfo *pCreateInfo,
                   const VkAllocationCallbacks *pAllocator, VkBuffer *pBuffer)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   if (!(pCreateInfo->flags & PANVK_BUFFER_SPARSE_FLAGS))
      return dev->vk.CreateBuffer(device, pCreateInfo, pAllocator, pBuffer);
   return create_buffer(dev, pCreateInfo, pAllocator, pBuffer);
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyBuffer(VkDevice device, VkBuffer handle,
                    const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_buffer *buffer =
      handle != VK_NULL_HANDLE
         ? panvk_map_remove(&dev->buffers, panvk_key(handle))
         : NULL;
   if (buffer != NULL)
      destroy_buffer(dev, buffer, pAllocator);
   else
      dev->vk.DestroyBuffer(device, handle, pAllocator);
}

/* ---------------------------------------------------------- requirements -- */

/* @requirements of the engine's buffer become those of ours, if it is sparse. */
static void
adjust(struct panvk_device *dev, VkBuffer handle,
       VkMemoryRequirements *requirements)
{
   const struct panvk_buffer *buffer =
      panvk_map_find(&dev->buffers, panvk_key(handle));

   if (buffer != NULL)
      make_sparse(requirements, buffer->res.alignment_B);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetBufferMemoryRequirements(VkDevice device, VkBuffer buffer,
                                  VkMemoryRequirements *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   dev->vk.GetBufferMemoryRequirements(device, buffer, pMemoryRequirements);
   adjust(dev, buffer, pMemoryRequirements);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetBufferMemoryRequirements2(VkDevice device,
                                   const VkBufferMemoryRequirementsInfo2 *pInfo,
                                   VkMemoryRequirements2 *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   dev->vk.GetBufferMemoryRequirements2(device, pInfo, pMemoryRequirements);
   adjust(dev, pInfo->buffer, &pMemoryRequirements->memoryRequirements);
}

VKAPI_ATTR void VKAPI_CALL
panvk_GetDeviceBufferMemoryRequirements(
   VkDevice device, const VkDeviceBufferMemoryRequirements *pInfo,
   VkMemoryRequirements2 *pMemoryRequirements)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkBufferCreateInfo engine_create_info = *pInfo->pCreateInfo;
   VkDeviceBufferMemoryRequirements engine_info = *pInfo;
   engine_info.pCreateInfo = &engine_create_info;

   VkBufferCreateFlags sparse =
      engine_create_info.flags & PANVK_BUFFER_SPARSE_FLAGS;
   engine_create_info.flags &= ~sparse;
   dev->vk.GetDeviceBufferMemoryRequirements(device, &engine_info,
                                             pMemoryRequirements);
   if (sparse != 0)
      make_sparse(&pMemoryRequirements->memoryRequirements,
                  bind_alignment(pInfo->pCreateInfo));
}
