/* SPDX-License-Identifier: MIT */
/*
 * One ioctl of a recording, made again: its memory with this replay's pointers and
 * numbers, the call, and what differs.
 */
#ifndef REPLAY_CALL_H
#define REPLAY_CALL_H

#include "record/record_read.h"
#include "replay_ids.h"
#include "replay_target.h"
#include "replay_uapi.h"

/* A descriptor of the recording, by its inode. */
struct replay_world {
   struct replay_ids fds; /* replay_id::real: an open descriptor of ours */
   struct replay_ids eventfds; /* all that were made, to be closed */
   struct replay_file *helper; /* a file of our own, for what came from elsewhere */
};

/* The objects of a file. */
struct replay_ids_of_file {
   struct replay_ids ids[UAPI_ID_COUNT];
};

enum replay_outcome {
   REPLAY_SAME,
   REPLAY_SKIPPED, /* it names an object that the replay does not have */
   REPLAY_RESULT,  /* another return value */
   REPLAY_OUTPUT,  /* other answers */
   REPLAY_TIMING,  /* differs in what is a matter of time */
   REPLAY_NO_MEMORY,
};

struct replay_result {
   enum replay_outcome outcome;
   int ret;           /* of the replay */
   const char *where; /* REPLAY_OUTPUT: the field or array */
};

/* What of it is to be made. */
struct replay_options {
   bool skip;             /* not to be made: its objects will be missing */
   bool is_cut;           /* its answers are those of another call */
   unsigned wait_ms;      /* how long a wait may take that succeeded */
   bool other_device;     /* what describes the device may differ */
};

/*
 * @ids: of the file, NULL for an ioctl of a descriptor. An ioctl that had not ended is
 * not compared.
 */
struct replay_result replay_call(const struct record_ioctl *ioctl,
                                 const struct uapi_ioctl *uapi,
                                 struct replay_world *world,
                                 struct replay_file *file,
                                 struct replay_ids_of_file *ids,
                                 const struct replay_options *options);

/*
 * The recorded bytes at an address, as they went in: how many of @size_B there are from
 * its beginning on.
 */
size_t replay_read_in(const struct record_ioctl *ioctl, uint64_t addr,
                      void *bytes_out, size_t size_B);

/* The same as they were after the call: what was written lies over what went in. */
size_t replay_read_out(const struct record_ioctl *ioctl, uint64_t addr,
                       void *bytes_out, size_t size_B);

#endif /* REPLAY_CALL_H */
