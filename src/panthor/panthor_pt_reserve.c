// SPDX-License-Identifier: MIT OR GPL-2.0
/* The pages of page tables: reserve, need, and what is left over. */
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/minmax.h>

#include "panthor_pt_priv.h"

/* ------------------------------------------------------ pages of tables -- */

static void unmap_and_free(struct device *dev, struct page *page)
{
	dma_unmap_page(dev, page_to_phys(page), TABLE_SIZE, DMA_TO_DEVICE);
	__free_page(page);
}

/**
 * panthor_pt_alloc_pages() - allocate pages for tables
 * @dev: the device that will walk them
 * @count: how many
 * @pages: gets them, linked by their lru
 *
 * May sleep. Charged to the process that asks.
 *
 * Return: 0 or -ENOMEM, and then @pages is as before. A device whose DMA
 * addresses are not physical ones cannot walk tables of ours: -ENOMEM too.
 */
int panthor_pt_alloc_pages(struct device *dev, u64 count,
			   struct list_head *pages)
{
	LIST_HEAD(fresh);

	while (count--) {
		struct page *page = alloc_page(GFP_KERNEL_ACCOUNT);
		dma_addr_t dma;

		if (!page)
			goto err_free;

		dma = dma_map_page(dev, page, 0, TABLE_SIZE, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, dma)) {
			__free_page(page);
			goto err_free;
		}

		if (dma != page_to_phys(page)) {
			dma_unmap_page(dev, dma, TABLE_SIZE, DMA_TO_DEVICE);
			__free_page(page);
			goto err_free;
		}

		list_add(&page->lru, &fresh);
	}

	list_splice(&fresh, pages);
	return 0;

err_free:
	panthor_pt_free_pages(dev, &fresh);
	return -ENOMEM;
}

/** panthor_pt_free_pages() - free a list of pages; it is empty afterwards */
void panthor_pt_free_pages(struct device *dev, struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe (page, next, pages, lru) {
		list_del(&page->lru);
		set_page_private(page, 0);
		unmap_and_free(dev, page);
	}
}

/* Takes a page of the reserve, with contents that the caller overwrites. */
u64 *panthor_pt_take_table(struct panthor_pt *pt, u32 live)
{
	struct page *page;

	/*
	 * The reserve holds what is missing, by construction. Should that ever
	 * be wrong, memory is the lesser loss.
	 */
	if (WARN_ON(list_empty(&pt->reserve))) {
		page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	} else {
		page = list_first_entry(&pt->reserve, struct page, lru);
		list_del(&page->lru);
		pt->reserve_count--;
	}

	if (pt->promised)
		pt->promised--;
	set_page_private(page, live);
	pt->pages++;

	return page_address(page);
}

void panthor_pt_unlink_table(struct panthor_pt *pt, u64 *table)
{
	list_add(&virt_to_page(table)->lru, &pt->unlinked);
	pt->unlinked_count++;
	pt->promised = min(pt->promised + 1, pt->held);
	pt->pages--;
}

/**
 * panthor_pt_recycle() - let unlinked tables be used again
 *
 * To be called when no walk can be under way that began before the last edit:
 * after the MMU region was unlocked.
 */
void panthor_pt_recycle(struct panthor_pt *pt)
{
	pt->reserve_count += pt->unlinked_count;
	pt->unlinked_count = 0;
	list_splice_init(&pt->unlinked, &pt->reserve);
}

/**
 * panthor_pt_settle() - let go of pages that no held edit may need
 * @pt: the page tables; no walk is under way, as for panthor_pt_recycle()
 * @surplus: gets the pages; free them with panthor_pt_free_pages()
 */
void panthor_pt_settle(struct panthor_pt *pt, struct list_head *surplus)
{
	panthor_pt_recycle(pt);
	while (pt->reserve_count > pt->promised) {
		list_move(pt->reserve.next, surplus);
		pt->reserve_count--;
	}
}

/* ----------------------------------------------------------------- need -- */

/* A table at @level may be needed for @va; those up to @depth are there. */
static void need_table(struct panthor_pt_need *need, int level, u64 va,
		       int depth)
{
	/* One more, so that no place is 0. */
	u64 place = va / entry_span(level - 1) + 1;

	if (need->last[level] == place)
		return;

	need->last[level] = place;
	need->tables++;
	if (level > depth)
		need->missing++;
}

/* Level of the lowest table of its own that @va has. */
static int own_depth(const struct panthor_pt *pt, u64 va)
{
	int level;

	(void)panthor_pt_peek(pt, va, LEAF_LEVEL, &level);
	return level;
}

/* Tables for the units around @va that the edit covers in part only. */
static void need_edge(const struct panthor_pt *pt, struct panthor_pt_need *need,
		      const struct panthor_pt_edit *edit, u64 va)
{
	int depth = own_depth(pt, va), level;

	for (level = pt->root_level + 1; level <= LEAF_LEVEL; level++) {
		u64 span = entry_span(level - 1);
		u64 unit = ALIGN_DOWN(va, span);

		if (unit < edit->start || unit + span > edit->end)
			need_table(need, level, va, depth);
	}
}

/**
 * panthor_pt_need_shared() - count the shared tables that a set may need
 * @pt: the page tables
 * @need: the count
 * @set: the attribute set
 */
void panthor_pt_need_shared(const struct panthor_pt *pt,
			    struct panthor_pt_need *need, u8 set)
{
	int level;

	if (need->sets & BIT(set))
		return;

	need->sets |= BIT(set);
	for (level = pt->root_level + 1; level <= LEAF_LEVEL; level++) {
		need->tables++;
		need->missing += !pt->shared[set][level].page;
	}
}

/* Tables for the units that pages are mapped in. */
static void need_pages(const struct panthor_pt *pt,
		       struct panthor_pt_need *need,
		       const struct panthor_pt_edit *edit)
{
	u64 va, next;
	int depth, level;

	for (va = edit->start; va < edit->end; va = next) {
		u64 unit = ALIGN_DOWN(va, SZ_2M);

		next = min(unit + SZ_2M, edit->end);
		depth = own_depth(pt, va);

		for (level = pt->root_level + 1; level < LEAF_LEVEL; level++)
			need_table(need, level, va, depth);
		if (next - va != SZ_2M || !panthor_pt_block_desc(edit, unit))
			need_table(need, LEAF_LEVEL, va, depth);
	}
}

/**
 * panthor_pt_need_add() - count the tables that an edit may need
 * @pt: the page tables
 * @need: the count, zeroed before the first edit
 * @edit: an edit that will be held together with the others counted in @need
 *
 * Changes nothing. O(levels) for what is unmapped or made sparse, whatever its
 * size; O(2 MiB units) for what is mapped.
 */
void panthor_pt_need_add(const struct panthor_pt *pt,
			 struct panthor_pt_need *need,
			 const struct panthor_pt_edit *edit)
{
	if (edit->type == PANTHOR_PT_MAP) {
		need_pages(pt, need, edit);
		return;
	}

	need_edge(pt, need, edit, edit->start);
	if (edit->start / SZ_2M != (edit->end - 1) / SZ_2M)
		need_edge(pt, need, edit, edit->end - 1);
	if (edit->type == PANTHOR_PT_SPARSE &&
	    ALIGN(edit->start, SZ_2M) + SZ_2M <= edit->end)
		panthor_pt_need_shared(pt, need, edit->set);
}

/** panthor_pt_shortage() - pages to add before a need can be held */
u64 panthor_pt_shortage(const struct panthor_pt *pt,
			const struct panthor_pt_need *need)
{
	u64 wanted = pt->promised + need->missing;

	return wanted > pt->reserve_count ? wanted - pt->reserve_count : 0;
}

/** panthor_pt_reserve_add() - put @count pages into the reserve */
void panthor_pt_reserve_add(struct panthor_pt *pt, u64 count,
			    struct list_head *pages)
{
	list_splice_init(pages, &pt->reserve);
	pt->reserve_count += count;
}

/** panthor_pt_reserve_hold() - promise the tables of a need */
void panthor_pt_reserve_hold(struct panthor_pt *pt,
			     const struct panthor_pt_need *need)
{
	WARN_ON(panthor_pt_shortage(pt, need));
	pt->held += need->tables;
	pt->promised += need->missing;
}

/** panthor_pt_reserve_drop() - the inverse; settle releases the pages */
void panthor_pt_reserve_drop(struct panthor_pt *pt,
			     const struct panthor_pt_need *need)
{
	pt->held -= need->tables;
	pt->promised = min(pt->promised, pt->held);
}
