// SPDX-License-Identifier: MIT OR GPL-2.0
/* Shrinkers: when they are called, how often, and what they must not do. */
#include "core_machine.h"

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <string.h>

#define RAM_PAGES (CORE_RAM_B / 4096)

/* A cache of pages that it gives back when it is asked. */
static struct {
	struct page *pages[RAM_PAGES];
	unsigned long count, calls;
	bool stop;
	struct mutex *take; /* taken while scanning */
} cache;

static unsigned long count_pages(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	assert_ptr_equal(shrinker->private_data, &cache);
	return cache.count ?: SHRINK_EMPTY;
}

static unsigned long scan_pages(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	unsigned long freed = 0;

	cache.calls++;
	if (cache.take) {
		mutex_lock(cache.take);
		mutex_unlock(cache.take);
	}
	if (cache.stop)
		return SHRINK_STOP;
	while (freed < sc->nr_to_scan && cache.count) {
		__free_page(cache.pages[--cache.count]);
		freed++;
	}
	return freed;
}

static struct shrinker *start(unsigned long pages)
{
	struct shrinker *shrinker = shrinker_alloc(0, "cache-%d", 1);

	memset(&cache, 0, sizeof(cache));
	assert_non_null(shrinker);
	shrinker->count_objects = count_pages;
	shrinker->scan_objects = scan_pages;
	shrinker->private_data = &cache;
	shrinker_register(shrinker);
	while (cache.count < pages) {
		cache.pages[cache.count] = alloc_page(GFP_KERNEL);
		assert_non_null(cache.pages[cache.count]);
		cache.count++;
	}
	return shrinker;
}

static void finish(struct shrinker *shrinker)
{
	shrinker_free(shrinker);
	while (cache.count)
		__free_page(cache.pages[--cache.count]);
}

/* Page 0 of the machine is never handed out. */
#define ALL_PAGES (RAM_PAGES - 1)

static void test_called_when_full(void **state)
{
	struct shrinker *shrinker = start(ALL_PAGES);
	struct page *page;

	assert_int_equal(cache.calls, 0);
	/* Without leave to sleep nothing is tried. */
	assert_null(alloc_page(GFP_NOWAIT));
	assert_null(alloc_page(GFP_ATOMIC));
	assert_int_equal(cache.calls, 0);

	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	/* 2 MiB at a time, in batches of 128. */
	assert_int_equal(cache.calls, 4);
	assert_int_equal(cache.count, ALL_PAGES - 512);
	__free_page(page);

	/* As long as there are pages nobody asks. */
	page = alloc_page(GFP_KERNEL);
	assert_int_equal(cache.calls, 4);
	__free_page(page);
	finish(shrinker);
}

static void test_no_progress(void **state)
{
	struct shrinker *shrinker = start(ALL_PAGES);

	cache.stop = true;
	assert_null(alloc_page(GFP_KERNEL));
	assert_int_equal(cache.calls, 1);
	assert_int_equal(linux_reclaim(4096), 0);

	cache.stop = false;
	shrinker->batch = 1024;
	assert_int_equal(linux_reclaim(3ull << 20), 4ull << 20);
	assert_int_equal(linux_reclaim(1ull << 40),
			 CORE_RAM_B - 4096 - (4ull << 20));
	/* There is nothing left to ask for. */
	cache.calls = 0;
	assert_int_equal(linux_reclaim(4096), 0);
	assert_int_equal(cache.calls, 0);
	finish(shrinker);
}

/* Nobody calls it any more. */
static void test_unregister(void **state)
{
	struct shrinker *unregistered = shrinker_alloc(0, "never");

	shrinker_free(unregistered);
	shrinker_free(NULL);
	shrinker_free(start(4));
	linux_reclaim(4096);
	assert_int_equal(cache.calls, 0);
	while (cache.count)
		__free_page(cache.pages[--cache.count]);
}

/*
 * A shrinker waits for a lock that is held somewhere else during an allocation:
 * reported, although nothing has gone wrong yet.
 */
static void test_lock_order(void **state)
{
	struct shrinker *shrinker = start(4);
	struct mutex lock;

	mutex_init(&lock);
	mutex_lock(&lock);
	kfree(kmalloc(8, GFP_KERNEL));
	mutex_unlock(&lock);

	cache.take = &lock;
	catch_begin();
	linux_reclaim(4096);
	assert_non_null(strstr(caught(1), "fs_reclaim"));
	mutex_destroy(&lock);
	finish(shrinker);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_called_when_full),
		TEST(test_no_progress),
		TEST(test_unregister),
		TEST(test_lock_order),
	};

	return cmocka_run_group_tests_name("core reclaim", tests, NULL, NULL);
}
