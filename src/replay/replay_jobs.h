/* SPDX-License-Identifier: MIT */
/*
 * What the jobs of a recording found in memory: which groups there are, how many jobs
 * their queues have had, and what there was for each.
 */
#ifndef REPLAY_JOBS_H
#define REPLAY_JOBS_H

#include "record/record_read.h"

#define REPLAY_QUEUES_MAX 32u

struct replay_group {
   uint32_t file, handle; /* in the recording */
   uint32_t vm_id;        /* likewise */
   uint64_t number;
   uint64_t jobs[REPLAY_QUEUES_MAX]; /* with a stream, that were submitted */
};

struct replay_jobs {
   struct record_memory_run *runs; /* by group, queue and job; then as recorded */
   size_t run_count;
   struct replay_group *groups; /* that there are now */
   size_t group_count;
};

/* Finds what there is of it in a stream. False: no memory. O(n log n). */
bool replay_jobs_init(struct replay_jobs *jobs, const struct record_stream *stream);
void replay_jobs_free(struct replay_jobs *jobs);

/* An ioctl of @file was recorded as successful: groups come and go. False: no memory. */
bool replay_jobs_note(struct replay_jobs *jobs, uint32_t file,
                      const struct record_ioctl *ioctl);
struct replay_group *replay_jobs_find(struct replay_jobs *jobs, uint32_t file,
                                      uint32_t handle);
/*
 * Before a submit that was recorded as successful: calls @fn for all that its jobs found,
 * and counts them.
 */
void replay_jobs_submit(struct replay_jobs *jobs, struct replay_group *group,
                        const struct record_ioctl *ioctl,
                        void (*fn)(void *data, const struct replay_group *group,
                                   const struct record_memory_run *run),
                        void *data);

#endif /* REPLAY_JOBS_H */
