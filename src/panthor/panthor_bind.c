// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * An asynchronous ioctl becomes one batch of prepared ops, divided into jobs:
 * an op with sync operations is a job of its own, the ops between two such are
 * one job together, because nobody can tell when one of them is done. So ten
 * thousand binds with a wait in front and a signal behind are three fences.
 *
 * A job whose turn it is when the ioctl returns runs in the caller: waking a
 * worker would cost more than most binds do.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_bind.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_sync.h"
#include "panthor_uobj.h"
#include "panthor_vm.h"

/* Ops that are committed without dropping op_lock in between. */
#define OPS_PER_LOCK 128

/* ---------------------------------------------------------------- fences -- */

struct bind_fence {
	struct dma_fence base;
	spinlock_t lock;
};

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

/* ------------------------------------------------------------------ jobs -- */

struct panthor_bind_job {
	struct list_head node; /* in panthor_bind_queue::jobs */
	struct panthor_bind_batch *batch;
	u32 first_op, op_count;

	/* Signals when the ops are done. Not initialised before it is armed. */
	struct bind_fence *fence;
	bool armed;

	/* What the job waits for, in turn, with one callback at a time. */
	struct dma_fence **deps;
	u32 dep_count, next_dep;
	struct dma_fence_cb dep_cb;
};

/* The ops of one ioctl. */
struct panthor_bind_batch {
	struct panthor_vm *vm; /* holds a reference */
	struct panthor_vm_reserve reserve;
	bool reserved;
	struct panthor_vm_op *ops;
	u32 op_count; /* prepared ones */
	u32 job_count;
	u32 jobs_left; /* the thread that runs the queue counts down */
	struct panthor_bind_job jobs[];
};

static void put_deps(struct panthor_bind_job *job)
{
	u32 i;

	for (i = 0; i < job->dep_count; i++)
		dma_fence_put(job->deps[i]);
	kvfree(job->deps);
	job->deps = NULL;
	job->dep_count = 0;
}

static void destroy_batch(struct panthor_bind_batch *batch)
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

/* Has op @i sync operations, so that it is a job of its own? */
static bool is_sync_op(const struct drm_panthor_vm_bind_op *args, u32 i)
{
	return args[i].syncs.count != 0;
}

static bool starts_job(const struct drm_panthor_vm_bind_op *args, u32 i)
{
	return !i || is_sync_op(args, i) || is_sync_op(args, i - 1);
}

/* A batch with its jobs laid out, and nothing prepared yet. */
static struct panthor_bind_batch *
create_batch(struct panthor_vm *vm, const struct drm_panthor_vm_bind_op *args,
	     u32 count)
{
	struct panthor_bind_batch *batch;
	struct panthor_bind_job *job;
	u32 job_count = 0, i;

	for (i = 0; i < count; i++)
		job_count += starts_job(args, i);

	batch = kvzalloc(struct_size(batch, jobs, job_count),
			 GFP_KERNEL_ACCOUNT);
	if (!batch)
		return NULL;

	batch->vm = panthor_vm_get(vm);
	batch->job_count = job_count;
	batch->jobs_left = job_count;

	batch->ops =
		kvmalloc_array(count, sizeof(*batch->ops), GFP_KERNEL_ACCOUNT);
	if (!batch->ops)
		goto err_destroy;

	job = batch->jobs - 1;
	for (i = 0; i < count; i++) {
		if (starts_job(args, i)) {
			job++;
			job->batch = batch;
			job->first_op = i;
		}
		job->op_count++;
	}

	for (i = 0; i < job_count; i++) {
		batch->jobs[i].fence = kzalloc(sizeof(*batch->jobs[i].fence),
					       GFP_KERNEL_ACCOUNT);
		if (!batch->jobs[i].fence)
			goto err_destroy;
	}

	return batch;

err_destroy:
	destroy_batch(batch);
	return NULL;
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
		err = panthor_vm_commit(vm, ops, min(left, OPS_PER_LOCK),
					&done);
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

/* Runs jobs as long as there are some that need not wait. */
static void run_queue(struct panthor_vm *vm)
{
	struct panthor_bind_queue *queue = &vm->queue;
	struct panthor_bind_job *job = claim_queue(queue), *next;

	while (job && deps_are_done(queue, job)) {
		struct panthor_bind_batch *batch = job->batch;
		int ret = execute_job(job);

		/* Before the next one may run: fences signal in order. */
		if (ret)
			dma_fence_set_error(&job->fence->base, ret);
		dma_fence_signal(&job->fence->base);

		next = next_job(queue, job);
		if (!--batch->jobs_left)
			destroy_batch(batch);
		job = next;
	}
}

static void bind_work(struct work_struct *work)
{
	struct panthor_vm *vm =
		container_of(work, struct panthor_vm, queue.work);

	run_queue(vm);
	panthor_vm_queue_reap(vm);
	panthor_vm_put(vm);
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

/** panthor_bind_queue_fini() - the inverse; jobs hold the VM, so none is left
 */
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

/* ---------------------------------------------------------- asynchronous -- */

static int prepare_batch(struct panthor_bind_batch *batch,
			 struct drm_file *file,
			 const struct drm_panthor_vm_bind_op *args, u32 count,
			 struct panthor_sync_ctx *syncs)
{
	struct panthor_vm_op_cache cache = {};
	struct panthor_vm *vm = batch->vm;
	u32 job = 0, i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++) {
		struct panthor_vm_op *op = &batch->ops[i];

		ret = panthor_vm_op_prepare(vm, file, &args[i], &cache, op);
		if (ret)
			break;

		batch->op_count++;
		if (op->mapping.bo &&
		    (panthor_vm_is_unusable(vm) || READ_ONCE(vm->destroyed)))
			ret = -EINVAL;
		if (!ret && i && starts_job(args, i))
			job++;
		if (!ret && is_sync_op(args, i))
			ret = panthor_sync_ctx_add_job(syncs, job,
						       &args[i].syncs);
	}
	panthor_vm_op_cache_fini(&cache);

	if (!ret)
		ret = panthor_vm_lock_ops(vm, batch->ops, count,
					  &batch->reserve);
	if (ret)
		return ret;

	batch->reserved = true;
	panthor_vm_unlock(vm);
	return 0;
}

/* Has the op a BO with users of its own? The dummy has none but sparse ops. */
static bool has_user_bo(const struct panthor_vm_op *op)
{
	return op->mapping.bo &&
	       !(op->mapping.flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE);
}

/*
 * Locks the resv of the VM and of each BO, with room for a fence. Not that of
 * the dummy: nobody could wait for it, and all VMs of the file would meet
 * there.
 */
static int lock_objects(struct drm_exec *exec, struct panthor_bind_batch *batch)
{
	struct panthor_vm_bo *last;
	int ret = 0;
	u32 i;

	drm_exec_until_all_locked (exec) {
		last = NULL;
		ret = drm_exec_prepare_obj(exec, batch->vm->root_gem, 1);
		drm_exec_retry_on_contention(exec);

		for (i = 0; i < batch->op_count && !ret; i++) {
			struct panthor_vm_bo *vm_bo = batch->ops[i].mapping.bo;

			if (!has_user_bo(&batch->ops[i]) || vm_bo == last)
				continue;
			ret = drm_exec_prepare_obj(exec, &vm_bo->bo->base.base,
						   1);
			drm_exec_retry_on_contention(exec);
			last = vm_bo;
		}

		if (ret)
			break;
	}

	return ret;
}

/* Gives each job its fence, and what it waits for; the VM's resv is held. */
static void arm_batch(struct panthor_bind_batch *batch,
		      struct panthor_sync_ctx *syncs)
{
	struct panthor_bind_queue *queue = &batch->vm->queue;
	u32 i;

	for (i = 0; i < batch->job_count; i++) {
		struct panthor_bind_job *job = &batch->jobs[i];

		spin_lock_init(&job->fence->lock);
		dma_fence_init(&job->fence->base, &bind_fence_ops,
			       &job->fence->lock, queue->fence_context,
			       ++queue->fence_seqno);
		job->armed = true;
		panthor_sync_ctx_arm(syncs, i, &job->fence->base);
		job->deps =
			panthor_sync_ctx_take_deps(syncs, i, &job->dep_count);
	}
}

static void push_batch(struct panthor_bind_batch *batch)
{
	struct panthor_bind_queue *queue = &batch->vm->queue;
	unsigned long flags;
	u32 i;

	spin_lock_irqsave(&queue->lock, flags);
	for (i = 0; i < batch->job_count; i++)
		list_add_tail(&batch->jobs[i].node, &queue->jobs);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Jobs of a VM are done in order, so the last fence says it for all of them. */
static void add_fences(struct drm_exec *exec, struct dma_fence *last)
{
	struct drm_gem_object *obj;
	unsigned long i;

	drm_exec_for_each_locked_object (exec, i, obj)
		dma_resv_add_fence(obj->resv, last, DMA_RESV_USAGE_BOOKKEEP);
}

static int bind_async(struct panthor_vm *vm, struct drm_file *file,
		      const struct drm_panthor_vm_bind_op *args, u32 count)
{
	struct panthor_bind_batch *batch;
	struct panthor_sync_ctx syncs;
	struct drm_exec exec;
	int ret;

	batch = create_batch(vm, args, count);
	if (!batch)
		return -ENOMEM;

	ret = panthor_sync_ctx_init(&syncs, file, batch->job_count);
	if (ret)
		goto err_fini_syncs;

	ret = prepare_batch(batch, file, args, count, &syncs);
	if (ret)
		goto err_fini_syncs;

	ret = panthor_sync_ctx_collect_signals(&syncs);
	if (ret)
		goto err_fini_syncs;

	drm_exec_init(&exec,
		      DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES,
		      0);
	ret = lock_objects(&exec, batch);
	if (ret)
		goto err_fini_exec;

	ret = panthor_sync_ctx_resolve_waits(&syncs);
	if (ret)
		goto err_fini_exec;

	arm_batch(batch, &syncs);
	add_fences(&exec, &batch->jobs[batch->job_count - 1].fence->base);
	/* Somebody else may run the jobs, and free them, from here on. */
	push_batch(batch);
	panthor_sync_ctx_publish(&syncs);

	drm_exec_fini(&exec);
	panthor_sync_ctx_fini(&syncs);

	run_queue(vm);
	panthor_vm_reap(vm);
	return 0;

err_fini_exec:
	drm_exec_fini(&exec);
err_fini_syncs:
	panthor_sync_ctx_fini(&syncs);
	destroy_batch(batch);
	panthor_vm_reap(vm);
	return ret;
}

/* ----------------------------------------------------------- synchronous -- */

/* Prepares up to @count ops. Returns why there are fewer, if that is an error.
 */
static int prepare_ops(struct panthor_vm *vm, struct drm_file *file,
		       const struct drm_panthor_vm_bind_op *args, u32 count,
		       struct panthor_vm_op_cache *cache,
		       struct panthor_vm_op *ops, u32 *prepared_out)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		if (args[i].syncs.count)
			ret = -EINVAL;
		else if (!args[i].size)
			ops[i] = (struct panthor_vm_op){};
		else
			ret = panthor_vm_op_prepare(vm, file, &args[i], cache,
						    &ops[i]);
		if (ret)
			break;
	}

	*prepared_out = i;
	return ret;
}

/* Executes prepared ops, or as many as memory allows. */
static int execute_ops(struct panthor_vm *vm, const struct panthor_vm_op *ops,
		       u32 count, u32 *done_out)
{
	struct panthor_vm_reserve reserve;
	int ret;

	*done_out = 0;
	if (!count)
		return 0;

	ret = panthor_vm_lock_ops(vm, ops, count, &reserve);
	/* Whatever is too much for all may be enough for one. */
	if (ret == -ENOMEM && count > 1) {
		count = 1;
		ret = panthor_vm_lock_ops(vm, ops, count, &reserve);
	}
	if (ret)
		return ret;

	ret = panthor_vm_commit(vm, ops, count, done_out);
	panthor_vm_release_ops(vm, &reserve);
	panthor_vm_unlock(vm);

	return ret;
}

/* *@done_out: how many ops were executed: on error, the index of the next one.
 */
static int bind_sync(struct panthor_vm *vm, struct drm_file *file,
		     const struct drm_panthor_vm_bind_op *args, u32 count,
		     u32 *done_out)
{
	struct panthor_vm_op_cache cache = {};
	u32 total = 0, prepared, done, n, i;
	struct panthor_vm_op *ops;
	int ret = 0, prepare_ret;

	*done_out = 0;
	ops = kvmalloc_array(min(count, OPS_PER_LOCK), sizeof(*ops),
			     GFP_KERNEL_ACCOUNT);
	if (!ops)
		return -ENOMEM;

	while (total < count && !ret) {
		n = min(count - total, OPS_PER_LOCK);
		prepare_ret = prepare_ops(vm, file, args + total, n, &cache,
					  ops, &prepared);
		ret = execute_ops(vm, ops, prepared, &done);
		for (i = 0; i < prepared; i++)
			panthor_vm_op_cleanup(&ops[i]);

		total += done;
		/* It is the turn of the op that could not be prepared. */
		if (!ret && done == prepared)
			ret = prepare_ret;
		cond_resched();
	}

	panthor_vm_op_cache_fini(&cache);
	panthor_vm_reap(vm);
	kvfree(ops);
	*done_out = total;
	return ret;
}

/* ----------------------------------------------------------------- ioctl -- */

/**
 * panthor_ioctl_vm_bind() - DRM_IOCTL_PANTHOR_VM_BIND
 *
 * Return: 0; -EINVAL for unknown flags, an unknown VM, and the rules in
 * docs/panthor.md; -ENOENT for an unknown syncobj to wait for; -ENOMEM; -EINTR;
 * the errors of panthor_uobj_get_array(); -ETIMEDOUT if the MMU does not
 * answer. In synchronous mode ops.count then is the index of the op that
 * failed.
 */
int panthor_ioctl_vm_bind(struct drm_device *ddev, void *data,
			  struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_vm_bind *args = data;
	struct drm_panthor_vm_bind_op *ops;
	u32 count = args->ops.count, done = 0;
	struct panthor_vm *vm;
	int ret;

	if (args->flags & ~DRM_PANTHOR_VM_BIND_ASYNC)
		return -EINVAL;

	vm = panthor_vm_pool_get_vm(pfile->vms, args->vm_id);
	if (!vm)
		return -EINVAL;

	ret = PANTHOR_UOBJ_GET_ARRAY(&ops, &args->ops, syncs);
	if (ret || !count)
		goto out_put_vm;

	if (args->flags & DRM_PANTHOR_VM_BIND_ASYNC) {
		ret = bind_async(vm, file, ops, count);
		done = ret ? 0 : count;
	} else {
		ret = bind_sync(vm, file, ops, count, &done);
		args->ops.count = done;
	}
	kvfree(ops);

out_put_vm:
	atomic64_inc(&ptdev->counters.vm_bind_ioctls);
	atomic64_add(done, &ptdev->counters.vm_bind_ops);
	panthor_vm_put(vm);
	return ret;
}
