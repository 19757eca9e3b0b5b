// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include <drm/drm_gem.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_device.h"
#include "panthor_gem.h"
#include "panthor_regs.h"
#include "panthor_vm.h"
#include "panthor_vm_pool.h"

struct panthor_vm_pool {
	/* id to VM, each with a reference. */
	struct xarray vms;
	/* Each VM has a reference of its own. */
	struct panthor_gem_object *dummy;
};

/**
 * panthor_vm_pool_create() - for a file that is opened
 *
 * Return: the pool, without VMs, or ERR_PTR(-ENOMEM).
 */
struct panthor_vm_pool *panthor_vm_pool_create(struct panthor_device *ptdev)
{
	struct panthor_vm_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return ERR_PTR(-ENOMEM);

	pool->dummy = panthor_gem_create_dummy(ptdev);
	if (IS_ERR(pool->dummy)) {
		int ret = PTR_ERR(pool->dummy);

		kfree(pool);
		return ERR_PTR(ret);
	}

	xa_init_flags(&pool->vms, XA_FLAGS_ALLOC1);
	return pool;
}

/** panthor_vm_pool_destroy() - the inverse; destroys the VMs that are left */
void panthor_vm_pool_destroy(struct panthor_vm_pool *pool)
{
	struct panthor_vm *vm;
	unsigned long id;

	xa_for_each (&pool->vms, id, vm)
		(void)panthor_vm_pool_destroy_vm(pool, id);

	xa_destroy(&pool->vms);
	drm_gem_object_put(&pool->dummy->base.base);
	kfree(pool);
}

/**
 * panthor_vm_pool_create_vm() - VM_CREATE
 * @ptdev: the device
 * @pool: of the file
 * @args: user_va_range in and out
 *
 * Return: the id, 1..32; -EINVAL for a range that leaves the kernel too little;
 * -EBUSY if the file has all its VMs; -ENOMEM.
 */
int panthor_vm_pool_create_vm(struct panthor_device *ptdev,
			      struct panthor_vm_pool *pool,
			      struct drm_panthor_vm_create *args)
{
	u32 va_bits = GPU_MMU_FEATURES_VA_BITS(ptdev->gpu_info.mmu_features);
	u64 user_va_range = args->user_va_range;
	struct panthor_vm *vm;
	int ret;
	u32 id;

	ret = panthor_vm_check_range(va_bits, &user_va_range);
	if (ret)
		return ret;

	vm = panthor_vm_create(ptdev, pool->dummy, user_va_range);
	if (IS_ERR(vm))
		return PTR_ERR(vm);

	ret = xa_alloc(&pool->vms, &id, vm,
		       XA_LIMIT(1, PANTHOR_MAX_VMS_PER_FILE), GFP_KERNEL);
	if (ret) {
		panthor_vm_destroy(vm);
		panthor_vm_put(vm);
		return ret;
	}

	args->user_va_range = user_va_range;
	return id;
}

/**
 * panthor_vm_pool_destroy_vm() - VM_DESTROY
 *
 * The id is free at once, and nothing is mapped any more. Whoever uses the VM
 * keeps it alive.
 *
 * Return: 0, or -EINVAL for an unknown id.
 */
int panthor_vm_pool_destroy_vm(struct panthor_vm_pool *pool, u32 id)
{
	struct panthor_vm *vm = xa_erase(&pool->vms, id);

	if (!vm)
		return -EINVAL;

	panthor_vm_destroy(vm);
	panthor_vm_put(vm);
	return 0;
}

/** panthor_vm_pool_get_vm() - a reference to the VM with an id, or NULL */
struct panthor_vm *panthor_vm_pool_get_vm(struct panthor_vm_pool *pool, u32 id)
{
	struct panthor_vm *vm;

	xa_lock(&pool->vms);
	vm = xa_load(&pool->vms, id);
	if (vm)
		panthor_vm_get(vm);
	xa_unlock(&pool->vms);

	return vm;
}

/**
 * panthor_vm_pool_get_next() - walk over the VMs of a file
 * @pool: of the file
 * @id: of the last one, 0 before the first; that of the result
 *
 * Return: a reference to the VM with the next higher id, or NULL.
 */
struct panthor_vm *panthor_vm_pool_get_next(struct panthor_vm_pool *pool,
					    u32 *id)
{
	struct panthor_vm *vm = NULL;

	while (!vm && ++*id <= PANTHOR_MAX_VMS_PER_FILE)
		vm = panthor_vm_pool_get_vm(pool, *id);

	return vm;
}
