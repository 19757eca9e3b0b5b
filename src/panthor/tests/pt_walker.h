/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A walker of AArch64 LPAE page tables for tests: reads the bytes of DRAM, and
 * shares neither code nor headers with the driver or the virtual GPU.
 */
#ifndef PT_WALKER_H
#define PT_WALKER_H

#include <stdbool.h>
#include <stdint.h>

struct pt_walker {
	const void *dram; /* CPU address of physical address 0 */
	uint64_t dram_size_B;
	uint32_t va_bits; /* 31..48 */
	uint64_t root_pa;
};

struct pt_walk {
	bool valid;
	bool absent;	/* not valid, but the leaf of evicted memory */
	int level;	/* of the entry where the walk ended */
	uint64_t entry; /* that entry */
	/* If valid: of the address walked; if absent: its offset in the BO. */
	uint64_t pa;
	/* If either: the bits of a page that are no address. */
	uint64_t attrs;
};

/* Translates one address. Aborts where a table lies outside DRAM. */
struct pt_walk pt_walker_walk(const struct pt_walker *walker, uint64_t va);

struct pt_census {
	uint64_t tables;       /* distinct ones, the root included */
	uint64_t empty_tables; /* without an entry; the root does not count */
	uint64_t invalid;   /* entries that are neither zero nor meaningful */
	uint64_t absent[4]; /* leaves of evicted memory, by level */
	uint64_t leaves[4]; /* entries by level, a shared table's once */
	uint64_t table_entries[4];
};

/* Looks at every table that can be reached. */
void pt_walker_census(const struct pt_walker *walker,
		      struct pt_census *census_out);

#endif /* PT_WALKER_H */
