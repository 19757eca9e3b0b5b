// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A radix tree of 64-slot nodes. Writers hold xa_lock; readers only RCU: they
 * follow pointers that are published with release and never freed before a
 * grace period is over, and find the level that a node is on in the node.
 *
 * Each node knows which of its slots are in use (present) and under which of
 * them no index is free (full), so that the lowest free index is found in one
 * descent. Slots of the lowest level hold entries. NULL entries that reserve
 * their index are stored as RESERVED.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#define SLOT_BITS 6
#define SLOTS 64
#define RESERVED ((void *)0x102ul)

struct linux_xa_node {
	unsigned int shift;  /* of the index bits that select a slot */
	unsigned int offset; /* own slot in the parent */
	struct linux_xa_node *parent;
	u64 present;
	u64 full;
	struct rcu_head rcu;
	void *slots[SLOTS];
};

static unsigned int slot_of(const struct linux_xa_node *node,
			    unsigned long index)
{
	return (index >> node->shift) % SLOTS;
}

/* The highest index below a node of this shift that starts at 0. */
static unsigned long max_index(unsigned int shift)
{
	return shift + SLOT_BITS >= BITS_PER_LONG
		       ? ULONG_MAX
		       : (1ul << (shift + SLOT_BITS)) - 1;
}

static void *to_user(void *entry)
{
	return entry == RESERVED ? NULL : entry;
}

/* ----------------------------------------------------------------- nodes -- */

static struct linux_xa_node *new_node(gfp_t gfp, unsigned int shift)
{
	/* Under the lock: what the caller may do, it cannot do here. */
	struct linux_xa_node *node =
		kzalloc(sizeof(*node), (gfp & __GFP_NOFAIL) | GFP_NOWAIT);

	if (node)
		node->shift = shift;
	return node;
}

static void free_node(struct linux_xa_node *node)
{
	kfree_rcu(node, rcu);
}

static void set_full(struct linux_xa_node *node, unsigned int slot)
{
	node->full |= 1ull << slot;
	while (node->full == ~0ull && node->parent) {
		slot = node->offset;
		node = node->parent;
		node->full |= 1ull << slot;
	}
}

static void clear_full(struct linux_xa_node *node, unsigned int slot)
{
	for (; node; node = node->parent) {
		node->full &= ~(1ull << slot);
		slot = node->offset;
	}
}

/* Makes the tree high enough for the index. */
static int grow(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	struct linux_xa_node *head = xa->xa_head;

	if (!head) {
		unsigned int shift = 0;

		while (index > max_index(shift))
			shift += SLOT_BITS;
		head = new_node(gfp, shift);
		if (!head)
			return -ENOMEM;
		smp_store_release(&xa->xa_head, head);
	}
	while (index > max_index(head->shift)) {
		struct linux_xa_node *top =
			new_node(gfp, head->shift + SLOT_BITS);

		if (!top)
			return -ENOMEM;
		top->slots[0] = head;
		top->present = 1;
		top->full = head->full == ~0ull;
		head->parent = top;
		smp_store_release(&xa->xa_head, top);
		head = top;
	}
	return 0;
}

/* Frees nodes that became empty, from this one upwards. */
static void shrink(struct xarray *xa, struct linux_xa_node *node)
{
	while (node && !node->present) {
		struct linux_xa_node *parent = node->parent;

		if (parent) {
			smp_store_release(&parent->slots[node->offset],
					  (void *)NULL);
			parent->present &= ~(1ull << node->offset);
		} else {
			smp_store_release(&xa->xa_head,
					  (struct linux_xa_node *)NULL);
		}
		free_node(node);
		node = parent;
	}
}

/*
 * The lowest node that covers the index, made if need be. On failure, nodes
 * that were made on the way are freed.
 */
static struct linux_xa_node *make_leaf(struct xarray *xa, unsigned long index,
				       gfp_t gfp)
{
	struct linux_xa_node *node;

	if (grow(xa, index, gfp))
		return NULL;
	for (node = xa->xa_head; node->shift;) {
		unsigned int slot = slot_of(node, index);
		struct linux_xa_node *child = node->slots[slot];

		if (!child) {
			child = new_node(gfp, node->shift - SLOT_BITS);
			if (!child) {
				shrink(xa, node);
				return NULL;
			}
			child->parent = node;
			child->offset = slot;
			node->present |= 1ull << slot;
			smp_store_release(&node->slots[slot], (void *)child);
		}
		node = child;
	}
	return node;
}

/* The lowest node that covers the index, or NULL. For readers and writers. */
static struct linux_xa_node *find_leaf(struct xarray *xa, unsigned long index)
{
	struct linux_xa_node *node = smp_load_acquire(&xa->xa_head);

	if (!node || index > max_index(node->shift))
		return NULL;
	while (node && node->shift)
		node = smp_load_acquire(&node->slots[slot_of(node, index)]);
	return node;
}

static void *load_raw(struct xarray *xa, unsigned long index)
{
	struct linux_xa_node *leaf = find_leaf(xa, index);

	return leaf ? smp_load_acquire(&leaf->slots[slot_of(leaf, index)])
		    : NULL;
}

/* entry is not NULL. */
static int store_raw(struct xarray *xa, unsigned long index, void *entry,
		     gfp_t gfp)
{
	struct linux_xa_node *leaf = find_leaf(xa, index);
	unsigned int slot;

	if (!leaf)
		leaf = make_leaf(xa, index, gfp);
	if (!leaf)
		return -ENOMEM;
	slot = slot_of(leaf, index);
	smp_store_release(&leaf->slots[slot], entry);
	leaf->present |= 1ull << slot;
	set_full(leaf, slot);
	return 0;
}

static void *erase_raw(struct xarray *xa, unsigned long index)
{
	struct linux_xa_node *leaf = find_leaf(xa, index);
	unsigned int slot;
	void *old;

	if (!leaf)
		return NULL;
	slot = slot_of(leaf, index);
	old = leaf->slots[slot];
	if (!old)
		return NULL;
	smp_store_release(&leaf->slots[slot], (void *)NULL);
	leaf->present &= ~(1ull << slot);
	clear_full(leaf, slot);
	shrink(xa, leaf);
	return old;
}

/* ------------------------------------------------------- plain interface -- */

void *xa_load(struct xarray *xa, unsigned long index)
{
	void *entry;

	rcu_read_lock();
	entry = to_user(load_raw(xa, index));
	rcu_read_unlock();
	return entry;
}

void *__xa_erase(struct xarray *xa, unsigned long index)
{
	lockdep_assert_held(&xa->xa_lock);
	return to_user(erase_raw(xa, index));
}

/* Arrays that allocate keep their index when NULL is stored. */
static void *null_entry(const struct xarray *xa)
{
	return (xa->xa_flags & XA_FLAGS_ALLOC) ? RESERVED : NULL;
}

void *__xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	void *old;
	int ret;

	lockdep_assert_held(&xa->xa_lock);
	if (!entry && !null_entry(xa))
		return __xa_erase(xa, index);
	old = load_raw(xa, index);
	ret = store_raw(xa, index, entry ?: RESERVED, gfp);
	return ret ? LINUX_XA_ERROR(ret) : to_user(old);
}

int __xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	lockdep_assert_held(&xa->xa_lock);
	if (load_raw(xa, index))
		return -EBUSY;
	return store_raw(xa, index, entry ?: RESERVED, gfp);
}

/*
 * Locked forms. Interrupts go off where the array says that handlers use it.
 * The allocations that a gfp of GFP_KERNEL allows to sleep never do.
 */
static unsigned long lock(struct xarray *xa, gfp_t gfp)
{
	unsigned long flags = 0;

	if (gfpflags_allow_blocking(gfp))
		might_sleep();
	if (xa->xa_flags & XA_FLAGS_LOCK_IRQ)
		xa_lock_irqsave(xa, flags);
	else
		xa_lock(xa);
	return flags;
}

static void unlock(struct xarray *xa, unsigned long flags)
{
	if (xa->xa_flags & XA_FLAGS_LOCK_IRQ)
		xa_unlock_irqrestore(xa, flags);
	else
		xa_unlock(xa);
}

void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	unsigned long flags = lock(xa, gfp);
	void *old = __xa_store(xa, index, entry, gfp);

	unlock(xa, flags);
	return old;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	unsigned long flags = lock(xa, 0);
	void *old = __xa_erase(xa, index);

	unlock(xa, flags);
	return old;
}

int xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	unsigned long flags = lock(xa, gfp);
	int ret = __xa_insert(xa, index, entry, gfp);

	unlock(xa, flags);
	return ret;
}

void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry,
		 gfp_t gfp)
{
	unsigned long flags = lock(xa, gfp);
	void *found = load_raw(xa, index);
	int ret = 0;

	if (to_user(found) == old) {
		if (entry)
			ret = store_raw(xa, index, entry, gfp);
		else
			erase_raw(xa, index);
	}
	unlock(xa, flags);
	return ret ? LINUX_XA_ERROR(ret) : to_user(found);
}

void xa_destroy(struct xarray *xa)
{
	unsigned long flags = lock(xa, 0);
	struct linux_xa_node *node = xa->xa_head;

	smp_store_release(&xa->xa_head, (struct linux_xa_node *)NULL);
	unlock(xa, flags);
	/* Depth first, without a stack: descend, or free and go up. */
	while (node) {
		struct linux_xa_node *parent = node->parent;
		unsigned int slot;

		if (node->shift && node->present) {
			slot = (unsigned int)__ffs(node->present);
			node->present &= ~(1ull << slot);
			node = node->slots[slot];
			continue;
		}
		free_node(node);
		node = parent;
	}
}

/* -------------------------------------------------------------- allocate -- */

/*
 * The lowest free index >= from: false if there is none. Indices above what
 * the tree covers are all free.
 */
static bool find_free(const struct xarray *xa, unsigned long from,
		      unsigned long *index_out)
{
	const struct linux_xa_node *node = xa->xa_head;
	unsigned long index = from;

	if (!node || index > max_index(node->shift)) {
		*index_out = index;
		return true;
	}
	for (;;) {
		unsigned int slot = slot_of(node, index);
		u64 free = ~node->full & (~0ull << slot);
		unsigned int next;

		if (!free) {
			/* Go on behind this node, one level up. */
			unsigned long last = index | max_index(node->shift);

			if (last == ULONG_MAX)
				return false;
			index = last + 1;
			node = node->parent;
			if (!node) {
				*index_out = index;
				return true;
			}
			/* The next slot may belong to a node further up. */
			while (node->parent && slot_of(node, index) == 0)
				node = node->parent;
			if (!node->parent && index > max_index(node->shift)) {
				*index_out = index;
				return true;
			}
			continue;
		}
		next = (unsigned int)__ffs(free);
		if (next != slot)
			index = (index & ~max_index(node->shift)) |
				(unsigned long)next << node->shift;
		if (!node->shift || !node->slots[next]) {
			*index_out = index;
			return true;
		}
		node = node->slots[next];
	}
}

int __xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit,
	       gfp_t gfp)
{
	unsigned long index, from = limit.min;
	int ret;

	lockdep_assert_held(&xa->xa_lock);
	if (WARN_ON_ONCE(!(xa->xa_flags & XA_FLAGS_ALLOC)))
		return -EINVAL;
	if ((xa->xa_flags & XA_FLAGS_ALLOC1) == XA_FLAGS_ALLOC1 && !from)
		from = 1;
	if (from > limit.max || !find_free(xa, from, &index) ||
	    index > limit.max)
		return -EBUSY;
	ret = store_raw(xa, index, entry ?: RESERVED, gfp);
	if (!ret)
		*id = (u32)index;
	return ret;
}

int xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit,
	     gfp_t gfp)
{
	unsigned long flags = lock(xa, gfp);
	int ret = __xa_alloc(xa, id, entry, limit, gfp);

	unlock(xa, flags);
	return ret;
}

int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry,
		    struct xa_limit limit, u32 *next, gfp_t gfp)
{
	unsigned long flags = lock(xa, gfp);
	struct xa_limit above = limit;
	int ret, wrapped = 0;

	above.min = *next > limit.min ? *next : limit.min;
	ret = __xa_alloc(xa, id, entry, above, gfp);
	if (ret == -EBUSY && above.min > limit.min) {
		ret = __xa_alloc(xa, id, entry, limit, gfp);
		wrapped = 1;
	}
	if (!ret)
		*next = *id + 1;
	unlock(xa, flags);
	return ret ?: wrapped;
}

/* --------------------------------------------------------------- iterate -- */

/*
 * Called as an RCU reader; the nodes' bitmaps belong to writers. Descends from
 * the root, and again each time that the walk leaves a node at its end.
 */
static void *find_from(struct xarray *xa, unsigned long *indexp,
		       unsigned long max)
{
	struct linux_xa_node *node = NULL;
	unsigned long index = *indexp;

	while (index <= max) {
		unsigned long last;
		void *slot;

		if (!node) {
			node = smp_load_acquire(&xa->xa_head);
			if (!node || index > max_index(node->shift))
				return NULL;
		}
		slot = smp_load_acquire(&node->slots[slot_of(node, index)]);
		if (slot && node->shift) {
			node = slot;
			continue;
		}
		if (slot && slot != RESERVED) {
			*indexp = index;
			return slot;
		}
		last = index | ((1ul << node->shift) - 1);
		if (last == ULONG_MAX)
			return NULL;
		index = last + 1;
		if (slot_of(node, index) == 0)
			node = NULL;
	}
	return NULL;
}

void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max,
	      unsigned int filter)
{
	void *entry;

	rcu_read_lock();
	entry = find_from(xa, index, max);
	rcu_read_unlock();
	return entry;
}

void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
		    unsigned int filter)
{
	unsigned long from = *index + 1;
	void *entry;

	if (!from)
		return NULL;
	entry = xa_find(xa, &from, max, filter);
	if (entry)
		*index = from;
	return entry;
}
