/* SPDX-License-Identifier: MIT */
/*
 * The events of a trace, but for slices of commands. bin/inspect reads them, and
 * docs/diagnostics.md lists them: change the three together.
 */
#include <inttypes.h>
#include <stdio.h>

#include "panvk_diag_private.h"
#include "panvk_image.h"
#include "panvk_queue.h"

static uint64_t
to_bytes(uint64_t pages)
{
   return pages * PANVK_PAGE_SIZE;
}

static bool
is_tiled(const struct panvk_resource *res)
{
   return res->type == VK_OBJECT_TYPE_IMAGE &&
          ((const struct panvk_image *)res)->residency;
}

/* --------------------------------------------------------------- objects -- */

/* ", 128x128x1 texels a tile, level 0 is 4096x4096x1, 13 levels, 1 layer" */
static void
format_layout(const struct panvk_resource *res, char *text, size_t size)
{
   text[0] = '\0';
   if (!is_tiled(res))
      return;
   const struct panvk_layout *l = &((const struct panvk_image *)res)->layout;
   const VkExtent3D *e = &l->level[0].extent;
   snprintf(text, size,
            ",\"tile\":[%u,%u,%u],\"extent\":[%u,%u,%u],\"levels\":%u,"
            "\"layers\":%u",
            l->tile.width, l->tile.height, l->tile.depth, e->width, e->height,
            e->depth, l->levels, l->layers);
}

void
panvk_trace_resource(const struct panvk_tracked *tracked)
{
   const struct panvk_resource *res = tracked->res;
   bool image = res->type == VK_OBJECT_TYPE_IMAGE;
   char layout[256];

   format_layout(res, layout, sizeof(layout));
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "object",
                     image ? "create image" : "create buffer",
                     "\"resource\":%u,\"type\":\"%s\",\"handle\":\"0x%" PRIx64
                     "\",\"va\":\"0x%" PRIx64 "\",\"size\":%" PRIu64
                     ",\"residency\":%s%s",
                     tracked->id, image ? "image" : "buffer", res->handle,
                     tracked->va, tracked->size_B,
                     res->may_be_partly_bound ? "true" : "false", layout);
}

void
panvk_trace_resource_end(const struct panvk_tracked *tracked)
{
   panvk_trace_event(
      PANVK_TRACE_INSTANT, panvk_tracer_now(), "object",
      tracked->res->type == VK_OBJECT_TYPE_IMAGE ? "destroy image"
                                                 : "destroy buffer",
      "\"resource\":%u,\"bound\":%" PRIu64 ",\"bound_peak\":%" PRIu64,
      tracked->id, to_bytes(tracked->bound_pages),
      to_bytes(tracked->bound_pages_peak));
}

void
panvk_trace_memory(const struct panvk_tracked_memory *memory)
{
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "object",
                     "allocate memory",
                     "\"memory\":%u,\"handle\":\"0x%" PRIx64
                     "\",\"size\":%" PRIu64,
                     memory->id, panvk_key(memory->handle), memory->size_B);
}

void
panvk_trace_memory_end(const struct panvk_tracked_memory *memory)
{
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "object",
                     "free memory", "\"memory\":%u,\"bound\":%" PRIu64,
                     memory->id, to_bytes(memory->bound_pages));
}

void
panvk_trace_name(uint32_t id, const char *name)
{
   char escaped[PANVK_TRACE_TEXT_MAX];
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "object", "name",
                     "\"object\":%u,\"name\":\"%s\"", id,
                     panvk_trace_escape(name, escaped));
}

/* -------------------------------------------------------------- accesses -- */

void
panvk_trace_tile(const struct panvk_tracked *tracked, uint64_t tile,
                 uint32_t loads, uint32_t stores, uint32_t faults)
{
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "access",
                     faults != 0 ? "fault" : "unbound",
                     "\"resource\":%u,\"offset\":%" PRIu64
                     ",\"reads\":%u,\"writes\":%u,\"faults\":%u",
                     tracked->id, tile * PANVK_SPARSE_BLOCK_SIZE, loads, stores,
                     faults);
}

/* A counter of the resource's own, by its name as it is now. */
static void
trace_counter(const struct panvk_tracked *tracked, const char *what,
              const char *unit, uint64_t value)
{
   char name[128], text[192];
   snprintf(text, sizeof(text), "%s: %s #%u", what,
            panvk_resource_describe(tracked->res, name), tracked->id);
   panvk_trace_event(PANVK_TRACE_COUNTER, panvk_tracer_now(), "counter", text,
                     "\"%s\":%" PRIu64, unit, value);
}

void
panvk_trace_misses(const struct panvk_tracked *tracked, uint64_t misses)
{
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "access",
                     "misses", "\"resource\":%u,\"count\":%" PRIu64,
                     tracked->id, misses - tracked->seen_misses);
   trace_counter(tracked, "TLB misses", "misses", misses);
}

/* ----------------------------------------------------------------- binds -- */

static uint32_t
memory_id(struct panvk_tracker *tracker, VkDeviceMemory handle)
{
   const struct panvk_tracked_memory *memory =
      handle != VK_NULL_HANDLE ? panvk_tracker_find_memory(tracker, handle)
                               : NULL;
   return memory != NULL ? memory->id : 0;
}

static uint32_t
resource_id(struct panvk_map *map, uint64_t handle)
{
   const struct panvk_resource *res = panvk_map_find(map, handle);
   return res != NULL && res->tracked != NULL ? res->tracked->id : 0;
}

static const char *
bind_name(VkDeviceMemory memory)
{
   return memory != VK_NULL_HANDLE ? "bind" : "unbind";
}

static void
trace_range_bind(struct panvk_tracker *tracker, uint32_t resource,
                 uint32_t batch, uint32_t index, const VkSparseMemoryBind *bind)
{
   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "bind",
                     bind_name(bind->memory),
                     "\"batch\":%u,\"bind\":%u,\"resource\":%u,\"offset\":%"
                     PRIu64 ",\"size\":%" PRIu64
                     ",\"memory\":%u,\"memory_offset\":%" PRIu64,
                     batch, index, resource, bind->resourceOffset, bind->size,
                     memory_id(tracker, bind->memory), bind->memoryOffset);
}

static void
trace_image_bind(struct panvk_tracker *tracker, uint32_t resource,
                 uint32_t batch, uint32_t index,
                 const VkSparseImageMemoryBind *bind)
{
   panvk_trace_event(
      PANVK_TRACE_INSTANT, panvk_tracer_now(), "bind", bind_name(bind->memory),
      "\"batch\":%u,\"bind\":%u,\"resource\":%u,\"level\":%u,\"layer\":%u,"
      "\"texel\":[%d,%d,%d],\"extent\":[%u,%u,%u],\"memory\":%u,"
      "\"memory_offset\":%" PRIu64,
      batch, index, resource, bind->subresource.mipLevel,
      bind->subresource.arrayLayer, bind->offset.x, bind->offset.y,
      bind->offset.z, bind->extent.width, bind->extent.height,
      bind->extent.depth, memory_id(tracker, bind->memory), bind->memoryOffset);
}

void
panvk_trace_binds(struct panvk_diagnostics *diag, uint32_t batch,
                  const VkBindSparseInfo *info)
{
   struct panvk_device *dev = diag->dev;
   struct panvk_tracker *tracker = &diag->tracker;

   pthread_mutex_lock(&tracker->lock);
   for (uint32_t i = 0; i < info->bufferBindCount; i++) {
      const VkSparseBufferMemoryBindInfo *b = &info->pBufferBinds[i];
      uint32_t id = resource_id(&dev->buffers, panvk_key(b->buffer));
      for (uint32_t j = 0; j < b->bindCount; j++)
         trace_range_bind(tracker, id, batch, j, &b->pBinds[j]);
   }
   for (uint32_t i = 0; i < info->imageOpaqueBindCount; i++) {
      const VkSparseImageOpaqueMemoryBindInfo *b = &info->pImageOpaqueBinds[i];
      uint32_t id = resource_id(&dev->images, panvk_key(b->image));
      for (uint32_t j = 0; j < b->bindCount; j++)
         trace_range_bind(tracker, id, batch, j, &b->pBinds[j]);
   }
   for (uint32_t i = 0; i < info->imageBindCount; i++) {
      const VkSparseImageMemoryBindInfo *b = &info->pImageBinds[i];
      uint32_t id = resource_id(&dev->images, panvk_key(b->image));
      for (uint32_t j = 0; j < b->bindCount; j++)
         trace_image_bind(tracker, id, batch, j, &b->pBinds[j]);
   }
   pthread_mutex_unlock(&tracker->lock);
}

/* ------------------------------------------------------------------- ops -- */

/* One op, or the part of it that is in one resource. */
static void
trace_op(struct panvk_tracker *tracker, const struct panvk_tracked *tracked,
         const struct drm_panthor_vm_bind_op *op, uint32_t index, uint64_t va,
         uint64_t size_B)
{
   bool binds = op->bo_handle != 0 && op->bo_handle != tracker->dummy_bo_handle;
   const struct panvk_tracked_memory *memory =
      binds ? panvk_map_find(&tracker->by_bo, op->bo_handle) : NULL;

   panvk_trace_event(PANVK_TRACE_INSTANT, panvk_tracer_now(), "op",
                     binds ? "MAP" : "MAP_SPARSE",
                     "\"op\":%u,\"resource\":%u,\"offset\":%" PRIu64
                     ",\"size\":%" PRIu64
                     ",\"memory\":%u,\"memory_offset\":%" PRIu64,
                     index, tracked->id, va - tracked->va, size_B,
                     memory != NULL ? memory->id : 0,
                     binds ? (uint64_t)(op->bo_offset + (va - op->va)) : 0);
}

static void
trace_ops(struct panvk_tracker *tracker, const struct panvk_job *job)
{
   for (uint32_t i = 0; i < job->op_count; i++) {
      const struct drm_panthor_vm_bind_op *op = &job->ops[i];
      uint64_t va = op->va, end = op->va + op->size;
      while (va < end) {
         const struct panvk_tracked *tracked = panvk_tracker_find(tracker, va);
         if (tracked == NULL)
            break;
         uint64_t size_B = PANVK_MIN(end, tracked->va + tracked->size_B) - va;
         trace_op(tracker, tracked, op, i, va, size_B);
         va += size_B;
      }
   }
}

void
panvk_trace_job(struct panvk_diagnostics *diag, const struct panvk_job *job,
                uint64_t begin_ns, int ret)
{
   struct panvk_tracker *tracker = &diag->tracker;

   panvk_trace_event(PANVK_TRACE_SLICE, begin_ns, "op", "VM_BIND",
                     "\"ops\":%u,\"result\":%d", job->op_count, ret);
   if (ret != 0)
      return;
   trace_ops(tracker, job);
   for (uint32_t i = 0; i < tracker->resource_count; i++) {
      struct panvk_tracked *tracked = tracker->resources[i];
      if (!tracked->bound_changed)
         continue;
      tracked->bound_changed = false;
      trace_counter(tracked, "bound", "bytes", to_bytes(tracked->bound_pages));
   }
}
