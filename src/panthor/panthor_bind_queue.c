// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "panthor_bind.h"

static struct panthor_bind_job *to_bind_job(struct panthor_job *job)
{
	return container_of(job, struct panthor_bind_job, base);
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

	for (i = 0; i < batch->job_count; i++)
		panthor_job_fini(&batch->jobs[i].base);

	panthor_vm_put(batch->vm);
	kvfree(batch);
}

/* ----------------------------------------------------------------- queue -- */

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "vm-bind";
}

static const struct dma_fence_ops bind_fence_ops = {
	.get_driver_name = panthor_job_fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

/*
 * The work holds a reference to the VM. So does the job that the queue has, so
 * that dropping ours again is never the last: safe in atomic context.
 */
static void kick(struct panthor_job_queue *queue)
{
	struct panthor_vm *vm =
		container_of(queue, struct panthor_vm, queue.base);

	panthor_vm_get(vm);
	if (!queue_work(panthor_mmu_bind_wq(vm->ptdev), &vm->queue.work))
		panthor_vm_put(vm);
}

static const struct panthor_job_queue_ops bind_queue_ops = {
	.fence_ops = &bind_fence_ops,
	.kick = kick,
};

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

/**
 * panthor_bind_queue_run() - run jobs until one has to wait or none is left
 *
 * Unless another thread does already. The caller has a reference to the VM.
 */
void panthor_bind_queue_run(struct panthor_vm *vm)
{
	struct panthor_job_queue *queue = &vm->queue.base;
	struct panthor_job *job = panthor_job_queue_claim(queue), *next;

	while (job && panthor_job_is_ready(job)) {
		struct panthor_bind_batch *batch = to_bind_job(job)->batch;
		int ret = execute_job(to_bind_job(job));
		u32 left;

		/* Before the next one may run: fences signal in order. */
		if (ret)
			dma_fence_set_error(&job->fence->base, ret);
		dma_fence_signal(&job->fence->base);

		/* While the queue is ours: the next job may be somebody else's.
		 */
		left = --batch->jobs_left;
		next = panthor_job_queue_next(queue, job);
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
	u32 i, count = batch->job_count;

	/* With the last one, all of them may be done and gone. */
	for (i = 0; i < count; i++)
		panthor_job_queue_push(&batch->jobs[i].base);
}

/** panthor_bind_queue_init() - set up an empty queue */
void panthor_bind_queue_init(struct panthor_bind_queue *queue)
{
	panthor_job_queue_init(&queue->base, &bind_queue_ops);
	INIT_WORK(&queue->work, bind_work);
}

/** panthor_bind_queue_fini() - the inverse; jobs would have kept the VM */
void panthor_bind_queue_fini(struct panthor_bind_queue *queue)
{
	panthor_job_queue_fini(&queue->base);
}
