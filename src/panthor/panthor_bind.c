// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/minmax.h>
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

/* ---------------------------------------------------------- asynchronous -- */

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
		if (panthor_job_init(&batch->jobs[i].base, &vm->queue.base))
			goto err_destroy;
	}

	return batch;

err_destroy:
	panthor_bind_batch_destroy(batch);
	return NULL;
}

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
	u32 i;

	for (i = 0; i < batch->job_count; i++) {
		struct panthor_job *job = &batch->jobs[i].base;

		panthor_job_arm(job);
		panthor_sync_ctx_arm(syncs, i, &job->fence->base);
		job->deps =
			panthor_sync_ctx_take_deps(syncs, i, &job->dep_count);
	}
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
	/* Jobs of a VM are done in order: the last fence says it for all. */
	panthor_sync_add_fence(
		&exec, &batch->jobs[batch->job_count - 1].base.fence->base);
	/* Somebody else may run the jobs, and free them, from here on. */
	panthor_bind_queue_push(batch);
	panthor_sync_ctx_publish(&syncs);

	drm_exec_fini(&exec);
	panthor_sync_ctx_fini(&syncs);

	/*
	 * Here, if it is their turn already: waking a worker would cost more
	 * than most binds do.
	 */
	panthor_bind_queue_run(vm);
	panthor_vm_reap(vm);
	return 0;

err_fini_exec:
	drm_exec_fini(&exec);
err_fini_syncs:
	panthor_sync_ctx_fini(&syncs);
	panthor_bind_batch_destroy(batch);
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
	ops = kvmalloc_array(min(count, PANTHOR_VM_OPS_PER_LOCK), sizeof(*ops),
			     GFP_KERNEL_ACCOUNT);
	if (!ops)
		return -ENOMEM;

	while (total < count && !ret) {
		n = min(count - total, PANTHOR_VM_OPS_PER_LOCK);
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
