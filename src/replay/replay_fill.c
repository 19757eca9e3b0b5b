/* SPDX-License-Identifier: MIT */
/* Gives jobs the memory that they found when they were recorded. */
#include <string.h>
#include <sys/mman.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_private.h"

#define PAGE_B 4096u

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

/* A page at a time: each may be another bind's. */
static void
write_run(void *data, const struct replay_group *group,
          const struct record_memory_run *memory)
{
   struct run *run = data;
   struct run_file *file = replay_find_file(run, group->file);
   struct run_vm *vm = replay_find_vm(file, group->vm_id);
   size_t done = 0;

   while (vm && done < memory->size_B) {
      uint64_t va = memory->va + done;
      const struct replay_bind *bind = replay_model_find(&vm->model, va);
      const struct replay_id *bo =
         bind && bind->object ? find_bo(file, bind->object) : NULL;
      size_t some = memory->size_B - done;

      if (!bo)
         break;
      if (some > PAGE_B - va % PAGE_B)
         some = PAGE_B - va % PAGE_B;
      if (!write_bo(file, (uint32_t)bo->real, bind->offset + (va - bind->start),
                    memory->bytes + done, some))
         break;
      done += some;
   }
   run->report->unwritten += done < memory->size_B;
}

void
replay_prepare_jobs(struct run *run, struct run_file *file, const struct record_ioctl *ioctl)
{
   struct drm_panthor_group_submit submit;
   struct replay_group *group;

   if (ioctl->request != (uint32_t)DRM_IOCTL_PANTHOR_GROUP_SUBMIT || ioctl->ret ||
       !ioctl->ended ||
       replay_read_in(ioctl, ioctl->arg, &submit, sizeof(submit)) < sizeof(submit))
      return;
   group = replay_jobs_find(&run->jobs, file->number, submit.group_handle);
   if (group)
      replay_jobs_submit(&run->jobs, group, ioctl, write_run, run);
}
