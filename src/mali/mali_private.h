/* SPDX-License-Identifier: MIT */
/*
 * What the files of the virtual Mali share with each other, and the rules that
 * keep its SIGSEGV handler safe.
 *
 * Locks
 *
 *   tlb lock      One for the process (mali_tlb_lock). Guards the tree of
 *                 windows, each address space's effective configuration, locked
 *                 region and windows with entries, every TLB, and which overlays
 *                 a DRAM has. The SIGSEGV handler takes it. While it is held:
 *                   - nothing may load or store through a window, so no memory
 *                     of a caller is touched (statistics are copied out later);
 *                   - no other lock is taken and nothing is called but raw
 *                     system calls: no malloc, no stdio, no callback.
 *                 A thread that breaks the first rule is not deadlocked: the
 *                 handler sees that the thread holds the lock and treats the
 *                 fault as a crash of the program.
 *   chain lock    mali_fault.c; guards the list of the program's handlers. Held
 *                 with all signals blocked, never together with the tlb lock.
 *   dram->lock    mali_dram.c; a leaf, never taken in the handler.
 *
 * Registers are atomics and take no lock. The ones of an address space are
 * latches: what the walker uses is struct mali_as::config, which the UPDATE
 * command copies from them under the tlb lock.
 *
 * Order of a page-table edit as the walker sees it: LOCK returns after the tlb
 * lock was held, so every walk of the old tables has ended and what it mapped
 * into a window is gone; a walk of the new tables starts after UNLOCK held the
 * lock. Entries outside of the locked region may be walked meanwhile. They are
 * read with 64-bit acquire loads, so a driver publishes a new table with one
 * 64-bit release store.
 */
#ifndef MALI_PRIVATE_H
#define MALI_PRIVATE_H

#include <assert.h>
#include <stdatomic.h>

#include "mali.h"
#include "mali_regs.h"

#define MALI_MAX_AS 32

/* ------------------------------------------------------------- trees -- */

/*
 * An intrusive interval tree: a treap ordered by (start, address of the node)
 * that knows the last address below each node. Intervals may overlap. Every
 * function is O(log n) expected, needs no memory and does not recurse.
 */
struct mali_node {
	struct mali_node *parent, *left, *right;
	uint64_t start, last; /* inclusive; set by the owner before insertion */
	uint64_t max_last;    /* of the subtree */
};

struct mali_tree {
	struct mali_node *root;
};

void mali_tree_insert(struct mali_tree *tree, struct mali_node *node);
void mali_tree_remove(struct mali_tree *tree, struct mali_node *node);
/* Sets node->start and last to values that do not change the order. */
void mali_tree_resize(struct mali_node *node, uint64_t start, uint64_t last);
/* The lowest node that overlaps [start, last], or NULL. */
struct mali_node *mali_tree_first(const struct mali_tree *tree, uint64_t start,
				  uint64_t last);
/* The next one after @node that overlaps [start, last], or NULL. */
struct mali_node *mali_tree_next(const struct mali_node *node, uint64_t start,
				 uint64_t last);
/* The last node with start <= @at; the first with start > @at. */
struct mali_node *mali_tree_before(const struct mali_tree *tree, uint64_t at);
struct mali_node *mali_tree_after(const struct mali_tree *tree, uint64_t at);

#define mali_container_of(ptr, type, member)                                   \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* --------------------------------------- overlays (mali_overlay.c) -- */

/* Physical addresses of a DRAM that show other files than its own. */
struct mali_overlays {
	int fd; /* the DRAM's own file, where offsets are addresses */
	uint8_t *base; /* the linear mapping */
	_Atomic uint32_t count;
	struct mali_tree tree; /* guarded by the tlb lock */
};

/*
 * As mali_dram_overlay(); arguments are right, and there is no other one. Takes
 * the tlb lock.
 */
int mali_overlay_add(struct mali_overlays *overlays, uint64_t pa,
		     uint64_t size_B, int fd, uint64_t offset);
/*
 * Shows DRAM's own file again where overlays are in [pa, pa + size_B), which
 * they are as a whole. 0, or -errno of the host; some are left then. Takes the
 * tlb lock; costs one load where there are no overlays at all.
 */
int mali_overlay_remove(struct mali_overlays *overlays, uint64_t pa,
			uint64_t size_B);
/* Forgets all, whatever is shown. */
void mali_overlay_finish(struct mali_overlays *overlays);

/* [first_pa, last_pa] is in one file, from @offset on. */
struct mali_file_run {
	int fd;
	uint64_t first_pa, last_pa;
	uint64_t offset;
};
/*
 * Which file shows @pa, and how far around it. Tlb lock held; async-signal-safe.
 */
void mali_overlay_at(const struct mali_overlays *overlays, uint64_t pa,
		     struct mali_file_run *run_out);
/* The overlays of a DRAM (mali_dram.c). */
const struct mali_overlays *mali_dram_overlays(const struct mali_dram *dram);

/* ------------------------------------------------------------ walker -- */

/* What TRANSTAB, MEMATTR and TRANSCFG say after an UPDATE. */
struct mali_walk_config {
	const void *dram;
	uint64_t dram_size_B;
	uint32_t pa_bits;
	uint32_t mode; /* MALI_AS_TRANSCFG_ADRMODE_* */
	uint32_t va_bits;
	uint64_t root;
	uint64_t memattr;
	bool af_faults;
	bool hierarchical_ap;
	bool absent_stall; /* look for absent descriptors */
	bool null_leaves;  /* MALI_PTE_NULL means something */
};

/* One leaf: [va, va + size_B) is at [pa, pa + size_B). */
struct mali_leaf {
	uint64_t va, pa, size_B;
	bool writable;
	bool executable;
	bool null; /* no memory: pa means nothing */
	/* For the next leaf of the same table. */
	const void *slot;
	uint32_t level;
	uint64_t inherited; /* table attributes of the levels above */
};

/*
 * Translates @va for @access (MALI_ACCESS_*). Returns 0, or the exception code
 * of FAULTSTATUS. Reads DRAM and nothing else.
 */
uint32_t mali_walk(const struct mali_walk_config *config, uint64_t va,
		   uint32_t access, struct mali_leaf *leaf_out);

/* A run of readable memory that is contiguous in VA and, unless null, in PA. */
struct mali_run {
	uint64_t va, pa, size_B;
	bool writable; /* all of it, or none of it, as for null */
	bool null;
};

/*
 * Extends @leaf, which mali_walk() found, over its neighbours in [lo, hi) while
 * they continue its physical addresses with the same permission; looks at no
 * more than MALI_RUN_LEAVES leaves each way. @leaf overlaps [lo, hi); the run
 * is cut to it.
 */
#define MALI_RUN_LEAVES 512
void mali_walk_run(const struct mali_walk_config *config,
		   const struct mali_leaf *leaf, uint64_t lo, uint64_t hi,
		   struct mali_run *run_out);

/* --------------------------------------------------------------- TLB -- */

/* One host mapping of part of a window. Guarded by the tlb lock, as are all. */
struct mali_entry {
	struct mali_node node; /* by VA, in window->entries; disjoint there */
	struct mali_window *window;
	struct mali_entry *older, *newer; /* order of eviction; free list */
	uint64_t pa; /* of its first byte; READ and WRITE only */
	enum mali_entry_kind kind;
};

#define MALI_BALLAST_CHUNKS 4

struct mali_tlb {
	struct mali_entry *entries;
	size_t entries_B;
	uint32_t capacity;
	uint32_t used;
	struct mali_entry *free; /* linked by newer */
	struct mali_entry *oldest, *newest;
	/* Host mappings to give up when the host has no more. */
	void *ballast[MALI_BALLAST_CHUNKS];
	uint32_t ballast_count;
	uint32_t ballast_retry; /* misses until the missing ones are tried */
	uint64_t misses, stalls, faults, absents, evictions, invalidations;
	uint64_t locks, locked_B, host_calls;
};

struct mali_window {
	struct mali_node host_node; /* by host address, one tree for all GPUs */
	struct mali_node
		va_node; /* by VA, in as->windows while it has entries */
	struct mali_gpu *gpu;
	struct mali_as *as;
	uint64_t va, size_B;
	uintptr_t host;
	struct mali_tree entries;
	/* Guarded by the tlb lock. */
	struct mali_window *next_bulk; /* in gpu->null.bulk_windows */
	bool in_bulk;
	uint64_t null_chunk; /* where stores to null memory trapped last, and */
	uint32_t null_traps; /* how many did */
	/* Loads are watched while this is null.barriers: */
	uint64_t null_watch;
	uint32_t null_steps; /* stores stepped over while loads were watched */
	bool null_loads;     /* and there were loads */
	mali_observe_fn observe;
	void *observe_data;
};

/* --------------------------------------------------------------- GPU -- */

/* A 64-bit register that is accessed in halves. */
struct mali_reg64 {
	_Atomic uint32_t half[2]; /* low, high */
};

struct mali_as {
	struct mali_reg64 transtab, memattr, lockaddr, transcfg, faultaddress;
	_Atomic uint32_t faultstatus;

	/* The rest is guarded by the tlb lock. */
	struct mali_walk_config config;
	bool locked;
	uint64_t lock_start, lock_last;
	/*
	 * What accesses wait for: UNLOCK, or that the driver has dealt with an
	 * absent page. Counts both; the futex of the threads that wait.
	 */
	_Atomic uint32_t releases;
	uint32_t waiters;
	_Atomic bool stuck;	  /* injected: a command that never completes */
	struct mali_tree windows; /* those that hold entries */
};

struct mali_irq_block {
	_Atomic uint32_t rawstat, mask;
};

/* Null memory (mali_null.c). Guarded by the tlb lock. */
struct mali_null {
	int bulk_fd; /* what stores in bulk go to; or -1 */
	char *bulk; /* the same, mapped */
	struct mali_window *bulk_windows; /* that may show it */
	uint32_t bulk_pieces; /* of it, from the first one on */
	uint32_t barrier_count; /* this GPU's barrier pages */
	bool armed; /* they are inaccessible */
	uint32_t since_barrier; /* steps of code that is not bulk */
	uint64_t barriers; /* that ended something, and one */
	uint64_t steps, bulks;
};

struct mali_gpu {
	struct mali_gpu_config config;
	_Atomic(mali_irq_fn) raise;
	void *_Atomic raise_data;
	struct mali_irq_block gpu_irq, mmu_irq;
	struct mali_reg64 timestamp_offset;
	_Atomic uint64_t flushes;
	struct mali_user_page {
		_Atomic uint32_t latest_flush; /* 24 bits, never 0 */
	} * user_page;
	int user_page_fd;
	/* A command that is to get stuck: guarded by the tlb lock. */
	struct {
		bool armed;
		uint32_t as, command, skip;
	} stuck;
	struct mali_mcu *mcu;
	struct {
		_Atomic(mali_stream_fn) fn; /* NULL: nobody */
		void *data;
	} stream_observer;
	_Atomic uint64_t reset_time_ns;
	struct mali_as as[MALI_MAX_AS];
	struct mali_tlb tlb;
	struct mali_null null;
	uint32_t window_count; /* tlb lock */
};

/* Sets RAWSTAT bits; true if the line became active and must be raised. */
bool mali_irq_set(struct mali_irq_block *block, uint32_t bits);
void mali_irq_raise(struct mali_gpu *gpu, enum mali_irq line);

uint64_t mali_now_ns(void);
/* Caches were flushed: LATEST_FLUSH_ID moves on. */
void mali_gpu_count_flush(struct mali_gpu *gpu);
uint32_t mali_irq_read(struct mali_irq_block *block, uint32_t reg);
void mali_irq_write(struct mali_gpu *gpu, enum mali_irq line,
		    struct mali_irq_block *block, uint32_t reg, uint32_t value);

/* The AS register block (mali_mmu.c). @offset counts from MALI_AS(0). */
uint32_t mali_mmu_read(struct mali_gpu *gpu, uint32_t offset);
void mali_mmu_write(struct mali_gpu *gpu, uint32_t offset, uint32_t value);
/* Every AS unmapped and unlocked, nothing cached, no fault pending. */
void mali_mmu_reset(struct mali_gpu *gpu);
/*
 * Records a fault in the registers of the address space: tlb lock held.
 * Returns true if the MMU line must be raised once the lock is dropped.
 */
bool mali_mmu_record_fault(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va, uint32_t exception, uint32_t access,
			   uint32_t source);
/* The driver has written MMU_INT_CLEAR. */
void mali_mmu_fault_cleared(struct mali_gpu *gpu, uint32_t bits);
/* Not an exception: the access was called off while it waited. */
#define MALI_INTERRUPTED 0x100
/*
 * Walks the tables for an access when it may: waits, with the tlb lock dropped
 * meanwhile, until nothing keeps it out, or until *@run is false: see
 * mali_as_interrupt(). 0, MALI_INTERRUPTED, or the exception code, not
 * recorded.
 */
uint32_t mali_as_translate(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va, uint32_t access, uint32_t source,
			   const _Atomic bool *run, struct mali_leaf *leaf_out);
/* Has all that wait look at their *@run again. Takes the tlb lock. */
void mali_as_interrupt(struct mali_as *as);
/* Waits until the address is not locked. Tlb lock held. */
void mali_as_wait_unlocked(struct mali_gpu *gpu, struct mali_as *as,
			   uint64_t va);
/*
 * Does an access that met @exception have to wait for the driver? It has where
 * its page is absent, or where another's is, and the fault registers are in use
 * until that one was dealt with. Tlb lock held, as for the next one.
 */
bool mali_as_must_wait(struct mali_gpu *gpu, struct mali_as *as,
		       uint32_t exception);
/* Waits, after telling the driver if that is how it hears of it. */
void mali_as_wait_driver(struct mali_gpu *gpu, struct mali_as *as, uint64_t va,
			 uint32_t exception, uint32_t access, uint32_t source);

/* ---------------------------------------------------------- tlb lock -- */

void mali_tlb_lock(void);
void mali_tlb_unlock(void);
/* Does this thread hold it? */
bool mali_tlb_locked(void);

/* FUTEX_WAIT while *word == value; FUTEX_WAKE of all. */
void mali_futex_wait(_Atomic uint32_t *word, uint32_t value);
void mali_futex_wake_all(_Atomic uint32_t *word);

/* -------------------------------------------------- TLB (mali_tlb.c) -- */

int mali_tlb_init(struct mali_tlb *tlb, uint32_t capacity);
void mali_tlb_finish(struct mali_tlb *tlb);

/* All of these: tlb lock held, async-signal-safe. */

/* Drops what any window shows of [start, last] of the address space. */
void mali_tlb_invalidate(struct mali_gpu *gpu, struct mali_as *as,
			 uint64_t start, uint64_t last);
/* Drops everything that the window shows. */
void mali_tlb_drop_window(struct mali_window *window);
/* Evicts until an insertion, and the cut that may come with it, will succeed.
 */
void mali_tlb_reserve(struct mali_gpu *gpu);
/* Removes what the window shows of [start, last], as an invalidation does. */
void mali_tlb_cut(struct mali_window *window, uint64_t start, uint64_t last);
/*
 * Shows a run, or scratch memory for it (kind MALI_ENTRY_SCRATCH), at the
 * window's host address of run->va, where nothing is shown yet; needs a
 * mali_tlb_reserve() before. 0, or -errno of the host when even eviction does
 * not help; where that is for want of mappings, a message was printed.
 */
int mali_tlb_fill(struct mali_window *window, const struct mali_run *run,
		  enum mali_entry_kind kind);

/*
 * mmap(2) itself: sanitizers intercept libc's, and would take the replacement of
 * a mapping for a write to its memory. MAP_FAILED and errno.
 */
void *mali_host_mmap(uintptr_t host, uint64_t size_B, int prot, int flags,
		     int fd, uint64_t offset);
/* Makes the window's host range inaccessible; 0 or -errno. Takes no lock. */
int mali_host_block(uintptr_t host, uint64_t size_B);

/* -------------------------------------------- misses (mali_window.c) -- */

#define MALI_ACCESS_UNKNOWN                                                    \
	4 /* a read, unless reading is permitted already                       \
	   */

enum mali_miss {
	MALI_MISS_FOREIGN, /* no window, or nothing could be mapped there */
	MALI_MISS_AGAIN,   /* the access can be made now */
	MALI_MISS_STEP,	   /* a store to null memory: must be stepped over */
};

/* Null memory at host addresses [lo, hi) of one window; there may be more. */
struct mali_null_range {
	uintptr_t lo, hi;
};

/*
 * Answers an access that trapped at host address @addr, by the instruction at
 * @pc. *@null_out is set with MALI_MISS_STEP. Called from the SIGSEGV handler.
 */
enum mali_miss mali_window_miss(uintptr_t addr, uint32_t access, uintptr_t pc,
				struct mali_null_range *null_out);
/*
 * Makes *@null, which holds @addr and is what one leaf says, as large as its
 * neighbours allow: up to 32 MiB, and 512 leaves each way.
 */
void mali_window_extend_null(uintptr_t addr, struct mali_null_range *null);
/*
 * For a store that cannot be stepped over: the page takes it, as if in bulk.
 * Returns whether the access can be made now.
 */
bool mali_window_take_store(uintptr_t addr);

/* Detaches windows that outlive their GPU: inaccessible, and safe to destroy.
 */
void mali_windows_abandon(struct mali_gpu *gpu);

/* The GPU's window behind @prev, by host address; NULL: first, none. Tlb lock. */
struct mali_window *mali_window_next(struct mali_gpu *gpu,
				     const struct mali_window *prev);

/* ----------------------------------------- null memory (mali_null.c) -- */

/* What a window shows at a time; a divisor of a tile of Vulkan's. */
#define MALI_BULK_B (64ull << 10)

int mali_null_init(struct mali_gpu *gpu);
void mali_null_finish(struct mali_gpu *gpu);

/* All of these: tlb lock held, async-signal-safe. */

/* Is the store at @va, by the instruction at @pc, one of many? Counts it. */
bool mali_null_is_bulk(struct mali_window *window, uint64_t va, uintptr_t pc);
/* A load of null memory has trapped. */
void mali_null_load(struct mali_window *window);
/*
 * Before a window shows MALI_ENTRY_BULK: the next barrier will look at it. Returns
 * where in bulk_fd MALI_BULK_B are zero and free; may drop what windows show of it
 * for their sake.
 */
uint64_t mali_null_begin_bulk(struct mali_window *window);
/* Drops what windows show in bulk. */
void mali_null_barrier(struct mali_gpu *gpu);
/* The window goes, and all that it shows. */
void mali_null_forget(struct mali_window *window);
/* Is @addr in a barrier page? Then it can be accessed now. */
bool mali_null_barrier_trap(uintptr_t addr);

/* -------------------------------------------- steps (mali_step.c) -- */

/* Once for the process. False: stores cannot be stepped over on this host. */
bool mali_step_init(void);
/*
 * Makes the thread whose context that is go on behind the instruction that
 * trapped at @addr because it stores to @null, with registers, flags and memory
 * outside of @null as if it had been executed on zeroes. False, with nothing
 * changed, where the instruction is one that it cannot do that with.
 *
 * Called from the SIGSEGV handler without locks; may touch windows.
 */
bool mali_step_store(void *context, uintptr_t addr,
		     const struct mali_null_range *null);
/* Is the instruction at @pc a read-modify-write that no other store can divide? */
bool mali_step_is_atomic(uintptr_t pc);
/* Ends a step that needed more than one instruction; is it one? */
bool mali_step_finish(void *context, uintptr_t addr);

/* -------------------------------------------- handler (mali_fault.c) -- */

/*
 * Counted. Puts the SIGSEGV handler in front; the last put takes it out, if it
 * is still there then.
 */
int mali_fault_handler_get(void);
void mali_fault_handler_put(void);

#endif /* MALI_PRIVATE_H */
