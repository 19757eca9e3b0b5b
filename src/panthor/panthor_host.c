// SPDX-License-Identifier: MIT OR GPL-2.0
/* What the machine's owner may do and see: see panthor_host.h. */
#include <drm/drm_file.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_group.h"
#include "panthor_host.h"
#include "panthor_kernel_bo.h"
#include "panthor_pt.h"
#include "panthor_translation.h"
#include "panthor_vm.h"

static struct panthor_vm *get_vm(struct drm_file *file, u32 vm_id)
{
	struct panthor_file *pfile = file->driver_priv;

	return panthor_vm_pool_get_vm(pfile->vms, vm_id);
}

int panthor_host_vm_active(struct drm_file *file, u32 vm_id,
			   struct panthor_vm **vm_out)
{
	struct panthor_vm *vm = get_vm(file, vm_id);
	int slot;

	if (!vm)
		return -EINVAL;

	slot = panthor_vm_active(vm);
	if (slot < 0)
		goto err_put;

	/* Without faults that wait, nothing may be missing from now on. */
	atomic_inc(&vm->windows);
	if (!vm->ptdev->absent_stall) {
		int ret = panthor_vm_restore_all(vm);

		if (ret) {
			atomic_dec(&vm->windows);
			panthor_vm_idle(vm);
			slot = ret;
			goto err_put;
		}
	}

	*vm_out = vm;
	return slot;

err_put:
	panthor_vm_put(vm);
	return slot;
}

void panthor_host_vm_idle(struct panthor_vm *vm)
{
	atomic_dec(&vm->windows);
	panthor_vm_idle(vm);
	panthor_vm_put(vm);
}

int panthor_host_vm_root(struct drm_file *file, u32 vm_id, u64 *pa_out)
{
	struct panthor_vm *vm = get_vm(file, vm_id);

	if (!vm)
		return -EINVAL;

	*pa_out = panthor_pt_root_pa(&vm->pt);
	panthor_vm_put(vm);
	return 0;
}

u32 panthor_host_next_vm(struct drm_file *file, u32 vm_id)
{
	struct panthor_file *pfile = file->driver_priv;
	struct panthor_vm *vm = panthor_vm_pool_get_next(pfile->vms, &vm_id);

	if (!vm)
		return 0;
	panthor_vm_put(vm);
	return vm_id;
}

static struct panthor_host_range
to_range(const struct panthor_translation *translation)
{
	return (struct panthor_host_range){
		.start = translation->start,
		.end = translation->end,
		.object = translation->bo ? translation->bo->bo : NULL,
		.offset = translation->offset,
		.sparse = translation->sparse,
		.readonly = translation->attributes & PANTHOR_PTE_AP_RDONLY,
		.noexec = translation->attributes & PANTHOR_PTE_XN,
		.agrees = translation->agrees,
	};
}

static bool binds_are_under_way(struct panthor_vm *vm)
{
	unsigned long flags;
	bool busy;

	spin_lock_irqsave(&vm->queue.base.lock, flags);
	busy = !list_empty(&vm->queue.base.jobs);
	spin_unlock_irqrestore(&vm->queue.base.lock, flags);
	return busy;
}

int panthor_host_vm_ranges(struct drm_file *file, u32 vm_id,
			   void (*fn)(void *data,
				      const struct panthor_host_range *range),
			   void *data)
{
	struct panthor_vm *vm = get_vm(file, vm_id);
	struct panthor_translation translation;
	int ret = 0;
	u64 va = 0;

	if (!vm)
		return -EINVAL;
	mutex_lock(&vm->op_lock);
	if (binds_are_under_way(vm)) {
		ret = -EBUSY;
		goto out_unlock;
	}
	while (panthor_vm_next_translation(vm, va, &translation) &&
	       translation.start < vm->user_va_range) {
		const struct panthor_host_range range = to_range(&translation);

		fn(data, &range);
		va = translation.end;
	}
out_unlock:
	mutex_unlock(&vm->op_lock);
	panthor_vm_put(vm);
	return ret;
}

int panthor_host_group_rings(struct drm_file *file, u32 handle, u64 *ring_vas,
			     u32 count, u32 *job_size)
{
	struct panthor_file *pfile = file->driver_priv;
	struct panthor_group *group =
		panthor_group_pool_get_group(pfile->groups, handle);
	u32 rings, i;

	if (!group)
		return -EINVAL;
	rings = min(count, group->queue_count);
	for (i = 0; i < rings; i++)
		ring_vas[i] = group->queues[i].ringbuf->va;
	panthor_group_put(group);
	*job_size = PANTHOR_RING_JOB_SIZE;
	return rings;
}

int panthor_host_bo_set_null(struct drm_file *file, u32 handle)
{
	struct panthor_device *ptdev = to_panthor_device(file->minor->dev);
	struct drm_gem_object *obj;
	int ret = 0;

	if (!ptdev->null_leaves)
		return -EOPNOTSUPP;
	obj = drm_gem_object_lookup(file, handle);
	if (!obj)
		return -EINVAL;

	dma_resv_lock(obj->resv, NULL);
	if (list_empty(&to_panthor_bo(obj)->vm_bos))
		to_panthor_bo(obj)->null = true;
	else
		ret = -EBUSY;
	dma_resv_unlock(obj->resv);
	drm_gem_object_put(obj);
	return ret;
}

void panthor_host_get_stats(struct panthor_device *ptdev,
			    struct panthor_stats *stats)
{
	struct panthor_counters *counters = &ptdev->counters;

	*stats = (struct panthor_stats){
		.vm_bind_ioctls = atomic64_read(&counters->vm_bind_ioctls),
		.vm_bind_ops = atomic64_read(&counters->vm_bind_ops),
		.pt_entries_written =
			atomic64_read(&counters->pt_entries_written),
		.pt_pages = atomic64_read(&counters->pt_pages),
		.pt_pages_peak = atomic64_read(&counters->pt_pages_peak),
		.vmas = atomic64_read(&counters->vmas),
		.evictions = atomic64_read(&counters->evictions),
		.restores = atomic64_read(&counters->restores),
	};
}
