/* SPDX-License-Identifier: MIT */
/*
 * The uAPI of devices and buffer objects, argument by argument: what is invalid
 * gets the errno of docs/panthor.md and changes nothing. Runs on a board with
 * PANSPARSE_DEVICE set; what only this driver promises is marked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"
#include "pan_kmod.h"

#define PAGE_B UINT64_C(4096)
#define USER_PTR(p) ((uint64_t)(uintptr_t)(p))
/* No process has memory there. */
#define BAD_PTR UINT64_C(0x10)

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

static bool
is_ours(struct pan_kmod_dev *dev)
{
   return pan_kmod_dev_props(dev)->virtual_gpu;
}

#define ASSERT_IOCTL(dev, name, args, expected)                                \
   do {                                                                        \
      int ret_ = pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_##name, args);          \
      if (ret_ != (expected))                                                  \
         fail_msg("line %d: " #name " gives %d, expected %d", __LINE__, ret_,  \
                  expected);                                                   \
   } while (0)

static uint32_t
bo_create(struct pan_kmod_dev *dev, uint64_t size_B, uint32_t flags)
{
   struct drm_panthor_bo_create args = {.size = size_B, .flags = flags};

   ASSERT_IOCTL(dev, BO_CREATE, &args, 0);
   assert_int_not_equal(args.handle, 0);
   return args.handle;
}

static void
bo_close(struct pan_kmod_dev *dev, uint32_t handle)
{
   struct drm_gem_close args = {.handle = handle};

   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_GEM_CLOSE, &args), 0);
}

/* ---------------------------------------------------------- the DRM core -- */

static void
test_ioctl_numbers(void **state)
{
   struct pan_kmod_dev *dev = *state;
   char arg[64] = {0};

   /* Behind the last one, and none of DRM's. */
   assert_int_equal(
       pan_kmod_ioctl(dev, DRM_IOWR(DRM_COMMAND_BASE + 0x11, char[16]), arg),
       -EINVAL);
   assert_int_equal(pan_kmod_ioctl(dev, _IOWR('x', 0x40, char[16]), arg),
                    -ENOTTY);

   /* The argument itself must be there. */
   assert_int_equal(
       pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_CREATE, (void *)BAD_PTR),
       -EFAULT);
}

/* A struct of an older program: what it lacks is zero. */
static void
test_short_struct(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct {
      uint32_t handle;
      uint32_t pad;
   } args = {.handle = 12345};

   assert_int_equal(
       pan_kmod_ioctl(
           dev, DRM_IOWR(DRM_COMMAND_BASE + DRM_PANTHOR_BO_MMAP_OFFSET, args),
           &args),
       -ENOENT);
}

/* ------------------------------------------------------------- DEV_QUERY -- */

static const struct {
   uint32_t type;
   uint32_t size_B; /* of the whole answer */
   uint32_t min_B;  /* that a caller must have room for */
} queries[] = {
    {DRM_PANTHOR_DEV_QUERY_GPU_INFO, 112, 96},
    {DRM_PANTHOR_DEV_QUERY_CSIF_INFO, 24, 24},
    {DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, 56, 16},
    {DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, 4, 4},
    {DRM_PANTHOR_DEV_QUERY_MMU_INFO, 8, 8},
};

static void
test_dev_query_sizes(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint8_t full[256], part[256];

   if (!is_ours(dev))
      skip(); /* older kernels have smaller answers */

   for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
      struct drm_panthor_dev_query args = {.type = queries[i].type};

      ASSERT_IOCTL(dev, DEV_QUERY, &args, 0);
      assert_int_equal(args.size, queries[i].size_B);

      memset(full, 0, sizeof(full));
      args.pointer = USER_PTR(full);
      ASSERT_IOCTL(dev, DEV_QUERY, &args, 0);

      /* Less, down to the smallest; nothing is written behind the end. */
      for (uint32_t size_B = 0; size_B <= queries[i].size_B; size_B += 4) {
         memset(part, 0xaa, sizeof(part));
         memset(part, 0, size_B);
         args.size = size_B;
         ASSERT_IOCTL(dev, DEV_QUERY, &args,
                      size_B < queries[i].min_B ? -EINVAL : 0);
         args.pointer = USER_PTR(part);
         ASSERT_IOCTL(dev, DEV_QUERY, &args,
                      size_B < queries[i].min_B ? -EINVAL : 0);
         args.pointer = USER_PTR(full);
         assert_int_equal(part[size_B], 0xaa);
         if (size_B >= queries[i].min_B)
            assert_int_equal(args.size, size_B);
      }

      /* More: what the driver does not know is cleared, and said to be. */
      memset(part, 0, sizeof(part));
      part[queries[i].size_B] =
          queries[i].type == DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO ? 0 : 0xaa;
      args.pointer = USER_PTR(part);
      args.size = 128;
      ASSERT_IOCTL(dev, DEV_QUERY, &args, 0);
      assert_int_equal(args.size, queries[i].size_B);
      for (uint32_t b = queries[i].size_B; b < 128; b++)
         assert_int_equal(part[b], 0);

      args.pointer = BAD_PTR;
      ASSERT_IOCTL(dev, DEV_QUERY, &args, -EFAULT);
   }
}

static void
test_dev_query_unknown(void **state)
{
   static const uint32_t types[] = {5, 100, UINT32_MAX};
   uint8_t info[64];

   for (size_t i = 0; i < 3; i++) {
      struct drm_panthor_dev_query args = {.type = types[i]};

      ASSERT_IOCTL(*state, DEV_QUERY, &args, -EINVAL);
      args.pointer = USER_PTR(info);
      args.size = sizeof(info);
      ASSERT_IOCTL(*state, DEV_QUERY, &args, -EINVAL);
   }
}

static int
query_timestamp(struct pan_kmod_dev *dev, uint32_t flags,
                struct drm_panthor_timestamp_info *info)
{
   struct drm_panthor_dev_query args = {
       .type = DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
       .size = sizeof(*info),
       .pointer = USER_PTR(info),
   };

   memset(info, 0xff, sizeof(*info));
   info->flags = flags;
   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_DEV_QUERY, &args);
}

static void
test_timestamps(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct drm_panthor_timestamp_info info, later;
   uint8_t large[80] = {0};

   assert_int_equal(query_timestamp(dev, 0, &info), 0);
   assert_int_equal(query_timestamp(dev, 0, &later), 0);
   assert_true(later.current_timestamp >= info.current_timestamp);
   assert_int_not_equal(later.current_timestamp, 0);
   assert_int_equal(info.cpu_timestamp_sec, 0);
   assert_int_equal(info.cycle_count, 0);
   assert_int_equal(info.duration_nsec, 0);

   assert_int_equal(query_timestamp(dev,
                                    DRM_PANTHOR_TIMESTAMP_CPU_MONOTONIC |
                                        DRM_PANTHOR_TIMESTAMP_DURATION,
                                    &info),
                    0);
   assert_int_not_equal(info.cpu_timestamp_sec | info.cpu_timestamp_nsec, 0);
   assert_true(info.cpu_timestamp_nsec < 1000000000);
   assert_int_equal(info.current_timestamp, 0);
   assert_int_equal(info.timestamp_frequency, 0);

   assert_int_equal(query_timestamp(dev, 3u << 1, &info), -EINVAL);
   assert_int_equal(query_timestamp(dev, 7u << 1, &info), -EINVAL);
   assert_int_equal(query_timestamp(dev, 1u << 8, &info), -EINVAL);

   /* A field from the future. */
   struct drm_panthor_dev_query args = {
       .type = DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
       .size = sizeof(large),
       .pointer = USER_PTR(large),
   };
   large[70] = 1;
   ASSERT_IOCTL(dev, DEV_QUERY, &args, -E2BIG);
   large[70] = 0;
   ASSERT_IOCTL(dev, DEV_QUERY, &args, 0);
}

static void
test_group_priorities(void **state)
{
   struct drm_panthor_group_priorities_info info = {0};
   struct drm_panthor_dev_query args = {
       .type = DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO,
       .size = sizeof(info),
       .pointer = USER_PTR(&info),
   };

   ASSERT_IOCTL(*state, DEV_QUERY, &args, 0);
   assert_int_equal(info.allowed_mask & 3, 3);
   assert_true(info.allowed_mask == 3 || info.allowed_mask == 0xf);
}

/* -------------------------------------------------------- buffer objects -- */

static void
test_bo_create(void **state)
{
   static const struct {
      struct drm_panthor_bo_create args;
      int error;
      uint64_t size_B; /* as rounded up */
   } cases[] = {
       {{.size = 1}, 0, PAGE_B},
       {{.size = 4096}, 0, PAGE_B},
       {{.size = 5000}, 0, 2 * PAGE_B},
       /* More than there is memory: nothing is allocated yet. */
       {{.size = UINT64_C(1) << 38}, 0, UINT64_C(1) << 38},
       {{.size = 1, .flags = DRM_PANTHOR_BO_NO_MMAP}, 0, PAGE_B},
       {{.size = 1, .flags = DRM_PANTHOR_BO_WB_MMAP}, 0, PAGE_B},
       {{.size = 0}, -EINVAL, 0},
       {{.size = 1, .pad = 1}, -EINVAL, 0},
       {{.size = 1, .flags = 4}, -EINVAL, 0},
       {{.size = 1, .flags = 3}, -EINVAL, 0},
       {{.size = 1, .exclusive_vm_id = 9}, -EINVAL, 0},
       {{.size = UINT64_MAX}, -ENOSPC, 0},
       {{.size = UINT64_C(1) << 63}, -EINVAL, 0},
       /* More mmap offsets than there are. */
       {{.size = UINT64_C(1) << 44}, -ENOSPC, 0},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      struct drm_panthor_bo_create args = cases[i].args;
      int ret = pan_kmod_ioctl(*state, DRM_IOCTL_PANTHOR_BO_CREATE, &args);

      if (ret != cases[i].error)
         fail_msg("case %zu: %d, expected %d", i, ret, cases[i].error);

      if (!ret) {
         assert_int_equal(args.size, cases[i].size_B);
         bo_close(*state, args.handle);
      }
   }
}

static void
test_bo_mmap_offset(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint32_t a = bo_create(dev, PAGE_B, 0), b = bo_create(dev, PAGE_B, 0);
   struct drm_panthor_bo_mmap_offset args = {.handle = a, .pad = 1};
   uint64_t offset;
   void *mapped;

   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, -EINVAL);
   args = (struct drm_panthor_bo_mmap_offset){.handle = 12345};
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, -ENOENT);

   args.handle = a;
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, 0);
   offset = args.offset;
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, 0);
   assert_int_equal(args.offset, offset);
   args.handle = b;
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, 0);
   assert_int_not_equal(args.offset, offset);

   /* Copies on write would not be what the GPU sees. */
   assert_int_equal(pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE, offset, &mapped),
                    -EINVAL);
   /* Larger than the BO, or of nothing. */
   assert_int_equal(pan_kmod_mmap(dev, NULL, 2 * PAGE_B, PROT_READ, MAP_SHARED,
                                  offset, &mapped),
                    -EINVAL);
   assert_int_equal(
       pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED, 0, &mapped),
       -EINVAL);

   bo_close(dev, a);
   assert_int_equal(
       pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED, offset, &mapped),
       -EINVAL);
   bo_close(dev, b);
}

/* This driver only: upstream refuses the offset alone, which can be guessed. */
static void
test_no_mmap_cannot_be_guessed(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct drm_panthor_bo_mmap_offset args;
   uint32_t a = bo_create(dev, PAGE_B, 0), b, c;
   uint64_t first;
   void *mapped;

   if (!is_ours(dev))
      skip();

   b = bo_create(dev, PAGE_B, DRM_PANTHOR_BO_NO_MMAP);
   c = bo_create(dev, PAGE_B, 0);
   args = (struct drm_panthor_bo_mmap_offset){.handle = a};
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, 0);
   first = args.offset;
   args.handle = b;
   ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &args, -EPERM);

   /* It is within a few pages of its neighbours; only a and c can be mapped. */
   int mapped_count = 0, refused = 0;
   for (int page = -8; page <= 8; page++) {
      int ret = pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                              first + (uint64_t)page * PAGE_B, &mapped);
      if (!ret) {
         mapped_count++;
         assert_int_equal(pan_kmod_munmap(dev, mapped, PAGE_B), 0);
      }
      refused += ret == -EPERM;
   }
   assert_int_equal(mapped_count, 2);
   assert_int_equal(refused, 1);

   bo_close(dev, a);
   bo_close(dev, b);
   bo_close(dev, c);
}

static void
test_bo_set_label(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint32_t handle = bo_create(dev, PAGE_B, 0);
   char label[4097];

   memset(label, 'x', sizeof(label));

   struct drm_panthor_bo_set_label args = {
       .handle = handle,
       .label = USER_PTR("name"),
   };
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, 0);

   args.pad = 1;
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, -EINVAL);
   args.pad = 0;
   args.handle = 12345;
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, -ENOENT);
   args.handle = handle;

   /* 4096 bytes with the NUL are allowed. */
   args.label = USER_PTR(label);
   label[4096] = '\0';
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, -E2BIG);
   label[4095] = '\0';
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, 0);

   args.label = BAD_PTR;
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, -EFAULT);
   args.label = USER_PTR("");
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, 0);
   args.label = 0;
   ASSERT_IOCTL(dev, BO_SET_LABEL, &args, 0);

   bo_close(dev, handle);
}

static void
test_bo_query_info(void **state)
{
   struct pan_kmod_dev *dev = *state;
   static const uint32_t flags[] = {0, DRM_PANTHOR_BO_NO_MMAP,
                                    DRM_PANTHOR_BO_WB_MMAP};

   for (size_t i = 0; i < 3; i++) {
      uint32_t handle = bo_create(dev, PAGE_B, flags[i]);
      struct drm_panthor_bo_query_info args = {
          .handle = handle,
          .create_flags = ~0u,
          .extra_flags = ~0u,
      };

      ASSERT_IOCTL(dev, BO_QUERY_INFO, &args, 0);
      assert_int_equal(args.create_flags, flags[i]);
      assert_int_equal(args.extra_flags, 0);
      assert_int_equal(args.pad, 0);

      args.handle = handle + 100;
      ASSERT_IOCTL(dev, BO_QUERY_INFO, &args, -ENOENT);

      /* This driver only: upstream does not look at it. */
      args.handle = handle;
      args.pad = 1;
      if (is_ours(dev))
         ASSERT_IOCTL(dev, BO_QUERY_INFO, &args, -EINVAL);

      bo_close(dev, handle);
   }
}

static void
test_bo_sync(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint32_t bo = bo_create(dev, 4 * PAGE_B, DRM_PANTHOR_BO_WB_MMAP);
   const struct {
      struct drm_panthor_bo_sync_op op;
      int error;
   } cases[] = {
       {{.handle = bo, .size = 4 * PAGE_B}, 0},
       {{.handle = bo, .type = 1, .offset = 5, .size = 9000}, 0},
       {{.handle = bo, .offset = 4 * PAGE_B}, 0},
       {{.handle = bo + 100}, -ENOENT},
       {{.handle = bo, .type = 2}, -EINVAL},
       {{.handle = bo, .size = 4 * PAGE_B + 1}, -EINVAL},
       {{.handle = bo, .offset = 4 * PAGE_B + 1}, -EINVAL},
       {{.handle = bo, .offset = PAGE_B, .size = UINT64_MAX}, -EINVAL},
   };
   void *mapped;
   struct drm_panthor_bo_mmap_offset offset = {.handle = bo};

   /* Once without pages, once with. */
   for (int round = 0; round < 2; round++) {
      for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
         struct drm_panthor_bo_sync args = {
             .ops = DRM_PANTHOR_OBJ_ARRAY(1, &cases[i].op),
         };

         ASSERT_IOCTL(dev, BO_SYNC, &args, cases[i].error);
      }

      if (!round) {
         ASSERT_IOCTL(dev, BO_MMAP_OFFSET, &offset, 0);
         assert_int_equal(pan_kmod_mmap(dev, NULL, 4 * PAGE_B,
                                        PROT_READ | PROT_WRITE, MAP_SHARED,
                                        offset.offset, &mapped),
                          0);
         memset(mapped, 0x5a, 4 * PAGE_B);
      }
   }

   assert_int_equal(((uint8_t *)mapped)[9000], 0x5a);
   assert_int_equal(pan_kmod_munmap(dev, mapped, 4 * PAGE_B), 0);
   bo_close(dev, bo);
}

/* Arrays of objects: their stride makes them extensible. */
static void
test_obj_arrays(void **state)
{
   struct pan_kmod_dev *dev = *state;
   uint32_t bo = bo_create(dev, PAGE_B, 0);
   struct {
      struct drm_panthor_bo_sync_op op;
      uint64_t future;
   } wide[3] = {
       {.op = {.handle = bo}},
       {.op = {.handle = bo}},
       {.op = {.handle = bo}},
   };
   struct drm_panthor_bo_sync args = {
       .ops = {.stride = sizeof(wide[0]), .count = 3, .array = USER_PTR(wide)},
   };

   ASSERT_IOCTL(dev, BO_SYNC, &args, 0);
   wide[2].future = 1;
   ASSERT_IOCTL(dev, BO_SYNC, &args, -E2BIG);
   wide[2].future = 0;

   /* Less than the fields that every version had. */
   args.ops.stride = 23;
   ASSERT_IOCTL(dev, BO_SYNC, &args, -EINVAL);

   /* Nothing is looked at where there is nothing. */
   args.ops = (struct drm_panthor_obj_array){.stride = 1, .array = BAD_PTR};
   ASSERT_IOCTL(dev, BO_SYNC, &args, 0);

   args.ops = (struct drm_panthor_obj_array){24, 1, BAD_PTR};
   ASSERT_IOCTL(dev, BO_SYNC, &args, -EFAULT);
   args.ops = (struct drm_panthor_obj_array){32, 1, BAD_PTR};
   ASSERT_IOCTL(dev, BO_SYNC, &args, -EFAULT);
   args.ops = (struct drm_panthor_obj_array){24, UINT32_MAX, USER_PTR(wide)};
   ASSERT_IOCTL(dev, BO_SYNC, &args, -ENOMEM);

   bo_close(dev, bo);
}

static void
test_user_mmio_offset(void **state)
{
   struct pan_kmod_dev *dev = *state;
   static const uint64_t bad[] = {0, 1, UINT64_C(1) << 44, UINT64_MAX};
   struct drm_panthor_set_user_mmio_offset args;
   void *mapped;

   for (size_t i = 0; i < 4; i++) {
      args.offset = bad[i];
      ASSERT_IOCTL(dev, SET_USER_MMIO_OFFSET, &args, -EINVAL);
   }

   /* The device page is where it was said to be, and only there. */
   const uint64_t offsets[] = {DRM_PANTHOR_USER_MMIO_OFFSET_32BIT,
                               DRM_PANTHOR_USER_MMIO_OFFSET_64BIT};
   for (size_t i = 0; i < 2; i++) {
      args.offset = offsets[i];
      ASSERT_IOCTL(dev, SET_USER_MMIO_OFFSET, &args, 0);
      assert_int_equal(pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                                     offsets[i], &mapped),
                       0);
      assert_int_equal(pan_kmod_munmap(dev, mapped, PAGE_B), 0);
      assert_int_equal(pan_kmod_mmap(dev, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                                     offsets[!i], &mapped),
                       -EINVAL);
   }
}

static void
test_vm_arguments(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct drm_panthor_vm_create create = {.flags = 1};
   struct drm_panthor_vm_destroy destroy = {.id = 1};
   struct drm_panthor_vm_get_state get_state = {.vm_id = 1};

   ASSERT_IOCTL(dev, VM_CREATE, &create, -EINVAL);
   ASSERT_IOCTL(dev, VM_DESTROY, &destroy, -EINVAL);
   ASSERT_IOCTL(dev, VM_GET_STATE, &get_state, -EINVAL);

   create.flags = 0;
   ASSERT_IOCTL(dev, VM_CREATE, &create, 0);
   assert_int_equal(create.id, 1);

   get_state.vm_id = create.id;
   get_state.state = ~0u;
   ASSERT_IOCTL(dev, VM_GET_STATE, &get_state, 0);
   assert_int_equal(get_state.state, DRM_PANTHOR_VM_STATE_USABLE);

   destroy.id = create.id;
   destroy.pad = 1;
   ASSERT_IOCTL(dev, VM_DESTROY, &destroy, -EINVAL);
   destroy.pad = 0;
   ASSERT_IOCTL(dev, VM_DESTROY, &destroy, 0);
   ASSERT_IOCTL(dev, VM_DESTROY, &destroy, -EINVAL);
}

/* An exclusive BO is its VM's own, also after the VM's end. */
static void
test_exclusive_bo(void **state)
{
   struct pan_kmod_dev *dev = *state;
   struct pan_kmod_vm *mine, *other;
   struct pan_kmod_bo *bo;

   assert_int_equal(pan_kmod_vm_create(dev, 0, &mine), 0);
   assert_int_equal(pan_kmod_vm_create(dev, 0, &other), 0);
   assert_int_equal(pan_kmod_bo_create(dev, PAGE_B, 0, mine->id, NULL, &bo), 0);

   struct drm_panthor_vm_bind_op op = {
       .flags = DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
       .bo_handle = bo->handle,
       .va = PAGE_B,
       .size = PAGE_B,
   };
   assert_int_equal(pan_kmod_vm_bind(other, 0, &op, 1, NULL), -EINVAL);
   assert_int_equal(pan_kmod_vm_bind(mine, 0, &op, 1, NULL), 0);

   struct drm_prime_handle prime = {.handle = bo->handle, .fd = -1};
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime),
                    -EINVAL);

   pan_kmod_vm_destroy(mine);
   assert_int_equal(pan_kmod_vm_bind(other, 0, &op, 1, NULL), -EINVAL);
   pan_kmod_bo_destroy(bo);
   pan_kmod_vm_destroy(other);
}

#define DEV_TEST(f) cmocka_unit_test_setup_teardown(f, setup_dev, teardown_dev)

int
main(void)
{
   const struct CMUnitTest tests[] = {
       DEV_TEST(test_ioctl_numbers),
       DEV_TEST(test_short_struct),
       DEV_TEST(test_dev_query_sizes),
       DEV_TEST(test_dev_query_unknown),
       DEV_TEST(test_timestamps),
       DEV_TEST(test_group_priorities),
       DEV_TEST(test_bo_create),
       DEV_TEST(test_bo_mmap_offset),
       DEV_TEST(test_no_mmap_cannot_be_guessed),
       DEV_TEST(test_bo_set_label),
       DEV_TEST(test_bo_query_info),
       DEV_TEST(test_bo_sync),
       DEV_TEST(test_obj_arrays),
       DEV_TEST(test_user_mmio_offset),
       DEV_TEST(test_vm_arguments),
       DEV_TEST(test_exclusive_bo),
   };

   return cmocka_run_group_tests_name("uapi-bo", tests, NULL, NULL);
}
