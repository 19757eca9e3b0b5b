/* SPDX-License-Identifier: MIT */
/*
 * The queue and its binds.
 *
 * vkQueueBindSparse expands all its batches first, so that a bad bind changes
 * nothing. A batch that has nothing to wait for, with no earlier one pending,
 * is executed at once, by the caller. Any other becomes a job:
 *
 *   engine submit 1   waits for the batch's semaphores, signals ready = n
 *   bind thread       waits for ready = n, executes, signals done = n
 *   engine submit 2   waits for done = n, signals the batch's semaphores
 *
 * Both submits are queued by the caller, and the engine's queue is in order:
 * waiting for the queue or for a fence waits for the binds as well, a wait may
 * come before its signal, and nothing here ever blocks the caller. Submit 1 is
 * left out where the job before this one signals, on timelines, all that this
 * one waits for, and nothing else was submitted in between: the bind thread
 * keeps their order. So a chain of binds costs one submit each. What is
 * queued takes the memory of its merged ops and is bounded by nothing else, for
 * whoever would signal may be the caller.
 *
 * The sparse family's queue is another one of these, on the queue of a second
 * engine device, so that neither waits for the other; semaphores and fences are
 * the first device's. Vulkan has no such thing, lavapipe does.
 */
#ifndef PANVK_QUEUE_H
#define PANVK_QUEUE_H

#include <pthread.h>

#include "panvk_private.h"

/* A VkBindSparseInfo after expansion. */
struct panvk_job {
   struct panvk_job *next;
   uint64_t value; /* of done, and of ready where the batch waits */
   bool waits;
   struct drm_panthor_vm_bind_op *ops;
   uint32_t op_count;
   struct panvk_residency_change *residency;
   uint32_t residency_count;
};

/*
 * What the last job signals on timelines, while it is the last thing that was
 * submitted and comes after all that was submitted before it.
 */
#define PANVK_MAX_TAIL_SIGNALS 4
struct panvk_queue_tail {
   bool valid;
   uint32_t signal_count;
   struct {
      uint64_t serial; /* panvk_timeline_serial() */
      uint64_t value;
   } signals[PANVK_MAX_TAIL_SIGNALS];
};

struct panvk_queue {
   VkQueue handle;
   struct panvk_device *dev;

   /* Timelines of the engine's. */
   VkSemaphore ready, done;
   /* Given to a job. This and tail are as externally synchronised as handle. */
   uint64_t last_value;
   struct panvk_queue_tail tail;

   pthread_mutex_t lock; /* guards all that follows */
   pthread_cond_t wake; /* first or stop has changed */
   struct panvk_job *first, **last;
   bool stop;
   bool has_thread;
   pthread_t thread; /* started with the first job */
   /* Jobs that are not executed yet. Read without the lock. */
   _Atomic uint32_t pending;
};

/*
 * A queue whose batches are the engine's first queue's of @engine: that of @dev
 * itself, or a private device's.
 */
VkResult panvk_queue_create(struct panvk_device *dev,
                            const struct panvk_device *engine,
                            struct panvk_queue **queue_out);
/*
 * A wait before its signal, after which the engine submits from a thread: only
 * then do binary semaphores work between queues of two of its devices.
 */
VkResult panvk_queue_prime(struct panvk_queue *queue);
/* Executes what is pending. */
void panvk_queue_destroy(struct panvk_queue *queue);
/* Never NULL for a handle that came from this driver. */
struct panvk_queue *panvk_queue_from_handle(VkQueue handle);

/* Something else than a job is submitted to the engine's queue. */
static inline void
panvk_queue_break_chain(struct panvk_queue *queue)
{
   queue->tail.valid = false;
}

/*
 * Queues @job, with the engine submits around it. @fence may be VK_NULL_HANDLE.
 * The job is the queue's if this succeeds, else still the caller's.
 */
VkResult panvk_queue_defer(struct panvk_queue *queue, struct panvk_job *job,
                           const VkBindSparseInfo *info, VkFence fence);
/*
 * An engine submit without commands, that waits for what @info waits for if
 * @with_waits and signals what it signals. @info may be NULL. No-op where there
 * is nothing to wait for or to signal.
 */
VkResult panvk_queue_submit_empty(struct panvk_queue *queue,
                                  const VkBindSparseInfo *info, bool with_waits,
                                  VkFence fence);

/* ----------------------------------------------------- panvk_semaphore.c -- */

/* Unique to a timeline semaphore of this device; 0 for any other semaphore. */
uint64_t panvk_timeline_serial(struct panvk_device *dev, VkSemaphore semaphore);

/* ---------------------------------------------------------- panvk_bind.c -- */

/*
 * The ops of @info, in one job; *job_out is NULL if it has none. After a
 * message, VK_ERROR_VALIDATION_FAILED_EXT for what must not be bound.
 */
VkResult panvk_job_create(struct panvk_device *dev,
                          const VkBindSparseInfo *info,
                          struct panvk_job **job_out);
void panvk_job_destroy(struct panvk_job *job);
/*
 * One VM_BIND ioctl, with the residency changes around it. When it fails the
 * device is lost, after a message; on a device that is lost already nothing
 * happens. Takes dev->bind_lock.
 */
VkResult panvk_job_execute(struct panvk_device *dev,
                           const struct panvk_job *job);

#endif /* PANVK_QUEUE_H */
