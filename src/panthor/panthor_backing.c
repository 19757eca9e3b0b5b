// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "panthor_backing.h"

static u32 count_runs(const struct sg_table *sgt)
{
	struct scatterlist *sg;
	dma_addr_t end = 0;
	u32 i, count = 0;

	for_each_sgtable_dma_sg (sgt, sg, i) {
		if (!count || sg_dma_address(sg) != end)
			count++;
		end = sg_dma_address(sg) + sg_dma_len(sg);
	}

	return count;
}

/**
 * panthor_backing_create() - index the pages of a BO
 * @sgt: its scatter list, mapped for the device; not referenced afterwards
 *
 * Return: the index, to be freed with panthor_backing_destroy(), or NULL where
 * there is no memory for it.
 */
struct panthor_backing *panthor_backing_create(const struct sg_table *sgt)
{
	u32 count = count_runs(sgt), n = 0, i;
	struct panthor_backing *backing;
	struct scatterlist *sg;
	dma_addr_t end = 0;
	u64 offset = 0;

	/* One more that marks the end; sizes of BOs bound the count. */
	backing = kvmalloc(struct_size(backing, runs, (size_t)count + 1),
			   GFP_KERNEL_ACCOUNT);
	if (!backing)
		return NULL;

	for_each_sgtable_dma_sg (sgt, sg, i) {
		if (!n || sg_dma_address(sg) != end) {
			backing->runs[n].offset = offset;
			backing->runs[n].addr = sg_dma_address(sg);
			n++;
		}
		end = sg_dma_address(sg) + sg_dma_len(sg);
		offset += sg_dma_len(sg);
	}

	backing->runs[n].offset = offset;
	backing->runs[n].addr = 0;
	backing->count = n;
	backing->hint = 0;

	return backing;
}

/** panthor_backing_destroy() - free an index; NULL is allowed */
void panthor_backing_destroy(struct panthor_backing *backing)
{
	kvfree(backing);
}

/**
 * panthor_backing_find() - translate an offset in the BO
 * @backing: the index
 * @offset: bytes, less than the size of the BO
 * @len_out: bytes from @offset on that are contiguous in DMA addresses
 *
 * O(1) where @offset lies in the run that was found last or in the one behind
 * it, O(log runs) elsewhere.
 *
 * Return: the DMA address.
 */
u64 panthor_backing_find(struct panthor_backing *backing, u64 offset,
			 u64 *len_out)
{
	const struct panthor_backing_run *runs = backing->runs;
	u32 lo = 0, hi = backing->count, i = backing->hint;

	if (i + 1 < backing->count && offset >= runs[i + 1].offset)
		i++;

	if (offset < runs[i].offset || offset >= runs[i + 1].offset) {
		while (hi - lo > 1) {
			u32 mid = lo + (hi - lo) / 2;

			if (runs[mid].offset <= offset)
				lo = mid;
			else
				hi = mid;
		}
		i = lo;
	}

	backing->hint = i;
	*len_out = runs[i + 1].offset - offset;
	return runs[i].addr + (offset - runs[i].offset);
}
