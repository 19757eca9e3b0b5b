/* SPDX-License-Identifier: MIT */
#include "residency.h"
#include "vkh.h"

#include <assert.h>
#include <string.h>

void
residency_init(struct residency *res, uint32_t size, uint32_t tile_width,
               uint32_t tile_height, uint32_t level_count, uint32_t page_count)
{
   assert(level_count <= RESIDENCY_MAX_LEVELS);
   memset(res, 0, sizeof(*res));
   res->level_count = level_count;
   for (uint32_t i = 0; i < level_count; i++) {
      const uint32_t across = size >> i ? size >> i : 1;

      res->levels[i].first = res->tile_count;
      res->levels[i].columns = (across + tile_width - 1) / tile_width;
      res->levels[i].rows = (across + tile_height - 1) / tile_height;
      res->tile_count += res->levels[i].columns * res->levels[i].rows;
   }
   res->tiles = vkh_calloc(res->tile_count, sizeof(*res->tiles));
   res->wanted = vkh_calloc(res->tile_count, sizeof(*res->wanted));
   for (uint32_t i = 0; i < res->tile_count; i++)
      res->tiles[i].page = RESIDENCY_NO_PAGE;

   res->page_count = page_count;
   res->page_tiles = vkh_calloc(page_count, sizeof(*res->page_tiles));
   res->free_pages = vkh_calloc(page_count, sizeof(*res->free_pages));
   /* The stack hands out page 0 first. */
   for (uint32_t i = 0; i < page_count; i++) {
      res->page_tiles[i] = UINT32_MAX;
      res->free_pages[i] = page_count - 1 - i;
   }
   res->free_count = page_count;
}

void
residency_finish(struct residency *res)
{
   free(res->tiles);
   free(res->wanted);
   free(res->page_tiles);
   free(res->free_pages);
   memset(res, 0, sizeof(*res));
}

void
residency_locate(const struct residency *res, uint32_t tile,
                 uint32_t *level_out, uint32_t *column_out, uint32_t *row_out)
{
   uint32_t level = 0;

   assert(tile < res->tile_count);
   while (level + 1 < res->level_count && tile >= res->levels[level + 1].first)
      level++;
   *level_out = level;
   *column_out = (tile - res->levels[level].first) % res->levels[level].columns;
   *row_out = (tile - res->levels[level].first) / res->levels[level].columns;
}

uint32_t
residency_parent(const struct residency *res, uint32_t tile)
{
   uint32_t level, column, row;

   residency_locate(res, tile, &level, &column, &row);
   if (level + 1 == res->level_count)
      return UINT32_MAX;
   return res->levels[level + 1].first +
          row / 2 * res->levels[level + 1].columns + column / 2;
}

bool
residency_is_bound(const struct residency *res, uint32_t tile)
{
   return res->tiles[tile].page != RESIDENCY_NO_PAGE;
}

static void
place(struct residency *res, uint32_t tile, uint32_t page)
{
   const uint32_t used = res->page_count - res->free_count;

   res->tiles[tile].page = page;
   res->page_tiles[page] = tile;
   res->bound++;
   if (used > res->peak_pages)
      res->peak_pages = used;
}

bool
residency_pin(struct residency *res, unsigned first_level,
              struct residency_bind *binds, uint32_t *count_out)
{
   const uint32_t first = first_level < res->level_count
                             ? res->levels[first_level].first
                             : res->tile_count;

   *count_out = 0;
   if (res->tile_count - first > res->free_count)
      return false;
   for (uint32_t tile = first; tile < res->tile_count; tile++) {
      const uint32_t page = res->free_pages[--res->free_count];

      res->tiles[tile].pinned = true;
      place(res, tile, page);
      binds[(*count_out)++] = (struct residency_bind){tile, page, UINT32_MAX};
   }
   return true;
}

/*
 * The page whose tile was not asked for longest; of equals the finest level, so
 * that children go before the parents they fall back to.
 */
static uint32_t
find_victim(const struct residency *res, uint32_t frame)
{
   uint32_t best = UINT32_MAX, best_used = frame;

   for (uint32_t page = 0; page < res->page_count; page++) {
      const uint32_t tile = res->page_tiles[page];

      if (tile == UINT32_MAX || res->tiles[tile].pinned)
         continue;

      const uint32_t used = res->tiles[tile].last_used;

      if (used < best_used ||
          (used == best_used && best != UINT32_MAX &&
           tile < res->page_tiles[best])) {
         best = page;
         best_used = used;
      }
   }
   return best;
}

/* Marks what was asked for, and lists what of it is missing. */
static uint32_t
collect_wanted(struct residency *res, const uint32_t *requests, uint32_t frame)
{
   uint32_t count = 0;

   for (uint32_t first = 0; first < res->tile_count; first += 32) {
      for (uint32_t bits = requests[first / 32]; bits; bits &= bits - 1) {
         uint32_t tile = first + (uint32_t)__builtin_ctz(bits);

         while (tile < res->tile_count && res->tiles[tile].last_used != frame) {
            res->tiles[tile].last_used = frame;
            if (!residency_is_bound(res, tile))
               res->wanted[count++] = tile;
            tile = residency_parent(res, tile);
         }
      }
   }
   return count;
}

/* Coarse levels have the higher indices. */
static int
coarse_first(const void *a, const void *b)
{
   const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

   return (y > x) - (y < x);
}

uint32_t
residency_plan(struct residency *res, const uint32_t *requests, uint32_t frame,
               struct residency_bind *binds, uint32_t max_binds)
{
   const uint32_t wanted = collect_wanted(res, requests, frame);
   uint32_t count = 0;

   qsort(res->wanted, wanted, sizeof(*res->wanted), coarse_first);
   while (count < wanted && count < max_binds) {
      struct residency_bind bind = {res->wanted[count], 0, UINT32_MAX};

      if (res->free_count > 0) {
         bind.page = res->free_pages[--res->free_count];
      } else {
         bind.page = find_victim(res, frame);
         if (bind.page == UINT32_MAX)
            break;
         bind.evicted = res->page_tiles[bind.page];
         res->tiles[bind.evicted].page = RESIDENCY_NO_PAGE;
         res->evicted++;
      }
      place(res, bind.tile, bind.page);
      binds[count++] = bind;
   }
   res->deferred += wanted - count;
   return count;
}

void
residency_bitmap(const struct residency *res, uint32_t *words)
{
   memset(words, 0, (res->tile_count + 31) / 32 * sizeof(*words));
   for (uint32_t tile = 0; tile < res->tile_count; tile++) {
      if (residency_is_bound(res, tile))
         words[tile / 32] |= 1u << (tile % 32);
   }
}
