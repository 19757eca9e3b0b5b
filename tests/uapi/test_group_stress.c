/* SPDX-License-Identifier: MIT */
/*
 * Groups at once: threads submit copies on one VM that wait for each other's,
 * while groups fault, are destroyed with jobs that never end, and vanish with
 * their files, and heaps come and go. Copies arrive, and every fence signals.
 * PANSPARSE_TEST_SECONDS and PANSPARSE_TEST_SEED as in test_stress.c.
 */
#include "cs_asm.h"

#include "linux/linux_machine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define AREA SZ_64K /* a thread's part of the memory: streams, then words */
#define WORDS 16u
#define FROM 0x8000u
#define TO 0xc000u
#define TIMEOUT_NS 20000000000ll

struct arena {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   atomic_bool stop;
   /* Each one's timeline, and the last point that a submit promised. */
   uint32_t line[THREADS];
   _Atomic uint64_t promised[THREADS];
   atomic_ullong steps;
};

struct thread {
   struct arena *arena;
   pthread_t thread;
   unsigned index;
   uint64_t random;
   uint32_t group;
};

static uint32_t
rnd(struct thread *t, uint32_t below)
{
   t->random ^= t->random << 13;
   t->random ^= t->random >> 7;
   t->random ^= t->random << 17;
   return (uint32_t)(t->random >> 24) % below;
}

/* Threads other than the test's cannot fail by cmocka's means. */
#define CHECK(condition)                                                       \
   do {                                                                        \
      if (!(condition)) {                                                      \
         fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);       \
         abort();                                                              \
      }                                                                        \
   } while (0)

/* Submits @cs, behind what another thread has submitted. Returns the point. */
static uint64_t
submit(struct thread *t, uint32_t group, const struct cs *cs, bool wait)
{
   struct arena *a = t->arena;
   const unsigned other = (t->index + 1) % THREADS;
   const uint64_t point = atomic_load(&a->promised[t->index]) + 1;
   const struct drm_panthor_sync_op syncs[] = {
      {SIGNAL | TIMELINE, a->line[t->index], point},
      {TIMELINE, a->line[other], atomic_load(&a->promised[other])},
   };

   CHECK(cs_submit(a->dev, &a->vm, group, 0, cs, syncs, wait ? 2 : 1) == 0);
   atomic_store(&a->promised[t->index], point);
   return point;
}

static void
finish(struct thread *t, uint64_t point)
{
   CHECK(pan_kmod_syncobj_wait(t->arena->dev, t->arena->line[t->index], point,
                               TIMEOUT_NS) == 0);
}

/* From the thread's area into a tile in sparse memory, and back. */
static void
step_copy(struct thread *t)
{
   struct arena *a = t->arena;
   const uint64_t area = t->index * AREA, tile = SZ_1G + (1 + t->index) * SZ_64K;
   struct cs cs = cs_at(&a->vm, area);
   const uint32_t first = rnd(t, 1u << 30);

   for (unsigned i = 0; i < WORDS; i++) {
      *cs_word(&a->vm, area + FROM + 4 * i) = first + i;
      *cs_word(&a->vm, area + TO + 4 * i) = 0;
   }
   cs_copy(&cs, tile, a->vm.va + area + FROM, WORDS);
   cs_copy(&cs, SZ_1G + SZ_2M + SZ_4K, a->vm.va + area + FROM, WORDS); /* anywhere */
   cs_copy(&cs, a->vm.va + area + TO, tile, WORDS);
   finish(t, submit(t, t->group, &cs, true));
   for (unsigned i = 0; i < WORDS; i++)
      CHECK(*cs_word(&a->vm, area + TO + 4 * i) == first + i);
   CHECK(cs_state(a->dev, t->group).state == 0);
}

/* A group faults; others on its VM do not notice. */
static void
step_fault(struct thread *t)
{
   struct arena *a = t->arena;
   const uint32_t group = cs_group(a->dev, &a->vm, 1, 1);
   struct cs cs = cs_at(&a->vm, t->index * AREA);

   cs_poke(&cs, SZ_512G, 1);
   finish(t, submit(t, group, &cs, rnd(t, 2)));
   CHECK(cs_state(a->dev, group).fatal_queues == 1);
   CHECK(cs_group_destroy(a->dev, group) == 0);
}

/* A group ends while its job does not. */
static void
step_destroy(struct thread *t)
{
   struct arena *a = t->arena;
   struct cs cs = cs_at(&a->vm, t->index * AREA);
   uint64_t point;

   cs_forever(&cs);
   submit(t, t->group, &cs, true);
   point = submit(t, t->group, rnd(t, 2) ? &cs : NULL, false);
   usleep(rnd(t, 2000));
   CHECK(cs_group_destroy(a->dev, t->group) == 0);
   finish(t, point);
   t->group = cs_group(a->dev, &a->vm, 1 + rnd(t, 3), 1);
}

static void
step_heap(struct thread *t)
{
   struct pan_kmod_dev *dev = t->arena->dev;
   struct drm_panthor_tiler_heap_create args = {
      .vm_id = t->arena->vm.vm->id,
      .initial_chunk_count = 1 + rnd(t, 3),
      .chunk_size = 128 << 10,
      .max_chunks = 4,
      .target_in_flight = 2,
   };

   CHECK(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args) == 0);
   struct drm_panthor_tiler_heap_destroy destroy = {.handle = args.handle};
   CHECK(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &destroy) ==
         0);
}

/* A file is closed while a group of it runs. */
static void
step_file(struct thread *t)
{
   struct pan_kmod_dev *dev;
   struct cs_vm vm;

   CHECK(pan_kmod_dev_create(NULL, NULL, &dev) == 0);
   cs_vm_init(&vm, dev);
   const uint32_t group = cs_group(dev, &vm, 1, 1);
   const struct drm_panthor_sync_op done = {SIGNAL, cs_syncobj(dev), 0};
   struct cs cs = cs_at(&vm, 0);

   cs_forever(&cs);
   CHECK(cs_submit(dev, &vm, group, 0, &cs, &done, 1) == 0);
   usleep(rnd(t, 2000));
   CHECK(pan_kmod_munmap(dev, vm.map, SZ_2M) == 0);
   free(vm.bo);
   free(vm.vm);
   CHECK(pan_kmod_dev_destroy(dev) == 0);
}

static void *
run_thread(void *data)
{
   struct thread *t = data;

   while (!atomic_load(&t->arena->stop)) {
      switch (rnd(t, 16)) {
      default:
         step_copy(t);
         break;
      case 0:
      case 1:
         step_fault(t);
         break;
      case 2:
      case 3:
         step_destroy(t);
         break;
      case 4:
      case 5:
         step_heap(t);
         break;
      case 6:
         step_file(t);
         break;
      }
      atomic_fetch_add(&t->arena->steps, 1);
   }
   return NULL;
}

static void
begin(struct arena *a, struct thread *threads, uint64_t seed)
{
   a->dev = uapi_open(&uapi_small);
   uapi_need_virtual(a->dev);
   cs_vm_init(&a->vm, a->dev);
   assert_int_equal(uapi_bind(a->vm.vm, SPARSE, NULL, 0, SZ_1G, SZ_1G), 0);
   for (unsigned i = 0; i < THREADS; i++) {
      struct pan_kmod_bo *tile = uapi_bo(a->dev, SZ_64K);

      assert_int_equal(uapi_bind(a->vm.vm, NOEXEC, tile, 0,
                                 SZ_1G + (1 + i) * SZ_64K, SZ_64K), 0);
      pan_kmod_bo_destroy(tile);
      a->line[i] = cs_syncobj(a->dev);
      assert_int_equal(pan_kmod_syncobj_signal(a->dev, a->line[i], 1), 0);
      atomic_store(&a->promised[i], 1);
      threads[i].arena = a;
      threads[i].index = i;
      threads[i].random = (seed + i + 1) * 0x9e3779b97f4a7c15ull | 1;
      threads[i].group = cs_group(a->dev, &a->vm, 1, 1);
   }
}

/*
 * Groups of many threads copy, wait, fault and vanish; copies arrive and fences
 * signal.
 */
static void
test_groups(void **state)
{
   static struct arena arena;
   static struct thread threads[THREADS];
   const uint64_t seed =
      uapi_env("PANSPARSE_TEST_SEED", (uint64_t)time(NULL));
   const uint64_t seconds = uapi_env("PANSPARSE_TEST_SECONDS", 3);
   const unsigned long warnings = linux_warn_count();
   struct arena *a = &arena;

   (void)state;
   print_message("# seed %llu\n", (unsigned long long)seed);
   begin(a, threads, seed);
   for (unsigned i = 0; i < THREADS; i++)
      assert_int_equal(pthread_create(&threads[i].thread, NULL, run_thread,
                                      &threads[i]), 0);
   usleep(seconds * 1000000);
   atomic_store(&a->stop, true);
   for (unsigned i = 0; i < THREADS; i++)
      pthread_join(threads[i].thread, NULL);
   print_message("# %llu steps\n",
                 (unsigned long long)atomic_load(&a->steps));
   assert_true(atomic_load(&a->steps) > 0);
   for (unsigned i = 0; i < THREADS; i++)
      finish(&threads[i], atomic_load(&a->promised[i]));
   cs_vm_fini(&a->vm);
   uapi_close(a->dev);
   assert_int_equal(linux_warn_count(), warnings);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_groups),
   };
   /* Faults, on purpose. */
   setenv("LINUX_LOGLEVEL", "-1", 0);
   return cmocka_run_group_tests_name("uapi-group-stress", tests, NULL, NULL);
}
