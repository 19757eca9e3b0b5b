/* SPDX-License-Identifier: MIT */
/* The n-th-failure loop of failure.h over heaps, groups and their jobs. */
#include "failure.h"
#include "cs_asm.h"

#include <stdio.h>

#define RESULT 0x100000ull

struct world {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t group; /* of 2 queues */
   uint32_t heap;
   uint32_t binary; /* signalled */
   uint32_t timeline; /* at point 3 */
   struct cs cs; /* counts the word at RESULT up */
};

static int
heap_create(struct world *w, uint32_t *handle_out)
{
   struct drm_panthor_tiler_heap_create args = {
      .vm_id = w->vm.vm->id,
      .initial_chunk_count = 2,
      .chunk_size = 256 << 10,
      .max_chunks = 8,
      .target_in_flight = 2,
   };
   int ret = pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_CREATE, &args);

   if (!ret)
      *handle_out = args.handle;
   return ret;
}

static int
heap_destroy(struct world *w, uint32_t handle)
{
   struct drm_panthor_tiler_heap_destroy args = {.handle = handle};

   return pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_TILER_HEAP_DESTROY, &args);
}

static void *
begin(struct failure_view *view)
{
   struct world *w = calloc(1, sizeof(*w));

   w->dev = uapi_open(&uapi_small);
   cs_vm_init(&w->vm, w->dev);
   *view = (struct failure_view){w->dev, w->vm.vm};
   w->group = cs_group(w->dev, &w->vm, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
   /* The first heap of a VM makes its pool, which stays. */
   assert_int_equal(heap_create(w, &w->heap), 0);
   w->binary = cs_syncobj(w->dev);
   w->timeline = cs_syncobj(w->dev);
   assert_int_equal(pan_kmod_syncobj_signal(w->dev, w->binary, 0), 0);
   assert_int_equal(pan_kmod_syncobj_signal(w->dev, w->timeline, 3), 0);

   w->cs = cs_at(&w->vm, 0);
   cs_move48(&w->cs, 0, w->vm.va + RESULT);
   cs_load(&w->cs, 2, 0, 1, 0);
   cs_wait_all(&w->cs);
   cs_add32(&w->cs, 2, 2, 1);
   cs_store(&w->cs, 2, 0, 1, 0);
   return w;
}

static void
end(void *data)
{
   struct world *w = data;

   /* Groups, heaps and syncobjs go with the file. */
   cs_vm_fini(&w->vm);
   uapi_close(w->dev);
   free(w);
}

/* ----------------------------------------------------------------- calls -- */

static int
call_heap_create(void *data)
{
   uint32_t handle;

   return heap_create(data, &handle);
}

static int
call_heap_destroy(void *data)
{
   struct world *w = data;

   return heap_destroy(w, w->heap);
}

static int
group_create(struct world *w, unsigned queue_count)
{
   struct cs_group_args args;
   int ret;

   cs_group_args(&args, &w->vm, queue_count);
   args.queues[queue_count - 1].ringbuf_size = 65536;
   ret = pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args.create);
   if (!ret)
      w->group = args.create.group_handle;
   return ret;
}

static int
call_group_create(void *data)
{
   return group_create(data, 1);
}

static int
call_group_create_3(void *data)
{
   return group_create(data, 3);
}

/* Two jobs for two queues: the second waits for what the first signals. */
static int
submit(struct world *w, const struct cs *cs)
{
   const struct drm_panthor_sync_op first[] = {
      {0, w->binary, 0},
      {TIMELINE, w->timeline, 3},
      {SIGNAL | TIMELINE, w->timeline, 4},
   };
   const struct drm_panthor_sync_op second[] = {
      {TIMELINE, w->timeline, 4},
      {SIGNAL, w->binary, 0},
      {SIGNAL | TIMELINE, w->timeline, 5},
   };
   const uint64_t va = cs ? cs_va(&w->vm, cs) : 0;
   const uint32_t size_B = cs ? cs_size_B(cs) : 0;
   const struct drm_panthor_queue_submit jobs[] = {
      {.queue_index = 0, .stream_addr = va, .stream_size = size_B,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(3, first)},
      {.queue_index = 1, .stream_addr = va, .stream_size = size_B,
       .syncs = DRM_PANTHOR_OBJ_ARRAY(3, second)},
   };

   return cs_submit_raw(w->dev, w->group, jobs, 2);
}

static int
call_submit(void *data)
{
   struct world *w = data;

   return submit(w, &w->cs);
}

static int
call_submit_without(void *data)
{
   return submit(data, NULL);
}

/* Work, whatever failed before. */
static void
check_group(void *data)
{
   struct world *w = data;
   const struct drm_panthor_sync_op done = {SIGNAL, cs_syncobj(w->dev), 0};
   const uint32_t before = *cs_word(&w->vm, RESULT);

   assert_int_equal(
      cs_submit(w->dev, &w->vm, w->group, 0, &w->cs, &done, 1), 0);
   cs_finish(w->dev, done.handle);
   assert_int_equal(*cs_word(&w->vm, RESULT), before + 1);
   assert_int_equal(cs_state(w->dev, w->group).state, 0);
}

/* Both jobs ran, once: one that was part of a submit that failed did not. */
static void
check_submit(void *data)
{
   struct world *w = data;

   assert_int_equal(
      pan_kmod_syncobj_wait(w->dev, w->timeline, 5, 20000000000ll), 0);
   assert_int_equal(*cs_word(&w->vm, RESULT), 2);
   check_group(w);
}

static void
check_submit_without(void *data)
{
   struct world *w = data;

   assert_int_equal(
      pan_kmod_syncobj_wait(w->dev, w->timeline, 5, 20000000000ll), 0);
   check_group(w);
   assert_int_equal(*cs_word(&w->vm, RESULT), 1);
}

static void
check_heap(void *data)
{
   struct world *w = data;

   assert_int_equal(heap_create(w, &w->heap), 0);
   assert_int_equal(heap_destroy(w, w->heap), 0);
   check_group(w);
}

static int
call_group_destroy(void *data)
{
   struct world *w = data;

   return cs_group_destroy(w->dev, w->group);
}

static int
call_group_get_state(void *data)
{
   struct world *w = data;
   struct drm_panthor_group_get_state args = {.group_handle = w->group};

   return pan_kmod_ioctl(w->dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &args);
}

static const struct failure_call calls[] = {
   {"TILER_HEAP_CREATE", call_heap_create, 10, 0, true, check_heap},
   {"TILER_HEAP_DESTROY", call_heap_destroy, 0, 0, false, check_heap},
   {"GROUP_CREATE, 1 queue", call_group_create, 10, 0, true, check_group},
   {"GROUP_CREATE, 3 queues", call_group_create_3, 20, 0, true, check_group},
   {"GROUP_SUBMIT", call_submit, 8, 0, false, check_submit},
   {"GROUP_SUBMIT without streams", call_submit_without, 8, 0, false,
    check_submit_without},
   {"GROUP_GET_STATE", call_group_get_state, 0, 0, false, check_group},
   {"GROUP_DESTROY", call_group_destroy, 0},
};

int
main(void)
{
   uapi_select();

   /* VMs go before their groups: those may fault then. */
   setenv("LINUX_LOGLEVEL", "-1", 0);
   return failure_run("uapi-failure-group", begin, end, calls,
                      sizeof(calls) / sizeof(calls[0]));
}
