/* SPDX-License-Identifier: MIT */
/*
 * The reader: a recording as a list of events, in the order in which they were written
 * last; an ioctl stands where it ended. All that a file says is checked here; what is in a stream
 * makes sense as far as the format goes, and no further.
 */
#ifndef RECORD_READ_H
#define RECORD_READ_H

#include "record.h"

/* What was read or written at an address of the program's. */
struct record_copy {
   bool out;
   uint64_t addr;
   size_t size_B;
   const uint8_t *bytes;
};

struct record_ioctl {
   enum record_target target;
   int64_t id; /* a file's number, or a descriptor */
   uint32_t request;
   uint32_t thread;
   uint64_t time_ns; /* since the recording began */
   uint64_t arg;
   bool ended; /* else the process went down in it */
   int ret;
   struct record_copy *copies;
   size_t copy_count;
   struct record_fd *fds;
   size_t fd_count;
   uint64_t group; /* the number of the one that it created; 0: none */
};

struct record_map {
   enum record_target target;
   int64_t id;
   uint64_t inode; /* of a descriptor */
   size_t size_B;
   int prot, flags;
   uint64_t offset, addr;
   int ret;
};

struct record_unmap {
   uint64_t addr;
   size_t size_B;
   int ret;
};

struct record_translations {
   uint32_t file, vm_id;
   bool busy;
   struct record_range *ranges;
   size_t count;
};

struct record_memory_run {
   uint64_t group, job, va;
   uint32_t queue;
   size_t size_B;
   const uint8_t *bytes;
};

#define RECORD_NUMBERS_MAX 16u

struct record_event {
   enum record_kind kind;
   uint64_t begin_at, end_at; /* its first and its last fragment, in the file */
   union {
      /* Those that are missing, in files of older writers, are 0. */
      uint64_t numbers[RECORD_NUMBERS_MAX]; /* _BOOT, _SHUTDOWN, _STATS, _OPEN, _CLOSE */
      struct record_ioctl ioctl;
      struct record_map map;
      struct record_unmap unmap;
      struct record_translations vm;
      struct record_memory_run memory;
   };
};

struct record_stream {
   struct record_header header; /* of this machine's byte order */
   struct record_event *events;
   size_t count;
   /* Where it is damaged, after which nothing was read; 0: nowhere. */
   uint64_t damaged_at;
   struct record_memory *memory; /* of all that is pointed to */
};

/*
 * Reads a file. 0; a negative errno as of open(2) and read(2); -ENOMSG: it is no
 * recording; -EPROTO: of another version, and only @stream_out->header is filled in.
 * -ENOMEM. O(size).
 */
int record_stream_read(const char *path, struct record_stream *stream_out);
/* The same of bytes in memory. */
int record_stream_parse(const uint8_t *bytes, size_t size_B,
                        struct record_stream *stream_out);
void record_stream_free(struct record_stream *stream);

#endif /* RECORD_READ_H */
