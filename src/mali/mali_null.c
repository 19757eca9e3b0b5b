/* SPDX-License-Identifier: MIT */
/*
 * Null memory: which stores are many, where those go, and barriers.
 *
 * Loads are shown a page of zeroes, which mali_tlb.c maps like any run. A store
 * is stepped over (mali_step.c), which is exact, and slow. Stores in bulk are
 * shown 64 KiB of memory that was cleared for them: what they do not store to must
 * go on to read as zero, for a copy may have its source there. What they left is
 * nobody's to read: a barrier takes it from all windows. Before that, too, all is
 * taken where more is needed than a few MiB, which are used again: so much is
 * committed, however much is stored. With the first step or bulk store after a
 * barrier the barrier pages are made inaccessible, so that the next store to one of
 * them traps.
 *
 * Whose stores are in bulk: code that was named, from the ninth in 64 KiB on, and
 * from the first in the 64 KiB behind; and any code that stores thousands of times
 * without a load of null memory of the same window. Half of those are a sign that
 * it may, and make the window show no zeroes; if then no load traps among as many
 * again, the rest is bulk:
 *
 *   barrier   0        1024                 2048
 *   |.........|.........|....................|..............
 *    exact     exact     exact, loads trap    bulk
 *                        a load: exact until the next barrier
 *
 * A load that traps later (of other null memory) ends it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mali_private.h"

/* So many stores of bulk code in MALI_BULK_B are stepped over, */
#define BULK_STEPS_MAX 8
/* and of any code twice so many: some 2 ms each time. */
#define STEPS_MAX 1024u

/* Pieces of MALI_BULK_B: 4 MiB. */
#define BULK_PIECES 64u

struct code {
	uintptr_t start, end;
};

/* Guarded by the tlb lock, as are the barriers of all GPUs. */
static struct code codes[MALI_BULK_CODES];
static unsigned code_count;

static struct barrier {
	uintptr_t page;
	struct mali_gpu *gpu;
} barriers[MALI_BARRIERS];
static unsigned barrier_count;

/* -------------------------------------------------------------- life -- */

int mali_null_init(struct mali_gpu *gpu)
{
	struct mali_null *null = &gpu->null;

	null->bulk_fd = -1;
	null->barriers = 1;
	if (!gpu->config.null_leaves)
		return 0;
	null->bulk_fd = memfd_create("mali-bulk", MFD_CLOEXEC);
	if (null->bulk_fd >= 0 &&
	    !ftruncate(null->bulk_fd, BULK_PIECES * MALI_BULK_B)) {
		null->bulk = mmap(NULL, BULK_PIECES * MALI_BULK_B,
				  PROT_READ | PROT_WRITE, MAP_SHARED,
				  null->bulk_fd, 0);
		if (null->bulk != MAP_FAILED)
			return 0;
		null->bulk = NULL;
	}
	mali_null_finish(gpu);
	return -ENOMEM;
}

void mali_null_finish(struct mali_gpu *gpu)
{
	if (gpu->null.bulk)
		munmap(gpu->null.bulk, BULK_PIECES * MALI_BULK_B);
	if (gpu->null.bulk_fd >= 0)
		close(gpu->null.bulk_fd);
}

void mali_null_forget(struct mali_window *window)
{
	struct mali_window **at = &window->gpu->null.bulk_windows;

	assert(mali_tlb_locked());
	if (!window->in_bulk)
		return;
	while (*at != window)
		at = &(*at)->next_bulk;
	*at = window->next_bulk;
	window->in_bulk = false;
}

/* ------------------------------------------------------------ entries -- */

static bool is_kind(const struct mali_node *node, enum mali_entry_kind kind)
{
	return mali_container_of(node, struct mali_entry, node)->kind == kind;
}

/*
 * Drops what a window shows of a kind. Neighbours go together. A cut may take
 * more of the window than it is told.
 */
static void drop(struct mali_window *window, enum mali_entry_kind kind)
{
	uint64_t at = 0, first, last;

	for (;;) {
		struct mali_node *node =
			mali_tree_first(&window->entries, at, UINT64_MAX);

		while (node && !is_kind(node, kind))
			node = mali_tree_next(node, at, UINT64_MAX);
		if (!node)
			return;
		first = node->start;
		do {
			last = node->last;
			node = mali_tree_next(node, at, UINT64_MAX);
		} while (node && is_kind(node, kind) &&
			 node->start == last + 1);
		mali_tlb_cut(window, first, last);
		at = last + 1;
	}
}

/* ---------------------------------------------------------- bulk code -- */

int mali_bulk_code_add(const void *start, size_t size_B)
{
	struct code code = {(uintptr_t)start, (uintptr_t)start + size_B};
	int ret = 0;
	unsigned i;

	mali_tlb_lock();
	for (i = 0; i < code_count; i++) {
		if (codes[i].start == code.start && codes[i].end == code.end)
			break;
	}
	if (i == MALI_BULK_CODES)
		ret = -ENOMEM;
	else if (i == code_count)
		codes[code_count++] = code;
	mali_tlb_unlock();
	return ret;
}

static bool in_bulk_code(uintptr_t pc)
{
	for (unsigned i = 0; i < code_count; i++) {
		if (pc >= codes[i].start && pc < codes[i].end)
			return true;
	}
	return false;
}

/* ---------------------------------------------------------- barriers -- */

static int protect(uintptr_t page, int prot)
{
	return (int)syscall(SYS_mprotect, page, MALI_PAGE_SIZE, prot);
}

/* The pages can be stored to again: the host may not refuse that. */
static void disarm(struct mali_gpu *gpu)
{
	gpu->null.armed = false;
	for (unsigned i = 0; i < barrier_count; i++) {
		if (barriers[i].gpu == gpu &&
		    protect(barriers[i].page, PROT_READ | PROT_WRITE))
			abort();
	}
}

/* The next store to a barrier page traps. False: it will not. */
static bool arm(struct mali_gpu *gpu)
{
	struct mali_null *null = &gpu->null;

	if (!null->barrier_count)
		return false;
	for (unsigned i = 0; i < barrier_count && !null->armed; i++) {
		if (barriers[i].gpu == gpu &&
		    protect(barriers[i].page, PROT_NONE)) {
			disarm(gpu);
			return false;
		}
	}
	null->armed = true;
	return true;
}

/* ------------------------------------------------------ bulk or not? -- */

/* Are there very many stores here, one after the other, by bulk code? */
static bool in_run(struct mali_window *window, uint64_t va)
{
	uint64_t chunk = va & ~(MALI_BULK_B - 1);
	bool is_run = window->null_traps > BULK_STEPS_MAX;

	/* One goes on in the next chunk. */
	if (chunk != window->null_chunk &&
	    !(is_run && chunk == window->null_chunk + MALI_BULK_B))
		window->null_traps = 0;
	window->null_chunk = chunk;
	return window->null_traps++ >= BULK_STEPS_MAX;
}

/* From now on loads of the window's null memory trap. */
static void watch(struct mali_window *window)
{
	window->null_watch = window->gpu->null.barriers;
	window->null_steps = 0;
	window->null_loads = false;
	drop(window, MALI_ENTRY_ZERO);
}

/* Does code store to the window without end, and without a look at it? */
static bool is_flood(struct mali_window *window)
{
	struct mali_null *null = &window->gpu->null;

	if (null->since_barrier < STEPS_MAX) {
		null->since_barrier++;
		return false;
	}
	if (window->null_watch != null->barriers)
		watch(window);
	return !window->null_loads && window->null_steps++ >= STEPS_MAX;
}

void mali_null_load(struct mali_window *window)
{
	assert(mali_tlb_locked());
	if (window->null_watch != window->gpu->null.barriers ||
	    window->null_loads)
		return;
	window->null_loads = true;
	drop(window, MALI_ENTRY_BULK);
}

bool mali_null_is_bulk(struct mali_window *window, uint64_t va, uintptr_t pc)
{
	assert(mali_tlb_locked());
	if (!arm(window->gpu))
		return false;
	if (in_bulk_code(pc))
		return in_run(window, va);
	/* What an atomic returns is looked at. */
	if (mali_step_is_atomic(pc))
		return false;
	return is_flood(window);
}

/* What all windows show in bulk: they read as zero again. */
static void drop_bulk(struct mali_gpu *gpu)
{
	struct mali_null *null = &gpu->null;
	struct mali_window *window;

	while ((window = null->bulk_windows)) {
		null->bulk_windows = window->next_bulk;
		window->in_bulk = false;
		drop(window, MALI_ENTRY_BULK);
	}
	null->bulk_pieces = 0;
}

uint64_t mali_null_begin_bulk(struct mali_window *window)
{
	struct mali_null *null = &window->gpu->null;
	uint64_t piece;

	assert(mali_tlb_locked());
	(void)arm(window->gpu);
	if (null->bulk_pieces == BULK_PIECES)
		drop_bulk(window->gpu);
	piece = null->bulk_pieces++ * MALI_BULK_B;
	memset(null->bulk + piece, 0, MALI_BULK_B);
	null->bulks++;
	if (!window->in_bulk) {
		window->next_bulk = null->bulk_windows;
		null->bulk_windows = window;
		window->in_bulk = true;
	}
	return piece;
}

void mali_null_barrier(struct mali_gpu *gpu)
{
	struct mali_null *null = &gpu->null;

	assert(mali_tlb_locked());
	drop_bulk(gpu);
	null->since_barrier = 0;
	null->barriers++;
	if (null->armed)
		disarm(gpu);
}

bool mali_null_barrier_trap(uintptr_t addr)
{
	assert(mali_tlb_locked());
	for (unsigned i = 0; i < barrier_count; i++) {
		if (addr - barriers[i].page < MALI_PAGE_SIZE) {
			mali_null_barrier(barriers[i].gpu);
			return true;
		}
	}
	return false;
}

void mali_barrier(struct mali_gpu *gpu)
{
	mali_tlb_lock();
	mali_null_barrier(gpu);
	mali_tlb_unlock();
}

int mali_barrier_add(struct mali_gpu *gpu, void *page)
{
	int ret = -ENOMEM;

	mali_tlb_lock();
	/* All of a GPU's are armed, or none. */
	mali_null_barrier(gpu);
	if (barrier_count < MALI_BARRIERS) {
		barriers[barrier_count++] =
			(struct barrier){(uintptr_t)page, gpu};
		gpu->null.barrier_count++;
		ret = 0;
	}
	mali_tlb_unlock();
	return ret;
}

void mali_barrier_remove(struct mali_gpu *gpu, void *page)
{
	mali_tlb_lock();
	mali_null_barrier(gpu);
	for (unsigned i = 0; i < barrier_count; i++) {
		if (barriers[i].page == (uintptr_t)page) {
			barriers[i] = barriers[--barrier_count];
			gpu->null.barrier_count--;
			break;
		}
	}
	mali_tlb_unlock();
}
