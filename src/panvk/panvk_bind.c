/* SPDX-License-Identifier: MIT */
/* From a VkBindSparseInfo to one VM_BIND ioctl. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "panvk_device.h"
#include "panvk_diag.h"
#include "panvk_queue.h"

/* ------------------------------------------------------------- expansion -- */

static VkResult
bad_bind(struct panvk_batch *batch, const struct panvk_resource *res,
         VkDeviceMemory memory, const char *rule)
{
   char text[128];
   panvk_error(batch->dev->pdev->instance, res->type, res->handle,
               "vkQueueBindSparse: %s, memory 0x%" PRIx64 ": %s",
               panvk_resource_describe(res, text), panvk_key(memory), rule);
   return VK_ERROR_VALIDATION_FAILED_EXT;
}

/* Most binds of a batch name the memory that the one before them named. */
static struct panvk_memory *
lookup_memory(struct panvk_batch *batch, VkDeviceMemory handle)
{
   if (batch->last == NULL || batch->last_memory != handle) {
      batch->last = panvk_memory_lookup(batch->dev, handle);
      batch->last_memory = handle;
   }
   return batch->last;
}

static void
trace_bind(const struct panvk_batch *batch, const struct panvk_resource *res,
           uint64_t va, uint64_t size_B, VkDeviceMemory memory,
           VkDeviceSize memory_offset)
{
   char text[128];
   panvk_resource_describe(res, text);
   if (memory == VK_NULL_HANDLE)
      panvk_trace(PANVK_DEBUG_BINDS,
                  "unbind %s [0x%" PRIx64 ", +0x%" PRIx64 ")", text,
                  va - res->va, size_B);
   else
      panvk_trace(PANVK_DEBUG_BINDS,
                  "bind %s [0x%" PRIx64 ", +0x%" PRIx64
                  ") to memory 0x%" PRIx64 " at 0x%" PRIx64,
                  text, va - res->va, size_B, panvk_key(memory), memory_offset);
}

VkResult
panvk_batch_bind(struct panvk_batch *batch, const struct panvk_resource *res,
                 uint64_t va, uint64_t size_B, VkDeviceMemory memory,
                 VkDeviceSize memory_offset)
{
   uint32_t bo_handle = 0;

   size_B = PANVK_ALIGN(size_B, PANVK_PAGE_SIZE);
   if (memory != VK_NULL_HANDLE) {
      const struct panvk_memory *bound = lookup_memory(batch, memory);
      if (bound == NULL)
         return bad_bind(batch, res, memory,
                         "only memory that is neither imported nor exportable "
                         "can be bound to a sparse resource");
      if (memory_offset % PANVK_PAGE_SIZE != 0)
         return bad_bind(batch, res, memory,
                         "the memory offset is not a multiple of the page "
                         "size, let alone of the required alignment");
      if (memory_offset > bound->bo->size_B ||
          size_B > bound->bo->size_B - memory_offset)
         return bad_bind(batch, res, memory,
                         "the range reaches beyond the end of the memory");
      bo_handle = bound->bo->handle;
   }
   if (panvk_debug() & PANVK_DEBUG_BINDS)
      trace_bind(batch, res, va, size_B, memory, memory_offset);
   panvk_bind_list_add(&batch->list, va, size_B, bo_handle, memory_offset);
   return VK_SUCCESS;
}

VkResult
panvk_batch_bind_opaque(struct panvk_batch *batch,
                        const struct panvk_resource *res,
                        const VkSparseMemoryBind *bind)
{
   if (bind->flags & VK_SPARSE_MEMORY_BIND_METADATA_BIT)
      return bad_bind(batch, res, bind->memory,
                      "there is no metadata aspect to bind");
   if (bind->resourceOffset % PANVK_PAGE_SIZE != 0)
      return bad_bind(batch, res, bind->memory,
                      "the resource offset is not a multiple of the page size, "
                      "let alone of the required alignment");
   if (bind->resourceOffset > res->size_B ||
       bind->size > res->size_B - bind->resourceOffset)
      return bad_bind(batch, res, bind->memory,
                      "the range reaches beyond the end of the resource");
   return panvk_batch_bind(batch, res, res->va + bind->resourceOffset,
                           bind->size, bind->memory, bind->memoryOffset);
}

static VkResult
append_buffer_binds(struct panvk_batch *batch,
                    const VkSparseBufferMemoryBindInfo *info)
{
   if (info->bindCount == 0)
      return VK_SUCCESS;
   const struct panvk_resource *res =
      panvk_map_find(&batch->dev->buffers, panvk_key(info->buffer));
   if (res == NULL) {
      panvk_error(batch->dev->pdev->instance, VK_OBJECT_TYPE_BUFFER,
                  panvk_key(info->buffer),
                  "vkQueueBindSparse: buffer 0x%" PRIx64
                  " was not created with VK_BUFFER_CREATE_SPARSE_BINDING_BIT",
                  panvk_key(info->buffer));
      return VK_ERROR_VALIDATION_FAILED_EXT;
   }
   VkResult result = VK_SUCCESS;
   for (uint32_t i = 0; i < info->bindCount && result == VK_SUCCESS; i++)
      result = panvk_batch_bind_opaque(batch, res, &info->pBinds[i]);
   return result;
}

static VkResult
check_device_indices(struct panvk_device *dev, const VkBindSparseInfo *info)
{
   const VkDeviceGroupBindSparseInfo *group = panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_DEVICE_GROUP_BIND_SPARSE_INFO);
   if (group == NULL ||
       (group->resourceDeviceIndex == 0 && group->memoryDeviceIndex == 0))
      return VK_SUCCESS;
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
               panvk_key(dev->handle),
               "vkQueueBindSparse: device indices %u and %u, but the group has "
               "one device",
               group->resourceDeviceIndex, group->memoryDeviceIndex);
   return VK_ERROR_VALIDATION_FAILED_EXT;
}

static VkResult
append_all(struct panvk_batch *batch, const VkBindSparseInfo *info)
{
   VkResult result = check_device_indices(batch->dev, info);
   for (uint32_t i = 0; i < info->bufferBindCount && result == VK_SUCCESS; i++)
      result = append_buffer_binds(batch, &info->pBufferBinds[i]);
   for (uint32_t i = 0; i < info->imageOpaqueBindCount && result == VK_SUCCESS;
        i++)
      result =
         panvk_image_append_opaque_binds(batch, &info->pImageOpaqueBinds[i]);
   for (uint32_t i = 0; i < info->imageBindCount && result == VK_SUCCESS; i++)
      result = panvk_image_append_binds(batch, &info->pImageBinds[i]);
   return result;
}

/* ------------------------------------------------------------------ jobs -- */

static void
describe_op(struct panvk_device *dev, const struct drm_panthor_vm_bind_op *op,
            char *text, size_t text_size)
{
   char resource[128];
   int length = snprintf(
      text, text_size, "%s of VA 0x%" PRIx64 ", 0x%" PRIx64 " bytes (%s)",
      op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE ? "MAP_SPARSE" : "MAP",
      (uint64_t)op->va, (uint64_t)op->size,
      panvk_resource_describe_at(dev, op->va, resource));
   if (op->bo_handle != 0 && length > 0 && (size_t)length < text_size)
      snprintf(text + length, text_size - (size_t)length,
               " to BO %u at 0x%" PRIx64, op->bo_handle,
               (uint64_t)op->bo_offset);
}

static void
trace_ops(struct panvk_device *dev, const struct panvk_job *job,
          uint32_t bind_count)
{
   char text[320];
   panvk_trace(PANVK_DEBUG_BINDS, "%u binds became %u ops:", bind_count,
               job->op_count);
   for (uint32_t i = 0; i < job->op_count; i++) {
      describe_op(dev, &job->ops[i], text, sizeof(text));
      panvk_trace(PANVK_DEBUG_BINDS, "   %u: %s", i, text);
   }
}

/* Moves what @batch has gathered into a job. */
static VkResult
finish_batch(struct panvk_batch *batch, struct panvk_job **job_out)
{
   struct panvk_device *dev = batch->dev;
   struct panvk_bind_list *list = &batch->list;
   struct panvk_null_mapping null_mapping = panvk_null_mapping(dev);

   struct panvk_job *job = calloc(1, sizeof(*job));
   if (job == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   if (panvk_bind_list_emit(list, &null_mapping, &job->ops, &job->op_count) !=
       0) {
      free(job);
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   job->residency = list->residency;
   job->residency_count = list->residency_count;
   list->residency = NULL;
   list->residency_count = list->residency_capacity = 0;

   atomic_fetch_add_explicit(&dev->bind_batches, 1, memory_order_relaxed);
   atomic_fetch_add_explicit(&dev->binds, list->appended, memory_order_relaxed);
   if (panvk_debug() & PANVK_DEBUG_BINDS)
      trace_ops(dev, job, list->appended);
   *job_out = job;
   return VK_SUCCESS;
}

VkResult
panvk_job_create(struct panvk_device *dev, const VkBindSparseInfo *info,
                 struct panvk_job **job_out)
{
   *job_out = NULL;
   pthread_mutex_lock(&dev->bind_lock);
   struct panvk_batch batch = {.dev = dev, .list = dev->scratch};
   VkResult result = append_all(&batch, info);
   if (result == VK_SUCCESS && batch.list.out_of_memory)
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
   if (result == VK_SUCCESS && batch.list.count != 0)
      result = finish_batch(&batch, job_out);
   panvk_bind_list_reset(&batch.list);
   dev->scratch = batch.list;
   pthread_mutex_unlock(&dev->bind_lock);
   return result;
}

void
panvk_job_destroy(struct panvk_job *job)
{
   if (job == NULL)
      return;
   free(job->ops);
   free(job->residency);
   free(job);
}

static void
lose_device(struct panvk_device *dev, const struct panvk_job *job,
            uint32_t failed_op, int ret)
{
   char text[320] = "no op in particular";
   if (failed_op < job->op_count)
      describe_op(dev, &job->ops[failed_op], text, sizeof(text));
   atomic_store(&dev->lost, true);
   panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_DEVICE,
               panvk_key(dev->handle),
               "device lost: VM_BIND failed at op %u of %u, %s: %s", failed_op,
               job->op_count, text, strerror(-ret));
}

static VkResult
execute_locked(struct panvk_device *dev, const struct panvk_job *job)
{
   uint32_t failed_op = job->op_count;

   if (atomic_load(&dev->lost))
      return VK_ERROR_DEVICE_LOST;
   panvk_image_apply_residency(dev, job->residency, job->residency_count,
                               false);
   uint64_t begin = panvk_diag_begin_job(dev, job);
   int ret =
      pan_kmod_vm_bind(dev->vm, 0, job->ops, job->op_count, &failed_op);
   panvk_diag_end_job(dev, job, begin, ret);
   if (ret != 0) {
      lose_device(dev, job, failed_op, ret);
      return VK_ERROR_DEVICE_LOST;
   }
   panvk_image_apply_residency(dev, job->residency, job->residency_count, true);
   return VK_SUCCESS;
}

VkResult
panvk_job_execute(struct panvk_device *dev, const struct panvk_job *job)
{
   pthread_mutex_lock(&dev->bind_lock);
   VkResult result = execute_locked(dev, job);
   pthread_mutex_unlock(&dev->bind_lock);
   return result;
}
