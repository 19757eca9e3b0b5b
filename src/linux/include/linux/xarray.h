/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful interface for plain entries, marks and multi-index entries excepted;
 * lookups are lock-free under RCU.
 */
#ifndef LINUX_XARRAY_H
#define LINUX_XARRAY_H

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/gfp_types.h>
#include <linux/limits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct linux_xa_node;

struct xarray {
	spinlock_t xa_lock;
	gfp_t xa_flags;
	struct linux_xa_node *xa_head; /* guarded by xa_lock, read under RCU */
};

#define XA_FLAGS_LOCK_IRQ ((gfp_t)1u)
#define XA_FLAGS_LOCK_BH ((gfp_t)2u)
#define XA_FLAGS_ALLOC ((gfp_t)0x100u)
#define XA_FLAGS_ALLOC1 ((gfp_t)0x300u) /* ids start at 1 */

struct xa_limit {
	u32 max;
	u32 min;
};

#define XA_LIMIT(_min, _max) (struct xa_limit){ .min = _min, .max = _max }
#define xa_limit_32b XA_LIMIT(0, UINT_MAX)
#define xa_limit_31b XA_LIMIT(0, INT_MAX)
#define xa_limit_16b XA_LIMIT(0, USHRT_MAX)

#define XARRAY_INIT(name, flags)                               \
	{                                                      \
		.xa_lock = __SPIN_LOCK_INITIALIZER(name.xa_lock), \
		.xa_flags = flags,                             \
	}
#define DEFINE_XARRAY_FLAGS(name, flags) \
	struct xarray name = XARRAY_INIT(name, flags)
#define DEFINE_XARRAY(name) DEFINE_XARRAY_FLAGS(name, 0)
#define DEFINE_XARRAY_ALLOC(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC)
#define DEFINE_XARRAY_ALLOC1(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC1)

#define xa_init_flags(xa, flags)                   \
	do {                                       \
		struct xarray *__xa = (xa);        \
		spin_lock_init(&__xa->xa_lock);    \
		__xa->xa_flags = (flags);          \
		__xa->xa_head = NULL;              \
	} while (0)
#define xa_init(xa) xa_init_flags(xa, 0)

#define xa_trylock(xa) spin_trylock(&(xa)->xa_lock)
#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define xa_lock_irq(xa) spin_lock_irq(&(xa)->xa_lock)
#define xa_unlock_irq(xa) spin_unlock_irq(&(xa)->xa_lock)
#define xa_lock_irqsave(xa, flags) spin_lock_irqsave(&(xa)->xa_lock, flags)
#define xa_unlock_irqrestore(xa, flags) \
	spin_unlock_irqrestore(&(xa)->xa_lock, flags)

/* Small integers as entries, and errnos as results. */
static inline void *xa_mk_value(unsigned long v)
{
	return (void *)((v << 1) | 1);
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

#define LINUX_XA_ERROR(errno) \
	((void *)(((unsigned long)(long)(errno) << 2) | 2))

static inline bool xa_is_err(const void *entry)
{
	return ((unsigned long)entry & 3) == 2 &&
	       (long)entry >= -4 * (long)MAX_ERRNO && (long)entry < 0;
}

static inline int xa_err(void *entry)
{
	return xa_is_err(entry) ? (int)((long)entry >> 2) : 0;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !READ_ONCE(xa->xa_head);
}

/* The entry, or NULL. No lock needed; what it names needs one, or RCU. */
void *xa_load(struct xarray *xa, unsigned long index);
/* The old entry, or an error that xa_err() tells. NULL erases. */
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
/* -EBUSY: there is one already. */
int __must_check xa_insert(struct xarray *xa, unsigned long index, void *entry,
			   gfp_t gfp);
/* Stores only over old; returns what was there. */
void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry,
		 gfp_t gfp);
/*
 * Stores at the lowest free index within the limit. A NULL entry reserves it.
 * -EBUSY: none is free; -ENOMEM.
 */
int __must_check xa_alloc(struct xarray *xa, u32 *id, void *entry,
			  struct xa_limit limit, gfp_t gfp);
/* From *next on, then from the start: 1 when it wrapped. */
int __must_check xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry,
				 struct xa_limit limit, u32 *next, gfp_t gfp);
/* The same with xa_lock held. The lock is not dropped to allocate. */
void *__xa_store(struct xarray *xa, unsigned long index, void *entry,
		 gfp_t gfp);
void *__xa_erase(struct xarray *xa, unsigned long index);
int __must_check __xa_insert(struct xarray *xa, unsigned long index,
			     void *entry, gfp_t gfp);
int __must_check __xa_alloc(struct xarray *xa, u32 *id, void *entry,
			    struct xa_limit limit, gfp_t gfp);

/* Reserved entries read as NULL and are skipped by iterations. */
#define xa_reserve(xa, index, gfp) xa_insert(xa, index, NULL, gfp)
#define xa_release(xa, index) xa_cmpxchg(xa, index, NULL, NULL, 0)

#define XA_PRESENT 8u /* the only filter of xa_find() */
/* The first entry at or above (xa_find) or above (xa_find_after) *index. */
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max,
	      unsigned int filter);
void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max,
		    unsigned int filter);

#define xa_for_each_range(xa, index, entry, start, last)                \
	for ((index) = (start),                                         \
	    (entry) = xa_find(xa, &(index), last, XA_PRESENT);          \
	     (entry);                                                   \
	     (entry) = xa_find_after(xa, &(index), last, XA_PRESENT))
#define xa_for_each_start(xa, index, entry, start) \
	xa_for_each_range(xa, index, entry, start, ULONG_MAX)
#define xa_for_each(xa, index, entry) xa_for_each_start(xa, index, entry, 0)

/* Drops all entries, not what they name. The array can be used again. */
void xa_destroy(struct xarray *xa);

#endif /* LINUX_XARRAY_H */
