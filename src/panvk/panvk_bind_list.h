/* SPDX-License-Identifier: MIT */
/*
 * The binds of one VkBindSparseInfo on their way to one VM_BIND ioctl:
 * appended in any order, then sorted by VA, merged with their neighbours and
 * emitted as ops. Pure but for memory allocation.
 *
 * Appending never fails visibly: the list remembers that memory ran out and
 * says so when it is emitted. No locking: a list belongs to one thread.
 */
#ifndef PANVK_BIND_LIST_H
#define PANVK_BIND_LIST_H

#include <stdbool.h>
#include <stdint.h>

struct drm_panthor_vm_bind_op;
struct panvk_image;

/* 32 bytes: 65,536 of them stay in a second-level cache. */
struct panvk_bind {
   uint64_t va;
   uint64_t size_B;
   uint64_t bo_offset_B;
   uint32_t bo_handle; /* 0: unbound, becomes MAP_SPARSE */
   uint32_t pad;
};

/* Tiles of an image become resident or cease to be: see panvk_image.h. */
struct panvk_residency_change {
   struct panvk_image *image;
   uint32_t first_tile;
   uint32_t tile_count;
   bool resident;
};

struct panvk_bind_list {
   struct panvk_bind *binds;
   uint32_t count, capacity;
   struct panvk_residency_change *residency;
   uint32_t residency_count, residency_capacity;
   uint64_t *keys; /* to sort by */
   uint32_t key_capacity;
   bool sorted; /* in VA order as appended */
   bool out_of_memory; /* something could not be appended */
   uint32_t appended; /* binds before merging */
};

void panvk_bind_list_init(struct panvk_bind_list *list);
void panvk_bind_list_finish(struct panvk_bind_list *list);
/* Empties the list for the next batch; keeps its memory, unless it is much. */
void panvk_bind_list_reset(struct panvk_bind_list *list);

/*
 * Binds [va, va + size_B) to @bo_handle from @bo_offset_B on; handle 0 unbinds.
 * All are multiples of 4 KiB; size 0 is ignored.
 */
void panvk_bind_list_add(struct panvk_bind_list *list, uint64_t va,
                         uint64_t size_B, uint32_t bo_handle,
                         uint64_t bo_offset_B);

/* Notes that tiles change. Merges with the change noted before it. */
void panvk_bind_list_add_residency(struct panvk_bind_list *list,
                                   struct panvk_image *image,
                                   uint32_t first_tile, uint32_t tile_count,
                                   bool resident);

/* How unbound ranges are mapped. */
struct panvk_null_mapping {
   /*
    * 0: MAP_SPARSE ops. Else a BO of 2 MiB that is mapped chunk by chunk, at
    * offset VA mod 2 MiB, as Mesa does for kernels without MAP_SPARSE.
    */
   uint32_t dummy_bo_handle;
};

/*
 * Sorts, merges and writes the ops into an array of the caller's to free().
 * *ops_out is NULL and *count_out 0 for an empty list. -ENOMEM, also for what
 * could not be appended. The list may then be finished or reset only.
 */
int panvk_bind_list_emit(struct panvk_bind_list *list,
                         const struct panvk_null_mapping *null_mapping,
                         struct drm_panthor_vm_bind_op **ops_out,
                         uint32_t *count_out);

#endif /* PANVK_BIND_LIST_H */
