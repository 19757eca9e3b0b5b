/* SPDX-License-Identifier: MIT */
/*
 * The virtual Mali: DRAM, registers, MMU and TLB of a Mali-G610-like GPU
 * (arch 10), without shader cores of its own. It knows no driver and no API.
 *
 * Four borders meet here:
 *
 *   registers    mali_gpu_read32/write32 at the hardware's offsets
 *   interrupts   three level-triggered lines, raised through a callback
 *   memory       struct mali_dram, whose physical addresses page tables name
 *   accesses     windows, through which somebody else's shader cores load and
 *                store with ordinary CPU instructions
 *
 * Conventions: sizes end in _B and are bytes, addresses are uint64_t, functions
 * return 0 or a negative errno, outputs come last and end in _out, destructors
 * accept NULL. Everything here may be called from any thread.
 */
#ifndef MALI_H
#define MALI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MALI_PAGE_SIZE 4096u
#define MALI_BLOCK_SIZE (2u << 20)

/* ------------------------------------------------------------------ DRAM -- */

struct mali_dram;

struct mali_dram_config {
	uint64_t size_B; /* multiple of 2 MiB; reserved lazily */
	/*
	 * Hand out single pages such that no two are physically adjacent and
	 * nothing is 2 MiB aligned: the worst memory a driver can meet. Only
	 * half of size_B can be allocated then. For tests.
	 */
	bool fragmented;
};

/*
 * Creates the DRAM: one memfd of size_B bytes whose offsets are the physical
 * addresses, mapped once, linearly, for the CPU. The file can neither grow nor
 * shrink (F_SEAL_SHRINK), so that others may map what they are given of it.
 * -ENOMEM where the host refuses the file or the mapping.
 */
int mali_dram_create(const struct mali_dram_config *config,
		     struct mali_dram **dram_out);
/*
 * Every page must have been freed; what is left is said on stderr, and
 * mali_dram_get_stats() tells it before.
 */
void mali_dram_destroy(struct mali_dram *dram);

/* CPU address of physical address 0; DRAM is linear behind it. */
void *mali_dram_base(const struct mali_dram *dram);
uint64_t mali_dram_size(const struct mali_dram *dram);
/*
 * The memfd. Owned by the DRAM. Map it MAP_SHARED at offset = PA, unless the
 * address is overlaid.
 */
int mali_dram_fd(const struct mali_dram *dram);

/*
 * Allocates one physically contiguous run of zeroed pages: at least one page
 * and at most want_B bytes (a multiple of the page size). Prefers whole, 2 MiB
 * aligned blocks when want_B >= 2 MiB; the caller loops until it has all it
 * wants. -ENOMEM when no page is left.
 */
int mali_dram_alloc(struct mali_dram *dram, uint64_t want_B, uint64_t *pa_out,
		    uint64_t *got_B_out);
/*
 * Frees [pa, pa + size_B), which may be any page-granular part of earlier
 * allocations. Nothing may access them any more. They read as zero when they
 * are handed out again. The memory goes back to the system, at once for more
 * than 256 KiB; up to 4 MiB of smaller frees may stay behind for the next
 * allocation.
 *
 * Overlays in the range end; none may reach out of it. Where the host has no
 * mappings left for that, the range is lost: it stays allocated, as it is, which
 * is said on stderr.
 */
void mali_dram_free(struct mali_dram *dram, uint64_t pa, uint64_t size_B);

/*
 * Shows [fd_offset, fd_offset + size_B) of another file at [pa, pa + size_B),
 * which the caller has allocated and nobody accesses, until it is freed: CPU and
 * GPU load and store there what others do who have mapped that file. All three
 * are multiples of the page size. @fd stays the caller's, is readable and
 * writable, stays open while the overlay lasts, and its file cannot shrink.
 * -EINVAL: misaligned, or outside of DRAM; -ENOMEM: the host has no memory, or
 * no mapping left; or what else it says. Nothing has changed then.
 */
int mali_dram_overlay(struct mali_dram *dram, uint64_t pa, uint64_t size_B,
		      int fd, uint64_t fd_offset);
/*
 * From now on memory keeps its contents when it is freed, for those who have
 * mapped the file; nothing is to be allocated any more.
 */
void mali_dram_keep_contents(struct mali_dram *dram);

struct mali_dram_stats {
	uint64_t allocated_B; /* handed out now */
	uint64_t peak_B;
};
void mali_dram_get_stats(const struct mali_dram *dram,
			 struct mali_dram_stats *stats_out);

/* ------------------------------------------------------------------- GPU -- */

struct mali_gpu;

struct mali_gpu_config {
	struct mali_dram *dram;
	uint32_t va_bits; /* 33..48; 48 on a G610 */
	uint32_t pa_bits; /* 32, 36, 40, 42, 44 or 48; 40 on a G610 */
	/*
	 * Bit n: address-space slot n exists. Its fault is bit n of the MMU
	 * interrupt registers; hardware has no more than 16 slots.
	 */
	uint32_t as_present;
	bool coherent; /* ACE-Lite, and the page-table walks snoop */
	/*
	 * Bound of the TLB: at least 16. 0: a quarter of vm.max_map_count,
	 * which leaves half of the host's mappings to the program.
	 */
	uint32_t tlb_entries;
	uint32_t csg_count; /* group slots, up to 16; 0: 8 */
	uint32_t cs_count; /* command streams of a group, up to 32; 0: 8 */
	/* Accesses to absent pages fault as on hardware: docs/mali.md. */
	bool no_absent_stall;
	/*
	 * Leaves with MALI_PTE_NULL are null memory: see below. Ignored where
	 * the host is not x86-64; the register tells.
	 */
	bool null_leaves;
};

/*
 * Also installs the SIGSEGV handler, with the first GPU of the process.
 * -EINVAL: a field is out of range, or DRAM is larger than pa_bits can address.
 * -ENOTSUP: the host's pages are not 4 KiB. -ENOMEM.
 */
int mali_gpu_create(const struct mali_gpu_config *config,
		    struct mali_gpu **gpu_out);
/*
 * Every window should have been destroyed; the others are reported on stderr
 * and stay inaccessible until they are.
 */
void mali_gpu_destroy(struct mali_gpu *gpu);

/*
 * Registers, by byte offset. 64-bit registers are two halves, low word first.
 * Reads of undefined offsets return 0, writes there are ignored.
 */
uint32_t mali_gpu_read32(struct mali_gpu *gpu, uint32_t offset);
void mali_gpu_write32(struct mali_gpu *gpu, uint32_t offset, uint32_t value);

enum mali_irq { MALI_IRQ_JOB, MALI_IRQ_MMU, MALI_IRQ_GPU, MALI_IRQ_COUNT };

/*
 * The interrupt lines. @raise is called when a line becomes active (masked
 * status non-zero), from any thread and possibly from inside a SIGSEGV handler
 * with internal locks held: it must be async-signal-safe and must not call
 * back; waking another thread is all it should do.
 */
typedef void (*mali_irq_fn)(void *data, enum mali_irq line);
void mali_gpu_set_irq_handler(struct mali_gpu *gpu, mali_irq_fn raise,
			      void *data);

/*
 * The firmware as a file that a driver loads: /lib/firmware's
 * arm/mali/arch10.8/mali_csffw.bin. Static; valid for ever.
 */
const void *mali_firmware_image(size_t *size_B_out);

/*
 * A file of one page whose first word always is LATEST_FLUSH_ID. Owned by the
 * GPU. For processes to map: MAP_SHARED, readable only.
 */
int mali_gpu_user_page_fd(const struct mali_gpu *gpu);

/*
 * For tests of a driver's recovery. After @skip more commands @command of slot
 * @as (UINT32_MAX: of any slot) the next one never completes: the slot's
 * AS_ACTIVE stays set, and it ignores every command, until a reset. Replaces an
 * earlier injection; returns whether there was one that had not struck yet.
 */
bool mali_gpu_inject_stuck_as(struct mali_gpu *gpu, uint32_t as,
			      uint32_t command, uint32_t skip);
/* The firmware answers nothing any more until a reset. Streams go on. */
void mali_gpu_inject_stuck_mcu(struct mali_gpu *gpu);

/* --------------------------------------------------------- command streams -- */

/*
 * What a command stream did to memory, while it executed what its ring buffer had
 * called: an instruction that was fetched, and loads, stores and atomics of
 * instructions. Not what the ring's own instructions do.
 */
struct mali_stream_access {
	uint64_t root;	  /* physical address of the level-0 table */
	uint64_t ring_va; /* of the ring buffer */
	uint64_t ring_at; /* bytes of it that were consumed, ever */
	uint64_t va;
	uint32_t size_B; /* 4 or 8 */
	bool loads, stores;
	uint64_t before; /* what was loaded */
	uint64_t after;	 /* what is there after it stored */
};
/*
 * Called by the stream's thread, after the access, without locks; it must not
 * call back.
 */
typedef void (*mali_stream_fn)(void *data,
			       const struct mali_stream_access *access);
/* Tells @fn of all streams, from now on. Once, before the first one starts. */
void mali_gpu_observe_streams(struct mali_gpu *gpu, mali_stream_fn fn,
			      void *data);

/* --------------------------------------------------------------- windows -- */

/*
 * A window ties the GPU virtual range [va, va + size_B) of one address space
 * to the host virtual range [host, host + size_B). Loads and stores there, in
 * any thread, go through that address space's page tables: the range starts
 * inaccessible; a miss is a SIGSEGV whose handler walks the page tables in
 * DRAM and maps the longest physically contiguous run around the address. Many
 * windows may show one VA, and VA order need not be host order.
 *
 * A LOCK command on a region drops what the windows show of it and makes
 * accesses there wait until UNLOCK. What was never touched costs no system
 * call. An access without a valid translation, or without permission, is
 * recorded in the fault registers and raises the MMU interrupt; it then goes to
 * a private scratch page so that the accessing thread can go on.
 *
 * A thread that accesses windows must not block SIGSEGV, and must not do so in
 * a handler of an asynchronous signal, which may have interrupted this code.
 */
struct mali_window;

/*
 * va, host and size_B are multiples of the page size; the caller owns the host
 * range and has it mapped, and this call replaces that mapping.
 * -EINVAL: misaligned, beyond the VA space, or overlapping another window's
 * host range. -ENOMEM: the host refused.
 */
int mali_window_create(struct mali_gpu *gpu, uint32_t as, uint64_t va,
		       void *host, uint64_t size_B,
		       struct mali_window **window_out);
/* Leaves the host range mapped and inaccessible. No thread may access it. */
void mali_window_destroy(struct mali_window *window);

/*
 * Hears of the accesses that trap in a window: the first one to what the window
 * does not show yet, and the first store to what it shows for reading only.
 * @access is MALI_ACCESS_READ or _WRITE of mali_regs.h; @found is what the
 * address translates to: MALI_FOUND_MEMORY, or the exception code of a fault,
 * which has not been dealt with yet.
 *
 * Accesses that wait for a driver are told once they do not wait any more. The
 * memory that is then shown lies within [*@first_va, *@last_va], which come in
 * as all of the address space and which the observer may narrow, down to the
 * page of @va. Returns true to see the first store to it as well, when this is
 * a load: it is then shown for reading.
 *
 * Called in a SIGSEGV handler with internal locks held, so for one access at a
 * time in the whole process: it must be async-signal-safe, must not touch a
 * window, and must not call back.
 */
#define MALI_FOUND_MEMORY 0u
typedef bool (*mali_observe_fn)(void *data, uint64_t va, uint32_t access,
				uint32_t found, uint64_t *first_va,
				uint64_t *last_va);
/*
 * NULL: nobody, as windows start. What the window shows is dropped, so that the
 * new observer sees the next access to everything. When this returns the old
 * one is not called any more.
 */
void mali_window_observe(struct mali_window *window, mali_observe_fn observe,
			 void *data);
/*
 * Drops what the window shows of the VA range, so that the next accesses trap.
 * Always right, and never needed but for observers.
 */
void mali_window_drop(struct mali_window *window, uint64_t va, uint64_t size_B);

/* ----------------------------------------------------------- null memory -- */

/*
 * What a leaf with MALI_PTE_NULL maps has no memory: loads return zero, stores
 * and atomics change nothing, and atomics return zero. Through windows that
 * holds for each instruction: loads are shown a page of zeroes, a store traps
 * and is executed on private memory instead. Bytes that it stores outside of
 * null memory are kept.
 *
 * A trap takes about two microseconds. So stores in bulk go to memory, to 4 MiB of
 * it at most, and may be read back where they were made, *until the next barrier*;
 * what lies between them reads as zero. In bulk are those of code that was named
 * with mali_bulk_code_add(), after a few traps, and those of any code, but for
 * atomics, after 2,048 traps since the last barrier, if loads of null memory are
 * seen not to go with them. Without a barrier page nothing is bulk.
 */

/*
 * Makes a page of the caller's a barrier page: a store to it is a barrier, in
 * the order of the instructions of the storing thread. It costs nothing while there
 * is nothing in bulk; else it traps, once. The page must be a host mapping of
 * its own, readable and writable, until it is removed, which must come before
 * the end of the GPU. -ENOMEM: there are MALI_BARRIERS already.
 */
#define MALI_BARRIERS 64
int mali_barrier_add(struct mali_gpu *gpu, void *page);
void mali_barrier_remove(struct mali_gpu *gpu, void *page);
/* A barrier. */
void mali_barrier(struct mali_gpu *gpu);
/*
 * For the whole process: code at [start, start + size_B) stores in bulk, and what
 * it stored is not read before a barrier. -ENOMEM: MALI_BULK_CODES are known.
 */
#define MALI_BULK_CODES 8
int mali_bulk_code_add(const void *start, size_t size_B);

/*
 * Puts the SIGSEGV handler back in front if the program has installed its own
 * since; the program's becomes the one to chain to. Cheap enough for every
 * submit (one system call). Addresses outside all windows always go to the
 * program's handler, or to the default action, as if we were not there.
 */
void mali_fault_handler_ensure(void);

struct mali_stats {
	uint64_t misses; /* SIGSEGVs that a walk answered */
	uint64_t stalls; /* misses that waited for an UNLOCK */
	uint64_t faults; /* accesses without translation or permission */
	uint64_t absents; /* waits for a driver to bring a page back */
	uint64_t evictions; /* entries dropped because the TLB was full */
	uint64_t invalidations; /* entries dropped by LOCK or AS changes */
	uint64_t entries; /* host mappings held now */
	uint64_t locks; /* LOCK commands */
	uint64_t locked_B; /* sum of their block sizes */
	uint64_t flushes; /* cache flush commands */
	uint64_t host_calls; /* mmap calls made */
	uint64_t null_steps; /* stores to null memory that were stepped over */
	uint64_t null_bulks; /* times that null memory was made to take stores */
	uint64_t instructions; /* of command streams */
	uint64_t group_starts; /* groups started or resumed in a slot */
};
void mali_gpu_get_stats(struct mali_gpu *gpu, struct mali_stats *stats_out);

/* --------------------------------------------------------- for observers -- */

/* How part of a window is shown. */
enum mali_entry_kind {
	MALI_ENTRY_READ,
	MALI_ENTRY_WRITE,   /* readable and writable */
	MALI_ENTRY_SCRATCH, /* private pages behind a fault */
	MALI_ENTRY_ZERO,    /* null memory: readable */
	MALI_ENTRY_BULK,    /* null memory: takes stores until a barrier */
};

/* An entry of the TLB; or a window without any, where size_B is 0. */
struct mali_tlb_line {
	uint32_t as;
	uint64_t window_va, window_size_B;
	uintptr_t window_host;
	uint64_t va, size_B;
	uint64_t pa; /* of va; with READ and WRITE */
	enum mali_entry_kind kind;
};

/*
 * All that the TLB holds at one time, windows by host address, in each the
 * entries by VA. Drops nothing, traps nothing, counts nothing. The lines are to
 * be free()d. -ENOMEM.
 */
int mali_gpu_read_tlb(struct mali_gpu *gpu, struct mali_tlb_line **lines_out,
		      size_t *count_out);

#endif /* MALI_H */
