/* SPDX-License-Identifier: MIT */
/*
 * The writer. The file is mapped a window at a time; a fragment is put together in
 * the window, and its first word comes last.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "record.h"
#include "record_pack.h"

#define WINDOW_B (1u << 20)
#define HEAD_B 8u
/* Room that is there for every fragment. */
#define FRAGMENT_MAX_B (64u << 10)

_Static_assert(FRAGMENT_MAX_B >= HEAD_B + 16 * RECORD_NUMBER_MAX_B +
                                    (RECORD_PIECE_MAX_B + RECORD_ARG_MAX_B) / 16 * 17 +
                                    RECORD_BLOCK_SLACK_B,
               "what is due and a piece fit");
_Static_assert(RECORD_RANGES_MAX * sizeof(struct record_range) <=
                  RECORD_PIECE_MAX_B,
               "ranges fit");

struct record_writer {
   pthread_mutex_t lock; /* guards what follows */
   int fd;
   int error; /* negative: recording has ended */
   uint8_t *window;
   uint64_t window_at; /* in the file; a multiple of the page size */
   size_t used_B;      /* of the window */
   uint64_t last_ns;
};

static atomic_uint thread_count;
static _Thread_local unsigned thread_number; /* from 1 */

static unsigned
this_thread(void)
{
   if (!thread_number)
      thread_number = atomic_fetch_add(&thread_count, 1) + 1;
   return thread_number;
}

static uint64_t
now_ns(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* -------------------------------------------------------------- windows -- */

/*
 * Makes the file as long as that, with zeroes, and so that nothing is missing when
 * memory is stored to: blocks on the disk, and pages, which are faster made in this way
 * than by faults.
 */
static int
extend(int fd, uint64_t at, uint64_t end)
{
   static const char zeroes[64 << 10];
   struct rlimit limit;

   /* To go beyond is a signal, too. */
   if (getrlimit(RLIMIT_FSIZE, &limit) || end > limit.rlim_cur)
      return -EFBIG;
   while (at < end) {
      size_t size_B = end - at < sizeof(zeroes) ? end - at : sizeof(zeroes);
      ssize_t written = pwrite(fd, zeroes, size_B, (off_t)at);

      if (written < 0 && errno != EINTR)
         return -errno;
      if (written > 0)
         at += (uint64_t)written;
   }
   return 0;
}

/* Maps the file from where the window is used up. The new part reads as zero. */
static int
move_window(struct record_writer *writer)
{
   const size_t page_B = (size_t)sysconf(_SC_PAGESIZE);
   uint64_t at = writer->window_at + writer->used_B / page_B * page_B;

   int ret = extend(writer->fd, writer->window ? writer->window_at + WINDOW_B : 0,
                    at + WINDOW_B);
   if (ret)
      return ret;
   void *window = mmap(NULL, WINDOW_B, PROT_READ | PROT_WRITE, MAP_SHARED,
                       writer->fd, (off_t)at);
   if (window == MAP_FAILED)
      return -errno;
   /* Faults all at once; where the host does not know it, one by one. */
   (void)madvise(window, WINDOW_B, MADV_POPULATE_WRITE);
   if (writer->window)
      munmap(writer->window, WINDOW_B);
   writer->window = window;
   writer->used_B -= at - writer->window_at;
   writer->window_at = at;
   return 0;
}

/* ------------------------------------------------------------ fragments -- */

/*
 * Begins a fragment: where its payload goes, or NULL where nothing is recorded any
 * more. With the lock held from here to end_fragment().
 */
static uint8_t *
begin_fragment(struct record_writer *writer)
{
   pthread_mutex_lock(&writer->lock);
   if (!writer->error && writer->used_B + FRAGMENT_MAX_B > WINDOW_B)
      writer->error = move_window(writer);
   if (!writer->error)
      return writer->window + writer->used_B + HEAD_B;
   pthread_mutex_unlock(&writer->lock);
   return NULL;
}

/* @end: behind the payload. */
static void
end_fragment(struct record_writer *writer, enum record_kind kind,
             const uint8_t *end)
{
   uint8_t *at = writer->window + writer->used_B;
   size_t length_B = (size_t)(end - at) - HEAD_B;
   uint32_t head = (uint32_t)kind | (uint32_t)length_B << 8;
   uint32_t check = htole32(record_check(head, at + HEAD_B, length_B));

   memcpy(at + 4, &check, sizeof(check));
   writer->used_B += (HEAD_B + length_B + 3) & ~(size_t)3;
   /* Aligned: all of it or nothing, and nothing of it before the payload. */
   __atomic_store_n((uint32_t *)(void *)at, htole32(head), __ATOMIC_RELEASE);
   pthread_mutex_unlock(&writer->lock);
}

void
record_numbers(struct record_writer *writer, enum record_kind kind,
               const uint64_t *numbers, size_t count)
{
   uint8_t *at = begin_fragment(writer);

   if (!at)
      return;
   at = record_put_number(at, count);
   for (size_t i = 0; i < count; i++)
      at = record_put_number(at, numbers[i]);
   end_fragment(writer, kind, at);
}

void
record_mmap(struct record_writer *writer, enum record_target target, int64_t id,
            uint64_t inode, size_t size_B, int prot, int flags, uint64_t offset,
            const void *addr, int ret)
{
   const uint64_t numbers[] = {
      target, (uint64_t)id, inode, size_B, (uint64_t)prot, (uint64_t)flags,
      offset, (uintptr_t)addr, (uint64_t)-ret};

   record_numbers(writer, RECORD_MMAP, numbers,
                  sizeof(numbers) / sizeof(numbers[0]));
}

void
record_munmap(struct record_writer *writer, const void *addr, size_t size_B,
              int ret)
{
   const uint64_t numbers[] = {(uintptr_t)addr, size_B, (uint64_t)-ret};

   record_numbers(writer, RECORD_MUNMAP, numbers,
                  sizeof(numbers) / sizeof(numbers[0]));
}

void
record_vm(struct record_writer *writer, uint32_t file, uint32_t vm_id, bool busy,
          const struct record_range *ranges, size_t count)
{
   /* Several fragments, of which the last one says so. */
   for (;;) {
      size_t some = count < RECORD_RANGES_MAX ? count : RECORD_RANGES_MAX;
      uint8_t *at = begin_fragment(writer);

      if (!at)
         return;
      at = record_put_number(at, file);
      at = record_put_number(at, vm_id);
      at = record_put_number(at, busy);
      at = record_put_number(at, some);
      at = record_put_number(at, some == count);
      at = record_put_block(at, ranges, some * sizeof(*ranges), NULL,
                            sizeof(*ranges));
      end_fragment(writer, RECORD_VM, at);
      if (some == count)
         return;
      ranges += some;
      count -= some;
   }
}

void
record_memory(struct record_writer *writer, uint64_t group, uint32_t queue,
              uint64_t job, uint64_t va, const void *bytes, size_t size_B)
{
   uint8_t *at = begin_fragment(writer);

   if (!at)
      return;
   at = record_put_number(at, group);
   at = record_put_number(at, queue);
   at = record_put_number(at, job);
   at = record_put_number(at, va);
   at = record_put_number(at, size_B);
   at = record_put_block(at, bytes, size_B, NULL, 0);
   end_fragment(writer, RECORD_MEMORY, at);
}

/* ---------------------------------------------------------------- ioctls -- */

void
record_call_init(struct record_call *call, struct record_writer *writer,
                 enum record_target target, int64_t id, uint32_t request,
                 const void *arg)
{
   call->writer = writer;
   if (!writer)
      return;
   call->target = target;
   call->id = id;
   call->request = request;
   call->arg = arg;
   call->begun = false;
   call->last_addr = arg;
   call->arg_size_B = 0;
   call->out_size_B = 0;
}

static uint8_t *
put_begin(struct record_call *call, uint8_t *at)
{
   uint64_t time_ns = now_ns();

   *at++ = RECORD_BEGIN;
   at = record_put_number(at, call->target);
   at = record_put_signed(at, call->id);
   at = record_put_number(at, call->request);
   at = record_put_number(at, time_ns - call->writer->last_ns);
   at = record_put_number(at, (uintptr_t)call->arg);
   call->writer->last_ns = time_ns;
   call->begun = true;
   return at;
}

static uint8_t *
put_piece(struct record_call *call, uint8_t *at, enum record_part part,
          const char *addr, const void *bytes, size_t size_B, const void *like)
{
   *at++ = (uint8_t)part;
   at = record_put_signed(at, addr - call->last_addr);
   at = record_put_number(at, size_B);
   at = record_put_block(at, bytes, size_B, like, record_stride_B(size_B));
   call->last_addr = addr;
   return at;
}

static uint8_t *
put_out(struct record_call *call, uint8_t *at)
{
   at = put_piece(call, at, RECORD_COPY_OUT, call->arg, call->out_bytes,
                  call->out_size_B,
                  call->arg_size_B == call->out_size_B ? call->arg_bytes : NULL);
   call->out_size_B = 0;
   return at;
}

/* A fragment with what is due; or NULL, as begin_fragment(). */
static uint8_t *
begin_parts(struct record_call *call)
{
   uint8_t *at = begin_fragment(call->writer);

   if (!at)
      return NULL;
   at = record_put_number(at, this_thread());
   if (!call->begun)
      at = put_begin(call, at);
   return call->out_size_B ? put_out(call, at) : at;
}

void
record_call_copy(struct record_call *call, bool out, const void *addr,
                 const void *bytes, size_t size_B)
{
   bool is_arg = addr == call->arg && size_B <= RECORD_ARG_MAX_B;

   if (!call->writer)
      return;
   if (is_arg && out && !call->out_size_B) {
      memcpy(call->out_bytes, bytes, size_B);
      call->out_size_B = size_B;
      return;
   }
   for (size_t done = 0; done < size_B; done += RECORD_PIECE_MAX_B) {
      uint8_t *at = begin_parts(call);

      if (!at)
         return;
      at = put_piece(call, at, out ? RECORD_COPY_OUT : RECORD_COPY_IN,
                     (const char *)addr + done, (const char *)bytes + done,
                     size_B - done < RECORD_PIECE_MAX_B ? size_B - done
                                                        : RECORD_PIECE_MAX_B,
                     is_arg && out && call->arg_size_B == size_B
                        ? call->arg_bytes
                        : NULL);
      end_fragment(call->writer, RECORD_IOCTL, at);
   }
   if (is_arg && !out) {
      memcpy(call->arg_bytes, bytes, size_B);
      call->arg_size_B = size_B;
   }
}

void
record_call_fd(struct record_call *call, const struct record_fd *fd)
{
   uint8_t *at = call->writer ? begin_parts(call) : NULL;

   if (!at)
      return;
   *at++ = RECORD_FD;
   at = record_put_signed(at, fd->fd);
   at = record_put_number(at, fd->inode);
   at = record_put_number(at, fd->size_B);
   end_fragment(call->writer, RECORD_IOCTL, at);
}

void
record_call_group(struct record_call *call, uint64_t number)
{
   uint8_t *at = call->writer ? begin_parts(call) : NULL;

   if (!at)
      return;
   *at++ = RECORD_GROUP;
   at = record_put_number(at, number);
   end_fragment(call->writer, RECORD_IOCTL, at);
}

void
record_call_end(struct record_call *call, int ret)
{
   uint8_t *at = call->writer ? begin_parts(call) : NULL;

   if (!at)
      return;
   *at++ = RECORD_END;
   at = record_put_signed(at, ret);
   end_fragment(call->writer, RECORD_IOCTL, at);
}

/* ----------------------------------------------------------- the writer -- */

static int
put_header(struct record_writer *writer)
{
   struct record_header header = {
      .version = htole32(RECORD_VERSION),
      .pid = htole32((uint32_t)getpid()),
      .begin_s = htole64((uint64_t)time(NULL)),
   };

   memcpy(header.magic, RECORD_MAGIC, sizeof(header.magic));
   strncpy(header.program, program_invocation_short_name,
           sizeof(header.program) - 1);
   int ret = move_window(writer);
   if (ret)
      return ret;
   memcpy(writer->window, &header, sizeof(header));
   writer->used_B = sizeof(header);
   return 0;
}

int
record_writer_create(const char *path, struct record_writer **writer_out)
{
   struct record_writer *writer = calloc(1, sizeof(*writer));
   if (!writer)
      return -ENOMEM;

   int ret = 0;
   int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
   /* A copy: where descriptors are guarded from the program, those are. */
   writer->fd = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 0);
   if (writer->fd < 0)
      ret = -errno;
   /* Released with the process, however it ends. */
   else if (flock(writer->fd, LOCK_EX | LOCK_NB))
      ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
   else if (ftruncate(writer->fd, 0))
      ret = -errno;
   else
      ret = put_header(writer);
   if (fd >= 0)
      close(fd);
   if (ret) {
      if (writer->fd >= 0)
         close(writer->fd);
      free(writer);
      return ret;
   }
   pthread_mutex_init(&writer->lock, NULL);
   writer->last_ns = now_ns();
   *writer_out = writer;
   return 0;
}

int
record_writer_error(struct record_writer *writer)
{
   pthread_mutex_lock(&writer->lock);
   int error = writer->error;
   pthread_mutex_unlock(&writer->lock);
   return error;
}

int
record_writer_finish(struct record_writer *writer)
{
   int ret = 0;

   pthread_mutex_lock(&writer->lock);
   if (writer->window) {
      munmap(writer->window, WINDOW_B);
      writer->window = NULL;
      if (ftruncate(writer->fd, (off_t)(writer->window_at + writer->used_B)))
         ret = -errno;
      close(writer->fd);
      if (!writer->error)
         writer->error = -ESHUTDOWN;
   }
   pthread_mutex_unlock(&writer->lock);
   return ret;
}

void
record_writer_destroy(struct record_writer *writer)
{
   pthread_mutex_destroy(&writer->lock);
   free(writer);
}
