/* SPDX-License-Identifier: MIT */
/*
 * Windows and the misses in them, the tlb lock and the locked regions that
 * misses wait for.
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mali_private.h"

/*
 * No entry is larger. A larger one would save few misses and cost more when it
 * is evicted.
 */
#define RUN_MAX (32ull << 20)

/*
 * After a miss the host's page-table entries of this much around the address
 * are made as well: one system call instead of 16 page faults for a tile. More
 * would commit memory that may never be touched.
 */
#define POPULATE_B (64ull << 10)

/* Linux 5.14; an older one says EINVAL, and the page faults are taken. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* While an address space is disabled everything faults: scratch in bulk. */
#define SCRATCH_MAX (2ull << 20)

/* Every window of the process by host address. Guarded by the tlb lock. */
static struct mali_tree windows_by_host;

/* ----------------------------------------------------------- locking -- */

void mali_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	/* Woken, changed or interrupted: the caller looks again. */
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void mali_futex_wake_all(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/*
 * Whoever comes first takes what is free. But streams hold the lock most of the
 * time, and on a busy host lose the processor with it: who is woken then finds
 * it taken again, and again. So one that has waited for long has it handed over:
 * not to newcomers, but to those who have slept.
 */
enum {
	FREE,
	HELD,
	WAITED,	 /* held, and somebody may wait */
	STARVED, /* the same, and to be handed over */
	HANDED,	 /* free for who has waited */
};
static _Atomic uint32_t tlb_lock_word;

/* initial-exec: reading it in a signal handler must not allocate. */
static _Thread_local bool tlb_lock_mine
	__attribute__((tls_model("initial-exec")));

#define LOCK_SPINS 64
#define LOCK_STARVE_NS 1000000

static bool tlb_lock_change(uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&tlb_lock_word, &from,
						       to, memory_order_acquire,
						       memory_order_relaxed);
}

static bool tlb_try_lock(void)
{
	return tlb_lock_change(FREE, HELD);
}

static void tlb_lock_sleep(void)
{
	uint64_t since_ns = mali_now_ns();
	bool slept = false;

	for (;;) {
		uint32_t word = atomic_load_explicit(&tlb_lock_word,
						     memory_order_relaxed);
		uint32_t wait = WAITED;

		if (word == FREE || (word == HANDED && slept)) {
			/* There may be more who wait. */
			if (tlb_lock_change(word, WAITED))
				return;
			continue;
		}
		if (slept && mali_now_ns() - since_ns > LOCK_STARVE_NS)
			wait = STARVED;
		if (wait > word && !tlb_lock_change(word, wait))
			continue;
		mali_futex_wait(&tlb_lock_word, wait > word ? wait : word);
		slept = true;
	}
}

static void tlb_lock_contended(void)
{
	for (unsigned i = 0; i < LOCK_SPINS; i++) {
		if (!atomic_load_explicit(&tlb_lock_word,
					  memory_order_relaxed) &&
		    tlb_try_lock())
			return;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	tlb_lock_sleep();
}

void mali_tlb_lock(void)
{
	assert(!tlb_lock_mine);
	if (!tlb_try_lock())
		tlb_lock_contended();
	tlb_lock_mine = true;
}

void mali_tlb_unlock(void)
{
	uint32_t word = HELD;

	assert(tlb_lock_mine);
	tlb_lock_mine = false;
	if (atomic_compare_exchange_strong_explicit(&tlb_lock_word, &word, FREE,
						    memory_order_release,
						    memory_order_relaxed))
		return;
	atomic_store_explicit(&tlb_lock_word, word == STARVED ? HANDED : FREE,
			      memory_order_release);
	syscall(SYS_futex, &tlb_lock_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
		0);
}

bool mali_tlb_locked(void)
{
	return tlb_lock_mine;
}

/* ---------------------------------------------------------- lifetime -- */

static int check_window(const struct mali_gpu *gpu, uint32_t as, uint64_t va,
			uintptr_t host, uint64_t size_B)
{
	uint64_t va_end = 1ull << gpu->config.va_bits;

	if (as >= MALI_MAX_AS || !(gpu->config.as_present >> as & 1))
		return -EINVAL;
	if (!size_B || !host || (va | host | size_B) % MALI_PAGE_SIZE)
		return -EINVAL;
	if (size_B > va_end || va > va_end - size_B ||
	    size_B - 1 > UINTPTR_MAX - host)
		return -EINVAL;
	return 0;
}

int mali_window_create(struct mali_gpu *gpu, uint32_t as, uint64_t va,
		       void *host, uint64_t size_B,
		       struct mali_window **window_out)
{
	uintptr_t first = (uintptr_t)host;
	struct mali_window *window;
	int ret;

	ret = check_window(gpu, as, va, first, size_B);
	if (ret)
		return ret;
	window = calloc(1, sizeof(*window));
	if (!window)
		return -ENOMEM;
	window->gpu = gpu;
	window->as = &gpu->as[as];
	window->va = va;
	window->host = first;
	window->size_B = size_B;
	window->va_node.start = va;
	window->va_node.last = va + size_B - 1;
	window->host_node.start = first;
	window->host_node.last = first + size_B - 1;

	mali_tlb_lock();
	if (mali_tree_first(&windows_by_host, first, first + size_B - 1)) {
		ret = -EINVAL;
	} else {
		gpu->tlb.host_calls++;
		ret = mali_host_block(first, size_B);
	}
	if (!ret) {
		mali_tree_insert(&windows_by_host, &window->host_node);
		gpu->window_count++;
	}
	mali_tlb_unlock();
	if (ret) {
		free(window);
		return ret == -EINVAL ? -EINVAL : -ENOMEM;
	}
	*window_out = window;
	return 0;
}

/* Tlb lock held. */
static void window_detach(struct mali_window *window)
{
	mali_tlb_drop_window(window);
	mali_null_forget(window);
	mali_tree_remove(&windows_by_host, &window->host_node);
	window->gpu->window_count--;
	window->gpu = NULL;
}

void mali_window_destroy(struct mali_window *window)
{
	if (!window)
		return;
	if (window->gpu) {
		mali_tlb_lock();
		window_detach(window);
		mali_tlb_unlock();
	}
	free(window);
}

void mali_window_observe(struct mali_window *window, mali_observe_fn observe,
			 void *data)
{
	mali_tlb_lock();
	window->observe = observe;
	window->observe_data = data;
	if (window->gpu)
		mali_tlb_drop_window(window);
	mali_tlb_unlock();
}

void mali_window_drop(struct mali_window *window, uint64_t va, uint64_t size_B)
{
	if (!size_B)
		return;
	mali_tlb_lock();
	if (window->gpu)
		mali_tlb_cut(window, va, va + size_B - 1);
	mali_tlb_unlock();
}

void mali_windows_abandon(struct mali_gpu *gpu)
{
	struct mali_node *node;

	mali_tlb_lock();
	node = mali_tree_first(&windows_by_host, 0, UINT64_MAX);
	while (node) {
		struct mali_window *window =
			mali_container_of(node, struct mali_window, host_node);

		node = mali_tree_next(node, 0, UINT64_MAX);
		if (window->gpu == gpu)
			window_detach(window);
	}
	mali_tlb_unlock();
}

struct mali_window *mali_window_next(struct mali_gpu *gpu,
				     const struct mali_window *prev)
{
	struct mali_node *node =
		prev ? mali_tree_next(&prev->host_node, 0, UINT64_MAX)
		     : mali_tree_first(&windows_by_host, 0, UINT64_MAX);

	for (; node; node = mali_tree_next(node, 0, UINT64_MAX)) {
		struct mali_window *window =
			mali_container_of(node, struct mali_window, host_node);

		if (window->gpu == gpu)
			return window;
	}
	return NULL;
}

/* ------------------------------------------------------------ misses -- */

/* What may be shown around @va: of the window, not locked, @max at most. */
static void window_limits(const struct mali_window *window, uint64_t va,
			  uint64_t max_B, uint64_t *lo_out, uint64_t *hi_out)
{
	const struct mali_as *as = window->as;
	uint64_t lo = va & ~(max_B - 1);
	uint64_t hi = lo + max_B;

	if (lo < window->va)
		lo = window->va;
	if (hi > window->va + window->size_B)
		hi = window->va + window->size_B;
	if (as->locked && va < as->lock_start && hi > as->lock_start)
		hi = as->lock_start;
	if (as->locked && va > as->lock_last && lo <= as->lock_last)
		lo = as->lock_last + 1;
	*lo_out = lo;
	*hi_out = hi;
}

/* The same, but no other entry of the window either. */
static void miss_limits(const struct mali_window *window, uint64_t va,
			uint64_t *lo_out, uint64_t *hi_out)
{
	const struct mali_node *before = mali_tree_before(&window->entries, va);
	const struct mali_node *after = mali_tree_after(&window->entries, va);

	window_limits(window, va, RUN_MAX, lo_out, hi_out);
	if (before && *lo_out <= before->last)
		*lo_out = before->last + 1;
	if (after && *hi_out > after->start)
		*hi_out = after->start;
}

/* One access that trapped. */
struct miss {
	struct mali_window *window;
	uint64_t va;
	uint32_t access;
	uintptr_t pc;
	/* To be done when the tlb lock is dropped. */
	bool raise_irq;
	uintptr_t populate;
	uint64_t populate_B;
	uint64_t populate_pa;
	bool populate_writable;
	bool populate_all; /* it exists, and is about to be stored to */
	/* What an observer wants of the memory that is shown. */
	uint64_t first_va, last_va;
	bool tell_store;
	/* A store that is not to be made. */
	bool step;
	struct mali_null_range null;
};

/* Tells the observer, if there is one. */
static void observe(struct miss *miss, uint32_t found)
{
	struct mali_window *window = miss->window;

	miss->first_va = 0;
	miss->last_va = UINT64_MAX;
	miss->tell_store = false;
	if (!window->observe)
		return;
	miss->tell_store = window->observe(window->observe_data, miss->va,
					   miss->access, found, &miss->first_va,
					   &miss->last_va);
	/* Never less than the page, whatever it says. */
	miss->first_va &= ~(uint64_t)(MALI_PAGE_SIZE - 1);
	miss->last_va |= MALI_PAGE_SIZE - 1;
	assert(miss->first_va <= miss->va && miss->last_va >= miss->va);
}

/* The access goes to private memory; false if not even that can be had. */
static bool show_scratch(struct miss *miss)
{
	struct mali_window *window = miss->window;
	uint64_t page = miss->va & ~(uint64_t)(MALI_PAGE_SIZE - 1);
	struct mali_run run = {.va = page, .size_B = MALI_PAGE_SIZE};
	uint64_t lo, hi;

	/* Where a mapping is there that lacks permission, it goes first. */
	mali_tlb_cut(window, page, page + MALI_PAGE_SIZE - 1);
	mali_tlb_reserve(window->gpu);
	if (window->as->config.mode == MALI_AS_TRANSCFG_ADRMODE_UNMAPPED) {
		miss_limits(window, page, &lo, &hi);
		run.va = page & ~(SCRATCH_MAX - 1);
		run.size_B = SCRATCH_MAX;
		if (run.va < lo)
			run.va = lo;
		if (run.va + run.size_B > hi)
			run.size_B = hi - run.va;
	}
	return mali_tlb_fill(window, &run, MALI_ENTRY_SCRATCH) == 0;
}

/* An entry is one host mapping, of one file: cuts @run to that of @va. */
static void cut_to_file(const struct mali_dram *dram, uint64_t va,
			struct mali_run *run)
{
	struct mali_file_run file;
	uint64_t before, behind;

	mali_overlay_at(mali_dram_overlays(dram), run->pa + (va - run->va),
			&file);
	if (file.first_pa > run->pa) {
		before = file.first_pa - run->pa;
		run->va += before;
		run->pa += before;
		run->size_B -= before;
	}
	behind = run->pa + (run->size_B - 1);
	if (file.last_pa < behind)
		run->size_B -= behind - file.last_pa;
}

static bool show_memory(struct miss *miss, const struct mali_leaf *leaf)
{
	struct mali_window *window = miss->window;
	uint64_t first = miss->va & ~(POPULATE_B - 1);
	uint64_t end = first + POPULATE_B;
	struct mali_run run;
	uint64_t lo, hi;

	if (leaf->null)
		mali_null_load(window);
	mali_tlb_reserve(window->gpu);
	miss_limits(window, miss->va, &lo, &hi);
	if (lo < miss->first_va)
		lo = miss->first_va;
	if (hi - 1 > miss->last_va)
		hi = miss->last_va + 1;
	mali_walk_run(&window->as->config, leaf, lo, hi, &run);
	if (!run.null)
		cut_to_file(window->gpu->config.dram, miss->va, &run);
	if (run.null || (miss->tell_store && miss->access == MALI_ACCESS_READ))
		run.writable = false;
	if (mali_tlb_fill(window, &run,
			  run.null	 ? MALI_ENTRY_ZERO :
			  run.writable ? MALI_ENTRY_WRITE : MALI_ENTRY_READ))
		return false;
	window->gpu->tlb.misses++;
	if (first < run.va)
		first = run.va;
	if (end > run.va + run.size_B)
		end = run.va + run.size_B;
	miss->populate = window->host + (first - window->va);
	miss->populate_B = end - first;
	miss->populate_pa = run.pa + (first - run.va);
	miss->populate_writable = run.writable;
	return true;
}

/* The null memory around @va, at most @max_B of it, in [first_va, last_va]. */
static void null_run(const struct mali_window *window, uint64_t va,
		     const struct mali_leaf *leaf, uint64_t max_B,
		     uint64_t first_va, uint64_t last_va, struct mali_run *run)
{
	uint64_t lo, hi;

	window_limits(window, va, max_B, &lo, &hi);
	if (lo < first_va)
		lo = first_va;
	if (hi - 1 > last_va)
		hi = last_va + 1;
	mali_walk_run(&window->as->config, leaf, lo, hi, run);
}

/* Shows memory that takes stores for null memory around @va: @run. */
static bool show_bulk(struct mali_window *window, uint64_t va,
		      const struct mali_leaf *leaf, uint64_t first_va,
		      uint64_t last_va, struct mali_run *run)
{
	uint64_t piece = mali_null_begin_bulk(window);

	null_run(window, va, leaf, MALI_BULK_B, first_va, last_va, run);
	run->pa = piece + run->va % MALI_BULK_B;
	mali_tlb_cut(window, run->va, run->va + run->size_B - 1);
	mali_tlb_reserve(window->gpu);
	return mali_tlb_fill(window, run, MALI_ENTRY_BULK) == 0;
}

/* [lo, hi) of null memory, as host addresses, as far as the window shows it. */
static void null_range(const struct mali_window *window, uint64_t lo,
		       uint64_t hi, struct mali_null_range *null)
{
	if (lo < window->va)
		lo = window->va;
	if (hi > window->va + window->size_B)
		hi = window->va + window->size_B;
	null->lo = window->host + (lo - window->va);
	null->hi = window->host + (hi - window->va);
}

/* A store that nothing may come of. */
static void store_null(struct miss *miss, const struct mali_leaf *leaf)
{
	struct mali_window *window = miss->window;
	struct mali_run run;
	uint64_t lo, last;

	if (mali_null_is_bulk(window, miss->va, miss->pc) &&
	    show_bulk(window, miss->va, leaf, miss->first_va, miss->last_va,
		      &run)) {
		miss->populate = window->host + (run.va - window->va);
		miss->populate_B = run.size_B;
		miss->populate_all = true;
		return;
	}
	window->gpu->null.steps++;
	miss->step = true;
	lo = leaf->va > miss->first_va ? leaf->va : miss->first_va;
	last = leaf->va + (leaf->size_B - 1);
	if (last > miss->last_va)
		last = miss->last_va;
	null_range(window, lo, last + 1, &miss->null);
}

/*
 * With the tlb lock held and the address not locked. Returns whether the access
 * can be tried again; *@wait_out: the exception for which it has to wait for
 * the driver first, or 0.
 */
static bool miss_answer(struct miss *miss, uint32_t *wait_out)
{
	struct mali_window *window = miss->window;
	struct mali_node *node =
		mali_tree_first(&window->entries, miss->va, miss->va);
	struct mali_leaf leaf;
	uint32_t exception;

	*wait_out = 0;
	if (node) {
		const struct mali_entry *entry =
			mali_container_of(node, struct mali_entry, node);

		/* What can be read trapped: that was no read. */
		if (miss->access == MALI_ACCESS_UNKNOWN)
			miss->access = MALI_ACCESS_WRITE;
		/* Another thread was faster. */
		if (miss->access == MALI_ACCESS_READ ||
		    (entry->kind != MALI_ENTRY_READ &&
		     entry->kind != MALI_ENTRY_ZERO))
			return true;
	} else if (miss->access == MALI_ACCESS_UNKNOWN) {
		miss->access = MALI_ACCESS_READ;
	}

	exception =
		mali_walk(&window->as->config, miss->va, miss->access, &leaf);
	if (mali_as_must_wait(window->gpu, window->as, exception)) {
		*wait_out = exception;
		return false;
	}
	observe(miss, exception);
	if (!exception && leaf.null && miss->access == MALI_ACCESS_WRITE) {
		store_null(miss, &leaf);
		return true;
	}
	if (!exception) {
		/* An entry that permits less than the tables do is stale. */
		if (node)
			mali_tlb_cut(window, node->start, node->last);
		if (show_memory(miss, &leaf))
			return true;
		exception = MALI_FAULT_GPU_BUS;
	}
	miss->raise_irq = mali_mmu_record_fault(
		window->gpu, window->as, miss->va, exception, miss->access, 0);
	return show_scratch(miss);
}

/*
 * The host maps memory that exists fastest as for reads, 16 pages at a time;
 * memory that it has to clear first is faster had as for writes. Asking which
 * it is costs a twentieth of either.
 *
 * Without the tlb lock: a LOCK may have come in between. Then this fails, or
 * finds another run of the window, and does no harm.
 */
static void populate(const struct mali_gpu *gpu, const struct miss *miss)
{
	const char *dram = mali_dram_base(gpu->config.dram);
	unsigned char in_core[POPULATE_B / MALI_PAGE_SIZE];
	int advice = miss->populate_all ? MADV_POPULATE_WRITE
					: MADV_POPULATE_READ;

	if (miss->populate_writable &&
	    !syscall(SYS_mincore, dram + miss->populate_pa, miss->populate_B,
		     in_core)) {
		for (unsigned i = 0; i < miss->populate_B / MALI_PAGE_SIZE; i++)
			if (!(in_core[i] & 1))
				advice = MADV_POPULATE_WRITE;
	}
	syscall(SYS_madvise, miss->populate, miss->populate_B, advice);
}

/* Tlb lock held. NULL if no window is there. */
static struct mali_window *window_at(uintptr_t addr)
{
	struct mali_node *node = mali_tree_first(&windows_by_host, addr, addr);

	return node ? mali_container_of(node, struct mali_window, host_node)
		    : NULL;
}

enum mali_miss mali_window_miss(uintptr_t addr, uint32_t access, uintptr_t pc,
				struct mali_null_range *null_out)
{
	struct miss miss = {.access = access, .pc = pc};
	uint32_t exception;
	bool answered;
	struct mali_gpu *gpu;

	/* Whoever holds the lock must not fault: this is a crash. */
	if (tlb_lock_mine)
		return MALI_MISS_FOREIGN;

	mali_tlb_lock();
	miss.window = window_at(addr);
	if (!miss.window) {
		answered = mali_null_barrier_trap(addr);
		mali_tlb_unlock();
		return answered ? MALI_MISS_AGAIN : MALI_MISS_FOREIGN;
	}
	miss.va = miss.window->va + (addr - miss.window->host);
	gpu = miss.window->gpu;
	do {
		mali_as_wait_unlocked(gpu, miss.window->as, miss.va);
		answered = miss_answer(&miss, &exception);
		if (exception)
			mali_as_wait_driver(gpu, miss.window->as, miss.va,
					    exception, miss.access, 0);
	} while (exception);
	mali_tlb_unlock();

	if (miss.populate_B > MALI_PAGE_SIZE)
		populate(gpu, &miss);
	if (miss.raise_irq)
		mali_irq_raise(gpu, MALI_IRQ_MMU);
	*null_out = miss.null;
	return miss.step  ? MALI_MISS_STEP :
	       answered ? MALI_MISS_AGAIN :
			  MALI_MISS_FOREIGN;
}

void mali_window_extend_null(uintptr_t addr, struct mali_null_range *null)
{
	struct mali_window *window;
	struct mali_leaf leaf;
	struct mali_run run;

	mali_tlb_lock();
	window = window_at(addr);
	/* An observer wants to see each part. */
	if (window && !window->observe) {
		uint64_t va = window->va + (addr - window->host);

		if (!mali_walk(&window->as->config, va, MALI_ACCESS_WRITE,
			       &leaf) &&
		    leaf.null) {
			null_run(window, va, &leaf, RUN_MAX, 0, UINT64_MAX,
				 &run);
			null_range(window, run.va, run.va + run.size_B, null);
		}
	}
	mali_tlb_unlock();
}

bool mali_window_take_store(uintptr_t addr)
{
	struct mali_window *window;
	struct mali_leaf leaf;
	struct mali_run run;
	bool shown = true;

	mali_tlb_lock();
	window = window_at(addr);
	if (window) {
		uint64_t va = window->va + (addr - window->host);
		uint64_t page = va & ~(uint64_t)(MALI_PAGE_SIZE - 1);

		/* Where that has changed meanwhile it traps once more. */
		if (!mali_walk(&window->as->config, va, MALI_ACCESS_WRITE,
			       &leaf) &&
		    leaf.null)
			shown = show_bulk(window, va, &leaf, page,
					  page + MALI_PAGE_SIZE - 1, &run);
	}
	mali_tlb_unlock();
	return shown;
}
