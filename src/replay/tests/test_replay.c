/* SPDX-License-Identifier: MIT */
/*
 * Recordings of the machine in this process, replayed on it, on it with a bug, and after
 * somebody has changed them. Programs that are recorded are children.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <drm.h>

#include "drm-uapi/panthor_drm.h"
#include "host.h"
#include "replay_order.h"
#include "replay_print.h"
#include "replay_shrink.h"

#define PAGE_B 4096u
#define TILE_B 65536u

static char path[PATH_MAX], small_path[PATH_MAX];

static int
setup(void **state)
{
   const char *directory = getenv("TMPDIR");

   snprintf(path, sizeof(path), "%s/test-replay-XXXXXX",
            directory ? directory : "/tmp");
   int fd = mkstemp(path);
   if (fd < 0)
      return -1;
   snprintf(small_path, sizeof(small_path), "%.*s.small", PATH_MAX - 8, path);
   return close(fd);
}

static int
teardown(void **state)
{
   unlink(small_path);
   return unlink(path);
}

/* ----------------------------------------------------- recorded programs -- */

#define MUST(expression)                                                       \
   do {                                                                        \
      if (!(expression)) {                                                     \
         fprintf(stderr, "%d: %s\n", __LINE__, #expression);                   \
         _exit(1);                                                             \
      }                                                                        \
   } while (0)

static struct host_machine *machine;

static void
record(void (*program)(void), struct record_stream *stream)
{
   int status;

   fflush(NULL);
   pid_t child = fork();
   assert_true(child >= 0);
   if (child == 0) {
      MUST(setenv("PANSPARSE_RECORD", path, 1) == 0);
      program();
      exit(0);
   }
   waitpid(child, &status, 0);
   assert_int_equal(status, 0);
   assert_int_equal(record_stream_read(path, stream), 0);
   assert_int_equal(stream->damaged_at, 0);
   replay_order(stream);
}

static struct host_file *
open_node(void)
{
   struct host_file *file;

   MUST(host_open(machine, &file) == 0);
   return file;
}

static uint32_t
create_vm(struct host_file *file)
{
   struct drm_panthor_vm_create create = {0};

   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_CREATE, &create) == 0);
   return create.id;
}

static uint32_t
create_bo(struct host_file *file, uint64_t size_B)
{
   struct drm_panthor_bo_create create = {.size = size_B};

   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_CREATE, &create) == 0);
   return create.handle;
}

static struct drm_panthor_vm_bind_op
map_op(uint32_t bo, uint64_t offset, uint64_t va, uint64_t size_B)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
      .bo_handle = bo, .bo_offset = offset, .va = va, .size = size_B};
}

static struct drm_panthor_vm_bind_op
sparse_op(uint64_t va, uint64_t size_B)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP |
               DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE |
               DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
      .va = va, .size = size_B};
}

static struct drm_panthor_vm_bind_op
unmap_op(uint64_t va, uint64_t size_B)
{
   return (struct drm_panthor_vm_bind_op){
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, .va = va, .size = size_B};
}

static int
bind_ops(struct host_file *file, uint32_t vm, uint32_t flags, uint32_t count,
         const struct drm_panthor_vm_bind_op *ops)
{
   struct drm_panthor_vm_bind bind = {
      .vm_id = vm, .flags = flags, .ops = DRM_PANTHOR_OBJ_ARRAY(count, ops)};

   return host_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, &bind);
}

static uint32_t
create_syncobj(struct host_file *file)
{
   struct drm_syncobj_create create = {0};

   MUST(host_ioctl(file, DRM_IOCTL_SYNCOBJ_CREATE, &create) == 0);
   return create.handle;
}

static void
use_mappings(struct host_file *file, uint32_t bo)
{
   struct drm_panthor_bo_mmap_offset offset = {.handle = bo};
   void *addr;

   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset) == 0);
   MUST(host_mmap(file, NULL, 4 * TILE_B, PROT_READ | PROT_WRITE, MAP_SHARED,
                  offset.offset, &addr) == 0);
   /* A hole in the middle, then the rest at once. */
   MUST(host_munmap((char *)addr + TILE_B, TILE_B) == 0);
   MUST(host_munmap(addr, 4 * TILE_B) == 0);
   MUST(host_mmap(file, NULL, PAGE_B, PROT_READ, MAP_SHARED,
                  DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET, &addr) == 0);
   MUST(host_munmap(addr, PAGE_B) == 0);
}

/* A bind that waits for a syncobj of the program, and signals another. */
static void
bind_asynchronously(struct host_file *file, uint32_t vm, uint32_t bo)
{
   uint32_t before = create_syncobj(file), after = create_syncobj(file);
   struct drm_panthor_sync_op syncs[] = {
      {.flags = DRM_PANTHOR_SYNC_OP_WAIT |
                DRM_PANTHOR_SYNC_OP_HANDLE_TYPE_TIMELINE_SYNCOBJ,
       .handle = before, .timeline_value = 7},
      {.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = after}};
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, 16 * TILE_B, TILE_B);
   uint64_t point = 7;
   struct drm_syncobj_timeline_wait wait = {
      .handles = (uintptr_t)&before, .points = (uintptr_t)&point, .count_handles = 1,
      .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT};
   struct drm_syncobj_timeline_array signal = {
      .handles = (uintptr_t)&before, .points = (uintptr_t)&point,
      .count_handles = 1};
   struct drm_syncobj_wait wait_after = {
      .handles = (uintptr_t)&after, .count_handles = 1, .timeout_nsec = INT64_MAX};

   /* Nobody will signal it: its fence is there before the bind asks for it. */
   MUST(host_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait) == -ETIME);
   MUST(host_ioctl(file, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &signal) == 0);
   op.syncs = (struct drm_panthor_obj_array)DRM_PANTHOR_OBJ_ARRAY(2, syncs);
   MUST(bind_ops(file, vm, DRM_PANTHOR_VM_BIND_ASYNC, 1, &op) == 0);
   MUST(host_ioctl(file, DRM_IOCTL_SYNCOBJ_WAIT, &wait_after) == 0);
}

/* A BO goes to another file and back, through copies of a descriptor. */
static void
share(struct host_file *file, uint32_t bo)
{
   struct host_file *other = open_node();
   struct drm_prime_handle prime = {.handle = bo, .flags = DRM_CLOEXEC | DRM_RDWR};
   uint32_t vm = create_vm(other);
   struct drm_panthor_vm_bind_op op;

   MUST(host_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime) == 0);
   int copy = dup(prime.fd);
   close(prime.fd);
   MUST(copy >= 0);
   prime.fd = copy;
   for (int i = 0; i < 2; i++)
      MUST(host_ioctl(other, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) == 0);
   op = map_op(prime.handle, 0, 0, TILE_B);
   MUST(bind_ops(other, vm, 0, 1, &op) == 0);
   MUST(host_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) == 0);
   MUST(prime.handle == bo);
   close(copy);
   host_close(other);
}

/* Mistakes, which are to be made again. */
static void
err(struct host_file *file, uint32_t vm, uint32_t bo)
{
   struct drm_panthor_vm_bind_op op = map_op(99, 0, 0, TILE_B);
   struct drm_panthor_vm_bind bad = {
      .vm_id = vm, .ops = {.stride = sizeof(op), .count = 3, .array = 8}};
   struct drm_panthor_vm_destroy destroy = {.id = 17};
   struct drm_prime_handle prime = {.fd = STDOUT_FILENO};
   struct drm_gem_close gem = {.handle = 123};

   MUST(bind_ops(file, vm, 0, 1, &op) < 0);
   op = map_op(bo, 1, 0, TILE_B);
   MUST(bind_ops(file, vm, 0, 1, &op) == -EINVAL);
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, &bad) == -EFAULT);
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, (void *)8) == -EFAULT);
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy) == -EINVAL);
   MUST(host_ioctl(file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime) < 0);
   MUST(host_ioctl(file, DRM_IOCTL_GEM_CLOSE, &gem) < 0);
   MUST(host_ioctl(file, 0x12345, NULL) < 0);
}

/* An array whose end is not there. */
static void
bind_half_an_array(struct host_file *file, uint32_t vm)
{
   struct drm_panthor_vm_bind_op op = sparse_op(0, TILE_B);
   char *pages = mmap(NULL, 2 * PAGE_B, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

   MUST(pages != MAP_FAILED && !munmap(pages + PAGE_B, PAGE_B));
   void *last = pages + PAGE_B - sizeof(op);
   memcpy(last, &op, sizeof(op));
   MUST(bind_ops(file, vm, 0, 2, last) == -EFAULT);
   MUST(!munmap(pages, PAGE_B));
}

static void
query(struct host_file *file)
{
   struct drm_panthor_gpu_info info;
   struct drm_panthor_timestamp_info timestamp = {0};
   struct drm_panthor_dev_query queries[] = {
      {.type = DRM_PANTHOR_DEV_QUERY_GPU_INFO},
      {.type = DRM_PANTHOR_DEV_QUERY_GPU_INFO, .size = sizeof(info),
       .pointer = (uintptr_t)&info},
      {.type = DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO, .size = sizeof(timestamp),
       .pointer = (uintptr_t)&timestamp}};
   char name[16] = "";
   struct drm_version version = {.name = name, .name_len = sizeof(name)};

   for (int i = 0; i < 3; i++)
      MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_DEV_QUERY, &queries[i]) == 0);
   MUST(host_ioctl(file, DRM_IOCTL_VERSION, &version) == 0);
}

static void
use_labels(struct host_file *file, uint32_t bo)
{
   struct drm_panthor_bo_set_label label = {.handle = bo,
                                            .label = (uintptr_t)"a label"};
   struct drm_panthor_bo_sync_op op = {.handle = bo, .size = PAGE_B};
   struct drm_panthor_bo_sync sync = {.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &label) == 0);
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_SYNC, &sync) == 0);
}

static void
boot(void)
{
   MUST(host_machine_get(NULL, &machine) == 0);
}

/* Of everything something. */
static void
program_all(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vm = create_vm(file), bo = create_bo(file, 4 * TILE_B);
   struct drm_panthor_vm_bind_op ops[] = {
      sparse_op(0, 64 * TILE_B), map_op(bo, TILE_B, 4 * TILE_B, 2 * TILE_B),
      map_op(bo, 0, 6 * TILE_B, TILE_B), unmap_op(63 * TILE_B, TILE_B)};

   query(file);
   MUST(bind_ops(file, vm, 0, 4, ops) == 0);
   use_labels(file, bo);
   use_mappings(file, bo);
   bind_asynchronously(file, vm, bo);
   share(file, bo);
   err(file, vm, bo);
   bind_half_an_array(file, vm);
   struct drm_panthor_vm_destroy destroy = {.id = create_vm(file)};
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy) == 0);
   host_close(file);
   MUST(host_machine_put(machine) == 0);
   /* A second machine of the process. */
   boot();
   file = open_node();
   create_vm(file);
   host_close(file);
   MUST(host_machine_put(machine) == 0);
}

#define STREAM_VA (32 * TILE_B)
#define INVALID_INSTRUCTION (UINT64_C(0xff) << 56)

/* One job after the other, through the same memory; the second is no good. */
static void
program_jobs(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vm = create_vm(file), bo = create_bo(file, TILE_B);
   struct drm_panthor_bo_mmap_offset offset = {.handle = bo};
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, STREAM_VA, TILE_B);
   struct drm_panthor_queue_create queue = {.priority = 1, .ringbuf_size = 4096};
   struct drm_panthor_group_create create = {
      .queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
      .max_compute_cores = 1, .max_fragment_cores = 1, .max_tiler_cores = 1,
      .priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
      .compute_core_mask = 1, .fragment_core_mask = 1, .tiler_core_mask = 1,
      .vm_id = vm};
   uint32_t done = create_syncobj(file);
   uint64_t *stream;
   void *addr;

   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset) == 0);
   MUST(host_mmap(file, NULL, TILE_B, PROT_READ | PROT_WRITE, MAP_SHARED,
                  offset.offset, &addr) == 0);
   stream = addr;
   MUST(bind_ops(file, vm, 0, 1, &op) == 0);
   MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_GROUP_CREATE, &create) == 0);
   for (int job = 0; job < 2; job++) {
      struct drm_panthor_sync_op sync = {
         .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = done};
      struct drm_panthor_queue_submit submit = {
         .stream_size = 16, .stream_addr = STREAM_VA,
         .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync)};
      struct drm_panthor_group_submit submits = {
         .group_handle = create.group_handle,
         .queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &submit)};
      struct drm_syncobj_wait wait = {.handles = (uintptr_t)&done,
                                      .count_handles = 1,
                                      .timeout_nsec = INT64_MAX};
      struct drm_panthor_group_get_state state = {
         .group_handle = create.group_handle};

      stream[1] = job ? INVALID_INSTRUCTION : 0;
      MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &submits) == 0);
      MUST(host_ioctl(file, DRM_IOCTL_SYNCOBJ_WAIT, &wait) == 0);
      MUST(host_ioctl(file, DRM_IOCTL_PANTHOR_GROUP_GET_STATE, &state) == 0);
      MUST(state.fatal_queues == (uint32_t)job);
   }
   MUST(host_munmap(addr, TILE_B) == 0);
   host_close(file);
   MUST(host_machine_put(machine) == 0);
}

/* Ends with its machine running, files open and a BO mapped. */
static void
program_unfinished(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vm = create_vm(file), bo = create_bo(file, 4 * TILE_B);
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, 0, TILE_B);

   MUST(bind_ops(file, vm, 0, 1, &op) == 0);
}

/* One bind of two ops. */
static void
program_short(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vm = create_vm(file);
   struct drm_panthor_vm_bind_op ops[] = {sparse_op(0, TILE_B),
                                          unmap_op(100 * TILE_B, TILE_B)};

   MUST(bind_ops(file, vm, 0, 2, ops) == 0);
   host_close(file);
   MUST(host_machine_put(machine) == 0);
}

/* Many binds, some objects that nobody needs. */
static void
program_long(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vms[2] = {create_vm(file), create_vm(file)};
   uint32_t bos[4];
   unsigned seed = 1;

   for (int i = 0; i < 4; i++)
      bos[i] = create_bo(file, 16 * TILE_B);
   use_labels(file, bos[2]);
   for (int i = 0; i < 60; i++) {
      struct drm_panthor_vm_bind_op ops[5];

      for (int k = 0; k < 5; k++) {
         uint64_t va = (uint64_t)(rand_r(&seed) % 64) * TILE_B;

         ops[k] = rand_r(&seed) % 3
                     ? map_op(bos[rand_r(&seed) % 4],
                              (uint64_t)(rand_r(&seed) % 16) * TILE_B, va, TILE_B)
                     : unmap_op(va, TILE_B);
      }
      /* Where the bugs below strike. */
      if (i == 20)
         ops[3] = unmap_op(100 * TILE_B, TILE_B);
      if (i == 40)
         ops[1] = map_op(bos[2], 0, 200 * TILE_B, TILE_B);
      if (i == 42)
         ops[2] = unmap_op(200 * TILE_B, TILE_B);
      MUST(bind_ops(file, vms[i % 2], 0, 5, ops) == 0);
   }
   host_close(file);
   MUST(host_machine_put(machine) == 0);
}

/* ---------------------------------------------------------------- replays -- */

static struct replay_report report;

static void
replay(const struct record_stream *stream)
{
   const struct replay_run_options options = {0};

   assert_int_equal(
      replay_run(stream, replay_target_host(), &options, &report), 0);
}

static void
assert_same(const struct record_stream *stream)
{
   if (report.difference_count)
      replay_print_report(stderr, stream, &report);
   assert_int_equal(report.difference_count, 0);
}

static void
test_replay_is_the_same(void **state)
{
   struct record_stream stream;

   record(program_all, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.skipped, 0);
   assert_int_equal(report.vms, 4);
   assert_true(report.has_recorded && report.has_replayed);
   for (int i = RECORD_STAT_VM_BIND_IOCTLS; i < RECORD_STAT_COUNT; i++)
      assert_int_equal(report.replayed[i], report.recorded[i]);
   record_stream_free(&stream);
}

static void
test_unfinished(void **state)
{
   struct record_stream stream;

   record(program_unfinished, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.vms, 1);
   assert_int_equal(report.recorded[RECORD_STAT_VM_BIND_OPS], 1);
   record_stream_free(&stream);
}

/* The n-th ioctl with that request. */
static struct record_ioctl *
find_ioctl(struct record_stream *stream, unsigned long request, int n)
{
   for (size_t i = 0; i < stream->count; i++) {
      if (stream->events[i].kind == RECORD_IOCTL &&
          stream->events[i].ioctl.request == (uint32_t)request && n-- == 0)
         return &stream->events[i].ioctl;
   }
   fail();
   return NULL;
}

static void
expect_difference(const struct record_stream *stream,
                  enum replay_difference_kind kind, const char *what)
{
   replay(stream);
   assert_int_equal(report.difference_count, 1);
   assert_int_equal(report.differences[0].kind, kind);
   assert_non_null(strstr(report.differences[0].what, what));
}

/* What is changed in a recording is what differs. */
static void
test_differences(void **state)
{
   struct record_stream stream;

   record(program_all, &stream);
   struct record_ioctl *ioctl = find_ioctl(&stream, DRM_IOCTL_PANTHOR_BO_SYNC, 0);
   ioctl->ret = -EINVAL;
   expect_difference(&stream, REPLAY_DIFFERS_RESULT, "PANTHOR_BO_SYNC");
   assert_int_equal(report.differences[0].recorded, -EINVAL);
   assert_int_equal(report.differences[0].replayed, 0);
   ioctl->ret = 0;

   ioctl = find_ioctl(&stream, DRM_IOCTL_PANTHOR_DEV_QUERY, 1);
   uint8_t *info = (uint8_t *)(uintptr_t)ioctl->copies[1].bytes;
   assert_true(ioctl->copies[1].out);
   info[0] ^= 1;
   expect_difference(&stream, REPLAY_DIFFERS_OUTPUT, "pointer");
   info[0] ^= 1;

   for (size_t i = 0; i < stream.count; i++) {
      if (stream.events[i].kind == RECORD_VM && stream.events[i].vm.count > 2) {
         stream.events[i].vm.ranges[1].offset += 4096;
         break;
      }
   }
   expect_difference(&stream, REPLAY_DIFFERS_TABLES, "page tables of VM 1, range 2");
   record_stream_free(&stream);
}

/* Jobs find what they found, each its own. */
static void
test_jobs(void **state)
{
   struct record_stream stream;
   size_t pieces = 0;

   record(program_jobs, &stream);
   replay(&stream);
   assert_same(&stream);
   assert_int_equal(report.unwritten, 0);
   for (size_t i = 0; i < stream.count; i++) {
      struct record_memory_run *memory = &stream.events[i].memory;

      if (stream.events[i].kind != RECORD_MEMORY)
         continue;
      pieces++;
      assert_int_equal(memory->job, pieces == 1 ? 0 : 1);
      /* Whether it is used: what is no good goes. */
      if (memory->job == 1)
         memset((uint8_t *)(uintptr_t)memory->bytes, 0, memory->size_B);
   }
   assert_int_equal(pieces, 2);
   expect_difference(&stream, REPLAY_DIFFERS_OUTPUT, "PANTHOR_GROUP_GET_STATE");
   record_stream_free(&stream);
}

/* A call whose object is missing is not made, and nothing follows from it. */
static void
test_part(void **state)
{
   struct record_stream stream;

   record(program_all, &stream);
   uint8_t *events = malloc(stream.count);
   assert_non_null(events);
   for (size_t left_out = 0; left_out < stream.count; left_out++) {
      const struct replay_part part = {.events = events};
      const struct replay_run_options options = {.part = &part};

      memset(events, 1, stream.count);
      if (!replay_can_leave_out(&stream.events[left_out]))
         continue;
      events[left_out] = 0;
      assert_int_equal(
         replay_run(&stream, replay_target_host(), &options, &report), 0);
      for (size_t i = 0; i < report.difference_count; i++)
         assert_int_not_equal(report.differences[i].kind, REPLAY_DIFFERS_MODEL);
   }
   free(events);
   record_stream_free(&stream);
}

/* A recording says anything: it may differ, and nothing worse. */
static void
test_nonsense(void **state)
{
   static uint8_t all[1000];
   const struct replay_part part = {.events = all};
   /* As a part: a wait for nothing is over soon. */
   const struct replay_run_options options = {.part = &part};
   struct record_stream stream;
   unsigned seed = 7;

   for (int round = 0; round < 60; round++) {
      if (round % 20 == 0)
         record(program_all, &stream);
      assert_true(stream.count <= sizeof(all));
      memset(all, 1, sizeof(all));
      for (int i = 0; i < 3; i++) {
         struct record_event *event = &stream.events[(size_t)rand_r(&seed) % stream.count];

         if (event->kind != RECORD_IOCTL || !event->ioctl.copy_count)
            continue;
         struct record_copy *copy =
            &event->ioctl.copies[(size_t)rand_r(&seed) % event->ioctl.copy_count];
         if (copy->size_B)
            ((uint8_t *)(uintptr_t)copy->bytes)[(size_t)rand_r(&seed) % copy->size_B] ^=
               (uint8_t)(1 << rand_r(&seed) % 8);
      }
      assert_int_equal(
         replay_run(&stream, replay_target_host(), &options, &report), 0);
      if (round % 20 == 19)
         record_stream_free(&stream);
   }
}

/* ------------------------------------------------------ a driver with bugs -- */

static int (*real_ioctl)(struct replay_file *file, uint32_t request, void *arg);
static bool struck;

static const struct drm_panthor_vm_bind_op *
find_op(void *arg, uint32_t request, uint64_t va)
{
   const struct drm_panthor_vm_bind *bind = arg;
   const struct drm_panthor_vm_bind_op *ops;

   if (request != (uint32_t)DRM_IOCTL_PANTHOR_VM_BIND)
      return NULL;
   ops = (const void *)(uintptr_t)bind->ops.array;
   for (uint32_t i = 0; i < bind->ops.count; i++) {
      if (ops[i].va == va)
         return &ops[i];
   }
   return NULL;
}

/* An address cannot be mapped any more after another one was unmapped. */
static int
ioctl_fails(struct replay_file *file, uint32_t request, void *arg)
{
   struck |= find_op(arg, request, 100 * TILE_B) != NULL;
   if (struck && find_op(arg, request, 200 * TILE_B))
      return -EINVAL;
   return real_ioctl(file, request, arg);
}

/* The process goes down with a map after a label was set. */
static int
ioctl_crashes(struct replay_file *file, uint32_t request, void *arg)
{
   struck |= request == (uint32_t)DRM_IOCTL_PANTHOR_BO_SET_LABEL;
   if (struck && find_op(arg, request, 200 * TILE_B))
      abort();
   return real_ioctl(file, request, arg);
}

/* An unmap does nothing. */
static int
ioctl_forgets(struct replay_file *file, uint32_t request, void *arg)
{
   struct drm_panthor_vm_bind_op *op =
      (struct drm_panthor_vm_bind_op *)(uintptr_t)find_op(arg, request, 200 * TILE_B);

   if (op && op->flags & DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP)
      op->va += 1000 * TILE_B;
   return real_ioctl(file, request, arg);
}

/* It does not return. */
static int
ioctl_hangs(struct replay_file *file, uint32_t request, void *arg)
{
   if (find_op(arg, request, 100 * TILE_B))
      pause();
   return real_ioctl(file, request, arg);
}

static struct replay_target_ops buggy_ops;
static struct replay_shrink_options options = {.limit_ms = 60000};

static void
set_bug(int (*bug)(struct replay_file *file, uint32_t request, void *arg))
{
   struct replay_target *target = replay_target_host();

   if (!real_ioctl)
      real_ioctl = target->ops->ioctl;
   if (target->ops != &buggy_ops)
      buggy_ops = *target->ops;
   buggy_ops.ioctl = bug ? bug : real_ioctl;
   target->ops = &buggy_ops;
}

/* Shrinks; what was written then fails in the same way, by itself. */
static void
shrink(const struct record_stream *stream,
       int (*bug)(struct replay_file *file, uint32_t request, void *arg),
       enum replay_difference_kind kind, size_t events, size_t ops)
{
   struct replay_shrunk shrunk, again;
   struct record_stream small;

   set_bug(bug);
   assert_int_equal(replay_shrink(stream, replay_target_host(), &options, &shrunk), 0);
   assert_int_equal(shrunk.failure.kind, kind);
   assert_int_equal(replay_write(stream, &shrunk, small_path), 0);
   assert_int_equal(record_stream_read(small_path, &small), 0);
   if (shrunk.event_count != events || shrunk.op_count != ops)
      assert_int_equal(shrunk.event_count, events);
   assert_int_equal(shrunk.op_count, ops);
   assert_int_equal(small.damaged_at, 0);
   assert_int_equal(replay_shrink(&small, replay_target_host(), &options, &again), 0);
   assert_int_equal(again.failure.kind, kind);
   assert_int_equal(again.event_count, events);
   assert_int_equal(again.op_count, ops);
   replay_shrunk_free(&again, small.count);
   record_stream_free(&small);
   replay_shrunk_free(&shrunk, stream->count);
   set_bug(NULL);
}

static void
test_shrink(void **state)
{
   struct replay_shrunk shrunk;
   struct record_stream stream;

   record(program_long, &stream);
   /* A VM or two, a BO, a bind for each op. */
   shrink(&stream, ioctl_fails, REPLAY_DIFFERS_RESULT, 4, 2);
   shrink(&stream, ioctl_crashes, REPLAY_DIFFERS_CRASH, 4, 1);
   shrink(&stream, ioctl_forgets, REPLAY_DIFFERS_MODEL, 4, 2);

   assert_int_equal(replay_shrink(&stream, replay_target_host(), &options, &shrunk),
                    -ENOENT);
   replay_shrunk_free(&shrunk, stream.count);
   record_stream_free(&stream);

   /* Each try that hangs takes as long. */
   record(program_short, &stream);
   options.limit_ms = 1500;
   shrink(&stream, ioctl_hangs, REPLAY_DIFFERS_HANG, 2, 1);
   options.limit_ms = 60000;
   record_stream_free(&stream);
}

/* ------------------------------------------------------------ minimizing -- */

struct wanted {
   size_t items[3], count;
   size_t tries;
};

static bool
has_wanted(void *data, const uint8_t *items)
{
   struct wanted *wanted = data;

   wanted->tries++;
   for (size_t i = 0; i < wanted->count; i++) {
      if (!items[wanted->items[i]])
         return false;
   }
   return true;
}

static void
test_minimize(void **state)
{
   uint8_t items[1000];
   unsigned seed = 3;

   for (int round = 0; round < 200; round++) {
      struct wanted wanted = {.count = 1 + (size_t)round % 3};

      for (size_t i = 0; i < wanted.count; i++)
         wanted.items[i] = (size_t)rand_r(&seed) % 1000;
      memset(items, 1, sizeof(items));
      replay_minimize(items, sizeof(items), has_wanted, &wanted);
      for (size_t i = 0; i < sizeof(items); i++) {
         bool needed = false;

         for (size_t k = 0; k < wanted.count; k++)
            needed |= wanted.items[k] == i;
         assert_int_equal(items[i], needed);
      }
      assert_true(wanted.tries < 150);
   }
   replay_minimize(items, 0, has_wanted, &(struct wanted){0});
}

/* -------------------------------------------------------------- threads -- */

static struct record_event
event_of(unsigned long request, uint64_t begin_at, uint64_t end_at)
{
   return (struct record_event){.kind = RECORD_IOCTL,
                                .begin_at = begin_at,
                                .end_at = end_at,
                                .ioctl = {.request = (uint32_t)request}};
}

/*
 * A: |-- wait --|   B: |-- signal --|       the wait ends first, and comes last
 * A: |-- destroy --|   B: |-- create --|    the number is used again
 */
static void
test_order(void **state)
{
   struct record_event events[] = {
      event_of(DRM_IOCTL_SYNCOBJ_WAIT, 1, 3),
      event_of(DRM_IOCTL_SYNCOBJ_SIGNAL, 2, 4),
      event_of(DRM_IOCTL_PANTHOR_VM_CREATE, 5, 7),
      event_of(DRM_IOCTL_PANTHOR_VM_DESTROY, 6, 8),
   };
   struct record_stream stream = {.events = events, .count = 4};

   replay_order(&stream);
   assert_int_equal(events[0].ioctl.request, (uint32_t)DRM_IOCTL_SYNCOBJ_SIGNAL);
   assert_int_equal(events[1].ioctl.request, (uint32_t)DRM_IOCTL_SYNCOBJ_WAIT);
   assert_int_equal(events[2].ioctl.request, (uint32_t)DRM_IOCTL_PANTHOR_VM_DESTROY);
   assert_int_equal(events[3].ioctl.request, (uint32_t)DRM_IOCTL_PANTHOR_VM_CREATE);
   stream.count = 0;
   replay_order(&stream);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_replay_is_the_same),
      cmocka_unit_test(test_unfinished),
      cmocka_unit_test(test_differences),
      cmocka_unit_test(test_jobs),
      cmocka_unit_test(test_part),
      cmocka_unit_test(test_nonsense),
      cmocka_unit_test(test_minimize),
      cmocka_unit_test(test_shrink),
   };

   return cmocka_run_group_tests(tests, setup, teardown);
}
