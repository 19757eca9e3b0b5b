/* SPDX-License-Identifier: MIT */
/*
 * Looking into the process from outside, from two clients at a time, while others
 * bind, evict, access, submit, and open and close files. What comes must be whole,
 * and page tables must agree with VMAs at all times.
 * PANSPARSE_TEST_SECONDS sets the length.
 */
#include "attach.h"
#include "cs_asm.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BASE SZ_1T
#define SPACE_B (32ull << 20)
#define BO_B (8ull << 20)

static const struct host_config small = {
   .dram_size_B = 64ull << 20,
   .swap_size_B = 256ull << 20,
   .as_count = 8,
};

struct arena {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo;
   volatile char *gpu; /* a window on all of SPACE_B */
   atomic_bool stop;
   atomic_ulong asked, steps[4], bad;
};

/* From any thread: cmocka's assertions are for the main one. */
static void
expect(struct arena *a, bool ok, const char *what)
{
   if (!ok && !atomic_fetch_add(&a->bad, 1))
      fprintf(stderr, "# %s\n", what);
}

static void *
ask(void *data)
{
   static const char *const parts[] = {
      "files", "gpuvas", "translations", "page_tables", "gems", "slots",
      "groups", "binds", "tlb", "stats", "machine",
   };
   struct arena *a = data;

   while (!atomic_load(&a->stop)) {
      const char *part = parts[atomic_fetch_add(&a->asked, 1) %
                               (sizeof(parts) / sizeof(parts[0]))];
      char *text = attach_ask(part);

      expect(a, text != NULL, part);
      expect(a, !text || !strstr(text, "DISAGREES"), "tables and VMAs");
      free(text);
   }
   return NULL;
}

static void *
bind(void *data)
{
   struct arena *a = data;
   unsigned seed = 1;

   while (!atomic_load(&a->stop)) {
      uint64_t size_B = SZ_64K * (1 + (uint64_t)rand_r(&seed) % 32);
      uint64_t offset = (uint64_t)rand_r(&seed) * SZ_64K % (SPACE_B - size_B);
      uint32_t flags = (const uint32_t[]){SPARSE, UNMAP, NOEXEC, NOEXEC}
         [rand_r(&seed) % 4];
      int ret = uapi_bind(a->vm, flags, flags == NOEXEC ? a->bo : NULL,
                          flags == NOEXEC ? offset % (BO_B - size_B) & ~(SZ_64K - 1)
                                          : 0,
                          BASE + offset, size_B);

      expect(a, !ret || ret == -ENOMEM, "bind");
      atomic_fetch_add(&a->steps[0], 1);
   }
   return NULL;
}

/* Loads where something is bound for good, so that nothing faults. */
static void *
touch(void *data)
{
   struct arena *a = data;
   unsigned seed = 2;

   while (!atomic_load(&a->stop)) {
      (void)a->gpu[(uint64_t)rand_r(&seed) % BO_B];
      atomic_fetch_add(&a->steps[1], 1);
      if (rand_r(&seed) % 64 == 0)
         pan_kmod_reclaim(a->dev, SZ_2M);
   }
   return NULL;
}

/* Files that come and go, with a VM, a labelled BO, and queued binds. */
static void *
open_files(void *data)
{
   struct arena *a = data;

   while (!atomic_load(&a->stop)) {
      struct pan_kmod_dev *dev;
      struct pan_kmod_vm *vm = NULL;
      struct pan_kmod_bo *bo = NULL;

      if (pan_kmod_dev_create(NULL, NULL, &dev))
         continue;
      if (!pan_kmod_vm_create(dev, 0, &vm) &&
          !pan_kmod_bo_create(dev, SZ_64K, 0, vm->id, "short-lived", &bo)) {
         const struct drm_panthor_vm_bind_op op = {
            .flags = NOEXEC, .bo_handle = bo->handle, .va = BASE, .size = SZ_64K};

         (void)pan_kmod_vm_bind(vm, ASYNC, &op, 1, NULL);
      }
      pan_kmod_bo_destroy(bo);
      pan_kmod_vm_destroy(vm);
      expect(a, !pan_kmod_dev_destroy(dev), "close");
      atomic_fetch_add(&a->steps[2], 1);
   }
   return NULL;
}

/* Jobs that wait for each other in two queues. */
static void
submit(struct arena *a, struct cs_vm *vm)
{
   uint32_t group = cs_group(a->dev, vm, 2, 1);
   uint32_t done = cs_syncobj(a->dev), end = cs_syncobj(a->dev);
   struct cs cs = cs_at(vm, 0);

   cs_poke(&cs, vm->va + SZ_64K, 1);
   for (unsigned i = 0; i < 20; i++) {
      const struct drm_panthor_sync_op first = {SIGNAL, done, 0};
      const struct drm_panthor_sync_op then[] = {{0, done, 0}, {SIGNAL, end, 0}};

      assert_int_equal(cs_submit(a->dev, vm, group, 0, &cs, &first, 1), 0);
      assert_int_equal(cs_submit(a->dev, vm, group, 1, &cs, then, 2), 0);
      cs_finish(a->dev, end);
      atomic_fetch_add(&a->steps[3], 1);
   }
   pan_kmod_syncobj_destroy(a->dev, done);
   pan_kmod_syncobj_destroy(a->dev, end);
   assert_int_equal(cs_group_destroy(a->dev, group), 0);
}

static void
open_window(struct arena *a, struct pan_kmod_window **window_out)
{
   void *host = mmap(NULL, BO_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

   assert_ptr_not_equal(host, MAP_FAILED);
   assert_int_equal(uapi_bind(a->vm, NOEXEC, a->bo, 0, BASE + SZ_1G, BO_B), 0);
   assert_int_equal(pan_kmod_window_create(a->vm, BASE + SZ_1G, host, BO_B,
                                           window_out), 0);
   a->gpu = host;
}

/* What comes is whole, and what it says agrees, whatever happens meanwhile. */
static void
test_stress(void **state)
{
   void *(*const work[])(void *) = {ask, ask, bind, touch, open_files};
   const uint64_t seconds = uapi_env("PANSPARSE_TEST_SECONDS", 3);
   struct arena a = {.dev = uapi_open(&small)};
   struct pan_kmod_window *window;
   pthread_t threads[5];
   struct cs_vm vm;
   (void)state;

   uapi_need_virtual(a.dev);
   cs_vm_init(&vm, a.dev);
   a.vm = uapi_vm(a.dev);
   a.bo = uapi_bo(a.dev, BO_B);
   open_window(&a, &window);
   for (unsigned i = 0; i < 5; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, work[i], &a), 0);
   time_t end = time(NULL) + (time_t)seconds;
   while (time(NULL) < end || atomic_load(&a.asked) < 50)
      submit(&a, &vm);
   atomic_store(&a.stop, true);
   for (unsigned i = 0; i < 5; i++)
      assert_int_equal(pthread_join(threads[i], NULL), 0);

   print_message("# %lu requests, %lu binds, %lu loads, %lu files, %lu jobs, "
                 "%llu evictions\n", a.asked, a.steps[0], a.steps[1],
                 a.steps[2], a.steps[3],
                 (unsigned long long)uapi_stats(a.dev).evictions);
   assert_int_equal(a.bad, 0);
   assert_int_equal(uapi_stats(a.dev).mmu_faults, 0);
   for (unsigned i = 0; i < 4; i++)
      assert_true(a.steps[i] > 0);
   pan_kmod_window_destroy(window);
   munmap((void *)a.gpu, BO_B);
   pan_kmod_bo_destroy(a.bo);
   pan_kmod_vm_destroy(a.vm);
   cs_vm_fini(&vm);
   uapi_close(a.dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {cmocka_unit_test(test_stress)};

   return cmocka_run_group_tests_name("uapi-attach-stress", tests, NULL, NULL);
}
