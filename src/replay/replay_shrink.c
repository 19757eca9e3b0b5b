/* SPDX-License-Identifier: MIT */
#include "replay_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay_cut.h"

/* ------------------------------------------------------------- minimizing -- */

static size_t
count_set(const uint8_t *items, size_t count)
{
   size_t set = 0;

   for (size_t i = 0; i < count; i++)
      set += items[i];
   return set;
}

/*
 * Tries to do without each @size items in turn, from the last ones on: what comes late
 * depends on what came early. Whether some are gone.
 */
static bool
remove_chunks(uint8_t *items, size_t count, size_t size,
              bool (*fails)(void *data, const uint8_t *items), void *data)
{
   uint8_t *less = malloc(count);
   bool removed = false;
   size_t end = count;

   while (less && end > 0) {
      size_t begin = end, taken = 0;

      memcpy(less, items, count);
      while (begin > 0 && taken < size) {
         taken += less[begin - 1];
         less[--begin] = 0;
      }
      if (taken && fails(data, less)) {
         memcpy(items, less, count);
         removed = true;
      }
      end = begin;
   }
   free(less);
   return removed;
}

void
replay_minimize(uint8_t *items, size_t count,
                bool (*fails)(void *data, const uint8_t *items), void *data)
{
   size_t size = count_set(items, count);

   while (size > 0) {
      bool removed = remove_chunks(items, count, size, fails, data);

      if (size > 1)
         size = (size + 1) / 2;
      else if (!removed)
         break;
   }
}

/* -------------------------------------------------------------- one try -- */

struct shrink {
   const struct record_stream *stream;
   struct replay_target *target;
   struct replay_shrunk *result;
   struct replay_part part; /* that is tried */
   bool other_device;
   int limit_ms;
   int error; /* a process could not be started */
   size_t event; /* whose ops are minimized */
};

static const int crashes[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};

/* In a process of its own: what differs goes through the pipe. */
static void __attribute__((noreturn))
try_in_child(struct shrink *shrink, int pipe_end)
{
   const struct replay_run_options options = {
      .part = &shrink->part, .other_device = shrink->other_device};
   struct replay_report *report = calloc(1, sizeof(*report));
   int null = open("/dev/null", O_WRONLY);

   /* Nobody is to catch what is looked for. */
   for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
      signal(crashes[i], SIG_DFL);
   /* What a failing driver has to say was said once. */
   if (null >= 0)
      dup2(null, STDERR_FILENO);
   if (!report || replay_run(shrink->stream, shrink->target, &options, report))
      _exit(2);
   if (report->difference_count > REPLAY_DIFFERENCES_KEPT)
      report->difference_count = REPLAY_DIFFERENCES_KEPT;
   size_t size_B = report->difference_count * sizeof(report->differences[0]);
   _exit(write(pipe_end, report->differences, size_B) == (ssize_t)size_B ? 0 : 2);
}

/* Reads until the other end is closed, or time is up: how much, or -ETIME. */
static ssize_t
read_all(int pipe_end, void *bytes, size_t room_B, int limit_ms)
{
   struct pollfd poll_fd = {.fd = pipe_end, .events = POLLIN};
   size_t done = 0;

   for (;;) {
      if (poll(&poll_fd, 1, limit_ms) == 0)
         return -ETIME;
      ssize_t some = read(pipe_end, (char *)bytes + done, room_B - done);
      if (some <= 0)
         return (ssize_t)done;
      done += (size_t)some;
   }
}

/* What a part does: how many differences, or a negative errno. */
static ssize_t
try_part(struct shrink *shrink,
         struct replay_difference differences[REPLAY_DIFFERENCES_KEPT])
{
   int ends[2], status = 0;

   shrink->result->tries++;
   if (pipe2(ends, O_CLOEXEC))
      return -errno;
   pid_t child = fork();
   if (child == 0)
      try_in_child(shrink, ends[1]);
   int ret = child < 0 ? -errno : 0;
   close(ends[1]);
   ssize_t size_B =
      ret ? ret
          : read_all(ends[0], differences,
                     REPLAY_DIFFERENCES_KEPT * sizeof(*differences),
                     shrink->limit_ms);
   close(ends[0]);
   if (ret)
      return ret;
   if (size_B == -ETIME)
      kill(child, SIGKILL);
   waitpid(child, &status, 0);
   if (size_B == -ETIME) {
      differences[0] = (struct replay_difference){
         .kind = REPLAY_DIFFERS_HANG, .what = "the replay does not end"};
      return 1;
   }
   if (WIFSIGNALED(status)) {
      differences[0] = (struct replay_difference){
         .kind = REPLAY_DIFFERS_CRASH, .replayed = WTERMSIG(status)};
      snprintf(differences[0].what, sizeof(differences[0].what),
               "the process goes down (%s)", strsignal(WTERMSIG(status)));
      return 1;
   }
   if (WEXITSTATUS(status))
      return -ENOMEM;
   return size_B / (ssize_t)sizeof(*differences);
}

static bool
same_failure(const struct replay_difference *a, const struct replay_difference *b)
{
   if (a->kind != b->kind)
      return false;
   switch (a->kind) {
   case REPLAY_DIFFERS_RESULT:
   case REPLAY_DIFFERS_OUTPUT:
      return a->event == b->event && a->recorded == b->recorded &&
             a->replayed == b->replayed && strcmp(a->what, b->what) == 0;
   case REPLAY_DIFFERS_CRASH:
      return a->replayed == b->replayed;
   default:
      return true;
   }
}

/* Whether the part fails as the whole did. */
static bool
part_fails(struct shrink *shrink)
{
   struct replay_difference found[REPLAY_DIFFERENCES_KEPT];
   ssize_t count = shrink->error ? 0 : try_part(shrink, found);

   if (count < 0)
      shrink->error = (int)count;
   for (ssize_t i = 0; i < count; i++) {
      if (same_failure(&found[i], &shrink->result->failure))
         return true;
   }
   return false;
}

/* -------------------------------------------------------------- shrinking -- */

bool
replay_can_leave_out(const struct record_event *event)
{
   return event->kind == RECORD_IOCTL || event->kind == RECORD_MMAP ||
          event->kind == RECORD_MUNMAP || event->kind == RECORD_CLOSE;
}

/* The events that can be left out are items; the others stay. */
struct event_items {
   struct shrink *shrink;
   size_t *index; /* of each item, in the stream */
   size_t count;
   uint8_t *events;
};

static bool
fails_without_events(void *data, const uint8_t *items)
{
   struct event_items *set = data;

   for (size_t i = 0; i < set->count; i++)
      set->events[set->index[i]] = items[i];
   set->shrink->part.events = set->events;
   return part_fails(set->shrink);
}

static int
shrink_events(struct shrink *shrink)
{
   size_t count = shrink->stream->count;
   struct event_items set = {
      .shrink = shrink,
      .index = malloc((count + 1) * sizeof(size_t)),
      .events = malloc(count + 1),
   };
   uint8_t *items = malloc(count + 1);

   if (set.index && set.events && items) {
      memset(set.events, 1, count);
      for (size_t i = 0; i < count; i++) {
         if (!replay_can_leave_out(&shrink->stream->events[i]))
            continue;
         items[set.count] = shrink->result->events[i];
         set.index[set.count++] = i;
      }
      replay_minimize(items, set.count, fails_without_events, &set);
      for (size_t i = 0; i < set.count; i++)
         shrink->result->events[set.index[i]] = items[i];
      shrink->result->event_count = count_set(items, set.count);
   } else {
      shrink->error = -ENOMEM;
   }
   free(set.index);
   free(set.events);
   free(items);
   shrink->part.events = shrink->result->events;
   return shrink->error;
}

static bool
fails_without_ops(void *data, const uint8_t *items)
{
   struct shrink *shrink = data;
   uint8_t *before = shrink->result->ops[shrink->event];

   shrink->result->ops[shrink->event] = (uint8_t *)(uintptr_t)items;
   bool fails = part_fails(shrink);
   shrink->result->ops[shrink->event] = before;
   return fails;
}

static int
shrink_ops_of(struct shrink *shrink, size_t event)
{
   const struct record_event *bind = &shrink->stream->events[event];
   uint32_t count =
      bind->kind == RECORD_IOCTL ? replay_op_count(&bind->ioctl) : 0;
   uint8_t **ops = &shrink->result->ops[event];

   if (!count)
      return 0;
   if (!*ops) {
      *ops = malloc(count);
      if (!*ops)
         return -ENOMEM;
      memset(*ops, 1, count);
   }
   uint8_t *items = malloc(count);
   if (!items)
      return -ENOMEM;
   memcpy(items, *ops, count);
   shrink->event = event;
   if (count_set(items, count) > 1)
      replay_minimize(items, count, fails_without_ops, shrink);
   memcpy(*ops, items, count);
   free(items);
   shrink->result->op_count += count_set(*ops, count);
   return shrink->error;
}

static int
shrink_ops(struct shrink *shrink)
{
   int ret = 0;

   shrink->result->op_count = 0;
   for (size_t i = 0; i < shrink->stream->count && !ret; i++) {
      if (shrink->result->events[i])
         ret = shrink_ops_of(shrink, i);
   }
   return ret;
}

/* Ops that went may have been all that needed a call. */
static int
shrink_all(struct shrink *shrink)
{
   size_t events_before, ops_before;
   int ret = 0;

   do {
      events_before = shrink->result->event_count;
      ops_before = shrink->result->op_count;
      ret = shrink_events(shrink);
      if (!ret)
         ret = shrink_ops(shrink);
   } while (!ret && (shrink->result->event_count != events_before ||
                     shrink->result->op_count != ops_before));
   return ret;
}

/* What to look for; the page tables of the recording are of no use for a part. */
static int
find_failure(struct shrink *shrink)
{
   struct replay_difference found[REPLAY_DIFFERENCES_KEPT];
   ssize_t count = try_part(shrink, found);

   if (count <= 0)
      return count ? (int)count : -ENOENT;
   shrink->result->failure = found[0];
   return 0;
}

int
replay_shrink(const struct record_stream *stream, struct replay_target *target,
              const struct replay_shrink_options *options,
              struct replay_shrunk *shrunk_out)
{
   struct shrink shrink = {.stream = stream, .target = target,
                           .result = shrunk_out, .limit_ms = options->limit_ms,
                           .other_device = options->other_device};

   memset(shrunk_out, 0, sizeof(*shrunk_out));
   shrunk_out->events = malloc(stream->count + 1);
   shrunk_out->ops = calloc(stream->count + 1, sizeof(uint8_t *));
   if (!shrunk_out->events || !shrunk_out->ops)
      return -ENOMEM;
   memset(shrunk_out->events, 1, stream->count);
   shrink.part = (struct replay_part){shrunk_out->events, shrunk_out->ops};

   int ret = find_failure(&shrink);
   return ret ? ret : shrink_all(&shrink);
}

void
replay_shrunk_free(struct replay_shrunk *shrunk, size_t event_count)
{
   for (size_t i = 0; shrunk->ops && i < event_count; i++)
      free(shrunk->ops[i]);
   free(shrunk->ops);
   free(shrunk->events);
}
