/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A VM: an address space, what is mapped in it, and how that changes.
 *
 * An op goes through two phases. Preparing validates it, looks up and pins its
 * BO, and holds VMAs and page-table pages for it; it may sleep and fail and
 * changes nothing that anybody can see. Committing cannot fail once the MMU is
 * locked: it assigns the range in the VA tree and edits the page tables.
 *
 *	panthor_vm_op_prepare()             for each op
 *	panthor_vm_lock_ops()               takes op_lock, holds what they need
 *	panthor_vm_commit()                 now, or later under op_lock again
 *	panthor_vm_release_ops()
 *	panthor_vm_unlock()
 *	panthor_vm_op_cleanup()             for each op
 *	panthor_vm_reap()
 *
 * What is mapped may be evicted while no op names it: panthor_reclaim.h.
 *
 * Lock order: resv of the VM, of BOs > op_lock > slots_lock > the flush lock.
 *
 * The firmware has a VM of its own, which differs: it is all the kernel's, has
 * no dummy BO and no part in the device's counters, and sits in slot 0.
 */
#ifndef PANTHOR_VM_H
#define PANTHOR_VM_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <drm/drm_mm.h>

#include "panthor_bind_queue.h"
#include "panthor_mmu.h"
#include "panthor_pt.h"
#include "panthor_vm_bo.h"
#include "panthor_vm_pool.h"
#include "panthor_vma.h"

struct dma_resv;
struct drm_exec;
struct drm_file;
struct drm_gem_object;
struct drm_panthor_vm_bind_op;
struct panthor_device;
struct panthor_gem_object;
struct panthor_heap_pool;

/* What is left to the kernel of every VM, at least: at its top. */
#define PANTHOR_VM_MIN_KERNEL_VA_SIZE (256ull << 20)

/* Ops that are committed without dropping op_lock in between. */
#define PANTHOR_VM_OPS_PER_LOCK 128

struct panthor_vm {
	struct kref refcount;
	struct panthor_device *ptdev;
	/* Owner of the resv that exclusive BOs share; has no contents. */
	struct drm_gem_object *root_gem;

	bool for_mcu;	   /* the firmware's */
	u64 va_range;	   /* bytes of the whole VA space */
	u64 user_va_range; /* bytes at its bottom that processes may map */

	/* Tiler heaps. */
	struct {
		struct mutex lock;		/* guards all of this */
		struct panthor_heap_pool *pool; /* NULL: none, a reference */
		bool closed;			/* there will be none */
	} heaps;

	/* VAs that the driver's own BOs have. */
	struct {
		struct mutex lock; /* guards mm */
		struct drm_mm mm;
		u64 auto_start, auto_end; /* where to look for a free one */
	} kernel_va;

	/* Guards pt, vmas, backing hints, reported, and writes of the flags. */
	struct mutex op_lock;
	struct panthor_pt pt;
	struct panthor_vma_tree vmas;
	bool destroyed; /* VM_DESTROY: maps nothing ever again */
	bool unusable;	/* an op failed half-way: no more MAPs */
	/* What the device's counters have been told of this VM. */
	struct {
		u64 written, pages, vmas;
	} reported;

	struct panthor_vm_bos bos;
	/* The file's dummy BO (NULL: none); and that in this VM, from the first
	 * sparse op on. */
	struct panthor_gem_object *dummy;
	struct panthor_vm_bo
		*dummy_bo; /* guarded by bos.lock; never changes back */

	struct panthor_vm_as as;
	/* How many windows keep it in its slot: panthor_host.h. */
	atomic_t windows;
	struct work_struct absent_work; /* holds a reference while queued */
	/* Belongs to panthor_reclaim.c. */
	struct {
		struct list_head node;
		struct list_head bos;
	} reclaim;
	struct panthor_bind_queue queue;
	struct work_struct reap_work; /* holds a reference while queued */
};

/* Types of ops of our own, on what a VMA maps. */
#define PANTHOR_VM_OP_EVICT (14u << 28)
#define PANTHOR_VM_OP_RESTORE (15u << 28)

/* One op, of a VM_BIND or of the driver, prepared. size 0: does nothing. */
struct panthor_vm_op {
	u32 type;    /* DRM_PANTHOR_VM_BIND_OP_TYPE_*, or of our own */
	bool kernel; /* maps on an unusable VM, too */
	/* Holds a reference to its BO, and uses it. */
	struct panthor_mapping mapping;
};

/* What is set aside for a number of ops. */
struct panthor_vm_reserve {
	struct panthor_pt_need need;
	u64 vmas;
};

/* The BO of the last op that was prepared: the next one often has the same. */
struct panthor_vm_op_cache {
	u32 handle; /* 0: none */
	struct panthor_vm_bo *vm_bo;
};

struct panthor_vm *panthor_vm_create(struct panthor_device *ptdev,
				     struct panthor_gem_object *dummy,
				     u64 user_va_range);
struct panthor_vm *panthor_vm_create_mcu(struct panthor_device *ptdev,
					 u64 auto_start, u64 auto_end);
int panthor_vm_check_range(u32 va_bits, u64 *user_va_range);
void panthor_vm_destroy(struct panthor_vm *vm);

static inline struct panthor_vm *panthor_vm_get(struct panthor_vm *vm)
{
	kref_get(&vm->refcount);
	return vm;
}

void panthor_vm_put(struct panthor_vm *vm);

bool panthor_vm_is_unusable(const struct panthor_vm *vm);
bool panthor_vm_can_run_jobs(struct panthor_vm *vm);
struct drm_gem_object *panthor_vm_root_gem(struct panthor_vm *vm);
struct dma_resv *panthor_vm_resv(struct panthor_vm *vm);

int panthor_vm_active(struct panthor_vm *vm);
void panthor_vm_idle(struct panthor_vm *vm);

int panthor_vm_op_prepare(struct panthor_vm *vm, struct drm_file *file,
			  const struct drm_panthor_vm_bind_op *args,
			  struct panthor_vm_op_cache *cache,
			  struct panthor_vm_op *op);
void panthor_vm_op_need(const struct panthor_vm *vm,
			const struct panthor_vm_op *op,
			struct panthor_pt_need *need);
void panthor_vm_op_cleanup(struct panthor_vm_op *op);
void panthor_vm_op_cache_fini(struct panthor_vm_op_cache *cache);

int panthor_vm_lock_ops(struct panthor_vm *vm, const struct panthor_vm_op *ops,
			u32 count, struct panthor_vm_reserve *reserve);
int panthor_vm_commit(struct panthor_vm *vm, const struct panthor_vm_op *ops,
		      u32 count, u32 *done_out);
void panthor_vm_commit_unmap(struct panthor_vm *vm,
			     const struct panthor_vm_op *op);
void panthor_vm_hold_instead(struct panthor_vm *vm,
			     const struct panthor_vm_op *op,
			     struct panthor_vm_reserve *reserve);
void panthor_vm_release_ops(struct panthor_vm *vm,
			    const struct panthor_vm_reserve *reserve);
void panthor_vm_set_unusable(struct panthor_vm *vm);
void panthor_vm_lock(struct panthor_vm *vm);
void panthor_vm_unlock(struct panthor_vm *vm);
void panthor_vm_reap(struct panthor_vm *vm);
void panthor_vm_queue_reap(struct panthor_vm *vm);

/* panthor_vm_residency.c */
static inline struct panthor_vm *panthor_vm_of_bo(struct panthor_vm_bo *vm_bo)
{
	return container_of(vm_bo->bos, struct panthor_vm, bos);
}

void panthor_vm_residency_init(struct panthor_vm *vm);
int panthor_vm_evict_bo(struct panthor_vm_bo *vm_bo);
struct panthor_vm_bo *panthor_vm_use_bo(struct panthor_vm *vm,
					struct panthor_gem_object *bo);
int panthor_vm_bo_use(struct panthor_vm_bo *vm_bo);
void panthor_vm_bo_unuse(struct panthor_vm_bo *vm_bo);
int panthor_vm_lock_evicted(struct panthor_vm *vm, struct drm_exec *exec);
int panthor_vm_restore(struct panthor_vm *vm);
int panthor_vm_restore_all(struct panthor_vm *vm);

#endif /* PANTHOR_VM_H */
