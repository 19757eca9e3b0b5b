// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Pages of the machine's RAM. Every physical page has a struct page in one
 * large array that the host backs with memory only where it was written.
 */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/vmalloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "internal.h"

struct page *linux_mem_map;
char *linux_ram_base;
unsigned long linux_max_pfn;

/* -------------------------------------------------------------- allocate -- */

static bool may_allocate(gfp_t flags)
{
	if (gfpflags_allow_blocking(flags)) {
		might_sleep();
		linux_might_reclaim();
	}
	return (flags & __GFP_NOFAIL) || !linux_should_fail();
}

/* u64 and libc's uint64_t are types of the same size, but not the same. */
static int try_ram_alloc(u64 want_B, u64 *pa_out, u64 *got_B_out)
{
	uint64_t pa, got_B;
	int ret = linux_machine.ops->ram_alloc(linux_machine.machine, want_B,
					       &pa, &got_B);

	if (!ret) {
		*pa_out = pa;
		*got_B_out = got_B;
	}
	return ret;
}

static void ram_free(u64 pa, u64 size_B)
{
	linux_machine.ops->ram_free(linux_machine.machine, pa, size_B);
	linux_count_freed(size_B >> PAGE_SHIFT);
}

/* With the means that the caller's context allows. */
static int ram_alloc(gfp_t flags, u64 want_B, u64 *pa_out, u64 *got_B_out)
{
	int ret;

	if (!gfpflags_allow_blocking(flags))
		return try_ram_alloc(want_B, pa_out, got_B_out);
	linux_alloc_or_reclaim(ret, try_ram_alloc(want_B, pa_out, got_B_out),
			       want_B >> PAGE_SHIFT);
	return ret;
}

/*
 * A naturally aligned block: where the machine's is not, twice as much has one
 * inside.
 */
static int ram_alloc_aligned(gfp_t flags, u64 size_B, u64 *pa_out)
{
	u64 pa, got_B, start;

	for (u64 want_B = size_B; want_B <= 2 * size_B; want_B *= 2) {
		int ret = ram_alloc(flags, want_B, &pa, &got_B);

		if (ret)
			return ret;
		start = ALIGN(pa, size_B);
		if (start + size_B <= pa + got_B) {
			if (start > pa)
				ram_free(pa, start - pa);
			if (pa + got_B > start + size_B)
				ram_free(start + size_B,
					 pa + got_B - start - size_B);
			*pa_out = start;
			return 0;
		}
		ram_free(pa, got_B);
	}
	return -ENOMEM;
}

static void init_page(struct page *page, unsigned int order,
		      struct linux_alloc_site *site)
{
	WARN(atomic_read(&page->_refcount), "page %lu is in use, and allocated",
	     page_to_pfn(page));
	page->flags = 0;
	page->order = order;
	page->private = 0;
	page->mapping = NULL;
	page->index = 0;
	INIT_LIST_HEAD(&page->lru);
	page->site = site;
	atomic_set(&page->_refcount, 1);
}

static void count_alloc(struct linux_alloc_site *site, u64 count, u64 pages)
{
	if (unlikely(!READ_ONCE(site->listed))) {
		WRITE_ONCE(site->pages, true);
		linux_alloc_site_list(site);
	}
	__atomic_fetch_add(&site->live, LINUX_LIVE(count, pages << PAGE_SHIFT),
			   __ATOMIC_RELAXED);
}

struct page *linux_alloc_pages(gfp_t flags, unsigned int order,
			       struct linux_alloc_site *site)
{
	struct page *page;
	u64 pa, got_B;
	int ret;

	if (WARN_ON_ONCE(order > MAX_PAGE_ORDER || !linux_machine.ops) ||
	    !may_allocate(flags))
		return NULL;
	ret = order ? ram_alloc_aligned(flags, PAGE_SIZE << order, &pa)
		    : ram_alloc(flags, PAGE_SIZE, &pa, &got_B);
	if (ret) {
		BUG_ON(flags & __GFP_NOFAIL);
		return NULL;
	}
	page = phys_to_page(pa);
	init_page(page, order, site);
	count_alloc(site, 1, 1ul << order);
	return page;
}

struct page *linux_alloc_page_run(gfp_t flags, unsigned long want,
				  unsigned long *got_out,
				  struct linux_alloc_site *site)
{
	struct page *first;
	u64 pa, got_B;

	if (WARN_ON_ONCE(!want || !linux_machine.ops) || !may_allocate(flags))
		return NULL;
	if (ram_alloc(flags, (u64)want << PAGE_SHIFT, &pa, &got_B)) {
		BUG_ON(flags & __GFP_NOFAIL);
		return NULL;
	}
	first = phys_to_page(pa);
	*got_out = got_B >> PAGE_SHIFT;
	for (unsigned long i = 0; i < *got_out; i++)
		init_page(first + i, 0, site);
	count_alloc(site, *got_out, *got_out);
	return first;
}

/* ------------------------------------------------------------------ free -- */

/* True: that was the last reference. */
static bool drop_page(struct page *page)
{
	int left = atomic_dec_return(&page->_refcount);

	if (WARN(left < 0, "page %lu freed once too often", page_to_pfn(page)))
		atomic_set(&page->_refcount, 0);
	if (left)
		return false;
	__atomic_fetch_sub(&page->site->live,
			   LINUX_LIVE(1, PAGE_SIZE << page->order),
			   __ATOMIC_RELAXED);
	return true;
}

void put_page(struct page *page)
{
	if (drop_page(page))
		ram_free(page_to_phys(page), PAGE_SIZE << page->order);
}

void linux_put_page_run(struct page *page, unsigned long nr)
{
	unsigned long first = 0;

	/* [first, i) is free, and not yet given back. */
	for (unsigned long i = 0; i < nr; i++) {
		if (drop_page(page + i))
			continue;
		if (i > first)
			ram_free(page_to_phys(page + first),
				 (i - first) << PAGE_SHIFT);
		first = i + 1;
	}
	if (nr > first)
		ram_free(page_to_phys(page + first), (nr - first)
							     << PAGE_SHIFT);
}

void __free_pages(struct page *page, unsigned int order)
{
	WARN(page->order != order, "order %u freed as order %u", page->order,
	     order);
	put_page(page);
}

void free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		__free_pages(virt_to_page((void *)addr), order);
}

unsigned long linux_page_virt_or_null(struct page *page)
{
	return page ? (unsigned long)page_address(page) : 0;
}

int get_order(unsigned long size)
{
	return size <= PAGE_SIZE ? 0 : fls64((size - 1) >> PAGE_SHIFT);
}

pgprot_t vm_get_page_prot(vm_flags_t flags)
{
	return __pgprot(flags & (VM_READ | VM_WRITE | VM_EXEC | VM_SHARED));
}

/* ------------------------------------------------------------------ vmap -- */

struct area {
	void *addr;
	size_t size_B;
	struct area *next;
};

static struct {
	pthread_mutex_t lock; /* guards list */
	struct area *list;
} areas = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* One mmap for each physically contiguous run. */
static bool map_runs(char *addr, struct page **pages, unsigned int count)
{
	for (unsigned int i = 0, n; i < count; i += n) {
		size_t at = (size_t)i << PAGE_SHIFT;

		for (n = 1; i + n < count && pages[i + n] == pages[i] + n; n++)
			;
		if (mmap(addr + at, (size_t)n << PAGE_SHIFT,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 linux_machine.ram_fd,
			 (off_t)page_to_phys(pages[i])) == MAP_FAILED)
			return false;
	}
	return true;
}

void *vmap(struct page **pages, unsigned int count, unsigned long flags,
	   pgprot_t prot)
{
	size_t size_B = (size_t)count << PAGE_SHIFT;
	struct area *area;

	might_sleep();
	if (WARN_ON(!count) || linux_should_fail())
		return NULL;
	area = malloc(sizeof(*area));
	if (!area)
		return NULL;
	area->size_B = size_B;
	area->addr = mmap(NULL, size_B, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area->addr == MAP_FAILED)
		goto err_free;
	if (!map_runs(area->addr, pages, count))
		goto err_unmap;
	pthread_mutex_lock(&areas.lock);
	area->next = areas.list;
	areas.list = area;
	pthread_mutex_unlock(&areas.lock);
	return area->addr;

err_unmap:
	munmap(area->addr, size_B);
err_free:
	free(area);
	return NULL;
}

void vunmap(const void *addr)
{
	struct area **link = &areas.list, *area;

	if (!addr)
		return;
	pthread_mutex_lock(&areas.lock);
	while (*link && (*link)->addr != addr)
		link = &(*link)->next;
	area = *link;
	if (area)
		*link = area->next;
	pthread_mutex_unlock(&areas.lock);
	if (WARN(!area, "vunmap of %p, which is not mapped", addr))
		return;
	munmap(area->addr, area->size_B);
	free(area);
}

/* ------------------------------------------------------------------ boot -- */

static size_t mem_map_size(void)
{
	return linux_max_pfn * sizeof(struct page);
}

int linux_pages_boot(void)
{
	void *map;

	linux_max_pfn = linux_machine.ram_size_B >> PAGE_SHIFT;
	linux_ram_base = linux_machine.ram_base;
	map = mmap(NULL, mem_map_size() ?: PAGE_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	linux_mem_map = map;
	return 0;
}

void linux_pages_shutdown(void)
{
	munmap(linux_mem_map, mem_map_size() ?: PAGE_SIZE);
	linux_mem_map = NULL;
	linux_ram_base = NULL;
	linux_max_pfn = 0;
}
