/* SPDX-License-Identifier: MIT */
#include "panvk_queue.h"

#include <stdlib.h>
#include <unistd.h>

static struct panvk_map queues = PANVK_MAP_INITIALIZER;

struct panvk_queue *
panvk_queue_from_handle(VkQueue handle)
{
   return panvk_map_find(&queues, panvk_key(handle));
}

/* ----------------------------------------------------------- bind thread -- */

/* Waits for the batch's semaphores; the engine reports its own losses. */
static void
wait_ready(struct panvk_queue *queue, const struct panvk_job *job)
{
   struct panvk_device *dev = queue->dev;
   VkSemaphoreWaitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &queue->ready,
      .pValues = &job->value,
   };
   if (job->waits &&
       dev->vk.WaitSemaphores(dev->handle, &info, UINT64_MAX) != VK_SUCCESS)
      atomic_store(&dev->lost, true);
}

/*
 * What waits for this ends no other way, so a shortage that passes is waited
 * out.
 */
#define SIGNAL_ATTEMPTS 100

static VkResult
signal_timeline(struct panvk_device *dev, VkSemaphore semaphore, uint64_t value)
{
   const VkSemaphoreSignalInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO,
      .semaphore = semaphore,
      .value = value,
   };
   VkResult result = dev->vk.SignalSemaphore(dev->handle, &info);
   for (int i = 0; result != VK_SUCCESS && i < SIGNAL_ATTEMPTS; i++) {
      usleep(1000);
      result = dev->vk.SignalSemaphore(dev->handle, &info);
   }
   return result;
}

/*
 * On a lost device too, or the engine's queue would never drain. Where even
 * that fails there is nothing left to do but to say so.
 */
static void
signal_done(struct panvk_queue *queue, const struct panvk_job *job)
{
   struct panvk_device *dev = queue->dev;
   if (signal_timeline(dev, queue->done, job->value) != VK_SUCCESS) {
      atomic_store(&dev->lost, true);
      panvk_error(dev->pdev->instance, VK_OBJECT_TYPE_QUEUE,
                  panvk_key(queue->handle),
                  "device lost: the engine cannot signal a semaphore");
   }
}

/* The first job, after waiting for one; NULL to stop, once all are done. */
static struct panvk_job *
next_job(struct panvk_queue *queue)
{
   pthread_mutex_lock(&queue->lock);
   while (queue->first == NULL && !queue->stop)
      pthread_cond_wait(&queue->wake, &queue->lock);
   struct panvk_job *job = queue->first;
   if (job != NULL) {
      queue->first = job->next;
      if (queue->first == NULL)
         queue->last = &queue->first;
   }
   pthread_mutex_unlock(&queue->lock);
   return job;
}

static void *
bind_thread(void *data)
{
   struct panvk_queue *queue = data;
   struct panvk_job *job;
   while ((job = next_job(queue)) != NULL) {
      wait_ready(queue, job);
      /* A failure has lost the device: later submits say so. */
      (void)panvk_job_execute(queue->dev, job);
      /*
       * Before the signal: who waited for it may bind inline right away. The
       * order makes what this thread did visible to whoever reads 0.
       */
      atomic_fetch_sub_explicit(&queue->pending, 1, memory_order_release);
      signal_done(queue, job);
      panvk_job_destroy(job);
   }
   return NULL;
}

/* Externally synchronised, as the queue is. */
static VkResult
ensure_thread(struct panvk_queue *queue)
{
   if (queue->has_thread)
      return VK_SUCCESS;
   if (pthread_create(&queue->thread, NULL, bind_thread, queue) != 0)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   pthread_setname_np(queue->thread, "pansparse bind");
   queue->has_thread = true;
   return VK_SUCCESS;
}

static void
push_job(struct panvk_queue *queue, struct panvk_job *job)
{
   job->next = NULL;
   atomic_fetch_add_explicit(&queue->pending, 1, memory_order_relaxed);
   pthread_mutex_lock(&queue->lock);
   *queue->last = job;
   queue->last = &job->next;
   pthread_cond_signal(&queue->wake);
   pthread_mutex_unlock(&queue->lock);
}

/* -------------------------------------------------------- engine submits -- */

/* Semaphores with the values of those that are timelines. */
struct semaphores {
   const VkSemaphore *semaphores;
   const uint64_t *values; /* NULL: none of them is a timeline */
   uint32_t count;
};

static const VkTimelineSemaphoreSubmitInfo *
find_values(const VkBindSparseInfo *info)
{
   return panvk_find_struct_const(
      info->pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
}

static struct semaphores
waits_of(const VkBindSparseInfo *info)
{
   const VkTimelineSemaphoreSubmitInfo *values = find_values(info);
   bool has_values = values != NULL && values->waitSemaphoreValueCount != 0;
   return (struct semaphores){
      .semaphores = info->pWaitSemaphores,
      .values = has_values ? values->pWaitSemaphoreValues : NULL,
      .count = info->waitSemaphoreCount,
   };
}

static struct semaphores
signals_of(const VkBindSparseInfo *info)
{
   const VkTimelineSemaphoreSubmitInfo *values = find_values(info);
   bool has_values = values != NULL && values->signalSemaphoreValueCount != 0;
   return (struct semaphores){
      .semaphores = info->pSignalSemaphores,
      .values = has_values ? values->pSignalSemaphoreValues : NULL,
      .count = info->signalSemaphoreCount,
   };
}

static VkResult
submit(struct panvk_queue *queue, struct semaphores waits,
       struct semaphores signals, VkFence fence)
{
   VkPipelineStageFlags few_stages[8], *stages = few_stages;
   if (waits.count > PANVK_ARRAY_SIZE(few_stages)) {
      stages = calloc(waits.count, sizeof(*stages));
      if (stages == NULL)
         return VK_ERROR_OUT_OF_HOST_MEMORY;
   }
   for (uint32_t i = 0; i < waits.count; i++)
      stages[i] = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;

   VkTimelineSemaphoreSubmitInfo values = {
      .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
      .waitSemaphoreValueCount = waits.values != NULL ? waits.count : 0,
      .pWaitSemaphoreValues = waits.values,
      .signalSemaphoreValueCount = signals.values != NULL ? signals.count : 0,
      .pSignalSemaphoreValues = signals.values,
   };
   VkSubmitInfo info = {
      .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
      .pNext = &values,
      .waitSemaphoreCount = waits.count,
      .pWaitSemaphores = waits.semaphores,
      .pWaitDstStageMask = stages,
      .signalSemaphoreCount = signals.count,
      .pSignalSemaphores = signals.semaphores,
   };
   VkResult result =
      queue->dev->vk.QueueSubmit(queue->handle, 1, &info, fence);
   if (stages != few_stages)
      free(stages);
   return result;
}

VkResult
panvk_queue_submit_empty(struct panvk_queue *queue,
                         const VkBindSparseInfo *info, bool with_waits,
                         VkFence fence)
{
   struct semaphores waits = {0}, signals = {0};
   if (info != NULL)
      signals = signals_of(info);
   if (info != NULL && with_waits)
      waits = waits_of(info);
   if (waits.count == 0 && signals.count == 0 && fence == VK_NULL_HANDLE)
      return VK_SUCCESS;
   panvk_queue_break_chain(queue);
   return submit(queue, waits, signals, fence);
}

/* ---------------------------------------------------------------- chains -- */

static bool
tail_signals(const struct panvk_queue_tail *tail, uint64_t serial,
             uint64_t value)
{
   for (uint32_t i = 0; i < tail->signal_count; i++)
      if (tail->signals[i].serial == serial && tail->signals[i].value >= value)
         return true;
   return false;
}

/* Will the last job have signaled all of @waits by the time it is executed? */
static bool
follows_tail(const struct panvk_queue *queue, struct semaphores waits)
{
   const struct panvk_queue_tail *tail = &queue->tail;
   if (!tail->valid || waits.values == NULL)
      return false;
   for (uint32_t i = 0; i < waits.count; i++) {
      uint64_t serial = panvk_timeline_serial(queue->dev, waits.semaphores[i]);
      if (serial == 0 || !tail_signals(tail, serial, waits.values[i]))
         return false;
   }
   return true;
}

/* A job with @signals is the last one now. */
static void
set_tail(struct panvk_queue *queue, struct semaphores signals)
{
   struct panvk_queue_tail *tail = &queue->tail;
   tail->valid = true;
   tail->signal_count = 0;
   for (uint32_t i = 0; i < signals.count && signals.values != NULL &&
                        tail->signal_count < PANVK_MAX_TAIL_SIGNALS;
        i++) {
      uint64_t serial = panvk_timeline_serial(queue->dev, signals.semaphores[i]);
      if (serial == 0)
         continue;
      tail->signals[tail->signal_count].serial = serial;
      tail->signals[tail->signal_count++].value = signals.values[i];
   }
}

VkResult
panvk_queue_defer(struct panvk_queue *queue, struct panvk_job *job,
                  const VkBindSparseInfo *info, VkFence fence)
{
   VkResult result = ensure_thread(queue);
   if (result != VK_SUCCESS)
      return result;

   /*
    * A job that waits for nothing runs after the last one, too, and so after
    * what that one runs after.
    */
   bool ordered = queue->tail.valid || info->waitSemaphoreCount != 0;
   job->waits = info->waitSemaphoreCount != 0 &&
                !follows_tail(queue, waits_of(info));
   panvk_queue_break_chain(queue);
   job->value = queue->last_value + 1;
   struct semaphores ready = {&queue->ready, &job->value, 1};
   struct semaphores done = {&queue->done, &job->value, 1};
   if (job->waits) {
      result = submit(queue, waits_of(info), ready, VK_NULL_HANDLE);
      if (result != VK_SUCCESS)
         return result;
   }
   result = submit(queue, done, signals_of(info), fence);
   if (result != VK_SUCCESS) {
      /* The waits are consumed, and nobody will signal. */
      atomic_store(&queue->dev->lost, true);
      return VK_ERROR_DEVICE_LOST;
   }
   queue->last_value = job->value;
   if (ordered)
      set_tail(queue, signals_of(info));
   push_job(queue, job);
   return VK_SUCCESS;
}

/* ------------------------------------------------------------- life time -- */

static VkResult
create_timeline(struct panvk_device *dev, VkSemaphore *semaphore_out)
{
   VkSemaphoreTypeCreateInfo type = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
   };
   VkSemaphoreCreateInfo info = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
      .pNext = &type,
   };
   return dev->vk.CreateSemaphore(dev->handle, &info, NULL, semaphore_out);
}

VkResult
panvk_queue_create(struct panvk_device *dev, const struct panvk_device *engine,
                   struct panvk_queue **queue_out)
{
   VkResult result;
   struct panvk_queue *queue = calloc(1, sizeof(*queue));
   if (queue == NULL)
      return VK_ERROR_OUT_OF_HOST_MEMORY;
   queue->dev = dev;
   queue->last = &queue->first;
   pthread_mutex_init(&queue->lock, NULL);
   pthread_cond_init(&queue->wake, NULL);
   engine->vk.GetDeviceQueue(engine->handle, 0, 0, &queue->handle);

   result = create_timeline(dev, &queue->ready);
   if (result != VK_SUCCESS)
      goto err_free;
   result = create_timeline(dev, &queue->done);
   if (result != VK_SUCCESS)
      goto err_ready;
   if (!panvk_map_insert(&queues, panvk_key(queue->handle), queue)) {
      result = VK_ERROR_OUT_OF_HOST_MEMORY;
      goto err_done;
   }
   *queue_out = queue;
   return VK_SUCCESS;

err_done:
   dev->vk.DestroySemaphore(dev->handle, queue->done, NULL);
err_ready:
   dev->vk.DestroySemaphore(dev->handle, queue->ready, NULL);
err_free:
   pthread_cond_destroy(&queue->wake);
   pthread_mutex_destroy(&queue->lock);
   free(queue);
   return result;
}

VkResult
panvk_queue_prime(struct panvk_queue *queue)
{
   struct panvk_device *dev = queue->dev;
   uint64_t value = ++queue->last_value;
   struct semaphores ready = {&queue->ready, &value, 1};
   struct semaphores done = {&queue->done, &value, 1};
   VkSemaphoreWaitInfo wait = {
      .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
      .semaphoreCount = 1,
      .pSemaphores = &queue->done,
      .pValues = &value,
   };
   VkResult result = submit(queue, ready, done, VK_NULL_HANDLE);
   if (result != VK_SUCCESS)
      return result;
   /* From here on it must come to its end, whatever happens. */
   result = signal_timeline(dev, queue->ready, value);
   if (result != VK_SUCCESS)
      return result;
   return dev->vk.WaitSemaphores(dev->handle, &wait, UINT64_MAX);
}

void
panvk_queue_destroy(struct panvk_queue *queue)
{
   if (queue == NULL)
      return;
   struct panvk_device *dev = queue->dev;
   if (queue->has_thread) {
      pthread_mutex_lock(&queue->lock);
      queue->stop = true;
      pthread_cond_signal(&queue->wake);
      pthread_mutex_unlock(&queue->lock);
      pthread_join(queue->thread, NULL);
   }
   panvk_map_remove(&queues, panvk_key(queue->handle));
   dev->vk.DestroySemaphore(dev->handle, queue->done, NULL);
   dev->vk.DestroySemaphore(dev->handle, queue->ready, NULL);
   pthread_cond_destroy(&queue->wake);
   pthread_mutex_destroy(&queue->lock);
   free(queue);
}
