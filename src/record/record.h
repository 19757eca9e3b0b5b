/* SPDX-License-Identifier: MIT */
/*
 * A recording: what programs asked of the machines of one process, and what they got.
 *
 * The file is a header and fragments, which docs/record.md draws. A fragment is in the
 * file once its first word is: that is stored last, into a shared mapping, so a recording
 * ends where the process was killed, and not before. Of an ioctl the file has
 * what went in before the driver acts on it: one that brought the process down is
 * there. Calls stand in the order in which they ended.
 *
 * Locks: the writer's own, for one fragment at a time. It comes after all others,
 * and nothing is called with it held. A call belongs to its thread.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ----------------------------------------------------------- the format -- */

#define RECORD_MAGIC "pansparse record"
#define RECORD_VERSION 1u

/* All is little-endian. */
struct record_header {
   char magic[16]; /* RECORD_MAGIC, without a NUL */
   uint32_t version;
   uint32_t pid;
   uint64_t begin_s; /* since 1970 */
   char program[32]; /* its name, cut short, with a NUL */
};

/*
 * Eight bytes stand before a fragment's payload: the kind in the low 8 bits, its
 * length in the others; record_check() of that and the payload. Fragments begin at
 * multiples of 4; a first word of zero is the end.
 */
enum record_kind {
   RECORD_BOOT = 1,  /* a machine: its configuration */
   RECORD_SHUTDOWN,  /* leaks */
   RECORD_STATS,     /* counters of the machine, at its end */
   RECORD_OPEN,      /* a file, numbered */
   RECORD_CLOSE,
   RECORD_IOCTL,     /* parts of one, of the thread whose number comes first */
   RECORD_MMAP,
   RECORD_MUNMAP,
   RECORD_VM,        /* what a VM's page tables translate */
   RECORD_MEMORY,    /* what a job found in memory */
};

/* Each begins with its number. */
enum record_part {
   RECORD_BEGIN = 1, /* of the ioctl */
   RECORD_COPY_IN,   /* what the driver read */
   RECORD_COPY_OUT,  /* what it wrote */
   RECORD_FD,        /* what a descriptor among the arguments is */
   RECORD_END,       /* of the ioctl */
   RECORD_GROUP,     /* the number of the group that it created */
};

/* Copies are cut into pieces: a multiple of the strides that predict. */
#define RECORD_PIECE_MAX_B (48u << 10)
/* Ranges of one RECORD_VM fragment. */
#define RECORD_RANGES_MAX 1024u

/* The stride that predicts in a copy of @size_B: of binds, or of syncs. */
static inline size_t
record_stride_B(size_t size_B)
{
   if (size_B > 48 && size_B % 48 == 0)
      return 48;
   return size_B > 16 && size_B % 16 == 0 ? 16 : 0;
}

/* What is behind the ioctl that a call is. */
enum record_target { RECORD_ON_FILE, RECORD_ON_FD };

#define RECORD_FD_NONE 0u  /* not open */
#define RECORD_FD_OTHER 1u /* open, and no socket */

/*
 * A descriptor: sockets are found again by their inode, whatever number they have. A
 * dma-buf has a size, in bytes.
 */
struct record_fd {
   int32_t fd;
   uint64_t inode; /* or RECORD_FD_NONE, RECORD_FD_OTHER */
   uint64_t size_B;
};

/* Consecutive addresses of a VM that show consecutive memory of one object. */
struct record_range {
   uint64_t start, end;
   /*
    * The object in bits 63:8, numbered from 1 in the order of addresses; 0: sparse, which
    * has no offset. Below it, enum record_range_flags.
    */
   uint64_t what;
   uint64_t offset;
};
enum record_range_flags {
   RECORD_RANGE_READONLY = 1 << 0,
   RECORD_RANGE_NOEXEC = 1 << 1,
   RECORD_RANGE_WRONG = 1 << 2, /* not what the driver believes is there */
};

/* Counters, in the order in which they are in the file. */
enum record_stat {
   RECORD_STAT_IOCTLS,
   RECORD_STAT_VM_BIND_IOCTLS,
   RECORD_STAT_VM_BIND_OPS,
   RECORD_STAT_ENTRIES_WRITTEN,
   RECORD_STAT_LOCKS,
   RECORD_STAT_LOCKED_B,
   RECORD_STAT_FAULTS,
   RECORD_STAT_COUNT,
};

/* ------------------------------------------------------------ the writer -- */

struct record_writer;

/*
 * Creates the file, or empties it. -EBUSY: another process records into it; other errors
 * as of open(2) and mmap(2).
 */
int record_writer_create(const char *path, struct record_writer **writer_out);
/*
 * Ends the recording, and cuts the file to what is in it: 0 or a negative errno. Who
 * writes later does nothing.
 */
int record_writer_finish(struct record_writer *writer);
/* Frees it, finished. Nobody may write any more. */
void record_writer_destroy(struct record_writer *writer);
/*
 * 0, or the negative errno with which the file could not grow: the recording ended
 * there. -ESHUTDOWN: it is finished.
 */
int record_writer_error(struct record_writer *writer);

void record_numbers(struct record_writer *writer, enum record_kind kind,
                    const uint64_t *numbers, size_t count);
void record_mmap(struct record_writer *writer, enum record_target target,
                 int64_t id, uint64_t inode, size_t size_B, int prot, int flags,
                 uint64_t offset, const void *addr, int ret);
void record_munmap(struct record_writer *writer, const void *addr, size_t size_B,
                   int ret);
/* @ranges by address. @busy: binds are under way, and nobody knows the ranges. */
void record_vm(struct record_writer *writer, uint32_t file, uint32_t vm_id,
               bool busy, const struct record_range *ranges, size_t count);

/*
 * What the @job-th job with a stream, from 0, of a group's queue found at @va in its VM,
 * when it executed or loaded it first, or found it changed; @size_B up to
 * RECORD_PIECE_MAX_B.
 */
void record_memory(struct record_writer *writer, uint64_t group, uint32_t queue,
                   uint64_t job, uint64_t va, const void *bytes, size_t size_B);

#define RECORD_ARG_MAX_B 128u

/* An ioctl, while it lasts; on its thread's stack. */
struct record_call {
   struct record_writer *writer; /* NULL: it is not recorded */
   enum record_target target;
   int64_t id;
   uint32_t request;
   const void *arg;
   bool begun; /* its beginning is in the file */
   const char *last_addr; /* of a copy: the next one is near */
   /* What was read at @arg: what is written there resembles it. */
   size_t arg_size_B;
   unsigned char arg_bytes[RECORD_ARG_MAX_B];
   /* What was written at @arg last, and is to be in the file before the end. */
   size_t out_size_B;
   unsigned char out_bytes[RECORD_ARG_MAX_B];
};

/* @id: the file's number, or the descriptor's. @writer NULL: nothing is written. */
void record_call_init(struct record_call *call, struct record_writer *writer,
                      enum record_target target, int64_t id, uint32_t request,
                      const void *arg);
void record_call_copy(struct record_call *call, bool out, const void *addr,
                      const void *bytes, size_t size_B);
void record_call_fd(struct record_call *call, const struct record_fd *fd);
/* @number: from 1, never used again. */
void record_call_group(struct record_call *call, uint64_t number);
void record_call_end(struct record_call *call, int ret);

#endif /* RECORD_H */
