// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Tiler heaps from inside: the chunks' list, growth and its limits, what is
 * left of a pool when its VM goes, and failures on the way. What processes see
 * is in tests/uapi/test_heap.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <linux/err.h>
#include <linux/sizes.h>

#include <drm/drm_file.h>
#include <drm-uapi/panthor_drm.h>

#include "fw_vm.h"
#include "panthor_device.h"
#include "panthor_heap.h"
#include "panthor_vm.h"
#include "pt_walker.h"

#define CHUNK_B SZ_256K

static struct panthor_heap_pool *pool;
static u64 context, chunk;

static u64 *words(u64 va)
{
	u64 *found = at(va);

	assert_non_null(found);
	return found;
}

static int create(u32 initial, u32 max, u32 in_flight)
{
	return panthor_heap_create(pool, initial, CHUNK_B, max, in_flight,
				   &context, &chunk);
}

static void start_with_pool(void)
{
	start();
	pool = panthor_heap_pool_get(vm, true);
	assert_false(IS_ERR(pool));
}

static void stop_with_pool(void)
{
	panthor_heap_pool_put(pool);
	stop();
}

/* The newest chunk comes first, and names the next with its size. */
static void test_list(void **state)
{
	u64 va, header;
	u32 count;

	start_with_pool();
	assert_int_equal(create(5, 8, 1), 0);
	va = chunk;
	for (count = 0; va; count++) {
		assert_non_null(at(va + CHUNK_B - SZ_4K));
		header = words(va)[0];
		for (u32 i = 1; i < 8; i++)
			assert_int_equal(words(va)[i], 0);
		if (header)
			assert_int_equal(header & 0xfff, CHUNK_B >> 12);
		va = header & ~0xfffull;
	}
	assert_int_equal(count, 5);

	/* Firmware's part of the context begins as zero. */
	for (u32 i = 0; i < 4; i++)
		assert_int_equal(words(context)[i], 0);
	assert_int_equal(context % 64, 0);
	assert_int_equal(panthor_heap_destroy(pool, 0), 0);
	assert_null(at(chunk));
	stop_with_pool();
}

/* A context is clean when it is given out again. */
static void test_context(void **state)
{
	u64 first, second;

	start_with_pool();
	assert_int_equal(create(1, 1, 1), 0);
	first = context;
	assert_int_equal(create(1, 1, 1), 1);
	second = context;
	assert_true(second >= first + 32);
	words(first)[0] = words(first)[3] = ~0ull;
	words(second)[0] = 7;

	assert_int_equal(panthor_heap_destroy(pool, 0), 0);
	assert_int_equal(create(1, 1, 1), 0);
	assert_true(context == first);
	assert_int_equal(words(first)[0], 0);
	assert_int_equal(words(first)[3], 0);
	assert_int_equal(words(second)[0], 7);
	stop_with_pool();
}

static void test_grow(void **state)
{
	u64 new_chunk = 0, heap;

	start_with_pool();
	assert_int_equal(create(1, 3, 2), 0);
	heap = context;

	/* As many render passes as it was made for, or one more. */
	assert_int_equal(panthor_heap_grow(pool, heap, 2, 0, &new_chunk), 0);
	assert_int_equal(new_chunk & 0xfff, CHUNK_B >> 12);
	assert_int_equal(words(new_chunk & ~0xfffull)[0], 0);
	assert_int_equal(panthor_heap_grow(pool, heap, 3, 0, &new_chunk),
			 -EBUSY);

	/* As many chunks as it may have. */
	assert_int_equal(panthor_heap_grow(pool, heap, 1, 1, &new_chunk), 0);
	assert_int_equal(panthor_heap_grow(pool, heap, 1, 1, &new_chunk),
			 -EBUSY);
	assert_int_equal(panthor_heap_grow(pool, heap, 1, 0, &new_chunk),
			 -ENOMEM);

	/* What firmware did not want. */
	assert_int_equal(panthor_heap_return_chunk(pool, heap, new_chunk), 0);
	assert_null(at(new_chunk & ~0xfffull));
	assert_int_equal(panthor_heap_return_chunk(pool, heap, new_chunk),
			 -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, heap, 1, 0, &new_chunk), 0);

	/* No heap is there. */
	assert_int_equal(panthor_heap_grow(pool, heap + 64, 1, 0, &new_chunk),
			 -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, heap + 8, 1, 0, &new_chunk),
			 -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, heap - 64, 1, 0, &new_chunk),
			 -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, 0, 1, 0, &new_chunk), -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, ~0ull, 1, 0, &new_chunk),
			 -EINVAL);
	assert_int_equal(panthor_heap_return_chunk(pool, heap + 64, new_chunk),
			 -EINVAL);
	stop_with_pool();
}

/* VM_DESTROY takes the heaps; a pool that was got before is an empty one. */
static void test_destroyed_vm(void **state)
{
	u64 new_chunk, heap, first;

	start_with_pool();
	assert_int_equal(create(2, 3, 1), 0);
	heap = context;
	first = chunk;
	destroy_vm();

	assert_null(at(heap));
	assert_null(at(first));
	assert_int_equal(create(1, 1, 1), -EINVAL);
	assert_int_equal(panthor_heap_destroy(pool, 0), -EINVAL);
	assert_int_equal(panthor_heap_grow(pool, heap, 1, 0, &new_chunk),
			 -EINVAL);
	assert_int_equal(PTR_ERR(panthor_heap_pool_get(vm, true)), -EINVAL);
	assert_int_equal(PTR_ERR(panthor_heap_pool_get(vm, false)), -ENOENT);
	stop_with_pool();
}

/* The n-th step of a heap's life fails, for every n: nothing is left of it. */
static void test_without_memory(void **state)
{
	u64 n, passed, used, new_chunk, failures = 0;
	int ret;

	start_with_pool();
	used = dram_used();
	for (n = 0;; n++) {
		linux_inject_failure(n);
		ret = create(3, 4, 1);
		if (!ret) {
			ret = panthor_heap_grow(pool, context, 1, 0,
						&new_chunk);
			assert_int_equal(panthor_heap_destroy(pool, 0), 0);
		}
		passed = linux_inject_failure(UINT64_MAX);
		assert_int_equal(dram_used(), used);
		if (!ret && passed <= n)
			break;
		if (ret) {
			failures++;
			assert_int_equal(ret, -ENOMEM);
		}
	}
	assert_in_range(failures, 20, 2000);
	stop_with_pool();
}

/* The same for the pool itself. */
static void test_pool_without_memory(void **state)
{
	u64 n, used, failures = 0;

	start();
	used = dram_used();
	for (n = 0;; n++) {
		linux_inject_failure(n);
		pool = panthor_heap_pool_get(vm, true);
		linux_inject_failure(UINT64_MAX);
		if (!IS_ERR(pool))
			break;
		failures++;
		assert_int_equal(PTR_ERR(pool), -ENOMEM);
		assert_int_equal(dram_used(), used);
	}
	assert_in_range(failures, 5, 200);
	stop_with_pool();
}

#define HEAP_TEST(f)                                                           \
	cmocka_unit_test_setup_teardown(f, machine_boot, machine_shutdown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEAP_TEST(test_list),
		HEAP_TEST(test_context),
		HEAP_TEST(test_grow),
		HEAP_TEST(test_destroyed_vm),
		HEAP_TEST(test_without_memory),
		HEAP_TEST(test_pool_without_memory),
	};

	return cmocka_run_group_tests_name("panthor-heap", tests, NULL, NULL);
}
