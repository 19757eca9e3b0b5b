// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Sparse memory in shared tables. Each test runs twice: with a dummy that is
 * one block, and with one of scattered pages.
 */
#include <drm-uapi/panthor_drm.h>

#include "pt_fixture.h"

#define RO DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED

#define MiB (1ull << 20)
#define GiB (1ull << 30)
#define TiB (1ull << 40)
#define TILE SZ_64K

struct sparse {
	struct panthor_pt pt;
	struct panthor_backing *dummy;
	struct panthor_backing *bo; /* 4 MiB, not contiguous */
	u32 shared_levels; /* tables that 512 GiB of sparse memory take */
};

static void setup(struct sparse *s, bool block)
{
	assert_int_equal(panthor_pt_init(&s->pt, fixture_device(), 48, true),
			 0);
	s->dummy = fixture_dummy(block);
	s->bo = fixture_backing(0x900000000, 16, 64);
	s->shared_levels = block ? 2 : 3;
}

static void teardown(struct sparse *s)
{
	fixture_pt_clear(&s->pt);
	panthor_pt_fini(&s->pt);
	assert_int_equal(fixture_pages(), 0);
	panthor_backing_destroy(s->dummy);
	panthor_backing_destroy(s->bo);
}

/* Around each line of high alignment in the range, and at its ends. */
static void assert_sparse_sampled(struct sparse *s, u64 va, u64 size, u32 flags)
{
	u64 step;

	assert_sparse(&s->pt, va, min(size, 4 * MiB), s->dummy, flags);
	assert_sparse(&s->pt, va + size - min(size, 4 * MiB),
		      min(size, 4 * MiB), s->dummy, flags);
	for (step = ALIGN(size / 64, SZ_4K); step < size; step += size / 32)
		assert_sparse(&s->pt, va + ALIGN_DOWN(step, SZ_4K), SZ_4K,
			      s->dummy, flags);
}

/* The budget: 2 entries and at most 3 pages once per VM. */
static void run_terabyte(struct sparse *s)
{
	u64 written = s->pt.written, pages = s->pt.pages;

	fixture_sparse(&s->pt, 4 * TiB, TiB, s->dummy, 0);
	assert_int_equal(s->pt.written - written, 2);
	assert_int_equal(s->pt.pages - pages, s->shared_levels);
	assert_sparse_sampled(s, 4 * TiB, TiB, 0);
	assert_unmapped(&s->pt, 4 * TiB - MiB, MiB);
	assert_unmapped(&s->pt, 5 * TiB, MiB);

	written = s->pt.written;
	fixture_sparse(&s->pt, 7 * TiB, TiB, s->dummy, 0);
	assert_int_equal(s->pt.written - written, 2);
	assert_int_equal(s->pt.pages - pages, s->shared_levels);

	written = s->pt.written;
	fixture_unmap(&s->pt, 4 * TiB, TiB);
	assert_int_equal(s->pt.written - written, 2);
}

/* One op for all that a process can map. */
static void run_whole_space(struct sparse *s)
{
	u64 written = s->pt.written;

	fixture_sparse(&s->pt, 0, 1ull << 47, s->dummy, 0);
	assert_int_equal(s->pt.written - written, 256);
	assert_int_equal(s->pt.pages, 1 + s->shared_levels);
	assert_sparse_sampled(s, 0, 1ull << 47, 0);
}

/* Ragged ends cost at most 511 entries a level, and a table each. */
static void run_ragged(struct sparse *s)
{
	static const struct {
		u64 start, end;
	} cases[] = {
		{4 * TiB + SZ_4K, 5 * TiB - SZ_4K},
		{4 * TiB - SZ_4K, 5 * TiB + SZ_4K},
		{4 * TiB - 2 * MiB, 5 * TiB + GiB},
		{4 * TiB + SZ_4K, 4 * TiB + 3 * MiB},
		{4 * TiB + GiB - SZ_4K, 4 * TiB + GiB + SZ_4K},
		{4 * TiB, 4 * TiB + SZ_4K},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 start = cases[i].start, end = cases[i].end;
		u64 written = s->pt.written;

		fixture_sparse(&s->pt, start, end - start, s->dummy, 0);
		assert_true(s->pt.written - written <= 2 * (3 * 511 + 3));
		assert_true(s->pt.pages <= 1 + 3 + 2 * 3);
		assert_sparse_sampled(s, start, end - start, 0);
		assert_unmapped(&s->pt, start - MiB, MiB);
		assert_unmapped(&s->pt, end, MiB);
		fixture_pt_clear(&s->pt);
	}
}

/* Memory in the middle takes copies of three tables at most; back, none. */
static void run_tile_and_back(struct sparse *s)
{
	static const u64 tiles[] = {
		0,
		TILE,
		2 * MiB - TILE,
		GiB,
		GiB - TILE,
		TiB / 2,
		TiB / 2 - TILE,
		TiB - TILE,
		300 * GiB + 5 * TILE,
	};
	u64 base = 4 * TiB, pages;

	fixture_sparse(&s->pt, base, TiB, s->dummy, 0);
	pages = s->pt.pages;

	for (u32 i = 0; i < ARRAY_SIZE(tiles); i++) {
		u64 va = base + tiles[i];

		fixture_map(&s->pt, va, TILE, s->bo, TILE, 0);
		assert_int_equal(s->pt.pages - pages, 3);
		assert_maps(&s->pt, va, TILE, s->bo, TILE, 0);
		if (tiles[i])
			assert_sparse(&s->pt, va - TILE, TILE, s->dummy, 0);
		if (tiles[i] + TILE < TiB)
			assert_sparse_sampled(s, va + TILE,
					      base + TiB - va - TILE, 0);

		fixture_sparse(&s->pt, va, TILE, s->dummy, 0);
		assert_int_equal(s->pt.pages, pages);
		assert_sparse_sampled(s, base, TiB, 0);
	}

	/* Two that share tables, gone in the other order. */
	fixture_map(&s->pt, base + GiB, TILE, s->bo, 0, 0);
	fixture_map(&s->pt, base + 2 * GiB, TILE, s->bo, 0, 0);
	assert_int_equal(s->pt.pages - pages, 3 + 2);
	fixture_sparse(&s->pt, base + GiB, TILE, s->dummy, 0);
	assert_int_equal(s->pt.pages - pages, 3);
	assert_maps(&s->pt, base + 2 * GiB, TILE, s->bo, 0, 0);
	fixture_sparse(&s->pt, base + 2 * GiB, TILE, s->dummy, 0);
	assert_int_equal(s->pt.pages, pages);

	/* A whole range at once, with tiles in it. */
	fixture_map(&s->pt, base + 5 * GiB, 4 * MiB, s->bo, 0, 0);
	fixture_map(&s->pt, base + 700 * GiB, 4 * MiB, s->bo, 0, 0);
	fixture_sparse(&s->pt, base, TiB, s->dummy, 0);
	assert_int_equal(s->pt.pages, pages);
}

/* A hole in the middle, and the shared tables when nothing is left. */
static void run_unmap_middle(struct sparse *s)
{
	u64 base = 4 * TiB;

	fixture_sparse(&s->pt, base, TiB, s->dummy, 0);
	fixture_unmap(&s->pt, base + 512 * GiB - TILE, 2 * TILE);
	assert_unmapped(&s->pt, base + 512 * GiB - TILE, 2 * TILE);
	assert_sparse_sampled(s, base, 512 * GiB - TILE, 0);
	assert_sparse_sampled(s, base + 512 * GiB + TILE, 512 * GiB - TILE, 0);
	assert_int_equal(s->pt.pages, 1 + s->shared_levels + 6);

	fixture_sparse(&s->pt, base + 512 * GiB - TILE, 2 * TILE, s->dummy, 0);
	assert_int_equal(s->pt.pages, 1 + s->shared_levels);

	fixture_unmap(&s->pt, base, TiB);
	for (u32 level = 1; level < 4; level++)
		assert_int_equal(
			s->pt.shared[0][level].refs,
			level == 1 || !s->pt.shared[0][level].page ? 0 : 512);
}

/* Every attribute set has tables of its own; one may replace another. */
static void run_sets(struct sparse *s)
{
	static const u32 sets[] = {0, RO, UNCACHED, RO | UNCACHED};
	u64 base = 8 * TiB;

	for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
		fixture_sparse(&s->pt, base + i * TiB / 2, TiB / 2, s->dummy,
			       sets[i]);
	assert_int_equal(s->pt.pages, 1 + 4 * s->shared_levels);
	for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
		assert_sparse_sampled(s, base + i * TiB / 2, TiB / 2, sets[i]);

	/* Part of one set turns into another, and back. */
	fixture_sparse(&s->pt, base + 3 * GiB + TILE, GiB, s->dummy, RO);
	assert_sparse_sampled(s, base + 3 * GiB + TILE, GiB, RO);
	assert_sparse_sampled(s, base, 3 * GiB + TILE, 0);
	assert_sparse_sampled(s, base + 4 * GiB + TILE, 100 * GiB, 0);
	fixture_sparse(&s->pt, base + 3 * GiB, GiB, s->dummy, 0);
	fixture_sparse(&s->pt, base + 4 * GiB, GiB, s->dummy, 0);
	assert_int_equal(s->pt.pages, 1 + 4 * s->shared_levels);
	assert_sparse_sampled(s, base, TiB / 2, 0);
}

/* Preparing costs O(levels), whatever the size. */
static void run_need(struct sparse *s)
{
	static const u64 sizes[] = {TILE, 2 * MiB, GiB, TiB, 100 * TiB};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct panthor_pt_edit edit = {
			.type = PANTHOR_PT_SPARSE,
			.start = 4 * TiB + SZ_4K,
			.end = 4 * TiB + SZ_4K + sizes[i],
			.backing = s->dummy,
		};
		struct panthor_pt_need need = {};

		panthor_pt_need_add(&s->pt, &need, &edit);
		assert_true(need.missing <= 3 + 6);
		assert_true(need.tables <= 3 + 6);
	}

	/* And nothing is missing where nothing will be built. */
	fixture_sparse(&s->pt, 4 * TiB, TiB, s->dummy, 0);
	fixture_map(&s->pt, 4 * TiB, 2 * TILE, s->bo, 0, 0);
	{
		struct panthor_pt_edit edit = {
			.type = PANTHOR_PT_SPARSE,
			.start = 4 * TiB,
			.end = 4 * TiB + TILE,
			.backing = s->dummy,
		};
		struct panthor_pt_need need = {};

		panthor_pt_need_add(&s->pt, &need, &edit);
		assert_int_equal(need.missing, 0);
	}
}

#define CASE(name)                                                             \
	static void test_##name##_block(void **state)                          \
	{                                                                      \
		struct sparse s;                                               \
                                                                               \
		setup(&s, true);                                               \
		run_##name(&s);                                                \
		teardown(&s);                                                  \
	}                                                                      \
	static void test_##name##_pages(void **state)                          \
	{                                                                      \
		struct sparse s;                                               \
                                                                               \
		setup(&s, false);                                              \
		run_##name(&s);                                                \
		teardown(&s);                                                  \
	}

CASE(terabyte)
CASE(whole_space)
CASE(ragged)
CASE(tile_and_back)
CASE(unmap_middle)
CASE(sets)
CASE(need)

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name##_block, fixture_setup,    \
					fixture_teardown),                     \
		cmocka_unit_test_setup_teardown(                               \
			test_##name##_pages, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(terabyte),	     TEST(whole_space),	 TEST(ragged),
		TEST(tile_and_back), TEST(unmap_middle), TEST(sets),
		TEST(need),
	};

	return cmocka_run_group_tests_name("sparse tables", tests, NULL, NULL);
}
