// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/minmax.h>
#include <linux/scatterlist.h>
#include <linux/string.h>

void sg_init_table(struct scatterlist *sgl, unsigned int nents)
{
	memset(sgl, 0, sizeof(*sgl) * nents);
	sg_mark_end(&sgl[nents - 1]);
}

int sg_alloc_table(struct sg_table *table, unsigned int nents, gfp_t gfp)
{
	memset(table, 0, sizeof(*table));
	if (!nents)
		return -EINVAL;
	table->sgl = kvmalloc_array(nents, sizeof(*table->sgl), gfp);
	if (!table->sgl)
		return -ENOMEM;
	sg_init_table(table->sgl, nents);
	table->nents = nents;
	table->orig_nents = nents;
	return 0;
}

void sg_free_table(struct sg_table *table)
{
	kvfree(table->sgl);
	memset(table, 0, sizeof(*table));
}

/* How many pages from the first on are neighbours, up to max. */
static unsigned int run_length(struct page **pages, unsigned int n_pages,
			       unsigned int max)
{
	unsigned int n = 1;

	while (n < min(n_pages, max) && pages[n] == pages[n - 1] + 1)
		n++;
	return n;
}

int sg_alloc_table_from_pages_segment(struct sg_table *sgt, struct page **pages,
				      unsigned int n_pages, unsigned int offset,
				      unsigned long size,
				      unsigned int max_segment, gfp_t gfp)
{
	unsigned int max_pages = max_segment >> PAGE_SHIFT;
	unsigned int runs = 0, i, n;
	struct scatterlist *sg;
	int ret;

	if (!n_pages || !size || !max_pages || offset >= PAGE_SIZE ||
	    size > ((unsigned long)n_pages << PAGE_SHIFT) - offset)
		return -EINVAL;
	for (i = 0; i < n_pages; i += n, runs++)
		n = run_length(pages + i, n_pages - i, max_pages);
	ret = sg_alloc_table(sgt, runs, gfp);
	if (ret)
		return ret;

	sg = sgt->sgl;
	for (i = 0; i < n_pages; i += n, sg++) {
		unsigned long len;

		n = run_length(pages + i, n_pages - i, max_pages);
		len = min(((unsigned long)n << PAGE_SHIFT) - offset, size);
		sg_set_page(sg, pages[i], (unsigned int)len, offset);
		size -= len;
		offset = 0;
	}
	return 0;
}
