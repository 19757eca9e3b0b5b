/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of the GPU's own units through an address space.
 *
 * Each one walks the page tables under the tlb lock and touches DRAM before it
 * lets go of it. So a LOCK command, which takes the lock, returns when no
 * access that used an old translation is under way, just as for windows.
 */
#include "mali_csf.h"

enum mem_op { MEM_LOAD, MEM_STORE, MEM_ADD };

/* The access itself; DRAM is shared with the driver and other units. */
static void touch32(void *at, enum mem_op op, uint64_t *value)
{
	_Atomic uint32_t *word = at;

	if (op == MEM_LOAD)
		*value = atomic_load_explicit(word, memory_order_acquire);
	else if (op == MEM_STORE)
		atomic_store_explicit(word, (uint32_t)*value,
				      memory_order_release);
	else
		*value = (uint32_t)(atomic_fetch_add_explicit(
					    word, (uint32_t)*value,
					    memory_order_acq_rel) +
				    *value);
}

static void touch64(void *at, enum mem_op op, uint64_t *value)
{
	_Atomic uint64_t *word = at;

	if (op == MEM_LOAD)
		*value = atomic_load_explicit(word, memory_order_acquire);
	else if (op == MEM_STORE)
		atomic_store_explicit(word, *value, memory_order_release);
	else
		*value += atomic_fetch_add_explicit(word, *value,
						    memory_order_acq_rel);
}

static uint32_t access_of(enum mem_op op)
{
	switch (op) {
	case MEM_LOAD:
		return MALI_ACCESS_READ;
	case MEM_STORE:
		return MALI_ACCESS_WRITE;
	default:
		return MALI_ACCESS_ATOMIC;
	}
}

/* @value: what was loaded, or is there now; @operand: what was stored or added. */
static void observe(const struct mali_port *port, uint64_t root, uint64_t va,
		    uint32_t size_B, enum mem_op op, uint64_t value,
		    uint64_t operand)
{
	const struct mali_cs_context *context = &port->cs->context;
	const struct mali_stream_access access = {
		.root = root,
		.ring_va = context->ring_va,
		.ring_at = context->frames[0].pc,
		.va = va,
		.size_B = size_B,
		.loads = op != MEM_STORE,
		.stores = op != MEM_LOAD,
		.before = op == MEM_ADD ? value - operand : value,
		.after = value,
	};
	mali_stream_fn fn = atomic_load_explicit(
		&port->gpu->stream_observer.fn, memory_order_acquire);

	if (fn)
		fn(port->gpu->stream_observer.data, &access);
}

static uint32_t access_memory(const struct mali_port *port, uint64_t va,
			      uint32_t size_B, enum mem_op op, uint64_t *value)
{
	struct mali_gpu *gpu = port->gpu;
	struct mali_as *as = &gpu->as[port->as];
	uint32_t access = access_of(op), exception;
	uint64_t operand = *value, root;
	struct mali_leaf leaf;
	bool raise = false;

	mali_tlb_lock();
	root = as->config.root;
	exception = mali_as_translate(gpu, as, va, access, port->source,
				      port->run, &leaf);
	if (!exception && leaf.null) {
		if (op == MEM_LOAD)
			*value = 0;
	} else if (!exception) {
		void *at = (char *)mali_dram_base(gpu->config.dram) + leaf.pa +
			   (va - leaf.va);

		if (size_B == 4)
			touch32(at, op, value);
		else
			touch64(at, op, value);
	} else if (exception != MALI_INTERRUPTED) {
		raise = mali_mmu_record_fault(gpu, as, va, exception, access,
					      port->source);
	}
	mali_tlb_unlock();

	if (raise)
		mali_irq_raise(gpu, MALI_IRQ_MMU);
	if (!exception && port->cs && port->cs->context.depth)
		observe(port, root, va, size_B, op, *value, operand);
	return exception;
}

uint32_t mali_mem_load32(const struct mali_port *port, uint64_t va,
			 uint32_t *value_out)
{
	uint64_t value = 0;
	uint32_t exception = access_memory(port, va, 4, MEM_LOAD, &value);

	*value_out = (uint32_t)value;
	return exception;
}

uint32_t mali_mem_load64(const struct mali_port *port, uint64_t va,
			 uint64_t *value_out)
{
	*value_out = 0;
	return access_memory(port, va, 8, MEM_LOAD, value_out);
}

uint32_t mali_mem_store32(const struct mali_port *port, uint64_t va,
			  uint32_t value)
{
	uint64_t word = value;

	return access_memory(port, va, 4, MEM_STORE, &word);
}

uint32_t mali_mem_store64(const struct mali_port *port, uint64_t va,
			  uint64_t value)
{
	return access_memory(port, va, 8, MEM_STORE, &value);
}

uint32_t mali_mem_add32(const struct mali_port *port, uint64_t va,
			uint32_t value)
{
	uint64_t word = value;

	return access_memory(port, va, 4, MEM_ADD, &word);
}

uint32_t mali_mem_add64(const struct mali_port *port, uint64_t va,
			uint64_t value)
{
	return access_memory(port, va, 8, MEM_ADD, &value);
}
