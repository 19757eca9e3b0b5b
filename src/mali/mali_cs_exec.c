/* SPDX-License-Identifier: MIT */
/*
 * The instructions of command streams, arch 10: 64 bits, the opcode in the
 * highest byte. Loads and stores are complete when the next instruction begins,
 * so waiting for scoreboard entries is waiting for nothing.
 *
 * There are no shader cores: what would start them completes at once.
 */
#include <stdio.h>

#include "mali_csf.h"

enum cs_opcode {
	OP_NOP = 0,
	OP_MOVE = 1,
	OP_MOVE32 = 2,
	OP_WAIT = 3,
	OP_RUN_COMPUTE = 4,
	OP_RUN_FULLSCREEN = 8,
	OP_FINISH_TILING = 9,
	OP_FINISH_FRAGMENT = 11,
	OP_ADD_IMMEDIATE32 = 16,
	OP_ADD_IMMEDIATE64 = 17,
	OP_UMIN32 = 18,
	OP_LOAD_MULTIPLE = 20,
	OP_STORE_MULTIPLE = 21,
	OP_BRANCH = 22,
	OP_SET_SB_ENTRY = 23,
	OP_PROGRESS_WAIT = 24,
	OP_SET_EXCEPTION_HANDLER = 25,
	OP_CALL = 32,
	OP_JUMP = 33,
	OP_REQ_RESOURCE = 34,
	OP_FLUSH_CACHE2 = 36,
	OP_SYNC_ADD32 = 37,
	OP_SYNC_SET32 = 38,
	OP_SYNC_WAIT32 = 39,
	OP_STORE_STATE = 40,
	OP_PROT_REGION = 41,
	OP_PROGRESS_STORE = 42,
	OP_PROGRESS_LOAD = 43,
	OP_RUN_COMPUTE_INDIRECT = 44,
	OP_ERROR_BARRIER = 47,
	OP_HEAP_SET = 48,
	OP_HEAP_OPERATION = 49,
	OP_TRACE_POINT = 50,
	OP_SYNC_ADD64 = 51,
	OP_SYNC_SET64 = 52,
	OP_SYNC_WAIT64 = 53,
};

#define EXCEPTION_CS_BUS_FAULT 0x48
#define EXCEPTION_CS_INSTR_INVALID 0x49
#define EXCEPTION_CS_CALL_STACK_OVERFLOW 0x4a
#define EXCEPTION_CS_INHERIT_FAULT 0x4b

/* Conditions of BRANCH and SYNC_WAIT. */
enum cs_condition {
	COND_LEQUAL,
	COND_GREATER,
	COND_EQUAL,
	COND_NEQUAL,
	COND_LESS,
	COND_GEQUAL,
	COND_ALWAYS,
};

enum mali_cs_step mali_cs_fatal(struct mali_cs *cs, uint32_t code,
				uint64_t info)
{
	cs->context.fatal = code;
	cs->context.fatal_info = info;
	mali_cs_post(cs, MALI_CS_EVENT_FATAL, code, info);
	return MALI_CS_STEP_FATAL;
}

/* One instruction, taken apart. */
struct instr {
	struct mali_cs *cs;
	struct mali_cs_context *context;
	struct mali_port port;
	uint64_t word, va;
};

static enum mali_cs_step invalid(const struct instr *instr)
{
	return mali_cs_fatal(instr->cs, EXCEPTION_CS_INSTR_INVALID, instr->va);
}

/*
 * An access of the instruction failed. One that was called off leaves
 * everything as it was: the instruction is executed again when the stream goes
 * on.
 */
static enum mali_cs_step bus_fault(const struct instr *instr, uint64_t va,
				   uint32_t exception)
{
	struct mali_cs_context *context = instr->context;

	if (exception != MALI_INTERRUPTED)
		return mali_cs_fatal(instr->cs, EXCEPTION_CS_BUS_FAULT, va);
	context->frames[context->depth].pc -= sizeof(instr->word);
	return MALI_CS_STEP_NEXT;
}

static uint32_t field(const struct instr *instr, unsigned low, unsigned bits)
{
	return (uint32_t)(instr->word >> low & ((1ull << bits) - 1));
}

/* Register numbers: where they are in the word, and what may be there. */
static bool reg_at(const struct instr *instr, unsigned low, uint32_t *reg_out)
{
	*reg_out = field(instr, low, 8);
	return *reg_out < MALI_CS_REGS;
}

static bool pair_at(const struct instr *instr, unsigned low, uint32_t *reg_out)
{
	*reg_out = field(instr, low, 8);
	return *reg_out % 2 == 0 && *reg_out < MALI_CS_REGS;
}

static uint64_t pair(const struct instr *instr, uint32_t reg)
{
	return instr->context->regs[reg] |
	       (uint64_t)instr->context->regs[reg + 1] << 32;
}

static void set_pair(const struct instr *instr, uint32_t reg, uint64_t value)
{
	instr->context->regs[reg] = (uint32_t)value;
	instr->context->regs[reg + 1] = (uint32_t)(value >> 32);
}

/* ---------------------------------------------------------- arithmetic -- */

static enum mali_cs_step move(const struct instr *instr)
{
	uint32_t reg;

	if (!pair_at(instr, 48, &reg))
		return invalid(instr);
	set_pair(instr, reg, instr->word & ((1ull << 48) - 1));
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step move32(const struct instr *instr)
{
	uint32_t reg;

	if (!reg_at(instr, 48, &reg))
		return invalid(instr);
	instr->context->regs[reg] = field(instr, 0, 32);
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step add_immediate32(const struct instr *instr)
{
	uint32_t dst, src;

	if (!reg_at(instr, 48, &dst) || !reg_at(instr, 40, &src))
		return invalid(instr);
	instr->context->regs[dst] =
		instr->context->regs[src] + field(instr, 0, 32);
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step add_immediate64(const struct instr *instr)
{
	int64_t value = (int32_t)field(instr, 0, 32);
	uint32_t dst, src;

	if (!pair_at(instr, 48, &dst) || !pair_at(instr, 40, &src))
		return invalid(instr);
	set_pair(instr, dst, pair(instr, src) + (uint64_t)value);
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step umin32(const struct instr *instr)
{
	uint32_t dst, a, b;

	if (!reg_at(instr, 48, &dst) || !reg_at(instr, 40, &b) ||
	    !reg_at(instr, 32, &a))
		return invalid(instr);
	a = instr->context->regs[a];
	b = instr->context->regs[b];
	instr->context->regs[dst] = a < b ? a : b;
	return MALI_CS_STEP_NEXT;
}

/* -------------------------------------------------------------- memory -- */

/*
 * Registers base + i and words at address + 4 i, for the bits i of the mask.
 * What is loaded may overwrite the address, so it goes to the registers at the
 * end.
 */
static enum mali_cs_step load_store(const struct instr *instr, bool store)
{
	uint32_t base = field(instr, 48, 8), mask = field(instr, 16, 16);
	int64_t offset = (int16_t)field(instr, 0, 16);
	uint32_t address, words[16], exception;
	uint64_t va;

	if (!pair_at(instr, 40, &address))
		return invalid(instr);
	va = pair(instr, address) + (uint64_t)offset;
	if (va % 4 || (mask && base + 31 - __builtin_clz(mask) >= MALI_CS_REGS))
		return invalid(instr);

	for (uint32_t i = 0; i < 16; i++) {
		if (!(mask >> i & 1))
			continue;
		exception =
			store ? mali_mem_store32(&instr->port, va + 4 * i,
						 instr->context->regs[base + i])
			      : mali_mem_load32(&instr->port, va + 4 * i,
						&words[i]);
		if (exception)
			return bus_fault(instr, va + 4 * i, exception);
	}
	for (uint32_t i = 0; i < 16 && !store; i++) {
		if (mask >> i & 1)
			instr->context->regs[base + i] = words[i];
	}
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step store_state(const struct instr *instr)
{
	int64_t offset = (int16_t)field(instr, 0, 16);
	uint32_t address, exception;
	uint64_t va, value = 0;

	if (!pair_at(instr, 40, &address))
		return invalid(instr);
	va = pair(instr, address) + (uint64_t)offset;
	if (va % 8)
		return invalid(instr);
	switch (field(instr, 32, 2)) {
	case 0: /* system timestamp */
	case 1: /* cycles, at 1 GHz */
		value = mali_now_ns();
		break;
	case 3:
		value = instr->context->error;
		break;
	}
	exception = mali_mem_store64(&instr->port, va, value);
	return exception ? bus_fault(instr, va, exception) : MALI_CS_STEP_NEXT;
}

static enum mali_cs_step flush_cache(const struct instr *instr)
{
	uint32_t id;

	if (!reg_at(instr, 40, &id))
		return invalid(instr);
	/* A flush that would be needless is done all the same. */
	mali_gpu_count_flush(instr->port.gpu);
	return MALI_CS_STEP_NEXT;
}

/* ------------------------------------------------------------- control -- */

static enum mali_cs_step branch(const struct instr *instr)
{
	struct mali_cs_frame *frame =
		&instr->context->frames[instr->context->depth];
	int64_t offset = (int16_t)field(instr, 0, 16);
	uint32_t reg;
	int32_t value;
	bool taken;

	/* The ring is consumed in order. */
	if (!reg_at(instr, 40, &reg) || !instr->context->depth)
		return invalid(instr);
	value = (int32_t)instr->context->regs[reg];
	switch (field(instr, 28, 3)) {
	case COND_LEQUAL:
		taken = value <= 0;
		break;
	case COND_GREATER:
		taken = value > 0;
		break;
	case COND_EQUAL:
		taken = value == 0;
		break;
	case COND_NEQUAL:
		taken = value != 0;
		break;
	case COND_LESS:
		taken = value < 0;
		break;
	case COND_GEQUAL:
		taken = value >= 0;
		break;
	case COND_ALWAYS:
		taken = true;
		break;
	default:
		return invalid(instr);
	}
	if (taken)
		frame->pc += (uint64_t)(offset * 8);
	return MALI_CS_STEP_NEXT;
}

/* CALL begins a new buffer; JUMP replaces the one that it is in. */
static enum mali_cs_step call(const struct instr *instr, bool jump)
{
	struct mali_cs_context *context = instr->context;
	uint32_t address, length;

	if (!pair_at(instr, 40, &address) || !reg_at(instr, 32, &length) ||
	    pair(instr, address) % 8 || context->regs[length] % 8 ||
	    (jump && !context->depth))
		return invalid(instr);
	if (!jump) {
		if (context->depth + 1 == MALI_CS_MAX_DEPTH)
			return mali_cs_fatal(instr->cs,
					     EXCEPTION_CS_CALL_STACK_OVERFLOW,
					     instr->va);
		context->depth++;
	}
	context->frames[context->depth].pc = pair(instr, address);
	context->frames[context->depth].end =
		pair(instr, address) + context->regs[length];
	return MALI_CS_STEP_NEXT;
}

/* ---------------------------------------------------- synchronisation -- */

/* Where the status word of an object is: behind its value. */
static uint64_t status_va(uint64_t va, bool is_64)
{
	return va + (is_64 ? 8 : 4);
}

/* ADD or SET, and tells those who wait. */
static enum mali_cs_step sync_write(const struct instr *instr, bool is_64,
				    bool add)
{
	uint32_t address, data, exception;
	uint64_t va;

	if (!pair_at(instr, 40, &address) ||
	    !(is_64 ? pair_at(instr, 32, &data) : reg_at(instr, 32, &data)))
		return invalid(instr);
	va = pair(instr, address);
	if (va % (is_64 ? 8 : 4))
		return invalid(instr);

	/* The status first: whoever sees the value may look at it. */
	if (field(instr, 0, 1) && instr->context->error) {
		exception =
			mali_mem_store32(&instr->port, status_va(va, is_64), 1);
		if (exception)
			return bus_fault(instr, status_va(va, is_64),
					 exception);
	}
	if (is_64)
		exception = add ? mali_mem_add64(&instr->port, va,
						 pair(instr, data))
				: mali_mem_store64(&instr->port, va,
						   pair(instr, data));
	else
		exception = add ? mali_mem_add32(&instr->port, va,
						 instr->context->regs[data])
				: mali_mem_store32(&instr->port, va,
						   instr->context->regs[data]);
	if (exception)
		return bus_fault(instr, va, exception);

	mali_cs_kick_blocked(instr->cs->csg->mcu);
	/* Scope: 0 is the system, 2 the group alone. */
	if (!field(instr, 1, 2))
		mali_cs_post(instr->cs, MALI_CS_EVENT_SYNC_UPDATE, 0, 0);
	return MALI_CS_STEP_NEXT;
}

/* Reads the object of a wait. 0 or the exception; *@over_out: it is met. */
static uint32_t read_wait(const struct mali_port *port,
			  const struct mali_cs_wait *wait, bool *over_out)
{
	uint64_t value = 0;
	uint32_t low = 0, exception;

	exception = wait->is_64 ? mali_mem_load64(port, wait->va, &value)
				: mali_mem_load32(port, wait->va, &low);
	value |= low;
	*over_out = wait->is_greater ? value > wait->ref : value <= wait->ref;
	return exception;
}

bool mali_cs_wait_is_over(const struct mali_cs *cs)
{
	struct mali_port port;
	bool over;

	mali_cs_port(cs, &port);
	return read_wait(&port, &cs->context.wait, &over) || over;
}

/* A wait cannot look at its object: it is called off, or at its end. */
static enum mali_cs_step wait_fault(struct mali_cs *cs, uint64_t va,
				    uint32_t exception)
{
	if (exception == MALI_INTERRUPTED)
		return MALI_CS_STEP_BLOCKED;
	return mali_cs_fatal(cs, EXCEPTION_CS_BUS_FAULT, va);
}

enum mali_cs_step mali_cs_retry_wait(struct mali_cs *cs)
{
	struct mali_cs_context *context = &cs->context;
	struct mali_cs_wait *wait = &context->wait;
	uint32_t status = 0, exception;
	struct mali_port port;
	bool over;

	mali_cs_port(cs, &port);
	wait->is_blocked = 1;
	exception = read_wait(&port, wait, &over);
	if (exception)
		return wait_fault(cs, wait->va, exception);
	if (!over)
		return MALI_CS_STEP_BLOCKED;

	if (wait->error_reject) {
		uint64_t va = status_va(wait->va, wait->is_64);

		exception = mali_mem_load32(&port, va, &status);
		if (exception)
			return wait_fault(cs, va, exception);
	}
	wait->is_blocked = 0;
	if (status) {
		context->error = 1;
		mali_cs_post(cs, MALI_CS_EVENT_FAULT,
			     EXCEPTION_CS_INHERIT_FAULT, wait->va);
	}
	return MALI_CS_STEP_NEXT;
}

static enum mali_cs_step sync_wait(const struct instr *instr, bool is_64)
{
	uint32_t address, ref, condition = field(instr, 28, 4);

	if (!pair_at(instr, 40, &address) || condition > COND_GREATER ||
	    !(is_64 ? pair_at(instr, 32, &ref) : reg_at(instr, 32, &ref)) ||
	    pair(instr, address) % (is_64 ? 8 : 4))
		return invalid(instr);
	instr->context->wait = (struct mali_cs_wait){
		.va = pair(instr, address),
		.ref = is_64 ? pair(instr, ref) : instr->context->regs[ref],
		.is_64 = is_64,
		.is_greater = condition == COND_GREATER,
		.error_reject = field(instr, 0, 1),
	};
	return mali_cs_retry_wait(instr->cs);
}

/* -------------------------------------------------------------- heaps -- */

/*
 * Operations of HEAP_OPERATION. The third is none of hardware's, which has a
 * tiler that runs out of memory by itself: "the heap is empty". The register
 * pair gets what the driver answers, a chunk or 0.
 */
enum cs_heap_operation {
	HEAP_VT_STARTED,
	HEAP_VT_COMPLETED,
	HEAP_EXHAUSTED,
	HEAP_FRAG_COMPLETED,
};

static enum mali_cs_step heap_set(const struct instr *instr)
{
	uint32_t address;

	if (!pair_at(instr, 40, &address))
		return invalid(instr);
	instr->context->heap = (struct mali_cs_heap){
		.va = pair(instr, address),
	};
	return MALI_CS_STEP_NEXT;
}

enum mali_cs_step mali_cs_ask(struct mali_cs *cs)
{
	cs->context.heap.is_empty = 1;
	mali_cs_post(cs, MALI_CS_EVENT_TILER_OOM, 0, 0);
	return MALI_CS_STEP_OOM;
}

static enum mali_cs_step heap_operation(const struct instr *instr)
{
	struct mali_cs_heap *heap = &instr->context->heap;

	switch ((enum cs_heap_operation)field(instr, 32, 2)) {
	case HEAP_VT_STARTED:
		heap->vt_started++;
		break;
	case HEAP_VT_COMPLETED:
		heap->vt_completed++;
		break;
	case HEAP_FRAG_COMPLETED:
		heap->frag_completed++;
		break;
	case HEAP_EXHAUSTED:
		if (!pair_at(instr, 40, &heap->answer_reg))
			return invalid(instr);
		return mali_cs_ask(instr->cs);
	}
	return MALI_CS_STEP_NEXT;
}

/* ------------------------------------------------------------- dispatch -- */

static enum mali_cs_step run_shaders(const struct instr *instr)
{
	struct mali_mcu *mcu = instr->cs->csg->mcu;

	if (!atomic_exchange(&mcu->said_shaders, true))
		fprintf(stderr,
			"mali: a command stream starts shaders, which this GPU "
			"does not have: such instructions do nothing\n");
	return MALI_CS_STEP_NEXT;
}

enum mali_cs_step mali_cs_execute(struct mali_cs *cs, uint64_t word,
				  uint64_t va)
{
	struct instr instr = {
		.cs = cs,
		.context = &cs->context,
		.word = word,
		.va = va,
	};

	mali_cs_port(cs, &instr.port);
	switch ((enum cs_opcode)(word >> 56)) {
	case OP_MOVE:
		return move(&instr);
	case OP_MOVE32:
		return move32(&instr);
	case OP_ADD_IMMEDIATE32:
		return add_immediate32(&instr);
	case OP_ADD_IMMEDIATE64:
		return add_immediate64(&instr);
	case OP_UMIN32:
		return umin32(&instr);
	case OP_LOAD_MULTIPLE:
		return load_store(&instr, false);
	case OP_STORE_MULTIPLE:
		return load_store(&instr, true);
	case OP_BRANCH:
		return branch(&instr);
	case OP_CALL:
		return call(&instr, false);
	case OP_JUMP:
		return call(&instr, true);
	case OP_FLUSH_CACHE2:
		return flush_cache(&instr);
	case OP_SYNC_ADD32:
		return sync_write(&instr, false, true);
	case OP_SYNC_SET32:
		return sync_write(&instr, false, false);
	case OP_SYNC_WAIT32:
		return sync_wait(&instr, false);
	case OP_SYNC_ADD64:
		return sync_write(&instr, true, true);
	case OP_SYNC_SET64:
		return sync_write(&instr, true, false);
	case OP_SYNC_WAIT64:
		return sync_wait(&instr, true);
	case OP_HEAP_SET:
		return heap_set(&instr);
	case OP_HEAP_OPERATION:
		return heap_operation(&instr);
	case OP_STORE_STATE:
		return store_state(&instr);
	case OP_ERROR_BARRIER:
		cs->context.error = 0;
		return MALI_CS_STEP_NEXT;
	case OP_RUN_COMPUTE ... OP_RUN_FULLSCREEN:
	case OP_RUN_COMPUTE_INDIRECT:
	case OP_FINISH_TILING:
	case OP_FINISH_FRAGMENT:
		return run_shaders(&instr);
	/* Nothing is ever outstanding, and no unit is there to be reserved. */
	case OP_NOP:
	case OP_WAIT:
	case OP_SET_SB_ENTRY:
	case OP_PROGRESS_WAIT:
	case OP_SET_EXCEPTION_HANDLER:
	case OP_REQ_RESOURCE:
	case OP_PROT_REGION:
	case OP_PROGRESS_STORE:
	case OP_PROGRESS_LOAD:
	case OP_TRACE_POINT:
		return MALI_CS_STEP_NEXT;
	default:
		return invalid(&instr);
	}
}
