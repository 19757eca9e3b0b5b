/* SPDX-License-Identifier: MIT */
/*
 * The commands that diagnostics listen to, in front of the driver's own ones.
 * They are handed out only where diagnostics were asked for.
 *
 * What the engine's threads did is looked at before new work is submitted and
 * after the program has waited for some.
 */
#include <stdio.h>
#include <string.h>

#include "panvk_diag_private.h"
#include "panvk_queue.h"

/* --------------------------------------------------------------- moments -- */

/* Before work is submitted: what is reported again has to trap again. */
static uint64_t
before_work(struct panvk_device *dev)
{
   if (dev->diag != NULL)
      panvk_unbound_look(panvk_diagnostics(dev), true);
   return panvk_tracer_now();
}

/* Behind a command that took from @begin until now. */
static void
trace_command(struct panvk_device *dev, const char *category, const char *name,
              uint64_t begin, VkResult result)
{
   if (dev->diag == NULL || !panvk_diagnostics(dev)->trace)
      return;
   panvk_trace_event(PANVK_TRACE_SLICE, begin, category, name, "\"result\":%d",
                     (int)result);
   panvk_tracer_flush();
}

/* After a wait, which took from @begin until now. */
static VkResult
after_wait(struct panvk_device *dev, const char *name, uint64_t begin,
           VkResult result)
{
   if (dev->diag != NULL)
      panvk_unbound_look(panvk_diagnostics(dev), false);
   trace_command(dev, "wait", name, begin, result);
   return result;
}

/* ---------------------------------------------------------------- memory -- */

static VKAPI_ATTR VkResult VKAPI_CALL
diag_AllocateMemory(VkDevice device, const VkMemoryAllocateInfo *pAllocateInfo,
                    const VkAllocationCallbacks *pAllocator,
                    VkDeviceMemory *pMemory)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   struct panvk_diagnostics *diag = panvk_diagnostics(dev);
   VkResult result =
      panvk_AllocateMemory(device, pAllocateInfo, pAllocator, pMemory);
   struct panvk_memory *memory =
      result == VK_SUCCESS ? panvk_memory_lookup(dev, *pMemory) : NULL;

   if (diag == NULL || memory == NULL)
      return result;
   pthread_mutex_lock(&diag->tracker.lock);
   const struct panvk_tracked_memory *tracked = panvk_tracker_add_memory(
      &diag->tracker, *pMemory, memory->bo->handle, memory->bo->size_B);
   if (tracked == NULL && !diag->tracker.out_of_memory)
      fprintf(stderr, "pansparse: warning: diagnostics: out of memory, memory "
                      "objects are missing\n");
   if (tracked != NULL && diag->trace)
      panvk_trace_memory(tracked);
   pthread_mutex_unlock(&diag->tracker.lock);
   return result;
}

static VKAPI_ATTR void VKAPI_CALL
diag_FreeMemory(VkDevice device, VkDeviceMemory memory,
                const VkAllocationCallbacks *pAllocator)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (dev->diag != NULL && memory != VK_NULL_HANDLE)
      panvk_validate_free(panvk_diagnostics(dev), memory);
   panvk_FreeMemory(device, memory, pAllocator);
}

/* Memory is named here; resources are by the driver itself. */
static void
set_name(struct panvk_diagnostics *diag,
         const VkDebugUtilsObjectNameInfoEXT *info)
{
   struct panvk_device *dev = diag->dev;
   const char *name = info->pObjectName != NULL ? info->pObjectName : "";
   struct panvk_resource *res = NULL;

   pthread_mutex_lock(&diag->tracker.lock);
   if (info->objectType == VK_OBJECT_TYPE_DEVICE_MEMORY) {
      struct panvk_tracked_memory *memory = panvk_tracker_find_memory(
         &diag->tracker, (VkDeviceMemory)info->objectHandle);
      if (memory != NULL) {
         snprintf(memory->name, sizeof(memory->name), "%s", name);
         if (diag->trace)
            panvk_trace_name(memory->id, name);
      }
   } else if (info->objectType == VK_OBJECT_TYPE_BUFFER) {
      res = panvk_map_find(&dev->buffers, info->objectHandle);
   } else if (info->objectType == VK_OBJECT_TYPE_IMAGE) {
      res = panvk_map_find(&dev->images, info->objectHandle);
   }
   if (res != NULL && res->tracked != NULL && diag->trace)
      panvk_trace_name(res->tracked->id, name);
   pthread_mutex_unlock(&diag->tracker.lock);
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_SetDebugUtilsObjectNameEXT(VkDevice device,
                                const VkDebugUtilsObjectNameInfoEXT *pNameInfo)
{
   struct panvk_device *dev = panvk_device_from_handle(device);

   if (dev->diag != NULL)
      set_name(panvk_diagnostics(dev), pNameInfo);
   return panvk_SetDebugUtilsObjectNameEXT(device, pNameInfo);
}

/* ----------------------------------------------------------------- queue -- */

static VKAPI_ATTR VkResult VKAPI_CALL
diag_QueueBindSparse(VkQueue queue, uint32_t bindInfoCount,
                     const VkBindSparseInfo *pBindInfo, VkFence fence)
{
   struct panvk_device *dev = panvk_queue_from_handle(queue)->dev;
   struct panvk_diagnostics *diag = panvk_diagnostics(dev);
   uint64_t begin = before_work(dev);

   for (uint32_t i = 0; i < bindInfoCount && diag != NULL; i++) {
      if (diag->validate)
         panvk_validate_binds(diag, i, &pBindInfo[i]);
      if (diag->trace)
         panvk_trace_binds(diag, i, &pBindInfo[i]);
   }
   VkResult result =
      panvk_QueueBindSparse(queue, bindInfoCount, pBindInfo, fence);
   trace_command(dev, "bind", "vkQueueBindSparse", begin, result);
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_QueueSubmit(VkQueue queue, uint32_t submitCount,
                 const VkSubmitInfo *pSubmits, VkFence fence)
{
   struct panvk_device *dev = panvk_queue_from_handle(queue)->dev;
   uint64_t begin = before_work(dev);
   VkResult result = panvk_QueueSubmit(queue, submitCount, pSubmits, fence);
   trace_command(dev, "submit", "vkQueueSubmit", begin, result);
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_QueueSubmit2(VkQueue queue, uint32_t submitCount,
                  const VkSubmitInfo2 *pSubmits, VkFence fence)
{
   struct panvk_device *dev = panvk_queue_from_handle(queue)->dev;
   uint64_t begin = before_work(dev);
   VkResult result = panvk_QueueSubmit2(queue, submitCount, pSubmits, fence);
   trace_command(dev, "submit", "vkQueueSubmit2", begin, result);
   return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_QueuePresentKHR(VkQueue queue, const VkPresentInfoKHR *pPresentInfo)
{
   struct panvk_device *dev = panvk_queue_from_handle(queue)->dev;
   uint64_t begin = before_work(dev);
   VkResult result = panvk_QueuePresentKHR(queue, pPresentInfo);
   trace_command(dev, "submit", "vkQueuePresentKHR", begin, result);
   return result;
}

/* --------------------------------------------------------------- waiting -- */

static VKAPI_ATTR VkResult VKAPI_CALL
diag_QueueWaitIdle(VkQueue queue)
{
   struct panvk_device *dev = panvk_queue_from_handle(queue)->dev;
   uint64_t begin = panvk_tracer_now();
   VkResult result = panvk_QueueWaitIdle(queue);
   return after_wait(dev, "vkQueueWaitIdle", begin, result);
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_DeviceWaitIdle(VkDevice device)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   uint64_t begin = panvk_tracer_now();
   VkResult result = panvk_DeviceWaitIdle(device);
   return after_wait(dev, "vkDeviceWaitIdle", begin, result);
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_WaitForFences(VkDevice device, uint32_t fenceCount, const VkFence *pFences,
                   VkBool32 waitAll, uint64_t timeout)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   uint64_t begin = panvk_tracer_now();
   VkResult result =
      panvk_WaitForFences(device, fenceCount, pFences, waitAll, timeout);
   return after_wait(dev, "vkWaitForFences", begin, result);
}

static VKAPI_ATTR VkResult VKAPI_CALL
diag_WaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo *pWaitInfo,
                    uint64_t timeout)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   uint64_t begin = panvk_tracer_now();
   VkResult result = panvk_WaitSemaphores(device, pWaitInfo, timeout);
   return after_wait(dev, "vkWaitSemaphores", begin, result);
}

/* Polled in loops: no event, and a look only when there is an end to see. */
static VKAPI_ATTR VkResult VKAPI_CALL
diag_GetFenceStatus(VkDevice device, VkFence fence)
{
   struct panvk_device *dev = panvk_device_from_handle(device);
   VkResult result = panvk_GetFenceStatus(device, fence);

   if (result == VK_SUCCESS && dev->diag != NULL)
      panvk_unbound_look(panvk_diagnostics(dev), false);
   return result;
}

/* --------------------------------------------------------------- look-up -- */

#define DIAG(name) {"vk" #name, (PFN_vkVoidFunction)diag_##name}
#define DIAG_ALIAS(alias, name) {"vk" #alias, (PFN_vkVoidFunction)diag_##name}

static const struct {
   const char *name;
   PFN_vkVoidFunction func;
} commands[] = {
   DIAG(AllocateMemory),
   DIAG(FreeMemory),
   DIAG(SetDebugUtilsObjectNameEXT),
   DIAG(QueueBindSparse),
   DIAG(QueueSubmit),
   DIAG(QueueSubmit2),
   DIAG_ALIAS(QueueSubmit2KHR, QueueSubmit2),
   DIAG(QueuePresentKHR),
   DIAG(QueueWaitIdle),
   DIAG(DeviceWaitIdle),
   DIAG(WaitForFences),
   DIAG(WaitSemaphores),
   DIAG_ALIAS(WaitSemaphoresKHR, WaitSemaphores),
   DIAG(GetFenceStatus),
};

PFN_vkVoidFunction
panvk_diag_entrypoint(const char *name)
{
   if (!(panvk_debug() & (PANVK_DEBUG_UNBOUND | PANVK_DEBUG_VALIDATE)) &&
       !panvk_tracer_on())
      return NULL;
   for (size_t i = 0; i < PANVK_ARRAY_SIZE(commands); i++) {
      if (strcmp(commands[i].name, name) == 0)
         return commands[i].func;
   }
   return NULL;
}
