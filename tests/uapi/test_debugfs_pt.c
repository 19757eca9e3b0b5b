/* SPDX-License-Identifier: MIT */
/* The trees of page tables that debugfs draws, against the walker. */
#include "debugfs_text.h"
#include "pt_view.h"
#include "uapi.h"

#include <inttypes.h>
#include <stdio.h>

#define BASE SZ_1T

/* How often a line with these words is in the text. */
static unsigned
count(const char *text, const char *words)
{
   unsigned n = 0;

   for (; (text = strstr(text, words)); text++)
      n++;
   return n;
}

/* A line that begins with @start (after spaces) and ends with @end is there. */
static bool
has_line(const char *text, const char *start, const char *end)
{
   for (const char *line = strstr(text, start); line;
        line = strstr(line + 1, start)) {
      size_t length = strcspn(line, "\n"), tail = strlen(end);

      if (length >= tail && !memcmp(line + length - tail, end, tail))
         return true;
   }
   return false;
}

/* Terabytes of sparse memory, in as many lines as it has levels. */
static void
test_shared(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small_fragmented);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);
   char root[32];
   uint64_t pa;
   (void)state;

   char *text = debugfs_text(dev, "page_tables");
   assert_int_equal(pan_kmod_vm_root(vm, &pa), 0);
   snprintf(root, sizeof(root), "table of level 0 at 0x%" PRIx64 ",", pa);
   assert_non_null(strstr(text, "Page tables of file 1, VM 1: 1 tables\n"));
   assert_true(has_line(text, root, ", 0 in use"));
   assert_int_equal(count(text, "["), 0);
   free(text);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, BASE, 2 * SZ_1T), 0);
   text = debugfs_text(dev, "page_tables");
   assert_non_null(strstr(text, "VM 1: 4 tables\n"));
   assert_non_null(strstr(text, "\n  [  2-  5] 0x010000000000 shared table of level 1 at 0x"));
   assert_true(has_line(text, "shared table of level 1 at ",
                        ": rw-, named by 4 entries"));
   assert_true(has_line(text, "shared table of level 2 at ",
                        ": rw-, named by 512 entries"));
   assert_true(has_line(text, "shared table of level 3 at ",
                        ": rw-, named by 512 entries"));
   assert_int_equal(count(text, "\n  [  0-511] 0x000000000000 shared table"), 2);
   free(text);

   /* A tile in its middle, and other attributes beside. */
   assert_int_equal(uapi_bind(vm, NOEXEC | READONLY, bo, 0,
                              BASE + 3 * SZ_2M + SZ_64K, SZ_64K), 0);
   assert_int_equal(uapi_bind(vm, SPARSE | UNCACHED, NULL, 0, 4 * SZ_1T, SZ_2M),
                    0);
   text = debugfs_text(dev, "page_tables");
   assert_non_null(strstr(text, "\n  [  2] 0x010000000000 table of level 1 at 0x"));
   assert_non_null(strstr(text, "\n  [  3-  5] 0x018000000000 shared table of level 1 at 0x"));
   assert_non_null(strstr(text, "\n    [  0] 0x010000000000 table of level 2 at 0x"));
   assert_non_null(strstr(text, "\n    [  1-511] 0x010040000000 shared table of level 2 at 0x"));
   assert_non_null(strstr(text, "\n      [  0-  2] 0x010000000000 shared table of level 3 at 0x"));
   assert_non_null(strstr(text, "\n      [  3] 0x010000600000 table of level 3 at 0x"));
   assert_non_null(strstr(text, "\n      [  4-511] 0x010000800000 shared table of level 3 at 0x"));
   assert_true(has_line(text, "[  3] 0x010000600000 table", ", 512 in use"));
   assert_int_equal(count(text, " 1 x 4 KiB, r-- at 0x"), 16);
   assert_true(has_line(text, "shared table of level 1 at ",
                        ": rw-, named by 3 entries"));
   assert_true(has_line(text, "shared table of level 3 at ",
                        ": rw- uncached, named by 1 entries"));
   free(text);
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* Blocks of one dummy, and of memory that goes on. */
static void
test_blocks(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, 4 * SZ_2M);
   (void)state;

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, BASE, SZ_1G - SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, 0, bo, 0, BASE + SZ_1G, 4 * SZ_2M), 0);
   char *text = debugfs_text(dev, "page_tables");
   assert_non_null(strstr(text, "[  0-510] 0x010000000000 511 x 2 MiB, rw-, each at 0x"));
   assert_non_null(strstr(text, "[  0-  3] 0x010040000000 4 x 2 MiB, rwx at 0x"));
   free(text);
   uapi_evict(dev, 2);
   text = debugfs_text(dev, "page_tables");
   assert_non_null(strstr(text, "[  0-  3] 0x010040000000 4 x 2 MiB, rwx, absent: "
                                "0x0 of an evicted object\n"));
   free(text);
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* Sparse memory without a dummy. */
static void
test_null(void **state)
{
   const struct host_config config = {.dram_size_B = SZ_1G, .null_memory = true};
   struct pan_kmod_dev *dev = uapi_open(&config);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   (void)state;

   uapi_need_virtual(dev);
   if (pan_kmod_dev_props(dev)->null_memory) {
      assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, BASE, SZ_64K), 0);
      char *text = debugfs_text(dev, "page_tables");
      assert_non_null(strstr(text, "[  0- 15] 0x010000000000 16 x 4 KiB, rw-, null memory\n"));
      free(text);
   }
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* ----------------------------------------------------------------- random -- */

#define SPACE_PAGES 4096u

static uint64_t
random_below(unsigned *seed, uint64_t bound)
{
   return (uint64_t)rand_r(seed) % bound;
}

static void
random_bind(struct pan_kmod_vm *vm, struct pan_kmod_bo *bo, unsigned *seed)
{
   uint64_t first = random_below(seed, SPACE_PAGES);
   uint64_t pages = 1 + random_below(seed, SPACE_PAGES - first);
   uint32_t flags = rand_r(seed) % 3 ? NOEXEC : UNMAP;

   assert_int_equal(uapi_bind(vm, flags, flags == UNMAP ? NULL : bo,
                              flags == UNMAP ? 0 : first * SZ_4K,
                              BASE + first * SZ_4K, pages * SZ_4K), 0);
}

struct page {
   bool said, absent;
   uint64_t address;
};

/* What a line of leaves says of each page; false: it is no such line. */
static bool
read_leaves(const char *line, struct page *pages)
{
   unsigned first, last, n, size;
   uint64_t va, address;
   char unit[4];
   const char *at;

   if (sscanf(line, " [%u-%u] 0x%" SCNx64 " %u x %u %3s", &first, &last, &va, &n,
              &size, unit) != 6) {
      if (sscanf(line, " [%u] 0x%" SCNx64 " %u x %u %3s", &first, &va, &n, &size,
                 unit) != 5)
         return false;
      last = first;
   }
   assert_int_equal(n, last - first + 1);
   at = strstr(line, " at 0x");
   const char *absent = strstr(line, "absent: 0x");
   const char *end = strchr(line, '\n');
   bool is_absent = absent && absent < end;
   assert_int_equal(sscanf(is_absent ? absent : at,
                           is_absent ? "absent: 0x%" SCNx64 : " at 0x%" SCNx64,
                           &address), 1);
   uint64_t size_B = size * (unit[0] == 'M' ? 1ull << 20 : 1ull << 10);
   assert_int_equal(size_B, unit[0] == 'M' ? SZ_2M : SZ_4K);
   for (uint64_t i = 0; i < n * size_B / SZ_4K; i++) {
      struct page *page = &pages[(va - BASE) / SZ_4K + i];

      assert_false(page->said);
      *page = (struct page){true, is_absent, address + i * SZ_4K};
   }
   return true;
}

/* The tree says of each page what the walker finds there. */
static void
test_random(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small_fragmented);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SPACE_PAGES * SZ_4K);
   unsigned seed = 3;
   (void)state;

   for (unsigned round = 0; round < 40; round++) {
      struct page pages[SPACE_PAGES] = {{0}};
      unsigned lines = 0;

      for (unsigned i = 0; i < 10; i++)
         random_bind(vm, bo, &seed);
      if (round % 4 == 3)
         pan_kmod_reclaim(dev, SZ_1G);
      char *text = debugfs_text(dev, "page_tables");
      for (const char *line = text; line; line = strchr(line, '\n')) {
         line += *line == '\n';
         lines += read_leaves(line, pages);
      }
      free(text);
      assert_true(lines > 0 || pt_count(vm).tables == 0);
      for (uint64_t i = 0; i < SPACE_PAGES; i++) {
         struct pt_leaf leaf = pt_view(vm, BASE + i * SZ_4K);

         assert_int_equal(pages[i].said, leaf.level || leaf.absent);
         assert_int_equal(pages[i].absent, leaf.absent);
         if (pages[i].said)
            assert_int_equal(pages[i].address, leaf.pa);
      }
   }
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shared), cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_null),   cmocka_unit_test(test_random),
   };

   return cmocka_run_group_tests_name("uapi-debugfs-pt", tests, NULL, NULL);
}
