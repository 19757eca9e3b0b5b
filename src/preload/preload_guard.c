/* SPDX-License-Identifier: MIT */
/*
 * The machine's own descriptors: memory, also of other machines, sockets and the
 * kernel's ends of them, copies of eventfds and of other machines' dma-bufs. The
 * program knows nothing of them, and may well close all that it does not know. They
 * are out of its way, in the upper half of its numbers, and its close() does not
 * reach them.
 *
 * guard_lock guards the set. In a child of fork() nothing is guarded.
 */
#include "preload_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "preload.h"
#include "preload_real.h"

#define WORD_BITS 64

static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *set; /* a bit per number */
static size_t set_words;
static atomic_uint count;

/* With guard_lock held. False: no memory, and @fd stays unguarded. */
static bool
add(int fd)
{
   size_t word = (size_t)fd / WORD_BITS;

   if (word >= set_words) {
      size_t words = 2 * (word + 1);
      uint64_t *grown = realloc(set, words * sizeof(*set));

      if (!grown)
         return false;
      for (size_t i = set_words; i < words; i++)
         grown[i] = 0;
      set = grown;
      set_words = words;
   }
   set[word] |= UINT64_C(1) << fd % WORD_BITS;
   atomic_fetch_add(&count, 1);
   return true;
}

/* With guard_lock held. */
static bool
contains(int fd)
{
   size_t word = (size_t)fd / WORD_BITS;

   return fd >= 0 && word < set_words &&
          set[word] >> fd % WORD_BITS & 1;
}

bool
preload_is_guarded(int fd)
{
   if (!atomic_load(&count) || preload_in_child())
      return false;

   pthread_mutex_lock(&guard_lock);
   bool found = contains(fd);
   pthread_mutex_unlock(&guard_lock);
   return found;
}

bool
preload_next_guarded(unsigned first, unsigned last, unsigned *found_out)
{
   bool found = false;

   if (!atomic_load(&count) || preload_in_child())
      return false;

   pthread_mutex_lock(&guard_lock);
   for (uint64_t fd = first;
        !found && fd <= last && fd < set_words * WORD_BITS; fd++) {
      found = contains((int)fd);
      *found_out = (unsigned)fd;
   }
   pthread_mutex_unlock(&guard_lock);
   return found;
}

/* Out of the way, if there is room: its new number. */
static int
move_up(int fd)
{
   struct rlimit limit;

   if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > INT32_MAX)
      return fd;
   int moved = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, (int)(limit.rlim_cur / 2));
   if (moved < 0)
      return fd;
   REAL(close)(fd);
   return moved;
}

static int
guard(int fd)
{
   int saved = errno;

   if (fd < 0)
      return fd;
   fd = move_up(fd);
   pthread_mutex_lock(&guard_lock);
   bool added = add(fd);
   pthread_mutex_unlock(&guard_lock);
   if (!added) {
      REAL(close)(fd);
      errno = ENOMEM;
      return -1;
   }
   errno = saved;
   return fd;
}

/* ---------------------------------------------- what the machine calls -- */

int __wrap_close(int fd);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_socketpair(int domain, int type, int protocol, int ends[2]);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size,
                   int flags);
int __wrap_fcntl64(int fd, int command, ...);
ssize_t __wrap_recvmsg(int fd, struct msghdr *msg, int flags);

int
preload_close_guarded(int fd)
{
   pthread_mutex_lock(&guard_lock);
   if (contains(fd)) {
      set[fd / WORD_BITS] &= ~(UINT64_C(1) << fd % WORD_BITS);
      atomic_fetch_sub(&count, 1);
   }
   pthread_mutex_unlock(&guard_lock);
   return REAL(close)(fd);
}

/* Also for descriptors that are not guarded. */
int
__wrap_close(int fd)
{
   return preload_close_guarded(fd);
}

int
__wrap_memfd_create(const char *name, unsigned flags)
{
   return guard(REAL(memfd_create)(name, flags));
}

/* Guards both, or has failed: ends[0] is the program's where @one. */
static int
guard_pair(int ends[2], bool one)
{
   int first = one ? ends[0] : guard(ends[0]), second = guard(ends[1]);

   if (first >= 0 && second >= 0) {
      ends[0] = first;
      ends[1] = second;
      return 0;
   }
   if (first >= 0)
      preload_close_guarded(first);
   if (second >= 0)
      preload_close_guarded(second);
   errno = ENOMEM;
   return -1;
}

/* The first end is for the program, as wherever the machine makes a pair. */
int
__wrap_socketpair(int domain, int type, int protocol, int ends[2])
{
   if (REAL(socketpair)(domain, type, protocol, ends))
      return -1;
   return guard_pair(ends, true);
}

int
__wrap_socket(int domain, int type, int protocol)
{
   return guard(REAL(socket)(domain, type, protocol));
}

int
__wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
   return guard(REAL(accept4)(fd, address, size, flags));
}

int
__wrap_pipe2(int ends[2], int flags)
{
   if (REAL(pipe2)(ends, flags))
      return -1;
   return guard_pair(ends, false);
}

int
__wrap_fcntl64(int fd, int command, ...)
{
   va_list args;

   va_start(args, command);
   long arg = va_arg(args, long);
   va_end(args);

   int ret = REAL(fcntl)(fd, command, arg);
   return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? guard(ret) : ret;
}

/* Guards those that came with a message. One that cannot be is closed, and -1. */
static bool
guard_received(struct cmsghdr *cmsg)
{
   size_t size_B = cmsg->cmsg_len - CMSG_LEN(0);
   bool all = true;
   int fd;

   for (size_t at = 0; at < size_B; at += sizeof(fd)) {
      memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
      fd = guard(fd);
      all &= fd >= 0;
      memcpy(CMSG_DATA(cmsg) + at, &fd, sizeof(fd));
   }
   return all;
}

/* Descriptors that are lost truncate the message, as where the kernel loses them. */
ssize_t
__wrap_recvmsg(int fd, struct msghdr *msg, int flags)
{
   ssize_t ret = REAL(recvmsg)(fd, msg, flags);

   if (ret < 0)
      return ret;
   for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg;
        cmsg = CMSG_NXTHDR(msg, cmsg)) {
      if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
          !guard_received(cmsg))
         msg->msg_flags |= MSG_CTRUNC;
   }
   return ret;
}
