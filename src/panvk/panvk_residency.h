/* SPDX-License-Identifier: MIT */
/*
 * What is bound where, page by page, and what was done to what is not: the
 * bookkeeping behind all diagnostics. It exists only while one is wanted.
 *
 * Of each sparse resource every page has an owner, the memory that is bound
 * there, and every 64 KiB tile a tally of accesses that found no memory. Both
 * are plain arrays in address space that is committed as it is used: a lookup is
 * one load, in the signal handler too. A page takes 8 bytes, a tile 32.
 *
 * Locking: the diag lock guards everything but what is atomic. The observer
 * (panvk_residency_observe()) runs in a SIGSEGV handler, takes no lock, and is
 * called for one access at a time; it writes tallies, and reads owners.
 */
#ifndef PANVK_RESIDENCY_H
#define PANVK_RESIDENCY_H

#include "panvk_diag.h"

/* Memory objects, alive, or freed and still bound somewhere. */
struct panvk_tracked_memory {
   struct panvk_tracked_memory *next;
   uint32_t id; /* unique in the process, for ever; not 0 */
   uint32_t bo_handle;
   VkDeviceMemory handle;
   uint64_t size_B;
   uint64_t bound_pages; /* of all resources */
   bool freed;
   char name[64]; /* from VK_EXT_debug_utils, or empty */
};

/*
 * The owner of a page: 0 where nothing is bound, else the memory's id in the
 * upper half, the page's number within it in the lower, and FREED if the memory
 * was freed since.
 */
typedef _Atomic uint64_t panvk_owner;
#define PANVK_OWNER_FREED (1ull << 63)
#define PANVK_OWNER_ID(owner) ((uint32_t)((owner) >> 32) & INT32_MAX)

/* Accesses to a tile where there was no memory. */
struct panvk_tally {
   _Atomic uint32_t loads, stores, faults;
   _Atomic uint32_t exception; /* of the last fault */
   _Atomic uint16_t pages; /* which of the tile's 16 */
   uint8_t told; /* PANVK_TOLD_*: reported since it was bound last */
   uint32_t seen_loads, seen_stores, seen_faults; /* when last looked at */
};
#define PANVK_TOLD_LOAD 1u
#define PANVK_TOLD_STORE 2u
#define PANVK_TOLD_FAULT 4u

struct panvk_watched_window {
   struct pan_kmod_window *window;
   uint64_t va, size_B;
};

struct panvk_tracked {
   struct panvk_tracker *tracker;
   struct panvk_resource *res;
   uint32_t id; /* unique in the process, for ever; not 0 */
   uint64_t va, size_B;
   uint64_t page_count, tile_count;

   void *arrays; /* one mapping, in which these are: */
   uint64_t arrays_B;
   panvk_owner *owners;
   struct panvk_tally *tallies;
   _Atomic uint64_t *fresh; /* a bit for each tile: tallied, not looked at */
   uint64_t *shown; /* looked at, and may still be shown: no trap */
   _Atomic bool any_fresh;
   bool any_shown;

   struct panvk_watched_window *windows;
   uint32_t window_count, window_capacity;

   _Atomic uint64_t misses; /* of all kinds */
   uint64_t seen_misses;
   uint64_t bound_pages, bound_pages_peak;
   bool bound_changed; /* since the trace was told */
   uint64_t unbound_tiles; /* ever reported */
};

struct panvk_tracker {
   pthread_mutex_t lock;
   bool out_of_memory; /* said already */
   struct panvk_tracked **resources; /* by VA */
   uint32_t resource_count, resource_capacity;
   struct panvk_tracked_memory *memories;
   /* Memory that is not freed, by BO handle. */
   struct panvk_map by_bo;
   uint32_t dummy_bo_handle; /* binds to it unbind; 0: none */
};

void panvk_tracker_init(struct panvk_tracker *tracker,
                        uint32_t dummy_bo_handle);
/* All resources have been removed. */
void panvk_tracker_finish(struct panvk_tracker *tracker);

/* All of these: with the lock held. */

/* Sets res->tracked; NULL where there is no memory. */
struct panvk_tracked *panvk_tracker_add(struct panvk_tracker *tracker,
                                        struct panvk_resource *res);
/* Its windows are still there, and not observed any more. */
void panvk_tracker_remove(struct panvk_tracker *tracker,
                          struct panvk_tracked *tracked);
/* False where there is no memory: then nobody observes the window. */
bool panvk_tracked_watch(struct panvk_tracked *tracked,
                         struct pan_kmod_window *window, uint64_t va,
                         uint64_t size_B);
/* The resource whose range holds @va, or NULL. */
struct panvk_tracked *panvk_tracker_find(const struct panvk_tracker *tracker,
                                         uint64_t va);

/* NULL where there is no memory. */
struct panvk_tracked_memory *
panvk_tracker_add_memory(struct panvk_tracker *tracker, VkDeviceMemory handle,
                         uint32_t bo_handle, uint64_t size_B);
/* By handle, or by id; NULL: not known. */
struct panvk_tracked_memory *
panvk_tracker_find_memory(struct panvk_tracker *tracker, VkDeviceMemory handle);
struct panvk_tracked_memory *
panvk_tracker_memory_by_id(struct panvk_tracker *tracker, uint32_t id);
/* "memory 'name' (0x...)"; NULL: "memory". Returns @text. */
const char *panvk_tracked_memory_describe(const struct panvk_tracked_memory *m,
                                          char text[static 128]);
/*
 * The memory is freed. Calls @fn for each stretch of pages that is still bound
 * to it, whose accesses count as ones without memory from now on.
 */
typedef void (*panvk_stretch_fn)(const struct panvk_tracked *tracked,
                                 uint64_t first_page, uint64_t count,
                                 void *data);
void panvk_tracker_free_memory(struct panvk_tracker *tracker,
                               struct panvk_tracked_memory *memory,
                               panvk_stretch_fn fn, void *data);

/*
 * What VM_BIND ops do, in two halves so that no moment has an owner missing
 * where memory can be reached: pages that become bound before the ioctl, those
 * that cease to be after it.
 */
void panvk_tracker_apply(struct panvk_tracker *tracker,
                         const struct drm_panthor_vm_bind_op *ops,
                         uint32_t count, bool bound);

/*
 * Has accesses that found no memory trap again, that were looked at since they
 * were last shown.
 */
void panvk_tracked_hide(struct panvk_tracked *tracked);

/* ---- the observer: no lock held */

/* Hears of each access to a window of @data, a struct panvk_tracked. */
bool panvk_residency_observe(void *data, uint64_t va, uint32_t access,
                             uint32_t found, uint64_t *first_va,
                             uint64_t *last_va);

#endif /* PANVK_RESIDENCY_H */
