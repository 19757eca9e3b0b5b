/* SPDX-License-Identifier: MIT */
/*
 * What the virtual Mali costs on this host: register traffic of an op, misses,
 * pages. Prints one line each; compare the tile lines with the two of plain
 * mmap(), which is what emulating sparse memory without page tables costs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mali_test.h"

#define VA GiB(16)
#define TILE_B KiB(64)
#define TILES 2048

static uint64_t start_ns;

static void begin(void)
{
	start_ns = test_now_ns();
}

static void end(const char *what, uint64_t count)
{
	double ns = (double)(test_now_ns() - start_ns) / (double)count;

	print_message("%-58s %10.1f ns\n", what, ns);
}

static void bench_ops(struct test_gpu *t, const char *what)
{
	const unsigned n = 1000000;

	begin();
	for (unsigned i = 0; i < n; i++) {
		test_lock(t, VA + GiB(1) + (uint64_t)i % 4096 * TILE_B, TILE_B);
		test_unlock(t);
	}
	end(what, n);
}

/* Scattered on purpose: no two tiles of VA are neighbours in memory. */
static unsigned tile_at(unsigned i)
{
	return i * 37 % TILES;
}

static void touch(volatile char *host, uint64_t size_B)
{
	for (uint64_t at = 0; at < size_B; at += 4096)
		host[at] = 1;
}

static void bench_tiles(struct test_gpu *t, uint64_t pa, const char *what)
{
	char *host = test_reserve(TILES * TILE_B);
	struct mali_window *window = test_window(t, VA, host, TILES * TILE_B);
	char text[80];

	snprintf(text, sizeof(text), "tile: bind and touch 16 pages, %s", what);
	begin();
	for (unsigned i = 0; i < TILES; i++) {
		uint64_t va = VA + i * TILE_B;

		test_lock(t, va, TILE_B);
		test_map(t, va, pa + tile_at(i) * TILE_B, TILE_B, TEST_RW);
		test_unlock(t);
		touch(host + i * TILE_B, TILE_B);
	}
	end(text, TILES);
	snprintf(text, sizeof(text), "tile: rebind and touch 1 page, %s", what);
	begin();
	for (unsigned i = 0; i < TILES; i++) {
		uint64_t va = VA + i * TILE_B;

		test_lock(t, va, TILE_B);
		test_map(t, va, pa + tile_at(i + 1) * TILE_B, TILE_B, TEST_RW);
		test_unlock(t);
		touch(host + i * TILE_B, 4096);
	}
	end(text, TILES);
	test_lock(t, VA, TILES * TILE_B);
	test_unmap(t, VA, TILES * TILE_B);
	test_unlock(t);
	mali_window_destroy(window);
	munmap(host, TILES * TILE_B);
}

static void bench_mmap(int fd, uint64_t offset, const char *what)
{
	char *host = test_reserve(TILES * TILE_B);
	char text[80];

	snprintf(text, sizeof(text), "mmap: one a tile, touch 16 pages, %s",
		 what);
	begin();
	for (unsigned i = 0; i < TILES; i++) {
		char *at = host + i * TILE_B;

		assert_ptr_equal(mmap(at, TILE_B, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, fd,
				      (off_t)(offset + tile_at(i) * TILE_B)),
				 at);
		touch(at, TILE_B);
	}
	end(text, TILES);
	munmap(host, TILES * TILE_B);
}

static void bench_run(struct test_gpu *t, uint64_t pa, uint64_t size_B)
{
	char *host = test_reserve(size_B);
	struct mali_window *window = test_window(t, VA, host, size_B);
	uint64_t misses = test_stats(t).misses;
	char text[80];

	test_map_blocks(t, VA, pa, size_B, TEST_RW);
	begin();
	touch(host, size_B);
	snprintf(text, sizeof(text), "page of %u MiB in blocks, %u misses",
		 (unsigned)(size_B >> 20),
		 (unsigned)(test_stats(t).misses - misses));
	end(text, size_B / 4096);
	mali_window_destroy(window);
	munmap(host, size_B);
}

static void bench_dram(struct mali_dram *dram)
{
	const unsigned n = 1000000;
	uint64_t pa, got;

	begin();
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(mali_dram_alloc(dram, 4096, &pa, &got), 0);
		mali_dram_free(dram, pa, 4096);
	}
	end("DRAM: allocate and free a page", n);
	begin();
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(mali_dram_alloc(dram, MiB(64), &pa, &got), 0);
		mali_dram_free(dram, pa, got);
	}
	end("DRAM: allocate and free 64 MiB, untouched", 1000);
}

static void bench(void **state)
{
	const struct test_config config = {.dram_B = GiB(1)};
	const uint64_t size_B = TILES * TILE_B;
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa, plain;
	char *host;

	test_gpu_init(&t, &config);
	bench_ops(&t, "op: LOCK, flush, UNLOCK, nothing cached");

	/* Many entries elsewhere in the same address space. */
	pa = test_pages(&t, size_B);
	host = test_reserve(size_B);
	window = test_window(&t, VA, host, size_B);
	for (unsigned i = 0; i < TILES; i++) {
		test_map(&t, VA + i * TILE_B, pa + tile_at(i) * TILE_B, TILE_B,
			 TEST_RW);
		touch(host + i * TILE_B, 4096);
	}
	bench_ops(&t, "op: the same, with 2,048 entries elsewhere");
	mali_window_destroy(window);
	munmap(host, size_B);
	test_unmap(&t, VA, size_B);
	mali_dram_free(t.dram, pa, size_B);

	pa = test_pages(&t, size_B);
	bench_tiles(&t, pa, "fresh memory");
	bench_tiles(&t, pa, "used memory");
	plain = test_pages(&t, size_B);
	bench_mmap(mali_dram_fd(t.dram), plain, "fresh memory");
	bench_mmap(mali_dram_fd(t.dram), plain, "used memory");
	bench_run(&t, plain, size_B);
	mali_dram_free(t.dram, pa, size_B);
	mali_dram_free(t.dram, plain, size_B);
	bench_dram(t.dram);
	test_gpu_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bench),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
