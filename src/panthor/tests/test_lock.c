// SPDX-License-Identifier: MIT OR GPL-2.0
/* What LOCKADDR says for a range, and what it therefore locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/kernel.h>
#include <linux/types.h>

#include "panthor_mmu.h"

#define KiB (1ull << 10)
#define MiB (1ull << 20)

static void test_encoding(void **state)
{
	static const struct {
		u64 start, end;
		u64 lockaddr;
		u64 block, size;
	} cases[] = {
		/* The minimum, wherever in its block the range lies. */
		{0x1000000, 0x1001000, 0x100000e, 0x1000000, 32 * KiB},
		{0x1007000, 0x1008000, 0x100000e, 0x1000000, 32 * KiB},
		{0x4000, 0x5000, 0xe, 0, 32 * KiB},
		{0xc000, 0xd000, 0x800e, 0x8000, 32 * KiB},
		{0, 0x8000, 0xe, 0, 32 * KiB},
		{0, 0x8001, 0xf, 0, 64 * KiB},
		{0x10000, 0x20000, 0x1000f, 0x10000, 64 * KiB},
		{0x200000, 0x400000, 0x200014, 0x200000, 2 * MiB},
		/* Across lines of high alignment. */
		{0x1ff000, 0x201000, 0x15, 0, 4 * MiB},
		{(1ull << 39) - 0x1000, (1ull << 39) + 0x1000, 0x27, 0,
		 1ull << 40},
		{(1ull << 46) - 0x1000, (1ull << 46) + 0x1000, 0x2e, 0,
		 1ull << 47},
		{0, 1ull << 47, 0x2e, 0, 1ull << 47},
		{0, 1ull << 48, 0x2f, 0, 1ull << 48},
		{3ull << 45, (3ull << 45) + 0x1000, (3ull << 45) | 0xe,
		 3ull << 45, 32 * KiB},
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 size, block = panthor_mmu_lock_block(cases[i].start,
							 cases[i].end, &size);

		assert_int_equal(block, cases[i].block);
		assert_int_equal(size, cases[i].size);
		assert_int_equal(
			panthor_mmu_lockaddr(cases[i].start, cases[i].end),
			cases[i].lockaddr);
	}
}

/* The smallest aligned power of two around the range, and never less. */
static void test_block_contains_range(void **state)
{
	u64 seed = 1;

	for (u32 i = 0; i < 100000; i++) {
		u64 start, end, size, block;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		start = (seed >> 20) % (1ull << 36) << 12;
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		end = start +
		      (((seed >> 20) % (1ull << (seed >> 59))) + 1) * 4096;

		block = panthor_mmu_lock_block(start, end, &size);
		assert_int_equal(size & (size - 1), 0);
		assert_int_equal(block % size, 0);
		assert_true(block <= start && block + size >= end);
		if (size > 32 * KiB)
			assert_true(start < block + size / 2 &&
				    end > block + size / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_block_contains_range),
	};

	return cmocka_run_group_tests_name("region lock", tests, NULL, NULL);
}
