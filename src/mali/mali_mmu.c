/* SPDX-License-Identifier: MIT */
/*
 * The AS register block: latches and commands.
 *
 * A command is complete when the write to COMMAND returns, so STATUS reads as
 * idle, except for a slot that was told to get stuck. LOCK replaces the region
 * that was locked before: what waits for a part that is no longer locked goes
 * on.
 */
#include <string.h>

#include "mali_private.h"

static uint64_t reg64_read(const struct mali_reg64 *reg)
{
	uint64_t hi = atomic_load_explicit(&reg->half[1], memory_order_relaxed);

	return hi << 32 |
	       atomic_load_explicit(&reg->half[0], memory_order_relaxed);
}

static void reg64_write(struct mali_reg64 *reg, uint64_t value)
{
	atomic_store_explicit(&reg->half[0], (uint32_t)value,
			      memory_order_relaxed);
	atomic_store_explicit(&reg->half[1], (uint32_t)(value >> 32),
			      memory_order_relaxed);
}

/* ---------------------------------------------------------- commands -- */

/*
 * The block that LOCKADDR names. Widths below the minimum mean the minimum,
 * those beyond the address space all of it.
 */
static void decode_region(uint64_t lockaddr, uint64_t *start_out,
			  uint64_t *last_out)
{
	unsigned width = lockaddr & MALI_AS_LOCKADDR_WIDTH_MASK;
	uint64_t mask;

	if (width < MALI_AS_LOCKADDR_WIDTH_MIN)
		width = MALI_AS_LOCKADDR_WIDTH_MIN;
	mask = width >= 47 ? (1ull << 48) - 1 : (2ull << width) - 1;
	*start_out = lockaddr & ((1ull << 48) - 1) & ~mask;
	*last_out = *start_out | mask;
}

/*
 * Lets those go on that wait for the old region; they look again. Returns
 * whether somebody must be woken once the tlb lock is dropped.
 */
static bool release_waiters(struct mali_as *as)
{
	if (!as->waiters)
		return false;
	atomic_fetch_add_explicit(&as->releases, 1, memory_order_relaxed);
	return true;
}

static void command_lock(struct mali_gpu *gpu, struct mali_as *as)
{
	uint64_t start, last;
	bool wake;

	decode_region(reg64_read(&as->lockaddr), &start, &last);
	mali_tlb_lock();
	wake = as->locked && release_waiters(as);
	as->locked = true;
	as->lock_start = start;
	as->lock_last = last;
	gpu->tlb.locks++;
	gpu->tlb.locked_B += last - start + 1;
	mali_tlb_invalidate(gpu, as, start, last);
	mali_tlb_unlock();
	if (wake)
		mali_futex_wake_all(&as->releases);
}

static void command_unlock(struct mali_as *as)
{
	bool wake;

	mali_tlb_lock();
	as->locked = false;
	wake = release_waiters(as);
	mali_tlb_unlock();
	if (wake)
		mali_futex_wake_all(&as->releases);
}

static struct mali_walk_config read_config(struct mali_gpu *gpu,
					   struct mali_as *as)
{
	uint64_t transcfg = reg64_read(&as->transcfg);
	uint32_t ina_bits = (transcfg & MALI_AS_TRANSCFG_INA_BITS_MASK) >> 6;
	uint32_t va_bits = 55 - ina_bits;

	/* An input size that the GPU does not have is cut to the one it has. */
	if (va_bits > gpu->config.va_bits)
		va_bits = gpu->config.va_bits;
	return (struct mali_walk_config){
		.dram = mali_dram_base(gpu->config.dram),
		.dram_size_B = mali_dram_size(gpu->config.dram),
		.pa_bits = gpu->config.pa_bits,
		.mode = transcfg & MALI_AS_TRANSCFG_ADRMODE_MASK,
		.va_bits = va_bits,
		.root = reg64_read(&as->transtab),
		.memattr = reg64_read(&as->memattr),
		.af_faults = !(transcfg & MALI_AS_TRANSCFG_DISABLE_AF_FAULT),
		.hierarchical_ap =
			!(transcfg & MALI_AS_TRANSCFG_DISABLE_HIER_AP),
		.absent_stall = !gpu->config.no_absent_stall,
		.null_leaves = gpu->config.null_leaves,
	};
}

/* Makes the latches effective. Disabling the address space ends its lock. */
static void command_update(struct mali_gpu *gpu, struct mali_as *as)
{
	struct mali_walk_config config = read_config(gpu, as);
	bool wake = false;

	mali_tlb_lock();
	as->config = config;
	if (config.mode == MALI_AS_TRANSCFG_ADRMODE_UNMAPPED) {
		as->locked = false;
		wake = release_waiters(as);
	}
	mali_tlb_invalidate(gpu, as, 0, UINT64_MAX);
	mali_tlb_unlock();
	if (wake)
		mali_futex_wake_all(&as->releases);
}

/* Does this command never complete, because of it or of one before? */
static bool gets_stuck(struct mali_gpu *gpu, struct mali_as *as, uint32_t value)
{
	uint32_t n = as - gpu->as;
	bool stuck;

	mali_tlb_lock();
	if (gpu->stuck.armed && gpu->stuck.command == value &&
	    (gpu->stuck.as == n || gpu->stuck.as == UINT32_MAX) &&
	    !gpu->stuck.skip--) {
		gpu->stuck.armed = false;
		as->stuck = true;
	}
	stuck = as->stuck;
	mali_tlb_unlock();
	return stuck;
}

bool mali_gpu_inject_stuck_as(struct mali_gpu *gpu, uint32_t as,
			      uint32_t command, uint32_t skip)
{
	bool was_armed;

	mali_tlb_lock();
	was_armed = gpu->stuck.armed;
	gpu->stuck.armed = true;
	gpu->stuck.as = as;
	gpu->stuck.command = command;
	gpu->stuck.skip = skip;
	mali_tlb_unlock();
	return was_armed;
}

static void command(struct mali_gpu *gpu, struct mali_as *as, uint32_t value)
{
	if (gets_stuck(gpu, as, value))
		return;

	switch (value) {
	case MALI_AS_COMMAND_UPDATE:
		command_update(gpu, as);
		break;
	case MALI_AS_COMMAND_LOCK:
		command_lock(gpu, as);
		break;
	case MALI_AS_COMMAND_UNLOCK:
		command_unlock(as);
		break;
	case MALI_AS_COMMAND_FLUSH_PT:
	case MALI_AS_COMMAND_FLUSH_MEM:
		/* LOCK dropped the region's entries, and memory is coherent. */
		mali_gpu_count_flush(gpu);
		break;
	default:
		break;
	}
}

/* --------------------------------------------------------- registers -- */

/* The half of a 64-bit register at @offset of an AS block, or NULL. */
static _Atomic uint32_t *reg_half(struct mali_as *as, uint32_t offset)
{
	static const struct {
		uint32_t offset;
		size_t member;
	} regs[] = {
		{MALI_AS_TRANSTAB(0), offsetof(struct mali_as, transtab)},
		{MALI_AS_MEMATTR(0), offsetof(struct mali_as, memattr)},
		{MALI_AS_LOCKADDR(0), offsetof(struct mali_as, lockaddr)},
		{MALI_AS_FAULTADDRESS(0),
		 offsetof(struct mali_as, faultaddress)},
		{MALI_AS_TRANSCFG(0), offsetof(struct mali_as, transcfg)},
	};
	uint32_t base = MALI_AS(0) + (offset & ~7u);

	for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		struct mali_reg64 *reg;

		if (regs[i].offset != base)
			continue;
		reg = (struct mali_reg64 *)((char *)as + regs[i].member);
		return &reg->half[offset / 4 % 2];
	}
	return NULL;
}

static struct mali_as *as_at(struct mali_gpu *gpu, uint32_t offset)
{
	uint32_t n = offset / (MALI_AS(1) - MALI_AS(0));

	if (n >= MALI_MAX_AS || !(gpu->config.as_present >> n & 1))
		return NULL;
	return &gpu->as[n];
}

uint32_t mali_mmu_read(struct mali_gpu *gpu, uint32_t offset)
{
	struct mali_as *as = as_at(gpu, offset);
	_Atomic uint32_t *half;

	if (!as)
		return 0;
	offset %= MALI_AS(1) - MALI_AS(0);
	if (offset == MALI_AS_FAULTSTATUS(0) - MALI_AS(0))
		return atomic_load_explicit(&as->faultstatus,
					    memory_order_relaxed);
	if (offset == MALI_AS_STATUS(0) - MALI_AS(0))
		return atomic_load_explicit(&as->stuck, memory_order_relaxed)
			       ? MALI_AS_STATUS_ACTIVE
			       : 0;
	half = reg_half(as, offset);
	return half ? atomic_load_explicit(half, memory_order_relaxed) : 0;
}

void mali_mmu_write(struct mali_gpu *gpu, uint32_t offset, uint32_t value)
{
	struct mali_as *as = as_at(gpu, offset);
	_Atomic uint32_t *half;

	if (!as)
		return;
	offset %= MALI_AS(1) - MALI_AS(0);
	if (offset == MALI_AS_COMMAND(0) - MALI_AS(0)) {
		command(gpu, as, value);
		return;
	}
	half = reg_half(as, offset);
	if (half && half != &as->faultaddress.half[0] &&
	    half != &as->faultaddress.half[1])
		atomic_store_explicit(half, value, memory_order_relaxed);
}

/* ----------------------------------------------------- reset, faults -- */

static void reset_as(struct mali_gpu *gpu, struct mali_as *as)
{
	bool wake;

	reg64_write(&as->transtab, 0);
	reg64_write(&as->memattr, 0);
	reg64_write(&as->lockaddr, 0);
	reg64_write(&as->transcfg, MALI_AS_TRANSCFG_ADRMODE_UNMAPPED);
	reg64_write(&as->faultaddress, 0);
	atomic_store_explicit(&as->faultstatus, 0, memory_order_relaxed);

	mali_tlb_lock();
	as->config = (struct mali_walk_config){
		.mode = MALI_AS_TRANSCFG_ADRMODE_UNMAPPED,
	};
	as->locked = false;
	as->stuck = false;
	wake = release_waiters(as);
	mali_tlb_invalidate(gpu, as, 0, UINT64_MAX);
	mali_tlb_unlock();
	if (wake)
		mali_futex_wake_all(&as->releases);
}

void mali_mmu_reset(struct mali_gpu *gpu)
{
	for (unsigned i = 0; i < MALI_MAX_AS; i++)
		reset_as(gpu, &gpu->as[i]);
	atomic_store(&gpu->mmu_irq.rawstat, 0);
	atomic_store(&gpu->mmu_irq.mask, 0);
}

bool mali_mmu_record_fault(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va, uint32_t exception, uint32_t access,
			   uint32_t source)
{
	uint32_t bit = 1u << (as - gpu->as);
	bool unmapped = as->config.mode == MALI_AS_TRANSCFG_ADRMODE_UNMAPPED;

	assert(mali_tlb_locked());
	gpu->tlb.faults += exception != MALI_FAULT_ABSENT;
	/*
	 * Threads that still run when the driver disabled an address space
	 * keep faulting. Nobody listens, and the slot's next owner must not
	 * inherit that.
	 */
	if (unmapped && !(atomic_load(&gpu->mmu_irq.mask) & bit))
		return false;
	/* The first fault stays until its interrupt is cleared. */
	if (!(atomic_load(&gpu->mmu_irq.rawstat) & bit)) {
		reg64_write(&as->faultaddress, va);
		atomic_store_explicit(
			&as->faultstatus,
			exception | MALI_AS_FAULTSTATUS_ACCESS(access) |
				MALI_AS_FAULTSTATUS_SOURCE(source),
			memory_order_relaxed);
	}
	return mali_irq_set(&gpu->mmu_irq, bit);
}

/* ------------------------------------------------ what accesses wait for -- */

/* Until something is released. Drops the tlb lock while it does. */
static void wait_for_release(struct mali_gpu *gpu, struct mali_as *as,
			     bool raise)
{
	uint32_t seen =
		atomic_load_explicit(&as->releases, memory_order_relaxed);

	as->waiters++;
	mali_tlb_unlock();
	if (raise)
		mali_irq_raise(gpu, MALI_IRQ_MMU);
	mali_futex_wait(&as->releases, seen);
	mali_tlb_lock();
	as->waiters--;
}

static bool is_locked(const struct mali_as *as, uint64_t va)
{
	return as->locked && va >= as->lock_start && va <= as->lock_last;
}

void mali_as_wait_unlocked(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va)
{
	gpu->tlb.stalls += is_locked(as, va);
	while (is_locked(as, va))
		wait_for_release(gpu, as, false);
}

bool mali_as_must_wait(struct mali_gpu *gpu, struct mali_as *as,
		       uint32_t exception)
{
	uint32_t status =
		atomic_load_explicit(&as->faultstatus, memory_order_relaxed);
	uint32_t bit = 1u << (as - gpu->as);

	if (!exception || exception == MALI_FAULT_ABSENT)
		return exception;
	/* The registers hold one fault; a disabled slot's is nobody's. */
	return (atomic_load(&gpu->mmu_irq.rawstat) & bit) &&
	       (status & MALI_AS_FAULTSTATUS_EXCEPTION_MASK) ==
		       MALI_FAULT_ABSENT &&
	       as->config.mode != MALI_AS_TRANSCFG_ADRMODE_UNMAPPED;
}

void mali_as_wait_driver(struct mali_gpu *gpu, struct mali_as *as, uint64_t va,
			 uint32_t exception, uint32_t access, uint32_t source)
{
	bool absent = exception == MALI_FAULT_ABSENT;

	gpu->tlb.absents += absent;
	wait_for_release(gpu, as,
			 absent && mali_mmu_record_fault(gpu, as, va, exception,
							 access, source));
}

uint32_t mali_as_translate(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va, uint32_t access, uint32_t source,
			   const _Atomic bool *run, struct mali_leaf *leaf_out)
{
	uint32_t exception = 0;

	gpu->tlb.stalls += is_locked(as, va);
	for (;;) {
		bool locked = is_locked(as, va);

		if (!locked) {
			exception =
				mali_walk(&as->config, va, access, leaf_out);
			if (!mali_as_must_wait(gpu, as, exception))
				return exception;
		}
		if (!atomic_load(run))
			return MALI_INTERRUPTED;
		if (locked)
			wait_for_release(gpu, as, false);
		else
			mali_as_wait_driver(gpu, as, va, exception, access,
					    source);
	}
}

void mali_as_interrupt(struct mali_as *as)
{
	bool wake;

	mali_tlb_lock();
	wake = release_waiters(as);
	mali_tlb_unlock();
	if (wake)
		mali_futex_wake_all(&as->releases);
}

void mali_mmu_fault_cleared(struct mali_gpu *gpu, uint32_t bits)
{
	for (unsigned n = 0; n < MALI_MAX_AS; n++) {
		if (bits >> n & 1)
			mali_as_interrupt(&gpu->as[n]);
	}
}
