// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "panthor_job_queue.h"

/** panthor_job_fence_driver_name() - for the fence ops of all queues */
const char *panthor_job_fence_driver_name(struct dma_fence *fence)
{
	return "panthor";
}

/* ------------------------------------------------------------------ jobs -- */

/**
 * panthor_job_init() - prepare a job for a queue
 * @job: zeroed; panthor_job_fini() is due even if this fails
 * @queue: where it will be pushed
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_job_init(struct panthor_job *job, struct panthor_job_queue *queue)
{
	job->queue = queue;
	job->fence = kzalloc(sizeof(*job->fence), GFP_KERNEL_ACCOUNT);
	return job->fence ? 0 : -ENOMEM;
}

/** panthor_job_fini() - let go of fences; the job is in no queue */
void panthor_job_fini(struct panthor_job *job)
{
	u32 i;

	for (i = 0; i < job->dep_count; i++)
		dma_fence_put(job->deps[i]);
	kvfree(job->deps);

	if (job->armed)
		dma_fence_put(&job->fence->base);
	else
		kfree(job->fence);
}

/**
 * panthor_job_arm() - give a job its fence; under the resv of the VM
 *
 * Fences of a queue are numbered in the order of their jobs: the job must be
 * pushed before that resv is unlocked.
 */
void panthor_job_arm(struct panthor_job *job)
{
	struct panthor_job_queue *queue = job->queue;

	spin_lock_init(&job->fence->lock);
	dma_fence_init(&job->fence->base, queue->ops->fence_ops,
		       &job->fence->lock, queue->fence_context,
		       ++queue->fence_seqno);
	job->armed = true;
}

static void set_state(struct panthor_job_queue *queue,
		      enum panthor_job_queue_state state)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->state = state;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Called with the fence's lock held, from any context. */
static void dep_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct panthor_job *job = container_of(cb, struct panthor_job, dep_cb);
	struct panthor_job_queue *queue = job->queue;
	unsigned long flags;

	/* The job, and what keeps the queue, are there while we hold the lock.
	 */
	spin_lock_irqsave(&queue->lock, flags);
	queue->state = PANTHOR_JOB_QUEUE_IDLE;
	queue->ops->kick(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/**
 * panthor_job_is_ready() - have all fences that a job waits for signalled?
 *
 * If not, a callback will have the queue run again, and the caller, who has
 * claimed it, must let go of it at once.
 */
bool panthor_job_is_ready(struct panthor_job *job)
{
	struct panthor_job_queue *queue = job->queue;

	for (; job->next_dep < job->dep_count; job->next_dep++) {
		struct dma_fence *fence = job->deps[job->next_dep];

		if (dma_fence_is_signaled(fence))
			continue;

		set_state(queue, PANTHOR_JOB_QUEUE_WAITING);
		if (!dma_fence_add_callback(fence, &job->dep_cb, dep_signaled))
			return false;
		set_state(queue, PANTHOR_JOB_QUEUE_RUNNING);
	}

	return true;
}

/* ----------------------------------------------------------------- queue -- */

static struct panthor_job *first_job(struct panthor_job_queue *queue)
{
	lockdep_assert_held(&queue->lock);

	if (queue->stopped)
		return NULL;
	return list_first_entry_or_null(&queue->jobs, struct panthor_job, node);
}

/** panthor_job_queue_claim() - the first job, if nobody looks at it: us now */
struct panthor_job *panthor_job_queue_claim(struct panthor_job_queue *queue)
{
	struct panthor_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (queue->state == PANTHOR_JOB_QUEUE_IDLE)
		job = first_job(queue);
	if (job)
		queue->state = PANTHOR_JOB_QUEUE_RUNNING;
	spin_unlock_irqrestore(&queue->lock, flags);

	return job;
}

/** panthor_job_queue_next() - take a job off; the next one, or let go */
struct panthor_job *panthor_job_queue_next(struct panthor_job_queue *queue,
					   struct panthor_job *done)
{
	struct panthor_job *job;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del(&done->node);
	job = first_job(queue);
	if (!job)
		queue->state = PANTHOR_JOB_QUEUE_IDLE;
	spin_unlock_irqrestore(&queue->lock, flags);

	return job;
}

/** panthor_job_queue_release() - let go of a queue whose first job must wait */
void panthor_job_queue_release(struct panthor_job_queue *queue)
{
	set_state(queue, PANTHOR_JOB_QUEUE_IDLE);
}

/** panthor_job_queue_push() - add an armed job; somebody has to run the queue
 */
void panthor_job_queue_push(struct panthor_job *job)
{
	struct panthor_job_queue *queue = job->queue;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_add_tail(&job->node, &queue->jobs);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/** panthor_job_queue_stop() - start no more jobs; does not wait for one */
void panthor_job_queue_stop(struct panthor_job_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->stopped = true;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/** panthor_job_queue_start() - the inverse */
void panthor_job_queue_start(struct panthor_job_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->stopped = false;
	if (!list_empty(&queue->jobs))
		queue->ops->kick(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* ---------------------------------------------------------------- fences -- */

/** panthor_fence_list_add() - for what fills a list; any context */
void panthor_fence_list_add(struct panthor_fence_list *list,
			    struct dma_fence *fence,
			    enum panthor_fence_kind kind)
{
	if (list->count < list->room)
		list->items[list->count] = (struct panthor_fence_item){
			.fence = dma_fence_get(fence),
			.kind = kind,
		};
	list->count++;
}

/** panthor_fence_list_fini() - let go of the fences */
void panthor_fence_list_fini(struct panthor_fence_list *list)
{
	u32 i;

	for (i = 0; i < min(list->count, list->room); i++)
		dma_fence_put(list->items[i].fence);
	kvfree(list->items);
	*list = (struct panthor_fence_list){};
}

/**
 * panthor_fence_list_fill() - have all of something in a list
 * @list: zeroed; panthor_fence_list_fini() is due unless this fails
 * @collect: adds what there is now; called again where there was no room for it
 * @data: for @collect
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_fence_list_fill(struct panthor_fence_list *list,
			    void (*collect)(struct panthor_fence_list *list,
					    void *data),
			    void *data)
{
	u32 room;

	collect(list, data);
	while (list->count > list->room) {
		/* A few more may come meanwhile. */
		room = list->count + 16;
		panthor_fence_list_fini(list);
		list->items = kvcalloc(room, sizeof(*list->items), GFP_KERNEL);
		if (!list->items)
			return -ENOMEM;
		list->room = room;
		collect(list, data);
	}
	return 0;
}

/** panthor_job_queue_collect() - add what is queued to a list of fences */
void panthor_job_queue_collect(struct panthor_job_queue *queue,
			       struct panthor_fence_list *list)
{
	struct panthor_job *job;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&queue->lock, flags);
	list_for_each_entry (job, &queue->jobs, node) {
		panthor_fence_list_add(list, &job->fence->base,
				       PANTHOR_FENCE_QUEUED);
		for (i = 0; i < job->dep_count; i++)
			panthor_fence_list_add(list, job->deps[i],
					       PANTHOR_FENCE_WAITS_FOR);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* ------------------------------------------------------------------ init -- */

/** panthor_job_queue_init() - set up an empty queue */
void panthor_job_queue_init(struct panthor_job_queue *queue,
			    const struct panthor_job_queue_ops *ops)
{
	queue->ops = ops;
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->jobs);
	queue->state = PANTHOR_JOB_QUEUE_IDLE;
	queue->stopped = false;
	queue->fence_context = dma_fence_context_alloc(1);
	queue->fence_seqno = 0;
}

/** panthor_job_queue_fini() - the inverse; its jobs are gone */
void panthor_job_queue_fini(struct panthor_job_queue *queue)
{
	WARN_ON(!list_empty(&queue->jobs));
}
