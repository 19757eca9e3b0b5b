/* SPDX-License-Identifier: MIT */
/* open(2) and its kin. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "preload.h"
#include "preload_real.h"

/* glibc's, for programs built with _FORTIFY_SOURCE. */
PRELOAD_API int __open_2(const char *path, int flags);
PRELOAD_API int __open64_2(const char *path, int flags);
PRELOAD_API int __openat_2(int dirfd, const char *path, int flags);
PRELOAD_API int __openat64_2(int dirfd, const char *path, int flags);

/*
 * Whether the node might be meant: a path in the tree, or one that ends in the
 * node's name, for those that are relative to a directory of the tree.
 */
static bool
may_be_node(const char *path, bool redirected)
{
   const char *slash = strrchr(path, '/');

   return redirected || !strcmp(slash ? slash + 1 : path, PRELOAD_NODE_NAME);
}

#define DEBUGFS_PATH_LENGTH (sizeof(PRELOAD_DEBUGFS_PATH) - 1)

/* Its files can be read, and that is all. */
static int
open_debugfs(const char *path, int flags)
{
   if (flags & (O_ACCMODE | O_CREAT | O_TRUNC | O_DIRECTORY)) {
      errno = flags & O_DIRECTORY ? ENOTDIR : EACCES;
      return -1;
   }
   return preload_debugfs_open(path + DEBUGFS_PATH_LENGTH, flags);
}

/*
 * Opens the node if @path is it, or a file of the driver's in debugfs: true, and
 * the result in *@fd_out. Else false: libc is to open the file.
 */
static bool
open_node(int dirfd, const char *path, bool redirected, int flags, int *fd_out)
{
   struct stat st;
   int saved = errno;

   if (!path)
      return false;
   if (!strncmp(path, PRELOAD_DEBUGFS_PATH, DEBUGFS_PATH_LENGTH)) {
      *fd_out = open_debugfs(path, flags);
      return true;
   }
   if (!may_be_node(path, redirected))
      return false;

   bool found = !REAL(fstatat)(dirfd, path, &st,
                               flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
   errno = saved;
   if (found && preload_is_node(&st)) {
      if (flags & O_PATH)
         return false;
      *fd_out = -1;
      if (flags & O_DIRECTORY)
         errno = ENOTDIR;
      else if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
         errno = EEXIST;
      else
         *fd_out = preload_node_open(flags);
      return true;
   }

   /* The tree is no more writable than sysfs; of links libc knows more. */
   if (redirected && !(flags & O_PATH) && !(found && S_ISLNK(st.st_mode)) &&
       (flags & O_ACCMODE || flags & (O_CREAT | O_TRUNC))) {
      *fd_out = -1;
      errno = found ? EACCES : ENOENT;
      return true;
   }
   return false;
}

static bool
needs_mode(int flags)
{
   return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define DEFINE_OPEN(name)                                                      \
   PRELOAD_API int name(const char *path, int flags, ...)                      \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
      mode_t mode = 0;                                                         \
      int fd;                                                                  \
                                                                               \
      if (needs_mode(flags)) {                                                 \
         va_list args;                                                         \
         va_start(args, flags);                                                \
         mode = va_arg(args, mode_t);                                          \
         va_end(args);                                                         \
      }                                                                        \
      if (open_node(AT_FDCWD, target, target == buffer, flags, &fd))           \
         return fd;                                                            \
      return REAL(name)(target, flags, mode);                                  \
   }

#define DEFINE_OPENAT(name)                                                    \
   PRELOAD_API int name(int dirfd, const char *path, int flags, ...)           \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
      mode_t mode = 0;                                                         \
      int fd;                                                                  \
                                                                               \
      if (needs_mode(flags)) {                                                 \
         va_list args;                                                         \
         va_start(args, flags);                                                \
         mode = va_arg(args, mode_t);                                          \
         va_end(args);                                                         \
      }                                                                        \
      if (open_node(dirfd, target, target == buffer, flags, &fd))              \
         return fd;                                                            \
      return REAL(name)(dirfd, target, flags, mode);                           \
   }

#define DEFINE_OPEN_2(name)                                                    \
   PRELOAD_API int name(const char *path, int flags)                           \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
      int fd;                                                                  \
                                                                               \
      if (open_node(AT_FDCWD, target, target == buffer, flags, &fd))           \
         return fd;                                                            \
      return REAL(name)(target, flags);                                        \
   }

#define DEFINE_OPENAT_2(name)                                                  \
   PRELOAD_API int name(int dirfd, const char *path, int flags)                \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
      int fd;                                                                  \
                                                                               \
      if (open_node(dirfd, target, target == buffer, flags, &fd))              \
         return fd;                                                            \
      return REAL(name)(dirfd, target, flags);                                 \
   }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_OPEN_2(__open_2)
DEFINE_OPEN_2(__open64_2)
DEFINE_OPENAT_2(__openat_2)
DEFINE_OPENAT_2(__openat64_2)

static FILE *
fopen_debugfs(const char *path, const char *mode)
{
   int flags = mode[0] != 'r' || strchr(mode, '+') ? O_RDWR : O_RDONLY;
   int fd = open_debugfs(path, flags | (strchr(mode, 'e') ? O_CLOEXEC : 0));

   return fd >= 0 ? fdopen(fd, mode) : NULL;
}

/* The files of the tree that describe the device; the node is no stream. */
#define DEFINE_FOPEN(name)                                                     \
   PRELOAD_API FILE *name(const char *path, const char *mode)                  \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
                                                                               \
      if (target == buffer && mode && (mode[0] != 'r' || strchr(mode, '+'))) { \
         errno = EACCES;                                                       \
         return NULL;                                                          \
      }                                                                        \
      if (mode && !strncmp(path, PRELOAD_DEBUGFS_PATH, DEBUGFS_PATH_LENGTH))   \
         return fopen_debugfs(path, mode);                                     \
      return REAL(name)(target, mode);                                         \
   }

DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)
