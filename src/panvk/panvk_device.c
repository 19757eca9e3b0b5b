/* SPDX-License-Identifier: MIT */
/*
 * A device: the engine's, with a kernel device, a VM and the queue's binds
 * beside it.
 */
#include "panvk_device.h"
#include "panvk_diag.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_attachment.h"
#include "panvk_cmd.h"
#include "panvk_physical_device.h"
#include "panvk_queue.h"
#include "panvk_queue_family.h"
#include "panvk_strict.h"

/*
 * Where sparse resources begin in a VM: small addresses stay unmapped, so that
 * a wrong one faults.
 */
#define FIRST_VA (1ull << 32)
#define DUMMY_BO_SIZE_B (2ull << 20)

static struct panvk_map devices = PANVK_MAP_INITIALIZER;

struct panvk_device *
panvk_device_from_handle(VkDevice handle)
{
   return panvk_map_find(&devices, panvk_key(handle));
}

/* ------------------------------------------------------- the kernel side -- */

static VkResult
kernel_error(struct panvk_device *dev, const char *what, int ret)
{
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
               "cannot create a device: %s: %s", what, strerror(-ret));
   return VK_ERROR_INITIALIZATION_FAILED;
}

/* Everything of the kernel's, in the order of its creation reversed. */
static void
finish_kernel(struct panvk_device *dev)
{
   panvk_stats_end(dev);
   if (dev->vm != NULL)
      panvk_va_heap_finish(&dev->va_heap);
   pan_kmod_bo_destroy(dev->dummy_bo);
   pan_kmod_vm_destroy(dev->vm);
   /* The machine reports what leaked, on stderr. */
   (void)pan_kmod_dev_destroy(dev->kmod);
}

static VkResult
init_vm(struct panvk_device *dev)
{
   const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev->kmod);
   if (!props->virtual_gpu)
      return kernel_error(dev,
                          "PANSPARSE_DEVICE names real hardware, which this "
                          "driver cannot execute on; unset it",
                          -ENOTSUP);

   int ret = pan_kmod_vm_create(dev->kmod, 0, &dev->vm);
   if (ret != 0)
      return kernel_error(dev, "no GPU address space", ret);
   uint64_t end = dev->vm->user_va_range & ~(PANVK_VA_MIN_ALIGN - 1);
   if (panvk_va_heap_init(&dev->va_heap, FIRST_VA, end) != 0) {
      pan_kmod_vm_destroy(dev->vm);
      dev->vm = NULL;
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   if (!props->map_sparse) {
      ret = pan_kmod_bo_create(dev->kmod, DUMMY_BO_SIZE_B, 0, dev->vm->id,
                               "pansparse dummy", &dev->dummy_bo);
      if (ret == 0 && props->null_memory)
         ret = pan_kmod_bo_set_null(dev->dummy_bo);
      if (ret != 0)
         return kernel_error(dev, "no memory to stand for unbound memory", ret);
   }
   panvk_trace(PANVK_DEBUG_ENGINE,
               "kernel driver: panthor %u.%u, %s, VM of 2^%d bytes",
               props->version_major, props->version_minor,
               props->map_sparse ? "MAP_SPARSE" : "dummy BO for MAP_SPARSE",
               63 - __builtin_clzll(dev->vm->user_va_range));
   return VK_SUCCESS;
}

static VkResult
init_kernel(struct panvk_device *dev)
{
   int ret = pan_kmod_dev_create(NULL, NULL, &dev->kmod);
   if (ret != 0)
      return kernel_error(dev, "the kernel driver cannot be opened", ret);
   VkResult result = init_vm(dev);
   if (result != VK_SUCCESS)
      finish_kernel(dev);
   else
      panvk_stats_begin(dev);
   return result;
}

/* ------------------------------------------------------------- leftovers -- */

struct handles {
   uint64_t *handles;
   uint32_t count, capacity;
};

static void
collect_resource(void *value, void *data)
{
   struct handles *handles = data;
   if (handles->count < handles->capacity)
      handles->handles[handles->count++] =
         ((const struct panvk_resource *)value)->handle;
}

static void
collect_memory(void *value, void *data)
{
   struct handles *handles = data;
   if (handles->count < handles->capacity)
      handles->handles[handles->count++] =
         panvk_key(((const struct panvk_memory *)value)->handle);
}

/* The handles in @map, for the caller to free(). None when out of memory. */
static struct handles
collect(struct panvk_map *map, void (*fn)(void *value, void *data))
{
   struct handles handles = {.capacity = map->count};
   handles.handles = calloc(map->count + 1, sizeof(*handles.handles));
   if (handles.handles == NULL)
      handles.capacity = 0;
   panvk_map_foreach(map, fn, &handles);
   return handles;
}

/*
 * What the application has not destroyed would keep the VM and its pages alive,
 * for as long as the machine runs.
 */
static void
destroy_leftovers(struct panvk_device *dev)
{
   struct handles images = collect(&dev->images, collect_resource);
   struct handles buffers = collect(&dev->buffers, collect_resource);
   struct handles memories = collect(&dev->memories, collect_memory);

   if (images.count + buffers.count + memories.count != 0)
      panvk_warning(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
                    panvk_key(dev->handle),
                    "vkDestroyDevice: %u sparse images, %u sparse buffers and "
                    "%u memory objects of the device still exist",
                    images.count, buffers.count, memories.count);
   for (uint32_t i = 0; i < images.count; i++)
      panvk_DestroyImage(dev->handle, (VkImage)images.handles[i], NULL);
   for (uint32_t i = 0; i < buffers.count; i++)
      panvk_DestroyBuffer(dev->handle, (VkBuffer)buffers.handles[i], NULL);
   for (uint32_t i = 0; i < memories.count; i++)
      panvk_FreeMemory(dev->handle, (VkDeviceMemory)memories.handles[i], NULL);
   free(images.handles);
   free(buffers.handles);
   free(memories.handles);
}

/* ------------------------------------------------------------- life time -- */

/* What the application asks for and the engine would grant, but not we. */
static VkResult
check_create_info(struct panvk_physical_device *pdev,
                  const VkDeviceCreateInfo *info)
{
   for (uint32_t i = 0; i < info->enabledExtensionCount; i++) {
      if (panvk_extension_is_hidden(info->ppEnabledExtensionNames[i]))
         return VK_ERROR_EXTENSION_NOT_PRESENT;
   }
   if (!panvk_check_queue_infos(pdev, info))
      return VK_ERROR_INITIALIZATION_FAILED;
   const char *feature = panvk_missing_feature(pdev, info);
   if (feature == NULL)
      return VK_SUCCESS;
   panvk_error(pdev->instance, VK_OBJECT_TYPE_UNKNOWN, 0,
               "vkCreateDevice: feature %s is not supported", feature);
   return VK_ERROR_FEATURE_NOT_PRESENT;
}

static void
init_tables(struct panvk_device *dev)
{
   pthread_mutex_init(&dev->bind_lock, NULL);
   panvk_bind_list_init(&dev->scratch);
   panvk_map_init(&dev->memories);
   panvk_map_init(&dev->buffers);
   panvk_map_init(&dev->timelines);
   panvk_map_init(&dev->images);
   panvk_map_init(&dev->cmd_pools);
   panvk_map_init(&dev->views);
   panvk_map_init(&dev->passes);
   panvk_map_init(&dev->framebuffers);
   panvk_map_init(&dev->templates);
}

static void
finish_tables(struct panvk_device *dev)
{
   pthread_mutex_destroy(&dev->bind_lock);
   panvk_bind_list_finish(&dev->scratch);
   panvk_map_finish(&dev->memories);
   panvk_map_finish(&dev->buffers);
   panvk_map_finish(&dev->timelines);
   panvk_map_finish(&dev->images);
   panvk_map_finish(&dev->cmd_pools);
   panvk_map_finish(&dev->views);
   panvk_map_finish(&dev->passes);
   panvk_map_finish(&dev->framebuffers);
   panvk_map_finish(&dev->templates);
}

/* In reverse: no queue may be waited for by one that is gone. */
static void
finish_queues(struct panvk_device *dev, const VkAllocationCallbacks *allocator)
{
   panvk_queue_destroy(dev->sparse_queue);
   panvk_queue_destroy(dev->queue);
   if (dev->sparse_engine != NULL)
      panvk_device_destroy_private(dev->sparse_engine, allocator);
}

/*
 * The universal queue always, for the driver itself; the sparse one on a device
 * of the engine's own, for the engine's only queue is in order. What one of the
 * two devices allocates for a semaphore the other may free.
 */
static VkResult
init_queues(struct panvk_device *dev, const VkDeviceCreateInfo *info,
            const VkAllocationCallbacks *allocator)
{
   VkResult result = panvk_queue_create(dev, dev, &dev->queue);
   if (result != VK_SUCCESS || !panvk_wants_family(info, PANVK_FAMILY_SPARSE))
      return result;
   result = panvk_device_create_private(dev->pdev, allocator, &dev->sparse_engine);
   if (result == VK_SUCCESS)
      result = panvk_queue_create(dev, dev->sparse_engine, &dev->sparse_queue);
   if (result == VK_SUCCESS)
      result = panvk_queue_prime(dev->queue);
   if (result == VK_SUCCESS)
      result = panvk_queue_prime(dev->sparse_queue);
   if (result != VK_SUCCESS)
      finish_queues(dev, allocator);
   return result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_CreateDevice(VkPhysicalDevice physicalDevice,
                   const VkDeviceCreateInfo *pCreateInfo,
                   const VkAllocationCallbacks *pAllocator, VkDevice *pDevice)
{
   struct panvk_physical_device *pdev =
      panvk_physical_device_from_handle(physicalDevice);
   VkResult result = check_create_info(pdev, pCreateInfo);
   if (result != VK_SUCCESS)
      return result;

   struct panvk_device *dev = calloc(1, sizeof(*dev));
   if (dev == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   init_tables(dev);
   result = panvk_device_init_engine(dev, pdev, pCreateInfo, pAllocator);
   if (result != VK_SUCCESS)
      goto err_free;
   result = init_kernel(dev);
   if (result != VK_SUCCESS)
      goto err_engine;
   panvk_diag_create(dev);
   panvk_strict_init(dev);
   result = init_queues(dev, pCreateInfo, pAllocator);
   if (result != VK_SUCCESS)
      goto err_kernel;
   dev->probe = panvk_physical_device_probe(pdev);
   dev->sparse_images_ok = dev->probe != NULL;
   if (!panvk_map_insert(&devices, panvk_key(dev->handle), dev)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_queue;
   }
   *pDevice = dev->handle;
   return VK_SUCCESS;

err_queue:
   finish_queues(dev, pAllocator);
err_kernel:
   panvk_strict_finish(dev);
   panvk_diag_destroy(dev);
   finish_kernel(dev);
err_engine:
   dev->vk.DestroyDevice(dev->handle, pAllocator);
err_free:
   finish_tables(dev);
   free(dev);
   return result;
}

VKAPI_ATTR void VKAPI_CALL
panvk_DestroyDevice(VkDevice device, const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev =
      device != VK_NULL_HANDLE ? panvk_device_from_handle(device) : NULL;
   if (dev == NULL)
      return;

   finish_queues(dev, pAllocator);
   panvk_report_stats(dev);
   destroy_leftovers(dev);
   panvk_diag_destroy(dev);
   panvk_cmd_finish_device(dev);
   panvk_view_finish_device(dev);
   panvk_pass_finish_device(dev);
   panvk_map_remove(&devices, panvk_key(device));
   panvk_strict_finish(dev);
   dev->vk.DestroyDevice(device, pAllocator);
   finish_kernel(dev);
   finish_tables(dev);
   free(dev);
}
