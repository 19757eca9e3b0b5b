/* SPDX-License-Identifier: MIT */
/*
 * The n-th-failure loop: a scenario is repeated with its first, second, third …
 * fallible step failing, until it runs through without meeting the failure. No
 * run may leak, crash, or leave a failed ioctl half done.
 */
#include "uapi.h"
#include "pt_view.h"

#include <stdio.h>
#include <sys/mman.h>

/*
 * Runs its ioctls in order and stops at the first that fails, which must have
 * changed nothing; returns the errno of that one, or 0.
 */
typedef int (*scenario_fn)(struct pan_kmod_dev *dev);

/*
 * A failing ioctl with its before and after. DRAM is no part of the comparison:
 * a BO keeps the pages that it was given, and goes with them in the end.
 */
#define STEP(dev, call)                                                        \
   do {                                                                        \
      struct host_stats before_ = uapi_stats(dev);                             \
      ret = (call);                                                            \
      if (ret) {                                                               \
         host_inject_failure(UINT64_MAX);                                      \
         before_.dram_allocated_B = uapi_stats(dev).dram_allocated_B;          \
         uapi_unchanged(dev, &before_, #call);                                 \
         goto out;                                                             \
      }                                                                        \
   } while (0)

static int
scenario_bind(struct pan_kmod_dev *dev)
{
   struct pan_kmod_vm *vm = NULL;
   struct pan_kmod_bo *bo = NULL;
   void *map = NULL;
   int ret;

   STEP(dev, pan_kmod_vm_create(dev, 0, &vm));
   STEP(dev, pan_kmod_bo_create(dev, 2 * SZ_2M, 0, 0, "label", &bo));
   STEP(dev, pan_kmod_bo_mmap(bo, NULL, PROT_READ, MAP_SHARED, &map));
   STEP(dev, uapi_bind(vm, SPARSE, NULL, 0, SZ_1G, SZ_1G));
   STEP(dev, uapi_bind(vm, NOEXEC, bo, 0, SZ_1G + SZ_64K, SZ_2M));
   STEP(dev, uapi_bind(vm, NOEXEC, bo, SZ_4K, SZ_1G + SZ_2M, SZ_2M));
   STEP(dev, uapi_bind(vm, UNMAP, NULL, 0, SZ_1G + SZ_4K, SZ_1G - SZ_2M));
   STEP(dev, uapi_bind(vm, SPARSE, NULL, 0, SZ_1G, SZ_512G));
out:
   /* Like munmap(2), which can fail for want of memory, and then did nothing. */
   if (map && pan_kmod_munmap(dev, map, 2 * SZ_2M))
      assert_int_equal(pan_kmod_munmap(dev, map, 2 * SZ_2M), 0);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   return ret;
}

static int
scenario_async(struct pan_kmod_dev *dev)
{
   struct pan_kmod_vm *vm = NULL;
   struct pan_kmod_bo *bo = NULL;
   uint32_t syncobj = 0;
   int ret;

   STEP(dev, pan_kmod_vm_create(dev, 0, &vm));
   STEP(dev, pan_kmod_bo_create(dev, SZ_2M, 0, vm->id, NULL, &bo));
   STEP(dev, pan_kmod_syncobj_create(dev, false, &syncobj));
   struct drm_panthor_sync_op syncs[] = {
      {(uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
          DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
       syncobj, 1},
   };
   const struct drm_panthor_vm_bind_op ops[] = {
      {.flags = SPARSE, .va = SZ_1G, .size = SZ_1G},
      {.flags = NOEXEC, .bo_handle = bo->handle, .va = SZ_1G + SZ_64K,
       .size = SZ_64K},
      {.flags = UNMAP, .va = SZ_1G + 2 * SZ_64K, .size = SZ_4K,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(1, syncs)},
   };
   struct host_stats before = uapi_stats(dev);
   ret = pan_kmod_vm_bind(vm, ASYNC, ops, 3, NULL);
   if (ret) {
      host_inject_failure(UINT64_MAX);
      struct host_stats now = uapi_stats(dev);
      assert_int_equal(now.vmas, before.vmas);
      assert_int_equal(now.pt_pages, before.pt_pages);
      goto out;
   }
   STEP(dev, pan_kmod_syncobj_wait(dev, syncobj, 1, INT64_MAX));
   /* What was accepted is carried out, whatever runs out later. */
   assert_int_equal(pt_view(vm, SZ_1G + SZ_64K).level, 3);
   assert_int_equal(pt_view(vm, SZ_1G + 2 * SZ_64K).level, 0);
out:
   if (syncobj)
      pan_kmod_syncobj_destroy(dev, syncobj);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   return ret;
}

static void
loop(scenario_fn scenario, bool reopen)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   uint64_t failures = 0, n = 0;

   uapi_need_virtual(dev);
   for (;; n++) {
      assert_true(n < 100000);
      host_inject_failure(n);
      int ret = scenario(dev);
      const uint64_t steps = host_inject_failure(UINT64_MAX);

      if (ret == 0 && steps <= n)
         break;
      /* A step may have a way around its failure: then all went well. */
      if (ret) {
         failures++;
         if (ret != -ENOMEM && ret != -EINVAL && ret != -ENOSPC)
            fail_msg("step %llu failed with %d", (unsigned long long)n, ret);
      }
      if (reopen) {
         uapi_close(dev); /* counts leaks */
         dev = uapi_open(&uapi_small);
      }
   }
   print_message("# %llu fallible steps, %llu of them made an ioctl fail\n",
                 (unsigned long long)n, (unsigned long long)failures);
   assert_true(failures > 5);
   uapi_close(dev);
}

/* The n-th failure of synchronous binds: none leaks or is left half done. */
static void
test_bind(void **state)
{
   (void)state;
   loop(scenario_bind, true);
   loop(scenario_bind, false); /* what an earlier failure left, if anything */
}

/* The n-th failure of asynchronous binds: none leaks, and all fences signal. */
static void
test_async(void **state)
{
   (void)state;
   loop(scenario_async, true);
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bind),
      cmocka_unit_test(test_async),
   };
   return cmocka_run_group_tests_name("uapi-failure", tests, NULL, NULL);
}
