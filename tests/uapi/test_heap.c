/* SPDX-License-Identifier: MIT */
/*
 * Tiler heaps as processes see them: TILER_HEAP_CREATE and TILER_HEAP_DESTROY,
 * their errors in order, ids, limits, and that nothing is left of them.
 */
#include "uapi.h"

#include <stdio.h>

#define HEAPS_MAX 128
#define CHUNK_B (256u << 10)

static struct drm_panthor_tiler_heap_create
heap_args(struct pan_kmod_vm *vm)
{
   return (struct drm_panthor_tiler_heap_create){
      .vm_id = vm->id,
      .initial_chunk_count = 2,
      .chunk_size = CHUNK_B,
      .max_chunks = 4,
      .target_in_flight = 2,
   };
}

static int
heap_create(struct pan_kmod_dev *dev, struct drm_panthor_tiler_heap_create *args)
{
   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, args);
}

static int
heap_destroy(struct pan_kmod_dev *dev, uint32_t handle, uint32_t pad)
{
   struct drm_panthor_tiler_heap_destroy args = {.handle = handle, .pad = pad};

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &args);
}

/* Changes one field of good arguments. */
struct create_case {
   const char *what;
   size_t field;
   uint32_t value;
   int ret;
};

#define AT(field) offsetof(struct drm_panthor_tiler_heap_create, field)

static const struct create_case create_cases[] = {
   {"no VM", AT(vm_id), 0, -EINVAL},
   {"an unknown VM", AT(vm_id), 31, -EINVAL},
   {"no chunks", AT(initial_chunk_count), 0, -EINVAL},
   {"as many chunks as may be", AT(initial_chunk_count), 4, 0},
   {"more chunks than may be", AT(initial_chunk_count), 5, -EINVAL},
   {"no chunks ever", AT(max_chunks), 0, -EINVAL},
   {"fewer chunks than at first", AT(max_chunks), 1, -EINVAL},
   {"any number of chunks", AT(max_chunks), UINT32_MAX, 0},
   {"chunks of nothing", AT(chunk_size), 0, -EINVAL},
   {"chunks that are too small", AT(chunk_size), 124 << 10, -EINVAL},
   {"chunks of 128 KiB", AT(chunk_size), 128 << 10, 0},
   {"chunks of pages and a half", AT(chunk_size), (128 << 10) + 2048, -EINVAL},
   {"chunks of 132 KiB", AT(chunk_size), 132 << 10, 0},
   {"chunks of 8 MiB", AT(chunk_size), 8 << 20, 0},
   {"chunks that are too large", AT(chunk_size), (8 << 20) + 4096, -EINVAL},
   {"chunks of almost 4 GiB", AT(chunk_size), 0xfffff000, -EINVAL},
   {"no render pass in flight", AT(target_in_flight), 0, 0},
};

/* TILER_HEAP_CREATE: every bad argument, and the limits of good ones. */
static void
test_create(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);

   for (size_t i = 0; i < sizeof(create_cases) / sizeof(*create_cases); i++) {
      const struct create_case *c = &create_cases[i];
      struct drm_panthor_tiler_heap_create args = heap_args(vm);

      memcpy((char *)&args + c->field, &c->value, sizeof(c->value));
      int ret = heap_create(dev, &args);
      if (ret != c->ret)
         fail_msg("%s: %d", c->what, ret);
      if (!ret)
         assert_int_equal(heap_destroy(dev, args.handle, 0), 0);
   }

   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* What comes back: a handle of VM and id, and two addresses that are ours. */
static void
test_results(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct drm_panthor_tiler_heap_create a = heap_args(vm), b = a;

   assert_int_equal(heap_create(dev, &a), 0);
   assert_int_equal(heap_create(dev, &b), 0);
   assert_int_equal(a.handle, vm->id << 16);
   assert_int_equal(b.handle, vm->id << 16 | 1);
   assert_true(a.tiler_heap_ctx_gpu_va != b.tiler_heap_ctx_gpu_va);
   assert_true(a.first_heap_chunk_gpu_va != b.first_heap_chunk_gpu_va);
   assert_true(a.tiler_heap_ctx_gpu_va >= vm->user_va_range);
   assert_true(a.first_heap_chunk_gpu_va >= vm->user_va_range);
   assert_int_equal(a.first_heap_chunk_gpu_va % SZ_4K, 0);

   /* The lowest id that is free. */
   assert_int_equal(heap_destroy(dev, a.handle, 0), 0);
   assert_int_equal(heap_create(dev, &a), 0);
   assert_int_equal(a.handle, vm->id << 16);

   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* TILER_HEAP_DESTROY: unknown heaps, and what is said of each. */
static void
test_destroy(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev), *other = uapi_vm(dev);
   struct drm_panthor_tiler_heap_create args = heap_args(vm);

   /* A VM without a pool is not the same as one without the heap. */
   assert_int_equal(heap_destroy(dev, vm->id << 16, 0), -ENOENT);
   assert_int_equal(heap_create(dev, &args), 0);
   assert_int_equal(heap_destroy(dev, args.handle, 1), -EINVAL);
   assert_int_equal(heap_destroy(dev, 0, 0), -EINVAL);
   assert_int_equal(heap_destroy(dev, 31u << 16, 0), -EINVAL);
   assert_int_equal(heap_destroy(dev, args.handle | 1, 0), -EINVAL);
   assert_int_equal(heap_destroy(dev, args.handle | HEAPS_MAX, 0), -EINVAL);
   assert_int_equal(heap_destroy(dev, args.handle | 0xffff, 0), -EINVAL);
   assert_int_equal(heap_destroy(dev, other->id << 16, 0), -ENOENT);
   assert_int_equal(heap_destroy(dev, args.handle, 0), 0);
   assert_int_equal(heap_destroy(dev, args.handle, 0), -EINVAL);

   /* A failed creation leaves a pool, and no heap. */
   args = heap_args(other);
   args.chunk_size = 0;
   assert_int_equal(heap_create(dev, &args), -EINVAL);
   assert_int_equal(heap_destroy(dev, other->id << 16, 0), -EINVAL);

   pan_kmod_vm_destroy(other);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A VM has 128 tiler heaps, with the lowest free ids. */
static void
test_limit(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct drm_panthor_tiler_heap_create args = heap_args(vm);

   args.initial_chunk_count = 1;
   for (uint32_t i = 0; i < HEAPS_MAX; i++) {
      assert_int_equal(heap_create(dev, &args), 0);
      assert_int_equal(args.handle, vm->id << 16 | i);
   }
   assert_int_equal(heap_create(dev, &args), -EBUSY);
   assert_int_equal(heap_destroy(dev, vm->id << 16 | 77, 0), 0);
   assert_int_equal(heap_create(dev, &args), 0);
   assert_int_equal(args.handle, vm->id << 16 | 77);

   /* The VM takes them all along. */
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A heap's memory is the process's to pay for, and comes back. */
static void
test_memory(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct drm_panthor_tiler_heap_create args = heap_args(vm);

   assert_int_equal(heap_create(dev, &args), 0);
   assert_int_equal(heap_destroy(dev, args.handle, 0), 0);

   struct host_stats before = uapi_stats(dev);
   assert_int_equal(heap_create(dev, &args), 0);
   struct host_stats during = uapi_stats(dev);
   assert_int_equal(during.vmas, before.vmas + 2);
   assert_true(during.dram_allocated_B >= before.dram_allocated_B + 2 * CHUNK_B);
   assert_int_equal(heap_destroy(dev, args.handle, 0), 0);

   before.pt_entries_written = uapi_stats(dev).pt_entries_written;
   uapi_unchanged(dev, &before, "a heap that came and went");
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* More than there is: an error, and all that was taken is given back. */
static void
test_exhaustion(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct drm_panthor_tiler_heap_create args = heap_args(vm);

   uapi_need_virtual(dev);
   assert_int_equal(heap_create(dev, &args), 0);
   /* What can be evicted would be, for want of memory. */
   pan_kmod_reclaim(dev, 1ull << 40);
   struct host_stats before = uapi_stats(dev);

   args.chunk_size = 8 << 20;
   args.initial_chunk_count = args.max_chunks = 1000;
   assert_int_equal(heap_create(dev, &args), -ENOMEM);
   before.pt_entries_written = uapi_stats(dev).pt_entries_written;
   uapi_unchanged(dev, &before, "a heap larger than memory");

   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* The n-th step fails, for every n. */
static void
test_failures(void **state)
{
   struct pan_kmod_dev *dev = uapi_open(&uapi_small);
   uint64_t failures = 0;

   uapi_need_virtual(dev);
   for (uint64_t n = 0;; n++) {
      struct pan_kmod_vm *vm = uapi_vm(dev);
      struct drm_panthor_tiler_heap_create args = heap_args(vm);

      host_inject_failure(n);
      int ret = heap_create(dev, &args);
      const uint64_t steps = host_inject_failure(UINT64_MAX);

      if (ret) {
         assert_int_equal(ret, -ENOMEM);
         failures++;
      }
      pan_kmod_vm_destroy(vm);
      if (!ret && steps <= n)
         break;
   }
   assert_true(failures > 20);
   uapi_close(dev); /* counts leaks */
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_create),     cmocka_unit_test(test_results),
      cmocka_unit_test(test_destroy),    cmocka_unit_test(test_limit),
      cmocka_unit_test(test_memory),     cmocka_unit_test(test_exhaustion),
      cmocka_unit_test(test_failures),
   };
   return cmocka_run_group_tests_name("uapi-heap", tests, NULL, NULL);
}
