/* SPDX-License-Identifier: MIT */
/* Open files, and the windows through which shader cores use their VMs. */
#include <errno.h>
#include <stdlib.h>

#include "host_private.h"

int
host_open(struct host_machine *machine, struct host_file **file_out)
{
   struct host_file *file = calloc(1, sizeof(*file));
   if (!file)
      return -ENOMEM;

   int ret = linux_sys_open(&file->file);
   if (ret) {
      free(file);
      return ret;
   }

   file->machine = machine;
   host_record_open(file);

   pthread_mutex_lock(&host_lock);
   file->next = machine->files;
   machine->files = file;
   pthread_mutex_unlock(&host_lock);

   *file_out = file;
   return 0;
}

static void
window_link(struct host_window *window)
{
   struct host_file *file = window->file;

   window->next = file->windows;
   window->link = &file->windows;
   if (window->next)
      window->next->link = &window->next;
   file->windows = window;
}

static void
window_unlink(struct host_window *window)
{
   *window->link = window->next;
   if (window->next)
      window->next->link = window->link;
}

static void
window_release(struct host_window *window)
{
   mali_window_destroy(window->window);
   panthor_host_vm_idle(window->vm);
   free(window);
}

void
host_file_release(struct host_file *file)
{
   while (file->windows) {
      struct host_window *window = file->windows;

      host_error("leak: a window was not destroyed before its file was closed");
      file->machine->leaks++;
      window_unlink(window);
      window_release(window);
   }

   host_record_close(file);
   linux_sys_close(file->file);
   free(file);
}

void
host_close(struct host_file *file)
{
   if (!file)
      return;

   pthread_mutex_lock(&host_lock);

   struct host_file **link = &file->machine->files;
   while (*link != file)
      link = &(*link)->next;
   *link = file->next;

   host_file_release(file);

   pthread_mutex_unlock(&host_lock);
}

int
host_ioctl(struct host_file *file, unsigned long request, void *arg)
{
   struct host_call call;

   atomic_fetch_add_explicit(&file->machine->ioctls, 1, memory_order_relaxed);
   host_record_begin(&call, file, -1, request, arg);
   int ret = linux_sys_ioctl(file->file, (unsigned int)request, arg);
   host_record_end(&call, ret);
   return ret;
}

int
host_mmap(struct host_file *file, void *addr, size_t size_B, int prot,
          int flags, uint64_t offset, void **addr_out)
{
   int ret = linux_sys_mmap(file->file, addr, size_B, prot, flags, offset,
                            addr_out);

   host_record_mmap(file, -1, size_B, prot, flags, offset, ret ? NULL : *addr_out,
                    ret);
   return ret;
}

int
host_munmap(void *addr, size_t size_B)
{
   bool recorded = host_record_wants_munmap(addr, size_B);
   int ret = linux_sys_munmap(addr, size_B);

   if (recorded)
      host_record_munmap(addr, size_B, ret);
   return ret;
}

bool
host_is_mapped(const void *addr, size_t size_B)
{
   return linux_sys_is_mapped(addr, size_B);
}

int
host_forget_mappings(void *addr, size_t size_B)
{
   bool recorded = host_record_wants_munmap(addr, size_B);
   int ret = linux_sys_forget_mappings(addr, size_B);

   if (recorded)
      host_record_munmap(addr, size_B, ret);
   return ret;
}

int
host_fd_ioctl(int fd, unsigned long request, void *arg)
{
   struct host_call call;

   host_record_begin(&call, NULL, fd, request, arg);
   int ret = linux_sys_fd_ioctl(fd, (unsigned int)request, arg);
   host_record_end(&call, ret);
   return ret;
}

int
host_fd_mmap(int fd, void *addr, size_t size_B, int prot, int flags,
             uint64_t offset, void **addr_out)
{
   int ret = linux_sys_fd_mmap(fd, addr, size_B, prot, flags, offset, addr_out);

   host_record_mmap(NULL, fd, size_B, prot, flags, offset, ret ? NULL : *addr_out,
                    ret);
   return ret;
}

int
host_fd_lseek(int fd, int64_t offset, int whence, int64_t *pos_out)
{
   return linux_sys_fd_lseek(fd, offset, whence, pos_out);
}

int
host_window_create(struct host_file *file, uint32_t vm_id, uint64_t va,
                   void *host, uint64_t size_B, struct host_window **window_out)
{
   struct host_window *window = calloc(1, sizeof(*window));
   if (!window)
      return -ENOMEM;

   int slot =
       panthor_host_vm_active(linux_file_drm(file->file), vm_id, &window->vm);
   if (slot < 0) {
      free(window);
      return slot;
   }

   int ret = mali_window_create(file->machine->gpu, (uint32_t)slot, va, host,
                                size_B, &window->window);
   if (ret) {
      panthor_host_vm_idle(window->vm);
      free(window);
      return ret;
   }

   window->file = file;

   pthread_mutex_lock(&host_lock);
   window_link(window);
   pthread_mutex_unlock(&host_lock);

   *window_out = window;
   return 0;
}

void
host_window_destroy(struct host_window *window)
{
   if (!window)
      return;

   pthread_mutex_lock(&host_lock);
   window_unlink(window);
   pthread_mutex_unlock(&host_lock);

   window_release(window);
}

void
host_window_observe(struct host_window *window, host_observe_fn observe,
                    void *data)
{
   mali_window_observe(window->window, observe, data);
}

void
host_window_drop(struct host_window *window, uint64_t va, uint64_t size_B)
{
   mali_window_drop(window->window, va, size_B);
}

int
host_bo_set_null(struct host_file *file, uint32_t handle)
{
   return panthor_host_bo_set_null(linux_file_drm(file->file), handle);
}

void
host_fault_handler_ensure(void)
{
   mali_fault_handler_ensure();
}

int
host_vm_root(struct host_file *file, uint32_t vm_id, uint64_t *pa_out)
{
   u64 pa;
   int ret = panthor_host_vm_root(linux_file_drm(file->file), vm_id, &pa);

   if (!ret)
      *pa_out = pa;
   return ret;
}
