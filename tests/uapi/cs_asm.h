/* SPDX-License-Identifier: MIT */
/*
 * A small assembler of command streams, into memory that a BO maps, and what
 * tests need to run them: a VM, a group, and submits.
 */
#ifndef CS_ASM_H
#define CS_ASM_H

#include "uapi.h"

/* Where the next instruction goes. */
struct cs {
   uint64_t *at, *start;
};

static inline uint32_t
cs_size_B(const struct cs *cs)
{
   return (uint32_t)((char *)cs->at - (char *)cs->start);
}

/* 64-bit operands are even register pairs, named by the lower one. */
void cs_move48(struct cs *cs, unsigned reg, uint64_t value);
void cs_move32(struct cs *cs, unsigned reg, uint32_t value);
void cs_wait_all(struct cs *cs);
void cs_add32(struct cs *cs, unsigned dest, unsigned src, int32_t value);
void cs_add64(struct cs *cs, unsigned dest, unsigned src, int32_t value);
/* Words of @mask from @reg on, at [@addr_reg] + @offset + 4 * bit. */
void cs_load(struct cs *cs, unsigned reg, unsigned addr_reg, uint16_t mask,
             int16_t offset);
void cs_store(struct cs *cs, unsigned reg, unsigned addr_reg, uint16_t mask,
              int16_t offset);
enum cs_cond { CS_LE, CS_GT, CS_EQ, CS_NE, CS_LT, CS_GE, CS_ALWAYS };
/* To @target, if the signed 32-bit @reg compares with 0. */
void cs_branch(struct cs *cs, unsigned reg, enum cs_cond cond,
               const uint64_t *target);
void cs_call(struct cs *cs, unsigned addr_reg, unsigned size_reg);
void cs_flush(struct cs *cs, unsigned id_reg);
void cs_sync_add64(struct cs *cs, unsigned addr_reg, unsigned value_reg);
void cs_sync_set32(struct cs *cs, unsigned addr_reg, unsigned value_reg);
void cs_sync_wait64(struct cs *cs, enum cs_cond cond, unsigned addr_reg,
                    unsigned ref_reg, bool error_reject);
void cs_sync_wait32(struct cs *cs, enum cs_cond cond, unsigned addr_reg,
                    unsigned ref_reg);
void cs_raw(struct cs *cs, uint64_t instr);
/* Shorthands: store a word at a VA (uses r64..r67); loop for ever. */
void cs_poke(struct cs *cs, uint64_t va, uint32_t value);
/* A loop that copies words, with registers 0 to 6. */
void cs_copy(struct cs *cs, uint64_t to, uint64_t from, uint32_t words);
void cs_forever(struct cs *cs);
/* Pads to where a stream may begin (64 bytes), and begins one there. */
void cs_begin(struct cs *cs);

/* ----------------------------------------------------------------- groups -- */

#define SIGNAL ((uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL)
#define TIMELINE DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ

/* A VM with 2 MiB of memory that the CPU sees, too. */
struct cs_vm {
   struct pan_kmod_vm *vm;
   struct pan_kmod_bo *bo;
   uint64_t va;
   char *map;
};

void cs_vm_init(struct cs_vm *vm, struct pan_kmod_dev *dev);
void cs_vm_fini(struct cs_vm *vm);
/* A stream at a multiple of 64 bytes in the memory. */
struct cs cs_at(struct cs_vm *vm, uint64_t offset);
uint64_t cs_va(const struct cs_vm *vm, const struct cs *cs);
static inline volatile uint32_t *
cs_word(struct cs_vm *vm, uint64_t offset)
{
   return (volatile uint32_t *)(vm->map + offset);
}

/* What GROUP_CREATE is called with for a plain group; queues: 4 KiB rings. */
struct cs_group_args {
   struct drm_panthor_queue_create queues[32];
   struct drm_panthor_group_create create;
};
void cs_group_args(struct cs_group_args *args, struct cs_vm *vm,
                   unsigned queue_count);
uint32_t cs_group(struct pan_kmod_dev *dev, struct cs_vm *vm,
                  unsigned queue_count, uint8_t priority);
int cs_group_destroy(struct pan_kmod_dev *dev, uint32_t group);
/* One job; returns the errno. @cs NULL: without a stream. */
int cs_submit(struct pan_kmod_dev *dev, struct cs_vm *vm, uint32_t group,
              uint32_t queue, const struct cs *cs,
              const struct drm_panthor_sync_op *syncs, uint32_t count);
int cs_submit_raw(struct pan_kmod_dev *dev, uint32_t group,
                  const struct drm_panthor_queue_submit *jobs, uint32_t count);
struct drm_panthor_group_get_state cs_state(struct pan_kmod_dev *dev,
                                            uint32_t group);
uint32_t cs_syncobj(struct pan_kmod_dev *dev);
/* Waits for the binary fence, 20 s at most. */
void cs_finish(struct pan_kmod_dev *dev, uint32_t syncobj);

#endif /* CS_ASM_H */
