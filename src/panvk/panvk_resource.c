/* SPDX-License-Identifier: MIT */
/* What sparse buffers and images share: a GPU range, a host range, a name. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "panvk_device.h"
#include "panvk_diag.h"

struct panvk_null_mapping
panvk_null_mapping(const struct panvk_device *dev)
{
   return (struct panvk_null_mapping){
      .dummy_bo_handle = dev->dummy_bo != NULL ? dev->dummy_bo->handle : 0,
   };
}

/* ------------------------------------------------------------ GPU ranges -- */

/* Maps [va, va + size_B) sparse. 0 or a negative errno. */
static int
map_sparse(struct panvk_device *dev, uint64_t va, uint64_t size_B)
{
   struct panvk_null_mapping null_mapping = panvk_null_mapping(dev);
   struct drm_panthor_vm_bind_op *ops;
   uint32_t count;
   struct panvk_bind_list list;

   panvk_bind_list_init(&list);
   panvk_bind_list_add(&list, va, size_B, 0, 0);
   int ret = panvk_bind_list_emit(&list, &null_mapping, &ops, &count);
   if (ret == 0)
      ret = pan_kmod_vm_bind(dev->vm, 0, ops, count, NULL);
   free(ops);
   panvk_bind_list_finish(&list);
   return ret;
}

static int
unmap(struct panvk_device *dev, uint64_t va, uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
      .va = va,
      .size = size_B,
   };
   return pan_kmod_vm_bind(dev->vm, 0, &op, 1, NULL);
}

/* What a range takes of the heap: blocks, however few of its pages there are. */
static uint64_t
heap_size(uint64_t size_B)
{
   return PANVK_ALIGN(size_B, PANVK_SPARSE_BLOCK_SIZE);
}

VkResult
panvk_resource_init_range(struct panvk_device *dev, struct panvk_resource *res,
                          uint64_t size_B)
{
   uint64_t va;
   int ret;

   size_B = PANVK_ALIGN(size_B, res->alignment_B);
   ret = panvk_va_alloc(&dev->va_heap, heap_size(size_B), &va);
   if (ret != 0)
      goto err_message;
   ret = map_sparse(dev, va, size_B);
   if (ret != 0)
      goto err_free;
   res->va = va;
   res->size_B = size_B;
   panvk_diag_add_resource(dev, res);
   return VK_SUCCESS;

err_free:
   /* The fallback may have mapped some chunks before it failed. */
   if (unmap(dev, va, size_B) == 0)
      panvk_va_free(&dev->va_heap, va, heap_size(size_B));
err_message:
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
               panvk_key(dev->handle),
               "cannot map a sparse range of %" PRIu64 " bytes: %s", size_B,
               strerror(-ret));
   return VK_ERROR_OUT_OF_DEVICE_MEMORY;
}

void
panvk_resource_finish_range(struct panvk_device *dev,
                            struct panvk_resource *res)
{
   if (res->size_B == 0)
      return;
   int ret = unmap(dev, res->va, res->size_B);
   if (ret != 0) {
      /* Whatever is still mapped there must not become another's. */
      char text[128];
      panvk_error(dev->pdev->instance, res->type, res->handle,
                  "cannot unmap %s: %s; its GPU addresses are lost",
                  panvk_resource_describe(res, text), strerror(-ret));
   } else {
      panvk_va_free(&dev->va_heap, res->va, heap_size(res->size_B));
   }
   res->va = res->size_B = 0;
}

/* ----------------------------------------------------------- host ranges -- */

VkResult
panvk_host_range_init(struct panvk_device *dev, uint64_t size_B,
                      uint32_t type_index, struct panvk_host_range *range_out)
{
   /* The kernel aligns to pages, so reserve more and return the ends. */
   uint64_t slack_B = PANVK_SPARSE_BLOCK_SIZE;
   char *start = mmap(NULL, size_B + slack_B, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (start == MAP_FAILED)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   char *ptr = (char *)PANVK_ALIGN((uintptr_t)start, PANVK_SPARSE_BLOCK_SIZE);
   uint64_t before_B = (uint64_t)(ptr - start);
   if (before_B != 0)
      munmap(start, before_B);
   munmap(ptr + size_B, slack_B - before_B);

   VkImportMemoryHostPointerInfoEXT import = {
      .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
      .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT,
      .pHostPointer = ptr,
   };
   /* A window may be asked for its device address. */
   VkMemoryAllocateFlagsInfo flags = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO,
      .pNext = &import,
      .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT,
   };
   VkMemoryAllocateInfo info = {
      .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
      .pNext = &flags,
      .allocationSize = size_B,
      .memoryTypeIndex = type_index,
   };
   VkDeviceMemory memory;
   VkResult result = dev->vk.AllocateMemory(dev->handle, &info, NULL, &memory);
   if (result != VK_SUCCESS) {
      munmap(ptr, size_B);
      return result;
   }
   *range_out = (struct panvk_host_range){
      .ptr = ptr,
      .size_B = size_B,
      .memory = memory,
   };
   return VK_SUCCESS;
}

void
panvk_host_range_finish(struct panvk_device *dev,
                        struct panvk_host_range *range)
{
   if (range->ptr == NULL)
      return;
   dev->vk.FreeMemory(dev->handle, range->memory, NULL);
   munmap(range->ptr, range->size_B);
   *range = (struct panvk_host_range){0};
}

/* ----------------------------------------------------------------- names -- */

/* Guards every resource's name: a bind thread may read it for a message. */
static pthread_mutex_t name_lock = PTHREAD_MUTEX_INITIALIZER;

const char *
panvk_resource_describe(const struct panvk_resource *res,
                        char text[static 128])
{
   const char *kind = res->type == VK_OBJECT_TYPE_BUFFER ? "buffer" : "image";
   pthread_mutex_lock(&name_lock);
   if (res->name[0] != '\0')
      snprintf(text, 128, "%s '%s' (0x%" PRIx64 ")", kind, res->name,
               res->handle);
   else
      snprintf(text, 128, "%s 0x%" PRIx64, kind, res->handle);
   pthread_mutex_unlock(&name_lock);
   return text;
}

struct search {
   uint64_t va;
   char *text;
};

static void
describe_if_at(void *value, void *data)
{
   const struct panvk_resource *res = value;
   const struct search *search = data;
   if (search->va - res->va < res->size_B)
      panvk_resource_describe(res, search->text);
}

const char *
panvk_resource_describe_at(struct panvk_device *dev, uint64_t va,
                           char text[static 128])
{
   struct search search = {va, text};
   snprintf(text, 128, "no resource");
   panvk_map_foreach(&dev->buffers, describe_if_at, &search);
   panvk_map_foreach(&dev->images, describe_if_at, &search);
   return text;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_SetDebugUtilsObjectNameEXT(VkDevice device,
                                 const VkDebugUtilsObjectNameInfoEXT *pNameInfo)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_resource *res = NULL;

   if (pNameInfo->objectType == VK_OBJECT_TYPE_BUFFER)
      res = panvk_map_find(&dev->buffers, pNameInfo->objectHandle);
   else if (pNameInfo->objectType == VK_OBJECT_TYPE_IMAGE)
      res = panvk_map_find(&dev->images, pNameInfo->objectHandle);
   if (res != NULL) {
      const char *name = pNameInfo->pObjectName;
      pthread_mutex_lock(&name_lock);
      snprintf(res->name, sizeof(res->name), "%s", name != NULL ? name : "");
      pthread_mutex_unlock(&name_lock);
   }
   return dev->vk.SetDebugUtilsObjectNameEXT(device, pNameInfo);
}
