// SPDX-License-Identifier: MIT OR GPL-2.0
/* Page tables, each property alone: entries, blocks, attributes, teardown. */
#include <drm-uapi/panthor_drm.h>

#include "linux_machine.h"
#include "pt_fixture.h"

#define RO DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED

#define MiB (1ull << 20)
#define GiB (1ull << 30)
#define TILE SZ_64K

static struct panthor_pt pt;

static void init_pt(u32 va_bits)
{
	assert_int_equal(panthor_pt_init(&pt, fixture_device(), va_bits, true),
			 0);
	assert_int_equal(pt.pages, 1);
}

static void fini_pt(void)
{
	fixture_pt_clear(&pt);
	panthor_pt_fini(&pt);
	assert_int_equal(fixture_pages(), 0);
}

static struct pt_census census(void)
{
	struct pt_walker walker = fixture_walker(&pt);
	struct pt_census result;

	pt_walker_census(&walker, &result);
	return result;
}

/* Entries that were stored since @before. */
static u64 written_since(u64 before)
{
	return pt.written - before;
}

/* docs/panthor.md: the descriptors of each combination of flags. */
static void test_attributes(void **state)
{
	static const struct {
		u32 flags;
		u64 page, block;
	} cases[] = {
		{0, 0xf47, 0xf45},
		{RO, 0xfc7, 0xfc5},
		{UNCACHED, 0xe43, 0xe41},
		{RO | UNCACHED, 0xec3, 0xec1},
		{NOEXEC, 0x0060000000000f47, 0x0060000000000f45},
		{RO | NOEXEC, 0x0060000000000fc7, 0x0060000000000fc5},
		{UNCACHED | NOEXEC, 0x0060000000000e43, 0x0060000000000e41},
	};
	struct panthor_backing *block = fixture_backing(64 * MiB, 512, 1);
	struct pt_walker walker;

	init_pt(48);
	walker = fixture_walker(&pt);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pt_walk walk;

		fixture_map(&pt, 4 * MiB, 2 * MiB, block, 0, cases[i].flags);
		fixture_map(&pt, 8 * MiB, TILE, block, TILE, cases[i].flags);

		walk = pt_walker_walk(&walker, 4 * MiB);
		assert_int_equal(walk.level, 2);
		assert_int_equal(walk.entry, 64 * MiB | cases[i].block);
		walk = pt_walker_walk(&walker, 8 * MiB);
		assert_int_equal(walk.level, 3);
		assert_int_equal(walk.entry, (64 * MiB + TILE) | cases[i].page);
	}
	fini_pt();
	panthor_backing_destroy(block);
}

/* A tile costs its 16 entries and the tables above; unmapping leaves nothing.
 */
static void test_tile(void **state)
{
	struct panthor_backing *bo = fixture_backing(64 * MiB, 4096, 1);
	u64 before;

	init_pt(48);
	before = pt.written;
	fixture_map(&pt, 5 * GiB + TILE, TILE, bo, TILE, 0);
	assert_int_equal(written_since(before), 16 + 3);
	assert_int_equal(pt.pages, 4);
	assert_maps(&pt, 5 * GiB + TILE, TILE, bo, TILE, 0);
	assert_unmapped(&pt, 5 * GiB, TILE);
	assert_unmapped(&pt, 5 * GiB + 2 * TILE, TILE);

	before = pt.written;
	fixture_unmap(&pt, 5 * GiB + TILE, TILE);
	assert_int_equal(written_since(before), 16 + 3);
	assert_int_equal(pt.pages, 1);
	fini_pt();
	panthor_backing_destroy(bo);
}

static void test_same_again_writes_nothing(void **state)
{
	struct panthor_backing *bo = fixture_backing(64 * MiB, 4096, 1);
	struct panthor_backing *dummy = fixture_dummy(false);
	u64 before;

	init_pt(48);
	fixture_map(&pt, 6 * MiB - TILE, 6 * MiB, bo, 2 * MiB - TILE, NOEXEC);
	fixture_sparse(&pt, 100 * GiB - TILE, 10 * GiB, dummy, 0);
	before = pt.written;
	fixture_map(&pt, 6 * MiB - TILE, 6 * MiB, bo, 2 * MiB - TILE, NOEXEC);
	fixture_map(&pt, 8 * MiB, TILE, bo, 4 * MiB, NOEXEC);
	fixture_sparse(&pt, 100 * GiB - TILE, 10 * GiB, dummy, 0);
	fixture_sparse(&pt, 101 * GiB + TILE, 3 * TILE, dummy, 0);
	fixture_unmap(&pt, 300 * GiB, 200 * GiB);
	assert_int_equal(written_since(before), 0);
	fini_pt();
	panthor_backing_destroy(bo);
	panthor_backing_destroy(dummy);
}

/* VA, offset and DMA address decide where blocks can be. */
static void test_blocks_where_aligned(void **state)
{
	struct panthor_backing *bo = fixture_backing(64 * MiB, 2048, 1);
	struct panthor_backing *odd = fixture_backing(64 * MiB + TILE, 2048, 1);

	init_pt(48);
	fixture_map(&pt, 0, 8 * MiB, bo, 0, 0);
	assert_int_equal(census().leaves[2], 4);
	assert_int_equal(pt.pages, 3);

	/* VA and DMA address agree mod 2 MiB, though neither is aligned. */
	fixture_map(&pt, MiB, 6 * MiB, bo, MiB, 0);
	assert_int_equal(census().leaves[2], 4);
	assert_maps(&pt, 0, 8 * MiB, bo, 0, 0);

	fixture_map(&pt, 0, 4 * MiB, bo, 4096, 0);
	assert_int_equal(census().leaves[2], 2);
	assert_int_equal(census().leaves[3], 1024);
	assert_int_equal(pt.pages, 5);
	assert_maps(&pt, 0, 4 * MiB, bo, 4096, 0);

	fixture_map(&pt, 0, 8 * MiB, odd, 0, 0);
	assert_int_equal(census().leaves[2], 0);
	fixture_map(&pt, TILE, 6 * MiB, odd, 0, 0);
	assert_int_equal(census().leaves[2], 2);
	assert_maps(&pt, TILE, 6 * MiB, odd, 0, 0);
	fini_pt();
	panthor_backing_destroy(bo);
	panthor_backing_destroy(odd);
}

/* Part of a block goes; the rest of it stays what it was. */
static void test_split(void **state)
{
	static const struct {
		u64 start, size;
	} cases[] = {
		{0, TILE},
		{2 * MiB - TILE, TILE},
		{TILE, TILE},
		{4096, 2 * MiB - 8192},
		{2 * MiB - 4096, 4096},
	};
	struct panthor_backing *bo = fixture_backing(64 * MiB, 512, 1);
	u64 before;

	init_pt(48);
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 start = cases[i].start, size = cases[i].size;
		u64 at = 512 * GiB - 2 * MiB;

		fixture_map(&pt, at, 2 * MiB, bo, 0, NOEXEC);
		assert_int_equal(pt.pages, 3);
		before = pt.written;
		fixture_unmap(&pt, at + start, size);
		assert_int_equal(pt.pages, 4);
		/* Built beside it, published with one store. */
		assert_int_equal(written_since(before), 512 + size / 4096 + 1);
		assert_maps(&pt, at, start, bo, 0, NOEXEC);
		assert_unmapped(&pt, at + start, size);
		assert_maps(&pt, at + start + size, 2 * MiB - start - size, bo,
			    start + size, NOEXEC);

		/* And back: it is a block again. */
		fixture_map(&pt, at + start, size, bo, start, NOEXEC);
		assert_int_equal(pt.pages, 3);
		assert_int_equal(census().leaves[2], 1);
		assert_maps(&pt, at, 2 * MiB, bo, 0, NOEXEC);
		fixture_unmap(&pt, at, 2 * MiB);
		assert_int_equal(pt.pages, 1);
	}
	fini_pt();
	panthor_backing_destroy(bo);
}

/* 32 tiles in any order make a block with the last of them. */
static void test_tiles_become_a_block(void **state)
{
	static const u32 strides[] = {1, 31, 7, 13};
	struct panthor_backing *bo = fixture_backing(64 * MiB, 512, 1);

	init_pt(48);
	for (u32 s = 0; s < ARRAY_SIZE(strides); s++) {
		for (u32 i = 0; i < 32; i++) {
			u64 tile = (strides[s] * (i + 1)) % 32;

			assert_int_equal(census().leaves[2], 0);
			fixture_map(&pt, GiB + tile * TILE, TILE, bo,
				    tile * TILE, 0);
		}
		assert_int_equal(census().leaves[2], 1);
		assert_int_equal(pt.pages, 3);
		assert_maps(&pt, GiB, 2 * MiB, bo, 0, 0);
		fixture_unmap(&pt, GiB, 2 * MiB);
	}

	/* Not if one of them has other attributes. */
	fixture_map(&pt, GiB, TILE, bo, 0, RO);
	fixture_map(&pt, GiB + TILE, 31 * TILE, bo, TILE, 0);
	assert_int_equal(census().leaves[2], 0);
	fixture_map(&pt, GiB, TILE, bo, 0, 0);
	assert_int_equal(census().leaves[2], 1);
	fini_pt();
	panthor_backing_destroy(bo);
}

/* The budget: 8.1 bytes of tables per page of a bound gigabyte; then none. */
static void test_budget_of_a_bound_gigabyte(void **state)
{
	struct panthor_backing *bo =
		fixture_backing(0x800000000, 1, GiB / 4096);
	u64 base = 3 * GiB;

	init_pt(48);
	fixture_map(&pt, base, GiB, bo, 0, NOEXEC);
	assert_int_equal(census().leaves[3], GiB / 4096);
	assert_true((pt.pages - 1) * 4096 * 10 <= GiB / 4096 * 81);
	assert_maps(&pt, base, GiB, bo, 0, NOEXEC);
	fixture_unmap(&pt, base, GiB);
	assert_int_equal(pt.pages, 1);
	fini_pt();
	panthor_backing_destroy(bo);
}

/* A gigabyte of 4 KiB pages is replaced by blocks, and goes in one entry. */
static void test_replace_tables_by_blocks(void **state)
{
	struct panthor_backing *pages = fixture_backing(0x800000000, 1, 4096);
	struct panthor_backing *blocks = fixture_backing(0x900000000, 4096, 1);

	init_pt(48);
	fixture_map(&pt, GiB - 8 * MiB, 16 * MiB, pages, 0, 0);
	assert_int_equal(pt.pages, 1 + 1 + 2 + 8);
	fixture_map(&pt, GiB - 8 * MiB, 16 * MiB, blocks, 0, 0);
	assert_int_equal(pt.pages, 1 + 1 + 2);
	assert_int_equal(census().leaves[2], 8);
	assert_maps(&pt, GiB - 8 * MiB, 16 * MiB, blocks, 0, 0);
	fini_pt();
	panthor_backing_destroy(pages);
	panthor_backing_destroy(blocks);
}

/* Start level and root size follow from the VA bits. */
static void test_va_bits(void **state)
{
	static const struct {
		u32 bits;
		int root_level;
	} cases[] = {
		{33, 1}, {36, 1}, {39, 1}, {40, 0}, {47, 0}, {48, 0},
	};
	struct panthor_backing *bo = fixture_backing(64 * MiB, 512, 1);
	struct panthor_backing *dummy = fixture_dummy(true);

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 top = 1ull << cases[i].bits;

		init_pt(cases[i].bits);
		assert_int_equal(pt.root_level, cases[i].root_level);
		fixture_map(&pt, 0, TILE, bo, 0, 0);
		fixture_map(&pt, top - 2 * MiB, 2 * MiB, bo, 0, 0);
		assert_maps(&pt, 0, TILE, bo, 0, 0);
		assert_maps(&pt, top - 2 * MiB, 2 * MiB, bo, 0, 0);
		fixture_sparse(&pt, 0, top, dummy, 0);
		assert_sparse(&pt, 0, 4 * MiB, dummy, 0);
		assert_sparse(&pt, top / 2 - MiB, 2 * MiB, dummy, 0);
		assert_sparse(&pt, top - 4 * MiB, 4 * MiB, dummy, 0);
		fini_pt();
	}

	assert_int_equal(panthor_pt_init(&pt, fixture_device(), 32, true),
			 -EINVAL);
	assert_int_equal(panthor_pt_init(&pt, fixture_device(), 49, true),
			 -EINVAL);
	panthor_backing_destroy(bo);
	panthor_backing_destroy(dummy);
}

static void assert_footprint(const struct panthor_pt_edit *edit, u64 start,
			     u64 end)
{
	u64 got_start, got_end;

	panthor_pt_footprint(&pt, edit, &got_start, &got_end);
	assert_int_equal(got_start, start);
	assert_int_equal(got_end, end);
}

/* What has to be locked: the range, and blocks that are split or rebuilt. */
static void test_footprint(void **state)
{
	struct panthor_backing *bo = fixture_backing(64 * MiB, 2048, 1);
	struct panthor_backing *dummy = fixture_dummy(false);
	struct panthor_pt_edit edit = {.type = PANTHOR_PT_UNMAP};

	init_pt(48);
	fixture_map(&pt, 2 * MiB, 6 * MiB, bo, 0, 0);

	edit.start = 2 * MiB + TILE;
	edit.end = edit.start + TILE;
	assert_footprint(&edit, 2 * MiB, 4 * MiB);
	edit.end = 6 * MiB;
	assert_footprint(&edit, 2 * MiB, 6 * MiB);
	edit.end = 6 * MiB + TILE;
	assert_footprint(&edit, 2 * MiB, 8 * MiB);
	edit.start = 4 * MiB;
	assert_footprint(&edit, 4 * MiB, 8 * MiB);
	edit.start = 0;
	edit.end = 2 * MiB;
	assert_footprint(&edit, 0, 2 * MiB);
	edit.start = 8 * MiB;
	edit.end = 16 * MiB + TILE;
	assert_footprint(&edit, 8 * MiB, 16 * MiB + TILE);

	/* A tile that is missing from a block, and one that is not its. */
	fixture_unmap(&pt, 2 * MiB + TILE, TILE);
	edit = (struct panthor_pt_edit){
		.type = PANTHOR_PT_MAP,
		.start = 2 * MiB + TILE,
		.end = 2 * MiB + 2 * TILE,
		.backing = bo,
		.offset = TILE,
		.leaf = panthor_pt_leaf(0),
	};
	assert_footprint(&edit, 2 * MiB, 4 * MiB);
	edit.offset = 2 * TILE;
	assert_footprint(&edit, 2 * MiB + TILE, 2 * MiB + 2 * TILE);
	/* What the block says already. */
	edit.start += 2 * MiB;
	edit.end += 2 * MiB;
	edit.offset = 2 * MiB + TILE;
	assert_footprint(&edit, edit.start, edit.end);

	/* Sparse memory of 4 KiB pages has no blocks to split. */
	fixture_sparse(&pt, 0, 1ull << 40, dummy, 0);
	edit.offset = TILE;
	assert_footprint(&edit, edit.start, edit.end);
	fini_pt();

	panthor_backing_destroy(dummy);
	dummy = fixture_dummy(true);
	init_pt(48);
	fixture_sparse(&pt, 0, 1ull << 40, dummy, 0);
	edit.offset = 0;
	assert_footprint(&edit, 4 * MiB, 6 * MiB);
	fini_pt();
	panthor_backing_destroy(bo);
	panthor_backing_destroy(dummy);
}

/* The index of a scatter list against the list. */
static void test_backing(void **state)
{
	static const u32 counts[] = {1, 2, 3, 7, 64, 1000};

	for (u32 c = 0; c < ARRAY_SIZE(counts); c++) {
		struct panthor_backing *bo =
			fixture_backing(64 * MiB, 3, counts[c]);
		u32 pages = 3 * counts[c];

		assert_int_equal(bo->count, counts[c]);
		for (u32 step = 1; step < 40; step += 6) {
			for (u32 i = 0, page = 0; i < pages; i++) {
				u64 len, addr;

				addr = panthor_backing_find(
					bo, page * 4096ull + 8, &len);
				assert_int_equal(addr,
						 64 * MiB + 8 +
							 (page + page / 3) *
								 4096ull);
				assert_int_equal(len,
						 (3 - page % 3) * 4096 - 8);
				page = (page + step) % pages;
			}
		}
		panthor_backing_destroy(bo);
	}
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, fixture_setup,            \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(backing),
		TEST(attributes),
		TEST(tile),
		TEST(same_again_writes_nothing),
		TEST(blocks_where_aligned),
		TEST(split),
		TEST(tiles_become_a_block),
		TEST(budget_of_a_bound_gigabyte),
		TEST(replace_tables_by_blocks),
		TEST(va_bits),
		TEST(footprint),
	};

	return cmocka_run_group_tests_name("page tables", tests, NULL, NULL);
}
