// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/lockdep.h>
#include <linux/slab.h>

/* ------------------------------------------------------------- contexts -- */

static atomic64_t next_context = ATOMIC64_INIT(1);

u64 dma_fence_context_alloc(unsigned num)
{
	WARN_ON(!num);
	return (u64)atomic64_fetch_add(num, &next_context);
}

/* ------------------------------------------------------------- lifetime -- */

void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops,
		    spinlock_t *lock, u64 context, u64 seqno)
{
	BUG_ON(!lock);
	BUG_ON(!ops || !ops->get_driver_name || !ops->get_timeline_name);

	kref_init(&fence->refcount);
	fence->ops = ops;
	INIT_LIST_HEAD(&fence->cb_list);
	fence->lock = lock;
	fence->context = context;
	fence->seqno = seqno;
	fence->flags = 0;
	fence->error = 0;
}

/*
 * Somebody waits for a fence that nobody can signal any more: say so, and let
 * them go with an error rather than hang.
 */
static void release_unsignaled(struct dma_fence *fence)
{
	unsigned long flags;

	WARN(1, "fence %s:%s:%llu:%llu released with pending callbacks",
	     fence->ops->get_driver_name(fence),
	     fence->ops->get_timeline_name(fence),
	     (unsigned long long)fence->context,
	     (unsigned long long)fence->seqno);
	spin_lock_irqsave(fence->lock, flags);
	fence->error = -EDEADLK;
	dma_fence_signal_locked(fence);
	spin_unlock_irqrestore(fence->lock, flags);
}

void dma_fence_release(struct kref *kref)
{
	struct dma_fence *fence =
		container_of(kref, struct dma_fence, refcount);

	if (!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags) &&
	    !list_empty(&fence->cb_list))
		release_unsignaled(fence);
	if (fence->ops->release)
		fence->ops->release(fence);
	else
		dma_fence_free(fence);
}

void dma_fence_free(struct dma_fence *fence)
{
	kfree_rcu(fence, rcu);
}

struct dma_fence *dma_fence_get_rcu_safe(struct dma_fence __rcu **fencep)
{
	for (;;) {
		struct dma_fence *fence = rcu_dereference(*fencep);

		if (!fence)
			return NULL;
		if (!dma_fence_get_rcu(fence))
			continue; /* it was replaced, and died */
		/* Its memory might have been reused: is it still the one? */
		if (fence == rcu_access_pointer(*fencep))
			return fence;
		dma_fence_put(fence);
	}
}

/* -------------------------------------------------------------- signals -- */

static int signal_locked(struct dma_fence *fence, ktime_t timestamp, bool lazy)
{
	struct dma_fence_cb *cb, *next;
	struct list_head callbacks;

	lockdep_assert_held(fence->lock);

	if (test_and_set_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)) {
		WARN(!lazy, "fence %s:%s:%llu signalled twice",
		     fence->ops->get_driver_name(fence),
		     fence->ops->get_timeline_name(fence),
		     (unsigned long long)fence->seqno);
		return -EINVAL;
	}
	/* The list's memory is the timestamp's from here on. */
	list_replace(&fence->cb_list, &callbacks);
	fence->timestamp = timestamp;
	smp_wmb();
	set_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags);

	list_for_each_entry_safe(cb, next, &callbacks, node) {
		INIT_LIST_HEAD(&cb->node);
		cb->func(fence, cb);
	}
	return 0;
}

static int signal_unlocked(struct dma_fence *fence, ktime_t timestamp,
			   bool lazy)
{
	bool run_work = linux_irq_work_enter();
	unsigned long flags;
	int ret;

	spin_lock_irqsave(fence->lock, flags);
	ret = signal_locked(fence, timestamp, lazy);
	spin_unlock_irqrestore(fence->lock, flags);
	if (run_work)
		linux_irq_work_leave();
	return ret;
}

int dma_fence_signal(struct dma_fence *fence)
{
	return signal_unlocked(fence, ktime_get(), false);
}

int dma_fence_signal_locked(struct dma_fence *fence)
{
	return signal_locked(fence, ktime_get(), false);
}

int dma_fence_signal_timestamp(struct dma_fence *fence, ktime_t timestamp)
{
	return signal_unlocked(fence, timestamp, false);
}

int dma_fence_signal_timestamp_locked(struct dma_fence *fence,
				      ktime_t timestamp)
{
	return signal_locked(fence, timestamp, false);
}

int linux_dma_fence_signal_lazy(struct dma_fence *fence)
{
	return signal_unlocked(fence, ktime_get(), true);
}

int linux_dma_fence_signal_lazy_locked(struct dma_fence *fence)
{
	return signal_locked(fence, ktime_get(), true);
}

/* Asks the owner, once, to signal on its own. False: it has signalled. */
static bool enable_signaling_locked(struct dma_fence *fence)
{
	bool was_enabled;

	lockdep_assert_held(fence->lock);

	was_enabled = test_and_set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
				       &fence->flags);
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return false;
	if (was_enabled || !fence->ops->enable_signaling ||
	    fence->ops->enable_signaling(fence))
		return true;
	signal_locked(fence, ktime_get(), true);
	return false;
}

void dma_fence_enable_sw_signaling(struct dma_fence *fence)
{
	bool run_work = linux_irq_work_enter();
	unsigned long flags;

	spin_lock_irqsave(fence->lock, flags);
	enable_signaling_locked(fence);
	spin_unlock_irqrestore(fence->lock, flags);
	if (run_work)
		linux_irq_work_leave();
}

int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb,
			   dma_fence_func_t func)
{
	unsigned long flags;
	bool run_work;
	int ret = -ENOENT;

	BUG_ON(!fence || !func);
	INIT_LIST_HEAD(&cb->node);
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return -ENOENT;

	run_work = linux_irq_work_enter();
	spin_lock_irqsave(fence->lock, flags);
	if (enable_signaling_locked(fence)) {
		cb->func = func;
		list_add_tail(&cb->node, &fence->cb_list);
		ret = 0;
	}
	spin_unlock_irqrestore(fence->lock, flags);
	if (run_work)
		linux_irq_work_leave();
	return ret;
}

bool dma_fence_remove_callback(struct dma_fence *fence,
			       struct dma_fence_cb *cb)
{
	unsigned long flags;
	bool was_pending;

	spin_lock_irqsave(fence->lock, flags);
	was_pending = !list_empty(&cb->node);
	if (was_pending)
		list_del_init(&cb->node);
	spin_unlock_irqrestore(fence->lock, flags);
	return was_pending;
}

int dma_fence_get_status(struct dma_fence *fence)
{
	if (!dma_fence_is_signaled(fence))
		return 0;
	return fence->error ? fence->error : 1;
}

ktime_t dma_fence_timestamp(struct dma_fence *fence)
{
	if (WARN_ON(!test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags)))
		return ktime_get();
	while (!test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags))
		cpu_relax();
	smp_rmb();
	return fence->timestamp;
}

void dma_fence_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	if (fence->ops->set_deadline && !dma_fence_is_signaled(fence))
		fence->ops->set_deadline(fence, deadline);
}

/* ---------------------------------------------------------------- waits -- */

struct fence_waiter {
	struct dma_fence_cb cb;
	struct completion *done;
};

static void wake_waiter(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	complete(container_of(cb, struct fence_waiter, cb)->done);
}

signed long dma_fence_default_wait(struct dma_fence *fence, bool intr,
				   signed long timeout)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct fence_waiter waiter = { .done = &done };
	signed long ret;

	if (dma_fence_is_signaled(fence) ||
	    dma_fence_add_callback(fence, &waiter.cb, wake_waiter))
		return timeout ? timeout : 1;
	ret = timeout ? (signed long)wait_for_completion_timeout(&done, timeout)
		      : 0;
	/* Also the last use of @done by wake_waiter(), under the same lock. */
	if (!dma_fence_remove_callback(fence, &waiter.cb) && !ret)
		ret = 1;
	return ret;
}

signed long dma_fence_wait_timeout(struct dma_fence *fence, bool intr,
				   signed long timeout)
{
	if (WARN_ON(timeout < 0))
		return -EINVAL;
	might_sleep();
	if (fence->ops->wait)
		return fence->ops->wait(fence, intr, timeout);
	return dma_fence_default_wait(fence, intr, timeout);
}

static bool first_signaled(struct dma_fence **fences, uint32_t count,
			   uint32_t *idx)
{
	for (uint32_t i = 0; i < count; i++) {
		if (dma_fence_is_signaled(fences[i])) {
			if (idx)
				*idx = i;
			return true;
		}
	}
	return false;
}

signed long dma_fence_wait_any_timeout(struct dma_fence **fences,
				       uint32_t count, bool intr,
				       signed long timeout, uint32_t *idx)
{
	DECLARE_COMPLETION_ONSTACK(done);
	struct fence_waiter *waiters;
	signed long ret = timeout;
	uint32_t added;

	if (WARN_ON(!fences || !count || timeout < 0))
		return -EINVAL;
	if (timeout == 0)
		return first_signaled(fences, count, idx);

	waiters = kcalloc(count, sizeof(*waiters), GFP_KERNEL);
	if (!waiters)
		return -ENOMEM;
	for (added = 0; added < count; added++) {
		waiters[added].done = &done;
		if (dma_fence_add_callback(fences[added], &waiters[added].cb,
					   wake_waiter))
			break;
	}
	if (added == count)
		ret = (signed long)wait_for_completion_timeout(&done, timeout);
	while (added--)
		dma_fence_remove_callback(fences[added], &waiters[added].cb);
	kfree(waiters);

	if (first_signaled(fences, count, idx))
		return ret ? ret : 1;
	return 0;
}

/* ---------------------------------------------------------------- stubs -- */

static const char *stub_name(struct dma_fence *fence)
{
	return "stub";
}

static const struct dma_fence_ops stub_ops = {
	.get_driver_name = stub_name,
	.get_timeline_name = stub_name,
};

static DEFINE_SPINLOCK(stub_lock);
static struct dma_fence stub;
static bool stub_ready; /* stub is initialised; written under stub_lock */

static void init_signaled(struct dma_fence *fence, ktime_t timestamp)
{
	dma_fence_init(fence, &stub_ops, &stub_lock, 0, 0);
	set_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags);
	signal_locked(fence, timestamp, false);
}

struct dma_fence *dma_fence_get_stub(void)
{
	unsigned long flags;

	/* Once; its first reference is never put. */
	if (!smp_load_acquire(&stub_ready)) {
		spin_lock_irqsave(&stub_lock, flags);
		if (!stub_ready) {
			init_signaled(&stub, ktime_get());
			smp_store_release(&stub_ready, true);
		}
		spin_unlock_irqrestore(&stub_lock, flags);
	}
	return dma_fence_get(&stub);
}

struct dma_fence *dma_fence_allocate_private_stub(ktime_t timestamp)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	unsigned long flags;

	if (!fence)
		return NULL;
	spin_lock_irqsave(&stub_lock, flags);
	init_signaled(fence, timestamp);
	spin_unlock_irqrestore(&stub_lock, flags);
	return fence;
}
