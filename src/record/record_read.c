/* SPDX-License-Identifier: MIT */
#include "record_read.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record_pack.h"

#define THREADS_MAX (1u << 20)

/* --------------------------------------------------------------- memory -- */

/* Everything of a stream is freed together. */
struct record_memory {
   struct record_memory *next;
   _Alignas(16) unsigned char bytes[];
};

static void *
stream_alloc(struct record_stream *stream, size_t size_B)
{
   struct record_memory *memory = malloc(sizeof(*memory) + size_B);

   if (!memory)
      return NULL;
   memory->next = stream->memory;
   stream->memory = memory;
   return memory->bytes;
}

/* An array that grows; its items move. False: no memory. */
static bool
array_add(void *items_ptr, size_t count, size_t item_B)
{
   void **items = items_ptr;

   /* Room for powers of two. */
   if (count & (count - 1) && count)
      return true;
   void *grown = realloc(*items, (count ? 2 * count : 1) * item_B);
   if (!grown)
      return false;
   *items = grown;
   return true;
}

/* --------------------------------------------------------------- parser -- */

/* An ioctl that a thread is in. */
struct pending {
   bool active;
   struct record_ioctl ioctl;
   uint64_t begin_at;
   uint64_t last_addr;
   size_t arg_size_B;
   uint8_t arg_bytes[RECORD_ARG_MAX_B];
};

struct parser {
   struct record_stream *stream;
   struct record_cursor cursor;
   uint64_t at; /* of the fragment, in the file */
   struct pending **threads; /* by number; NULL: not seen */
   size_t thread_count;
   uint64_t time_ns;
   /* Of a RECORD_VM that goes on in the next fragment. */
   struct record_translations vm;
   bool vm_goes_on;
   int error; /* -ENOMEM, or 0 */
};

static bool
no_memory(struct parser *parser)
{
   parser->error = -ENOMEM;
   return false;
}

static struct record_event *
add_event(struct parser *parser, enum record_kind kind)
{
   struct record_stream *stream = parser->stream;

   if (!array_add(&stream->events, stream->count, sizeof(*stream->events))) {
      no_memory(parser);
      return NULL;
   }
   struct record_event *event = &stream->events[stream->count++];
   memset(event, 0, sizeof(*event));
   event->kind = kind;
   event->begin_at = event->end_at = parser->at;
   return event;
}

static bool
get_numbers(struct parser *parser, uint64_t *numbers, size_t count)
{
   for (size_t i = 0; i < count; i++) {
      if (!record_get_number(&parser->cursor, &numbers[i]))
         return false;
   }
   return true;
}

/* A list of numbers, of which later writers may add some. */
static bool
get_list(struct parser *parser, uint64_t numbers[RECORD_NUMBERS_MAX],
         size_t *count_out)
{
   uint64_t count;

   memset(numbers, 0, RECORD_NUMBERS_MAX * sizeof(*numbers));
   *count_out = 0;
   if (!record_get_number(&parser->cursor, &count) || count > RECORD_NUMBERS_MAX)
      return false;
   *count_out = (size_t)count;
   return get_numbers(parser, numbers, (size_t)count);
}

static bool
parse_list(struct parser *parser, enum record_kind kind)
{
   struct record_event *event = add_event(parser, kind);
   size_t count;

   return event && get_list(parser, event->numbers, &count);
}

static bool
parse_mmap(struct parser *parser)
{
   uint64_t n[RECORD_NUMBERS_MAX];
   size_t count;

   if (!get_list(parser, n, &count) || count < 9 || n[0] > RECORD_ON_FD)
      return false;
   struct record_event *event = add_event(parser, RECORD_MMAP);
   if (!event)
      return false;
   event->map = (struct record_map){
      .target = (enum record_target)n[0], .id = (int64_t)n[1], .inode = n[2],
      .size_B = n[3], .prot = (int)n[4], .flags = (int)n[5], .offset = n[6],
      .addr = n[7], .ret = -(int)n[8],
   };
   return true;
}

static bool
parse_munmap(struct parser *parser)
{
   uint64_t n[RECORD_NUMBERS_MAX];
   size_t count;

   if (!get_list(parser, n, &count) || count < 3)
      return false;
   struct record_event *event = add_event(parser, RECORD_MUNMAP);
   if (!event)
      return false;
   event->unmap =
      (struct record_unmap){.addr = n[0], .size_B = n[1], .ret = -(int)n[2]};
   return true;
}

/* Several fragments make one event. */
static bool
parse_vm(struct parser *parser)
{
   struct record_translations *vm = &parser->vm;
   uint64_t n[5]; /* file, VM, busy, ranges here, whether they are the last */

   if (!get_numbers(parser, n, 5) || n[3] > RECORD_RANGES_MAX)
      return false;
   if (!parser->vm_goes_on)
      *vm = (struct record_translations){
         .file = (uint32_t)n[0], .vm_id = (uint32_t)n[1], .busy = n[2]};
   parser->vm_goes_on = !n[4];

   struct record_range *ranges =
      stream_alloc(parser->stream, (vm->count + n[3]) * sizeof(*ranges));
   if (!ranges)
      return no_memory(parser);
   if (vm->count)
      memcpy(ranges, vm->ranges, vm->count * sizeof(*ranges));
   if (!record_get_block(&parser->cursor, ranges + vm->count,
                         n[3] * sizeof(*ranges), NULL, sizeof(*ranges)))
      return false;
   vm->ranges = ranges;
   vm->count += n[3];
   if (parser->vm_goes_on)
      return true;
   struct record_event *event = add_event(parser, RECORD_VM);
   if (event)
      event->vm = *vm;
   return event;
}

static bool
parse_memory(struct parser *parser)
{
   uint64_t n[5]; /* group, queue, job, address, size */

   if (!get_numbers(parser, n, 5) || n[1] > UINT32_MAX || n[4] > RECORD_PIECE_MAX_B)
      return false;
   uint8_t *bytes = stream_alloc(parser->stream, n[4]);
   if (!bytes)
      return no_memory(parser);
   if (!record_get_block(&parser->cursor, bytes, n[4], NULL, 0))
      return false;
   struct record_event *event = add_event(parser, RECORD_MEMORY);
   if (!event)
      return false;
   event->memory = (struct record_memory_run){
      .group = n[0], .queue = (uint32_t)n[1], .job = n[2], .va = n[3],
      .size_B = n[4], .bytes = bytes};
   return true;
}

/* ---------------------------------------------------------------- calls -- */

/* Reads the thread's number: its state, or NULL. */
static struct pending *
get_thread(struct parser *parser)
{
   uint64_t thread;

   if (!record_get_number(&parser->cursor, &thread) || thread >= THREADS_MAX)
      return NULL;
   if (thread >= parser->thread_count) {
      size_t count = 2 * ((size_t)thread + 1);
      struct pending **threads =
         realloc(parser->threads, count * sizeof(struct pending *));

      if (!threads) {
         no_memory(parser);
         return NULL;
      }
      for (size_t i = parser->thread_count; i < count; i++)
         threads[i] = NULL;
      parser->threads = threads;
      parser->thread_count = count;
   }
   if (!parser->threads[thread]) {
      parser->threads[thread] = calloc(1, sizeof(struct pending));
      if (!parser->threads[thread])
         no_memory(parser);
      else
         parser->threads[thread]->ioctl.thread = (uint32_t)thread;
   }
   return parser->threads[thread];
}

static bool
parse_begin(struct parser *parser, struct pending *pending)
{
   uint64_t target, request, delta_ns;
   int64_t id;

   if (pending->active || !record_get_number(&parser->cursor, &target) ||
       target > RECORD_ON_FD ||
       !record_get_signed(&parser->cursor, &id) ||
       !record_get_number(&parser->cursor, &request) || request > UINT32_MAX ||
       !record_get_number(&parser->cursor, &delta_ns) ||
       !record_get_number(&parser->cursor, &pending->ioctl.arg))
      return false;
   parser->time_ns += delta_ns;
   pending->ioctl.target = (enum record_target)target;
   pending->ioctl.id = id;
   pending->ioctl.request = (uint32_t)request;
   pending->ioctl.time_ns = parser->time_ns;
   pending->last_addr = pending->ioctl.arg;
   pending->begin_at = parser->at;
   pending->active = true;
   return true;
}

/* What resembles the bytes, or NULL. */
static const void *
predict(struct pending *pending, const struct record_copy *copy)
{
   bool is_arg =
      copy->addr == pending->ioctl.arg && copy->size_B <= RECORD_ARG_MAX_B;

   return is_arg && copy->out && copy->size_B == pending->arg_size_B
             ? pending->arg_bytes
             : NULL;
}

static bool
parse_copy(struct parser *parser, struct pending *pending, bool out)
{
   struct record_copy copy = {.out = out};
   uint64_t size_B;
   int64_t delta;

   if (!pending->active || !record_get_signed(&parser->cursor, &delta) ||
       !record_get_number(&parser->cursor, &size_B) ||
       size_B > RECORD_PIECE_MAX_B)
      return false;
   uint8_t *bytes = stream_alloc(parser->stream, size_B);
   if (!bytes)
      return no_memory(parser);
   copy.addr = pending->last_addr + (uint64_t)delta;
   copy.size_B = size_B;
   copy.bytes = bytes;
   if (!record_get_block(&parser->cursor, bytes, size_B, predict(pending, &copy),
                         record_stride_B(size_B)))
      return false;
   pending->last_addr = copy.addr;
   if (!out && copy.addr == pending->ioctl.arg && size_B <= RECORD_ARG_MAX_B) {
      memcpy(pending->arg_bytes, bytes, size_B);
      pending->arg_size_B = size_B;
   }
   if (!array_add(&pending->ioctl.copies, pending->ioctl.copy_count, sizeof(copy)))
      return no_memory(parser);
   pending->ioctl.copies[pending->ioctl.copy_count++] = copy;
   return true;
}

static bool
parse_fd(struct parser *parser, struct pending *pending)
{
   struct record_fd fd;
   int64_t number;

   if (!pending->active || !record_get_signed(&parser->cursor, &number) ||
       !record_get_number(&parser->cursor, &fd.inode) ||
       !record_get_number(&parser->cursor, &fd.size_B))
      return false;
   fd.fd = (int32_t)number;
   if (!array_add(&pending->ioctl.fds, pending->ioctl.fd_count, sizeof(fd)))
      return no_memory(parser);
   pending->ioctl.fds[pending->ioctl.fd_count++] = fd;
   return true;
}

static bool
parse_group(struct parser *parser, struct pending *pending)
{
   return pending->active &&
          record_get_number(&parser->cursor, &pending->ioctl.group);
}

/* The ioctl becomes an event; its arrays go with it. */
static bool
finish(struct parser *parser, struct pending *pending)
{
   struct record_event *event = add_event(parser, RECORD_IOCTL);

   if (!event)
      return false;
   event->ioctl = pending->ioctl;
   event->begin_at = pending->begin_at;
   *pending = (struct pending){.ioctl.thread = event->ioctl.thread};
   return true;
}

static bool
parse_end(struct parser *parser, struct pending *pending)
{
   int64_t ret;

   if (!pending->active || !record_get_signed(&parser->cursor, &ret) || ret > INT32_MAX ||
       ret < -4095)
      return false;
   pending->ioctl.ret = (int)ret;
   pending->ioctl.ended = true;
   return finish(parser, pending);
}

static bool
parse_part(struct parser *parser, struct pending *pending)
{
   switch (*parser->cursor.at++) {
   case RECORD_BEGIN:
      return parse_begin(parser, pending);
   case RECORD_COPY_IN:
      return parse_copy(parser, pending, false);
   case RECORD_COPY_OUT:
      return parse_copy(parser, pending, true);
   case RECORD_FD:
      return parse_fd(parser, pending);
   case RECORD_END:
      return parse_end(parser, pending);
   case RECORD_GROUP:
      return parse_group(parser, pending);
   default:
      return false;
   }
}

static bool
parse_ioctl(struct parser *parser)
{
   struct pending *pending = get_thread(parser);
   bool good = pending;

   while (good && parser->cursor.at < parser->cursor.end)
      good = parse_part(parser, pending);
   return good;
}

static bool
parse_payload(struct parser *parser, uint32_t kind)
{
   switch (kind) {
   case RECORD_BOOT:
   case RECORD_SHUTDOWN:
   case RECORD_STATS:
   case RECORD_OPEN:
   case RECORD_CLOSE:
      return parse_list(parser, kind);
   case RECORD_IOCTL:
      return parse_ioctl(parser);
   case RECORD_MMAP:
      return parse_mmap(parser);
   case RECORD_MUNMAP:
      return parse_munmap(parser);
   case RECORD_VM:
      return parse_vm(parser);
   case RECORD_MEMORY:
      return parse_memory(parser);
   default:
      return false;
   }
}

/* ---------------------------------------------------------------- stream -- */

static uint32_t
word_at(const uint8_t *at)
{
   uint32_t word;

   memcpy(&word, at, sizeof(word));
   return le32toh(word);
}

static void
parse_fragments(struct parser *parser, const uint8_t *bytes, size_t size_B)
{
   size_t at = sizeof(struct record_header);

   while (size_B - at >= 8 && word_at(bytes + at)) {
      uint32_t head = word_at(bytes + at);
      const uint8_t *payload = bytes + at + 8;
      size_t length_B = head >> 8;

      parser->at = at;
      parser->cursor =
         (struct record_cursor){payload, payload + length_B};
      if (length_B > size_B - at - 8 ||
          record_check(head, payload, length_B) != word_at(bytes + at + 4) ||
          !parse_payload(parser, head & 0xff) ||
          parser->cursor.at != parser->cursor.end) {
         parser->stream->damaged_at = at;
         return;
      }
      size_t next = at + ((8 + length_B + 3) & ~(size_t)3);
      at = next < size_B ? next : size_B;
   }
}

/* What threads were in when the process went down comes last. */
static void
finish_all(struct parser *parser)
{
   for (size_t i = 0; i < parser->thread_count; i++) {
      struct pending *pending = parser->threads[i];

      if (!pending)
         continue;
      if (!pending->active || parser->error || !finish(parser, pending)) {
         free(pending->ioctl.copies);
         free(pending->ioctl.fds);
      }
      free(pending);
   }
   free(parser->threads);
}

int
record_stream_parse(const uint8_t *bytes, size_t size_B,
                    struct record_stream *stream_out)
{
   struct record_header *header = &stream_out->header;
   struct parser parser = {.stream = stream_out};

   memset(stream_out, 0, sizeof(*stream_out));
   if (size_B < sizeof(*header) ||
       memcmp(bytes, RECORD_MAGIC, sizeof(header->magic)))
      return -ENOMSG;
   memcpy(header, bytes, sizeof(*header));
   header->version = le32toh(header->version);
   header->pid = le32toh(header->pid);
   header->begin_s = le64toh(header->begin_s);
   header->program[sizeof(header->program) - 1] = '\0';
   if (header->version != RECORD_VERSION)
      return -EPROTO;

   parse_fragments(&parser, bytes, size_B);
   finish_all(&parser);
   if (parser.error)
      record_stream_free(stream_out);
   return parser.error;
}

int
record_stream_read(const char *path, struct record_stream *stream_out)
{
   int fd = open(path, O_RDONLY | O_CLOEXEC);
   struct stat st;

   if (fd < 0)
      return -errno;
   void *bytes = MAP_FAILED;
   int ret = fstat(fd, &st) ? -errno : 0;
   if (!ret && (!S_ISREG(st.st_mode) || !st.st_size))
      ret = -ENOMSG;
   if (!ret) {
      bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
      ret = bytes == MAP_FAILED ? -errno : 0;
   }
   close(fd);
   if (ret)
      return ret;
   ret = record_stream_parse(bytes, (size_t)st.st_size, stream_out);
   munmap(bytes, (size_t)st.st_size);
   return ret;
}

void
record_stream_free(struct record_stream *stream)
{
   for (size_t i = 0; i < stream->count; i++) {
      if (stream->events[i].kind != RECORD_IOCTL)
         continue;
      free(stream->events[i].ioctl.copies);
      free(stream->events[i].ioctl.fds);
   }
   free(stream->events);
   while (stream->memory) {
      struct record_memory *next = stream->memory->next;

      free(stream->memory);
      stream->memory = next;
   }
   memset(stream, 0, sizeof(*stream));
}
