// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/align.h>
#include <linux/bug.h>
#include <linux/dma-mapping.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "panthor_backing.h"
#include "panthor_pt_priv.h"

static struct panthor_pt_shared *desc_shared(struct panthor_pt *pt, u64 desc,
					     int level)
{
	return &pt->shared[(desc & PANTHOR_PTE_SET_MASK) >> 57][level];
}

static u64 shared_desc(const struct panthor_pt_shared *shared, u8 set)
{
	return table_desc(page_address(shared->page)) | PANTHOR_PTE_SHARED |
	       PANTHOR_PTE_SET(set);
}

/* The block descriptor that says what 512 pages starting with @leaf say. */
static u64 leaf_to_block(u64 leaf)
{
	return leaf & ~(PANTHOR_PTE_PAGE & ~PANTHOR_PTE_BLOCK);
}

/* Also of an absent one. */
static u64 block_to_leaf(u64 block)
{
	return block | (PANTHOR_PTE_PAGE & ~PANTHOR_PTE_BLOCK);
}

static void live_add(u64 *table, int delta)
{
	struct page *page = virt_to_page(table);

	set_page_private(page, page_private(page) + delta);
}

/* Makes entries [first, end) visible to a walker that does not snoop. */
static void sync_entries(struct panthor_pt *pt, u64 *table, u32 first, u32 end)
{
	if (!pt->coherent && first < end)
		dma_sync_single_for_device(pt->dev, virt_to_phys(table + first),
					   (end - first) * sizeof(u64),
					   DMA_TO_DEVICE);
}

/* -------------------------------------------------------------- entries -- */

static u64 *take_empty_table(struct panthor_pt *pt)
{
	u64 *table = panthor_pt_take_table(pt, 0);

	memset(table, 0, TABLE_SIZE);
	return table;
}

static void release_table(struct panthor_pt *pt, u64 desc, int level);

/* @desc is about to be named by @count more entries; @level: of its table. */
static void hold_shared(struct panthor_pt *pt, u64 desc, int level, u32 count)
{
	if (is_shared(desc))
		desc_shared(pt, desc, level)->refs += count;
}

/*
 * Stores an entry of a table at levels 0 to 2. References move along: a shared
 * table that the new entry names is held, what the old one named is released.
 */
static void set_entry(struct panthor_pt *pt, u64 *table, int level, u32 index,
		      u64 desc)
{
	u64 old = READ_ONCE(table[index]);

	if (old == desc)
		return;

	hold_shared(pt, desc, level + 1, 1);
	if (!old || !desc)
		live_add(table, old ? -1 : 1);

	/* What a new table holds must be there before it can be found. */
	dma_wmb();
	WRITE_ONCE(table[index], desc);
	sync_entries(pt, table, index, index + 1);
	pt->written++;

	if (is_table(old))
		release_table(pt, old, level + 1);
}

/* An entry that named the table @desc at @level is gone. */
static void release_table(struct panthor_pt *pt, u64 desc, int level)
{
	u64 *table = desc_table(desc);
	u32 i, live;

	if (is_shared(desc)) {
		desc_shared(pt, desc, level)->refs--;
		return;
	}

	/* The entries stay: walks that are under way may still read them. */
	if (level < LEAF_LEVEL) {
		live = live_count(table);
		for (i = 0; live; i++) {
			if (!table[i])
				continue;
			live--;
			if (is_table(table[i]))
				release_table(pt, table[i], level + 1);
		}
	}
	panthor_pt_unlink_table(pt, table);
}

static u64 *split_block(struct panthor_pt *pt, u64 block)
{
	u64 *table = panthor_pt_take_table(pt, PANTHOR_PT_ENTRIES);
	u64 leaf = block_to_leaf(block);
	u32 i;

	for (i = 0; i < PANTHOR_PT_ENTRIES; i++)
		table[i] = leaf + (u64)i * SZ_4K;

	return table;
}

static u64 *copy_shared(struct panthor_pt *pt, u64 desc, int level)
{
	u64 *table = panthor_pt_take_table(pt, PANTHOR_PT_ENTRIES);
	const u64 *shared = desc_table(desc);

	memcpy(table, shared, TABLE_SIZE);
	if (level < LEAF_LEVEL)
		hold_shared(pt, shared[0], level + 1, PANTHOR_PT_ENTRIES);

	return table;
}

/*
 * The table at @level that may be edited in place of what @desc, the entry of
 * the level above, says now. *@fresh_out: it is a new one, which nobody can
 * find before its entry is stored.
 */
static u64 *own_table(struct panthor_pt *pt, u64 desc, int level,
		      bool *fresh_out)
{
	*fresh_out = !is_private(desc);

	if (is_private(desc))
		return desc_table(desc);

	/* The 512 entries of a split or a copy are work like any other. */
	if (desc)
		pt->written += PANTHOR_PT_ENTRIES;

	if (is_block(desc) || is_absent(desc))
		return split_block(pt, desc);
	if (is_shared(desc))
		return copy_shared(pt, desc, level);

	return take_empty_table(pt);
}

/* ---------------------------------------------------------------- edits -- */

/* Where @va lies in the backing store of an edit. */
static u64 backing_offset(const struct panthor_pt_edit *edit, u64 va)
{
	if (edit->type == PANTHOR_PT_SPARSE ||
	    edit->type == PANTHOR_PT_EVICT_SPARSE)
		return va % SZ_2M;

	return edit->offset + (va - edit->start);
}

static u64 find_pages(const struct panthor_pt_edit *edit, u64 va, u64 *len_out)
{
	return panthor_backing_find(edit->backing, backing_offset(edit, va),
				    len_out);
}

/*
 * The block descriptor of the 2 MiB at @unit, all of which the edit maps; 0
 * where its pages do not make one.
 */
u64 panthor_pt_block_desc(const struct panthor_pt_edit *edit, u64 unit)
{
	u64 len, addr = find_pages(edit, unit, &len);

	if (len < SZ_2M || !IS_ALIGNED(addr, SZ_2M))
		return 0;

	return leaf_to_block(addr | edit->leaf);
}

static bool is_evict(const struct panthor_pt_edit *edit)
{
	return edit->type == PANTHOR_PT_EVICT ||
	       edit->type == PANTHOR_PT_EVICT_SPARSE;
}

/* Do entries [first, end) say: consecutive pages, @leaf being entry 0's? */
static bool entries_continue(const u64 *table, u64 leaf, u32 first, u32 end)
{
	u32 i;

	for (i = first; i < end; i++) {
		if (table[i] != leaf + (u64)i * SZ_4K)
			return false;
	}

	return true;
}

/*
 * The block descriptor for the 2 MiB at @unit, of which the edit maps
 * [start, end), if all of it will be one block with what @old maps outside of
 * that; else 0.
 */
static u64 merged_block(const struct panthor_pt_edit *edit, u64 old, u64 unit,
			u64 start, u64 end)
{
	u64 addr, len, leaf, first, last;
	const u64 *table;

	if (edit->type == PANTHOR_PT_UNMAP || is_evict(edit))
		return 0;
	if (start == unit && end == unit + SZ_2M)
		return panthor_pt_block_desc(edit, unit);
	if (!old || is_absent(old))
		return 0;

	addr = find_pages(edit, start, &len);
	if (len < end - start || addr < start - unit ||
	    !IS_ALIGNED(addr - (start - unit), SZ_2M))
		return 0;

	leaf = (addr - (start - unit)) | edit->leaf;
	if (is_block(old))
		return old == leaf_to_block(leaf) ? old : 0;

	/* The neighbours first: they are near, and mostly say no. */
	table = desc_table(old);
	first = (start - unit) / SZ_4K;
	last = (end - unit) / SZ_4K;
	if ((first && table[first - 1] != leaf + (first - 1) * SZ_4K) ||
	    (last < PANTHOR_PT_ENTRIES && table[last] != leaf + last * SZ_4K))
		return 0;
	if (!entries_continue(table, leaf, last, PANTHOR_PT_ENTRIES) ||
	    !entries_continue(table, leaf, 0, first))
		return 0;

	return leaf_to_block(leaf);
}

/*
 * The shared table at @level, full of what a sparse edit maps, and the ones
 * below it; built if need be. Returns the entry that names it.
 */
static u64 get_shared(struct panthor_pt *pt, const struct panthor_pt_edit *edit,
		      int level)
{
	struct panthor_pt_shared *shared = &pt->shared[edit->set][level];
	u64 desc, addr, len, *table;
	u32 i;

	if (shared->page)
		return shared_desc(shared, edit->set);

	if (level == LEAF_LEVEL) {
		desc = panthor_pt_block_desc(edit, 0);
		if (desc)
			return desc;
	}

	if (level == LEAF_LEVEL) {
		table = panthor_pt_take_table(pt, PANTHOR_PT_ENTRIES);
		for (i = 0; i < PANTHOR_PT_ENTRIES; i++) {
			addr = find_pages(edit, (u64)i * SZ_4K, &len);
			table[i] = addr | edit->leaf;
		}
	} else {
		desc = get_shared(pt, edit, level + 1);
		hold_shared(pt, desc, level + 1, PANTHOR_PT_ENTRIES);
		table = panthor_pt_take_table(pt, PANTHOR_PT_ENTRIES);
		for (i = 0; i < PANTHOR_PT_ENTRIES; i++)
			table[i] = desc;
	}

	sync_entries(pt, table, 0, PANTHOR_PT_ENTRIES);
	shared->page = virt_to_page(table);
	shared->refs = 0;

	return shared_desc(shared, edit->set);
}

/**
 * panthor_pt_drop_shared() - free the shared tables of an attribute set
 * @pt: the page tables
 * @set: the set, of which no sparse memory is left
 */
void panthor_pt_drop_shared(struct panthor_pt *pt, u8 set)
{
	struct panthor_pt_shared *shared;
	u64 *table;
	int level;

	/* From the top, because each one holds the one below it. */
	for (level = 1; level <= LEAF_LEVEL; level++) {
		shared = &pt->shared[set][level];
		if (!shared->page || WARN_ON(shared->refs))
			continue;

		table = page_address(shared->page);
		if (level < LEAF_LEVEL && is_shared(table[0]))
			desc_shared(pt, table[0], level + 1)->refs -=
				PANTHOR_PT_ENTRIES;
		panthor_pt_unlink_table(pt, table);
		shared->page = NULL;
	}
}

/* Stores one value, or consecutive ones, in all entries of a shared table. */
static void fill_shared(struct panthor_pt *pt, struct panthor_pt_shared *shared,
			u64 desc, u64 step)
{
	u64 *table = page_address(shared->page);
	u32 i;

	for (i = 0; i < PANTHOR_PT_ENTRIES; i++)
		WRITE_ONCE(table[i], desc + i * step);
	pt->written += PANTHOR_PT_ENTRIES;
	sync_entries(pt, table, 0, PANTHOR_PT_ENTRIES);
}

/**
 * panthor_pt_evict_shared() - make what shared tables map absent
 * @pt: the page tables
 * @set: of the tables
 *
 * Edits one table at most, whatever the size of what names it; the MMU has to
 * be kept out of all sparse memory.
 */
void panthor_pt_evict_shared(struct panthor_pt *pt, u8 set)
{
	struct panthor_pt_shared *l3 = &pt->shared[set][LEAF_LEVEL];
	struct panthor_pt_shared *l2 = &pt->shared[set][BLOCK_LEVEL];
	struct panthor_pt_shared *lowest = l3->page ? l3 : l2;
	const u64 *table;

	if (!lowest->page)
		return;

	table = page_address(lowest->page);
	if (table[0] & PANTHOR_PTE_VALID)
		fill_shared(pt, lowest, make_absent(table[0], 0),
			    lowest == l3 ? SZ_4K : 0);
	dma_wmb();
}

/**
 * panthor_pt_restore_shared() - the inverse
 * @pt: the page tables
 * @edit: as for panthor_pt_edit(), SPARSE; its range does not matter
 *
 * A dummy that was one block and came back as pages needs a table, which
 * panthor_pt_need_shared() counts.
 */
void panthor_pt_restore_shared(struct panthor_pt *pt,
			       const struct panthor_pt_edit *edit)
{
	struct panthor_pt_shared *l3 = &pt->shared[edit->set][LEAF_LEVEL];
	struct panthor_pt_shared *l2 = &pt->shared[edit->set][BLOCK_LEVEL];
	u64 *table, desc, addr, len;
	u32 i;

	if (l3->page) {
		table = page_address(l3->page);
		for (i = 0; i < PANTHOR_PT_ENTRIES; i++) {
			addr = find_pages(edit, (u64)i * SZ_4K, &len);
			WRITE_ONCE(table[i], addr | edit->leaf);
		}
		pt->written += PANTHOR_PT_ENTRIES;
		sync_entries(pt, table, 0, PANTHOR_PT_ENTRIES);
	} else if (l2->page) {
		desc = get_shared(pt, edit, LEAF_LEVEL);
		hold_shared(pt, desc, LEAF_LEVEL, PANTHOR_PT_ENTRIES);
		dma_wmb();
		fill_shared(pt, l2, desc, 0);
	}
	dma_wmb();
}

/*
 * Can one entry at levels 0 to 2 say all about the @span at @unit, of which the
 * edit covers [start, end)? Then *@desc_out is that entry.
 */
static bool whole_entry(struct panthor_pt *pt,
			const struct panthor_pt_edit *edit, int level, u64 old,
			u64 unit, u64 start, u64 end, u64 *desc_out)
{
	bool full = end - start == entry_span(level);

	*desc_out = 0;

	if (edit->type == PANTHOR_PT_UNMAP)
		return full || !old;

	if (is_evict(edit)) {
		/* Shared tables are edited once, for all that name them. */
		if (is_block(old) && full)
			*desc_out = make_absent(old, backing_offset(edit, unit));
		else
			*desc_out = old;
		return !is_private(old) && (full || !is_block(old));
	}

	if (edit->type == PANTHOR_PT_SPARSE) {
		if (full) {
			*desc_out = get_shared(pt, edit, level + 1);
			return true;
		}

		/* Part of what is sparse in this very way already. */
		if (is_shared(old) && (old & PANTHOR_PTE_SET_MASK) ==
					      PANTHOR_PTE_SET(edit->set)) {
			*desc_out = old;
			return true;
		}
	}

	if (level == BLOCK_LEVEL)
		*desc_out = merged_block(edit, old, unit, start, end);

	return *desc_out != 0;
}

/* Does @table look like the shared one of its level again? */
static bool looks_shared(const struct panthor_pt *pt,
			 const struct panthor_pt_edit *edit, const u64 *table,
			 int level)
{
	const struct page *page = pt->shared[edit->set][level].page;
	const u64 *shared;

	if (edit->type != PANTHOR_PT_SPARSE || !page ||
	    live_count(table) != PANTHOR_PT_ENTRIES)
		return false;

	shared = page_address(page);
	return table[0] == shared[0] &&
	       table[PANTHOR_PT_ENTRIES - 1] ==
		       shared[PANTHOR_PT_ENTRIES - 1] &&
	       !memcmp(table, shared, TABLE_SIZE);
}

static void clear_leaves(struct panthor_pt *pt, u64 *table, u32 first, u32 end)
{
	u32 i, cleared = 0;

	for (i = first; i < end; i++) {
		if (!table[i])
			continue;
		WRITE_ONCE(table[i], 0);
		cleared++;
	}

	if (!cleared)
		return;

	live_add(table, -(int)cleared);
	pt->written += cleared;
	sync_entries(pt, table, first, end);
}

/* Entries [first, end) get consecutive pages, from @leaf on. */
static void set_leaves(struct panthor_pt *pt, u64 *table, u32 first, u32 end,
		       u64 leaf)
{
	u32 i, written = 0, born = 0;

	for (i = first; i < end; i++, leaf += SZ_4K) {
		u64 old = table[i];

		if (old == leaf)
			continue;
		WRITE_ONCE(table[i], leaf);
		written++;
		born += !old;
	}

	if (!written)
		return;

	if (born)
		live_add(table, born);
	pt->written += written;
	sync_entries(pt, table, first, end);
}

/* Entries [first, end), which show a BO from @offset on, become absent. */
static void evict_leaves(struct panthor_pt *pt, u64 *table, u32 first, u32 end,
			 u64 offset)
{
	u32 i, written = 0;

	for (i = first; i < end; i++, offset += SZ_4K) {
		if (!(table[i] & PANTHOR_PTE_VALID))
			continue;
		WRITE_ONCE(table[i], make_absent(table[i], offset));
		written++;
	}

	if (!written)
		return;

	pt->written += written;
	sync_entries(pt, table, first, end);
}

static void edit_leaves(struct panthor_pt *pt,
			const struct panthor_pt_edit *edit, u64 *table,
			u64 start, u64 end)
{
	u32 first = entry_index(LEAF_LEVEL, start);
	u32 last = first + (end - start) / SZ_4K;
	u64 addr, len;

	if (edit->type == PANTHOR_PT_UNMAP) {
		clear_leaves(pt, table, first, last);
		return;
	}
	if (is_evict(edit)) {
		evict_leaves(pt, table, first, last,
			     backing_offset(edit, start));
		return;
	}

	while (start < end) {
		addr = find_pages(edit, start, &len);
		len = min(len, end - start);
		set_leaves(pt, table, first, first + len / SZ_4K,
			   addr | edit->leaf);
		first += len / SZ_4K;
		start += len;
	}
}

static void edit_table(struct panthor_pt *pt,
		       const struct panthor_pt_edit *edit, u64 *table,
		       int level, u64 start, u64 end);

static void edit_entry(struct panthor_pt *pt,
		       const struct panthor_pt_edit *edit, u64 *table,
		       int level, u64 start, u64 end)
{
	u64 unit = ALIGN_DOWN(start, entry_span(level));
	u32 index = entry_index(level, start);
	u64 old = READ_ONCE(table[index]), desc, *child;
	bool fresh;

	if (whole_entry(pt, edit, level, old, unit, start, end, &desc)) {
		set_entry(pt, table, level, index, desc);
		return;
	}

	child = own_table(pt, old, level + 1, &fresh);
	if (level + 1 == LEAF_LEVEL)
		edit_leaves(pt, edit, child, start, end);
	else
		edit_table(pt, edit, child, level + 1, start, end);

	if (fresh) {
		sync_entries(pt, child, 0, PANTHOR_PT_ENTRIES);
		desc = table_desc(child);
	} else if (!live_count(child)) {
		desc = 0;
	} else if (looks_shared(pt, edit, child, level + 1)) {
		desc = get_shared(pt, edit, level + 1);
	} else {
		return;
	}

	set_entry(pt, table, level, index, desc);
}

static void edit_table(struct panthor_pt *pt,
		       const struct panthor_pt_edit *edit, u64 *table,
		       int level, u64 start, u64 end)
{
	u64 span = entry_span(level), next;

	for (; start < end; start = next) {
		next = min(ALIGN_DOWN(start, span) + span, end);
		edit_entry(pt, edit, table, level, start, next);
	}
}

/**
 * panthor_pt_edit() - change what a range of addresses translates to
 * @pt: the page tables
 * @edit: the range and its new contents, within the VA space
 *
 * Cannot fail: the tables it needs are held in the reserve. The MMU has to be
 * kept out of panthor_pt_footprint() until the caches are flushed.
 */
void panthor_pt_edit(struct panthor_pt *pt, const struct panthor_pt_edit *edit)
{
	edit_table(pt, edit, page_address(pt->root), pt->root_level,
		   edit->start, edit->end);
	/* Before whatever tells the GPU. */
	dma_wmb();
}

/* ---------------------------------------------------- looking, not doing -- */

/*
 * The entry of a table at @level for @va, or that of the level where the walk
 * ends earlier. *@level_out: the level of the table that holds it, and whether
 * all tables on the way were private.
 */
u64 panthor_pt_peek(const struct panthor_pt *pt, u64 va, int level,
		    int *level_out)
{
	const u64 *table = page_address(pt->root);
	int at = pt->root_level;
	u64 desc;

	for (;;) {
		desc = table[entry_index(at, va)];
		if (at == level || !is_private(desc))
			break;
		table = desc_table(desc);
		at++;
	}

	*level_out = at;
	return desc;
}

/* Does the block structure of the 2 MiB around [start, end) change? */
static bool changes_block(const struct panthor_pt *pt,
			  const struct panthor_pt_edit *edit, u64 start,
			  u64 end)
{
	u64 unit = ALIGN_DOWN(start, SZ_2M), desc, merged;
	int level;

	/* All of it is in the footprint anyway. */
	if (end - start == SZ_2M)
		return false;

	desc = panthor_pt_peek(pt, start, BLOCK_LEVEL, &level);
	if (level < BLOCK_LEVEL) {
		/* The walk met a shared table: its leaves are all alike. */
		for (; level < BLOCK_LEVEL && is_table(desc); level++)
			desc = desc_table(desc)[entry_index(level + 1, start)];
	}

	if (!desc)
		return false;

	merged = merged_block(edit, desc, unit, start, end);
	return is_block(desc) ? merged != desc : merged != 0;
}

/**
 * panthor_pt_footprint() - what the MMU must not look at during an edit
 * @pt: the page tables
 * @edit: the edit
 * @start_out: first address
 * @end_out: the address behind the last
 *
 * That is the range of the edit, and the rest of a 2 MiB block that it splits
 * or rebuilds: translations there stay what they are, but a TLB must not hold
 * entries of both sizes.
 */
void panthor_pt_footprint(const struct panthor_pt *pt,
			  const struct panthor_pt_edit *edit, u64 *start_out,
			  u64 *end_out)
{
	u64 start = edit->start, end = edit->end;
	u64 first_end = min(ALIGN_DOWN(start, SZ_2M) + SZ_2M, end);
	u64 last_start = max(ALIGN_DOWN(end - 1, SZ_2M), start);

	*start_out = start;
	*end_out = end;

	if (changes_block(pt, edit, start, first_end)) {
		*start_out = ALIGN_DOWN(start, SZ_2M);
		*end_out = max(end, *start_out + SZ_2M);
	}
	if (last_start >= first_end && changes_block(pt, edit, last_start, end))
		*end_out = ALIGN_DOWN(end - 1, SZ_2M) + SZ_2M;
}

/* --------------------------------------------------------------- others -- */

/**
 * panthor_pt_leaf() - the page descriptor of a mapping, without its address
 * @op_flags: enum drm_panthor_vm_bind_op_flags; READONLY, NOEXEC and UNCACHED
 *            count
 */
u64 panthor_pt_leaf(u32 op_flags)
{
	u64 leaf = PANTHOR_PTE_PAGE | PANTHOR_PTE_AP_EL0 | PANTHOR_PTE_AF |
		   PANTHOR_PTE_NG;

	if (op_flags & DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED)
		leaf |= PANTHOR_PTE_ATTRINDX(0) | PANTHOR_PTE_SH_OUTER;
	else
		leaf |= PANTHOR_PTE_ATTRINDX(1) | PANTHOR_PTE_SH_INNER;
	if (op_flags & DRM_PANTHOR_VM_BIND_OP_MAP_READONLY)
		leaf |= PANTHOR_PTE_AP_RDONLY;
	if (op_flags & DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC)
		leaf |= PANTHOR_PTE_XN;

	return leaf;
}

/** panthor_pt_set() - which shared tables a sparse mapping uses */
u8 panthor_pt_set(u32 op_flags)
{
	return (op_flags & DRM_PANTHOR_VM_BIND_OP_MAP_READONLY ? 1 : 0) |
	       (op_flags & DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED ? 2 : 0);
}

/** panthor_pt_set_flags() - the inverse: the flags of a set's mappings */
u32 panthor_pt_set_flags(u8 set)
{
	return DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
	       (set & 1 ? DRM_PANTHOR_VM_BIND_OP_MAP_READONLY : 0) |
	       (set & 2 ? DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED : 0);
}

/** panthor_pt_root_pa() - physical address of the root table */
u64 panthor_pt_root_pa(const struct panthor_pt *pt)
{
	return page_to_phys(pt->root);
}

/**
 * panthor_pt_init() - set up empty page tables
 * @pt: to be initialised
 * @dev: the device that walks them
 * @va_bits: 33..48
 * @coherent: its walks snoop the CPU's caches
 *
 * Return: 0; -EINVAL for another number of bits; -ENOMEM.
 */
int panthor_pt_init(struct panthor_pt *pt, struct device *dev, u32 va_bits,
		    bool coherent)
{
	LIST_HEAD(pages);
	int ret;

	if (va_bits < 33 || va_bits > 48)
		return -EINVAL;

	memset(pt, 0, sizeof(*pt));
	INIT_LIST_HEAD(&pt->reserve);
	INIT_LIST_HEAD(&pt->unlinked);
	pt->dev = dev;
	pt->va_bits = va_bits;
	pt->root_level = PANTHOR_PT_LEVELS - DIV_ROUND_UP(va_bits - 12, 9);
	pt->coherent = coherent;

	ret = panthor_pt_alloc_pages(dev, 1, &pages);
	if (ret)
		return ret;

	panthor_pt_reserve_add(pt, 1, &pages);
	pt->root = virt_to_page(take_empty_table(pt));
	sync_entries(pt, page_address(pt->root), 0, PANTHOR_PT_ENTRIES);

	return 0;
}

/**
 * panthor_pt_fini() - free everything
 * @pt: page tables that translate nothing any more and that no MMU walks
 */
void panthor_pt_fini(struct panthor_pt *pt)
{
	LIST_HEAD(pages);
	u8 set;

	WARN_ON(live_count(page_address(pt->root)));
	WARN_ON(pt->held);

	for (set = 0; set < PANTHOR_PT_SETS; set++)
		panthor_pt_drop_shared(pt, set);
	panthor_pt_unlink_table(pt, page_address(pt->root));
	pt->root = NULL;
	panthor_pt_settle(pt, &pages);
	panthor_pt_free_pages(pt->dev, &pages);
	WARN_ON(pt->pages);
}
