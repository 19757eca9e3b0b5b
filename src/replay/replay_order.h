/* SPDX-License-Identifier: MIT */
/*
 * The order in which calls of several threads are made again, one after the other. A call
 * took effect somewhere between its first and its last fragment. One that made something
 * others may use is made where it ended, and so is a wait, which others ended; the rest
 * where they began. So nothing is used before it is there or after it went, and a
 * wait comes after what signalled.
 */
#ifndef REPLAY_ORDER_H
#define REPLAY_ORDER_H

#include "record/record_read.h"

/* O(n log n). */
void replay_order(struct record_stream *stream);

#endif /* REPLAY_ORDER_H */
