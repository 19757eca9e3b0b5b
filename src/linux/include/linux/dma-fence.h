/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter. A fence: something that happens once, and what is called then.
 *
 * In addition to what the kernel checks: a second dma_fence_signal() is
 * reported (the lazy signalling of dma_fence_is_signaled() may race and is
 * not), as are an init without a lock or names, an error set too late or out of
 * range, and the death of an unsignalled fence that somebody waits for.
 */
#ifndef LINUX_DMA_FENCE_H
#define LINUX_DMA_FENCE_H

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

struct dma_fence;
struct dma_fence_cb;
struct dma_fence_ops;

struct dma_fence {
	spinlock_t *lock; /* guards cb_list, and the setting of flags */
	const struct dma_fence_ops *ops;
	union {
		struct list_head cb_list; /* until it signals */
		ktime_t timestamp; /* from then on */
		struct rcu_head rcu; /* after the last reference */
	};
	u64 context; /* fences of one context signal in seqno order */
	u64 seqno;
	unsigned long flags; /* enum dma_fence_flag_bits */
	struct kref refcount;
	int error; /* 0 or negative; constant once signalled */
};

enum dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT,
	DMA_FENCE_FLAG_TIMESTAMP_BIT,
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
	DMA_FENCE_FLAG_USER_BITS, /* this one and above are the owner's */
};

/* Called under the fence's lock, interrupts off: must not sleep. */
typedef void (*dma_fence_func_t)(struct dma_fence *fence,
				 struct dma_fence_cb *cb);

struct dma_fence_cb {
	struct list_head node;
	dma_fence_func_t func;
};

struct dma_fence_ops {
	bool use_64bit_seqno;
	/* Required. */
	const char *(*get_driver_name)(struct dma_fence *fence);
	const char *(*get_timeline_name)(struct dma_fence *fence);
	/* Optional. Under the lock, once; false: it has signalled already. */
	bool (*enable_signaling)(struct dma_fence *fence);
	/* Optional. A peek at the hardware; may be called with the lock. */
	bool (*signaled)(struct dma_fence *fence);
	/* Optional. */
	signed long (*wait)(struct dma_fence *fence, bool intr,
			    signed long timeout);
	/* Optional. Ends with dma_fence_free(); without it that is all. */
	void (*release)(struct dma_fence *fence);
	void (*set_deadline)(struct dma_fence *fence, ktime_t deadline);
};

/* @lock outlives the fence; @context from dma_fence_context_alloc(). */
void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno);
void dma_fence_release(struct kref *kref);
/* kfree() after a grace period. */
void dma_fence_free(struct dma_fence *fence);

/* Accepts NULL. */
static inline void dma_fence_put(struct dma_fence *fence)
{
	if (fence)
		kref_put(&fence->refcount, dma_fence_release);
}

/* Accepts NULL; returns @fence. */
static inline struct dma_fence *dma_fence_get(struct dma_fence *fence)
{
	if (fence)
		kref_get(&fence->refcount);
	return fence;
}

/* Within an RCU section: NULL when the last reference is gone. */
static inline struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence)
{
	return kref_get_unless_zero(&fence->refcount) ? fence : NULL;
}

/* Within an RCU section: a reference on what *@fencep names now, or NULL. */
struct dma_fence *dma_fence_get_rcu_safe(struct dma_fence __rcu **fencep);

static inline bool dma_fence_begin_signalling(void)
{
	return true;
}

static inline void dma_fence_end_signalling(bool cookie)
{
}

/* 0, or -EINVAL when it had signalled before. */
int dma_fence_signal(struct dma_fence *fence);
int dma_fence_signal_locked(struct dma_fence *fence);
int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp);
int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp);
/* The same without the report of a second signal. Private to src/linux. */
int linux_dma_fence_signal_lazy(struct dma_fence *fence);
int linux_dma_fence_signal_lazy_locked(struct dma_fence *fence);

/* 0, or -ENOENT when it has signalled: @func is not called then. */
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func);
/* False: it was called already (or is being called). */
bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb);
void dma_fence_enable_sw_signaling(struct dma_fence *fence);

/* With the fence's lock held. */
static inline bool dma_fence_is_signaled_locked(struct dma_fence *fence)
{
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;
	linux_dma_fence_signal_lazy_locked(fence);
	return true;
}

static inline bool dma_fence_is_signaled(struct dma_fence *fence)
{
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;
	linux_dma_fence_signal_lazy(fence);
	return true;
}

static inline bool __dma_fence_is_later(u64 f1, u64 f2,
					const struct dma_fence_ops *ops)
{
	if (ops->use_64bit_seqno)
		return f1 > f2;
	return (s32)((u32)f1 - (u32)f2) > 0;
}

/* Both of one context. */
static inline bool dma_fence_is_later(struct dma_fence *f1,
				      struct dma_fence *f2)
{
	if (WARN_ON(f1->context != f2->context))
		return false;
	return __dma_fence_is_later(f1->seqno, f2->seqno, f1->ops);
}

static inline bool dma_fence_is_later_or_same(struct dma_fence *f1,
					      struct dma_fence *f2)
{
	return f1 == f2 || dma_fence_is_later(f1, f2);
}

/* The later one, or NULL when that has signalled. */
static inline struct dma_fence *dma_fence_later(struct dma_fence *f1,
						struct dma_fence *f2)
{
	struct dma_fence *later;

	if (WARN_ON(f1->context != f2->context))
		return NULL;
	later = dma_fence_is_later(f1, f2) ? f1 : f2;
	return dma_fence_is_signaled(later) ? NULL : later;
}

/* 0: not yet; 1: signalled; negative: signalled with that error. */
static inline int dma_fence_get_status_locked(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled_locked(fence))
		return 0;
	return fence->error ? fence->error : 1;
}
int dma_fence_get_status(struct dma_fence *fence);

/* Before it signals; @error is negative. */
static inline void dma_fence_set_error(struct dma_fence *fence, int error)
{
	WARN_ON(test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags));
	WARN_ON(error >= 0 || error < -MAX_ERRNO);
	fence->error = error;
}

/* When it signalled; it has. */
ktime_t dma_fence_timestamp(struct dma_fence *fence);

/*
 * @timeout in jiffies, MAX_SCHEDULE_TIMEOUT: for ever. Returns the jiffies
 * left, at least 1, or 0 when time ran out; with timeout 0 it is a test.
 */
signed long dma_fence_wait_timeout(struct dma_fence *fence, bool intr,
				   signed long timeout);
signed long dma_fence_default_wait(struct dma_fence *fence, bool intr,
				   signed long timeout);
/* The same for the first of several; its index goes to *@idx (may be NULL). */
signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       uint32_t count, bool intr,
				       signed long timeout, uint32_t *idx);

static inline signed long dma_fence_wait(struct dma_fence *fence, bool intr)
{
	signed long ret =
		dma_fence_wait_timeout(fence, intr, MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline);

/* A reference on the fence that has always been signalled. */
struct dma_fence *dma_fence_get_stub(void);
/* A new signalled fence; NULL: no memory. */
struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp);
/* The first of @num new contexts. */
u64 dma_fence_context_alloc(unsigned num);

extern const struct dma_fence_ops dma_fence_array_ops;
extern const struct dma_fence_ops dma_fence_chain_ops;

static inline bool dma_fence_is_array(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_array_ops;
}

static inline bool dma_fence_is_chain(struct dma_fence *fence)
{
	return fence->ops == &dma_fence_chain_ops;
}

static inline bool dma_fence_is_container(struct dma_fence *fence)
{
	return dma_fence_is_array(fence) || dma_fence_is_chain(fence);
}

#endif /* LINUX_DMA_FENCE_H */
