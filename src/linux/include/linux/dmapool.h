/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful interface: equal blocks cut from pages; stricter: blocks left at
 * destruction are reported.
 */
#ifndef LINUX_DMAPOOL_H
#define LINUX_DMAPOOL_H

#include <linux/gfp_types.h>
#include <linux/types.h>

struct device;
struct dma_pool;

/* align: a power of two or 0; no block crosses a multiple of boundary. */
struct dma_pool *dma_pool_create(const char *name, struct device *dev,
				 size_t size, size_t align, size_t boundary);
void dma_pool_destroy(struct dma_pool *pool);
void *dma_pool_alloc(struct dma_pool *pool, gfp_t flags, dma_addr_t *addr_out);
#define dma_pool_zalloc(pool, flags, addr_out) \
	dma_pool_alloc(pool, (flags) | __GFP_ZERO, addr_out)
void dma_pool_free(struct dma_pool *pool, void *cpu_addr, dma_addr_t addr);

#endif /* LINUX_DMAPOOL_H */
