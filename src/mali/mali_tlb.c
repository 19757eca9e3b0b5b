/* SPDX-License-Identifier: MIT */
/*
 * The TLB: host mappings that show DRAM in windows.
 *
 * An entry is one mmap() of a run. The entries of a window are disjoint and
 * kept in a tree by VA; an address space knows its windows that have entries in
 * another. So an invalidation finds what it must drop in O(log n + k), and
 * costs nothing but a look at an empty tree where nothing was ever touched.
 *
 * Invalidation keeps what lies outside of the region: an entry that reaches
 * beyond it is trimmed, or split in two. Whatever one window loses is made
 * inaccessible with a single mmap() over the hull, since all between the
 * entries there is inaccessible already.
 *
 * Two bounds exist. The pool of entries is one: the oldest entries go first.
 * The host's vm.max_map_count is the other. At that limit mmap() fails with
 * ENOMEM, also where it would only replace memory, because a mapping must be
 * split for it; one beyond the limit, which Linux lets happen, it always does.
 * So every TLB keeps some chunks of ballast, host mappings that serve no other
 * purpose: munmap() of those always works, and the calls that it makes possible
 * evict entries, until there is room for the chunk again. An invalidation may
 * not fail. Without ballast it gives up all that its window shows, whose edges
 * need no split, and at last it only takes the permissions away, which needs
 * nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mali_private.h"

/* A cut may split one entry; a miss adds one and cuts one. */
#define RESERVE 2
/* Below this an instruction might not find all its pages at once. */
#define CAPACITY_MIN 16
#define CAPACITY_MAX (1u << 20)
#define EVICT_BATCH 32

#define BALLAST_PAGES 16
#define BALLAST_RETRY                                                          \
	64 /* misses between attempts to have all chunks again                 \
	    */

/* -------------------------------------------------------- host calls -- */

void *mali_host_mmap(uintptr_t host, uint64_t size_B, int prot, int flags,
		     int fd, uint64_t offset)
{
	return (void *)syscall(SYS_mmap, host, size_B, prot, flags, fd, offset);
}

int mali_host_block(uintptr_t host, uint64_t size_B)
{
	if (mali_host_mmap(host, size_B, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				   MAP_FIXED,
			   -1, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

static void message(const char *text)
{
	ssize_t ret = write(STDERR_FILENO, text, strlen(text));

	/* There is nobody left to tell. */
	(void)ret;
}

static void message_exhausted(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		message("mali: the host has no memory mappings left "
			"(vm.max_map_count): raise it, for example with "
			"'sysctl -w vm.max_map_count=1048576'\n");
}

/*
 * Makes one more chunk: neighbouring pages with different permissions are a
 * host mapping each. False if the host has no room.
 */
static bool ballast_add(struct mali_tlb *tlb)
{
	size_t size_B = BALLAST_PAGES * MALI_PAGE_SIZE;
	char *chunk = mali_host_mmap(
		0, size_B, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (chunk == MAP_FAILED)
		return false;
	for (unsigned i = 1; i < BALLAST_PAGES; i += 2) {
		if (syscall(SYS_mprotect, chunk + i * MALI_PAGE_SIZE,
			    MALI_PAGE_SIZE, PROT_READ)) {
			syscall(SYS_munmap, chunk, size_B);
			return false;
		}
	}
	tlb->ballast[tlb->ballast_count++] = chunk;
	return true;
}

/* False if there is none. */
static bool ballast_release(struct mali_tlb *tlb)
{
	tlb->ballast_retry = BALLAST_RETRY;
	if (!tlb->ballast_count)
		return false;
	return !syscall(SYS_munmap, tlb->ballast[--tlb->ballast_count],
			(size_t)BALLAST_PAGES * MALI_PAGE_SIZE);
}

/* ---------------------------------------------------------- the pool -- */

static struct mali_entry *entry_of(struct mali_node *node)
{
	return node ? mali_container_of(node, struct mali_entry, node) : NULL;
}

/* Links @entry into the order of eviction behind @older; NULL: as oldest. */
static void order_insert(struct mali_tlb *tlb, struct mali_entry *entry,
			 struct mali_entry *older)
{
	entry->older = older;
	entry->newer = older ? older->newer : tlb->oldest;
	if (entry->newer)
		entry->newer->older = entry;
	else
		tlb->newest = entry;
	if (older)
		older->newer = entry;
	else
		tlb->oldest = entry;
}

static void order_remove(struct mali_tlb *tlb, struct mali_entry *entry)
{
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		tlb->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		tlb->newest = entry->older;
}

/* NULL when the pool is empty. */
static struct mali_entry *entry_add(struct mali_window *window, uint64_t first,
				    uint64_t last, uint64_t pa,
				    enum mali_entry_kind kind,
				    struct mali_entry *older)
{
	struct mali_tlb *tlb = &window->gpu->tlb;
	struct mali_entry *entry = tlb->free;

	if (!entry)
		return NULL;
	tlb->free = entry->newer;
	tlb->used++;
	*entry = (struct mali_entry){
		.node = {.start = first, .last = last},
		.window = window,
		.pa = pa,
		.kind = kind,
	};
	order_insert(tlb, entry, older);
	if (!window->entries.root)
		mali_tree_insert(&window->as->windows, &window->va_node);
	mali_tree_insert(&window->entries, &entry->node);
	return entry;
}

static void entry_remove(struct mali_entry *entry)
{
	struct mali_window *window = entry->window;
	struct mali_tlb *tlb = &window->gpu->tlb;

	mali_tree_remove(&window->entries, &entry->node);
	if (!window->entries.root)
		mali_tree_remove(&window->as->windows, &window->va_node);
	order_remove(tlb, entry);
	entry->window = NULL;
	entry->newer = tlb->free;
	tlb->free = entry;
	tlb->used--;
}

/* ------------------------------------------------------ invalidation -- */

/* Part of a window, in VA; empty while first > last. */
struct hull {
	uint64_t first, last;
};

static void hull_add(struct hull *hull, uint64_t first, uint64_t last)
{
	if (first < hull->first)
		hull->first = first;
	if (last > hull->last)
		hull->last = last;
}

/*
 * Takes [first, last] out of the entries of @window, trimming and splitting
 * them; what must be made inaccessible is added to the hull. Returns how many
 * entries were touched.
 */
static unsigned cut_entries(struct mali_window *window, uint64_t first,
			    uint64_t last, struct hull *hull)
{
	struct mali_node *node = mali_tree_first(&window->entries, first, last);
	unsigned n = 0;

	for (; node; n++) {
		struct mali_entry *entry = entry_of(node);
		uint64_t entry_first = node->start, entry_last = node->last;

		node = mali_tree_next(node, first, last);
		hull_add(hull, entry_first > first ? entry_first : first,
			 entry_last < last ? entry_last : last);
		/* With an empty pool, the tail of a split goes as well. */
		if (entry_first < first && entry_last > last &&
		    !entry_add(window, last + 1, entry_last,
			       entry->pa + (last + 1 - entry_first),
			       entry->kind, entry))
			hull_add(hull, last + 1, entry_last);
		if (entry_first < first) {
			mali_tree_resize(&entry->node, entry_first, first - 1);
		} else if (entry_last > last) {
			mali_tree_resize(&entry->node, last + 1, entry_last);
			entry->pa += last + 1 - entry_first;
		} else {
			entry_remove(entry);
		}
	}
	return n;
}

static int hull_block(struct mali_window *window, const struct hull *hull)
{
	window->gpu->tlb.host_calls++;
	return mali_host_block(window->host + (hull->first - window->va),
			       hull->last - hull->first + 1);
}

/*
 * The host refused to make a hull inaccessible. Never returns with something
 * left that shows old memory; may drop more of the window than was asked for.
 */
static void hull_block_hard(struct mali_window *window, struct hull *hull)
{
	struct mali_node *node;

	if (ballast_release(&window->gpu->tlb) && !hull_block(window, hull))
		return;
	while ((node = window->entries.root)) {
		hull_add(hull, node->start, node->last);
		entry_remove(entry_of(node));
	}
	if (!hull_block(window, hull))
		return;
	message_exhausted();
	window->gpu->tlb.host_calls++;
	if (!syscall(SYS_mprotect, window->host + (hull->first - window->va),
		     hull->last - hull->first + 1, PROT_NONE))
		return;
	message("mali: cannot withdraw memory from a window\n");
	abort();
}

/* Returns the number of entries that were dropped or trimmed. */
static unsigned window_drop(struct mali_window *window, uint64_t first,
			    uint64_t last)
{
	struct hull hull = {.first = UINT64_MAX, .last = 0};
	unsigned n = cut_entries(window, first, last, &hull);

	if (n && hull_block(window, &hull))
		hull_block_hard(window, &hull);
	return n;
}

void mali_tlb_invalidate(struct mali_gpu *gpu, struct mali_as *as,
			 uint64_t start, uint64_t last)
{
	struct mali_node *node = mali_tree_first(&as->windows, start, last);

	assert(mali_tlb_locked());
	while (node) {
		struct mali_window *window =
			mali_container_of(node, struct mali_window, va_node);

		/* The window may leave the tree below. */
		node = mali_tree_next(node, start, last);
		gpu->tlb.invalidations += window_drop(window, start, last);
	}
}

void mali_tlb_drop_window(struct mali_window *window)
{
	assert(mali_tlb_locked());
	window->gpu->tlb.invalidations += window_drop(window, 0, UINT64_MAX);
}

void mali_tlb_cut(struct mali_window *window, uint64_t start, uint64_t last)
{
	assert(mali_tlb_locked());
	window->gpu->tlb.invalidations += window_drop(window, start, last);
}

/* ---------------------------------------------------------- eviction -- */

/*
 * Evicts the oldest entry and those next to it in age, up to @max, as long as
 * they are next to each other in the same window too: one host call for all.
 * Returns how many.
 */
static unsigned evict_oldest(struct mali_tlb *tlb, unsigned max)
{
	struct mali_entry *entry = tlb->oldest;
	struct mali_window *window = entry->window;
	struct hull hull = {entry->node.start, entry->node.last};
	unsigned n = 0;

	for (; entry && n < max; entry = entry->newer, n++) {
		if (entry->window != window)
			break;
		if (n && entry->node.last + 1 != hull.first &&
		    entry->node.start != hull.last + 1)
			break;
		hull_add(&hull, entry->node.start, entry->node.last);
	}
	tlb->evictions += n;
	window_drop(window, hull.first, hull.last);
	return n;
}

static void evict(struct mali_tlb *tlb, unsigned count)
{
	while (count && tlb->oldest) {
		unsigned n = evict_oldest(tlb, count);

		count -= n;
	}
}

/* Makes the chunks that are missing, if others left room for them. */
static void ballast_restore(struct mali_tlb *tlb)
{
	while (tlb->ballast_count < MALI_BALLAST_CHUNKS) {
		evict(tlb, BALLAST_PAGES);
		if (!ballast_add(tlb))
			break;
	}
	tlb->ballast_retry = BALLAST_RETRY;
}

void mali_tlb_reserve(struct mali_gpu *gpu)
{
	struct mali_tlb *tlb = &gpu->tlb;
	unsigned batch = tlb->capacity / 8;

	assert(mali_tlb_locked());
	if (tlb->ballast_count < MALI_BALLAST_CHUNKS && !tlb->ballast_retry--)
		ballast_restore(tlb);
	if (tlb->used + RESERVE <= tlb->capacity)
		return;
	evict(tlb, batch < EVICT_BATCH ? batch : EVICT_BATCH);
}

/* ----------------------------------------------------------- filling -- */

static int map_run(struct mali_window *window, const struct mali_run *run,
		   enum mali_entry_kind kind)
{
	uintptr_t host = window->host + (run->va - window->va);
	int prot = PROT_READ | PROT_WRITE;
	int flags = MAP_SHARED;
	uint64_t offset = 0;
	int fd = -1;

	if (kind == MALI_ENTRY_READ || kind == MALI_ENTRY_ZERO)
		prot = PROT_READ;
	if (kind == MALI_ENTRY_SCRATCH || kind == MALI_ENTRY_ZERO) {
		flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	} else if (kind == MALI_ENTRY_BULK) {
		fd = window->gpu->null.bulk_fd;
		offset = run->pa;
	} else {
		struct mali_file_run file;

		mali_overlay_at(mali_dram_overlays(window->gpu->config.dram),
				run->pa, &file);
		assert(run->pa + (run->size_B - 1) <= file.last_pa);
		fd = file.fd;
		offset = file.offset + (run->pa - file.first_pa);
	}
	window->gpu->tlb.host_calls++;
	if (mali_host_mmap(host, run->size_B, prot, flags | MAP_FIXED, fd,
			   offset) == MAP_FAILED)
		return -errno;
	return 0;
}

/*
 * Makes room in the host's table of mappings. False if there is nothing left
 * that could go.
 */
static bool make_room(struct mali_tlb *tlb)
{
	bool released = ballast_release(tlb);
	unsigned used = tlb->used;

	if (!used) {
		message_exhausted();
		return released;
	}
	evict(tlb, EVICT_BATCH);
	/* Where that left no room for the chunk, it is spent. */
	if (released && !ballast_add(tlb))
		return true;
	return used > tlb->used;
}

int mali_tlb_fill(struct mali_window *window, const struct mali_run *run,
		  enum mali_entry_kind kind)
{
	struct mali_tlb *tlb = &window->gpu->tlb;
	struct mali_entry *entry;
	int ret;

	assert(mali_tlb_locked());
	do {
		ret = map_run(window, run, kind);
	} while (ret == -ENOMEM && make_room(tlb));
	if (ret)
		return ret;
	entry = entry_add(window, run->va, run->va + run->size_B - 1, run->pa,
			  kind, tlb->newest);
	/* mali_tlb_reserve() saw to that. */
	assert(entry);
	(void)entry;
	return 0;
}

/* ---------------------------------------------------------- lifetime -- */

/*
 * Every entry is at most one host mapping, with an inaccessible one behind it,
 * so a quarter of what the host permits leaves the program half of it.
 */
static uint32_t default_capacity(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long max = 65530;

	if (file) {
		if (fscanf(file, "%lu", &max) != 1)
			max = 65530;
		fclose(file);
	}
	max /= 4;
	return max > CAPACITY_MAX ? CAPACITY_MAX : max;
}

int mali_tlb_init(struct mali_tlb *tlb, uint32_t capacity)
{
	if (!capacity)
		capacity = default_capacity();
	if (capacity < CAPACITY_MIN)
		capacity = CAPACITY_MIN;
	tlb->capacity = capacity;
	tlb->entries_B = capacity * sizeof(*tlb->entries);
	tlb->entries = mmap(NULL, tlb->entries_B, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tlb->entries == MAP_FAILED)
		return -ENOMEM;
	for (uint32_t i = capacity; i--;) {
		tlb->entries[i].newer = tlb->free;
		tlb->free = &tlb->entries[i];
	}
	/* May be missing; it is tried again. */
	ballast_restore(tlb);
	return 0;
}

void mali_tlb_finish(struct mali_tlb *tlb)
{
	assert(!tlb->used);
	while (ballast_release(tlb))
		;
	munmap(tlb->entries, tlb->entries_B);
}
