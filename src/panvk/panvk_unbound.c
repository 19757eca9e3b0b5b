/* SPDX-License-Identifier: MIT */
/* Accesses to memory that is not there, from tallies to words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "panvk_diag_private.h"
#include "panvk_image.h"

#define PAGES_PER_TILE (PANVK_SPARSE_BLOCK_SIZE / PANVK_PAGE_SIZE)
#define BITS 64u
/* Of one resource, at one time; the rest is counted. */
#define MAX_LINES 64u

/* ----------------------------------------------------------------- words -- */

static const char *
exception_name(uint32_t exception)
{
   switch (exception & ~7u) {
   case 0x80:
      return "GPU_BUS_FAULT";
   case 0xc0:
      return "TRANSLATION_FAULT";
   case 0xc8:
      return "PERMISSION_FAULT";
   case 0xd8:
      return "ACCESS_FLAG_FAULT";
   case 0xe0:
      return "ADDRESS_SIZE_FAULT";
   case 0xe8:
      return "MEMORY_ATTRIBUTE_FAULT";
   default:
      return "fault";
   }
}

/* "level 1, layer 0, tile (3, 4, 0), texels [384, 512) x [512, 640)" */
static void
describe_tile(const struct panvk_image *image, uint64_t offset_B, char *text,
              size_t size)
{
   const struct panvk_layout *layout = &image->layout;
   struct panvk_tile tile = panvk_layout_tile_at(layout, offset_B);
   VkExtent3D extent = layout->level[tile.level].extent;
   uint32_t x = tile.x * layout->tile.width;
   uint32_t y = tile.y * layout->tile.height;
   uint32_t z = tile.z * layout->tile.depth;
   int used = snprintf(
      text, size,
      "level %u, layer %u, tile (%u, %u, %u), texels [%u, %u) x [%u, %u)",
      tile.level, tile.layer, tile.x, tile.y, tile.z, x,
      PANVK_MIN(x + layout->tile.width, extent.width), y,
      PANVK_MIN(y + layout->tile.height, extent.height));
   if (extent.depth > 1 && used > 0 && (size_t)used < size)
      snprintf(text + used, size - (size_t)used, " x [%u, %u)", z,
               PANVK_MIN(z + layout->tile.depth, extent.depth));
}

/* Where in the resource: a tile of an image, or the bytes that were touched. */
static void
describe_place(const struct panvk_tracked *tracked, uint64_t tile,
               uint32_t pages, char *text, size_t size)
{
   const struct panvk_resource *res = tracked->res;
   uint64_t offset_B = tile * PANVK_SPARSE_BLOCK_SIZE;

   if (res->type == VK_OBJECT_TYPE_IMAGE &&
       ((const struct panvk_image *)res)->residency) {
      describe_tile((const struct panvk_image *)res, offset_B, text, size);
      return;
   }
   uint64_t first = offset_B, end = offset_B + PANVK_SPARSE_BLOCK_SIZE;
   if (pages != 0) {
      first += (uint64_t)__builtin_ctz(pages) * PANVK_PAGE_SIZE;
      end = offset_B + (32u - (uint64_t)__builtin_clz(pages)) * PANVK_PAGE_SIZE;
   }
   snprintf(text, size, "bytes [0x%" PRIx64 ", 0x%" PRIx64 ") in tile %" PRIu64,
            first, end, tile);
}

/* "3 reads and 1 write" */
static void
describe_counts(uint32_t loads, uint32_t stores, char text[static 64])
{
   int used = 0;
   if (loads != 0)
      used = snprintf(text, 64, "%u read%s", loads, loads == 1 ? "" : "s");
   if (stores != 0)
      snprintf(text + used, 64 - (size_t)used, "%s%u write%s",
               used != 0 ? " and " : "", stores, stores == 1 ? "" : "s");
}

/* --------------------------------------------------------------- reports -- */

/* Why there was no memory in a tile; what of it makes that an error. */
struct cause {
   char text[192];
   const char *id;
   bool is_error; /* of interest to "validate", too */
};

/* The first page that was touched and is owned by memory that was freed. */
static const struct panvk_tracked_memory *
freed_owner(const struct panvk_tracked *tracked, uint64_t tile, uint32_t pages)
{
   for (uint32_t i = 0; i < PAGES_PER_TILE; i++) {
      if (!(pages & 1u << i))
         continue;
      uint64_t owner = atomic_load_explicit(
         &tracked->owners[tile * PAGES_PER_TILE + i], memory_order_relaxed);
      if (owner & PANVK_OWNER_FREED)
         return panvk_tracker_memory_by_id(tracked->tracker,
                                           PANVK_OWNER_ID(owner));
   }
   return NULL;
}

static void
find_cause(const struct panvk_tracked *tracked, uint64_t tile, uint32_t pages,
           struct cause *cause)
{
   const struct panvk_resource *res = tracked->res;
   const struct panvk_tracked_memory *freed =
      freed_owner(tracked, tile, pages);
   uint64_t last_page = pages != 0 ? 31u - (uint64_t)__builtin_clz(pages) : 0;
   uint64_t at_B = tile * PANVK_SPARSE_BLOCK_SIZE + last_page * PANVK_PAGE_SIZE;
   char name[128];

   cause->is_error = true;
   if (freed != NULL) {
      cause->id = "pansparse-freed-memory";
      snprintf(cause->text, sizeof(cause->text),
               "of %s, which was freed while it was bound",
               panvk_tracked_memory_describe(freed, name));
   } else if (res->app_size_B != 0 && at_B >= res->app_size_B) {
      cause->id = "pansparse-beyond-resource";
      snprintf(cause->text, sizeof(cause->text),
               "beyond the end of the buffer, whose size is %" PRIu64,
               res->app_size_B);
   } else if (!res->may_be_partly_bound) {
      cause->id = "pansparse-not-fully-bound";
      snprintf(cause->text, sizeof(cause->text),
               "of unbound memory; a resource without SPARSE_RESIDENCY must be "
               "bound as a whole before it is used");
   } else {
      cause->is_error = false;
      cause->id = "pansparse-unbound";
      snprintf(cause->text, sizeof(cause->text), "of unbound memory");
   }
}

/* Loads and stores in a tile that found no memory. */
static void
report_accesses(struct panvk_diagnostics *diag,
                const struct panvk_tracked *tracked, uint64_t tile,
                struct panvk_reports *reports)
{
   const struct panvk_tally *t = &tracked->tallies[tile];
   uint32_t pages = atomic_load_explicit(&t->pages, memory_order_relaxed);
   char name[128], place[160], counts[64];
   struct cause cause;

   find_cause(tracked, tile, pages, &cause);
   if (!diag->unbound && !(diag->validate && cause.is_error))
      return;
   describe_place(tracked, tile, pages, place, sizeof(place));
   describe_counts(t->seen_loads, t->seen_stores, counts);
   panvk_reports_add(reports, cause.is_error,
                     diag->unbound ? "unbound" : "validate", cause.id,
                     tracked->res->type, tracked->res->handle, "%s, %s: %s %s",
                     panvk_resource_describe(tracked->res, name), place, counts,
                     cause.text);
}

static void
report_faults(struct panvk_diagnostics *diag,
              const struct panvk_tracked *tracked, uint64_t tile,
              struct panvk_reports *reports)
{
   const struct panvk_tally *t = &tracked->tallies[tile];
   uint32_t pages = atomic_load_explicit(&t->pages, memory_order_relaxed);
   uint32_t exception =
      atomic_load_explicit(&t->exception, memory_order_relaxed);
   char name[128], place[160];

   if (!diag->unbound && !diag->validate)
      return;
   describe_place(tracked, tile, pages, place, sizeof(place));
   panvk_reports_add(reports, true, diag->unbound ? "unbound" : "validate",
                     "pansparse-fault", tracked->res->type,
                     tracked->res->handle,
                     "%s, %s: %u access%s faulted at VA 0x%" PRIx64
                     ": %s, exception 0x%x",
                     panvk_resource_describe(tracked->res, name), place,
                     t->seen_faults, t->seen_faults == 1 ? "" : "es",
                     tracked->va + tile * PANVK_SPARSE_BLOCK_SIZE,
                     exception_name(exception), exception);
}

/*
 * Takes in what happened to one tile since it was looked at last. Returns
 * whether there was something that had not been reported.
 */
static bool
look_at_tile(struct panvk_diagnostics *diag, struct panvk_tracked *tracked,
             uint64_t tile, struct panvk_reports *reports)
{
   struct panvk_tally *t = &tracked->tallies[tile];
   uint32_t loads = atomic_load_explicit(&t->loads, memory_order_relaxed);
   uint32_t stores = atomic_load_explicit(&t->stores, memory_order_relaxed);
   uint32_t faults = atomic_load_explicit(&t->faults, memory_order_relaxed);
   uint32_t news = (loads != t->seen_loads ? PANVK_TOLD_LOAD : 0) |
                   (stores != t->seen_stores ? PANVK_TOLD_STORE : 0) |
                   (faults != t->seen_faults ? PANVK_TOLD_FAULT : 0);

   if (diag->trace && news != 0)
      panvk_trace_tile(tracked, tile, loads - t->seen_loads,
                       stores - t->seen_stores, faults - t->seen_faults);
   t->seen_loads = loads;
   t->seen_stores = stores;
   t->seen_faults = faults;

   news &= ~(uint32_t)t->told;
   if (news == 0)
      return false;
   if (t->told == 0)
      tracked->unbound_tiles++;
   t->told |= (uint8_t)news;
   if (reports == NULL)
      return true;
   if (news & (PANVK_TOLD_LOAD | PANVK_TOLD_STORE))
      report_accesses(diag, tracked, tile, reports);
   if (news & PANVK_TOLD_FAULT)
      report_faults(diag, tracked, tile, reports);
   return true;
}

static void
look_at(struct panvk_diagnostics *diag, struct panvk_tracked *tracked,
        struct panvk_reports *reports)
{
   uint64_t words = (tracked->tile_count + BITS - 1) / BITS;
   uint64_t misses =
      atomic_load_explicit(&tracked->misses, memory_order_relaxed);
   uint32_t lines = 0, more = 0;

   if (diag->trace && misses != tracked->seen_misses)
      panvk_trace_misses(tracked, misses);
   tracked->seen_misses = misses;
   if (!atomic_exchange_explicit(&tracked->any_fresh, false,
                                 memory_order_acquire))
      return;
   for (uint64_t w = 0; w < words; w++) {
      if (atomic_load_explicit(&tracked->fresh[w], memory_order_relaxed) == 0)
         continue;
      uint64_t bits = atomic_exchange_explicit(&tracked->fresh[w], 0,
                                               memory_order_acquire);
      tracked->shown[w] |= bits;
      tracked->any_shown = true;
      for (; bits != 0; bits &= bits - 1) {
         uint64_t tile = w * BITS + (uint64_t)__builtin_ctzll(bits);
         bool room = lines < MAX_LINES;
         if (look_at_tile(diag, tracked, tile, room ? reports : NULL))
            room ? lines++ : more++;
      }
   }
   char name[128];
   if (more != 0 && diag->unbound)
      panvk_reports_add(reports, false, "unbound", "pansparse-unbound",
                        tracked->res->type, tracked->res->handle,
                        "%s: and %u more tiles with accesses of unbound memory",
                        panvk_resource_describe(tracked->res, name), more);
}

void
panvk_unbound_look(struct panvk_diagnostics *diag, bool again)
{
   struct panvk_tracker *tracker = &diag->tracker;
   struct panvk_reports reports = {0};

   pthread_mutex_lock(&tracker->lock);
   for (uint32_t i = 0; i < tracker->resource_count; i++) {
      struct panvk_tracked *tracked = tracker->resources[i];
      look_at(diag, tracked, &reports);
      if (again)
         panvk_tracked_hide(tracked);
   }
   pthread_mutex_unlock(&tracker->lock);
   panvk_reports_send(diag, &reports);
}

void
panvk_unbound_finish(struct panvk_diagnostics *diag,
                     struct panvk_tracked *tracked,
                     struct panvk_reports *reports)
{
   uint64_t loads = 0, stores = 0;
   char name[128];

   look_at(diag, tracked, reports);
   if (!diag->unbound || tracked->unbound_tiles == 0)
      return;
   for (uint64_t i = 0; i < tracked->tile_count; i++) {
      loads += tracked->tallies[i].seen_loads;
      stores += tracked->tallies[i].seen_stores;
   }
   panvk_reports_add(reports, false, "unbound", "pansparse-unbound-sum",
                     tracked->res->type, tracked->res->handle,
                     "%s is destroyed: in all %" PRIu64 " reads and %" PRIu64
                     " writes without memory, in %" PRIu64 " tiles",
                     panvk_resource_describe(tracked->res, name), loads, stores,
                     tracked->unbound_tiles);
}
