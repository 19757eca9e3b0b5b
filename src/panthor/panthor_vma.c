// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_vm_bo.h"
#include "panthor_vma.h"

/* Free VMAs that an idle tree keeps for the next ops: 22 KiB. */
#define FREE_VMAS_KEPT 256

static struct panthor_vma *to_vma(struct rb_node *node)
{
	return rb_entry_safe(node, struct panthor_vma, node);
}

static struct panthor_vma *prev_vma(struct panthor_vma *vma)
{
	return to_vma(rb_prev(&vma->node));
}

/** panthor_vma_next() - the VMA behind @vma, or NULL */
struct panthor_vma *panthor_vma_next(struct panthor_vma *vma)
{
	return to_vma(rb_next(&vma->node));
}

static bool is_sparse(u32 flags)
{
	return flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
}

/* The offset of address @va of a mapping that has @offset at @start. */
static u64 offset_at(u32 flags, u64 start, u64 offset, u64 va)
{
	return is_sparse(flags) ? va % SZ_2M : offset + (va - start);
}

/* -------------------------------------------------------------- reserve -- */

/** panthor_vma_shortage() - VMAs to add before @count more can be held */
u64 panthor_vma_shortage(const struct panthor_vma_tree *tree, u64 count)
{
	u64 wanted = tree->held + count;

	return wanted > tree->free_count ? wanted - tree->free_count : 0;
}

/**
 * panthor_vma_alloc() - allocate @count VMAs onto a list
 *
 * Return: 0, or -ENOMEM and then @vmas is as before.
 */
int panthor_vma_alloc(u64 count, struct list_head *vmas)
{
	struct panthor_vma *vma;
	LIST_HEAD(fresh);

	while (count--) {
		vma = kmalloc(sizeof(*vma), GFP_KERNEL_ACCOUNT);
		if (!vma) {
			panthor_vma_free(&fresh);
			return -ENOMEM;
		}
		list_add(&vma->free, &fresh);
	}

	list_splice(&fresh, vmas);
	return 0;
}

/** panthor_vma_free() - free a list of VMAs; it is empty afterwards */
void panthor_vma_free(struct list_head *vmas)
{
	struct panthor_vma *vma, *next;

	list_for_each_entry_safe (vma, next, vmas, free)
		kfree(vma);
	INIT_LIST_HEAD(vmas);
}

/** panthor_vma_reserve_add() - put @count VMAs into the reserve */
void panthor_vma_reserve_add(struct panthor_vma_tree *tree, u64 count,
			     struct list_head *vmas)
{
	list_splice_init(vmas, &tree->free);
	tree->free_count += count;
}

/** panthor_vma_reserve_hold() - promise @count VMAs, without shortage */
void panthor_vma_reserve_hold(struct panthor_vma_tree *tree, u64 count)
{
	WARN_ON(panthor_vma_shortage(tree, count));
	tree->held += count;
}

/** panthor_vma_reserve_drop() - the inverse; trim releases the VMAs */
void panthor_vma_reserve_drop(struct panthor_vma_tree *tree, u64 count)
{
	tree->held -= count;
}

/**
 * panthor_vma_trim() - let go of VMAs that no op may need
 * @tree: the tree
 * @surplus: gets them; free them with panthor_vma_free()
 */
void panthor_vma_trim(struct panthor_vma_tree *tree, struct list_head *surplus)
{
	while (tree->free_count > tree->held + FREE_VMAS_KEPT) {
		list_move(tree->free.next, surplus);
		tree->free_count--;
	}
}

static struct panthor_vma *take_vma(struct panthor_vma_tree *tree)
{
	struct panthor_vma *vma;

	/* As with page tables: by construction there is one. */
	if (WARN_ON(list_empty(&tree->free)))
		return kmalloc(sizeof(*vma), GFP_KERNEL | __GFP_NOFAIL);

	vma = list_first_entry(&tree->free, struct panthor_vma, free);
	list_del(&vma->free);
	tree->free_count--;
	return vma;
}

/* ----------------------------------------------------------------- tree -- */

/* Counts a VMA in, or out with @delta -1, whose flags are set. */
static void count_vma(struct panthor_vma_tree *tree,
		      const struct panthor_vma *vma, int delta)
{
	tree->count += delta;
	if (is_sparse(vma->flags))
		tree->sparse[panthor_pt_set(vma->flags)] += delta;
}

/* Links a VMA right behind @prev, or as the first one where that is NULL. */
static void insert_vma(struct panthor_vma_tree *tree, struct panthor_vma *vma,
		       struct panthor_vma *prev)
{
	struct rb_node *parent = prev ? &prev->node : NULL;
	struct rb_node **link =
		prev ? &prev->node.rb_right : &tree->root.rb_node;

	/* The next one has no left child if this one has a right child. */
	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}

	rb_link_node(&vma->node, parent, link);
	rb_insert_color(&vma->node, &tree->root);
	list_add_tail(&vma->bo_node, &vma->bo->vmas);
	count_vma(tree, vma, 1);
}

static void remove_vma(struct panthor_vma_tree *tree, struct panthor_vma *vma)
{
	if (tree->hint == vma)
		tree->hint = NULL;

	count_vma(tree, vma, -1);
	rb_erase(&vma->node, &tree->root);
	list_del(&vma->bo_node);
	panthor_vm_bo_put(vma->bo);
	list_add(&vma->free, &tree->free);
	tree->free_count++;
}

/* Tiles amid sparse memory are two VMAs apart. */
#define HINT_STEPS 3

/* What panthor_vma_first() asks for, if it is the hint or close behind it. */
static bool first_by_hint(const struct panthor_vma_tree *tree, u64 va,
			  struct panthor_vma **vma_out)
{
	struct panthor_vma *vma = tree->hint, *prev;
	int i;

	if (!vma)
		return false;

	if (vma->end > va) {
		*vma_out = vma;
		if (vma->start <= va)
			return true;
		prev = prev_vma(vma);
		return !prev || prev->end <= va;
	}

	for (i = 0; i < HINT_STEPS; i++) {
		vma = panthor_vma_next(vma);
		*vma_out = vma;
		if (!vma || vma->end > va)
			return true;
	}

	return false;
}

/**
 * panthor_vma_first() - the first VMA that ends behind @va
 *
 * O(1) close behind what was found or assigned last, O(log VMAs) elsewhere.
 *
 * Return: the VMA that contains @va, or else the next one, or NULL.
 */
struct panthor_vma *panthor_vma_first(struct panthor_vma_tree *tree, u64 va)
{
	struct rb_node *node = tree->root.rb_node;
	struct panthor_vma *vma, *best = NULL;

	if (first_by_hint(tree, va, &best))
		goto found;

	best = NULL;
	while (node) {
		vma = to_vma(node);
		if (vma->end > va) {
			best = vma;
			if (vma->start <= va)
				break;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}

found:
	if (best)
		tree->hint = best;
	return best;
}

/**
 * panthor_vma_is_mapped() - does the tree say this already?
 *
 * For a mapping without BO: is nothing mapped in all of its range?
 */
bool panthor_vma_is_mapped(struct panthor_vma_tree *tree,
			   const struct panthor_mapping *mapping)
{
	const struct panthor_vma *vma = panthor_vma_first(tree, mapping->start);

	if (!mapping->bo)
		return !vma || vma->start >= mapping->end;

	return vma && vma->start <= mapping->start &&
	       vma->end >= mapping->end && vma->bo == mapping->bo &&
	       vma->flags == mapping->flags &&
	       offset_at(vma->flags, vma->start, vma->offset, mapping->start) ==
		       mapping->offset;
}

/* Does a mapping of @bo with @flags and @offset at @start continue @vma? */
static bool continues(const struct panthor_vma *vma, u64 start,
		      const struct panthor_vm_bo *bo, u32 flags, u64 offset)
{
	return vma && vma->end == start && vma->bo == bo &&
	       vma->flags == flags &&
	       offset_at(flags, vma->start, vma->offset, start) == offset;
}

/* Moves the start of a VMA up. */
static void trim_front(struct panthor_vma *vma, u64 start)
{
	vma->offset = offset_at(vma->flags, vma->start, vma->offset, start);
	vma->start = start;
}

/* Cuts a VMA in two around a hole and returns the part behind it. */
static struct panthor_vma *split_vma(struct panthor_vma_tree *tree,
				     struct panthor_vma *vma, u64 hole_start,
				     u64 hole_end)
{
	struct panthor_vma *rest = take_vma(tree);

	rest->start = vma->start;
	rest->end = vma->end;
	rest->bo = panthor_vm_bo_get(vma->bo);
	rest->offset = vma->offset;
	rest->flags = vma->flags;
	trim_front(rest, hole_end);
	vma->end = hole_start;
	insert_vma(tree, rest, vma);

	return rest;
}

/*
 * Clears [start, end). *@prev_out and *@next_out are the VMAs around the hole,
 * or NULL.
 */
static void make_hole(struct panthor_vma_tree *tree, u64 start, u64 end,
		      struct panthor_vma **prev_out,
		      struct panthor_vma **next_out)
{
	struct panthor_vma *vma = panthor_vma_first(tree, start), *next;

	if (!vma) {
		struct rb_node *last = rb_last(&tree->root);

		*prev_out = to_vma(last);
		*next_out = NULL;
		return;
	}

	if (vma->start >= start) {
		*prev_out = prev_vma(vma);
	} else {
		*prev_out = vma;
		if (vma->end > end) {
			*next_out = split_vma(tree, vma, start, end);
			return;
		}
		vma->end = start;
		vma = panthor_vma_next(vma);
	}

	while (vma && vma->end <= end) {
		next = panthor_vma_next(vma);
		remove_vma(tree, vma);
		vma = next;
	}

	if (vma && vma->start < end)
		trim_front(vma, end);

	*next_out = vma;
}

/**
 * panthor_vma_assign() - make a range map what @mapping says
 * @tree: the tree
 * @mapping: the range and what it maps
 *
 * Cuts, removes and merges VMAs as needed. Takes its VMAs from the reserve and
 * references of its own to the BO. O(log VMAs + VMAs removed).
 */
void panthor_vma_assign(struct panthor_vma_tree *tree,
			const struct panthor_mapping *mapping)
{
	struct panthor_vma *prev, *next, *vma;

	make_hole(tree, mapping->start, mapping->end, &prev, &next);

	if (!mapping->bo) {
		tree->hint = prev ? prev : next;
		return;
	}

	if (continues(prev, mapping->start, mapping->bo, mapping->flags,
		      mapping->offset)) {
		vma = prev;
		vma->end = mapping->end;
	} else {
		vma = take_vma(tree);
		vma->start = mapping->start;
		vma->end = mapping->end;
		vma->bo = panthor_vm_bo_get(mapping->bo);
		vma->offset = mapping->offset;
		vma->flags = mapping->flags;
		insert_vma(tree, vma, prev);
	}

	if (next &&
	    continues(vma, next->start, next->bo, next->flags, next->offset)) {
		vma->end = next->end;
		remove_vma(tree, next);
	}

	tree->hint = vma;
}

/** panthor_vma_tree_init() - set up an empty tree */
void panthor_vma_tree_init(struct panthor_vma_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	tree->root = RB_ROOT;
	INIT_LIST_HEAD(&tree->free);
}

/** panthor_vma_tree_fini() - free the reserve of a tree that maps nothing */
void panthor_vma_tree_fini(struct panthor_vma_tree *tree)
{
	WARN_ON(!RB_EMPTY_ROOT(&tree->root));
	WARN_ON(tree->held);
	panthor_vma_free(&tree->free);
	tree->free_count = 0;
}
