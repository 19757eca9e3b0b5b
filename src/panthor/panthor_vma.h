/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The VA tree of a VM: which range maps what. It only keeps the books; the page
 * tables are edited next to it, by the same op.
 *
 * A VMA is a maximal range: neighbours that say the same are merged, so tiles
 * that were bound one by one over a contiguous part of a BO are one VMA in the
 * end. The offset of a sparse VMA is always its start mod 2 MiB, because sparse
 * memory repeats the dummy BO every 2 MiB.
 *
 * Assigning a range never allocates: VMAs are held in reserve before, two for
 * each range that may be assigned (one new VMA, one for the rest of an old one
 * that is split) or one for each that may be cleared.
 *
 * A BO knows its VMAs: panthor_vm_bo::vmas.
 *
 * Locking: none in here; the VM's op_lock guards the tree and these lists.
 */
#ifndef PANTHOR_VMA_H
#define PANTHOR_VMA_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include "panthor_pt.h"

struct panthor_vm_bo;

struct panthor_vma {
	union {
		struct rb_node node;   /* in panthor_vma_tree::root */
		struct list_head free; /* in panthor_vma_tree::free */
	};
	u64 start, end;		  /* VA, [start, end) */
	struct panthor_vm_bo *bo; /* holds a reference */
	struct list_head bo_node; /* in panthor_vm_bo::vmas */
	u64 offset;		  /* of start in the BO */
	u32 flags; /* enum drm_panthor_vm_bind_op_flags, type excluded */
};

struct panthor_vma_tree {
	struct rb_root root;
	/* What was found or assigned last: the next one is often near. */
	struct panthor_vma *hint;
	u64 count;
	/* Sparse VMAs of each attribute set. */
	u64 sparse[PANTHOR_PT_SETS];

	struct list_head free;
	u64 free_count;
	u64 held;
};

/* What a range maps, or will map. */
struct panthor_mapping {
	u64 start, end;
	struct panthor_vm_bo *bo; /* NULL: nothing */
	u64 offset;		  /* of start; sparse: start mod 2 MiB */
	u32 flags;
};

void panthor_vma_tree_init(struct panthor_vma_tree *tree);
void panthor_vma_tree_fini(struct panthor_vma_tree *tree);

u64 panthor_vma_shortage(const struct panthor_vma_tree *tree, u64 count);
int panthor_vma_alloc(u64 count, struct list_head *vmas);
void panthor_vma_free(struct list_head *vmas);
void panthor_vma_reserve_add(struct panthor_vma_tree *tree, u64 count,
			     struct list_head *vmas);
void panthor_vma_reserve_hold(struct panthor_vma_tree *tree, u64 count);
void panthor_vma_reserve_drop(struct panthor_vma_tree *tree, u64 count);
void panthor_vma_trim(struct panthor_vma_tree *tree, struct list_head *surplus);

struct panthor_vma *panthor_vma_first(struct panthor_vma_tree *tree, u64 va);
struct panthor_vma *panthor_vma_next(struct panthor_vma *vma);
bool panthor_vma_is_mapped(struct panthor_vma_tree *tree,
			   const struct panthor_mapping *mapping);
void panthor_vma_assign(struct panthor_vma_tree *tree,
			const struct panthor_mapping *mapping);

#endif /* PANTHOR_VMA_H */
