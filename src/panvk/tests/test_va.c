/* SPDX-License-Identifier: MIT */
/*
 * The GPU VA allocator against a model: a byte per 64 KiB unit of a small heap.
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

#include "panvk_va.h"

#define UNIT PANVK_VA_MIN_ALIGN
#define UNITS 4096u
#define BASE (1ull << 32)

static uint64_t
next_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return *state;
}

static uint64_t
power_of_two_at_least(uint64_t value)
{
   uint64_t power = UNIT;
   while (power < value)
      power <<= 1;
   return power;
}

struct live {
   uint64_t va, size_B;
};

struct model {
   uint8_t used[UNITS];
   uint64_t free_units;
};

static void
model_set(struct model *model, uint64_t va, uint64_t size_B, uint8_t used)
{
   assert_true(va >= BASE && va % UNIT == 0);
   uint64_t first = (va - BASE) / UNIT;
   uint64_t count = (size_B + UNIT - 1) / UNIT;
   assert_true(first + count <= UNITS);
   for (uint64_t i = first; i < first + count; i++) {
      assert_int_not_equal(model->used[i], used);
      model->used[i] = used;
   }
   model->free_units = used ? model->free_units - count
                            : model->free_units + count;
}

/* Is there an aligned free stretch at all? */
static bool
model_fits(const struct model *model, uint64_t size_B)
{
   uint64_t count = (size_B + UNIT - 1) / UNIT;
   uint64_t align = power_of_two_at_least(count * UNIT);
   for (uint64_t i = 0; i + count <= UNITS; i++) {
      if ((BASE + i * UNIT) % align != 0)
         continue;
      if (memchr(&model->used[i], 1, count) == NULL)
         return true;
   }
   return false;
}

/*
 * Every range handed out is aligned and free; a refusal is right; and giving
 * all back leaves one whole range.
 */
static void
test_model(void **state)
{
   uint64_t seed = 0x123456789abcdefull;
   struct panvk_va_heap heap;
   struct model model = {.free_units = UNITS};
   struct live live[256];
   uint32_t live_count = 0, refused = 0;

   assert_int_equal(panvk_va_heap_init(&heap, BASE, BASE + UNITS * UNIT), 0);
   for (int step = 0; step < 60000; step++) {
      uint64_t random = next_random(&seed);
      if (live_count < 256 && random % 5 < 3) {
         uint64_t size_B = 1 + (random >> 8) % (1ull << (16 + random % 10));
         uint64_t va = 0;
         int ret = panvk_va_alloc(&heap, size_B, &va);
         if (ret != 0) {
            assert_int_equal(ret, -ENOSPC);
            assert_false(model_fits(&model, size_B));
            refused++;
            continue;
         }
         assert_int_equal(va % power_of_two_at_least(size_B), 0);
         model_set(&model, va, size_B, 1);
         live[live_count++] = (struct live){va, size_B};
      } else if (live_count != 0) {
         uint32_t i = (uint32_t)((random >> 8) % live_count);
         panvk_va_free(&heap, live[i].va, live[i].size_B);
         model_set(&model, live[i].va, live[i].size_B, 0);
         live[i] = live[--live_count];
      }
      assert_int_equal(heap.free_B, model.free_units * UNIT);
   }
   assert_true(refused > 100); /* the heap was really full at times */

   while (live_count != 0) {
      live_count--;
      panvk_va_free(&heap, live[live_count].va, live[live_count].size_B);
   }
   uint64_t va;
   assert_int_equal(panvk_va_alloc(&heap, UNITS * UNIT, &va), 0);
   assert_int_equal(va, BASE);
   assert_int_equal(panvk_va_alloc(&heap, 1, &va), -ENOSPC);
   panvk_va_free(&heap, BASE, UNITS * UNIT);
   panvk_va_heap_finish(&heap);
}

static void
test_bad_sizes(void **state)
{
   struct panvk_va_heap heap;
   uint64_t va = 42;

   assert_int_equal(panvk_va_heap_init(&heap, BASE, BASE + UNITS * UNIT), 0);
   assert_int_equal(panvk_va_alloc(&heap, 0, &va), -EINVAL);
   assert_int_equal(panvk_va_alloc(&heap, UNITS * UNIT + 1, &va), -ENOSPC);
   assert_int_equal(panvk_va_alloc(&heap, UINT64_MAX, &va), -ENOSPC);
   assert_int_equal(panvk_va_alloc(&heap, UINT64_MAX - UNIT, &va), -ENOSPC);
   assert_int_equal(va, 42);
   assert_int_equal(heap.free_B, UNITS * UNIT);
   panvk_va_heap_finish(&heap);
}

/* The alignment stops at the largest stretch that shared tables cover. */
static void
test_huge(void **state)
{
   struct panvk_va_heap heap;
   uint64_t va[3];

   assert_int_equal(panvk_va_heap_init(&heap, BASE, 1ull << 47), 0);
   for (int i = 0; i < 3; i++) {
      assert_int_equal(panvk_va_alloc(&heap, 3ull << 40, &va[i]), 0);
      assert_int_equal(va[i] % PANVK_VA_MAX_ALIGN, 0);
   }
   for (int i = 0; i < 3; i++)
      panvk_va_free(&heap, va[i], 3ull << 40);
   assert_int_equal(heap.free_B, (1ull << 47) - BASE);
   panvk_va_heap_finish(&heap);
}

/* The smallest hole that fits is taken, and filled where it is as large. */
static void
test_best_fit(void **state)
{
   struct panvk_va_heap heap;
   uint64_t va[8], again;

   assert_int_equal(panvk_va_heap_init(&heap, BASE, BASE + UNITS * UNIT), 0);
   for (int i = 0; i < 8; i++)
      assert_int_equal(panvk_va_alloc(&heap, 8 * UNIT, &va[i]), 0);
   panvk_va_free(&heap, va[2], 8 * UNIT);
   panvk_va_free(&heap, va[4], 8 * UNIT);
   panvk_va_free(&heap, va[5], 8 * UNIT);
   assert_int_equal(panvk_va_alloc(&heap, 8 * UNIT, &again), 0);
   assert_int_equal(again, va[2]);
   panvk_va_heap_finish(&heap);
}

static double
seconds(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/*
 * With 100,000 holes in the heap: a linear search would take a hundred times as
 * long as with a thousand. The limit is far from both.
 */
static double
time_with_holes(uint32_t holes)
{
   struct panvk_va_heap heap;
   uint64_t *va = calloc(2 * holes, sizeof(*va));
   assert_non_null(va);
   assert_int_equal(panvk_va_heap_init(&heap, BASE, 1ull << 47), 0);
   for (uint32_t i = 0; i < 2 * holes; i++)
      assert_int_equal(panvk_va_alloc(&heap, UNIT, &va[i]), 0);
   for (uint32_t i = 0; i < 2 * holes; i += 2)
      panvk_va_free(&heap, va[i], UNIT);

   double start = seconds();
   for (uint32_t i = 0; i < 20000; i++) {
      uint64_t at;
      assert_int_equal(panvk_va_alloc(&heap, 2 * UNIT, &at), 0);
      panvk_va_free(&heap, at, 2 * UNIT);
   }
   double duration = seconds() - start;
   panvk_va_heap_finish(&heap);
   free(va);
   return duration;
}

static void
test_scales(void **state)
{
   double few = time_with_holes(1000), many = time_with_holes(100000);
   printf("# alloc and free: %.0f ns with 1,000 holes, %.0f ns with 100,000\n",
          few / 20000 * 1e9, many / 20000 * 1e9);
   assert_true(many < few * 20);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),    cmocka_unit_test(test_bad_sizes),
      cmocka_unit_test(test_huge),     cmocka_unit_test(test_best_fit),
      cmocka_unit_test(test_scales),
   };
   return cmocka_run_group_tests_name("panvk_va", tests, NULL, NULL);
}
