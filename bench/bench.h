/* SPDX-License-Identifier: MIT */
/*
 * pansparse-bench: what sparse binding costs on whatever driver the loader
 * gives. bin/bench runs it on two drivers in turns and compares.
 *
 * A benchmark measures a few times, tells nothing in between and returns the
 * median. It cleans up after itself, so that each can run alone.
 */
#ifndef BENCH_H
#define BENCH_H

#include "vkh.h"

#define BENCH_TILE_B 65536ull
#define BENCH_PAGE_B 4096ull

struct bench {
   struct vkh vk;
   bool quick; /* small sizes and few repetitions, for CI */
   unsigned repetitions; /* of each measurement, after one to warm up */
};

enum bench_better { BENCH_HIGHER, BENCH_LOWER };

struct bench_case {
   const char *name, *group, *unit, *what;
   enum bench_better better;
   /* Negative: the device cannot run it, and the reason is on stderr. */
   double (*run)(struct bench *bench);
};

#define BENCH_UNSUPPORTED (-1.0)

extern const struct bench_case bench_bind_cases[];
extern const struct bench_case bench_image_cases[];
extern const struct bench_case bench_touch_cases[];
extern const struct bench_case bench_access_cases[];
extern const struct bench_case bench_flat_cases[];
extern const struct bench_case bench_create_cases[];
extern const struct bench_case bench_unbound_cases[];

/* ----------------------------------------------------------------- tools -- */

/* Sorts @values. */
double bench_median(double *values, unsigned count);
/* 0 .. count - 1 in the same random order each time; free() it. */
uint32_t *bench_shuffled(uint32_t count, uint32_t seed);

/* A sparse buffer and memory for all or part of it. */
struct bench_buffer {
   VkBuffer buffer;
   VkDeviceMemory memory;
   uint32_t tiles; /* of the buffer */
   uint32_t pages; /* of memory, in tiles: at most as many */
   VkSparseMemoryBind *binds; /* one a tile */
   VkFence fence;
};

/*
 * Halves the memory until the driver grants it; where it is less than the
 * buffer, pages are bound several times over (sparseResidencyAliased). Returns
 * false, with the reason on stderr, if that cannot be had.
 */
bool bench_buffer_create(struct bench *bench, uint32_t tiles, uint32_t pages,
                         struct bench_buffer *buffer_out);
void bench_buffer_destroy(struct bench *bench, struct bench_buffer *buffer);

/* Fills in all binds: tile i gets page i. */
void bench_plan_contiguous(struct bench_buffer *buffer);
/* Each tile a random page, and the binds in random order. */
void bench_plan_scattered(struct bench_buffer *buffer);
/* Every tile loses its memory, in order. */
void bench_plan_unbind(struct bench_buffer *buffer);
/* Makes binds [first, first + count) in one call; seconds until it is done. */
double bench_bind(struct bench *bench, const struct bench_buffer *buffer,
                  uint32_t first, uint32_t count);
/* Unbinds all tiles, untimed; the plan is lost. */
void bench_unbind_all(struct bench *bench, struct bench_buffer *buffer);

#endif /* BENCH_H */
