/* SPDX-License-Identifier: MIT */
/*
 * Atomicity: threads load and store through the TLB while other threads bind,
 * rebind, sparse-map, split and merge around and under them. Every value seen
 * is the old one or the new one, in the ranges that change; and in those that
 * no op names, always the same. PANSPARSE_TEST_SECONDS sets the length.
 */
#include "uapi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define VA (5 * SZ_1G)
#define SPAN (8 * (1ull << 20)) /* 8 MiB: four blocks */
#define TILES (SPAN / SZ_64K)
#define READERS 2

struct arena {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *stable, *changing[2], *writes;
   uint32_t *gpu; /* the window */
   atomic_bool stop;
   atomic_ullong checked, ops, stores;
   atomic_uint bad;
   uint64_t bad_at, bad_value;
};

/*
 * What each word of a BO holds: who it belongs to, in the high half, and its
 * tile in the low one. The dummy holds zeroes: nobody writes to it here.
 *
 *   tiles 4n      never change: the stable BO, mapped once, whole
 *   tiles 4n + 1  change between BO 0, BO 1 and sparse
 *   tiles 4n + 2  as 4n + 1, often in one op with it
 *   tiles 4n + 3  never change; the writer stores there
 */
#define WORD(owner, tile) ((uint32_t)(owner) << 16 | (uint32_t)(tile))
enum owner { STABLE = 1, FIRST = 2, SECOND = 3 };

static void
fill(struct pan_kmod_bo *bo, enum owner owner)
{
   uint32_t *map;

   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&map), 0);
   for (uint64_t i = 0; i < SPAN / 4; i++)
      map[i] = WORD(owner, i * 4 / SZ_64K);
   assert_int_equal(pan_kmod_munmap(bo->dev, map, SPAN), 0);
}

static void
report(struct arena *a, uint64_t word, uint32_t value)
{
   if (atomic_fetch_add(&a->bad, 1) == 0) {
      a->bad_at = word * 4;
      a->bad_value = value;
   }
}

static uint32_t
xorshift(uint32_t *random)
{
   *random ^= *random << 13;
   *random ^= *random >> 17;
   *random ^= *random << 5;
   return *random;
}

static void *
reader(void *data)
{
   struct arena *a = data;
   uint32_t random = (uint32_t)(uintptr_t)&random | 1;
   unsigned long long checked = 0;

   while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
      for (unsigned i = 0; i < 256; i++) {
         uint64_t word = xorshift(&random) % (SPAN / 4);
         unsigned tile = (unsigned)(word * 4 / SZ_64K);
         uint32_t value = __atomic_load_n(&a->gpu[word], __ATOMIC_RELAXED);
         bool good;

         switch (tile % 4) {
         case 0:
            good = value == WORD(STABLE, tile);
            break;
         case 3: /* the writer counts up there */
            good = true;
            break;
         default:
            good = value == WORD(FIRST, tile) ||
                   value == WORD(SECOND, tile) || value == 0;
         }
         if (!good)
            report(a, word, value);
         checked++;
      }
   }
   atomic_fetch_add(&a->checked, checked);
   return NULL;
}

/* Stores count up and are read back: none may be lost to somebody's op. */
static void *
writer(void *data)
{
   struct arena *a = data;
   uint32_t count = 0;

   while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
      count++;
      for (unsigned tile = 3; tile < TILES; tile += 4) {
         uint64_t word = tile * SZ_64K / 4 + count % (SZ_64K / 4);
         __atomic_store_n(&a->gpu[word], count, __ATOMIC_RELAXED);
      }
      for (unsigned tile = 3; tile < TILES; tile += 4) {
         uint64_t word = tile * SZ_64K / 4 + count % (SZ_64K / 4);
         uint32_t value = __atomic_load_n(&a->gpu[word], __ATOMIC_RELAXED);
         if (value != count)
            report(a, word, value);
      }
   }
   atomic_fetch_add(&a->stores, (unsigned long long)count * TILES / 4);
   return NULL;
}

static struct drm_panthor_vm_bind_op
change(struct arena *a, uint32_t *random, uint64_t va, uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {.va = va, .size = size_B};
   uint32_t to = xorshift(random) % 3;

   if (to == 2) {
      op.flags = SPARSE;
   } else {
      op.flags = NOEXEC;
      op.bo_handle = a->changing[to]->handle;
      op.bo_offset = va - VA;
   }
   return op;
}

static void *
binder(void *data)
{
   struct arena *a = data;
   uint32_t random = (uint32_t)(uintptr_t)&random | 1;
   unsigned long long ops = 0;

   while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
      struct drm_panthor_vm_bind_op op[4];
      unsigned count = 1 + xorshift(&random) % 4;

      for (unsigned i = 0; i < count; i++) {
         uint64_t group = xorshift(&random) % (TILES / 4);
         uint64_t va = VA + (group * 4 + 1) * SZ_64K;
         uint64_t pages, first;

         switch (xorshift(&random) % 4) {
         case 0: /* one tile */
            op[i] = change(a, &random, va, SZ_64K);
            break;
         case 1: /* the other */
            op[i] = change(a, &random, va + SZ_64K, SZ_64K);
            break;
         case 2: /* both */
            op[i] = change(a, &random, va, 2 * SZ_64K);
            break;
         default: /* some pages, over the line between them */
            first = xorshift(&random) % 31;
            pages = 1 + xorshift(&random) % (32 - first);
            op[i] = change(a, &random, va + first * SZ_4K, pages * SZ_4K);
         }
      }
      if (pan_kmod_vm_bind(a->vm, 0, op, count, NULL))
         report(a, 0, 0xdead);
      ops += count;
   }
   atomic_fetch_add(&a->ops, ops);
   return NULL;
}

static void
map_start(struct arena *a)
{
   assert_int_equal(uapi_bind(a->vm, NOEXEC, a->stable, 0, VA, SPAN), 0);
   for (unsigned tile = 0; tile < TILES; tile++) {
      const uint64_t at = tile * SZ_64K;

      if (tile % 4 == 1 || tile % 4 == 2)
         assert_int_equal(
            uapi_bind(a->vm, NOEXEC, a->changing[0], at, VA + at, SZ_64K), 0);
      else if (tile % 4 == 3)
         assert_int_equal(
            uapi_bind(a->vm, NOEXEC, a->writes, at, VA + at, SZ_64K), 0);
   }
}

static void
run(const struct host_config *config)
{
   struct arena *a = calloc(1, sizeof(*a));
   const uint64_t seconds = uapi_env("PANSPARSE_TEST_SECONDS", 10);
   struct pan_kmod_window *window;
   pthread_t threads[READERS + 2];

   a->dev = uapi_open(config);
   uapi_need_virtual(a->dev);
   a->vm = uapi_vm(a->dev);
   a->stable = uapi_bo(a->dev, SPAN);
   a->writes = uapi_bo(a->dev, SPAN);
   fill(a->stable, STABLE);
   for (unsigned i = 0; i < 2; i++) {
      a->changing[i] = uapi_bo(a->dev, SPAN);
      fill(a->changing[i], FIRST + i);
   }
   map_start(a);
   a->gpu = mmap(NULL, SPAN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal(a->gpu, MAP_FAILED);
   assert_int_equal(pan_kmod_window_create(a->vm, VA, a->gpu, SPAN, &window),
                    0);

   unsigned n = 0;
   for (unsigned i = 0; i < READERS; i++)
      assert_int_equal(pthread_create(&threads[n++], NULL, reader, a), 0);
   assert_int_equal(pthread_create(&threads[n++], NULL, writer, a), 0);
   assert_int_equal(pthread_create(&threads[n++], NULL, binder, a), 0);
   nanosleep(&(struct timespec){.tv_sec = (time_t)seconds}, NULL);
   atomic_store(&a->stop, true);
   while (n)
      assert_int_equal(pthread_join(threads[--n], NULL), 0);

   struct host_stats stats = uapi_stats(a->dev);
   print_message("# %llu words checked, %llu stores, %llu ops, %llu misses, "
                 "%llu of them stalled\n",
                 a->checked, a->stores, a->ops,
                 (unsigned long long)stats.tlb_misses,
                 (unsigned long long)stats.tlb_stalls);
   if (a->bad)
      fail_msg("%u wrong values, the first %#llx at offset %#llx", a->bad,
               (unsigned long long)a->bad_value,
               (unsigned long long)a->bad_at);
   assert_int_equal(stats.mmu_faults, 0);
   assert_true(a->checked > 1000 && a->ops > 1000 && stats.tlb_misses > 100);

   pan_kmod_window_destroy(window);
   munmap(a->gpu, SPAN);
   pan_kmod_vm_destroy(a->vm);
   pan_kmod_bo_destroy(a->stable);
   pan_kmod_bo_destroy(a->writes);
   pan_kmod_bo_destroy(a->changing[0]);
   pan_kmod_bo_destroy(a->changing[1]);
   uapi_close(a->dev);
   free(a);
}

/* Accesses while binds change: old or new, over contiguous memory. */
static void
test_contiguous(void **state)
{
   (void)state;
   run(&uapi_small);
}

/* Accesses while binds change: old or new, over scattered pages. */
static void
test_fragmented(void **state)
{
   (void)state;
   run(&uapi_small_fragmented);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_contiguous),
      cmocka_unit_test(test_fragmented),
   };
   return cmocka_run_group_tests_name("uapi-atomic", tests, NULL, NULL);
}
