/* SPDX-License-Identifier: MIT */
#include "cs_asm.h"

#include <sys/ioctl.h>
#include <sys/mman.h>

void
cs_raw(struct cs *cs, uint64_t instr)
{
   *cs->at++ = instr;
}

static void
emit(struct cs *cs, uint64_t opcode, uint64_t fields)
{
   cs_raw(cs, opcode << 56 | fields);
}

void
cs_move48(struct cs *cs, unsigned reg, uint64_t value)
{
   emit(cs, 1, (uint64_t)reg << 48 | value);
}

void
cs_move32(struct cs *cs, unsigned reg, uint32_t value)
{
   emit(cs, 2, (uint64_t)reg << 48 | value);
}

void
cs_wait_all(struct cs *cs)
{
   emit(cs, 3, 0xff << 16);
}

void
cs_add32(struct cs *cs, unsigned dest, unsigned src, int32_t value)
{
   emit(cs, 16, (uint64_t)dest << 48 | (uint64_t)src << 40 | (uint32_t)value);
}

void
cs_add64(struct cs *cs, unsigned dest, unsigned src, int32_t value)
{
   emit(cs, 17, (uint64_t)dest << 48 | (uint64_t)src << 40 | (uint32_t)value);
}

static void
emit_memory(struct cs *cs, uint64_t opcode, unsigned reg, unsigned addr_reg,
            uint16_t mask, int16_t offset)
{
   emit(cs, opcode, (uint64_t)reg << 48 | (uint64_t)addr_reg << 40 |
                       (uint64_t)mask << 16 | (uint16_t)offset);
}

void
cs_load(struct cs *cs, unsigned reg, unsigned addr_reg, uint16_t mask,
        int16_t offset)
{
   emit_memory(cs, 20, reg, addr_reg, mask, offset);
}

void
cs_store(struct cs *cs, unsigned reg, unsigned addr_reg, uint16_t mask,
         int16_t offset)
{
   emit_memory(cs, 21, reg, addr_reg, mask, offset);
}

void
cs_branch(struct cs *cs, unsigned reg, enum cs_cond cond,
          const uint64_t *target)
{
   emit(cs, 22, (uint64_t)reg << 40 | (uint64_t)cond << 28 |
                   (uint16_t)(target - (cs->at + 1)));
}

void
cs_call(struct cs *cs, unsigned addr_reg, unsigned size_reg)
{
   emit(cs, 32, (uint64_t)addr_reg << 40 | (uint64_t)size_reg << 32);
}

void
cs_flush(struct cs *cs, unsigned id_reg)
{
   emit(cs, 36, (uint64_t)id_reg << 40 | 2 << 8 | 3 << 4 | 3);
}

static void
emit_sync(struct cs *cs, uint64_t opcode, unsigned addr_reg, unsigned reg,
          uint64_t fields)
{
   emit(cs, opcode,
        (uint64_t)addr_reg << 40 | (uint64_t)reg << 32 | fields);
}

void
cs_sync_add64(struct cs *cs, unsigned addr_reg, unsigned value_reg)
{
   emit_sync(cs, 51, addr_reg, value_reg, 0);
}

void
cs_sync_set32(struct cs *cs, unsigned addr_reg, unsigned value_reg)
{
   emit_sync(cs, 38, addr_reg, value_reg, 0);
}

void
cs_sync_wait64(struct cs *cs, enum cs_cond cond, unsigned addr_reg,
               unsigned ref_reg, bool error_reject)
{
   emit_sync(cs, 53, addr_reg, ref_reg, (uint64_t)cond << 28 | error_reject);
}

void
cs_sync_wait32(struct cs *cs, enum cs_cond cond, unsigned addr_reg,
               unsigned ref_reg)
{
   emit_sync(cs, 39, addr_reg, ref_reg, (uint64_t)cond << 28);
}

void
cs_poke(struct cs *cs, uint64_t va, uint32_t value)
{
   cs_move48(cs, 64, va);
   cs_move32(cs, 66, value);
   cs_store(cs, 66, 64, 1, 0);
   cs_wait_all(cs);
}

void
cs_copy(struct cs *cs, uint64_t to, uint64_t from, uint32_t words)
{
   cs_move48(cs, 0, from);
   cs_move48(cs, 2, to);
   cs_move32(cs, 4, words);
   const uint64_t *loop = cs->at;
   cs_load(cs, 6, 0, 1, 0);
   cs_wait_all(cs);
   cs_store(cs, 6, 2, 1, 0);
   cs_add64(cs, 0, 0, 4);
   cs_add64(cs, 2, 2, 4);
   cs_add32(cs, 4, 4, -1);
   cs_branch(cs, 4, CS_GT, loop);
   cs_wait_all(cs);
}

void
cs_forever(struct cs *cs)
{
   const uint64_t *loop = cs->at;

   cs_move32(cs, 68, 0);
   cs_branch(cs, 68, CS_ALWAYS, loop);
}

void
cs_begin(struct cs *cs)
{
   while ((uintptr_t)cs->at & 63)
      cs_raw(cs, 0);
   cs->start = cs->at;
}

/* ----------------------------------------------------------------- groups -- */

void
cs_vm_init(struct cs_vm *vm, struct pan_kmod_dev *dev)
{
   void *map;

   vm->vm = uapi_vm(dev);
   vm->bo = uapi_bo(dev, SZ_2M);
   vm->va = 0x1000000;
   /* Streams are fetched by loads: a plain mapping is executable, too. */
   assert_int_equal(uapi_bind(vm->vm, 0, vm->bo, 0, vm->va, SZ_2M), 0);
   assert_int_equal(pan_kmod_bo_mmap(vm->bo, NULL, PROT_READ | PROT_WRITE,
                                     MAP_SHARED, &map), 0);
   vm->map = map;
}

void
cs_vm_fini(struct cs_vm *vm)
{
   assert_int_equal(pan_kmod_munmap(vm->bo->dev, vm->map, SZ_2M), 0);
   pan_kmod_bo_destroy(vm->bo);
   pan_kmod_vm_destroy(vm->vm);
}

struct cs
cs_at(struct cs_vm *vm, uint64_t offset)
{
   uint64_t *start = (uint64_t *)(vm->map + offset);

   return (struct cs){.at = start, .start = start};
}

uint64_t
cs_va(const struct cs_vm *vm, const struct cs *cs)
{
   return vm->va + ((char *)cs->start - vm->map);
}

void
cs_group_args(struct cs_group_args *args, struct cs_vm *vm,
              unsigned queue_count)
{
   *args = (struct cs_group_args){.create = {
      .queues = {.stride = sizeof(args->queues[0]), .count = queue_count,
                 .array = (uintptr_t)args->queues},
      .max_compute_cores = 1, .max_fragment_cores = 1, .max_tiler_cores = 1,
      .priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
      .compute_core_mask = 1, .fragment_core_mask = 1, .tiler_core_mask = 1,
      .vm_id = vm->vm->id,
   }};
   for (unsigned i = 0; i < 32; i++)
      args->queues[i] = (struct drm_panthor_queue_create){
         .priority = 1, .ringbuf_size = 4096};
}

uint32_t
cs_group(struct pan_kmod_dev *dev, struct cs_vm *vm, unsigned queue_count,
         uint8_t priority)
{
   struct cs_group_args args;

   cs_group_args(&args, vm, queue_count);
   args.create.priority = priority;
   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_GROUP_CREATE,
                                   &args.create), 0);
   return args.create.group_handle;
}

int
cs_group_destroy(struct pan_kmod_dev *dev, uint32_t group)
{
   struct drm_panthor_group_destroy args = {.group_handle = group};

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args);
}

int
cs_submit_raw(struct pan_kmod_dev *dev, uint32_t group,
              const struct drm_panthor_queue_submit *jobs, uint32_t count)
{
   struct drm_panthor_group_submit args = {
      .group_handle = group,
      .queue_submits = DRM_PANTHOR_OBJ_ARRAY(count, jobs),
   };

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args);
}

int
cs_submit(struct pan_kmod_dev *dev, struct cs_vm *vm, uint32_t group,
          uint32_t queue, const struct cs *cs,
          const struct drm_panthor_sync_op *syncs, uint32_t count)
{
   const struct drm_panthor_queue_submit job = {
      .queue_index = queue,
      .stream_addr = cs ? cs_va(vm, cs) : 0,
      .stream_size = cs ? cs_size_B(cs) : 0,
      .syncs = DRM_PANTHOR_OBJ_ARRAY(count, syncs),
   };

   return cs_submit_raw(dev, group, &job, 1);
}

struct drm_panthor_group_get_state
cs_state(struct pan_kmod_dev *dev, uint32_t group)
{
   struct drm_panthor_group_get_state state = {.group_handle = group};

   assert_int_equal(pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE,
                                   &state), 0);
   return state;
}

uint32_t
cs_syncobj(struct pan_kmod_dev *dev)
{
   uint32_t handle;

   assert_int_equal(pan_kmod_syncobj_create(dev, false, &handle), 0);
   return handle;
}

void
cs_finish(struct pan_kmod_dev *dev, uint32_t syncobj)
{
   assert_int_equal(pan_kmod_syncobj_wait(dev, syncobj, 0, 20000000000ll), 0);
}
