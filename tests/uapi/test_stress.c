/* SPDX-License-Identifier: MIT */
/*
 * Everything at once: threads bind tiles of one VM that lie between each
 * other's, through one file, and let BOs, VMs, syncobjs, exports and whole
 * files come and go, while steps of all of them fail at random, or memory is evicted. Each thread
 * knows what its own tiles show, and looks: through the GPU all the time, and in
 * the page tables at the end. PANSPARSE_TEST_SECONDS sets the length,
 * PANSPARSE_TEST_SEED the seed; with the same seed threads make the same calls,
 * in another order.
 */
#include "uapi.h"
#include "pt_view.h"

#include "linux/linux_machine.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 4
#define VA (SZ_1G - SZ_2M) /* across a line of every level but the top */
#define TILES 256u /* of 64 KiB: 16 MiB; tile i is thread i % THREADS's */
#define BO_TILES 16u
#define BOS 3
#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)
#define TIMELINE DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ

/* Accesses in a SIGSEGV handler's reach are none of TSan's business. */
#define SHADER_CORE __attribute__((noinline, no_sanitize("thread")))

enum kind { NOTHING, SPARSE_TILE, BO_TILE };

struct tile {
   enum kind kind;
   unsigned bo, bo_tile;
   bool readonly;
};

struct arena {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_window *window;
   char *gpu;
   atomic_bool stop;
   bool evicting; /* instead of failing: see run() */
   pthread_rwlock_t arming; /* held for writing where no step may fail */
   atomic_ullong steps, failures;
   atomic_int bad_line, bad_value;
};

struct thread {
   struct arena *arena;
   pthread_t thread;
   unsigned index;
   uint64_t random;
   struct tile tile[TILES];
   struct pan_kmod_bo *bo[BOS];
   uint32_t *map[BOS];
   uint32_t word[BOS][BO_TILES]; /* what word 1 of each tile is */
   uint32_t syncobj;
   uint64_t point;
};

/* Ends the test, with the first line that found something wrong. */
#define CHECK(t, condition, value)                                             \
   do {                                                                        \
      int none_ = 0;                                                           \
      if (!(condition) && atomic_compare_exchange_strong(                      \
                             &(t)->arena->bad_line, &none_, __LINE__)) {       \
         atomic_store(&(t)->arena->bad_value, (int)(value));                   \
         atomic_store(&(t)->arena->stop, true);                                \
      }                                                                        \
   } while (0)

static uint32_t
rnd(struct thread *t, uint32_t below)
{
   t->random ^= t->random << 13;
   t->random ^= t->random >> 7;
   t->random ^= t->random << 17;
   return (uint32_t)(t->random >> 24) % below;
}

/* A call that may run out of memory. True: it did what it should. */
static bool
worked(struct thread *t, int ret, int line)
{
   int none = 0;

   if (!ret)
      return true;
   atomic_fetch_add(&t->arena->failures, 1);
   if (ret != -ENOMEM && ret != -EMFILE && ret != -EBUSY &&
       atomic_compare_exchange_strong(&t->arena->bad_line, &none, line)) {
      atomic_store(&t->arena->bad_value, ret);
      atomic_store(&t->arena->stop, true);
   }
   return false;
}
#define WORKED(t, call) worked(t, call, __LINE__)

static void
munmap_surely(struct thread *t, struct pan_kmod_dev *dev, void *map,
              uint64_t size_B)
{
   /* Like munmap(2), it may need memory, and then did nothing. */
   while (!WORKED(t, pan_kmod_munmap(dev, map, size_B)))
      if (atomic_load(&t->arena->bad_line))
         return;
}

static void
wait_surely(struct thread *t, uint64_t point)
{
   while (!WORKED(t, pan_kmod_syncobj_wait(t->arena->dev, t->syncobj, point,
                                           INT64_MAX)))
      if (atomic_load(&t->arena->bad_line))
         return;
}

/* ----------------------------------------------------------------- tiles -- */

static uint32_t
tag(const struct thread *t, unsigned bo, unsigned bo_tile)
{
   return 0x1000000u * (t->index + 1) + 0x10000u * bo + bo_tile;
}

static uint64_t
tile_va(unsigned tile)
{
   return VA + tile * SZ_64K;
}

SHADER_CORE static void
look(struct thread *t, unsigned tile)
{
   const struct tile *want = &t->tile[tile];
   const volatile uint32_t *words =
      (volatile uint32_t *)(t->arena->gpu + tile * SZ_64K);

   if (want->kind == NOTHING)
      return; /* a fault would stop the VM for all */
   if (want->kind == SPARSE_TILE) {
      CHECK(t, words[0] == 0, words[0]);
      return;
   }
   CHECK(t, words[0] == tag(t, want->bo, want->bo_tile), words[0]);
   CHECK(t, words[1] == t->word[want->bo][want->bo_tile], words[1]);
}

SHADER_CORE static void
store(struct thread *t, unsigned tile)
{
   const struct tile *at = &t->tile[tile];
   const uint32_t value = rnd(t, 1u << 20);

   if (at->kind != BO_TILE || at->readonly)
      return;
   ((volatile uint32_t *)(t->arena->gpu + tile * SZ_64K))[1] = value;
   t->word[at->bo][at->bo_tile] = value;
   CHECK(t,
         ((volatile uint32_t *)t->map[at->bo])[at->bo_tile * SZ_64K / 4 + 1] ==
            value,
         value);
}

static unsigned
own_tile(struct thread *t)
{
   return rnd(t, TILES / THREADS) * THREADS + t->index;
}

static struct drm_panthor_vm_bind_op
random_op(struct thread *t, unsigned tile, struct tile *new)
{
   struct drm_panthor_vm_bind_op op = {.va = tile_va(tile), .size = SZ_64K};

   *new = (struct tile){.kind = rnd(t, 4)};
   switch (new->kind) {
   case NOTHING:
      op.flags = UNMAP;
      break;
   case SPARSE_TILE:
      op.flags = SPARSE;
      break;
   default:
      new->kind = BO_TILE;
      new->bo = rnd(t, BOS);
      new->bo_tile = rnd(t, BO_TILES);
      new->readonly = rnd(t, 4) == 0;
      op.flags = NOEXEC | (new->readonly ? READONLY : 0);
      op.bo_handle = t->bo[new->bo]->handle;
      op.bo_offset = new->bo_tile * SZ_64K;
      break;
   }
   return op;
}

static void
step_bind(struct thread *t)
{
   struct drm_panthor_vm_bind_op ops[8];
   unsigned tile[8];
   struct tile new[8];
   const uint32_t count = 1 + rnd(t, rnd(t, 4) ? 1 : 8);
   uint32_t done = 0;

   for (uint32_t i = 0; i < count; i++) {
      tile[i] = own_tile(t);
      ops[i] = random_op(t, tile[i], &new[i]);
   }
   if (rnd(t, 4)) {
      /* What came before the op that failed stays. */
      if (WORKED(t, pan_kmod_vm_bind(t->arena->vm, 0, ops, count, &done)))
         done = count;
      else if (done == count)
         done = 0;
   } else {
      struct drm_panthor_sync_op signal = {SIGNAL | TIMELINE, t->syncobj,
                                           t->point + 1};

      ops[count - 1].syncs =
         (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
      if (WORKED(t, pan_kmod_vm_bind(t->arena->vm, ASYNC, ops, count, NULL))) {
         t->point++;
         done = count;
         wait_surely(t, t->point);
      }
   }
   for (uint32_t i = 0; i < done; i++)
      t->tile[tile[i]] = new[i];
   for (uint32_t i = 0; i < count; i++)
      look(t, tile[i]);
}

static void
step_access(struct thread *t)
{
   for (unsigned i = 0; i < 8; i++) {
      store(t, own_tile(t));
      look(t, own_tile(t));
   }
}

/* --------------------------------------------------------- lives of others -- */

/* A BO with contents, bound, and torn down in some order. */
static void
step_bo(struct thread *t)
{
   struct pan_kmod_dev *dev = t->arena->dev;
   const uint64_t size_B = (1 + rnd(t, 600)) * SZ_4K;
   const uint64_t va = SZ_1T * (t->index + 1);
   struct pan_kmod_bo *bo;
   volatile uint32_t *map = NULL;
   void *addr;

   if (!WORKED(t, pan_kmod_bo_create(dev, size_B, 0, 0, "stress", &bo)))
      return;
   if (WORKED(t, pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE, MAP_SHARED,
                                  &addr))) {
      map = addr;
      CHECK(t, map[size_B / 4 - 1] == 0, map[size_B / 4 - 1]);
      map[size_B / 4 - 1] = t->index + 1;
   }
   const bool bound =
      WORKED(t, uapi_bind(t->arena->vm, NOEXEC, bo, 0, va, size_B));
   if (rnd(t, 2)) {
      pan_kmod_bo_destroy(bo);
      bo = NULL;
   }
   if (map) {
      CHECK(t, map[size_B / 4 - 1] == t->index + 1, map[size_B / 4 - 1]);
      munmap_surely(t, dev, (void *)map, size_B);
   }
   while (bound && !atomic_load(&t->arena->bad_line) &&
          !WORKED(t, uapi_bind(t->arena->vm, UNMAP, NULL, 0, va, size_B)))
      ;
   pan_kmod_bo_destroy(bo);
}

/* A VM that goes while it may have jobs. */
static void
step_vm(struct thread *t)
{
   const struct drm_panthor_sync_op syncs[] = {
      {TIMELINE, t->syncobj, t->point},
   };
   const struct drm_panthor_vm_bind_op ops[] = {
      {.flags = SPARSE, .va = SZ_2M, .size = SZ_1G,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(1, syncs)},
      {.flags = NOEXEC, .bo_handle = t->bo[0]->handle, .va = SZ_64K,
       .size = SZ_64K},
   };
   struct pan_kmod_vm *vm;

   if (!WORKED(t, pan_kmod_vm_create(t->arena->dev, 0, &vm)))
      return;
   WORKED(t, pan_kmod_vm_bind(vm, ASYNC, ops, 2, NULL));
   pan_kmod_vm_destroy(vm);
}

static void
step_syncobj(struct thread *t)
{
   struct pan_kmod_dev *dev = t->arena->dev;
   uint64_t point;
   uint32_t handle;

   if (!WORKED(t, pan_kmod_syncobj_create(dev, false, &handle)))
      return;
   if (WORKED(t, pan_kmod_syncobj_signal(dev, handle, 5))) {
      if (WORKED(t, pan_kmod_syncobj_query(dev, handle, &point)))
         CHECK(t, point == 5, point);
      WORKED(t, pan_kmod_syncobj_wait(dev, handle, 3, INT64_MAX));
   }
   pan_kmod_syncobj_destroy(dev, handle);
}

SHADER_CORE static void
touch(struct thread *t, volatile uint32_t *words, uint32_t want, bool fault)
{
   CHECK(t, words[0] == want, words[0]);
   if (fault)
      words[SZ_64K / 4] = 1; /* nothing is mapped there */
}

/* A VM of the other file shows a BO of ours; perhaps it faults. */
static void
use_import(struct thread *t, struct pan_kmod_dev *dev, uint32_t handle,
           uint32_t want)
{
   const struct drm_panthor_vm_bind_op op = {
      .flags = NOEXEC, .bo_handle = handle, .va = SZ_1G, .size = SZ_64K,
   };
   struct pan_kmod_window *window;
   struct pan_kmod_vm *vm;

   if (!WORKED(t, pan_kmod_vm_create(dev, 0, &vm)))
      return;
   void *host = mmap(NULL, 2 * SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                     -1, 0);
   if (WORKED(t, pan_kmod_vm_bind(vm, 0, &op, 1, NULL)) &&
       WORKED(t, pan_kmod_window_create(vm, SZ_1G, host, 2 * SZ_64K,
                                        &window))) {
      touch(t, host, want, rnd(t, 8) == 0);
      pan_kmod_window_destroy(window);
   }
   munmap(host, 2 * SZ_64K);
   /* Half of the time it is the close that ends the VM. */
   if (rnd(t, 2))
      pan_kmod_vm_destroy(vm);
   else
      free(vm);
}

/* A file, with things in it, that closes. */
static void
step_file(struct thread *t)
{
   struct drm_prime_handle prime = {
      .handle = t->bo[1]->handle,
      .flags = DRM_CLOEXEC,
   };
   struct pan_kmod_dev *dev;
   struct pan_kmod_bo *bo;

   /* An open that fails says so, at length: others test that. */
   pthread_rwlock_wrlock(&t->arena->arming);
   host_inject_failure(UINT64_MAX);
   const bool opened = WORKED(t, pan_kmod_dev_create(NULL, NULL, &dev));
   pthread_rwlock_unlock(&t->arena->arming);
   if (!opened)
      return;
   if (WORKED(t, pan_kmod_bo_create(dev, SZ_2M, 0, 0, NULL, &bo)))
      free(bo);
   if (WORKED(t, pan_kmod_ioctl(t->arena->dev, DRM_IOCTL_PRIME_HANDLE_TO_FD,
                                &prime))) {
      if (WORKED(t,
                 pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime)))
         use_import(t, dev, prime.handle, tag(t, 1, 0));
      close(prime.fd);
   }
   CHECK(t, pan_kmod_dev_destroy(dev) == 0, 0);
}

/* -------------------------------------------------------------- the test --- */

static void *
run_thread(void *data)
{
   struct thread *t = data;

   while (!atomic_load(&t->arena->stop)) {
      switch (rnd(t, 24)) {
      default:
         step_bind(t);
         break;
      case 0:
      case 1:
      case 2:
         step_access(t);
         break;
      case 3:
      case 4:
         step_bo(t);
         break;
      case 5:
         step_vm(t);
         break;
      case 6:
         step_syncobj(t);
         break;
      case 7:
         step_file(t);
         break;
      case 8:
      case 9:
         if (t->arena->evicting) {
            pan_kmod_reclaim(t->arena->dev, rnd(t, 1u << 22));
            break;
         }
         pthread_rwlock_rdlock(&t->arena->arming);
         host_inject_failure(rnd(t, 40));
         pthread_rwlock_unlock(&t->arena->arming);
         break;
      }
      atomic_fetch_add(&t->arena->steps, 1);
   }
   return NULL;
}

static void
begin_thread(struct arena *a, struct thread *t, unsigned index, uint64_t seed)
{
   t->arena = a;
   t->index = index;
   t->random = (seed + index + 1) * 0x9e3779b97f4a7c15ull | 1;
   assert_int_equal(pan_kmod_syncobj_create(a->dev, true, &t->syncobj), 0);
   assert_int_equal(pan_kmod_syncobj_signal(a->dev, t->syncobj, 1), 0);
   t->point = 1;
   for (unsigned bo = 0; bo < BOS; bo++) {
      t->bo[bo] = uapi_bo(a->dev, BO_TILES * SZ_64K);
      assert_int_equal(pan_kmod_bo_mmap(t->bo[bo], NULL, PROT_READ | PROT_WRITE,
                                        MAP_SHARED, (void **)&t->map[bo]), 0);
      for (unsigned i = 0; i < BO_TILES; i++)
         t->map[bo][i * SZ_64K / 4] = tag(t, bo, i);
   }
}

/* What the page tables say, and what is in DRAM there. */
static void
end_thread(struct thread *t)
{
   struct arena *a = t->arena;

   for (unsigned tile = t->index; tile < TILES; tile += THREADS) {
      const struct tile *want = &t->tile[tile];
      const struct pt_leaf leaf = pt_view(a->vm, tile_va(tile));

      assert_int_equal(leaf.level != 0 || leaf.absent, want->kind != NOTHING);
      if (want->kind != BO_TILE || leaf.absent)
         continue;
      const uint32_t *words = pan_kmod_dram_ptr(a->dev, leaf.pa);
      assert_int_equal(words[0], tag(t, want->bo, want->bo_tile));
      assert_int_equal(words[1], t->word[want->bo][want->bo_tile]);
      assert_int_equal((leaf.attributes & 0x80) != 0, want->readonly);
   }
   for (unsigned bo = 0; bo < BOS; bo++) {
      for (unsigned i = 0; i < BO_TILES; i++)
         assert_int_equal(t->map[bo][i * SZ_64K / 4 + 1], t->word[bo][i]);
      assert_int_equal(
         pan_kmod_munmap(a->dev, t->map[bo], BO_TILES * SZ_64K), 0);
      pan_kmod_bo_destroy(t->bo[bo]);
   }
   pan_kmod_syncobj_destroy(a->dev, t->syncobj);
}

/*
 * Steps fail, or memory is evicted. Not both: where a page that the GPU waits
 * for cannot come back for want of memory, the VM is lost, and all threads have
 * tiles in it.
 */
static void
run(const struct host_config *config, bool evicting)
{
   struct arena *a = calloc(1, sizeof(*a));
   struct thread *threads = calloc(THREADS, sizeof(*threads));
   const uint64_t seed =
      uapi_env("PANSPARSE_TEST_SEED", (uint64_t)time(NULL));
   const uint64_t seconds = uapi_env("PANSPARSE_TEST_SECONDS", 3);
   const unsigned long warnings = linux_warn_count();

   print_message("# seed %llu\n", (unsigned long long)seed);
   a->evicting = evicting;
   pthread_rwlock_init(&a->arming, NULL);
   a->dev = uapi_open(config);
   uapi_need_virtual(a->dev);
   a->vm = uapi_vm(a->dev);
   a->gpu = mmap(NULL, TILES * SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
   assert_int_equal(pan_kmod_window_create(a->vm, VA, a->gpu, TILES * SZ_64K,
                                           &a->window), 0);
   for (unsigned i = 0; i < THREADS; i++)
      begin_thread(a, &threads[i], i, seed);
   for (unsigned i = 0; i < THREADS; i++)
      assert_int_equal(pthread_create(&threads[i].thread, NULL, run_thread,
                                      &threads[i]), 0);
   for (uint64_t ms = 0; ms < seconds * 1000 && !atomic_load(&a->stop); ms += 10)
      usleep(10000);
   atomic_store(&a->stop, true);
   for (unsigned i = 0; i < THREADS; i++)
      pthread_join(threads[i].thread, NULL);
   host_inject_failure(UINT64_MAX);
   print_message("# %llu steps, %llu calls failed\n",
                 (unsigned long long)atomic_load(&a->steps),
                 (unsigned long long)atomic_load(&a->failures));
   if (atomic_load(&a->bad_line))
      fail_msg("line %d found %d", atomic_load(&a->bad_line),
               atomic_load(&a->bad_value));
   assert_int_equal(atomic_load(&a->failures) > 0, !evicting);
   if (evicting)
      assert_true(uapi_stats(a->dev).evictions > 0);

   pan_kmod_window_destroy(a->window);
   for (unsigned i = 0; i < THREADS; i++)
      end_thread(&threads[i]);
   /* The tables that only others' tiles needed have gone with them. */
   assert_int_equal(uapi_bind(a->vm, UNMAP, NULL, 0, 0, USER_VA), 0);
   const struct pt_counts counts = pt_count(a->vm);
   assert_int_equal(counts.pages + counts.blocks + counts.tables, 0);
   assert_int_equal(uapi_stats(a->dev).vmas, 0);
   munmap(a->gpu, TILES * SZ_64K);
   pan_kmod_vm_destroy(a->vm);
   uapi_close(a->dev);
   assert_int_equal(linux_warn_count(), warnings);
   pthread_rwlock_destroy(&a->arming);
   free(threads);
   free(a);
}

/* Threads bind and look while steps of all of them fail at random. */
static void
test_failing(void **state)
{
   (void)state;
   run(&uapi_small, false);
}

/*
 * Threads bind scattered pages and look while steps of all of them fail at
 * random.
 */
static void
test_failing_fragmented(void **state)
{
   (void)state;
   run(&uapi_small_fragmented, false);
}

/* Threads bind and look while memory is evicted. */
static void
test_evicting(void **state)
{
   (void)state;
   run(&uapi_small, true);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failing),
      cmocka_unit_test(test_failing_fragmented),
      cmocka_unit_test(test_evicting),
   };
   /* Faults, on purpose. */
   setenv("LINUX_LOGLEVEL", "-1", 0);
   return cmocka_run_group_tests_name("uapi-stress", tests, NULL, NULL);
}
