/* SPDX-License-Identifier: MIT */
#include "ioctl_world.h"

#include "fuzz.h"
#include "linux_machine.h"
#include "pt_walker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_B 4096ull
#define SZ_2M (2ull << 20)

/* --------------------------------------------------------------- lookups -- */

struct world_handle *
world_handle(struct world_file *file, uint32_t handle)
{
   for (unsigned i = 0; handle && i < WORLD_HANDLES; i++)
      if (file->handle[i].handle == handle)
         return &file->handle[i];
   return NULL;
}

struct world_vm *
world_vm(struct world_file *file, uint32_t id)
{
   for (unsigned i = 0; id && i < WORLD_VMS; i++)
      if (file->vm[i].id == id)
         return &file->vm[i];
   return NULL;
}

struct world_syncobj *
world_syncobj(struct world_file *file, uint32_t handle)
{
   for (unsigned i = 0; handle && i < WORLD_SYNCOBJS; i++)
      if (file->syncobj[i].handle == handle)
         return &file->syncobj[i];
   return NULL;
}

bool
world_has_point(const struct world_syncobj *syncobj, uint64_t point)
{
   if (point)
      return syncobj->fence == FENCE_CHAIN && syncobj->point >= point;
   return syncobj->fence != FENCE_NONE;
}

void
world_add_point(struct world_syncobj *syncobj, uint64_t point)
{
   if (syncobj->fence != FENCE_CHAIN || point > syncobj->point)
      syncobj->point = point;
   syncobj->fence = FENCE_CHAIN;
}

/* ----------------------------------------------------------------- calls -- */

/* What all BOs, dummies and some tables take if all of them are pinned. */
static uint64_t
demand_B(const struct world *w)
{
   uint64_t sum = WORLD_FILES * SZ_2M + (8ull << 20);

   for (unsigned i = 0; i < WORLD_BOS; i++)
      sum += w->bo[i].pages * PAGE_B;
   return sum;
}

static bool
is_pending(const struct world *w)
{
   for (unsigned f = 0; f < WORLD_FILES; f++)
      for (unsigned i = 0; i < WORLD_VMS; i++)
         if (w->file[f].vm[i].pending)
            return true;
   return false;
}

void
world_arm(struct world *w)
{
   host_get_stats(w->machine, &w->stats);
   host_inject_failure(w->inject);
}

void
world_disarm(struct world *w)
{
   const uint64_t steps = host_inject_failure(UINT64_MAX);

   w->may_fail = w->excuse || steps > w->inject ||
                 demand_B(w) > w->dram_size_B;
   w->inject = UINT64_MAX;
   w->excuse = false;
}

int
world_ioctl(struct world *w, struct world_file *file, unsigned long request,
            void *arg)
{
   world_arm(w);
   int ret = host_ioctl(file->file, request, arg);
   world_disarm(w);
   return ret;
}

void
world_expect(struct world *w, const char *what, int got, int want,
             bool unchanged)
{
   struct host_stats now;

   /* -EMFILE: how a descriptor that cannot be had is reported. */
   if (got != want && !(w->may_fail && (got == -ENOMEM || got == -EMFILE)))
      fuzz_fail("%s: returned %d, should be %d", what, got, want);
   if (got == 0 || !unchanged || is_pending(w))
      return;
   host_get_stats(w->machine, &now);
   /*
    * Eviction rewrites entries in order to make room, and an op brings back what
    * it names before it turns out that another one is invalid.
    */
   if (now.vmas != w->stats.vmas ||
       (!now.evictions &&
        (now.pt_pages != w->stats.pt_pages ||
         now.pt_entries_written != w->stats.pt_entries_written)))
      fuzz_fail("%s: failed with %d, but changed: VMAs %llu -> %llu, tables "
                "%llu -> %llu, entries written %llu -> %llu",
                what, got, (unsigned long long)w->stats.vmas,
                (unsigned long long)now.vmas,
                (unsigned long long)w->stats.pt_pages,
                (unsigned long long)now.pt_pages,
                (unsigned long long)w->stats.pt_entries_written,
                (unsigned long long)now.pt_entries_written);
}

/* ------------------------------------------------------------------- BOs -- */

struct world_bo *
world_bo_add(struct world *w, uint64_t size_B, uint32_t flags,
             uint32_t exclusive)
{
   for (unsigned i = 0; i < WORLD_BOS; i++) {
      struct world_bo *bo = &w->bo[i];

      if (bo->size_B)
         continue;
      bo->size_B = size_B;
      bo->flags = flags;
      bo->exclusive = exclusive;
      if (size_B <= 2 * SZ_2M)
         bo->pages = (uint32_t)(size_B / PAGE_B);
      bo->pa = calloc(bo->pages + 1, sizeof(*bo->pa));
      bo->word = calloc(bo->pages + 1, sizeof(*bo->word));
      fuzz_check(bo->pa && bo->word);
      return bo;
   }
   return NULL;
}

uint32_t
world_tag(const struct world *w, const struct world_bo *bo, uint32_t page)
{
   return 0x80000000u | (uint32_t)(bo - w->bo) << 20 | page;
}

void
world_bo_tag(struct world *w, struct world_file *file, uint32_t handle,
             struct world_bo *bo)
{
   struct drm_panthor_bo_mmap_offset args = {.handle = handle};
   void *map;

   if (!bo->pages || (bo->flags & DRM_PANTHOR_BO_NO_MMAP))
      return;
   int ret = host_ioctl(file->file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
   if (!ret)
      ret = host_mmap(file->file, NULL, bo->size_B, PROT_READ | PROT_WRITE,
                      MAP_SHARED, args.offset, &map);
   if (ret == -ENOMEM && demand_B(w) > w->dram_size_B)
      return;
   fuzz_check(ret == 0);
   for (uint32_t i = 0; i < bo->pages; i++)
      ((uint32_t *)map)[i * PAGE_B / 4] = world_tag(w, bo, i);
   fuzz_check(host_munmap(map, bo->size_B) == 0);
   bo->tagged = true;
}

/* ------------------------------------------------------------------- VMs -- */

void
world_flush(struct world *w, struct world_file *file, struct world_vm *vm)
{
   struct drm_panthor_sync_op sync = {
      .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
               DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
      .handle = file->flush_syncobj,
      .timeline_value = ++file->flush_point,
   };
   struct drm_panthor_vm_bind_op op = {
      .flags = (uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
      .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync),
   };
   struct drm_panthor_vm_bind bind = {
      .vm_id = vm->id,
      .flags = DRM_PANTHOR_VM_BIND_ASYNC,
      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
   };
   struct drm_syncobj_timeline_wait wait = {
      .handles = (uintptr_t)&file->flush_syncobj,
      .points = (uintptr_t)&file->flush_point,
      .timeout_nsec = INT64_MAX,
      .count_handles = 1,
   };

   if (!vm->pending)
      return;
   int ret = host_ioctl(file->file, DRM_IOCTL_PANTHOR_VM_BIND, &bind);
   if (ret)
      fuzz_fail("waiting for VM %u: VM_BIND returned %d", vm->id, ret);
   ret = host_ioctl(file->file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
   if (ret)
      fuzz_fail("waiting for VM %u: %d", vm->id, ret);
   vm->pending = false;
}

/* The page's place in DRAM: what was seen first, and stays. */
static uint64_t
want_pa(struct world *w, uint64_t *known, uint64_t found)
{
   if (!*known && found < w->stats.dram_size_B)
      *known = found;
   return *known;
}

static void
check_contents(struct world *w, const struct world_bo *bo, uint32_t page,
               uint64_t pa)
{
   const uint32_t *words = host_dram_ptr(w->machine, pa);

   if (bo->tagged && words[0] != world_tag(w, bo, page))
      fuzz_fail("page %u of BO %zu: tag %#x in DRAM", page,
                (size_t)(bo - w->bo), words[0]);
   if (words[1] != bo->word[page])
      fuzz_fail("page %u of BO %zu: %#x in DRAM, should be %#x", page,
                (size_t)(bo - w->bo), words[1], bo->word[page]);
}

/* What was evicted may be anywhere when it comes back. */
static void
forget_places(struct world *w)
{
   struct host_stats now;

   host_get_stats(w->machine, &now);
   if (now.evictions == w->evictions)
      return;
   w->evictions = now.evictions;
   for (unsigned i = 0; i < WORLD_BOS; i++)
      if (w->bo[i].pa)
         memset(w->bo[i].pa, 0, w->bo[i].pages * sizeof(*w->bo[i].pa));
   for (unsigned f = 0; f < WORLD_FILES; f++)
      memset(w->file[f].dummy_pa, 0, sizeof(w->file[f].dummy_pa));
}

/* An evicted page: its leaf says where in the BO it is. */
static void
check_absent(const struct pt_walk *walk, const struct model_page *want,
             uint64_t va)
{
   const uint64_t offset =
      want->kind == MODEL_BO ? want->bo_page * PAGE_B : va % SZ_2M;

   if (want->kind == MODEL_NOTHING || walk->pa != offset ||
       walk->attrs != model_attributes(want->attr))
      fuzz_fail("va %#llx: absent, offset %#llx, attributes %#llx; should be "
                "kind %d (BO %u page %u), attributes %#llx",
                (unsigned long long)va, (unsigned long long)walk->pa,
                (unsigned long long)walk->attrs, want->kind, want->bo,
                want->bo_page, (unsigned long long)model_attributes(want->attr));
}

static void
check_page(struct world *w, struct world_file *file,
           const struct pt_walker *walker, const struct model_page *want,
           uint64_t va)
{
   const struct pt_walk walk = pt_walker_walk(walker, va);
   struct world_bo *bo = want->kind == MODEL_BO ? &w->bo[want->bo] : NULL;
   uint64_t pa = walk.pa;

   if (walk.absent) {
      check_absent(&walk, want, va);
      return;
   }
   if (bo && bo->pages && !bo->tagged)
      pa = want_pa(w, &bo->pa[want->bo_page], walk.pa);
   else if (want->kind == MODEL_SPARSE)
      pa = want_pa(w, &file->dummy_pa[va / PAGE_B % 512], walk.pa);
   if (!model_agrees(want, pa, walk.valid ? walk.level : 0, walk.pa,
                     walk.attrs))
      fuzz_fail("va %#llx: %s, level %d, pa %#llx, attributes %#llx; should be "
                "kind %d (BO %u page %u), pa %#llx, attributes %#llx",
                (unsigned long long)va, walk.valid ? "valid" : "invalid",
                walk.level, (unsigned long long)walk.pa,
                (unsigned long long)walk.attrs, want->kind, want->bo,
                want->bo_page, (unsigned long long)pa,
                (unsigned long long)model_attributes(want->attr));
   if (bo && bo->pages)
      check_contents(w, bo, want->bo_page, pa);
}

void
world_check_vm(struct world *w, struct world_file *file, struct world_vm *vm,
               uint64_t va, uint64_t size_B)
{
   struct pt_walker walker = {
      .dram = host_dram_ptr(w->machine, 0),
      .dram_size_B = w->stats.dram_size_B,
      .va_bits = 48,
   };

   world_flush(w, file, vm);
   forget_places(w);
   fuzz_check(host_vm_root(file->file, vm->id, &walker.root_pa) == 0);
   for (unsigned island = 0; island < MODEL_ISLANDS; island++) {
      for (unsigned i = 0; i < WORLD_ISLAND_PAGES; i++) {
         const uint64_t at = model_va(&vm->model, island, i);

         /* A page more on each side. */
         if (at + PAGE_B >= va && (at < va || at - va <= size_B))
            check_page(w, file, &walker, model_at(&vm->model, island, i), at);
      }
   }
}

static void
check_tables(struct world *w, struct world_file *file, struct world_vm *vm)
{
   struct pt_walker walker = {
      .dram = host_dram_ptr(w->machine, 0),
      .dram_size_B = w->stats.dram_size_B,
      .va_bits = 48,
   };
   struct pt_census census;

   fuzz_check(host_vm_root(file->file, vm->id, &walker.root_pa) == 0);
   pt_walker_census(&walker, &census);
   fuzz_check(census.invalid == 0);
   fuzz_check(census.empty_tables == 0);
}

void
world_vm_gone(struct world_vm *vm)
{
   model_fini(&vm->model);
   *vm = (struct world_vm){0};
}

/* ----------------------------------------------------------------- files -- */

bool
world_open(struct world *w, struct world_file *file)
{
   struct drm_syncobj_create create = {0};

   world_arm(w);
   int ret = host_open(w->machine, &file->file);
   world_disarm(w);
   world_expect(w, "open", ret, 0, true);
   if (ret) {
      file->file = NULL;
      return false;
   }
   file->mmio_offset = DRM_PANTHOR_USER_MMIO_OFFSET;
   fuzz_check(!host_ioctl(file->file, DRM_IOCTL_SYNCOBJ_CREATE, &create));
   file->flush_syncobj = create.handle;
   return true;
}

void
world_close(struct world *w, struct world_file *file)
{
   /* Not what is still pending: the driver has to cope. */
   host_close(file->file);
   for (unsigned i = 0; i < WORLD_VMS; i++)
      if (file->vm[i].id)
         world_vm_gone(&file->vm[i]);
   *file = (struct world_file){0};
}

/* --------------------------------------------------------------- machine -- */

static unsigned long warnings;

void
world_begin(struct world *w, const struct host_config *config)
{
   *w = (struct world){.inject = UINT64_MAX};
   for (unsigned i = 0; i < WORLD_FDS; i++)
      w->fd[i].fd = -1;
   warnings = linux_warn_count();
   w->dram_size_B = config->dram_size_B;
   if (config->dram_fragmented)
      w->dram_size_B /= 2;
   fuzz_check(host_machine_get(config, &w->machine) == 0);
   world_open(w, &w->file[0]);
}

static void
check_maps(struct world *w)
{
   for (unsigned i = 0; i < WORLD_MAPS; i++) {
      const struct world_map *map = &w->map[i];
      const struct world_bo *bo = &w->bo[map->bo];

      for (uint32_t page = 0; map->words && page < bo->pages; page++) {
         const uint32_t *words = map->words + page * PAGE_B / 4;

         fuzz_check(!bo->tagged || words[0] == world_tag(w, bo, page));
         fuzz_check(words[1] == bo->word[page]);
      }
   }
}

void
world_end(struct world *w)
{
   check_maps(w);
   for (unsigned f = 0; f < WORLD_FILES; f++) {
      struct world_file *file = &w->file[f];

      if (!file->file)
         continue;
      for (unsigned i = 0; i < WORLD_VMS; i++) {
         if (file->vm[i].id) {
            world_check_vm(w, file, &file->vm[i], 0, UINT64_MAX);
            check_tables(w, file, &file->vm[i]);
         }
      }
      world_close(w, file);
   }
   for (unsigned i = 0; i < WORLD_FDS; i++)
      if (w->fd[i].fd >= 0)
         close(w->fd[i].fd);
   for (unsigned i = 0; i < WORLD_MAPS; i++)
      if (w->map[i].words)
         fuzz_check(host_munmap(w->map[i].words,
                                w->bo[w->map[i].bo].size_B) == 0);
   for (unsigned i = 0; i < WORLD_BOS; i++) {
      free(w->bo[i].pa);
      free(w->bo[i].word);
   }
   fuzz_check(host_machine_put(w->machine) == 0);
   fuzz_check(linux_warn_count() == warnings);
}
