/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful interface; tables are one array, never chained. */
#ifndef LINUX_SCATTERLIST_H
#define LINUX_SCATTERLIST_H

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/types.h>

struct scatterlist {
	unsigned long page_link; /* the page; bit 1: last entry */
	unsigned int offset;
	unsigned int length;
	dma_addr_t dma_address;
	unsigned int dma_length;
};

struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents; /* mapped by DMA */
	unsigned int orig_nents;
};

#define SG_END 0x02ul
#define SG_MAX_SINGLE_ALLOC (PAGE_SIZE / sizeof(struct scatterlist))

#define sg_is_last(sg) ((sg)->page_link & SG_END)
#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg) ((sg)->dma_length)

static inline void sg_mark_end(struct scatterlist *sg)
{
	sg->page_link |= SG_END;
}

static inline struct page *sg_page(const struct scatterlist *sg)
{
	return (struct page *)(sg->page_link & ~3ul);
}

static inline void sg_set_page(struct scatterlist *sg, struct page *page,
			       unsigned int len, unsigned int offset)
{
	sg->page_link = (sg->page_link & SG_END) | (unsigned long)page;
	sg->offset = offset;
	sg->length = len;
}

static inline struct scatterlist *sg_next(struct scatterlist *sg)
{
	return sg_is_last(sg) ? NULL : sg + 1;
}

static inline phys_addr_t sg_phys(const struct scatterlist *sg)
{
	return page_to_phys(sg_page(sg)) + sg->offset;
}

static inline void *sg_virt(const struct scatterlist *sg)
{
	return (char *)page_address(sg_page(sg)) + sg->offset;
}

void sg_init_table(struct scatterlist *sgl, unsigned int nents);
/* -ENOMEM; -EINVAL for no entries. */
int sg_alloc_table(struct sg_table *table, unsigned int nents, gfp_t gfp);
void sg_free_table(struct sg_table *table);
/*
 * As few entries as the physical neighbourhood of the pages allows, none longer
 * than max_segment (rounded down to pages). offset: into the first page.
 * -ENOMEM; -EINVAL for bad arguments.
 */
int sg_alloc_table_from_pages_segment(struct sg_table *sgt, struct page **pages,
				      unsigned int n_pages, unsigned int offset,
				      unsigned long size,
				      unsigned int max_segment, gfp_t gfp);
#define sg_alloc_table_from_pages(sgt, pages, n_pages, offset, size, gfp)   \
	sg_alloc_table_from_pages_segment(sgt, pages, n_pages, offset, size, \
					  UINT_MAX, gfp)

#define for_each_sg(sglist, sg, nr, i) \
	for ((i) = 0, (sg) = (sglist); (i) < (nr); (i)++, (sg) = sg_next(sg))
#define for_each_sgtable_sg(sgt, sg, i) \
	for_each_sg((sgt)->sgl, sg, (sgt)->orig_nents, i)
#define for_each_sgtable_dma_sg(sgt, sg, i) \
	for_each_sg((sgt)->sgl, sg, (sgt)->nents, i)

#endif /* LINUX_SCATTERLIST_H */
