/* SPDX-License-Identifier: MIT */
/*
 * Atomicity: threads load and store through windows while another rebinds the
 * memory under LOCK and UNLOCK. Every load must see a translation that was
 * bound at some moment during the load, and no store may be lost.
 *
 * VA is a row of tiles of 64 KiB, 32 to a block of 2 MiB. Each block has K
 * backings of 2 MiB; a tile shows its part of one of them. A tile's history is
 * what it was bound to by its n-th op, with the op announced before LOCK and
 * confirmed after UNLOCK: a reader takes "confirmed" before and "announced"
 * after its load, and looks for what it saw in between.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mali_test.h"

#define VA GiB(5)
#define BLOCKS 3
#define TILES_PER_BLOCK 32
#define TILES (BLOCKS * TILES_PER_BLOCK)
#define TILE_B KiB(64)
#define BACKINGS 4
#define HISTORY 1024
#define READERS 2
#define WRITERS 2

/* Each 64-byte line: word 0 says whose it is, word 1 + n is writer n's. */
#define LINE_WORDS 8
#define LINES (TILE_B / 64)

struct tile {
	_Atomic uint32_t announced, confirmed;
	_Atomic uint8_t history[HISTORY];
};

struct stress {
	struct test_gpu t;
	struct mali_window *windows[2];
	_Atomic uint64_t *host[2]; /* the second begins half a block later */
	uint64_t backing[BLOCKS][BACKINGS];
	bool is_block[BLOCKS];
	struct tile tiles[TILES];
	atomic_bool stop;
	_Atomic uint64_t reads, writes, wrong, old_seen, new_seen;
};

/* What is in word 0 of every line of a tile in a backing. */
static uint64_t tag(unsigned tile, unsigned backing)
{
	return 0x7a60000 + tile * 16 + backing;
}

static uint64_t tile_pa(const struct stress *s, unsigned tile, unsigned backing)
{
	return s->backing[tile / TILES_PER_BLOCK][backing] +
	       tile % TILES_PER_BLOCK * TILE_B;
}

/* A random line of a tile, through one of the windows that show it. */
static _Atomic uint64_t *line_of(struct stress *s, uint64_t r, unsigned tile)
{
	uint64_t offset = tile * TILE_B + (r >> 20) % LINES * 64;

	if (r >> 60 & 1 && offset >= MiB(1))
		return s->host[1] + (offset - MiB(1)) / 8;
	return s->host[0] + offset / 8;
}

struct worker {
	struct stress *s;
	unsigned index;
	pthread_t thread;
	uint64_t count[1];
};

static void check_value(struct stress *s, unsigned tile, uint64_t value,
			uint32_t confirmed, uint32_t announced)
{
	const struct tile *state = &s->tiles[tile];

	/* The reader slept through too many ops to say anything. */
	if (announced - confirmed >= HISTORY / 2)
		return;
	for (uint32_t n = confirmed; n != announced + 1; n++) {
		if (value !=
		    tag(tile, atomic_load(&state->history[n % HISTORY])))
			continue;
		if (announced != confirmed) {
			if (n == confirmed)
				atomic_fetch_add(&s->old_seen, 1);
			else
				atomic_fetch_add(&s->new_seen, 1);
		}
		return;
	}
	atomic_fetch_add(&s->wrong, 1);
}

/*
 * Accesses to window memory, as a shader core makes them: one instruction each.
 * Not TSan's own atomics: its runtime makes the access with a lock held that the
 * fault handler's atomics take as well.
 */
#define SHADER_CORE __attribute__((noinline, no_sanitize("thread")))

SHADER_CORE static uint64_t shader_load(_Atomic uint64_t *word)
{
	return atomic_load(word);
}

SHADER_CORE static void shader_add_one(_Atomic uint64_t *word)
{
	atomic_fetch_add(word, 1);
}

static void *reader_main(void *data)
{
	struct worker *worker = data;
	struct stress *s = worker->s;
	uint64_t seed = 77 + worker->index, reads = 0;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t r = test_random(&seed);
		unsigned tile = r % TILES;
		_Atomic uint64_t *line = line_of(s, r, tile);
		uint32_t confirmed = atomic_load(&s->tiles[tile].confirmed);
		uint64_t value = shader_load(line);

		check_value(s, tile, value, confirmed,
			    atomic_load(&s->tiles[tile].announced));
		reads++;
	}
	atomic_fetch_add(&s->reads, reads);
	return NULL;
}

/* Adds one to random words of its own; the sum is counted in the end. */
static void *writer_main(void *data)
{
	struct worker *worker = data;
	struct stress *s = worker->s;
	uint64_t seed = 99 + worker->index, writes = 0;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t r = test_random(&seed);

		shader_add_one(line_of(s, r, r % TILES) + 1 + worker->index);
		writes++;
	}
	atomic_fetch_add(&s->writes, writes);
	return NULL;
}

/* -------------------------------------------------------- the binder -- */

static void announce(struct stress *s, unsigned tile, unsigned backing)
{
	struct tile *state = &s->tiles[tile];
	uint32_t n = atomic_load(&state->announced) + 1;

	atomic_store(&state->history[n % HISTORY], backing);
	atomic_store(&state->announced, n);
}

static void confirm(struct stress *s, unsigned tile)
{
	atomic_store(&s->tiles[tile].confirmed,
		     atomic_load(&s->tiles[tile].announced));
}

/* A block becomes a table that says the same; its region is locked. */
static void split_block(struct stress *s, unsigned block)
{
	uint64_t va = VA + block * MiB(2);
	uint64_t leaf = atomic_load(test_entry(&s->t, va, 2));

	atomic_store(test_entry(&s->t, va, 2), 0);
	test_map(&s->t, va, leaf & 0x0000ffffffe00000ull, MiB(2), TEST_RW);
	s->is_block[block] = false;
}

static void bind_tile(struct stress *s, unsigned tile, unsigned backing)
{
	unsigned block = tile / TILES_PER_BLOCK;
	uint64_t va = VA + tile * TILE_B;

	announce(s, tile, backing);
	if (s->is_block[block]) {
		test_lock(&s->t, VA + block * MiB(2), MiB(2));
		split_block(s, block);
	} else {
		test_lock(&s->t, va, TILE_B);
	}
	test_map(&s->t, va, tile_pa(s, tile, backing), TILE_B, TEST_RW);
	test_unlock(&s->t);
	confirm(s, tile);
}

/* The table that this drops is reused by the next split: two are enough. */
static void bind_block(struct stress *s, unsigned block, unsigned backing)
{
	uint64_t va = VA + block * MiB(2);
	unsigned first = block * TILES_PER_BLOCK;
	uint64_t table;

	for (unsigned i = 0; i < TILES_PER_BLOCK; i++)
		announce(s, first + i, backing);
	test_lock(&s->t, va, MiB(2));
	table = atomic_load(test_entry(&s->t, va, 2));
	test_map_blocks(&s->t, va, s->backing[block][backing], MiB(2), TEST_RW);
	test_unlock(&s->t);
	if (!s->is_block[block]) {
		/* No walk can see it any more. */
		mali_dram_free(s->t.dram, table & 0x0000fffffffff000ull, 4096);
		for (unsigned i = 0; i < s->t.table_count; i++) {
			if (s->t.tables[i] == (table & 0x0000fffffffff000ull))
				s->t.tables[i] =
					s->t.tables[--s->t.table_count];
		}
	}
	s->is_block[block] = true;
	for (unsigned i = 0; i < TILES_PER_BLOCK; i++)
		confirm(s, first + i);
}

static uint64_t binder_run(struct stress *s, unsigned seconds)
{
	uint64_t end = test_now_ns() + seconds * 1000000000ull;
	uint64_t seed = 4711, ops = 0;

	while (test_now_ns() < end) {
		uint64_t r = test_random(&seed);

		if (r % 64 == 0)
			bind_block(s, (r >> 8) % BLOCKS, (r >> 16) % BACKINGS);
		else
			bind_tile(s, (r >> 8) % TILES, (r >> 16) % BACKINGS);
		ops++;
	}
	return ops;
}

/* ---------------------------------------------------------- the test -- */

static void stress_init(struct stress *s)
{
	const struct test_config config = {.dram_B = MiB(64),
					   .tlb_entries = 48};

	memset(s, 0, sizeof(*s));
	test_gpu_init(&s->t, &config);
	for (unsigned i = 0; i < BLOCKS * BACKINGS; i++)
		s->backing[i / BACKINGS][i % BACKINGS] =
			test_pages(&s->t, MiB(2));
	for (unsigned tile = 0; tile < TILES; tile++) {
		for (unsigned b = 0; b < BACKINGS; b++) {
			uint64_t *words = test_cpu(&s->t, tile_pa(s, tile, b));

			for (unsigned i = 0; i < LINES; i++)
				words[i * LINE_WORDS] = tag(tile, b);
		}
	}
	for (unsigned block = 0; block < BLOCKS; block++) {
		test_map_blocks(&s->t, VA + block * MiB(2),
				s->backing[block][0], MiB(2), TEST_RW);
		s->is_block[block] = true;
	}
	s->host[0] = test_reserve(BLOCKS * MiB(2));
	s->host[1] = test_reserve(BLOCKS * MiB(2) - MiB(1));
	s->windows[0] = test_window(&s->t, VA, s->host[0], BLOCKS * MiB(2));
	s->windows[1] = test_window(&s->t, VA + MiB(1), s->host[1],
				    BLOCKS * MiB(2) - MiB(1));
}

/* Everything that the writers added must be in one backing or another. */
static uint64_t count_writes(struct stress *s)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BLOCKS * BACKINGS; i++) {
		const uint64_t *words =
			test_cpu(&s->t, s->backing[i / BACKINGS][i % BACKINGS]);

		for (uint64_t at = 0; at < MiB(2) / 8; at += LINE_WORDS) {
			for (unsigned n = 0; n < WRITERS; n++)
				sum += words[at + 1 + n];
		}
	}
	return sum;
}

static void stress_finish(struct stress *s)
{
	mali_window_destroy(s->windows[0]);
	mali_window_destroy(s->windows[1]);
	munmap(s->host[0], BLOCKS * MiB(2));
	munmap(s->host[1], BLOCKS * MiB(2) - MiB(1));
	for (unsigned i = 0; i < BLOCKS * BACKINGS; i++)
		mali_dram_free(s->t.dram,
			       s->backing[i / BACKINGS][i % BACKINGS], MiB(2));
	test_gpu_finish(&s->t);
}

static void test_atomicity(void **state)
{
	static struct stress s;
	struct worker workers[READERS + WRITERS];
	struct mali_stats stats;
	uint64_t ops;

	stress_init(&s);
	for (unsigned i = 0; i < READERS + WRITERS; i++) {
		bool reader = i < READERS;

		workers[i] = (struct worker){.s = &s,
					     .index = reader ? i : i - READERS};
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL,
				       reader ? reader_main : writer_main,
				       &workers[i]),
			0);
	}
	ops = binder_run(&s, test_seconds(3));
	atomic_store(&s.stop, true);
	for (unsigned i = 0; i < READERS + WRITERS; i++)
		assert_int_equal(pthread_join(workers[i].thread, NULL), 0);

	stats = test_stats(&s.t);
	print_message(
		"# %llu ops; %llu loads (%llu during an op saw the old, "
		"%llu the new), %llu stores; %llu misses, %llu stalls, "
		"%llu evictions, %llu host calls\n",
		(unsigned long long)ops, (unsigned long long)s.reads,
		(unsigned long long)s.old_seen, (unsigned long long)s.new_seen,
		(unsigned long long)s.writes, (unsigned long long)stats.misses,
		(unsigned long long)stats.stalls,
		(unsigned long long)stats.evictions,
		(unsigned long long)stats.host_calls);
	assert_int_equal(s.wrong, 0);
	assert_int_equal(stats.faults, 0);
	assert_int_equal(count_writes(&s), s.writes);
	assert_true(ops > 0 && s.reads > 0 && s.writes > 0);
	stress_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_atomicity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
