/* SPDX-License-Identifier: MIT */
/*
 * Every rule of GROUP_CREATE, GROUP_DESTROY, GROUP_SUBMIT and GROUP_GET_STATE:
 * the errno, that nothing changes, and, by arguments that break two rules, which
 * comes first.
 */
#include "cs_asm.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BAD_POINTER 0x10ull
#define MAX_GROUPS 128
#define RESULT 0x100000ull

struct fixture {
   struct pan_kmod_dev *dev;
   struct cs_vm vm;
   uint32_t group; /* two queues */
   uint32_t done;
};

static int
setup(void **state)
{
   struct fixture *f = calloc(1, sizeof(*f));

   f->dev = uapi_open(&uapi_small);
   cs_vm_init(&f->vm, f->dev);
   f->group = cs_group(f->dev, &f->vm, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
   f->done = cs_syncobj(f->dev);
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   pan_kmod_syncobj_destroy(f->dev, f->done);
   cs_vm_fini(&f->vm);
   uapi_close(f->dev);
   free(f);
   return 0;
}

static void
expect(int got, int wanted, const char *what)
{
   if (got != wanted)
      fail_msg("%s: %d, not %d", what, got, wanted);
}

/* ----------------------------------------------------------------- create -- */

static int
create(struct fixture *f, struct cs_group_args *args)
{
   return pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_GROUP_CREATE, &args->create);
}

/* What a row breaks; rows that break two rules show which is looked at first. */
enum create_break {
   NO_QUEUES = 1 << 0,
   QUEUES_33 = 1 << 1,
   SHORT_STRIDE = 1 << 2,
   BAD_ARRAY = 1 << 3,
   LONG_STRIDE = 1 << 4,
   PRIORITY_4 = 1 << 5,
   PRIORITY_HIGH = 1 << 6,
   PRIORITY_REALTIME = 1 << 7,
   PAD = 1 << 8,
   COMPUTE_ABSENT = 1 << 9,
   FRAGMENT_ABSENT = 1 << 10,
   TILER_ABSENT = 1 << 11,
   COMPUTE_FEW = 1 << 12,
   FRAGMENT_FEW = 1 << 13,
   TILER_FEW = 1 << 14,
   QUEUES_9 = 1 << 15,
   NO_VM = 1 << 16,
   QUEUE_PAD = 1 << 17,
   RING_SMALL = 1 << 18,
   RING_LARGE = 1 << 19,
   RING_ODD = 1 << 20,
   RING_0 = 1 << 21,
   QUEUE_PRIORITY = 1 << 22,
};

static const struct {
   uint32_t breaks;
   int error;
} create_rows[] = {
   {NO_QUEUES, -EINVAL},
   {QUEUES_33, -EINVAL},
   {QUEUES_33 | BAD_ARRAY, -EINVAL},
   {SHORT_STRIDE, -EINVAL},
   {SHORT_STRIDE | BAD_ARRAY, -EINVAL},
   {BAD_ARRAY, -EFAULT},
   {BAD_ARRAY | PRIORITY_4, -EFAULT},
   {BAD_ARRAY | PRIORITY_HIGH, -EFAULT},
   {LONG_STRIDE, -E2BIG},
   {LONG_STRIDE | PRIORITY_HIGH, -E2BIG},
   {PRIORITY_4, -EINVAL},
   {PRIORITY_HIGH, -EACCES},
   {PRIORITY_REALTIME, -EACCES},
   {PRIORITY_HIGH | PAD, -EACCES},
   {PRIORITY_HIGH | COMPUTE_ABSENT, -EACCES},
   {PRIORITY_HIGH | NO_VM, -EACCES},
   {PRIORITY_HIGH | QUEUE_PAD, -EACCES},
   {PAD, -EINVAL},
   {COMPUTE_ABSENT, -EINVAL},
   {FRAGMENT_ABSENT, -EINVAL},
   {TILER_ABSENT, -EINVAL},
   {COMPUTE_FEW, -EINVAL},
   {FRAGMENT_FEW, -EINVAL},
   {TILER_FEW, -EINVAL},
   {QUEUES_9, -EINVAL},
   {NO_VM, -EINVAL},
   {QUEUE_PAD, -EINVAL},
   {RING_SMALL, -EINVAL},
   {RING_LARGE, -EINVAL},
   {RING_ODD, -EINVAL},
   {RING_0, -EINVAL},
   {QUEUE_PRIORITY, -EINVAL},
};

static void
break_queues(struct cs_group_args *args, uint32_t breaks)
{
   /* The last one: all are looked at. */
   struct drm_panthor_queue_create *queue =
      &args->queues[args->create.queues.count - 1];

   if (breaks & QUEUE_PAD)
      queue->pad[2] = 1;
   if (breaks & RING_SMALL)
      queue->ringbuf_size = 2048;
   if (breaks & RING_LARGE)
      queue->ringbuf_size = 128 * 1024;
   if (breaks & RING_ODD)
      queue->ringbuf_size = 12 * 1024;
   if (breaks & RING_0)
      queue->ringbuf_size = 0;
   if (breaks & QUEUE_PRIORITY)
      queue->priority = 16;
}

static void
break_group(struct fixture *f, struct drm_panthor_group_create *create,
            uint32_t breaks)
{
   const struct drm_panthor_gpu_info *gpu = &pan_kmod_dev_props(f->dev)->gpu;

   if (breaks & PRIORITY_4)
      create->priority = 4;
   if (breaks & PRIORITY_HIGH)
      create->priority = PANTHOR_GROUP_PRIORITY_HIGH;
   if (breaks & PRIORITY_REALTIME)
      create->priority = PANTHOR_GROUP_PRIORITY_REALTIME;
   if (breaks & PAD)
      create->pad = 1;
   if (breaks & COMPUTE_ABSENT)
      create->compute_core_mask = gpu->shader_present | 1ull << 63;
   if (breaks & FRAGMENT_ABSENT)
      create->fragment_core_mask = gpu->shader_present | 1ull << 63;
   if (breaks & TILER_ABSENT)
      create->tiler_core_mask = gpu->tiler_present | 1ull << 63;
   if (breaks & COMPUTE_FEW)
      create->max_compute_cores = 2;
   if (breaks & FRAGMENT_FEW)
      create->max_fragment_cores = 2;
   if (breaks & TILER_FEW)
      create->max_tiler_cores = 2;
   if (breaks & NO_VM)
      create->vm_id = 9999;
}

static void
break_array(struct fixture *f, struct cs_group_args *args, uint32_t breaks)
{
   struct drm_panthor_obj_array *queues = &args->create.queues;

   if (breaks & NO_QUEUES)
      queues->count = 0;
   if (breaks & QUEUES_33)
      queues->count = 33;
   if (breaks & QUEUES_9)
      queues->count = pan_kmod_dev_props(f->dev)->csif.cs_slot_count + 1;
   if (breaks & SHORT_STRIDE)
      queues->stride = 7;
   if (breaks & LONG_STRIDE) {
      /* What follows the first queue is the second, which is not zero. */
      queues->stride = 2 * sizeof(args->queues[0]);
      queues->count = 1;
   }
   if (breaks & BAD_ARRAY)
      queues->array = BAD_POINTER;
}

/* GROUP_CREATE: every rule, and of two that are broken the first. */
static void
test_create(void **state)
{
   struct fixture *f = *state;
   const struct host_stats before = uapi_stats(f->dev);

   for (unsigned i = 0; i < sizeof(create_rows) / sizeof(create_rows[0]); i++) {
      struct cs_group_args args;
      char what[64];

      snprintf(what, sizeof(what), "row %u", i);
      cs_group_args(&args, &f->vm, 2);
      break_queues(&args, create_rows[i].breaks);
      break_group(f, &args.create, create_rows[i].breaks);
      break_array(f, &args, create_rows[i].breaks);
      expect(create(f, &args), create_rows[i].error, what);
      assert_int_equal(args.create.group_handle, 0);
      uapi_unchanged(f->dev, &before, what);
   }
}

/* The values at the limits are fine. */
static void
test_create_limits(void **state)
{
   struct fixture *f = *state;
   const struct pan_kmod_dev_props *props = pan_kmod_dev_props(f->dev);
   static const uint32_t sizes[] = {4096, 8192, 16384, 32768, 65536};
   struct cs_group_args args;

   cs_group_args(&args, &f->vm, props->csif.cs_slot_count);
   for (unsigned i = 0; i < args.create.queues.count; i++) {
      args.queues[i].ringbuf_size = sizes[i % 5];
      args.queues[i].priority = i % 2 ? 15 : 0;
   }
   args.create.priority = PANTHOR_GROUP_PRIORITY_LOW;
   args.create.compute_core_mask = props->gpu.shader_present;
   args.create.fragment_core_mask = 0;
   args.create.max_fragment_cores = 0;
   args.create.max_compute_cores =
      (uint8_t)__builtin_popcountll(props->gpu.shader_present);
   assert_int_equal(create(f, &args), 0);
   /* The lowest handle that is free. */
   assert_int_equal(args.create.group_handle, f->group + 1);
   assert_int_equal(cs_group_destroy(f->dev, args.create.group_handle), 0);
}

/* 128 groups, and no more; a full file says so before it looks at queues. */
static void
test_too_many(void **state)
{
   struct fixture *f = *state;
   struct cs_group_args args;

   for (unsigned i = 1; i < MAX_GROUPS; i++)
      assert_int_equal(cs_group(f->dev, &f->vm, 1, 1), i + 1);
   for (unsigned broken = 0; broken < 2; broken++) {
      cs_group_args(&args, &f->vm, 1);
      args.queues[0].pad[0] = broken;
      assert_int_equal(create(f, &args), -EBUSY);
   }
   cs_group_args(&args, &f->vm, 1);
   args.create.vm_id = 9999;
   assert_int_equal(create(f, &args), -EINVAL);

   assert_int_equal(cs_group_destroy(f->dev, 77), 0);
   cs_group_args(&args, &f->vm, 1);
   args.queues[0].pad[0] = 1;
   assert_int_equal(create(f, &args), -EINVAL);
   assert_int_equal(cs_group(f->dev, &f->vm, 1, 1), 77);
}

/* ------------------------------------------------------ destroy, get_state -- */

/* Unknown groups, and padding, of GROUP_DESTROY and GROUP_GET_STATE. */
static void
test_handles(void **state)
{
   struct fixture *f = *state;
   const uint32_t bad[] = {0, 2, 128, 129, 0x10001, UINT32_MAX};

   for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      struct drm_panthor_group_get_state get = {.group_handle = bad[i]};

      assert_int_equal(cs_group_destroy(f->dev, bad[i]), -EINVAL);
      assert_int_equal(pan_kmod_ioctl(
                          f->dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &get),
                       -EINVAL);
   }

   struct drm_panthor_group_destroy destroy = {f->group, 1};
   struct drm_panthor_group_get_state get = {.group_handle = f->group,
                                             .pad = 1};

   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_GROUP_DESTROY,
                                   &destroy), -EINVAL);
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE,
                                   &get), -EINVAL);

   /* All of the struct is output. */
   get = (struct drm_panthor_group_get_state){f->group, 7, 7, 0};
   assert_int_equal(pan_kmod_ioctl(f->dev, DRM_IOCTL_PANTHOR_GROUP_GET_STATE,
                                   &get), 0);
   assert_int_equal(get.group_handle, 0);
   assert_int_equal(get.state, 0);
   assert_int_equal(get.fatal_queues, 0);

   assert_int_equal(cs_group_destroy(f->dev, f->group), 0);
   assert_int_equal(cs_group_destroy(f->dev, f->group), -EINVAL);
}

/* A group of another file is not there. */
static void
test_other_file(void **state)
{
   struct fixture *f = *state;
   struct pan_kmod_dev *other = uapi_open(NULL);

   assert_int_equal(cs_group_destroy(other, f->group), -EINVAL);
   assert_int_equal(cs_state(f->dev, f->group).state, 0);
   assert_int_equal(pan_kmod_dev_destroy(other), 0);
}

/* ----------------------------------------------------------------- submit -- */

static const struct {
   const char *what;
   struct drm_panthor_queue_submit job;
} bad_jobs[] = {
   {"pad", {.pad = 1}},
   {"size without address", {.stream_size = 64}},
   {"address without size", {.stream_addr = 64}},
   {"address not aligned", {.stream_addr = 0x1000020, .stream_size = 64}},
   {"size not aligned", {.stream_addr = 0x1000000, .stream_size = 60}},
   {"latest_flush, bit 24", {.latest_flush = 1u << 24}},
   {"latest_flush, bit 30", {.latest_flush = 1u << 30}},
   {"queue beyond the last", {.queue_index = 2}},
   {"queue 32", {.queue_index = 32}},
};

/* GROUP_SUBMIT: a bad job, and none of its batch runs or publishes a fence. */
static void
test_submit(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};

   for (unsigned i = 0; i < sizeof(bad_jobs) / sizeof(bad_jobs[0]); i++) {
      /* None of a batch runs, and no fence is published. */
      struct drm_panthor_queue_submit jobs[2] = {
         {.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal)}, bad_jobs[i].job};
      const struct drm_panthor_sync_op unknown = {SIGNAL, 9999, 0};

      expect(cs_submit_raw(f->dev, f->group, jobs, 2), -EINVAL,
             bad_jobs[i].what);
      /* Jobs are looked at before the sync ops of theirs. */
      jobs[1].syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(
         1, &unknown);
      jobs[1].syncs.array = BAD_POINTER;
      expect(cs_submit_raw(f->dev, f->group, &jobs[1], 1), -EINVAL,
             bad_jobs[i].what);
      assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 0), -ETIME);
   }
   assert_int_equal(cs_state(f->dev, f->group).state, 0);

   /* The other flag of latest_flush, and the counter's bits, are fine. */
   const struct drm_panthor_queue_submit good = {
      .latest_flush = 1u << 31 | 0xffffff,
      .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal)};

   assert_int_equal(cs_submit_raw(f->dev, f->group, &good, 1), 0);
   cs_finish(f->dev, f->done);
}

/* GROUP_SUBMIT: the rules of its object array, and their order. */
static void
test_submit_array(void **state)
{
   struct fixture *f = *state;
   struct drm_panthor_queue_submit jobs[2] = {{.queue_index = 0},
                                              {.queue_index = 1}};
   struct drm_panthor_group_submit args = {
      .group_handle = 9999,
      .queue_submits = {.stride = 1, .count = 0, .array = BAD_POINTER},
   };
   const unsigned long request = DRM_IOCTL_PANTHOR_GROUP_SUBMIT;

   /* Nothing is looked at where there are no jobs, but for pad. */
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), 0);
   args.pad = 1;
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), -EINVAL);

   args = (struct drm_panthor_group_submit){
      .group_handle = 9999,
      .queue_submits = {.stride = 39, .count = 1, .array = BAD_POINTER}};
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), -EINVAL);
   args.queue_submits.stride = 40;
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), -EFAULT);
   /* The array comes before the group; what is behind a job must be zero. */
   args.queue_submits = (struct drm_panthor_obj_array){
      .stride = sizeof(jobs), .count = 1, .array = (uintptr_t)jobs};
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), -E2BIG);
   jobs[1].queue_index = 0;
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), -EINVAL);
   args.group_handle = f->group;
   assert_int_equal(pan_kmod_ioctl(f->dev, request, &args), 0);
}

/* Sync operations are those of VM_BIND: test_errno_bind.c has all of them. */
static void
test_submit_syncs(void **state)
{
   struct fixture *f = *state;
   const uint32_t never = cs_syncobj(f->dev);
   const struct {
      const char *what;
      struct drm_panthor_sync_op op;
      int error;
   } rows[] = {
      {"unknown flag", {.flags = 1 << 8, .handle = f->done}, -EINVAL},
      {"handle type 2", {.flags = 2, .handle = f->done}, -EINVAL},
      {"binary with a point", {.handle = f->done, .timeline_value = 1},
       -EINVAL},
      {"signal of nothing", {.flags = SIGNAL, .handle = 9999}, -EINVAL},
      {"wait for nothing", {.handle = 9999}, -ENOENT},
      {"wait for no fence", {.handle = never}, -EINVAL},
   };

   for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};
      const struct drm_panthor_queue_submit jobs[] = {
         {.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &signal)},
         {.syncs = DRM_PANTHOR_OBJ_ARRAY(1, &rows[i].op)}};

      expect(cs_submit_raw(f->dev, f->group, jobs, 2), rows[i].error,
             rows[i].what);
      assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 0), -ETIME);
   }
   pan_kmod_syncobj_destroy(f->dev, never);
}

/* --------------------------------------------------------------- findings -- */

/* Bits above the 16th of a handle count. */
static void
finding_07_group_handle_is_not_cut(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_queue_submit job = {.queue_index = 0};

   assert_int_equal(cs_submit_raw(f->dev, f->group, &job, 1), 0);
   assert_int_equal(cs_submit_raw(f->dev, 0x10000 | f->group, &job, 1),
                    -EINVAL);
}

/* Nothing is submitted on a VM that an op failed on; nor does it run. */
static void
finding_04_submit_on_an_unusable_vm(void **state)
{
   struct fixture *f = *state;
   const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};
   const uint32_t bound = cs_syncobj(f->dev);
   const struct drm_panthor_sync_op bind_done = {SIGNAL, bound, 0};
   struct cs cs = cs_at(&f->vm, 0);
   uint32_t vm_state;

   uapi_need_virtual(f->dev);
   /* Keeps the VM in a slot, so that an op has something to lock. */
   cs_poke(&cs, f->vm.va + RESULT, 1);
   cs_forever(&cs);
   assert_int_equal(cs_submit(f->dev, &f->vm, f->group, 0, &cs, &signal, 1), 0);
   for (unsigned i = 0; i < 5000 && !*cs_word(&f->vm, RESULT); i++)
      usleep(1000);
   assert_int_equal(*cs_word(&f->vm, RESULT), 1);

   const struct drm_panthor_vm_bind_op op = {
      .flags = NOEXEC, .bo_handle = f->vm.bo->handle, .va = SZ_1G,
      .size = SZ_4K, .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &bind_done)};

   assert_int_equal(pan_kmod_inject_stuck_as(f->dev, 2 /* LOCK */, 0), 0);
   assert_int_equal(pan_kmod_vm_bind(f->vm.vm, ASYNC, &op, 1, NULL), 0);
   cs_finish(f->dev, bound);
   assert_int_equal(pan_kmod_vm_get_state(f->vm.vm, &vm_state), 0);
   assert_int_equal(vm_state, DRM_PANTHOR_VM_STATE_UNUSABLE);

   /* What ran is over, well before the 5 s that a job may take. */
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 4000000000ll), 0);
   assert_int_not_equal(cs_state(f->dev, f->group).state, 0);

   /* A new group can be made, as can be the error that tells why not. */
   const uint32_t group = cs_group(f->dev, &f->vm, 1, 1);

   assert_int_equal(cs_submit(f->dev, &f->vm, group, 0, NULL, NULL, 0),
                    -EINVAL);
   pan_kmod_syncobj_destroy(f->dev, bound);
}

/*
 * A stream that waits for what is not mapped dies with its group, and of that
 * alone: the other group goes on, and nothing warns (the machine would count it
 * as a leak).
 */
static void
finding_17_sync_wait_on_unmapped_memory(void **state)
{
   struct fixture *f = *state;
   const uint32_t group = cs_group(f->dev, &f->vm, 2, 1);
   const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};
   struct cs cs = cs_at(&f->vm, 0);

   cs_move48(&cs, 0, 5 * SZ_1G);
   cs_move48(&cs, 2, 0);
   cs_sync_wait64(&cs, CS_GT, 0, 2, false);
   assert_int_equal(cs_submit(f->dev, &f->vm, group, 1, &cs, &signal, 1), 0);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 4000000000ll), 0);
   assert_int_equal(cs_state(f->dev, group).state,
                    DRM_PANTHOR_GROUP_STATE_FATAL_FAULT);
   assert_int_equal(cs_state(f->dev, group).fatal_queues, 1 << 1);

   cs = cs_at(&f->vm, SZ_64K);
   cs_poke(&cs, f->vm.va + RESULT, 5);
   assert_int_equal(cs_submit(f->dev, &f->vm, f->group, 0, &cs, &signal, 1), 0);
   cs_finish(f->dev, f->done);
   assert_int_equal(*cs_word(&f->vm, RESULT), 5);
   assert_int_equal(cs_state(f->dev, f->group).state, 0);
}

/*
 * What is stored to sparse memory is seen 2 MiB further on: one dummy is behind
 * all of it, as on the hardware. So a stream may wait for it, and the driver,
 * which looks for a group that lost its slot, finds there what the GPU would.
 */
static void
finding_28_sparse_memory_is_one_dummy(void **state)
{
   struct fixture *f = *state;
   const uint32_t slots = pan_kmod_dev_props(f->dev)->csif.csg_slot_count;
   const struct drm_panthor_sync_op signal = {SIGNAL, f->done, 0};
   const uint32_t writer = cs_group(f->dev, &f->vm, 1, 1);
   struct cs wait = cs_at(&f->vm, 0), forever = cs_at(&f->vm, SZ_64K);
   struct cs cs = cs_at(&f->vm, 2 * SZ_64K);
   uint32_t busy[32], busy_done[32];

   assert_int_equal(uapi_bind(f->vm.vm, SPARSE, NULL, 0, SZ_1G, SZ_1G), 0);
   cs_move48(&wait, 0, SZ_1G + 64);
   cs_move48(&wait, 2, 0);
   cs_sync_wait64(&wait, CS_GT, 0, 2, false);
   assert_int_equal(cs_submit(f->dev, &f->vm, f->group, 0, &wait, &signal, 1),
                    0);

   /* Every slot has a group that has more to do. */
   cs_forever(&forever);
   assert_true(slots <= 32);
   for (unsigned i = 0; i < slots; i++) {
      busy[i] = cs_group(f->dev, &f->vm, 1, 1);
      busy_done[i] = cs_syncobj(f->dev);
      const struct drm_panthor_sync_op ends = {SIGNAL, busy_done[i], 0};
      assert_int_equal(cs_submit(f->dev, &f->vm, busy[i], 0, &forever, &ends,
                                 1), 0);
   }
   usleep(100000);
   assert_int_equal(pan_kmod_syncobj_wait(f->dev, f->done, 0, 0), -ETIME);

   cs_poke(&cs, SZ_1G + SZ_2M + 64, 1);
   assert_int_equal(cs_submit(f->dev, &f->vm, writer, 0, &cs, NULL, 0), 0);
   cs_finish(f->dev, f->done);
   assert_int_equal(cs_state(f->dev, f->group).state, 0);
   for (unsigned i = 0; i < slots; i++) {
      assert_int_equal(cs_group_destroy(f->dev, busy[i]), 0);
      cs_finish(f->dev, busy_done[i]);
      pan_kmod_syncobj_destroy(f->dev, busy_done[i]);
   }
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* The higher priorities are refused to those without CAP_SYS_NICE. */
static void
drop_privilege(void)
{
   struct __user_cap_header_struct header = {
      .version = _LINUX_CAPABILITY_VERSION_3};
   struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

   if (syscall(SYS_capget, &header, data))
      abort();
   data[CAP_TO_INDEX(CAP_SYS_NICE)].effective &= ~CAP_TO_MASK(CAP_SYS_NICE);
   if (syscall(SYS_capset, &header, data))
      abort();
}

int
main(void)
{
   uapi_select();

   const struct CMUnitTest tests[] = {
      WITH_FIXTURE(test_create),
      WITH_FIXTURE(test_create_limits),
      WITH_FIXTURE(test_too_many),
      WITH_FIXTURE(test_handles),
      WITH_FIXTURE(test_other_file),
      WITH_FIXTURE(test_submit),
      WITH_FIXTURE(test_submit_array),
      WITH_FIXTURE(test_submit_syncs),
      WITH_FIXTURE(finding_07_group_handle_is_not_cut),
      WITH_FIXTURE(finding_04_submit_on_an_unusable_vm),
      WITH_FIXTURE(finding_17_sync_wait_on_unmapped_memory),
      WITH_FIXTURE(finding_28_sparse_memory_is_one_dummy),
   };
   drop_privilege();
   return cmocka_run_group_tests_name("uapi-group-errno", tests, NULL, NULL);
}
