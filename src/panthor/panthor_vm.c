// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_heap.h"
#include "panthor_reclaim.h"
#include "panthor_regs.h"
#include "panthor_sched.h"
#include "panthor_vm.h"

/* --------------------------------------------------------------- locking -- */

/* Tells the device's counters what changed since the last time. */
static void report(struct panthor_vm *vm)
{
	struct panthor_counters *counters = &vm->ptdev->counters;
	s64 pages, peak;

	if (vm->for_mcu)
		return;

	if (vm->reported.written != vm->pt.written) {
		atomic64_add(vm->pt.written - vm->reported.written,
			     &counters->pt_entries_written);
		vm->reported.written = vm->pt.written;
	}

	if (vm->reported.vmas != vm->vmas.count) {
		atomic64_add(vm->vmas.count - vm->reported.vmas,
			     &counters->vmas);
		vm->reported.vmas = vm->vmas.count;
	}

	if (vm->reported.pages == vm->pt.pages)
		return;

	pages = atomic64_add_return(vm->pt.pages - vm->reported.pages,
				    &counters->pt_pages);
	vm->reported.pages = vm->pt.pages;

	peak = atomic64_read(&counters->pt_pages_peak);
	while (pages > peak &&
	       !atomic64_try_cmpxchg(&counters->pt_pages_peak, &peak, pages))
		;
}

/**
 * panthor_vm_lock() - take the op_lock
 */
void panthor_vm_lock(struct panthor_vm *vm)
{
	mutex_lock(&vm->op_lock);
}

/**
 * panthor_vm_unlock() - drop the op_lock, and free what no op may need
 *
 * Except BOs: panthor_vm_reap() is due soon afterwards.
 */
void panthor_vm_unlock(struct panthor_vm *vm)
{
	LIST_HEAD(pages);
	LIST_HEAD(vmas);

	report(vm);
	panthor_pt_settle(&vm->pt, &pages);
	panthor_vma_trim(&vm->vmas, &vmas);
	mutex_unlock(&vm->op_lock);

	panthor_pt_free_pages(vm->ptdev->base.dev, &pages);
	panthor_vma_free(&vmas);
}

/**
 * panthor_vm_reap() - free BOs that ops unmapped last
 *
 * Takes the resv of these BOs. Others may hold that while they wait for a fence
 * of this VM, so whoever runs its bind queue must leave this to
 * panthor_vm_queue_reap().
 */
void panthor_vm_reap(struct panthor_vm *vm)
{
	panthor_vm_bos_reap(&vm->bos);
}

static void reap_work(struct work_struct *work)
{
	struct panthor_vm *vm =
		container_of(work, struct panthor_vm, reap_work);

	panthor_vm_reap(vm);
	panthor_vm_put(vm);
}

/** panthor_vm_queue_reap() - have panthor_vm_reap() called by somebody else */
void panthor_vm_queue_reap(struct panthor_vm *vm)
{
	if (!panthor_vm_bos_need_reap(&vm->bos))
		return;

	panthor_vm_get(vm);
	if (!queue_work(panthor_mmu_cleanup_wq(vm->ptdev), &vm->reap_work))
		panthor_vm_put(vm);
}

/* -------------------------------------------------------------- lifetime -- */

static void root_gem_free(struct drm_gem_object *obj)
{
	drm_gem_object_release(obj);
	kfree(obj);
}

static const struct drm_gem_object_funcs root_gem_funcs = {
	.free = root_gem_free,
};

/* An object without contents that outlives the VM if a BO needs its resv. */
static struct drm_gem_object *create_root_gem(struct panthor_device *ptdev)
{
	struct drm_gem_object *obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);

	if (!obj)
		return NULL;

	obj->funcs = &root_gem_funcs;
	drm_gem_private_object_init(&ptdev->base, obj, 0);
	return obj;
}

/**
 * panthor_vm_check_range() - divide a VA space between a process and the kernel
 * @va_bits: of the GPU
 * @user_va_range: bytes wanted, 0 for the default; out: bytes given, from 0 on
 *
 * The kernel gets the largest power of two that is left, at the very top.
 *
 * Return: 0; -EINVAL if that would be less than PANTHOR_VM_MIN_KERNEL_VA_SIZE.
 */
int panthor_vm_check_range(u32 va_bits, u64 *user_va_range)
{
	u64 full = 1ull << va_bits, user = *user_va_range, user_max;

	if (full < PANTHOR_VM_MIN_KERNEL_VA_SIZE)
		return -EINVAL;

	user_max = full - PANTHOR_VM_MIN_KERNEL_VA_SIZE;
	/* Rounded as below, a process's own range would come to the same. */
	if (!user)
		user = full > SZ_4G ? full / 2 : user_max;

	if (user > user_max)
		return -EINVAL;

	*user_va_range = full - rounddown_pow_of_two(full - user);
	return 0;
}

/* A VM without any VA for the kernel, of which nobody knows yet. */
static struct panthor_vm *create_vm(struct panthor_device *ptdev)
{
	u32 va_bits = GPU_MMU_FEATURES_VA_BITS(ptdev->gpu_info.mmu_features);
	struct panthor_vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);

	vm->root_gem = create_root_gem(ptdev);
	if (!vm->root_gem) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = panthor_pt_init(&vm->pt, ptdev->base.dev, va_bits,
			      ptdev->coherent);
	if (ret)
		goto err_put_root;

	kref_init(&vm->refcount);
	vm->ptdev = ptdev;
	vm->va_range = 1ull << va_bits;
	mutex_init(&vm->op_lock);
	panthor_vma_tree_init(&vm->vmas);
	panthor_vm_bos_init(&vm->bos);
	INIT_WORK(&vm->reap_work, reap_work);
	panthor_bind_queue_init(&vm->queue);
	mutex_init(&vm->kernel_va.lock);
	mutex_init(&vm->heaps.lock);
	panthor_vm_residency_init(vm);

	return vm;

err_put_root:
	drm_gem_object_put(vm->root_gem);
err_free:
	kfree(vm);
	return ERR_PTR(ret);
}

/* The kernel has [start, va_range), and takes VAs from [auto_start, auto_end).
 */
static void init_kernel_va(struct panthor_vm *vm, u64 start, u64 auto_start,
			   u64 auto_end)
{
	drm_mm_init(&vm->kernel_va.mm, start, vm->va_range - start);
	vm->kernel_va.auto_start = auto_start;
	vm->kernel_va.auto_end = auto_end;
}

/**
 * panthor_vm_create() - create a VM that maps nothing
 * @ptdev: the device
 * @dummy: what sparse mappings show
 * @user_va_range: bytes of VA, from 0 on, that VM_BIND may use
 *
 * Return: the VM with one reference, for which panthor_vm_destroy() is due
 * before panthor_vm_put(), or an ERR_PTR.
 */
struct panthor_vm *panthor_vm_create(struct panthor_device *ptdev,
				     struct panthor_gem_object *dummy,
				     u64 user_va_range)
{
	struct panthor_vm *vm = create_vm(ptdev);

	if (IS_ERR(vm))
		return vm;

	vm->user_va_range = user_va_range;
	init_kernel_va(vm, user_va_range, user_va_range, vm->va_range);
	vm->dummy = dummy;
	drm_gem_object_get(&dummy->base.base);
	panthor_mmu_add_vm(vm);

	panthor_vm_lock(vm);
	panthor_vm_unlock(vm);

	return vm;
}

/**
 * panthor_vm_create_mcu() - create the VM of the firmware
 * @ptdev: the device
 * @auto_start: where BOs go that may be anywhere: first address,
 * @auto_end: and the one behind the last
 *
 * The microcontroller reaches 4 GiB. There is one such VM.
 *
 * Return: as panthor_vm_create().
 */
struct panthor_vm *panthor_vm_create_mcu(struct panthor_device *ptdev,
					 u64 auto_start, u64 auto_end)
{
	struct panthor_vm *vm = create_vm(ptdev);

	if (IS_ERR(vm))
		return vm;

	vm->for_mcu = true;
	vm->va_range = SZ_4G;
	init_kernel_va(vm, 0, auto_start, auto_end);
	panthor_mmu_add_vm(vm);

	return vm;
}

/**
 * panthor_vm_destroy() - unmap everything, for good
 * @vm: the VM; references to it stay valid
 *
 * The driver's own BOs lose their mappings as well. Ops that are still queued
 * will find nothing to do, and jobs will fault.
 */
void panthor_vm_destroy(struct panthor_vm *vm)
{
	const struct panthor_vm_op op = {
		.type = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.mapping = {.start = 0, .end = vm->va_range},
	};

	panthor_heap_pool_destroy(vm);

	panthor_vm_lock(vm);
	panthor_vm_commit_unmap(vm, &op);
	WRITE_ONCE(vm->destroyed, true);
	panthor_vm_unlock(vm);
	panthor_vm_reap(vm);
}

static void release_vm(struct kref *kref)
{
	struct panthor_vm *vm = container_of(kref, struct panthor_vm, refcount);

	panthor_mmu_remove_vm(vm);
	panthor_bind_queue_fini(&vm->queue);

	drm_mm_takedown(&vm->kernel_va.mm);
	mutex_destroy(&vm->kernel_va.lock);
	mutex_destroy(&vm->heaps.lock);
	/* Until they are gone, somebody may try to evict BOs from here. */
	panthor_vm_bo_put(vm->dummy_bo);
	panthor_vm_bos_fini(&vm->bos);
	panthor_reclaim_remove_vm(vm);

	panthor_pt_fini(&vm->pt);
	panthor_vma_tree_fini(&vm->vmas);
	report(vm);

	if (vm->dummy)
		drm_gem_object_put(&vm->dummy->base.base);
	drm_gem_object_put(vm->root_gem);
	mutex_destroy(&vm->op_lock);
	kfree(vm);
}

/** panthor_vm_put() - drop a reference; may sleep; NULL is allowed */
void panthor_vm_put(struct panthor_vm *vm)
{
	if (vm)
		kref_put(&vm->refcount, release_vm);
}

/* ----------------------------------------------------------------- state -- */

/** panthor_vm_is_unusable() - what VM_GET_STATE reports */
bool panthor_vm_is_unusable(const struct panthor_vm *vm)
{
	return READ_ONCE(vm->unusable);
}

/**
 * panthor_vm_can_run_jobs() - may GPU work be started on a VM?
 *
 * Not on one that is unusable or destroyed, nor on one with an access that
 * faulted.
 */
bool panthor_vm_can_run_jobs(struct panthor_vm *vm)
{
	return !READ_ONCE(vm->unusable) && !READ_ONCE(vm->destroyed) &&
	       !panthor_mmu_vm_faulted(vm);
}

/** panthor_vm_set_unusable() - an op failed; under op_lock */
void panthor_vm_set_unusable(struct panthor_vm *vm)
{
	lockdep_assert_held(&vm->op_lock);

	if (vm->unusable)
		return;

	/* In this order: an activation either sees the flag or is undone. */
	WRITE_ONCE(vm->unusable, true);
	panthor_mmu_disable(vm);
	panthor_sched_vm_failed(vm);
}

/** panthor_vm_root_gem() - the object whose resv the VM uses; no reference */
struct drm_gem_object *panthor_vm_root_gem(struct panthor_vm *vm)
{
	return vm->root_gem;
}

/** panthor_vm_resv() - the resv of the VM and of BOs exclusive to it */
struct dma_resv *panthor_vm_resv(struct panthor_vm *vm)
{
	return vm->root_gem->resv;
}

/** panthor_vm_active() - see panthor_mmu_activate() */
int panthor_vm_active(struct panthor_vm *vm)
{
	return panthor_mmu_activate(vm);
}

/** panthor_vm_idle() - see panthor_mmu_idle() */
void panthor_vm_idle(struct panthor_vm *vm)
{
	panthor_mmu_idle(vm);
}

/* The BO that is mapped at a VA, with a reference, or NULL. */
static struct panthor_gem_object *get_bo_at(struct panthor_vm *vm, u64 va,
					    u64 *offset_out)
{
	struct panthor_gem_object *bo = NULL;
	const struct panthor_vma *vma;

	panthor_vm_lock(vm);
	vma = panthor_vma_first(&vm->vmas, va);
	if (vma && vma->start <= va) {
		bo = vma->bo->bo;
		drm_gem_object_get(&bo->base.base);
		*offset_out = vma->offset + (va - vma->start);
		if (vma->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE)
			*offset_out = va & (PANTHOR_DUMMY_BO_SIZE - 1);
	}
	panthor_vm_unlock(vm);

	return bo;
}

/**
 * panthor_vm_peek() - what the GPU would load
 * @vm: the VM; waits for an op on it that is under way
 * @va: aligned to the size; sparse memory reads as the dummy BO, or zero if null
 * @is_64: 8 bytes, else 4
 * @value_out: the value
 *
 * Takes op_lock, and then the resv of the BO, for as long as it takes to map it
 * for the CPU: whoever holds that must not wait for a fence without limit.
 *
 * Return: 0; -EINVAL if @va is not aligned; -ENOENT if nothing is mapped there;
 * what drm_gem_vmap_unlocked() returned.
 */
int panthor_vm_peek(struct panthor_vm *vm, u64 va, bool is_64, u64 *value_out)
{
	struct panthor_gem_object *bo;
	struct iosys_map map;
	u64 offset;
	int ret;

	if (va & (is_64 ? 7 : 3))
		return -EINVAL;

	bo = get_bo_at(vm, va, &offset);
	if (!bo)
		return -ENOENT;

	if (bo->null) {
		*value_out = 0;
		drm_gem_object_put(&bo->base.base);
		return 0;
	}

	ret = drm_gem_vmap_unlocked(&bo->base.base, &map);
	if (!ret) {
		*value_out = is_64 ? READ_ONCE(*(u64 *)(map.vaddr + offset))
				   : READ_ONCE(*(u32 *)(map.vaddr + offset));
		drm_gem_vunmap_unlocked(&bo->base.base, &map);
	}
	drm_gem_object_put(&bo->base.base);
	return ret;
}
