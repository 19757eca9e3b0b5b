/* SPDX-License-Identifier: MIT */
/*
 * Eviction under load: more memory than there is DRAM, bound, unbound, touched
 * through windows and by the CPU, created and destroyed by several threads,
 * while another makes the kernel free memory. What was written must be read.
 * PANSPARSE_TEST_SECONDS sets the length, PANSPARSE_TEST_SEED the seed.
 */
#include "uapi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define BOS 24 /* of a worker */
#define BO_B (2ull << 20)
#define WORKERS 3
#define SHARED_VA SZ_512G

static const struct host_config small = {
   .dram_size_B = 64ull << 20,
   .swap_size_B = 512ull << 20,
   .as_count = 8,
};

struct arena {
   struct pan_kmod_dev *dev;
   struct pan_kmod_bo *shared; /* mapped in all VMs, never written */
   atomic_bool stop;
   atomic_ullong steps, reclaims;
   atomic_uint bad;
   uint64_t seed;
};

struct worker {
   struct arena *arena;
   unsigned id;
   uint64_t random;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo[BOS];
   uint64_t value[BOS]; /* what was written last, in each page */
   uint32_t syncobj;
   uint64_t point;
   /* Open all the time, or NULL: the VM is in use. */
   struct pan_kmod_window *window;
   uint64_t *gpu;
};

static uint64_t
rnd(struct worker *w, uint64_t below)
{
   w->random ^= w->random >> 12;
   w->random ^= w->random << 25;
   w->random ^= w->random >> 27;
   return (w->random * 0x2545f4914f6cdd1dull >> 33) % below;
}

/* From any thread: cmocka's assertions are for the main one. */
static void
expect(struct arena *a, bool ok, const char *what, uint64_t got, uint64_t want)
{
   if (ok || atomic_fetch_add(&a->bad, 1))
      return;
   fprintf(stderr, "# %s: %#llx, want %#llx\n", what, (unsigned long long)got,
           (unsigned long long)want);
}

static bool
bind(struct worker *w, uint32_t flags, unsigned i, uint64_t va)
{
   struct drm_panthor_vm_bind_op op = {.flags = flags, .va = va, .size = BO_B};
   struct drm_panthor_sync_op signal = {
      .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
               DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
      .handle = w->syncobj,
   };
   int ret;

   if (flags == NOEXEC)
      op.bo_handle = w->bo[i]->handle;
   if (rnd(w, 4)) {
      ret = pan_kmod_vm_bind(w->vm, 0, &op, 1, NULL);
   } else {
      signal.timeline_value = ++w->point;
      op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
      ret = pan_kmod_vm_bind(w->vm, ASYNC, &op, 1, NULL);
      if (!ret)
         ret = pan_kmod_syncobj_wait(w->arena->dev, w->syncobj, w->point,
                                     INT64_MAX);
   }
   /* Others may hold all of the memory just now. */
   expect(w->arena, !ret || ret == -ENOMEM, "bind", (uint64_t)ret, 0);
   return !ret;
}

/* Reads what is in each page, and perhaps writes something new. */
static void
access_bo(struct worker *w, uint64_t *words, unsigned i, const char *how)
{
   bool write = rnd(w, 2);

   for (uint64_t page = 0; page < BO_B / SZ_4K; page += 1 + rnd(w, 7)) {
      uint64_t got =
         __atomic_load_n(&words[page * SZ_4K / 8], __ATOMIC_RELAXED);

      expect(w->arena, got == w->value[i] + page, how, got, w->value[i] + page);
   }
   if (!write)
      return;
   w->value[i] += 0x100000000;
   for (uint64_t page = 0; page < BO_B / SZ_4K; page++)
      __atomic_store_n(&words[page * SZ_4K / 8], w->value[i] + page,
                       __ATOMIC_RELAXED);
}

static void
access_cpu(struct worker *w, unsigned i)
{
   void *map;
   int ret = pan_kmod_bo_mmap(w->bo[i], NULL, PROT_READ | PROT_WRITE,
                              MAP_SHARED, &map);

   expect(w->arena, !ret || ret == -ENOMEM, "mmap", (uint64_t)ret, 0);
   if (ret)
      return;
   access_bo(w, map, i, "CPU");
   pan_kmod_munmap(w->arena->dev, map, BO_B);
}

/* Through a window that is open for this only. */
static void
access_gpu(struct worker *w, unsigned i, uint64_t va)
{
   struct pan_kmod_window *window;
   void *host = mmap(NULL, BO_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   int ret = pan_kmod_window_create(w->vm, va, host, BO_B, &window);

   expect(w->arena, !ret || ret == -ENOMEM, "window", (uint64_t)ret, 0);
   if (!ret) {
      access_bo(w, host, i, "GPU");
      pan_kmod_window_destroy(window);
   }
   munmap(host, BO_B);
}

static void
step(struct worker *w)
{
   unsigned i = (unsigned)rnd(w, BOS);
   uint64_t va = (i + 1) * 2 * BO_B;

   switch (rnd(w, 8)) {
   case 0:
      bind(w, UNMAP, i, va);
      break;
   case 1:
      bind(w, SPARSE, i, va);
      break;
   case 2:
      access_cpu(w, i);
      break;
   case 3: /* the shared one never changes */
      if (w->window) {
         uint64_t word = rnd(w, BO_B / 8);
         uint64_t got = __atomic_load_n(&w->gpu[word], __ATOMIC_RELAXED);

         expect(w->arena, got == word, "shared", got, word);
      }
      break;
   default:
      if (bind(w, NOEXEC, i, va))
         access_gpu(w, i, va);
   }
}

static void *
work(void *data)
{
   struct worker *w = data;

   while (!atomic_load(&w->arena->stop)) {
      step(w);
      atomic_fetch_add(&w->arena->steps, 1);
   }
   return NULL;
}

static void *
reclaimer(void *data)
{
   struct arena *a = data;

   while (!atomic_load(&a->stop)) {
      pan_kmod_reclaim(a->dev, 8ull << 20);
      atomic_fetch_add(&a->reclaims, 1);
      nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
   }
   return NULL;
}

static void
start(struct worker *w, struct arena *a, unsigned id)
{
   *w = (struct worker){.arena = a, .id = id};
   w->random = (a->seed + id + 1) * 0x9e3779b97f4a7c15ull;
   w->vm = uapi_vm(a->dev);
   assert_int_equal(pan_kmod_syncobj_create(a->dev, false, &w->syncobj), 0);
   for (unsigned i = 0; i < BOS; i++) {
      /* Half of them share the VM's reservation. */
      assert_int_equal(pan_kmod_bo_create(a->dev, BO_B, 0,
                                          i % 2 ? w->vm->id : 0, NULL,
                                          &w->bo[i]), 0);
      uint64_t *map;
      assert_int_equal(pan_kmod_bo_mmap(w->bo[i], NULL, PROT_READ | PROT_WRITE,
                                        MAP_SHARED, (void **)&map), 0);
      w->value[i] = (uint64_t)(id + 1) << 56 | (uint64_t)i << 48;
      for (uint64_t page = 0; page < BO_B / SZ_4K; page++)
         map[page * SZ_4K / 8] = w->value[i] + page;
      pan_kmod_munmap(a->dev, map, BO_B);
   }
   assert_int_equal(uapi_bind(w->vm, NOEXEC, a->shared, 0, SHARED_VA, BO_B), 0);
   if (id)
      return;
   w->gpu = mmap(NULL, BO_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_int_equal(pan_kmod_window_create(w->vm, SHARED_VA, w->gpu, BO_B,
                                           &w->window), 0);
}

static void
finish(struct worker *w)
{
   pan_kmod_window_destroy(w->window);
   if (w->gpu)
      munmap(w->gpu, BO_B);
   pan_kmod_vm_destroy(w->vm);
   for (unsigned i = 0; i < BOS; i++)
      pan_kmod_bo_destroy(w->bo[i]);
   pan_kmod_syncobj_destroy(w->arena->dev, w->syncobj);
}

/*
 * Threads on more memory than there is read what they wrote, while the kernel
 * evicts.
 */
static void
test_stress(void **state)
{
   (void)state;
   const uint64_t seconds = uapi_env("PANSPARSE_TEST_SECONDS", 3);
   struct arena a = {.seed = uapi_env("PANSPARSE_TEST_SEED", 1)};
   struct worker workers[WORKERS];
   pthread_t threads[WORKERS + 1];
   uint64_t *map;

   a.dev = uapi_open(&small);
   uapi_need_virtual(a.dev);
   a.shared = uapi_bo(a.dev, BO_B);
   assert_int_equal(pan_kmod_bo_mmap(a.shared, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&map), 0);
   for (uint64_t i = 0; i < BO_B / 8; i++)
      map[i] = i;
   pan_kmod_munmap(a.dev, map, BO_B);

   for (unsigned i = 0; i < WORKERS; i++)
      start(&workers[i], &a, i);
   for (unsigned i = 0; i < WORKERS; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
   assert_int_equal(pthread_create(&threads[WORKERS], NULL, reclaimer, &a), 0);
   nanosleep(&(struct timespec){.tv_sec = (time_t)seconds}, NULL);
   /* Something has to have happened, however busy the machine is. */
   for (unsigned i = 0; i < 600 && (uapi_stats(a.dev).restores < 3 ||
                                    atomic_load(&a.steps) < 10); i++)
      nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
   atomic_store(&a.stop, true);
   for (unsigned i = 0; i <= WORKERS; i++)
      assert_int_equal(pthread_join(threads[i], NULL), 0);

   struct host_stats stats = uapi_stats(a.dev);
   print_message("# seed %llu, %llu steps, %llu evictions, %llu restores, "
                 "%llu MiB out, %llu MiB in\n",
                 (unsigned long long)a.seed, (unsigned long long)a.steps,
                 (unsigned long long)stats.evictions,
                 (unsigned long long)stats.restores,
                 (unsigned long long)stats.swap_out_B >> 20,
                 (unsigned long long)stats.swap_in_B >> 20);
   assert_int_equal(a.bad, 0);
   assert_int_equal(stats.mmu_faults, 0);
   assert_true(a.steps >= 10 && stats.evictions && stats.restores >= 3);

   for (unsigned i = 0; i < WORKERS; i++)
      finish(&workers[i]);
   pan_kmod_bo_destroy(a.shared);
   uapi_close(a.dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {cmocka_unit_test(test_stress)};

   return cmocka_run_group_tests_name("uapi-evict-stress", tests, NULL, NULL);
}
