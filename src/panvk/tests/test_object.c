/* SPDX-License-Identifier: MIT */
/* The maps from handles to objects: against a model, and from many threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_object.h"

static uint64_t
next_random(uint64_t *state)
{
   *state ^= *state << 13;
   *state ^= *state >> 7;
   *state ^= *state << 17;
   return *state;
}

/* Keys like handles: pointers with equal low bits, near each other. */
#define KEYS 1000
static uint64_t
key_of(uint64_t i)
{
   return 0x7f0000000000ull + i * 64;
}

static void
sum_values(void *value, void *data)
{
   *(uint64_t *)data += (uint64_t)(uintptr_t)value;
}

static void
test_model(void **state)
{
   static uintptr_t model[KEYS];
   struct panvk_map map;
   uint64_t seed = 88172645463325252ull;
   uint32_t count = 0;

   panvk_map_init(&map);
   assert_null(panvk_map_find(&map, key_of(0)));
   assert_null(panvk_map_remove(&map, key_of(0)));
   for (int step = 0; step < 200000; step++) {
      uint64_t random = next_random(&seed);
      uint64_t i = random % KEYS;
      if ((random >> 16) % 2) {
         uintptr_t value = (uintptr_t)(random >> 20 | 1);
         assert_true(panvk_map_insert(&map, key_of(i), (void *)value));
         count += model[i] == 0;
         model[i] = value;
      } else {
         assert_ptr_equal(panvk_map_remove(&map, key_of(i)), model[i]);
         count -= model[i] != 0;
         model[i] = 0;
      }
      assert_int_equal(map.count, count);
      i = (random >> 24) % KEYS;
      assert_ptr_equal(panvk_map_find(&map, key_of(i)), model[i]);
   }

   uint64_t sum = 0, expected = 0;
   for (int i = 0; i < KEYS; i++) {
      assert_ptr_equal(panvk_map_find(&map, key_of((uint64_t)i)), model[i]);
      expected += model[i];
   }
   panvk_map_foreach(&map, sum_values, &sum);
   assert_true(sum == expected);
   panvk_map_finish(&map);
}

#define THREADS 4

struct worker {
   struct panvk_map *map;
   uint64_t id;
   uint32_t errors;
};

/* Each has keys of its own, and reads one that is always there. */
static void *
work(void *data)
{
   struct worker *worker = data;
   for (uint64_t round = 0; round < 5000; round++) {
      uint64_t key = key_of(KEYS + worker->id + THREADS * (round % 50));
      void *value = (void *)(uintptr_t)(round + 1);
      worker->errors += !panvk_map_insert(worker->map, key, value);
      worker->errors += panvk_map_find(worker->map, key) != value;
      worker->errors += panvk_map_find(worker->map, key_of(1)) != worker->map;
      worker->errors += panvk_map_remove(worker->map, key) != value;
   }
   return NULL;
}

static void
test_threads(void **state)
{
   struct panvk_map map = PANVK_MAP_INITIALIZER;
   struct worker workers[THREADS];
   pthread_t threads[THREADS];

   assert_true(panvk_map_insert(&map, key_of(1), &map));
   for (uint64_t i = 0; i < THREADS; i++) {
      workers[i] = (struct worker){.map = &map, .id = i};
      assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
   }
   for (int i = 0; i < THREADS; i++) {
      pthread_join(threads[i], NULL);
      assert_int_equal(workers[i].errors, 0);
   }
   assert_int_equal(map.count, 1);
   panvk_map_finish(&map);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_model),
      cmocka_unit_test(test_threads),
   };
   return cmocka_run_group_tests_name("panvk_object", tests, NULL, NULL);
}
