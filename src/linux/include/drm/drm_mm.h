/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: no eviction scans or colours. A range allocator. Nodes belong to the
 * caller and must be zeroed before they are inserted. The caller serialises all
 * calls on one manager.
 */
#ifndef LINUX_DRM_MM_H
#define LINUX_DRM_MM_H

#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct drm_mm;

enum drm_mm_insert_mode {
	DRM_MM_INSERT_BEST = 0, /* the smallest hole that fits */
	DRM_MM_INSERT_LOW = 1, /* the lowest hole that fits */
};

struct drm_mm_node {
	unsigned long color; /* kept for the caller, otherwise unused */
	u64 start;
	u64 size;
	/* private */
	struct drm_mm *mm; /* NULL: not inserted */
	struct list_head node_list; /* by address */
	struct rb_node rb; /* by address */
	struct rb_node rb_hole_size; /* when a hole follows */
	u64 hole_size;
};

struct drm_mm {
	/* private */
	struct drm_mm_node head_node; /* the space outside, as a node */
	struct rb_root nodes;
	struct rb_root holes;
};

static inline bool drm_mm_node_allocated(const struct drm_mm_node *node)
{
	return node->mm;
}

static inline bool drm_mm_initialized(const struct drm_mm *mm)
{
	return mm->head_node.mm;
}

static inline bool drm_mm_clean(const struct drm_mm *mm)
{
	return list_empty(&mm->head_node.node_list);
}

/* Manages [start, start + size). */
void drm_mm_init(struct drm_mm *mm, u64 start, u64 size);
/* Warns when nodes are left. */
void drm_mm_takedown(struct drm_mm *mm);
/* Inserts at node->start, node->size. -ENOSPC: taken, or outside. */
int drm_mm_reserve_node(struct drm_mm *mm, struct drm_mm_node *node);
/*
 * Finds @size bytes at a multiple of @alignment (0: any) within [start, end).
 * -ENOSPC: none, or size 0.
 */
int drm_mm_insert_node_in_range(struct drm_mm *mm, struct drm_mm_node *node,
				u64 size, u64 alignment, unsigned long color,
				u64 start, u64 end,
				enum drm_mm_insert_mode mode);
void drm_mm_remove_node(struct drm_mm_node *node);
/* The node that contains @addr, or NULL. */
struct drm_mm_node *linux_drm_mm_find(struct drm_mm *mm, u64 addr);

static inline int drm_mm_insert_node_generic(struct drm_mm *mm,
					     struct drm_mm_node *node, u64 size,
					     u64 alignment, unsigned long color,
					     enum drm_mm_insert_mode mode)
{
	return drm_mm_insert_node_in_range(mm, node, size, alignment, color, 0,
					   U64_MAX, mode);
}

static inline int drm_mm_insert_node(struct drm_mm *mm,
				     struct drm_mm_node *node, u64 size)
{
	return drm_mm_insert_node_generic(mm, node, size, 0, 0,
					  DRM_MM_INSERT_BEST);
}

#define drm_mm_nodes(mm) (&(mm)->head_node.node_list)
#define drm_mm_for_each_node(entry, mm)                                        \
	list_for_each_entry(entry, drm_mm_nodes(mm), node_list)

#endif /* LINUX_DRM_MM_H */
