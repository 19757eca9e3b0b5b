/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A BO in a VM, with its pages indexed, for as long as VMAs or ops of that VM
 * name it. There is at most one per BO and VM, so comparing pointers compares
 * BOs.
 *
 * A reference does not keep the BO's pages: for that, and to have what the VM
 * maps of it in the page tables, use it as well. An op does both.
 *
 * References may be dropped under the VM's op_lock. The last one only takes the
 * object out of sight: taking leave of the BO needs its resv, which comes before
 * op_lock, and is left to panthor_vm_bos_reap().
 *
 * Locking: panthor_vm_bos::lock guards the tree and the lists; it is a leaf
 * lock. The VM's op_lock guards vmas, backing and writes of evicted; users of
 * the BO, whom nothing is evicted from, may read both. The BO's resv guards
 * bo_node.
 */
#ifndef PANTHOR_VM_BO_H
#define PANTHOR_VM_BO_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>

struct panthor_backing;
struct panthor_gem_object;

struct panthor_vm_bos {
	spinlock_t lock;
	struct rb_root tree;   /* by address of the BO */
	struct list_head dead; /* to be reaped */
	struct list_head evicted;
};

struct panthor_vm_bo {
	refcount_t refcount;
	struct panthor_vm_bos *bos;
	struct rb_node node; /* empty: no longer, or not yet, in the tree */
	struct list_head dead;

	struct panthor_gem_object *bo; /* holds a reference */
	struct list_head bo_node;      /* in panthor_gem_object::vm_bos */
	struct list_head vmas;	       /* panthor_vma::bo_node */
	/* NULL: evicted, and no leaf names a page of the BO. */
	struct panthor_backing *backing;
	/* Leaves may be absent. */
	bool evicted;
	struct list_head evicted_node; /* in panthor_vm_bos::evicted */
};

void panthor_vm_bos_init(struct panthor_vm_bos *bos);
void panthor_vm_bos_fini(struct panthor_vm_bos *bos);
bool panthor_vm_bos_need_reap(struct panthor_vm_bos *bos);
void panthor_vm_bos_reap(struct panthor_vm_bos *bos);

struct panthor_vm_bo *panthor_vm_bos_get(struct panthor_vm_bos *bos,
					 struct panthor_gem_object *bo);

static inline struct panthor_vm_bo *
panthor_vm_bo_get(struct panthor_vm_bo *vm_bo)
{
	refcount_inc(&vm_bo->refcount);
	return vm_bo;
}

void panthor_vm_bo_put(struct panthor_vm_bo *vm_bo);
struct panthor_vm_bo *panthor_vm_bos_get_evicted(struct panthor_vm_bos *bos,
						 struct panthor_vm_bo *prev);
void panthor_vm_bo_set_evicted(struct panthor_vm_bo *vm_bo, bool evicted);

#endif /* PANTHOR_VM_BO_H */
