/* SPDX-License-Identifier: MIT */
/* VM_BIND ASYNC: order, fences, timelines, destruction with ops queued. */
#include "uapi.h"
#include "pt_view.h"

#include <stdio.h>
#include <time.h>

#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)
#define TIMELINE DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ

struct fixture {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo;
   uint32_t gate, done; /* syncobjs */
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   f->vm = uapi_vm(f->dev);
   f->bo = uapi_bo(f->dev, SZ_2M);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &f->gate), 0);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &f->done), 0);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->gate);
   pan_kmod_syncobj_destroy(f->dev, f->done);
   pan_kmod_bo_destroy(f->bo);
   pan_kmod_vm_destroy(f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

/*
 * A fence that the CPU signals later: the second VM's queue waits for a point
 * of the first's, so what is needed is a point that exists and is pending. The
 * kernel has no wait-for-submit here; a job behind a job is the way.
 */
static int
bind_async(struct pan_kmod_vm *vm, struct drm_panthor_vm_bind_op op,
           const struct drm_panthor_sync_op *syncs, uint32_t count)
{
   op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(count, syncs);
   return pan_kmod_vm_bind(vm, ASYNC, &op, 1, NULL);
}

static struct drm_panthor_vm_bind_op
map_op(const struct fixture *f, uint64_t va)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = NOEXEC, .bo_handle = f->bo->handle, .va = va, .size = SZ_64K};
}

/* A bind signals a binary syncobj or a timeline point when it has happened. */
static void
test_signal(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op binary = {SIGNAL, f->done, 0};
   const struct drm_panthor_sync_op point = {SIGNAL | TIMELINE, f->gate, 10};

   assert_int_equal(bind_async(f->vm, map_op(f, SZ_1G), &binary, 1), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, INT64_MAX), 0);
   assert_int_equal(pt_view(f->vm, SZ_1G).level, 3);

   assert_int_equal(bind_async(f->vm, map_op(f, 2 * SZ_1G), &point, 1), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->gate, 10, INT64_MAX), 0);
   uint64_t value;
   assert_int_equal(pan_kmod_syncobj_query(f->dev, f->gate, &value), 0);
   assert_int_equal(value, 10);
   assert_int_equal(pt_view(f->vm, 2 * SZ_1G).level, 3);

   /* Waiting for a point that never comes times out. */
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->gate, 11, 1000000),
                    -ETIME);
}

/* Two queues hand a timeline back and forth, a thousand points long. */
static void
test_chain(void **state)
{
   struct fixture *f = *state;
   struct pan_kmod_vm *other = uapi_vm(f->dev);

   /* Two queues hand a timeline back and forth, a thousand points long. */
   for (uint64_t i = 0; i < 1000; i++) {
      struct drm_panthor_sync_op syncs[] = {
         {SIGNAL | TIMELINE, f->gate, i + 1},
         {TIMELINE, f->gate, i},
      };
      assert_int_equal(bind_async(i % 2 ? other : f->vm,
                                  map_op(f, SZ_1G + i * SZ_64K), syncs,
                                  i ? 2 : 1), 0);
   }
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->gate, 1000, INT64_MAX), 0);
   for (uint64_t i = 0; i < 1000; i++)
      assert_int_equal(
         pt_view(i % 2 ? other : f->vm, SZ_1G + i * SZ_64K).level, 3);
   pan_kmod_vm_destroy(other);
}

/* Within one ioctl, a wait resolves to the signaller in front of it. */
static void
test_batch_wait(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op signal = {SIGNAL, f->gate, 0};
   const struct drm_panthor_sync_op wait_signal[] = {{0, f->gate, 0},
                                                     {SIGNAL, f->done, 0}};
   struct drm_panthor_vm_bind_op ops[] = {map_op(f, SZ_1G),
                                          map_op(f, 2 * SZ_1G)};

   ops[0].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &signal);
   ops[1].syncs =
      (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, wait_signal);
   assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, ops, 2, NULL), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, INT64_MAX), 0);
   assert_int_equal(pt_view(f->vm, 2 * SZ_1G).level, 3);

   /* A wait in front of its signaller has nothing to wait for (finding 17). */
   pan_kmod_syncobj_destroy(f->dev, f->gate);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &f->gate), 0);
   struct drm_panthor_vm_bind_op reversed[] = {ops[1], ops[0]};
   const struct drm_panthor_sync_op wait = {0, f->gate, 0};
   const struct drm_panthor_sync_op late = {SIGNAL, f->gate, 0};
   reversed[0].syncs =
      (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &wait);
   reversed[1].syncs =
      (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &late);
   assert_int_equal(pan_kmod_vm_bind(f->vm, ASYNC, reversed, 2, NULL), -EINVAL);
}

/* A synchronous op overtakes what is queued; FIFO order holds behind a gate. */
static void
test_gate(void **state)
{
   struct fixture *f = *state;

   uapi_need_virtual(f->dev);
   /* TIMELINE points signalled by the CPU make a fence at once, so the gate is
    * a long row of jobs on another VM. */
   struct pan_kmod_vm *slow = uapi_vm(f->dev);
   enum { ROW = 3000 };
   struct drm_panthor_vm_bind_op *row = calloc(ROW, sizeof(*row));
   for (unsigned i = 0; i < ROW; i++)
      row[i] = map_op(f, SZ_1G + i % 7 * SZ_64K);
   const struct drm_panthor_sync_op open = {SIGNAL, f->gate, 0};
   row[ROW - 1].syncs =
      (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &open);
   assert_int_equal(pan_kmod_vm_bind(slow, ASYNC, row, ROW, NULL), 0);

   const struct drm_panthor_sync_op wait = {0, f->gate, 0};
   const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
   assert_int_equal(bind_async(f->vm, map_op(f, SZ_1G), &wait, 1), 0);
   struct drm_panthor_vm_bind_op unmap = {.flags = UNMAP, .va = SZ_1G,
                                          .size = SZ_64K};
   assert_int_equal(bind_async(f->vm, unmap, &done, 1), 0);
   /* Sync: waits for nobody. */
   assert_int_equal(uapi_bind(f->vm, NOEXEC, f->bo, 0, 3 * SZ_1G, SZ_64K), 0);
   assert_int_equal(pt_view(f->vm, 3 * SZ_1G).level, 3);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, INT64_MAX), 0);
   assert_int_equal(pt_view(f->vm, SZ_1G).level, 0); /* map, then unmap */
   free(row);
   pan_kmod_vm_destroy(slow);
}

/* Finding 8: ops queued before VM_DESTROY leave nothing behind. */
static void
test_destroy_queued(void **state)
{
   struct fixture *f = *state;

   for (unsigned round = 0; round < 50; round++) {
      struct pan_kmod_vm *vm = uapi_vm(f->dev);
      struct drm_panthor_vm_bind_op ops[64];
      for (unsigned i = 0; i < 64; i++)
         ops[i] = map_op(f, SZ_1G + i * SZ_2M);
      const struct drm_panthor_sync_op done = {SIGNAL, f->done, 0};
      ops[63].syncs =
         (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(1, &done);
      assert_int_equal(pan_kmod_vm_bind(vm, ASYNC, ops, 64, NULL), 0);
      pan_kmod_vm_destroy(vm);
      assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, INT64_MAX), 0);
   }
   if (pan_kmod_dev_props(f->dev)->virtual_gpu) {
      /* What the queue still holds is dropped soon after its last fence. */
      for (unsigned i = 0; i < 1000 && uapi_stats(f->dev).vmas; i++)
         nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
      assert_int_equal(uapi_stats(f->dev).vmas, 0);
   }
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_signal),     WITH_FIXTURE(test_chain),
      WITH_FIXTURE(test_batch_wait), WITH_FIXTURE(test_gate),
      WITH_FIXTURE(test_destroy_queued),
   };
   return cmocka_run_group_tests_name("uapi-async", tests, NULL, NULL);
}
