// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_gem.h"
#include "panthor_kernel_bo.h"
#include "panthor_vm.h"

/* --------------------------------------------------------- VAs, mapping -- */

static int alloc_va(struct panthor_vm *vm, u64 va, u64 size,
		    struct drm_mm_node *node)
{
	int ret;

	mutex_lock(&vm->kernel_va.lock);
	if (va != PANTHOR_VM_KERNEL_AUTO_VA) {
		node->start = va;
		node->size = size;
		ret = drm_mm_reserve_node(&vm->kernel_va.mm, node);
	} else {
		/* Large ones may consist of blocks. */
		ret = drm_mm_insert_node_in_range(&vm->kernel_va.mm, node, size,
						  size >= SZ_2M ? SZ_2M : SZ_4K,
						  0, vm->kernel_va.auto_start,
						  vm->kernel_va.auto_end,
						  DRM_MM_INSERT_BEST);
	}
	mutex_unlock(&vm->kernel_va.lock);

	return ret;
}

static void free_va(struct panthor_vm *vm, struct drm_mm_node *node)
{
	mutex_lock(&vm->kernel_va.lock);
	drm_mm_remove_node(node);
	mutex_unlock(&vm->kernel_va.lock);
}

static struct panthor_vm_op unmap_op(const struct panthor_kernel_bo *kbo)
{
	return (struct panthor_vm_op){
		.type = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP,
		.mapping = {.start = kbo->va, .end = kbo->va + kbo->size},
	};
}

/* Unlike a process's MAP, on an unusable VM too. Leaves nothing on failure. */
static int map(struct panthor_kernel_bo *kbo, u32 flags)
{
	struct panthor_vm *vm = kbo->vm;
	struct panthor_vm_op ops[] = {
		{
			.type = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP,
			.kernel = true,
			.mapping = {.start = kbo->va,
				    .end = kbo->va + kbo->size,
				    .flags = flags},
		},
		unmap_op(kbo),
	};
	u32 done;
	int ret;

	ops[0].mapping.bo = panthor_vm_use_bo(vm, kbo->bo);
	if (IS_ERR(ops[0].mapping.bo))
		return PTR_ERR(ops[0].mapping.bo);

	/* What the unmapping may need is set aside now. */
	ret = panthor_vm_lock_ops(vm, ops, ARRAY_SIZE(ops),
				  &kbo->unmap_reserve);
	if (!ret) {
		ret = panthor_vm_commit(vm, &ops[0], 1, &done);
		if (ret)
			panthor_vm_release_ops(vm, &kbo->unmap_reserve);
		else
			panthor_vm_hold_instead(vm, &ops[1],
						&kbo->unmap_reserve);
		panthor_vm_unlock(vm);
	}

	panthor_vm_op_cleanup(&ops[0]);
	panthor_vm_reap(vm);
	return ret;
}

static void unmap(struct panthor_kernel_bo *kbo)
{
	const struct panthor_vm_op op = unmap_op(kbo);

	panthor_vm_lock(kbo->vm);
	panthor_vm_commit_unmap(kbo->vm, &op);
	panthor_vm_release_ops(kbo->vm, &kbo->unmap_reserve);
	panthor_vm_unlock(kbo->vm);
	panthor_vm_reap(kbo->vm);
}

/* -------------------------------------------------------------- lifetime -- */

/**
 * panthor_kernel_bo_create() - create and map a BO of the driver's own
 * @ptdev: the device
 * @vm: where to map it; unusable ones are fine
 * @size: bytes, rounded up to whole pages
 * @bo_flags: enum drm_panthor_bo_flags; processes get no handle in any case
 * @vm_map_flags: enum drm_panthor_vm_bind_op_flags of a MAP. SPARSE is refused:
 * what lies behind sparse memory is shared with the processes of the file
 * @va: in the kernel's range, or PANTHOR_VM_KERNEL_AUTO_VA
 * @label: a string, copied
 *
 * The contents are zero.
 *
 * Return: the BO or an ERR_PTR: -EINVAL for SPARSE, no size, or a VM that is
 * destroyed; -ENOSPC if the VA is taken, or all are; -ENOMEM; -ETIMEDOUT if the
 * MMU does not answer; what using it gave.
 */
struct panthor_kernel_bo *panthor_kernel_bo_create(struct panthor_device *ptdev,
						   struct panthor_vm *vm,
						   u64 size, u32 bo_flags,
						   u32 vm_map_flags, u64 va,
						   const char *label)
{
	struct panthor_kernel_bo *kbo;
	int ret;

	if (WARN_ON(vm_map_flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE) || !size)
		return ERR_PTR(-EINVAL);

	kbo = kzalloc(sizeof(*kbo), GFP_KERNEL_ACCOUNT);
	if (!kbo)
		return ERR_PTR(-ENOMEM);

	kbo->vm = vm;
	kbo->bo = panthor_gem_create_kernel(ptdev, vm, size, bo_flags, label);
	if (IS_ERR(kbo->bo)) {
		ret = PTR_ERR(kbo->bo);
		goto err_free;
	}
	kbo->size = panthor_bo_size(kbo->bo);

	ret = alloc_va(vm, va, kbo->size, &kbo->va_node);
	if (ret)
		goto err_put_bo;
	kbo->va = kbo->va_node.start;

	ret = map(kbo, vm_map_flags);
	if (ret)
		goto err_free_va;

	panthor_vm_get(vm);
	return kbo;

err_free_va:
	free_va(vm, &kbo->va_node);
err_put_bo:
	drm_gem_object_put(&kbo->bo->base.base);
err_free:
	kfree(kbo);
	return ERR_PTR(ret);
}

/**
 * panthor_kernel_bo_destroy() - unmap and free; NULL and ERR_PTRs are allowed
 *
 * The GPU does not use it any more. Cannot fail, whatever became of the VM.
 */
void panthor_kernel_bo_destroy(struct panthor_kernel_bo *kbo)
{
	if (IS_ERR_OR_NULL(kbo))
		return;

	panthor_kernel_bo_vunmap(kbo);
	unmap(kbo);
	free_va(kbo->vm, &kbo->va_node);
	drm_gem_object_put(&kbo->bo->base.base);
	panthor_vm_put(kbo->vm);
	kfree(kbo);
}

/* ----------------------------------------------------------- CPU's view --- */

/**
 * panthor_kernel_bo_vmap() - show a BO to the driver
 *
 * kmap points to its contents until panthor_kernel_bo_vunmap(). Does nothing if
 * it does already.
 *
 * Return: 0 or -ENOMEM.
 */
int panthor_kernel_bo_vmap(struct panthor_kernel_bo *kbo)
{
	struct iosys_map map;
	int ret;

	if (kbo->kmap)
		return 0;

	ret = drm_gem_vmap_unlocked(&kbo->bo->base.base, &map);
	if (ret)
		return ret;

	kbo->kmap = map.vaddr;
	return 0;
}

/** panthor_kernel_bo_vunmap() - the inverse; nothing if there is no mapping */
void panthor_kernel_bo_vunmap(struct panthor_kernel_bo *kbo)
{
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(kbo->kmap);

	if (!kbo->kmap)
		return;

	drm_gem_vunmap_unlocked(&kbo->bo->base.base, &map);
	kbo->kmap = NULL;
}
