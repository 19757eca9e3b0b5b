/* SPDX-License-Identifier: MIT */
/* DRAM: runs, reuse, exhaustion, fragmentation, giving back, threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mali_test.h"

static struct mali_dram *create(uint64_t size_B, bool fragmented)
{
	const struct mali_dram_config config = {size_B, fragmented};
	struct mali_dram *dram;

	assert_int_equal(mali_dram_create(&config, &dram), 0);
	return dram;
}

static uint64_t allocated(struct mali_dram *dram)
{
	struct mali_dram_stats stats;

	mali_dram_get_stats(dram, &stats);
	return stats.allocated_B;
}

/* What the memfd holds on the host. */
static uint64_t committed(struct mali_dram *dram)
{
	struct stat st;

	assert_int_equal(fstat(mali_dram_fd(dram), &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static bool is_zero(struct mali_dram *dram, uint64_t pa, uint64_t size_B)
{
	const uint64_t *words =
		(const uint64_t *)((char *)mali_dram_base(dram) + pa);

	for (uint64_t i = 0; i < size_B / 8; i++) {
		if (words[i])
			return false;
	}
	return true;
}

static void fill(struct mali_dram *dram, uint64_t pa, uint64_t size_B)
{
	memset((char *)mali_dram_base(dram) + pa, 0x5a, size_B);
}

/* ThreadSanitizer has no room for more. */
#ifdef __SANITIZE_THREAD__
#define HUGE_B GiB(64)
#else
#define HUGE_B GiB(1024)
#endif

static void test_config(void **state)
{
	static const uint64_t bad[] = {0, 4096, MiB(2) + 4096, 1ull << 49};
	struct mali_dram *dram = NULL;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct mali_dram_config config = {.size_B = bad[i]};

		assert_int_equal(mali_dram_create(&config, &dram), -EINVAL);
	}
	assert_null(dram);
	mali_dram_destroy(NULL);

	/* Far more than any host has: reserved, not committed. */
	dram = create(HUGE_B, false);
	assert_int_equal(mali_dram_size(dram), HUGE_B);
	assert_int_equal(committed(dram), 0);
	mali_dram_destroy(dram);
}

static void test_big_runs_are_contiguous(void **state)
{
	struct mali_dram *dram = create(GiB(1), false);
	uint64_t pa[4], got;

	/* A run of hundreds of MiB is one extent, aligned to a block. */
	assert_int_equal(mali_dram_alloc(dram, MiB(512), &pa[0], &got), 0);
	assert_int_equal(got, MiB(512));
	assert_int_equal(pa[0] % MiB(2), 0);
	/* What is no whole number of blocks comes in two. */
	assert_int_equal(mali_dram_alloc(dram, MiB(5), &pa[1], &got), 0);
	assert_int_equal(got, MiB(4));
	assert_int_equal(mali_dram_alloc(dram, MiB(1), &pa[2], &got), 0);
	assert_int_equal(got, MiB(1));
	/* The longest there is, when none is long enough. */
	assert_int_equal(mali_dram_alloc(dram, GiB(1), &pa[3], &got), 0);
	assert_int_equal(got, MiB(1024 - 512 - 4 - 2));
	assert_int_equal(mali_dram_alloc(dram, MiB(2), &pa[3], &got), 0);
	assert_int_equal(got, MiB(1));
	assert_int_equal(mali_dram_alloc(dram, 4096, &pa[3], &got), -ENOMEM);
	assert_int_equal(allocated(dram), GiB(1));

	/* A hole of 6 MiB between used blocks is used for 6 MiB. */
	mali_dram_free(dram, pa[0] + MiB(10), MiB(6));
	mali_dram_free(dram, pa[0] + MiB(2), MiB(2));
	assert_int_equal(mali_dram_alloc(dram, MiB(6), &pa[3], &got), 0);
	assert_int_equal(got, MiB(6));
	assert_int_equal(pa[3], pa[0] + MiB(10));
	mali_dram_free(dram, 0, MiB(2));
	mali_dram_free(dram, MiB(4), GiB(1) - MiB(4));
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
}

static void test_small_runs(void **state)
{
	struct mali_dram *dram = create(MiB(8), false);
	uint64_t pa, got, tile;

	assert_int_equal(mali_dram_alloc(dram, 4096, &pa, &got), 0);
	/* 64 KiB fit behind the page, in the same block. */
	assert_int_equal(mali_dram_alloc(dram, KiB(64), &tile, &got), 0);
	assert_int_equal(got, KiB(64));
	assert_int_equal(tile / MiB(2), pa / MiB(2));
	/* Small allocations leave whole blocks alone. */
	for (unsigned i = 0; i < 512 - 17; i++) {
		assert_int_equal(mali_dram_alloc(dram, 4096, &pa, &got), 0);
		assert_int_equal(pa / MiB(2), tile / MiB(2));
	}
	assert_int_equal(mali_dram_alloc(dram, MiB(6), &pa, &got), 0);
	assert_int_equal(got, MiB(6));
	assert_int_equal(mali_dram_alloc(dram, 4096, &pa, &got), -ENOMEM);
	mali_dram_free(dram, 0, MiB(8));
	mali_dram_destroy(dram);
}

/* Whatever was written before, an allocation reads as zero. */
static void test_reuse_is_zero(void **state)
{
	static const uint64_t sizes[] = {4096,	   KiB(64), KiB(256),
					 KiB(512), MiB(2),  MiB(8)};
	struct mali_dram *dram = create(MiB(32), false);

	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < 6; i++) {
			uint64_t pa, got;

			assert_int_equal(
				mali_dram_alloc(dram, sizes[i], &pa, &got), 0);
			assert_true(is_zero(dram, pa, got));
			fill(dram, pa, got);
			if (got == 4096) {
				mali_dram_free(dram, pa, got);
				continue;
			}
			mali_dram_free(dram, pa, got / 2);
			mali_dram_free(dram, pa + got / 2, got - got / 2);
			/* Half of it again, while it is dirty. */
			assert_int_equal(
				mali_dram_alloc(dram, got / 2, &pa, &got), 0);
			assert_true(is_zero(dram, pa, got));
			fill(dram, pa, got);
			mali_dram_free(dram, pa, got);
		}
	}
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
}

static void test_memory_goes_back(void **state)
{
	struct mali_dram *dram = create(MiB(256), false);
	uint64_t pa, got;

	assert_int_equal(mali_dram_alloc(dram, MiB(128), &pa, &got), 0);
	assert_int_equal(got, MiB(128));
	assert_int_equal(committed(dram), 0);
	fill(dram, pa, got);
	assert_true(committed(dram) >= MiB(128));
	/* In one piece: all of it, at once. */
	mali_dram_free(dram, pa, MiB(64));
	assert_true(committed(dram) <= MiB(64));
	/* In pages: all but the bounded rest. */
	for (uint64_t at = MiB(64); at < MiB(128); at += 4096)
		mali_dram_free(dram, pa + at, 4096);
	assert_int_equal(allocated(dram), 0);
	assert_true(committed(dram) <= MiB(4));
	mali_dram_destroy(dram);
}

static void test_fragmented(void **state)
{
	struct mali_dram *dram = create(MiB(8), true);
	uint64_t last = UINT64_MAX - MiB(1), pa, got;
	unsigned n = 0;
	bool *used = calloc(MiB(8) / 4096 + 1, sizeof(*used));

	assert_non_null(used);
	while (!mali_dram_alloc(dram, MiB(2), &pa, &got)) {
		assert_int_equal(got, 4096);
		assert_int_not_equal(pa % MiB(2), 0);
		assert_int_not_equal(pa, last + 4096);
		assert_int_not_equal(pa, last - 4096);
		assert_false(used[pa / 4096]);
		used[pa / 4096] = true;
		last = pa;
		n++;
	}
	assert_int_equal(n, MiB(4) / 4096);
	for (uint64_t page = 0; page < MiB(8) / 4096; page++) {
		assert_false(used[page] && used[page + 1]);
		if (used[page])
			mali_dram_free(dram, page * 4096, 4096);
	}
	free(used);
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
}

/* Random allocations and partial frees against one flag a page. */
static void test_random_against_model(void **state)
{
	enum { PAGES = 64 * 512, STEPS = 60000 };
	struct mali_dram *dram = create((uint64_t)PAGES * 4096, false);
	uint8_t *used = calloc(PAGES, 1);
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	uint64_t count = 0;

	assert_non_null(used);
	for (unsigned step = 0; step < STEPS; step++) {
		uint64_t r = test_random(&seed), pa, got, first, n;

		if ((r & 1) || !count) {
			uint64_t want = 1ull << (r >> 8) % 13;

			want += (r >> 16) % want;
			if (mali_dram_alloc(dram, want * 4096, &pa, &got)) {
				assert_int_equal(count, PAGES);
				continue;
			}
			assert_true(got && got <= want * 4096);
			for (uint64_t i = 0; i < got / 4096; i++) {
				assert_false(used[pa / 4096 + i]);
				used[pa / 4096 + i] = 1;
			}
			count += got / 4096;
			if (got <= KiB(64)) {
				assert_true(is_zero(dram, pa, got));
				fill(dram, pa, 4096);
			}
			continue;
		}
		first = (r >> 8) % PAGES;
		while (!used[first])
			first = (first + 1) % PAGES;
		for (n = 0; n < 1 + (r >> 32) % 3000; n++) {
			if (first + n == PAGES || !used[first + n])
				break;
			used[first + n] = 0;
		}
		mali_dram_free(dram, first * 4096, n * 4096);
		count -= n;
		assert_int_equal(allocated(dram), count * 4096);
	}
	for (uint64_t page = 0; page < PAGES; page++) {
		if (used[page])
			mali_dram_free(dram, page * 4096, 4096);
	}
	free(used);
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
}

static void *thread_main(void *data)
{
	struct mali_dram *dram = data;
	uint64_t seed = (uintptr_t)&seed, bad = 0;
	struct {
		uint64_t pa, size_B;
	} held[32] = {0};

	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = test_random(&seed) % 32;
		uint64_t *word;

		if (held[i].size_B) {
			word = (uint64_t *)((char *)mali_dram_base(dram) +
					    held[i].pa);
			bad += *word != held[i].pa + 1;
			mali_dram_free(dram, held[i].pa, held[i].size_B);
			held[i].size_B = 0;
			continue;
		}
		if (mali_dram_alloc(dram, 4096 << test_random(&seed) % 8,
				    &held[i].pa, &held[i].size_B))
			continue;
		word = (uint64_t *)((char *)mali_dram_base(dram) + held[i].pa);
		bad += *word != 0;
		*word = held[i].pa + 1;
	}
	for (unsigned i = 0; i < 32; i++)
		mali_dram_free(dram, held[i].pa, held[i].size_B);
	return (void *)(uintptr_t)bad;
}

static void test_threads(void **state)
{
	struct mali_dram *dram = create(MiB(32), false);
	pthread_t threads[3];

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, thread_main, dram),
			0);
	for (unsigned i = 0; i < 3; i++) {
		void *bad;

		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_big_runs_are_contiguous),
		cmocka_unit_test(test_small_runs),
		cmocka_unit_test(test_reuse_is_zero),
		cmocka_unit_test(test_memory_goes_back),
		cmocka_unit_test(test_fragmented),
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
