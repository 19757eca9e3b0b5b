/* SPDX-License-Identifier: MIT */
/* Registers: identification, interrupts, commands, lock regions, clocks. */
#include <errno.h>

#include "mali_test.h"

#define FLUSH_ALL 0x00023304

static uint32_t rd(struct test_gpu *t, uint32_t reg)
{
	return mali_gpu_read32(t->gpu, reg);
}

static void wr(struct test_gpu *t, uint32_t reg, uint32_t value)
{
	mali_gpu_write32(t->gpu, reg, value);
}

static void test_bad_config(void **state)
{
	const struct mali_dram_config dram_config = {.size_B = MiB(2)};
	struct mali_gpu_config good = {
		.va_bits = 48, .pa_bits = 40, .as_present = 0xff};
	struct mali_gpu_config bad[6];
	struct mali_gpu *gpu = NULL;
	struct mali_dram *dram;

	assert_int_equal(mali_dram_create(&dram_config, &dram), 0);
	good.dram = dram;
	for (unsigned i = 0; i < 6; i++)
		bad[i] = good;
	bad[0].dram = NULL;
	bad[1].va_bits = 32;
	bad[2].va_bits = 49;
	bad[3].pa_bits = 39;
	bad[4].as_present = 0;
	bad[5].pa_bits = 52;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(mali_gpu_create(&bad[i], &gpu), -EINVAL);
	assert_null(gpu);
	mali_gpu_destroy(NULL);
	assert_int_equal(mali_gpu_create(&good, &gpu), 0);
	mali_gpu_destroy(gpu);
	mali_dram_destroy(dram);

	/* DRAM that the physical addresses cannot reach. */
	assert_int_equal(
		mali_dram_create(&(struct mali_dram_config){GiB(8)}, &dram), 0);
	good.dram = dram;
	good.pa_bits = 32;
	assert_int_equal(mali_gpu_create(&good, &gpu), -EINVAL);
	mali_dram_destroy(dram);
}

static void test_identification(void **state)
{
	static const struct {
		uint32_t reg, value;
	} expect[] = {
		{MALI_GPU_ID, 0xa8670005},
		{MALI_GPU_L2_FEATURES, 0x07120306},
		{MALI_GPU_TILER_FEATURES, 0x809},
		{MALI_GPU_MEM_FEATURES, 0x301},
		{MALI_GPU_MMU_FEATURES, 0x2830},
		{MALI_GPU_AS_PRESENT, 0xff},
		{MALI_GPU_CSF_ID, 0x040a0412},
		{MALI_GPU_SHADER_PRESENT, 0x50005},
		{MALI_GPU_SHADER_PRESENT + 4, 0},
		{MALI_GPU_L2_PRESENT, 1},
		{MALI_GPU_TILER_PRESENT, 1},
		{MALI_GPU_COHERENCY_FEATURES, 0},
		{MALI_GPU_COHERENCY_PROTOCOL, 31},
		{MALI_GPU_STATUS, 0},
		{0x7ffc, 0},
		{0xfffffffc, 0},
	};
	struct test_gpu t;

	test_gpu_init(&t, NULL);
	for (unsigned i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		assert_int_equal(rd(&t, expect[i].reg), expect[i].value);
		/* None of them can be written. */
		wr(&t, expect[i].reg, 0x1234);
		assert_int_equal(rd(&t, expect[i].reg), expect[i].value);
	}
	test_gpu_finish(&t);
}

/* -------------------------------------------------------- interrupts -- */

static unsigned raised[MALI_IRQ_COUNT];

static void count_irq(void *data, enum mali_irq line)
{
	((unsigned *)data)[line]++;
}

static void test_irq_level(void **state)
{
	const uint32_t done = MALI_GPU_IRQ_CLEAN_CACHES_COMPLETED;
	struct test_gpu t;

	test_gpu_init(&t, NULL);
	raised[MALI_IRQ_GPU] = 0;
	mali_gpu_set_irq_handler(t.gpu, count_irq, raised);

	/* Masked: RAWSTAT only. */
	wr(&t, MALI_GPU_CMD, FLUSH_ALL);
	assert_int_equal(rd(&t, MALI_GPU_INT_RAWSTAT), done);
	assert_int_equal(rd(&t, MALI_GPU_INT_STAT), 0);
	assert_int_equal(raised[MALI_IRQ_GPU], 0);
	/* Unmasking a pending one makes the line active. */
	wr(&t, MALI_GPU_INT_MASK, done | MALI_GPU_IRQ_RESET_COMPLETED);
	assert_int_equal(rd(&t, MALI_GPU_INT_MASK),
			 done | MALI_GPU_IRQ_RESET_COMPLETED);
	assert_int_equal(raised[MALI_IRQ_GPU], 1);
	assert_int_equal(rd(&t, MALI_GPU_INT_STAT), done);
	/* While it is active nothing is raised again. */
	wr(&t, MALI_GPU_CMD, FLUSH_ALL);
	wr(&t, MALI_GPU_INT_MASK, done);
	assert_int_equal(raised[MALI_IRQ_GPU], 1);
	wr(&t, MALI_GPU_INT_CLEAR, done);
	assert_int_equal(rd(&t, MALI_GPU_INT_RAWSTAT), 0);
	wr(&t, MALI_GPU_CMD, FLUSH_ALL);
	assert_int_equal(raised[MALI_IRQ_GPU], 2);
	/* STAT and RAWSTAT cannot be written. */
	wr(&t, MALI_GPU_INT_STAT, 0);
	wr(&t, MALI_GPU_INT_RAWSTAT, 0);
	assert_int_equal(rd(&t, MALI_GPU_INT_STAT), done);
	/* Unknown commands do nothing. */
	wr(&t, MALI_GPU_INT_CLEAR, ~0u);
	wr(&t, MALI_GPU_CMD, 0);
	wr(&t, MALI_GPU_CMD, 0x7f);
	assert_int_equal(rd(&t, MALI_GPU_INT_RAWSTAT), 0);
	test_gpu_finish(&t);
}

static void test_flush_id(void **state)
{
	struct test_gpu t;
	uint32_t id;

	test_gpu_init(&t, NULL);
	id = rd(&t, MALI_USER_LATEST_FLUSH_ID);
	assert_int_not_equal(id, 0);
	for (unsigned i = 1; i <= 5; i++) {
		wr(&t, MALI_GPU_CMD, FLUSH_ALL);
		assert_int_equal(rd(&t, MALI_USER_LATEST_FLUSH_ID), id + i);
		assert_int_equal(test_stats(&t).flushes, i);
	}
	test_command(&t, MALI_AS_COMMAND_FLUSH_MEM);
	test_command(&t, MALI_AS_COMMAND_FLUSH_PT);
	assert_int_equal(test_stats(&t).flushes, 7);
	test_gpu_finish(&t);
}

/* ------------------------------------------------------ AS registers -- */

static void test_as_latches(void **state)
{
	static const uint32_t regs[] = {MALI_AS_TRANSTAB(2), MALI_AS_MEMATTR(2),
					MALI_AS_LOCKADDR(2),
					MALI_AS_TRANSCFG(2)};
	struct test_gpu t;

	test_gpu_init(&t, NULL);
	for (unsigned i = 0; i < 4; i++) {
		test_write64(&t, regs[i], 0x1122334455667788ull + i);
		/* A slot that does not exist. */
		test_write64(&t, regs[i] + 0x40 * 7, 77);
		assert_int_equal(test_read64(&t, regs[i] + 0x40 * 7), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(test_read64(&t, regs[i]),
				 0x1122334455667788ull + i);
		assert_int_equal(test_read64(&t, regs[i] + 0x40), i == 3);
	}
	/* The fault registers cannot be written. */
	test_write64(&t, MALI_AS_FAULTADDRESS(2), 99);
	wr(&t, MALI_AS_FAULTSTATUS(2), 99);
	assert_int_equal(test_read64(&t, MALI_AS_FAULTADDRESS(2)), 0);
	assert_int_equal(rd(&t, MALI_AS_FAULTSTATUS(2)), 0);
	assert_int_equal(rd(&t, MALI_AS_STATUS(2)), 0);
	assert_int_equal(rd(&t, MALI_AS_FAULTEXTRA(2)), 0);
	test_gpu_finish(&t);
}

/* TRANSTAB means nothing before UPDATE. */
static void test_update(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	volatile uint32_t *host;
	uint64_t pa, first;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, 8192);
	*(uint32_t *)test_cpu(&t, pa) = 1;
	*(uint32_t *)test_cpu(&t, pa + 4096) = 2;
	test_map(&t, 0, pa, 4096, TEST_RW);
	host = test_reserve(4096);
	window = test_window(&t, 0, (void *)host, 4096);
	assert_int_equal(host[0], 1);

	first = t.root;
	t.root = test_pages(&t, 4096);
	test_map(&t, 0, pa + 4096, 4096, TEST_RW);
	test_write64(&t, MALI_AS_TRANSTAB(TEST_AS), t.root);
	test_lock(&t, 0, 4096);
	test_unlock(&t);
	assert_int_equal(host[0], 1);
	test_command(&t, MALI_AS_COMMAND_UPDATE);
	assert_int_equal(host[0], 2);

	mali_window_destroy(window);
	mali_dram_free(t.dram, t.root, 4096);
	t.root = first;
	mali_dram_free(t.dram, pa, 8192);
	test_gpu_finish(&t);
}

static void test_lock_regions(void **state)
{
	/* What a driver wants locked, the register, and the block it names. */
	static const struct {
		uint64_t start, size_B, lockaddr, block_B;
	} cases[] = {
		{0x1000000, KiB(4), 0x100000e, KiB(32)},
		{0x200000, MiB(2), 0x200014, MiB(2)},
		{0x1ff000, KiB(8), 0x15, MiB(4)},
		{(1ull << 39) - KiB(4), KiB(8), 0x27, 1ull << 40},
		{(1ull << 46) - KiB(4), KiB(8), 0x2e, 1ull << 47},
		{0, 1ull << 48, 0x2f, 1ull << 48},
		/* Bit 14 of the start is below the block: it is ignored. */
		{0x4000, KiB(4), 0x400e, KiB(32)},
		{0, 0, 0x3f, 1ull << 48}, /* wider than the address space */
		{0, 0, 0x0, KiB(32)},	  /* narrower than the least */
	};
	struct mali_stats before, after;
	struct test_gpu t;

	test_gpu_init(&t, NULL);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].size_B)
			assert_int_equal(
				test_lockaddr(cases[i].start, cases[i].size_B),
				cases[i].lockaddr);
		before = test_stats(&t);
		test_write64(&t, MALI_AS_LOCKADDR(TEST_AS), cases[i].lockaddr);
		test_command(&t, MALI_AS_COMMAND_LOCK);
		after = test_stats(&t);
		assert_int_equal(after.locked_B - before.locked_B,
				 cases[i].block_B);
		assert_int_equal(after.locks - before.locks, 1);
		test_command(&t, MALI_AS_COMMAND_UNLOCK);
	}
	test_gpu_finish(&t);
}

/* LOCK drops exactly the block: its neighbours stay in the TLB. */
static void test_lock_block_edges(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	char *host;
	uint64_t pa;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, KiB(128));
	test_map(&t, MiB(2), pa, KiB(128), TEST_RW);
	host = test_reserve(KiB(128));
	window = test_window(&t, MiB(2), host, KiB(128));
	*(volatile char *)host = 1;
	test_lock(&t, MiB(2) + KiB(36), KiB(4));
	assert_int_equal(test_stats(&t).entries, 2);
	*(volatile char *)(host + KiB(28)) = 1;
	*(volatile char *)(host + KiB(64)) = 1;
	assert_int_equal(test_stats(&t).misses, 1);
	test_unlock(&t);
	*(volatile char *)(host + KiB(60)) = 1;
	assert_int_equal(test_stats(&t).misses, 2);
	*(volatile char *)(host + KiB(32)) = 1;
	assert_int_equal(test_stats(&t).misses, 2);
	mali_window_destroy(window);
	mali_dram_free(t.dram, pa, KiB(128));
	test_gpu_finish(&t);
}

static void test_reset(void **state)
{
	struct mali_window *window;
	struct test_gpu t;
	volatile char *host;
	uint64_t pa;

	test_gpu_init(&t, NULL);
	pa = test_pages(&t, 4096);
	test_map(&t, 0, pa, 4096, TEST_RW);
	host = test_reserve(4096);
	window = test_window(&t, 0, (void *)host, 4096);
	host[0] = 5;
	raised[MALI_IRQ_GPU] = 0;
	mali_gpu_set_irq_handler(t.gpu, count_irq, raised);
	wr(&t, MALI_MMU_INT_MASK, 0xff);
	wr(&t, MALI_GPU_INT_MASK, MALI_GPU_IRQ_RESET_COMPLETED);
	for (unsigned i = 0; i < 2; i++) {
		wr(&t, MALI_GPU_CMD,
		   i ? MALI_GPU_CMD_HARD_RESET : MALI_GPU_CMD_SOFT_RESET);
		assert_int_equal(raised[MALI_IRQ_GPU], 1 + i);
		assert_int_equal(rd(&t, MALI_GPU_INT_STAT),
				 MALI_GPU_IRQ_RESET_COMPLETED);
		wr(&t, MALI_GPU_INT_CLEAR, MALI_GPU_IRQ_RESET_COMPLETED);
	}
	assert_int_equal(rd(&t, MALI_MMU_INT_MASK), 0);
	assert_int_equal(test_read64(&t, MALI_AS_TRANSTAB(TEST_AS)), 0);
	assert_int_equal(test_stats(&t).entries, 0);
	test_enable(&t);
	assert_int_equal(host[0], 5);
	mali_window_destroy(window);
	mali_dram_free(t.dram, pa, 4096);
	test_gpu_finish(&t);
}

static void test_clocks(void **state)
{
	struct test_gpu t;
	uint64_t a, b;

	test_gpu_init(&t, NULL);
	a = test_read64(&t, MALI_GPU_TIMESTAMP);
	b = test_read64(&t, MALI_GPU_TIMESTAMP);
	assert_true(b >= a && b - a < 1000000000u);
	test_write64(&t, MALI_GPU_TIMESTAMP_OFFSET, 1ull << 40);
	b = test_read64(&t, MALI_GPU_TIMESTAMP);
	assert_true(b - a >= 1ull << 40 && b - a < 1ull << 41);
	a = test_read64(&t, MALI_GPU_CYCLE_COUNT);
	b = test_read64(&t, MALI_GPU_CYCLE_COUNT);
	assert_true(b >= a && b < 60000000000ull);
	test_gpu_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_identification),
		cmocka_unit_test(test_irq_level),
		cmocka_unit_test(test_flush_id),
		cmocka_unit_test(test_as_latches),
		cmocka_unit_test(test_update),
		cmocka_unit_test(test_lock_regions),
		cmocka_unit_test(test_lock_block_edges),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
