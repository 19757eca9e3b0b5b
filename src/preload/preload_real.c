/* SPDX-License-Identifier: MIT */
/*
 * libc behind this library. The machine is linked with --wrap for every function
 * that the library stands before (meson.build), so that what it does with
 * descriptors and memory of its own goes to libc directly.
 */
#include "preload_real.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

void *
preload_find_real(const char *name)
{
   void *found = dlsym(RTLD_NEXT, name);

   if (!found) {
      preload_error("the C library has no %s()", name);
      abort();
   }
   return found;
}

/*
 * What the machine uses of them, which is built with 64-bit offsets; one that is
 * missing is an error when linking. More in preload_guard.c.
 */
void *__wrap_mmap64(void *addr, size_t size_B, int prot, int flags, int fd,
                    off64_t offset);
int __wrap_munmap(void *addr, size_t size_B);
off64_t __wrap_lseek64(int fd, off64_t offset, int whence);
int __wrap_fstat64(int fd, struct stat64 *st);
ssize_t __wrap_readlink(const char *path, char *target, size_t size);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __wrap_open64(const char *path, int flags, ...);
DIR *__wrap_opendir(const char *path);
struct dirent64 *__wrap_readdir64(DIR *dir);

void *
__wrap_mmap64(void *addr, size_t size_B, int prot, int flags, int fd,
              off64_t offset)
{
   return REAL(mmap64)(addr, size_B, prot, flags, fd, offset);
}

int
__wrap_munmap(void *addr, size_t size_B)
{
   return REAL(munmap)(addr, size_B);
}

off64_t
__wrap_lseek64(int fd, off64_t offset, int whence)
{
   return REAL(lseek64)(fd, offset, whence);
}

int
__wrap_fstat64(int fd, struct stat64 *st)
{
   return REAL(fstat64)(fd, st);
}

ssize_t
__wrap_readlink(const char *path, char *target, size_t size)
{
   return REAL(readlink)(path, target, size);
}

FILE *
__wrap_fopen64(const char *path, const char *mode)
{
   return REAL(fopen64)(path, mode);
}

int
__wrap_open64(const char *path, int flags, ...)
{
   va_list args;

   va_start(args, flags);
   mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
   va_end(args);
   return REAL(open64)(path, flags, mode);
}

DIR *
__wrap_opendir(const char *path)
{
   return REAL(opendir)(path);
}

struct dirent64 *
__wrap_readdir64(DIR *dir)
{
   return REAL(readdir64)(dir);
}
