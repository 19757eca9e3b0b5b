/* SPDX-License-Identifier: MIT */
/*
 * What the tests of command streams share: a GPU whose microcontroller has
 * booted, the driver's side of the interface in a handful of calls, and
 * instructions as words.
 *
 * cs_run_buffer() is all that a fuzzer needs: it runs any words and ends.
 */
#ifndef CS_TEST_H
#define CS_TEST_H

#include "mali_test.h"

#define CS_TEST_GROUPS 8
#define CS_TEST_STREAMS 8
#define CS_RING_B 4096u

/* The group's address space: what is where. */
#define CS_RING_VA(cs) (0x100000ull + (cs)*CS_RING_B)
#define CS_CODE_VA 0x200000ull	  /* 64 KiB, to be filled with instructions */
#define CS_DATA_VA 0x300000ull	  /* 64 KiB, read and write */
#define CS_RO_VA 0x400000ull	  /* 64 KiB, read only */
#define CS_NOWHERE_VA 0x500000ull /* never mapped */
#define CS_AREA_B 0x10000u

/* In the microcontroller's address space. */
#define CS_SHARED_VA 0x04000000u
#define CS_SHARED_B 0x80000u
#define CS_QUEUE_VA(csg, cs)                                                   \
	(CS_SHARED_VA + CS_SHARED_B + ((csg)*CS_TEST_STREAMS + (cs)) * 0x2000u)
#define CS_SUSPEND_VA(n) (0x06000000u + (n)*0x10000u)

struct cs_test {
	struct test_gpu t;   /* address space 1: the groups' */
	struct test_gpu mcu; /* address space 0 */
	uint64_t code_pa, shared_pa, queues_pa, suspend_pa;
	uint64_t ring_pa, buffer_pa, data_pa, ro_pa;
	uint64_t inserted[CS_TEST_GROUPS][CS_TEST_STREAMS];
};

void cs_init(struct cs_test *c);
void cs_init_config(struct cs_test *c, const struct test_config *config);
void cs_finish(struct cs_test *c);
/* Boots again after a reset of the GPU. */
void cs_boot(struct cs_test *c);

/* Words that driver and firmware share, by VA in the microcontroller's space.
 */
_Atomic uint32_t *cs_shared(struct cs_test *c, uint64_t va);
_Atomic uint32_t *cs_csg_input(struct cs_test *c, unsigned csg, uint32_t at);
_Atomic uint32_t *cs_csg_output(struct cs_test *c, unsigned csg, uint32_t at);
_Atomic uint32_t *cs_cs_input(struct cs_test *c, unsigned csg, unsigned cs,
			      uint32_t at);
_Atomic uint32_t *cs_cs_output(struct cs_test *c, unsigned csg, unsigned cs,
			       uint32_t at);
uint64_t cs_shared64(_Atomic uint32_t *word);

/* Waits until (*word & mask) == value; fails the test after ten seconds. */
void cs_wait(_Atomic uint32_t *word, uint32_t mask, uint32_t value);

enum cs_state { CS_TERMINATE, CS_START, CS_SUSPEND, CS_RESUME };

/* Makes the first @streams of a group ready to be started, with empty rings. */
void cs_group_prepare(struct cs_test *c, unsigned csg, unsigned streams);
/* A state request; returns when it was answered. */
void cs_group_request(struct cs_test *c, unsigned csg, enum cs_state state);
void cs_ring_doorbell(struct cs_test *c);
/* Appends to a stream's ring, and rings its own doorbell. */
void cs_submit(struct cs_test *c, unsigned csg, unsigned cs,
	       const uint64_t *words, unsigned count);
/* Waits until a stream has consumed its ring. */
void cs_wait_empty(struct cs_test *c, unsigned csg, unsigned cs);
/* Waits for the stream's fatal event, and acknowledges it. */
uint32_t cs_wait_fatal(struct cs_test *c, unsigned csg, unsigned cs,
		       uint64_t *info_out);

/*
 * Runs @count instructions in a buffer that the ring of group 0, stream 0
 * calls, with the registers zero but for r94:95 (address, length of the
 * buffer), until it has returned or died, or for @limit_ms. Returns the fatal
 * exception, or 0. The group is gone afterwards.
 */
uint32_t cs_run_buffer(struct cs_test *c, const uint64_t *words, unsigned count,
		       unsigned limit_ms, uint64_t *info_out);

/* Memory of the group's address space, as the CPU sees it. */
uint32_t *cs_data(struct cs_test *c, uint64_t va);

/* -------------------------------------------------------- instructions -- */

#define CS_OP(op) ((uint64_t)(op) << 56)
#define CS_AT(value, low) ((uint64_t)(value) << (low))

#define CS_NOP 0ull
#define CS_MOVE(reg, imm) (CS_OP(1) | CS_AT(reg, 48) | (imm))
#define CS_MOVE32(reg, imm) (CS_OP(2) | CS_AT(reg, 48) | (uint32_t)(imm))
#define CS_WAIT_ALL (CS_OP(3) | CS_AT(0xff, 16))
#define CS_ADD32(dst, src, imm)                                                \
	(CS_OP(16) | CS_AT(dst, 48) | CS_AT(src, 40) | (uint32_t)(imm))
#define CS_ADD64(dst, src, imm)                                                \
	(CS_OP(17) | CS_AT(dst, 48) | CS_AT(src, 40) | (uint32_t)(imm))
#define CS_UMIN32(dst, a, b)                                                   \
	(CS_OP(18) | CS_AT(dst, 48) | CS_AT(b, 40) | CS_AT(a, 32))
#define CS_MEM(op, base, addr, mask, offset)                                   \
	(CS_OP(op) | CS_AT(base, 48) | CS_AT(addr, 40) | CS_AT(mask, 16) |     \
	 (uint16_t)(offset))
#define CS_LOAD(base, addr, mask, offset) CS_MEM(20, base, addr, mask, offset)
#define CS_STORE(base, addr, mask, offset) CS_MEM(21, base, addr, mask, offset)
#define CS_BRANCH(reg, condition, offset)                                      \
	(CS_OP(22) | CS_AT(reg, 40) | CS_AT(condition, 28) | (uint16_t)(offset))
#define CS_CALL(addr, length) (CS_OP(32) | CS_AT(addr, 40) | CS_AT(length, 32))
#define CS_JUMP(addr, length) (CS_OP(33) | CS_AT(addr, 40) | CS_AT(length, 32))
#define CS_FLUSH(id_reg) (CS_OP(36) | CS_AT(id_reg, 40) | 0x233)
#define CS_SYNC(op, addr, data, low)                                           \
	(CS_OP(op) | CS_AT(addr, 40) | CS_AT(data, 32) | (low))
#define CS_SYNC_ADD32(addr, data, low) CS_SYNC(37, addr, data, low)
#define CS_SYNC_SET32(addr, data, low) CS_SYNC(38, addr, data, low)
#define CS_SYNC_WAIT32(addr, ref, condition)                                   \
	CS_SYNC(39, addr, ref, CS_AT(condition, 28))
#define CS_STORE_STATE(addr, state)                                            \
	(CS_OP(40) | CS_AT(addr, 40) | CS_AT(state, 32))
#define CS_ERROR_BARRIER CS_OP(47)
#define CS_HEAP_SET(addr) (CS_OP(48) | CS_AT(addr, 40))
#define CS_HEAP_VT_STARTED (CS_OP(49) | CS_AT(0, 32))
#define CS_HEAP_VT_COMPLETED (CS_OP(49) | CS_AT(1, 32))
#define CS_HEAP_EXHAUSTED(answer)                                              \
	(CS_OP(49) | CS_AT(2, 32) | CS_AT(answer, 40))
#define CS_HEAP_FRAG_COMPLETED (CS_OP(49) | CS_AT(3, 32))
#define CS_SYNC_ADD64(addr, data, low) CS_SYNC(51, addr, data, low)
#define CS_SYNC_SET64(addr, data, low) CS_SYNC(52, addr, data, low)
#define CS_SYNC_WAIT64(addr, ref, condition)                                   \
	CS_SYNC(53, addr, ref, CS_AT(condition, 28))

enum {
	CS_LEQUAL,
	CS_GREATER,
	CS_EQUAL,
	CS_NEQUAL,
	CS_LESS,
	CS_GEQUAL,
	CS_ALWAYS
};

#endif /* CS_TEST_H */
