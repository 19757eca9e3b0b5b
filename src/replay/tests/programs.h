/* SPDX-License-Identifier: MIT */
/* Programs that are recorded: children, which end with status 1 where they fail. */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include "record/record_read.h"

#define TILE_B 65536u

/* Of everything something. */
void program_all(void);
/* One job after the other, through the same memory; the second is no good. */
void program_jobs(void);
/* Ends with its machine running, files open and a BO mapped. */
void program_unfinished(void);
/* One bind of two ops, of which one unmaps 100 * TILE_B. */
void program_short(void);
/*
 * Many binds, some objects that nobody needs. It unmaps 100 * TILE_B, maps 200 * TILE_B
 * after that and when a label was set, and unmaps it.
 */
void program_long(void);

/* Runs the program in a child, and reads what it did into a new stream. */
void programs_record(void (*program)(void), struct record_stream *stream);

/* A cmocka group's: the file of the recording. */
int programs_setup(void **state);
int programs_teardown(void **state);
/* A name for another file. */
extern char programs_small_path[];

#endif /* PROGRAMS_H */
