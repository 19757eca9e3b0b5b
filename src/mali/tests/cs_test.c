/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "cs_test.h"

/* Sections of the image, as its container says where they belong. */
#define CODE_VA 0x00800000u
#define SHARED_SECTION_VA 0x04000000u

#define GLB_CONTROL_GROUP_STRIDE 0x14
#define CSG_CONTROL(csg, stride)                                               \
	(SHARED_SECTION_VA + 0x1000u + (csg) * (stride))

#define CSG_STATE_MASK 7u
#define CS_FATAL (1u << 30)

#define QUEUES_B (CS_TEST_GROUPS * CS_TEST_STREAMS * 0x2000u)
#define SUSPEND_B 0x40000u

static void pause_us(unsigned us)
{
	struct timespec ts = {.tv_nsec = us * 1000l};

	nanosleep(&ts, NULL);
}

/* ---------------------------------------------------------- the machine -- */

/* The image's code, which begins where its second entry's data is named. */
static void load_code(struct cs_test *c)
{
	size_t size_B;
	const uint8_t *image = mali_firmware_image(&size_B);
	uint32_t section[6];

	/* Header, then the first section: flags, VAs, data. */
	memcpy(section, image + 20, sizeof(section));
	assert_int_equal(section[2], CODE_VA);
	memcpy(test_cpu(&c->t, c->code_pa), image + section[4],
	       section[5] - section[4]);
}

void cs_boot(struct cs_test *c)
{
	test_enable(&c->mcu);
	test_enable(&c->t);
	memset(test_cpu(&c->t, c->shared_pa), 0, CS_SHARED_B);
	mali_gpu_write32(c->t.gpu, MALI_JOB_INT_MASK, UINT32_MAX);
	mali_gpu_write32(c->t.gpu, MALI_MCU_CONTROL, MALI_MCU_CONTROL_AUTO);
	for (unsigned i = 0;; i++) {
		if (mali_gpu_read32(c->t.gpu, MALI_JOB_INT_STAT) &
		    MALI_JOB_INT_GLOBAL_IF)
			break;
		assert_true(i < 100000);
		pause_us(100);
	}
	mali_gpu_write32(c->t.gpu, MALI_JOB_INT_CLEAR, UINT32_MAX);
	assert_int_equal(mali_gpu_read32(c->t.gpu, MALI_MCU_STATUS), 1);
}

void cs_init(struct cs_test *c)
{
	cs_init_config(c, NULL);
}

void cs_init_config(struct cs_test *c, const struct test_config *config)
{
	memset(c, 0, sizeof(*c));
	test_gpu_init(&c->t, config);
	test_gpu_share(&c->mcu, &c->t, 0);
	c->code_pa = test_pages(&c->t, 4096);
	c->shared_pa = test_pages(&c->t, CS_SHARED_B);
	c->queues_pa = test_pages(&c->t, QUEUES_B);
	c->suspend_pa = test_pages(&c->t, SUSPEND_B);
	c->ring_pa =
		test_pages(&c->t, CS_RING_B * CS_TEST_GROUPS * CS_TEST_STREAMS);
	c->buffer_pa = test_pages(&c->t, CS_AREA_B);
	c->data_pa = test_pages(&c->t, CS_AREA_B);
	c->ro_pa = test_pages(&c->t, CS_AREA_B);

	test_map(&c->mcu, CODE_VA, c->code_pa, 4096, TEST_RO);
	test_map(&c->mcu, CS_SHARED_VA, c->shared_pa, CS_SHARED_B, TEST_RW);
	test_map(&c->mcu, CS_QUEUE_VA(0, 0), c->queues_pa, QUEUES_B, TEST_RW);
	test_map(&c->mcu, CS_SUSPEND_VA(0), c->suspend_pa, SUSPEND_B, TEST_RW);
	test_map(&c->t, CS_RING_VA(0), c->ring_pa,
		 CS_RING_B * CS_TEST_GROUPS * CS_TEST_STREAMS, TEST_RW);
	test_map(&c->t, CS_CODE_VA, c->buffer_pa, CS_AREA_B, TEST_RW);
	test_map(&c->t, CS_DATA_VA, c->data_pa, CS_AREA_B, TEST_RW);
	test_map(&c->t, CS_RO_VA, c->ro_pa, CS_AREA_B, TEST_RO);
	load_code(c);
	cs_boot(c);
}

void cs_finish(struct cs_test *c)
{
	mali_gpu_write32(c->t.gpu, MALI_GPU_CMD, MALI_GPU_CMD_SOFT_RESET);
	test_gpu_unshare(&c->mcu);
	mali_dram_free(c->t.dram, c->code_pa, 4096);
	mali_dram_free(c->t.dram, c->shared_pa, CS_SHARED_B);
	mali_dram_free(c->t.dram, c->queues_pa, QUEUES_B);
	mali_dram_free(c->t.dram, c->suspend_pa, SUSPEND_B);
	mali_dram_free(c->t.dram, c->ring_pa,
		       CS_RING_B * CS_TEST_GROUPS * CS_TEST_STREAMS);
	mali_dram_free(c->t.dram, c->buffer_pa, CS_AREA_B);
	mali_dram_free(c->t.dram, c->data_pa, CS_AREA_B);
	mali_dram_free(c->t.dram, c->ro_pa, CS_AREA_B);
	test_gpu_finish(&c->t);
}

/* --------------------------------------------------------- shared words -- */

_Atomic uint32_t *cs_shared(struct cs_test *c, uint64_t va)
{
	uint64_t pa;

	if (va >= CS_SUSPEND_VA(0))
		pa = c->suspend_pa + (va - CS_SUSPEND_VA(0));
	else if (va >= CS_QUEUE_VA(0, 0))
		pa = c->queues_pa + (va - CS_QUEUE_VA(0, 0));
	else
		pa = c->shared_pa + (va - CS_SHARED_VA);
	return test_cpu(&c->t, pa);
}

/* Follows the control blocks, as a driver does. */
static uint32_t csg_control(struct cs_test *c, unsigned csg)
{
	return CSG_CONTROL(
		csg, atomic_load(cs_shared(
			     c, CS_SHARED_VA + GLB_CONTROL_GROUP_STRIDE)));
}

static uint32_t cs_control(struct cs_test *c, unsigned csg, unsigned cs)
{
	uint32_t stride = atomic_load(cs_shared(c, csg_control(c, csg) + 0x18));

	return csg_control(c, csg) + 0x40 + cs * stride;
}

_Atomic uint32_t *cs_csg_input(struct cs_test *c, unsigned csg, uint32_t at)
{
	return cs_shared(c, atomic_load(cs_shared(c, csg_control(c, csg) + 4)) +
				    at);
}

_Atomic uint32_t *cs_csg_output(struct cs_test *c, unsigned csg, uint32_t at)
{
	return cs_shared(c, atomic_load(cs_shared(c, csg_control(c, csg) + 8)) +
				    at);
}

_Atomic uint32_t *cs_cs_input(struct cs_test *c, unsigned csg, unsigned cs,
			      uint32_t at)
{
	return cs_shared(
		c, atomic_load(cs_shared(c, cs_control(c, csg, cs) + 4)) + at);
}

_Atomic uint32_t *cs_cs_output(struct cs_test *c, unsigned csg, unsigned cs,
			       uint32_t at)
{
	return cs_shared(
		c, atomic_load(cs_shared(c, cs_control(c, csg, cs) + 8)) + at);
}

uint64_t cs_shared64(_Atomic uint32_t *word)
{
	uint64_t low = atomic_load(word);

	return low | (uint64_t)atomic_load(word + 1) << 32;
}

static void store64(_Atomic uint32_t *word, uint64_t value)
{
	atomic_store(word, (uint32_t)value);
	atomic_store(word + 1, (uint32_t)(value >> 32));
}

void cs_wait(_Atomic uint32_t *word, uint32_t mask, uint32_t value)
{
	uint64_t end = test_now_ns() + 10000000000ull;

	while ((atomic_load(word) & mask) != value) {
		assert_true(test_now_ns() < end);
		pause_us(20);
	}
}

/* --------------------------------------------------------------- groups -- */

void cs_group_prepare(struct cs_test *c, unsigned csg, unsigned streams)
{
	/* Streams of other groups have rings of their own. */
	unsigned first = csg * CS_TEST_STREAMS;

	atomic_store(cs_csg_input(c, csg, 0x4), UINT32_MAX);
	atomic_store(cs_csg_input(c, csg, 0x50), TEST_AS);
	store64(cs_csg_input(c, csg, 0x40), CS_SUSPEND_VA(csg % 4));
	for (unsigned i = 0; i < CS_TEST_STREAMS; i++) {
		uint32_t queue = CS_QUEUE_VA(csg, i);

		memset(test_cpu(&c->t,
				c->queues_pa + (queue - CS_QUEUE_VA(0, 0))),
		       0, 0x2000);
		c->inserted[csg][i] = 0;
		/* Priority 0, doorbell csg + 1. */
		atomic_store(cs_cs_input(c, csg, i, 0x4), (csg + 1) << 8);
		atomic_store(cs_cs_input(c, csg, i, 0xc), UINT32_MAX);
		store64(cs_cs_input(c, csg, i, 0x10), CS_RING_VA(first + i));
		atomic_store(cs_cs_input(c, csg, i, 0x18), CS_RING_B);
		store64(cs_cs_input(c, csg, i, 0x30), queue);
		store64(cs_cs_input(c, csg, i, 0x38), queue + 0x1000);
		/* Started; waits for work and for objects count as idle. */
		atomic_store(cs_cs_input(c, csg, i, 0),
			     (atomic_load(cs_cs_output(c, csg, i, 0)) &
			      0xc0000000u) |
				     1u << 10 | 1u << 8 | (i < streams));
	}
}

void cs_ring_doorbell(struct cs_test *c)
{
	mali_gpu_write32(c->t.gpu, MALI_CSF_DOORBELL(0), 1);
}

void cs_group_request(struct cs_test *c, unsigned csg, enum cs_state state)
{
	_Atomic uint32_t *req = cs_csg_input(c, csg, 0);

	atomic_store(req, (atomic_load(req) & ~CSG_STATE_MASK) | state);
	cs_ring_doorbell(c);
	cs_wait(cs_csg_output(c, csg, 0), CSG_STATE_MASK, state);
}

void cs_submit(struct cs_test *c, unsigned csg, unsigned cs,
	       const uint64_t *words, unsigned count)
{
	uint64_t ring_pa =
		c->ring_pa + (csg * CS_TEST_STREAMS + cs) * (uint64_t)CS_RING_B;
	uint64_t *at = &c->inserted[csg][cs];

	for (unsigned i = 0; i < count; i++, *at += 8)
		atomic_store((_Atomic uint64_t *)test_cpu(
				     &c->t, ring_pa + *at % CS_RING_B),
			     words[i]);
	store64(cs_shared(c, CS_QUEUE_VA(csg, cs)), *at);
	mali_gpu_write32(c->t.gpu, MALI_CSF_DOORBELL(csg + 1), 1);
}

static uint64_t extracted(struct cs_test *c, unsigned csg, unsigned cs)
{
	return cs_shared64(cs_shared(c, CS_QUEUE_VA(csg, cs) + 0x1000));
}

void cs_wait_empty(struct cs_test *c, unsigned csg, unsigned cs)
{
	uint64_t end = test_now_ns() + 10000000000ull;

	while (extracted(c, csg, cs) != c->inserted[csg][cs] ||
	       atomic_load(cs_shared(c, CS_QUEUE_VA(csg, cs) + 0x1008))) {
		assert_true(test_now_ns() < end);
		pause_us(20);
	}
}

uint32_t cs_wait_fatal(struct cs_test *c, unsigned csg, unsigned cs,
		       uint64_t *info_out)
{
	_Atomic uint32_t *req = cs_cs_input(c, csg, cs, 0);
	_Atomic uint32_t *ack = cs_cs_output(c, csg, cs, 0);

	cs_wait(ack, CS_FATAL, ~atomic_load(req) & CS_FATAL);
	atomic_fetch_xor(req, CS_FATAL);
	if (info_out)
		*info_out = cs_shared64(cs_cs_output(c, csg, cs, 0x90));
	return atomic_load(cs_cs_output(c, csg, cs, 0x84));
}

uint32_t *cs_data(struct cs_test *c, uint64_t va)
{
	if (va >= CS_RO_VA)
		return test_cpu(&c->t, c->ro_pa + (va - CS_RO_VA));
	if (va >= CS_DATA_VA)
		return test_cpu(&c->t, c->data_pa + (va - CS_DATA_VA));
	return test_cpu(&c->t, c->buffer_pa + (va - CS_CODE_VA));
}

uint32_t cs_run_buffer(struct cs_test *c, const uint64_t *words, unsigned count,
		       unsigned limit_ms, uint64_t *info_out)
{
	uint64_t end = test_now_ns() + limit_ms * 1000000ull;
	const uint64_t ring[] = {
		CS_MOVE(92, CS_CODE_VA),
		CS_MOVE32(94, count * 8),
		CS_CALL(92, 94),
	};
	uint32_t fatal = 0;

	memcpy(cs_data(c, CS_CODE_VA), words, count * 8);
	cs_group_prepare(c, 0, 1);
	cs_group_request(c, 0, CS_START);
	cs_submit(c, 0, 0, ring, 3);
	while (extracted(c, 0, 0) != c->inserted[0][0] ||
	       atomic_load(cs_shared(c, CS_QUEUE_VA(0, 0) + 0x1008))) {
		uint32_t differ = atomic_load(cs_cs_input(c, 0, 0, 0)) ^
				  atomic_load(cs_cs_output(c, 0, 0, 0));

		if (differ & CS_FATAL) {
			fatal = cs_wait_fatal(c, 0, 0, info_out);
			break;
		}
		if (test_now_ns() > end)
			break;
		pause_us(20);
	}
	cs_group_request(c, 0, CS_TERMINATE);
	return fatal;
}
