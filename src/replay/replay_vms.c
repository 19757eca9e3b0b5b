/* SPDX-License-Identifier: MIT */
/* What binds mean, and whether page tables translate just that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_private.h"

/* ------------------------------------------------------------------- VMs -- */

struct run_vm *
replay_find_vm(struct run_file *file, uint32_t recorded)
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
   struct run_vm *vm = replay_find_vm(file, recorded);

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
       !(vm = replay_find_vm(file, bind.vm_id)))
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
   replay_differs(run, kind, (int)wanted_count, (int)real_count,
                  "page tables of VM %u, range %zu: %s, is %s", vm_id, same + 1,
                  left, right);
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
   struct run_vm *vm = replay_find_vm(file, recorded_id);
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

void
replay_check_vm(struct run *run, const struct record_translations *recorded)
{
   struct run_file *file = replay_find_file(run, recorded->file);
   struct replay_id *id =
      file ? replay_ids_find(&file->ids.ids[UAPI_VM], recorded->vm_id) : NULL;
   struct record_range *ranges = NULL;
   size_t count = 0;

   if (!id || !id->is_real || !run->target->ops->ranges)
      return;
   int ret = get_ranges(file, (uint32_t)id->real,
                        recorded->busy ? 0 : replay_wait_ms(run), &ranges, &count);
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

void
replay_note_vms(struct run *run, struct run_file *file, const struct record_ioctl *ioctl,
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
      replay_read_out(ioctl, ioctl->arg, &create, sizeof(create));
      add_vm(run, file, create.id);
   } else if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY &&
              replay_read_in(ioctl, ioctl->arg, &destroy, sizeof(destroy)) ==
                 sizeof(destroy)) {
      remove_vm(file, destroy.id);
   }
}
