/* SPDX-License-Identifier: MIT */
#include "ioctl_bind.h"

#include <errno.h>
#include <string.h>

#define PAGE_B 4096ull
#define MAX_OPS 6
#define MAX_SYNCS 3

#define READONLY DRM_PANTHOR_VM_BIND_OP_MAP_READONLY
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC
#define UNCACHED DRM_PANTHOR_VM_BIND_OP_MAP_UNCACHED
#define SPARSE DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE
#define TYPE(flags) ((flags) & 0xf0000000u)
#define MAP 0u
#define UNMAP ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)
#define SYNC_ONLY ((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_SYNC_ONLY)
#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)

const uint64_t ioctl_islands[MODEL_ISLANDS] = {
   0,
   (1ull << 30) - (2ull << 20),
   (1ull << 39) - (2ull << 20),
};

/* An op with its syncs, and what should come of reading those. */
struct bind_op {
   struct drm_panthor_vm_bind_op op;
   struct drm_panthor_sync_op sync[MAX_SYNCS];
   uint32_t sync_count;
   int array_errno;
};

/* -------------------------------------------------------------- decoding -- */

uint32_t
ioctl_pick_handle(struct fuzz_input *in, struct world_file *file)
{
   const uint8_t n = fuzz_u8(in);

   if (n >= 248)
      return fuzz_below(in, 1000);
   /* The n-th of those that are open. */
   for (unsigned i = 0; i < WORLD_HANDLES; i++) {
      const struct world_handle *handle =
         &file->handle[(n + i) % WORLD_HANDLES];
      if (handle->handle)
         return handle->handle;
   }
   return 0;
}

uint32_t
ioctl_pick_syncobj(struct fuzz_input *in, struct world_file *file)
{
   const uint8_t n = fuzz_u8(in);

   if (n >= 248)
      return 100 + n;
   for (unsigned i = 0; i < WORLD_SYNCOBJS; i++) {
      const struct world_syncobj *syncobj =
         &file->syncobj[(n + i) % WORLD_SYNCOBJS];
      if (syncobj->handle)
         return syncobj->handle;
   }
   return 0;
}

int
ioctl_array(struct fuzz_input *in, unsigned place, const void *elements,
            uint32_t count, uint32_t size, uint32_t min_stride,
            struct drm_panthor_obj_array *array_out)
{
   uint8_t copy[16 * 96] = {0};
   const uint8_t shape = fuzz_u8(in);
   uint32_t stride = size;
   bool tail = false;

   if (shape >= 250)
      stride = shape - 250 < 2 ? min_stride : size + 8 * (shape - 251);
   else if (shape == 249)
      stride = min_stride - 4;
   if (stride > size && fuzz_below(in, 4) == 0)
      tail = true;
   fuzz_check((size_t)stride * count <= sizeof(copy));
   for (uint32_t i = 0; i < count; i++) {
      memcpy(copy + i * stride, (const uint8_t *)elements + i * size,
             stride < size ? stride : size);
      if (tail)
         copy[i * stride + size] = 1;
   }
   array_out->stride = stride;
   array_out->count = count;
   array_out->array =
      (uintptr_t)fuzz_tail(place, copy, (size_t)stride * count);
   if (!count)
      return 0;
   if (stride < min_stride)
      return -EINVAL;
   if (shape == 248) {
      array_out->count++;
      return tail ? -E2BIG : -EFAULT;
   }
   if (shape == 247)
      array_out->array = 1;
   return shape == 247 ? -EFAULT : tail ? -E2BIG : 0;
}

static uint64_t
pick_va(struct fuzz_input *in, const struct world_vm *vm, uint32_t align)
{
   const uint8_t how = fuzz_u8(in);

   if (how == 255)
      return fuzz_u64(in);
   if (how == 254)
      return vm->user_va_range - fuzz_below(in, 8) * PAGE_B;
   if (how == 253)
      return fuzz_u32(in);
   uint32_t page = fuzz_u8(in) | (uint32_t)fuzz_u8(in) << 8;
   page = page % WORLD_ISLAND_PAGES / align * align;
   return ioctl_islands[how % MODEL_ISLANDS] + page * PAGE_B;
}

static uint64_t
pick_size(struct fuzz_input *in, uint32_t align)
{
   const uint8_t how = fuzz_u8(in);

   if (how == 255)
      return fuzz_u64(in);
   if (how >= 252)
      return 1ull << (12 + fuzz_below(in, 36));
   if (how == 251)
      return 0;
   return (1 + how % 16) * align * PAGE_B;
}

static void
decode_syncs(struct fuzz_input *in, struct world_file *file, unsigned place,
             struct bind_op *bind)
{
   bind->sync_count = fuzz_below(in, MAX_SYNCS + 1);
   for (uint32_t i = 0; i < bind->sync_count; i++) {
      const uint8_t how = fuzz_u8(in);
      struct drm_panthor_sync_op *sync = &bind->sync[i];

      sync->flags = how & 1 ? SIGNAL : 0;
      sync->flags |= how >> 1 & 1;
      sync->handle = ioctl_pick_syncobj(in, file);
      if ((how >> 1 & 1) || how >= 250)
         sync->timeline_value = fuzz_below(in, 6);
      if (how == 249)
         sync->flags = fuzz_u32(in);
   }
   bind->array_errno =
      ioctl_array(in, place, bind->sync, bind->sync_count,
                  sizeof(bind->sync[0]), 16, &bind->op.syncs);
}

static void
decode_map(struct fuzz_input *in, struct world *w, struct world_file *file,
           struct drm_panthor_vm_bind_op *op)
{
   const uint8_t flags = fuzz_u8(in);

   op->flags = MAP | (flags & 7);
   op->bo_handle = ioctl_pick_handle(in, file);
   const struct world_handle *handle = world_handle(file, op->bo_handle);
   const uint8_t how = fuzz_u8(in);
   if (how == 255) {
      op->bo_offset = fuzz_u64(in);
   } else if (how & 1) {
      /* The same place in its 2 MiB as the VA: what makes blocks. */
      op->bo_offset = op->va % (2 << 20);
   } else {
      op->bo_offset = how / 2 * PAGE_B;
   }
   /* Often what fits. */
   if (handle && how < 200) {
      const uint64_t size_B = w->bo[handle->bo].size_B;

      op->bo_offset %= size_B;
      if (op->size > size_B - op->bo_offset)
         op->size = size_B - op->bo_offset;
   }
}

static void
decode_op(struct fuzz_input *in, struct world *w, struct world_file *file,
          const struct world_vm *vm, unsigned place, struct bind_op *bind)
{
   static const uint32_t aligns[] = {1, 1, 16, 512};
   struct drm_panthor_vm_bind_op *op = &bind->op;
   const uint8_t type = fuzz_u8(in);
   const uint32_t align = aligns[fuzz_below(in, 4)];

   *bind = (struct bind_op){0};
   op->va = pick_va(in, vm, align);
   op->size = pick_size(in, align);
   switch (type % 16) {
   default:
      decode_map(in, w, file, op);
      break;
   case 8:
   case 9:
   case 10:
      op->flags = SPARSE | (type & 128 ? READONLY : 0) |
                  (type & 64 ? UNCACHED : 0) | (type == 8 ? 0 : NOEXEC);
      if (type == 9)
         op->bo_handle = 1;
      break;
   case 11:
   case 12:
   case 13:
      op->flags = UNMAP;
      if (type == 11)
         op->bo_offset = PAGE_B;
      break;
   case 14:
      op->flags = SYNC_ONLY;
      if (type != 14)
         op->va = op->size = 0;
      break;
   case 15:
      op->flags = fuzz_u32(in);
      break;
   }
   if (fuzz_u8(in) >= 192)
      decode_syncs(in, file, place, bind);
}

/* ----------------------------------------------------------- what should be */

/* The rules of an op, in the order of docs/panthor.md. */
static int
check_map(struct world *w, struct world_file *file, const struct world_vm *vm,
          const struct drm_panthor_vm_bind_op *op)
{
   const struct world_handle *handle;

   if (op->flags & ~(uint32_t)(READONLY | NOEXEC | UNCACHED | SPARSE))
      return -EINVAL;
   if (op->flags & SPARSE)
      return !(op->flags & NOEXEC) || op->bo_handle || op->bo_offset ? -EINVAL
                                                                     : 0;
   handle = world_handle(file, op->bo_handle);
   if (!handle)
      return -EINVAL;
   const struct world_bo *bo = &w->bo[handle->bo];
   if (op->size > bo->size_B || op->bo_offset > bo->size_B - op->size)
      return -EINVAL;
   if (bo->exclusive && bo->exclusive != vm->serial)
      return -EINVAL;
   if (!bo->pages)
      w->excuse = true; /* cannot be pinned, perhaps */
   return 0;
}

static int
check_op(struct world *w, struct world_file *file, const struct world_vm *vm,
         const struct drm_panthor_vm_bind_op *op, bool async)
{
   if (!async && op->syncs.count)
      return -EINVAL;
   if (!async && !op->size)
      return 0;
   if (op->va % PAGE_B || op->size % PAGE_B || op->bo_offset % PAGE_B)
      return -EINVAL;
   if (op->va >= vm->user_va_range || op->size > vm->user_va_range - op->va)
      return -EINVAL;
   switch (TYPE(op->flags)) {
   case MAP:
      return check_map(w, file, vm, op);
   case UNMAP:
      return op->flags != UNMAP || op->bo_handle || op->bo_offset ? -EINVAL : 0;
   case SYNC_ONLY:
      return op->flags != SYNC_ONLY || op->bo_handle || op->bo_offset ||
                   op->va || op->size || !op->syncs.count
                ? -EINVAL
                : 0;
   default:
      return -EINVAL;
   }
}

static int
check_sync(const struct drm_panthor_sync_op *sync)
{
   if ((sync->flags & ~(SIGNAL | 0xffu)) || (sync->flags & 0xff) > 1)
      return -EINVAL;
   return (sync->flags & 0xff) == 0 && sync->timeline_value ? -EINVAL : 0;
}

static bool
same(const struct drm_panthor_sync_op *a, const struct drm_panthor_sync_op *b)
{
   return a->handle == b->handle && a->timeline_value == b->timeline_value;
}

/* Do the ops [0, @end) signal what @sync names? */
static bool
signals(const struct bind_op *ops, uint32_t end,
        const struct drm_panthor_sync_op *sync)
{
   for (uint32_t i = 0; i < end; i++)
      for (uint32_t j = 0; j < ops[i].sync_count; j++)
         if ((ops[i].sync[j].flags & SIGNAL) && same(&ops[i].sync[j], sync))
            return true;
   return false;
}

/* Every SIGNAL has a syncobj, and every WAIT something to wait for. */
static int
check_fences(struct world_file *file, const struct bind_op *ops, uint32_t count)
{
   for (uint32_t i = 0; i < count; i++)
      for (uint32_t j = 0; j < ops[i].sync_count; j++)
         if ((ops[i].sync[j].flags & SIGNAL) &&
             !world_syncobj(file, ops[i].sync[j].handle))
            return -EINVAL;
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t j = 0; j < ops[i].sync_count; j++) {
         const struct drm_panthor_sync_op *sync = &ops[i].sync[j];
         const struct world_syncobj *syncobj =
            world_syncobj(file, sync->handle);

         if ((sync->flags & SIGNAL) || signals(ops, i, sync))
            continue;
         if (!syncobj)
            return -ENOENT;
         if (!world_has_point(syncobj, sync->timeline_value))
            return -EINVAL;
      }
   }
   return 0;
}

/* What should come of all of them. *@index_out: of the op to blame, or count. */
static int
check_ops(struct world *w, struct world_file *file, const struct world_vm *vm,
          const struct bind_op *ops, uint32_t count, bool async,
          uint32_t *index_out)
{
   for (uint32_t i = 0; i < count; i++) {
      int ret = check_op(w, file, vm, &ops[i].op, async);

      *index_out = i;
      if (!ret && async && ops[i].op.syncs.count) {
         ret = ops[i].array_errno;
         for (uint32_t j = 0; j < ops[i].sync_count && !ret; j++)
            ret = check_sync(&ops[i].sync[j]);
      }
      if (ret)
         return ret;
   }
   *index_out = count;
   return async ? check_fences(file, ops, count) : 0;
}

/* ------------------------------------------------------------ what happens -- */

static void
apply_op(struct world_file *file, struct world_vm *vm,
         const struct drm_panthor_vm_bind_op *op)
{
   struct model_page page = {0};

   if (!op->size || TYPE(op->flags) == SYNC_ONLY)
      return;
   if (op->flags & SPARSE) {
      page.kind = MODEL_SPARSE;
   } else if (TYPE(op->flags) == MAP) {
      page.kind = MODEL_BO;
      page.bo = world_handle(file, op->bo_handle)->bo;
      page.bo_page = (uint32_t)(op->bo_offset / PAGE_B);
   }
   page.attr = op->flags & (READONLY | NOEXEC | UNCACHED);
   model_set(&vm->model, op->va, op->size, page);
}

/* Once for each (handle, point), where the batch signals it first. */
static void
apply_signals(struct world_file *file, const struct bind_op *ops,
              uint32_t count)
{
   for (uint32_t i = 0; i < count; i++) {
      for (uint32_t j = 0; j < ops[i].sync_count; j++) {
         const struct drm_panthor_sync_op *sync = &ops[i].sync[j];
         struct world_syncobj *syncobj = world_syncobj(file, sync->handle);
         bool first = !signals(ops, i, sync);

         for (uint32_t k = 0; k < j; k++)
            if ((ops[i].sync[k].flags & SIGNAL) && same(&ops[i].sync[k], sync))
               first = false;
         if (!(sync->flags & SIGNAL) || !first)
            continue;
         if (sync->timeline_value)
            world_add_point(syncobj, sync->timeline_value);
         else
            syncobj->fence = FENCE_PLAIN;
      }
   }
}

static void
bind_vm(struct world *w, struct world_file *file, struct world_vm *vm,
        struct fuzz_input *in, bool async, struct drm_panthor_vm_bind *args)
{
   struct bind_op ops[MAX_OPS];
   struct drm_panthor_vm_bind_op raw[MAX_OPS];
   const uint32_t count = fuzz_below(in, 4) ? 1 : fuzz_below(in, MAX_OPS + 1);
   uint32_t index = 0, done;

   for (uint32_t i = 0; i < count; i++) {
      decode_op(in, w, file, vm, 1 + i, &ops[i]);
      raw[i] = ops[i].op;
   }
   int want = ioctl_array(in, 0, raw, count, sizeof(raw[0]), 48, &args->ops);
   const bool readable = !want;
   if (readable)
      want = check_ops(w, file, vm, ops, count, async, &index);
   /* Synchronous ops would overtake queued ones. */
   if (!async)
      world_flush(w, file, vm);

   int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_VM_BIND, args);
   world_expect(w, "VM_BIND", ret, want, async || index == 0);
   if (!readable)
      return;
   done = async ? (ret ? 0 : count) : args->ops.count;
   /* The array itself could not be copied: no op is to blame. */
   if (ret && done == count)
      done = 0;
   if (!async && count && (ret == want ? done != index : done > index))
      fuzz_fail("VM_BIND: returned %d at op %u, should be %d at op %u", ret,
                done, want, index);
   for (uint32_t i = 0; i < done; i++)
      apply_op(file, vm, &ops[i].op);
   if (async && !ret) {
      apply_signals(file, ops, count);
      vm->pending = true;
   }
   /* Not always: queues may get long. */
   if (!async || fuzz_below(in, 4))
      for (uint32_t i = 0; i < done; i++)
         world_check_vm(w, file, vm, ops[i].op.va, ops[i].op.size);
}

void
ioctl_bind(struct world *w, struct world_file *file, uint32_t id,
           struct fuzz_input *in)
{
   const uint8_t how = fuzz_u8(in);
   struct world_vm *vm = world_vm(file, id);
   struct drm_panthor_vm_bind args = {
      .vm_id = id,
      .flags = how == 255 ? fuzz_u32(in)
               : how % 4  ? 0
                          : DRM_PANTHOR_VM_BIND_ASYNC,
   };

   if (!vm || (args.flags & ~1u)) {
      int ret = world_ioctl(w, file, DRM_IOCTL_PANTHOR_VM_BIND, &args);
      world_expect(w, "VM_BIND of nothing", ret, -EINVAL, true);
      return;
   }
   bind_vm(w, file, vm, in, args.flags & DRM_PANTHOR_VM_BIND_ASYNC, &args);
}
