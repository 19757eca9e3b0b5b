// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Red-black trees: every node is red or black, the root and the empty places
 * are black, a red node has black children, and every way down from a node to
 * an empty place passes the same number of black nodes.
 */
#include <linux/rbtree.h>

#define BLACK 1ul

static bool is_black(const struct rb_node *node)
{
	return !node || (node->__rb_parent_color & BLACK);
}

static bool is_red(const struct rb_node *node)
{
	return !is_black(node);
}

static void set_black(struct rb_node *node)
{
	node->__rb_parent_color |= BLACK;
}

static void set_red(struct rb_node *node)
{
	node->__rb_parent_color &= ~BLACK;
}

static void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->__rb_parent_color =
		(unsigned long)parent | (node->__rb_parent_color & BLACK);
}

static void copy_color(struct rb_node *to, const struct rb_node *from)
{
	to->__rb_parent_color = (to->__rb_parent_color & ~BLACK) |
				(from->__rb_parent_color & BLACK);
}

/* Where the tree points at a node that hangs below parent. */
static void replace_child(struct rb_root *root, struct rb_node *parent,
			  struct rb_node *old, struct rb_node *new)
{
	if (!parent)
		root->rb_node = new;
	else if (parent->rb_left == old)
		parent->rb_left = new;
	else
		parent->rb_right = new;
}

/*
 * The child on the other side comes up in the node's place:
 *
 *	  node             child
 *	  /  \    left     /  \
 *	 a  child  ->   node   c
 *	    /  \        /  \
 *	   b    c      a    b
 */
static void rotate(struct rb_root *root, struct rb_node *node, bool left)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *child = left ? node->rb_right : node->rb_left;
	struct rb_node *inner = left ? child->rb_left : child->rb_right;

	if (left) {
		node->rb_right = inner;
		child->rb_left = node;
	} else {
		node->rb_left = inner;
		child->rb_right = node;
	}
	if (inner)
		set_parent(inner, node);
	replace_child(root, parent, node, child);
	set_parent(child, parent);
	set_parent(node, child);
}

/* --------------------------------------------------------------- changes -- */

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *parent;

	set_red(node);
	/* Only one rule can be broken: node and its parent are both red. */
	while ((parent = rb_parent(node)) && is_red(parent)) {
		struct rb_node *grand = rb_parent(parent);
		bool left = parent == grand->rb_left;
		struct rb_node *uncle = left ? grand->rb_right : grand->rb_left;

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		/* An inner grandchild is turned into an outer one first. */
		if (node == (left ? parent->rb_right : parent->rb_left)) {
			rotate(root, parent, left);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(root, grand, !left);
		break;
	}
	set_black(root->rb_node);
}

/* The ways through node, which may be empty, are one black node short. */
static void repair_short(struct rb_root *root, struct rb_node *node,
			 struct rb_node *parent)
{
	while (node != root->rb_node && is_black(node)) {
		bool left = node == parent->rb_left;
		struct rb_node *sibling =
			left ? parent->rb_right : parent->rb_left;
		struct rb_node *near, *far;

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(root, parent, left);
			sibling = left ? parent->rb_right : parent->rb_left;
		}
		near = left ? sibling->rb_left : sibling->rb_right;
		far = left ? sibling->rb_right : sibling->rb_left;
		if (is_black(near) && is_black(far)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(far)) {
			set_black(near);
			set_red(sibling);
			rotate(root, sibling, !left);
			sibling = near;
			far = left ? sibling->rb_right : sibling->rb_left;
		}
		copy_color(sibling, parent);
		set_black(parent);
		set_black(far);
		rotate(root, parent, left);
		return;
	}
	if (node)
		set_black(node);
}

/* Puts next, which has no left child, in the place of node. */
static void take_place(struct rb_root *root, struct rb_node *node,
		       struct rb_node *next)
{
	next->__rb_parent_color = node->__rb_parent_color;
	next->rb_left = node->rb_left;
	set_parent(next->rb_left, next);
	replace_child(root, rb_parent(node), node, next);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *child, *parent;
	bool lost_black;

	if (node->rb_left && node->rb_right) {
		struct rb_node *next = node->rb_right;

		while (next->rb_left)
			next = next->rb_left;
		child = next->rb_right;
		parent = rb_parent(next);
		lost_black = is_black(next);
		if (parent == node) {
			parent = next;
		} else {
			parent->rb_left = child;
			if (child)
				set_parent(child, parent);
			next->rb_right = node->rb_right;
			set_parent(next->rb_right, next);
		}
		take_place(root, node, next);
	} else {
		child = node->rb_left ? node->rb_left : node->rb_right;
		parent = rb_parent(node);
		lost_black = is_black(node);
		replace_child(root, parent, node, child);
		if (child)
			set_parent(child, parent);
	}
	if (lost_black)
		repair_short(root, child, parent);
}

void rb_replace_node(struct rb_node *victim, struct rb_node *new_node,
		     struct rb_root *root)
{
	*new_node = *victim;
	replace_child(root, rb_parent(victim), victim, new_node);
	if (victim->rb_left)
		set_parent(victim->rb_left, new_node);
	if (victim->rb_right)
		set_parent(victim->rb_right, new_node);
}

/* ----------------------------------------------------------------- walks -- */

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_right) {
		node = node->rb_right;
		while (node->rb_left)
			node = node->rb_left;
		return (struct rb_node *)node;
	}
	while ((parent = rb_parent(node)) && node == parent->rb_right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (RB_EMPTY_NODE(node))
		return NULL;
	if (node->rb_left) {
		node = node->rb_left;
		while (node->rb_right)
			node = node->rb_right;
		return (struct rb_node *)node;
	}
	while ((parent = rb_parent(node)) && node == parent->rb_left)
		node = parent;
	return parent;
}

static struct rb_node *deepest_first(const struct rb_node *node)
{
	for (;;) {
		if (node->rb_left)
			node = node->rb_left;
		else if (node->rb_right)
			node = node->rb_right;
		else
			return (struct rb_node *)node;
	}
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->rb_node ? deepest_first(root->rb_node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->rb_left && parent->rb_right)
		return deepest_first(parent->rb_right);
	return parent;
}
