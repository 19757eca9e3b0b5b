/* SPDX-License-Identifier: MIT */
/*
 * What closes descriptors. A node has no descriptor of its own in any table:
 * after the fact those without one are looked for.
 */
#include <errno.h>
#include <unistd.h>

#include "preload.h"
#include "preload_guard.h"
#include "preload_real.h"

/* To the program a descriptor of the machine is one that is not open. */
PRELOAD_API int
close(int fd)
{
   if (preload_is_guarded(fd)) {
      errno = EBADF;
      return -1;
   }

   int ret = REAL(close)(fd);

   preload_nodes_collect();
   return ret;
}

PRELOAD_API int
dup2(int old_fd, int new_fd)
{
   if (preload_is_guarded(new_fd)) {
      errno = EBUSY;
      return -1;
   }

   int ret = REAL(dup2)(old_fd, new_fd);

   preload_nodes_collect();
   return ret;
}

PRELOAD_API int
dup3(int old_fd, int new_fd, int flags)
{
   if (preload_is_guarded(new_fd)) {
      errno = EBUSY;
      return -1;
   }

   int ret = REAL(dup3)(old_fd, new_fd, flags);

   preload_nodes_collect();
   return ret;
}

/* Those of the machine divide the range. */
PRELOAD_API int
close_range(unsigned first, unsigned last, int flags)
{
   unsigned guarded;
   int ret = 0;

   while (!ret && first <= last &&
          preload_next_guarded(first, last, &guarded)) {
      if (guarded > first)
         ret = REAL(close_range)(first, guarded - 1, flags);
      first = guarded + 1;
   }
   if (!ret)
      ret = REAL(close_range)(first, last, flags);
   preload_nodes_collect();
   return ret;
}

PRELOAD_API void
closefrom(int first)
{
   /* As glibc's does where it can; it cannot fail there. */
   if (close_range(first < 0 ? 0 : (unsigned)first, ~0u, 0))
      REAL(closefrom)(first);
}
