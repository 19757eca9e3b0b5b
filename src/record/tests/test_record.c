/* SPDX-License-Identifier: MIT */
/* Recordings: how they are packed, written and read, and what damage does. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/record_pack.h"
#include "record/record_read.h"

static char path[PATH_MAX];

static int
setup(void **state)
{
   const char *directory = getenv("TMPDIR");

   snprintf(path, sizeof(path), "%s/test-record-XXXXXX",
            directory ? directory : "/tmp");
   int fd = mkstemp(path);
   if (fd < 0)
      return -1;
   return close(fd);
}

static int
teardown(void **state)
{
   return unlink(path);
}

static uint64_t seed = 1;

static uint64_t
next_random(void)
{
   seed ^= seed << 13;
   seed ^= seed >> 7;
   seed ^= seed << 17;
   return seed;
}

/* -------------------------------------------------------------- packing -- */

static void
test_numbers(void **state)
{
   uint8_t bytes[RECORD_NUMBER_MAX_B];

   for (int i = 0; i < 100000; i++) {
      uint64_t value = next_random() >> next_random() % 64, got;
      int64_t got_signed;
      uint8_t *end = record_put_number(bytes, value);

      assert_true(end <= bytes + sizeof(bytes));
      assert_true(record_get_number(&(struct record_cursor){bytes, end}, &got));
      assert_int_equal(got, value);
      assert_false(record_get_number(&(struct record_cursor){bytes, end - 1}, &got));
      end = record_put_signed(bytes, -(int64_t)value);
      assert_true(
         record_get_signed(&(struct record_cursor){bytes, end}, &got_signed));
      assert_int_equal(got_signed, -(int64_t)value);
   }
}

static void
check_block(const uint8_t *block, size_t size_B, const uint8_t *like,
            size_t stride_B)
{
   uint8_t packed[1200 + RECORD_BLOCK_SLACK_B], got[1024];
   uint8_t *end = record_put_block(packed, block, size_B, like, stride_B);
   struct record_cursor cursor = {packed, end};

   assert_true((size_t)(end - packed) <= (size_B + 15) / 16 * 17);
   assert_true(record_get_block(&cursor, got, size_B, like, stride_B));
   assert_ptr_equal(cursor.at, end);
   assert_memory_equal(got, block, size_B);
   if (size_B) {
      cursor = (struct record_cursor){packed, end - 1};
      assert_false(record_get_block(&cursor, got, size_B, like, stride_B));
   }
}

static void
test_blocks(void **state)
{
   static const size_t strides_B[] = {0, 16, 32, 48};
   uint8_t block[1024], like[1024];

   for (size_t size_B = 0; size_B <= 200; size_B++) {
      for (int kind = 0; kind < 4; kind++) {
         for (size_t i = 0; i < size_B; i++) {
            block[i] = kind == 0 ? (uint8_t)next_random() : kind == 1 ? 0xff : 0;
            like[i] = kind == 3 ? block[i] : (uint8_t)next_random();
         }
         check_block(block, size_B, like, 0);
         for (int i = 0; i < 4; i++)
            check_block(block, size_B, NULL, strides_B[i]);
      }
   }
}

/* Binds of neighbouring pages differ in two numbers: a few bytes each. */
static void
test_binds_are_small(void **state)
{
   struct {
      uint32_t flags, handle;
      uint64_t offset, va, size_B, syncs[2];
   } ops[1000] = {0};
   uint8_t packed[sizeof(ops) * 2];

   for (unsigned i = 0; i < 1000; i++) {
      ops[i].handle = 7;
      ops[i].offset = UINT64_C(65536) * i;
      ops[i].va = UINT64_C(0x7f0000000000) + UINT64_C(131072) * i;
      ops[i].size_B = 65536;
   }
   assert_int_equal(record_stride_B(sizeof(ops)), sizeof(ops[0]));
   size_t size_B =
      (size_t)(record_put_block(packed, ops, sizeof(ops), NULL, sizeof(ops[0])) -
               packed);
   assert_true(size_B < 1000 * 10);
}

/* One bit, anywhere. */
static void
test_check_sees_every_bit(void **state)
{
   uint8_t bytes[61];

   for (size_t i = 0; i < sizeof(bytes); i++)
      bytes[i] = (uint8_t)next_random();
   uint32_t check = record_check(1, bytes, sizeof(bytes));
   for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_int_not_equal(record_check(1, bytes, sizeof(bytes)), check);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
   }
   for (int bit = 0; bit < 32; bit++)
      assert_int_not_equal(record_check(1 ^ 1u << bit, bytes, sizeof(bytes)), check);
}

/* ------------------------------------------------------ writing, reading -- */

static struct record_writer *
create(void)
{
   struct record_writer *writer;

   assert_int_equal(record_writer_create(path, &writer), 0);
   return writer;
}

static void
finish(struct record_writer *writer)
{
   assert_int_equal(record_writer_finish(writer), 0);
   record_writer_destroy(writer);
}

static void
read_back(struct record_stream *stream)
{
   assert_int_equal(record_stream_read(path, stream), 0);
}

/* An ioctl that reads two blocks and writes into the first. */
static void
write_ioctl(struct record_writer *writer, uint32_t request, size_t block_B,
            unsigned char *block, int ret)
{
   static unsigned char arg[24];
   const struct record_fd fd = {.fd = 5, .inode = 77, .size_B = 4096};
   struct record_call call;

   record_call_init(&call, writer, RECORD_ON_FILE, 3, request, arg);
   record_call_copy(&call, false, arg, arg, sizeof(arg));
   record_call_copy(&call, false, block, block, block_B);
   arg[0]++;
   record_call_copy(&call, true, arg, arg, sizeof(arg));
   record_call_fd(&call, &fd);
   record_call_end(&call, ret);
}

static void
check_ioctl(const struct record_event *event, uint32_t request, size_t block_B,
            const unsigned char *block, int ret)
{
   const struct record_ioctl *ioctl = &event->ioctl;
   size_t done = 0, at;

   assert_int_equal(event->kind, RECORD_IOCTL);
   assert_int_equal(ioctl->target, RECORD_ON_FILE);
   assert_int_equal(ioctl->id, 3);
   assert_int_equal(ioctl->request, request);
   assert_true(ioctl->ended);
   assert_int_equal(ioctl->ret, ret);
   assert_int_equal(ioctl->copies[0].addr, ioctl->arg);
   assert_false(ioctl->copies[0].out);
   for (at = 1; at < ioctl->copy_count && !ioctl->copies[at].out; at++) {
      assert_int_equal(ioctl->copies[at].addr, (uintptr_t)block + done);
      assert_memory_equal(ioctl->copies[at].bytes, block + done,
                          ioctl->copies[at].size_B);
      done += ioctl->copies[at].size_B;
   }
   assert_int_equal(done, block_B);
   assert_int_equal(at + 1, ioctl->copy_count);
   assert_int_equal(ioctl->copies[at].size_B, 24);
   assert_int_equal(ioctl->copies[at].bytes[0], ioctl->copies[0].bytes[0] + 1);
   assert_int_equal(ioctl->fd_count, 1);
   assert_int_equal(ioctl->fds[0].fd, 5);
   assert_int_equal(ioctl->fds[0].inode, 77);
   assert_int_equal(ioctl->fds[0].size_B, 4096);
}

static void
test_every_kind(void **state)
{
   const uint64_t numbers[] = {1, UINT64_MAX, 3};
   const uint64_t number = 4;
   unsigned char block[100] = {1, 2, 3};
   struct record_range ranges[2500];
   struct record_writer *writer = create();
   struct record_stream stream;

   for (unsigned i = 0; i < 2500; i++)
      ranges[i] = (struct record_range){i * 4096, i * 4096 + 4096, i << 8, i};
   record_numbers(writer, RECORD_BOOT, numbers, 3);
   record_numbers(writer, RECORD_OPEN, &number, 1);
   write_ioctl(writer, 0x1234, sizeof(block), block, -EINVAL);
   record_mmap(writer, RECORD_ON_FD, 9, 88, 8192, 3, 1, 4096, block, 0);
   record_munmap(writer, block, 4096, -EFAULT);
   record_vm(writer, 4, 2, false, ranges, 2500);
   record_vm(writer, 4, 3, true, NULL, 0);
   record_memory(writer, 7, 3, UINT64_MAX, 0x1000, block, sizeof(block));
   record_numbers(writer, RECORD_CLOSE, &number, 1);
   finish(writer);

   read_back(&stream);
   assert_int_equal(stream.damaged_at, 0);
   assert_int_equal(stream.header.pid, getpid());
   assert_string_equal(stream.header.program, program_invocation_short_name);
   assert_int_equal(stream.count, 9);
   const struct record_event *events = stream.events;
   assert_int_equal(events[0].kind, RECORD_BOOT);
   assert_int_equal(events[0].numbers[1], UINT64_MAX);
   assert_int_equal(events[0].numbers[3], 0);
   assert_int_equal(events[1].numbers[0], 4);
   check_ioctl(&events[2], 0x1234, sizeof(block), block, -EINVAL);
   assert_int_equal(events[3].map.target, RECORD_ON_FD);
   assert_int_equal(events[3].map.inode, 88);
   assert_int_equal(events[3].map.addr, (uintptr_t)block);
   assert_int_equal(events[4].unmap.ret, -EFAULT);
   assert_int_equal(events[5].vm.vm_id, 2);
   assert_int_equal(events[5].vm.count, 2500);
   assert_memory_equal(events[5].vm.ranges, ranges, sizeof(ranges));
   assert_true(events[6].vm.busy);
   assert_int_equal(events[7].memory.group, 7);
   assert_int_equal(events[7].memory.job, UINT64_MAX);
   assert_int_equal(events[7].memory.size_B, sizeof(block));
   assert_memory_equal(events[7].memory.bytes, block, sizeof(block));
   assert_int_equal(events[8].kind, RECORD_CLOSE);
   record_stream_free(&stream);
}

/* More than a window, and blocks of more than a piece. */
static void
test_much(void **state)
{
   static unsigned char block[300000];
   struct record_writer *writer = create();
   struct record_stream stream;

   for (size_t i = 0; i < sizeof(block); i++)
      block[i] = (unsigned char)next_random();
   for (unsigned i = 0; i < 20; i++)
      write_ioctl(writer, i, sizeof(block) - i, block, 0);
   finish(writer);
   read_back(&stream);
   assert_int_equal(stream.count, 20);
   for (unsigned i = 0; i < 20; i++)
      check_ioctl(&stream.events[i], i, sizeof(block) - i, block, 0);
   record_stream_free(&stream);
}

#define THREADS 4
#define CALLS 3000

static void *
write_calls(void *writer)
{
   unsigned char block[64] = {0};

   for (unsigned i = 0; i < CALLS; i++) {
      struct record_call call;

      memcpy(block, &i, sizeof(i));
      record_call_init(&call, writer, RECORD_ON_FILE, 1, i, block);
      record_call_copy(&call, false, block, block, sizeof(block));
      record_call_end(&call, 0);
   }
   return NULL;
}

static void
test_threads(void **state)
{
   struct record_writer *writer = create();
   struct record_stream stream;
   pthread_t threads[THREADS];
   unsigned next[64] = {0}; /* by thread */

   for (int i = 0; i < THREADS; i++)
      assert_int_equal(pthread_create(&threads[i], NULL, write_calls, writer), 0);
   for (int i = 0; i < THREADS; i++)
      pthread_join(threads[i], NULL);
   finish(writer);
   read_back(&stream);
   assert_int_equal(stream.damaged_at, 0);
   assert_int_equal(stream.count, THREADS * CALLS);
   uint64_t last_ns = 0;
   for (size_t i = 0; i < stream.count; i++) {
      const struct record_ioctl *ioctl = &stream.events[i].ioctl;

      assert_true(ioctl->thread < 64);
      assert_int_equal(ioctl->request, next[ioctl->thread]++);
      assert_memory_equal(ioctl->copies[0].bytes, &ioctl->request, 4);
      last_ns = ioctl->time_ns > last_ns ? ioctl->time_ns : last_ns;
   }
   assert_true(last_ns < UINT64_C(3600) * 1000000000);
   record_stream_free(&stream);
}

/* -------------------------------------------------------- sudden ends -- */

/* Writes until it is killed; the number of each call is its request. */
static void __attribute__((noreturn))
write_for_ever(int started)
{
   struct record_writer *writer;
   unsigned char block[256] = {0};

   if (record_writer_create(path, &writer))
      _exit(1);
   for (uint32_t i = 0;; i++) {
      struct record_call call;

      record_call_init(&call, writer, RECORD_ON_FILE, 1, i, block);
      record_call_copy(&call, false, block, block, sizeof(block));
      if (i == 100 && write(started, "", 1) != 1)
         _exit(1);
      record_call_end(&call, 0);
   }
}

static void
test_killed(void **state)
{
   for (int round = 0; round < 20; round++) {
      struct record_stream stream;
      int started[2];
      char byte;

      assert_int_equal(pipe(started), 0);
      pid_t child = fork();
      if (child == 0)
         write_for_ever(started[1]);
      assert_int_equal(read(started[0], &byte, 1), 1);
      usleep((useconds_t)(next_random() % 5000));
      kill(child, SIGKILL);
      waitpid(child, NULL, 0);
      close(started[0]);
      close(started[1]);

      read_back(&stream);
      assert_int_equal(stream.damaged_at, 0);
      assert_true(stream.count >= 100);
      for (size_t i = 0; i < stream.count; i++) {
         assert_int_equal(stream.events[i].ioctl.request, i);
         assert_true(stream.events[i].ioctl.ended || i + 1 == stream.count);
      }
      record_stream_free(&stream);
   }
}

/* The call that a process went down in is there, with what went in. */
static void
test_call_in_flight(void **state)
{
   struct record_writer *writer = create();
   unsigned char block[] = {1, 2, 3, 4};
   struct record_stream stream;
   struct record_call call;

   record_call_init(&call, writer, RECORD_ON_FILE, 1, 42, block);
   record_call_copy(&call, false, block, block, sizeof(block));
   /* Nothing is finished: the file is as a killed process leaves it. */
   read_back(&stream);
   assert_int_equal(stream.count, 1);
   assert_false(stream.events[0].ioctl.ended);
   assert_int_equal(stream.events[0].ioctl.request, 42);
   assert_memory_equal(stream.events[0].ioctl.copies[0].bytes, block, sizeof(block));
   record_stream_free(&stream);
   finish(writer);
}

static void
test_disk_full(void **state)
{
   const struct rlimit limit = {3 << 20, RLIM_INFINITY};
   struct rlimit before;
   unsigned char block[50000];
   struct record_writer *writer = create();
   struct record_stream stream;

   for (size_t i = 0; i < sizeof(block); i++)
      block[i] = (unsigned char)next_random();
   assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
   assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
   unsigned written = 0;
   for (; !record_writer_error(writer); written++)
      write_ioctl(writer, written, sizeof(block), block, 0);
   assert_int_equal(record_writer_error(writer), -EFBIG);
   /* It goes on to do nothing. */
   write_ioctl(writer, written, sizeof(block), block, 0);
   assert_int_equal(record_writer_finish(writer), 0);
   record_writer_destroy(writer);
   assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

   read_back(&stream);
   assert_int_equal(stream.damaged_at, 0);
   assert_true(stream.count >= written - 2 && stream.count >= 30);
   for (size_t i = 0; i + 1 < stream.count; i++)
      check_ioctl(&stream.events[i], (uint32_t)i, sizeof(block), block, 0);
   record_stream_free(&stream);
}

static void
test_two_writers(void **state)
{
   struct record_writer *writer = create(), *other;

   assert_int_equal(record_writer_create(path, &other), -EBUSY);
   finish(writer);
   assert_int_equal(record_writer_create(path, &other), 0);
   finish(other);
   assert_int_equal(record_writer_create("/nonexistent/file", &other), -ENOENT);
}

/* After the end, calls of threads that still run do nothing. */
static void
test_late_calls(void **state)
{
   struct record_writer *writer = create();
   unsigned char block[8] = {0};
   struct record_stream stream;

   assert_int_equal(record_writer_finish(writer), 0);
   write_ioctl(writer, 1, sizeof(block), block, 0);
   assert_int_equal(record_writer_error(writer), -ESHUTDOWN);
   record_writer_destroy(writer);
   read_back(&stream);
   assert_int_equal(stream.count, 0);
   record_stream_free(&stream);
}

/* --------------------------------------------------------------- damage -- */

static uint8_t *
load(size_t *size_B_out)
{
   FILE *file = fopen(path, "rb");
   struct stat st;

   assert_non_null(file);
   assert_int_equal(fstat(fileno(file), &st), 0);
   uint8_t *bytes = malloc((size_t)st.st_size);
   assert_non_null(bytes);
   assert_int_equal(fread(bytes, 1, (size_t)st.st_size, file), st.st_size);
   fclose(file);
   *size_B_out = (size_t)st.st_size;
   return bytes;
}

static void
write_sample(void)
{
   const uint64_t number = 4;
   unsigned char block[100] = {1, 2, 3};
   const struct record_range range = {0, 4096, 1 << 8, 0};
   struct record_writer *writer = create();

   record_numbers(writer, RECORD_BOOT, &number, 1);
   for (uint32_t i = 0; i < 6; i++)
      write_ioctl(writer, i, sizeof(block), block, 0);
   record_mmap(writer, RECORD_ON_FILE, 9, 0, 8192, 3, 1, 4096, block, 0);
   record_munmap(writer, block, 4096, 0);
   record_vm(writer, 4, 2, false, &range, 1);
   finish(writer);
}

/* Cut anywhere: what came before is there, and nothing else. */
static void
test_truncated(void **state)
{
   struct record_stream whole, cut;
   size_t size_B;

   write_sample();
   uint8_t *bytes = load(&size_B);
   assert_int_equal(record_stream_parse(bytes, size_B, &whole), 0);
   for (size_t length_B = 0; length_B < size_B; length_B++) {
      int ret = record_stream_parse(bytes, length_B, &cut);

      if (length_B < sizeof(struct record_header)) {
         assert_int_equal(ret, -ENOMSG);
         continue;
      }
      assert_int_equal(ret, 0);
      assert_true(cut.count <= whole.count);
      for (size_t i = 0; i < cut.count; i++)
         assert_true(cut.events[i].kind == whole.events[i].kind ||
                     i + 1 == cut.count);
      record_stream_free(&cut);
   }
   record_stream_free(&whole);
   free(bytes);
}

/* Whether the byte fills up a fragment. */
static bool
is_padding(const uint8_t *bytes, size_t size_B, size_t at)
{
   size_t fragment = sizeof(struct record_header);
   uint32_t head;

   while (fragment + 8 <= size_B) {
      memcpy(&head, bytes + fragment, 4);
      size_t end = fragment + 8 + (head >> 8), next = (end + 3) & ~(size_t)3;

      if (at >= end && at < next)
         return true;
      fragment = next;
   }
   return false;
}

/* Each bit of the file: never a crash, and damage to a fragment is seen. */
static void
test_damaged(void **state)
{
   size_t size_B;

   write_sample();
   uint8_t *bytes = load(&size_B);
   for (size_t bit = 0; bit < 8 * size_B; bit++) {
      struct record_stream stream;
      size_t at = bit / 8;
      bool unseen = at < sizeof(struct record_header) || is_padding(bytes, size_B, at);

      bytes[at] ^= (uint8_t)(1 << bit % 8);
      int ret = record_stream_parse(bytes, size_B, &stream);
      if (at < 16)
         assert_int_equal(ret, -ENOMSG);
      else if (at < 20)
         assert_int_equal(ret, -EPROTO);
      else
         assert_int_equal(ret, 0);
      if (!ret) {
         assert_true(unseen == !stream.damaged_at);
         assert_true(stream.damaged_at <= at);
         record_stream_free(&stream);
      }
      bytes[at] ^= (uint8_t)(1 << bit % 8);
   }
   free(bytes);
}

/* Nonsense whose check is right: the parser's own checks. */
static void
test_nonsense(void **state)
{
   uint8_t bytes[512];
   struct record_header header = {.version = RECORD_VERSION};

   memcpy(header.magic, RECORD_MAGIC, sizeof(header.magic));
   for (int round = 0; round < 200000; round++) {
      size_t length_B = next_random() % 64;
      struct record_stream stream;

      memset(bytes, 0, sizeof(bytes));
      memcpy(bytes, &header, sizeof(header));
      size_t at = sizeof(header);
      for (int fragment = 0; fragment < 4; fragment++) {
         uint32_t kind = 1 + (uint32_t)(next_random() % 11);
         uint32_t head = kind | (uint32_t)length_B << 8;

         for (size_t i = 0; i < length_B; i++)
            bytes[at + 8 + i] = (uint8_t)(next_random() % (i < 3 ? 6 : 256));
         uint32_t check = record_check(head, bytes + at + 8, length_B);
         memcpy(bytes + at, &head, 4);
         memcpy(bytes + at + 4, &check, 4);
         at += (8 + length_B + 3) & ~(size_t)3;
      }
      assert_int_equal(record_stream_parse(bytes, sizeof(bytes), &stream), 0);
      record_stream_free(&stream);
   }
}

static void
test_foreign_files(void **state)
{
   struct record_stream stream;
   FILE *file = fopen(path, "w");

   assert_non_null(file);
   fclose(file);
   assert_int_equal(record_stream_read(path, &stream), -ENOMSG);
   file = fopen(path, "w");
   assert_non_null(file);
   for (int i = 0; i < 1000; i++)
      fputs("This is no recording.\n", file);
   fclose(file);
   assert_int_equal(record_stream_read(path, &stream), -ENOMSG);
   assert_int_equal(record_stream_read("/", &stream), -ENOMSG);
   assert_int_equal(record_stream_read("/nonexistent", &stream), -ENOENT);

   finish(create());
   int fd = open(path, O_WRONLY);
   const uint32_t version = RECORD_VERSION + 1;
   assert_int_equal(pwrite(fd, &version, 4, 16), 4);
   close(fd);
   assert_int_equal(record_stream_read(path, &stream), -EPROTO);
   assert_int_equal(stream.header.version, RECORD_VERSION + 1);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_binds_are_small),
      cmocka_unit_test(test_check_sees_every_bit),
      cmocka_unit_test(test_every_kind),
      cmocka_unit_test(test_much),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_killed),
      cmocka_unit_test(test_call_in_flight),
      cmocka_unit_test(test_disk_full),
      cmocka_unit_test(test_two_writers),
      cmocka_unit_test(test_late_calls),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_damaged),
      cmocka_unit_test(test_nonsense),
      cmocka_unit_test(test_foreign_files),
   };

   return cmocka_run_group_tests(tests, setup, teardown);
}
