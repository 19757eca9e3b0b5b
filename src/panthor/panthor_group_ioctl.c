// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <drm/drm_auth.h>
#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_group.h"
#include "panthor_sched.h"
#include "panthor_sync.h"
#include "panthor_uobj.h"
#include "panthor_vm.h"

/* latest_flush is a counter of 24 bits, and one that says it is not valid. */
#define LATEST_FLUSH_RESERVED GENMASK(30, 24)

/* ----------------------------------------------------------------- pool -- */

/* The groups of an open file by handle, each with a reference. */
struct panthor_group_pool {
	struct xarray groups;
};

/** panthor_group_pool_create() - for a file that is opened; NULL: no memory */
struct panthor_group_pool *panthor_group_pool_create(void)
{
	struct panthor_group_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (pool)
		xa_init_flags(&pool->groups, XA_FLAGS_ALLOC1);
	return pool;
}

static void drop_group(struct panthor_group *group)
{
	panthor_sched_kill_group(group);
	panthor_group_put(group);
}

/** panthor_group_pool_destroy() - the inverse; kills the groups that are left
 */
void panthor_group_pool_destroy(struct panthor_group_pool *pool)
{
	struct panthor_group *group;
	unsigned long handle;

	xa_for_each (&pool->groups, handle, group) {
		xa_erase(&pool->groups, handle);
		drop_group(group);
	}
	xa_destroy(&pool->groups);
	kfree(pool);
}

/**
 * panthor_group_pool_get_group() - look up a group
 *
 * Return: a reference to the group with the handle, or NULL.
 */
struct panthor_group *
panthor_group_pool_get_group(struct panthor_group_pool *pool, u32 handle)
{
	struct panthor_group *group;

	xa_lock(&pool->groups);
	group = xa_load(&pool->groups, handle);
	if (group)
		panthor_group_get(group);
	xa_unlock(&pool->groups);

	return group;
}

static struct panthor_group *get_group(struct drm_file *file, u32 handle)
{
	struct panthor_file *pfile = file->driver_priv;

	return panthor_group_pool_get_group(pfile->groups, handle);
}

/**
 * panthor_group_pool_get_next() - walk over the groups of a file
 * @pool: of the file
 * @handle: of the last one, 0 before the first; that of the result
 *
 * Return: a reference to the group with the next higher handle, or NULL.
 */
struct panthor_group *
panthor_group_pool_get_next(struct panthor_group_pool *pool, u32 *handle)
{
	struct panthor_group *group = NULL;

	while (!group && ++*handle <= PANTHOR_MAX_GROUPS_PER_FILE)
		group = panthor_group_pool_get_group(pool, *handle);

	return group;
}

/* --------------------------------------------------------------- create -- */

static int check_priority(struct drm_file *file, u8 priority)
{
	if (priority > PANTHOR_GROUP_PRIORITY_REALTIME)
		return -EINVAL;
	if (priority <= PANTHOR_GROUP_PRIORITY_MEDIUM ||
	    capable(CAP_SYS_NICE) || drm_is_current_master(file))
		return 0;
	return -EACCES;
}

static bool cores_are_ok(u64 mask, u64 present, u32 max)
{
	return !(mask & ~present) && hweight64(mask) >= max;
}

static int check_group(struct panthor_device *ptdev, struct drm_file *file,
		       const struct drm_panthor_group_create *args)
{
	const struct drm_panthor_gpu_info *gpu = &ptdev->gpu_info;
	int ret = check_priority(file, args->priority);

	if (ret)
		return ret;

	if (args->pad ||
	    !cores_are_ok(args->compute_core_mask, gpu->shader_present,
			  args->max_compute_cores) ||
	    !cores_are_ok(args->fragment_core_mask, gpu->shader_present,
			  args->max_fragment_cores) ||
	    !cores_are_ok(args->tiler_core_mask, gpu->tiler_present,
			  args->max_tiler_cores) ||
	    args->queues.count > ptdev->csif_info.cs_slot_count)
		return -EINVAL;

	return 0;
}

static int create_group(struct panthor_device *ptdev, struct drm_file *file,
			struct panthor_vm *vm,
			struct drm_panthor_group_create *args,
			const struct drm_panthor_queue_create *queues)
{
	struct panthor_file *pfile = file->driver_priv;
	struct xarray *groups = &pfile->groups->groups;
	struct panthor_group *group;
	u32 handle, i;
	int ret;

	/* First of all, so that nothing can fail behind the group. */
	ret = xa_alloc(groups, &handle, NULL,
		       XA_LIMIT(1, PANTHOR_MAX_GROUPS_PER_FILE), GFP_KERNEL);
	if (ret)
		return ret;

	for (i = 0; i < args->queues.count && !ret; i++)
		ret = panthor_queue_check(&queues[i]);
	if (ret)
		goto err_erase;

	group = panthor_group_create(ptdev, vm, args, queues);
	if (IS_ERR(group)) {
		ret = PTR_ERR(group);
		goto err_erase;
	}

	/* The index is reserved: this needs no memory. */
	WARN_ON(xa_err(xa_store(groups, handle, group, GFP_KERNEL)));
	args->group_handle = handle;
	return 0;

err_erase:
	xa_erase(groups, handle);
	return ret;
}

/**
 * panthor_ioctl_group_create() - DRM_IOCTL_PANTHOR_GROUP_CREATE
 *
 * Return: 0; -EINVAL for parameters out of range or an unknown VM; -EACCES for
 * a priority that needs a privilege; -EBUSY if the file has all its groups;
 * -ENOMEM; the errors of panthor_uobj_get_array().
 */
int panthor_ioctl_group_create(struct drm_device *ddev, void *data,
			       struct drm_file *file)
{
	struct panthor_device *ptdev = to_panthor_device(ddev);
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_group_create *args = data;
	struct drm_panthor_queue_create *queues;
	struct panthor_vm *vm;
	int ret;

	if (!args->queues.count ||
	    args->queues.count > PANTHOR_GROUP_MAX_QUEUES)
		return -EINVAL;

	ret = PANTHOR_UOBJ_GET_ARRAY(&queues, &args->queues, ringbuf_size);
	if (ret)
		return ret;

	ret = check_group(ptdev, file, args);
	if (ret)
		goto out_free;

	vm = panthor_vm_pool_get_vm(pfile->vms, args->vm_id);
	if (!vm) {
		ret = -EINVAL;
		goto out_free;
	}

	ret = create_group(ptdev, file, vm, args, queues);
	panthor_vm_put(vm);
out_free:
	kvfree(queues);
	return ret;
}

/** panthor_ioctl_group_destroy() - its jobs are cancelled; 0 or -EINVAL */
int panthor_ioctl_group_destroy(struct drm_device *ddev, void *data,
				struct drm_file *file)
{
	struct panthor_file *pfile = file->driver_priv;
	struct drm_panthor_group_destroy *args = data;
	struct panthor_group *group;

	if (args->pad)
		return -EINVAL;

	group = get_group(file, args->group_handle);
	if (!group)
		return -EINVAL;

	/* Of two threads that destroy it, one does. */
	if (xa_cmpxchg(&pfile->groups->groups, args->group_handle, group, NULL,
		       GFP_KERNEL) == group)
		drop_group(group);
	panthor_group_put(group);
	return 0;
}

/** panthor_ioctl_group_get_state() - how a group fares; 0 or -EINVAL */
int panthor_ioctl_group_get_state(struct drm_device *ddev, void *data,
				  struct drm_file *file)
{
	struct drm_panthor_group_get_state *args = data;
	struct panthor_group *group;

	if (args->pad)
		return -EINVAL;

	group = get_group(file, args->group_handle);
	if (!group)
		return -EINVAL;

	*args = (struct drm_panthor_group_get_state){};
	panthor_sched_get_state(group, &args->state, &args->fatal_queues);
	panthor_group_put(group);
	return 0;
}

/* --------------------------------------------------------------- submit -- */

/* What one GROUP_SUBMIT is made of. */
struct submit {
	struct drm_file *file;
	struct panthor_group *group;
	struct panthor_sync_ctx syncs;
	u32 count;
	struct panthor_group_job **jobs;
	u32 queues; /* bit per queue that gets a job */
	/* BOs of the VM with fences of their own; references. */
	struct drm_gem_object **objs;
	u32 obj_count;
};

static int check_job(const struct drm_panthor_queue_submit *args)
{
	if (args->pad || !args->stream_size != !args->stream_addr ||
	    (args->stream_addr & 63) || (args->stream_size & 7) ||
	    (args->latest_flush & LATEST_FLUSH_RESERVED))
		return -EINVAL;
	return 0;
}

static int add_job(struct submit *submit, u32 index, u32 group_handle,
		   const struct drm_panthor_queue_submit *args)
{
	struct panthor_group_job *job;
	int ret = check_job(args);

	if (ret)
		return ret;

	if (!submit->group)
		submit->group = get_group(submit->file, group_handle);
	if (!submit->group || READ_ONCE(submit->group->killed) ||
	    panthor_vm_is_unusable(submit->group->vm) ||
	    args->queue_index >= submit->group->queue_count)
		return -EINVAL;

	job = panthor_group_job_create(submit->group, args);
	if (IS_ERR(job))
		return PTR_ERR(job);
	submit->jobs[index] = job;
	submit->queues |= BIT(args->queue_index);

	return panthor_sync_ctx_add_job(&submit->syncs, index, &args->syncs);
}

static int lock_objects(struct submit *submit, struct drm_exec *exec)
{
	u32 fences = hweight32(submit->queues), i;
	int ret = 0;

	drm_exec_until_all_locked (exec) {
		ret = drm_exec_prepare_obj(exec, submit->group->vm->root_gem,
					   fences);
		drm_exec_retry_on_contention(exec);
		for (i = 0; i < submit->obj_count && !ret; i++) {
			ret = drm_exec_prepare_obj(exec, submit->objs[i],
						   fences);
			drm_exec_retry_on_contention(exec);
		}
		if (!ret)
			ret = panthor_vm_lock_evicted(submit->group->vm, exec,
						      fences);
		drm_exec_retry_on_contention(exec);
		if (ret)
			break;
	}

	return ret;
}

/* Jobs of a queue are done in order: its last fence speaks for all of them. */
static void add_fences(struct submit *submit, struct drm_exec *exec)
{
	u32 left = submit->queues, i = submit->count;

	while (i--) {
		struct panthor_group_job *job = submit->jobs[i];
		u32 bit = BIT(container_of(job->base.queue,
					   struct panthor_queue, base)
				      ->index);

		if (!(left & bit))
			continue;
		left &= ~bit;
		panthor_sync_add_fence(exec, &job->base.fence->base);
	}
}

/* Everything is validated and locked: queues the jobs, which are not ours then.
 */
static void commit(struct submit *submit, struct drm_exec *exec)
{
	u32 i;

	for (i = 0; i < submit->count; i++) {
		struct panthor_job *job = &submit->jobs[i]->base;

		panthor_job_arm(job);
		panthor_sync_ctx_arm(&submit->syncs, i, &job->fence->base);
		job->deps = panthor_sync_ctx_take_deps(&submit->syncs, i,
						       &job->dep_count);
	}
	add_fences(submit, exec);
	for (i = 0; i < submit->count; i++) {
		panthor_job_queue_push(&submit->jobs[i]->base);
		submit->jobs[i] = NULL;
	}
	panthor_sync_ctx_publish(&submit->syncs);
}

static int lock_and_commit(struct submit *submit)
{
	struct drm_exec exec;
	int ret;

	ret = panthor_sync_ctx_collect_signals(&submit->syncs);
	if (ret)
		return ret;

	ret = panthor_vm_bos_snapshot(
		&submit->group->vm->bos, panthor_vm_resv(submit->group->vm),
		submit->group->vm->dummy, &submit->objs, &submit->obj_count);
	if (ret)
		return ret;

	drm_exec_init(&exec,
		      DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES,
		      0);
	ret = lock_objects(submit, &exec);
	if (!ret)
		ret = panthor_sync_ctx_resolve_waits(&submit->syncs);
	if (!ret)
		ret = panthor_vm_restore(submit->group->vm);
	if (!ret)
		commit(submit, &exec);
	drm_exec_fini(&exec);

	if (!ret)
		panthor_group_queue_work(submit->group);
	return ret;
}

static int submit_jobs(struct submit *submit, u32 group_handle,
		       const struct drm_panthor_queue_submit *args)
{
	int ret;
	u32 i;

	ret = panthor_sync_ctx_init(&submit->syncs, submit->file,
				    submit->count);
	submit->jobs =
		kvcalloc(submit->count, sizeof(*submit->jobs), GFP_KERNEL);
	if (!submit->jobs)
		ret = -ENOMEM;

	for (i = 0; i < submit->count && !ret; i++)
		ret = add_job(submit, i, group_handle, &args[i]);
	if (!ret)
		ret = lock_and_commit(submit);

	for (i = 0; i < submit->count && submit->jobs; i++)
		panthor_group_job_destroy(submit->jobs[i]);
	kvfree(submit->jobs);
	for (i = 0; i < submit->obj_count; i++)
		drm_gem_object_put(submit->objs[i]);
	kvfree(submit->objs);
	panthor_sync_ctx_fini(&submit->syncs);
	if (submit->group)
		panthor_group_put(submit->group);
	return ret;
}

/**
 * panthor_ioctl_group_submit() - DRM_IOCTL_PANTHOR_GROUP_SUBMIT
 *
 * All jobs are queued, or none.
 *
 * Return: 0; -EINVAL for malformed jobs, an unknown group or queue, a group
 * that was killed or whose VM is unusable; -ENODEV; -ENOENT for an unknown
 * syncobj to wait for; -ENOMEM; -EINTR; the errors of panthor_uobj_get_array().
 */
int panthor_ioctl_group_submit(struct drm_device *ddev, void *data,
			       struct drm_file *file)
{
	struct drm_panthor_group_submit *args = data;
	struct drm_panthor_queue_submit *jobs;
	struct submit submit = {.file = file,
				.count = args->queue_submits.count};
	int ret, idx;

	if (args->pad)
		return -EINVAL;

	if (!drm_dev_enter(ddev, &idx))
		return -ENODEV;

	ret = PANTHOR_UOBJ_GET_ARRAY(&jobs, &args->queue_submits, syncs);
	if (!ret && submit.count) {
		ret = submit_jobs(&submit, args->group_handle, jobs);
		kvfree(jobs);
	}

	drm_dev_exit(idx);
	return ret;
}
