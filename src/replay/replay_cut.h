/* SPDX-License-Identifier: MIT */
/* A VM_BIND of a recording, with some of its ops. */
#ifndef REPLAY_CUT_H
#define REPLAY_CUT_H

#include "record/record_read.h"

struct replay_cut {
   struct record_ioctl ioctl; /* what it borrows is that of the whole one */
   uint8_t *memory;
};

/* How many ops a VM_BIND has whose memory is known; 0: it is none. */
uint32_t replay_op_count(const struct record_ioctl *ioctl);
/*
 * @mask: for each of the replay_op_count() ops, which is not 0, whether it stays.
 * False: no memory.
 */
bool replay_cut(const struct record_ioctl *ioctl, const uint8_t *mask,
                struct replay_cut *cut_out);
void replay_cut_free(struct replay_cut *cut);

#endif /* REPLAY_CUT_H */
