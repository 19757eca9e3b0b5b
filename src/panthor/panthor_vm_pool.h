/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The VMs of an open file, by id, and the file's dummy BO, which all sparse
 * mappings of these VMs show.
 *
 * Locking: none for callers; ids are in an xarray with a lock of its own.
 */
#ifndef PANTHOR_VM_POOL_H
#define PANTHOR_VM_POOL_H

#include <linux/types.h>

struct drm_panthor_vm_create;
struct panthor_device;
struct panthor_vm;
struct panthor_vm_pool;

/* ids are 1..32; the lowest free one is taken. */
#define PANTHOR_MAX_VMS_PER_FILE 32

struct panthor_vm_pool *panthor_vm_pool_create(struct panthor_device *ptdev);
void panthor_vm_pool_destroy(struct panthor_vm_pool *pool);

int panthor_vm_pool_create_vm(struct panthor_device *ptdev,
			      struct panthor_vm_pool *pool,
			      struct drm_panthor_vm_create *args);
int panthor_vm_pool_destroy_vm(struct panthor_vm_pool *pool, u32 id);
struct panthor_vm *panthor_vm_pool_get_vm(struct panthor_vm_pool *pool, u32 id);
struct panthor_vm *panthor_vm_pool_get_next(struct panthor_vm_pool *pool,
					    u32 *id);

#endif /* PANTHOR_VM_POOL_H */
