/* SPDX-License-Identifier: MIT */
/*
 * What a recording is replayed on: the machine in this process, or a render node.
 * Functions return 0 or a negative errno.
 */
#ifndef REPLAY_TARGET_H
#define REPLAY_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/record.h"

struct replay_target;
struct replay_file;

struct replay_target_ops {
   /* @config: the numbers of a RECORD_BOOT. */
   int (*boot)(struct replay_target *target, const uint64_t *config);
   /* After its files were closed: leaks. */
   int (*shutdown)(struct replay_target *target);
   int (*open)(struct replay_target *target, struct replay_file **file_out);
   void (*close)(struct replay_file *file);
   int (*ioctl)(struct replay_file *file, uint32_t request, void *arg);
   int (*mmap)(struct replay_file *file, size_t size_B, int prot, int flags,
               uint64_t offset, void **addr_out);
   int (*munmap)(void *addr, size_t size_B);
   int (*fd_ioctl)(int fd, uint32_t request, void *arg);
   int (*fd_mmap)(int fd, size_t size_B, int prot, int flags, uint64_t offset,
                  void **addr_out);
   /* NULL: it has no counters. */
   void (*stats)(struct replay_target *target, uint64_t stats_out[RECORD_STAT_COUNT]);
   /* As host_vm_ranges(). NULL: page tables cannot be seen. */
   int (*ranges)(struct replay_file *file, uint32_t vm_id,
                 struct record_range **ranges_out, size_t *count_out);
};

struct replay_target {
   const struct replay_target_ops *ops;
};

/* First member of a target's file. */
struct replay_file {
   struct replay_target *target;
};

/* The machine in this process. */
struct replay_target *replay_target_host(void);
/* A render node; @path must last. -ENODEV: it is none of Panthor's. */
int replay_target_node(const char *path, struct replay_target **target_out);

#endif /* REPLAY_TARGET_H */
