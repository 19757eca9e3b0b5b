/* SPDX-License-Identifier: MIT */
/*
 * The memory of one ioctl: for each piece that the recording shows, one of ours, with
 * what was read there, and what was to be there afterwards.
 */
#ifndef REPLAY_MEMORY_H
#define REPLAY_MEMORY_H

#include "record/record_read.h"

struct replay_piece {
   uint64_t recorded; /* where it was */
   size_t size_B;
   unsigned char *real;     /* where it is: what went in */
   unsigned char *expected; /* what it was afterwards */
   unsigned char *written;  /* which bytes the driver wrote, then: 0 or 1 each */
   void *mapping;           /* NULL: of malloc() */
   size_t mapping_B;
};

struct replay_memory {
   const struct record_ioctl *ioctl;
   struct replay_piece *pieces;
   size_t count;
   bool failed; /* no memory */
};

void replay_memory_init(struct replay_memory *memory,
                        const struct record_ioctl *ioctl);
void replay_memory_free(struct replay_memory *memory);
/*
 * The piece that begins at @recorded: as long as the recording shows, but within
 * @limit_B, and at least @least_B. NULL: no memory, and memory->failed. Where the call
 * ended in a bad address, so does ours: nothing is readable behind the piece. Valid
 * until the next one.
 */
struct replay_piece *replay_memory_add(struct replay_memory *memory,
                                       uint64_t recorded, size_t least_B,
                                       uint64_t limit_B);

#endif /* REPLAY_MEMORY_H */
