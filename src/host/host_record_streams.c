/* SPDX-License-Identifier: MIT */
/*
 * What command streams find in memory, for recordings: the instructions that a job
 * executes and the words that it loads, where the program, and not the GPU, has put
 * them. What a stream stored itself, it will store again in a replay.
 *
 * streams_lock guards what does not say otherwise. It comes before the writer's lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "host_private.h"

#define QUEUES_MAX 32
#define RUN_MAX_B 1024

/* A queue, as the GPU names it, and as recordings do. */
struct stream {
   uint64_t root, ring_va;
   uint64_t group; /* numbered from 1 */
   uint32_t queue;
   uint32_t job_B; /* of the ring, for a job */
};

/* A word that a replay has, too. */
struct word {
   uint64_t root, va;
   uint64_t epoch; /* 0: there is none */
   uint32_t value;
};

static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;
static struct record_writer *writer;
static struct stream *streams;
static size_t stream_count;
static uint64_t group_count;
static struct word *words; /* open addressing; a power of two of places */
static size_t word_places, word_count;
/* What addresses mean changes it; without the lock. */
static atomic_uint_fast64_t epoch = 1;

/* Words that follow each other, not written yet. */
static struct {
   uint64_t group, job, va;
   uint32_t queue, size_B;
   unsigned char bytes[RUN_MAX_B];
} run;

/* ------------------------------------------------------------------ runs -- */

/* With the lock held. */
static void
flush(void)
{
   if (run.size_B)
      record_memory(writer, run.group, run.queue, run.job, run.va, run.bytes,
                    run.size_B);
   run.size_B = 0;
}

static void
add_to_run(const struct stream *stream, uint64_t job, uint64_t va, uint32_t value)
{
   if (run.size_B &&
       (run.group != stream->group || run.queue != stream->queue ||
        run.job != job || run.va + run.size_B != va ||
        run.size_B + sizeof(value) > RUN_MAX_B))
      flush();
   if (!run.size_B) {
      run.group = stream->group;
      run.queue = stream->queue;
      run.job = job;
      run.va = va;
   }
   memcpy(run.bytes + run.size_B, &value, sizeof(value));
   run.size_B += sizeof(value);
}

/* ----------------------------------------------------------------- words -- */

static struct word *
find_word(uint64_t root, uint64_t va)
{
   uint64_t hash = (root ^ va >> 2) * UINT64_C(0x9e3779b97f4a7c15);
   size_t place = (size_t)(hash >> 32) & (word_places - 1);

   while (words[place].epoch && (words[place].root != root || words[place].va != va))
      place = (place + 1) & (word_places - 1);
   return &words[place];
}

/* Room for some more. False: no memory. */
static bool
grow_words(void)
{
   struct word *before = words;
   size_t places_before = word_places;

   if (word_count + 2 < word_places / 2)
      return true;
   word_places = word_places ? 2 * word_places : 1024;
   words = calloc(word_places, sizeof(*words));
   if (!words) {
      words = before;
      word_places = places_before;
      return false;
   }
   for (size_t i = 0; i < places_before; i++) {
      if (before[i].epoch)
         *find_word(before[i].root, before[i].va) = before[i];
   }
   free(before);
   return true;
}

static void
learn_word(struct word *word, const struct stream *stream, uint64_t va,
           uint32_t value)
{
   word_count += !word->epoch;
   *word = (struct word){stream->root, va, atomic_load(&epoch), value};
}

static void
note_word(const struct stream *stream, uint64_t job, uint64_t va,
          const uint32_t *loaded, const uint32_t *stored)
{
   if (!grow_words())
      return;
   struct word *word = find_word(stream->root, va);

   if (loaded && (word->epoch != atomic_load(&epoch) || word->value != *loaded)) {
      add_to_run(stream, job, va, *loaded);
      learn_word(word, stream, va, *loaded);
   }
   if (stored)
      learn_word(word, stream, va, *stored);
}

/* -------------------------------------------------------------- accesses -- */

static const struct stream *
find_stream(uint64_t root, uint64_t ring_va)
{
   for (size_t i = stream_count; i > 0; i--) {
      if (streams[i - 1].root == root && streams[i - 1].ring_va == ring_va)
         return &streams[i - 1];
   }
   return NULL;
}

static void
on_access(void *data, const struct mali_stream_access *access)
{
   (void)data;
   pthread_mutex_lock(&streams_lock);
   const struct stream *stream = find_stream(access->root, access->ring_va);

   for (uint32_t done = 0; stream && done < access->size_B; done += 4) {
      uint32_t before = (uint32_t)(access->before >> 8 * done);
      uint32_t after = (uint32_t)(access->after >> 8 * done);

      /* The ring has gone on behind the instruction that called. */
      note_word(stream, (access->ring_at - 1) / stream->job_B, access->va + done,
                access->loads ? &before : NULL, access->stores ? &after : NULL);
   }
   pthread_mutex_unlock(&streams_lock);
}

/* ---------------------------------------------------------------- border -- */

void
host_record_streams_start(struct host_machine *machine, struct record_writer *to)
{
   pthread_mutex_lock(&streams_lock);
   writer = to;
   stream_count = 0;
   pthread_mutex_unlock(&streams_lock);
   host_record_streams_changed();
   mali_gpu_observe_streams(machine->gpu, on_access, NULL);
}

void
host_record_streams_flush(void)
{
   pthread_mutex_lock(&streams_lock);
   flush();
   pthread_mutex_unlock(&streams_lock);
}

void
host_record_streams_changed(void)
{
   atomic_fetch_add_explicit(&epoch, 1, memory_order_relaxed);
}

/* With the lock held; false: no memory. */
static bool
add_streams(const u64 *ring_vas, uint32_t count, uint64_t root, uint32_t job_B)
{
   struct stream *grown =
      realloc(streams, (stream_count + count) * sizeof(*streams));

   if (!grown)
      return false;
   streams = grown;
   for (uint32_t i = 0; i < count; i++)
      streams[stream_count++] =
         (struct stream){root, ring_vas[i], group_count, i, job_B};
   return true;
}

uint64_t
host_record_streams_add(struct host_file *file, uint32_t vm_id, uint32_t handle)
{
   struct drm_file *drm = linux_file_drm(file->file);
   u64 ring_vas[QUEUES_MAX], root;
   u32 job_B;
   int count = panthor_host_group_rings(drm, handle, ring_vas, QUEUES_MAX, &job_B);
   uint64_t number = 0;

   if (count <= 0 || panthor_host_vm_root(drm, vm_id, &root))
      return 0;
   pthread_mutex_lock(&streams_lock);
   group_count++;
   if (add_streams(ring_vas, (uint32_t)count, root, job_B))
      number = group_count;
   pthread_mutex_unlock(&streams_lock);
   return number;
}
