/* SPDX-License-Identifier: MIT */
/* The trace file, and each thread's buffer. See panvk_tracer.h. */
#include "panvk_tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/host_path.h"

#define FORMAT_VERSION 1
#define BUFFER_B (64u << 10)
#define LINE_MAX_B 4096u
#define NS_PER_US 1000u

struct buffer {
   struct buffer *next; /* guarded by the list's lock */
   pthread_mutex_t lock; /* guards what follows */
   size_t used;
   pid_t tid;
   char text[BUFFER_B];
};

static struct tracer {
   pthread_once_t once;
   _Atomic int fd; /* -1: nothing is written (any more) */
   pid_t pid;
   uint64_t start_ns;
   pthread_key_t key; /* a thread's buffer, for its end */
   pthread_mutex_t list_lock;
   struct buffer *buffers; /* guarded by list_lock */
} tracer = {
   .once = PTHREAD_ONCE_INIT,
   .fd = -1,
   .list_lock = PTHREAD_MUTEX_INITIALIZER,
};

static _Thread_local struct buffer *my_buffer;

uint64_t
panvk_tracer_now(void)
{
   struct timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---------------------------------------------------------------- output -- */

/* Whole lines; where the file takes no more, the trace ends. */
static void
write_out(const char *text, size_t size)
{
   int fd = atomic_load(&tracer.fd);
   while (fd >= 0 && size != 0) {
      ssize_t written = write(fd, text, size);
      if (written < 0 && errno == EINTR)
         continue;
      if (written < 0) {
         if (atomic_exchange(&tracer.fd, -1) >= 0)
            fprintf(stderr, "pansparse: warning: the trace ends here: %s\n",
                    strerror(errno));
         return;
      }
      text += written;
      size -= (size_t)written;
   }
}

/* The buffer's lock is held. */
static void
flush_buffer(struct buffer *buffer)
{
   write_out(buffer->text, buffer->used);
   buffer->used = 0;
}

void
panvk_tracer_flush(void)
{
   struct buffer *buffer = my_buffer;
   if (buffer == NULL)
      return;
   pthread_mutex_lock(&buffer->lock);
   flush_buffer(buffer);
   pthread_mutex_unlock(&buffer->lock);
}

void
panvk_tracer_flush_all(void)
{
   pthread_mutex_lock(&tracer.list_lock);
   for (struct buffer *b = tracer.buffers; b != NULL; b = b->next) {
      pthread_mutex_lock(&b->lock);
      flush_buffer(b);
      pthread_mutex_unlock(&b->lock);
   }
   pthread_mutex_unlock(&tracer.list_lock);
}

/* --------------------------------------------------------------- buffers -- */

/* A thread ends. */
static void
release_buffer(void *data)
{
   struct buffer *buffer = data;
   struct buffer **link = &tracer.buffers;

   pthread_mutex_lock(&tracer.list_lock);
   while (*link != buffer)
      link = &(*link)->next;
   *link = buffer->next;
   pthread_mutex_unlock(&tracer.list_lock);
   flush_buffer(buffer);
   pthread_mutex_destroy(&buffer->lock);
   free(buffer);
   my_buffer = NULL;
}

static void
append(struct buffer *buffer, const char *line, size_t size)
{
   pthread_mutex_lock(&buffer->lock);
   if (size > BUFFER_B - buffer->used)
      flush_buffer(buffer);
   memcpy(buffer->text + buffer->used, line, size);
   buffer->used += size;
   pthread_mutex_unlock(&buffer->lock);
}

/* Tells the viewer what the thread is called. */
static void
name_thread(struct buffer *buffer)
{
   char name[16] = "", escaped[PANVK_TRACE_TEXT_MAX], line[512];
   prctl(PR_GET_NAME, name);
   int size =
      snprintf(line, sizeof(line),
               "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"thread_name\","
               "\"args\":{\"name\":\"%s\"}},\n",
               (int)tracer.pid, (int)buffer->tid,
               panvk_trace_escape(name, escaped));
   append(buffer, line, (size_t)size);
}

/* NULL: no memory, and the event is lost. */
static struct buffer *
get_buffer(void)
{
   if (my_buffer != NULL)
      return my_buffer;
   struct buffer *buffer = malloc(sizeof(*buffer));
   if (buffer == NULL)
      return NULL;
   pthread_mutex_init(&buffer->lock, NULL);
   buffer->used = 0;
   buffer->tid = (pid_t)syscall(SYS_gettid);
   if (pthread_setspecific(tracer.key, buffer) != 0) {
      pthread_mutex_destroy(&buffer->lock);
      free(buffer);
      return NULL;
   }
   my_buffer = buffer;
   pthread_mutex_lock(&tracer.list_lock);
   buffer->next = tracer.buffers;
   tracer.buffers = buffer;
   pthread_mutex_unlock(&tracer.list_lock);
   name_thread(buffer);
   return buffer;
}

/* ---------------------------------------------------------------- events -- */

/* Length of the UTF-8 sequence at @s, or 0 where it is none. */
static size_t
utf8_length(const unsigned char *s)
{
   size_t length = s[0] < 0x80                   ? 1
                   : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                   : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                   : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                 : 0;
   for (size_t i = 1; i < length; i++)
      if ((s[i] & 0xc0) != 0x80)
         return 0;
   return length;
}

const char *
panvk_trace_escape(const char *text, char out[static PANVK_TRACE_TEXT_MAX])
{
   const unsigned char *s = (const unsigned char *)text;
   size_t used = 0;
   /* The longest thing that is put here is \u001f, with the end behind it. */
   while (*s != '\0' && used + 7 <= PANVK_TRACE_TEXT_MAX) {
      size_t length = utf8_length(s);
      if (length == 0) {
         out[used++] = '?';
         s++;
      } else if (*s == '"' || *s == '\\') {
         out[used++] = '\\';
         out[used++] = (char)*s++;
      } else if (*s < 0x20) {
         used += (size_t)snprintf(out + used, 7, "\\u%04x", *s++);
      } else {
         memcpy(out + used, s, length);
         used += length;
         s += length;
      }
   }
   out[used] = '\0';
   return out;
}

/* All that precedes the args; returns its length. */
static int
format_head(char *line, size_t size, enum panvk_trace_phase phase,
            uint64_t begin_ns, pid_t tid, const char *category,
            const char *name)
{
   char escaped[PANVK_TRACE_TEXT_MAX], extra[64] = "";
   uint64_t ts = begin_ns - tracer.start_ns;

   if (phase == PANVK_TRACE_SLICE) {
      uint64_t dur = panvk_tracer_now() - begin_ns;
      snprintf(extra, sizeof(extra), "\"dur\":%" PRIu64 ".%03u,",
               dur / NS_PER_US, (unsigned)(dur % NS_PER_US));
   } else if (phase == PANVK_TRACE_INSTANT) {
      snprintf(extra, sizeof(extra), "\"s\":\"t\",");
   }
   return snprintf(line, size,
                   "{\"ph\":\"%c\",\"ts\":%" PRIu64 ".%03u,%s\"pid\":%d,"
                   "\"tid\":%d,\"cat\":\"%s\",\"name\":\"%s\",\"args\":{",
                   (char)phase, ts / NS_PER_US, (unsigned)(ts % NS_PER_US),
                   extra, (int)tracer.pid, (int)tid, category,
                   panvk_trace_escape(name, escaped));
}

void
panvk_trace_event(enum panvk_trace_phase phase, uint64_t begin_ns,
                  const char *category, const char *name, const char *args, ...)
{
   static const char end[] = "}},\n";
   char line[LINE_MAX_B];

   if (atomic_load_explicit(&tracer.fd, memory_order_relaxed) < 0)
      return;
   struct buffer *buffer = get_buffer();
   if (buffer == NULL)
      return;
   size_t room = sizeof(line) - sizeof(end);
   size_t used = (size_t)format_head(line, room, phase, begin_ns, buffer->tid,
                                     category, name);
   va_list list;
   va_start(list, args);
   int length = vsnprintf(line + used, room - used, args, list);
   va_end(list);
   /* Half an object would spoil the file; an empty one is only a loss. */
   if (length > 0 && (size_t)length < room - used)
      used += (size_t)length;
   memcpy(line + used, end, sizeof(end));
   append(buffer, line, used + sizeof(end) - 1);
}

/* ------------------------------------------------------- begin and end -- */

/* The first event says whose trace this is, of what shape, and when. */
static void
write_header(void)
{
   char program[PANVK_TRACE_TEXT_MAX], line[1024];
   struct timespec now;
   clock_gettime(CLOCK_REALTIME, &now);
   int size = snprintf(
      line, sizeof(line),
      "[\n{\"ph\":\"i\",\"ts\":0.000,\"s\":\"p\",\"pid\":%d,\"tid\":%d,"
      "\"cat\":\"trace\",\"name\":\"pansparse trace\",\"args\":{\"version\":%d,"
      "\"driver\":\"%s\",\"program\":\"%s\",\"clock\":\"CLOCK_MONOTONIC\","
      "\"start_ns\":%" PRIu64 ",\"start_realtime_s\":%" PRIu64 "}},\n"
      "{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"process_name\","
      "\"args\":{\"name\":\"%s\"}},\n",
      (int)tracer.pid, (int)tracer.pid, FORMAT_VERSION, PANSPARSE_VERSION,
      panvk_trace_escape(program_invocation_short_name, program),
      tracer.start_ns, (uint64_t)now.tv_sec, (int)tracer.pid, (int)tracer.pid,
      program);
   write_out(line, (size_t)size);
}

/* The parent goes on writing; what it has buffered is not the child's. */
static void
stop_in_child(void)
{
   atomic_store(&tracer.fd, -1);
}

static void
open_trace(void)
{
   const char *pattern = secure_getenv("PANSPARSE_TRACE");
   char path[4096];

   if (pattern == NULL || pattern[0] == '\0')
      return;
   if (!host_path_expand(pattern, path, sizeof(path)) ||
       pthread_key_create(&tracer.key, release_buffer) != 0) {
      fprintf(stderr, "pansparse: warning: cannot write PANSPARSE_TRACE=%s\n",
              pattern);
      return;
   }
   int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                 0666);
   if (fd < 0) {
      fprintf(stderr, "pansparse: warning: cannot write PANSPARSE_TRACE=%s: "
                      "%s\n",
              path, strerror(errno));
      return;
   }
   tracer.pid = getpid();
   tracer.start_ns = panvk_tracer_now();
   atomic_store(&tracer.fd, fd);
   pthread_atfork(NULL, NULL, stop_in_child);
   write_header();
}

bool
panvk_tracer_on(void)
{
   pthread_once(&tracer.once, open_trace);
   return atomic_load_explicit(&tracer.fd, memory_order_relaxed) >= 0;
}

/*
 * The process ends: the array does too. Threads of the engine may still run;
 * what they write from now on is lost.
 */
__attribute__((destructor)) static void
close_trace(void)
{
   char line[256];

   panvk_tracer_flush_all();
   int fd = atomic_exchange(&tracer.fd, -1);
   if (fd < 0)
      return;
   /* Whoever writes holds a lock; after this nobody does. */
   panvk_tracer_flush_all();
   uint64_t ts = panvk_tracer_now() - tracer.start_ns;
   int size = snprintf(line, sizeof(line),
                       "{\"ph\":\"i\",\"ts\":%" PRIu64 ".%03u,\"s\":\"p\","
                       "\"pid\":%d,\"tid\":%d,\"cat\":\"trace\","
                       "\"name\":\"end\",\"args\":{}}\n]\n",
                       ts / NS_PER_US, (unsigned)(ts % NS_PER_US),
                       (int)tracer.pid, (int)tracer.pid);
   if (write(fd, line, (size_t)size) != size)
      fprintf(stderr, "pansparse: warning: the trace has no end: %s\n",
              strerror(errno));
   close(fd);
}
