/* SPDX-License-Identifier: MIT */
/*
 * Which tile of the texture lies in which page of memory. Plain bookkeeping
 * without Vulkan: the renderer asks for tiles, residency_plan() answers with
 * the binds to make, at most one page a tile and never more pages than there
 * are; the tiles that were not asked for longest give way.
 *
 * A tile is known by an index: levels from the finest, rows from the top. The
 * levels from `level_count` on are the mip tail, which is not managed here.
 */
#ifndef RESIDENCY_H
#define RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

#define RESIDENCY_MAX_LEVELS 16
#define RESIDENCY_NO_PAGE UINT32_MAX

struct residency_level {
   uint32_t first; /* index of its first tile */
   uint32_t columns, rows;
};

struct residency_tile {
   uint32_t page; /* RESIDENCY_NO_PAGE: unbound */
   uint32_t last_used; /* frame in which it was asked for last */
   bool pinned; /* never evicted */
};

struct residency {
   struct residency_level levels[RESIDENCY_MAX_LEVELS];
   uint32_t level_count;
   uint32_t tile_count;
   struct residency_tile *tiles;

   uint32_t page_count;
   uint32_t *page_tiles; /* the tile in each page, or UINT32_MAX */
   uint32_t *free_pages; /* a stack */
   uint32_t free_count;

   uint32_t *wanted; /* scratch of residency_plan() */

   /* since the start */
   uint64_t bound, evicted, deferred;
   uint32_t peak_pages;
};

/* A bind, with what it puts out of the page if anything was there. */
struct residency_bind {
   uint32_t tile;
   uint32_t page;
   uint32_t evicted; /* a tile to unbind, or UINT32_MAX */
};

/* @size: texels across level 0. @page_count: pages that tiles may take. */
void residency_init(struct residency *res, uint32_t size, uint32_t tile_width,
                    uint32_t tile_height, uint32_t level_count,
                    uint32_t page_count);
void residency_finish(struct residency *res);

/* The tile's level, column and row; @tile < tile_count. */
void residency_locate(const struct residency *res, uint32_t tile,
                      uint32_t *level_out, uint32_t *column_out,
                      uint32_t *row_out);
/* The tile of the next coarser level that covers it, or UINT32_MAX. */
uint32_t residency_parent(const struct residency *res, uint32_t tile);
bool residency_is_bound(const struct residency *res, uint32_t tile);

/*
 * Takes a page for every tile from level @first_level on, for good. Returns how
 * many binds it wrote; the caller gives room for that many: all tiles of those
 * levels. False if there are not enough pages: then nothing changed.
 */
bool residency_pin(struct residency *res, unsigned first_level,
                   struct residency_bind *binds, uint32_t *count_out);

/*
 * @frame: counts up, from 1. @requests: one bit a tile, those that it asked
 * for; their ancestors count as asked for too. Writes at most @max_binds binds,
 * coarse levels first so that something shows early, and returns how many.
 * Tiles that were asked for in this frame are not evicted; requests that found
 * no page, or no room in @binds, are counted in `deferred`: they will be asked
 * for again.
 */
uint32_t residency_plan(struct residency *res, const uint32_t *requests,
                        uint32_t frame, struct residency_bind *binds,
                        uint32_t max_binds);

/* One bit a tile, (tile_count + 31) / 32 words: whether it is bound. */
void residency_bitmap(const struct residency *res, uint32_t *words);

#endif /* RESIDENCY_H */
