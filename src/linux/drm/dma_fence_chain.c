// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/dma-fence-chain.h>
#include <linux/atomic.h>
#include <linux/minmax.h>

static const char *chain_driver_name(struct dma_fence *fence)
{
	return "dma_fence_chain";
}

static const char *chain_timeline_name(struct dma_fence *fence)
{
	return "unbound";
}

/* A reference on the link before, or NULL. */
static struct dma_fence *get_prev(struct dma_fence_chain *chain)
{
	struct dma_fence *prev;

	rcu_read_lock();
	prev = dma_fence_get_rcu_safe(&chain->prev);
	rcu_read_unlock();
	return prev;
}

struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev = NULL;

	while (chain && (prev = get_prev(chain))) {
		struct dma_fence_chain *prev_chain = to_dma_fence_chain(prev);
		struct dma_fence *after = NULL;

		if (!dma_fence_is_signaled(dma_fence_chain_contained(prev)))
			break;
		if (prev_chain)
			after = get_prev(prev_chain);
		/* Cut it out, unless another walk was faster. */
		if (cmpxchg(&chain->prev, prev, after) == prev)
			dma_fence_put(prev);
		else
			dma_fence_put(after);
		dma_fence_put(prev);
	}
	dma_fence_put(fence);
	return prev;
}

int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno)
{
	struct dma_fence_chain *head;

	if (!seqno)
		return 0;
	head = to_dma_fence_chain(*pfence);
	if (!head || head->base.seqno < seqno)
		return -EINVAL;

	dma_fence_chain_for_each(*pfence, &head->base) {
		if ((*pfence)->context != head->base.context ||
		    to_dma_fence_chain(*pfence)->prev_seqno < seqno)
			break;
	}
	dma_fence_put(&head->base);
	return 0;
}

static bool chain_enable_signaling(struct dma_fence *fence);

/* No lock is held here: this is why it is not done in the callback. */
static void chain_continue(struct irq_work *work)
{
	struct dma_fence_chain *chain =
		container_of(work, struct dma_fence_chain, work);

	if (!chain_enable_signaling(&chain->base))
		linux_dma_fence_signal_lazy(&chain->base);
	dma_fence_put(&chain->base);
}

static void chain_callback(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct dma_fence_chain *chain =
		container_of(cb, struct dma_fence_chain, cb);

	/* cb and work share their memory, so cb is not to be touched again. */
	init_irq_work(&chain->work, chain_continue);
	irq_work_queue(&chain->work);
	/* The reference of whoever signals it keeps @fence for now. */
	dma_fence_put(fence);
}

/*
 * Waits for the newest link that has not signalled. While it does, the callback
 * owns a reference on the chain and one on the fence that it is added to.
 */
static bool chain_enable_signaling(struct dma_fence *fence)
{
	struct dma_fence_chain *head = to_dma_fence_chain(fence);
	struct dma_fence *link;

	dma_fence_get(&head->base);
	dma_fence_chain_for_each(link, &head->base) {
		struct dma_fence *f = dma_fence_chain_contained(link);

		dma_fence_get(f);
		if (!dma_fence_add_callback(f, &head->cb, chain_callback)) {
			dma_fence_put(link);
			return true;
		}
		dma_fence_put(f);
	}
	dma_fence_put(&head->base);
	return false;
}

static bool chain_signaled(struct dma_fence *fence)
{
	struct dma_fence *link;

	dma_fence_chain_for_each(link, fence) {
		if (!dma_fence_is_signaled(dma_fence_chain_contained(link))) {
			dma_fence_put(link);
			return false;
		}
	}
	return true;
}

static void chain_release(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);
	struct dma_fence *prev;

	/*
	 * A chain may be long: take links that only we hold out one by one, so
	 * that freeing the first does not recurse into all of them.
	 */
	while ((prev = chain->prev)) {
		struct dma_fence_chain *prev_chain = to_dma_fence_chain(prev);

		if (!prev_chain || kref_read(&prev->refcount) > 1)
			break;
		chain->prev = xchg(&prev_chain->prev, NULL);
		dma_fence_put(prev);
	}
	dma_fence_put(prev);
	dma_fence_put(chain->fence);
	dma_fence_free(fence);
}

static void chain_set_deadline(struct dma_fence *fence, ktime_t deadline)
{
	dma_fence_chain_for_each(fence, fence) {
		struct dma_fence *f = dma_fence_chain_contained(fence);

		dma_fence_set_deadline(f, deadline);
	}
}

const struct dma_fence_ops dma_fence_chain_ops = {
	.use_64bit_seqno = true,
	.get_driver_name = chain_driver_name,
	.get_timeline_name = chain_timeline_name,
	.enable_signaling = chain_enable_signaling,
	.signaled = chain_signaled,
	.release = chain_release,
	.set_deadline = chain_set_deadline,
};

void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno)
{
	struct dma_fence_chain *prev_chain = to_dma_fence_chain(prev);
	u64 context;

	/* A chain of chains could not be released without recursion. */
	WARN_ON(dma_fence_is_chain(fence));

	spin_lock_init(&chain->lock);
	chain->prev = prev;
	chain->fence = fence;
	chain->prev_seqno = 0;

	if (prev_chain &&
	    __dma_fence_is_later(seqno, prev->seqno, prev->ops)) {
		context = prev->context;
		chain->prev_seqno = prev->seqno;
	} else {
		/* Out of order: a new timeline, that never goes backwards. */
		context = dma_fence_context_alloc(1);
		if (prev_chain)
			seqno = max(prev->seqno, (u64)seqno);
	}
	dma_fence_init(&chain->base, &dma_fence_chain_ops, &chain->lock,
		       context, seqno);
}
