/* SPDX-License-Identifier: MIT */
/*
 * ioctl(2), lseek(2) and mappings of the node, and of the descriptors that it
 * gives out: dma-bufs, syncobjs and sync files, which the machine knows.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "preload.h"
#include "preload_real.h"

/* As system calls return it. */
static int
answer(int ret, int saved_errno)
{
   errno = ret < 0 ? -ret : saved_errno;
   return ret < 0 ? -1 : ret;
}

/* The kernel answers these by itself, whatever the descriptor is. */
static bool
is_of_any_file(unsigned long request)
{
   return request == FIOCLEX || request == FIONCLEX || request == FIONBIO;
}

PRELOAD_API int
ioctl(int fd, unsigned long request, ...)
{
   int saved = errno, ret = -EBADF;
   va_list args;

   va_start(args, request);
   void *arg = va_arg(args, void *);
   va_end(args);

   if (is_of_any_file(request))
      return REAL(ioctl)(fd, request, arg);

   struct preload_node *node = preload_node_get(fd);
   if (node) {
      ret = host_ioctl(preload_node_file(node), request, arg);
      preload_node_put(node);
      return answer(ret, saved);
   }
   if (preload_any_export())
      ret = host_fd_ioctl(fd, request, arg);
   return ret == -EBADF ? REAL(ioctl)(fd, request, arg) : answer(ret, saved);
}

/* -------------------------------------------------------------- positions -- */

/* Whether it is one of ours: then its position, or a negative errno. */
static bool
seek(int fd, int64_t offset, int whence, int64_t *pos_out)
{
   struct preload_node *node = preload_node_get(fd);

   if (node) {
      /* A device without positions: it does not mind. */
      preload_node_put(node);
      *pos_out = 0;
      return true;
   }
   if (!preload_any_export())
      return false;
   int ret = host_fd_lseek(fd, offset, whence, pos_out);
   if (ret)
      *pos_out = ret;
   return ret != -EBADF;
}

#define DEFINE_LSEEK(name, offset_type)                                        \
   PRELOAD_API offset_type name(int fd, offset_type offset, int whence)        \
   {                                                                           \
      int saved = errno;                                                       \
      int64_t pos;                                                             \
                                                                               \
      if (!seek(fd, offset, whence, &pos))                                     \
         return REAL(name)(fd, offset, whence);                                \
      errno = pos < 0 ? (int)-pos : saved;                                     \
      return pos < 0 ? -1 : (offset_type)pos;                                  \
   }

DEFINE_LSEEK(lseek, off_t)
DEFINE_LSEEK(lseek64, off64_t)

/* ---------------------------------------------------------------- mappings -- */

/* Whether it is one of ours: then where it was mapped, or MAP_FAILED. */
static bool
map(int fd, void *addr, size_t size_B, int prot, int flags, uint64_t offset,
    void **mapped_out)
{
   struct preload_node *node = preload_node_get(fd);
   int saved = errno, ret;

   if (!node && !preload_any_export())
      return false;

   if (node) {
      ret = host_mmap(preload_node_file(node), addr, size_B, prot, flags,
                      offset, mapped_out);
      preload_node_put(node);
   } else {
      ret = host_fd_mmap(fd, addr, size_B, prot, flags, offset, mapped_out);
      if (ret == -EBADF)
         return false;
   }
   if (ret)
      *mapped_out = MAP_FAILED;
   else
      preload_did_map();
   errno = ret ? -ret : saved;
   return true;
}

/* Mappings of the node that a mapping of something else has replaced. */
static void
forget_replaced(void *addr, size_t size_B, int flags)
{
   int saved = errno;

   if (flags & MAP_FIXED && preload_any_mapping() &&
       host_forget_mappings(addr, size_B))
      preload_error("no memory: a buffer is kept until its old place is unmapped");
   errno = saved;
}

#define DEFINE_MMAP(name, offset_type)                                         \
   PRELOAD_API void *name(void *addr, size_t size_B, int prot, int flags,      \
                          int fd, offset_type offset)                          \
   {                                                                           \
      void *mapped;                                                            \
                                                                               \
      if (!(flags & MAP_ANONYMOUS) && map(fd, addr, size_B, prot, flags,       \
                                          (uint64_t)offset, &mapped))          \
         return mapped;                                                        \
      mapped = REAL(name)(addr, size_B, prot, flags, fd, offset);              \
      if (mapped != MAP_FAILED)                                                \
         forget_replaced(mapped, size_B, flags);                               \
      return mapped;                                                           \
   }

DEFINE_MMAP(mmap, off_t)
DEFINE_MMAP(mmap64, off64_t)

PRELOAD_API int
munmap(void *addr, size_t size_B)
{
   if (!preload_any_mapping())
      return REAL(munmap)(addr, size_B);

   int saved = errno;
   return answer(host_munmap(addr, size_B), saved);
}

/* The node's mappings may not grow (VM_DONTEXPAND); here they do not move either. */
PRELOAD_API void *
mremap(void *addr, size_t old_B, size_t new_B, int flags, ...)
{
   va_list args;

   va_start(args, flags);
   void *new_addr = va_arg(args, void *);
   va_end(args);

   if (preload_any_mapping() && host_is_mapped(addr, old_B ? old_B : 1)) {
      errno = EFAULT;
      return MAP_FAILED;
   }
   void *mapped = REAL(mremap)(addr, old_B, new_B, flags, new_addr);
   if (mapped != MAP_FAILED && flags & MREMAP_FIXED)
      forget_replaced(mapped, new_B, MAP_FIXED);
   return mapped;
}
