/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "host.h"
#include "replay_target.h"

struct host_target {
   struct replay_target base;
   struct host_machine *machine;
};

struct host_target_file {
   struct replay_file base;
   struct host_file *file;
};

static struct host_target *
to_host(struct replay_target *target)
{
   return (struct host_target *)target;
}

static struct host_file *
file_of(struct replay_file *file)
{
   return ((struct host_target_file *)file)->file;
}

/* The numbers are in the order of host_record_boot(). */
static int
host_boot(struct replay_target *target, const uint64_t *config)
{
   const struct host_config host_config = {
      .dram_size_B = config[0],
      .swap_size_B = config[1],
      .dram_fragmented = config[2],
      .as_count = (uint32_t)config[3],
      .va_bits = (uint32_t)config[4],
      .pa_bits = (uint32_t)config[5],
      .noncoherent = config[6],
      .tlb_entries = (uint32_t)config[7],
      .csg_count = (uint32_t)config[8],
      .cs_count = (uint32_t)config[9],
      .no_absent_stall = config[10],
      .null_memory = config[11],
      .uapi = (enum host_uapi)config[12],
      .fw_patience = (uint32_t)config[13],
   };

   return host_machine_get(&host_config, &to_host(target)->machine);
}

static int
host_shutdown(struct replay_target *target)
{
   return host_machine_put(to_host(target)->machine);
}

static int
host_target_open(struct replay_target *target, struct replay_file **file_out)
{
   struct host_target_file *file = calloc(1, sizeof(*file));

   if (!file)
      return -ENOMEM;
   int ret = host_open(to_host(target)->machine, &file->file);
   if (ret) {
      free(file);
      return ret;
   }
   file->base.target = target;
   *file_out = &file->base;
   return 0;
}

static void
host_target_close(struct replay_file *file)
{
   host_close(file_of(file));
   free(file);
}

static int
host_target_ioctl(struct replay_file *file, uint32_t request, void *arg)
{
   return host_ioctl(file_of(file), request, arg);
}

static int
host_target_mmap(struct replay_file *file, size_t size_B, int prot, int flags,
                 uint64_t offset, void **addr_out)
{
   return host_mmap(file_of(file), NULL, size_B, prot, flags, offset, addr_out);
}

static int
host_target_fd_ioctl(int fd, uint32_t request, void *arg)
{
   return host_fd_ioctl(fd, request, arg);
}

static int
host_target_fd_mmap(int fd, size_t size_B, int prot, int flags, uint64_t offset,
                    void **addr_out)
{
   return host_fd_mmap(fd, NULL, size_B, prot, flags, offset, addr_out);
}

static void
host_target_stats(struct replay_target *target,
                  uint64_t stats_out[RECORD_STAT_COUNT])
{
   struct host_stats stats;

   host_get_stats(to_host(target)->machine, &stats);
   stats_out[RECORD_STAT_IOCTLS] = stats.ioctls;
   stats_out[RECORD_STAT_VM_BIND_IOCTLS] = stats.vm_bind_ioctls;
   stats_out[RECORD_STAT_VM_BIND_OPS] = stats.vm_bind_ops;
   stats_out[RECORD_STAT_ENTRIES_WRITTEN] = stats.pt_entries_written;
   stats_out[RECORD_STAT_LOCKS] = stats.mmu_locks;
   stats_out[RECORD_STAT_LOCKED_B] = stats.mmu_locked_B;
   stats_out[RECORD_STAT_FAULTS] = stats.mmu_faults;
}

static int
host_target_ranges(struct replay_file *file, uint32_t vm_id,
                   struct record_range **ranges_out, size_t *count_out)
{
   return host_vm_ranges(file_of(file), vm_id, ranges_out, count_out);
}

struct replay_target *
replay_target_host(void)
{
   static const struct replay_target_ops ops = {
      .boot = host_boot,
      .shutdown = host_shutdown,
      .open = host_target_open,
      .close = host_target_close,
      .ioctl = host_target_ioctl,
      .mmap = host_target_mmap,
      .munmap = host_munmap,
      .fd_ioctl = host_target_fd_ioctl,
      .fd_mmap = host_target_fd_mmap,
      .stats = host_target_stats,
      .ranges = host_target_ranges,
   };
   static struct host_target target = {.base = {&ops}};

   return &target.base;
}
