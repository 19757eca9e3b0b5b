/* SPDX-License-Identifier: MIT */
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
#include "programs.h"
#include "replay_order.h"

#define PAGE_B 4096u

static char path[PATH_MAX];
char programs_small_path[PATH_MAX];

int
programs_setup(void **state)
{
   const char *directory = getenv("TMPDIR");

   snprintf(path, sizeof(path), "%s/test-replay-XXXXXX",
            directory ? directory : "/tmp");
   int fd = mkstemp(path);
   if (fd < 0)
      return -1;
   snprintf(programs_small_path, sizeof(programs_small_path), "%.*s.small", PATH_MAX - 8, path);
   return close(fd);
}

int
programs_teardown(void **state)
{
   unlink(programs_small_path);
   return unlink(path);
}

#define MUST(expression)                                                       \
   do {                                                                        \
      if (!(expression)) {                                                     \
         fprintf(stderr, "%d: %s\n", __LINE__, #expression);                   \
         _exit(1);                                                             \
      }                                                                        \
   } while (0)

static struct host_machine *machine;

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

void
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

void
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

void
program_unfinished(void)
{
   boot();
   struct host_file *file = open_node();
   uint32_t vm = create_vm(file), bo = create_bo(file, 4 * TILE_B);
   struct drm_panthor_vm_bind_op op = map_op(bo, 0, 0, TILE_B);

   MUST(bind_ops(file, vm, 0, 1, &op) == 0);
}

void
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

void
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

/* --------------------------------------------------------------- recording -- */

void
programs_record(void (*program)(void), struct record_stream *stream)
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
