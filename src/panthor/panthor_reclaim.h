/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Eviction: which BOs lose their pages when memory runs out
 * (docs/panthor.md, "Eviction and restore").
 *
 * A BO that may be evicted and has pages is on one of three kinds of list:
 * those that no VM knows, those of a VM that alone knows them, and those that
 * several VMs know. They are tried in this order, VMs from the one on that was
 * inactive longest.
 *
 * Locking: panthor_reclaim::lock guards the lists; it is a leaf lock. Whoever
 * evicts holds scan_lock, under which no BO and no VM goes away, and allocates
 * nothing; all other locks it only tries, but for the MMU's, which are never
 * held while memory is allocated.
 */
#ifndef PANTHOR_RECLAIM_H
#define PANTHOR_RECLAIM_H

#include <linux/types.h>

struct panthor_device;
struct panthor_gem_object;
struct panthor_vm;

int panthor_reclaim_init(struct panthor_device *ptdev);
void panthor_reclaim_fini(struct panthor_device *ptdev);

void panthor_reclaim_update(struct panthor_gem_object *bo);
void panthor_reclaim_remove(struct panthor_gem_object *bo);

void panthor_reclaim_add_vm(struct panthor_vm *vm);
void panthor_reclaim_touch_vm(struct panthor_vm *vm);
void panthor_reclaim_remove_vm(struct panthor_vm *vm);

u64 panthor_reclaim_make_room(struct panthor_device *ptdev, u64 pages);

#endif /* PANTHOR_RECLAIM_H */
