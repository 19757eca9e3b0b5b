/* SPDX-License-Identifier: MIT */
/* stat(2), access(2), getxattr(2), and their kin. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "preload.h"
#include "preload_real.h"

#if __SIZEOF_LONG__ != 8
#error "struct stat and struct stat64 are the same with 64-bit words only"
#endif

/* The node's file is the node. */
static int
fix(int ret, struct stat *st)
{
   if (!ret && preload_is_node(st))
      preload_fix_stat(st);
   return ret;
}

/* So is a descriptor of the node. */
static int
fix_fd(int ret, int fd, struct stat *st)
{
   if (ret)
      return ret;
   if (S_ISSOCK(st->st_mode)) {
      struct preload_node *node = preload_node_get(fd);
      if (node) {
         preload_fix_stat(st);
         preload_node_put(node);
      }
      return 0;
   }
   return fix(ret, st);
}

/* With AT_EMPTY_PATH it is @dirfd itself. */
static int
fix_at(int ret, int dirfd, const char *path, struct stat *st)
{
   return path && !path[0] ? fix_fd(ret, dirfd, st) : fix(ret, st);
}

#define DEFINE_STAT(name, type)                                                \
   PRELOAD_API int name(const char *restrict path, struct type *restrict st)   \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      int ret = REAL(name)(preload_redirect(path, buffer), st);                \
                                                                               \
      return fix(ret, (struct stat *)st);                                      \
   }

#define DEFINE_FSTAT(name, type)                                               \
   PRELOAD_API int name(int fd, struct type *st)                               \
   {                                                                           \
      return fix_fd(REAL(name)(fd, st), fd, (struct stat *)st);                \
   }

#define DEFINE_FSTATAT(name, type)                                             \
   PRELOAD_API int name(int dirfd, const char *restrict path,                  \
                        struct type *restrict st, int flags)                   \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      int ret =                                                                \
         REAL(name)(dirfd, preload_redirect(path, buffer), st, flags);         \
                                                                               \
      return fix_at(ret, dirfd, path, (struct stat *)st);                      \
   }

DEFINE_STAT(stat, stat)
DEFINE_STAT(stat64, stat64)
DEFINE_STAT(lstat, stat)
DEFINE_STAT(lstat64, stat64)
DEFINE_FSTAT(fstat, stat)
DEFINE_FSTAT(fstat64, stat64)
DEFINE_FSTATAT(fstatat, stat)
DEFINE_FSTATAT(fstatat64, stat64)

/* What these were up to glibc 2.32, in programs built with that. */
#define DEFINE_XSTAT(name, type)                                               \
   PRELOAD_API int name(int version, const char *path, struct type *st);       \
   int name(int version, const char *path, struct type *st)                    \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      int ret = REAL(name)(version, preload_redirect(path, buffer), st);       \
                                                                               \
      return fix(ret, (struct stat *)st);                                      \
   }

#define DEFINE_FXSTAT(name, type)                                              \
   PRELOAD_API int name(int version, int fd, struct type *st);                 \
   int name(int version, int fd, struct type *st)                              \
   {                                                                           \
      return fix_fd(REAL(name)(version, fd, st), fd, (struct stat *)st);       \
   }

#define DEFINE_FXSTATAT(name, type)                                            \
   PRELOAD_API int name(int version, int dirfd, const char *path,              \
                        struct type *st, int flags);                           \
   int name(int version, int dirfd, const char *path, struct type *st,         \
            int flags)                                                         \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      int ret = REAL(name)(version, dirfd, preload_redirect(path, buffer), st, \
                           flags);                                             \
                                                                               \
      return fix_at(ret, dirfd, path, (struct stat *)st);                      \
   }

DEFINE_XSTAT(__xstat, stat)
DEFINE_XSTAT(__xstat64, stat64)
DEFINE_XSTAT(__lxstat, stat)
DEFINE_XSTAT(__lxstat64, stat64)
DEFINE_FXSTAT(__fxstat, stat)
DEFINE_FXSTAT(__fxstat64, stat64)
DEFINE_FXSTATAT(__fxstatat, stat)
DEFINE_FXSTATAT(__fxstatat64, stat64)

PRELOAD_API int
statx(int dirfd, const char *restrict path, int flags, unsigned mask,
      struct statx *restrict stx)
{
   char buffer[PATH_MAX];
   const char *target = preload_redirect(path, buffer);
   struct stat st;
   int ret = REAL(statx)(dirfd, target, flags, mask, stx);

   if (ret)
      return ret;

   /* Asked again in the other way, which says whether it is the node. */
   int saved = errno;
   if (!fstatat(dirfd, path, &st, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) &&
       S_ISCHR(st.st_mode) && major(st.st_rdev) == PRELOAD_MAJOR &&
       minor(st.st_rdev) == PRELOAD_MINOR) {
      stx->stx_mode = (uint16_t)st.st_mode;
      stx->stx_rdev_major = PRELOAD_MAJOR;
      stx->stx_rdev_minor = PRELOAD_MINOR;
      stx->stx_ino = st.st_ino;
      stx->stx_dev_major = major(st.st_dev);
      stx->stx_dev_minor = minor(st.st_dev);
      stx->stx_size = 0;
      stx->stx_blocks = 0;
   }
   errno = saved;
   return ret;
}

/* ---------------------------------------------------------------- access -- */

/* Anybody may read and write the node, and nobody may run it. */
static bool
access_node(int dirfd, const char *target, int mode, int *ret_out)
{
   struct stat st;
   int saved = errno;

   if (REAL(fstatat)(dirfd, target, &st, 0) || !preload_is_node(&st)) {
      errno = saved;
      return false;
   }
   *ret_out = mode & X_OK ? -1 : 0;
   errno = mode & X_OK ? EACCES : saved;
   return true;
}

#define DEFINE_ACCESS(name)                                                    \
   PRELOAD_API int name(const char *path, int mode)                            \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
      const char *target = preload_redirect(path, buffer);                     \
      int ret;                                                                 \
                                                                               \
      if (target == buffer && access_node(AT_FDCWD, target, mode, &ret))       \
         return ret;                                                           \
      return REAL(name)(target, mode);                                         \
   }

DEFINE_ACCESS(access)
DEFINE_ACCESS(euidaccess)
DEFINE_ACCESS(eaccess)

PRELOAD_API int
faccessat(int dirfd, const char *path, int mode, int flags)
{
   char buffer[PATH_MAX];
   const char *target = preload_redirect(path, buffer);
   int ret;

   if (target == buffer && access_node(dirfd, target, mode, &ret))
      return ret;
   return REAL(faccessat)(dirfd, target, mode, flags);
}

/* --------------------------------------------------- extended attributes -- */

/* Of which there are none in the tree, but ls(1) asks. */

#define DEFINE_GETXATTR(name)                                                  \
   PRELOAD_API ssize_t name(const char *path, const char *attribute,           \
                            void *value, size_t size)                          \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
                                                                               \
      return REAL(name)(preload_redirect(path, buffer), attribute, value,      \
                        size);                                                 \
   }

#define DEFINE_LISTXATTR(name)                                                 \
   PRELOAD_API ssize_t name(const char *path, char *list, size_t size)         \
   {                                                                           \
      char buffer[PATH_MAX];                                                   \
                                                                               \
      return REAL(name)(preload_redirect(path, buffer), list, size);           \
   }

DEFINE_GETXATTR(getxattr)
DEFINE_GETXATTR(lgetxattr)
DEFINE_LISTXATTR(listxattr)
DEFINE_LISTXATTR(llistxattr)
