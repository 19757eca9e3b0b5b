/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful. One fence for several: signals with the last of them, or with the
 * first.
 */
#ifndef LINUX_DMA_FENCE_ARRAY_H
#define LINUX_DMA_FENCE_ARRAY_H

#include <linux/atomic.h>
#include <linux/container_of.h>
#include <linux/dma-fence.h>
#include <linux/irq_work.h>

struct dma_fence_array_cb {
	struct dma_fence_cb cb;
	struct dma_fence_array *array;
};

struct dma_fence_array {
	struct dma_fence base;
	spinlock_t lock;
	unsigned num_fences;
	atomic_t num_pending;
	struct dma_fence **fences; /* owned, as are the references in it */
	struct irq_work work; /* signals outside the members' locks */
	struct dma_fence_array_cb callbacks[];
};

static inline struct dma_fence_array *
to_dma_fence_array(struct dma_fence *fence)
{
	if (!fence || !dma_fence_is_array(fence))
		return NULL;
	return container_of(fence, struct dma_fence_array, base);
}

#define dma_fence_array_for_each(fence, index, head)                           \
	for (index = 0, fence = dma_fence_array_first(head); fence;            \
	     ++(index), fence = dma_fence_array_next(head, index))

/*
 * Takes @fences (from kmalloc_array) and the references in it, unless it
 * returns NULL: no memory.
 */
struct dma_fence_array *dma_fence_array_create(int num_fences,
					       struct dma_fence **fences,
					       u64 context, unsigned seqno,
					       bool signal_on_any);
struct dma_fence *dma_fence_array_first(struct dma_fence *head);
struct dma_fence *dma_fence_array_next(struct dma_fence *head,
				       unsigned int index);

#endif /* LINUX_DMA_FENCE_ARRAY_H */
