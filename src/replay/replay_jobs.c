/* SPDX-License-Identifier: MIT */
#include "replay_jobs.h"

#include <stdlib.h>
#include <string.h>

#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "replay_call.h"

/* ------------------------------------------------------------------ runs -- */

static int
compare_jobs(const struct record_memory_run *a, const struct record_memory_run *b)
{
   if (a->group != b->group)
      return a->group < b->group ? -1 : 1;
   if (a->queue != b->queue)
      return a->queue < b->queue ? -1 : 1;
   return a->job < b->job ? -1 : a->job > b->job;
}

/* A run, and where it was in the recording. */
struct placed_run {
   struct record_memory_run run;
   size_t place;
};

static int
compare_placed(const void *a, const void *b)
{
   const struct placed_run *left = a, *right = b;
   int order = compare_jobs(&left->run, &right->run);

   if (order)
      return order;
   return left->place < right->place ? -1 : left->place > right->place;
}

bool
replay_jobs_init(struct replay_jobs *jobs, const struct record_stream *stream)
{
   struct placed_run *placed = malloc((stream->count + 1) * sizeof(*placed));
   size_t count = 0;

   *jobs = (struct replay_jobs){
      .runs = malloc((stream->count + 1) * sizeof(*jobs->runs))};
   if (!placed || !jobs->runs) {
      free(placed);
      return false;
   }
   for (size_t i = 0; i < stream->count; i++) {
      if (stream->events[i].kind == RECORD_MEMORY)
         placed[count++] = (struct placed_run){stream->events[i].memory, i};
   }
   qsort(placed, count, sizeof(*placed), compare_placed);
   for (size_t i = 0; i < count; i++)
      jobs->runs[i] = placed[i].run;
   jobs->run_count = count;
   free(placed);
   return true;
}

void
replay_jobs_free(struct replay_jobs *jobs)
{
   free(jobs->runs);
   free(jobs->groups);
}

/* The first run that does not come before @key. */
static size_t
lower_bound(const struct replay_jobs *jobs, const struct record_memory_run *key)
{
   size_t first = 0, count = jobs->run_count;

   while (count > 0) {
      size_t half = count / 2;

      if (compare_jobs(&jobs->runs[first + half], key) < 0) {
         first += half + 1;
         count -= half + 1;
      } else {
         count = half;
      }
   }
   return first;
}

/* ---------------------------------------------------------------- groups -- */

struct replay_group *
replay_jobs_find(struct replay_jobs *jobs, uint32_t file, uint32_t handle)
{
   for (size_t i = 0; i < jobs->group_count; i++) {
      if (jobs->groups[i].file == file && jobs->groups[i].handle == handle)
         return &jobs->groups[i];
   }
   return NULL;
}

static void
remove_group(struct replay_jobs *jobs, uint32_t file, uint32_t handle)
{
   struct replay_group *group = replay_jobs_find(jobs, file, handle);

   if (group)
      *group = jobs->groups[--jobs->group_count];
}

static bool
add_group(struct replay_jobs *jobs, const struct replay_group *group)
{
   struct replay_group *groups =
      realloc(jobs->groups, (jobs->group_count + 1) * sizeof(*groups));

   if (!groups)
      return false;
   jobs->groups = groups;
   groups[jobs->group_count++] = *group;
   return true;
}

bool
replay_jobs_note(struct replay_jobs *jobs, uint32_t file,
                 const struct record_ioctl *ioctl)
{
   struct drm_panthor_group_create create;
   struct drm_panthor_group_destroy destroy;

   if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_GROUP_CREATE && ioctl->group &&
       replay_read_out(ioctl, ioctl->arg, &create, sizeof(create)) ==
          sizeof(create)) {
      const struct replay_group group = {.file = file,
                                         .handle = create.group_handle,
                                         .vm_id = create.vm_id,
                                         .number = ioctl->group};
      return add_group(jobs, &group);
   }
   if (ioctl->request == (uint32_t)DRM_IOCTL_PANTHOR_GROUP_DESTROY &&
       replay_read_in(ioctl, ioctl->arg, &destroy, sizeof(destroy)) ==
          sizeof(destroy))
      remove_group(jobs, file, destroy.group_handle);
   return true;
}

/* ------------------------------------------------------------------ jobs -- */

static void
find_runs(const struct replay_jobs *jobs, const struct replay_group *group,
          uint32_t queue,
          void (*fn)(void *data, const struct replay_group *group,
                     const struct record_memory_run *run),
          void *data)
{
   const struct record_memory_run key = {
      .group = group->number, .queue = queue, .job = group->jobs[queue]};

   for (size_t i = lower_bound(jobs, &key);
        i < jobs->run_count && compare_jobs(&jobs->runs[i], &key) == 0; i++)
      fn(data, group, &jobs->runs[i]);
}

void
replay_jobs_submit(struct replay_jobs *jobs, struct replay_group *group,
                   const struct record_ioctl *ioctl,
                   void (*fn)(void *data, const struct replay_group *group,
                              const struct record_memory_run *run),
                   void *data)
{
   struct drm_panthor_group_submit submit;
   struct drm_panthor_queue_submit queue;

   if (replay_read_in(ioctl, ioctl->arg, &submit, sizeof(submit)) < sizeof(submit))
      return;
   const struct drm_panthor_obj_array *array = &submit.queue_submits;
   size_t size_B = array->stride < sizeof(queue) ? array->stride : sizeof(queue);
   for (uint32_t i = 0; i < array->count; i++) {
      memset(&queue, 0, sizeof(queue));
      if (replay_read_in(ioctl, array->array + (uint64_t)i * array->stride, &queue,
                         size_B) < size_B)
         return;
      if (!queue.stream_size || queue.queue_index >= REPLAY_QUEUES_MAX)
         continue;
      find_runs(jobs, group, queue.queue_index, fn, data);
      group->jobs[queue.queue_index]++;
   }
}
