// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Absent leaves: what evicting writes, what edits make of it, and mapping
 * memory again that has moved, from blocks to pages and back.
 */
#include <drm-uapi/panthor_drm.h>

#include "pt_fixture.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define RO DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED

#define MiB (1ull << 20)
#define GiB (1ull << 30)
#define TiB (1ull << 40)
#define BO_B (4 * MiB)

struct absent {
	struct panthor_pt pt;
	/* The same BO in one piece, and in pages. */
	struct panthor_backing *whole, *pieces;
};

static void setup(struct absent *a)
{
	assert_int_equal(panthor_pt_init(&a->pt, fixture_device(), 48, true),
			 0);
	a->whole = fixture_backing(0x900000000, 1024, 1);
	a->pieces = fixture_backing(0xa00000000, 1, 1024);
}

static void teardown(struct absent *a)
{
	fixture_pt_clear(&a->pt);
	panthor_pt_fini(&a->pt);
	assert_int_equal(fixture_pages(), 0);
	panthor_backing_destroy(a->whole);
	panthor_backing_destroy(a->pieces);
}

static u64 evict(struct absent *a, u64 va, u64 size, u64 offset)
{
	struct panthor_pt_edit edit = {
		.type = PANTHOR_PT_EVICT,
		.start = va,
		.end = va + size,
		.offset = offset,
	};
	u64 written = a->pt.written, pages = a->pt.pages;

	fixture_edit(&a->pt, &edit);
	assert_int_equal(a->pt.pages, pages);
	return a->pt.written - written;
}

static void assert_absent(struct absent *a, u64 va, u64 size, u64 offset,
			  u32 flags)
{
	struct pt_walker walker = fixture_walker(&a->pt);
	u64 at;

	for (at = 0; at < size; at += SZ_4K) {
		struct pt_walk walk = pt_walker_walk(&walker, va + at);

		assert_true(walk.absent);
		assert_int_equal(walk.pa, offset + at);
		assert_int_equal(walk.attrs, panthor_pt_leaf(flags));
	}
}

static void test_blocks(void **state)
{
	struct absent a;

	setup(&a);
	fixture_map(&a.pt, GiB, BO_B, a.whole, 0, RO | NOEXEC);
	assert_int_equal(evict(&a, GiB, BO_B, 0), 2);
	assert_absent(&a, GiB, BO_B, 0, RO | NOEXEC);
	assert_int_equal(evict(&a, GiB, BO_B, 0), 0);

	/* A hole in a block, which is split for it; the rest stays absent. */
	fixture_unmap(&a.pt, GiB + MiB, SZ_4K);
	assert_absent(&a, GiB, MiB, 0, RO | NOEXEC);
	assert_unmapped(&a.pt, GiB + MiB, SZ_4K);
	assert_absent(&a, GiB + MiB + SZ_4K, 3 * MiB - SZ_4K, MiB + SZ_4K,
		      RO | NOEXEC);

	/* Something else in the hole is no reason for a block. */
	fixture_map(&a.pt, GiB + MiB, SZ_4K, a.whole, MiB, RO | NOEXEC);
	assert_maps(&a.pt, GiB + MiB, SZ_4K, a.whole, MiB, RO | NOEXEC);
	assert_absent(&a, GiB, MiB, 0, RO | NOEXEC);
	teardown(&a);
}

/* Memory comes back as a block or as pages, whatever it was before. */
static void test_moved(void **state)
{
	struct absent a;
	u64 pages;

	setup(&a);
	fixture_map(&a.pt, GiB, BO_B, a.whole, 0, NOEXEC);
	pages = a.pt.pages;
	evict(&a, GiB, BO_B, 0);
	fixture_map(&a.pt, GiB, BO_B, a.pieces, 0, NOEXEC);
	assert_maps(&a.pt, GiB, BO_B, a.pieces, 0, NOEXEC);
	assert_int_equal(a.pt.pages, pages + 2);

	assert_int_equal(evict(&a, GiB, BO_B, 0), 1024);
	assert_absent(&a, GiB, BO_B, 0, NOEXEC);
	fixture_map(&a.pt, GiB, BO_B, a.whole, 0, NOEXEC);
	assert_maps(&a.pt, GiB, BO_B, a.whole, 0, NOEXEC);
	assert_int_equal(a.pt.pages, pages);
	teardown(&a);
}

/* Two BOs that happen to make one block: evicting one splits it. */
static void test_shared_block(void **state)
{
	struct absent a;
	struct panthor_pt_edit edit = {
		.type = PANTHOR_PT_EVICT,
		.start = GiB,
		.end = GiB + MiB,
		.offset = 7 * MiB,
	};
	u64 start, end;

	setup(&a);
	fixture_map(&a.pt, GiB, MiB, a.whole, 0, NOEXEC);
	fixture_map(&a.pt, GiB + MiB, MiB, a.whole, MiB, NOEXEC);
	panthor_pt_footprint(&a.pt, &edit, &start, &end);
	assert_int_equal(start, GiB);
	assert_int_equal(end, GiB + 2 * MiB);
	fixture_edit(&a.pt, &edit);
	assert_absent(&a, GiB, MiB, 7 * MiB, NOEXEC);
	assert_maps(&a.pt, GiB + MiB, MiB, a.whole, MiB, NOEXEC);
	teardown(&a);
}

/* ---------------------------------------------------------------- sparse -- */

struct range {
	u64 va, size;
	u32 flags;
};

/* Whole tables, edges, and each attribute set. */
static const struct range ranges[] = {
	{TiB, TiB, NOEXEC},
	{3 * TiB + SZ_4K, 5 * GiB, NOEXEC},
	{5 * TiB, 3 * MiB, RO | NOEXEC},
	{6 * TiB, 7 * MiB, UNCACHED | NOEXEC},
	{8 * TiB, 2 * TiB + 3 * SZ_64K, UNCACHED | RO | NOEXEC},
};

static void evict_sparse(struct absent *a)
{
	u64 pages = a->pt.pages;
	u32 i;
	u8 set;

	for (set = 0; set < PANTHOR_PT_SETS; set++)
		panthor_pt_evict_shared(&a->pt, set);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct panthor_pt_edit edit = {
			.type = PANTHOR_PT_EVICT_SPARSE,
			.start = ranges[i].va,
			.end = ranges[i].va + ranges[i].size,
		};

		fixture_edit(&a->pt, &edit);
	}
	assert_int_equal(a->pt.pages, pages);
}

static void restore_sparse(struct absent *a, struct panthor_backing *dummy)
{
	struct panthor_pt_edit edit = {
		.type = PANTHOR_PT_SPARSE,
		.backing = dummy,
	};
	struct panthor_pt_need need = {};
	LIST_HEAD(pages);
	u64 count;
	u32 i;
	u8 set;

	for (set = 0; set < PANTHOR_PT_SETS; set++)
		panthor_pt_need_shared(&a->pt, &need, set);
	count = panthor_pt_shortage(&a->pt, &need);
	assert_int_equal(panthor_pt_alloc_pages(fixture_device(), count, &pages),
			 0);
	panthor_pt_reserve_add(&a->pt, count, &pages);
	panthor_pt_reserve_hold(&a->pt, &need);
	for (set = 0; set < PANTHOR_PT_SETS; set++) {
		edit.set = set;
		edit.leaf = panthor_pt_leaf(panthor_pt_set_flags(set));
		panthor_pt_restore_shared(&a->pt, &edit);
	}
	panthor_pt_reserve_drop(&a->pt, &need);
	panthor_pt_settle(&a->pt, &pages);
	panthor_pt_free_pages(fixture_device(), &pages);

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		fixture_sparse(&a->pt, ranges[i].va, ranges[i].size, dummy,
			       ranges[i].flags);
}

static void check_sparse(struct absent *a, struct panthor_backing *dummy)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];
		u64 size = r->size < 4 * MiB ? r->size : 4 * MiB;

		assert_sparse(&a->pt, r->va, size, dummy, r->flags);
		assert_sparse(&a->pt, r->va + r->size - size, size, dummy,
			      r->flags);
		assert_unmapped(&a->pt, r->va + r->size, SZ_4K);
	}
}

static void check_absent(struct absent *a)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct range *r = &ranges[i];
		u64 last = r->va + r->size - SZ_4K;

		assert_absent(a, r->va, SZ_4K, r->va % SZ_2M, r->flags);
		assert_absent(a, last, SZ_4K, last % SZ_2M, r->flags);
	}
}

/* The dummy comes back as what it was, and as what it was not. */
static void run_sparse(bool was_block, bool is_block)
{
	struct panthor_backing *before = fixture_dummy(was_block);
	struct panthor_backing *after = fixture_dummy(is_block);
	struct absent a;
	u32 i;

	setup(&a);
	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		fixture_sparse(&a.pt, ranges[i].va, ranges[i].size, before,
			       ranges[i].flags);
	check_sparse(&a, before);
	evict_sparse(&a);
	check_absent(&a);

	restore_sparse(&a, after);
	check_sparse(&a, after);
	/* Once more, from what that has left. */
	evict_sparse(&a);
	check_absent(&a);
	restore_sparse(&a, before);
	check_sparse(&a, before);

	teardown(&a);
	panthor_backing_destroy(before);
	panthor_backing_destroy(after);
}

static void test_sparse_blocks(void **state)
{
	run_sparse(true, true);
}

static void test_sparse_pages(void **state)
{
	run_sparse(false, false);
}

static void test_sparse_to_pages(void **state)
{
	run_sparse(true, false);
}

static void test_sparse_to_blocks(void **state)
{
	run_sparse(false, true);
}

/* One shared table, whatever its users cover. */
static void test_sparse_cost(void **state)
{
	struct panthor_backing *dummy = fixture_dummy(true);
	struct absent a;
	u64 written;

	setup(&a);
	fixture_sparse(&a.pt, TiB, 64 * TiB, dummy, NOEXEC);
	written = a.pt.written;
	panthor_pt_evict_shared(&a.pt, panthor_pt_set(NOEXEC));
	assert_int_equal(a.pt.written - written, 512);
	assert_absent(&a, TiB, SZ_4K, 0, NOEXEC);
	assert_absent(&a, 65 * TiB - SZ_4K, SZ_4K, 2 * MiB - SZ_4K, NOEXEC);
	/* Twice does nothing. */
	panthor_pt_evict_shared(&a.pt, panthor_pt_set(NOEXEC));
	assert_int_equal(a.pt.written - written, 512);
	teardown(&a);
	panthor_backing_destroy(dummy);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_blocks),
		TEST(test_moved),
		TEST(test_shared_block),
		TEST(test_sparse_blocks),
		TEST(test_sparse_pages),
		TEST(test_sparse_to_pages),
		TEST(test_sparse_to_blocks),
		TEST(test_sparse_cost),
	};

	return cmocka_run_group_tests_name("panthor-pt-absent", tests, NULL,
					   NULL);
}
