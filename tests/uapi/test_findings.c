/* SPDX-License-Identifier: MIT */
/*
 * What we found in Linux 7.2.13's Panthor driver and do otherwise: each test is
 * named after the number of the finding in docs/panthor.md, and would fail on
 * the behaviour described there. Those that need to look behind the uAPI are in
 * src/panthor/tests; the table says which.
 */
#include "uapi.h"
#include "pt_view.h"

#include <sys/mman.h>

#define BO_SIZE (4 * SZ_2M)

struct fixture {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo;
   uint32_t syncobj;
   struct pan_kmod_window *window; /* keeps the VM in an AS slot */
   void *host;
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   f->vm = uapi_vm(f->dev);
   f->bo = uapi_bo(f->dev, BO_SIZE);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &f->syncobj), 0);
   if (pan_kmod_dev_props(f->dev)->virtual_gpu) {
      f->host =
         mmap(NULL, SZ_64K, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      assert_ptr_not_equal(f->host, MAP_FAILED);
      assert_int_equal(
         pan_kmod_window_create(f->vm, 0, f->host, SZ_64K, &f->window), 0);
   }
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_window_destroy(f->window);
   if (f->host)
      munmap(f->host, SZ_64K);
   pan_kmod_syncobj_destroy(f->dev, f->syncobj);
   pan_kmod_bo_destroy(f->bo);
   pan_kmod_vm_destroy(f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

static void
assert_usable(const struct fixture *f)
{
   uint32_t vm_state;

   assert_int_equal(pan_kmod_vm_get_state(f->vm, &vm_state), 0);
   assert_int_equal(vm_state, DRM_PANTHOR_VM_STATE_USABLE);
}

/* The cost is that of the levels, not of the size, and so is the memory. */
static void
finding_01_03_sparse_is_o_levels(void **state)
{
   struct fixture *f = *state;
   const struct host_stats before = uapi_stats(f->dev);

   assert_int_equal(uapi_bind(f->vm, SPARSE, NULL, 0, SZ_1T, SZ_1T), 0);
   const struct host_stats after = uapi_stats(f->dev);
   assert_int_equal(after.pt_entries_written - before.pt_entries_written, 2);
   assert_true(after.dram_peak_B - before.dram_allocated_B <=
               SZ_2M + 16 * SZ_4K);
}

/* Unknown flags and pads are refused, and a query tells its size. */
static void
finding_06_unknown_bits(void **state)
{
   struct fixture *f = *state;
   struct drm_panthor_bo_query_info info = {.handle = f->bo->handle, .pad = 1};
   struct {
      struct drm_panthor_csif_info csif;
      uint8_t more[40];
   } both;
   struct drm_panthor_dev_query query = {
      .type = DRM_PANTHOR_DEV_QUERY_CSIF_INFO,
      .size = sizeof(both),
      .pointer = (uintptr_t)&both,
   };
   const struct drm_panthor_vm_bind_op op = {.flags = UNMAP, .size = SZ_4K};

   assert_int_equal(pan_kmod_vm_bind(f->vm, 1 << 1, &op, 1, NULL), -EINVAL);
   assert_int_equal(
      pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info), -EINVAL);
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                    0);
   assert_int_equal(query.size, sizeof(both.csif));
}

/* A block in the table can be unmapped in part, however it came to be one. */
static void
finding_10_partial_unmap_of_a_block(void **state)
{
   struct fixture *f = *state;

   for (unsigned i = 0; i < SZ_2M / SZ_64K; i++)
      assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, i * SZ_64K,
                                 SZ_1G + i * SZ_64K, SZ_64K), 0);
   uapi_need_virtual(f->dev);
   const struct pt_leaf block = pt_view(f->vm, SZ_1G);
   assert_int_equal(block.level, 2);
   assert_int_equal(uapi_bind(f->vm, UNMAP, NULL, 0, SZ_1G + SZ_64K, SZ_4K), 0);
   assert_int_equal(pt_view(f->vm, SZ_1G + SZ_64K).level, 0);
   assert_int_equal(pt_view(f->vm, SZ_1G + SZ_64K + SZ_4K).pa,
                    block.pa + SZ_64K + SZ_4K);
   assert_usable(f);
}

/* One UNMAP over blocks, pages and holes finds them all, and no more. */
static void
finding_11_unmap_over_holes(void **state)
{
   struct fixture *f = *state;
   const uint64_t va = SZ_1G;

   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, va, BO_SIZE), 0);
   for (unsigned i = 0; i < 4; i++)
      assert_int_equal(uapi_bind(f->vm, UNMAP, NULL, 0,
                                 va + i * SZ_2M + i * SZ_64K, SZ_64K), 0);
   assert_int_equal(
      uapi_bind(f->vm, UNMAP, NULL, 0, va + SZ_4K, BO_SIZE - 2 * SZ_4K), 0);
   assert_usable(f);
   const struct pt_counts counts = pt_count(f->vm);
   assert_int_equal(counts.blocks, 0);
   assert_int_equal(counts.pages, 1); /* the first one went before */
   assert_int_equal(pt_view(f->vm, va + BO_SIZE - SZ_4K).level, 3);
}

/* A MAP that fails at any step leaves the old mappings and a usable VM. */
static void
finding_13_14_failed_map_keeps_the_old(void **state)
{
   struct fixture *f = *state;
   const uint64_t va = SZ_1G;
   unsigned failures = 0;

   uapi_need_virtual(f->dev);
   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, va, BO_SIZE), 0);
   const struct pt_leaf old = pt_view(f->vm, va + SZ_64K);
   for (uint64_t n = 0;; n++) {
      struct pan_kmod_bo *other = uapi_bo(f->dev, SZ_64K);
      const struct host_stats before = uapi_stats(f->dev);

      host_inject_failure(n);
      const int ret =
         uapi_bind(f->vm, NOEXEC, other, 0, va + SZ_64K, SZ_64K);
      host_inject_failure(UINT64_MAX);
      pan_kmod_bo_destroy(other);
      if (!ret)
         break;
      failures++;
      const struct pt_leaf now = pt_view(f->vm, va + SZ_64K);
      assert_int_equal(now.pa, old.pa);
      assert_int_equal(now.level, old.level);
      assert_int_equal(uapi_stats(f->dev).vmas, before.vmas);
      assert_usable(f);
   }
   assert_true(failures > 0);
   assert_int_not_equal(pt_view(f->vm, va + SZ_64K).pa, old.pa);
}

/* A WAIT that fails in the last job leaves the fences of the first alone. */
static void
finding_16_nothing_armed_before_the_last_wait(void **state)
{
   struct fixture *f = *state;
   uint32_t never;
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &never), 0);
   const struct drm_panthor_sync_op syncs[] = {
      {.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = f->syncobj},
      {.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = never},
   };
   const struct drm_panthor_vm_bind_op ops[] = {
      {.flags = NOEXEC, .bo_handle = f->bo->handle, .va = SZ_1G, .size = SZ_4K,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &syncs[0])},
      {.flags = UNMAP, .va = SZ_1G, .size = SZ_4K,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &syncs[1])},
   };

   assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, ops, 2, NULL), -EINVAL);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->syncobj, 0, 0), -ETIME);
   pan_kmod_syncobj_destroy(f->dev, never);
}

/*
 * Waiting for what the same job signals first is an error and no warning, and
 * so is nothing about an op as large as the user range. (A WARN counts as a
 * leak when the machine goes.)
 */
static void
finding_17_no_warnings(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op syncs[] = {
      {.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = f->syncobj},
      {.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = f->syncobj},
   };
   const struct drm_panthor_vm_bind_op op = {
      .flags = SYNC_ONLY, .syncs = DRM_PANTHOR_OBJ_ARRAY(2, syncs)};

   assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, &op, 1, NULL), -EINVAL);
   assert_int_equal(uapi_bind(f->vm, SPARSE, NULL, 0, 0, USER_VA), 0);
}

/* Neighbouring tiles of one ioctl are locked, flushed and seen as one. */
static void
finding_20_29_one_flush_per_batch(void **state)
{
   struct fixture *f = *state;
   struct drm_panthor_vm_bind_op ops[32];

   assert_int_equal(uapi_bind(f->vm, SPARSE, NULL, 0, SZ_1G, SZ_2M), 0);
   for (unsigned i = 0; i < 32; i++)
      ops[i] = (struct drm_panthor_vm_bind_op){
         .flags = NOEXEC,
         .bo_handle = f->bo->handle,
         .bo_offset = (31 - i) * SZ_64K, /* they do not merge */
         .va = SZ_1G + i * SZ_64K,
         .size = SZ_64K,
      };
   const struct host_stats before = uapi_stats(f->dev);
   assert_int_equal(pan_kmod_vm_bind(f->vm, 0, ops, 32, NULL), 0);
   const struct host_stats after = uapi_stats(f->dev);
   assert_int_equal(after.mmu_locks - before.mmu_locks, 1);
   assert_int_equal(after.cache_flushes - before.cache_flushes, 1);
}

/* 8 KiB across the middle of everything do not lock everything. */
static void
finding_21_lock_at_a_line(void **state)
{
   struct fixture *f = *state;
   static const uint64_t lines[] = {1ull << 39, 1ull << 40, 1ull << 46};

   for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
      const struct host_stats before = uapi_stats(f->dev);
      assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, lines[i] - SZ_4K,
                                 2 * SZ_4K), 0);
      const struct host_stats after = uapi_stats(f->dev);
      assert_true(after.mmu_locked_B - before.mmu_locked_B <= 2 * 32768);
   }
}

/* Tiles merge, blocks are rebuilt, and the same again is nothing. */
static void
finding_24_merge_rebuild_skip(void **state)
{
   struct fixture *f = *state;
   const uint64_t vmas = uapi_stats(f->dev).vmas;

   for (unsigned i = 0; i < BO_SIZE / SZ_64K; i++)
      assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, i * SZ_64K,
                                 SZ_1G + i * SZ_64K, SZ_64K), 0);
   assert_int_equal(uapi_bind(f->vm, UNMAP, NULL, 0, SZ_1G, SZ_4K), 0);
   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, SZ_1G, SZ_4K), 0);
   const struct host_stats before = uapi_stats(f->dev);
   assert_int_equal(before.vmas, vmas + 1);
   assert_int_equal(pt_count(f->vm).blocks, BO_SIZE / SZ_2M);
   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, SZ_1G, BO_SIZE), 0);
   uapi_unchanged(f->dev, &before, "the same again");
   assert_int_equal(uapi_stats(f->dev).mmu_locks, before.mmu_locks);
}

/* Tables that page-wise unmaps emptied are gone at once. */
static void
finding_25_empty_tables_go(void **state)
{
   struct fixture *f = *state;
   const uint64_t tables = uapi_stats(f->dev).pt_pages;

   assert_int_equal(
      uapi_bind(f->vm, NOEXEC, f->bo, 0, SZ_1G + SZ_4K, 16 * SZ_4K), 0);
   assert_int_equal(uapi_stats(f->dev).pt_pages, tables + 3);
   for (unsigned i = 1; i <= 16; i++)
      assert_int_equal(
         uapi_bind(f->vm, UNMAP, NULL, 0, SZ_1G + i * SZ_4K, SZ_4K), 0);
   assert_int_equal(uapi_stats(f->dev).pt_pages, tables);
}

/* Ops of size 0 are validated, and then nothing, in both modes. */
static void
finding_26_async_size_0(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_vm_bind_op ops[] = {
      {.flags = UNMAP, .va = SZ_1G + SZ_4K},
      {.flags = NOEXEC, .bo_handle = f->bo->handle, .va = SZ_1G + SZ_4K},
      {.flags = SPARSE, .va = SZ_1G + SZ_4K},
      {.flags = NOEXEC, .bo_handle = f->bo->handle, .va = SZ_512G},
   };

   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, SZ_1G, BO_SIZE), 0);
   assert_int_equal(uapi_bind(f->vm, SPARSE, NULL, 0, 2 * SZ_1G, SZ_4K), 0);
   const struct host_stats before = uapi_stats(f->dev);
   for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
      assert_int_equal(pan_kmod_vm_bind(f->vm, 0, &ops[i], 1, NULL), 0);
      uapi_unchanged(f->dev, &before, "size 0");
      assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, &ops[i], 1, NULL), 0);
      uapi_unchanged(f->dev, &before, "size 0, async");
   }
}

#define FINDING(f) cmocka_unit_test_setup_teardown(finding_##f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      FINDING(01_03_sparse_is_o_levels),
      FINDING(06_unknown_bits),
      FINDING(10_partial_unmap_of_a_block),
      FINDING(11_unmap_over_holes),
      FINDING(13_14_failed_map_keeps_the_old),
      FINDING(16_nothing_armed_before_the_last_wait),
      FINDING(17_no_warnings),
      FINDING(20_29_one_flush_per_batch),
      FINDING(21_lock_at_a_line),
      FINDING(24_merge_rebuild_skip),
      FINDING(25_empty_tables_go),
      FINDING(26_async_size_0),
   };
   return cmocka_run_group_tests_name("uapi-findings", tests, NULL, NULL);
}
