// SPDX-License-Identifier: MIT OR GPL-2.0
/* Shmem objects that go to the swap and come back. */
#include <errno.h>
#include <string.h>

#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <linux/dma-resv.h>
#include <linux/iosys-map.h>
#include <linux/swap.h>

#include "drm_fixture.h"

#define PAGE_B 4096ull
#define BO_PAGES 1024
#define BO_B (BO_PAGES * PAGE_B)

struct bo {
	struct drm_gem_shmem_object *shmem;
	uint32_t handle;
};

static struct bo make(struct linux_file *file, bool dirty)
{
	struct bo bo = {.handle = fixture_bo(file, BO_B, NULL)};

	bo.shmem = to_drm_gem_shmem_obj(fixture_lookup(file, bo.handle));
	bo.shmem->pages_mark_dirty_on_put = dirty;
	return bo;
}

static void drop(struct linux_file *file, struct bo bo)
{
	drm_gem_object_put(&bo.shmem->base);
	assert_int_equal(fixture_gem_close(file, bo.handle), 0);
}

/* Every @step-th page gets, or must have, a value of its own. */
static void access_bo(struct bo bo, unsigned step, uint64_t value, bool write)
{
	struct iosys_map map;
	uint64_t *words, want;

	assert_int_equal(drm_gem_vmap_unlocked(&bo.shmem->base, &map), 0);
	words = map.vaddr;
	for (unsigned page = 0; page < BO_PAGES; page++) {
		uint64_t *word = &words[page * PAGE_B / 8 + page % 512];

		want = page % step ? 0 : value + page;
		if (write)
			*word = want;
		assert_int_equal(*word, want);
	}
	drm_gem_vunmap_unlocked(&bo.shmem->base, &map);
}

static struct linux_swap_stats stats(void)
{
	struct linux_swap_stats stats;

	linux_get_swap_stats(&stats);
	return stats;
}

static void test_out_and_in(void **state)
{
	struct linux_file *file = fixture_open();
	struct bo a = make(file, true), b = make(file, true);
	const long swap = get_nr_swap_pages();

	access_bo(a, 1, 1000, true);
	access_bo(b, 3, 5000, true);
	assert_int_equal(fixture_ram_pages(), 2 * BO_PAGES);

	/* The oldest first, as much as is asked for, 2 MiB at least. */
	assert_int_equal(linux_reclaim(PAGE_B), BO_B);
	assert_int_equal(fixture_ram_pages(), BO_PAGES);
	assert_int_equal(stats().out_B, BO_B);
	assert_int_equal(get_nr_swap_pages(), swap - BO_PAGES);
	assert_null(a.shmem->runs);
	assert_non_null(b.shmem->runs);

	/* Of the other, only what is not zero is written. */
	assert_int_equal(linux_reclaim(BO_B), BO_B);
	assert_int_equal(stats().out_B, BO_B + (BO_PAGES + 2) / 3 * PAGE_B);
	assert_int_equal(fixture_ram_pages(), 0);
	assert_int_equal(linux_reclaim(BO_B), 0);

	access_bo(b, 3, 5000, false);
	assert_int_equal(stats().in_B, (BO_PAGES + 2) / 3 * PAGE_B);
	access_bo(a, 1, 1000, false);
	assert_int_equal(get_nr_swap_pages(), swap);

	/* Freed while it is out. */
	linux_reclaim(1ull << 40);
	assert_int_equal(fixture_ram_pages(), 0);
	drop(file, a);
	drop(file, b);
	assert_int_equal(get_nr_swap_pages(), swap);
	linux_sys_close(file);
}

/* What is held, or would lose its contents in a kernel, stays. */
static void test_what_stays(void **state)
{
	struct linux_file *file = fixture_open();
	struct bo held = make(file, true), clean = make(file, false);

	access_bo(held, 1, 1, true);
	access_bo(clean, 1, 2, true);
	assert_int_equal(drm_gem_shmem_pin(held.shmem), 0);
	assert_int_equal(linux_reclaim(1ull << 40), 0);
	assert_int_equal(fixture_ram_pages(), 2 * BO_PAGES);

	drm_gem_shmem_unpin(held.shmem);
	assert_int_equal(linux_reclaim(1ull << 40), BO_B);
	access_bo(held, 1, 1, false);
	access_bo(clean, 1, 2, false);
	drop(file, held);
	drop(file, clean);
	linux_sys_close(file);
}

/* Twice as much as there is RAM goes into RAM and swap, three times does not. */
static void test_bounds(void **state)
{
	enum { COUNT = 3 * FIXTURE_RAM_B / BO_B };
	struct linux_file *file = fixture_open();
	struct bo bo[COUNT];
	struct iosys_map map;
	unsigned good = 0, ram = 0;

	for (unsigned i = 0; i < COUNT; i++)
		bo[i] = make(file, true);
	for (; good < COUNT; good++) {
		if (drm_gem_vmap_unlocked(&bo[good].shmem->base, &map))
			break;
		drm_gem_vunmap_unlocked(&bo[good].shmem->base, &map);
		access_bo(bo[good], 1, good * BO_PAGES, true);
	}
	/* Some of RAM is not handed out; one has to fit in to be swapped. */
	assert_in_range(good, 2 * COUNT / 3 - 2, 2 * COUNT / 3);
	for (unsigned i = 0; i < COUNT; i++)
		ram += bo[i].shmem->runs != NULL;
	assert_in_range(ram, COUNT / 3 - 2, COUNT / 3);

	/* Nothing was lost; what comes in needs somebody else to go out. */
	drop(file, bo[COUNT - 1]);
	for (unsigned i = 0; i < good; i++) {
		if (bo[i].shmem->runs)
			access_bo(bo[i], 1, i * BO_PAGES, false);
	}
	for (unsigned i = 0; i < COUNT - 1; i++)
		drop(file, bo[i]);
	linux_sys_close(file);
}

/* Dropped, in RAM or not, it reads as zero. */
static void test_purge(void **state)
{
	struct linux_file *file = fixture_open();
	struct bo bo = make(file, true);
	struct drm_gem_shmem_object *shmem = bo.shmem;

	access_bo(bo, 1, 9, true);
	assert_ptr_not_equal(drm_gem_shmem_get_pages_sgt(shmem), NULL);
	dma_resv_lock(shmem->base.resv, NULL);
	assert_false(drm_gem_shmem_is_purgeable(shmem));
	assert_true(drm_gem_shmem_madvise(shmem, 1));
	assert_true(drm_gem_shmem_is_purgeable(shmem));
	drm_gem_shmem_purge(shmem);
	assert_false(drm_gem_shmem_madvise(shmem, 1));
	dma_resv_unlock(shmem->base.resv);
	assert_int_equal(fixture_ram_pages(), 0);
	assert_int_equal(stats().out_B, 0);

	shmem->madv = 0;
	access_bo(bo, BO_PAGES, 0, false);
	drop(file, bo);
	linux_sys_close(file);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_out_and_in),
		{"test_out_and_in_fragmented", test_out_and_in,
		 fixture_setup_fragmented, fixture_teardown, NULL},
		TEST(test_what_stays),
		TEST(test_bounds),
		TEST(test_purge),
	};

	return cmocka_run_group_tests_name("drm swap", tests, NULL, NULL);
}
