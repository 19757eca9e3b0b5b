/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_DEBUG=validate: what an application does wrong with its binds, all
 * of it and in numbers. The driver refuses some of it as well, at the first
 * mistake; the rest it carries out as well as it can.
 *
 * Rules are the specification's, by their names there. Two have none: the
 * chapter on sparse resources says that a range must not be bound twice within
 * a batch, and that on memory that what is bound to freed memory must not be
 * used any more.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "panvk_diag_private.h"
#include "panvk_image.h"

#define BIND_TWICE "pansparse-bind-twice"
#define FREE_BOUND "pansparse-free-bound-memory"

/* A bind under examination, and what has been found. */
struct check {
   struct panvk_diagnostics *diag;
   struct panvk_reports reports;
   uint32_t batch;
   const char *kind; /* "buffer bind", "opaque bind", "image bind" */
   uint32_t index;
   const struct panvk_resource *res;
   char name[128]; /* of res */
   /* What was bound so far, to find what is bound twice. */
   struct bound_range *ranges;
   uint32_t range_count, range_capacity;
};

struct bound_range {
   uint64_t va, end;
   uint32_t order;
   const struct panvk_resource *res;
   const char *kind;
   uint32_t index;
};

static void complain(struct check *check, const char *rule, const char *format,
                     ...) __attribute__((format(printf, 3, 4)));

/* "batch 0, image bind 3 of image 'terrain' (0x..): ... (VUID-...)" */
static void
complain(struct check *check, const char *rule, const char *format, ...)
{
   char text[320];
   va_list args;
   va_start(args, format);
   vsnprintf(text, sizeof(text), format, args);
   va_end(args);
   panvk_reports_add(&check->reports, true, "validate", rule, check->res->type,
                     check->res->handle,
                     "vkQueueBindSparse: batch %u, %s %u of %s: %s (%s)",
                     check->batch, check->kind, check->index, check->name, text,
                     rule);
}

/* ----------------------------------------------------------- bound twice -- */

static void
add_range(struct check *check, uint64_t offset_B, uint64_t size_B)
{
   if (check->range_count == check->range_capacity) {
      uint32_t capacity = check->range_capacity * 2 + 64;
      void *larger =
         reallocarray(check->ranges, capacity, sizeof(*check->ranges));
      if (larger == NULL)
         return;
      check->ranges = larger;
      check->range_capacity = capacity;
   }
   check->ranges[check->range_count] = (struct bound_range){
      .va = check->res->va + offset_B,
      .end = check->res->va + offset_B + size_B,
      .order = check->range_count,
      .res = check->res,
      .kind = check->kind,
      .index = check->index,
   };
   check->range_count++;
}

static int
compare_ranges(const void *a, const void *b)
{
   const struct bound_range *x = a, *y = b;
   if (x->va != y->va)
      return x->va < y->va ? -1 : 1;
   return x->order < y->order ? -1 : 1;
}

/* Complains once for each bind that comes into an earlier one. */
static void
check_twice(struct check *check)
{
   const struct bound_range *widest = NULL, *blamed = NULL;

   if (check->range_count != 0)
      qsort(check->ranges, check->range_count, sizeof(*check->ranges),
            compare_ranges);
   for (uint32_t i = 0; i < check->range_count; i++) {
      const struct bound_range *r = &check->ranges[i];
      if (widest != NULL && r->va < widest->end) {
         const struct bound_range *late =
            r->order > widest->order ? r : widest;
         const struct bound_range *early = late == r ? widest : r;
         if (blamed == NULL || blamed->kind != late->kind ||
             blamed->index != late->index || blamed->res != late->res) {
            check->res = late->res;
            check->kind = late->kind;
            check->index = late->index;
            panvk_resource_describe(late->res, check->name);
            complain(check, BIND_TWICE,
                     "[0x%" PRIx64 ", 0x%" PRIx64 ") is bound by %s %u of the "
                     "same batch, too; a range must not be bound twice in a "
                     "batch",
                     r->va - r->res->va,
                     PANVK_MIN(r->end, widest->end) - r->res->va, early->kind,
                     early->index);
            blamed = late;
         }
      }
      if (widest == NULL || r->end > widest->end)
         widest = r;
   }
}

/* ---------------------------------------------------------------- memory -- */

/* @size_B from @offset_B on of @handle: is it there, and aligned? */
static void
check_memory(struct check *check, VkDeviceMemory handle, uint64_t offset_B,
             uint64_t size_B, const char *align_rule, const char *end_rule)
{
   const uint32_t alignment_B = check->res->alignment_B;
   struct panvk_tracked_memory *memory;
   char name[128];

   if (handle == VK_NULL_HANDLE)
      return;
   if (offset_B % alignment_B != 0)
      complain(check, align_rule,
               "memoryOffset 0x%" PRIx64 " is not a multiple of the alignment, "
               "0x%x",
               offset_B, alignment_B);
   memory = panvk_tracker_find_memory(&check->diag->tracker, handle);
   if (memory == NULL)
      return; /* Foreign: the driver refuses it. */
   panvk_tracked_memory_describe(memory, name);
   if (offset_B > memory->size_B || size_B > memory->size_B - offset_B)
      complain(check, end_rule,
               "[0x%" PRIx64 ", 0x%" PRIx64 ") of %s, which has 0x%" PRIx64
               " bytes",
               offset_B, offset_B + size_B, name, memory->size_B);
}

/* ----------------------------------------------------------- range binds -- */

/*
 * Somebody who counts in tiles: numbers far below a tile, that would fit if they
 * were tiles.
 */
static const char *
tile_hint(const struct check *check, uint64_t offset, uint64_t size)
{
   uint64_t tiles = check->res->size_B / PANVK_SPARSE_BLOCK_SIZE;
   bool small = offset < PANVK_PAGE_SIZE && size < PANVK_PAGE_SIZE;
   bool fits = offset < tiles && size <= tiles - offset;
   return small && fits && (offset != 0 || size != 0)
             ? "; are these tiles? they are bytes"
             : "";
}

static void
check_range_bind(struct check *check, const VkSparseMemoryBind *bind)
{
   const uint32_t alignment_B = check->res->alignment_B;
   uint64_t size_B = check->res->size_B;
   uint64_t offset = bind->resourceOffset;
   bool image = check->res->type == VK_OBJECT_TYPE_IMAGE;
   const char *align_rule = image
                               ? "VUID-VkSparseMemoryBind-resourceOffset-09492"
                               : "VUID-VkSparseMemoryBind-resourceOffset-09491";

   if (bind->size == 0)
      complain(check, "VUID-VkSparseMemoryBind-size-01098", "size is 0");
   if (offset >= size_B)
      complain(check, "VUID-VkSparseMemoryBind-resourceOffset-01099",
               "resourceOffset 0x%" PRIx64 " is beyond the resource, which has "
               "0x%" PRIx64 " bytes",
               offset, size_B);
   else if (bind->size > size_B - offset)
      complain(check, "VUID-VkSparseMemoryBind-size-01100",
               "[0x%" PRIx64 ", 0x%" PRIx64 ") reaches beyond the resource, "
               "which has 0x%" PRIx64 " bytes",
               offset, offset + bind->size, size_B);
   if (offset % alignment_B != 0 || (!image && bind->size % alignment_B != 0))
      complain(check, align_rule,
               "resourceOffset 0x%" PRIx64 " or size 0x%" PRIx64
               " is not a multiple of the alignment, 0x%x%s",
               offset, bind->size, alignment_B,
               tile_hint(check, offset, bind->size));
   check_memory(check, bind->memory, bind->memoryOffset, bind->size, align_rule,
                "VUID-VkSparseMemoryBind-size-01102");
   if (offset < size_B && bind->size <= size_B - offset && bind->size != 0)
      add_range(check, offset, bind->size);
}

static void
check_range_binds(struct check *check, struct panvk_map *map, uint64_t handle,
                  const char *kind, const VkSparseMemoryBind *binds,
                  uint32_t count)
{
   check->res = panvk_map_find(map, handle);
   if (check->res == NULL)
      return; /* Not sparse: the driver refuses it. */
   check->kind = kind;
   panvk_resource_describe(check->res, check->name);
   for (check->index = 0; check->index < count; check->index++)
      check_range_bind(check, &binds[check->index]);
}

/* ----------------------------------------------------------- image binds -- */

/* One axis of a bind: where it starts and how far it goes, in texels. */
struct axis {
   const char *name;
   const char *offset_rule, *extent_rule;
   int32_t offset;
   uint32_t extent, tile, level;
};

/* Would the bind be right if it were given in tiles? */
static bool
axes_are_tiles(const struct axis axes[3])
{
   bool off_grid = false;
   for (uint32_t i = 0; i < 3; i++) {
      uint64_t tiles = (axes[i].level + axes[i].tile - 1) / axes[i].tile;
      if (axes[i].offset < 0 || axes[i].extent == 0 ||
          (uint64_t)axes[i].offset + axes[i].extent > tiles)
         return false;
      if (axes[i].tile > 1)
         off_grid |= (uint32_t)axes[i].offset % axes[i].tile != 0 ||
                     axes[i].extent % axes[i].tile != 0;
   }
   return off_grid;
}

/* False if the bind cannot be located. */
static bool
check_axis(struct check *check, const struct axis *a, const char *hint)
{
   int64_t end = (int64_t)a->offset + a->extent;
   bool ok = true;

   if (a->offset < 0 || (uint32_t)a->offset % a->tile != 0) {
      complain(check, a->offset_rule,
               "offset.%s %d is not a multiple of the block's %u texels%s",
               a->name, a->offset, a->tile, hint);
      ok = false;
   }
   if (a->offset < 0 || end > a->level || a->extent == 0) {
      complain(check, a->extent_rule,
               "[%d, %" PRId64 ") along %s is not within the level, which has "
               "%u texels%s",
               a->offset, end, a->name, a->level, hint);
      ok = false;
   } else if (a->extent % a->tile != 0 && end != a->level) {
      complain(check, a->extent_rule,
               "extent along %s, %u, is not a multiple of the block's %u "
               "texels and does not reach the level's edge at %u%s",
               a->name, a->extent, a->tile, a->level, hint);
      ok = false;
   }
   return ok;
}

static bool
check_axes(struct check *check, const struct panvk_layout *layout,
           const VkSparseImageMemoryBind *bind)
{
   const VkExtent3D *level = &layout->level[bind->subresource.mipLevel].extent;
   const struct axis axes[3] = {
      {"x", "VUID-VkSparseImageMemoryBind-offset-01107",
       "VUID-VkSparseImageMemoryBind-extent-01108", bind->offset.x,
       bind->extent.width, layout->tile.width, level->width},
      {"y", "VUID-VkSparseImageMemoryBind-offset-01109",
       "VUID-VkSparseImageMemoryBind-extent-01110", bind->offset.y,
       bind->extent.height, layout->tile.height, level->height},
      {"z", "VUID-VkSparseImageMemoryBind-offset-01111",
       "VUID-VkSparseImageMemoryBind-extent-01112", bind->offset.z,
       bind->extent.depth, layout->tile.depth, level->depth},
   };
   char hint[96] = "";
   bool ok = true;

   if (axes_are_tiles(axes))
      snprintf(hint, sizeof(hint),
               "; are these tiles? they are texels, %ux%ux%u a tile",
               layout->tile.width, layout->tile.height, layout->tile.depth);
   for (uint32_t i = 0; i < 3; i++)
      ok &= check_axis(check, &axes[i], hint);
   return ok;
}

static void
check_image_bind(struct check *check, const VkSparseImageMemoryBind *bind)
{
   const struct panvk_image *image = (const struct panvk_image *)check->res;
   const struct panvk_layout *layout = &image->layout;
   struct panvk_tile_box box;
   struct panvk_tile_run run;
   uint64_t cursor = 0, bytes = 0;

   if (bind->subresource.mipLevel >= layout->levels) {
      complain(check, "VUID-VkSparseImageMemoryBindInfo-subresource-01722",
               "mipLevel %u of an image with %u levels",
               bind->subresource.mipLevel, layout->levels);
      return;
   }
   if (bind->subresource.arrayLayer >= layout->layers) {
      complain(check, "VUID-VkSparseImageMemoryBindInfo-subresource-01723",
               "arrayLayer %u of an image with %u layers",
               bind->subresource.arrayLayer, layout->layers);
      return;
   }
   if (!check_axes(check, layout, bind) ||
       panvk_layout_box(layout, bind->subresource.mipLevel,
                        bind->subresource.arrayLayer, bind->offset,
                        bind->extent, &box) != NULL)
      return;
   while (panvk_layout_next_box_run(layout, &box, &cursor, &run)) {
      add_range(check, run.offset_B, run.size_B);
      bytes += run.size_B;
   }
   check_memory(check, bind->memory, bind->memoryOffset, bytes,
                "VUID-VkSparseImageMemoryBind-memory-01105",
                "VUID-VkSparseImageMemoryBind-memory-01105");
}

static void
check_image_binds(struct check *check, const VkSparseImageMemoryBindInfo *info)
{
   check->res = panvk_map_find(&check->diag->dev->images,
                               panvk_key(info->image));
   check->kind = "image bind";
   check->index = 0;
   if (check->res == NULL)
      return; /* Not sparse: the driver refuses it. */
   panvk_resource_describe(check->res, check->name);
   if (!((const struct panvk_image *)check->res)->residency) {
      complain(check, "VUID-VkSparseImageMemoryBindInfo-image-02901",
               "the image was created without "
               "VK_IMAGE_CREATE_SPARSE_RESIDENCY_BIT");
      return;
   }
   for (; check->index < info->bindCount; check->index++)
      check_image_bind(check, &info->pBinds[check->index]);
}

/* --------------------------------------------------------------- batches -- */

void
panvk_validate_binds(struct panvk_diagnostics *diag, uint32_t batch,
                     const VkBindSparseInfo *info)
{
   struct panvk_device *dev = diag->dev;
   struct check check = {.diag = diag, .batch = batch};

   pthread_mutex_lock(&diag->tracker.lock);
   for (uint32_t i = 0; i < info->bufferBindCount; i++) {
      const VkSparseBufferMemoryBindInfo *b = &info->pBufferBinds[i];
      check_range_binds(&check, &dev->buffers, panvk_key(b->buffer),
                        "buffer bind", b->pBinds, b->bindCount);
   }
   for (uint32_t i = 0; i < info->imageOpaqueBindCount; i++) {
      const VkSparseImageOpaqueMemoryBindInfo *b = &info->pImageOpaqueBinds[i];
      check_range_binds(&check, &dev->images, panvk_key(b->image),
                        "opaque bind", b->pBinds, b->bindCount);
   }
   for (uint32_t i = 0; i < info->imageBindCount; i++)
      check_image_binds(&check, &info->pImageBinds[i]);
   check_twice(&check);
   pthread_mutex_unlock(&diag->tracker.lock);
   free(check.ranges);
   panvk_reports_send(diag, &check.reports);
}

/* ----------------------------------------------------------- freed memory -- */

struct freed {
   struct panvk_diagnostics *diag;
   struct panvk_reports reports;
   const struct panvk_tracked_memory *memory;
};

static void
report_still_bound(const struct panvk_tracked *tracked, uint64_t first_page,
                   uint64_t count, void *data)
{
   struct freed *freed = data;
   char memory[128], name[128];

   if (!freed->diag->validate)
      return;
   panvk_reports_add(
      &freed->reports, false, "validate", FREE_BOUND,
      VK_OBJECT_TYPE_DEVICE_MEMORY, panvk_key(freed->memory->handle),
      "vkFreeMemory: %s is still bound to [0x%" PRIx64 ", 0x%" PRIx64
      ") of %s, which must not be used there any more (%s)",
      panvk_tracked_memory_describe(freed->memory, memory),
      first_page * PANVK_PAGE_SIZE, (first_page + count) * PANVK_PAGE_SIZE,
      panvk_resource_describe(tracked->res, name), FREE_BOUND);
}

void
panvk_validate_free(struct panvk_diagnostics *diag, VkDeviceMemory handle)
{
   struct panvk_tracker *tracker = &diag->tracker;
   struct freed freed = {.diag = diag};

   pthread_mutex_lock(&tracker->lock);
   struct panvk_tracked_memory *memory =
      panvk_tracker_find_memory(tracker, handle);
   if (memory != NULL) {
      freed.memory = memory;
      if (diag->trace)
         panvk_trace_memory_end(memory);
      panvk_tracker_free_memory(tracker, memory, report_still_bound, &freed);
   }
   pthread_mutex_unlock(&tracker->lock);
   panvk_reports_send(diag, &freed.reports);
}
