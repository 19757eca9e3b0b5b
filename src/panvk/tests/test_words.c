/* SPDX-License-Identifier: MIT */
/* Strings and chains: debug words, versions, extension names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "panvk_chain.h"
#include "panvk_engine.h"
#include "panvk_log.h"

static void
count_word(const char *word, void *data)
{
   assert_string_equal(word, "bogus");
   ++*(int *)data;
}

static void
test_debug_words(void **state)
{
   int unknown = 0;
   uint32_t all = PANVK_DEBUG_BINDS | PANVK_DEBUG_STATS | PANVK_DEBUG_ENGINE |
                  PANVK_DEBUG_UNBOUND | PANVK_DEBUG_VALIDATE;

   assert_int_equal(panvk_debug_parse("", count_word, &unknown), 0);
   assert_int_equal(panvk_debug_parse(",, ,", count_word, &unknown), 0);
   assert_int_equal(panvk_debug_parse("binds", count_word, &unknown),
                    PANVK_DEBUG_BINDS);
   assert_int_equal(
      panvk_debug_parse("stats, engine,binds unbound,,validate", count_word, &unknown), all);
   assert_int_equal(unknown, 0);
   assert_int_equal(panvk_debug_parse("bogus,stats", count_word, &unknown),
                    PANVK_DEBUG_STATS);
   assert_int_equal(unknown, 1);
   /* A prefix of a word is not the word. */
   assert_int_equal(panvk_debug_parse("bind", NULL, NULL), 0);
   assert_int_equal(panvk_debug_parse("bindsx", NULL, NULL), 0);
}

static void
test_versions(void **state)
{
   unsigned major = 0, minor = 0;

   assert_true(panvk_engine_parse_version(
      "Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6)", &major, &minor));
   assert_int_equal(major, 25);
   assert_int_equal(minor, 0);
   assert_true(panvk_engine_parse_version("Mesa 26.3.0-devel (git-1234abcd)",
                                          &major, &minor));
   assert_int_equal(major, 26);
   assert_int_equal(minor, 3);
   assert_false(panvk_engine_parse_version("", &major, &minor));
   assert_false(panvk_engine_parse_version("535.183.01", &major, &minor));
   assert_false(panvk_engine_parse_version("Mesa git", &major, &minor));
}

static void
test_chains(void **state)
{
   VkPhysicalDeviceVulkan12Features last = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
   };
   VkPhysicalDeviceFeatures2 first = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
      .pNext = &last,
   };

   assert_ptr_equal(panvk_find_struct(&first, first.sType), &first);
   assert_ptr_equal(panvk_find_struct_const(&first, last.sType), &last);
   assert_null(panvk_find_struct(&first, VK_STRUCTURE_TYPE_SUBMIT_INFO));
   assert_null(panvk_find_struct_const(NULL, first.sType));
}

static void
test_names(void **state)
{
   const char *const has[] = {"a", "b"};
   const char *const needs[] = {"b", "c"};
   uint32_t count;

   const char **merged = panvk_merge_names(has, 2, needs, 2, &count);
   assert_int_equal(count, 3);
   assert_true(panvk_has_name(merged, count, "a"));
   assert_true(panvk_has_name(merged, count, "c"));
   assert_false(panvk_has_name(merged, count, "d"));
   free(merged);
   merged = panvk_merge_names(NULL, 0, NULL, 0, &count);
   assert_non_null(merged);
   assert_int_equal(count, 0);
   free(merged);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_debug_words),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_names),
   };
   return cmocka_run_group_tests_name("panvk_words", tests, NULL, NULL);
}
