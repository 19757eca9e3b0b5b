/* SPDX-License-Identifier: MIT */
/* The interval tree of windows and TLB entries: see mali_private.h. */
#include "mali_private.h"

/*
 * The heap order of the treap: a hash of the node's address, which neither
 * needs a random generator nor follows the order of the intervals.
 */
static uint64_t priority(const struct mali_node *node)
{
	uint64_t x = (uintptr_t)node;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static bool less(const struct mali_node *a, const struct mali_node *b)
{
	if (a->start != b->start)
		return a->start < b->start;
	return (uintptr_t)a < (uintptr_t)b;
}

static void update(struct mali_node *node)
{
	uint64_t max = node->last;

	if (node->left && node->left->max_last > max)
		max = node->left->max_last;
	if (node->right && node->right->max_last > max)
		max = node->right->max_last;
	node->max_last = max;
}

static void update_upwards(struct mali_node *node)
{
	for (; node; node = node->parent)
		update(node);
}

/* The link that names @node: its parent's, or the tree's root. */
static struct mali_node **link_of(struct mali_tree *tree,
				  struct mali_node *node)
{
	if (!node->parent)
		return &tree->root;
	return node->parent->left == node ? &node->parent->left
					  : &node->parent->right;
}

/* Lifts @node over its parent; what is above the two stays correct. */
static void rotate_up(struct mali_tree *tree, struct mali_node *node)
{
	struct mali_node *parent = node->parent;
	struct mali_node *middle;

	*link_of(tree, parent) = node;
	node->parent = parent->parent;
	if (parent->left == node) {
		middle = node->right;
		parent->left = middle;
		node->right = parent;
	} else {
		middle = node->left;
		parent->right = middle;
		node->left = parent;
	}
	if (middle)
		middle->parent = parent;
	parent->parent = node;
	update(parent);
	update(node);
}

void mali_tree_insert(struct mali_tree *tree, struct mali_node *node)
{
	struct mali_node *parent = NULL;
	struct mali_node **link = &tree->root;

	while (*link) {
		parent = *link;
		if (parent->max_last < node->last)
			parent->max_last = node->last;
		link = less(node, parent) ? &parent->left : &parent->right;
	}
	*link = node;
	node->parent = parent;
	node->left = NULL;
	node->right = NULL;
	node->max_last = node->last;
	while (node->parent && priority(node) > priority(node->parent))
		rotate_up(tree, node);
}

void mali_tree_remove(struct mali_tree *tree, struct mali_node *node)
{
	while (node->left || node->right) {
		struct mali_node *up = node->left;

		if (!up || (node->right &&
			    priority(node->right) > priority(node->left)))
			up = node->right;
		rotate_up(tree, up);
	}
	*link_of(tree, node) = NULL;
	update_upwards(node->parent);
	node->parent = NULL;
}

void mali_tree_resize(struct mali_node *node, uint64_t start, uint64_t last)
{
	node->start = start;
	node->last = last;
	update_upwards(node);
}

/*
 * The lowest overlap in a subtree. Where the left part reaches @start, either
 * the answer is in there, or what reaches it begins beyond @last and so does
 * everything to its right: there is no need to come back.
 */
static struct mali_node *subtree_first(struct mali_node *node, uint64_t start,
				       uint64_t last)
{
	while (node && node->max_last >= start) {
		if (node->left && node->left->max_last >= start) {
			node = node->left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		node = node->right;
	}
	return NULL;
}

struct mali_node *mali_tree_first(const struct mali_tree *tree, uint64_t start,
				  uint64_t last)
{
	return subtree_first(tree->root, start, last);
}

struct mali_node *mali_tree_next(const struct mali_node *node, uint64_t start,
				 uint64_t last)
{
	for (;;) {
		const struct mali_node *child = node;

		if (node->right && node->right->max_last >= start)
			return subtree_first(node->right, start, last);
		/* Up to the first ancestor that this subtree is left of. */
		do {
			child = node;
			node = node->parent;
		} while (node && node->right == child);
		if (!node || node->start > last)
			return NULL;
		if (node->last >= start)
			return (struct mali_node *)node;
	}
}

struct mali_node *mali_tree_before(const struct mali_tree *tree, uint64_t at)
{
	struct mali_node *best = NULL;

	for (struct mali_node *node = tree->root; node;) {
		if (node->start <= at) {
			best = node;
			node = node->right;
		} else {
			node = node->left;
		}
	}
	return best;
}

struct mali_node *mali_tree_after(const struct mali_tree *tree, uint64_t at)
{
	struct mali_node *best = NULL;

	for (struct mali_node *node = tree->root; node;) {
		if (node->start > at) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}
