// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * DMA: the address that a device uses is the physical one. What is left to do
 * is to check it against the mask, and to count.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/log2.h>
#include <linux/spinlock.h>
#include "internal.h"

static s64 mapped; /* mappings that were not undone; atomic */

static void count_mapping(s64 delta)
{
	WARN(__atomic_add_fetch(&mapped, delta, __ATOMIC_RELAXED) < 0,
	     "more DMA unmapped than mapped");
}

static bool reachable(struct device *dev, u64 addr, u64 size)
{
	return size && addr + size - 1 >= addr &&
	       addr + size - 1 <= dma_get_mask(dev) &&
	       addr + size <= linux_machine.ram_size_B;
}

dma_addr_t dma_map_page_attrs(struct device *dev, struct page *page,
			      size_t offset, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	dma_addr_t addr = page_to_phys(page) + offset;

	if (!reachable(dev, addr, size) || linux_should_fail())
		return DMA_MAPPING_ERROR;
	count_mapping(1);
	wmb();
	return addr;
}

void dma_unmap_page_attrs(struct device *dev, dma_addr_t addr, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	WARN(!reachable(dev, addr, size), "DMA address %#llx was never mapped",
	     (unsigned long long)addr);
	rmb();
	count_mapping(-1);
}

dma_addr_t dma_map_single_attrs(struct device *dev, void *ptr, size_t size,
				enum dma_data_direction dir,
				unsigned long attrs)
{
	if (WARN(!virt_addr_valid(ptr), "%p is not in the machine's RAM", ptr))
		return DMA_MAPPING_ERROR;
	return dma_map_page_attrs(dev, virt_to_page(ptr), offset_in_page(ptr),
				  size, dir, attrs);
}

int dma_map_sgtable(struct device *dev, struct sg_table *sgt,
		    enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	unsigned int i;

	if (!sgt->orig_nents)
		return -EINVAL;
	if (linux_should_fail())
		return -ENOMEM;
	for_each_sgtable_sg(sgt, sg, i) if (!reachable(dev, sg_phys(sg),
						       sg->length)) return -EIO;
	for_each_sgtable_sg(sgt, sg, i)
	{
		sg->dma_address = sg_phys(sg);
		sg->dma_length = sg->length;
	}
	sgt->nents = sgt->orig_nents;
	count_mapping(1);
	wmb();
	return 0;
}

void dma_unmap_sgtable(struct device *dev, struct sg_table *sgt,
		       enum dma_data_direction dir, unsigned long attrs)
{
	rmb();
	count_mapping(-1);
}

u64 dma_get_required_mask(struct device *dev)
{
	return linux_machine.ram_size_B
		       ? (1ull << fls64(linux_machine.ram_size_B - 1)) - 1
		       : 0;
}

int dma_set_mask_and_coherent(struct device *dev, u64 mask)
{
	if (mask < dma_get_required_mask(dev))
		return -EIO;
	*dev->dma_mask = mask & linux_machine.dma_mask;
	dev->coherent_dma_mask = *dev->dma_mask;
	return 0;
}

void *linux_dma_alloc(struct device *dev, size_t size, dma_addr_t *addr_out,
		      gfp_t gfp, struct linux_alloc_site *site)
{
	struct page *page =
		linux_alloc_pages(gfp, (unsigned int)get_order(size), site);

	if (!page)
		return NULL;
	*addr_out = page_to_phys(page);
	return page_address(page);
}

void linux_dma_free(struct device *dev, size_t size, void *cpu_addr,
		    dma_addr_t addr)
{
	WARN_ON(virt_to_phys(cpu_addr) != addr);
	free_pages((unsigned long)cpu_addr, (unsigned int)get_order(size));
}

int linux_dma_report_leaks(void)
{
	s64 left = __atomic_exchange_n(&mapped, 0, __ATOMIC_RELAXED);

	if (!left)
		return 0;
	linux_report("leak: %lld DMA mappings", (long long)left);
	return 1;
}

/* ----------------------------------------------------------------- pools -- */

struct dma_pool_page {
	struct list_head link;
	struct page *page;
	unsigned int nr_used;
	DECLARE_BITMAP(used, PAGE_SIZE / 16);
};

struct dma_pool {
	const char *name;
	spinlock_t lock;	/* guards pages */
	struct list_head pages; /* those with room first */
	unsigned int stride;
	unsigned int per_boundary; /* blocks in one boundary's worth */
	unsigned int boundary;
	unsigned int per_page;
};

struct dma_pool *dma_pool_create(const char *name, struct device *dev,
				 size_t size, size_t align, size_t boundary)
{
	struct dma_pool *pool;

	align = max(align, (size_t)16);
	boundary = boundary ? min(boundary, (size_t)PAGE_SIZE) : PAGE_SIZE;
	if (WARN_ON(!size || !is_power_of_2(align) || !is_power_of_2(boundary)))
		return NULL;
	size = ALIGN(size, align);
	if (WARN_ON(size > boundary))
		return NULL;
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->name = name;
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->pages);
	pool->stride = (unsigned int)size;
	pool->boundary = (unsigned int)boundary;
	pool->per_boundary = (unsigned int)(boundary / size);
	pool->per_page =
		pool->per_boundary * (unsigned int)(PAGE_SIZE / boundary);
	return pool;
}

void dma_pool_destroy(struct dma_pool *pool)
{
	struct dma_pool_page *p, *next;

	if (!pool)
		return;
	list_for_each_entry_safe (p, next, &pool->pages, link) {
		WARN(p->nr_used, "pool %s destroyed with %u blocks in use",
		     pool->name, p->nr_used);
		__free_page(p->page);
		kfree(p);
	}
	kfree(pool);
}

static unsigned int block_offset(const struct dma_pool *pool, unsigned int i)
{
	return i / pool->per_boundary * pool->boundary +
	       i % pool->per_boundary * pool->stride;
}

/* A page with room, added if need be; with the lock held, which it may drop. */
static struct dma_pool_page *page_with_room(struct dma_pool *pool, gfp_t flags,
					    unsigned long *irq)
{
	struct dma_pool_page *p = list_first_entry_or_null(
		&pool->pages, struct dma_pool_page, link);

	if (p && p->nr_used < pool->per_page)
		return p;
	spin_unlock_irqrestore(&pool->lock, *irq);
	p = kzalloc(sizeof(*p), flags & ~__GFP_ZERO);
	if (p) {
		p->page = alloc_page(flags & ~__GFP_ZERO);
		if (!p->page) {
			kfree(p);
			p = NULL;
		}
	}
	spin_lock_irqsave(&pool->lock, *irq);
	if (p)
		list_add(&p->link, &pool->pages);
	return p;
}

void *dma_pool_alloc(struct dma_pool *pool, gfp_t flags, dma_addr_t *addr_out)
{
	struct dma_pool_page *p;
	unsigned long irq;
	unsigned int i;
	char *block;

	spin_lock_irqsave(&pool->lock, irq);
	p = page_with_room(pool, flags, &irq);
	if (!p) {
		spin_unlock_irqrestore(&pool->lock, irq);
		return NULL;
	}
	i = (unsigned int)find_first_zero_bit(p->used, pool->per_page);
	__set_bit(i, p->used);
	if (++p->nr_used == pool->per_page)
		list_move_tail(&p->link, &pool->pages);
	spin_unlock_irqrestore(&pool->lock, irq);

	block = (char *)page_address(p->page) + block_offset(pool, i);
	if (flags & __GFP_ZERO)
		memset(block, 0, pool->stride);
	*addr_out = virt_to_phys(block);
	return block;
}

static struct dma_pool_page *find_page(struct dma_pool *pool, dma_addr_t addr)
{
	struct dma_pool_page *p;

	list_for_each_entry (p, &pool->pages, link)
		if (page_to_phys(p->page) == (addr & PAGE_MASK))
			return p;
	return NULL;
}

void dma_pool_free(struct dma_pool *pool, void *cpu_addr, dma_addr_t addr)
{
	unsigned int offset = (unsigned int)offset_in_page(addr);
	unsigned int i = offset / pool->boundary * pool->per_boundary +
			 offset % pool->boundary / pool->stride;
	struct dma_pool_page *p;
	unsigned long irq;

	spin_lock_irqsave(&pool->lock, irq);
	p = find_page(pool, addr);
	if (!WARN(!p || virt_to_phys(cpu_addr) != addr ||
			  block_offset(pool, i) != offset ||
			  !__test_and_clear_bit(i, p->used),
		  "%#llx is no block of pool %s", (unsigned long long)addr,
		  pool->name)) {
		p->nr_used--;
		list_move(&p->link, &pool->pages);
	}
	spin_unlock_irqrestore(&pool->lock, irq);
}
