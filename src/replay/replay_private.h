/* SPDX-License-Identifier: MIT */
/*
 * What the files of one replay share.
 *
 *   replay_run.c       machines, files, calls, one event after the other
 *   replay_mappings.c  mappings of buffers
 *   replay_vms.c       what binds mean, and what page tables translate
 *   replay_jobs.c      groups, and what their jobs found in memory
 *   replay_fill.c      gives it to them
 */
#ifndef REPLAY_PRIVATE_H
#define REPLAY_PRIVATE_H

#include "replay_call.h"
#include "replay_jobs.h"
#include "replay_model.h"
#include "replay_run.h"

struct run_vm {
   uint32_t recorded;
   struct replay_model model;
};

struct run_file {
   uint32_t number; /* in the recording */
   struct replay_file *file;
   struct replay_ids_of_file ids;
   struct run_vm *vms; /* that were created, and have not been destroyed */
   size_t vm_count;
};

struct run_mapping {
   uint64_t recorded;
   char *real;
   size_t size_B;
};

struct run {
   const struct record_stream *stream;
   struct replay_target *target;
   const struct replay_run_options *options;
   struct replay_report *report;
   bool booted;
   bool no_memory;
   struct replay_world world;
   struct replay_jobs jobs;
   struct run_file **files;
   size_t file_count;
   struct run_mapping *mappings;
   size_t mapping_count;
   size_t event; /* which one is made */
};

void replay_differs(struct run *run, enum replay_difference_kind kind, int recorded,
                    int replayed, const char *format, ...)
   __attribute__((format(printf, 5, 6)));
struct run_file *replay_find_file(struct run *run, uint64_t number);
struct run_vm *replay_find_vm(struct run_file *file, uint32_t recorded);
/* How long what came to an end in the recording may take. */
unsigned replay_wait_ms(const struct run *run);

void replay_make_map(struct run *run, const struct record_map *recorded);
void replay_make_unmap(struct run *run, const struct record_unmap *unmap);
void replay_unmap_all(struct run *run);

/* After an ioctl that was made, or not: what files have. */
void replay_note_vms(struct run *run, struct run_file *file,
                     const struct record_ioctl *ioctl, struct replay_result result);
void replay_check_vm(struct run *run, const struct record_translations *recorded);

/* Before a submit: what its jobs are to find. */
void replay_prepare_jobs(struct run *run, struct run_file *file,
                         const struct record_ioctl *ioctl);

#endif /* REPLAY_PRIVATE_H */
