/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "replay_cut.h"
#include "replay_private.h"

/* How long what came to an end in the recording may take; and in a part of it. */
#define WAIT_MS 20000u
#define PART_WAIT_MS 1000u

static uint64_t
now_ns(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
replay_differs(struct run *run, enum replay_difference_kind kind, int recorded,
               int replayed, const char *format, ...)
{
   struct replay_report *report = run->report;
   va_list args;

   if (report->difference_count++ >= REPLAY_DIFFERENCES_KEPT)
      return;
   struct replay_difference *difference =
      &report->differences[report->difference_count - 1];
   difference->kind = kind;
   difference->event = run->event;
   difference->recorded = recorded;
   difference->replayed = replayed;
   va_start(args, format);
   vsnprintf(difference->what, sizeof(difference->what), format, args);
   va_end(args);
}

static bool
is_part(const struct run *run)
{
   const struct replay_part *part = run->options->part;

   return !part || part->events[run->event];
}

unsigned
replay_wait_ms(const struct run *run)
{
   return run->options->part ? PART_WAIT_MS : WAIT_MS;
}

/* ---------------------------------------------------------------- files -- */

struct run_file *
replay_find_file(struct run *run, uint64_t number)
{
   for (size_t i = 0; i < run->file_count; i++) {
      if (run->files[i]->number == number)
         return run->files[i];
   }
   return NULL;
}

static void
open_file(struct run *run, uint32_t number)
{
   struct run_file **files =
      realloc(run->files, (run->file_count + 1) * sizeof(struct run_file *));
   struct run_file *file = calloc(1, sizeof(*file));

   if (files)
      run->files = files;
   if (!files || !file) {
      free(file);
      run->no_memory = true;
      return;
   }
   file->number = number;
   int ret = run->target->ops->open(run->target, &file->file);
   if (ret) {
      replay_differs(run, REPLAY_DIFFERS_RESULT, 0, ret, "open of the node");
      free(file);
      return;
   }
   run->files[run->file_count++] = file;
}

static void
close_file(struct run *run, struct run_file *file)
{
   size_t index = 0;

   while (run->files[index] != file)
      index++;
   run->files[index] = run->files[--run->file_count];
   run->target->ops->close(file->file);
   for (int kind = 0; kind < UAPI_ID_COUNT; kind++)
      replay_ids_free(&file->ids.ids[kind]);
   for (size_t i = 0; i < file->vm_count; i++)
      replay_model_free(&file->vms[i].model);
   free(file->vms);
   free(file);
}

/* -------------------------------------------------------------- machines -- */

static void
boot(struct run *run, const uint64_t *config)
{
   int ret = run->target->ops->boot(run->target, config);

   if (!ret) {
      run->booted = true;
      ret = run->target->ops->open(run->target, &run->world.helper);
   }
   if (ret)
      replay_differs(run, REPLAY_DIFFERS_RESULT, 0, ret, "the machine's boot");
}

static void
close_fds(struct replay_ids *fds)
{
   for (size_t i = 0; i < fds->count; i++) {
      if (fds->items[i].is_real && (int)fds->items[i].real >= 0)
         close((int)fds->items[i].real);
   }
   replay_ids_free(fds);
}

static void
add_stats(uint64_t *sums, const uint64_t *stats)
{
   for (int i = 0; i < RECORD_STAT_COUNT; i++)
      sums[i] += stats[i];
}

/* Everything is let go; the leaks. */
static int
shut_down(struct run *run)
{
   uint64_t stats[RECORD_STAT_COUNT] = {0};

   if (!run->booted)
      return 0;
   replay_unmap_all(run);
   while (run->file_count)
      close_file(run, run->files[0]);
   close_fds(&run->world.fds);
   close_fds(&run->world.eventfds);
   if (run->world.helper)
      run->target->ops->close(run->world.helper);
   run->world.helper = NULL;
   if (run->target->ops->stats) {
      run->target->ops->stats(run->target, stats);
      add_stats(run->report->replayed, stats);
      run->report->has_replayed = true;
   }
   run->booted = false;
   return run->target->ops->shutdown(run->target);
}

static void
check_leaks(struct run *run, int recorded, int leaks)
{
   /* Of a part of a stream, any leak is one. */
   if (leaks != recorded && (leaks || !run->options->part))
      replay_differs(run, REPLAY_DIFFERS_LEAKS, recorded, leaks, "leaks of the driver");
}

/* ---------------------------------------------------------------- ioctls -- */

/* It did nothing, for a reason that this process does not have. */
static bool
is_of_its_moment(const struct record_ioctl *ioctl)
{
   return ioctl->ended && (ioctl->ret == -EINTR || ioctl->ret == -EAGAIN ||
                           ioctl->ret == -ENOMEM || ioctl->ret == -EMFILE);
}

static void
make_call(struct run *run, struct run_file *file, const struct record_ioctl *ioctl,
          bool is_cut)
{
   const struct uapi_ioctl *uapi = uapi_find(ioctl->request);
   const struct replay_options options = {
      .skip = !is_part(run) || is_of_its_moment(ioctl),
      .is_cut = is_cut,
      .wait_ms = replay_wait_ms(run),
      .other_device = run->options->other_device,
   };
   if (file && !options.skip)
      replay_prepare_jobs(run, file, ioctl);
   struct replay_result result =
      replay_call(ioctl, uapi, &run->world, file ? file->file : NULL,
                  file ? &file->ids : NULL, &options);

   run->report->ioctls += result.outcome != REPLAY_SKIPPED;
   run->report->skipped += result.outcome == REPLAY_SKIPPED;
   run->report->by_time += result.outcome == REPLAY_TIMING;
   run->report->in_flight += !ioctl->ended;
   run->no_memory |= result.outcome == REPLAY_NO_MEMORY;
   if (result.outcome == REPLAY_RESULT)
      replay_differs(run, REPLAY_DIFFERS_RESULT, ioctl->ret, result.ret, "%s",
                     uapi ? uapi->name : "an unknown ioctl");
   if (result.outcome == REPLAY_OUTPUT)
      replay_differs(run, REPLAY_DIFFERS_OUTPUT, 0, 0, "%s: %s", uapi->name,
                     result.where);
   if (file)
      replay_note_vms(run, file, ioctl, result);
   if (file && ioctl->ended && !ioctl->ret)
      run->no_memory |= !replay_jobs_note(&run->jobs, file->number, ioctl);
}

static void
make_ioctl(struct run *run, const struct record_ioctl *ioctl)
{
   const struct replay_part *part = run->options->part;
   const uint8_t *ops = part && part->ops ? part->ops[run->event] : NULL;
   struct run_file *file = NULL;
   struct replay_cut cut;

   if (ioctl->target == RECORD_ON_FILE)
      file = replay_find_file(run, (uint64_t)ioctl->id);
   if (!run->booted || (ioctl->target == RECORD_ON_FILE && !file)) {
      run->report->skipped++;
   } else if (!ops) {
      make_call(run, file, ioctl, false);
   } else if (replay_cut(ioctl, ops, &cut)) {
      make_call(run, file, &cut.ioctl, true);
      replay_cut_free(&cut);
   } else {
      run->no_memory = true;
   }
}

/* ---------------------------------------------------------------- events -- */

static void
make_event(struct run *run, const struct record_event *event)
{
   struct run_file *file;

   switch (event->kind) {
   case RECORD_BOOT:
      check_leaks(run, 0, shut_down(run));
      boot(run, event->numbers);
      break;
   case RECORD_SHUTDOWN:
      check_leaks(run, (int)event->numbers[0], shut_down(run));
      break;
   case RECORD_STATS:
      add_stats(run->report->recorded, event->numbers);
      run->report->has_recorded = true;
      break;
   case RECORD_OPEN:
      if (run->booted)
         open_file(run, (uint32_t)event->numbers[0]);
      break;
   case RECORD_CLOSE:
      file = replay_find_file(run, event->numbers[0]);
      if (file && is_part(run))
         close_file(run, file);
      break;
   case RECORD_IOCTL:
      make_ioctl(run, &event->ioctl);
      break;
   case RECORD_MMAP:
      if (run->booted && is_part(run))
         replay_make_map(run, &event->map);
      break;
   case RECORD_MUNMAP:
      if (run->booted && is_part(run))
         replay_make_unmap(run, &event->unmap);
      break;
   case RECORD_VM:
      replay_check_vm(run, &event->vm);
      break;
   default:
      break;
   }
}

static void
show_progress(const struct run *run)
{
   static uint64_t last_ns;

   if (run->event % 64 || !isatty(STDERR_FILENO))
      return;
   uint64_t now = now_ns();
   if (now - last_ns < 200000000)
      return;
   last_ns = now;
   fprintf(stderr, "\rreplay: %zu of %zu ", run->event, run->stream->count);
   fflush(stderr);
}

static uint64_t
recorded_ns(const struct record_stream *stream)
{
   for (size_t i = stream->count; i > 0; i--) {
      if (stream->events[i - 1].kind == RECORD_IOCTL)
         return stream->events[i - 1].ioctl.time_ns;
   }
   return 0;
}

int
replay_run(const struct record_stream *stream, struct replay_target *target,
           const struct replay_run_options *options,
           struct replay_report *report_out)
{
   struct run run = {.stream = stream, .target = target, .options = options,
                     .report = report_out};
   uint64_t begin_ns = now_ns();

   memset(report_out, 0, sizeof(*report_out));
   run.no_memory = !replay_jobs_init(&run.jobs, stream);
   for (; run.event < stream->count && !run.no_memory; run.event++) {
      make_event(&run, &stream->events[run.event]);
      if (options->show_progress)
         show_progress(&run);
   }
   /* Where the process ended with a machine running, nobody counted. */
   check_leaks(&run, 0, shut_down(&run));
   if (options->show_progress && isatty(STDERR_FILENO))
      fputs("\r\033[K", stderr);
   replay_jobs_free(&run.jobs);
   free(run.files);
   free(run.mappings);
   /* Without those of our own. */
   report_out->replayed[RECORD_STAT_IOCTLS] = report_out->ioctls;
   report_out->recorded_ns = recorded_ns(stream);
   report_out->replayed_ns = now_ns() - begin_ns;
   return run.no_memory ? -ENOMEM : 0;
}
