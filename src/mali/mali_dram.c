/* SPDX-License-Identifier: MIT */
/*
 * DRAM: a memfd and the allocator of its pages.
 *
 * Pages are grouped into blocks of 2 MiB. A block keeps one bit a page for
 * "handed out" and one for "free, but dirty". Above them lie two bitmaps of
 * blocks, each with summary levels of one bit a word: blocks that are wholly
 * free, and blocks that are partly free.
 *
 *   one page, or a run below 2 MiB   O(log64 blocks): first partly free block,
 *                                    with a bounded look at a few more when the
 *                                    first has no run long enough
 *   2 MiB or more                    first run of free blocks that is long
 *                                    enough, else the longest: O(blocks / 64)
 *   free                             O(pages / 64) and one system call
 *
 * The metadata is reserved lazily like DRAM itself: 136 bytes for each 2 MiB
 * that was ever used.
 *
 * Freed memory is punched out of the file, except for up to DIRTY_MAX pages of
 * small frees: page tables and tiles come and go by the million, and clearing
 * 4 KiB costs a tenth of punching it out and faulting it in. Such a page is
 * free in every respect; it is cleared when it is handed out, and when there
 * are too many they all go back at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mali_private.h"

#define PAGES_PER_BLOCK (MALI_BLOCK_SIZE / MALI_PAGE_SIZE)
#define WORDS_PER_BLOCK (PAGES_PER_BLOCK / 64)

#define DIRTY_MAX 1024	  /* pages */
#define DIRTY_FREE_MAX 64 /* a larger free is punched out at once; pages */

/* Partly free blocks to look at for a run before a new block is begun. */
#define PARTIAL_TRIES 8

#define BITMAP_LEVELS 4 /* 64^4 blocks are 32 TiB */

struct block {
	uint64_t used[WORDS_PER_BLOCK];
	uint64_t dirty[WORDS_PER_BLOCK]; /* a subset of ~used */
	uint16_t used_count;
	uint16_t dirty_count;
	bool in_dirty_list;
};

/* A set of blocks; level 0 has a bit for each, level n + 1 one a word of n. */
struct bitmap {
	uint64_t *level[BITMAP_LEVELS];
	uint64_t words[BITMAP_LEVELS];
	unsigned levels;
};

struct mali_dram {
	int fd;
	uint8_t *base;
	uint64_t size_B;
	uint64_t block_count;
	bool fragmented;
	_Atomic bool keep_contents; /* of what is freed */
	struct mali_overlays overlays;

	/* Guards everything below. A leaf: nothing is locked under it. */
	pthread_mutex_t lock;
	struct block *blocks;
	struct bitmap free;    /* blocks with no page used */
	struct bitmap partial; /* blocks with some, but not all, pages used */
	void *bitmap_memory;
	uint64_t bitmap_memory_B;
	uint32_t dirty[DIRTY_MAX]; /* blocks that may have dirty pages */
	uint32_t dirty_list_count;
	uint32_t dirty_count; /* pages */
	struct mali_dram_stats stats;
};

/* ----------------------------------------------------- block bitmaps -- */

/* How many words a set of @bits takes, summaries included. */
static uint64_t bitmap_words(uint64_t bits)
{
	uint64_t words = 0;

	do {
		bits = (bits + 63) / 64;
		words += bits;
	} while (bits > 1);
	return words;
}

/* Lays an empty set out in zeroed memory; returns the first word behind it. */
static uint64_t *bitmap_init(struct bitmap *bitmap, uint64_t bits,
			     uint64_t *memory)
{
	bitmap->levels = 0;
	do {
		bits = (bits + 63) / 64;
		bitmap->level[bitmap->levels] = memory;
		bitmap->words[bitmap->levels] = bits;
		bitmap->levels++;
		memory += bits;
	} while (bits > 1);
	return memory;
}

static void bitmap_set(struct bitmap *bitmap, uint64_t bit)
{
	for (unsigned i = 0; i < bitmap->levels; i++, bit /= 64)
		bitmap->level[i][bit / 64] |= 1ull << (bit % 64);
}

static void bitmap_clear(struct bitmap *bitmap, uint64_t bit)
{
	for (unsigned i = 0; i < bitmap->levels; i++, bit /= 64) {
		bitmap->level[i][bit / 64] &= ~(1ull << (bit % 64));
		if (bitmap->level[i][bit / 64])
			return;
	}
}

/* The first set bit at or after @from, or UINT64_MAX. */
static uint64_t bitmap_next(const struct bitmap *bitmap, uint64_t from)
{
	unsigned level = 0;

	/* Up to the first level with a set bit to the right ... */
	for (;;) {
		uint64_t word = from / 64;

		if (level == bitmap->levels || word >= bitmap->words[level])
			return UINT64_MAX;
		if (bitmap->level[level][word] >> (from % 64)) {
			from += __builtin_ctzll(bitmap->level[level][word] >>
						(from % 64));
			break;
		}
		from = word + 1;
		level++;
	}
	/* ... and down to the bit that made it so. */
	while (level--)
		from = from * 64 + __builtin_ctzll(bitmap->level[level][from]);
	return from;
}

/* How many bits from @bit on are set, up to @max. */
static uint64_t bitmap_run(const struct bitmap *bitmap, uint64_t bit,
			   uint64_t max)
{
	uint64_t n = 0;

	while (n < max) {
		uint64_t at = bit + n;
		uint64_t clear;

		if (at / 64 >= bitmap->words[0])
			break;
		clear = ~bitmap->level[0][at / 64] >> (at % 64);
		if (clear) {
			n += __builtin_ctzll(clear);
			break;
		}
		n += 64 - at % 64;
	}
	return n < max ? n : max;
}

/* -------------------------------------------------------- page masks -- */

/* The bits of word @word that [first, first + count) of a block covers. */
static uint64_t page_mask(unsigned word, unsigned first, unsigned count)
{
	unsigned lo = word * 64, hi = lo + 64;
	unsigned end = first + count;

	if (first > lo)
		lo = first;
	if (end < hi)
		hi = end;
	if (lo >= hi)
		return 0;
	return (~0ull >> (64 - (hi - lo))) << (lo % 64);
}

/* The first page at or after @from whose bit is @value, or PAGES_PER_BLOCK. */
static unsigned page_next(const uint64_t *mask, unsigned from, bool value)
{
	while (from < PAGES_PER_BLOCK) {
		uint64_t word = value ? mask[from / 64] : ~mask[from / 64];

		word >>= from % 64;
		if (word)
			return from + __builtin_ctzll(word);
		from = (from | 63) + 1;
	}
	return PAGES_PER_BLOCK;
}

/*
 * Looks for @want free pages in a row; the first such run, else the longest.
 * Returns its length.
 */
static unsigned block_find_run(const struct block *block, unsigned want,
			       unsigned *first_out)
{
	unsigned best = 0;
	unsigned at = 0;

	while (best < want) {
		unsigned first = page_next(block->used, at, false);
		unsigned end;

		if (first == PAGES_PER_BLOCK)
			break;
		end = page_next(block->used, first, true);
		if (end - first > best) {
			best = end - first;
			*first_out = first;
		}
		at = end;
	}
	return best < want ? best : want;
}

/* ------------------------------------------------ giving memory back -- */

static void punch(struct mali_dram *dram, uint64_t pa, uint64_t size_B)
{
	int ret;

	do {
		ret = fallocate(dram->fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)pa, (off_t)size_B);
	} while (ret && errno == EINTR);
	/* Where the host cannot give it back, it must at least read as zero. */
	if (ret)
		memset(dram->base + pa, 0, size_B);
}

/* Gives every dirty page back to the system. */
static void punch_dirty(struct mali_dram *dram)
{
	for (uint32_t i = 0; i < dram->dirty_list_count; i++) {
		uint64_t index = dram->dirty[i];
		struct block *block = &dram->blocks[index];
		unsigned first = page_next(block->dirty, 0, true);

		/* Free pages between dirty ones are holes already. */
		while (first < PAGES_PER_BLOCK) {
			unsigned end = page_next(block->used, first, true);
			unsigned next = page_next(block->dirty, end, true);

			punch(dram,
			      index * MALI_BLOCK_SIZE + first * MALI_PAGE_SIZE,
			      (uint64_t)(end - first) * MALI_PAGE_SIZE);
			first = next;
		}
		memset(block->dirty, 0, sizeof(block->dirty));
		block->dirty_count = 0;
		block->in_dirty_list = false;
	}
	dram->dirty_list_count = 0;
	dram->dirty_count = 0;
}

/* Clears those of the pages [first, first + count) that are dirty. */
static void clean_pages(struct mali_dram *dram, uint64_t index, unsigned first,
			unsigned count)
{
	struct block *block = &dram->blocks[index];
	uint8_t *memory = dram->base + index * MALI_BLOCK_SIZE;

	if (!block->dirty_count)
		return;
	for (unsigned i = first / 64; i <= (first + count - 1) / 64; i++) {
		uint64_t dirty = block->dirty[i] & page_mask(i, first, count);

		block->dirty[i] &= ~dirty;
		block->dirty_count -= __builtin_popcountll(dirty);
		dram->dirty_count -= __builtin_popcountll(dirty);
		for (; dirty; dirty &= dirty - 1) {
			unsigned page = i * 64 + __builtin_ctzll(dirty);

			memset(memory + page * MALI_PAGE_SIZE, 0,
			       MALI_PAGE_SIZE);
		}
	}
}

static void mark_dirty(struct mali_dram *dram, uint64_t index, unsigned first,
		       unsigned count)
{
	struct block *block = &dram->blocks[index];

	for (unsigned i = first / 64; i <= (first + count - 1) / 64; i++)
		block->dirty[i] |= page_mask(i, first, count);
	block->dirty_count += count;
	dram->dirty_count += count;
	if (!block->in_dirty_list) {
		block->in_dirty_list = true;
		dram->dirty[dram->dirty_list_count++] = index;
	}
}

/* -------------------------------------------------------- accounting -- */

/* Moves a block between the sets after its number of used pages changed. */
static void block_classify(struct mali_dram *dram, uint64_t index,
			   unsigned old_count)
{
	unsigned count = dram->blocks[index].used_count;

	if (!old_count)
		bitmap_clear(&dram->free, index);
	else if (old_count < PAGES_PER_BLOCK)
		bitmap_clear(&dram->partial, index);
	if (!count)
		bitmap_set(&dram->free, index);
	else if (count < PAGES_PER_BLOCK)
		bitmap_set(&dram->partial, index);
}

/* Hands out the pages [first, first + count) of a block, which are free. */
static void block_take(struct mali_dram *dram, uint64_t index, unsigned first,
		       unsigned count)
{
	struct block *block = &dram->blocks[index];
	unsigned old_count = block->used_count;

	clean_pages(dram, index, first, count);
	for (unsigned i = first / 64; i <= (first + count - 1) / 64; i++) {
		uint64_t mask = page_mask(i, first, count);

		assert(!(block->used[i] & mask));
		block->used[i] |= mask;
	}
	block->used_count += count;
	block_classify(dram, index, old_count);
}

static void block_give(struct mali_dram *dram, uint64_t index, unsigned first,
		       unsigned count)
{
	struct block *block = &dram->blocks[index];
	unsigned old_count = block->used_count;

	for (unsigned i = first / 64; i <= (first + count - 1) / 64; i++) {
		uint64_t mask = page_mask(i, first, count);

		assert((block->used[i] & mask) == mask && "page freed twice");
		block->used[i] &= ~mask;
	}
	block->used_count -= count;
	block_classify(dram, index, old_count);
}

/* -------------------------------------------------------- allocation -- */

/* Whole blocks in a row: up to @want of them. Returns how many. */
static uint64_t alloc_blocks(struct mali_dram *dram, uint64_t want,
			     uint64_t *first_out)
{
	uint64_t best = 0;
	uint64_t at = 0;

	while (best < want) {
		uint64_t first = bitmap_next(&dram->free, at);
		uint64_t n;

		if (first == UINT64_MAX)
			break;
		n = bitmap_run(&dram->free, first, want);
		if (n > best) {
			best = n;
			*first_out = first;
		}
		at = first + n;
	}
	for (uint64_t i = 0; i < best; i++)
		block_take(dram, *first_out + i, 0, PAGES_PER_BLOCK);
	return best;
}

/* A run inside one block: up to @want pages. Returns how many. */
static unsigned alloc_pages(struct mali_dram *dram, unsigned want,
			    uint64_t *page_out)
{
	uint64_t index = bitmap_next(&dram->partial, 0);
	uint64_t best_index = 0;
	unsigned best = 0, best_first = 0;

	for (unsigned i = 0; i < PARTIAL_TRIES && index != UINT64_MAX; i++) {
		unsigned first = 0;
		unsigned n = block_find_run(&dram->blocks[index], want, &first);

		if (n > best) {
			best = n;
			best_first = first;
			best_index = index;
		}
		if (best == want)
			break;
		index = bitmap_next(&dram->partial, index + 1);
	}
	if (best < want) {
		index = bitmap_next(&dram->free, 0);
		if (index != UINT64_MAX) {
			best = want;
			best_first = 0;
			best_index = index;
		}
	}
	if (!best)
		return 0;
	block_take(dram, best_index, best_first, best);
	*page_out = best_index * PAGES_PER_BLOCK + best_first;
	return best;
}

/*
 * Fragmented mode: the highest free page with an odd number in the first block
 * that has one. No two odd pages are neighbours and none begins a block.
 */
static unsigned alloc_fragmented(struct mali_dram *dram, uint64_t *page_out)
{
	const uint64_t odd = 0xaaaaaaaaaaaaaaaaull;
	uint64_t index = 0;

	for (;; index++) {
		uint64_t partial = bitmap_next(&dram->partial, index);
		uint64_t free = bitmap_next(&dram->free, index);

		index = partial < free ? partial : free;
		if (index == UINT64_MAX)
			return 0;
		if (dram->blocks[index].used_count < PAGES_PER_BLOCK / 2)
			break;
	}
	for (unsigned i = WORDS_PER_BLOCK; i--;) {
		uint64_t free = ~dram->blocks[index].used[i] & odd;
		unsigned page;

		if (!free)
			continue;
		page = i * 64 + 63 - __builtin_clzll(free);
		block_take(dram, index, page, 1);
		*page_out = index * PAGES_PER_BLOCK + page;
		return 1;
	}
	return 0;
}

int mali_dram_alloc(struct mali_dram *dram, uint64_t want_B, uint64_t *pa_out,
		    uint64_t *got_B_out)
{
	uint64_t want = want_B / MALI_PAGE_SIZE;
	uint64_t page = 0, got = 0;

	assert(want && want_B % MALI_PAGE_SIZE == 0);
	pthread_mutex_lock(&dram->lock);
	if (dram->fragmented) {
		got = alloc_fragmented(dram, &page);
	} else {
		if (want >= PAGES_PER_BLOCK) {
			got = alloc_blocks(dram, want / PAGES_PER_BLOCK, &page);
			got *= PAGES_PER_BLOCK;
			page *= PAGES_PER_BLOCK;
		}
		/* No whole block is left: what the partly used ones have. */
		if (!got && want >= PAGES_PER_BLOCK)
			want = PAGES_PER_BLOCK - 1;
		if (!got)
			got = alloc_pages(dram, want, &page);
	}
	dram->stats.allocated_B += got * MALI_PAGE_SIZE;
	if (dram->stats.peak_B < dram->stats.allocated_B)
		dram->stats.peak_B = dram->stats.allocated_B;
	pthread_mutex_unlock(&dram->lock);

	if (!got)
		return -ENOMEM;
	*pa_out = page * MALI_PAGE_SIZE;
	*got_B_out = got * MALI_PAGE_SIZE;
	return 0;
}

void mali_dram_free(struct mali_dram *dram, uint64_t pa, uint64_t size_B)
{
	uint64_t page = pa / MALI_PAGE_SIZE;
	uint64_t count = size_B / MALI_PAGE_SIZE;
	bool kept = atomic_load(&dram->keep_contents);
	bool dirty = !kept && count <= DIRTY_FREE_MAX;

	assert(pa % MALI_PAGE_SIZE == 0 && size_B % MALI_PAGE_SIZE == 0);
	assert(size_B <= dram->size_B && pa <= dram->size_B - size_B);
	if (!count)
		return;
	/* The pages are still the caller's: no lock is needed for this. */
	if (mali_overlay_remove(&dram->overlays, pa, size_B)) {
		fprintf(stderr,
			"mali: the host has no memory mappings left "
			"(vm.max_map_count): %llu pages of DRAM are lost\n",
			(unsigned long long)count);
		return;
	}
	if (!kept && !dirty)
		punch(dram, pa, size_B);

	pthread_mutex_lock(&dram->lock);
	dram->stats.allocated_B -= size_B;
	if (dirty && (dram->dirty_count + count > DIRTY_MAX ||
		      dram->dirty_list_count + 2 > DIRTY_MAX))
		punch_dirty(dram);
	while (count) {
		uint64_t index = page / PAGES_PER_BLOCK;
		unsigned first = page % PAGES_PER_BLOCK;
		unsigned n = PAGES_PER_BLOCK - first;

		if (n > count)
			n = count;
		block_give(dram, index, first, n);
		if (dirty)
			mark_dirty(dram, index, first, n);
		page += n;
		count -= n;
	}
	pthread_mutex_unlock(&dram->lock);
}

/* ----------------------------------------------------------- overlays -- */

int mali_dram_overlay(struct mali_dram *dram, uint64_t pa, uint64_t size_B,
		      int fd, uint64_t fd_offset)
{
	if (!size_B || (pa | size_B | fd_offset) % MALI_PAGE_SIZE ||
	    size_B > dram->size_B || pa > dram->size_B - size_B ||
	    size_B - 1 > INT64_MAX || fd_offset > INT64_MAX - (size_B - 1))
		return -EINVAL;
	return mali_overlay_add(&dram->overlays, pa, size_B, fd, fd_offset);
}

void mali_dram_keep_contents(struct mali_dram *dram)
{
	atomic_store(&dram->keep_contents, true);
}

const struct mali_overlays *mali_dram_overlays(const struct mali_dram *dram)
{
	return &dram->overlays;
}

/* ---------------------------------------------- creation and queries -- */

static void *map_lazily(uint64_t size_B)
{
	void *memory = mmap(NULL, size_B, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int create_metadata(struct mali_dram *dram)
{
	uint64_t words = bitmap_words(dram->block_count);

	dram->blocks = map_lazily(dram->block_count * sizeof(*dram->blocks));
	if (!dram->blocks)
		return -ENOMEM;

	dram->bitmap_memory_B = 2 * words * sizeof(uint64_t);
	dram->bitmap_memory = map_lazily(dram->bitmap_memory_B);
	if (!dram->bitmap_memory) {
		munmap(dram->blocks, dram->block_count * sizeof(*dram->blocks));
		return -ENOMEM;
	}
	bitmap_init(&dram->partial, dram->block_count,
		    bitmap_init(&dram->free, dram->block_count,
				dram->bitmap_memory));
	for (uint64_t i = 0; i < dram->block_count; i++)
		bitmap_set(&dram->free, i);
	return 0;
}

static void destroy_metadata(struct mali_dram *dram)
{
	munmap(dram->bitmap_memory, dram->bitmap_memory_B);
	munmap(dram->blocks, dram->block_count * sizeof(*dram->blocks));
}

/* The file and the linear mapping. */
static int create_memory(struct mali_dram *dram)
{
	int ret;

	dram->fd = memfd_create("mali-dram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (dram->fd < 0)
		return -ENOMEM;
	if (ftruncate(dram->fd, (off_t)dram->size_B) ||
	    fcntl(dram->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		goto err_close;
	dram->base = mmap(NULL, dram->size_B, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_NORESERVE, dram->fd, 0);
	if (dram->base == MAP_FAILED)
		goto err_close;
	/*
	 * A core dump reads every page of a shared mapping, which would commit
	 * all of DRAM. Not fatal where it cannot be had.
	 */
	ret = madvise(dram->base, dram->size_B, MADV_DONTDUMP);
	if (ret)
		perror("mali: DRAM will be part of core dumps");
	dram->overlays.fd = dram->fd;
	dram->overlays.base = dram->base;
	return 0;

err_close:
	close(dram->fd);
	return -ENOMEM;
}

int mali_dram_create(const struct mali_dram_config *config,
		     struct mali_dram **dram_out)
{
	struct mali_dram *dram;
	int ret;

	if (!config->size_B || config->size_B % MALI_BLOCK_SIZE ||
	    config->size_B > 1ull << 48)
		return -EINVAL;
	dram = calloc(1, sizeof(*dram));
	if (!dram)
		return -ENOMEM;
	dram->size_B = config->size_B;
	dram->block_count = config->size_B / MALI_BLOCK_SIZE;
	dram->fragmented = config->fragmented;

	ret = create_memory(dram);
	if (ret)
		goto err_free;
	ret = create_metadata(dram);
	if (ret)
		goto err_memory;
	ret = -pthread_mutex_init(&dram->lock, NULL);
	if (ret)
		goto err_metadata;
	*dram_out = dram;
	return 0;

err_metadata:
	destroy_metadata(dram);
err_memory:
	munmap(dram->base, dram->size_B);
	close(dram->fd);
err_free:
	free(dram);
	return ret;
}

void mali_dram_destroy(struct mali_dram *dram)
{
	if (!dram)
		return;
	if (dram->stats.allocated_B)
		fprintf(stderr, "mali: %llu pages of DRAM were never freed\n",
			(unsigned long long)(dram->stats.allocated_B /
					     MALI_PAGE_SIZE));
	pthread_mutex_destroy(&dram->lock);
	mali_overlay_finish(&dram->overlays);
	destroy_metadata(dram);
	munmap(dram->base, dram->size_B);
	close(dram->fd);
	free(dram);
}

void *mali_dram_base(const struct mali_dram *dram)
{
	return dram->base;
}

uint64_t mali_dram_size(const struct mali_dram *dram)
{
	return dram->size_B;
}

int mali_dram_fd(const struct mali_dram *dram)
{
	return dram->fd;
}

void mali_dram_get_stats(const struct mali_dram *dram,
			 struct mali_dram_stats *stats_out)
{
	/* Only the lock word changes. */
	pthread_mutex_t *lock = (pthread_mutex_t *)&dram->lock;

	pthread_mutex_lock(lock);
	*stats_out = dram->stats;
	pthread_mutex_unlock(lock);
}
