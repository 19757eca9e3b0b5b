/* SPDX-License-Identifier: MIT */
#include "replay_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_call.h"
#include "replay_cut.h"
#include "replay_jobs.h"
#include "replay_model.h"

/* How long what came to an end in the recording may take; and in a part of it. */
#define WAIT_MS 20000u
#define PART_WAIT_MS 1000u
#define PAGE_B 4096u

struct run_vm {
   uint32_t recorded;
   struct replay_model model;
};

struct run_file {
   uint32_t number; /* in the recording */
   struct replay_file *file;
   struct replay_ids_of_file ids;
   struct run_vm *vms; /* that were created, and have not been destroyed */
   size_t vm_count;
};

struct run_mapping {
   uint64_t recorded;
   char *real;
   size_t size_B;
};

struct run {
   const struct record_stream *stream;
   struct replay_target *target;
   const struct replay_run_options *options;
   struct replay_report *report;
   bool booted;
   bool no_memory;
   struct replay_world world;
   struct replay_jobs jobs;
   struct run_file **files;
   size_t file_count;
   struct run_mapping *mappings;
   size_t mapping_count;
   size_t event; /* which one is made */
};

static uint64_t
now_ns(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void __attribute__((format(printf, 5, 6)))
differs(struct run *run, enum replay_difference_kind kind, int recorded,
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

static unsigned
wait_ms(const struct run *run)
{
   return run->options->part ? PART_WAIT_MS : WAIT_MS;
}

/* ---------------------------------------------------------------- files -- */

static struct run_file *
find_file(struct run *run, uint64_t number)
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
      differs(run, REPLAY_DIFFERS_RESULT, 0, ret, "open of the node");
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
      differs(run, REPLAY_DIFFERS_RESULT, 0, ret, "the machine's boot");
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
   while (run->mapping_count) {
      struct run_mapping *mapping = &run->mappings[--run->mapping_count];

      if (run->target->ops->munmap(mapping->real, mapping->size_B))
         run->no_memory = true;
   }
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
      differs(run, REPLAY_DIFFERS_LEAKS, recorded, leaks, "leaks of the driver");
}

/* -------------------------------------------------------------- mappings -- */

/* False: no call gave it out, to this replay; what programs guess is not translated. */
static bool
translate_offset(struct run_file *file, uint64_t recorded, uint64_t *real_out)
{
   struct replay_id *id = replay_ids_find(&file->ids.ids[UAPI_OFFSET], recorded);

   *real_out = id && id->is_real ? id->real : recorded;
   return id ? id->is_real : recorded >= DRM_PANTHOR_USER_MMIO_OFFSET_32BIT;
}

/* -ENOENT: what it maps is not there. */
static int
map(struct run *run, const struct record_map *map, void **addr_out)
{
   const struct replay_target_ops *ops = run->target->ops;
   int flags = map->flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE);
   struct run_file *file;
   uint64_t offset;

   if (map->target == RECORD_ON_FD) {
      struct replay_id *fd = replay_ids_find(&run->world.fds, map->inode);

      return fd && fd->is_real
                ? ops->fd_mmap((int)fd->real, map->size_B, map->prot, flags,
                               map->offset, addr_out)
                : -ENOENT;
   }
   file = find_file(run, (uint64_t)map->id);
   return file && translate_offset(file, map->offset, &offset)
             ? ops->mmap(file->file, map->size_B, map->prot, flags, offset,
                         addr_out)
             : -ENOENT;
}

static void
make_map(struct run *run, const struct record_map *recorded)
{
   struct run_mapping *mappings = realloc(
      run->mappings, (run->mapping_count + 1) * sizeof(*mappings));
   void *addr = NULL;

   if (!mappings) {
      run->no_memory = true;
      return;
   }
   run->mappings = mappings;
   int ret = recorded->ret == -ENOMEM ? -ENOENT : map(run, recorded, &addr);
   if (ret == -ENOENT) {
      run->report->skipped++;
      return;
   }
   if (!ret)
      run->mappings[run->mapping_count++] =
         (struct run_mapping){recorded->addr, addr, recorded->size_B};
   if (ret != recorded->ret)
      differs(run, REPLAY_DIFFERS_RESULT, recorded->ret, ret, "mmap of the node");
}

/* Takes [start, end) of the mapping away; what is behind it becomes a new one. */
static void
cut_mapping(struct run *run, size_t index, uint64_t start, uint64_t end)
{
   struct run_mapping mapping = run->mappings[index];
   uint64_t mapping_end = mapping.recorded + mapping.size_B;

   if (run->target->ops->munmap(mapping.real + (start - mapping.recorded),
                                end - start))
      run->no_memory = true;
   run->mappings[index].size_B = start - mapping.recorded;
   if (end == mapping_end)
      return;
   struct run_mapping *mappings = realloc(
      run->mappings, (run->mapping_count + 1) * sizeof(*mappings));
   if (!mappings) {
      run->no_memory = true;
      return;
   }
   run->mappings = mappings;
   mappings[run->mapping_count++] = (struct run_mapping){
      end, mapping.real + (end - mapping.recorded), mapping_end - end};
}

static void
make_unmap(struct run *run, const struct record_unmap *unmap)
{
   uint64_t unmap_end = unmap->addr + unmap->size_B;

   if (unmap->ret)
      return;
   for (size_t i = run->mapping_count; i > 0; i--) {
      struct run_mapping *mapping = &run->mappings[i - 1];
      uint64_t end = mapping->recorded + mapping->size_B;

      if (mapping->recorded >= unmap_end || end <= unmap->addr)
         continue;
      cut_mapping(run, i - 1,
                  unmap->addr > mapping->recorded ? unmap->addr : mapping->recorded,
                  unmap_end < end ? unmap_end : end);
      if (!run->mappings[i - 1].size_B)
         run->mappings[i - 1] = run->mappings[--run->mapping_count];
   }
}

/* ------------------------------------------------------------------- VMs -- */

static struct run_vm *
find_vm(struct run_file *file, uint32_t recorded)
{
   for (size_t i = 0; i < file->vm_count; i++) {
      if (file->vms[i].recorded == recorded)
         return &file->vms[i];
   }
   return NULL;
}

static void
add_vm(struct run *run, struct run_file *file, uint32_t recorded)
{
   struct run_vm *vms =
      realloc(file->vms, (file->vm_count + 1) * sizeof(*vms));

   if (!vms) {
      run->no_memory = true;
      return;
   }
   file->vms = vms;
   vms[file->vm_count++] = (struct run_vm){.recorded = recorded};
}

static void
remove_vm(struct run_file *file, uint32_t recorded)
{
   struct run_vm *vm = find_vm(file, recorded);

   if (!vm)
      return;
   replay_model_free(&vm->model);
   *vm = file->vms[--file->vm_count];
}

static struct replay_bind
to_bind(struct run_file *file, const struct drm_panthor_vm_bind_op *op)
{
   struct replay_id *bo = replay_ids_find(&file->ids.ids[UAPI_BO], op->bo_handle);
   bool is_sparse = op->flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE;

   return (struct replay_bind){
      .start = op->va,
      .end = op->va + op->size,
      .is_map = (op->flags & DRM_PANTHOR_VM_BIND_OP_TYPE_MASK) ==
                DRM_PANTHOR_VM_BIND_OP_TYPE_MAP,
      .object = bo && !is_sparse ? bo->object : 0,
      .offset = op->bo_offset,
      .flags = op->flags & ~(uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_MASK,
   };
}

static bool
changes_nothing(const struct drm_panthor_vm_bind_op *op)
{
   return (op->flags & DRM_PANTHOR_VM_BIND_OP_TYPE_MASK) ==
          DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY;
}

/* What a bind that was made means. */
static void
note_binds(struct run *run, struct run_file *file,
           const struct record_ioctl *ioctl, int ret)
{
   struct drm_panthor_vm_bind bind = {0};
   struct run_vm *vm;

   if (replay_read_in(ioctl, ioctl->arg, &bind, sizeof(bind)) < sizeof(bind) ||
       !(vm = find_vm(file, bind.vm_id)))
      return;
   if (ret) {
      vm->model.unknown |= bind.ops.count > 1;
      return;
   }
   for (uint32_t i = 0; i < bind.ops.count; i++) {
      struct drm_panthor_vm_bind_op op = {0};
      size_t size_B = bind.ops.stride < sizeof(op) ? bind.ops.stride : sizeof(op);

      run->report->ops++;
      if (replay_read_in(ioctl, bind.ops.array + (uint64_t)i * bind.ops.stride,
                         &op, size_B) < size_B)
         vm->model.unknown = true;
      const struct replay_bind what = to_bind(file, &op);
      if (!changes_nothing(&op) && !replay_model_add(&vm->model, &what))
         run->no_memory = true;
   }
}

/* ----------------------------------------------------------- page tables -- */

static const char *
describe(const struct record_range *range, char text[96])
{
   if (range->what >> 8)
      snprintf(text, 96, "0x%llx..0x%llx object %llu + 0x%llx %s%s",
               (unsigned long long)range->start, (unsigned long long)range->end,
               (unsigned long long)(range->what >> 8),
               (unsigned long long)range->offset,
               range->what & RECORD_RANGE_READONLY ? "r-" : "rw",
               range->what & RECORD_RANGE_NOEXEC ? "-" : "x");
   else
      snprintf(text, 96, "0x%llx..0x%llx sparse",
               (unsigned long long)range->start, (unsigned long long)range->end);
   return text;
}

static void
compare_ranges(struct run *run, enum replay_difference_kind kind, uint32_t vm_id,
               const struct record_range *wanted, size_t wanted_count,
               const struct record_range *real, size_t real_count)
{
   char left[96] = "nothing more", right[96] = "nothing more";
   size_t same = 0;

   while (same < wanted_count && same < real_count &&
          memcmp(&wanted[same], &real[same], sizeof(*real)) == 0)
      same++;
   if (same == wanted_count && same == real_count)
      return;
   if (same < wanted_count)
      describe(&wanted[same], left);
   if (same < real_count)
      describe(&real[same], right);
   differs(run, kind, (int)wanted_count, (int)real_count,
           "page tables of VM %u, range %zu: %s, is %s", vm_id, same + 1, left,
           right);
}

/* An op that failed when its turn came left the VM with half of its job. */
static bool
is_unusable(struct run_file *file, uint32_t real_id)
{
   struct drm_panthor_vm_get_state state = {.vm_id = real_id};

   return file->file->target->ops->ioctl(file->file, DRM_IOCTL_PANTHOR_VM_GET_STATE,
                                         &state) ||
          state.state == DRM_PANTHOR_VM_STATE_UNUSABLE;
}

/* Waits for binds under way, for up to @limit_ms. */
static int
get_ranges(struct run_file *file, uint32_t real_id, unsigned limit_ms,
           struct record_range **ranges_out, size_t *count_out)
{
   for (unsigned ms = 0;; ms++) {
      int ret = file->file->target->ops->ranges(file->file, real_id, ranges_out,
                                                count_out);

      if (ret != -EBUSY || ms >= limit_ms)
         return ret;
      usleep(1000);
   }
}

static void
check_against_model(struct run *run, struct run_file *file, uint32_t recorded_id,
                    uint32_t real_id, const struct record_range *ranges,
                    size_t count)
{
   struct run_vm *vm = find_vm(file, recorded_id);
   struct record_range *wanted;
   size_t wanted_count = 0;

   if (!vm || vm->model.unknown || is_unusable(file, real_id))
      return;
   if (!replay_model_ranges(&vm->model, &wanted, &wanted_count)) {
      run->no_memory = true;
      return;
   }
   compare_ranges(run, REPLAY_DIFFERS_MODEL, recorded_id, wanted, wanted_count,
                  ranges, count);
   free(wanted);
}

static void
check_vm(struct run *run, const struct record_translations *recorded)
{
   struct run_file *file = find_file(run, recorded->file);
   struct replay_id *id =
      file ? replay_ids_find(&file->ids.ids[UAPI_VM], recorded->vm_id) : NULL;
   struct record_range *ranges = NULL;
   size_t count = 0;

   if (!id || !id->is_real || !run->target->ops->ranges)
      return;
   int ret = get_ranges(file, (uint32_t)id->real,
                        recorded->busy ? 0 : wait_ms(run), &ranges, &count);
   if (ret == -EBUSY) {
      run->report->vms_busy++;
      return;
   }
   if (ret) {
      run->no_memory |= ret == -ENOMEM;
      return;
   }
   run->report->vms++;
   check_against_model(run, file, recorded->vm_id, (uint32_t)id->real, ranges,
                       count);
   if (!run->options->part && !run->options->other_device && !recorded->busy)
      compare_ranges(run, REPLAY_DIFFERS_TABLES, recorded->vm_id, recorded->ranges,
                     recorded->count, ranges, count);
   free(ranges);
}

/* ---------------------------------------------------------------- ioctls -- */

/* After an ioctl that was made, or not: what files have. */
static void
note_vms(struct run *run, struct run_file *file, const struct record_ioctl *ioctl,
         struct replay_result result)
{
   struct drm_panthor_vm_create create = {0};
   struct drm_panthor_vm_destroy destroy = {0};
   bool made = result.outcome != REPLAY_SKIPPED;

   if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND && made)
      note_binds(run, file, ioctl, result.ret);
   if (ioctl->ret || !ioctl->ended)
      return;
   if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_CREATE) {
      for (size_t i = 0; i < ioctl->copy_count; i++) {
         if (ioctl->copies[i].out && ioctl->copies[i].size_B >= sizeof(create))
            memcpy(&create, ioctl->copies[i].bytes, sizeof(create));
      }
      add_vm(run, file, create.id);
   } else if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY &&
              replay_read_in(ioctl, ioctl->arg, &destroy, sizeof(destroy)) ==
                 sizeof(destroy)) {
      remove_vm(file, destroy.id);
   }
}

/* What a job found in memory: the memory of a BO, through a mapping of ours. */
static bool
write_bo(struct run_file *file, uint32_t handle, uint64_t offset, const void *bytes,
         size_t size_B)
{
   const struct replay_target_ops *ops = file->file->target->ops;
   struct drm_panthor_bo_mmap_offset where = {.handle = handle};
   size_t map_B = (offset + size_B + PAGE_B - 1) / PAGE_B * PAGE_B;
   void *addr;

   if (ops->ioctl(file->file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &where) ||
       ops->mmap(file->file, map_B, PROT_READ | PROT_WRITE, MAP_SHARED, where.offset,
                 &addr))
      return false;
   memcpy((char *)addr + offset, bytes, size_B);
   return ops->munmap(addr, map_B) == 0;
}

static const struct replay_id *
find_bo(const struct run_file *file, uint64_t object)
{
   const struct replay_ids *bos = &file->ids.ids[UAPI_BO];

   for (size_t i = 0; i < bos->count; i++) {
      if (bos->items[i].object == object && bos->items[i].is_real)
         return &bos->items[i];
   }
   return NULL;
}

/* As much of the run at a time as one bind shows. */
static void
write_run(void *data, const struct replay_group *group,
          const struct record_memory_run *memory)
{
   struct run *run = data;
   struct run_file *file = find_file(run, group->file);
   struct run_vm *vm = find_vm(file, group->vm_id);
   size_t done = 0;

   while (vm && done < memory->size_B) {
      uint64_t va = memory->va + done;
      const struct replay_bind *bind = replay_model_find(&vm->model, va);
      const struct replay_id *bo =
         bind && bind->object ? find_bo(file, bind->object) : NULL;
      size_t some = memory->size_B - done;

      if (!bo)
         break;
      if (some > bind->end - va)
         some = bind->end - va;
      if (!write_bo(file, (uint32_t)bo->real, bind->offset + (va - bind->start),
                    memory->bytes + done, some))
         break;
      done += some;
   }
   run->report->unwritten += done < memory->size_B;
}

/* Before a submit: what its jobs are to find. */
static void
prepare_jobs(struct run *run, struct run_file *file, const struct record_ioctl *ioctl)
{
   struct drm_panthor_group_submit submit;
   struct replay_group *group;

   if (ioctl->request != (uint32_t)DRM_IOCTL_PANTHOR_GROUP_SUBMIT || ioctl->ret ||
       !ioctl->ended || !is_part(run) ||
       replay_read_in(ioctl, ioctl->arg, &submit, sizeof(submit)) < sizeof(submit))
      return;
   group = replay_jobs_find(&run->jobs, file->number, submit.group_handle);
   if (group)
      replay_jobs_submit(&run->jobs, group, ioctl, write_run, run);
}

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
      .wait_ms = wait_ms(run),
      .other_device = run->options->other_device,
   };
   if (file)
      prepare_jobs(run, file, ioctl);
   struct replay_result result =
      replay_call(ioctl, uapi, &run->world, file ? file->file : NULL,
                  file ? &file->ids : NULL, &options);

   run->report->ioctls += result.outcome != REPLAY_SKIPPED;
   run->report->skipped += result.outcome == REPLAY_SKIPPED;
   run->report->by_time += result.outcome == REPLAY_TIMING;
   run->report->in_flight += !ioctl->ended;
   run->no_memory |= result.outcome == REPLAY_NO_MEMORY;
   if (result.outcome == REPLAY_RESULT)
      differs(run, REPLAY_DIFFERS_RESULT, ioctl->ret, result.ret, "%s",
              uapi ? uapi->name : "an unknown ioctl");
   if (result.outcome == REPLAY_OUTPUT)
      differs(run, REPLAY_DIFFERS_OUTPUT, 0, 0, "%s: %s", uapi->name,
              result.where);
   if (file)
      note_vms(run, file, ioctl, result);
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
      file = find_file(run, (uint64_t)ioctl->id);
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
      file = find_file(run, event->numbers[0]);
      if (file && is_part(run))
         close_file(run, file);
      break;
   case RECORD_IOCTL:
      make_ioctl(run, &event->ioctl);
      break;
   case RECORD_MMAP:
      if (run->booted && is_part(run))
         make_map(run, &event->map);
      break;
   case RECORD_MUNMAP:
      if (run->booted && is_part(run))
         make_unmap(run, &event->unmap);
      break;
   case RECORD_VM:
      check_vm(run, &event->vm);
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
