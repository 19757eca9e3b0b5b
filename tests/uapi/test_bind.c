/* SPDX-License-Identifier: MIT */
/* What VM_BIND does: budgets, blocks, sparse ranges, lifetimes. */
#include "uapi.h"
#include "pt_view.h"

#include <stdio.h>
#include <sys/mman.h>

static uint64_t
entries_of(struct pan_kmod_vm *vm, uint32_t flags, struct pan_kmod_bo *bo,
           uint64_t offset, uint64_t va, uint64_t size_B)
{
   const uint64_t before = uapi_stats(vm->dev).pt_entries_written;

   assert_int_equal(uapi_bind(vm, flags, bo, offset, va, size_B), 0);
   return uapi_stats(vm->dev).pt_entries_written - before;
}

/* 1 TiB of sparse memory is two entries. */
static void
test_sparse_budget(void **state)
{
   (void)state;
   static const struct host_config *const configs[] = {&uapi_small,
                                                       &uapi_small_fragmented};

   for (unsigned c = 0; c < 2; c++) {
      struct pan_kmod_dev *dev = uapi_open(configs[c]);
      struct pan_kmod_vm *vm = uapi_vm(dev);
      struct host_stats empty = uapi_stats(dev);

      /* Makes the shared tables: at most three, once per VM. */
      assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
      struct host_stats first = uapi_stats(dev);
      assert_true(first.pt_pages - empty.pt_pages <= 3);
      assert_int_equal(first.vmas, 1);
      /* From then on, nothing but the entries themselves. */
      assert_int_equal(entries_of(vm, SPARSE, NULL, 0, 3 * SZ_1T, SZ_1T), 2);
      assert_int_equal(uapi_stats(dev).pt_pages, first.pt_pages);
      for (unsigned i = 0; i < 64; i++) {
         uint64_t va = SZ_1T + i * (SZ_1T / 64) + i * SZ_4K;
         struct pt_leaf leaf = pt_view(vm, va), other = pt_view(vm, va + SZ_1G);
         assert_true(leaf.level >= 2);
         assert_int_equal(leaf.pa, other.pa);
      }
      /* The whole user range, in one op. */
      assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, 0, USER_VA), 0);
      assert_int_equal(uapi_stats(dev).vmas, 1);
      assert_true(pt_view(vm, USER_VA - SZ_4K).level >= 2);

      /* An identical re-bind writes nothing. */
      assert_int_equal(entries_of(vm, SPARSE, NULL, 0, 0, USER_VA), 0);

      assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, 0, USER_VA), 0);
      assert_int_equal(pt_view(vm, SZ_1T).level, 0);
      pan_kmod_vm_destroy(vm);
      assert_int_equal(uapi_stats(dev).pt_pages, 0);
      uapi_close(dev);
   }
}

/*
 * A sparse range whose ends are no multiple of anything stays within the budget
 * of entries.
 */
static void
test_ragged_sparse(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   const uint64_t va = SZ_512G - SZ_4K, size = SZ_1T + 2 * SZ_4K;

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_1T, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, SZ_1T, SZ_2M), 0);
   assert_true(entries_of(vm, SPARSE, NULL, 0, va, size) <= 2 + 2 * 3 * 511);
   assert_int_equal(pt_view(vm, va - SZ_4K).level, 0);
   assert_int_equal(pt_view(vm, va).level, 3);
   assert_true(pt_view(vm, va + SZ_4K).level >= 2);
   assert_int_equal(pt_view(vm, va + size - SZ_4K).level, 3);
   assert_int_equal(pt_view(vm, va + size).level, 0);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* 64 KiB in the middle copies at most three tables, and back again frees them. */
static void
test_unshare(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K);
   const uint64_t middle = SZ_1T + SZ_512G + 3 * SZ_1G + 5 * SZ_2M + SZ_64K;

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
   struct host_stats whole = uapi_stats(dev);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, middle, SZ_64K), 0);
   struct host_stats cut = uapi_stats(dev);
   assert_int_equal(cut.pt_pages - whole.pt_pages, 3);
   assert_int_equal(cut.vmas, 3);
   /* The neighbours still show the dummy, and nobody else has changed. */
   const uint64_t dummy = pt_view(vm, SZ_1T).pa;
   assert_int_equal(pt_view(vm, middle - SZ_64K).pa, dummy);
   assert_int_equal(pt_view(vm, middle + SZ_64K).pa, dummy + 2 * SZ_64K);
   assert_int_equal(pt_view(vm, middle + SZ_1G).pa, dummy + SZ_64K);
   assert_int_not_equal(pt_view(vm, middle).pa, dummy + SZ_64K);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, middle, SZ_64K), 0);
   struct host_stats back = uapi_stats(dev);
   assert_int_equal(back.pt_pages, whole.pt_pages);
   assert_int_equal(back.vmas, 1);
   assert_int_equal(pt_view(vm, middle).pa, dummy + SZ_64K);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* 64 KiB tiles one by one over a contiguous BO end as one VMA of blocks. */
static void
test_coalesce(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, 4 * SZ_2M);
   const uint64_t va = SZ_1G;
   const unsigned tiles = (unsigned)(4 * SZ_2M / SZ_64K);

   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, va, 4 * SZ_2M), 0);
   for (unsigned i = 0; i < tiles; i++) {
      unsigned t = i * 37 % tiles; /* any order */
      assert_int_equal(
         uapi_bind(vm, NOEXEC, bo, t * SZ_64K, va + t * SZ_64K, SZ_64K), 0);
   }
   assert_int_equal(uapi_stats(dev).vmas, 1);
   struct pt_counts counts = pt_count(vm);
   assert_int_equal(counts.blocks, 4);
   assert_int_equal(counts.pages, 0);

   /* A hole in a block is 511 pages; nobody else's translation moves. */
   const uint64_t pa = pt_view(vm, va + SZ_2M).pa;
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, va + SZ_2M + SZ_64K, SZ_4K),
                    0);
   counts = pt_count(vm);
   assert_int_equal(counts.blocks, 3);
   assert_int_equal(counts.pages, 511);
   for (unsigned i = 0; i < 512; i++) {
      struct pt_leaf leaf = pt_view(vm, va + SZ_2M + i * SZ_4K);
      if (i == 16)
         assert_int_equal(leaf.level, 0);
      else
         assert_int_equal(leaf.pa, pa + i * SZ_4K);
   }
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   assert_int_equal(uapi_stats(dev).pt_pages, 0);
   uapi_close(dev);
}

/* Page-table memory of a fully bound 1 GiB, and none of it left afterwards. */
static void
test_table_memory(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small_fragmented);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_1G / 4);
   struct host_stats before = uapi_stats(dev);

   /* Four times the same quarter: DRAM is just as large as what is bound. */
   for (unsigned i = 0; i < 4; i++)
      assert_int_equal(
         uapi_bind(vm, NOEXEC, bo, 0, SZ_1G + i * (SZ_1G / 4), SZ_1G / 4), 0);
   struct host_stats bound = uapi_stats(dev);
   double bytes_per_page = (double)(bound.pt_pages - before.pt_pages) * SZ_4K /
                           (SZ_1G / SZ_4K);
   print_message("# %.3f bytes of page tables per 4 KiB page\n",
                 bytes_per_page);
   assert_true(bytes_per_page <= 8.1);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, SZ_1G, SZ_1G), 0);
   assert_int_equal(uapi_stats(dev).pt_pages, before.pt_pages);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A BO stays while it is mapped in a VM or in the process; then it is gone. */
static void
test_lifetime(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   const uint64_t empty = uapi_stats(dev).dram_allocated_B;
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);
   uint32_t *map;

   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&map), 0);
   for (unsigned i = 0; i < SZ_2M / 4; i++)
      assert_int_equal(map[i], 0);
   map[12345] = 0xc0ffee;
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1G, SZ_2M), 0);
   const uint64_t pa = pt_view(vm, SZ_1G).pa;
   assert_int_equal(
      *(uint32_t *)pan_kmod_dram_ptr(dev, pa + 12345 * 4), 0xc0ffee);

   pan_kmod_bo_destroy(bo);
   assert_int_equal(map[12345], 0xc0ffee);
   assert_int_equal(pan_kmod_munmap(dev, map, SZ_2M), 0);
   assert_int_equal(
      *(uint32_t *)pan_kmod_dram_ptr(dev, pa + 12345 * 4), 0xc0ffee);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, SZ_1G, SZ_2M), 0);
   pan_kmod_vm_destroy(vm);
   assert_int_equal(uapi_stats(dev).dram_allocated_B, empty);

   /* A new owner of the page sees nothing of it. */
   bo = uapi_bo(dev, SZ_2M);
   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ, MAP_SHARED,
                                     (void **)&map), 0);
   for (unsigned i = 0; i < SZ_2M / 4; i++)
      assert_int_equal(map[i], 0);
   assert_int_equal(pan_kmod_munmap(dev, map, SZ_2M), 0);
   pan_kmod_bo_destroy(bo);
   uapi_close(dev);
}

/* Closing the file with everything alive releases everything. */
static void
test_close_alive(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);

   for (unsigned i = 0; i < 4; i++) {
      struct drm_panthor_vm_create vm = {0};
      struct drm_panthor_bo_create bo = {.size = 3 * SZ_2M};
      uint32_t syncobj;

      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_VM_CREATE, &vm),
                       0);
      bo.exclusive_vm_id = i % 2 ? vm.id : 0;
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_CREATE, &bo),
                       0);
      assert_int_equal(pan_kmod_syncobj_create(dev, i % 2, &syncobj), 0);
      struct drm_panthor_vm_bind_op ops[] = {
         {.flags = NOEXEC, .bo_handle = bo.handle, .va = SZ_1G,
          .size = 3 * SZ_2M},
         {.flags = SPARSE, .va = SZ_1G + SZ_64K, .size = SZ_2M},
      };
      struct drm_panthor_vm_bind bind = {
         .vm_id = vm.id, .ops = DRM_PANTHOR_OBJ_ARRAY(2, ops)};
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
                       0);
   }
   uapi_close(dev); /* fails on a leak */
}

/* A mapping seen by shader cores follows every op (through a window). */
static void
test_window(void **state)
{
   (void)state;
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   uapi_need_virtual(dev);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, 2 * SZ_64K);
   struct pan_kmod_window *window;
   const uint64_t va = SZ_1G;
   volatile uint32_t *gpu;
   uint32_t *cpu;

   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&cpu), 0);
   cpu[0] = 1;
   cpu[SZ_64K / 4] = 2;
   gpu = mmap(NULL, SZ_2M, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal((void *)gpu, MAP_FAILED);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, va, SZ_2M), 0);
   assert_int_equal(
      pan_kmod_window_create(vm, va, (void *)gpu, SZ_2M, &window), 0);

   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, va + SZ_64K, SZ_64K), 0);
   assert_int_equal(gpu[SZ_64K / 4], 1);
   gpu[SZ_64K / 4 + 1] = 77;
   assert_int_equal(cpu[1], 77);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, SZ_64K, va + SZ_64K, SZ_64K), 0);
   assert_int_equal(gpu[SZ_64K / 4], 2);
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, va + SZ_64K, SZ_64K), 0);
   gpu[SZ_64K / 4] = 5; /* to the dummy */
   assert_int_equal(cpu[0], 1);
   assert_int_equal(cpu[SZ_64K / 4], 2);

   /*
    * What is not in the TLB costs no system call: the first op here drops what
    * the accesses above brought in, the others find nothing.
    */
   assert_int_equal(uapi_bind(vm, SPARSE, NULL, 0, va, SZ_2M), 0);
   assert_int_equal(uapi_bind(vm, UNMAP, NULL, 0, va, SZ_2M), 0);
   const uint64_t calls = uapi_stats(dev).host_calls;
   for (unsigned i = 0; i < 32; i++)
      assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, va + i * SZ_64K, SZ_64K),
                       0);
   assert_int_equal(uapi_stats(dev).host_calls, calls);

   pan_kmod_window_destroy(window);
   munmap((void *)gpu, SZ_2M);
   assert_int_equal(pan_kmod_munmap(dev, cpu, 2 * SZ_64K), 0);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sparse_budget), cmocka_unit_test(test_ragged_sparse),
      cmocka_unit_test(test_unshare),       cmocka_unit_test(test_coalesce),
      cmocka_unit_test(test_table_memory),  cmocka_unit_test(test_lifetime),
      cmocka_unit_test(test_close_alive),   cmocka_unit_test(test_window),
   };
   return cmocka_run_group_tests_name("uapi-bind", tests, NULL, NULL);
}
