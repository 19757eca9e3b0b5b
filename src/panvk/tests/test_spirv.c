/* SPDX-License-Identifier: MIT */
/* The repair of shaders: what becomes of instructions, and of bad modules. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_spirv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define I(op, ...)                                                             \
   (uint32_t)(1 + sizeof((uint32_t[]){__VA_ARGS__}) / 4) << 16 | (op),         \
      __VA_ARGS__

enum {
   UINT = 1, UINT4, SPARSE, BUFFER_IMAGE, PLAIN_IMAGE, BUFFER_VAR, PLAIN_VAR,
   BUFFER_VALUE, PLAIN_VALUE, COORD, FIRST, SECOND, OF_PLAIN, BOUND,
};

/* No whole module; all that the repair looks at. */
#define MODULE(capability)                                                     \
   {                                                                           \
      0x07230203, 0x10000, 7, BOUND, 0, I(17, 1), I(17, capability),           \
         I(21, UINT, 32, 0), I(23, UINT4, UINT, 4), I(30, SPARSE, UINT, UINT4),\
         I(25, BUFFER_IMAGE, UINT, 5, 0, 0, 0, 1, 0),                          \
         I(25, PLAIN_IMAGE, UINT, 1, 0, 0, 0, 1, 0), I(54, 99, 98, 0, 97),     \
         I(61, BUFFER_IMAGE, BUFFER_VALUE, BUFFER_VAR),                        \
         I(61, PLAIN_IMAGE, PLAIN_VALUE, PLAIN_VAR),                           \
         I(313, SPARSE, FIRST, BUFFER_VALUE, COORD),                           \
         I(313, SPARSE, OF_PLAIN, PLAIN_VALUE, COORD),                         \
         I(313, SPARSE, SECOND, BUFFER_VALUE, COORD), 1 << 16 | 56,            \
   }

static const uint32_t module[] = MODULE(41);

static const uint32_t repaired[] = {
   0x07230203, 0x10000, 7, BOUND + 4, 0, I(17, 1), I(17, 41),
   I(21, UINT, 32, 0), I(23, UINT4, UINT, 4), I(30, SPARSE, UINT, UINT4),
   I(25, BUFFER_IMAGE, UINT, 5, 0, 0, 0, 1, 0),
   I(25, PLAIN_IMAGE, UINT, 1, 0, 0, 0, 1, 0),
   I(43, UINT, BOUND + 1, 1), I(43, UINT, BOUND + 3, 1),
   I(54, 99, 98, 0, 97),
   I(61, BUFFER_IMAGE, BUFFER_VALUE, BUFFER_VAR),
   I(61, PLAIN_IMAGE, PLAIN_VALUE, PLAIN_VAR),
   I(95, UINT4, BOUND, BUFFER_VALUE, COORD),
   I(80, SPARSE, FIRST, BOUND + 1, BOUND),
   I(313, SPARSE, OF_PLAIN, PLAIN_VALUE, COORD),
   I(95, UINT4, BOUND + 2, BUFFER_VALUE, COORD),
   I(80, SPARSE, SECOND, BOUND + 3, BOUND + 2), 1 << 16 | 56,
};

/* From memory of exactly its size, so that AddressSanitizer sees more. */
static int
repair(const uint32_t *words, size_t count, uint32_t **out, size_t *count_out)
{
   uint32_t *copy = malloc(count * sizeof(*copy) + !count);

   assert_non_null(copy);
   memcpy(copy, words, count * sizeof(*copy));
   int result = panvk_spirv_repair(copy, count, out, count_out);
   free(copy);
   return result;
}

static void
test_repair(void **state)
{
   (void)state;
   uint32_t *out = NULL;
   size_t count = 0;

   assert_int_equal(repair(module, COUNT(module), &out, &count), 1);
   assert_int_equal(count, COUNT(repaired));
   assert_memory_equal(out, repaired, sizeof(repaired));

   /* Once is enough. */
   uint32_t *again = NULL;
   assert_int_equal(repair(out, count, &again, &count), 0);
   assert_null(again);
   free(out);
}

static void
test_nothing_to_do(void **state)
{
   (void)state;
   static const uint32_t without_capability[] = MODULE(42);
   uint32_t *out = NULL;
   size_t count;

   assert_int_equal(repair(without_capability, COUNT(without_capability), &out,
                           &count), 0);
   assert_null(out);
}

/* A module of any length, or of any contents, is taken or left. */
static void
test_bad_modules(void **state)
{
   (void)state;
   uint32_t words[COUNT(module)];
   uint32_t *out = NULL;
   size_t count;

   for (size_t length = 0; length < COUNT(module); length++) {
      if (repair(module, length, &out, &count) == 1)
         free(out);
   }
   srand(1);
   for (unsigned i = 0; i < 200000; i++) {
      memcpy(words, module, sizeof(words));
      for (unsigned n = 1 + (unsigned)rand() % 3; n; n--) {
         uint32_t *word = &words[(size_t)rand() % COUNT(words)];

         *word = rand() % 2 ? (uint32_t)rand() % 120
                            : *word ^ 1u << rand() % 32;
      }
      if (repair(words, COUNT(words), &out, &count) == 1) {
         assert_true(count > COUNT(words));
         free(out);
      }
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_repair),
      cmocka_unit_test(test_nothing_to_do),
      cmocka_unit_test(test_bad_modules),
   };

   return cmocka_run_group_tests(tests, NULL, NULL);
}
