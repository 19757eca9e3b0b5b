/* SPDX-License-Identifier: MIT */
/*
 * Budgets of large VMs: sparse ranges of any size, tiles in the middle of them,
 * a million VMAs, and what the GPU is locked out of. test_bind.c has the small
 * ones. What can be counted is counted; the one time is a ratio.
 */
#include "uapi.h"
#include "pt_view.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

struct scale {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo; /* 64 MiB */
   struct pan_kmod_window *window; /* keeps the VM in an AS slot */
   void *host;
   struct host_stats empty; /* with nothing mapped */
};

#define BO_SIZE (64ull << 20)
#define TILES ((unsigned)(BO_SIZE / SZ_64K))

static void
start(struct scale *s, bool fragmented)
{
   s->dev = uapi_open(fragmented ? &uapi_small_fragmented : &uapi_small);
   uapi_need_virtual(s->dev);
   s->vm = uapi_vm(s->dev);
   s->bo = uapi_bo(s->dev, BO_SIZE);
   s->host = mmap(NULL, SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal(s->host, MAP_FAILED);
   assert_int_equal(
      pan_kmod_window_create(s->vm, 0, s->host, SZ_64K, &s->window), 0);
   s->empty = uapi_stats(s->dev);
}

/* VMAs of the tests themselves. */
static uint64_t
vmas_of(const struct scale *s)
{
   return uapi_stats(s->dev).vmas - s->empty.vmas;
}

/* Nothing may be left but what was there before. */
static void
stop(struct scale *s)
{
   assert_int_equal(uapi_bind(s->vm, UNMAP, NULL, 0, 0, USER_VA), 0);
   assert_int_equal(uapi_stats(s->dev).pt_pages, s->empty.pt_pages);
   assert_int_equal(vmas_of(s), 0);
   pan_kmod_window_destroy(s->window);
   munmap(s->host, SZ_64K);
   pan_kmod_bo_destroy(s->bo);
   pan_kmod_vm_destroy(s->vm);
   uapi_close(s->dev);
}

static uint64_t
next_random(uint64_t *seed)
{
   *seed ^= *seed << 13;
   *seed ^= *seed >> 7;
   *seed ^= *seed << 17;
   return *seed;
}

static uint64_t
seed_of_test(void)
{
   const uint64_t seed = uapi_env("PANSPARSE_TEST_SEED", 0x5eed5ca1e);

   print_message("# PANSPARSE_TEST_SEED=%llu\n", (unsigned long long)seed);
   return seed;
}

/* ----------------------------------------------------------- any range -- */

/*
 * Entries and tables of one sparse range: those of whole 512 GiB units, and at
 * each end at most 511 entries a level, in one table a level. It is unmapped
 * again at the same price.
 */
static void
any_range(struct scale *s, uint64_t va, uint64_t size)
{
   const uint64_t most_entries = (size + SZ_512G - 1) / SZ_512G +
                                 2 * (3 * 511 + 3);
   const uint64_t most_tables = 3 + 2 * 3; /* shared ones, and two ends */
   struct host_stats before = uapi_stats(s->dev);

   assert_int_equal(uapi_bind(s->vm, SPARSE, NULL, 0, va, size), 0);
   struct host_stats mapped = uapi_stats(s->dev);
   if (mapped.pt_entries_written - before.pt_entries_written > most_entries ||
       mapped.pt_pages - before.pt_pages > most_tables ||
       mapped.dram_peak_B - mapped.dram_allocated_B > 2 * most_tables * SZ_4K)
      fail_msg("[%llx, +%llx): %llu entries, %llu tables",
               (unsigned long long)va, (unsigned long long)size,
               (unsigned long long)(mapped.pt_entries_written -
                                    before.pt_entries_written),
               (unsigned long long)(mapped.pt_pages - before.pt_pages));
   assert_int_equal(mapped.vmas, before.vmas + 1);
   assert_true(pt_view(s->vm, va).level >= 2);
   assert_true(pt_view(s->vm, va + size - SZ_4K).level >= 2);

   assert_int_equal(uapi_bind(s->vm, UNMAP, NULL, 0, va, size), 0);
   struct host_stats empty = uapi_stats(s->dev);
   assert_true(empty.pt_entries_written - mapped.pt_entries_written <=
               most_entries);
   assert_int_equal(empty.pt_pages, before.pt_pages);
}

static void
run_any_range(bool fragmented)
{
   uint64_t seed = seed_of_test();
   struct scale s;

   start(&s, fragmented);
   any_range(&s, 0, USER_VA);
   any_range(&s, SZ_4K, USER_VA - 2 * SZ_4K);
   for (unsigned i = 0; i < 400; i++) {
      /* All magnitudes are equally likely. */
      uint64_t size = next_random(&seed) >> (17 + next_random(&seed) % 34);
      size = (size & ~(SZ_4K - 1)) + SZ_4K;
      if (size > USER_VA)
         size = USER_VA;
      const uint64_t room = (USER_VA - size) / SZ_4K + 1;
      any_range(&s, next_random(&seed) % room * SZ_4K, size);
   }
   stop(&s);
}

/* --------------------------------------------------- tiles in the middle -- */

/*
 * The first tile copies at most the three tables above it, its neighbours none;
 * unbound in any order, the range is what it was, entry by entry.
 */
static void
run_tiles(bool fragmented)
{
   const uint64_t base = SZ_1T + SZ_512G + 5 * SZ_1G;
   uint64_t seed = seed_of_test();
   unsigned order[TILES];
   struct scale s;

   start(&s, fragmented);
   assert_int_equal(uapi_bind(s.vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
   const struct host_stats whole = uapi_stats(s.dev);
   const struct pt_counts whole_counts = pt_count(s.vm);
   for (unsigned i = 0; i < TILES; i++) {
      const unsigned j = (unsigned)(next_random(&seed) % (i + 1));
      order[i] = order[j];
      order[j] = i;
   }
   for (unsigned i = 0; i < TILES; i++) {
      const uint64_t pages = uapi_stats(s.dev).pt_pages;
      assert_int_equal(uapi_bind(s.vm, NOEXEC, s.bo, order[i] * SZ_64K,
                                 base + order[i] * SZ_64K, SZ_64K), 0);
      const uint64_t now = uapi_stats(s.dev).pt_pages;
      assert_true(now <= pages + (i ? 1 : 3));
   }
   assert_int_equal(vmas_of(&s), 3);
   if (!fragmented) {
      const struct pt_leaf leaf = pt_view(s.vm, base + SZ_64K);
      assert_int_equal(leaf.level, 2);
   }

   /* The same again writes nothing and locks nothing. */
   const struct host_stats bound = uapi_stats(s.dev);
   for (unsigned i = 0; i < TILES; i++)
      assert_int_equal(uapi_bind(s.vm, NOEXEC, s.bo, order[i] * SZ_64K,
                                 base + order[i] * SZ_64K, SZ_64K), 0);
   const struct host_stats again = uapi_stats(s.dev);
   assert_int_equal(again.pt_entries_written, bound.pt_entries_written);
   assert_int_equal(again.mmu_locks, bound.mmu_locks);

   for (unsigned i = TILES; i-- > 0;)
      assert_int_equal(uapi_bind(s.vm, SPARSE, NULL, 0,
                                 base + order[i] * SZ_64K, SZ_64K), 0);
   const struct pt_counts counts = pt_count(s.vm);
   assert_int_equal(uapi_stats(s.dev).pt_pages, whole.pt_pages);
   assert_int_equal(vmas_of(&s), 1);
   assert_memory_equal(&counts, &whole_counts, sizeof(counts));
   stop(&s);
}

/* ------------------------------------------------------------ many VMAs -- */

static double
now_ns(void)
{
   struct timespec t;

   clock_gettime(CLOCK_MONOTONIC, &t);
   return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#ifdef __SANITIZE_THREAD__
#define MANY_VMAS 100000
#else
#define MANY_VMAS 1000000
#endif

/* Every other page, so that no two merge. */
static void
fill(struct scale *s, struct pan_kmod_vm *vm, uint64_t count)
{
   struct drm_panthor_vm_bind_op ops[1000];

   for (uint64_t i = 0; i < count; i += 1000) {
      for (unsigned k = 0; k < 1000; k++)
         ops[k] = (struct drm_panthor_vm_bind_op){
            .flags = NOEXEC,
            .bo_handle = s->bo->handle,
            .va = SZ_1T + (i + k) * 2 * SZ_4K,
            .size = SZ_4K,
         };
      assert_int_equal(pan_kmod_vm_bind(vm, 0, ops, 1000, NULL), 0);
   }
}

/* Binds and unbinds a page between VMAs, at 100 places that are spread out. */
static double
time_ops(struct scale *s, struct pan_kmod_vm *vm, uint64_t count)
{
   const double begin = now_ns();

   for (uint64_t i = 0; i < 100; i++) {
      const uint64_t at = i * 37 % 100 * (count / 100);
      const uint64_t va = SZ_1T + at * 2 * SZ_4K + SZ_4K;
      assert_int_equal(uapi_bind(vm, NOEXEC, s->bo, SZ_2M, va, SZ_4K), 0);
      assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, va, SZ_4K), 0);
   }
   return now_ns() - begin;
}

/* The best of interleaved rounds: what else the machine does only adds. */
static double
ratio_of(struct scale *s, struct pan_kmod_vm *few, struct pan_kmod_vm *many,
         uint64_t count)
{
   double best_few = 1e18, best_many = 1e18;

   for (unsigned round = 0; round < 7; round++) {
      const double a = time_ops(s, few, 1000), b = time_ops(s, many, count);
      best_few = a < best_few ? a : best_few;
      best_many = b < best_many ? b : best_many;
   }
   return best_many / best_few;
}

/*
 * An op among a million VMAs costs at most twice what it does among a thousand.
 */
static void
test_million_vmas(void **state)
{
   (void)state;
   const uint64_t count = uapi_env("PANSPARSE_TEST_VMAS", MANY_VMAS);
   struct pan_kmod_vm *many;
   double ratio = 0;
   struct scale s;

   start(&s, false);
   many = uapi_vm(s.dev);
   fill(&s, s.vm, 1000);
   fill(&s, many, count);
   assert_int_equal(vmas_of(&s), count + 1000);
   for (unsigned attempt = 0; attempt < 5; attempt++) {
      ratio = ratio_of(&s, s.vm, many, count);
      print_message("# an op costs %.2f times that among 1000 VMAs\n", ratio);
      if (ratio <= 2)
         break;
   }
   assert_true(ratio <= 2);

   /* As counts: an op among them writes its entry, and clears it. */
   const struct host_stats before = uapi_stats(s.dev);
   time_ops(&s, many, count);
   const struct host_stats after = uapi_stats(s.dev);
   assert_int_equal(after.pt_entries_written - before.pt_entries_written, 200);
   assert_int_equal(after.pt_pages, before.pt_pages);
   pan_kmod_vm_destroy(many);
   stop(&s);
}

/* ----------------------------------------------------------- locked bytes -- */

/*
 * Random tiles, bound and unbound alone or in batches. Of fragmented memory
 * there are no blocks, whose splitting needs all 2 MiB: so the locks cover at
 * most twice what is bound.
 */
static void
run_locked(uint32_t flags)
{
   struct drm_panthor_vm_bind_op ops[16];
   uint64_t seed = seed_of_test();
   struct scale s;

   start(&s, true);
   assert_int_equal(uapi_bind(s.vm, SPARSE, NULL, 0, SZ_1T, SZ_1G), 0);
   for (unsigned round = 0; round < 500; round++) {
      const unsigned count = (unsigned)(next_random(&seed) % 16) + 1;
      const struct host_stats before = uapi_stats(s.dev);
      uint64_t bound_B = 0;

      for (unsigned i = 0; i < count; i++) {
         const uint64_t random = next_random(&seed);
         const unsigned tile = (unsigned)(random >> 8) % (TILES - 8);
         const uint64_t size = SZ_64K * (1 + (random >> 32) % 8);
         ops[i] = (struct drm_panthor_vm_bind_op){
            .flags = random & 1 ? NOEXEC : SPARSE,
            .bo_handle = random & 1 ? s.bo->handle : 0,
            .bo_offset = random & 1 ? tile * SZ_64K : 0,
            .va = SZ_1T + (random >> 40) % (TILES - 8) * SZ_64K,
            .size = size,
         };
         bound_B += size;
      }
      assert_int_equal(pan_kmod_vm_bind(s.vm, flags, ops, count, NULL), 0);
      const struct host_stats after = uapi_stats(s.dev);
      if (after.mmu_locked_B - before.mmu_locked_B > 2 * bound_B)
         fail_msg("round %u: %llu bytes locked for %llu", round,
                  (unsigned long long)(after.mmu_locked_B -
                                       before.mmu_locked_B),
                  (unsigned long long)bound_B);
   }
   stop(&s);
}

/* LOCKADDR has no blocks below 32 KiB: that much per lock, whatever is bound. */
static void
test_locked_minimum(void **state)
{
   (void)state;
   struct scale s;

   start(&s, true);
   for (unsigned i = 0; i < 64; i++) {
      const struct host_stats before = uapi_stats(s.dev);
      assert_int_equal(uapi_bind(s.vm, NOEXEC, s.bo, 0,
                                 SZ_1T + i * 9 * SZ_4K, SZ_4K), 0);
      const struct host_stats after = uapi_stats(s.dev);
      assert_int_equal(after.mmu_locks - before.mmu_locks, 1);
      assert_int_equal(after.mmu_locked_B - before.mmu_locked_B, 32768);
   }
   stop(&s);
}

#define BOTH(name)                                                             \
   static void test_##name##_contiguous(void **state)                          \
   {                                                                           \
      (void)state;                                                             \
      run_##name(false);                                                       \
   }                                                                           \
   static void test_##name##_fragmented(void **state)                          \
   {                                                                           \
      (void)state;                                                             \
      run_##name(true);                                                        \
   }
BOTH(any_range)
BOTH(tiles)

/* What is locked of the address space is at most twice what is bound. */
static void
test_locked_sync(void **state)
{
   (void)state;
   run_locked(0);
}

/* What asynchronous binds lock is at most twice what they bind. */
static void
test_locked_async(void **state)
{
   (void)state;
   run_locked(ASYNC);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_range_contiguous),
      cmocka_unit_test(test_any_range_fragmented),
      cmocka_unit_test(test_tiles_contiguous),
      cmocka_unit_test(test_tiles_fragmented),
      cmocka_unit_test(test_million_vmas),
      cmocka_unit_test(test_locked_sync),
      cmocka_unit_test(test_locked_async),
      cmocka_unit_test(test_locked_minimum),
   };
   return cmocka_run_group_tests_name("uapi-scale", tests, NULL, NULL);
}
