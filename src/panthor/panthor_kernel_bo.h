/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Buffer objects that the driver itself maps for the GPU: in the range at the
 * top of every VM that processes cannot bind, or in the firmware's VM.
 *
 * VM_DESTROY unmaps them with all the rest: the GPU then faults there, and the
 * object is still destroyed by its owner as usual.
 *
 * Locking: the range of a VM has a mutex of its own, inside. Creating,
 * destroying and (un)mapping for the CPU take the VM's dma_resv: the caller
 * must not hold it, nor be something that a job's fence waits for.
 */
#ifndef PANTHOR_KERNEL_BO_H
#define PANTHOR_KERNEL_BO_H

#include <linux/limits.h>
#include <linux/types.h>

#include <drm/drm_mm.h>

#include "panthor_vm.h"

struct panthor_device;
struct panthor_gem_object;

/* As a VA: anywhere in the kernel's range. */
#define PANTHOR_VM_KERNEL_AUTO_VA U64_MAX

struct panthor_kernel_bo {
	struct panthor_gem_object *bo;
	struct panthor_vm *vm; /* holds a reference */
	u64 va;
	u64 size;   /* bytes, whole pages */
	void *kmap; /* the CPU's view; NULL until panthor_kernel_bo_vmap() */
	struct drm_mm_node va_node;
	/* So that unmapping cannot fail. */
	struct panthor_vm_reserve unmap_reserve;
};

struct panthor_kernel_bo *panthor_kernel_bo_create(struct panthor_device *ptdev,
						   struct panthor_vm *vm,
						   u64 size, u32 bo_flags,
						   u32 vm_map_flags, u64 va,
						   const char *label);
void panthor_kernel_bo_destroy(struct panthor_kernel_bo *kbo);

int panthor_kernel_bo_vmap(struct panthor_kernel_bo *kbo);
void panthor_kernel_bo_vunmap(struct panthor_kernel_bo *kbo);

#endif /* PANTHOR_KERNEL_BO_H */
