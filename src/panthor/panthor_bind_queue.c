// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "panthor_bind.h"

/* ---------------------------------------------------------------- fences -- */

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "panthor";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "vm-bind";
}

static const struct dma_fence_ops bind_fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

/**
 * panthor_bind_job_arm() - give a job its fence; under the resv of the VM
 *
 * Fences of a VM are numbered in the order of their jobs.
 */
void panthor_bind_job_arm(struct panthor_bind_job *job)
{
	struct panthor_bind_queue *queue = &job->batch->vm->queue;

	spin_lock_init(&job->fence->lock);
	dma_fence_init(&job->fence->base, &bind_fence_ops, &job->fence->lock,
		       queue->fence_context, ++queue->fence_seqno);
	job->armed = true;
}

/* ------------------------------------------------------------------ jobs -- */

static void put_deps(struct panthor_bind_job *job)
{
	u32 i;

	for (i = 0; i < job->dep_count; i++)
		dma_fence_put(job->deps[i]);
	kvfree(job->deps);
	job->deps = NULL;
	job->dep_count = 0;
}

/** panthor_bind_batch_destroy() - free a batch; none of its jobs is queued */
void panthor_bind_batch_destroy(struct panthor_bind_batch *batch)
{
	u32 i;

	if (!batch)
		return;

	if (batch->reserved) {
		panthor_vm_lock(batch->vm);
		panthor_vm_release_ops(batch->vm, &batch->reserve);
		panthor_vm_unlock(batch->vm);
	}

	for (i = 0; i < batch->op_count; i++)
		panthor_vm_op_cleanup(&batch->ops[i]);
	kvfree(batch->ops);

	for (i = 0; i < batch->job_count; i++) {
		struct panthor_bind_job *job = &batch->jobs[i];

		put_deps(job);
		if (job->armed)
			dma_fence_put(&job->fence->base);
		else
			kfree(job->fence);
	}

	panthor_vm_put(batch->vm);
	kvfree(batch);
}

/* ----------------------------------------------------------------- queue -- */

/*
 * Has the queue run by its work, which holds a reference to the VM. The caller
 * has one too, so that dropping ours again is never the last: safe in atomic
 * context.
 */
static void queue_bind_work(struct panthor_vm *vm)
{
	panthor_vm_get(vm);
	if (!queue_work(panthor_mmu_bind_wq(vm->ptdev), &vm->queue.work))
		panthor_vm_put(vm);
}

/* Called with the fence's lock held, from any context. */
static void dep_signaled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct panthor_bind_job *job =
		container_of(cb, struct panthor_bind_job, dep_cb);
	struct panthor_vm *vm = job->batch->vm;
	unsigned long flags;

	/* The job, and with it the VM, are there while we hold the lock. */
	spin_lock_irqsave(&vm->queue.lock, flags);
	vm->queue.state = PANTHOR_BIND_IDLE;
	queue_bind_work(vm);
	spin_unlock_irqrestore(&vm->queue.lock, flags);
}

static void set_state(struct panthor_bind_queue *queue,
		      enum panthor_bind_state state)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->state = state;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/*
 * Have all fences that the job waits for signalled? If not, a callback will
 * have the queue run again, and the caller must let go of it at once.
 */
static bool deps_are_done(struct panthor_bind_queue *queue,
			  struct panthor_bind_job *job)
{
	for (; job->next_dep < job->dep_count; job->next_dep++) {
		struct dma_fence *fence = job->deps[job->next_dep];

		if (dma_fence_is_signaled(fence))
			continue;

		set_state(queue, PANTHOR_BIND_WAITING);
		if (!dma_fence_add_callback(fence, &job->dep_cb, dep_signaled))
			return false;
		set_state(queue, PANTHOR_BIND_RUNNING);
	}

	return true;
}

/*
 * Executes the ops of a job, all of them: one that fails makes the VM unusable,
 * which lets later UNMAPs pass. Returns the first error.
 */
static int execute_job(struct panthor_bind_job *job)
{
	struct panthor_bind_batch *batch = job->batch;
	const struct panthor_vm_op *ops = batch->ops + job->first_op;
	struct panthor_vm *vm = batch->vm;
	u32 left = job->op_count, done;
	int ret = 0, err;

	while (left) {
		panthor_vm_lock(vm);
		err = panthor_vm_commit(
			vm, ops, min(left, PANTHOR_VM_OPS_PER_LOCK), &done);
		if (err) {
			panthor_vm_set_unusable(vm);
			done++;
		}
		panthor_vm_unlock(vm);

		ret = ret ? ret : err;
		ops += done;
		left -= done;
		cond_resched();
	}

	return ret;
}

/* The first job of the queue if somebody has to look at it: us, from now on. */
static struct panthor_bind_job *claim_queue(struct panthor_bind_queue *queue)
{
	struct panthor_bind_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	if (queue->state == PANTHOR_BIND_IDLE && !queue->stopped)
		job = list_first_entry_or_null(&queue->jobs,
					       struct panthor_bind_job, node);
	if (job)
		queue->state = PANTHOR_BIND_RUNNING;
	spin_unlock_irqrestore(&queue->lock, flags);

	return job;
}

/* Takes a job that is done off the queue; returns the next one to run. */
static struct panthor_bind_job *next_job(struct panthor_bind_queue *queue,
					 struct panthor_bind_job *done)
{
	struct panthor_bind_job *job = NULL;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del(&done->node);
	if (!queue->stopped)
		job = list_first_entry_or_null(&queue->jobs,
					       struct panthor_bind_job, node);
	if (!job)
		queue->state = PANTHOR_BIND_IDLE;
	spin_unlock_irqrestore(&queue->lock, flags);

	return job;
}

/**
 * panthor_bind_queue_run() - run jobs until one has to wait or none is left
 *
 * Unless another thread does already. The caller has a reference to the VM.
 */
void panthor_bind_queue_run(struct panthor_vm *vm)
{
	struct panthor_bind_queue *queue = &vm->queue;
	struct panthor_bind_job *job = claim_queue(queue), *next;

	while (job && deps_are_done(queue, job)) {
		struct panthor_bind_batch *batch = job->batch;
		int ret = execute_job(job);
		u32 left;

		/* Before the next one may run: fences signal in order. */
		if (ret)
			dma_fence_set_error(&job->fence->base, ret);
		dma_fence_signal(&job->fence->base);

		/* While the queue is ours: the next job may be somebody else's.
		 */
		left = --batch->jobs_left;
		next = next_job(queue, job);
		if (!left)
			panthor_bind_batch_destroy(batch);
		job = next;
	}
}

static void bind_work(struct work_struct *work)
{
	struct panthor_vm *vm =
		container_of(work, struct panthor_vm, queue.work);

	panthor_bind_queue_run(vm);
	panthor_vm_queue_reap(vm);
	panthor_vm_put(vm);
}

/** panthor_bind_queue_push() - queue the armed jobs of a batch, and let go */
void panthor_bind_queue_push(struct panthor_bind_batch *batch)
{
	struct panthor_bind_queue *queue = &batch->vm->queue;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&queue->lock, flags);
	for (i = 0; i < batch->job_count; i++)
		list_add_tail(&batch->jobs[i].node, &queue->jobs);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/** panthor_bind_queue_init() - set up an empty queue */
void panthor_bind_queue_init(struct panthor_bind_queue *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->jobs);
	queue->state = PANTHOR_BIND_IDLE;
	INIT_WORK(&queue->work, bind_work);
	queue->fence_context = dma_fence_context_alloc(1);
}

/** panthor_bind_queue_fini() - the inverse; jobs would have kept the VM */
void panthor_bind_queue_fini(struct panthor_bind_queue *queue)
{
	WARN_ON(!list_empty(&queue->jobs));
}

/** panthor_bind_queue_stop() - start no more jobs; does not wait for one */
void panthor_bind_queue_stop(struct panthor_vm *vm)
{
	unsigned long flags;

	spin_lock_irqsave(&vm->queue.lock, flags);
	vm->queue.stopped = true;
	spin_unlock_irqrestore(&vm->queue.lock, flags);
}

/** panthor_bind_queue_start() - the inverse */
void panthor_bind_queue_start(struct panthor_vm *vm)
{
	unsigned long flags;

	spin_lock_irqsave(&vm->queue.lock, flags);
	vm->queue.stopped = false;
	/* A job in the queue keeps the VM alive. */
	if (!list_empty(&vm->queue.jobs))
		queue_bind_work(vm);
	spin_unlock_irqrestore(&vm->queue.lock, flags);
}
