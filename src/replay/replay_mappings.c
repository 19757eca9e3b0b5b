/* SPDX-License-Identifier: MIT */
/* Mappings of buffers: where they are here, and what is left of them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_private.h"

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
   file = replay_find_file(run, (uint64_t)map->id);
   return file && translate_offset(file, map->offset, &offset)
             ? ops->mmap(file->file, map->size_B, map->prot, flags, offset,
                         addr_out)
             : -ENOENT;
}

void
replay_make_map(struct run *run, const struct record_map *recorded)
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
      replay_differs(run, REPLAY_DIFFERS_RESULT, recorded->ret, ret,
                     "mmap of the node");
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

void
replay_make_unmap(struct run *run, const struct record_unmap *unmap)
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

void
replay_unmap_all(struct run *run)
{
   while (run->mapping_count) {
      struct run_mapping *mapping = &run->mappings[--run->mapping_count];

      if (run->target->ops->munmap(mapping->real, mapping->size_B))
         run->no_memory = true;
   }
}
