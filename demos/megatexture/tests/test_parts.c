/* SPDX-License-Identifier: MIT */
/* The parts of the demo that need no device. */
#include "driver_stats.h"
#include "landscape.h"
#include "residency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* ------------------------------------------------------------- landscape -- */

static void
fill_agrees_with_texel(void **state)
{
   /* Across a tile's corner, at the map's edge, and a level below one tile. */
   static const struct {
      unsigned level;
      uint32_t x, y, width, height;
   } cases[] = {
      {0, 8192 - 20, 8192 - 20, 40, 40}, {0, 16384 - 16, 0, 16, 16},
      {3, 640, 768, 128, 64},            {7, 0, 0, 128, 128},
      {9, 0, 0, 32, 32},                 {14, 0, 0, 1, 1},
   };
   uint32_t texels[128 * 128];

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      landscape_fill(cases[i].level, cases[i].x, cases[i].y, cases[i].width,
                     cases[i].height, texels);
      for (uint32_t y = 0; y < cases[i].height; y++) {
         for (uint32_t x = 0; x < cases[i].width; x++) {
            assert_int_equal(texels[y * cases[i].width + x],
                             landscape_texel(cases[i].level, cases[i].x + x,
                                             cases[i].y + y));
         }
      }
   }
}

/* What makes a tile in the wrong place show: even in open sea they differ. */
static void
tiles_differ(void **state)
{
   enum { N = LANDSCAPE_TILE * LANDSCAPE_TILE };
   static uint32_t a[N], b[N];

   landscape_fill(0, 0, 0, LANDSCAPE_TILE, LANDSCAPE_TILE, a);
   landscape_fill(0, LANDSCAPE_TILE, 0, LANDSCAPE_TILE, LANDSCAPE_TILE, b);
   assert_memory_not_equal(a, b, sizeof(a));
   landscape_fill(1, 0, 0, LANDSCAPE_TILE, LANDSCAPE_TILE, b);
   assert_memory_not_equal(a, b, sizeof(a));
}

/* ------------------------------------------------------------- residency -- */

#define PAGES 40u

static void
check_invariants(const struct residency *res)
{
   uint32_t used = 0;

   for (uint32_t tile = 0; tile < res->tile_count; tile++) {
      const uint32_t page = res->tiles[tile].page;

      if (page == RESIDENCY_NO_PAGE)
         continue;
      assert_true(page < res->page_count);
      assert_int_equal(res->page_tiles[page], tile);
      used++;
   }
   assert_int_equal(used + res->free_count, res->page_count);
   assert_int_equal(res->bound - res->evicted, used);
}

static void
locate_and_parent(void **state)
{
   struct residency res;
   uint32_t level, column, row;

   residency_init(&res, 1024, 128, 64, 11, PAGES);
   assert_int_equal(res.levels[0].columns, 8);
   assert_int_equal(res.levels[0].rows, 16);
   assert_int_equal(res.levels[1].first, 128);
   assert_int_equal(res.levels[10].columns * res.levels[10].rows, 1);
   residency_locate(&res, 128 + 5, &level, &column, &row);
   assert_int_equal(level, 1);
   assert_int_equal(column, 1);
   assert_int_equal(row, 1);
   assert_int_equal(residency_parent(&res, 8 * 3 + 5),
                    res.levels[1].first + 4 * 1 + 2);
   assert_int_equal(residency_parent(&res, res.tile_count - 1), UINT32_MAX);
   residency_finish(&res);
}

static void
pinned_levels_stay(void **state)
{
   struct residency res;
   struct residency_bind binds[PAGES];
   uint32_t count;

   residency_init(&res, 1024, 128, 128, 11, PAGES);
   /* All 64 + 16 + 4 + 1 + 7 tiles are more than there are pages. */
   assert_false(residency_pin(&res, 0, binds, &count));
   assert_int_equal(res.free_count, PAGES);
   assert_true(residency_pin(&res, 2, binds, &count));
   assert_int_equal(count, res.tile_count - res.levels[2].first);
   check_invariants(&res);

   /* Ask for everything finer, for longer than there is room. */
   uint32_t requests[8];

   memset(requests, 0, sizeof(requests));
   for (uint32_t tile = 0; tile < res.levels[2].first; tile++)
      requests[tile / 32] |= 1u << (tile % 32);
   for (uint32_t frame = 1; frame < 20; frame++)
      residency_plan(&res, requests, frame, binds, PAGES);
   for (uint32_t tile = res.levels[2].first; tile < res.tile_count; tile++)
      assert_true(residency_is_bound(&res, tile));
   assert_int_equal(res.free_count, 0);
   check_invariants(&res);
   residency_finish(&res);
}

static void
coarse_tiles_come_first(void **state)
{
   struct residency res;
   struct residency_bind binds[4];
   uint32_t requests[8] = {1}; /* tile 0 of level 0, hence its ancestors */

   residency_init(&res, 1024, 128, 128, 4, PAGES);
   assert_int_equal(residency_plan(&res, requests, 1, binds, 3), 3);
   assert_int_equal(binds[0].tile, res.levels[3].first);
   assert_int_equal(binds[1].tile, res.levels[2].first);
   assert_int_equal(binds[2].tile, res.levels[1].first);
   assert_int_equal(res.deferred, 1);
   assert_int_equal(residency_plan(&res, requests, 2, binds, 3), 1);
   assert_int_equal(binds[0].tile, 0);
   residency_finish(&res);
}

static void
longest_unused_goes_first(void **state)
{
   struct residency res;
   struct residency_bind binds[4];
   uint32_t requests[2] = {0};

   residency_init(&res, 512, 128, 128, 1, 2); /* 16 tiles, 2 pages */
   requests[0] = 1u << 3;
   residency_plan(&res, requests, 1, binds, 4);
   requests[0] = 1u << 5;
   residency_plan(&res, requests, 2, binds, 4);
   requests[0] = 1u << 3 | 1u << 7;
   assert_int_equal(residency_plan(&res, requests, 3, binds, 4), 1);
   assert_int_equal(binds[0].tile, 7);
   assert_int_equal(binds[0].evicted, 5);
   /* Both pages were asked for in this frame: a third tile has to wait. */
   requests[0] = 1u << 3 | 1u << 7 | 1u << 9;
   assert_int_equal(residency_plan(&res, requests, 4, binds, 4), 0);
   check_invariants(&res);
   residency_finish(&res);
}

static void
random_requests_keep_invariants(void **state)
{
   struct residency res;
   struct residency_bind binds[8];
   uint32_t requests[8], bits[8], count, random = 1;

   residency_init(&res, 1024, 128, 128, 8, PAGES);
   assert_true(res.tile_count <= 32 * 8);
   assert_true(residency_pin(&res, 6, binds, &count));
   for (uint32_t frame = 1; frame < 5000; frame++) {
      memset(requests, 0, sizeof(requests));
      for (int i = 0; i < 6; i++) {
         random = random * 1664525u + 1013904223u;

         const uint32_t tile = (random >> 8) % res.tile_count;

         requests[tile / 32] |= 1u << (tile % 32);
      }
      count = residency_plan(&res, requests, frame, binds, 8);
      for (uint32_t i = 0; i < count; i++) {
         assert_int_equal(res.tiles[binds[i].tile].page, binds[i].page);
         if (binds[i].evicted != UINT32_MAX)
            assert_false(residency_is_bound(&res, binds[i].evicted));
      }
      check_invariants(&res);
   }
   residency_bitmap(&res, bits);
   for (uint32_t tile = 0; tile < res.tile_count; tile++)
      assert_int_equal(bits[tile / 32] >> (tile % 32) & 1,
                       residency_is_bound(&res, tile));
   residency_finish(&res);
}

/* ------------------------------------------------------------ statistics -- */

/* What a driver that appends @text to the file leads to. */
static struct driver_stats
stats_of(const char *text)
{
   struct driver_stats stats;

   unsetenv("PANSPARSE_STATS");
   driver_stats_begin(&stats);
   assert_non_null(getenv("PANSPARSE_STATS"));
   if (text) {
      FILE *file = fopen(getenv("PANSPARSE_STATS"), "a");

      assert_non_null(file);
      fputs(text, file);
      fclose(file);
   }
   driver_stats_end(&stats);
   assert_int_not_equal(access(stats.path, F_OK), 0);
   return stats;
}

static void
stats_are_found_by_key(void **state)
{
   struct driver_stats stats = stats_of(
      "{\"ioctls\": 1}\n{\"pid\": 7, \"ioctls\": 42, \"vm_bind_ops\": 9}\n");
   uint64_t value = 0;

   assert_true(driver_stats_get(&stats, "ioctls", &value));
   assert_int_equal(value, 42);
   assert_true(driver_stats_get(&stats, "vm_bind_ops", &value));
   assert_int_equal(value, 9);
   assert_false(driver_stats_get(&stats, "bind_ops", &value));
   driver_stats_finish(&stats);
}

static void
stats_may_be_missing(void **state)
{
   struct driver_stats stats = stats_of(NULL);
   uint64_t value;

   assert_false(driver_stats_get(&stats, "ioctls", &value));
   driver_stats_finish(&stats);
   stats = stats_of("{\"ioctls\": \"many\"}");
   assert_false(driver_stats_get(&stats, "ioctls", &value));
   driver_stats_finish(&stats);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(fill_agrees_with_texel),
      cmocka_unit_test(tiles_differ),
      cmocka_unit_test(locate_and_parent),
      cmocka_unit_test(pinned_levels_stay),
      cmocka_unit_test(coarse_tiles_come_first),
      cmocka_unit_test(longest_unused_goes_first),
      cmocka_unit_test(random_requests_keep_invariants),
      cmocka_unit_test(stats_are_found_by_key),
      cmocka_unit_test(stats_may_be_missing),
   };

   landscape_seed(1);
   return cmocka_run_group_tests(tests, NULL, NULL);
}
