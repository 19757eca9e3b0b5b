/* SPDX-License-Identifier: MIT */
/* What is bound where. See panvk_residency.h. */
#include "panvk_residency.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGES_PER_TILE (PANVK_SPARSE_BLOCK_SIZE / PANVK_PAGE_SIZE)
#define BITS 64u

/* Ids are given out once in a process, so that a trace can name things by them. */
static _Atomic uint32_t last_id;

static uint32_t
new_id(void)
{
   return (atomic_fetch_add(&last_id, 1) + 1) & INT32_MAX;
}

void
panvk_tracker_init(struct panvk_tracker *tracker, uint32_t dummy_bo_handle)
{
   pthread_mutex_init(&tracker->lock, NULL);
   panvk_map_init(&tracker->by_bo);
   tracker->dummy_bo_handle = dummy_bo_handle;
}

void
panvk_tracker_finish(struct panvk_tracker *tracker)
{
   free(tracker->resources);
   while (tracker->memories != NULL) {
      struct panvk_tracked_memory *memory = tracker->memories;
      tracker->memories = memory->next;
      free(memory);
   }
   panvk_map_finish(&tracker->by_bo);
   pthread_mutex_destroy(&tracker->lock);
}

/* ------------------------------------------------------------- resources -- */

/* Where a resource at @va is, or would be inserted. */
static uint32_t
lower_bound(const struct panvk_tracker *tracker, uint64_t va)
{
   uint32_t lo = 0, hi = tracker->resource_count;
   while (lo < hi) {
      uint32_t mid = lo + (hi - lo) / 2;
      if (tracker->resources[mid]->va < va)
         lo = mid + 1;
      else
         hi = mid;
   }
   return lo;
}

struct panvk_tracked *
panvk_tracker_find(const struct panvk_tracker *tracker, uint64_t va)
{
   /* The last one that does not start behind @va. */
   uint32_t i = lower_bound(tracker, va + 1);
   if (i == 0)
      return NULL;
   struct panvk_tracked *tracked = tracker->resources[i - 1];
   return va - tracked->va < tracked->size_B ? tracked : NULL;
}

/* The arrays, in one mapping that takes memory as it is written. */
static bool
map_arrays(struct panvk_tracked *tracked)
{
   uint64_t words = (tracked->tile_count + BITS - 1) / BITS;
   uint64_t owners_B = tracked->page_count * sizeof(*tracked->owners);
   uint64_t tallies_B = tracked->tile_count * sizeof(*tracked->tallies);
   uint64_t bits_B = words * sizeof(*tracked->fresh);

   tracked->arrays_B = owners_B + tallies_B + 2 * bits_B;
   char *at = mmap(NULL, tracked->arrays_B, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (at == MAP_FAILED)
      return false;
   tracked->arrays = at;
   tracked->owners = (panvk_owner *)at;
   at += owners_B;
   tracked->fresh = (_Atomic uint64_t *)at;
   at += bits_B;
   tracked->shown = (uint64_t *)at;
   at += bits_B;
   tracked->tallies = (struct panvk_tally *)at;
   return true;
}

static bool
insert_resource(struct panvk_tracker *tracker, struct panvk_tracked *tracked)
{
   if (tracker->resource_count == tracker->resource_capacity) {
      uint32_t capacity = tracker->resource_capacity * 2 + 16;
      void *larger = reallocarray(tracker->resources, capacity,
                                  sizeof(*tracker->resources));
      if (larger == NULL)
         return false;
      tracker->resources = larger;
      tracker->resource_capacity = capacity;
   }
   uint32_t at = lower_bound(tracker, tracked->va);
   memmove(&tracker->resources[at + 1], &tracker->resources[at],
           (tracker->resource_count - at) * sizeof(*tracker->resources));
   tracker->resources[at] = tracked;
   tracker->resource_count++;
   return true;
}

struct panvk_tracked *
panvk_tracker_add(struct panvk_tracker *tracker, struct panvk_resource *res)
{
   struct panvk_tracked *tracked = calloc(1, sizeof(*tracked));
   if (tracked == NULL)
      return NULL;
   tracked->tracker = tracker;
   tracked->res = res;
   tracked->id = new_id();
   tracked->va = res->va;
   /* Whole tiles: nothing else has the rest of the last one. */
   tracked->size_B = PANVK_ALIGN(res->size_B, PANVK_SPARSE_BLOCK_SIZE);
   tracked->page_count = tracked->size_B / PANVK_PAGE_SIZE;
   tracked->tile_count = tracked->size_B / PANVK_SPARSE_BLOCK_SIZE;
   if (!map_arrays(tracked))
      goto err_free;
   if (!insert_resource(tracker, tracked))
      goto err_unmap;
   res->tracked = tracked;
   return tracked;

err_unmap:
   munmap(tracked->arrays, tracked->arrays_B);
err_free:
   free(tracked);
   return NULL;
}

bool
panvk_tracked_watch(struct panvk_tracked *tracked,
                    struct pan_kmod_window *window, uint64_t va,
                    uint64_t size_B)
{
   if (tracked->window_count == tracked->window_capacity) {
      uint32_t capacity = tracked->window_capacity * 2 + 1;
      void *larger = reallocarray(tracked->windows, capacity,
                                  sizeof(*tracked->windows));
      if (larger == NULL)
         return false;
      tracked->windows = larger;
      tracked->window_capacity = capacity;
   }
   tracked->windows[tracked->window_count++] =
      (struct panvk_watched_window){window, va, size_B};
   pan_kmod_window_observe(window, panvk_residency_observe, tracked);
   return true;
}

/* ---------------------------------------------------------------- memory -- */

struct panvk_tracked_memory *
panvk_tracker_add_memory(struct panvk_tracker *tracker, VkDeviceMemory handle,
                         uint32_t bo_handle, uint64_t size_B)
{
   struct panvk_tracked_memory *memory = calloc(1, sizeof(*memory));
   if (memory == NULL)
      return NULL;
   memory->id = new_id();
   memory->handle = handle;
   memory->bo_handle = bo_handle;
   memory->size_B = size_B;
   if (!panvk_map_insert(&tracker->by_bo, bo_handle, memory)) {
      free(memory);
      return NULL;
   }
   memory->next = tracker->memories;
   tracker->memories = memory;
   return memory;
}

struct panvk_tracked_memory *
panvk_tracker_find_memory(struct panvk_tracker *tracker, VkDeviceMemory handle)
{
   struct panvk_tracked_memory *memory = tracker->memories;
   while (memory != NULL && (memory->freed || memory->handle != handle))
      memory = memory->next;
   return memory;
}

struct panvk_tracked_memory *
panvk_tracker_memory_by_id(struct panvk_tracker *tracker, uint32_t id)
{
   struct panvk_tracked_memory *memory = tracker->memories;
   while (memory != NULL && memory->id != id)
      memory = memory->next;
   return memory;
}

const char *
panvk_tracked_memory_describe(const struct panvk_tracked_memory *memory,
                              char text[static 128])
{
   if (memory == NULL)
      snprintf(text, 128, "memory");
   else if (memory->name[0] != '\0')
      snprintf(text, 128, "memory '%s' (0x%" PRIx64 ")", memory->name,
               panvk_key(memory->handle));
   else
      snprintf(text, 128, "memory 0x%" PRIx64, panvk_key(memory->handle));
   return text;
}

/* Freed, and bound nowhere any more: nobody will ask for its name again. */
static void
forget_memory(struct panvk_tracker *tracker,
              struct panvk_tracked_memory *memory)
{
   struct panvk_tracked_memory **link = &tracker->memories;
   while (*link != memory)
      link = &(*link)->next;
   *link = memory->next;
   free(memory);
}

/* ---------------------------------------------------------------- owners -- */

/*
 * Sets the owners of [first, first + count): to @memory from @memory_page on, or
 * to nothing where @memory is NULL.
 */
static void
set_owners(struct panvk_tracked *tracked, uint64_t first, uint64_t count,
           struct panvk_tracked_memory *memory, uint64_t memory_page)
{
   struct panvk_tracker *tracker = tracked->tracker;
   struct panvk_tracked_memory *last = NULL;

   for (uint64_t i = 0; i < count; i++) {
      panvk_owner *owner = &tracked->owners[first + i];
      uint64_t now =
         memory != NULL ? (uint64_t)memory->id << 32 | (memory_page + i) : 0;
      uint64_t before = atomic_load_explicit(owner, memory_order_relaxed);

      atomic_store_explicit(owner, now, memory_order_relaxed);
      if (before == 0)
         continue;
      tracked->bound_pages--;
      if (last == NULL || last->id != PANVK_OWNER_ID(before))
         last = panvk_tracker_memory_by_id(tracker, PANVK_OWNER_ID(before));
      if (--last->bound_pages == 0 && last->freed && last != memory) {
         forget_memory(tracker, last);
         last = NULL;
      }
   }
   if (memory != NULL) {
      memory->bound_pages += count;
      tracked->bound_pages += count;
   }
   tracked->bound_changed = true;
}

/* Tiles that were bound are reported again when they are unbound later. */
static void
forget_reports(struct panvk_tracked *tracked, uint64_t first, uint64_t count)
{
   uint64_t last_tile = (first + count - 1) / PAGES_PER_TILE;
   for (uint64_t t = first / PAGES_PER_TILE; t <= last_tile; t++)
      tracked->tallies[t].told = 0;
}

static void
apply_op(struct panvk_tracker *tracker, const struct drm_panthor_vm_bind_op *op,
         struct panvk_tracked_memory *memory)
{
   uint64_t va = op->va, end = op->va + op->size, offset_B = op->bo_offset;

   /* Ops of neighbouring resources are merged where they continue. */
   while (va < end) {
      struct panvk_tracked *tracked = panvk_tracker_find(tracker, va);
      if (tracked == NULL)
         return;
      uint64_t size_B = PANVK_MIN(end, tracked->va + tracked->size_B) - va;
      uint64_t first = (va - tracked->va) / PANVK_PAGE_SIZE;
      uint64_t count = size_B / PANVK_PAGE_SIZE;

      set_owners(tracked, first, count, memory, offset_B / PANVK_PAGE_SIZE);
      if (memory != NULL)
         forget_reports(tracked, first, count);
      va += size_B;
      offset_B += size_B;
   }
}

void
panvk_tracker_apply(struct panvk_tracker *tracker,
                    const struct drm_panthor_vm_bind_op *ops, uint32_t count,
                    bool bound)
{
   for (uint32_t i = 0; i < count; i++) {
      uint32_t bo = ops[i].bo_handle;
      bool binds = bo != 0 && bo != tracker->dummy_bo_handle;
      if (binds != bound)
         continue;
      struct panvk_tracked_memory *memory =
         binds ? panvk_map_find(&tracker->by_bo, bo) : NULL;
      /* Memory that there was no room to track: as if it were unbound. */
      apply_op(tracker, &ops[i], memory);
   }
   /* Only what the ops leave behind ever was bound at a time. */
   for (uint32_t i = 0; i < tracker->resource_count && !bound; i++) {
      struct panvk_tracked *t = tracker->resources[i];
      t->bound_pages_peak = PANVK_MAX(t->bound_pages_peak, t->bound_pages);
   }
}

/* Has the pages of a stretch trap, whatever they show. */
static void
drop_pages(struct panvk_tracked *tracked, uint64_t first, uint64_t count)
{
   uint64_t va = tracked->va + first * PANVK_PAGE_SIZE;
   uint64_t end = va + count * PANVK_PAGE_SIZE;
   for (uint32_t i = 0; i < tracked->window_count; i++) {
      const struct panvk_watched_window *w = &tracked->windows[i];
      uint64_t lo = PANVK_MAX(va, w->va);
      uint64_t hi = PANVK_MIN(end, w->va + w->size_B);
      if (lo < hi)
         pan_kmod_window_drop(w->window, lo, hi - lo);
   }
}

static void
free_in_resource(struct panvk_tracked *tracked, uint32_t id,
                 panvk_stretch_fn fn, void *data)
{
   uint64_t first = 0, count = 0;
   for (uint64_t i = 0; i <= tracked->page_count; i++) {
      uint64_t owner =
         i < tracked->page_count
            ? atomic_load_explicit(&tracked->owners[i], memory_order_relaxed)
            : 0;
      if (PANVK_OWNER_ID(owner) == id) {
         atomic_store_explicit(&tracked->owners[i], owner | PANVK_OWNER_FREED,
                               memory_order_relaxed);
         if (count++ == 0)
            first = i;
      } else if (count != 0) {
         drop_pages(tracked, first, count);
         forget_reports(tracked, first, count);
         fn(tracked, first, count, data);
         count = 0;
      }
   }
}

void
panvk_tracker_free_memory(struct panvk_tracker *tracker,
                          struct panvk_tracked_memory *memory,
                          panvk_stretch_fn fn, void *data)
{
   memory->freed = true;
   panvk_map_remove(&tracker->by_bo, memory->bo_handle);
   if (memory->bound_pages == 0) {
      forget_memory(tracker, memory);
      return;
   }
   for (uint32_t i = 0; i < tracker->resource_count; i++) {
      if (tracker->resources[i]->bound_pages != 0)
         free_in_resource(tracker->resources[i], memory->id, fn, data);
   }
}

void
panvk_tracker_remove(struct panvk_tracker *tracker,
                     struct panvk_tracked *tracked)
{
   uint32_t at = lower_bound(tracker, tracked->va);
   for (uint32_t i = 0; i < tracked->window_count; i++)
      pan_kmod_window_observe(tracked->windows[i].window, NULL, NULL);
   memmove(&tracker->resources[at], &tracker->resources[at + 1],
           (tracker->resource_count - at - 1) * sizeof(*tracker->resources));
   tracker->resource_count--;
   if (tracked->bound_pages != 0)
      set_owners(tracked, 0, tracked->page_count, NULL, 0);
   tracked->res->tracked = NULL;
   munmap(tracked->arrays, tracked->arrays_B);
   free(tracked->windows);
   free(tracked);
}

void
panvk_tracked_hide(struct panvk_tracked *tracked)
{
   uint64_t words = (tracked->tile_count + BITS - 1) / BITS;

   if (!tracked->any_shown)
      return;
   tracked->any_shown = false;
   for (uint64_t w = 0; w < words; w++) {
      uint64_t bits = tracked->shown[w];
      tracked->shown[w] = 0;
      while (bits != 0) {
         /* One call for tiles that are next to each other. */
         unsigned first = (unsigned)__builtin_ctzll(bits);
         uint64_t rest = ~(bits >> first);
         unsigned count = rest != 0 ? (unsigned)__builtin_ctzll(rest) : BITS;
         count = PANVK_MIN(count, BITS - first);
         drop_pages(tracked, (w * BITS + first) * PAGES_PER_TILE,
                    (uint64_t)count * PAGES_PER_TILE);
         bits = first + count < BITS ? bits >> (first + count) << (first + count)
                                     : 0;
      }
   }
}

/* -------------------------------------------------------------- observer -- */

/* How far around an address to look for pages that are in the same state. */
#define REACH_PAGES 512

static bool
is_bound(const struct panvk_tracked *tracked, uint64_t page)
{
   uint64_t owner =
      atomic_load_explicit(&tracked->owners[page], memory_order_relaxed);
   return owner != 0 && !(owner & PANVK_OWNER_FREED);
}

/* The VAs around @page where memory is bound, too. */
static void
bound_around(const struct panvk_tracked *tracked, uint64_t page,
             uint64_t *first_va, uint64_t *last_va)
{
   uint64_t first = page, end = page + 1;
   uint64_t lo = page > REACH_PAGES ? page - REACH_PAGES : 0;
   uint64_t hi = PANVK_MIN(page + REACH_PAGES, tracked->page_count);

   while (first > lo && is_bound(tracked, first - 1))
      first--;
   while (end < hi && is_bound(tracked, end))
      end++;
   *first_va = tracked->va + first * PANVK_PAGE_SIZE;
   *last_va = tracked->va + end * PANVK_PAGE_SIZE - 1;
}

static void
count_one(_Atomic uint32_t *counter)
{
   uint32_t value = atomic_load_explicit(counter, memory_order_relaxed);
   /* Nobody else writes: see the header. It stays at its end. */
   if (value != UINT32_MAX)
      atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static void
tally(struct panvk_tracked *tracked, uint64_t page, uint32_t access,
      uint32_t found)
{
   uint64_t tile = page / PAGES_PER_TILE;
   struct panvk_tally *t = &tracked->tallies[tile];

   if (found != 0) {
      count_one(&t->faults);
      atomic_store_explicit(&t->exception, found, memory_order_relaxed);
   } else {
      count_one(access == PAN_KMOD_LOAD ? &t->loads : &t->stores);
   }
   atomic_fetch_or_explicit(&t->pages,
                            (uint16_t)(1u << page % PAGES_PER_TILE),
                            memory_order_relaxed);
   /* Who sees the bit sees the tally, and who sees the flag the bit. */
   atomic_fetch_or_explicit(&tracked->fresh[tile / BITS], 1ull << tile % BITS,
                            memory_order_release);
   atomic_store_explicit(&tracked->any_fresh, true, memory_order_release);
}

bool
panvk_residency_observe(void *data, uint64_t va, uint32_t access,
                        uint32_t found, uint64_t *first_va, uint64_t *last_va)
{
   struct panvk_tracked *tracked = data;
   uint64_t page = (va - tracked->va) / PANVK_PAGE_SIZE;

   atomic_fetch_add_explicit(&tracked->misses, 1, memory_order_relaxed);
   if (found == 0 && is_bound(tracked, page)) {
      bound_around(tracked, page, first_va, last_va);
      return false;
   }
   tally(tracked, page, access, found);
   *first_va = tracked->va + page * PANVK_PAGE_SIZE;
   *last_va = *first_va + PANVK_PAGE_SIZE - 1;
   return access == PAN_KMOD_LOAD;
}
