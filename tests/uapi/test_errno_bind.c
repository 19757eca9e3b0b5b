/* SPDX-License-Identifier: MIT */
/*
 * Every invalid argument of VM_BIND, in both modes, gets its errno and changes
 * nothing.
 */
#include "uapi.h"
#include "pt_view.h"

#define BAD_POINTER 0x10ull

struct fixture {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm, *other_vm;
   struct pan_kmod_bo *bo; /* 4 MiB */
   struct pan_kmod_bo *exclusive; /* to other_vm */
   uint32_t syncobj;
};

#define BO_SIZE (4ull << 20)
#define BASE 0x40000000ull /* holds a valid mapping of bo, as a canary */

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   f->vm = uapi_vm(f->dev);
   f->other_vm = uapi_vm(f->dev);
   f->bo = uapi_bo(f->dev, BO_SIZE);
   assert_int_equal(pan_kmod_bo_create(f->dev, BO_SIZE, 0, f->other_vm->id,
                                       NULL, &f->exclusive), 0);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &f->syncobj), 0);
   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, BASE, BO_SIZE), 0);
   /* The dummy's pages come with the first sparse mapping: let them. */
   assert_int_equal(uapi_bind(f->vm, SPARSE, NULL, 0, 2 * BASE, SZ_2M), 0);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->syncobj);
   pan_kmod_vm_destroy(f->vm);
   pan_kmod_vm_destroy(f->other_vm);
   pan_kmod_bo_destroy(f->bo);
   pan_kmod_bo_destroy(f->exclusive);
   uapi_close(f->dev);
   free(f);
   return 0;
}

enum handle { NONE, BO, EXCLUSIVE, UNKNOWN };

static const struct {
   const char *what;
   uint32_t flags;
   enum handle handle;
   uint64_t offset, va, size;
} bad_ops[] = {
   /* 1: alignment, of every type */
   {"va misaligned", NOEXEC, BO, 0, BASE + 1, SZ_4K},
   {"va 2 KiB aligned", NOEXEC, BO, 0, BASE + 2048, SZ_4K},
   {"size misaligned", NOEXEC, BO, 0, BASE, SZ_4K + 1},
   {"offset misaligned", NOEXEC, BO, 8, BASE, SZ_4K},
   {"unmap misaligned", UNMAP, NONE, 0, BASE + 4, SZ_4K},
   {"sparse misaligned", SPARSE, NONE, 0, BASE, SZ_4K / 2},
   /* 2: bounds */
   {"va at the end", NOEXEC, BO, 0, USER_VA, SZ_4K},
   {"va beyond the end", UNMAP, NONE, 0, USER_VA + SZ_4K, SZ_4K},
   {"size over the end", NOEXEC, BO, 0, USER_VA - SZ_4K, 2 * SZ_4K},
   {"size overflows", UNMAP, NONE, 0, SZ_4K, ~0ull & ~0xfffull},
   {"sparse over the end", SPARSE, NONE, 0, SZ_4K, USER_VA},
   /* 3: handle */
   {"unknown handle", NOEXEC, UNKNOWN, 0, BASE, SZ_4K},
   {"no handle", NOEXEC, NONE, 0, BASE, SZ_4K},
   /* 4: flags and type */
   {"unknown map flag", NOEXEC | 1 << 4, BO, 0, BASE, SZ_4K},
   {"unknown map flag 27", NOEXEC | 1 << 27, BO, 0, BASE, SZ_4K},
   /* 5: sparse needs NOEXEC */
   {"sparse without noexec", SPARSE & ~NOEXEC, NONE, 0, BASE, SZ_4K},
   /* 6: BO bounds */
   {"larger than the BO", NOEXEC, BO, 0, BASE, BO_SIZE + SZ_4K},
   {"past the BO's end", NOEXEC, BO, BO_SIZE, BASE, SZ_4K},
   {"over the BO's end", NOEXEC, BO, BO_SIZE - SZ_4K, BASE, 2 * SZ_4K},
   {"offset overflows", NOEXEC, BO, ~0ull & ~0xfffull, BASE, SZ_4K},
   /* 7: sparse takes no BO */
   {"sparse with a handle", SPARSE, BO, 0, BASE, SZ_4K},
   {"sparse with an offset", SPARSE, NONE, SZ_4K, BASE, SZ_4K},
   /* 8: exclusive to another VM */
   {"exclusive to another VM", NOEXEC, EXCLUSIVE, 0, BASE, SZ_4K},
   /* 10: unmap */
   {"unmap with a flag", UNMAP | NOEXEC, NONE, 0, BASE, SZ_4K},
   {"unmap with sparse", UNMAP | SPARSE, NONE, 0, BASE, SZ_4K},
   {"unmap with a handle", UNMAP, BO, 0, BASE, SZ_4K},
   {"unmap with an offset", UNMAP, NONE, SZ_4K, BASE, SZ_4K},
   /* 12: types that do not exist */
   {"type 3", 3u << 28, NONE, 0, BASE, SZ_4K},
   {"type 4", 4u << 28, NONE, 0, BASE, SZ_4K},
   {"type 15", 15u << 28, NONE, 0, BASE, SZ_4K},
};

static struct drm_panthor_vm_bind_op
bad_op(const struct fixture *f, unsigned i)
{
   const uint32_t handles[] = {0, f->bo->handle, f->exclusive->handle, 9999};

   return (struct drm_panthor_vm_bind_op){
      .flags = bad_ops[i].flags,
      .bo_handle = handles[bad_ops[i].handle],
      .bo_offset = bad_ops[i].offset,
      .va = bad_ops[i].va,
      .size = bad_ops[i].size,
   };
}

#define BAD_OPS (sizeof(bad_ops) / sizeof(bad_ops[0]))

/*
 * Every bad op of a synchronous VM_BIND is -EINVAL, named, and changes nothing.
 */
static void
test_sync(void **state)
{
   struct fixture *f = *state;
   struct host_stats before = uapi_stats(f->dev);

   for (unsigned i = 0; i < BAD_OPS; i++) {
      const struct drm_panthor_vm_bind_op op = bad_op(f, i);
      uint32_t failed = 99;
      int ret = pan_kmod_vm_bind(f->vm, 0, &op, 1, &failed);

      if (ret != -EINVAL || failed != 0)
         fail_msg("%s: got %d at op %u", bad_ops[i].what, ret, failed);
      uapi_unchanged(f->dev, &before, bad_ops[i].what);
   }
}

/*
 * Every bad op of an asynchronous VM_BIND is -EINVAL, and none of its ops is
 * queued.
 */
static void
test_async(void **state)
{
   struct fixture *f = *state;
   struct host_stats before = uapi_stats(f->dev);

   for (unsigned i = 0; i < BAD_OPS; i++) {
      /* A good op in front: nothing of the ioctl may be queued. */
      const struct drm_panthor_vm_bind_op ops[] = {
         {.flags = UNMAP, .va = BASE, .size = BO_SIZE},
         bad_op(f, i),
      };
      int ret = pan_kmod_vm_bind(f->vm, ASYNC, ops, 2, NULL);

      if (ret != -EINVAL)
         fail_msg("%s: got %d", bad_ops[i].what, ret);
      uapi_unchanged(f->dev, &before, bad_ops[i].what);
   }
   assert_int_equal(pt_view(f->vm, BASE).level, 2);
}

/*
 * Where an op of several fails, those before it have happened, and the count
 * says which it was.
 */
static void
test_first_failure_is_named(void **state)
{
   struct fixture *f = *state;
   struct drm_panthor_vm_bind_op ops[] = {
      {.flags = UNMAP, .va = BASE, .size = SZ_4K},
      {.flags = UNMAP, .va = BASE + SZ_4K, .size = SZ_4K},
      {.flags = UNMAP, .va = BASE + 1, .size = SZ_4K},
      {.flags = UNMAP, .va = BASE + 3 * SZ_4K, .size = SZ_4K},
   };
   struct drm_panthor_vm_bind bind = {
      .vm_id = f->vm->id,
      .ops = DRM_PANTHOR_OBJ_ARRAY(4, ops),
   };

   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
                    -EINVAL);
   assert_int_equal(bind.ops.count, 2);
   /* Those before it stay applied, those after it are not begun. */
   assert_int_equal(pt_view(f->vm, BASE).level, 0);
   assert_int_equal(pt_view(f->vm, BASE + SZ_4K).level, 0);
   assert_int_equal(pt_view(f->vm, BASE + 2 * SZ_4K).level, 3);
   assert_int_equal(pt_view(f->vm, BASE + 3 * SZ_4K).level, 3);

   ops[2].va = BASE + 2 * SZ_4K;
   bind.ops.count = 4;
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
                    0);
   assert_int_equal(bind.ops.count, 4);
}

/* VM_BIND itself: VMs, flags, and the rules of object arrays. */
static void
test_ioctl(void **state)
{
   struct fixture *f = *state;
   struct host_stats before = uapi_stats(f->dev);
   uint8_t wide[2][64] = {0};
   struct drm_panthor_vm_bind_op op = {.flags = UNMAP, .va = BASE,
                                       .size = SZ_4K};
   const uint64_t op_ptr = (uintptr_t)&op;
   const struct {
      const char *what;
      struct drm_panthor_vm_bind bind;
      int ret;
   } rows[] = {
      {"unknown VM", {.vm_id = 7, .ops = {48, 1, op_ptr}}, -EINVAL},
      {"VM 0", {.vm_id = 0, .ops = {48, 1, op_ptr}}, -EINVAL},
      /* Linux ignores these (finding 6). */
      {"unknown flag", {.vm_id = 1, .flags = 2, .ops = {48, 1, op_ptr}},
       -EINVAL},
      {"stride too small", {.vm_id = 1, .ops = {40, 1, op_ptr}}, -EINVAL},
      {"bad array", {.vm_id = 1, .ops = {48, 1, BAD_POINTER}}, -EFAULT},
      {"bad wide array", {.vm_id = 1, .ops = {64, 2, BAD_POINTER}}, -EFAULT},
      {"no ops", {.vm_id = 1, .ops = {0, 0, 0}}, 0},
      {"no ops, async", {.vm_id = 1, .flags = ASYNC}, 0},
   };

   for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      struct drm_panthor_vm_bind bind = rows[i].bind;
      int ret = pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind);

      if (ret != rows[i].ret)
         fail_msg("%s: got %d, want %d", rows[i].what, ret, rows[i].ret);
      uapi_unchanged(f->dev, &before, rows[i].what);
   }

   /* A wider stride needs zeroes behind what the kernel knows. */
   memcpy(wide[0], &op, sizeof(op));
   memcpy(wide[1], &op, sizeof(op));
   wide[1][60] = 1;
   struct drm_panthor_vm_bind bind = {
      .vm_id = f->vm->id,
      .ops = {.stride = 64, .count = 2, .array = (uintptr_t)wide}};
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
                    -E2BIG);
   uapi_unchanged(f->dev, &before, "non-zero tail");
   wide[1][60] = 0;
   bind.ops.count = 2;
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_VM_BIND, &bind),
                    0);
}

/* Sync operations of ops: flags, handles, points. */
static void
test_syncs(void **state)
{
   struct fixture *f = *state;
   const uint32_t signal = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL;
   const uint32_t timeline = DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ;
   struct host_stats before = uapi_stats(f->dev);
   const struct {
      const char *what;
      struct drm_panthor_sync_op sync;
      int ret;
   } rows[] = {
      {"unknown flag", {signal | 1 << 8, f->syncobj, 0}, -EINVAL},
      {"handle type 2", {signal | 2, f->syncobj, 0}, -EINVAL},
      {"binary with a value", {signal, f->syncobj, 1}, -EINVAL},
      {"signal unknown", {signal, 999, 0}, -EINVAL},
      {"wait unknown", {0, 999, 0}, -ENOENT},
      {"wait without fence", {0, f->syncobj, 0}, -EINVAL},
      {"wait for a missing point", {timeline, f->syncobj, 3}, -EINVAL},
   };

   for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      const struct drm_panthor_vm_bind_op op = {
         .flags = UNMAP,
         .va = BASE,
         .size = SZ_4K,
         .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &rows[i].sync),
      };
      int ret = pan_kmod_vm_bind(f->vm, ASYNC, &op, 1, NULL);

      if (ret != rows[i].ret)
         fail_msg("%s: got %d, want %d", rows[i].what, ret, rows[i].ret);
      uapi_unchanged(f->dev, &before, rows[i].what);
      /* Sync mode takes no sync ops at all. */
      assert_int_equal(pan_kmod_vm_bind(f->vm, 0, &op, 1, NULL), -EINVAL);
      uapi_unchanged(f->dev, &before, rows[i].what);
   }
}

/* SYNC_ONLY ops have syncs and nothing else. */
static void
test_sync_only(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op signal = {
      .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = f->syncobj};
   const struct drm_panthor_obj_array one = DRM_PANTHOR_OBJ_ARRAY(1, &signal);
   const struct drm_panthor_vm_bind_op rows[] = {
      {.flags = SYNC_ONLY},
      {.flags = SYNC_ONLY | NOEXEC, .syncs = one},
      {.flags = SYNC_ONLY, .syncs = one, .bo_handle = f->bo->handle},
      {.flags = SYNC_ONLY, .syncs = one, .bo_offset = SZ_4K},
      {.flags = SYNC_ONLY, .syncs = one, .va = SZ_4K},
      {.flags = SYNC_ONLY, .syncs = one, .size = SZ_4K},
   };
   struct host_stats before = uapi_stats(f->dev);

   for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, &rows[i], 1, NULL),
                       -EINVAL);
      uapi_unchanged(f->dev, &before, "SYNC_ONLY");
   }
   const struct drm_panthor_vm_bind_op good = {.flags = SYNC_ONLY,
                                               .syncs = one};
   assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, &good, 1, NULL), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->syncobj, 0, INT64_MAX), 0);
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_sync),
      WITH_FIXTURE(test_async),
      WITH_FIXTURE(test_first_failure_is_named),
      WITH_FIXTURE(test_ioctl),
      WITH_FIXTURE(test_syncs),
      WITH_FIXTURE(test_sync_only),
   };
   return cmocka_run_group_tests_name("uapi-errno-bind", tests, NULL, NULL);
}
