/* SPDX-License-Identifier: MIT */
/*
 * Observers of windows: what they are told, how they narrow what is shown, and
 * that without one nothing changes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "mali_test.h"

#define VA GiB(4)
#define SIZE KiB(256)

struct told {
	uint64_t va;
	uint32_t access, found;
};

/* What an observer heard, and what it answers. */
struct observer {
	struct told told[64];
	_Atomic unsigned count;
	uint64_t grain_B; /* show no more than this around the address */
	bool tell_store;
};

static bool note(void *data, uint64_t va, uint32_t access, uint32_t found,
		 uint64_t *first_va, uint64_t *last_va)
{
	struct observer *observer = data;
	unsigned n = atomic_fetch_add(&observer->count, 1);

	if (n < 64)
		observer->told[n] = (struct told){va, access, found};
	if (*first_va || *last_va != UINT64_MAX)
		abort();
	if (observer->grain_B) {
		*first_va = va & ~(observer->grain_B - 1);
		*last_va = *first_va + observer->grain_B - 1;
	}
	return observer->tell_store;
}

static struct world {
	struct test_gpu t;
	struct mali_window *window;
	volatile uint32_t *host;
	uint64_t pa;
	struct observer observer;
} w;

static void init(void)
{
	w.observer = (struct observer){0};
	test_gpu_init(&w.t, NULL);
	w.pa = test_pages(&w.t, SIZE);
	test_map(&w.t, VA, w.pa, SIZE, TEST_RW);
	w.host = test_reserve(SIZE + KiB(64));
	w.window = test_window(&w.t, VA, (void *)w.host, SIZE + KiB(64));
	mali_window_observe(w.window, note, &w.observer);
}

static void finish(void)
{
	mali_window_destroy(w.window);
	munmap((void *)w.host, SIZE + KiB(64));
	mali_dram_free(w.t.dram, w.pa, SIZE);
	test_gpu_finish(&w.t);
}

/*
 * An access may run the observer, in a signal handler, which the compiler does
 * not know: what was written before must not be written after.
 */
static uint32_t load(uint64_t offset_B)
{
	atomic_signal_fence(memory_order_seq_cst);
	uint32_t value = w.host[offset_B / 4];
	atomic_signal_fence(memory_order_seq_cst);
	return value;
}

static void store(uint64_t offset_B, uint32_t value)
{
	atomic_signal_fence(memory_order_seq_cst);
	w.host[offset_B / 4] = value;
	atomic_signal_fence(memory_order_seq_cst);
}

/* The @n-th thing told was this. */
static void assert_told(unsigned n, uint64_t offset_B, uint32_t access,
			uint32_t found)
{
	assert_true(n < w.observer.count);
	assert_int_equal(w.observer.told[n].va, VA + offset_B);
	assert_int_equal(w.observer.told[n].access, access);
	assert_int_equal(w.observer.told[n].found, found);
}

/* One that narrows nothing hears of one miss for all that is contiguous. */
static void test_wide(void **state)
{
	init();
	store(KiB(4), 1);
	load(0);
	store(SIZE - 4, 2);
	assert_int_equal(w.observer.count, 1);
	assert_told(0, KiB(4), MALI_ACCESS_WRITE, MALI_FOUND_MEMORY);
	assert_int_equal(test_stats(&w.t).misses, 1);
	finish();
}

/* What is shown ends where the observer says. */
static void test_narrow(void **state)
{
	init();
	w.observer.grain_B = KiB(64);
	for (uint64_t offset_B = 0; offset_B < SIZE; offset_B += KiB(4))
		load(offset_B + 8);
	assert_int_equal(w.observer.count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_told(i, KiB(64) * i + 8, MALI_ACCESS_READ,
			    MALI_FOUND_MEMORY);
	assert_int_equal(test_stats(&w.t).entries, 4);
	finish();
}

/* A load shows memory for reading, and the first store is told as well. */
static void test_first_store(void **state)
{
	init();
	w.observer.grain_B = KiB(4);
	w.observer.tell_store = true;
	assert_int_equal(load(KiB(8)), 0);
	store(KiB(8) + 4, 7);
	store(KiB(8), 8);
	assert_int_equal(load(KiB(8) + 4), 7);
	assert_int_equal(w.observer.count, 2);
	assert_told(0, KiB(8), MALI_ACCESS_READ, MALI_FOUND_MEMORY);
	assert_told(1, KiB(8) + 4, MALI_ACCESS_WRITE, MALI_FOUND_MEMORY);
	/* A store shows it for both. */
	store(KiB(16), 9);
	load(KiB(16));
	assert_int_equal(w.observer.count, 3);
	assert_int_equal(*(uint32_t *)test_cpu(&w.t, w.pa + KiB(8)), 8);
	assert_int_equal(test_stats(&w.t).faults, 0);
	finish();
}

/* Faults are told with their codes, and stay faults. */
static void test_fault(void **state)
{
	init();
	test_lock(&w.t, VA, SIZE);
	test_map(&w.t, VA, w.pa, KiB(4), TEST_RO);
	test_unlock(&w.t);
	load(SIZE + KiB(4));
	store(0, 1);
	assert_int_equal(w.observer.count, 2);
	assert_told(0, SIZE + KiB(4), MALI_ACCESS_READ,
		    MALI_FAULT_TRANSLATION(3));
	assert_told(1, 0, MALI_ACCESS_WRITE, MALI_FAULT_PERMISSION(3));
	assert_int_equal(test_stats(&w.t).faults, 2);
	finish();
}

/* Dropped memory is told again; a range that is not shown costs nothing. */
static void test_drop(void **state)
{
	uint64_t host_calls;

	init();
	w.observer.grain_B = KiB(64);
	load(0);
	load(KiB(64));
	host_calls = test_stats(&w.t).host_calls;
	mali_window_drop(w.window, VA + KiB(128), KiB(64));
	mali_window_drop(w.window, VA, 0);
	assert_int_equal(test_stats(&w.t).host_calls, host_calls);
	mali_window_drop(w.window, VA + KiB(64), KiB(4));
	load(0);
	load(KiB(68));
	assert_int_equal(w.observer.count, 2);
	load(KiB(64));
	assert_int_equal(w.observer.count, 3);
	assert_told(2, KiB(64), MALI_ACCESS_READ, MALI_FOUND_MEMORY);
	finish();
}

/* The next observer starts afresh, and NULL is none. */
static void test_replace(void **state)
{
	struct observer other = {0};

	init();
	load(0);
	mali_window_observe(w.window, note, &other);
	load(0);
	assert_int_equal(w.observer.count, 1);
	assert_int_equal(other.count, 1);
	mali_window_observe(w.window, NULL, NULL);
	load(0);
	assert_int_equal(other.count, 1);
	assert_int_equal(test_stats(&w.t).misses, 3);
	finish();
}

static atomic_bool stop;

static void *reload(void *data)
{
	while (!atomic_load(&stop)) {
		for (uint64_t offset_B = 0; offset_B < SIZE;
		     offset_B += KiB(4))
			store(offset_B, load(offset_B) + 1);
	}
	return NULL;
}

/* Observers come, go and narrow while accesses and remaps go on. */
static void test_concurrent(void **state)
{
	struct observer others[2] = {{.grain_B = KiB(4), .tell_store = true},
				     {.grain_B = KiB(64)}};
	uint64_t end = test_now_ns() + test_seconds(1) * 1000000000ull / 2;
	pthread_t thread;

	init();
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, reload, NULL), 0);
	for (unsigned i = 0; test_now_ns() < end; i++) {
		if (i % 3 == 2)
			mali_window_observe(w.window, NULL, NULL);
		else
			mali_window_observe(w.window, note, &others[i % 3]);
		mali_window_drop(w.window, VA + KiB(4) * (i % 64), KiB(8));
		test_lock(&w.t, VA + KiB(32) * (i % 8), KiB(32));
		test_unlock(&w.t);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	assert_true(others[0].count > 0 && others[1].count > 0);
	assert_int_equal(test_stats(&w.t).faults, 0);
	mali_window_observe(w.window, NULL, NULL);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_first_store),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_concurrent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
