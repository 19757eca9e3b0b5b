/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What panthor_pt.c and panthor_pt_reserve.c share. */
#ifndef PANTHOR_PT_PRIV_H
#define PANTHOR_PT_PRIV_H

#include <linux/io.h>
#include <linux/mm.h>

#include "panthor_pt.h"

#define TABLE_SIZE (PANTHOR_PT_ENTRIES * sizeof(u64))
#define LEAF_LEVEL 3
#define BLOCK_LEVEL 2

static_assert(PAGE_SIZE == SZ_4K, "a table is one page");
static_assert(TABLE_SIZE == SZ_4K, "a table is one page");

/* Bytes of VA that an entry of a table at @level covers. */
static inline u64 entry_span(int level)
{
	return 1ull << (12 + 9 * (LEAF_LEVEL - level));
}

static inline u32 entry_index(int level, u64 va)
{
	return (va >> (12 + 9 * (LEAF_LEVEL - level))) % PANTHOR_PT_ENTRIES;
}

/* For entries of levels 0 to 2. */
static inline bool is_table(u64 desc)
{
	return (desc & PANTHOR_PTE_TYPE_MASK) == PANTHOR_PTE_TABLE;
}

static inline bool is_block(u64 desc)
{
	return (desc & PANTHOR_PTE_TYPE_MASK) == PANTHOR_PTE_BLOCK;
}

/* At any level: a leaf whose memory is elsewhere. */
static inline bool is_absent(u64 desc)
{
	return desc && !(desc & PANTHOR_PTE_VALID);
}

static inline bool is_shared(u64 desc)
{
	return is_table(desc) && (desc & PANTHOR_PTE_SHARED);
}

static inline bool is_private(u64 desc)
{
	return is_table(desc) && !(desc & PANTHOR_PTE_SHARED);
}

static inline u64 *desc_table(u64 desc)
{
	return phys_to_virt(desc & PANTHOR_PTE_ADDR_MASK);
}

static inline u64 table_desc(const u64 *table)
{
	return virt_to_phys((void *)table) | PANTHOR_PTE_TABLE;
}

/* The absent form of the leaf @desc, which shows @offset of a BO. */
static inline u64 make_absent(u64 desc, u64 offset)
{
	return (desc & ~(PANTHOR_PTE_ADDR_MASK | PANTHOR_PTE_VALID)) | offset;
}

/* How many entries of a table are not zero. */
static inline u32 live_count(const u64 *table)
{
	return page_private(virt_to_page((void *)table));
}

/* Tables come from the reserve and go to the unlinked ones. */
u64 *panthor_pt_take_table(struct panthor_pt *pt, u32 live);
void panthor_pt_unlink_table(struct panthor_pt *pt, u64 *table);

u64 panthor_pt_peek(const struct panthor_pt *pt, u64 va, int level,
		    int *level_out);
u64 panthor_pt_block_desc(const struct panthor_pt_edit *edit, u64 unit);

#endif /* PANTHOR_PT_PRIV_H */
