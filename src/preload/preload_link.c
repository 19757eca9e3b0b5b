/* SPDX-License-Identifier: MIT */
/* What tells where a path leads: answers from the tree lose its root. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"
#include "preload_real.h"

/* As the kernel shows a descriptor in /proc/self/fd. */
static bool
is_fd_link(const char *path, int *fd_out)
{
   static const char prefix[] = "/proc/self/fd/";
   char *end;

   if (!path || strncmp(path, prefix, sizeof(prefix) - 1))
      return false;
   long fd = strtol(path + sizeof(prefix) - 1, &end, 10);
   *fd_out = (int)fd;
   return end != path + sizeof(prefix) - 1 && !*end;
}

/*
 * What readlink(2) answered, seen from the program. A truncated answer stays as
 * it is where it is not longer than the root.
 */
static ssize_t
fix_link(ssize_t length, const char *path, char *target, size_t size)
{
   char copy[PATH_MAX];
   const char *inside = NULL;
   int fd;

   if (length <= 0 || (size_t)length >= sizeof(copy))
      return length;

   struct preload_node *node =
      is_fd_link(path, &fd) ? preload_node_get(fd) : NULL;
   if (node) {
      preload_node_put(node);
      inside = PRELOAD_NODE_PATH;
   } else {
      memcpy(copy, target, (size_t)length);
      copy[length] = '\0';
      if (!preload_unredirect(copy, &inside))
         return length;
   }

   size_t wanted = strlen(inside);
   if (wanted > size)
      wanted = size;
   memcpy(target, inside, wanted);
   return (ssize_t)wanted;
}

PRELOAD_API ssize_t
readlink(const char *restrict path, char *restrict target, size_t size)
{
   char buffer[PATH_MAX];
   ssize_t length =
      REAL(readlink)(preload_redirect(path, buffer), target, size);

   return fix_link(length, path, target, size);
}

PRELOAD_API ssize_t
readlinkat(int dirfd, const char *restrict path, char *restrict target,
           size_t size)
{
   char buffer[PATH_MAX];
   ssize_t length =
      REAL(readlinkat)(dirfd, preload_redirect(path, buffer), target, size);

   return fix_link(length, path, target, size);
}

/* @resolved: what realpath() answered. */
static char *
fix_path(char *resolved)
{
   const char *inside;

   if (resolved && preload_unredirect(resolved, &inside))
      memmove(resolved, inside, strlen(inside) + 1);
   return resolved;
}

PRELOAD_API char *
realpath(const char *restrict path, char *restrict resolved)
{
   char buffer[PATH_MAX];

   return fix_path(REAL(realpath)(preload_redirect(path, buffer), resolved));
}

PRELOAD_API char *
canonicalize_file_name(const char *path)
{
   char buffer[PATH_MAX];

   return fix_path(
      REAL(canonicalize_file_name)(preload_redirect(path, buffer)));
}

/* glibc's, for programs built with _FORTIFY_SOURCE. */
PRELOAD_API char *__realpath_chk(const char *path, char *resolved, size_t size);
PRELOAD_API ssize_t __readlink_chk(const char *path, char *target, size_t length,
                                   size_t size);
PRELOAD_API ssize_t __readlinkat_chk(int dirfd, const char *path, char *target,
                                     size_t length, size_t size);

char *
__realpath_chk(const char *path, char *resolved, size_t size)
{
   char buffer[PATH_MAX];

   return fix_path(REAL(__realpath_chk)(preload_redirect(path, buffer),
                                        resolved, size));
}

ssize_t
__readlink_chk(const char *path, char *target, size_t length, size_t size)
{
   char buffer[PATH_MAX];
   ssize_t ret = REAL(__readlink_chk)(preload_redirect(path, buffer), target,
                                      length, size);

   return fix_link(ret, path, target, length);
}

ssize_t
__readlinkat_chk(int dirfd, const char *path, char *target, size_t length,
                 size_t size)
{
   char buffer[PATH_MAX];
   ssize_t ret = REAL(__readlinkat_chk)(dirfd, preload_redirect(path, buffer),
                                        target, length, size);

   return fix_link(ret, path, target, length);
}
