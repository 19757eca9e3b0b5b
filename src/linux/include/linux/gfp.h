/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: pages come from the machine's RAM, always zeroed; no zones or
 * migration.
 */
#ifndef LINUX_GFP_H
#define LINUX_GFP_H

#include <linux/gfp_types.h>
#include <linux/mm_types.h>

struct linux_alloc_site;

/* Naturally aligned, contiguous; NULL on failure. */
struct page *linux_alloc_pages(gfp_t flags, unsigned int order,
			       struct linux_alloc_site *site);
/*
 * As many contiguous pages as the machine gives, 1 up to want; each has a
 * reference of its own and is dropped by put_page(). NULL on failure.
 */
struct page *linux_alloc_page_run(gfp_t flags, unsigned long want,
				  unsigned long *got_out,
				  struct linux_alloc_site *site);
/* put_page() of nr pages in a row, with few calls to the machine. */
void linux_put_page_run(struct page *page, unsigned long nr);
void __free_pages(struct page *page, unsigned int order);
void free_pages(unsigned long addr, unsigned int order);

#define alloc_pages(flags, order) \
	linux_alloc_pages(flags, order, __LINUX_SITE())
#define alloc_page(flags) alloc_pages(flags, 0)
#define alloc_page_run(flags, want, got_out) \
	linux_alloc_page_run(flags, want, got_out, __LINUX_SITE())
#define __free_page(page) __free_pages((page), 0)
#define __get_free_pages(flags, order) \
	linux_page_virt_or_null(alloc_pages(flags, order))
#define __get_free_page(flags) __get_free_pages(flags, 0)
#define get_zeroed_page(flags) __get_free_page((flags) | __GFP_ZERO)
#define free_page(addr) free_pages((addr), 0)

unsigned long linux_page_virt_or_null(struct page *page);

/* The smallest order whose pages hold size bytes. */
int get_order(unsigned long size);

#include <linux/slab.h>

#endif /* LINUX_GFP_H */
