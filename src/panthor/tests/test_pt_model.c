// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Random ops on a VA tree and its page tables against an array that says what
 * each page should map. Some ops wait in a queue while others overtake them, so
 * that what was reserved for them is put to the test too: the driver warns, and
 * the test fails, if the reserve ever runs dry.
 *
 * PANTHOR_TEST_SEED and PANTHOR_TEST_OPS override the defaults.
 */
#include <linux/string.h>

#include <drm-uapi/panthor_drm.h>

#include "linux_machine.h"
#include "panthor_vm_bo.h"
#include "panthor_vma.h"
#include "pt_fixture.h"

#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define RO DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE

#define MiB (1ull << 20)
#define GiB (1ull << 30)
#define WINDOW_SIZE (8 * MiB)
#define WINDOW_PAGES (WINDOW_SIZE / SZ_4K)
#define BO_COUNT 3
#define QUEUE_MAX 6

/* Where the model looks: at lines of each level, and far from any. */
static const u64 windows[] = {
	0,
	GiB - WINDOW_SIZE / 2,
	512 * GiB - WINDOW_SIZE / 2,
	700 * GiB,
};

#define WINDOW_COUNT ARRAY_SIZE(windows)

struct model_page {
	u8 bo; /* index + 1; 0: nothing */
	u32 flags;
	u64 offset;
};

struct queued {
	struct panthor_mapping mapping;
	struct panthor_pt_need need;
	u64 vmas;
};

static struct {
	struct panthor_pt pt;
	struct panthor_vma_tree vmas;
	struct panthor_vm_bo bos[BO_COUNT + 1]; /* the last one: the dummy */
	struct model_page pages[WINDOW_COUNT][WINDOW_PAGES];
	struct queued queue[QUEUE_MAX];
	u32 queued;
	u64 seed;
} t;

static u64 rnd(u64 below)
{
	t.seed ^= t.seed << 13;
	t.seed ^= t.seed >> 7;
	t.seed ^= t.seed << 17;
	return t.seed % below;
}

static u64 env_u64(const char *name, u64 value)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : value;
}

/* ------------------------------------------------------------- the glue -- */

static struct panthor_pt_edit to_edit(const struct panthor_mapping *mapping)
{
	struct panthor_pt_edit edit = {
		.type = PANTHOR_PT_UNMAP,
		.start = mapping->start,
		.end = mapping->end,
		.offset = mapping->offset,
		.leaf = panthor_pt_leaf(mapping->flags),
		.set = panthor_pt_set(mapping->flags),
	};

	if (mapping->bo) {
		edit.backing = mapping->bo->backing;
		edit.type = mapping->flags & SPARSE ? PANTHOR_PT_SPARSE
						    : PANTHOR_PT_MAP;
	}
	return edit;
}

static void hold(struct queued *op)
{
	struct panthor_pt_edit edit = to_edit(&op->mapping);
	LIST_HEAD(pages);
	LIST_HEAD(vmas);
	u64 count;

	memset(&op->need, 0, sizeof(op->need));
	panthor_pt_need_add(&t.pt, &op->need, &edit);
	count = panthor_pt_shortage(&t.pt, &op->need);
	assert_int_equal(panthor_pt_alloc_pages(t.pt.dev, count, &pages), 0);
	panthor_pt_reserve_add(&t.pt, count, &pages);
	panthor_pt_reserve_hold(&t.pt, &op->need);

	op->vmas = op->mapping.bo ? 2 : 1;
	count = panthor_vma_shortage(&t.vmas, op->vmas);
	assert_int_equal(panthor_vma_alloc(count, &vmas), 0);
	panthor_vma_reserve_add(&t.vmas, count, &vmas);
	panthor_vma_reserve_hold(&t.vmas, op->vmas);
}

static void run(const struct queued *op)
{
	struct panthor_pt_edit edit = to_edit(&op->mapping);
	LIST_HEAD(pages);
	LIST_HEAD(vmas);

	panthor_vma_assign(&t.vmas, &op->mapping);
	panthor_pt_edit(&t.pt, &edit);
	for (u8 set = 0; set < PANTHOR_PT_SETS; set++) {
		if (!t.vmas.sparse[set])
			panthor_pt_drop_shared(&t.pt, set);
	}

	panthor_pt_reserve_drop(&t.pt, &op->need);
	panthor_vma_reserve_drop(&t.vmas, op->vmas);
	panthor_pt_settle(&t.pt, &pages);
	panthor_pt_free_pages(t.pt.dev, &pages);
	panthor_vma_trim(&t.vmas, &vmas);
	panthor_vma_free(&vmas);
}

/* ------------------------------------------------------------ the model -- */

static void model_run(const struct panthor_mapping *mapping)
{
	for (u32 w = 0; w < WINDOW_COUNT; w++) {
		u64 start = max(windows[w], mapping->start);
		u64 end = min(windows[w] + WINDOW_SIZE, mapping->end);

		for (u64 va = start; va < end; va += SZ_4K) {
			struct model_page *page =
				&t.pages[w][(va - windows[w]) / SZ_4K];

			*page = (struct model_page){};
			if (!mapping->bo)
				continue;
			page->bo = mapping->bo - t.bos + 1;
			page->flags = mapping->flags;
			page->offset = mapping->flags & SPARSE
					       ? va % SZ_2M
					       : mapping->offset +
							 (va - mapping->start);
		}
	}
}

static void check_page(const struct pt_walker *walker, u32 w, u64 va)
{
	const struct model_page *page = &t.pages[w][(va - windows[w]) / SZ_4K];
	struct pt_walk walk = pt_walker_walk(walker, va);
	u64 len;

	if (!page->bo) {
		if (walk.valid)
			fail_msg("VA 0x%llx is mapped", va);
		return;
	}
	if (!walk.valid ||
	    walk.pa != panthor_backing_find(t.bos[page->bo - 1].backing,
					    page->offset, &len) ||
	    walk.attrs != panthor_pt_leaf(page->flags))
		fail_msg("VA 0x%llx: valid %d, PA 0x%llx; expected BO %u at "
			 "0x%llx",
			 va, walk.valid, (unsigned long long)walk.pa, page->bo,
			 page->offset);
}

/* Sorted, disjoint, merged, and saying what the model says at their starts. */
static void check_tree(void)
{
	struct panthor_vma *vma = panthor_vma_first(&t.vmas, 0), *prev = NULL;
	u64 count = 0;

	for (; vma; prev = vma, vma = panthor_vma_next(vma)) {
		u64 offset;

		count++;
		assert_true(vma->start < vma->end);
		if (vma->flags & SPARSE)
			assert_int_equal(vma->offset, vma->start % SZ_2M);
		if (!prev)
			continue;

		assert_true(prev->end <= vma->start);
		offset = prev->flags & SPARSE
				 ? vma->start % SZ_2M
				 : prev->offset + (prev->end - prev->start);
		assert_false(prev->end == vma->start && prev->bo == vma->bo &&
			     prev->flags == vma->flags &&
			     offset == vma->offset);
	}
	assert_int_equal(count, t.vmas.count);
}

static void check_all(void)
{
	struct pt_walker walker = fixture_walker(&t.pt);
	struct pt_census census;

	for (u32 w = 0; w < WINDOW_COUNT; w++) {
		for (u64 at = 0; at < WINDOW_SIZE; at += SZ_4K)
			check_page(&walker, w, windows[w] + at);
	}
	pt_walker_census(&walker, &census);
	assert_int_equal(census.empty_tables, 0);
	assert_int_equal(census.invalid, 0);
	check_tree();
}

/* After each op: what it touched, and some of what it did not. */
static void check_some(const struct panthor_mapping *mapping)
{
	struct pt_walker walker = fixture_walker(&t.pt);

	for (u32 w = 0; w < WINDOW_COUNT; w++) {
		u64 start = max(windows[w], mapping->start);
		u64 end = min(windows[w] + WINDOW_SIZE, mapping->end);

		if (start < end) {
			check_page(&walker, w, start);
			check_page(&walker, w, end - SZ_4K);
			if (start > windows[w])
				check_page(&walker, w, start - SZ_4K);
			if (end < windows[w] + WINDOW_SIZE)
				check_page(&walker, w, end);
		}
		for (u32 i = 0; i < 4; i++)
			check_page(&walker, w,
				   windows[w] + rnd(WINDOW_PAGES) * SZ_4K);
	}
}

/* ---------------------------------------------------------------- random -- */

/* Mostly tiles; also pages, blocks, ragged ranges, and huge ones. */
static void pick_range(u64 *start, u64 *end)
{
	u64 window = windows[rnd(WINDOW_COUNT)], unit = SZ_64K, pages;

	switch (rnd(16)) {
	case 0:
		*start = window - min(window, rnd(4) * GiB);
		*end = window + WINDOW_SIZE + rnd(600) * GiB;
		return;
	case 1:
		*start = ALIGN_DOWN(window, 512 * GiB);
		*end = *start + (1 + rnd(2)) * 512 * GiB;
		return;
	case 2 ... 4:
		unit = SZ_4K;
		break;
	case 5 ... 7:
		unit = SZ_2M;
		break;
	}

	pages = WINDOW_SIZE / unit;
	*start = window + rnd(pages) * unit;
	*end = min(*start + (1 + rnd(rnd(4) ? 4 : pages)) * unit,
		   window + WINDOW_SIZE);
}

static void pick(struct panthor_mapping *mapping)
{
	u64 size;

	memset(mapping, 0, sizeof(*mapping));
	pick_range(&mapping->start, &mapping->end);
	size = mapping->end - mapping->start;

	switch (rnd(8)) {
	case 0 ... 1:
		return;
	case 2 ... 3:
		mapping->bo = &t.bos[BO_COUNT];
		mapping->flags = SPARSE | NOEXEC | (rnd(8) ? 0 : RO);
		mapping->offset = mapping->start % SZ_2M;
		return;
	default:
		if (size > WINDOW_SIZE)
			return;
		mapping->bo = &t.bos[rnd(BO_COUNT)];
		mapping->flags = rnd(8) ? NOEXEC : RO;
		/* Often where it makes neighbours merge. */
		mapping->offset = mapping->start % WINDOW_SIZE;
		if (mapping->offset + size > WINDOW_SIZE)
			mapping->offset = 0;
		if (!rnd(4))
			mapping->offset =
				rnd((WINDOW_SIZE - size) / SZ_4K + 1) * SZ_4K;
	}
}

static void run_and_check(const struct queued *op)
{
	run(op);
	model_run(&op->mapping);
	check_some(&op->mapping);
	assert_int_equal(linux_warn_count(), 0);
}

static void run_queued(void)
{
	struct queued op = t.queue[0];

	t.queued--;
	memmove(t.queue, t.queue + 1, t.queued * sizeof(op));
	run_and_check(&op);
}

static void run_random_ops(u64 count)
{
	struct queued op;

	for (u64 i = 0; i < count; i++) {
		pick(&op.mapping);
		hold(&op);
		if (t.queued < QUEUE_MAX && !rnd(3))
			t.queue[t.queued++] = op;
		else
			run_and_check(&op);

		while (t.queued && (t.queued == QUEUE_MAX || !rnd(4)))
			run_queued();
		if (i % 1024 == 0)
			check_all();
	}
	while (t.queued)
		run_queued();
	check_all();
}

static void run_model(bool block_dummy, u64 seed)
{
	struct queued all = {.mapping.end = 1ull << 48};

	memset(&t, 0, sizeof(t));
	t.seed = env_u64("PANTHOR_TEST_SEED", seed);
	print_message("# seed 0x%llx\n", t.seed);

	assert_int_equal(panthor_pt_init(&t.pt, fixture_device(), 48, true), 0);
	panthor_vma_tree_init(&t.vmas);
	t.bos[0].backing = fixture_backing(0x800000000, 2048, 1);
	t.bos[1].backing = fixture_backing(0x900000000, 1, 2048);
	t.bos[2].backing = fixture_backing(0xa00010000, 256, 8);
	t.bos[BO_COUNT].backing = fixture_dummy(block_dummy);
	for (u32 i = 0; i <= BO_COUNT; i++) {
		refcount_set(&t.bos[i].refcount, 1);
		INIT_LIST_HEAD(&t.bos[i].vmas);
	}

	run_random_ops(env_u64("PANTHOR_TEST_OPS", 60000));

	hold(&all);
	run(&all);
	assert_int_equal(t.vmas.count, 0);
	assert_int_equal(t.pt.pages, 1);
	assert_int_equal(fixture_pages(), 1);
	panthor_pt_fini(&t.pt);
	panthor_vma_tree_fini(&t.vmas);
	for (u32 i = 0; i <= BO_COUNT; i++) {
		assert_int_equal(refcount_read(&t.bos[i].refcount), 1);
		panthor_backing_destroy(t.bos[i].backing);
	}
}

static void test_block_dummy(void **state)
{
	run_model(true, 0x1234567890abcdef);
}

static void test_scattered_dummy(void **state)
{
	run_model(false, 0xfedcba0987654321);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(test_##name, fixture_setup,            \
					fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(block_dummy),
		TEST(scattered_dummy),
	};

	return cmocka_run_group_tests_name("VA tree and page tables", tests,
					   NULL, NULL);
}
