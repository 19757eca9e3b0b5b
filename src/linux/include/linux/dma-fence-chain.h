/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful. The points of a timeline, newest first. A link signals when its own
 * fence and all links before it have.
 */
#ifndef LINUX_DMA_FENCE_CHAIN_H
#define LINUX_DMA_FENCE_CHAIN_H

#include <linux/container_of.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/irq_work.h>

struct dma_fence_chain {
	struct dma_fence base;
	struct dma_fence __rcu *prev; /* owned; links that signalled go away */
	u64 prev_seqno;
	struct dma_fence *fence; /* owned */
	union {
		struct dma_fence_cb cb; /* on the fence we wait for now */
		struct irq_work work; /* goes on with the next one */
	};
	spinlock_t lock;
};

static inline struct dma_fence_chain *
to_dma_fence_chain(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_chain(fence))
		return NULL;
	return container_of(fence, struct dma_fence_chain, base);
}

/* The fence of a link, or @fence itself. */
static inline struct dma_fence *
dma_fence_chain_contained(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

#define dma_fence_chain_alloc()                                                \
	((struct dma_fence_chain *)kmalloc(sizeof(struct dma_fence_chain),     \
					   GFP_KERNEL))

/* Only for chains that dma_fence_chain_init() has not seen. Accepts NULL. */
static inline void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	kfree(chain);
}

/*
 * @iter holds a reference in the body; put it when leaving early. Links that
 * have signalled are cut out on the way.
 */
#define dma_fence_chain_for_each(iter, head)                                   \
	for (iter = dma_fence_get(head); iter;                                 \
	     iter = dma_fence_chain_walk(iter))

/* Takes the reference on @fence, returns one on what came before it. */
struct dma_fence *dma_fence_chain_walk(struct dma_fence *fence);
/*
 * Replaces *@pfence by the link that must signal for @seqno to be reached; NULL
 * when it has been. -EINVAL: no such point yet. @seqno 0: leaves it alone.
 */
int dma_fence_chain_find_seqno(struct dma_fence **pfence, uint64_t seqno);
/* Takes the references on @prev (may be NULL) and @fence. */
void dma_fence_chain_init(struct dma_fence_chain *chain, struct dma_fence *prev,
			  struct dma_fence *fence, uint64_t seqno);

#endif /* LINUX_DMA_FENCE_CHAIN_H */
