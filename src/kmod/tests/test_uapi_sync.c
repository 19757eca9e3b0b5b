/* SPDX-License-Identifier: MIT */
/*
 * Sync operations of asynchronous VM_BIND: what they refuse, how a batch
 * resolves its own signals, and that a refused batch changes nothing. Runs on a
 * board with PANSPARSE_DEVICE set.
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

#include "host.h"
#include "pan_kmod.h"

#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)
#define WAIT 0u
#define TIMELINE ((uint32_t)DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ)
#define FOREVER INT64_MAX
#define NO_HANDLE 12345u

struct fixture {
   struct pan_kmod_dev *dev;
   struct pan_kmod_vm *vm;
   uint32_t a, b; /* syncobjs without a fence */
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   if (!f || pan_kmod_dev_create(NULL, NULL, &f->dev) ||
       pan_kmod_vm_create(f->dev, 0, &f->vm) ||
       pan_kmod_syncobj_create(f->dev, false, &f->a) ||
       pan_kmod_syncobj_create(f->dev, false, &f->b))
      return -1;

   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->a);
   pan_kmod_syncobj_destroy(f->dev, f->b);
   pan_kmod_vm_destroy(f->vm);
   int leaks = pan_kmod_dev_destroy(f->dev);
   free(f);
   return leaks;
}

static struct drm_panthor_vm_bind_op
sync_only(const struct drm_panthor_sync_op *syncs, uint32_t count)
{
   return (struct drm_panthor_vm_bind_op){
       .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(count, syncs),
   };
}

static int
bind(struct fixture *f, const struct drm_panthor_vm_bind_op *ops,
     uint32_t count)
{
   return pan_kmod_vm_bind(f->vm, DRM_PANTHOR_VM_BIND_ASYNC, ops, count, NULL);
}

/* One op with one sync. */
static int
bind_one(struct fixture *f, uint32_t flags, uint32_t handle, uint64_t value)
{
   const struct drm_panthor_sync_op sync = {flags, handle, value};
   const struct drm_panthor_vm_bind_op op = sync_only(&sync, 1);

   return bind(f, &op, 1);
}

static void
assert_signaled(struct fixture *f, uint32_t handle, uint64_t point)
{
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, handle, point, FOREVER), 0);
}

static void
assert_empty(struct fixture *f, uint32_t handle)
{
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, handle, 0, 0), -ETIME);
}

static void
test_malformed(void **state)
{
   struct fixture *f = *state;
   const struct {
      uint32_t flags, handle;
      uint64_t value;
      int error;
   } cases[] = {
       {SIGNAL, f->a, 0, 0},
       {SIGNAL | TIMELINE, f->b, 1, 0},
       {SIGNAL | 2, f->a, 0, -EINVAL},
       {SIGNAL | 0xff, f->a, 0, -EINVAL},
       {SIGNAL | 0x100, f->a, 0, -EINVAL},
       {SIGNAL | 1u << 30, f->a, 0, -EINVAL},
       {SIGNAL, f->a, 1, -EINVAL}, /* a binary one has no points */
       {WAIT, f->a, 1, -EINVAL},
       {SIGNAL, NO_HANDLE, 0, -EINVAL},
       {SIGNAL | TIMELINE, NO_HANDLE, 5, -EINVAL},
       {WAIT, NO_HANDLE, 0, -ENOENT},
       {WAIT | TIMELINE, NO_HANDLE, 5, -ENOENT},
       {SIGNAL, 0, 0, -EINVAL},
       {WAIT, 0, 0, -ENOENT},
   };

   for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
      int ret = bind_one(f, cases[i].flags, cases[i].handle, cases[i].value);

      if (ret != cases[i].error)
         fail_msg("case %zu: %d, expected %d", i, ret, cases[i].error);
   }

   assert_signaled(f, f->a, 0);
   assert_signaled(f, f->b, 1);
}

static void
test_nothing_to_wait_for(void **state)
{
   struct fixture *f = *state;

   assert_int_equal(bind_one(f, WAIT, f->a, 0), -EINVAL);
   assert_int_equal(bind_one(f, WAIT | TIMELINE, f->a, 3), -EINVAL);

   /* A point behind the last one that was promised. */
   assert_int_equal(pan_kmod_syncobj_signal(f->dev, f->a, 3), 0);
   assert_int_equal(bind_one(f, WAIT | TIMELINE, f->a, 3), 0);
   assert_int_equal(bind_one(f, WAIT | TIMELINE, f->a, 4), -EINVAL);
   /* Point 0 is whatever it has last. */
   assert_int_equal(bind_one(f, WAIT | TIMELINE, f->a, 0), 0);
}

/* Signals are looked up first, in all jobs; only then is anything waited for.
 */
static void
test_order_of_errors(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op wait = {WAIT, NO_HANDLE, 0};
   const struct drm_panthor_sync_op signal = {SIGNAL, NO_HANDLE, 0};
   const struct drm_panthor_vm_bind_op ops[] = {
       sync_only(&wait, 1),
       sync_only(&signal, 1),
   };

   assert_int_equal(bind(f, ops, 1), -ENOENT);
   assert_int_equal(bind(f, ops, 2), -EINVAL);
}

static void
test_refused_batch_changes_nothing(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op good[] = {
       {SIGNAL, f->a, 0},
       {SIGNAL | TIMELINE, f->b, 7},
   };
   const struct drm_panthor_sync_op bad = {WAIT, NO_HANDLE, 0};
   const struct drm_panthor_vm_bind_op ops[] = {
       sync_only(good, 2),
       sync_only(&bad, 1),
   };
   uint64_t point = 99;

   assert_int_equal(bind(f, ops, 2), -ENOENT);
   assert_empty(f, f->a);
   assert_empty(f, f->b);
   assert_int_equal(pan_kmod_syncobj_query(f->dev, f->b, &point), 0);
   assert_int_equal(point, 0);

   assert_int_equal(bind(f, ops, 1), 0);
   assert_signaled(f, f->a, 0);
   assert_signaled(f, f->b, 7);
}

/* What an earlier job of the batch signals can be waited for by a later one. */
static void
test_batch_waits_for_itself(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op signal_a = {SIGNAL, f->a, 0};
   const struct drm_panthor_sync_op wait_a = {WAIT, f->a, 0};
   const struct drm_panthor_sync_op both[] = {wait_a, signal_a};
   const struct drm_panthor_vm_bind_op forward[] = {
       sync_only(&signal_a, 1),
       sync_only(both, 2),
       sync_only(&wait_a, 1),
   };
   const struct drm_panthor_vm_bind_op backward[] = {
       sync_only(&wait_a, 1),
       sync_only(&signal_a, 1),
   };
   const struct drm_panthor_vm_bind_op itself = sync_only(both, 2);

   /* As long as nothing was there on entry. */
   assert_int_equal(bind(f, backward, 2), -EINVAL);
   assert_int_equal(bind(f, &itself, 1), -EINVAL);
   assert_empty(f, f->a);

   assert_int_equal(bind(f, forward, 3), 0);
   assert_signaled(f, f->a, 0);

   /* Now they mean the fence that it had on entry. */
   assert_int_equal(bind(f, backward, 2), 0);
   assert_int_equal(bind(f, &itself, 1), 0);
   assert_signaled(f, f->a, 0);
}

/* Job n waits for point n and signals n + 1. */
static void
test_long_chain(void **state)
{
   enum { JOBS = 1000 };
   struct fixture *f = *state;
   struct drm_panthor_sync_op(*syncs)[2] = calloc(JOBS, sizeof(*syncs));
   struct drm_panthor_vm_bind_op *ops = calloc(JOBS, sizeof(*ops));
   uint64_t point;

   assert_non_null(syncs);
   assert_non_null(ops);
   for (uint32_t i = 0; i < JOBS; i++) {
      syncs[i][0] = (struct drm_panthor_sync_op){WAIT | TIMELINE, f->a, 1 + i};
      syncs[i][1] =
          (struct drm_panthor_sync_op){SIGNAL | TIMELINE, f->a, 2 + i};
      ops[i] = sync_only(syncs[i], 2);
   }

   assert_int_equal(bind(f, ops, JOBS), -EINVAL);
   assert_int_equal(pan_kmod_syncobj_signal(f->dev, f->a, 1), 0);
   assert_int_equal(bind(f, ops, JOBS), 0);
   assert_signaled(f, f->a, JOBS + 1);
   assert_int_equal(pan_kmod_syncobj_query(f->dev, f->a, &point), 0);
   assert_int_equal(point, JOBS + 1);

   free(ops);
   free(syncs);
}

/* The same point twice: the last job's fence, published once. */
static void
test_last_signal_wins(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op first[] = {
       {SIGNAL | TIMELINE, f->a, 4},
   };
   const struct drm_panthor_sync_op second[] = {
       {SIGNAL | TIMELINE, f->a, 4},
       {SIGNAL, f->b, 0},
   };
   const struct drm_panthor_vm_bind_op ops[] = {
       sync_only(first, 1),
       sync_only(second, 2),
   };
   uint64_t point;

   assert_int_equal(bind(f, ops, 2), 0);
   assert_signaled(f, f->b, 0);
   assert_signaled(f, f->a, 4);
   assert_int_equal(pan_kmod_syncobj_query(f->dev, f->a, &point), 0);
   assert_int_equal(point, 4);
}

/* Point 0 of a timeline: the syncobj as if it were binary. */
static void
test_timeline_point_zero(void **state)
{
   struct fixture *f = *state;

   assert_int_equal(bind_one(f, SIGNAL | TIMELINE, f->a, 0), 0);
   assert_signaled(f, f->a, 0);
   assert_int_equal(bind_one(f, WAIT, f->a, 0), 0);
}

/* Jobs run in order: a later one waits behind an earlier one's fence. */
static void
test_queue_is_in_order(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op blocked[] = {
       {WAIT, f->a, 0},
   };
   const struct drm_panthor_sync_op signal_b = {SIGNAL, f->b, 0};
   struct pan_kmod_vm *gate;
   uint32_t go;

   /* A fence for a that signals only when we say so: another VM's bind. */
   assert_int_equal(pan_kmod_vm_create(f->dev, 0, &gate), 0);
   assert_int_equal(pan_kmod_syncobj_create(f->dev, false, &go), 0);

   const struct drm_panthor_sync_op gate_syncs[] = {
       {WAIT, go, 0},
       {SIGNAL, f->a, 0},
   };
   const struct drm_panthor_vm_bind_op gate_op = sync_only(gate_syncs, 2);
   const struct drm_panthor_vm_bind_op ops[] = {
       sync_only(blocked, 1),
       sync_only(&signal_b, 1),
   };

   assert_int_equal(pan_kmod_syncobj_signal(f->dev, go, 0), 0);
   assert_int_equal(
       pan_kmod_vm_bind(gate, DRM_PANTHOR_VM_BIND_ASYNC, &gate_op, 1, NULL), 0);
   assert_int_equal(bind(f, ops, 2), 0);
   assert_signaled(f, f->b, 0);
   /* b cannot have signalled before a. */
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->a, 0, 0), 0);

   pan_kmod_syncobj_destroy(f->dev, go);
   pan_kmod_vm_destroy(gate);
}

/* Syncs belong to asynchronous binds. */
static void
test_synchronous_has_none(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op sync = {SIGNAL, f->a, 0};
   const struct drm_panthor_vm_bind_op op = sync_only(&sync, 1);

   assert_int_equal(pan_kmod_vm_bind(f->vm, 0, &op, 1, NULL), -EINVAL);
   assert_empty(f, f->a);
}

#define SYNC_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
   const struct CMUnitTest tests[] = {
       SYNC_TEST(test_malformed),
       SYNC_TEST(test_nothing_to_wait_for),
       SYNC_TEST(test_order_of_errors),
       SYNC_TEST(test_refused_batch_changes_nothing),
       SYNC_TEST(test_batch_waits_for_itself),
       SYNC_TEST(test_long_chain),
       SYNC_TEST(test_last_signal_wins),
       SYNC_TEST(test_timeline_point_zero),
       SYNC_TEST(test_queue_is_in_order),
       SYNC_TEST(test_synchronous_has_none),
   };

   return cmocka_run_group_tests_name("uapi-sync", tests, NULL, NULL);
}
