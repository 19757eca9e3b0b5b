/* SPDX-License-Identifier: MIT */
/* Recordings of the machine in this process, replayed, also after somebody changed them. */
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
#include "replay_order.h"
#include "replay_print.h"
#include "replay_shrink.h"

static struct replay_report report;

static void
replay(const struct record_stream *stream)
{
   const struct replay_run_options options = {0};

   assert_int_equal(
      replay_run(stream, replay_target_host(), &options, &report), 0);
}

static void
assert_same(const struct record_stream *stream)
{
   if (report.difference_count)
      replay_print_report(stderr, stream, &report);
   assert_int_equal(report.difference_count, 0);
}

static void
test_replay_is_the_same(void **state)
{
   struct record_stream stream;

   programs_record(program_all, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.skipped, 0);
   assert_int_equal(report.vms, 4);
   assert_true(report.has_recorded && report.has_replayed);
   for (int i = RECORD_STAT_VM_BIND_IOCTLS; i < RECORD_STAT_COUNT; i++)
      assert_int_equal(report.replayed[i], report.recorded[i]);
   record_stream_free(&stream);
}

static void
test_unfinished(void **state)
{
   struct record_stream stream;

   programs_record(program_unfinished, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.vms, 1);
   assert_int_equal(report.recorded[RECORD_STAT_VM_BIND_OPS], 1);
   record_stream_free(&stream);
}

/* The n-th ioctl with that request. */
static struct record_ioctl *
find_ioctl(struct record_stream *stream, unsigned long request, int n)
{
   for (size_t i = 0; i < stream->count; i++) {
      if (stream->events[i].kind == RECORD_IOCTL &&
          stream->events[i].ioctl.request == (uint32_t)request && n-- == 0)
         return &stream->events[i].ioctl;
   }
   fail();
   return NULL;
}

static void
expect_difference(const struct record_stream *stream,
                  enum replay_difference_kind kind, const char *what)
{
   replay(stream);
   assert_int_equal(report.difference_count, 1);
   assert_int_equal(report.differences[0].kind, kind);
   assert_non_null(strstr(report.differences[0].what, what));
}

/* What is changed in a recording is what differs. */
static void
test_differences(void **state)
{
   struct record_stream stream;

   programs_record(program_all, &stream);
   struct record_ioctl *ioctl = find_ioctl(&stream, DRM_IOCTL_PANTHOR_BO_SYNC, 0);
   ioctl->ret = -EINVAL;
   expect_difference(&stream, REPLAY_DIFFERS_RESULT, "PANTHOR_BO_SYNC");
   assert_int_equal(report.differences[0].recorded, -EINVAL);
   assert_int_equal(report.differences[0].replayed, 0);
   ioctl->ret = 0;

   ioctl = find_ioctl(&stream, DRM_IOCTL_PANTHOR_DEV_QUERY, 1);
   uint8_t *info = (uint8_t *)(uintptr_t)ioctl->copies[1].bytes;
   assert_true(ioctl->copies[1].out);
   info[0] ^= 1;
   expect_difference(&stream, REPLAY_DIFFERS_OUTPUT, "pointer");
   info[0] ^= 1;

   for (size_t i = 0; i < stream.count; i++) {
      if (stream.events[i].kind == RECORD_VM && stream.events[i].vm.count > 2) {
         stream.events[i].vm.ranges[1].offset += 4096;
         break;
      }
   }
   expect_difference(&stream, REPLAY_DIFFERS_TABLES, "page tables of VM 1, range 2");
   record_stream_free(&stream);
}

/* Jobs find what they found, each its own. */
static void
test_jobs(void **state)
{
   struct record_stream stream;
   size_t pieces = 0;

   programs_record(program_jobs, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.unwritten, 0);
   for (size_t i = 0; i < stream.count; i++) {
      struct record_memory_run *memory = &stream.events[i].memory;

      if (stream.events[i].kind != RECORD_MEMORY)
         continue;
      pieces++;
      assert_int_equal(memory->job, pieces == 1 ? 0 : 1);
      /* Whether it is used: what is no good goes. */
      if (memory->job == 1)
         memset((uint8_t *)(uintptr_t)memory->bytes, 0, memory->size_B);
   }
   assert_int_equal(pieces, 2);
   expect_difference(&stream, REPLAY_DIFFERS_OUTPUT, "PANTHOR_GROUP_GET_STATE");
   record_stream_free(&stream);
}

/* A call whose object is missing is not made, and nothing follows from it. */
static void
test_part(void **state)
{
   struct record_stream stream;

   programs_record(program_all, &stream);
   uint8_t *events = malloc(stream.count);
   assert_non_null(events);
   for (size_t left_out = 0; left_out < stream.count; left_out++) {
      const struct replay_part part = {.events = events};
      const struct replay_run_options options = {.part = &part};

      memset(events, 1, stream.count);
      if (!replay_can_leave_out(&stream.events[left_out]))
         continue;
      events[left_out] = 0;
      assert_int_equal(
         replay_run(&stream, replay_target_host(), &options, &report), 0);
      for (size_t i = 0; i < report.difference_count; i++)
         assert_int_not_equal(report.differences[i].kind, REPLAY_DIFFERS_MODEL);
   }
   free(events);
   record_stream_free(&stream);
}

/* A recording says anything: it may differ, and nothing worse. */
static void
test_nonsense(void **state)
{
   static uint8_t all[1000];
   const struct replay_part part = {.events = all};
   /* As a part: a wait for nothing is over soon. */
   const struct replay_run_options options = {.part = &part};
   struct record_stream stream;
   unsigned seed = 7;

   for (int round = 0; round < 60; round++) {
      if (round % 20 == 0)
         programs_record(program_all, &stream);
      assert_true(stream.count <= sizeof(all));
      memset(all, 1, sizeof(all));
      for (int i = 0; i < 3; i++) {
         struct record_event *event = &stream.events[(size_t)rand_r(&seed) % stream.count];

         if (event->kind != RECORD_IOCTL || !event->ioctl.copy_count)
            continue;
         struct record_copy *copy =
            &event->ioctl.copies[(size_t)rand_r(&seed) % event->ioctl.copy_count];
         if (copy->size_B)
            ((uint8_t *)(uintptr_t)copy->bytes)[(size_t)rand_r(&seed) % copy->size_B] ^=
               (uint8_t)(1 << rand_r(&seed) % 8);
      }
      assert_int_equal(
         replay_run(&stream, replay_target_host(), &options, &report), 0);
      if (round % 20 == 19)
         record_stream_free(&stream);
   }
}

/* -------------------------------------------------------------- threads -- */

static struct record_event
event_of(unsigned long request, uint64_t begin_at, uint64_t end_at)
{
   return (struct record_event){.kind = RECORD_IOCTL,
                                .begin_at = begin_at,
                                .end_at = end_at,
                                .ioctl = {.request = (uint32_t)request}};
}

/*
 * A: |-- wait --|   B: |-- signal --|       the wait ends first, and comes last
 * A: |-- destroy --|   B: |-- create --|    the number is used again
 */
static void
test_order(void **state)
{
   struct record_event events[] = {
      event_of(DRM_IOCTL_SYNCOBJ_WAIT, 1, 3),
      event_of(DRM_IOCTL_SYNCOBJ_SIGNAL, 2, 4),
      event_of(DRM_IOCTL_PANTHOR_VM_CREATE, 5, 7),
      event_of(DRM_IOCTL_PANTHOR_VM_DESTROY, 6, 8),
   };
   struct record_stream stream = {.events = events, .count = 4};

   replay_order(&stream);
   assert_int_equal(events[0].ioctl.request, (uint32_t)DRM_IOCTL_SYNCOBJ_SIGNAL);
   assert_int_equal(events[1].ioctl.request, (uint32_t)DRM_IOCTL_SYNCOBJ_WAIT);
   assert_int_equal(events[2].ioctl.request, (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY);
   assert_int_equal(events[3].ioctl.request, (uint32_t)DRM_IOCTL_PANTHOR_VM_CREATE);
   stream.count = 0;
   replay_order(&stream);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_replay_is_the_same),
      cmocka_unit_test(test_unfinished),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_jobs),
      cmocka_unit_test(test_part),
      cmocka_unit_test(test_nonsense),
   };

   return cmocka_run_group_tests(tests, programs_setup, programs_teardown);
}
