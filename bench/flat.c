/* SPDX-License-Identifier: MIT */
/* Whether binds become slower as more is bound. */
#include "bench.h"

#define BUFFERS 4u
#define TILES 16384u /* of each buffer, 1 GiB */
#define TILES_QUICK 1024u
#define PAGES 4096u /* of each buffer's memory, bound several times over */
#define CALL_BINDS 64u

/* As many tiles of a buffer as fit well into the driver's address space. */
static uint32_t
tiles_of_buffer(const struct bench *bench)
{
   const VkDeviceSize space_B =
      bench->vk.properties.limits.sparseAddressSpaceSize;
   const uint32_t wanted = bench->quick ? TILES_QUICK : TILES;
   uint32_t tiles = wanted;

   while (BUFFERS * tiles * BENCH_TILE_B > space_B / 2)
      tiles /= 2;
   if (tiles < wanted)
      fprintf(stderr, "pansparse-bench: flat_bind_64k: %u tiles only, for lack "
                      "of address space\n",
              BUFFERS * tiles);
   return tiles;
}

/*
 * The cost of the last tenth of all binds against that of the first. The
 * buffers take turns, a call each.
 */
static double
measure_once(struct bench *bench, struct bench_buffer buffers[BUFFERS])
{
   const uint32_t calls = BUFFERS * buffers[0].tiles / CALL_BINDS;
   const uint32_t tenth = calls / 10;
   double first = 0.0, last = 0.0;

   for (uint32_t i = 0; i < BUFFERS; i++)
      bench_plan_scattered(&buffers[i]);
   for (uint32_t call = 0; call < calls; call++) {
      const double seconds =
         bench_bind(bench, &buffers[call % BUFFERS],
                    call / BUFFERS * CALL_BINDS, CALL_BINDS);

      if (call < tenth)
         first += seconds;
      if (call >= calls - tenth)
         last += seconds;
   }
   for (uint32_t i = 0; i < BUFFERS; i++)
      bench_unbind_all(bench, &buffers[i]);
   return last / first;
}

static double
flat_bind(struct bench *bench)
{
   const uint32_t tiles = tiles_of_buffer(bench);
   double ratios[bench->repetitions], answer = BENCH_UNSUPPORTED;
   struct bench_buffer buffers[BUFFERS];
   uint32_t created = 0;

   while (created < BUFFERS &&
          bench_buffer_create(bench, tiles, tiles < PAGES ? tiles : PAGES,
                              &buffers[created]))
      created++;
   if (created == BUFFERS) {
      measure_once(bench, buffers);
      for (unsigned i = 0; i < bench->repetitions; i++)
         ratios[i] = measure_once(bench, buffers);
      answer = bench_median(ratios, bench->repetitions);
   }
   while (created > 0)
      bench_buffer_destroy(bench, &buffers[--created]);
   return answer;
}

const struct bench_case bench_flat_cases[] = {
   {"flat_bind_64k", "flat", "x",
    "cost of the last tenth of 65,536 random binds against the first tenth",
    BENCH_LOWER, flat_bind},
   {0},
};
