/* SPDX-License-Identifier: MIT */
/* Instructions, one by one and together, and how streams fail. */
#include <stdatomic.h>
#include <string.h>

#include "cs_test.h"

#define BUS_FAULT 0x48
#define INSTR_INVALID 0x49
#define CALL_STACK_OVERFLOW 0x4a

#define COUNT(words) (sizeof(words) / sizeof((words)[0]))
#define RUN(c, words, info) cs_run_buffer(c, words, COUNT(words), 5000, info)

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

/* What the registers hold at the end is stored, so that it can be seen. */
#define DATA_IN_R80 CS_MOVE(80, CS_DATA_VA)

static void test_arithmetic(void **state)
{
	struct cs_test *c = *state;
	const uint64_t words[] = {
		DATA_IN_R80,
		CS_MOVE32(0, 7),
		CS_ADD32(1, 0, -9),	       /* -2 */
		CS_MOVE(2, 0xabcdffffffffull), /* pair 2:3 */
		CS_ADD64(4, 2, 1),	       /* carries */
		CS_ADD64(6, 4, -1),	       /* and borrows */
		CS_UMIN32(8, 0, 1),	       /* unsigned */
		CS_UMIN32(9, 1, 0),
		CS_NOP,
		CS_WAIT_ALL,
		CS_STORE(0, 80, 0x3ff, 0),
	};
	const uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint32_t expected[] = {7,	     -2u,	 0xffffffff, 0xabcd, 0,
				     0xabce, 0xffffffff, 0xabcd,     7,	     7};

	assert_int_equal(RUN(c, words, NULL), 0);
	assert_memory_equal(data, expected, sizeof(expected));
}

static void test_load_store(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t words[] = {
		CS_MOVE(80, CS_DATA_VA + 0x100),
		CS_MOVE32(11, 0x11111111),
		/* Holes in the mask are holes in registers and in memory. */
		CS_LOAD(10, 80, 0x8005, -0x100),
		CS_STORE(10, 80, 0x8007, 0x20),
	};

	memset(data, 0x55, 0x1000);
	data[0] = 1;
	data[1] = 2;
	data[2] = 3;
	data[15] = 4;
	assert_int_equal(RUN(c, words, NULL), 0);
	data += (0x100 + 0x20) / 4;
	assert_int_equal(data[0], 1);
	assert_int_equal(data[1], 0x11111111);
	assert_int_equal(data[2], 3);
	assert_int_equal(data[3], 0x55555555);
	assert_int_equal(data[15], 4);
}

/* Every condition, against a negative value, zero and a positive one. */
static void test_branch(void **state)
{
	struct cs_test *c = *state;
	static const struct {
		unsigned condition;
		bool taken[3];
	} table[] = {
		{CS_LEQUAL, {true, true, false}},
		{CS_GREATER, {false, false, true}},
		{CS_EQUAL, {false, true, false}},
		{CS_NEQUAL, {true, false, true}},
		{CS_LESS, {true, false, false}},
		{CS_GEQUAL, {false, true, true}},
		{CS_ALWAYS, {true, true, true}},
	};

	for (unsigned i = 0; i < COUNT(table); i++) {
		for (int value = -1; value <= 1; value++) {
			const uint64_t words[] = {
				DATA_IN_R80,
				CS_MOVE32(0, value),
				CS_MOVE32(1, 1),
				CS_BRANCH(0, table[i].condition, 1),
				CS_MOVE32(1, 0),
				CS_STORE(1, 80, 1, 0),
			};

			assert_int_equal(RUN(c, words, NULL), 0);
			assert_int_equal(*cs_data(c, CS_DATA_VA),
					 table[i].taken[value + 1]);
		}
	}
}

/* Copies 64 words with a counted loop. */
static void test_loop(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t words[] = {
		CS_MOVE(0, CS_DATA_VA),
		CS_MOVE(2, CS_DATA_VA + 0x1000),
		CS_MOVE32(4, 64),
		CS_LOAD(8, 0, 1, 0),
		CS_STORE(8, 2, 1, 0),
		CS_ADD64(0, 0, 4),
		CS_ADD64(2, 2, 4),
		CS_ADD32(4, 4, -1),
		CS_BRANCH(4, CS_GREATER, -6),
	};

	for (unsigned i = 0; i < 65; i++)
		data[i] = 0x1000 + i;
	memset(data + 1024, 0, 4096);
	assert_int_equal(RUN(c, words, NULL), 0);
	assert_memory_equal(data, data + 1024, 256);
	assert_int_equal(data[1024 + 64], 0);
}

/* A buffer calls another, which jumps to a third; then the first goes on. */
static void test_call_jump(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t second[] = {
		CS_MOVE32(1, 2),  CS_MOVE(20, CS_DATA_VA + 0x2000),
		CS_MOVE32(22, 8), CS_JUMP(20, 22),
		CS_MOVE32(2, 99), /* never */
	};
	const uint64_t third[] = {CS_MOVE32(3, 3)};
	const uint64_t words[] = {
		DATA_IN_R80,
		CS_MOVE32(0, 1),
		CS_MOVE(20, CS_DATA_VA + 0x1000),
		CS_MOVE32(22, sizeof(second)),
		CS_CALL(20, 22),
		CS_MOVE32(22, 0),
		CS_CALL(20, 22), /* of nothing */
		CS_MOVE32(4, 4),
		CS_STORE(0, 80, 0x1f, 0),
	};
	const uint32_t expected[] = {1, 2, 0, 3, 4};

	memcpy(data + 0x400, second, sizeof(second));
	memcpy(data + 0x800, third, sizeof(third));
	assert_int_equal(RUN(c, words, NULL), 0);
	assert_memory_equal(data, expected, sizeof(expected));
}

static void test_call_depth(void **state)
{
	struct cs_test *c = *state;
	/* Calls itself, and counts how often. */
	const uint64_t words[] = {
		DATA_IN_R80,
		CS_ADD32(0, 0, 1),
		CS_STORE(0, 80, 1, 0),
		CS_CALL(92, 94),
	};
	uint64_t info;

	assert_int_equal(RUN(c, words, &info), CALL_STACK_OVERFLOW);
	assert_int_equal(info, CS_CODE_VA + 24);
	assert_int_equal(*cs_data(c, CS_DATA_VA), 7);
}

static void test_sync_objects(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t words[] = {
		CS_MOVE(80, CS_DATA_VA),
		CS_MOVE(82, CS_DATA_VA + 16),
		CS_MOVE(0, 0x100000001ull),
		CS_SYNC_ADD64(80, 0, 0),
		CS_SYNC_ADD64(80, 0, 0),
		CS_SYNC_WAIT64(80, 0, CS_GREATER),
		CS_SYNC_SET32(82, 0, 0),
		CS_SYNC_ADD32(82, 0, 0),
		CS_SYNC_WAIT32(82, 0, CS_GREATER),
		CS_MOVE(84, CS_DATA_VA + 32),
		CS_SYNC_SET64(84, 0, 0),
		CS_SYNC_WAIT64(84, 0, CS_LEQUAL),
	};

	memset(data, 0, 64);
	data[5] = 0x77;
	assert_int_equal(RUN(c, words, NULL), 0);
	assert_int_equal(data[0], 2);
	assert_int_equal(data[1], 2);
	assert_int_equal(data[4], 2);
	assert_int_equal(data[5], 0x77); /* no error, no status */
	assert_int_equal(data[8], 1);
	assert_int_equal(data[9], 1);
}

/* An object with an error in its status word hands it on to later ones. */
static void test_error_propagates(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t words[] = {
		CS_MOVE(80, CS_DATA_VA),
		CS_MOVE(82, CS_DATA_VA + 16),
		CS_MOVE32(0, 1),
		CS_SYNC_WAIT32(80, 0, CS_LEQUAL) | 1, /* rejects errors */
		CS_SYNC_ADD32(82, 0, 1),	      /* hands them on */
		CS_MOVE(84, CS_DATA_VA + 64),
		CS_STORE_STATE(84, 3),
		CS_ERROR_BARRIER,
		CS_MOVE(82, CS_DATA_VA + 32),
		CS_SYNC_ADD32(82, 0, 1),
	};

	memset(data, 0, 128);
	data[1] = 1;
	assert_int_equal(RUN(c, words, NULL), 0);
	assert_int_equal(atomic_load(cs_cs_output(c, 0, 0, 0x80)), 0x4b);
	assert_int_equal(cs_shared64(cs_cs_output(c, 0, 0, 0x88)), CS_DATA_VA);
	assert_int_equal(data[4], 1);
	assert_int_equal(data[5], 1);
	assert_int_equal(data[16], 1);
	assert_int_equal(data[8], 1);
	assert_int_equal(data[9], 0);
}

static void test_state_and_flush(void **state)
{
	struct cs_test *c = *state;
	uint32_t before = mali_gpu_read32(c->t.gpu, MALI_USER_LATEST_FLUSH_ID);
	uint64_t now = test_now_ns(), stored;
	const uint64_t words[] = {DATA_IN_R80, CS_STORE_STATE(80, 0),
				  CS_FLUSH(0)};

	assert_int_equal(RUN(c, words, NULL), 0);
	memcpy(&stored, cs_data(c, CS_DATA_VA), 8);
	assert_true(stored >= now && stored <= test_now_ns());
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_USER_LATEST_FLUSH_ID),
			 before + 1);
}

/* Instructions that have no effect here: they must not be taken for others. */
static void test_accepted(void **state)
{
	static const unsigned opcodes[] = {0,  3,  4,  5,  6,  7,  8,
					   9,  11, 23, 24, 25, 34, 41,
					   42, 43, 44, 48, 49, 50};
	uint64_t words[COUNT(opcodes) + 3];
	struct cs_test *c = *state;
	unsigned n = 0;

	words[n++] = DATA_IN_R80;
	words[n++] = CS_MOVE32(0, 42);
	for (unsigned i = 0; i < COUNT(opcodes); i++)
		words[n++] = CS_OP(opcodes[i]);
	words[n++] = CS_STORE(0, 80, 1, 0);
	*cs_data(c, CS_DATA_VA) = 0;
	assert_int_equal(cs_run_buffer(c, words, n, 5000, NULL), 0);
	assert_int_equal(*cs_data(c, CS_DATA_VA), 42);
}

/* Each of these is the second instruction, and not a valid one. */
static void test_invalid(void **state)
{
	static const uint64_t table[] = {
		CS_OP(10),
		CS_OP(12),
		CS_OP(19),
		CS_OP(26),
		CS_OP(35),
		CS_OP(54),
		CS_OP(255),
		CS_MOVE(96, 0),
		CS_MOVE(1, 0), /* an odd pair */
		CS_MOVE32(96, 0),
		CS_ADD32(96, 0, 0),
		CS_ADD32(0, 96, 0),
		CS_ADD64(0, 1, 0),
		CS_ADD64(1, 0, 0),
		CS_UMIN32(0, 96, 0),
		CS_UMIN32(0, 0, 96),
		CS_UMIN32(96, 0, 0),
		CS_LOAD(95, 80, 2, 0), /* register 96 */
		CS_LOAD(0, 81, 1, 0),
		CS_LOAD(0, 80, 1, 2), /* misaligned */
		CS_BRANCH(96, CS_ALWAYS, 0),
		CS_BRANCH(0, 7, 0),
		CS_CALL(81, 0),
		CS_CALL(80, 96),
		CS_CALL(82, 84), /* address 4 */
		CS_CALL(80, 82), /* length 4 */
		CS_FLUSH(96),
		CS_SYNC_ADD32(81, 0, 0),
		CS_SYNC_ADD32(80, 96, 0),
		CS_SYNC_ADD64(80, 1, 0),
		CS_SYNC_ADD64(82, 0, 0), /* address 4 */
		CS_SYNC_WAIT32(80, 0, CS_EQUAL),
		CS_SYNC_WAIT64(82, 0, CS_GREATER),
		CS_STORE_STATE(82, 0),
		CS_STORE_STATE(81, 0),
	};
	struct cs_test *c = *state;

	for (unsigned i = 0; i < COUNT(table); i++) {
		const uint64_t words[] = {CS_MOVE(82, 4), table[i]};
		uint64_t info = 0;

		assert_int_equal(RUN(c, words, &info), INSTR_INVALID);
		assert_int_equal(info, CS_CODE_VA + 8);
	}
}

/* The fault is in the MMU's registers, and the stream says where it was. */
static void expect_fault(struct cs_test *c, const uint64_t *words,
			 unsigned count, uint64_t va, uint32_t exception,
			 uint32_t access)
{
	uint64_t info = 0;
	uint32_t status;

	assert_int_equal(cs_run_buffer(c, words, count, 5000, &info),
			 BUS_FAULT);
	assert_int_equal(info, va);
	status = mali_gpu_read32(c->t.gpu, MALI_AS_FAULTSTATUS(TEST_AS));
	assert_int_equal(status & 0xff, exception);
	assert_int_equal(status >> 8 & 3, access);
	assert_int_equal(status >> 16, 0x8000); /* group 0, stream 0 */
	assert_int_equal(test_read64(&c->t, MALI_AS_FAULTADDRESS(TEST_AS)), va);
	mali_gpu_write32(c->t.gpu, MALI_MMU_INT_CLEAR, 1u << TEST_AS);
}

static void test_faults(void **state)
{
	struct cs_test *c = *state;
	const uint64_t load[] = {CS_MOVE(0, CS_NOWHERE_VA),
				 CS_LOAD(2, 0, 4, 0)};
	const uint64_t store[] = {CS_MOVE(0, CS_RO_VA), CS_STORE(2, 0, 1, 0)};
	const uint64_t sync[] = {CS_MOVE(0, CS_RO_VA), CS_SYNC_ADD32(0, 2, 0)};
	const uint64_t wait[] = {CS_MOVE(0, CS_NOWHERE_VA),
				 CS_SYNC_WAIT64(0, 2, CS_GREATER)};
	const uint64_t call[] = {CS_MOVE(0, CS_NOWHERE_VA), CS_MOVE32(2, 8),
				 CS_CALL(0, 2)};
	const uint64_t fine[] = {CS_MOVE(0, CS_RO_VA), CS_LOAD(2, 0, 1, 0)};

	expect_fault(c, load, COUNT(load), CS_NOWHERE_VA + 8, 0xc3,
		     MALI_ACCESS_READ);
	expect_fault(c, store, COUNT(store), CS_RO_VA, 0xcb, MALI_ACCESS_WRITE);
	expect_fault(c, sync, COUNT(sync), CS_RO_VA, 0xcb, MALI_ACCESS_ATOMIC);
	expect_fault(c, wait, COUNT(wait), CS_NOWHERE_VA, 0xc3,
		     MALI_ACCESS_READ);
	expect_fault(c, call, COUNT(call), CS_NOWHERE_VA, 0xc3,
		     MALI_ACCESS_READ);
	assert_int_equal(RUN(c, fine, NULL), 0);
}

/* A load that crosses into the page behind stores what it got until then. */
static void test_partial_load(void **state)
{
	struct cs_test *c = *state;
	const uint64_t words[] = {
		CS_MOVE(0, CS_DATA_VA + CS_AREA_B - 8),
		CS_STORE(10, 0, 0xf, 0),
	};
	uint64_t info;

	assert_int_equal(RUN(c, words, &info), BUS_FAULT);
	assert_int_equal(info, CS_DATA_VA + CS_AREA_B);
	mali_gpu_write32(c->t.gpu, MALI_MMU_INT_CLEAR, 1u << TEST_AS);
}

/* -------------------------------------------------------------- observers -- */

struct seen {
	struct mali_stream_access accesses[32];
	_Atomic unsigned count;
};

static void see(void *data, const struct mali_stream_access *access)
{
	struct seen *seen = data;
	unsigned index = atomic_fetch_add(&seen->count, 1);

	if (index < COUNT(seen->accesses))
		seen->accesses[index] = *access;
}

/* What was called is seen, instruction by instruction; the ring is not. */
static void test_observed(void **state)
{
	struct cs_test *c = *state;
	uint32_t *data = cs_data(c, CS_DATA_VA);
	const uint64_t words[] = {
		DATA_IN_R80,
		CS_LOAD(0, 80, 1, 0),
		CS_STORE(0, 80, 1, 4),
		CS_MOVE32(2, 5),
		CS_SYNC_ADD32(80, 2, 0),
	};
	static struct seen seen;
	const struct mali_stream_access *access = seen.accesses;

	data[0] = 7;
	mali_gpu_observe_streams(c->t.gpu, see, &seen);
	assert_int_equal(RUN(c, words, NULL), 0);
	assert_int_equal(seen.count, COUNT(words) + 3);
	for (unsigned i = 0; i < seen.count; i++) {
		assert_int_equal(access[i].root, c->t.root);
		assert_int_equal(access[i].ring_va, CS_RING_VA(0));
		assert_true(access[i].ring_at && access[i].ring_at % 8 == 0);
	}
	assert_int_equal(access[0].size_B, 8);
	assert_int_equal(access[0].before, words[0]);
	assert_true(access[0].loads && !access[0].stores);
	assert_int_equal(access[2].va, CS_DATA_VA);
	assert_int_equal(access[2].size_B, 4);
	assert_int_equal(access[2].before, 7);
	assert_int_equal(access[4].va, CS_DATA_VA + 4);
	assert_true(!access[4].loads && access[4].stores);
	assert_int_equal(access[4].after, 7);
	assert_true(access[7].loads && access[7].stores);
	assert_int_equal(access[7].before, 7);
	assert_int_equal(access[7].after, 12);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_arithmetic),	    TEST(test_load_store),
		TEST(test_branch),	    TEST(test_loop),
		TEST(test_call_jump),	    TEST(test_call_depth),
		TEST(test_sync_objects),    TEST(test_error_propagates),
		TEST(test_state_and_flush), TEST(test_accepted),
		TEST(test_invalid),	    TEST(test_faults),
		TEST(test_partial_load),
		TEST(test_observed),
	};

	return cmocka_run_group_tests_name("mali cs", tests, NULL, NULL);
}
