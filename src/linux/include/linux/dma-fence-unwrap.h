/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the plain fences inside of chains and arrays, as one fence. */
#ifndef LINUX_DMA_FENCE_UNWRAP_H
#define LINUX_DMA_FENCE_UNWRAP_H

#include <linux/dma-fence.h>

/*
 * A reference on a fence that is no chain and signals when all fences within
 * @fence have: one of them, an array, or a stub. NULL: no memory.
 */
struct dma_fence *linux_dma_fence_unwrap(struct dma_fence *fence);
#define dma_fence_unwrap_merge(fence) linux_dma_fence_unwrap(fence)

#endif /* LINUX_DMA_FENCE_UNWRAP_H */
