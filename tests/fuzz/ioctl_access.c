/* SPDX-License-Identifier: MIT */
#include "ioctl_objects.h"

#include "ioctl_bind.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_B 4096ull
#define WINDOW_PAGES 8
#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY

/* ------------------------------------------------------------------- CPU -- */

/* The device page; not kept. */
static void
mmap_device(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   const uint64_t offset = file->mmio_offset + (how & 1) * PAGE_B;
   const size_t size_B = how & 2 ? 2 * PAGE_B : PAGE_B;
   const int prot = PROT_READ | (how & 4 ? PROT_WRITE : 0);
   void *map;

   world_arm(w);
   int ret = host_mmap(file->file, NULL, size_B, prot, MAP_SHARED, offset, &map);
   world_disarm(w);
   world_expect(w, "mmap of a device page", ret, how & 7 ? -EINVAL : 0, true);
   if (!ret) {
      fuzz_check(*(volatile uint32_t *)map != 0);
      fuzz_check(host_munmap(map, size_B) == 0);
   }
}

void
ioctl_mmap(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct drm_panthor_bo_mmap_offset args = {
      .handle = ioctl_pick_handle(in, file),
      .pad = how == 255,
   };
   const struct world_handle *handle = world_handle(file, args.handle);
   const struct world_bo *bo = handle ? &w->bo[handle->bo] : NULL;
   struct world_map *map = NULL;
   int want = 0;

   if (how < 16) {
      mmap_device(w, file, in);
      return;
   }
   if (args.pad)
      want = -EINVAL;
   else if (!bo)
      want = -ENOENT;
   else if (bo->flags & DRM_PANTHOR_BO_NO_MMAP)
      want = -EPERM;
   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
   world_expect(w, "BO_MMAP_OFFSET", ret, want, true);
   for (unsigned i = 0; i < WORLD_MAPS; i++)
      if (!w->map[i].words)
         map = &w->map[i];
   if (ret || !bo->pages || !map)
      return;

   void *addr = NULL;
   world_arm(w);
   ret = host_mmap(file->file, NULL, bo->size_B, PROT_READ | PROT_WRITE,
                   MAP_SHARED, args.offset, &addr);
   world_disarm(w);
   world_expect(w, "mmap of a BO", ret, 0, true);
   if (ret)
      return;
   map->words = addr;
   map->bo = handle->bo;
}

void
ioctl_munmap(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   struct world_map *map = &w->map[fuzz_below(in, WORLD_MAPS)];

   if (!map->words)
      return;
   world_arm(w);
   int ret = host_munmap(map->words, w->bo[map->bo].size_B);
   world_disarm(w);
   world_expect(w, "munmap", ret, 0, true);
   if (!ret)
      map->words = NULL;
}

void
ioctl_cpu_store(struct world *w, struct world_file *file, struct fuzz_input *in)
{
   const struct world_map *map = &w->map[fuzz_below(in, WORLD_MAPS)];
   struct world_bo *bo = &w->bo[map->bo];
   const uint32_t page = fuzz_u8(in) | (uint32_t)fuzz_u8(in) << 8;

   if (!map->words)
      return;
   bo->word[page % bo->pages] = 0x40000000 + page;
   map->words[page % bo->pages * PAGE_B / 4 + 1] = 0x40000000 + page;
}

/* ------------------------------------------------------------------- GPU -- */

static char *
window_host(void)
{
   static char *host;

   if (!host) {
      host = mmap(NULL, WINDOW_PAGES * PAGE_B, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      fuzz_check(host != MAP_FAILED);
   }
   return host;
}

/* One access. False: it faulted, and the VM is off. */
static bool
access_page(struct world *w, const struct model_page *page,
            volatile uint32_t *words, uint32_t value)
{
   struct world_bo *bo = page->kind == MODEL_BO ? &w->bo[page->bo] : NULL;
   const bool store = value & 1;

   if (store)
      words[1] = value;
   else if (page->kind == MODEL_NOTHING)
      (void)words[1];
   if (page->kind == MODEL_NOTHING || (store && (page->attr & READONLY)))
      return false;
   if (!bo || !bo->pages)
      return true;
   if (store)
      bo->word[page->bo_page] = value;
   else
      fuzz_check(words[1] == bo->word[page->bo_page]);
   if (bo->tagged)
      fuzz_check(words[0] == world_tag(w, bo, page->bo_page));
   return true;
}

static void
access_window(struct world *w, const struct world_vm *vm, unsigned island,
              unsigned first, struct fuzz_input *in)
{
   for (uint32_t n = fuzz_below(in, 6); n; n--) {
      const uint32_t i = fuzz_below(in, WINDOW_PAGES);
      const struct model_page *page = model_at(&vm->model, island, first + i);
      /* Faults are slow: not all of them. */
      const bool fault = fuzz_u8(in) >= 240;
      const uint32_t value = 0x20000000 | fuzz_u8(in);
      struct host_stats before, after;

      if (!fault && (page->kind == MODEL_NOTHING ||
                     ((value & 1) && (page->attr & READONLY))))
         continue;
      host_get_stats(w->machine, &before);
      volatile uint32_t *words =
         (volatile uint32_t *)(window_host() + i * PAGE_B);
      if (access_page(w, page, words, value))
         continue;
      host_get_stats(w->machine, &after);
      /* Again, where the AS is switched off before the access is repeated. */
      fuzz_check(after.mmu_faults > before.mmu_faults);
      /* Somebody has to hear of it before the next user of the slot. */
      usleep(2000);
      return;
   }
}

void
ioctl_gpu_access(struct world *w, struct world_file *file,
                 struct fuzz_input *in)
{
   const uint32_t id = ioctl_pick_vm(in, file);
   struct world_vm *vm = world_vm(file, id);
   const unsigned island = fuzz_below(in, MODEL_ISLANDS);
   const unsigned first =
      fuzz_below(in, 65536) % (WORLD_ISLAND_PAGES - WINDOW_PAGES + 1);
   const uint64_t va = ioctl_islands[island] + first * PAGE_B;
   struct host_window *window;

   if (vm)
      world_flush(w, file, vm);
   world_arm(w);
   int ret = host_window_create(file->file, id, va, window_host(),
                                WINDOW_PAGES * PAGE_B, &window);
   world_disarm(w);
   world_expect(w, "a window", ret, vm ? 0 : -EINVAL, true);
   if (ret)
      return;
   access_window(w, vm, island, first, in);
   host_window_destroy(window);
}
