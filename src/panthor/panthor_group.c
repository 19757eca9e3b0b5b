// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_fw.h"
#include "panthor_group.h"
#include "panthor_heap.h"
#include "panthor_kernel_bo.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

/* ------------------------------------------------------------------ work -- */

static void group_work(struct work_struct *work)
{
	struct panthor_group *group =
		container_of(work, struct panthor_group, work);
	bool started = false, busy = false;
	unsigned long deadline;
	u32 i;

	for (i = 0; i < group->queue_count; i++) {
		struct panthor_queue *queue = &group->queues[i];

		panthor_queue_complete(queue);
		started |= panthor_queue_start_jobs(queue);
		/* Again: jobs without a stream may be done at once. */
		panthor_queue_complete(queue);
		busy |= panthor_queue_next_deadline(queue, &deadline);
	}

	if (busy)
		panthor_group_arm_timeout(
			group, msecs_to_jiffies(PANTHOR_JOB_TIMEOUT_MS));
	if (started)
		panthor_sched_group_has_work(group);
	panthor_group_put(group);
}

/**
 * panthor_group_queue_work() - have jobs completed and started
 *
 * In any context; the caller's reference to the group is not its last.
 */
void panthor_group_queue_work(struct panthor_group *group)
{
	panthor_group_get(group);
	if (!queue_work(group->ptdev->sched->wq, &group->work))
		panthor_group_put(group);
}

static bool is_satisfied(struct panthor_group *group,
			 const struct panthor_sync_wait *wait)
{
	u64 value;

	/* What cannot be read, the GPU must judge itself. */
	if (panthor_vm_peek(group->vm, wait->va, wait->is_64, &value))
		return true;

	return wait->is_greater ? value > wait->ref : value <= wait->ref;
}

static void wait_work(struct work_struct *work)
{
	struct panthor_group *group =
		container_of(work, struct panthor_group, wait_work);
	struct panthor_sync_wait wait;
	u32 i;

	for (i = 0; i < group->queue_count; i++) {
		if (!panthor_sched_get_wait(group, i, &wait))
			continue;
		/* Without the scheduler's lock: an op on this VM may be long.
		 */
		if (is_satisfied(group, &wait)) {
			panthor_sched_group_has_work(group);
			break;
		}
	}
	panthor_group_put(group);
}

/** panthor_group_queue_wait_work() - look whether a blocked group may go on */
void panthor_group_queue_wait_work(struct panthor_group *group)
{
	panthor_group_get(group);
	if (!queue_work(group->ptdev->sched->wq, &group->wait_work))
		panthor_group_put(group);
}

/* 0 with a chunk, or with 0 where firmware has to do without; or an error. */
static int grow_heap(struct panthor_heap_pool *pool,
		     const struct panthor_tiler_oom *oom, u64 *chunk_out)
{
	/* Numbers that wrap around. */
	u32 in_flight = oom->vt_start - oom->frag_end;
	u32 pending = oom->vt_end - oom->frag_end;
	int ret;

	*chunk_out = 0;
	/* Whoever asks is tiling, so that there is a pass that is not done. */
	if (in_flight > S32_MAX || pending >= in_flight)
		return -EINVAL;

	ret = panthor_heap_grow(pool, oom->heap_va, in_flight, pending,
				chunk_out);
	/*
	 * Without a chunk, firmware waits for fragment jobs, which give theirs
	 * back, or has the stream's exception handler render what there is.
	 */
	if (ret == -EBUSY || ret == -ENOMEM || ret == -ENOSPC)
		return 0;
	return ret;
}

/* Not under the scheduler's lock: growing waits for the VM's op_lock. */
static void answer_oom(struct panthor_group *group, u32 queue)
{
	struct panthor_heap_pool *pool;
	struct panthor_tiler_oom oom;
	u64 chunk;
	int ret;

	if (!panthor_sched_get_oom(group, queue, &oom))
		return;

	pool = panthor_heap_pool_get(group->vm, false);
	if (IS_ERR(pool)) {
		panthor_sched_fail_oom(group, queue, PTR_ERR(pool));
		return;
	}

	ret = grow_heap(pool, &oom, &chunk);
	/* The MMU did not answer: the stream asks again after the reset. */
	if (ret && ret != -ETIMEDOUT)
		panthor_sched_fail_oom(group, queue, ret);
	else if (!ret && !panthor_sched_answer_oom(group, queue, chunk) &&
		 chunk)
		(void)panthor_heap_return_chunk(pool, oom.heap_va, chunk);
	panthor_heap_pool_put(pool);
}

static void oom_work(struct work_struct *work)
{
	struct panthor_group *group =
		container_of(work, struct panthor_group, oom_work);
	u32 i;

	for (i = 0; i < group->queue_count; i++)
		answer_oom(group, i);
	panthor_group_put(group);
}

/** panthor_group_queue_oom_work() - answer the queues that are out of chunks */
void panthor_group_queue_oom_work(struct panthor_group *group)
{
	panthor_group_get(group);
	if (!queue_work(group->ptdev->sched->heap_wq, &group->oom_work))
		panthor_group_put(group);
}

static void timeout_work(struct work_struct *work)
{
	struct panthor_group *group = container_of(
		to_delayed_work(work), struct panthor_group, timeout_work);

	panthor_sched_check_timeout(group);
}

/** panthor_group_arm_timeout() - check deadlines in so many jiffies, or before
 */
void panthor_group_arm_timeout(struct panthor_group *group, unsigned long delay)
{
	queue_delayed_work(group->ptdev->sched->wq, &group->timeout_work,
			   delay);
}

/* -------------------------------------------------------------- lifetime -- */

static void free_group(struct panthor_group *group)
{
	u32 i;

	for (i = 0; i < group->queue_count; i++)
		panthor_queue_fini(&group->queues[i]);
	kfree(group->queues);
	panthor_kernel_bo_destroy(group->syncobjs);
	panthor_kernel_bo_destroy(group->protm_suspend_buf);
	panthor_kernel_bo_destroy(group->suspend_buf);
	panthor_vm_put(group->vm);
	kfree(group);
}

static void release_work(struct work_struct *work)
{
	struct panthor_group *group =
		container_of(work, struct panthor_group, release_work);

	panthor_sched_remove_group(group);
	cancel_delayed_work_sync(&group->timeout_work);
	free_group(group);
}

static void release_group(struct kref *kref)
{
	struct panthor_group *group =
		container_of(kref, struct panthor_group, refcount);

	queue_work(group->ptdev->sched->cleanup_wq, &group->release_work);
}

/** panthor_group_put() - drop a reference; does not sleep */
void panthor_group_put(struct panthor_group *group)
{
	kref_put(&group->refcount, release_group);
}

static int alloc_buffers(struct panthor_group *group)
{
	struct panthor_device *ptdev = group->ptdev;
	const struct panthor_fw_csg_iface *csg =
		panthor_fw_get_csg_iface(ptdev, 0);
	u64 size = group->queue_count * sizeof(struct panthor_syncobj);

	group->suspend_buf =
		panthor_fw_alloc_suspend_buf_mem(ptdev, csg->suspend_size);
	if (IS_ERR(group->suspend_buf))
		return PTR_ERR(group->suspend_buf);

	group->protm_suspend_buf = panthor_fw_alloc_suspend_buf_mem(
		ptdev, csg->protm_suspend_size);
	if (IS_ERR(group->protm_suspend_buf))
		return PTR_ERR(group->protm_suspend_buf);

	group->syncobjs = panthor_kernel_bo_create(
		ptdev, group->vm, size, DRM_PANTHOR_BO_NO_MMAP,
		DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
			DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED,
		PANTHOR_VM_KERNEL_AUTO_VA, "sync objects");
	if (IS_ERR(group->syncobjs))
		return PTR_ERR(group->syncobjs);

	return panthor_kernel_bo_vmap(group->syncobjs);
}

/**
 * panthor_group_create() - create a group without jobs
 * @ptdev: the device
 * @vm: what it runs on; a reference is taken
 * @args: validated
 * @queues: as many as @args says, validated
 *
 * Return: the group with one reference, for which panthor_sched_kill_group() is
 * due before panthor_group_put(), or an ERR_PTR.
 */
struct panthor_group *
panthor_group_create(struct panthor_device *ptdev, struct panthor_vm *vm,
		     const struct drm_panthor_group_create *args,
		     const struct drm_panthor_queue_create *queues)
{
	struct panthor_group *group;
	int ret;
	u32 i;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);

	kref_init(&group->refcount);
	group->ptdev = ptdev;
	group->vm = panthor_vm_get(vm);
	group->priority = args->priority;
	group->max_compute_cores = args->max_compute_cores;
	group->max_fragment_cores = args->max_fragment_cores;
	group->max_tiler_cores = args->max_tiler_cores;
	group->compute_core_mask = args->compute_core_mask;
	group->fragment_core_mask = args->fragment_core_mask;
	group->tiler_core_mask = args->tiler_core_mask;
	group->slot = -1;
	INIT_LIST_HEAD(&group->run_node);
	INIT_WORK(&group->work, group_work);
	INIT_WORK(&group->wait_work, wait_work);
	INIT_WORK(&group->oom_work, oom_work);
	INIT_WORK(&group->release_work, release_work);
	INIT_DELAYED_WORK(&group->timeout_work, timeout_work);

	group->queues = kcalloc(args->queues.count, sizeof(*group->queues),
				GFP_KERNEL_ACCOUNT);
	if (!group->queues) {
		ret = -ENOMEM;
		goto err_free;
	}
	group->queue_count = args->queues.count;

	ret = alloc_buffers(group);
	for (i = 0; i < group->queue_count && !ret; i++)
		ret = panthor_queue_init(&group->queues[i], group, i,
					 &queues[i]);
	if (ret)
		goto err_free;

	panthor_sched_add_group(group);
	return group;

err_free:
	free_group(group);
	return ERR_PTR(ret);
}
