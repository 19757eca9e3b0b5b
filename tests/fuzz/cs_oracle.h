/* SPDX-License-Identifier: MIT */
/*
 * A second interpreter of command streams, written from the encodings alone: of
 * what has no branches, calls or clocks in it. It shares no code with the
 * virtual GPU's.
 */
#ifndef CS_ORACLE_H
#define CS_ORACLE_H

#include <stdint.h>

#include "cs_rig.h"

enum oracle_end {
   ORACLE_DONE,
   ORACLE_FATAL,
   ORACLE_BLOCKED, /* in a SYNC_WAIT that nothing will end */
   ORACLE_UNKNOWN, /* a branch, a call, a clock or an empty heap */
};

struct oracle {
   uint32_t reg[96];
   uint32_t data[CS_DATA_B / 4];
   uint32_t constants[CS_CONST_B / 4];
   uint32_t dummy[1024];
   const uint64_t *code; /* of the whole buffer */
   const uint32_t *ring;
   uint32_t *dump;
   uint32_t error; /* a fault that later jobs are to hear of */
   uint32_t fatal; /* exception */
   uint64_t fatal_info;
};

/* Executes instructions [0, count), which lie at CS_CODE_VA. */
enum oracle_end oracle_run(struct oracle *o, unsigned count);

#endif /* CS_ORACLE_H */
