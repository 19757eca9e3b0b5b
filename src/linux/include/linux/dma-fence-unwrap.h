/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the plain fences inside of chains and arrays. */
#ifndef LINUX_DMA_FENCE_UNWRAP_H
#define LINUX_DMA_FENCE_UNWRAP_H

#include <linux/array_size.h>
#include <linux/dma-fence.h>

/* Where a walk is. */
struct dma_fence_unwrap {
	struct dma_fence *chain; /* a reference */
	struct dma_fence *array; /* the fence of that link */
	unsigned int index; /* of the fence in it */
};

/*
 * Walks over the plain fences of @head, signalled or not. They are the walk's
 * references; who leaves early puts cursor->chain.
 */
#define dma_fence_unwrap_for_each(fence, cursor, head)                         \
	for (fence = dma_fence_unwrap_first(head, cursor); fence;              \
	     fence = dma_fence_unwrap_next(cursor))

/* NULL: there is none (any more). @head may be NULL. */
struct dma_fence *dma_fence_unwrap_first(struct dma_fence *head,
					 struct dma_fence_unwrap *cursor);
struct dma_fence *dma_fence_unwrap_next(struct dma_fence_unwrap *cursor);

/* How many a walk sees. As links that have signalled go, a later one sees fewer. */
unsigned int linux_dma_fence_count(struct dma_fence *head);

/*
 * A reference on a fence that is no chain and signals when all fences within
 * those given have: one of them, an array of the last of each context, or a stub.
 * O(fences * contexts). NULL: no memory.
 */
struct dma_fence *linux_dma_fence_merge(struct dma_fence **heads,
					unsigned int num_heads);
#define dma_fence_unwrap_merge(...)                                            \
	({                                                                     \
		struct dma_fence *heads_[] = { __VA_ARGS__ };                  \
		linux_dma_fence_merge(heads_, ARRAY_SIZE(heads_));             \
	})

#endif /* LINUX_DMA_FENCE_UNWRAP_H */
