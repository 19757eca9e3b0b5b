/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "mali_test.h"

/* MEMATTR and the rest of TRANSCFG of a non-coherent system. */
#define TEST_MEMATTR 0x4c4c4c4c8c4c8f4cull
#define TEST_TRANSCFG 0x42000006ull

static uint64_t alloc_table(struct test_gpu *t)
{
	uint64_t pa, got;

	assert_int_equal(mali_dram_alloc(t->dram, 4096, &pa, &got), 0);
	assert_int_equal(got, 4096);
	assert_true(t->table_count < TEST_TABLES_MAX);
	t->tables[t->table_count++] = pa;
	return pa;
}

void test_gpu_init(struct test_gpu *t, const struct test_config *config)
{
	static const struct test_config none;
	struct mali_dram_config dram_config;
	struct mali_gpu_config gpu_config;

	if (!config)
		config = &none;
	*t = (struct test_gpu){
		.as = TEST_AS,
		.va_bits = config->va_bits ? config->va_bits : 48,
	};
	dram_config = (struct mali_dram_config){
		.size_B = config->dram_B ? config->dram_B : MiB(64),
		.fragmented = config->dram_fragmented,
	};
	assert_int_equal(mali_dram_create(&dram_config, &t->dram), 0);
	gpu_config = (struct mali_gpu_config){
		.dram = t->dram,
		.va_bits = t->va_bits,
		.pa_bits = 40,
		.as_present = 0xff,
		.tlb_entries = config->tlb_entries,
		.no_absent_stall = config->no_absent_stall,
		.null_leaves = config->null_leaves,
	};
	assert_int_equal(mali_gpu_create(&gpu_config, &t->gpu), 0);
	t->root = alloc_table(t);
	test_enable(t);
}

void test_gpu_share(struct test_gpu *t, const struct test_gpu *other,
		    uint32_t as)
{
	*t = (struct test_gpu){
		.dram = other->dram,
		.gpu = other->gpu,
		.as = as,
		.va_bits = other->va_bits,
	};
	t->root = alloc_table(t);
	test_enable(t);
}

void test_gpu_unshare(struct test_gpu *t)
{
	test_disable(t);
	while (t->table_count)
		mali_dram_free(t->dram, t->tables[--t->table_count], 4096);
}

void test_gpu_finish(struct test_gpu *t)
{
	struct mali_dram_stats stats;

	assert_int_equal(test_stats(t).entries, 0);
	mali_gpu_destroy(t->gpu);
	while (t->table_count)
		mali_dram_free(t->dram, t->tables[--t->table_count], 4096);
	mali_dram_get_stats(t->dram, &stats);
	assert_int_equal(stats.allocated_B, 0);
	mali_dram_destroy(t->dram);
}

uint64_t test_pages(struct test_gpu *t, uint64_t size_B)
{
	uint64_t pa, got;

	assert_int_equal(mali_dram_alloc(t->dram, size_B, &pa, &got), 0);
	assert_int_equal(got, size_B);
	return pa;
}

void *test_cpu(struct test_gpu *t, uint64_t pa)
{
	return (char *)mali_dram_base(t->dram) + pa;
}

_Atomic uint64_t *test_entry(struct test_gpu *t, uint64_t va, unsigned level)
{
	unsigned top = t->va_bits > 39 ? 0 : 1;
	uint64_t table = t->root;

	for (unsigned at = top;; at++) {
		unsigned index = va >> (39 - 9 * at) & 511;
		_Atomic uint64_t *entry =
			(_Atomic uint64_t *)test_cpu(t, table) + index;
		uint64_t value;

		if (at == level)
			return entry;
		value = atomic_load(entry);
		if ((value & 3) != 3) {
			value = alloc_table(t) | 3;
			atomic_store(entry, value);
		}
		table = value & 0x0000fffffffff000ull;
	}
}

void test_map(struct test_gpu *t, uint64_t va, uint64_t pa, uint64_t size_B,
	      uint64_t attr)
{
	for (uint64_t at = 0; at < size_B; at += 4096)
		atomic_store(test_entry(t, va + at, 3), (pa + at) | attr | 3);
}

void test_map_blocks(struct test_gpu *t, uint64_t va, uint64_t pa,
		     uint64_t size_B, uint64_t attr)
{
	for (uint64_t at = 0; at < size_B; at += MiB(2))
		atomic_store(test_entry(t, va + at, 2), (pa + at) | attr | 1);
}

void test_unmap(struct test_gpu *t, uint64_t va, uint64_t size_B)
{
	for (uint64_t at = 0; at < size_B; at += 4096)
		atomic_store(test_entry(t, va + at, 3), 0);
}

uint64_t test_lockaddr(uint64_t start, uint64_t size_B)
{
	uint64_t differ = start ^ (start + size_B - 1);
	unsigned bits = 15;

	while (differ >> bits)
		bits++;
	return (start & ~((1ull << (bits - 1)) - 1)) | (bits - 1);
}

void test_write64(struct test_gpu *t, uint32_t reg, uint64_t value)
{
	mali_gpu_write32(t->gpu, reg, (uint32_t)value);
	mali_gpu_write32(t->gpu, reg + 4, (uint32_t)(value >> 32));
}

uint64_t test_read64(struct test_gpu *t, uint32_t reg)
{
	uint64_t low = mali_gpu_read32(t->gpu, reg);

	return low | (uint64_t)mali_gpu_read32(t->gpu, reg + 4) << 32;
}

void test_command(struct test_gpu *t, uint32_t command)
{
	mali_gpu_write32(t->gpu, MALI_AS_COMMAND(t->as), command);
	assert_int_equal(mali_gpu_read32(t->gpu, MALI_AS_STATUS(t->as)) & 1, 0);
}

void test_lock(struct test_gpu *t, uint64_t va, uint64_t size_B)
{
	test_write64(t, MALI_AS_LOCKADDR(t->as), test_lockaddr(va, size_B));
	test_command(t, MALI_AS_COMMAND_LOCK);
}

void test_unlock(struct test_gpu *t)
{
	mali_gpu_write32(t->gpu, MALI_GPU_INT_CLEAR,
			 MALI_GPU_IRQ_CLEAN_CACHES_COMPLETED);
	mali_gpu_write32(t->gpu, MALI_GPU_CMD, 0x00023304);
	assert_true(mali_gpu_read32(t->gpu, MALI_GPU_INT_RAWSTAT) &
		    MALI_GPU_IRQ_CLEAN_CACHES_COMPLETED);
	test_command(t, MALI_AS_COMMAND_UNLOCK);
}

void test_enable(struct test_gpu *t)
{
	test_write64(t, MALI_AS_TRANSTAB(t->as), t->root);
	test_write64(t, MALI_AS_MEMATTR(t->as), TEST_MEMATTR);
	test_write64(t, MALI_AS_TRANSCFG(t->as),
		     TEST_TRANSCFG | (uint64_t)(55 - t->va_bits) << 6);
	test_command(t, MALI_AS_COMMAND_UPDATE);
}

void test_disable(struct test_gpu *t)
{
	test_write64(t, MALI_AS_TRANSTAB(t->as), 0);
	test_write64(t, MALI_AS_MEMATTR(t->as), 0);
	test_write64(t, MALI_AS_TRANSCFG(t->as), 1);
	test_command(t, MALI_AS_COMMAND_UPDATE);
}

void *test_reserve(uint64_t size_B)
{
	void *host = mmap(NULL, size_B, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(host != MAP_FAILED);
	return host;
}

struct mali_window *test_window(struct test_gpu *t, uint64_t va, void *host,
				uint64_t size_B)
{
	struct mali_window *window;

	assert_int_equal(
		mali_window_create(t->gpu, t->as, va, host, size_B, &window),
		0);
	return window;
}

struct mali_stats test_stats(struct test_gpu *t)
{
	struct mali_stats stats;

	mali_gpu_get_stats(t->gpu, &stats);
	return stats;
}

unsigned test_seconds(unsigned seconds)
{
	const char *text = getenv("PANSPARSE_TEST_SECONDS");

	return text && atoi(text) > 0 ? (unsigned)atoi(text) : seconds;
}

uint64_t test_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + ts.tv_nsec;
}
