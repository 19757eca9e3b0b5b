/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: iteration under the lock only. The reservation of a buffer: a lock,
 * and the fences of everything that still uses the buffer. All functions want
 * the lock held, the ones that test and wait excepted.
 */
#ifndef LINUX_DMA_RESV_H
#define LINUX_DMA_RESV_H

#include <linux/dma-fence.h>
#include <linux/lockdep.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/ww_mutex.h>

extern struct ww_class reservation_ww_class;

/* Asking for one of them means that one and those above it. */
enum dma_resv_usage {
	DMA_RESV_USAGE_KERNEL,
	DMA_RESV_USAGE_WRITE,
	DMA_RESV_USAGE_READ,
	DMA_RESV_USAGE_BOOKKEEP,
};

/* What an access has to wait for. */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

struct dma_resv_entry {
	struct dma_fence *fence;
	enum dma_resv_usage usage;
};

struct dma_resv {
	struct ww_mutex lock;
	/* The rest is guarded by list_lock, and changed with both. */
	spinlock_t list_lock;
	struct dma_resv_entry *entries;
	unsigned int num_entries;
	unsigned int num_reserved; /* entries usable until the unlock */
	unsigned int max_entries; /* allocated */
};

struct dma_resv_iter {
	struct dma_resv *obj;
	enum dma_resv_usage usage;
	enum dma_resv_usage fence_usage; /* of what was returned last */
	unsigned int index; /* of the next entry */
};

static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor,
				       struct dma_resv *obj,
				       enum dma_resv_usage usage)
{
	cursor->obj = obj;
	cursor->usage = usage;
	cursor->index = 0;
}

static inline enum dma_resv_usage
dma_resv_iter_usage(struct dma_resv_iter *cursor)
{
	return cursor->fence_usage;
}

/* The reservation's references, not the caller's; NULL at the end. */
struct dma_fence *dma_resv_iter_first(struct dma_resv_iter *cursor);
struct dma_fence *dma_resv_iter_next(struct dma_resv_iter *cursor);

#define dma_resv_for_each_fence(cursor, obj, usage, fence)                     \
	for (dma_resv_iter_begin(cursor, obj, usage),                          \
	     fence = dma_resv_iter_first(cursor);                              \
	     fence; fence = dma_resv_iter_next(cursor))

#define dma_resv_held(obj) lockdep_is_held(&(obj)->lock.base)
#define dma_resv_assert_held(obj) lockdep_assert_held(&(obj)->lock.base)

static inline int dma_resv_lock(struct dma_resv *obj,
				struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock(&obj->lock, ctx);
}

static inline int dma_resv_lock_interruptible(struct dma_resv *obj,
					      struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_interruptible(&obj->lock, ctx);
}

static inline void dma_resv_lock_slow(struct dma_resv *obj,
				      struct ww_acquire_ctx *ctx)
{
	ww_mutex_lock_slow(&obj->lock, ctx);
}

static inline int dma_resv_lock_slow_interruptible(struct dma_resv *obj,
						   struct ww_acquire_ctx *ctx)
{
	return ww_mutex_lock_slow_interruptible(&obj->lock, ctx);
}

static inline bool __must_check dma_resv_trylock(struct dma_resv *obj)
{
	return ww_mutex_trylock(&obj->lock, NULL);
}

static inline bool dma_resv_is_locked(struct dma_resv *obj)
{
	return ww_mutex_is_locked(&obj->lock);
}

/* Takes back what was reserved and not used. */
void dma_resv_unlock(struct dma_resv *obj);

void dma_resv_init(struct dma_resv *obj);
/* Drops the fences; nobody else knows the reservation any more. */
void dma_resv_fini(struct dma_resv *obj);
/* Makes room for that many dma_resv_add_fence() before the unlock. -ENOMEM. */
int dma_resv_reserve_fences(struct dma_resv *obj, unsigned int num_fences);
/*
 * Takes a reference. Replaces a fence of the same context and usage, or a
 * stronger one, that is not later, and those that have signalled.
 */
void dma_resv_add_fence(struct dma_resv *obj, struct dma_fence *fence,
			enum dma_resv_usage usage);
/* Replaces the fences of @context by a reference on @fence. */
void dma_resv_replace_fences(struct dma_resv *obj, uint64_t context,
			     struct dma_fence *fence,
			     enum dma_resv_usage usage);
/* An array (kfree() it) of references; *@fences is NULL when empty. -ENOMEM. */
int dma_resv_get_fences(struct dma_resv *obj, enum dma_resv_usage usage,
			unsigned int *num_fences, struct dma_fence ***fences);
/* Jiffies left, at least 1; 0: timed out. No lock needed. */
long dma_resv_wait_timeout(struct dma_resv *obj, enum dma_resv_usage usage,
			   bool intr, unsigned long timeout);
/* No lock needed. */
bool dma_resv_test_signaled(struct dma_resv *obj, enum dma_resv_usage usage);

#endif /* LINUX_DMA_RESV_H */
