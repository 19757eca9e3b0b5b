/* SPDX-License-Identifier: MIT */
/* Overlays: other files at physical addresses, for CPU and GPU. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mali_test.h"

#define PAGE_B 4096ull
#define VA GiB(3)

/* Another machine's memory: page n begins with @tag + n. */
struct other {
	int fd;
	uint64_t pages;
	char *base;
};

static struct other other_create(uint64_t pages, uint32_t tag)
{
	struct other other = {memfd_create("other", MFD_CLOEXEC), pages, NULL};

	assert_true(other.fd >= 0);
	assert_int_equal(ftruncate(other.fd, (off_t)(pages * PAGE_B)), 0);
	other.base = mmap(NULL, pages * PAGE_B, PROT_READ | PROT_WRITE,
			  MAP_SHARED, other.fd, 0);
	assert_true(other.base != MAP_FAILED);
	for (uint64_t i = 0; i < pages; i++)
		*(uint32_t *)(other.base + i * PAGE_B) = tag + i;
	return other;
}

static void other_destroy(struct other *other)
{
	munmap(other->base, other->pages * PAGE_B);
	close(other->fd);
}

static uint32_t load(const void *host, uint64_t offset)
{
	return *(const volatile uint32_t *)((const char *)host + offset);
}

static void store(void *host, uint64_t offset, uint32_t value)
{
	*(volatile uint32_t *)((char *)host + offset) = value;
}

/* Host mappings of DRAM's linear view. */
static unsigned host_mappings(struct mali_dram *dram)
{
	uintptr_t base = (uintptr_t)mali_dram_base(dram), start;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	unsigned count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-", &start) == 1)
			count += start >= base &&
				 start < base + mali_dram_size(dram);
	}
	fclose(maps);
	return count;
}

static struct mali_dram *create_dram(uint64_t size_B)
{
	const struct mali_dram_config config = {.size_B = size_B};
	struct mali_dram *dram;

	assert_int_equal(mali_dram_create(&config, &dram), 0);
	return dram;
}

static uint64_t take(struct mali_dram *dram, uint64_t size_B)
{
	uint64_t pa, got_B;

	assert_int_equal(mali_dram_alloc(dram, size_B, &pa, &got_B), 0);
	assert_int_equal(got_B, size_B);
	return pa;
}

static uint64_t allocated(struct mali_dram *dram)
{
	struct mali_dram_stats stats;

	mali_dram_get_stats(dram, &stats);
	return stats.allocated_B;
}

/* The linear view shows it, and DRAM's own zeroes again afterwards. */
static void test_cpu_view(void **state)
{
	struct mali_dram *dram = create_dram(MiB(4));
	struct other other = other_create(8, 100);
	char *base = mali_dram_base(dram);
	uint64_t pa, again;

	assert_int_equal(host_mappings(dram), 1);
	/* Used before, so that something must be cleared. */
	pa = take(dram, 8 * PAGE_B);
	memset(base + pa, 0x5a, 8 * PAGE_B);
	assert_int_equal(mali_dram_overlay(dram, pa + 2 * PAGE_B, 4 * PAGE_B,
					   other.fd, 3 * PAGE_B),
			 0);
	assert_int_equal(load(base, pa + PAGE_B), 0x5a5a5a5a);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(load(base, pa + (2 + i) * PAGE_B), 103 + i);
	assert_int_equal(load(base, pa + 6 * PAGE_B), 0x5a5a5a5a);
	store(base, pa + 2 * PAGE_B + 4, 77);
	assert_int_equal(load(other.base, 3 * PAGE_B + 4), 77);
	store(other.base, 6 * PAGE_B + 8, 78);
	assert_int_equal(load(base, pa + 5 * PAGE_B + 8), 78);

	mali_dram_free(dram, pa, 8 * PAGE_B);
	assert_int_equal(host_mappings(dram), 1);
	assert_int_equal(load(other.base, 3 * PAGE_B + 4), 77);
	assert_int_equal(load(other.base, 3 * PAGE_B), 103);
	again = take(dram, 8 * PAGE_B);
	assert_int_equal(again, pa);
	for (uint64_t i = 0; i < 8 * PAGE_B; i += 4)
		assert_int_equal(load(base, pa + i), 0);
	store(base, pa + 2 * PAGE_B, 1);
	assert_int_equal(load(other.base, 3 * PAGE_B), 103);
	mali_dram_free(dram, pa, 8 * PAGE_B);
	mali_dram_destroy(dram);
	other_destroy(&other);
}

/* More than what a free clears: that is punched out of the right file. */
static void test_large(void **state)
{
	struct mali_dram *dram = create_dram(MiB(8));
	struct other other = other_create(1024, 5);
	uint64_t pa = take(dram, MiB(4));

	assert_int_equal(mali_dram_overlay(dram, pa, MiB(4), other.fd, 0), 0);
	assert_int_equal(load(mali_dram_base(dram), pa + MiB(3)), 5 + 768);
	mali_dram_free(dram, pa, MiB(4));
	assert_int_equal(load(other.base, MiB(3)), 5 + 768);
	assert_int_equal(load(mali_dram_base(dram), pa + MiB(3)), 0);
	assert_int_equal(host_mappings(dram), 1);
	mali_dram_destroy(dram);
	other_destroy(&other);
}

static void test_arguments(void **state)
{
	static const struct {
		uint64_t pa, size_B, offset;
	} bad[] = {
		{0, 0, 0},
		{1, PAGE_B, 0},
		{0, PAGE_B + 1, 0},
		{0, PAGE_B, 1},
		{MiB(4), PAGE_B, 0},
		{MiB(4) - PAGE_B, 2 * PAGE_B, 0},
		{0, MiB(6), 0},
		{UINT64_MAX - PAGE_B + 1, PAGE_B, 0},
		{0, PAGE_B, INT64_MAX - PAGE_B + 2},
	};
	struct mali_dram *dram = create_dram(MiB(4));
	struct other other = other_create(1, 0);

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mali_dram_overlay(dram, bad[i].pa,
						   bad[i].size_B, other.fd,
						   bad[i].offset),
				 -EINVAL);
	/* What the host refuses changes nothing. */
	assert_int_equal(mali_dram_overlay(dram, 0, PAGE_B, -1, 0), -EBADF);
	assert_int_equal(host_mappings(dram), 1);
	assert_int_equal(load(mali_dram_base(dram), 0), 0);
	mali_dram_destroy(dram);
	other_destroy(&other);
}

/* A run of memory of three files is shown by as many entries. */
static void test_window_edges(void **state)
{
	struct other one = other_create(8, 100), two = other_create(8, 200);
	struct mali_window *window;
	struct test_gpu t;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, 8 * PAGE_B);
	for (unsigned i = 0; i < 8; i++)
		*(uint32_t *)test_cpu(&t, pa + i * PAGE_B) = i;
	assert_int_equal(mali_dram_overlay(t.dram, pa + 2 * PAGE_B, 2 * PAGE_B,
					   one.fd, 5 * PAGE_B),
			 0);
	assert_int_equal(mali_dram_overlay(t.dram, pa + 4 * PAGE_B, PAGE_B,
					   two.fd, 0),
			 0);
	test_map(&t, VA, pa, 8 * PAGE_B, TEST_RW);
	host = test_reserve(8 * PAGE_B);
	window = test_window(&t, VA, host, 8 * PAGE_B);

	/* The middle first: it must not reach over either edge. */
	assert_int_equal(load(host, 3 * PAGE_B), 106);
	assert_int_equal(load(host, 2 * PAGE_B), 105);
	assert_int_equal(test_stats(&t).misses, 1);
	assert_int_equal(load(host, 4 * PAGE_B), 200);
	assert_int_equal(load(host, PAGE_B), 1);
	assert_int_equal(load(host, 0), 0);
	assert_int_equal(load(host, 7 * PAGE_B), 7);
	assert_int_equal(load(host, 5 * PAGE_B), 5);
	assert_int_equal(test_stats(&t).entries, 4);
	store(host, 3 * PAGE_B + 4, 1234);
	assert_int_equal(load(one.base, 6 * PAGE_B + 4), 1234);
	store(two.base, 12, 5678);
	assert_int_equal(load(host, 4 * PAGE_B + 12), 5678);
	assert_int_equal(test_stats(&t).faults, 0);

	mali_window_destroy(window);
	munmap(host, 8 * PAGE_B);
	mali_dram_free(t.dram, pa, 8 * PAGE_B);
	test_gpu_finish(&t);
	other_destroy(&one);
	other_destroy(&two);
}

/* Each page from another place, in pages that lie apart as well. */
static void test_window_scattered(void **state)
{
	enum { PAGES = 64 };
	const struct test_config config = {.dram_fragmented = true};
	struct other other = other_create(PAGES, 300);
	struct mali_window *window;
	uint64_t pa[PAGES];
	struct test_gpu t;
	void *host;

	test_gpu_init(&t, &config);
	for (unsigned i = 0; i < PAGES; i++) {
		pa[i] = test_pages(&t, PAGE_B);
		assert_int_equal(mali_dram_overlay(t.dram, pa[i], PAGE_B,
						   other.fd,
						   (PAGES - 1 - i) * PAGE_B),
				 0);
		test_map(&t, VA + i * PAGE_B, pa[i], PAGE_B, TEST_RW);
	}
	host = test_reserve(PAGES * PAGE_B);
	window = test_window(&t, VA, host, PAGES * PAGE_B);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(load(host, i * PAGE_B), 300 + PAGES - 1 - i);
	mali_window_destroy(window);
	munmap(host, PAGES * PAGE_B);
	for (unsigned i = 0; i < PAGES; i++)
		mali_dram_free(t.dram, pa[i], PAGE_B);
	test_gpu_finish(&t);
	other_destroy(&other);
}

/* Memory that others see stays what it is when the machine goes. */
static void test_keep_contents(void **state)
{
	struct mali_dram *dram = create_dram(MiB(4));
	uint64_t pa = take(dram, PAGE_B), large = take(dram, MiB(2));
	char *base = mali_dram_base(dram), *view;
	int fd = dup(mali_dram_fd(dram));

	store(base, pa, 11);
	store(base, large, 12);
	mali_dram_keep_contents(dram);
	mali_dram_free(dram, pa, PAGE_B);
	mali_dram_free(dram, large, MiB(2));
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
	view = mmap(NULL, MiB(4), PROT_READ, MAP_SHARED, fd, 0);
	assert_true(view != MAP_FAILED);
	assert_int_equal(load(view, pa), 11);
	assert_int_equal(load(view, large), 12);
	munmap(view, MiB(4));
	/* Nobody can take it away from them. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	close(fd);
}

/* --------------------------------------------------- no mappings left -- */

/* Single pages with different permissions, until the host has no more. */
static void exhaust(char **at_out, size_t *size_out)
{
	const size_t max_B = (size_t)1 << 30;
	char *at = mmap(NULL, max_B, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(at != MAP_FAILED);
	for (size_t i = PAGE_B; i < max_B; i += 2 * PAGE_B) {
		if (mprotect(at + i, PAGE_B, PROT_READ))
			break;
	}
	*at_out = at;
	*size_out = max_B;
}

static void test_no_mappings_left(void **state)
{
	struct mali_dram *dram;
	struct other other;
	size_t filler_B;
	uint64_t pa, spare;
	char *filler;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip();
#endif
	dram = create_dram(MiB(4));
	other = other_create(4, 100);
	pa = take(dram, 3 * PAGE_B);
	spare = take(dram, 3 * PAGE_B);
	/* Three overlays that the host has as one mapping. */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(mali_dram_overlay(dram, pa + i * PAGE_B,
						   PAGE_B, other.fd,
						   i * PAGE_B),
				 0);
	assert_in_range(host_mappings(dram), 2, 3);
	exhaust(&filler, &filler_B);

	assert_int_equal(mali_dram_overlay(dram, spare + PAGE_B, PAGE_B,
					   other.fd, 0),
			 -ENOMEM);
	assert_int_equal(load(mali_dram_base(dram), spare + PAGE_B), 0);
	/* It cannot be cut: somebody else's memory is never handed out. */
	mali_dram_free(dram, pa + PAGE_B, PAGE_B);
	assert_int_equal(allocated(dram), 6 * PAGE_B);
	assert_int_equal(load(mali_dram_base(dram), pa + PAGE_B), 101);

	munmap(filler, filler_B);
	mali_dram_free(dram, pa, 3 * PAGE_B);
	mali_dram_free(dram, spare, 3 * PAGE_B);
	assert_int_equal(allocated(dram), 0);
	mali_dram_destroy(dram);
	other_destroy(&other);
}

/* ------------------------------------------------------------- threads -- */

#define STRESS_PAGES 16

struct stress {
	struct test_gpu *t;
	struct other *other;
	void *host;
	_Atomic bool stop;
	_Atomic unsigned bad;
};

/* Overlays come and go beside those that are looked at. */
static void *change(void *arg)
{
	struct stress *s = arg;
	char *base = mali_dram_base(s->t->dram);

	while (!atomic_load(&s->stop)) {
		uint64_t pa, got_B;

		if (mali_dram_alloc(s->t->dram, 2 * PAGE_B, &pa, &got_B))
			continue;
		if (mali_dram_overlay(s->t->dram, pa, PAGE_B, s->other->fd,
				      PAGE_B))
			atomic_fetch_add(&s->bad, 1);
		if (load(base, pa) != 101)
			atomic_fetch_add(&s->bad, 1);
		mali_dram_free(s->t->dram, pa, got_B);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct other other = other_create(STRESS_PAGES, 100);
	uint64_t end = test_now_ns() + test_seconds(1) * 1000000000ull;
	struct mali_window *window;
	struct stress s = {.other = &other};
	pthread_t threads[2];
	struct test_gpu t;
	uint64_t pa;

	test_gpu_init(&t, NULL);
	s.t = &t;
	pa = test_pages(&t, STRESS_PAGES * PAGE_B);
	for (unsigned i = 0; i < STRESS_PAGES; i++)
		*(uint32_t *)test_cpu(&t, pa + i * PAGE_B) = 100 + i;
	/* Every second page is the other's, with the same tag. */
	for (unsigned i = 0; i < STRESS_PAGES; i += 2)
		assert_int_equal(mali_dram_overlay(t.dram, pa + i * PAGE_B,
						   PAGE_B, other.fd,
						   i * PAGE_B),
				 0);
	test_map(&t, VA, pa, STRESS_PAGES * PAGE_B, TEST_RW);
	s.host = test_reserve(STRESS_PAGES * PAGE_B);
	window = test_window(&t, VA, s.host, STRESS_PAGES * PAGE_B);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, change, &s),
				 0);
	while (test_now_ns() < end) {
		for (unsigned i = 0; i < STRESS_PAGES; i++)
			assert_int_equal(load(s.host, i * PAGE_B), 100 + i);
		mali_window_drop(window, VA, STRESS_PAGES * PAGE_B);
	}
	atomic_store(&s.stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.bad, 0);
	mali_window_destroy(window);
	munmap(s.host, STRESS_PAGES * PAGE_B);
	mali_dram_free(t.dram, pa, STRESS_PAGES * PAGE_B);
	test_gpu_finish(&t);
	other_destroy(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu_view),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_window_edges),
		cmocka_unit_test(test_window_scattered),
		cmocka_unit_test(test_keep_contents),
		cmocka_unit_test(test_no_mappings_left),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("mali overlay", tests, NULL, NULL);
}
