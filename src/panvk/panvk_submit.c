/* SPDX-License-Identifier: MIT */
/*
 * The queue's commands, and those that wait for it: work goes to the engine,
 * binds go through panvk_queue.h, and all of them report a lost device.
 */
#include <stdlib.h>

#include "panvk_queue.h"

static bool
is_lost(struct panvk_device *dev)
{
   return atomic_load_explicit(&dev->lost, memory_order_relaxed);
}

/* ----------------------------------------------------------------- binds -- */

/* Executes or queues one batch, which @job is of; takes the job. */
static VkResult
submit_batch(struct panvk_queue *queue, const VkBindSparseInfo *info,
             struct panvk_job *job, VkFence fence)
{
   /* The acquire pairs with the bind thread's release of its last job. */
   bool idle =
      atomic_load_explicit(&queue->pending, memory_order_acquire) == 0;
   VkResult result;

   /* Signals of a batch without binds still come after earlier batches'. */
   if (job == NULL)
      return panvk_queue_submit_empty(queue, info, true, fence);

   if (info->waitSemaphoreCount != 0 || !idle) {
      result = panvk_queue_defer(queue, job, info, fence);
      if (result != VK_SUCCESS)
         panvk_job_destroy(job);
      return result;
   }
   result = panvk_job_execute(queue->dev, job);
   panvk_job_destroy(job);
   return result == VK_SUCCESS
             ? panvk_queue_submit_empty(queue, info, false, fence)
             : result;
}

static void
destroy_jobs(struct panvk_job **jobs, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      panvk_job_destroy(jobs[i]);
   free(jobs);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_QueueBindSparse(VkQueue handle, uint32_t bindInfoCount,
                      const VkBindSparseInfo *pBindInfo, VkFence fence)
{
   struct panvk_queue *queue = panvk_queue_from_handle(handle);
   struct panvk_device *dev = queue->dev;
   VkResult result = VK_SUCCESS;

   if (is_lost(dev))
      return VK_ERROR_DEVICE_LOST;
   pan_kmod_fault_handler_ensure(dev->kmod);
   if (bindInfoCount == 0)
      return panvk_queue_submit_empty(queue, NULL, false, fence);

   /* All are expanded, and thereby checked, before anything happens. */
   struct panvk_job **jobs = calloc(bindInfoCount, sizeof(*jobs));
   if (jobs == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   for (uint32_t i = 0; i < bindInfoCount && result == VK_SUCCESS; i++)
      result = panvk_job_create(dev, &pBindInfo[i], &jobs[i]);

   for (uint32_t i = 0; i < bindInfoCount && result == VK_SUCCESS; i++) {
      struct panvk_job *job = jobs[i];
      jobs[i] = NULL;
      result = submit_batch(queue, &pBindInfo[i], job,
                            i + 1 == bindInfoCount ? fence : VK_NULL_HANDLE);
   }
   destroy_jobs(jobs, bindInfoCount);
   return result;
}

/* ------------------------------------------------------------------ work -- */

/* What precedes any work of the application's; VK_ERROR_DEVICE_LOST. */
static VkResult
begin_work(VkQueue handle, struct panvk_device **dev_out)
{
   struct panvk_queue *queue = panvk_queue_from_handle(handle);

   *dev_out = queue->dev;
   if (is_lost(queue->dev))
      return VK_ERROR_DEVICE_LOST;
   panvk_queue_break_chain(queue);
   pan_kmod_fault_handler_ensure(queue->dev->kmod);
   return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_QueueSubmit(VkQueue handle, uint32_t submitCount,
                  const VkSubmitInfo *pSubmits, VkFence fence)
{
   struct panvk_device *dev;
   VkResult result = begin_work(handle, &dev);
   return result == VK_SUCCESS
             ? dev->vk.QueueSubmit(handle, submitCount, pSubmits, fence)
             : result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_QueueSubmit2(VkQueue handle, uint32_t submitCount,
                   const VkSubmitInfo2 *pSubmits, VkFence fence)
{
   struct panvk_device *dev;
   VkResult result = begin_work(handle, &dev);
   return result == VK_SUCCESS
             ? dev->vk.QueueSubmit2(handle, submitCount, pSubmits, fence)
             : result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_QueuePresentKHR(VkQueue handle, const VkPresentInfoKHR *pPresentInfo)
{
   struct panvk_device *dev;
   VkResult result = begin_work(handle, &dev);
   return result == VK_SUCCESS ? dev->vk.QueuePresentKHR(handle, pPresentInfo)
                               : result;
}

/* --------------------------------------------------------------- waiting -- */

/*
 * The engine knows nothing of a lost device, and its queue drains all the same:
 * so what it returns stands, unless a bind failed in the meantime.
 */
static VkResult
or_lost(struct panvk_device *dev, VkResult result)
{
   return result >= 0 && is_lost(dev) ? VK_ERROR_DEVICE_LOST : result;
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_QueueWaitIdle(VkQueue handle)
{
   struct panvk_device *dev = panvk_queue_from_handle(handle)->dev;
   return or_lost(dev, dev->vk.QueueWaitIdle(handle));
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_DeviceWaitIdle(VkDevice device)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result = dev->vk.DeviceWaitIdle(device);
   if (result == VK_SUCCESS && dev->sparse_queue != NULL)
      result = dev->vk.QueueWaitIdle(dev->sparse_queue->handle);
   return or_lost(dev, result);
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_WaitForFences(VkDevice device, uint32_t fenceCount,
                    const VkFence *pFences, VkBool32 waitAll, uint64_t timeout)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   return or_lost(dev, dev->vk.WaitForFences(device, fenceCount, pFences,
                                             waitAll, timeout));
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_GetFenceStatus(VkDevice device, VkFence fence)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   return or_lost(dev, dev->vk.GetFenceStatus(device, fence));
}

VKAPI_ATTR VkResult VKAPI_CALL
panvk_WaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo *pWaitInfo,
                     uint64_t timeout)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   return or_lost(dev, dev->vk.WaitSemaphores(device, pWaitInfo, timeout));
}
