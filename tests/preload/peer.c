/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "client.h"

#include <linux/dma-buf.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

extern char **environ;

/* ------------------------------------------------------------ descriptors -- */

/* @fd goes along, unless it is -1. */
static bool
send_all(int socket, const void *data, size_t size_B, int fd)
{
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(sizeof(int))];
   } control = {0};
   struct iovec iov = {(void *)data, size_B};
   struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

   if (fd >= 0) {
      msg.msg_control = &control;
      msg.msg_controllen = sizeof(control);
      control.align.cmsg_level = SOL_SOCKET;
      control.align.cmsg_type = SCM_RIGHTS;
      control.align.cmsg_len = CMSG_LEN(sizeof(int));
      memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
   }
   return sendmsg(socket, &msg, MSG_NOSIGNAL) == (ssize_t)size_B;
}

/* False: the other end is gone. */
static bool
receive(int socket, void *data, size_t size_B, int *fd_out)
{
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(sizeof(int))];
   } control;
   struct iovec iov = {data, size_B};
   struct msghdr msg = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control)};

   *fd_out = -1;
   if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) != (ssize_t)size_B)
      return false;
   struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
   if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
      memcpy(fd_out, CMSG_DATA(cmsg), sizeof(*fd_out));
   return true;
}

/* ------------------------------------------------------- this process's own -- */

static struct slot {
   int fd; /* 0: none */
   uint32_t handle;
   char *mapping;
} slots[PEER_SLOTS];

static int node;

static int64_t
done(int ret)
{
   return ret ? -errno : 0;
}

static void
close_fd(int *fd)
{
   if (*fd)
      close(*fd);
   *fd = 0;
}

static int64_t
export(struct slot *slot, uint32_t flags)
{
   int fd;

   if (drmPrimeHandleToFD(node, slot->handle, flags, &fd))
      return -errno;
   close_fd(&slot->fd);
   slot->fd = fd;
   return 0;
}

static int64_t
export_syncobj(struct slot *slot)
{
   uint32_t handle;

   if (drmSyncobjCreate(node, 0, &handle) ||
       drmSyncobjHandleToFD(node, handle, &slot->fd))
      return -errno;
   return 0;
}

static int64_t
close_handle(struct slot *slot)
{
   struct drm_gem_close args = {.handle = slot->handle};

   slot->handle = 0;
   return done(drmIoctl(node, DRM_IOCTL_GEM_CLOSE, &args));
}

static int64_t
map(struct slot *slot, int fd, uint64_t size_B, uint64_t offset)
{
   void *mapping = mmap(NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                        (off_t)offset);

   if (mapping == MAP_FAILED)
      return -errno;
   slot->mapping = mapping;
   return 0;
}

static int64_t
sync_caches(uint32_t handle)
{
   struct drm_panthor_bo_sync_op op = {.handle = handle, .size = PAGE_B};
   struct drm_panthor_bo_sync args = {.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   return done(drmIoctl(node, DRM_IOCTL_PANTHOR_BO_SYNC, &args));
}

static int64_t
info(uint32_t handle)
{
   struct drm_panthor_bo_query_info args = {.handle = handle};

   if (drmIoctl(node, DRM_IOCTL_PANTHOR_BO_QUERY_INFO, &args))
      return -errno;
   return args.extra_flags;
}

/* -------------------------------------------------------------------- GPU -- */

#define STREAM_VA 0x1000000ull
#define DATA_VA 0x40000000ull
#define RESULT 4096 /* where a stream leaves what it loaded */

static struct {
   uint32_t vm, bo, group, syncobj;
   uint64_t *map;
} gpu;

static int
vm_bind(uint32_t flags, uint32_t bo, uint64_t bo_offset, uint64_t va,
     uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {.flags = flags,
                                       .bo_handle = bo,
                                       .bo_offset = bo_offset,
                                       .va = va,
                                       .size = size_B};
   struct drm_panthor_vm_bind args = {.vm_id = gpu.vm,
                                      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   return drmIoctl(node, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

/* A VM with memory for a stream, and a group. */
static void
gpu_init(void)
{
   struct drm_panthor_queue_create queue = {.priority = 1,
                                            .ringbuf_size = 4096};

   if (gpu.vm)
      return;
   gpu.vm = create_vm(node);
   gpu.bo = create_bo(node, 2 * PAGE_B);
   assert_int_equal(vm_bind(0, gpu.bo, 0, STREAM_VA, 2 * PAGE_B), 0);
   gpu.map = mmap(NULL, 2 * PAGE_B, PROT_READ | PROT_WRITE, MAP_SHARED, node,
                  (off_t)mmap_offset(node, gpu.bo));
   assert_ptr_not_equal(gpu.map, MAP_FAILED);
   struct drm_panthor_group_create group = {
      .queues = DRM_PANTHOR_OBJ_ARRAY(1, &queue),
      .max_compute_cores = 1,
      .max_fragment_cores = 1,
      .max_tiler_cores = 1,
      .priority = PANTHOR_GROUP_PRIORITY_MEDIUM,
      .compute_core_mask = 1,
      .fragment_core_mask = 1,
      .tiler_core_mask = 1,
      .vm_id = gpu.vm,
   };
   assert_int_equal(drmIoctl(node, DRM_IOCTL_PANTHOR_GROUP_CREATE, &group), 0);
   gpu.group = group.group_handle;
   assert_int_equal(drmSyncobjCreate(node, 0, &gpu.syncobj), 0);
}

/* MOVE48, MOVE32, LOAD_MULTIPLE and STORE_MULTIPLE of one word, WAIT for all. */
#define MOVE48(reg, value) (1ull << 56 | (uint64_t)(reg) << 48 | (value))
#define MOVE32(reg, value) (2ull << 56 | (uint64_t)(reg) << 48 | (value))
#define LOAD(reg, addr)                                                        \
   (20ull << 56 | (uint64_t)(reg) << 48 | (uint64_t)(addr) << 40 | 1 << 16)
#define STORE(reg, addr)                                                       \
   (21ull << 56 | (uint64_t)(reg) << 48 | (uint64_t)(addr) << 40 | 1 << 16)
#define WAIT (3ull << 56 | 0xff << 16)

/* Copies a word, or stores @value where @from is 0. */
static void
gpu_run(uint64_t to, uint64_t from, uint32_t value)
{
   const uint64_t stream[] = {
      MOVE48(0, from ? from : to), MOVE48(2, to),
      MOVE32(4, value),            from ? LOAD(4, 0) : WAIT,
      WAIT,                        STORE(4, 2),
      WAIT,                        0,
   };
   struct drm_panthor_sync_op sync = {
      .flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = gpu.syncobj};
   struct drm_panthor_queue_submit job = {
      .stream_addr = STREAM_VA,
      .stream_size = sizeof(stream),
      .syncs = DRM_PANTHOR_OBJ_ARRAY(1, &sync)};
   struct drm_panthor_group_submit args = {
      .group_handle = gpu.group,
      .queue_submits = DRM_PANTHOR_OBJ_ARRAY(1, &job)};

   memcpy(gpu.map, stream, sizeof(stream));
   assert_int_equal(drmSyncobjReset(node, &gpu.syncobj, 1), 0);
   assert_int_equal(drmIoctl(node, DRM_IOCTL_PANTHOR_GROUP_SUBMIT, &args), 0);
   assert_int_equal(drmSyncobjWait(node, &gpu.syncobj, 1, INT64_MAX, 0, NULL),
                    0);
}

/* The page at @offset is bound for the time of it, by itself. */
static int64_t
gpu_access(struct slot *slot, const struct peer_call *call)
{
   uint64_t page = call->offset & ~(PAGE_B - 1);
   uint64_t va = DATA_VA + call->offset;

   gpu_init();
   if (vm_bind(DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, slot->handle, page,
            DATA_VA + page, PAGE_B))
      return -errno;
   if (call->op == PEER_GPU_LOAD)
      gpu_run(STREAM_VA + RESULT, va, 0);
   else
      gpu_run(va, 0, call->value);
   assert_int_equal(vm_bind((uint32_t)DRM_PANTHOR_VM_BIND_OP_TYPE_UNMAP, 0, 0,
                         DATA_VA + page, PAGE_B),
                    0);
   if (call->op == PEER_GPU_STORE)
      return 0;
   return *(uint32_t *)((char *)gpu.map + RESULT);
}

static void
gpu_done(void)
{
   struct drm_panthor_group_destroy args = {.group_handle = gpu.group};

   if (!gpu.vm)
      return;
   assert_int_equal(drmIoctl(node, DRM_IOCTL_PANTHOR_GROUP_DESTROY, &args), 0);
   munmap(gpu.map, 2 * PAGE_B);
   memset(&gpu, 0, sizeof(gpu));
}

/* ------------------------------------------------------------------- calls -- */

static int64_t
take(struct slot *slot, const struct peer_call *call, int fd)
{
   /* Else one that was inherited. */
   slot->fd = fd >= 0 ? fd : (int)call->value;
   return slot->fd;
}

static int64_t
import(struct slot *slot)
{
   if (drmPrimeFDToHandle(node, slot->fd, &slot->handle))
      return -errno;
   return slot->handle;
}

#define FILLER_B (1ul << 30)

static char *filler; /* what fragment() has mapped */

/*
 * Fills memory with single pages, which are mapped so that they stay, and gives up
 * every second one. How many it gave up.
 */
static int64_t
fragment(void)
{
   uint64_t count = 0;

   filler = mmap(NULL, FILLER_B, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   assert_ptr_not_equal(filler, MAP_FAILED);
   for (; count < FILLER_B / PAGE_B; count++) {
      struct drm_gem_close args = {.handle = create_bo(node, PAGE_B)};
      void *page = mmap(filler + count * PAGE_B, PAGE_B, PROT_READ,
                        MAP_SHARED | MAP_FIXED, node,
                        (off_t)mmap_offset(node, args.handle));

      assert_int_equal(drmIoctl(node, DRM_IOCTL_GEM_CLOSE, &args), 0);
      if (page == MAP_FAILED)
         break;
   }
   /* Nobody else is to have those addresses. */
   for (uint64_t i = 0; i < count; i += 2)
      assert_ptr_not_equal(mmap(filler + i * PAGE_B, PAGE_B, PROT_NONE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                           MAP_FAILED);
   return (int64_t)count / 2;
}

/* Until somebody ends it. */
static int64_t
churn(struct slot *slot)
{
   struct slot other = {0};

   for (;;) {
      import(slot);
      gpu_access(slot, &(struct peer_call){.op = PEER_GPU_LOAD});
      close_handle(slot);
      other.handle = create_bo(node, 64 * PAGE_B);
      export(&other, DRM_CLOEXEC);
      close_handle(&other);
   }
   return 0;
}

static int64_t
do_buffer(struct slot *slot, const struct peer_call *call, int fd)
{
   struct dma_buf_sync sync = {DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW};
   off_t end;

   switch (call->op) {
   case PEER_CREATE:
      slot->handle = create_bo(node, call->size_B);
      return export(slot, call->flags);
   case PEER_SYNCOBJ:
      return export_syncobj(slot);
   case PEER_TAKE:
      return take(slot, call, fd);
   case PEER_GIVE:
      return 0;
   case PEER_SEEK:
      end = lseek(slot->fd, 0, SEEK_END);
      return end < 0 ? -errno : end;
   case PEER_IMPORT:
      return import(slot);
   case PEER_EXPORT:
      return export(slot, call->flags);
   case PEER_INFO:
      return info(slot->handle);
   case PEER_SYNC:
      return sync_caches(slot->handle);
   case PEER_IOCTL:
      return done(ioctl(slot->fd, DMA_BUF_IOCTL_SYNC, &sync));
   case PEER_CLOSE_FD:
      close_fd(&slot->fd);
      return 0;
   case PEER_CLOSE_HANDLE:
      return close_handle(slot);
   case PEER_FRAGMENT:
      return fragment();
   case PEER_CHURN:
      return churn(slot);
   default:
      return -ENOSYS;
   }
}

static int64_t
do_access(struct slot *slot, const struct peer_call *call)
{
   volatile uint32_t *word = (uint32_t *)(slot->mapping + call->offset);

   switch (call->op) {
   case PEER_MAP:
      return map(slot, node, call->size_B, mmap_offset(node, slot->handle));
   case PEER_MAP_FD:
      return map(slot, slot->fd, call->size_B, call->offset);
   case PEER_UNMAP:
      return done(munmap(slot->mapping, call->size_B));
   case PEER_LOAD:
      return *word;
   case PEER_STORE:
      *word = call->value;
      return 0;
   default:
      return gpu_access(slot, call);
   }
}

int64_t
peer_do(struct peer_call call, int fd, int *fd_out)
{
   struct slot *slot = &slots[call.slot];

   if (!node)
      node = open_node();
   if (fd_out)
      *fd_out = call.op == PEER_GIVE ? dup(slot->fd) : -1;
   if (call.op >= PEER_MAP && call.op <= PEER_GPU_STORE)
      return do_access(slot, &call);
   return do_buffer(slot, &call, fd);
}

void
peer_done(void)
{
   gpu_done();
   if (filler)
      munmap(filler, FILLER_B);
   filler = NULL;
   for (int i = 0; i < PEER_SLOTS; i++)
      close_fd(&slots[i].fd);
   memset(slots, 0, sizeof(slots));
   close_fd(&node);
}

/* ------------------------------------------------------------ other process -- */

int
peer_main(const char *argument)
{
   int socket = atoi(argument), fd, out;
   struct peer_call call;

   while (receive(socket, &call, sizeof(call), &fd) && call.op != PEER_QUIT) {
      struct peer_answer answer = {peer_do(call, fd, &out)};

      if (!send_all(socket, &answer, sizeof(answer), out))
         return 1;
      if (out >= 0)
         close(out);
   }
   peer_done();
   return 0;
}

struct peer
peer_start(void)
{
   char argument[16];
   char *argv[] = {"/proc/self/exe", argument, NULL};
   struct peer peer;
   int ends[2];

   assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
                    0);
   assert_int_equal(fcntl(ends[1], F_SETFD, 0), 0);
   snprintf(argument, sizeof(argument), "%d", ends[1]);
   assert_int_equal(
      posix_spawn(&peer.pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
   close(ends[1]);
   peer.socket = ends[0];
   return peer;
}

void
peer_send(const struct peer *peer, struct peer_call call)
{
   assert_true(send_all(peer->socket, &call, sizeof(call), -1));
}

void
peer_finish(struct peer *peer)
{
   int status;

   peer_send(peer, (struct peer_call){.op = PEER_QUIT});
   assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
   assert_int_equal(status, 0);
   close(peer->socket);
}

void
peer_kill(struct peer *peer)
{
   int status;

   assert_int_equal(kill(peer->pid, SIGKILL), 0);
   assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
   assert_true(WIFSIGNALED(status));
   close(peer->socket);
}

int64_t
peer_call_fd(const struct peer *peer, struct peer_call call, int fd,
             int *fd_out)
{
   struct peer_answer answer;
   int out;

   assert_true(send_all(peer->socket, &call, sizeof(call), fd));
   assert_true(receive(peer->socket, &answer, sizeof(answer), &out));
   if (fd_out)
      *fd_out = out;
   else
      assert_int_equal(out, -1);
   return answer.value;
}
