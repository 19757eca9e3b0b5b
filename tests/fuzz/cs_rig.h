/* SPDX-License-Identifier: MIT */
/*
 * The least driver that can run a command stream: a virtual GPU with its
 * firmware booted, page tables written by hand, and one group of one stream in
 * slot 0. Anything that the GPU does not answer in time ends the process.
 */
#ifndef CS_RIG_H
#define CS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "mali_test.h"

/* The group's address space. All else is unmapped. */
#define CS_RING_VA 0x10000ull /* 4 KiB, read-only: nothing changes the code */
#define CS_CODE_VA 0x20000ull /* 16 KiB, read-only */
#define CS_CODE_B 0x4000u
#define CS_DATA_VA 0x100000ull /* 16 KiB, read-write */
#define CS_DATA_B 0x4000u
#define CS_CONST_VA 0x200000ull /* 4 KiB, read-only */
#define CS_CONST_B 0x1000u
#define CS_SPARSE_VA 0x300000ull /* 64 KiB that all show the dummy's page */
#define CS_SPARSE_B 0x10000u
#define CS_DUMP_VA 0x400000ull /* 4 KiB: registers, after the stream */

struct cs_rig {
   struct test_gpu vm; /* address space 1 */
   struct test_gpu mcu; /* the firmware's, sharing vm's GPU */
   uint64_t shared_pa, iface_pa; /* of the firmware's sections */
   uint64_t ring_pa, code_pa, data_pa, const_pa, dummy_pa, dump_pa;
   uint64_t canary_pa[8]; /* pages between the others that nobody may touch */
   uint64_t inserted; /* bytes in the ring so far */
};

enum cs_end {
   CS_DONE, /* the ring was consumed */
   CS_FATAL,
   CS_TIMEOUT, /* runs, or is blocked */
};

void cs_rig_begin(struct cs_rig *rig);
/* Nothing may have leaked, and no canary have changed. */
void cs_rig_end(struct cs_rig *rig);

/* A group that runs from now on; its stream waits for ring contents. */
void cs_rig_start(struct cs_rig *rig);
/* Out of its slot, whatever it does; and back again. */
void cs_rig_suspend(struct cs_rig *rig);
void cs_rig_resume(struct cs_rig *rig);
void cs_rig_terminate(struct cs_rig *rig);

/* Puts instructions into the ring, and rings. */
void cs_rig_submit(struct cs_rig *rig, const uint64_t *words, unsigned count);
/* Waits until they have been executed, at most so long. */
enum cs_end cs_rig_wait(struct cs_rig *rig, unsigned timeout_ms);
/* After CS_FATAL: the exception, and what it says about itself. */
uint32_t cs_rig_fatal(struct cs_rig *rig, uint64_t *info_out);

#endif /* CS_RIG_H */
