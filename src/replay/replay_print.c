/* SPDX-License-Identifier: MIT */
#include "replay_print.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_call.h"

/* --------------------------------------------------------------- results -- */

static const char *
result_text(int ret)
{
   return ret ? strerrorname_np(-ret) : "ok";
}

/* ---------------------------------------------------------------- ioctls -- */

static void
print_fields(FILE *out, const struct record_ioctl *ioctl,
             const struct uapi_struct *what)
{
   unsigned char arg[RECORD_ARG_MAX_B] = {0};
   size_t known = replay_read_out(ioctl, ioctl->arg, arg, sizeof(arg));

   for (size_t i = 0; i < what->field_count; i++) {
      const struct uapi_field *field = &what->fields[i];
      uint64_t value = 0;

      if (field->offset + field->size_B > known)
         continue;
      memcpy(&value, arg + field->offset, field->size_B);
      fprintf(out, field->size_B > 4 ? " %s 0x%" PRIx64 : " %s %" PRIu64,
              field->name, value);
   }
}

static void
print_op(FILE *out, const struct drm_panthor_vm_bind_op *op)
{
   const char *type;

   switch (op->flags & DRM_PANTHOR_VM_BIND_OP_TYPE_MASK) {
   case DRM_PANTHOR_VM_BIND_OP_TYPE_MAP:
      type = "map";
      break;
   case DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP:
      type = "unmap";
      break;
   default:
      type = "sync";
      break;
   }
   fprintf(out, "\n           %-5s 0x%" PRIx64 " + 0x%" PRIx64, type,
           (uint64_t)op->va, (uint64_t)op->size);
   if (op->bo_handle)
      fprintf(out, " bo %u + 0x%" PRIx64, op->bo_handle, (uint64_t)op->bo_offset);
   fprintf(out, "%s%s%s%s",
           op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE ? " sparse" : "",
           op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_READONLY ? " readonly" : "",
           op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC ? " noexec" : "",
           op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED ? " uncached" : "");
   if (op->syncs.count)
      fprintf(out, " %u syncs", op->syncs.count);
}

static void
print_ops(FILE *out, const struct record_ioctl *ioctl)
{
   struct drm_panthor_vm_bind bind = {0};

   if (replay_read_in(ioctl, ioctl->arg, &bind, sizeof(bind)) < sizeof(bind))
      return;
   for (uint32_t i = 0; i < bind.ops.count; i++) {
      struct drm_panthor_vm_bind_op op = {0};
      size_t size_B = bind.ops.stride < sizeof(op) ? bind.ops.stride : sizeof(op);

      if (replay_read_in(ioctl, bind.ops.array + (uint64_t)i * bind.ops.stride,
                         &op, size_B) < size_B)
         return;
      print_op(out, &op);
   }
}

static void
print_ioctl(FILE *out, const struct record_ioctl *ioctl)
{
   const struct uapi_ioctl *uapi = uapi_find(ioctl->request);

   fprintf(out, "%9.3f ms thread %u %s %" PRId64 " ", (double)ioctl->time_ns / 1e6,
           ioctl->thread, ioctl->target == RECORD_ON_FILE ? "file" : "fd",
           ioctl->id);
   if (uapi)
      fprintf(out, "%s", uapi->name);
   else
      fprintf(out, "ioctl 0x%08x", ioctl->request);
   if (uapi)
      print_fields(out, ioctl, &uapi->arg);
   fprintf(out, ": %s", ioctl->ended ? result_text(ioctl->ret) : "did not end");
   if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND)
      print_ops(out, ioctl);
}

/* ---------------------------------------------------------------- events -- */

static void
print_event(FILE *out, const struct record_event *event)
{
   static const char *const shapes[] = {"1.9", "1.8-sparse", "1.8"};

   switch (event->kind) {
   case RECORD_BOOT:
      fprintf(out, "boot: uAPI %s, %" PRIu64 " MiB of DRAM",
              event->numbers[12] < 3 ? shapes[event->numbers[12]] : "?",
              event->numbers[0] >> 20);
      break;
   case RECORD_SHUTDOWN:
      fprintf(out, "shutdown: %" PRIu64 " leaks", event->numbers[0]);
      break;
   case RECORD_STATS:
      fprintf(out, "counters: %" PRIu64 " ioctls, %" PRIu64 " ops",
              event->numbers[RECORD_STAT_IOCTLS],
              event->numbers[RECORD_STAT_VM_BIND_OPS]);
      break;
   case RECORD_OPEN:
      fprintf(out, "open file %" PRIu64, event->numbers[0]);
      break;
   case RECORD_CLOSE:
      fprintf(out, "close file %" PRIu64, event->numbers[0]);
      break;
   case RECORD_IOCTL:
      print_ioctl(out, &event->ioctl);
      break;
   case RECORD_MMAP:
      fprintf(out, "mmap %s %" PRId64 " 0x%" PRIx64 " + 0x%zx: %s",
              event->map.target == RECORD_ON_FILE ? "file" : "fd", event->map.id,
              event->map.offset, event->map.size_B, result_text(event->map.ret));
      break;
   case RECORD_MUNMAP:
      fprintf(out, "munmap 0x%" PRIx64 " + 0x%zx: %s", event->unmap.addr,
              event->unmap.size_B, result_text(event->unmap.ret));
      break;
   case RECORD_MEMORY:
      fprintf(out, "memory of group %" PRIu64 " queue %u job %" PRIu64 ": 0x%" PRIx64
                   " + 0x%zx",
              event->memory.group, event->memory.queue, event->memory.job,
              event->memory.va, event->memory.size_B);
      break;
   case RECORD_VM:
      fprintf(out, "page tables of file %u VM %u: ", event->vm.file,
              event->vm.vm_id);
      if (event->vm.busy)
         fputs("not known", out);
      else
         fprintf(out, "%zu ranges", event->vm.count);
      break;
   default:
      break;
   }
   fputc('\n', out);
}

void
replay_print_stream(FILE *out, const struct record_stream *stream)
{
   for (size_t i = 0; i < stream->count; i++) {
      fprintf(out, "%8zu ", i);
      print_event(out, &stream->events[i]);
   }
}

/* ---------------------------------------------------------------- report -- */

void
replay_print_difference(FILE *out, const struct record_stream *stream,
                        const struct replay_difference *difference)
{
   fputs(difference->what, out);
   if (difference->kind == REPLAY_DIFFERS_RESULT)
      fprintf(out, " returned %s, was %s", result_text(difference->replayed),
              result_text(difference->recorded));
   else if (difference->kind == REPLAY_DIFFERS_OUTPUT)
      fputs(" is another answer", out);
   else if (difference->kind == REPLAY_DIFFERS_LEAKS)
      fprintf(out, ": %d, were %d", difference->replayed, difference->recorded);
   fputc('\n', out);
   if (difference->event < stream->count &&
       difference->kind <= REPLAY_DIFFERS_MODEL) {
      fprintf(out, "%8zu ", difference->event);
      print_event(out, &stream->events[difference->event]);
   }
}

static const char *const stat_names[RECORD_STAT_COUNT] = {
   [RECORD_STAT_IOCTLS] = "ioctls",
   [RECORD_STAT_VM_BIND_IOCTLS] = "VM_BIND ioctls",
   [RECORD_STAT_VM_BIND_OPS] = "VM_BIND ops",
   [RECORD_STAT_ENTRIES_WRITTEN] = "page-table entries written",
   [RECORD_STAT_LOCKS] = "locks of the MMU",
   [RECORD_STAT_LOCKED_B] = "bytes locked",
   [RECORD_STAT_FAULTS] = "MMU faults",
};

static void
print_stat(FILE *out, const char *name, bool has_recorded, uint64_t recorded,
           bool has_replayed, uint64_t replayed)
{
   char columns[2][24] = {"-", "-"};

   if (has_recorded)
      snprintf(columns[0], sizeof(columns[0]), "%" PRIu64, recorded);
   if (has_replayed)
      snprintf(columns[1], sizeof(columns[1]), "%" PRIu64, replayed);
   fprintf(out, "%-28s%18s%18s\n", name, columns[0], columns[1]);
}

void
replay_print_report(FILE *out, const struct record_stream *stream,
                    const struct replay_report *report)
{
   size_t kept = report->difference_count < REPLAY_DIFFERENCES_KEPT
                    ? report->difference_count
                    : REPLAY_DIFFERENCES_KEPT;

   for (size_t i = 0; i < kept; i++) {
      fputs("differs: ", out);
      replay_print_difference(out, stream, &report->differences[i]);
   }
   if (report->difference_count > kept)
      fprintf(out, "differs: %zu more\n", report->difference_count - kept);
   fprintf(out, "%-28s%18s%18s\n", "", "recorded", "replayed");
   for (int i = 0; i < RECORD_STAT_COUNT; i++)
      print_stat(out, stat_names[i], report->has_recorded, report->recorded[i],
                 report->has_replayed, report->replayed[i]);
   print_stat(out, "milliseconds", true, report->recorded_ns / 1000000, true,
              report->replayed_ns / 1000000);
   fprintf(out,
           "%zu ioctls made with %zu ops; page tables of %zu VMs compared",
           report->ioctls, report->ops, report->vms);
   if (report->vms_busy)
      fprintf(out, ", of %zu not: binds were under way", report->vms_busy);
   if (report->skipped)
      fprintf(out, "; %zu calls not made",
              report->skipped);
   if (report->by_time)
      fprintf(out, "; %zu waits ended otherwise, by time", report->by_time);
   if (report->unwritten)
      fprintf(out, "; %zu pieces of memory that jobs found cannot be written",
              report->unwritten);
   if (report->in_flight)
      fprintf(out, "; %zu had not ended when the recording did", report->in_flight);
   fprintf(out, "\n%zu %s\n", report->difference_count,
           report->difference_count == 1 ? "difference" : "differences");
}

/* ------------------------------------------------------------------ JSON -- */

static void
print_string(FILE *out, const char *text)
{
   fputc('"', out);
   for (; *text; text++) {
      if (*text == '"' || *text == '\\')
         fprintf(out, "\\%c", *text);
      else if ((unsigned char)*text < ' ')
         fprintf(out, "\\u%04x", (unsigned char)*text);
      else
         fputc(*text, out);
   }
   fputc('"', out);
}

static void
print_stats_json(FILE *out, const char *name, bool known,
                 const uint64_t stats[RECORD_STAT_COUNT])
{
   static const char *const names[RECORD_STAT_COUNT] = {
      "ioctls",     "vm_bind_ioctls", "vm_bind_ops", "pt_entries_written",
      "mmu_locks", "mmu_locked_B",    "mmu_faults",
   };

   fprintf(out, "  \"%s\": ", name);
   if (!known) {
      fputs("null,\n", out);
      return;
   }
   for (int i = 0; i < RECORD_STAT_COUNT; i++)
      fprintf(out, "%s\"%s\": %" PRIu64, i ? ", " : "{", names[i], stats[i]);
   fputs("},\n", out);
}

static void
print_differences_json(FILE *out, const struct replay_report *report)
{
   static const char *const kinds[] = {"result", "output", "tables", "model",
                                       "leaks",  "crash",  "hang"};

   fputs("  \"differences\": [", out);
   for (size_t i = 0;
        i < report->difference_count && i < REPLAY_DIFFERENCES_KEPT; i++) {
      const struct replay_difference *difference = &report->differences[i];

      fprintf(out, "%s\n    {\"event\": %zu, \"kind\": \"%s\", \"recorded\": %d, "
                   "\"replayed\": %d, \"what\": ",
              i ? "," : "", difference->event, kinds[difference->kind],
              difference->recorded, difference->replayed);
      print_string(out, difference->what);
      fputc('}', out);
   }
   fputs("]\n}\n", out);
}

void
replay_print_json(FILE *out, const char *path, const struct record_stream *stream,
                  const struct replay_report *report)
{
   fputs("{\n  \"file\": ", out);
   print_string(out, path);
   fputs(",\n  \"program\": ", out);
   print_string(out, stream->header.program);
   fprintf(out,
           ",\n  \"events\": %zu, \"ioctls\": %zu, \"ops\": %zu, \"skipped\": %zu,\n"
           "  \"by_time\": %zu, \"in_flight\": %zu, \"vms_compared\": %zu, "
           "\"vms_busy\": %zu, \"unwritten\": %zu,\n  \"recorded_ns\": %" PRIu64
           ", \"replayed_ns\": %" PRIu64 ",\n",
           stream->count, report->ioctls, report->ops, report->skipped,
           report->by_time, report->in_flight, report->vms, report->vms_busy,
           report->unwritten,
           report->recorded_ns, report->replayed_ns);
   print_stats_json(out, "recorded", report->has_recorded, report->recorded);
   print_stats_json(out, "replayed", report->has_replayed, report->replayed);
   fprintf(out, "  \"difference_count\": %zu,\n", report->difference_count);
   print_differences_json(out, report);
}
