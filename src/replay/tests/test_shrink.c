/* SPDX-License-Identifier: MIT */
/* A driver with bugs, and what is left of a recording that shows them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "programs.h"
#include "replay_print.h"
#include "replay_shrink.h"

static int (*real_ioctl)(struct replay_file *file, uint32_t request, void *arg);
static bool struck;

static const struct drm_panthor_vm_bind_op *
find_op(void *arg, uint32_t request, uint64_t va)
{
   const struct drm_panthor_vm_bind *bind = arg;
   const struct drm_panthor_vm_bind_op *ops;

   if (request != (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND)
      return NULL;
   ops = (const void *)(uintptr_t)bind->ops.array;
   for (uint32_t i = 0; i < bind->ops.count; i++) {
      if (ops[i].va == va)
         return &ops[i];
   }
   return NULL;
}

/* An address cannot be mapped any more after another one was unmapped. */
static int
ioctl_fails(struct replay_file *file, uint32_t request, void *arg)
{
   struck |= find_op(arg, request, 100 * TILE_B) != NULL;
   if (struck && find_op(arg, request, 200 * TILE_B))
      return -EINVAL;
   return real_ioctl(file, request, arg);
}

/* The process goes down with a map after a label was set. */
static int
ioctl_crashes(struct replay_file *file, uint32_t request, void *arg)
{
   struck |= request == (uint32_t)DRM_IOCTL_PANTHOR_BO_SET_LABEL;
   if (struck && find_op(arg, request, 200 * TILE_B))
      abort();
   return real_ioctl(file, request, arg);
}

/* An unmap does nothing. */
static int
ioctl_forgets(struct replay_file *file, uint32_t request, void *arg)
{
   struct drm_panthor_vm_bind_op *op =
      (struct drm_panthor_vm_bind_op *)(uintptr_t)find_op(arg, request, 200 * TILE_B);

   if (op && op->flags & DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)
      op->va += 1000 * TILE_B;
   return real_ioctl(file, request, arg);
}

/* It does not return. */
static int
ioctl_hangs(struct replay_file *file, uint32_t request, void *arg)
{
   if (find_op(arg, request, 100 * TILE_B))
      pause();
   return real_ioctl(file, request, arg);
}

static struct replay_target_ops buggy_ops;
static struct replay_shrink_options options = {.limit_ms = 60000};

static void
set_bug(int (*bug)(struct replay_file *file, uint32_t request, void *arg))
{
   struct replay_target *target = replay_target_host();

   if (!real_ioctl)
      real_ioctl = target->ops->ioctl;
   if (target->ops != &buggy_ops)
      buggy_ops = *target->ops;
   buggy_ops.ioctl = bug ? bug : real_ioctl;
   target->ops = &buggy_ops;
}

/* Shrinks; what was written then fails in the same way, by itself. */
static void
shrink(const struct record_stream *stream,
       int (*bug)(struct replay_file *file, uint32_t request, void *arg),
       enum replay_difference_kind kind, size_t events, size_t ops)
{
   struct replay_shrunk shrunk, again;
   struct record_stream small;

   set_bug(bug);
   assert_int_equal(replay_shrink(stream, replay_target_host(), &options, &shrunk), 0);
   assert_int_equal(shrunk.failure.kind, kind);
   assert_int_equal(replay_write(stream, &shrunk, programs_small_path), 0);
   assert_int_equal(record_stream_read(programs_small_path, &small), 0);
   if (shrunk.event_count != events || shrunk.op_count != ops)
      assert_int_equal(shrunk.event_count, events);
   assert_int_equal(shrunk.op_count, ops);
   assert_int_equal(small.damaged_at, 0);
   assert_int_equal(replay_shrink(&small, replay_target_host(), &options, &again), 0);
   assert_int_equal(again.failure.kind, kind);
   assert_int_equal(again.event_count, events);
   assert_int_equal(again.op_count, ops);
   replay_shrunk_free(&again, small.count);
   record_stream_free(&small);
   replay_shrunk_free(&shrunk, stream->count);
   set_bug(NULL);
}

static void
test_shrink(void **state)
{
   struct replay_shrunk shrunk;
   struct record_stream stream;

   programs_record(program_long, &stream);
   /* A VM or two, a BO, a bind for each op. */
   shrink(&stream, ioctl_fails, REPLAY_DIFFERS_RESULT, 4, 2);
   shrink(&stream, ioctl_crashes, REPLAY_DIFFERS_CRASH, 4, 1);
   shrink(&stream, ioctl_forgets, REPLAY_DIFFERS_MODEL, 4, 2);

   assert_int_equal(replay_shrink(&stream, replay_target_host(), &options, &shrunk),
                    -ENOENT);
   replay_shrunk_free(&shrunk, stream.count);
   record_stream_free(&stream);

   /* Each try that hangs takes as long. */
   programs_record(program_short, &stream);
   options.limit_ms = 1500;
   shrink(&stream, ioctl_hangs, REPLAY_DIFFERS_HANG, 2, 1);
   options.limit_ms = 60000;
   record_stream_free(&stream);
}

/* ------------------------------------------------------------ minimizing -- */

struct wanted {
   size_t items[3], count;
   size_t tries;
};

static bool
has_wanted(void *data, const uint8_t *items)
{
   struct wanted *wanted = data;

   wanted->tries++;
   for (size_t i = 0; i < wanted->count; i++) {
      if (!items[wanted->items[i]])
         return false;
   }
   return true;
}

static void
test_minimize(void **state)
{
   uint8_t items[1000];
   unsigned seed = 3;

   for (int round = 0; round < 200; round++) {
      struct wanted wanted = {.count = 1 + (size_t)round % 3};

      for (size_t i = 0; i < wanted.count; i++)
         wanted.items[i] = (size_t)rand_r(&seed) % 1000;
      memset(items, 1, sizeof(items));
      replay_minimize(items, sizeof(items), has_wanted, &wanted);
      for (size_t i = 0; i < sizeof(items); i++) {
         bool needed = false;

         for (size_t k = 0; k < wanted.count; k++)
            needed |= wanted.items[k] == i;
         assert_int_equal(items[i], needed);
      }
      assert_true(wanted.tries < 150);
   }
   replay_minimize(items, 0, has_wanted, &(struct wanted){0});
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_minimize),
      cmocka_unit_test(test_shrink),
   };

   return cmocka_run_group_tests(tests, programs_setup, programs_teardown);
}
