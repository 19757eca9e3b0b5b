/* SPDX-License-Identifier: MIT */
/*
 * Binds in, VM_BIND ops out: the ops must do to a page table what the binds do
 * one by one, in VA order, and there must be no fewer of them possible.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "panvk_bind_list.h"
#include "drm-uapi/panthor_drm.h"

#define PAGE 4096ull
#define PAGES 4096u
#define BASE (0x7ull << 32)
#define DUMMY_HANDLE 77u
#define DUMMY_B (2ull << 20)

/* -------------------------------------------------- memory that runs out -- */

/* The linker sends the list's allocations here: see meson.build. */
void *__real_calloc(size_t count, size_t size_B);
void *__real_reallocarray(void *old, size_t count, size_t size_B);
void *__wrap_calloc(size_t count, size_t size_B);
void *__wrap_reallocarray(void *old, size_t count, size_t size_B);

static uint64_t fail_in = UINT64_MAX; /* that many allocations still succeed */

static bool
must_fail(void)
{
   return fail_in != UINT64_MAX && fail_in-- == 0;
}

void *
__wrap_calloc(size_t count, size_t size_B)
{
   return must_fail() ? NULL : __real_calloc(count, size_B);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size_B)
{
   return must_fail() ? NULL : __real_reallocarray(old, count, size_B);
}

/* ------------------------------------------------------------- the model -- */

/* Where a page points: handle << 32 | page of the BO; 0: never bound. */
#define NULL_PAGE 1ull

static uint64_t
entry(uint32_t handle, uint64_t offset_B)
{
   return handle == 0 ? NULL_PAGE : (uint64_t)handle << 32 | offset_B / PAGE;
}

static void
model_bind(uint64_t *model, uint64_t va, uint64_t size_B, uint32_t handle,
           uint64_t offset_B)
{
   for (uint64_t at = 0; at < size_B; at += PAGE) {
      assert_true(va + at >= BASE && (va + at - BASE) / PAGE < PAGES);
      model[(va + at - BASE) / PAGE] = entry(handle, offset_B + at);
   }
}

static void
check_op(const struct drm_panthor_vm_bind_op *op, bool chunked)
{
   uint32_t flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
                    DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
   if (op->bo_handle == 0) {
      assert_false(chunked);
      assert_int_equal(op->bo_offset, 0);
      flags |= DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;
   }
   if (op->bo_handle == DUMMY_HANDLE) {
      assert_true(chunked);
      assert_int_equal(op->bo_offset, op->va % DUMMY_B);
      assert_true(op->bo_offset + op->size <= DUMMY_B);
   }
   assert_int_equal(op->flags, flags);
   assert_int_equal(op->syncs.count, 0);
   assert_true(op->size != 0);
   assert_int_equal((op->va | op->size | op->bo_offset) % PAGE, 0);
}

static void
apply_ops(uint64_t *table, const struct drm_panthor_vm_bind_op *ops,
          uint32_t count, bool chunked)
{
   for (uint32_t i = 0; i < count; i++) {
      check_op(&ops[i], chunked);
      if (i != 0)
         assert_true(ops[i - 1].va + ops[i - 1].size <= ops[i].va);
      model_bind(table, ops[i].va, ops[i].size,
                 ops[i].bo_handle == DUMMY_HANDLE ? 0 : ops[i].bo_handle,
                 ops[i].bo_offset);
   }
}

/* The number of maximal runs in the table: what the ops should number. */
static uint32_t
count_runs(const uint64_t *table)
{
   uint32_t runs = 0;
   for (uint32_t i = 0; i < PAGES; i++) {
      bool continues =
         i != 0 && table[i] != 0 &&
         (table[i] == NULL_PAGE ? table[i - 1] == NULL_PAGE
                                : table[i - 1] + 1 == table[i] &&
                                     table[i - 1] >> 32 == table[i] >> 32);
      runs += table[i] != 0 && !continues;
   }
   return runs;
}

/* ----------------------------------------------------------------- tests -- */

static uint64_t
next_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return *state;
}

struct range {
   uint32_t first, count; /* pages */
   uint32_t handle;
   uint64_t offset_B;
};

/* Disjoint ranges over the model's pages, in a random order. */
static uint32_t
make_ranges(uint64_t *seed, struct range ranges[PAGES])
{
   uint32_t count = 0;
   uint32_t longest = 1 + (uint32_t)(next_random(seed) % 300);
   for (uint32_t page = 0; page < PAGES;) {
      uint64_t random = next_random(seed);
      uint32_t length = 1 + (uint32_t)(random % longest);
      length = length < PAGES - page ? length : PAGES - page;
      uint32_t handle = (uint32_t)(random >> 16) % 4;
      if ((random >> 20) % 4 != 0)
         ranges[count++] = (struct range){
            page, length, handle,
            /* often contiguous, and not in VA order */
            (random >> 24) % 2 ? page * PAGE : (random >> 28) % 8192 * PAGE};
      page += length;
   }
   for (uint32_t i = count; i > 1; i--) {
      uint32_t j = (uint32_t)(next_random(seed) % i);
      struct range swap = ranges[i - 1];
      ranges[i - 1] = ranges[j];
      ranges[j] = swap;
   }
   return count;
}

static void
run_random(uint64_t *seed, bool chunked)
{
   static struct range ranges[PAGES];
   static uint64_t model[PAGES], table[PAGES];
   struct panvk_null_mapping null_mapping = {chunked ? DUMMY_HANDLE : 0};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count = make_ranges(seed, ranges), op_count;

   memset(model, 0, sizeof(model));
   memset(table, 0, sizeof(table));
   panvk_bind_list_init(&list);
   for (uint32_t i = 0; i < count; i++) {
      uint64_t va = BASE + ranges[i].first * PAGE;
      uint64_t size_B = ranges[i].count * PAGE;
      model_bind(model, va, size_B, ranges[i].handle, ranges[i].offset_B);
      panvk_bind_list_add(&list, va, size_B, ranges[i].handle,
                          ranges[i].offset_B);
   }
   assert_int_equal(list.appended, count);
   assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &op_count),
                    0);
   apply_ops(table, ops, op_count, chunked);
   assert_memory_equal(model, table, sizeof(model));
   if (!chunked)
      assert_int_equal(op_count, count_runs(model));
   free(ops);
   panvk_bind_list_finish(&list);
}

static void
test_random(void **state)
{
   uint64_t seed = 0xfeedfacecafebeefull;
   for (int i = 0; i < 300; i++) {
      run_random(&seed, false);
      run_random(&seed, true);
   }
}

static void
test_empty(void **state)
{
   struct panvk_null_mapping null_mapping = {0};
   struct drm_panthor_vm_bind_op *ops = (void *)1;
   struct panvk_bind_list list;
   uint32_t count = 1;

   panvk_bind_list_init(&list);
   panvk_bind_list_add(&list, BASE, 0, 1, 0); /* a bind of nothing */
   assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &count),
                    0);
   assert_null(ops);
   assert_int_equal(count, 0);
   panvk_bind_list_finish(&list);
}

/* 65,536 tiles of one resource to one memory object, backwards: one op. */
static void
test_backwards(void **state)
{
   struct panvk_null_mapping null_mapping = {0};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count;

   panvk_bind_list_init(&list);
   for (uint64_t i = 65536; i-- > 0;)
      panvk_bind_list_add(&list, BASE + i * 65536, 65536, 5, i * 65536);
   assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &count),
                    0);
   assert_int_equal(count, 1);
   assert_int_equal(ops[0].va, BASE);
   assert_int_equal(ops[0].size, 65536ull * 65536);
   free(ops);
   panvk_bind_list_finish(&list);
}

/* An unbound TiB is one op, whatever it was bound with before. */
static void
test_huge_null(void **state)
{
   struct panvk_null_mapping null_mapping = {0}, dummy = {DUMMY_HANDLE};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count;

   panvk_bind_list_init(&list);
   panvk_bind_list_add(&list, BASE, 1ull << 40, 0, 0);
   assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &count),
                    0);
   assert_int_equal(count, 1);
   assert_int_equal(ops[0].size, 1ull << 40);
   free(ops);
   /* Ragged ends cost the fallback a chunk each. */
   panvk_bind_list_finish(&list);
   panvk_bind_list_add(&list, BASE + PAGE, 2 * DUMMY_B, 0, 0);
   assert_int_equal(panvk_bind_list_emit(&list, &dummy, &ops, &count), 0);
   assert_int_equal(count, 3);
   free(ops);
   panvk_bind_list_finish(&list);
}

/*
 * A range bound twice in a batch is the application's error; what becomes of it
 * is still the later bind where both start alike.
 */
static void
test_overlap_is_stable(void **state)
{
   struct panvk_null_mapping null_mapping = {0};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count;

   panvk_bind_list_init(&list);
   for (uint32_t i = 0; i < 100; i++)
      panvk_bind_list_add(&list, BASE + (i % 2) * 65536, 65536, i + 1, 0);
   assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &count),
                    0);
   assert_int_equal(count, 100);
   assert_int_equal(ops[49].bo_handle, 99);
   assert_int_equal(ops[99].bo_handle, 100);
   free(ops);
   panvk_bind_list_finish(&list);
}

static void
test_residency(void **state)
{
   struct panvk_image *one = (void *)16, *two = (void *)32;
   struct panvk_bind_list list;

   panvk_bind_list_init(&list);
   panvk_bind_list_add_residency(&list, one, 4, 2, true);
   panvk_bind_list_add_residency(&list, one, 6, 1, true); /* goes on */
   panvk_bind_list_add_residency(&list, one, 7, 1, false); /* other way */
   panvk_bind_list_add_residency(&list, two, 8, 1, false); /* other image */
   panvk_bind_list_add_residency(&list, two, 10, 1, false); /* a gap */
   assert_int_equal(list.residency_count, 4);
   assert_int_equal(list.residency[0].first_tile, 4);
   assert_int_equal(list.residency[0].tile_count, 3);
   assert_true(list.residency[0].resident);
   panvk_bind_list_finish(&list);
   assert_int_equal(list.residency_count, 0);
}

/* Whichever allocation fails, the answer is -ENOMEM and nothing is lost. */
static void
test_out_of_memory(void **state)
{
   struct panvk_null_mapping null_mapping = {0};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count;
   int ret = -ENOMEM;
   uint64_t n;

   for (n = 0; ret == -ENOMEM; n++) {
      assert_true(n < 100);
      panvk_bind_list_init(&list);
      fail_in = n;
      for (uint64_t i = 200; i-- > 0;) {
         panvk_bind_list_add(&list, BASE + i * 65536, 65536, 1 + i % 2, 0);
         panvk_bind_list_add_residency(&list, (void *)16, (uint32_t)i * 2, 1,
                                       true);
      }
      ret = panvk_bind_list_emit(&list, &null_mapping, &ops, &count);
      fail_in = UINT64_MAX;
      if (ret != 0) {
         assert_int_equal(ret, -ENOMEM);
         assert_null(ops);
      }
      if (ret == 0)
         free(ops);
      panvk_bind_list_finish(&list);
   }
   assert_int_equal(ret, 0);
   assert_true(n > 8); /* two arrays that grow, two of the sort, the ops */
}

static double
nanoseconds(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Printed, not judged: what a bind costs before the ioctl. */
static void
test_speed(void **state)
{
   enum { COUNT = 65536 };
   struct panvk_null_mapping null_mapping = {0};
   struct drm_panthor_vm_bind_op *ops;
   struct panvk_bind_list list;
   uint32_t count;
   double best = 1e18;

   panvk_bind_list_init(&list);
   for (int round = 0; round < 5; round++) {
      double start = nanoseconds();
      panvk_bind_list_reset(&list);
      for (uint64_t i = 0; i < COUNT; i++)
         panvk_bind_list_add(&list, BASE + i * 40503 % COUNT * 65536, 65536, 3,
                             i * 65536);
      assert_int_equal(panvk_bind_list_emit(&list, &null_mapping, &ops, &count),
                       0);
      double duration = nanoseconds() - start;
      best = duration < best ? duration : best;
      assert_int_equal(count, COUNT);
      free(ops);
   }
   panvk_bind_list_finish(&list);
   printf("# %d scattered binds: %.0f ns each\n", COUNT, best / COUNT);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random),
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_backwards),
      cmocka_unit_test(test_huge_null),
      cmocka_unit_test(test_overlap_is_stable),
      cmocka_unit_test(test_residency),
      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_speed),
   };
   return cmocka_run_group_tests_name("panvk_bind_list", tests, NULL, NULL);
}
