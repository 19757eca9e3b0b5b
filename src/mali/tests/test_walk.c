/* SPDX-License-Identifier: MIT */
/* The walker as a pure function, and the tree below the TLB. */
#include <stdlib.h>
#include <string.h>

#include "mali_private.h"
#include "mali_test.h"

/* Memory for the tables, where "DRAM" is 4 MiB. */
#define DRAM_B MiB(4)
#define L0 0x0ull
#define L1 0x1000ull
#define L2 0x2000ull
#define L3 0x3000ull

static _Atomic uint64_t dram[DRAM_B / 8];

static void set(uint64_t table, unsigned index, uint64_t value)
{
	atomic_store(&dram[table / 8 + index], value);
}

/* VA 0x8080_4020_1000 has index 257, 1, 1, 1 at the four levels. */
#define VA (257ull << 39 | 1ull << 30 | 1ull << 21 | 1ull << 12)
#define TABLE 3ull
#define PAGE (TEST_RW | 3)
#define BLOCK (TEST_RW | 1)

static struct mali_walk_config setup(void)
{
	memset((void *)dram, 0, DRAM_B);
	set(L0, 257, L1 | TABLE);
	set(L1, 1, L2 | TABLE);
	set(L2, 1, L3 | TABLE);
	set(L3, 1, 0x10000 | PAGE);
	return (struct mali_walk_config){
		.dram = (const void *)dram,
		.dram_size_B = DRAM_B,
		.pa_bits = 40,
		.mode = MALI_AS_TRANSCFG_ADRMODE_AARCH64_4K,
		.va_bits = 48,
		.root = L0,
		.memattr = 0x4c4c4c4c8c4c8f4cull,
		.af_faults = true,
		.hierarchical_ap = true,
	};
}

/* One change to a good set of tables, and what an access gets then. */
struct walk_case {
	const char *name;
	uint64_t table;
	unsigned index;
	uint64_t value;
	uint32_t access;
	uint32_t expect;
};

#define RD MALI_ACCESS_READ
#define WR MALI_ACCESS_WRITE
#define EX MALI_ACCESS_EXECUTE
#define AT MALI_ACCESS_ATOMIC

static const struct walk_case walk_cases[] = {
	{"page, read", L3, 1, 0x10000 | PAGE, RD, 0},
	{"page, write", L3, 1, 0x10000 | PAGE, WR, 0},
	{"page, atomic", L3, 1, 0x10000 | PAGE, AT, 0},
	{"software bits are ignored", L3, 1, 0x10000 | PAGE | 0xfull << 55, RD,
	 0},
	{"NSTable and bit 55 of a table are ignored", L2, 1,
	 L3 | TABLE | 1ull << 63 | 1ull << 55, WR, 0},
	{"2 MiB block", L2, 1, MiB(2) | BLOCK, WR, 0},
	{"level 0 is invalid", L0, 257, 0, RD, 0xc0},
	{"level 0 has no blocks", L0, 257, BLOCK, RD, 0xc0},
	{"level 1 is invalid", L1, 1, 0, RD, 0xc1},
	{"type 2 is invalid", L1, 1, L2 | 2, RD, 0xc1},
	{"level 2 is invalid", L2, 1, 0, WR, 0xc2},
	{"level 3 is invalid", L3, 1, 0, RD, 0xc3},
	{"level 3 has no blocks", L3, 1, 0x10000 | BLOCK, RD, 0xc3},
	{"write to a read-only page", L3, 1, 0x10000 | TEST_RO | 3, WR, 0xcb},
	{"atomic on a read-only page", L3, 1, 0x10000 | TEST_RO | 3, AT, 0xcb},
	{"read of a read-only page", L3, 1, 0x10000 | TEST_RO | 3, RD, 0},
	{"write to a read-only block", L2, 1, MiB(2) | TEST_RO | 1, WR, 0xca},
	{"execute with XN", L3, 1, 0x10000 | PAGE, EX, 0xcb},
	{"execute without", L3, 1, 0x10000 | 0x747, EX, 0},
	{"execute below a table with XN", L1, 1, L2 | TABLE | 3ull << 59, EX,
	 0xcb},
	{"privileged only", L3, 1, 0x10000 | (PAGE & ~(1ull << 6)), RD, 0xcb},
	{"a table that denies writes", L1, 1, L2 | TABLE | 1ull << 62, WR,
	 0xcb},
	{"a table that denies writes, read", L1, 1, L2 | TABLE | 1ull << 62, RD,
	 0},
	{"a table that denies all", L0, 257, L1 | TABLE | 1ull << 61, RD, 0xcb},
	{"no access flag, page", L3, 1, 0x10000 | (PAGE & ~(1ull << 10)), RD,
	 0xdb},
	{"no access flag, 2 MiB", L2, 1, BLOCK & ~(1ull << 10), RD, 0xda},
	{"no access flag, 1 GiB", L1, 1, BLOCK & ~(1ull << 10), RD, 0xd9},
	{"page beyond the output size", L3, 1, 1ull << 40 | PAGE, RD, 0xe7},
	{"block beyond the output size", L2, 1, 1ull << 40 | BLOCK, RD, 0xe6},
	{"1 GiB beyond the output size", L1, 1, 1ull << 40 | BLOCK, RD, 0xe5},
	{"table beyond the output size", L0, 257, 1ull << 40 | TABLE, RD, 0xe4},
	{"level-3 table beyond it", L2, 1, 1ull << 40 | TABLE, RD, 0xe6},
	{"page beyond DRAM", L3, 1, DRAM_B | PAGE, RD, 0x80},
	{"block half beyond DRAM", L1, 1, BLOCK, RD, 0x80},
	{"table beyond DRAM", L1, 1, DRAM_B | TABLE, RD, 0x80},
	/* AttrIndx 1 becomes 5, whose byte in MEMATTR says fault. */
	{"attribute that faults, page", L3, 1, 0x10000 | PAGE | 5 << 2, RD,
	 0xeb},
	{"attribute that faults, 2 MiB", L2, 1, BLOCK | 5 << 2, RD, 0xea},
	{"access flag before permission", L3, 1,
	 0x10000 | ((TEST_RO | 3) & ~(1ull << 10)), WR, 0xdb},
	{"output size before access flag", L3, 1, 1ull << 40 | 3, WR, 0xe7},
};

static void test_walk_cases(void **state)
{
	for (unsigned i = 0; i < sizeof(walk_cases) / sizeof(walk_cases[0]);
	     i++) {
		const struct walk_case *c = &walk_cases[i];
		struct mali_walk_config config = setup();
		struct mali_leaf leaf;
		uint32_t got;

		config.memattr |= 0xc0ull << 40;
		set(c->table, c->index, c->value);
		got = mali_walk(&config, VA + 0x123, c->access, &leaf);
		if (got != c->expect)
			fail_msg("%s: 0x%x, not 0x%x", c->name, got, c->expect);
	}
}

static void test_leaf_sizes(void **state)
{
	struct mali_walk_config config = setup();
	struct mali_leaf leaf;

	assert_int_equal(mali_walk(&config, VA + 0xabc, RD, &leaf), 0);
	assert_int_equal(leaf.va, VA);
	assert_int_equal(leaf.pa, 0x10000);
	assert_int_equal(leaf.size_B, 4096);
	assert_true(leaf.writable);
	assert_false(leaf.executable);

	set(L2, 1, MiB(2) | (TEST_RO & ~MALI_PTE_XN) | 1);
	assert_int_equal(mali_walk(&config, VA + 0xabc, RD, &leaf), 0);
	assert_int_equal(leaf.va, VA & ~(MiB(2) - 1));
	assert_int_equal(leaf.pa, MiB(2));
	assert_int_equal(leaf.size_B, MiB(2));
	assert_false(leaf.writable);
	assert_true(leaf.executable);

	/* The tables lie in the first pages of a DRAM that claims 8 GiB. */
	config.dram_size_B = GiB(8);
	set(L1, 1, GiB(5) | BLOCK);
	assert_int_equal(mali_walk(&config, VA + 0xabc, WR, &leaf), 0);
	assert_int_equal(leaf.va, VA & ~(GiB(1) - 1));
	assert_int_equal(leaf.pa, GiB(5));
	assert_int_equal(leaf.size_B, GiB(1));
}

static void test_modes(void **state)
{
	struct mali_walk_config config = setup();
	struct mali_leaf leaf;

	config.mode = MALI_AS_TRANSCFG_ADRMODE_UNMAPPED;
	assert_int_equal(mali_walk(&config, VA, RD, &leaf), 0xc0);
	config.mode = MALI_AS_TRANSCFG_ADRMODE_AARCH64_64K;
	assert_int_equal(mali_walk(&config, VA, RD, &leaf), 0xc0);
	config.mode = MALI_AS_TRANSCFG_ADRMODE_IDENTITY;
	assert_int_equal(mali_walk(&config, MiB(3), WR, &leaf), 0);
	assert_int_equal(leaf.va, leaf.pa);
	assert_true(MiB(3) >= leaf.va && MiB(3) < leaf.va + leaf.size_B);
	assert_int_equal(mali_walk(&config, DRAM_B, RD, &leaf), 0x80);
	assert_int_equal(mali_walk(&config, 1ull << 40, RD, &leaf), 0xe4);

	config = setup();
	config.af_faults = false;
	set(L3, 1, 0x10000 | (PAGE & ~(1ull << 10)));
	assert_int_equal(mali_walk(&config, VA, RD, &leaf), 0);
	config.hierarchical_ap = false;
	set(L1, 1, L2 | TABLE | 3ull << 61);
	assert_int_equal(mali_walk(&config, VA, WR, &leaf), 0);
	config.root = 1ull << 40;
	assert_int_equal(mali_walk(&config, VA, RD, &leaf), 0xe4);
}

/* The start level follows the input size: 0 from 40 bits on, 1 below. */
static void test_va_bits(void **state)
{
	struct mali_walk_config config = setup();
	struct mali_leaf leaf;
	uint64_t va = VA & ((1ull << 39) - 1);

	assert_int_equal(mali_walk(&config, 1ull << 48, RD, &leaf), 0xe0);
	assert_int_equal(mali_walk(&config, UINT64_MAX, RD, &leaf), 0xe0);

	config.va_bits = 39;
	config.root = L1;
	assert_int_equal(mali_walk(&config, va, RD, &leaf), 0);
	assert_int_equal(leaf.pa, 0x10000);
	assert_int_equal(mali_walk(&config, 1ull << 39 | va, RD, &leaf), 0xe0);
	set(L1, 1, 0);
	assert_int_equal(mali_walk(&config, va, RD, &leaf), 0xc1);

	/* 40 bits: two entries at level 0, anywhere at 16 bytes. */
	config = setup();
	config.va_bits = 40;
	config.root = 0x4010;
	set(config.root, 1, L1 | TABLE);
	assert_int_equal(mali_walk(&config, 1ull << 39 | va, RD, &leaf), 0);
	assert_int_equal(leaf.pa, 0x10000);
	assert_int_equal(mali_walk(&config, va, RD, &leaf), 0xc0);
	assert_int_equal(mali_walk(&config, 1ull << 40 | va, RD, &leaf), 0xe0);

	/* 33 bits: eight entries at level 1. */
	config.va_bits = 33;
	config.root = 0x4040;
	set(config.root, 1, L2 | TABLE);
	assert_int_equal(mali_walk(&config, va, RD, &leaf), 0);
	assert_int_equal(mali_walk(&config, 2ull << 30 | va, RD, &leaf), 0xc1);
}

static void check_run(const struct mali_walk_config *config, uint64_t va,
		      uint64_t lo, uint64_t hi, uint64_t first, uint64_t end)
{
	struct mali_leaf leaf;
	struct mali_run run;

	assert_int_equal(mali_walk(config, va, RD, &leaf), 0);
	mali_walk_run(config, &leaf, lo, hi, &run);
	assert_int_equal(run.va, first);
	assert_int_equal(run.va + run.size_B, end);
	assert_int_equal(run.pa - run.va, leaf.pa - leaf.va);
	assert_int_equal(run.writable, leaf.writable);
}

static void test_runs(void **state)
{
	struct mali_walk_config config = setup();
	uint64_t base = VA & ~(MiB(2) - 1);

	/* Pages 1..20 contiguous; 8..9 read-only; 15 without access flag. */
	for (unsigned i = 1; i <= 20; i++) {
		uint64_t pte = (0x10000 + i * 4096) | PAGE;

		if (i == 8 || i == 9)
			pte |= 1ull << 7;
		if (i == 15)
			pte &= ~(1ull << 10);
		set(L3, i, pte);
	}
	check_run(&config, base + 3 * 4096, 0, 1ull << 48, base + 4096,
		  base + 8 * 4096);
	check_run(&config, base + 9 * 4096, 0, 1ull << 48, base + 8 * 4096,
		  base + 10 * 4096);
	check_run(&config, base + 12 * 4096, 0, 1ull << 48, base + 10 * 4096,
		  base + 15 * 4096);
	check_run(&config, base + 18 * 4096, 0, 1ull << 48, base + 16 * 4096,
		  base + 21 * 4096);
	/* Limits cut, on both sides. */
	check_run(&config, base + 3 * 4096, base + 2 * 4096, base + 5 * 4096,
		  base + 2 * 4096, base + 5 * 4096);
	/* A gap in PA ends a run. */
	set(L3, 18, 0x80000 | PAGE);
	check_run(&config, base + 18 * 4096, 0, 1ull << 48, base + 18 * 4096,
		  base + 19 * 4096);

	/* Over the end of one table, into a block and out of it again. */
	config.dram_size_B = GiB(1);
	for (unsigned i = 0; i < 512; i++)
		set(L3, i, (MiB(64) + i * 4096) | PAGE);
	set(L2, 2, MiB(66) | BLOCK);
	set(L2, 3, 0x5000 | TABLE);
	set(0x5000, 0, MiB(68) | PAGE);
	check_run(&config, base + 510 * 4096, 0, 1ull << 48, base,
		  base + MiB(4) + 4096);
	check_run(&config, base + MiB(3), base + MiB(1), base + MiB(3) + 4096,
		  base + MiB(1), base + MiB(3) + 4096);
	/* The budget of leaves bounds the search. */
	set(L2, 0, 0x6000 | TABLE);
	for (unsigned i = 0; i < 512; i++)
		set(0x6000, i, (MiB(62) + i * 4096) | PAGE);
	check_run(&config, base + MiB(2), 0, 1ull << 48,
		  base + MiB(2) - MALI_RUN_LEAVES * 4096, base + MiB(4) + 4096);
}

/* -------------------------------------------------------------- tree -- */

#define NODES 300

static struct mali_node nodes[NODES];
static bool in_tree[NODES];

static bool overlaps(const struct mali_node *node, uint64_t start,
		     uint64_t last)
{
	return node->start <= last && node->last >= start;
}

/* Every query, against looking at all nodes. */
static void check_tree(const struct mali_tree *tree, uint64_t start,
		       uint64_t last)
{
	const struct mali_node *node = mali_tree_first(tree, start, last);
	const struct mali_node *before = NULL, *after = NULL, *previous = NULL;
	unsigned expect = 0, found = 0;

	for (unsigned i = 0; i < NODES; i++) {
		if (!in_tree[i])
			continue;
		expect += overlaps(&nodes[i], start, last);
		if (nodes[i].start <= start &&
		    (!before || before->start < nodes[i].start))
			before = &nodes[i];
		if (nodes[i].start > start &&
		    (!after || after->start > nodes[i].start))
			after = &nodes[i];
	}
	for (; node; node = mali_tree_next(node, start, last), found++) {
		assert_true(overlaps(node, start, last));
		assert_true(!previous || previous->start <= node->start);
		assert_true(previous != node);
		previous = node;
	}
	assert_int_equal(found, expect);
	node = mali_tree_before(tree, start);
	assert_int_equal(node ? node->start : 0, before ? before->start : 0);
	assert_int_equal(!node, !before);
	node = mali_tree_after(tree, start);
	assert_int_equal(node ? node->start : 0, after ? after->start : 0);
	assert_int_equal(!node, !after);
}

static void test_tree_against_model(void **state)
{
	struct mali_tree tree = {0};
	uint64_t seed = 42;

	for (unsigned step = 0; step < 20000; step++) {
		uint64_t r = test_random(&seed);
		unsigned i = r % NODES;
		uint64_t start = (r >> 10) % 1000;
		uint64_t last = start + (r >> 20) % (r & 1 << 9 ? 300 : 10);

		if (!in_tree[i]) {
			nodes[i].start = start;
			nodes[i].last = last;
			mali_tree_insert(&tree, &nodes[i]);
		} else if (r >> 40 & 1) {
			mali_tree_resize(&nodes[i], nodes[i].start,
					 nodes[i].start + (r >> 41) % 50);
			continue;
		} else {
			mali_tree_remove(&tree, &nodes[i]);
		}
		in_tree[i] = !in_tree[i];
		check_tree(&tree, start, last);
	}
	for (unsigned i = 0; i < NODES; i++) {
		if (in_tree[i])
			mali_tree_remove(&tree, &nodes[i]);
	}
	assert_null(tree.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk_cases),
		cmocka_unit_test(test_leaf_sizes),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_va_bits),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_tree_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
