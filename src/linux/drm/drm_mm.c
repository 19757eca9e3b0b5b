// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Nodes lie in a list and a tree by address. A hole is what follows a node, up
 * to the next one; holes lie in a tree by size. The head node stands for all
 * that is outside: the first hole follows it, and it ends where the managed
 * range starts.
 */
#include <drm/drm_mm.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

static u64 node_end(const struct drm_mm_node *node)
{
	return node->start + node->size;
}

static struct drm_mm_node *next_node(struct drm_mm_node *node)
{
	return list_next_entry(node, node_list);
}

/* --------------------------------------------------------------- holes --- */

static bool hole_is_smaller(struct rb_node *a, const struct rb_node *b)
{
	const struct drm_mm_node *node_a =
		rb_entry(a, struct drm_mm_node, rb_hole_size);
	const struct drm_mm_node *node_b =
		rb_entry(b, struct drm_mm_node, rb_hole_size);

	return node_a->hole_size < node_b->hole_size;
}

static void set_hole(struct drm_mm *mm, struct drm_mm_node *node, u64 size)
{
	if (node->hole_size)
		rb_erase(&node->rb_hole_size, &mm->holes);
	node->hole_size = size;
	if (size)
		rb_add(&node->rb_hole_size, &mm->holes, hole_is_smaller);
}

/* The smallest hole of at least @size, as the node before it; or NULL. */
static struct drm_mm_node *smallest_hole(struct drm_mm *mm, u64 size)
{
	struct rb_node *rb = mm->holes.rb_node;
	struct drm_mm_node *best = NULL;

	while (rb) {
		struct drm_mm_node *node =
			rb_entry(rb, struct drm_mm_node, rb_hole_size);

		if (node->hole_size >= size) {
			best = node;
			rb = rb->rb_left;
		} else {
			rb = rb->rb_right;
		}
	}
	return best;
}

static struct drm_mm_node *next_larger_hole(struct drm_mm_node *node)
{
	struct rb_node *rb = rb_next(&node->rb_hole_size);

	return rb_entry_safe(rb, struct drm_mm_node, rb_hole_size);
}

/* --------------------------------------------------------------- nodes --- */

static bool starts_before(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct drm_mm_node, rb)->start <
	       rb_entry(b, struct drm_mm_node, rb)->start;
}

/* The last node that starts at or before @addr; the head node if none does. */
static struct drm_mm_node *node_before(struct drm_mm *mm, u64 addr)
{
	struct drm_mm_node *before = &mm->head_node;
	struct rb_node *rb = mm->nodes.rb_node;

	while (rb) {
		struct drm_mm_node *node = rb_entry(rb, struct drm_mm_node, rb);

		if (node->start <= addr) {
			before = node;
			rb = rb->rb_right;
		} else {
			rb = rb->rb_left;
		}
	}
	return before;
}

struct drm_mm_node *linux_drm_mm_find(struct drm_mm *mm, u64 addr)
{
	struct drm_mm_node *node = node_before(mm, addr);

	if (node == &mm->head_node || addr >= node_end(node))
		return NULL;
	return node;
}

/* Puts [start, start + size) into the hole behind @before, where it fits. */
static void insert_into_hole(struct drm_mm *mm, struct drm_mm_node *before,
			     struct drm_mm_node *node, u64 start, u64 size)
{
	u64 hole_end = node_end(before) + before->hole_size;

	node->mm = mm;
	node->start = start;
	node->size = size;
	node->hole_size = 0;
	list_add(&node->node_list, &before->node_list);
	rb_add(&node->rb, &mm->nodes, starts_before);
	set_hole(mm, before, start - node_end(before));
	set_hole(mm, node, hole_end - node_end(node));
}

void drm_mm_init(struct drm_mm *mm, u64 start, u64 size)
{
	struct drm_mm_node *head = &mm->head_node;

	mm->nodes = RB_ROOT;
	mm->holes = RB_ROOT;
	memset(head, 0, sizeof(*head));
	INIT_LIST_HEAD(&head->node_list);
	head->mm = mm;
	/* Its end is the start of the range; wrapping round is intended. */
	head->start = start + size;
	head->size = start - head->start;
	set_hole(mm, head, size);
}

void drm_mm_takedown(struct drm_mm *mm)
{
	WARN(!drm_mm_clean(mm), "range manager still has nodes");
	mm->head_node.mm = NULL;
}

int drm_mm_reserve_node(struct drm_mm *mm, struct drm_mm_node *node)
{
	struct drm_mm_node *before;
	u64 offset;

	WARN_ON(drm_mm_node_allocated(node));
	if (!node->size)
		return -ENOSPC;
	before = node_before(mm, node->start);
	/* Underflows, to something large, when start is inside of @before. */
	offset = node->start - node_end(before);
	if (offset >= before->hole_size ||
	    node->size > before->hole_size - offset)
		return -ENOSPC;
	insert_into_hole(mm, before, node, node->start, node->size);
	return 0;
}

/* Where @size fits behind @before within [start, end); false: nowhere. */
static bool fit_in_hole(struct drm_mm_node *before, u64 size, u64 alignment,
			u64 start, u64 end, u64 *at_out)
{
	u64 hole_start = max(node_end(before), start);
	u64 hole_end = min(node_end(before) + before->hole_size, end);
	u64 remainder = alignment ? hole_start % alignment : 0;

	if (remainder) {
		if (hole_start > U64_MAX - (alignment - remainder))
			return false;
		hole_start += alignment - remainder;
	}
	*at_out = hole_start;
	return hole_start < hole_end && hole_end - hole_start >= size;
}

/* The next node, by address, unless it is the last or starts beyond @end. */
static struct drm_mm_node *next_below(struct drm_mm_node *node, u64 end)
{
	struct drm_mm_node *next = next_node(node);

	return next == &node->mm->head_node || next->start >= end ? NULL : next;
}

int drm_mm_insert_node_in_range(struct drm_mm *mm, struct drm_mm_node *node,
				u64 size, u64 alignment, unsigned long color,
				u64 start, u64 end,
				enum drm_mm_insert_mode mode)
{
	struct drm_mm_node *before = NULL;
	u64 at = 0;

	WARN_ON(drm_mm_node_allocated(node));
	if (!size || end <= start || end - start < size)
		return -ENOSPC;

	before = mode == DRM_MM_INSERT_BEST ? smallest_hole(mm, size) :
					      node_before(mm, start);
	while (before && !fit_in_hole(before, size, alignment, start, end, &at))
		before = mode == DRM_MM_INSERT_BEST ? next_larger_hole(before) :
						      next_below(before, end);
	if (!before)
		return -ENOSPC;
	node->color = color;
	insert_into_hole(mm, before, node, at, size);
	return 0;
}

void drm_mm_remove_node(struct drm_mm_node *node)
{
	struct drm_mm *mm = node->mm;
	struct drm_mm_node *before;

	if (WARN_ON(!mm || node == &mm->head_node))
		return;
	before = list_prev_entry(node, node_list);
	set_hole(mm, before, before->hole_size + node->size + node->hole_size);
	set_hole(mm, node, 0);
	rb_erase(&node->rb, &mm->nodes);
	list_del(&node->node_list);
	node->mm = NULL;
}
