/* SPDX-License-Identifier: MIT */
/*
 * pan_kmod over a whole device: the machine in this process, or, with
 * PANSPARSE_DEVICE set, a real one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "pan_kmod.h"

#define PAGE_B UINT64_C(4096)
#define BLOCK_B (UINT64_C(2) << 20)

static void
need_machine(void)
{
   const char *node = getenv("PANSPARSE_DEVICE");

   if (node && *node)
      skip();
}

static int
setup_dev(void **state)
{
   struct pan_kmod_dev *dev;

   if (pan_kmod_dev_create(NULL, NULL, &dev))
      return -1;

   *state = dev;
   return 0;
}

static int
teardown_dev(void **state)
{
   return pan_kmod_dev_destroy(*state);
}

static struct pan_kmod_bo *
bo_create(struct pan_kmod_dev *dev, uint64_t size_B, uint32_t flags)
{
   struct pan_kmod_bo *bo;

   assert_int_equal(pan_kmod_bo_create(dev, size_B, flags, 0, "test", &bo), 0);
   return bo;
}

static struct pan_kmod_vm *
vm_create(struct pan_kmod_dev *dev)
{
   struct pan_kmod_vm *vm;

   assert_int_equal(pan_kmod_vm_create(dev, 0, &vm), 0);
   return vm;
}

static struct drm_panthor_vm_bind_op
map_op(const struct pan_kmod_bo *bo, uint64_t offset, uint64_t va,
       uint64_t size_B)
{
   return (struct drm_panthor_vm_bind_op){
       .flags =
           DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
       .bo_handle = bo->handle,
       .bo_offset = offset,
       .va = va,
       .size = size_B,
   };
}

/* --------------------------------------------------------------- devices -- */

static void
test_props(void **state)
{
   const struct pan_kmod_dev_props *props = pan_kmod_dev_props(*state);

   assert_int_equal(props->version_major, 1);
   assert_int_not_equal(props->gpu.gpu_id, 0);
   assert_int_not_equal(props->gpu.as_present, 0);
   assert_true(DRM_PANTHOR_MMU_VA_BITS(props->gpu.mmu_features) >= 32);
   assert_int_not_equal(props->gpu.shader_present, 0);
   assert_int_not_equal(props->csif.cs_reg_count, 0);
   assert_true(props->page_size_bitmap & PAGE_B);
}

static void
test_uapi_versions(void **state)
{
   need_machine();
   static const struct {
      enum host_uapi uapi;
      uint32_t minor;
      bool map_sparse;
   } cases[] = {
       {HOST_UAPI_1_9, 9, true},
       {HOST_UAPI_1_8_SPARSE, 8, true},
       {HOST_UAPI_1_8, 8, false},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      const struct host_config config = {.uapi = cases[i].uapi};
      struct pan_kmod_dev *dev;

      assert_int_equal(pan_kmod_dev_create(NULL, &config, &dev), 0);

      const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev);
      assert_true(props->virtual_gpu);
      assert_int_equal(props->version_minor, cases[i].minor);
      assert_int_equal(props->map_sparse, cases[i].map_sparse);
      assert_int_equal(props->page_size_bitmap, PAGE_B | BLOCK_B);

      assert_int_equal(pan_kmod_dev_destroy(dev), 0);
   }
}

static void
test_second_device(void **state)
{
   need_machine();
   const struct host_config config = {.va_bits = 40};
   struct pan_kmod_dev *one, *two = NULL;

   assert_int_equal(pan_kmod_dev_create(NULL, &config, &one), 0);
   assert_int_equal(pan_kmod_dev_create(NULL, &config, &two), -EBUSY);
   assert_null(two);
   assert_int_equal(pan_kmod_dev_create(NULL, NULL, &two), 0);
   assert_int_equal(
       DRM_PANTHOR_MMU_VA_BITS(pan_kmod_dev_props(two)->gpu.mmu_features), 40);

   assert_int_equal(pan_kmod_dev_destroy(one), 0);
   assert_int_equal(pan_kmod_dev_destroy(two), 0);
   assert_int_equal(pan_kmod_dev_destroy(NULL), 0);
}

/* What a user asks for where the program asks for nothing. */
static void
test_environment(void **state)
{
   need_machine();
   static const struct {
      const char *dram;
      uint64_t size_B;
      int error;
   } cases[] = {
       {"67108864", 64ull << 20, 0},
       {"0x4000000", 64ull << 20, 0},
       {"64M", 64ull << 20, 0},
       {"1G", 1ull << 30, 0},
       {"", 0, 0},
       {"plenty", 0, -EINVAL},
       {"64MB", 0, -EINVAL},
       {"-1", 0, -EINVAL},
       {"3M", 0, -EINVAL}, /* not a multiple of 2 MiB */
       {"99999999T", 0, -EINVAL},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct pan_kmod_dev *dev, *second;
      struct host_stats stats;

      setenv("PANSPARSE_DRAM", cases[i].dram, 1);
      int ret = pan_kmod_dev_create(NULL, NULL, &dev);
      if (ret != cases[i].error)
         fail_msg("PANSPARSE_DRAM='%s': %d", cases[i].dram, ret);
      if (ret)
         continue;

      assert_int_equal(pan_kmod_get_stats(dev, &stats), 0);
      if (cases[i].size_B)
         assert_int_equal(stats.dram_size_B, cases[i].size_B);

      assert_int_equal(pan_kmod_dev_create(NULL, NULL, &second), 0);
      assert_int_equal(pan_kmod_dev_destroy(second), 0);
      assert_int_equal(pan_kmod_dev_destroy(dev), 0);
   }
   unsetenv("PANSPARSE_DRAM");
}

static void
test_uapi_environment(void **state)
{
   need_machine();
   static const struct {
      const char *uapi;
      int error;
      unsigned minor;
      bool map_sparse;
   } cases[] = {
       {"", 0, 9, true},
       {"1.9", 0, 9, true},
       {"1.8-sparse", 0, 8, true},
       {"1.8", 0, 8, false},
       {"1.80", -EINVAL, 0, false},
       {"new", -EINVAL, 0, false},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct pan_kmod_dev *dev;

      setenv("PANSPARSE_UAPI", cases[i].uapi, 1);
      int ret = pan_kmod_dev_create(NULL, NULL, &dev);
      if (ret != cases[i].error)
         fail_msg("PANSPARSE_UAPI='%s': %d", cases[i].uapi, ret);
      if (ret)
         continue;

      const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev);
      assert_int_equal(props->version_minor, cases[i].minor);
      assert_int_equal(props->map_sparse, cases[i].map_sparse);
      assert_int_equal(pan_kmod_dev_destroy(dev), 0);
   }
   unsetenv("PANSPARSE_UAPI");
}

static void
test_null_environment(void **state)
{
   need_machine();
   static const struct {
      const char *word;
      int error;
      bool strict;
   } cases[] = {
       {"", 0, true},
       {"strict", 0, true},
       {"dummy", 0, false},
       {"none", -EINVAL, false},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct pan_kmod_dev *dev;

      setenv("PANSPARSE_NULL", cases[i].word, 1);
      int ret = pan_kmod_dev_create(NULL, NULL, &dev);
      if (ret != cases[i].error)
         fail_msg("PANSPARSE_NULL='%s': %d", cases[i].word, ret);
      if (ret)
         continue;
#if defined(__x86_64__)
      assert_int_equal(pan_kmod_dev_props(dev)->null_memory, cases[i].strict);
#endif
      assert_int_equal(pan_kmod_dev_destroy(dev), 0);
   }
   unsetenv("PANSPARSE_NULL");
}

/* -------------------------------------------------------- buffer objects -- */

static void
test_bo(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = bo_create(dev, 5000, 0);
   void *mapped, *again;

   assert_int_equal(bo->size_B, 2 * PAGE_B);
   assert_int_equal(
       pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE, 0, &mapped), 0);

   const char zeros[2 * 4096] = {0};
   assert_memory_equal(mapped, zeros, sizeof(zeros));
   strcpy((char *)mapped + PAGE_B, "pansparse");

   /* At an address of one's own. */
   void *reserved =
       mmap(NULL, bo->size_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_int_equal(
       pan_kmod_bo_mmap(bo, reserved, PROT_READ, MAP_FIXED, &again), 0);
   assert_ptr_equal(again, reserved);
   assert_string_equal((char *)again + PAGE_B, "pansparse");

   /* A mapping outlives the handle. */
   pan_kmod_bo_destroy(bo);
   assert_string_equal((char *)again + PAGE_B, "pansparse");
   assert_int_equal(pan_kmod_munmap(dev, mapped, 2 * PAGE_B), 0);
   assert_int_equal(pan_kmod_munmap(dev, again, 2 * PAGE_B), 0);
   pan_kmod_bo_destroy(NULL);
}

static void
test_bo_errors(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = NULL;
   char label[5000];
   void *mapped;

   assert_int_equal(pan_kmod_bo_create(dev, 0, 0, 0, NULL, &bo), -EINVAL);
   assert_int_equal(pan_kmod_bo_create(dev, PAGE_B, 1u << 9, 0, NULL, &bo),
                    -EINVAL);
   assert_int_equal(pan_kmod_bo_create(dev, PAGE_B, 0, 31, NULL, &bo), -EINVAL);
   assert_null(bo);

   /* The BO of a label that is too long is gone again. */
   memset(label, 'x', sizeof(label) - 1);
   label[sizeof(label) - 1] = '\0';
   assert_int_equal(pan_kmod_bo_create(dev, PAGE_B, 0, 0, label, &bo), -E2BIG);
   assert_null(bo);

   bo = bo_create(dev, PAGE_B, DRM_PANTHOR_BO_NO_MMAP);
   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ, 0, &mapped), -EPERM);
   pan_kmod_bo_destroy(bo);
}

static void
test_flush_id_page(void **state)
{
   struct pan_kmod_dev *dev = *state;
   void *mapped;

   assert_int_equal(pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                                  DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET,
                                  &mapped),
                    0);
   assert_int_not_equal(*(volatile uint32_t *)mapped, 0);
   assert_int_equal(pan_kmod_munmap(dev, mapped, PAGE_B), 0);

   static const struct {
      uint64_t size_B;
      int prot;
      int flags;
      uint64_t offset;
   } bad[] = {
       {PAGE_B, PROT_READ | PROT_WRITE, MAP_SHARED,
        DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET},
       {PAGE_B, PROT_READ | PROT_EXEC, MAP_SHARED,
        DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET},
       {PAGE_B, PROT_READ, MAP_PRIVATE, DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET},
       {2 * PAGE_B, PROT_READ, MAP_SHARED,
        DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET},
       {PAGE_B, PROT_READ, MAP_SHARED,
        DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET + PAGE_B},
   };

   for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      int ret = pan_kmod_mmap(dev, NULL, bad[i].size_B, bad[i].prot,
                              bad[i].flags, bad[i].offset, &mapped);
      if (ret != -EINVAL)
         fail_msg("case %zu: %d", i, ret);
   }
}

/* ------------------------------------------------------------------- VMs -- */

static void
test_vm(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_vm *one = vm_create(dev), *two = vm_create(dev), *bad;
   uint32_t vm_state = ~0u;

   assert_int_not_equal(one->id, two->id);
   assert_true(one->user_va_range >= BLOCK_B);
   assert_int_equal(pan_kmod_vm_get_state(one, &vm_state), 0);
   assert_int_equal(vm_state, DRM_PANTHOR_VM_STATE_USABLE);

   assert_int_equal(pan_kmod_vm_create(dev, UINT64_MAX, &bad), -EINVAL);

   pan_kmod_vm_destroy(one);
   pan_kmod_vm_destroy(two);
   pan_kmod_vm_destroy(NULL);
}

static void
test_vm_bind(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = bo_create(dev, 4 * PAGE_B, 0);
   struct pan_kmod_vm *vm = vm_create(dev);
   uint32_t failed = 77;
   struct drm_panthor_vm_bind_op ops[] = {
       map_op(bo, 0, BLOCK_B, PAGE_B),
       map_op(bo, PAGE_B, 2 * BLOCK_B, PAGE_B),
       /* Beyond the end of the BO. */
       map_op(bo, 3 * PAGE_B, 3 * BLOCK_B, 2 * PAGE_B),
       map_op(bo, 2 * PAGE_B, 4 * BLOCK_B, PAGE_B),
   };

   assert_int_equal(pan_kmod_vm_bind(vm, 0, ops, 4, &failed), -EINVAL);
   assert_int_equal(failed, 2);

   assert_int_equal(pan_kmod_vm_bind(vm, 0, ops, 2, &failed), 0);
   assert_int_equal(failed, 2);
   assert_int_equal(pan_kmod_vm_bind(vm, 0, NULL, 0, &failed), 0);
   assert_int_equal(failed, 0);

   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
}

/* -------------------------------------------------------------- syncobjs -- */

static void
test_syncobj_binary(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint32_t handle;

   assert_int_equal(pan_kmod_syncobj_create(dev, true, &handle), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 0, 0), 0);
   pan_kmod_syncobj_destroy(dev, handle);

   assert_int_equal(pan_kmod_syncobj_create(dev, false, &handle), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 0, 0), -ETIME);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 0, 1000000), -ETIME);
   assert_int_equal(pan_kmod_syncobj_signal(dev, handle, 0), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 0, INT64_MAX), 0);
   pan_kmod_syncobj_destroy(dev, handle);

   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 0, 0), -ENOENT);
   pan_kmod_syncobj_destroy(dev, 0);
}

static void
test_syncobj_timeline(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint64_t point = 77;
   uint32_t handle;

   assert_int_equal(pan_kmod_syncobj_create(dev, false, &handle), 0);
   assert_int_equal(pan_kmod_syncobj_query(dev, handle, &point), 0);
   assert_int_equal(point, 0);

   assert_int_equal(pan_kmod_syncobj_signal(dev, handle, 3), 0);
   assert_int_equal(pan_kmod_syncobj_query(dev, handle, &point), 0);
   assert_int_equal(point, 3);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 2, 0), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 3, INT64_MAX), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, handle, 4, 1000000), -ETIME);

   pan_kmod_syncobj_destroy(dev, handle);
}

/* An asynchronous bind waits for one syncobj and signals another. */
static void
test_async_bind(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = bo_create(dev, PAGE_B, 0);
   struct pan_kmod_vm *vm = vm_create(dev);
   uint32_t go, done;

   assert_int_equal(pan_kmod_syncobj_create(dev, false, &go), 0);
   assert_int_equal(pan_kmod_syncobj_create(dev, false, &done), 0);

   struct drm_panthor_sync_op syncs[] = {
       {
           .flags = DRM_PANTHOR_SYNC_OP_WAIT |
                    DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
           .handle = go,
           .timeline_value = 5,
       },
       {
           .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL |
                    DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_SYNCOBJ,
           .handle = done,
       },
   };
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, BLOCK_B, PAGE_B);
   op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, syncs);

   /* The kernel does not wait for a point that nobody has promised. */
   assert_int_equal(
       pan_kmod_vm_bind(vm, DRM_PANTHOR_VM_BIND_ASYNC, &op, 1, NULL), -EINVAL);
   assert_int_equal(pan_kmod_syncobj_signal(dev, go, 5), 0);
   assert_int_equal(
       pan_kmod_vm_bind(vm, DRM_PANTHOR_VM_BIND_ASYNC, &op, 1, NULL), 0);
   assert_int_equal(pan_kmod_syncobj_wait(dev, done, 0, INT64_MAX), 0);

   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
   pan_kmod_syncobj_destroy(dev, go);
   pan_kmod_syncobj_destroy(dev, done);
}

/* ------------------------------------------------ what only we can offer -- */

static void
test_window(void **state)
{
   struct pan_kmod_dev *dev = *state;

   if (!pan_kmod_dev_props(dev)->virtual_gpu)
      skip();

   struct pan_kmod_bo *bo = bo_create(dev, PAGE_B, 0);
   struct pan_kmod_vm *vm = vm_create(dev);
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, BLOCK_B, PAGE_B);
   void *host =
       mmap(NULL, PAGE_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   struct pan_kmod_window *window;
   struct host_stats stats;
   uint64_t root_pa;
   void *cpu;

   assert_int_equal(pan_kmod_vm_bind(vm, 0, &op, 1, NULL), 0);
   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE, 0, &cpu),
                    0);
   assert_int_equal(pan_kmod_window_create(vm, BLOCK_B, host, PAGE_B, &window),
                    0);
   pan_kmod_fault_handler_ensure(dev);

   *(volatile uint32_t *)host = 0xdeadbeef;
   assert_int_equal(*(uint32_t *)cpu, 0xdeadbeef);

   assert_int_equal(pan_kmod_get_stats(dev, &stats), 0);
   assert_true(stats.tlb_misses >= 1);
   assert_int_equal(pan_kmod_vm_root(vm, &root_pa), 0);
   assert_true(root_pa < stats.dram_size_B);
   /* VA 2 MiB lies behind the first entry of the root. */
   assert_int_not_equal(*(uint64_t *)pan_kmod_dram_ptr(dev, root_pa), 0);

   pan_kmod_window_destroy(window);
   pan_kmod_window_destroy(NULL);
   munmap(host, PAGE_B);
   assert_int_equal(pan_kmod_munmap(dev, cpu, PAGE_B), 0);
   pan_kmod_vm_destroy(vm);
   pan_kmod_bo_destroy(bo);
}

#define DEV_TEST(f) cmocka_unit_test_setup_teardown(f, setup_dev, teardown_dev)

int
main(void)
{
   const struct CMUnitTest tests[] = {
       DEV_TEST(test_props),
       DEV_TEST(test_bo),
       DEV_TEST(test_bo_errors),
       DEV_TEST(test_flush_id_page),
       DEV_TEST(test_vm),
       DEV_TEST(test_vm_bind),
       DEV_TEST(test_syncobj_binary),
       DEV_TEST(test_syncobj_timeline),
       DEV_TEST(test_async_bind),
       DEV_TEST(test_window),
       /* These choose the machine's configuration, and skip on a node. */
       cmocka_unit_test(test_uapi_versions),
       cmocka_unit_test(test_second_device),
       cmocka_unit_test(test_environment),
       cmocka_unit_test(test_uapi_environment),
       cmocka_unit_test(test_null_environment),
   };
   return cmocka_run_group_tests_name("kmod", tests, NULL, NULL);
}
