/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the virtual Mali share: a GPU with one address space, and
 * the least page-table editor that can drive it. It writes descriptors from the
 * format's description and shares no code with the walker.
 */
#ifndef MALI_TEST_H
#define MALI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mali.h"
#include "mali_regs.h"

#define TEST_AS 1
#define KiB(n) ((uint64_t)(n) << 10)
#define MiB(n) ((uint64_t)(n) << 20)
#define GiB(n) ((uint64_t)(n) << 30)

/* Leaf attributes as a driver writes them for data. */
#define TEST_RW 0x0060000000000744ull
#define TEST_RO 0x00600000000007c4ull
/* Null memory, of which the address says nothing. */
#define TEST_NULL 0x00e0000000000744ull

#define TEST_TABLES_MAX 256

struct test_gpu {
	struct mali_dram *dram;
	struct mali_gpu *gpu;
	uint32_t as;
	uint64_t root;
	unsigned va_bits;
	uint64_t tables[TEST_TABLES_MAX];
	unsigned table_count;
};

struct test_config {
	uint64_t dram_B; /* 0: 64 MiB */
	uint32_t tlb_entries;
	unsigned va_bits; /* 0: 48 */
	bool dram_fragmented;
	bool no_absent_stall;
	bool null_leaves;
};

/* The AS is enabled, with empty tables. */
void test_gpu_init(struct test_gpu *t, const struct test_config *config);
/* Another address space of the same GPU, and the inverse. */
void test_gpu_share(struct test_gpu *t, const struct test_gpu *other,
		    uint32_t as);
void test_gpu_unshare(struct test_gpu *t);
/* Checks that no memory was lost on the way. */
void test_gpu_finish(struct test_gpu *t);

/* @size_B of contiguous memory, as the test's own pages. */
uint64_t test_pages(struct test_gpu *t, uint64_t size_B);
void *test_cpu(struct test_gpu *t, uint64_t pa);

/* The entry of @va at @level, with the tables above made as needed. */
_Atomic uint64_t *test_entry(struct test_gpu *t, uint64_t va, unsigned level);
/* Writes leaves without any lock: 4 KiB pages, or 2 MiB blocks. */
void test_map(struct test_gpu *t, uint64_t va, uint64_t pa, uint64_t size_B,
	      uint64_t attr);
void test_map_blocks(struct test_gpu *t, uint64_t va, uint64_t pa,
		     uint64_t size_B, uint64_t attr);
void test_unmap(struct test_gpu *t, uint64_t va, uint64_t size_B);

uint64_t test_lockaddr(uint64_t start, uint64_t size_B);
void test_write64(struct test_gpu *t, uint32_t reg, uint64_t value);
uint64_t test_read64(struct test_gpu *t, uint32_t reg);
void test_command(struct test_gpu *t, uint32_t command);
void test_lock(struct test_gpu *t, uint64_t va, uint64_t size_B);
/* Flush and UNLOCK, as the driver does. */
void test_unlock(struct test_gpu *t);
void test_enable(struct test_gpu *t);
void test_disable(struct test_gpu *t);

/* A host range for a window, and the window. */
void *test_reserve(uint64_t size_B);
struct mali_window *test_window(struct test_gpu *t, uint64_t va, void *host,
				uint64_t size_B);
struct mali_stats test_stats(struct test_gpu *t);

/* How long a stress may run: PANSPARSE_TEST_SECONDS, else @seconds. */
unsigned test_seconds(unsigned seconds);
uint64_t test_now_ns(void);

/* A small generator: every test says its seed when it fails. */
static inline uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif /* MALI_TEST_H */
