/* SPDX-License-Identifier: MIT */
/* What the driver says in debugfs of VMs: gpuvas and translations. */
#include "debugfs_text.h"
#include "pt_view.h"
#include "uapi.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define MAX_LINES 512
#define BASE SZ_1T

/* A line of translations. */
struct line {
   uint64_t start, end, object, offset;
   char what[8], may[4];
   unsigned present, null, absent, shared;
   bool disagrees;
};

struct report {
   struct line lines[MAX_LINES];
   unsigned count;
   unsigned vms;
};

static struct report
read_translations(struct pan_kmod_dev *dev)
{
   char *text = debugfs_text(dev, "translations"), *rest = text, *row;
   struct report report = {0};

   while ((row = strsep(&rest, "\n"))) {
      struct line line = {0};

      report.vms += !strncmp(row, "Translations of", 15);
      if (sscanf(row,
                 " 0x%" SCNx64 " | 0x%" SCNx64 " | 0x%" SCNx64 " | 0x%" SCNx64
                 " | %7s | %3s | %u + %u + %u + %u",
                 &line.start, &line.end, &line.object, &line.offset, line.what,
                 line.may, &line.present, &line.null, &line.absent,
                 &line.shared) != 10)
         continue;
      line.disagrees = strstr(row, "DISAGREES");
      assert_true(report.count < MAX_LINES);
      report.lines[report.count++] = line;
   }
   free(text);
   return report;
}

static void
assert_line(const struct line *line, uint64_t start, uint64_t size_B,
            uint64_t offset, const char *what, const char *may)
{
   assert_int_equal(line->start, start);
   assert_int_equal(line->end, start + size_B);
   assert_int_equal(line->offset, offset);
   assert_string_equal(line->what, what);
   assert_string_equal(line->may, may);
   assert_false(line->disagrees);
}

/* A gigabyte of sparse memory with 64 KiB bound in it, drawn. */
static void
test_translations(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);
   const uint64_t middle = BASE + 5 * SZ_2M + SZ_64K;
   struct report report = read_translations(dev);

   (void)state;
   assert_int_equal(report.vms, 1);
   assert_int_equal(report.count, 0);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, BASE, SZ_1G), 0);
   report = read_translations(dev);
   assert_int_equal(report.count, 1);
   assert_line(&report.lines[0], BASE, SZ_1G, 0, "sparse", "rw-");
   assert_int_equal(report.lines[0].shared, 1);
   assert_int_equal(report.lines[0].present, 0);

   assert_int_equal(uapi_bind(vm, NOEXEC, bo, SZ_64K, middle, SZ_64K), 0);
   report = read_translations(dev);
   assert_int_equal(report.count, 3);
   assert_line(&report.lines[0], BASE, middle - BASE, 0, "sparse", "rw-");
   assert_line(&report.lines[1], middle, SZ_64K, SZ_64K, "memory", "rw-");
   assert_line(&report.lines[2], middle + SZ_64K, BASE + SZ_1G - middle - SZ_64K,
               2 * SZ_64K, "sparse", "rw-");
   assert_int_equal(report.lines[1].present, 16);
   assert_int_not_equal(report.lines[1].object, report.lines[0].object);
   assert_int_equal(report.lines[2].object, report.lines[0].object);

   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, BASE, SZ_1G), 0);
   assert_int_equal(uapi_bind(vm, READONLY, bo, 0, BASE, SZ_2M), 0);
   report = read_translations(dev);
   assert_int_equal(report.count, 1);
   assert_line(&report.lines[0], BASE, SZ_2M, 0, "memory", "r-x");
   assert_int_equal(report.lines[0].present, 1);

   pan_kmod_vm_destroy(vm);
   report = read_translations(dev);
   assert_int_equal(report.vms, 0);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* What was evicted is there, and its memory is not. */
static void
test_evicted(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);

   (void)state;
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, BASE, SZ_64K), 0);
   /* The file's dummy goes, too. */
   uapi_evict(dev, 2);
   struct report report = read_translations(dev);
   assert_int_equal(report.count, 1);
   assert_line(&report.lines[0], BASE, SZ_64K, 0, "memory", "rw-");
   assert_int_equal(report.lines[0].present, 0);
   assert_int_equal(report.lines[0].absent, 16);
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* The descriptor of a 4 KiB page, in the VM's tables. */
static uint64_t *
page_descriptor(struct pan_kmod_vm *vm, uint64_t va)
{
   const uint64_t address_mask = ((1ull << 48) - 1) & ~(SZ_4K - 1);
   uint64_t table_pa;

   assert_int_equal(pan_kmod_vm_root(vm, &table_pa), 0);
   for (int shift = 39;; shift -= 9) {
      uint64_t *table = pan_kmod_dram_ptr(vm->dev, table_pa);
      uint64_t *descriptor = &table[va >> shift & 511];

      if (shift == 12)
         return descriptor;
      assert_int_equal(*descriptor & 3, 3);
      table_pa = *descriptor & address_mask;
   }
}

/* Entries that a bug in the driver might leave. */
static void
test_disagrees(void **state)
{
   static const uint64_t wrong[] = {
      SZ_4K, /* another page */
      1u << 7, /* read-only */
      3ull << 53, /* not executable */
   };
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);

   (void)state;
   uapi_need_virtual(dev);
   assert_int_equal(uapi_bind(vm, 0, bo, 0, BASE, SZ_64K), 0);
   uint64_t *descriptor = page_descriptor(vm, BASE + 3 * SZ_4K);
   for (unsigned i = 0; i < 3; i++) {
      *descriptor ^= wrong[i];
      struct report report = read_translations(dev);
      *descriptor ^= wrong[i];
      assert_int_equal(report.count, 3);
      assert_false(report.lines[0].disagrees);
      assert_true(report.lines[1].disagrees);
      assert_int_equal(report.lines[1].start, BASE + 3 * SZ_4K);
      assert_int_equal(report.lines[1].end, BASE + 4 * SZ_4K);
      assert_false(report.lines[2].disagrees);
   }
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* The columns of a kernel's gpuvas. */
static void
test_gpuvas(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);
   uint64_t start, range, end, object, offset;

   (void)state;
   assert_int_equal(uapi_bind(vm, 0, bo, SZ_64K, BASE, SZ_64K), 0);
   char *text = debugfs_text(dev, "gpuvas");
   const char *row = strstr(text, "     | 0x");
   assert_non_null(strstr(text, "DRM GPU VA space"));
   assert_non_null(row);
   assert_int_equal(sscanf(row,
                           " | 0x%" SCNx64 " | 0x%" SCNx64 " | 0x%" SCNx64
                           " | 0x%" SCNx64 " | 0x%" SCNx64,
                           &start, &range, &end, &object, &offset), 5);
   assert_int_equal(start, BASE);
   assert_int_equal(range, SZ_64K);
   assert_int_equal(end, BASE + SZ_64K);
   assert_int_equal(offset, SZ_64K);
   assert_null(strstr(row + 1, "     | 0x"));
   free(text);
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* All VMs of all files, named by both. */
static void
test_files(void **state)
{
   struct pan_kmod_dev *first = uapi_open(&uapi_small), *second;
   struct pan_kmod_vm *vms[3];

   (void)state;
   uapi_need_virtual(first);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &second), 0);
   vms[0] = uapi_vm(first);
   vms[1] = uapi_vm(second);
   vms[2] = uapi_vm(second);
   char *text = debugfs_text(first, "translations");
   assert_non_null(strstr(text, "of file 1, VM 1:"));
   assert_non_null(strstr(text, "of file 2, VM 1:"));
   assert_non_null(strstr(text, "of file 2, VM 2:"));
   assert_null(strstr(text, "of file 1, VM 2:"));
   free(text);
   for (unsigned i = 0; i < 3; i++)
      pan_kmod_vm_destroy(vms[i]);
   assert_int_equal(pan_kmod_dev_destroy(second), 0);
   uapi_close(first);
}

/* Each step of reading may fail, and nothing is left of it. */
static void
test_failures(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   uint64_t n = 0;
   size_t size_B;
   char *text;
   int ret;

   (void)state;
   uapi_need_virtual(dev);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, BASE, SZ_2M), 0);
   assert_int_equal(pan_kmod_debugfs_read(dev, "none", &text, &size_B), -ENOENT);
   do {
      host_inject_failure(n++);
      ret = pan_kmod_debugfs_read(dev, "translations", &text, &size_B);
      host_inject_failure(UINT64_MAX);
      assert_true(ret == 0 || ret == -ENOMEM);
   } while (ret);
   assert_true(n > 1);
   free(text);
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

/* A random op on a window of 16 MiB, in which blocks come and go. */
static void
random_bind(struct pan_kmod_vm *vm, struct pan_kmod_bo *bo, unsigned *seed)
{
   uint64_t first = random_below(seed, SPACE_PAGES);
   uint64_t count = 1 + random_below(seed, SPACE_PAGES - first);
   uint64_t va = BASE + first * SZ_4K, size_B = count * SZ_4K;

   switch (random_below(seed, 4)) {
   case 0:
      assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, va, size_B), 0);
      break;
   case 1:
      assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, va, size_B), 0);
      break;
   default:
      assert_int_equal(uapi_bind(vm, rand_r(seed) % 2 ? NOEXEC : READONLY, bo,
                                 first * SZ_4K, va, size_B), 0);
   }
}

/* Each page of the window is in a line if and only if the walker sees it. */
static void
assert_seen(struct pan_kmod_vm *vm, const struct report *report)
{
   unsigned at = 0;

   for (uint64_t page = 0; page < SPACE_PAGES; page++) {
      uint64_t va = BASE + page * SZ_4K;
      struct pt_leaf leaf = pt_view(vm, va);

      while (at < report->count && report->lines[at].end <= va)
         at++;
      bool said = at < report->count && report->lines[at].start <= va;
      if (said != (leaf.level || leaf.absent))
         fail_msg("0x%" PRIx64 ": %s", va, said ? "said" : "not said");
   }
}

/* After random ops the page tables agree with the VMAs, and with the walker. */
static void
test_random(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small_fragmented);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SPACE_PAGES * SZ_4K);
   unsigned seed = 1;

   (void)state;
   for (unsigned round = 0; round < 40; round++) {
      for (unsigned i = 0; i < 10; i++)
         random_bind(vm, bo, &seed);
      if (round % 8 == 7)
         pan_kmod_reclaim(dev, SZ_1G);
      struct report report = read_translations(dev);
      for (unsigned i = 0; i < report.count; i++)
         assert_false(report.lines[i].disagrees);
      assert_seen(vm, &report);
   }
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* ---------------------------------------------------------------- threads -- */

struct reader {
   struct pan_kmod_dev *dev;
   atomic_bool stop;
   unsigned bad;
};

/* Looks while others work; cmocka is not for threads. */
static void *
look(void *data)
{
   struct reader *reader = data;

   while (!atomic_load(&reader->stop)) {
      size_t size_B;
      char *text;

      if (pan_kmod_debugfs_read(reader->dev, "translations", &text, &size_B)) {
         reader->bad++;
         continue;
      }
      reader->bad += strstr(text, "DISAGREES") != NULL;
      free(text);
   }
   return NULL;
}

/* Reading while VMs are bound, evicted and destroyed, and files come and go. */
static void
test_stress(void **state)
{
   struct reader reader = {.dev = uapi_open(&uapi_small)};
   struct pan_kmod_bo *bo = uapi_bo(reader.dev, SPACE_PAGES * SZ_4K);
   unsigned seed = 2;
   pthread_t thread;

   (void)state;
   uapi_need_virtual(reader.dev);
   assert_int_equal(pthread_create(&thread, NULL, look, &reader), 0);
   for (unsigned round = 0; round < 20; round++) {
      struct pan_kmod_vm *vm = uapi_vm(reader.dev);
      struct pan_kmod_dev *other;

      for (unsigned i = 0; i < 50; i++)
         random_bind(vm, bo, &seed);
      assert_int_equal(pan_kmod_dev_create(NULL, NULL, &other), 0);
      if (round % 4 == 3)
         pan_kmod_reclaim(reader.dev, SZ_1G);
      pan_kmod_vm_destroy(vm);
      assert_int_equal(pan_kmod_dev_destroy(other), 0);
   }
   atomic_store(&reader.stop, true);
   assert_int_equal(pthread_join(thread, NULL), 0);
   assert_int_equal(reader.bad, 0);
   pan_kmod_bo_destroy(bo);
   uapi_close(reader.dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_translations), cmocka_unit_test(test_evicted),
      cmocka_unit_test(test_disagrees),
      cmocka_unit_test(test_gpuvas),       cmocka_unit_test(test_files),
      cmocka_unit_test(test_failures),     cmocka_unit_test(test_random),
      cmocka_unit_test(test_stress),
   };

   return cmocka_run_group_tests_name("uapi-debugfs", tests, NULL, NULL);
}
