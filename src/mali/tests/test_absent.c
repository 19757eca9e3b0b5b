/* SPDX-License-Identifier: MIT */
/*
 * Pages that are elsewhere: accesses wait until the driver, which the test
 * plays, has brought them back. And commands that never complete.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "cs_test.h"

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))
#define ABSENT 0xf0
#define AS_BIT (1u << TEST_AS)

static int setup(void **state)
{
	static struct cs_test c;

	cs_init(&c);
	*state = &c;
	return 0;
}

static int teardown(void **state)
{
	cs_finish(*state);
	return 0;
}

static void sleep_ms(unsigned ms)
{
	struct timespec ts = {.tv_nsec = ms * 1000000l};

	nanosleep(&ts, NULL);
}

/* Under a lock, as a driver does it: bit 0 goes, all else stays. */
static void set_absent(struct cs_test *c, uint64_t va, bool absent)
{
	_Atomic uint64_t *entry = test_entry(&c->t, va, 3);

	test_lock(&c->t, va, 4096);
	if (absent)
		atomic_fetch_and(entry, ~1ull);
	else
		atomic_fetch_or(entry, 1ull);
	test_unlock(&c->t);
}

static void wait_latched(struct cs_test *c, uint64_t va, uint32_t access)
{
	uint64_t end = test_now_ns() + 10000000000ull;
	uint32_t status;

	while (!(mali_gpu_read32(c->t.gpu, MALI_MMU_INT_RAWSTAT) & AS_BIT)) {
		assert_true(test_now_ns() < end);
		sleep_ms(1);
	}
	status = mali_gpu_read32(c->t.gpu, MALI_AS_FAULTSTATUS(TEST_AS));
	assert_int_equal(status & 0xff, ABSENT);
	assert_int_equal(status >> 8 & 3, access);
	assert_int_equal(test_read64(&c->t, MALI_AS_FAULTADDRESS(TEST_AS)), va);
}

static void clear(struct cs_test *c)
{
	mali_gpu_write32(c->t.gpu, MALI_MMU_INT_CLEAR, AS_BIT);
}

/* A stream that adds to a word, and what it says when it has. */
static void submit_add(struct cs_test *c, unsigned csg, uint64_t va)
{
	const uint64_t ring[] = {CS_MOVE(80, va), CS_MOVE32(0, 5),
				 CS_SYNC_ADD32(80, 0, 0)};

	cs_group_prepare(c, csg, 1);
	cs_group_request(c, csg, CS_START);
	cs_submit(c, csg, 0, ring, COUNT(ring));
}

static void test_stream_waits(void **state)
{
	struct cs_test *c = *state;
	uint32_t *word = cs_data(c, CS_DATA_VA + 0x10);

	*word = 1;
	set_absent(c, CS_DATA_VA, true);
	submit_add(c, 0, CS_DATA_VA + 0x10);
	wait_latched(c, CS_DATA_VA + 0x10, MALI_ACCESS_ATOMIC);
	sleep_ms(2);
	assert_int_equal(*word, 1);
	/* Cleared too early: it is told once more. */
	clear(c);
	wait_latched(c, CS_DATA_VA + 0x10, MALI_ACCESS_ATOMIC);
	set_absent(c, CS_DATA_VA, false);
	clear(c);
	cs_wait_empty(c, 0, 0);
	assert_int_equal(*word, 6);
	assert_true(test_stats(&c->t).absents >= 2);
	assert_int_equal(test_stats(&c->t).faults, 0);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* While it waits, it can be suspended; the access is done when it goes on. */
static void test_suspend_while_absent(void **state)
{
	struct cs_test *c = *state;
	uint32_t *word = cs_data(c, CS_DATA_VA);
	const uint64_t load[] = {
		/* Overwrites the address that it loads from. */
		CS_MOVE(80, CS_DATA_VA + 4096 - 8),
		CS_LOAD(78, 80, 0xf, 0),
		CS_MOVE(84, CS_DATA_VA + 0x2000),
		CS_STORE(78, 84, 0xf, 0),
	};

	for (unsigned i = 0; i < 4; i++)
		word[1022 + i] = 0x100 + i;
	set_absent(c, CS_DATA_VA + 4096, true);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	cs_submit(c, 0, 0, load, COUNT(load));
	wait_latched(c, CS_DATA_VA + 4096, MALI_ACCESS_READ);
	cs_group_request(c, 0, CS_SUSPEND);
	set_absent(c, CS_DATA_VA + 4096, false);
	clear(c);
	cs_group_request(c, 0, CS_RESUME);
	cs_wait_empty(c, 0, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(word[2048 + i], 0x100 + i);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* The same while a region is locked, for every state that ends it. */
static void test_stop_while_locked(void **state)
{
	struct cs_test *c = *state;
	uint32_t *word = cs_data(c, CS_DATA_VA);

	*word = 0;
	test_lock(&c->t, CS_DATA_VA, 4096);
	submit_add(c, 0, CS_DATA_VA);
	while (!test_stats(&c->t).stalls)
		sleep_ms(1);
	cs_group_request(c, 0, CS_SUSPEND);
	cs_group_request(c, 0, CS_RESUME);
	sleep_ms(2);
	assert_int_equal(*word, 0);
	cs_group_request(c, 0, CS_TERMINATE);
	test_unlock(&c->t);
	sleep_ms(2);
	assert_int_equal(*word, 0);

	test_lock(&c->t, CS_DATA_VA, 4096);
	submit_add(c, 1, CS_DATA_VA);
	sleep_ms(2);
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	assert_int_equal(*word, 0);
	cs_boot(c);
}

/* A driver that gives up disables the address space: an ordinary fault. */
static void test_disabled_while_absent(void **state)
{
	struct cs_test *c = *state;

	set_absent(c, CS_DATA_VA, true);
	submit_add(c, 0, CS_DATA_VA);
	wait_latched(c, CS_DATA_VA, MALI_ACCESS_ATOMIC);
	test_disable(&c->t);
	assert_int_equal(cs_wait_fatal(c, 0, 0, NULL), 0x48);
	cs_group_request(c, 0, CS_TERMINATE);
	clear(c);
	test_enable(&c->t);
	set_absent(c, CS_DATA_VA, false);
}

struct toucher {
	volatile uint32_t *word;
	_Atomic uint32_t seen;
	pthread_t thread;
};

static void *touch(void *data)
{
	struct toucher *toucher = data;

	atomic_store(&toucher->seen, *toucher->word);
	return NULL;
}

/* Windows wait as streams do, all that are there, and blocks as pages. */
static void test_windows_wait(void **state)
{
	struct cs_test *c = *state;
	uint64_t block_pa = test_pages(&c->t, MiB(2)), va = MiB(64);
	void *host[2] = {test_reserve(CS_AREA_B), test_reserve(MiB(2))};
	struct mali_window *windows[2] = {
		test_window(&c->t, CS_DATA_VA, host[0], CS_AREA_B),
		test_window(&c->t, va, host[1], MiB(2)),
	};
	struct toucher touchers[4];

	/* cmocka has put its own in front since the GPU was created. */
	mali_fault_handler_ensure();
	test_map_blocks(&c->t, va, block_pa, MiB(2), TEST_RW);
	atomic_fetch_and(test_entry(&c->t, va, 2), ~1ull);
	set_absent(c, CS_DATA_VA + 4096, true);
	memset(test_cpu(&c->t, block_pa), 7, MiB(2));
	memset(cs_data(c, CS_DATA_VA), 7, CS_AREA_B);
	for (unsigned i = 0; i < 4; i++) {
		touchers[i].word =
			(uint32_t *)((char *)host[i / 2] + 4096 + 64 * i);
		atomic_store(&touchers[i].seen, 0);
		assert_int_equal(pthread_create(&touchers[i].thread, NULL,
						touch, &touchers[i]),
				 0);
	}
	sleep_ms(20);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(atomic_load(&touchers[i].seen), 0);
	set_absent(c, CS_DATA_VA + 4096, false);
	test_lock(&c->t, va, MiB(2));
	atomic_fetch_or(test_entry(&c->t, va, 2), 1ull);
	test_unlock(&c->t);
	clear(c);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(touchers[i].thread, NULL), 0);
		assert_int_equal(atomic_load(&touchers[i].seen), 0x07070707);
	}
	mali_window_destroy(windows[0]);
	mali_window_destroy(windows[1]);
	munmap(host[0], CS_AREA_B);
	munmap(host[1], MiB(2));
	atomic_store(test_entry(&c->t, va, 2), 0);
	mali_dram_free(c->t.dram, block_pa, MiB(2));
}

/* The fault registers hold one fault: an ordinary one waits for its turn. */
static void test_fault_behind_absent(void **state)
{
	struct cs_test *c = *state;
	const uint64_t load[] = {CS_MOVE(0, CS_NOWHERE_VA),
				 CS_LOAD(2, 0, 1, 0)};

	set_absent(c, CS_DATA_VA, true);
	submit_add(c, 0, CS_DATA_VA);
	wait_latched(c, CS_DATA_VA, MALI_ACCESS_ATOMIC);
	cs_group_prepare(c, 1, 1);
	cs_group_request(c, 1, CS_START);
	cs_submit(c, 1, 0, load, COUNT(load));
	sleep_ms(5);
	assert_int_equal(test_stats(&c->t).faults, 0);
	set_absent(c, CS_DATA_VA, false);
	clear(c);
	assert_int_equal(cs_wait_fatal(c, 1, 0, NULL), 0x48);
	assert_int_equal(
		mali_gpu_read32(c->t.gpu, MALI_AS_FAULTSTATUS(TEST_AS)) & 0xff,
		0xc3);
	assert_int_equal(test_read64(&c->t, MALI_AS_FAULTADDRESS(TEST_AS)),
			 CS_NOWHERE_VA);
	cs_wait_empty(c, 0, 0);
	clear(c);
	cs_group_request(c, 0, CS_TERMINATE);
	cs_group_request(c, 1, CS_TERMINATE);
}

/* Bit 0 clear is invalid whatever else is set, on a GPU that does not wait. */
static void test_feature_off(void **state)
{
	const struct test_config config = {.no_absent_stall = true};
	struct test_gpu t;
	struct mali_window *window;
	uint64_t pa;
	void *host;

	test_gpu_init(&t, &config);
	pa = test_pages(&t, 4096);
	assert_int_equal(mali_gpu_read32(t.gpu, MALI_GPU_VIRT_FEATURES), 0);
	test_map(&t, MiB(1), pa, 4096, TEST_RW);
	atomic_fetch_and(test_entry(&t, MiB(1), 3), ~1ull);
	host = test_reserve(4096);
	window = test_window(&t, MiB(1), host, 4096);
	assert_int_equal(*(volatile uint32_t *)host, 0);
	assert_int_equal(mali_gpu_read32(t.gpu, MALI_AS_FAULTSTATUS(TEST_AS)) &
				 0xff,
			 0xc3);
	mali_window_destroy(window);
	munmap(host, 4096);
	mali_dram_free(t.dram, pa, 4096);
	test_gpu_finish(&t);
}

/* The third LOCK gets stuck; then the slot hears nothing until a reset. */
static void test_stuck_as(void **state)
{
	struct cs_test *c = *state;

	mali_gpu_inject_stuck_as(c->t.gpu, TEST_AS, MALI_AS_COMMAND_LOCK, 2);
	for (unsigned i = 0; i < 2; i++) {
		test_lock(&c->t, CS_DATA_VA, 4096);
		test_unlock(&c->t);
	}
	/* Another slot's commands do not count. */
	mali_gpu_write32(c->t.gpu, MALI_AS_COMMAND(3), MALI_AS_COMMAND_LOCK);
	mali_gpu_write32(c->t.gpu, MALI_AS_COMMAND(TEST_AS),
			 MALI_AS_COMMAND_LOCK);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_AS_STATUS(TEST_AS)), 1);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_AS_STATUS(3)), 0);
	mali_gpu_write32(c->t.gpu, MALI_AS_COMMAND(TEST_AS),
			 MALI_AS_COMMAND_UNLOCK);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_AS_STATUS(TEST_AS)), 1);
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_AS_STATUS(TEST_AS)), 0);
	cs_boot(c);
	test_lock(&c->t, CS_DATA_VA, 4096);
	test_unlock(&c->t);
}

/* The page shows the register, and nobody can map it to write. */
static void test_user_page(void **state)
{
	struct cs_test *c = *state;
	int fd = mali_gpu_user_page_fd(c->t.gpu);
	const volatile uint32_t *page =
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	uint32_t id;

	assert_true(page != MAP_FAILED);
	id = *page;
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_USER_LATEST_FLUSH_ID),
			 id);
	test_lock(&c->t, CS_DATA_VA, 4096);
	test_unlock(&c->t);
	assert_int_equal(*page, id + 1);
	assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0) == MAP_FAILED);
	munmap((void *)page, 4096);
}

/*
 * Streams copy words from one page to another while a third one, this thread,
 * exchanges what the source shows: each word is one of the two values.
 */
static void test_atomicity(void **state)
{
	struct cs_test *c = *state;
	uint64_t end = test_now_ns() + test_seconds(1) * 1000000000ull;
	uint64_t pa[2] = {test_pages(&c->t, 4096), test_pages(&c->t, 4096)};
	uint64_t va = MiB(8), n = 0;
	const uint64_t code[] = {
		CS_MOVE(80, va),
		CS_MOVE(82, CS_DATA_VA),
		CS_LOAD(0, 80, 0xffff, 0),
		CS_STORE(0, 82, 0xffff, 0),
		CS_BRANCH(80, CS_ALWAYS, -3),
	};
	_Atomic uint32_t *seen = (_Atomic uint32_t *)cs_data(c, CS_DATA_VA);

	memset(test_cpu(&c->t, pa[0]), 0xa0, 4096);
	memset(test_cpu(&c->t, pa[1]), 0xb0, 4096);
	memset(cs_data(c, CS_DATA_VA), 0xa0, 4096);
	test_map(&c->t, va, pa[0], 4096, TEST_RW);
	memcpy(cs_data(c, CS_CODE_VA), code, sizeof(code));
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t ring[] = {CS_MOVE(92, CS_CODE_VA),
					 CS_MOVE32(94, sizeof(code)),
					 CS_CALL(92, 94)};

		cs_group_prepare(c, i, 1);
		cs_group_request(c, i, CS_START);
		cs_submit(c, i, 0, ring, COUNT(ring));
	}
	for (; test_now_ns() < end; n++) {
		test_lock(&c->t, va, 4096);
		/* A hole, which nobody may see. */
		test_unmap(&c->t, va, 4096);
		test_map(&c->t, va, pa[n % 2], 4096, TEST_RW);
		test_unlock(&c->t);
		for (unsigned i = 0; i < 16; i++) {
			uint32_t value = atomic_load(&seen[i]);

			assert_true(value == 0xa0a0a0a0 || value == 0xb0b0b0b0);
		}
	}
	assert_int_equal(test_stats(&c->t).faults, 0);
	for (unsigned i = 0; i < 4; i++)
		cs_group_request(c, i, CS_TERMINATE);
	test_unmap(&c->t, va, 4096);
	mali_dram_free(c->t.dram, pa[0], 4096);
	mali_dram_free(c->t.dram, pa[1], 4096);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_stream_waits),
		TEST(test_suspend_while_absent),
		TEST(test_stop_while_locked),
		TEST(test_disabled_while_absent),
		TEST(test_windows_wait),
		TEST(test_fault_behind_absent),
		cmocka_unit_test(test_feature_off),
		TEST(test_stuck_as),
		TEST(test_user_page),
		TEST(test_atomicity),
	};

	return cmocka_run_group_tests_name("mali absent", tests, NULL, NULL);
}
