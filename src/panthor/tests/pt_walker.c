// SPDX-License-Identifier: MIT OR GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_walker.h"

static int start_level(const struct pt_walker *walker)
{
	return walker->va_bits > 39 ? 0 : 1;
}

static uint64_t load(const struct pt_walker *walker, uint64_t table_pa,
		     unsigned index)
{
	uint64_t entry;

	if (table_pa % 4096 || table_pa + 4096 > walker->dram_size_B) {
		fprintf(stderr, "page table at 0x%llx is outside DRAM\n",
			(unsigned long long)table_pa);
		abort();
	}
	entry = __atomic_load_n(
		(const uint64_t *)((const char *)walker->dram + table_pa) +
			index,
		__ATOMIC_RELAXED);
	return entry;
}

static unsigned shift_of(int level)
{
	static const unsigned shifts[] = {39, 30, 21, 12};

	return shifts[level];
}

static bool is_leaf(uint64_t entry, int level)
{
	if (level == 3)
		return (entry & 3) == 3;
	return level > 0 && (entry & 3) == 1;
}

/* A leaf but for its lowest bit. */
static bool is_absent(uint64_t entry, int level)
{
	return entry && !(entry & 1) && is_leaf(entry | 1, level);
}

struct pt_walk pt_walker_walk(const struct pt_walker *walker, uint64_t va)
{
	struct pt_walk walk = {.level = start_level(walker)};
	uint64_t table = walker->root_pa, inside;

	if (va >> walker->va_bits)
		return walk;

	for (;; walk.level++) {
		unsigned shift = shift_of(walk.level);

		walk.entry = load(walker, table, (va >> shift) & 511);
		if (is_leaf(walk.entry, walk.level)) {
			inside = va & ((1ull << shift) - 1);
			walk.valid = true;
			walk.pa = (walk.entry & 0x0000fffffffff000ull &
				   ~((1ull << shift) - 1)) |
				  inside;
			walk.attrs = (walk.entry & ~0x0000fffffffff000ull) | 3;
			return walk;
		}
		if (is_absent(walk.entry, walk.level)) {
			walk.absent = true;
			walk.pa = (walk.entry & 0x0000fffffffff000ull) +
				  (va & ((1ull << shift) - 1));
			walk.attrs = (walk.entry & ~0x0000fffffffff000ull) | 3;
			return walk;
		}
		if (walk.level == 3 || (walk.entry & 3) != 3)
			return walk;
		table = walk.entry & 0x0000fffffffff000ull;
	}
}

struct visit {
	const struct pt_walker *walker;
	struct pt_census *census;
	unsigned char *seen; /* a byte for each page of DRAM */
};

static void visit_table(struct visit *visit, uint64_t pa, int level)
{
	struct pt_census *census = visit->census;
	unsigned live = 0;

	if (visit->seen[pa / 4096])
		return;
	visit->seen[pa / 4096] = 1;
	census->tables++;

	for (unsigned i = 0; i < 512; i++) {
		uint64_t entry = load(visit->walker, pa, i);

		if (!entry)
			continue;
		live++;
		if (is_leaf(entry, level)) {
			census->leaves[level]++;
		} else if (is_absent(entry, level)) {
			census->absent[level]++;
		} else if (level < 3 && (entry & 3) == 3) {
			census->table_entries[level]++;
			visit_table(visit, entry & 0x0000fffffffff000ull,
				    level + 1);
		} else {
			census->invalid++;
		}
	}

	if (!live && pa != visit->walker->root_pa)
		census->empty_tables++;
}

void pt_walker_census(const struct pt_walker *walker,
		      struct pt_census *census_out)
{
	struct visit visit = {.walker = walker, .census = census_out};

	memset(census_out, 0, sizeof(*census_out));
	visit.seen = calloc(walker->dram_size_B / 4096, 1);
	if (!visit.seen)
		abort();
	visit_table(&visit, walker->root_pa, start_level(walker));
	free(visit.seen);
}
