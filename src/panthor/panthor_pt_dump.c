// SPDX-License-Identifier: MIT OR GPL-2.0
#include "panthor_pt.h"
#include "panthor_pt_priv.h"

/**
 * panthor_pt_next_entry() - look at what is in page tables
 * @pt: the page tables
 * @va: from this address on
 * @entry: filled with the first entry that is not zero and covers @va or is
 *         behind it: a leaf, present or absent, or one that names a shared
 *         table, into which this does not go
 *
 * O(levels) for each entry that is passed over; a table without a live entry is
 * never there.
 *
 * Return: whether there is one.
 */
bool panthor_pt_next_entry(const struct panthor_pt *pt, u64 va,
			   struct panthor_pt_entry *entry)
{
	const u64 limit = 1ull << pt->va_bits;

	while (va < limit) {
		entry->desc = panthor_pt_peek(pt, va, LEAF_LEVEL,
					      &entry->level);
		entry->start = ALIGN_DOWN(va, entry_span(entry->level));
		entry->end = entry->start + entry_span(entry->level);
		if (entry->desc)
			return true;
		va = entry->end;
	}
	return false;
}

/** panthor_pt_entry_kind() - what such an entry is */
enum panthor_pt_kind panthor_pt_entry_kind(const struct panthor_pt_entry *entry)
{
	if (is_absent(entry->desc))
		return PANTHOR_PT_KIND_ABSENT;
	if (entry->level < LEAF_LEVEL && is_table(entry->desc))
		return PANTHOR_PT_KIND_SHARED;
	return entry->desc & PANTHOR_PTE_NULL ? PANTHOR_PT_KIND_NULL :
						PANTHOR_PT_KIND_MEMORY;
}
