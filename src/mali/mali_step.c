/* SPDX-License-Identifier: MIT */
/*
 * Stepping over stores to null memory, on x86-64.
 *
 * The instruction is not interpreted. It is executed, out of line, with its
 * memory operand moved to private memory that holds what a load would have
 * returned: zeroes. So flags, registers, what a compare-and-exchange decides and
 * which lanes a mask selects are the processor's own work, whatever the
 * instruction. Nothing but the operand changes: its ModRM byte becomes the one for
 * an address relative to RIP, SIB and displacement give way to that distance.
 * Behind it a jump leads to the next instruction; or, where the operand reaches
 * beyond null memory, to an address that traps (mali_step_finish()), because the
 * bytes there must be stored for the thread.
 *
 * Each thread has a slot of its own: private memory, and room for the code of
 * some instructions, which are kept as long as the bytes they came from stay the
 * same. A thread's slot becomes another's when it has ended and none is left.
 *
 * Two kinds of instruction have no operand that could be moved. String stores
 * are done by advancing their registers, up to the end of the null memory.
 * Scatters are restartable: the element that trapped, which is the lowest one that
 * is left in the mask, is taken out of it.
 */
#include "mali_private.h"

#if defined(__x86_64__)

#include <Zydis/Zydis.h>
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define SLOTS 1024u
#define CODES 8u
#define CODE_B 64u
#define OPERAND_MAX 64u
#define INSN_MAX 15u

enum form { FORM_OPERAND, FORM_STRING, FORM_SCATTER };

/* What is known of one instruction. */
struct insn {
	uintptr_t pc; /* 0: nothing */
	uint8_t bytes[INSN_MAX];
	uint8_t length;
	uint8_t form;
	uint8_t size_B; /* of the operand; of a string's element */
	/* FORM_OPERAND: the address; registers as indices of gregs, or -1 */
	int8_t base, index;
	uint8_t scale;
	int64_t disp;
	bool relative; /* to the next instruction */
	/* and the instruction, up to a distance of zero at patch_offset */
	uint8_t code[INSN_MAX], code_length, patch_offset;
	/* FORM_STRING */
	bool repeated, moves;
	/* FORM_SCATTER */
	uint8_t mask;
};

struct slot {
	/* The operand, at the offset that its address has in a cache line. */
	_Alignas(64) uint8_t memory[2 * OPERAND_MAX];
	struct insn insns[CODES];
	_Atomic int32_t tid; /* 0: free */
	/* A step that mali_step_finish() ends. */
	struct {
		uintptr_t next_pc, addr;
		uint32_t size_B;
		struct mali_null_range null;
		uint8_t before[OPERAND_MAX];
	} finish;
};

/*
 * One reservation: code of all slots, an inaccessible page with an address for
 * each, and the slots; what a 32-bit distance can reach. The code is written
 * through another mapping.
 */
#define CODE_TOTAL_B ((size_t)SLOTS * CODES * CODE_B)
#define FINISH_B ((size_t)MALI_PAGE_SIZE)
#define SLOTS_B ((size_t)SLOTS * sizeof(struct slot))

static struct {
	uint8_t *code, *code_writable;
	uintptr_t finish;
	struct slot *slots;
	ZydisDecoder decoder;
} pool;

static _Thread_local struct slot *my_slot
	__attribute__((tls_model("initial-exec")));

/* -------------------------------------------------------------- pool -- */

static bool map_pool(int fd)
{
	size_t size_B = CODE_TOTAL_B + FINISH_B + SLOTS_B;
	char *base = mmap(NULL, size_B, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	void *writable = mmap(NULL, CODE_TOTAL_B, PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);

	if (base == MAP_FAILED || writable == MAP_FAILED)
		goto err;
	if (mmap(base, CODE_TOTAL_B, PROT_READ | PROT_EXEC,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
	    mprotect(base + CODE_TOTAL_B + FINISH_B, SLOTS_B,
		     PROT_READ | PROT_WRITE))
		goto err;
	pool.code_writable = writable;
	pool.finish = (uintptr_t)base + CODE_TOTAL_B;
	pool.slots = (struct slot *)(base + CODE_TOTAL_B + FINISH_B);
	pool.code = (uint8_t *)base;
	return true;

err:
	if (base != MAP_FAILED)
		munmap(base, size_B);
	if (writable != MAP_FAILED)
		munmap(writable, CODE_TOTAL_B);
	return false;
}

bool mali_step_init(void)
{
	static _Atomic uint32_t lock;
	bool ok;
	int fd;

	_Static_assert(SLOTS <= FINISH_B, "an address for each");
	while (atomic_exchange_explicit(&lock, 1, memory_order_acquire))
		syscall(SYS_sched_yield);
	ok = pool.code;
	if (!ok &&
	    ZYAN_SUCCESS(ZydisDecoderInit(&pool.decoder,
					  ZYDIS_MACHINE_MODE_LONG_64,
					  ZYDIS_STACK_WIDTH_64))) {
		fd = memfd_create("mali-step", MFD_CLOEXEC);
		ok = fd >= 0 && !ftruncate(fd, CODE_TOTAL_B) && map_pool(fd);
		if (fd >= 0)
			close(fd);
	}
	atomic_store_explicit(&lock, 0, memory_order_release);
	return ok;
}

static bool claim(struct slot *slot, int32_t from, int32_t tid)
{
	return atomic_compare_exchange_strong_explicit(&slot->tid, &from, tid,
						       memory_order_acquire,
						       memory_order_relaxed);
}

/* This thread's slot; NULL if more threads live than there are slots. */
static struct slot *get_slot(void)
{
	int32_t tid = (int32_t)syscall(SYS_gettid);
	int32_t owner;

	if (my_slot)
		return my_slot;
	for (uint32_t i = 0; i < SLOTS && !my_slot; i++) {
		if (claim(&pool.slots[i], 0, tid))
			my_slot = &pool.slots[i];
	}
	for (uint32_t i = 0; i < SLOTS && !my_slot; i++) {
		owner = atomic_load_explicit(&pool.slots[i].tid,
					     memory_order_relaxed);
		if (syscall(SYS_tgkill, getpid(), owner, 0) && errno == ESRCH &&
		    claim(&pool.slots[i], owner, tid))
			my_slot = &pool.slots[i];
	}
	return my_slot;
}

static size_t code_offset(const struct slot *slot, const struct insn *insn)
{
	return ((size_t)(slot - pool.slots) * CODES +
		(size_t)(insn - slot->insns)) *
	       CODE_B;
}

/* ---------------------------------------------------------- decoding -- */

/* The index in gregs, -1 for none; false if it cannot be part of an address. */
static bool greg_of(ZydisRegister reg, int8_t *greg_out)
{
	static const int8_t gregs[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
		REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15};

	*greg_out = -1;
	if (reg == ZYDIS_REGISTER_NONE)
		return true;
	if (reg < ZYDIS_REGISTER_RAX || reg > ZYDIS_REGISTER_R15)
		return false;
	*greg_out = gregs[reg - ZYDIS_REGISTER_RAX];
	return true;
}

/* The instruction with its operand at RIP plus something. */
static bool move_operand(struct insn *insn, const ZydisDecodedInstruction *d)
{
	unsigned modrm = d->raw.modrm.offset;
	unsigned tail = modrm + 1 + (d->raw.sib.offset ? 1 : 0) +
			d->raw.disp.size / 8;
	unsigned rest = insn->length - tail;

	if (!(d->attributes & ZYDIS_ATTRIB_HAS_MODRM) || !modrm ||
	    d->raw.modrm.mod == 3 || modrm + 5 + rest > INSN_MAX)
		return false;
	memcpy(insn->code, insn->bytes, modrm);
	insn->code[modrm] = (uint8_t)(d->raw.modrm.reg << 3 | 5);
	memset(insn->code + modrm + 1, 0, 4);
	memcpy(insn->code + modrm + 5, insn->bytes + tail, rest);
	insn->patch_offset = (uint8_t)(modrm + 1);
	insn->code_length = (uint8_t)(modrm + 5 + rest);
	return true;
}

static bool decode_operand(struct insn *insn, const ZydisDecodedInstruction *d,
			   const ZydisDecodedOperand *op)
{
	if (!op->size || op->size % 8 || op->size / 8 > OPERAND_MAX ||
	    op->mem.segment == ZYDIS_REGISTER_FS ||
	    op->mem.segment == ZYDIS_REGISTER_GS || d->address_width != 64)
		return false;
	insn->form = FORM_OPERAND;
	insn->size_B = (uint8_t)(op->size / 8);
	insn->relative = op->mem.base == ZYDIS_REGISTER_RIP;
	insn->scale = op->mem.scale;
	insn->disp = op->mem.disp.has_displacement ? op->mem.disp.value : 0;
	if (!greg_of(insn->relative ? ZYDIS_REGISTER_NONE : op->mem.base,
		     &insn->base) ||
	    !greg_of(op->mem.index, &insn->index))
		return false;
	return move_operand(insn, d);
}

static bool decode_string(struct insn *insn, const ZydisDecodedInstruction *d,
			  const ZydisDecodedOperand *op)
{
	if (d->address_width != 64)
		return false;
	insn->form = FORM_STRING;
	insn->size_B = (uint8_t)(op->size / 8);
	insn->repeated = (d->attributes & ZYDIS_ATTRIB_HAS_REP) != 0;
	return true;
}

static bool decode_scatter(struct insn *insn, const ZydisDecodedInstruction *d)
{
	insn->form = FORM_SCATTER;
	insn->mask = (uint8_t)(d->avx.mask.reg - ZYDIS_REGISTER_K0);
	return insn->mask > 0 && insn->mask < 8;
}

/* What stores through @op, its operand in memory. */
static bool decode_store(struct insn *insn, const ZydisDecodedInstruction *d,
			 const ZydisDecodedOperand *op)
{
	switch (d->mnemonic) {
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
		return decode_string(insn, d, op);
	case ZYDIS_MNEMONIC_MOVSB:
	case ZYDIS_MNEMONIC_MOVSW:
	case ZYDIS_MNEMONIC_MOVSD:
	case ZYDIS_MNEMONIC_MOVSQ:
		/* MOVSD is a vector instruction as well. */
		if (d->attributes & ZYDIS_ATTRIB_HAS_MODRM)
			break;
		insn->moves = true;
		return decode_string(insn, d, op);
	default:
		break;
	}
	if (op->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
		return decode_scatter(insn, d);
	return op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM &&
	       decode_operand(insn, d, op);
}

/* Bytes behind the page of @pc are looked at only if the instruction goes on. */
static bool decode(uintptr_t pc, struct insn *insn)
{
	size_t max = MALI_PAGE_SIZE - pc % MALI_PAGE_SIZE;
	ZydisDecodedInstruction d;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZyanStatus status;

	max = max < INSN_MAX ? max : INSN_MAX;
	status = ZydisDecoderDecodeFull(&pool.decoder, (const void *)pc, max,
					&d, ops);
	if (status == ZYDIS_STATUS_NO_MORE_DATA)
		status = ZydisDecoderDecodeFull(
			&pool.decoder, (const void *)pc, INSN_MAX, &d, ops);
	if (!ZYAN_SUCCESS(status))
		return false;
	*insn = (struct insn){.length = d.length};
	memcpy(insn->bytes, (const void *)pc, d.length);
	for (unsigned i = 0; i < d.operand_count; i++) {
		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    ops[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
			return decode_store(insn, &d, &ops[i]);
	}
	return false;
}

/* The instruction at @pc, decoded before or now; NULL: cannot be stepped. */
static struct insn *get_insn(struct slot *slot, uintptr_t pc)
{
	struct insn *insn = &slot->insns[(pc ^ pc >> 5) % CODES];

	if (insn->pc == pc &&
	    !memcmp(insn->bytes, (const void *)pc, insn->length))
		return insn;
	insn->pc = 0;
	if (!decode(pc, insn))
		return NULL;
	if (insn->form == FORM_OPERAND)
		memcpy(pool.code_writable + code_offset(slot, insn), insn->code,
		       insn->code_length);
	insn->pc = pc;
	return insn;
}

/* A LOCK prefix, or an exchange, which has none but needs none. */
bool mali_step_is_atomic(uintptr_t pc)
{
	static const uint8_t prefixes[] = {0x66, 0x67, 0xf2, 0xf3, 0x2e, 0x36,
					   0x3e, 0x26, 0x64, 0x65};
	const uint8_t *at = (const uint8_t *)pc;

	while (*at != 0xf0 && memchr(prefixes, *at, sizeof(prefixes)))
		at++;
	if (*at == 0xf0)
		return true;
	if ((*at & 0xf0) == 0x40)
		at++;
	return *at == 0x86 || *at == 0x87;
}

/* ---------------------------------------------------------- operands -- */

static uintptr_t operand_address(const struct insn *insn, const greg_t *gregs)
{
	uint64_t addr = (uint64_t)insn->disp;

	if (insn->relative)
		addr += insn->pc + insn->length;
	if (insn->base >= 0)
		addr += (uint64_t)gregs[insn->base];
	if (insn->index >= 0)
		addr += (uint64_t)gregs[insn->index] * insn->scale;
	return addr;
}

/*
 * The distance to the operand's place, and the jump behind the instruction.
 * Leaving the handler makes the processor see it.
 */
static void write_code(const struct slot *slot, const struct insn *insn,
		       const uint8_t *operand, uintptr_t target)
{
	static const uint8_t jump[6] = {0xff, 0x25}; /* jmp *0(%rip) */
	size_t offset = code_offset(slot, insn);
	uint8_t *code = pool.code_writable + offset;
	int32_t distance =
		(int32_t)(operand - (pool.code + offset + insn->code_length));

	memcpy(code + insn->patch_offset, &distance, sizeof(distance));
	memcpy(code + insn->code_length, jump, sizeof(jump));
	memcpy(code + insn->code_length + sizeof(jump), &target,
	       sizeof(target));
}

/* As a thread would read it: through the window, byte by byte. */
static void read_bytes(uint8_t *to, uintptr_t addr, size_t size_B)
{
	const volatile uint8_t *from = (const volatile uint8_t *)addr;

	for (size_t i = 0; i < size_B; i++)
		to[i] = from[i];
}

static void write_byte(uintptr_t addr, uint8_t value)
{
	*(volatile uint8_t *)addr = value;
}

static bool within(uintptr_t addr, uint64_t size_B,
		   const struct mali_null_range *null)
{
	return addr >= null->lo && addr + size_B <= null->hi;
}

static bool step_operand(struct slot *slot, struct insn *insn, greg_t *gregs,
			 uintptr_t trapped, const struct mali_null_range *null)
{
	uintptr_t addr = operand_address(insn, gregs);
	uintptr_t next = insn->pc + insn->length;
	uint8_t *operand = slot->memory + addr % OPERAND_MAX;

	/* As of a bit string, whose bit lies elsewhere. */
	if (trapped - addr >= insn->size_B)
		return false;
	memset(operand, 0, insn->size_B);
	if (!within(addr, insn->size_B, null)) {
		read_bytes(operand, addr, insn->size_B);
		slot->finish.next_pc = next;
		slot->finish.addr = addr;
		slot->finish.size_B = insn->size_B;
		slot->finish.null = *null;
		memcpy(slot->finish.before, operand, insn->size_B);
		next = pool.finish + (uintptr_t)(slot - pool.slots);
	}
	write_code(slot, insn, operand, next);
	gregs[REG_RIP] = (greg_t)(pool.code + code_offset(slot, insn));
	return true;
}

/*
 * Only what the instruction has changed is stored: a masked store leaves its
 * neighbours alone.
 */
bool mali_step_finish(void *context, uintptr_t addr)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct slot *slot = my_slot;
	uint8_t after[OPERAND_MAX], before[OPERAND_MAX];
	struct mali_null_range null;
	uintptr_t to;
	uint32_t size_B;

	if (!slot || addr != pool.finish + (uintptr_t)(slot - pool.slots))
		return false;
	/* Storing may step over more, in this slot. */
	to = slot->finish.addr;
	size_B = slot->finish.size_B;
	null = slot->finish.null;
	memcpy(before, slot->finish.before, size_B);
	memcpy(after, slot->memory + to % OPERAND_MAX, size_B);
	gregs[REG_RIP] = (greg_t)slot->finish.next_pc;
	for (uint32_t i = 0; i < size_B; i++) {
		if (after[i] != before[i] && !within(to + i, 1, &null))
			write_byte(to + i, after[i]);
	}
	return true;
}

/* ----------------------------------------------------------- strings -- */

#define DIRECTION_FLAG 0x400

/* One element that is not in null memory as a whole. */
static void store_element(const struct insn *insn, const greg_t *gregs,
			  const struct mali_null_range *null)
{
	uintptr_t to = (uintptr_t)gregs[REG_RDI];
	uint8_t value[8];

	if (insn->moves)
		read_bytes(value, (uintptr_t)gregs[REG_RSI], insn->size_B);
	else
		memcpy(value, &gregs[REG_RAX], sizeof(value));
	for (unsigned i = 0; i < insn->size_B; i++) {
		if (!within(to + i, 1, null))
			write_byte(to + i, value[i]);
	}
}

/* A copy: storing may step over more, and look up instructions. */
static bool step_string(struct insn copy, greg_t *gregs,
			struct mali_null_range range)
{
	struct mali_null_range *null = &range;
	const struct insn *insn = &copy;
	uintptr_t to = (uintptr_t)gregs[REG_RDI];
	uint64_t left = insn->repeated ? (uint64_t)gregs[REG_RCX] : 1;
	uint64_t count = 0;

	/* Backwards is slow on every processor, and nobody does it. */
	if (gregs[REG_EFL] & DIRECTION_FLAG || !left)
		return false;
	if (to + left * insn->size_B > null->hi)
		mali_window_extend_null(to, null);
	if (to >= null->lo && to < null->hi)
		count = (null->hi - to) / insn->size_B;
	if (count > left)
		count = left;
	if (!count) {
		store_element(insn, gregs, null);
		count = 1;
	}
	gregs[REG_RDI] += (greg_t)(count * insn->size_B);
	if (insn->moves)
		gregs[REG_RSI] += (greg_t)(count * insn->size_B);
	if (insn->repeated)
		gregs[REG_RCX] = (greg_t)(left - count);
	if (left == count)
		gregs[REG_RIP] = (greg_t)(insn->pc + insn->length);
	return true;
}

/* ---------------------------------------------------------- scatters -- */

#define XSTATE_MAGIC 0x46505853u
#define XSTATE_SW_OFFSET 464
#define XSTATE_HEADER_OFFSET 512
#define XSTATE_OPMASK 5

/* Where a signal frame keeps k0 to k7, or NULL. */
static uint64_t *opmasks(ucontext_t *context)
{
	uint8_t *state = (uint8_t *)context->uc_mcontext.fpregs;
	uint32_t magic, size_B, offset, ecx, edx;
	uint64_t features;

	if (!state)
		return NULL;
	memcpy(&magic, state + XSTATE_SW_OFFSET, sizeof(magic));
	memcpy(&features, state + XSTATE_HEADER_OFFSET, sizeof(features));
	if (magic != XSTATE_MAGIC || !(features >> XSTATE_OPMASK & 1) ||
	    !__get_cpuid_count(0xd, XSTATE_OPMASK, &size_B, &offset, &ecx,
			       &edx) ||
	    size_B < 64)
		return NULL;
	return (uint64_t *)(state + offset);
}

static bool step_scatter(const struct insn *insn, ucontext_t *context)
{
	uint64_t *masks = opmasks(context);

	if (!masks || !masks[insn->mask])
		return false;
	masks[insn->mask] &= masks[insn->mask] - 1;
	return true;
}

/* -------------------------------------------------------------- step -- */

bool mali_step_store(void *context, uintptr_t addr,
		     const struct mali_null_range *null)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct slot *slot = get_slot();
	struct insn *insn;

	if (!slot)
		return false;
	insn = get_insn(slot, (uintptr_t)gregs[REG_RIP]);
	if (!insn)
		return false;
	switch (insn->form) {
	case FORM_STRING:
		return step_string(*insn, gregs, *null);
	case FORM_SCATTER:
		return step_scatter(insn, context);
	default:
		return step_operand(slot, insn, gregs, addr, null);
	}
}

#else

bool mali_step_init(void)
{
	return false;
}

bool mali_step_store(void *context, uintptr_t addr,
		     const struct mali_null_range *null)
{
	return false;
}

bool mali_step_finish(void *context, uintptr_t addr)
{
	return false;
}

bool mali_step_is_atomic(uintptr_t pc)
{
	return false;
}

#endif
