/* SPDX-License-Identifier: MIT */
/*
 * What the files of src/host share.
 *
 * Locks: host_lock guards the one machine's reference count, its list of files
 * and every file's list of windows. It is taken for open, close and windows,
 * never for an ioctl.
 */
#ifndef HOST_PRIVATE_H
#define HOST_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "host.h"
#include "linux_machine.h"
#include "mali.h"
#include "panthor_host.h"
#include "record/record.h"

struct host_machine {
   uint32_t references;     /* guarded by host_lock */
   struct host_file *files; /* guarded by host_lock */
   int leaks;               /* found so far; guarded by host_lock */

   struct mali_dram *dram;
   struct mali_gpu *gpu;
   struct panthor_device *ptdev;
   struct host_inspect *inspect; /* NULL: nobody can attach */

   atomic_uint_fast64_t ioctls;
};

struct host_file {
   struct host_machine *machine;
   uint32_t number;             /* in recordings */
   struct host_file *next;      /* guarded by host_lock */
   struct host_window *windows; /* guarded by host_lock */
   struct linux_file *file;
};

struct host_window {
   struct host_file *file;
   struct host_window *next, **link; /* guarded by host_lock */
   struct panthor_vm *vm;            /* kept active */
   struct mali_window *window;
};

extern pthread_mutex_t host_lock;

/* One line on stderr. */
void host_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The given configuration (NULL: the default) with every 0 replaced. */
int host_config_resolve(const struct host_config *config,
                        struct host_config *resolved_out);

/*
 * With host_lock held: releases a file, no longer on the machine's list, and
 * what it holds. Windows that are still there count as leaks.
 */
void host_file_release(struct host_file *file);

/* The one machine, or NULL. With host_lock held. */
struct host_machine *host_machine_current(void);

/* ------------------------------------------- recording (host_record.c) -- */

/*
 * What PANSPARSE_RECORD asks for. These may be called from any thread, and do nothing
 * where nothing is recorded.
 */
void host_record_boot(struct host_machine *machine,
                      const struct host_config *config);
/* Before the machine goes down, and when it has. */
void host_record_stats(struct host_machine *machine);
void host_record_shutdown(int leaks);
/* Numbers the file. */
void host_record_open(struct host_file *file);
/* Before it closes. */
void host_record_close(struct host_file *file);

/* An ioctl that is recorded, on its thread's stack. */
struct host_call {
   struct record_call base;
   struct host_file *file; /* NULL: it is one of a descriptor */
};

/*
 * An ioctl begins: from here to its end, this thread's copies are the call's. @file NULL:
 * it is one of the descriptor @fd.
 */
void host_record_begin(struct host_call *call, struct host_file *file, int fd,
                       unsigned long request, const void *arg);
void host_record_end(struct host_call *call, int ret);
/* @addr: where it was mapped, if @ret is 0. */
void host_record_mmap(struct host_file *file, int fd, size_t size_B, int prot,
                      int flags, uint64_t offset, const void *addr, int ret);
/* Before an munmap(2): whether it is to be recorded. Most are about other memory. */
bool host_record_wants_munmap(const void *addr, size_t size_B);
void host_record_munmap(const void *addr, size_t size_B, int ret);

/* host_record_streams.c: what jobs find in memory. */

void host_record_streams_start(struct host_machine *machine,
                               struct record_writer *writer);
/* What was noted and not written. */
void host_record_streams_flush(void);
/* Addresses may mean something else from now on. */
void host_record_streams_changed(void);
/* A group was created: its number in recordings, or 0: no memory, or it is gone. */
uint64_t host_record_streams_add(struct host_file *file, uint32_t vm_id,
                                 uint32_t handle);

/* --------------------------------------------------------- looking inside -- */

/* host_inspect_text.c */

/*
 * What one part of the machine is like now, as text that ends in NUL, which does
 * not count, and is to be free()d. Parts are "machine", "stats", "tlb", and what
 * the driver has in debugfs. Changes nothing. -ENOENT: no such part; -ENOMEM;
 * -ENODEV: the driver is gone.
 */
int host_inspect_text(struct host_machine *machine, const char *part,
                      char **text_out, size_t *size_out);

/* host_inspect.c */

/*
 * Has a thread answer those who connect to the abstract socket "pansparse-<pid>",
 * until host_inspect_stop(), which waits for it. NULL: there can be none, which
 * does no harm. host_inspect_stop() accepts NULL.
 */
struct host_inspect *host_inspect_start(struct host_machine *machine);
void host_inspect_stop(struct host_inspect *inspect);

#endif /* HOST_PRIVATE_H */
