// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * BOs that leave a VM's page tables when they are evicted, and come back.
 *
 * Both are ops like any other, one for each VMA of the BO, except that the VA
 * tree stays as it is. Nothing is allocated to evict. What a BO that comes back
 * needs is a new index of its pages, and tables where its pages used to be
 * blocks and are not any more.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_exec.h>
#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_backing.h"
#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_reclaim.h"
#include "panthor_vm.h"

/* VMAs that share a lock if they are near each other. */
#define OPS_AT_ONCE 16

static struct panthor_vm_op make_op(const struct panthor_vma *vma, u32 type)
{
	return (struct panthor_vm_op){
		.type = type,
		.mapping =
			{
				.start = vma->start,
				.end = vma->end,
				.bo = vma->bo,
				.offset = vma->offset,
				.flags = vma->flags,
			},
	};
}

static bool has_shared(const struct panthor_vm *vm, u8 set)
{
	return vm->pt.shared[set][2].page || vm->pt.shared[set][3].page;
}

/* Tables for ops of @type on all VMAs of the BO. */
static void count_needs(const struct panthor_vm *vm,
			const struct panthor_vm_bo *vm_bo, u32 type,
			struct panthor_pt_need *need)
{
	const struct panthor_vma *vma;
	u8 set;

	memset(need, 0, sizeof(*need));
	list_for_each_entry (vma, &vm_bo->vmas, bo_node) {
		struct panthor_vm_op op = make_op(vma, type);

		panthor_vm_op_need(vm, &op, need);
	}

	if (type != PANTHOR_VM_OP_RESTORE || !vm_bo->bo->dummy)
		return;
	for (set = 0; set < PANTHOR_PT_SETS; set++) {
		if (has_shared(vm, set))
			panthor_pt_need_shared(&vm->pt, need, set);
	}
}

/* What sparse memory has in common, under a lock around all of it. */
static int commit_shared(struct panthor_vm *vm, struct panthor_vm_bo *vm_bo,
			 u32 type)
{
	struct panthor_pt_edit edit = {.type = PANTHOR_PT_SPARSE};
	const struct panthor_vma *vma;
	u64 start = U64_MAX, end = 0;
	int ret;
	u8 set;

	list_for_each_entry (vma, &vm_bo->vmas, bo_node) {
		start = min(start, vma->start);
		end = max(end, vma->end);
	}
	if (start >= end)
		return 0;

	ret = panthor_mmu_lock_region(vm, start, end);
	if (ret)
		return ret;

	for (set = 0; set < PANTHOR_PT_SETS; set++) {
		if (!has_shared(vm, set))
			continue;
		if (type == PANTHOR_VM_OP_EVICT) {
			panthor_pt_evict_shared(&vm->pt, set);
			continue;
		}
		edit.backing = vm_bo->backing;
		edit.leaf = panthor_pt_leaf(panthor_pt_set_flags(set));
		if (vm_bo->bo->null)
			edit.leaf |= PANTHOR_PTE_NULL;
		edit.set = set;
		panthor_pt_restore_shared(&vm->pt, &edit);
	}

	panthor_mmu_unlock_region(vm);
	return 0;
}

static int commit_all(struct panthor_vm *vm, struct panthor_vm_bo *vm_bo,
		      u32 type)
{
	struct panthor_vm_op ops[OPS_AT_ONCE];
	struct panthor_vma *vma;
	u32 count = 0, done;
	int ret = 0;

	if (vm_bo->bo->dummy)
		ret = commit_shared(vm, vm_bo, type);
	if (ret)
		return ret;

	list_for_each_entry (vma, &vm_bo->vmas, bo_node) {
		ops[count++] = make_op(vma, type);
		if (count < OPS_AT_ONCE &&
		    !list_is_last(&vma->bo_node, &vm_bo->vmas))
			continue;
		ret = panthor_vm_commit(vm, ops, count, &done);
		if (ret)
			break;
		count = 0;
	}

	return ret;
}

/* ----------------------------------------------------------------- evict -- */

/*
 * Its windows keep the VM in its slot, and would fault. Seen under op_lock:
 * what comes later restores.
 */
static bool may_be_accessed(struct panthor_vm *vm)
{
	return atomic_read(&vm->windows) && !vm->ptdev->absent_stall;
}

/**
 * panthor_vm_evict_bo() - make all leaves of a BO absent
 * @vm_bo: the BO in its VM; the BO is claimed, and the resvs of both are held
 *
 * For the reclaim path: allocates nothing and waits for nobody but the MMU.
 *
 * Return: 0, and then the GPU cannot reach the BO through this VM, until
 * panthor_vm_bo_use(); -EBUSY; -ENOMEM where the BO shares a block with
 * another; -ETIMEDOUT if the MMU does not answer.
 */
int panthor_vm_evict_bo(struct panthor_vm_bo *vm_bo)
{
	struct panthor_vm *vm = panthor_vm_of_bo(vm_bo);
	struct panthor_pt_need need;
	int ret = -EBUSY;

	if (!mutex_trylock(&vm->op_lock))
		return -EBUSY;

	if (!vm_bo->backing) {
		ret = 0;
		goto out_unlock;
	}
	if (may_be_accessed(vm))
		goto out_unlock;

	count_needs(vm, vm_bo, PANTHOR_VM_OP_EVICT, &need);
	if (panthor_pt_shortage(&vm->pt, &need)) {
		ret = -ENOMEM;
		goto out_unlock;
	}

	panthor_pt_reserve_hold(&vm->pt, &need);
	panthor_vm_bo_set_evicted(vm_bo, true);
	ret = commit_all(vm, vm_bo, PANTHOR_VM_OP_EVICT);
	panthor_pt_reserve_drop(&vm->pt, &need);
	if (!ret) {
		panthor_backing_destroy(vm_bo->backing);
		vm_bo->backing = NULL;
	}

out_unlock:
	panthor_vm_unlock(vm);
	return ret;
}

/* --------------------------------------------------------------- restore -- */

/*
 * Takes the op_lock with the tables held in @need that the BO needs to come
 * back, and gives it *@backing if it has none. -ENOMEM, and then not.
 */
static int lock_restore(struct panthor_vm *vm, struct panthor_vm_bo *vm_bo,
			struct panthor_backing **backing,
			struct panthor_pt_need *need)
{
	LIST_HEAD(pages);
	u64 count = 0;

	for (;;) {
		panthor_vm_lock(vm);
		panthor_pt_reserve_add(&vm->pt, count, &pages);
		if (!vm_bo->backing)
			swap(vm_bo->backing, *backing);
		count_needs(vm, vm_bo, PANTHOR_VM_OP_RESTORE, need);
		count = panthor_pt_shortage(&vm->pt, need);
		if (!count)
			break;

		panthor_vm_unlock(vm);
		if (panthor_pt_alloc_pages(vm->ptdev->base.dev, count, &pages))
			return -ENOMEM;
	}

	panthor_pt_reserve_hold(&vm->pt, need);
	return 0;
}

/* Of a BO that is used, and therefore has pages. */
static int restore(struct panthor_vm *vm, struct panthor_vm_bo *vm_bo)
{
	struct panthor_backing *backing;
	struct panthor_pt_need need;
	int ret;

	backing = panthor_backing_create(vm_bo->bo->base.sgt);
	if (!backing)
		return -ENOMEM;

	ret = lock_restore(vm, vm_bo, &backing, &need);
	if (ret)
		goto out_free;

	/* Somebody else may have been faster. */
	if (vm_bo->evicted)
		ret = commit_all(vm, vm_bo, PANTHOR_VM_OP_RESTORE);
	if (!ret)
		panthor_vm_bo_set_evicted(vm_bo, false);
	panthor_pt_reserve_drop(&vm->pt, &need);
	panthor_vm_unlock(vm);

out_free:
	panthor_backing_destroy(backing);
	return ret;
}

static int restore_if_evicted(struct panthor_vm_bo *vm_bo)
{
	if (likely(!READ_ONCE(vm_bo->evicted)))
		return 0;

	return restore(panthor_vm_of_bo(vm_bo), vm_bo);
}

/**
 * panthor_vm_bo_use() - have a BO resident, in memory and in the page tables
 * @vm_bo: the BO in its VM; no lock is held
 *
 * Return: 0, and then panthor_vm_bo_unuse() is due; the errors of
 * panthor_gem_use(); -ETIMEDOUT if the MMU does not answer.
 */
int panthor_vm_bo_use(struct panthor_vm_bo *vm_bo)
{
	int ret = panthor_gem_use(vm_bo->bo);

	if (ret)
		return ret;

	ret = restore_if_evicted(vm_bo);
	if (ret)
		panthor_gem_unuse(vm_bo->bo);
	return ret;
}

/** panthor_vm_bo_unuse() - the inverse; any context; NULL is allowed */
void panthor_vm_bo_unuse(struct panthor_vm_bo *vm_bo)
{
	if (vm_bo)
		panthor_gem_unuse(vm_bo->bo);
}

/**
 * panthor_vm_use_bo() - find a BO in a VM, or introduce it, and use it there
 * @vm: the VM
 * @bo: the BO; no lock is held
 *
 * Return: a reference, with panthor_vm_bo_unuse() due before
 * panthor_vm_bo_put(); or an ERR_PTR as panthor_vm_bo_use().
 */
struct panthor_vm_bo *panthor_vm_use_bo(struct panthor_vm *vm,
					struct panthor_gem_object *bo)
{
	struct panthor_vm_bo *vm_bo;
	int ret = panthor_gem_use(bo);

	if (ret)
		return ERR_PTR(ret);

	vm_bo = panthor_vm_bos_get(&vm->bos, bo);
	if (IS_ERR(vm_bo))
		goto err_unuse;

	ret = restore_if_evicted(vm_bo);
	if (!ret)
		return vm_bo;

	panthor_vm_bo_put(vm_bo);
	vm_bo = ERR_PTR(ret);
err_unuse:
	panthor_gem_unuse(bo);
	return vm_bo;
}

/**
 * panthor_vm_lock_evicted() - lock what panthor_vm_restore() needs to lock
 * @vm: the VM, whose root object @exec has locked
 * @exec: in drm_exec_until_all_locked(), with DRM_EXEC_IGNORE_DUPLICATES
 * @num_fences: to have room for on each
 *
 * Return: as drm_exec_prepare_obj(); drm_exec_retry_on_contention() is due.
 */
int panthor_vm_lock_evicted(struct panthor_vm *vm, struct drm_exec *exec,
			    u32 num_fences)
{
	struct panthor_vm_bo *vm_bo = NULL, *prev;
	int ret = 0;

	dma_resv_assert_held(panthor_vm_resv(vm));

	do {
		prev = vm_bo;
		vm_bo = panthor_vm_bos_get_evicted(&vm->bos, prev);
		panthor_vm_bo_put(prev);
		if (vm_bo)
			ret = drm_exec_prepare_obj(exec, &vm_bo->bo->base.base,
						   num_fences);
	} while (vm_bo && !ret);

	panthor_vm_bo_put(vm_bo);
	return ret;
}

/**
 * panthor_vm_restore() - bring everything back that a VM has mapped
 * @vm: the VM; its resv is held, and those that panthor_vm_lock_evicted() took
 *
 * Nothing of the VM is evicted while its resv is held, nor as long as that has
 * a fence that has not signalled: a job whose fence is there before the unlock
 * finds all of its memory.
 *
 * Return: 0; -ENOMEM; -ETIMEDOUT if the MMU does not answer.
 */
int panthor_vm_restore(struct panthor_vm *vm)
{
	struct panthor_vm_bo *vm_bo;
	int ret = 0;

	dma_resv_assert_held(panthor_vm_resv(vm));
	panthor_reclaim_touch_vm(vm);

	/* Each leaves the list as it is restored. */
	while (!ret &&
	       (vm_bo = panthor_vm_bos_get_evicted(&vm->bos, NULL)) != NULL) {
		ret = panthor_gem_use_locked(vm_bo->bo);
		if (!ret) {
			ret = restore_if_evicted(vm_bo);
			panthor_gem_unuse(vm_bo->bo);
		}
		panthor_vm_bo_put(vm_bo);
	}

	return ret;
}

/**
 * panthor_vm_restore_all() - panthor_vm_restore() for a caller without locks
 *
 * Return: as that, and -EINTR.
 */
int panthor_vm_restore_all(struct panthor_vm *vm)
{
	struct drm_exec exec;
	int ret = 0;

	drm_exec_init(&exec,
		      DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES,
		      0);
	drm_exec_until_all_locked (&exec) {
		ret = drm_exec_prepare_obj(&exec, vm->root_gem, 1);
		drm_exec_retry_on_contention(&exec);
		if (!ret)
			ret = panthor_vm_lock_evicted(vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (ret)
			break;
	}
	if (!ret)
		ret = panthor_vm_restore(vm);
	drm_exec_fini(&exec);
	panthor_vm_reap(vm);

	return ret;
}

/* -------------------------------------------------------- absent faults -- */

#define RESTORE_ATTEMPTS 100
#define RESTORE_PAUSE_MS 10

/* The BO that is mapped at @va, with a reference, or NULL. */
static struct panthor_vm_bo *find_bo(struct panthor_vm *vm, u64 va)
{
	struct panthor_vm_bo *vm_bo = NULL;
	struct panthor_vma *vma;

	panthor_vm_lock(vm);
	vma = panthor_vma_first(&vm->vmas, va);
	if (vma && vma->start <= va)
		vm_bo = panthor_vm_bo_get(vma->bo);
	panthor_vm_unlock(vm);

	return vm_bo;
}

/* What is mapped at @va comes back; 0 also if nothing is. */
static int restore_at(struct panthor_vm *vm, u64 va)
{
	struct panthor_vm_bo *vm_bo = find_bo(vm, va);
	int ret;

	if (!vm_bo)
		return 0;

	ret = panthor_vm_bo_use(vm_bo);
	if (!ret)
		panthor_vm_bo_unuse(vm_bo);
	panthor_vm_bo_put(vm_bo);
	panthor_vm_reap(vm);

	return ret;
}

/*
 * Others may use all of the memory just now. An ioctl can say so and be made
 * again, an access of the GPU cannot: it waits for a second.
 */
static void absent_work(struct work_struct *work)
{
	struct panthor_vm *vm =
		container_of(work, struct panthor_vm, absent_work);
	u64 va = panthor_mmu_absent_va(vm);
	int attempts = RESTORE_ATTEMPTS;
	int ret;

	while ((ret = restore_at(vm, va)) == -ENOMEM && --attempts)
		msleep(RESTORE_PAUSE_MS);

	panthor_mmu_absent_done(vm, !ret);
	panthor_vm_put(vm);
}

/** panthor_vm_residency_init() - for a VM that is being created */
void panthor_vm_residency_init(struct panthor_vm *vm)
{
	INIT_WORK(&vm->absent_work, absent_work);
	atomic_set(&vm->windows, 0);
	panthor_reclaim_add_vm(vm);
}
