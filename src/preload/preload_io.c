/* SPDX-License-Identifier: MIT */
/* ioctl(2) and mappings of the node. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "preload.h"
#include "preload_real.h"

PRELOAD_API int
ioctl(int fd, unsigned long request, ...)
{
   va_list args;

   va_start(args, request);
   void *arg = va_arg(args, void *);
   va_end(args);

   struct preload_node *node = preload_node_get(fd);
   if (!node)
      return REAL(ioctl)(fd, request, arg);

   int saved = errno;
   int ret = host_ioctl(preload_node_file(node), request, arg);
   preload_node_put(node);
   errno = ret < 0 ? -ret : saved;
   return ret < 0 ? -1 : ret;
}

/* ---------------------------------------------------------------- mappings -- */

static void *
map_node(struct preload_node *node, void *addr, size_t size_B, int prot,
         int flags, uint64_t offset)
{
   void *mapped;
   int saved = errno;

   preload_will_map();
   int ret = host_mmap(preload_node_file(node), addr, size_B, prot, flags,
                       offset, &mapped);
   preload_node_put(node);
   errno = ret ? -ret : saved;
   return ret ? MAP_FAILED : mapped;
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
      struct preload_node *node =                                              \
         flags & MAP_ANONYMOUS ? NULL : preload_node_get(fd);                  \
                                                                               \
      if (node)                                                                \
         return map_node(node, addr, size_B, prot, flags, (uint64_t)offset);    \
      void *mapped = REAL(name)(addr, size_B, prot, flags, fd, offset);        \
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
   int ret = host_munmap(addr, size_B);
   errno = ret ? -ret : saved;
   return ret ? -1 : 0;
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
