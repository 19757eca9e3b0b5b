/* SPDX-License-Identifier: MIT */
/*
 * The page-table walker: LPAE stage 1, 4 KiB granule, 33 to 48 bits of VA.
 *
 * The order of the checks is the architecture's: input size, then for each
 * level type and output size, and at the leaf access flag, permission and
 * memory attributes.
 */
#include "mali_private.h"

#define LEVEL_BITS 9
#define LAST_LEVEL 3

static unsigned level_shift(uint32_t level)
{
	return 12 + LEVEL_BITS * (LAST_LEVEL - level);
}

/*
 * Drivers run while we walk: an entry is read whole, and what it points at
 * was written before it.
 */
static uint64_t read_entry(const void *slot)
{
	return atomic_load_explicit((const _Atomic uint64_t *)slot,
				    memory_order_acquire);
}

static bool beyond_output(const struct mali_walk_config *config, uint64_t pa)
{
	return pa >> config->pa_bits;
}

static bool beyond_dram(const struct mali_walk_config *config, uint64_t pa,
			uint64_t size_B)
{
	return pa >= config->dram_size_B || size_B > config->dram_size_B - pa;
}

/* The checks that are left when a leaf of the right type was found. */
static uint32_t check_leaf(const struct mali_walk_config *config,
			   const struct mali_leaf *leaf, uint64_t entry,
			   uint32_t access)
{
	unsigned index =
		(entry & MALI_PTE_ATTR_INDEX_MASK) >> MALI_PTE_ATTR_INDEX_SHIFT;
	uint32_t attr = config->memattr >> (8 * index) & 0xff;
	bool unprivileged = (entry & MALI_PTE_AP_UNPRIV) &&
			    !(leaf->inherited & MALI_PTE_TABLE_AP_NO_UNPRIV);
	bool write =
		access == MALI_ACCESS_WRITE || access == MALI_ACCESS_ATOMIC;

	if (beyond_output(config, leaf->pa))
		return MALI_FAULT_ADDR_SIZE_OUT(leaf->level);
	if (config->af_faults && !(entry & MALI_PTE_AF))
		return MALI_FAULT_ACCESS_FLAG(leaf->level);
	if (!unprivileged || (write && !leaf->writable) ||
	    (access == MALI_ACCESS_EXECUTE && !leaf->executable))
		return MALI_FAULT_PERMISSION(leaf->level);
	if (attr >> 6 == MALI_AS_MEMATTR_FAULT)
		return MALI_FAULT_MEM_ATTR(leaf->level);
	if (!leaf->null && beyond_dram(config, leaf->pa, leaf->size_B))
		return MALI_FAULT_GPU_BUS;
	return 0;
}

/* Fills in the leaf that @entry describes; @va, level, slot are set already. */
static void decode_leaf(const struct mali_walk_config *config,
			struct mali_leaf *leaf, uint64_t entry)
{
	leaf->size_B = 1ull << level_shift(leaf->level);
	leaf->va &= ~(leaf->size_B - 1);
	leaf->pa = entry & MALI_PTE_ADDR_MASK & ~(leaf->size_B - 1);
	leaf->null = config->null_leaves && (entry & MALI_PTE_NULL);
	leaf->writable = !(entry & MALI_PTE_AP_READONLY) &&
			 !(leaf->inherited & MALI_PTE_TABLE_AP_READONLY);
	leaf->executable = !(entry & MALI_PTE_XN) &&
			   !(leaf->inherited & MALI_PTE_TABLE_XN);
}

/* Blocks exist at levels 1 and 2, pages at level 3. */
static bool is_leaf(uint64_t entry, uint32_t level)
{
	uint64_t type = entry & MALI_PTE_TYPE_MASK;

	if (level == LAST_LEVEL)
		return type == MALI_PTE_PAGE;
	return level > 0 && type == MALI_PTE_BLOCK;
}

static bool is_table(uint64_t entry, uint32_t level)
{
	return level < LAST_LEVEL &&
	       (entry & MALI_PTE_TYPE_MASK) == MALI_PTE_TABLE;
}

/*
 * Invalid, and yet not zero, where a page or a 2 MiB block could be: the driver
 * has the memory elsewhere and will bring it back.
 */
static bool is_absent(const struct mali_walk_config *config, uint64_t entry,
		      uint32_t level)
{
	return config->absent_stall && level >= LAST_LEVEL - 1 && entry &&
	       !(entry & MALI_PTE_VALID);
}

/* Identity mode: every page of DRAM at its own address. */
static uint32_t walk_identity(const struct mali_walk_config *config,
			      uint64_t va, struct mali_leaf *leaf)
{
	*leaf = (struct mali_leaf){
		.va = va & ~(uint64_t)(MALI_BLOCK_SIZE - 1),
		.pa = va & ~(uint64_t)(MALI_BLOCK_SIZE - 1),
		.size_B = MALI_BLOCK_SIZE,
		.writable = true,
		.executable = true,
	};
	if (beyond_output(config, va))
		return MALI_FAULT_ADDR_SIZE_OUT(0);
	return beyond_dram(config, leaf->pa, leaf->size_B) ? MALI_FAULT_GPU_BUS
							   : 0;
}

static uint32_t walk_tables(const struct mali_walk_config *config, uint64_t va,
			    uint32_t access, struct mali_leaf *leaf)
{
	uint32_t level =
		4 - (config->va_bits - 12 + LEVEL_BITS - 1) / LEVEL_BITS;
	/* The first table may have fewer entries than the others. */
	uint64_t entries = 1ull << (config->va_bits - level_shift(level));
	uint64_t table = config->root & ~(entries * sizeof(uint64_t) - 1);
	uint64_t inherited = 0;

	for (;; level++) {
		uint64_t slot_pa =
			table + (va >> level_shift(level) & (entries - 1)) *
					sizeof(uint64_t);
		const void *slot;
		uint64_t entry;

		if (beyond_output(config, table))
			return MALI_FAULT_ADDR_SIZE_OUT(level ? level - 1 : 0);
		if (beyond_dram(config, slot_pa, sizeof(uint64_t)))
			return MALI_FAULT_GPU_BUS;
		slot = (const uint8_t *)config->dram + slot_pa;
		entry = read_entry(slot);
		if (is_leaf(entry, level)) {
			*leaf = (struct mali_leaf){
				.va = va,
				.slot = slot,
				.level = level,
				.inherited = inherited,
			};
			decode_leaf(config, leaf, entry);
			return check_leaf(config, leaf, entry, access);
		}
		if (is_absent(config, entry, level))
			return MALI_FAULT_ABSENT;
		if (!is_table(entry, level))
			return MALI_FAULT_TRANSLATION(level);
		if (config->hierarchical_ap)
			inherited |= entry;
		table = entry & MALI_PTE_ADDR_MASK;
		entries = 1 << LEVEL_BITS;
	}
}

uint32_t mali_walk(const struct mali_walk_config *config, uint64_t va,
		   uint32_t access, struct mali_leaf *leaf_out)
{
	switch (config->mode) {
	case MALI_AS_TRANSCFG_ADRMODE_IDENTITY:
		return walk_identity(config, va, leaf_out);
	case MALI_AS_TRANSCFG_ADRMODE_AARCH64_4K:
		if (va >> config->va_bits)
			return MALI_FAULT_ADDR_SIZE_IN;
		return walk_tables(config, va, access, leaf_out);
	default:
		return MALI_FAULT_TRANSLATION(0);
	}
}

/*
 * The leaf beside @leaf, @step being +1 or -1, if it can be read. Within a
 * table of level 3 that is the next word; else the tables are walked again.
 */
static bool neighbour(const struct mali_walk_config *config,
		      const struct mali_leaf *leaf, int step,
		      struct mali_leaf *out)
{
	uint64_t va = step > 0 ? leaf->va + leaf->size_B : leaf->va - 1;
	uint64_t table_B = 1ull << level_shift(LAST_LEVEL - 1);
	uint64_t entry;

	if (!leaf->slot || leaf->level != LAST_LEVEL ||
	    (va ^ leaf->va) & ~(table_B - 1))
		return mali_walk(config, va, MALI_ACCESS_READ, out) == 0;

	*out = *leaf;
	out->va = va;
	out->slot = (const uint64_t *)leaf->slot + step;
	entry = read_entry(out->slot);
	if (!is_leaf(entry, LAST_LEVEL))
		return false;
	decode_leaf(config, out, entry);
	return check_leaf(config, out, entry, MALI_ACCESS_READ) == 0;
}

/* Is @b, the leaf behind @a, more of the same? */
static bool continues(const struct mali_leaf *a, const struct mali_leaf *b)
{
	return a->writable == b->writable && a->null == b->null &&
	       (a->null || b->pa == a->pa + a->size_B);
}

void mali_walk_run(const struct mali_walk_config *config,
		   const struct mali_leaf *leaf, uint64_t lo, uint64_t hi,
		   struct mali_run *run_out)
{
	uint64_t first = leaf->va, end = leaf->va + leaf->size_B;
	struct mali_leaf at = *leaf, next;

	for (unsigned i = 0; i < MALI_RUN_LEAVES && end < hi; i++) {
		if (!neighbour(config, &at, 1, &next) ||
		    !continues(&at, &next))
			break;
		at = next;
		end = at.va + at.size_B;
	}
	at = *leaf;
	for (unsigned i = 0; i < MALI_RUN_LEAVES && first > lo; i++) {
		if (!neighbour(config, &at, -1, &next) ||
		    !continues(&next, &at))
			break;
		at = next;
		first = at.va;
	}
	/* @at is the lowest leaf now. */
	if (first < lo)
		first = lo;
	if (end > hi)
		end = hi;
	*run_out = (struct mali_run){
		.va = first,
		.pa = at.pa + (first - at.va),
		.size_B = end - first,
		.writable = leaf->writable,
		.null = leaf->null,
	};
}
