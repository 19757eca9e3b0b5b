// SPDX-License-Identifier: MIT OR GPL-2.0
/* The machine's RAM, in as few contiguous runs as it has. */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../core/internal.h"
#include "drm_internal.h"

#define RUN_MAX_PAGES ((unsigned long)SZ_2G >> PAGE_SHIFT)

/* While it is being made. */
struct runs {
	struct linux_ram_run *run;
	unsigned int num, max;
};

static int try_ram_alloc(unsigned long want, uint64_t *pa_out,
			 uint64_t *got_B_out)
{
	return linux_machine.ops->ram_alloc(linux_machine.machine,
					    PFN_PHYS(want), pa_out, got_B_out);
}

/* 1 up to @want pages that lie side by side; -ENOMEM. */
static int ram_alloc(unsigned long want, unsigned long *pfn_out,
		     unsigned long *got_out)
{
	uint64_t pa, got_B;
	int ret;

	linux_might_reclaim();
	if (linux_should_fail())
		return -ENOMEM;
	ret = try_ram_alloc(want, &pa, &got_B);
	if (ret) {
		/* Descriptors that were closed may hold the last of it. */
		linux_file_reap();
		linux_alloc_or_reclaim(ret, try_ram_alloc(want, &pa, &got_B),
				       want);
	}
	if (ret)
		return ret;
	*pfn_out = PHYS_PFN(pa);
	*got_out = got_B >> PAGE_SHIFT;
	return 0;
}

static void ram_free(unsigned long pfn, unsigned long num_pages)
{
	linux_machine.ops->ram_free(linux_machine.machine, PFN_PHYS(pfn),
				    PFN_PHYS(num_pages));
	linux_count_freed(num_pages);
}

/* Doubles the room for runs; -ENOMEM leaves everything as it was. */
static int grow(struct runs *runs)
{
	unsigned int max = runs->max ? 2 * runs->max : 4;
	struct linux_ram_run *grown =
		kvmalloc_array(max, sizeof(*grown), GFP_KERNEL);

	if (!grown)
		return -ENOMEM;
	if (runs->num)
		memcpy(grown, runs->run, runs->num * sizeof(*grown));
	kvfree(runs->run);
	runs->run = grown;
	runs->max = max;
	return 0;
}

/* Adds to the last run where it continues that. There is room for one more. */
static void append(struct runs *runs, unsigned long pfn,
		   unsigned long num_pages)
{
	struct linux_ram_run *last =
		runs->num ? &runs->run[runs->num - 1] : NULL;

	if (last && last->pfn + last->num_pages == pfn &&
	    last->num_pages + num_pages <= RUN_MAX_PAGES) {
		last->num_pages += num_pages;
		return;
	}
	runs->run[runs->num++] = (struct linux_ram_run){
		.pfn = pfn,
		.num_pages = num_pages,
	};
}

int linux_ram_runs_alloc(unsigned long num_pages,
			 struct linux_ram_run **runs_out,
			 unsigned int *num_runs_out)
{
	unsigned long left = num_pages, pfn, got;
	struct runs runs = { 0 };
	int ret;

	while (left) {
		if (runs.num == runs.max) {
			ret = grow(&runs);
			if (ret)
				goto err_free;
		}
		ret = ram_alloc(min(left, RUN_MAX_PAGES), &pfn, &got);
		if (ret)
			goto err_free;
		append(&runs, pfn, got);
		left -= got;
	}
	*runs_out = runs.run;
	*num_runs_out = runs.num;
	return 0;

err_free:
	linux_ram_runs_free(runs.run, runs.num);
	return ret;
}

void linux_ram_runs_free(struct linux_ram_run *runs, unsigned int num_runs)
{
	for (unsigned int i = 0; i < num_runs; i++)
		ram_free(runs[i].pfn, runs[i].num_pages);
	kvfree(runs);
}

struct sg_table *linux_ram_runs_to_sgt(const struct linux_ram_run *runs,
				       unsigned int num_runs)
{
	struct scatterlist *sg;
	struct sg_table *sgt;
	unsigned int i;
	int ret;

	sgt = kmalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(sgt, num_runs, GFP_KERNEL);
	if (ret) {
		kfree(sgt);
		return ERR_PTR(ret);
	}
	for_each_sgtable_sg(sgt, sg, i)
		sg_set_page(sg, pfn_to_page(runs[i].pfn),
			    runs[i].num_pages << PAGE_SHIFT, 0);
	return sgt;
}
