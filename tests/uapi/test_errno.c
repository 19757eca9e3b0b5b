/* SPDX-License-Identifier: MIT */
/*
 * Every invalid argument of every ioctl but VM_BIND (test_errno_bind.c) gets
 * its errno and changes nothing. Findings have the numbers of docs/panthor.md.
 */
#include "uapi.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define BAD_POINTER 0x10ull /* never mapped */

static int
setup(void **state)
{
   *state = uapi_open(&uapi_small);
   return 0;
}

static int
teardown(void **state)
{
   uapi_close(*state);
   return 0;
}

/* One row of a table: an ioctl, its argument, what must come of it. */
struct row {
   const char *what;
   unsigned long request;
   const void *arg;
   int ret;
};

static void
run_rows(struct pan_kmod_dev *dev, const struct row *rows, unsigned count)
{
   struct host_stats before = uapi_stats(dev);

   for (unsigned i = 0; i < count; i++) {
      uint8_t arg[256] = {0};
      memcpy(arg, rows[i].arg, _IOC_SIZE(rows[i].request));
      int ret = pan_kmod_ioctl(dev, rows[i].request, arg);

      if (ret != rows[i].ret)
         fail_msg("%s: got %d, want %d", rows[i].what, ret, rows[i].ret);
      if (ret)
         uapi_unchanged(dev, &before, rows[i].what);
   }
}
#define RUN(dev, rows) run_rows(dev, rows, sizeof(rows) / sizeof((rows)[0]))

/* The ioctls have the codes and sizes of the kernel's header. */
static void
test_layout(void **state)
{
   (void)state;
   /* Codes and sizes as compiled from Linux' header. */
   static const struct {
      unsigned long request, code;
   } codes[] = {
      {DRM_IOCTL_PANTHOR_DEV_QUERY, 0xc0106440},
      {DRM_IOCTL_PANTHOR_VM_CREATE, 0xc0106441},
      {DRM_IOCTL_PANTHOR_VM_DESTROY, 0xc0086442},
      {DRM_IOCTL_PANTHOR_VM_BIND, 0xc0186443},
      {DRM_IOCTL_PANTHOR_VM_GET_STATE, 0xc0086444},
      {DRM_IOCTL_PANTHOR_BO_CREATE, 0xc0186445},
      {DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, 0xc0106446},
      {DRM_IOCTL_PANTHOR_GROUP_CREATE, 0xc0386447},
      {DRM_IOCTL_PANTHOR_GROUP_DESTROY, 0xc0086448},
      {DRM_IOCTL_PANTHOR_GROUP_SUBMIT, 0xc0186449},
      {DRM_IOCTL_PANTHOR_GROUP_GET_STATE, 0xc010644a},
      {DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, 0xc028644b},
      {DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, 0xc008644c},
      {DRM_IOCTL_PANTHOR_BO_SET_LABEL, 0xc010644d},
      {DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET, 0xc008644e},
      {DRM_IOCTL_PANTHOR_BO_SYNC, 0xc010644f},
      {DRM_IOCTL_PANTHOR_BO_QUERY_INFO, 0xc0106450},
   };
   for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
      assert_int_equal(codes[i].request & 0xffffffff, codes[i].code);
   assert_int_equal(sizeof(struct drm_panthor_vm_bind_op), 48);
   assert_int_equal(offsetof(struct drm_panthor_vm_bind_op, syncs), 32);
   assert_int_equal(sizeof(struct drm_panthor_sync_op), 16);
   assert_int_equal(sizeof(struct drm_panthor_queue_submit), 40);
   assert_int_equal(sizeof(struct drm_panthor_bo_sync_op), 24);
   assert_int_equal(sizeof(struct drm_panthor_gpu_info), 112);
   assert_int_equal(sizeof(struct drm_panthor_csif_info), 24);
   assert_int_equal(sizeof(struct drm_panthor_timestamp_info), 56);
   assert_int_equal(sizeof(struct drm_panthor_group_priorities_info), 4);
   assert_int_equal(sizeof(struct drm_panthor_mmu_info), 8);
}

/* Unknown ioctls, and structs shorter and longer than the kernel's. */
static void
test_generic(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint8_t buffer[64];

   /* Numbers past the last ioctl, and the wrong type. */
   memset(buffer, 0, sizeof(buffer));
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOWR(0x51, uint64_t[2]), buffer),
                    -EINVAL);
   assert_int_equal(
      pan_kmod_ioctl(dev, _IOWR('e', 0x40, struct drm_panthor_dev_query),
                     buffer),
      -ENOTTY);

   /* A longer struct is accepted, what the kernel does not know is echoed. */
   struct {
      struct drm_panthor_vm_get_state get;
      uint64_t future;
   } longer = {.get = {.vm_id = 77}, .future = 5};
   assert_int_equal(
      pan_kmod_ioctl(dev, DRM_IOWR(0x44, longer), &longer), -EINVAL);
   assert_int_equal(longer.future, 5);

   /* A shorter one is completed with zeroes: pad of VM_DESTROY, say. */
   uint32_t id = 77;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOWR(0x42, uint32_t), &id),
                    -EINVAL);
}

/* DEV_QUERY: every type, with every size. */
static void
test_dev_query(void **state)
{
   struct pan_kmod_dev *dev = *state;
   static const struct {
      uint32_t type, size, minimum;
   } known[] = {
      {DRM_PANTHOR_DEV_QUERY_GPU_INFO, 112, 96},
      {DRM_PANTHOR_DEV_QUERY_CSIF_INFO, 24, 24},
      {DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, 56, 16},
      {DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, 4, 4},
      {DRM_PANTHOR_DEV_QUERY_MMU_INFO, 8, 8},
   };

   for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
      struct drm_panthor_dev_query query = {.type = known[i].type};
      uint8_t out[256];

      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       0);
      assert_int_equal(query.size, known[i].size);

      query.pointer = (uintptr_t)out;
      query.size = known[i].minimum - 1;
      memset(out, 0, sizeof(out));
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       -EINVAL);

      /* Too large: the rest is zero-filled. */
      memset(out, 0, sizeof(out));
      if (known[i].type != DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO)
         memset(out + known[i].size, 0xff, 8);
      query.size = known[i].size + 8;
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       0);
      for (unsigned b = 0; b < 8; b++)
         assert_int_equal(out[known[i].size + b], 0);

      query.pointer = BAD_POINTER;
      query.size = known[i].size;
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       -EFAULT);
   }
   struct drm_panthor_dev_query unknown = {.type = 5};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &unknown),
                    -EINVAL);
   uint64_t bytes;
   unknown.pointer = (uintptr_t)&bytes;
   unknown.size = sizeof(bytes);
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &unknown),
                    -EINVAL);

   const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev);
   assert_int_equal(props->version_major, 1);
   assert_int_equal(props->version_minor, 9);
   assert_int_equal(props->page_size_bitmap, SZ_4K | SZ_2M);
   assert_int_equal(props->gpu.mmu_features & 0xffff, 0x2830);
   assert_int_equal(props->csif.unpreserved_cs_reg_count, 4);
   assert_int_equal(props->csif.cs_reg_count, 96);
   assert_true(props->map_sparse);
}

static int
query_timestamp(struct pan_kmod_dev *dev, void *info, uint32_t size)
{
   struct drm_panthor_dev_query query = {
      .type = DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
      .size = size,
      .pointer = (uintptr_t)info,
   };
   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query);
}

/* DEV_QUERY_TIMESTAMP_INFO: every flag, and what each fills in. */
static void
test_timestamp(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct drm_panthor_timestamp_info info = {0};

   /* No flags ask for GPU time, offset and frequency. */
   assert_int_equal(query_timestamp(dev, &info, sizeof(info)), 0);
   /* The frequency is that of Arm's system timer, 0 where there is none. */
   assert_int_not_equal(info.current_timestamp, 0);
   assert_int_equal(info.cycle_count, 0);
   assert_int_equal(info.cpu_timestamp_sec, 0);

   info = (struct drm_panthor_timestamp_info){
      .flags = DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC |
               DRM_PANTHOR_TIMESTAMP_DURATION,
      .timestamp_frequency = 99,
   };
   assert_int_equal(query_timestamp(dev, &info, sizeof(info)), 0);
   assert_int_equal(info.timestamp_frequency, 0);
   assert_int_equal(info.current_timestamp, 0);
   assert_true(info.cpu_timestamp_nsec < 1000000000);

   static const uint32_t bad[] = {3 << 1, 4 << 1, 7 << 1, 1 << 8, 1u << 31};
   for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      info = (struct drm_panthor_timestamp_info){.flags = bad[i]};
      assert_int_equal(query_timestamp(dev, &info, sizeof(info)), -EINVAL);
   }
   /* Non-zero bytes beyond the kernel's struct. */
   uint8_t longer[64] = {0};
   longer[60] = 1;
   assert_int_equal(query_timestamp(dev, longer, sizeof(longer)), -E2BIG);
}

/* VM_CREATE, VM_DESTROY and VM_GET_STATE: every bad argument. */
static void
test_vm(void **state)
{
   struct pan_kmod_dev *dev = *state;
   const uint64_t full = 1ull << 48;
   const struct row rows[] = {
      {"VM_CREATE, flags", DRM_IOCTL_PANTHOR_VM_CREATE,
       &(struct drm_panthor_vm_create){.flags = 1}, -EINVAL},
      {"VM_CREATE, range of the whole VA space", DRM_IOCTL_PANTHOR_VM_CREATE,
       &(struct drm_panthor_vm_create){.user_va_range = full}, -EINVAL},
      {"VM_CREATE, 4 KiB less than the kernel's minimum",
       DRM_IOCTL_PANTHOR_VM_CREATE,
       &(struct drm_panthor_vm_create){
          .user_va_range = full - (256ull << 20) + 4096},
       -EINVAL},
      {"VM_DESTROY, unknown", DRM_IOCTL_PANTHOR_VM_DESTROY,
       &(struct drm_panthor_vm_destroy){.id = 9}, -EINVAL},
      {"VM_DESTROY, 0", DRM_IOCTL_PANTHOR_VM_DESTROY,
       &(struct drm_panthor_vm_destroy){.id = 0}, -EINVAL},
      {"VM_DESTROY, pad", DRM_IOCTL_PANTHOR_VM_DESTROY,
       &(struct drm_panthor_vm_destroy){.id = 1, .pad = 1}, -EINVAL},
      {"VM_GET_STATE, unknown", DRM_IOCTL_PANTHOR_VM_GET_STATE,
       &(struct drm_panthor_vm_get_state){.vm_id = 0xdeadbeef}, -EINVAL},
   };
   RUN(dev, rows);

   /* The range comes back as what the kernel leaves. */
   static const struct {
      uint64_t asked, got;
   } ranges[] = {
      {0, 1ull << 47},
      {4096, 1ull << 47},
      {1ull << 47, 1ull << 47},
      {(1ull << 47) + 4096, (1ull << 47) + (1ull << 46)},
      {(1ull << 48) - (256ull << 20), (1ull << 48) - (256ull << 20)},
   };
   for (unsigned i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
      struct pan_kmod_vm *vm;
      assert_int_equal(pan_kmod_vm_create(dev, ranges[i].asked, &vm), 0);
      assert_int_equal(vm->id, 1); /* lowest free */
      assert_int_equal(vm->user_va_range, ranges[i].got);
      uint32_t vm_state = 7;
      assert_int_equal(pan_kmod_vm_get_state(vm, &vm_state), 0);
      assert_int_equal(vm_state, DRM_PANTHOR_VM_STATE_USABLE);
      pan_kmod_vm_destroy(vm);
   }

   /* At most 32 per file. */
   struct pan_kmod_vm *vms[33];
   for (unsigned i = 0; i < 32; i++) {
      assert_int_equal(pan_kmod_vm_create(dev, 0, &vms[i]), 0);
      assert_int_equal(vms[i]->id, i + 1);
   }
   assert_int_equal(pan_kmod_vm_create(dev, 0, &vms[32]), -EBUSY);
   pan_kmod_vm_destroy(vms[5]);
   assert_int_equal(pan_kmod_vm_create(dev, 0, &vms[5]), 0);
   assert_int_equal(vms[5]->id, 6);
   for (unsigned i = 0; i < 32; i++)
      pan_kmod_vm_destroy(vms[i]);
}

/* BO_CREATE, BO_MMAP_OFFSET and BO_QUERY_INFO: every bad argument. */
static void
test_bo(void **state)
{
   struct pan_kmod_dev *dev = *state;
   const struct row rows[] = {
      {"BO_CREATE, size 0", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 0}, -EINVAL},
      {"BO_CREATE, pad", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 4096, .pad = 1}, -EINVAL},
      {"BO_CREATE, unknown flag", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 4096, .flags = 4}, -EINVAL},
      {"BO_CREATE, NO_MMAP with WB_MMAP", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 4096, .flags = 3}, -EINVAL},
      {"BO_CREATE, unknown exclusive VM", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 4096, .exclusive_vm_id = 3},
       -EINVAL},
      {"BO_CREATE, larger than a file may be", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 1ull << 63}, -EINVAL},
      {"BO_CREATE, wraps to 0", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = ~0ull}, -ENOSPC},
      {"BO_CREATE, past the fake offsets", DRM_IOCTL_PANTHOR_BO_CREATE,
       &(struct drm_panthor_bo_create){.size = 1ull << 50}, -ENOSPC},
      {"BO_MMAP_OFFSET, unknown", DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET,
       &(struct drm_panthor_bo_mmap_offset){.handle = 99}, -ENOENT},
      {"BO_MMAP_OFFSET, pad", DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET,
       &(struct drm_panthor_bo_mmap_offset){.handle = 99, .pad = 1}, -EINVAL},
      {"BO_SET_LABEL, unknown", DRM_IOCTL_PANTHOR_BO_SET_LABEL,
       &(struct drm_panthor_bo_set_label){.handle = 99}, -ENOENT},
      {"BO_SET_LABEL, pad", DRM_IOCTL_PANTHOR_BO_SET_LABEL,
       &(struct drm_panthor_bo_set_label){.handle = 99, .pad = 1}, -EINVAL},
      {"BO_QUERY_INFO, unknown", DRM_IOCTL_PANTHOR_BO_QUERY_INFO,
       &(struct drm_panthor_bo_query_info){.handle = 99}, -ENOENT},
      {"SET_USER_MMIO_OFFSET, neither", DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
       &(struct drm_panthor_set_user_mmio_offset){.offset = 1ull << 44},
       -EINVAL},
      {"SET_USER_MMIO_OFFSET, 0", DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
       &(struct drm_panthor_set_user_mmio_offset){.offset = 0}, -EINVAL},
      {"SET_USER_MMIO_OFFSET, 64 bit", DRM_IOCTL_PANTHOR_SET_USER_MMIO_OFFSET,
       &(struct drm_panthor_set_user_mmio_offset){.offset = 1ull << 56}, 0},
   };
   RUN(dev, rows);

   struct pan_kmod_bo *bo;
   assert_int_equal(pan_kmod_bo_create(dev, 5000, DRM_PANTHOR_BO_NO_MMAP, 0,
                                       "hidden", &bo), 0);
   assert_int_equal(bo->size_B, 8192);
   struct drm_panthor_bo_mmap_offset map = {.handle = bo->handle};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &map),
                    -EPERM);
   struct drm_panthor_bo_query_info info = {.handle = bo->handle};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info),
                    0);
   assert_int_equal(info.create_flags, DRM_PANTHOR_BO_NO_MMAP);
   assert_int_equal(info.extra_flags, 0);
   /* Ours checks the pad, Linux does not (finding 6). */
   info.pad = 1;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info),
                    -EINVAL);
   pan_kmod_bo_destroy(bo);
}

/* BO_SET_LABEL: lengths, bad pointers, and taking a label away. */
static void
test_bo_label(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = uapi_bo(dev, 4096);
   static char longest[4097];

   memset(longest, 'x', sizeof(longest));
   longest[4095] = 0;
   struct drm_panthor_bo_set_label label = {.handle = bo->handle,
                                            .label = (uintptr_t)longest};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label),
                    0);
   longest[4095] = 'x';
   longest[4096] = 0;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label),
                    -E2BIG);
   label.label = BAD_POINTER;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label),
                    -EFAULT);
   label.label = (uintptr_t) "";
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label),
                    0);
   label.label = 0;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label),
                    0);
   pan_kmod_bo_destroy(bo);
}

static int
sync_one(struct pan_kmod_dev *dev, struct drm_panthor_bo_sync_op op)
{
   struct drm_panthor_bo_sync sync = {.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SYNC, &sync);
}

/* BO_SYNC: every bad argument, and ranges at the end of a BO. */
static void
test_bo_sync(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo;

   assert_int_equal(pan_kmod_bo_create(dev, 8192, DRM_PANTHOR_BO_WB_MMAP, 0,
                                       NULL, &bo), 0);
   struct drm_panthor_bo_sync empty = {0};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SYNC, &empty), 0);

   const uint32_t handle = bo->handle;
   static const struct {
      uint32_t handle_offset, type;
      uint64_t offset, size;
      int ret;
   } rows[] = {
      {0, 0, 0, 8192, 0},          {0, 1, 4096, 4096, 0},
      {0, 0, 0, 0, 0},             {50, 0, 0, 4096, -ENOENT},
      {0, 0, 4096, 8192, -EINVAL}, {0, 0, ~0ull, 2, -EINVAL},
      {0, 2, 0, 4096, -EINVAL},
   };
   for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
      assert_int_equal(sync_one(dev, (struct drm_panthor_bo_sync_op){
                                        .handle = handle + rows[i].handle_offset,
                                        .type = rows[i].type,
                                        .offset = rows[i].offset,
                                        .size = rows[i].size}),
                       rows[i].ret);

   struct drm_panthor_bo_sync bad = {
      .ops = {.stride = 16, .count = 1, .array = BAD_POINTER}};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SYNC, &bad),
                    -EINVAL);
   bad.ops.stride = 24;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SYNC, &bad),
                    -EFAULT);
   pan_kmod_bo_destroy(bo);
}

/* Caches that do not snoop: the same answers, with lines to write back. */
static void
test_bo_sync_noncoherent(void **state)
{
   (void)state;
   static const uint64_t sizes[] = {1, 4096, 4097, 3 * 4096, 4 * 4096};
   struct host_config config = uapi_small_fragmented;
   struct pan_kmod_bo *bo;
   char *cpu;

   config.noncoherent = true;
   struct pan_kmod_dev *dev = uapi_open(&config);
   assert_int_equal(pan_kmod_bo_create(dev, 4 * 4096, DRM_PANTHOR_BO_WB_MMAP, 0,
                                       NULL, &bo), 0);
   assert_int_equal(pan_kmod_bo_mmap(bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, (void **)&cpu), 0);
   memset(cpu, 0x5a, 4 * 4096);
   /* Lines are written back once the device has the pages. */
   struct pan_kmod_vm *vm = uapi_vm(dev);
   assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1G, 4 * 4096), 0);
   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      for (uint32_t type = 0; type < 2; type++)
         assert_int_equal(sync_one(dev, (struct drm_panthor_bo_sync_op){
                                           .handle = bo->handle,
                                           .type = type,
                                           .offset = 4 * 4096 - sizes[i],
                                           .size = sizes[i]}), 0);
   }
   for (unsigned i = 0; i < 4 * 4096; i++)
      assert_int_equal(cpu[i], 0x5a);
   assert_int_equal(pan_kmod_munmap(dev, cpu, 4 * 4096), 0);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
   uapi_close(dev);
}

/* A BO travels as a descriptor and comes back as itself; an exclusive one not. */
static void
test_prime(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_vm *vm = uapi_vm(dev);
   struct pan_kmod_bo *bo = uapi_bo(dev, SZ_64K), *exclusive;
   struct drm_prime_handle out = {.handle = bo->handle,
                                  .flags = DRM_CLOEXEC | DRM_RDWR};
   struct drm_panthor_bo_query_info info = {.handle = bo->handle};

   assert_int_equal(pan_kmod_bo_create(dev, SZ_64K, 0, vm->id, NULL, &exclusive),
                    0);
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &out), 0);
   struct drm_prime_handle in = {.fd = out.fd};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_FD_TO_HANDLE, &in), 0);
   close(out.fd);
   assert_int_equal(in.handle, bo->handle);
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &info),
                    0);
   assert_int_equal(info.extra_flags & DRM_PANTHOR_BO_IS_IMPORTED, 0);

   out.handle = exclusive->handle;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &out),
                    -EINVAL);
   pan_kmod_bo_destroy(exclusive);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(vm);
}

static int
mmap_at(struct pan_kmod_dev *dev, size_t size_B, int prot, int flags,
        uint64_t offset)
{
   void *addr;
   int ret = pan_kmod_mmap(dev, NULL, size_B, prot, flags, offset, &addr);

   if (ret == 0)
      pan_kmod_munmap(dev, addr, size_B);
   return ret;
}

/*
 * mmap of BOs and of the flush-id page: ranges, protection, kinds of mapping.
 */
static void
test_mmap(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_bo *bo = uapi_bo(dev, 8192);
   struct drm_panthor_bo_mmap_offset map = {.handle = bo->handle};
   const int rw = PROT_READ | PROT_WRITE;

   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &map),
                    0);
   assert_int_equal(mmap_at(dev, 8192, rw, MAP_SHARED, map.offset), 0);
   assert_int_equal(mmap_at(dev, 8192, rw, MAP_PRIVATE, map.offset), -EINVAL);
   assert_int_equal(mmap_at(dev, 12288, rw, MAP_SHARED, map.offset), -EINVAL);
   assert_int_equal(
      mmap_at(dev, 4096, rw, MAP_SHARED, map.offset + (1ull << 36)), -EINVAL);

   /* The flush-id page. */
   const uint64_t flush_id = DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET;
   assert_int_equal(mmap_at(dev, 4096, PROT_READ, MAP_SHARED, flush_id), 0);
   assert_int_equal(mmap_at(dev, 4096, rw, MAP_SHARED, flush_id), -EINVAL);
   assert_int_equal(mmap_at(dev, 8192, PROT_READ, MAP_SHARED, flush_id),
                    -EINVAL);
   assert_int_equal(mmap_at(dev, 4096, PROT_READ, MAP_PRIVATE, flush_id),
                    -EINVAL);
   assert_int_equal(
      mmap_at(dev, 4096, PROT_READ, MAP_SHARED, flush_id + 4096), -EINVAL);
   pan_kmod_bo_destroy(bo);
}

/*
 * What the older shapes of the uAPI have, and how they answer what they have
 * not.
 */
static void
test_old_shapes(void **state)
{
   (void)state;
   static const struct {
      enum host_uapi uapi;
      uint32_t minor;
      bool mmu_info, map_sparse;
   } shapes[] = {
      {HOST_UAPI_1_9, 9, true, true},
      {HOST_UAPI_1_8_SPARSE, 8, false, true},
      {HOST_UAPI_1_8, 8, false, false},
   };
   for (unsigned i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
      struct host_config config = uapi_small;
      config.uapi = shapes[i].uapi;
      struct pan_kmod_dev *dev = uapi_open(&config);
      uapi_need_virtual(dev);
      const struct pan_kmod_dev_props *props = pan_kmod_dev_props(dev);
      assert_int_equal(props->version_minor, shapes[i].minor);
      assert_int_equal(props->map_sparse, shapes[i].map_sparse);
      assert_int_equal(props->page_size_bitmap, SZ_4K | SZ_2M);
      struct drm_panthor_dev_query query = {
         .type = DRM_PANTHOR_DEV_QUERY_MMU_INFO};
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       shapes[i].mmu_info ? 0 : -EINVAL);
      struct drm_panthor_mmu_info info = {0};
      query.size = sizeof(info);
      query.pointer = (uintptr_t)&info;
      assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &query),
                       shapes[i].mmu_info ? 0 : -EINVAL);
      assert_int_equal(info.page_size_bitmap,
                       shapes[i].mmu_info ? SZ_4K | SZ_2M : 0);

      /* The flag works, or is as unknown as any other; all else is the same. */
      const int want = shapes[i].map_sparse ? 0 : -EINVAL;
      const struct drm_panthor_vm_bind_op op = {
         .flags = SPARSE, .va = SZ_1T, .size = SZ_1T};
      struct pan_kmod_bo *bo = uapi_bo(dev, SZ_2M);
      struct pan_kmod_vm *vm = uapi_vm(dev);
      struct host_stats before = uapi_stats(dev);
      assert_int_equal(pan_kmod_vm_bind(vm, 0, &op, 1, NULL), want);
      assert_int_equal(pan_kmod_vm_bind(vm, ASYNC, &op, 1, NULL), want);
      if (want)
         uapi_unchanged(dev, &before, "MAP_SPARSE under 1.8");
      assert_int_equal(uapi_bind(vm, NOEXEC, bo, 0, SZ_1T, SZ_2M), 0);
      pan_kmod_bo_destroy(bo);
      pan_kmod_vm_destroy(vm);
      uapi_close(dev);
   }
}

#define WITH_DEV(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_layout), WITH_DEV(test_generic),
      WITH_DEV(test_dev_query),      WITH_DEV(test_timestamp),
      WITH_DEV(test_vm),             WITH_DEV(test_bo),
      WITH_DEV(test_bo_label),       WITH_DEV(test_bo_sync),
      WITH_DEV(test_mmap),           WITH_DEV(test_prime),
      cmocka_unit_test(test_bo_sync_noncoherent),
      cmocka_unit_test(test_old_shapes),
   };
   return cmocka_run_group_tests_name("uapi-errno", tests, NULL, NULL);
}
