/* SPDX-License-Identifier: MIT */
/* A whole recording, made again, and what is not as it was. */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "record/record_read.h"
#include "replay_target.h"

enum replay_difference_kind {
   REPLAY_DIFFERS_RESULT,  /* an ioctl, open or mmap returned something else */
   REPLAY_DIFFERS_OUTPUT,  /* an ioctl answered something else */
   REPLAY_DIFFERS_TABLES,  /* page tables differ from those of the recording */
   REPLAY_DIFFERS_MODEL,   /* page tables are not what the binds say */
   REPLAY_DIFFERS_LEAKS,   /* leaks of the driver */
   REPLAY_DIFFERS_CRASH,   /* the process went down; only when shrinking */
   REPLAY_DIFFERS_HANG,    /* it did not end; only when shrinking */
};

struct replay_difference {
   enum replay_difference_kind kind;
   size_t event; /* index in the stream */
   int recorded, replayed; /* results; leaks; a signal */
   char what[160]; /* in words, without the numbers above */
};

#define REPLAY_DIFFERENCES_KEPT 64u

struct replay_report {
   size_t ioctls;    /* made */
   /*
    * Not made: they name what the replay does not have, or had been interrupted, or
    * found no memory.
    */
   size_t skipped;
   size_t by_time;   /* differ in what is a matter of time */
   size_t in_flight; /* had not ended when the recording did */
   size_t ops;       /* of binds that were made */
   size_t unwritten; /* pieces of memory that jobs found, and here do not */
   size_t vms;       /* whose page tables were compared */
   size_t vms_busy;  /* that could not be, while binds were under way */
   /* Sums over the machines; what the recording says, and the target. */
   uint64_t recorded[RECORD_STAT_COUNT], replayed[RECORD_STAT_COUNT];
   bool has_recorded, has_replayed;
   uint64_t recorded_ns, replayed_ns;
   size_t difference_count;
   struct replay_difference differences[REPLAY_DIFFERENCES_KEPT]; /* the first */
};

/* Which part of a stream is made. */
struct replay_part {
   const uint8_t *events; /* a byte each: 0 is left out */
   uint8_t *const *ops;   /* of an event that is a VM_BIND: likewise, or NULL: all */
};

struct replay_run_options {
   const struct replay_part *part; /* NULL: everything */
   bool other_device; /* what the recording says of the device and of its page
                         tables is not compared */
   bool show_progress; /* on stderr */
};

/*
 * 0, also where it differs; a negative errno: it could not be made at all. The target's
 * machine is down afterwards.
 */
int replay_run(const struct record_stream *stream, struct replay_target *target,
               const struct replay_run_options *options,
               struct replay_report *report_out);

#endif /* REPLAY_RUN_H */
