/* SPDX-License-Identifier: MIT */
/*
 * Makes a recording that fails into a small one that fails in the same way. Every
 * try is a process of its own, so that one that goes down or hangs is a result like
 * others.
 */
#ifndef REPLAY_SHRINK_H
#define REPLAY_SHRINK_H

#include "replay_run.h"

/*
 * Sets items to 0 as long as @fails() is true of what is left, until no single one
 * of them can be missed. Of n items k are left: O(k^2 + k log n) tries at best, and
 * O(n^2) at worst.
 */
void replay_minimize(uint8_t *items, size_t count,
                     bool (*fails)(void *data, const uint8_t *items),
                     void *data);

struct replay_shrunk {
   struct replay_difference failure; /* the one that was looked for */
   uint8_t *events; /* as struct replay_part */
   uint8_t **ops;   /* likewise; of each event */
   size_t event_count; /* that are left, of those that can be left out */
   size_t op_count;
   size_t tries;
};

struct replay_shrink_options {
   bool other_device; /* as in struct replay_run_options */
   int limit_ms;      /* what takes longer hangs */
};

/*
 * 0; -ENOENT: it does not fail, but for
 * page tables that are not those of the recording, of which a part says nothing; other
 * errors: a process could not be started. No machine may run in this process.
 */
int replay_shrink(const struct record_stream *stream, struct replay_target *target,
                  const struct replay_shrink_options *options,
                  struct replay_shrunk *shrunk_out);
void replay_shrunk_free(struct replay_shrunk *shrunk, size_t event_count);

/* Whether leaving it out may make sense: an ioctl, a mapping, or a close. */
bool replay_can_leave_out(const struct record_event *event);

/* Writes what is left as a recording. 0 or a negative errno. */
int replay_write(const struct record_stream *stream,
                 const struct replay_shrunk *shrunk, const char *path);

#endif /* REPLAY_SHRINK_H */
