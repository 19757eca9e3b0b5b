/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_RECORD=FILE: all that programs ask of the machines of this process, for
 * bin/replay. One file a process, from its first machine to its end.
 *
 * record_lock guards the start. A child of fork() records nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm.h>
#include <uapi/linux/dma-buf.h>
#include <uapi/linux/sync_file.h>

#include "drm-uapi/panthor_drm.h"
#include "host_path.h"
#include "host_private.h"

static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct record_writer *) writer; /* NULL: nothing is recorded */
static atomic_uint file_count;

/* ------------------------------------------------------- start and end -- */

static void
stop_in_child(void)
{
   atomic_store(&writer, NULL);
}

static void
start(void)
{
   static bool tried;
   const char *pattern = secure_getenv("PANSPARSE_RECORD");
   struct record_writer *created;
   char path[PATH_MAX];

   if (tried || !pattern || !*pattern)
      return;
   tried = true;
   int ret = host_path_expand(pattern, path, sizeof(path))
                ? record_writer_create(path, &created)
                : -ENAMETOOLONG;
   if (ret == -EBUSY)
      host_error("nothing is recorded: another process records into %s; %%p in the "
                 "name becomes the process id", path);
   else if (ret)
      host_error("nothing is recorded: PANSPARSE_RECORD=%s cannot be written: %s",
                 path, strerror(-ret));
   if (ret)
      return;
   pthread_atfork(NULL, NULL, stop_in_child);
   atomic_store(&writer, created);
}

/* ------------------------------------------------------------- machines -- */

void
host_record_boot(struct host_machine *machine, const struct host_config *config)
{
   pthread_mutex_lock(&record_lock);
   start();
   pthread_mutex_unlock(&record_lock);

   struct record_writer *to = atomic_load(&writer);
   if (!to)
      return;
   const uint64_t numbers[] = {
      config->dram_size_B, config->swap_size_B, config->dram_fragmented,
      config->as_count,    config->va_bits,     config->pa_bits,
      config->noncoherent, config->tlb_entries, config->csg_count,
      config->cs_count,    config->no_absent_stall, config->null_memory,
      config->uapi,        config->fw_patience,
   };
   record_numbers(to, RECORD_BOOT, numbers, sizeof(numbers) / sizeof(numbers[0]));
   host_record_streams_start(machine, to);
}

void
host_record_stats(struct host_machine *machine)
{
   struct record_writer *to = atomic_load(&writer);
   struct host_stats stats;

   if (!to)
      return;
   host_record_streams_flush();
   host_get_stats(machine, &stats);
   const uint64_t numbers[RECORD_STAT_COUNT] = {
      [RECORD_STAT_IOCTLS] = stats.ioctls,
      [RECORD_STAT_VM_BIND_IOCTLS] = stats.vm_bind_ioctls,
      [RECORD_STAT_VM_BIND_OPS] = stats.vm_bind_ops,
      [RECORD_STAT_ENTRIES_WRITTEN] = stats.pt_entries_written,
      [RECORD_STAT_LOCKS] = stats.mmu_locks,
      [RECORD_STAT_LOCKED_B] = stats.mmu_locked_B,
      [RECORD_STAT_FAULTS] = stats.mmu_faults,
   };
   record_numbers(to, RECORD_STATS, numbers, RECORD_STAT_COUNT);
}

void
host_record_shutdown(int leaks)
{
   struct record_writer *to = atomic_load(&writer);
   const uint64_t number = (uint64_t)leaks;

   if (to)
      record_numbers(to, RECORD_SHUTDOWN, &number, 1);
}

/* ---------------------------------------------------------- page tables -- */

static void
record_vm_of(struct host_file *file, uint32_t vm_id)
{
   struct record_range *ranges = NULL;
   size_t count = 0;
   struct record_writer *to = atomic_load(&writer);
   int ret = host_vm_ranges(file, vm_id, &ranges, &count);

   if (to && (!ret || ret == -EBUSY))
      record_vm(to, file->number, vm_id, ret == -EBUSY, ranges, count);
   free(ranges);
}

static void
record_vms_of(struct host_file *file)
{
   struct drm_file *drm = linux_file_drm(file->file);

   for (uint32_t id = 0; (id = panthor_host_next_vm(drm, id));)
      record_vm_of(file, id);
}

/* ---------------------------------------------------------------- files -- */

void
host_record_open(struct host_file *file)
{
   struct record_writer *to = atomic_load(&writer);
   uint64_t number = atomic_fetch_add(&file_count, 1) + 1;

   file->number = (uint32_t)number;
   if (to)
      record_numbers(to, RECORD_OPEN, &number, 1);
}

void
host_record_close(struct host_file *file)
{
   struct record_writer *to = atomic_load(&writer);
   uint64_t number = file->number;

   if (!to)
      return;
   record_vms_of(file);
   record_numbers(to, RECORD_CLOSE, &number, 1);
}

/* ---------------------------------------------------------- descriptors -- */

static uint64_t
inode_of(int fd)
{
   struct stat st;

   if (fstat(fd, &st))
      return RECORD_FD_NONE;
   return S_ISSOCK(st.st_mode) ? st.st_ino : RECORD_FD_OTHER;
}

static void
record_fd(struct record_call *call, int fd)
{
   struct record_fd what = {.fd = fd, .inode = inode_of(fd)};
   int64_t size_B;

   if (!linux_sys_fd_lseek(fd, 0, SEEK_END, &size_B))
      what.size_B = (uint64_t)size_B;
   record_call_fd(call, &what);
}

/* The descriptors in the arguments of an ioctl: one to read, one that it makes. */
struct fd_fields {
   unsigned long request;
   int16_t in, out; /* offsets; -1: none */
};

static const struct fd_fields fd_fields[] = {
   {DRM_IOCTL_PRIME_FD_TO_HANDLE, offsetof(struct drm_prime_handle, fd), -1},
   {DRM_IOCTL_PRIME_HANDLE_TO_FD, -1, offsetof(struct drm_prime_handle, fd)},
   {DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, offsetof(struct drm_syncobj_handle, fd), -1},
   {DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, -1, offsetof(struct drm_syncobj_handle, fd)},
   {SYNC_IOC_MERGE, offsetof(struct sync_merge_data, fd2),
    offsetof(struct sync_merge_data, fence)},
   {DMA_BUF_IOCTL_EXPORT_SYNC_FILE, -1,
    offsetof(struct dma_buf_export_sync_file, fd)},
   {DMA_BUF_IOCTL_IMPORT_SYNC_FILE, offsetof(struct dma_buf_import_sync_file, fd),
    -1},
};

static void
record_fds(struct record_call *call, int ret)
{
   int fd;

   if (call->target == RECORD_ON_FD)
      record_fd(call, (int)call->id);
   for (size_t i = 0; i < sizeof(fd_fields) / sizeof(fd_fields[0]); i++) {
      const struct fd_fields *fields = &fd_fields[i];

      if ((uint32_t)fields->request != call->request)
         continue;
      if (fields->in >= 0 && call->arg_size_B >= (size_t)fields->in + sizeof(fd)) {
         memcpy(&fd, call->arg_bytes + fields->in, sizeof(fd));
         record_fd(call, fd);
      }
      /* The driver wrote there: it is memory. */
      if (fields->out >= 0 && !ret) {
         memcpy(&fd, (const char *)call->arg + fields->out, sizeof(fd));
         record_fd(call, fd);
      }
   }
}

/* ---------------------------------------------------------------- calls -- */

static void
record_group(struct host_call *call)
{
   struct drm_panthor_group_create create;

   if (call->base.arg_size_B < sizeof(create))
      return;
   /* The driver wrote there: it is memory. */
   memcpy(&create, call->base.arg, sizeof(create));
   record_call_group(&call->base, host_record_streams_add(call->file, create.vm_id,
                                                          create.group_handle));
}

/* In the middle of the driver's ioctl, before it acts on what it reads first. */
static void
on_copy(void *data, bool to_user, const void *user, const void *bytes,
        size_t size_B)
{
   const struct drm_panthor_vm_destroy *destroy = bytes;
   struct host_call *call = data;

   if (!to_user && call->file &&
       call->base.request == (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY &&
       size_B >= sizeof(*destroy))
      record_vm_of(call->file, destroy->id);
   record_call_copy(&call->base, to_user, user, bytes, size_B);
}

void
host_record_begin(struct host_call *call, struct host_file *file, int fd,
                  unsigned long request, const void *arg)
{
   record_call_init(&call->base, atomic_load(&writer),
                    file ? RECORD_ON_FILE : RECORD_ON_FD,
                    file ? (int64_t)file->number : fd, (uint32_t)request, arg);
   if (!call->base.writer)
      return;
   call->file = file;
   if (call->base.request == (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND ||
       call->base.request == (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY)
      host_record_streams_changed();
   linux_observe_copies(on_copy, call);
}

void
host_record_end(struct host_call *call, int ret)
{
   if (!call->base.writer)
      return;
   linux_observe_copies(NULL, NULL);
   /* An ioctl of a descriptor that the machine does not know was none. */
   if (!call->file && ret == -EBADF && !call->base.begun)
      return;
   record_fds(&call->base, ret);
   if (call->base.request == (uint32_t)DRM_IOCTL_PANTHOR_GROUP_CREATE && !ret)
      record_group(call);
   record_call_end(&call->base, ret);
}

void
host_record_mmap(struct host_file *file, int fd, size_t size_B, int prot,
                 int flags, uint64_t offset, const void *addr, int ret)
{
   struct record_writer *to = atomic_load(&writer);

   if (!to || (!file && ret == -EBADF))
      return;
   record_mmap(to, file ? RECORD_ON_FILE : RECORD_ON_FD,
               file ? (int64_t)file->number : fd, file ? 0 : inode_of(fd),
               size_B, prot, flags, offset, ret ? NULL : addr, ret);
}

bool
host_record_wants_munmap(const void *addr, size_t size_B)
{
   return atomic_load(&writer) && linux_sys_is_mapped(addr, size_B);
}

void
host_record_munmap(const void *addr, size_t size_B, int ret)
{
   struct record_writer *to = atomic_load(&writer);

   if (to)
      record_munmap(to, addr, size_B, ret);
}

/* -------------------------------------------------- the process' end -- */

/* Other threads may hold what this needs, and never let go. */
static void
record_what_is_left(void)
{
   if (pthread_mutex_trylock(&host_lock))
      return;
   struct host_machine *machine = host_machine_current();
   if (machine) {
      for (struct host_file *file = machine->files; file; file = file->next)
         record_vms_of(file);
      host_record_stats(machine);
   }
   pthread_mutex_unlock(&host_lock);
}

/* After those of a program that shuts its machine down: the last one. */
static void __attribute__((destructor(101)))
end_of_process(void)
{
   struct record_writer *to = atomic_load(&writer);

   if (!to)
      return;
   record_what_is_left();
   int ret = record_writer_error(to);
   if (!ret)
      ret = record_writer_finish(to);
   if (ret)
      host_error("the recording breaks off: %s", strerror(-ret));
}
