/* SPDX-License-Identifier: MIT */
/* Windows: misses, runs, locks, replacement and faults. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mali_test.h"

#define VA GiB(3)

static uint32_t load(const void *host, uint64_t offset)
{
	return *(const volatile uint32_t *)((const char *)host + offset);
}

static void store(void *host, uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)((char *)host + offset) = value;
}

/* Page n of [pa, pa + size_B) begins with @tag + n. */
static void tag_pages(struct test_gpu *t, uint64_t pa, uint64_t size_B,
		      uint32_t tag)
{
	for (uint64_t at = 0; at < size_B; at += 4096)
		*(uint32_t *)test_cpu(t, pa + at) = tag + at / 4096;
}

/* One miss shows all of a contiguous range, in both directions. */
static void test_contiguous_run(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, MiB(1));
	tag_pages(&t, pa, MiB(1), 1000);
	test_map(&t, VA + KiB(64), pa, MiB(1), TEST_RW);
	host = test_reserve(MiB(2));
	window = test_window(&t, VA, host, MiB(2));
	assert_int_equal(test_stats(&t).entries, 0);

	assert_int_equal(load(host, KiB(64) + KiB(400)), 1100);
	assert_int_equal(test_stats(&t).misses, 1);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(load(host, KiB(64) + i * 4096), 1000 + i);
	store(host, KiB(64) + 8, 0xabcd);
	assert_int_equal(((uint32_t *)test_cpu(&t, pa))[2], 0xabcd);
	assert_int_equal(test_stats(&t).misses, 1);
	assert_int_equal(test_stats(&t).entries, 1);
	assert_int_equal(test_stats(&t).faults, 0);

	mali_window_destroy(window);
	munmap(host, MiB(2));
	mali_dram_free(t.dram, pa, MiB(1));
	test_gpu_finish(&t);
}

/* Blocks and pages that continue each other are one run, whatever the leaf. */
static void test_mixed_leaves(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, MiB(8));
	tag_pages(&t, pa, MiB(8), 0);
	test_map(&t, VA, pa, MiB(2), TEST_RW);
	test_map_blocks(&t, VA + MiB(2), pa + MiB(2), MiB(4), TEST_RW);
	test_map(&t, VA + MiB(6), pa + MiB(6), MiB(1), TEST_RW);
	host = test_reserve(MiB(8));
	window = test_window(&t, VA, host, MiB(8));
	assert_int_equal(load(host, MiB(3)), 768);
	for (unsigned i = 0; i < 1792; i += 97)
		assert_int_equal(load(host, i * 4096), i);
	assert_int_equal(test_stats(&t).misses, 1);
	assert_int_equal(test_stats(&t).host_calls, 2);

	mali_window_destroy(window);
	munmap(host, MiB(8));
	mali_dram_free(t.dram, pa, MiB(8));
	test_gpu_finish(&t);
}

/* Rebinding the middle keeps what lies around it, on the host too. */
static void test_remap_under_lock(void **state)
{
	struct mali_stats before, after;
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa, other;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, MiB(1));
	other = test_pages(&t, KiB(64));
	tag_pages(&t, pa, MiB(1), 1000);
	tag_pages(&t, other, KiB(64), 5000);
	test_map(&t, VA, pa, MiB(1), TEST_RW);
	host = test_reserve(MiB(1));
	window = test_window(&t, VA, host, MiB(1));
	assert_int_equal(load(host, 0), 1000);

	before = test_stats(&t);
	test_lock(&t, VA + KiB(256), KiB(64));
	after = test_stats(&t);
	assert_int_equal(after.host_calls - before.host_calls, 1);
	assert_int_equal(after.invalidations - before.invalidations, 1);
	assert_int_equal(after.locks, 1);
	assert_int_equal(after.locked_B, KiB(64));
	test_map(&t, VA + KiB(256), other, KiB(64), TEST_RW);
	test_unlock(&t);

	assert_int_equal(load(host, KiB(256) - 4096), 1063);
	assert_int_equal(load(host, KiB(320)), 1080);
	assert_int_equal(test_stats(&t).misses, before.misses);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(load(host, KiB(256) + i * 4096), 5000 + i);
	assert_int_equal(test_stats(&t).misses, before.misses + 1);
	assert_int_equal(test_stats(&t).entries, 3);

	/* The same again finds nothing to do where nothing was touched. */
	test_lock(&t, VA + GiB(1), GiB(1));
	test_unlock(&t);
	assert_int_equal(test_stats(&t).host_calls, after.host_calls + 1);

	/* One lock over all of it drops the three with one call. */
	before = test_stats(&t);
	test_lock(&t, VA, MiB(1));
	after = test_stats(&t);
	assert_int_equal(after.entries, 0);
	assert_int_equal(after.host_calls - before.host_calls, 1);
	test_unlock(&t);

	mali_window_destroy(window);
	munmap(host, MiB(1));
	mali_dram_free(t.dram, pa, MiB(1));
	mali_dram_free(t.dram, other, KiB(64));
	test_gpu_finish(&t);
}

struct reader {
	void *host;
	uint64_t offset;
	_Atomic uint32_t value;
	atomic_bool done;
};

static void *reader_main(void *data)
{
	struct reader *reader = data;

	atomic_store(&reader->value, load(reader->host, reader->offset));
	atomic_store(&reader->done, true);
	return NULL;
}

static void wait_for_stalls(struct test_gpu *t, uint64_t stalls)
{
	for (unsigned i = 0; test_stats(t).stalls < stalls; i++) {
		assert_true(i < 5000);
		usleep(1000);
	}
}

enum release { BY_UNLOCK, BY_LOCK_ELSEWHERE, BY_DISABLE, BY_RESET };

/* A miss in a locked region waits, until one of the things that release it. */
static void check_stall(enum release release)
{
	struct mali_window *window;
	struct reader reader = {0};
	struct test_gpu t;
	pthread_t thread;
	uint64_t pa;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(128));
	tag_pages(&t, pa, KiB(128), 7);
	test_map(&t, VA, pa, KiB(64), TEST_RW);
	reader.host = test_reserve(KiB(64));
	reader.offset = 4096;
	window = test_window(&t, VA, reader.host, KiB(64));
	assert_int_equal(load(reader.host, 4096), 8);

	test_lock(&t, VA, KiB(64));
	assert_int_equal(pthread_create(&thread, NULL, reader_main, &reader),
			 0);
	wait_for_stalls(&t, 1);
	usleep(20000);
	assert_false(atomic_load(&reader.done));
	test_map(&t, VA, pa + KiB(64), KiB(64), TEST_RW);
	switch (release) {
	case BY_UNLOCK:
		test_unlock(&t);
		break;
	case BY_LOCK_ELSEWHERE:
		test_lock(&t, VA + GiB(1), KiB(64));
		break;
	case BY_DISABLE:
		test_disable(&t);
		break;
	case BY_RESET:
		mali_gpu_write32(t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
		break;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (release == BY_UNLOCK || release == BY_LOCK_ELSEWHERE) {
		assert_int_equal(atomic_load(&reader.value), 24);
		assert_int_equal(test_stats(&t).faults, 0);
	} else {
		assert_int_equal(atomic_load(&reader.value), 0);
		assert_int_equal(test_stats(&t).faults, 1);
	}
	assert_int_equal(test_stats(&t).stalls, 1);

	mali_window_destroy(window);
	munmap(reader.host, KiB(64));
	mali_dram_free(t.dram, pa, KiB(128));
	test_gpu_finish(&t);
}

static void test_stall(void **state)
{
	check_stall(BY_UNLOCK);
	check_stall(BY_LOCK_ELSEWHERE);
	check_stall(BY_DISABLE);
	check_stall(BY_RESET);
}

/* What is outside of the locked block goes on, and runs end at its border. */
static void test_access_beside_lock(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(192));
	tag_pages(&t, pa, KiB(192), 0);
	test_map(&t, VA, pa, KiB(192), TEST_RW);
	host = test_reserve(KiB(192));
	window = test_window(&t, VA, host, KiB(192));
	test_lock(&t, VA + KiB(64), KiB(64));
	assert_int_equal(load(host, KiB(60)), 15);
	assert_int_equal(load(host, KiB(128)), 32);
	assert_int_equal(test_stats(&t).misses, 2);
	assert_int_equal(test_stats(&t).stalls, 0);
	test_unlock(&t);
	assert_int_equal(load(host, KiB(64)), 16);
	assert_int_equal(load(host, KiB(124)), 31);
	assert_int_equal(test_stats(&t).misses, 3);

	mali_window_destroy(window);
	munmap(host, KiB(192));
	mali_dram_free(t.dram, pa, KiB(192));
	test_gpu_finish(&t);
}

/* A TLB of 16 entries serves 256 scattered pages. */
static void test_replacement(void **state)
{
	const struct test_config config = {.tlb_entries = 1,
					   .dram_fragmented = true};
	struct mali_window *window;
	uint64_t pages[256];
	struct test_gpu t;
	void *host;

	test_gpu_init(&t, &config);
	for (unsigned i = 0; i < 256; i++) {
		pages[i] = test_pages(&t, 4096);
		*(uint32_t *)test_cpu(&t, pages[i]) = i;
		test_map(&t, VA + i * 4096, pages[i], 4096, TEST_RW);
	}
	host = test_reserve(MiB(1));
	window = test_window(&t, VA, host, MiB(1));
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 256; i++) {
			unsigned page = i * 37 % 256;

			assert_int_equal(load(host, page * 4096), page);
			assert_true(test_stats(&t).entries <= 16);
		}
	}
	assert_true(test_stats(&t).evictions >= 3 * 256 - 16);
	/* What was shown last is still there. */
	assert_int_equal(test_stats(&t).misses, 3 * 256);
	assert_int_equal(load(host, 255 * 37 % 256 * 4096), 255 * 37 % 256);
	assert_int_equal(test_stats(&t).misses, 3 * 256);

	mali_window_destroy(window);
	munmap(host, MiB(1));
	for (unsigned i = 0; i < 256; i++)
		mali_dram_free(t.dram, pages[i], 4096);
	test_gpu_finish(&t);
}

/* Three windows on one VA range, at different offsets, all follow the lock. */
static void test_windows_share_va(void **state)
{
	struct mali_window *windows[3];
	struct test_gpu t;
	uint64_t pa;
	char *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, MiB(2));
	tag_pages(&t, pa, MiB(2), 0);
	test_map(&t, VA, pa, MiB(1), TEST_RW);
	host = test_reserve(MiB(3));
	windows[0] = test_window(&t, VA, host, MiB(1));
	windows[1] = test_window(&t, VA, host + MiB(1), KiB(512));
	windows[2] = test_window(&t, VA + KiB(256), host + KiB(1536), KiB(512));
	for (unsigned i = 0; i < 2; i++) {
		uint32_t tag = i * 256;

		assert_int_equal(load(host, KiB(256)), tag + 64);
		assert_int_equal(load(host, MiB(1) + KiB(256)), tag + 64);
		assert_int_equal(load(host, KiB(1536)), tag + 64);
		assert_int_equal(test_stats(&t).entries, 3);
		store(host, KiB(256) + 4, 99 + i);
		assert_int_equal(load(host, KiB(1536) + 4), 99 + i);
		test_lock(&t, VA, MiB(1));
		assert_int_equal(test_stats(&t).entries, 0);
		test_map(&t, VA, pa + MiB(1), MiB(1), TEST_RW);
		test_unlock(&t);
	}
	/* Destroying one leaves the others alone. */
	assert_int_equal(load(host, 0), 256);
	assert_int_equal(load(host, MiB(1)), 256);
	mali_window_destroy(windows[0]);
	assert_int_equal(test_stats(&t).entries, 1);
	assert_int_equal(load(host, MiB(1) + 4096), 257);
	mali_window_destroy(windows[1]);
	mali_window_destroy(windows[2]);
	munmap(host, MiB(3));
	mali_dram_free(t.dram, pa, MiB(2));
	test_gpu_finish(&t);
}

static void test_bad_windows(void **state)
{
	struct mali_window *window, *other = NULL;
	struct test_gpu t;
	char *host;

	test_gpu_init(&t, NULL);
	host = test_reserve(MiB(2));
	window = test_window(&t, VA, host + 4096, MiB(1));
	static const struct {
		uint32_t as;
		uint64_t va;
		int64_t offset;
		uint64_t size_B;
	} bad[] = {
		{1, 100, 0, 4096}, /* misaligned */
		{1, VA, 100, 4096},
		{1, VA, 0, 100},
		{1, VA, 0, 0},
		{1, 1ull << 48, 0, 4096}, /* beyond the VA space */
		{1, (1ull << 48) - 4096, 0, 8192},
		{1, 4096, 0, UINT64_MAX - 4095},
		{9, VA, 0, 4096}, /* no such slot */
		{32, VA, 0, 4096},
		{1, VA, 0, 8192}, /* overlaps on the host */
		{1, VA, 4096, 4096},
		{2, VA, MiB(1), 4096},
		{1, VA, 0, MiB(2)},
	};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mali_window_create(t.gpu, bad[i].as, bad[i].va,
						    host + bad[i].offset,
						    bad[i].size_B, &other),
				 -EINVAL);
	assert_null(other);
	mali_window_destroy(NULL);
	mali_window_destroy(window);
	munmap(host, MiB(2));
	test_gpu_finish(&t);
}

/* ------------------------------------------------------------ faults -- */

/* Counted in the signal handler. */
static volatile unsigned irqs_raised;

static void count_irq(void *data, enum mali_irq line)
{
	assert_ptr_equal(data, &irqs_raised);
	assert_int_equal(line, MALI_IRQ_MMU);
	irqs_raised++;
}

static void expect_fault(struct test_gpu *t, uint32_t exception,
			 uint32_t access, uint64_t va)
{
	uint32_t bit = 1u << TEST_AS;

	assert_int_equal(mali_gpu_read32(t->gpu, MALI_MMU_INT_STAT), bit);
	assert_int_equal(mali_gpu_read32(t->gpu, MALI_AS_FAULTSTATUS(TEST_AS)),
			 exception | access << 8);
	assert_int_equal(test_read64(t, MALI_AS_FAULTADDRESS(TEST_AS)), va);
	mali_gpu_write32(t->gpu, MALI_MMU_INT_CLEAR, bit);
	assert_int_equal(mali_gpu_read32(t->gpu, MALI_MMU_INT_STAT), 0);
}

static void test_faults(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(64));
	tag_pages(&t, pa, KiB(64), 40);
	test_map(&t, VA, pa, KiB(64), TEST_RO);
	host = test_reserve(MiB(4));
	window = test_window(&t, VA, host, MiB(4));
	irqs_raised = 0;
	mali_gpu_set_irq_handler(t.gpu, count_irq, (void *)&irqs_raised);
	mali_gpu_write32(t.gpu, MALI_MMU_INT_MASK, 0xffff);

	/* A hole: the read is answered with zero and the fault is recorded. */
	assert_int_equal(load(host, KiB(128) + 20), 0);
	assert_int_equal(irqs_raised, 1);
	/* Until it is cleared, a second one changes nothing. */
	store(host, KiB(140), 1);
	assert_int_equal(irqs_raised, 1);
	expect_fault(&t, 0xc3, MALI_ACCESS_READ, VA + KiB(128) + 20);
	store(host, MiB(2) + 8, 1);
	assert_int_equal(irqs_raised, 2);
	expect_fault(&t, 0xc2, MALI_ACCESS_WRITE, VA + MiB(2) + 8);

	/* Read-only memory is shown, and does not take a store. */
	assert_int_equal(load(host, KiB(32)), 48);
	store(host, KiB(32), 1);
	expect_fault(&t, 0xcb, MALI_ACCESS_WRITE, VA + KiB(32));
	assert_int_equal(*(uint32_t *)test_cpu(&t, pa + KiB(32)), 48);
	assert_int_equal(load(host, KiB(32)), 1);
	assert_int_equal(load(host, KiB(28)), 47);
	assert_int_equal(load(host, KiB(36)), 49);
	assert_int_equal(test_stats(&t).faults, 4);

	/* The scratch pages go with the next lock of their place. */
	test_lock(&t, VA, MiB(4));
	assert_int_equal(test_stats(&t).entries, 0);
	test_map(&t, VA + KiB(128), pa, KiB(64), TEST_RW);
	test_unlock(&t);
	assert_int_equal(load(host, KiB(128)), 40);
	assert_int_equal(load(host, KiB(32)), 48);
	assert_int_equal(test_stats(&t).faults, 4);

	mali_window_destroy(window);
	munmap(host, MiB(4));
	mali_dram_free(t.dram, pa, KiB(64));
	test_gpu_finish(&t);
}

/* Disabled: every access faults, but only a listener's registers tell. */
static void test_as_disable(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(64));
	tag_pages(&t, pa, KiB(64), 40);
	test_map(&t, VA, pa, KiB(64), TEST_RW);
	host = test_reserve(MiB(4));
	window = test_window(&t, VA, host, MiB(4));
	assert_int_equal(load(host, 0), 40);

	mali_gpu_write32(t.gpu, MALI_MMU_INT_MASK, 0xffff);
	test_disable(&t);
	assert_int_equal(load(host, 0), 0);
	expect_fault(&t, 0xc0, MALI_ACCESS_READ, VA);
	/* Scratch memory comes in bulk then. */
	store(host, MiB(1), 3);
	assert_int_equal(load(host, MiB(1)), 3);
	assert_int_equal(test_stats(&t).faults, 1);
	mali_gpu_write32(t.gpu, MALI_MMU_INT_MASK, 0xffff & ~(1u << TEST_AS));
	store(host, MiB(3), 3);
	assert_int_equal(test_stats(&t).faults, 2);
	assert_int_equal(mali_gpu_read32(t.gpu, MALI_MMU_INT_RAWSTAT), 0);

	test_enable(&t);
	assert_int_equal(test_stats(&t).entries, 0);
	assert_int_equal(load(host, 0), 40);
	assert_int_equal(test_stats(&t).faults, 2);

	mali_window_destroy(window);
	munmap(host, MiB(4));
	mali_dram_free(t.dram, pa, KiB(64));
	test_gpu_finish(&t);
}

/* An instruction that needs several pages at once gets them. */
static void test_straddling_copy(void **state)
{
	const struct test_config config = {.tlb_entries = 16};
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa[4];
	char *host;

	test_gpu_init(&t, &config);
	host = test_reserve(MiB(1));
	window = test_window(&t, VA, host, MiB(1));
	for (unsigned i = 0; i < 4; i++) {
		pa[i] = test_pages(&t, KiB(8));
		memset(test_cpu(&t, pa[i]), 'a' + i, KiB(8));
		test_map(&t, VA + i * 4096, pa[i], 4096, TEST_RW);
	}
	memcpy(host + KiB(12) - 2000, host + KiB(4) - 2000, 4000);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(host[KiB(12) - 2000 + i], 'a');
		assert_int_equal(host[KiB(12) + i], 'b');
	}
	assert_int_equal(((char *)test_cpu(&t, pa[2]))[4095], 'a');
	mali_window_destroy(window);
	munmap(host, MiB(1));
	for (unsigned i = 0; i < 4; i++)
		mali_dram_free(t.dram, pa[i], KiB(8));
	test_gpu_finish(&t);
}

/* A program may leave windows behind: said, and not dangerous. */
static void test_windows_outlive_gpu(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(64));
	test_map(&t, VA, pa, KiB(64), TEST_RW);
	host = test_reserve(KiB(64));
	window = test_window(&t, VA, host, KiB(64));
	store(host, 0, 1);
	mali_gpu_destroy(t.gpu);
	mali_window_destroy(window);
	munmap(host, KiB(64));
	mali_dram_free(t.dram, pa, KiB(64));
	while (t.table_count)
		mali_dram_free(t.dram, t.tables[--t.table_count], 4096);
	mali_dram_destroy(t.dram);
}

/* Random windows, maps and locks against a model of every page. */
static void test_random_against_model(void **state)
{
	enum { PAGES = 512, WINDOWS = 6 };
	const struct test_config config = {.tlb_entries = 40};
	uint64_t seed = 0x1234567, pa, model[PAGES] = {0};
	struct {
		uint64_t page, pages;
		uint32_t *host;
		struct mali_window *w;
	} windows[WINDOWS];
	struct test_gpu t;

	test_gpu_init(&t, &config);
	pa = test_pages(&t, MiB(2));
	tag_pages(&t, pa, MiB(2), 0);
	for (unsigned i = 0; i < WINDOWS; i++) {
		windows[i].page = i * 60;
		windows[i].pages = 50 + i * 30;
		windows[i].host = test_reserve(windows[i].pages * 4096);
		windows[i].w =
			test_window(&t, VA + windows[i].page * 4096,
				    windows[i].host, windows[i].pages * 4096);
	}
	for (unsigned page = 0; page < PAGES; page++) {
		model[page] = page;
		test_map(&t, VA + page * 4096, pa + page * 4096, 4096, TEST_RW);
	}
	for (unsigned step = 0; step < 20000; step++) {
		uint64_t r = test_random(&seed);
		unsigned i = r % WINDOWS;
		uint64_t page = (r >> 8) % windows[i].pages;

		if (r >> 32 & 7) {
			assert_int_equal(windows[i].host[page * 1024],
					 model[windows[i].page + page]);
			continue;
		}
		/* Rebind a stretch: reversed, or contiguous. */
		uint64_t first = (r >> 8) % PAGES;
		uint64_t n = 1 + (r >> 20) % 40;
		uint64_t target = (r >> 40) % PAGES;

		if (n > PAGES - first)
			n = PAGES - first;
		test_lock(&t, VA + first * 4096, n * 4096);
		for (uint64_t k = 0; k < n; k++) {
			uint64_t to =
				(r >> 36 & 1 ? target + k : target + n - k) %
				PAGES;

			model[first + k] = to;
			test_map(&t, VA + (first + k) * 4096, pa + to * 4096,
				 4096, TEST_RW);
		}
		test_unlock(&t);
	}
	assert_true(test_stats(&t).evictions > 0);
	assert_int_equal(test_stats(&t).faults, 0);
	for (unsigned i = 0; i < WINDOWS; i++) {
		mali_window_destroy(windows[i].w);
		munmap(windows[i].host, windows[i].pages * 4096);
	}
	mali_dram_free(t.dram, pa, MiB(2));
	test_gpu_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contiguous_run),
		cmocka_unit_test(test_mixed_leaves),
		cmocka_unit_test(test_remap_under_lock),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_access_beside_lock),
		cmocka_unit_test(test_replacement),
		cmocka_unit_test(test_windows_share_va),
		cmocka_unit_test(test_bad_windows),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_as_disable),
		cmocka_unit_test(test_straddling_copy),
		cmocka_unit_test(test_windows_outlive_gpu),
		cmocka_unit_test(test_random_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
