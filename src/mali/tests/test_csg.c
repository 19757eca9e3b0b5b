/* SPDX-License-Identifier: MIT */
/* Group slots: their states, what they tell, and several of them at once. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "cs_test.h"

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

#define CS_TILER_OOM (1u << 26)
#define CSG_SYNC_UPDATE (1u << 28)
#define CSG_IDLE (1u << 29)
#define CSG_PROGRESS_TIMER_EVENT (1u << 31)
#define GLB_INPUT(c) (c), atomic_load(cs_shared((c), CS_SHARED_VA + 0x8))
#define GLB_OUTPUT(c) (c), atomic_load(cs_shared((c), CS_SHARED_VA + 0xc))

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

static _Atomic uint32_t *data_word(struct cs_test *c, unsigned index)
{
	return (_Atomic uint32_t *)cs_data(c, CS_DATA_VA) + index;
}

/* A buffer at CS_CODE_VA + @at that counts in data word @index, for ever. */
static void put_counter(struct cs_test *c, uint32_t at, unsigned index)
{
	const uint64_t words[] = {
		CS_MOVE(80, CS_DATA_VA + 4 * index),
		CS_ADD32(0, 0, 1),
		CS_STORE(0, 80, 1, 0),
		CS_BRANCH(0, CS_ALWAYS, -3),
	};

	memcpy(cs_data(c, CS_CODE_VA + at), words, sizeof(words));
}

static void call_buffer(struct cs_test *c, unsigned csg, unsigned cs,
			uint32_t at, uint32_t size_B)
{
	const uint64_t ring[] = {CS_MOVE(92, CS_CODE_VA + at),
				 CS_MOVE32(94, size_B), CS_CALL(92, 94)};

	cs_submit(c, csg, cs, ring, COUNT(ring));
}

/* The driver has seen an event: it makes the request equal. */
static void acknowledge(struct cs_test *c, unsigned csg, uint32_t event)
{
	_Atomic uint32_t *req = cs_csg_input(c, csg, 0);
	uint32_t ack = atomic_load(cs_csg_output(c, csg, 0));

	atomic_store(req, (atomic_load(req) & ~event) | (ack & event));
}

/* Firmware first says what happened, then raises the interrupt. */
static void wait_event(struct cs_test *c, unsigned csg, uint32_t event)
{
	uint32_t req = atomic_load(cs_csg_input(c, csg, 0));
	uint64_t end = test_now_ns() + 10000000000ull;

	cs_wait(cs_csg_output(c, csg, 0), event, ~req & event);
	while (!(mali_gpu_read32(c->t.gpu, MALI_JOB_INT_RAWSTAT) & 1u << csg)) {
		assert_true(test_now_ns() < end);
		sleep_ms(1);
	}
}

static void test_description(void **state)
{
	struct cs_test *c = *state;
	uint32_t control = CS_SHARED_VA + 0x1000;

	assert_int_equal(atomic_load(cs_shared(c, CS_SHARED_VA)), 0x01010000);
	assert_int_equal(atomic_load(cs_shared(c, CS_SHARED_VA + 0x10)), 8);
	assert_int_equal(atomic_load(cs_shared(c, control + 0x14)), 8);
	/* 96 registers, 8 scoreboards, compute, fragment, tiler. */
	assert_int_equal(atomic_load(cs_shared(c, control + 0x40)), 0x7085f);
	assert_true(atomic_load(cs_shared(c, control + 0xc)) >= 8 * 96 * 4);
}

/* Without the code that the driver has to load, nothing works. */
static void test_boot_without_code(void **state)
{
	struct cs_test *c = *state;
	char *code = test_cpu(&c->t, c->code_pa);

	mali_gpu_write32(c->t.gpu, MALI_MCU_CONTROL, MALI_MCU_CONTROL_DISABLE);
	while (mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS) != 0)
		sleep_ms(1);
	code[0] ^= 1;
	mali_gpu_write32(c->t.gpu, MALI_MCU_CONTROL, MALI_MCU_CONTROL_AUTO);
	while (mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS) != 3)
		sleep_ms(1);
	assert_false(mali_gpu_read32(c->t.gpu, MALI_JOB_INT_RAWSTAT) &
		     MALI_JOB_INT_GLOBAL_IF);
	code[0] ^= 1;
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	cs_boot(c);
}

/* Two streams in each of the eight slots, each counting for itself. */
static void test_all_slots_at_once(void **state)
{
	struct cs_test *c = *state;

	memset(cs_data(c, CS_DATA_VA), 0, 4096);
	for (unsigned i = 0; i < CS_TEST_GROUPS; i++) {
		cs_group_prepare(c, i, 2);
		cs_group_request(c, i, CS_START);
		for (unsigned j = 0; j < 2; j++) {
			put_counter(c, (i * 2 + j) * 32, i * 2 + j);
			call_buffer(c, i, j, (i * 2 + j) * 32, 32);
		}
	}
	for (unsigned i = 0; i < CS_TEST_GROUPS * 2; i++) {
		uint32_t seen = atomic_load(data_word(c, i));

		while (atomic_load(data_word(c, i)) <= seen + 2)
			sleep_ms(1);
	}
	for (unsigned i = 0; i < CS_TEST_GROUPS; i++)
		cs_group_request(c, i, CS_TERMINATE);
	for (unsigned i = 0; i < CS_TEST_GROUPS * 2; i++) {
		uint32_t seen = atomic_load(data_word(c, i));

		sleep_ms(1);
		assert_int_equal(atomic_load(data_word(c, i)), seen);
	}
}

/* In the middle of a loop, into another slot: all registers are kept. */
static void test_suspend_resume(void **state)
{
	struct cs_test *c = *state;
	uint64_t words[96 + 8];
	unsigned n = 0;
	uint32_t seen;

	for (unsigned i = 0; i < 96; i++)
		words[n++] = CS_MOVE32(i, 0x1000 + i);
	words[n++] = CS_MOVE(80, CS_DATA_VA);
	words[n++] = CS_MOVE(82, CS_DATA_VA + 0x1000);
	words[n++] = CS_MOVE32(84, 0);
	/* Counts until the CPU writes something else than zero. */
	words[n++] = CS_ADD32(84, 84, 1);
	words[n++] = CS_STORE(84, 80, 1, 0);
	words[n++] = CS_LOAD(85, 82, 1, 0);
	words[n++] = CS_BRANCH(85, CS_EQUAL, -4);
	words[n++] = CS_STORE(0, 80, 0xffff, 4);
	memcpy(cs_data(c, CS_CODE_VA), words, n * 8);
	memset(cs_data(c, CS_DATA_VA), 0, 0x2000);

	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	call_buffer(c, 0, 0, 0, n * 8);
	for (unsigned slot = 0; slot < 8; slot++) {
		unsigned next = (slot + 1) % 8;
		uint32_t queue = CS_QUEUE_VA(0, 0);
		_Atomic uint32_t *word;

		seen = atomic_load(data_word(c, 0));
		while (atomic_load(data_word(c, 0)) == seen)
			sleep_ms(1);
		cs_group_request(c, slot, CS_SUSPEND);
		seen = atomic_load(data_word(c, 0));
		sleep_ms(2);
		assert_int_equal(atomic_load(data_word(c, 0)), seen);

		cs_group_prepare(c, next, 1);
		/* The same buffer, ring and queue as before. */
		word = cs_csg_input(c, next, 0x40);
		atomic_store(word, CS_SUSPEND_VA(0));
		word = cs_csg_input(c, slot, 0x40);
		atomic_store(word, CS_SUSPEND_VA(0));
		atomic_store(cs_cs_input(c, next, 0, 0x30), queue);
		cs_group_request(c, next, CS_RESUME);
		cs_wait(cs_cs_output(c, next, 0, 0), 7, CS_START);
	}
	atomic_store(data_word(c, 1024), 1);
	while (!atomic_load(data_word(c, 16)))
		sleep_ms(1);
	cs_group_request(c, 0, CS_TERMINATE);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(atomic_load(data_word(c, 1 + i)), 0x1000 + i);
	assert_true(test_stats(&c->t).group_starts >= 9);
}

/* A wait that is not over survives being suspended, and is described. */
static void test_suspend_blocked(void **state)
{
	struct cs_test *c = *state;
	const uint64_t ring[] = {
		CS_MOVE(80, CS_DATA_VA),    CS_MOVE(82, CS_DATA_VA + 64),
		CS_MOVE(0, 0x200000005ull), CS_SYNC_WAIT64(80, 0, CS_GREATER),
		CS_STORE(0, 82, 1, 0),
	};

	memset(cs_data(c, CS_DATA_VA), 0, 128);
	cs_group_prepare(c, 0, 1);
	/* Before it starts, so that it is not idle for another reason first. */
	cs_submit(c, 0, 0, ring, COUNT(ring));
	cs_group_request(c, 0, CS_START);
	wait_event(c, 0, CSG_IDLE);
	acknowledge(c, 0, CSG_IDLE);
	assert_int_equal(atomic_load(cs_csg_output(c, 0, 0x18)), 1);
	cs_group_request(c, 0, CS_SUSPEND);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0x60)), 3);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0x48)),
			 1u << 31 | 1u << 30 | 1u << 24);
	assert_int_equal(cs_shared64(cs_cs_output(c, 0, 0, 0x50)), CS_DATA_VA);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0x58)), 5);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0x64)), 2);
	cs_group_request(c, 0, CS_RESUME);
	sleep_ms(5);
	assert_int_equal(atomic_load(data_word(c, 16)), 0);

	/* The CPU writes it, and tells nobody. */
	atomic_store(data_word(c, 1), 3);
	cs_wait(data_word(c, 16), UINT32_MAX, 5);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* One stream waits for what another adds, in turn, between two groups. */
static void test_ping_pong(void **state)
{
	struct cs_test *c = *state;
	uint64_t words[2][8];

	memset(cs_data(c, CS_DATA_VA), 0, 128);
	for (unsigned i = 0; i < 2; i++) {
		const uint64_t side[] = {
			CS_MOVE(80, CS_DATA_VA + 16 * i),
			CS_MOVE(82, CS_DATA_VA + 16 * !i),
			CS_MOVE32(2, 1),
			CS_SYNC_WAIT32(80, 0, CS_GREATER),
			CS_ADD32(0, 0, 1),
			CS_SYNC_ADD32(82, 2, 4), /* scope: the GPU */
			CS_ADD32(1, 0, -200),
			CS_BRANCH(1, CS_LESS, -5),
		};

		memcpy(words[i], side, sizeof(side));
		memcpy(cs_data(c, CS_CODE_VA + 64 * i), side, sizeof(side));
		cs_group_prepare(c, i, 1);
		cs_group_request(c, i, CS_START);
		call_buffer(c, i, 0, 64 * i, sizeof(side));
	}
	atomic_store(data_word(c, 0), 1);
	for (unsigned i = 0; i < 2; i++)
		cs_wait_empty(c, i, 0);
	assert_int_equal(atomic_load(data_word(c, 4)), 200);
	for (unsigned i = 0; i < 2; i++)
		cs_group_request(c, i, CS_TERMINATE);
}

static void test_sync_update(void **state)
{
	struct cs_test *c = *state;
	const uint64_t ring[] = {CS_MOVE(80, CS_DATA_VA), CS_MOVE(0, 1),
				 CS_SYNC_ADD64(80, 0, 0)};

	cs_group_prepare(c, 3, 1);
	cs_group_request(c, 3, CS_START);
	for (unsigned i = 0; i < 3; i++) {
		mali_gpu_write32(c->t.gpu, MALI_JOB_INT_CLEAR, UINT32_MAX);
		cs_submit(c, 3, 0, ring, COUNT(ring));
		wait_event(c, 3, CSG_SYNC_UPDATE);
		acknowledge(c, 3, CSG_SYNC_UPDATE);
	}
	cs_group_request(c, 3, CS_TERMINATE);
}

/* Idle is told once, and again after there was something to do. */
static void test_idle(void **state)
{
	struct cs_test *c = *state;
	const uint64_t ring[] = {CS_NOP};

	cs_group_prepare(c, 1, 2);
	cs_group_request(c, 1, CS_START);
	for (unsigned i = 0; i < 3; i++) {
		wait_event(c, 1, CSG_IDLE);
		acknowledge(c, 1, CSG_IDLE);
		cs_ring_doorbell(c);
		sleep_ms(2);
		assert_int_equal((atomic_load(cs_csg_input(c, 1, 0)) ^
				  atomic_load(cs_csg_output(c, 1, 0))) &
					 CSG_IDLE,
				 0);
		cs_submit(c, 1, i % 2, ring, 1);
	}
	cs_group_request(c, 1, CS_TERMINATE);
}

static void set_progress_timer(struct cs_test *c, uint32_t units)
{
	_Atomic uint32_t *req = cs_shared(GLB_INPUT(c));
	_Atomic uint32_t *ack = cs_shared(GLB_OUTPUT(c));

	atomic_store(req + 4, units);
	atomic_fetch_xor(req, 1u << 1);
	cs_ring_doorbell(c);
	cs_wait(ack, 1u << 1, atomic_load(req) & 1u << 1);
}

static void test_progress_timer(void **state)
{
	struct cs_test *c = *state;

	set_progress_timer(c, 2000); /* two milliseconds */
	put_counter(c, 0, 0);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	call_buffer(c, 0, 0, 0, 32);
	wait_event(c, 0, CSG_PROGRESS_TIMER_EVENT);
	cs_group_request(c, 0, CS_TERMINATE);
	set_progress_timer(c, 0);
}

/* A ring wraps around; a doorbell that only CSG requests carry is heard. */
static void test_ring_wraps(void **state)
{
	struct cs_test *c = *state;
	uint64_t ring[64];

	for (unsigned i = 0; i < 64; i++)
		ring[i] = CS_ADD32(0, 0, 1);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	for (unsigned i = 0; i < 40; i++) {
		cs_submit(c, 0, 0, ring, 64);
		cs_wait_empty(c, 0, 0);
	}
	ring[0] = CS_MOVE(80, CS_DATA_VA);
	ring[1] = CS_STORE(0, 80, 1, 0);
	/* Not its own doorbell this time. */
	atomic_store(cs_cs_input(c, 0, 0, 0x4), 77 << 8);
	cs_group_request(c, 0, CS_SUSPEND);
	cs_group_request(c, 0, CS_RESUME);
	cs_submit(c, 0, 0, ring, 2);
	atomic_fetch_xor(cs_csg_input(c, 0, 0x8), 1);
	cs_ring_doorbell(c);
	cs_wait_empty(c, 0, 0);
	assert_int_equal(atomic_load(data_word(c, 0)), 40 * 64);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* STOP and START of a stream while its group stays where it is. */
static void test_stream_stop(void **state)
{
	struct cs_test *c = *state;
	_Atomic uint32_t *req;
	uint32_t seen;

	put_counter(c, 0, 0);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	call_buffer(c, 0, 0, 0, 32);
	while (!atomic_load(data_word(c, 0)))
		sleep_ms(1);
	req = cs_cs_input(c, 0, 0, 0);
	atomic_fetch_and(req, ~7u);
	cs_ring_doorbell(c);
	cs_wait(cs_cs_output(c, 0, 0, 0), 7, 0);
	seen = atomic_load(data_word(c, 0));
	sleep_ms(2);
	assert_int_equal(atomic_load(data_word(c, 0)), seen);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* A ring that cannot be one is the stream's own problem. */
static void test_bad_ring(void **state)
{
	static const struct {
		uint32_t at, value;
	} table[] = {
		{0x10, 4},    /* base */
		{0x18, 0},    /* size */
		{0x18, 4},    /* less than an instruction */
		{0x18, 4088}, /* no power of two */
		{0x30, CS_QUEUE_VA(0, 1) + 4},
		{0x38, CS_QUEUE_VA(0, 1) + 2},
	};
	struct cs_test *c = *state;
	const uint64_t ring[] = {CS_NOP};

	for (unsigned i = 0; i < COUNT(table); i++) {
		cs_group_prepare(c, 0, 2);
		atomic_store(cs_cs_input(c, 0, 1, table[i].at), table[i].value);
		cs_group_request(c, 0, CS_START);
		assert_int_equal(cs_wait_fatal(c, 0, 1, NULL), 0x40);
		cs_submit(c, 0, 0, ring, 1);
		cs_wait_empty(c, 0, 0);
		cs_group_request(c, 0, CS_TERMINATE);
	}
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS), 1);
}

/* More than a ring holds, and a piece of an instruction. */
static void test_overfull_ring(void **state)
{
	static const uint64_t inserted[] = {CS_RING_B + 8, 12, -8ull};
	struct cs_test *c = *state;

	for (unsigned i = 0; i < COUNT(inserted); i++) {
		cs_group_prepare(c, 0, 1);
		cs_group_request(c, 0, CS_START);
		c->inserted[0][0] = inserted[i];
		cs_submit(c, 0, 0, NULL, 0);
		assert_int_equal(cs_wait_fatal(c, 0, 0, NULL), 0x40);
		cs_group_request(c, 0, CS_TERMINATE);
	}
}

/* Three passes begun, two tiled, one done; then the heap is empty. */
static void start_oom(struct cs_test *c)
{
	const uint64_t ring[] = {
		CS_MOVE(80, CS_DATA_VA), CS_MOVE(82, 0x123456789000ull),
		CS_HEAP_SET(82),	 CS_HEAP_VT_STARTED,
		CS_HEAP_VT_STARTED,	 CS_HEAP_VT_STARTED,
		CS_HEAP_VT_COMPLETED,	 CS_HEAP_VT_COMPLETED,
		CS_HEAP_FRAG_COMPLETED,	 CS_HEAP_EXHAUSTED(2),
		CS_STORE(2, 80, 3, 0),
	};

	memset(cs_data(c, CS_DATA_VA), 0x55, 64);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	cs_submit(c, 0, 0, ring, COUNT(ring));
}

static void expect_oom(struct cs_test *c)
{
	uint32_t req = atomic_load(cs_cs_input(c, 0, 0, 0));

	cs_wait(cs_cs_output(c, 0, 0, 0), CS_TILER_OOM, ~req & CS_TILER_OOM);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0xc0)), 3);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0xc4)), 2);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0xcc)), 1);
	assert_int_equal(cs_shared64(cs_cs_output(c, 0, 0, 0xd0)),
			 0x123456789000ull);
	assert_int_equal(atomic_load(data_word(c, 0)), 0x55555555);
}

static void answer_oom(struct cs_test *c, uint64_t chunk)
{
	atomic_store(cs_cs_input(c, 0, 0, 0x20), (uint32_t)chunk);
	atomic_store(cs_cs_input(c, 0, 0, 0x24), (uint32_t)(chunk >> 32));
	atomic_fetch_xor(cs_cs_input(c, 0, 0, 0), CS_TILER_OOM);
}

static void expect_answer(struct cs_test *c, uint64_t chunk)
{
	cs_wait_empty(c, 0, 0);
	assert_int_equal(cs_shared64(data_word(c, 0)), chunk);
	cs_group_request(c, 0, CS_TERMINATE);
}

static void test_tiler_oom(void **state)
{
	struct cs_test *c = *state;

	for (uint64_t chunk = 0; chunk < 2; chunk++) {
		start_oom(c);
		expect_oom(c);
		answer_oom(c, chunk << 40);
		cs_ring_doorbell(c);
		expect_answer(c, chunk << 40);
	}

	/* Never answered. */
	start_oom(c);
	expect_oom(c);
	cs_group_request(c, 0, CS_TERMINATE);
}

/* Suspended before the answer it asks again; with the answer it has it. */
static void test_tiler_oom_suspended(void **state)
{
	struct cs_test *c = *state;

	start_oom(c);
	expect_oom(c);
	cs_group_request(c, 0, CS_SUSPEND);
	/* As a driver does that forgets what came before. */
	answer_oom(c, 0x1000);
	cs_group_request(c, 0, CS_RESUME);
	expect_oom(c);
	answer_oom(c, 0x2000);
	cs_group_request(c, 0, CS_SUSPEND);
	cs_group_request(c, 0, CS_RESUME);
	expect_answer(c, 0x2000);
}

/* What HALT, PING, DISABLE and a reset do to a group that never ends. */
static void start_endless(struct cs_test *c)
{
	put_counter(c, 0, 0);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	atomic_store(data_word(c, 0), 0);
	call_buffer(c, 0, 0, 0, 32);
	while (!atomic_load(data_word(c, 0)))
		sleep_ms(1);
}

static void expect_stopped(struct cs_test *c)
{
	uint32_t seen = atomic_load(data_word(c, 0));

	sleep_ms(2);
	assert_int_equal(atomic_load(data_word(c, 0)), seen);
}

static void test_ping_halt(void **state)
{
	struct cs_test *c = *state;
	_Atomic uint32_t *req = cs_shared(GLB_INPUT(c));
	_Atomic uint32_t *ack = cs_shared(GLB_OUTPUT(c));

	start_endless(c);
	atomic_store(req + 1, 1u << 8);
	atomic_fetch_xor(req, 1u << 8);
	cs_ring_doorbell(c);
	cs_wait(ack, 1u << 8, atomic_load(req) & 1u << 8);
	while (!(mali_gpu_read32(c->t.gpu, MALI_JOB_INT_RAWSTAT) & 1u << 31))
		sleep_ms(1);
	atomic_fetch_or(req, 1);
	cs_ring_doorbell(c);
	cs_wait(ack, 1, 1);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS), 2);
	expect_stopped(c);
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	cs_boot(c);
}

static void test_reset(void **state)
{
	struct cs_test *c = *state;

	for (unsigned i = 0; i < 20; i++) {
		start_endless(c);
		mali_gpu_write32(c->t.gpu, MALI_GPU_CMD,
				 MALI_GPU_CMD_SOFT_RESET);
		assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS), 0);
		expect_stopped(c);
		cs_boot(c);
	}
}

static void test_stuck_mcu(void **state)
{
	struct cs_test *c = *state;
	_Atomic uint32_t *req = cs_shared(GLB_INPUT(c));
	_Atomic uint32_t *ack = cs_shared(GLB_OUTPUT(c));
	uint32_t before = atomic_load(ack);

	mali_gpu_inject_stuck_mcu(c->t.gpu);
	atomic_fetch_xor(req, 1u << 8);
	cs_ring_doorbell(c);
	sleep_ms(5);
	assert_int_equal(atomic_load(ack), before);
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	cs_boot(c);
	start_endless(c);
	cs_group_request(c, 0, CS_TERMINATE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_description),
		TEST(test_boot_without_code),
		TEST(test_all_slots_at_once),
		TEST(test_suspend_resume),
		TEST(test_suspend_blocked),
		TEST(test_ping_pong),
		TEST(test_sync_update),
		TEST(test_idle),
		TEST(test_progress_timer),
		TEST(test_ring_wraps),
		TEST(test_stream_stop),
		TEST(test_bad_ring),
		TEST(test_overfull_ring),
		TEST(test_tiler_oom),
		TEST(test_tiler_oom_suspended),
		TEST(test_ping_halt),
		TEST(test_reset),
		TEST(test_stuck_mcu),
	};

	return cmocka_run_group_tests_name("mali csg", tests, NULL, NULL);
}
