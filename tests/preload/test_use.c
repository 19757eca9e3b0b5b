/* SPDX-License-Identifier: MIT */
/* What a driver does with the node: mappings, binds, fences, shared buffers. */
#include "client.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define BO_B (1ul << 21)

/* --------------------------------------------------------------- mappings -- */

static uint32_t *
map_bo(int fd, uint32_t handle, size_t size_B)
{
   void *mapped = mmap(NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                       (off_t)mmap_offset(fd, handle));

   assert_true(mapped != MAP_FAILED);
   return mapped;
}

static void
test_map(void **state)
{
   int fd = open_node();
   uint32_t bo = create_bo(fd, BO_B);
   uint32_t *words = map_bo(fd, bo, BO_B), *same = map_bo(fd, bo, BO_B);

   assert_int_equal(words[100], 0);
   words[100] = 42;
   assert_int_equal(same[100], 42);
   assert_int_equal(munmap(same, BO_B), 0);

   /* A mapping outlives the descriptor, and may go in parts. */
   close(fd);
   words[101] = 43;
   assert_int_equal(munmap((char *)words + 4 * PAGE, PAGE), 0);
   assert_int_equal(words[100], 42);
   assert_int_equal(munmap(words, BO_B), 0);
}

static void
test_map_errors(void **state)
{
   int fd = open_node();
   uint32_t bo = create_bo(fd, BO_B);
   uint32_t *words = map_bo(fd, bo, BO_B);

   assert_ptr_equal(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), MAP_FAILED);
   assert_int_equal(errno, EINVAL);
   assert_ptr_equal(mremap(words, BO_B, 2 * BO_B, MREMAP_MAYMOVE), MAP_FAILED);
   assert_int_equal(errno, EFAULT);
   assert_errno(munmap((char *)words + 1, PAGE), EINVAL);
   words[0] = 1;
   assert_int_equal(munmap(words, BO_B), 0);
   close(fd);
}

/* What another mapping replaces is let go: the leak check would find it. */
static void
test_map_over(void **state)
{
   int fd = open_node();
   uint32_t *words = map_bo(fd, create_bo(fd, BO_B), BO_B);
   void *over = mmap(words, BO_B, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

   assert_ptr_equal(over, words);
   assert_int_equal(words[0], 0);
   assert_int_equal(munmap(over, BO_B), 0);

   /* The same the other way round. */
   over = mmap(NULL, BO_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   uint32_t bo = create_bo(fd, BO_B);
   words = mmap(over, BO_B, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                (off_t)mmap_offset(fd, bo));
   assert_ptr_equal(words, over);
   words[7] = 7;
   assert_int_equal(munmap(words, BO_B), 0);
   close(fd);
}

/* The page with the flush id, at the place for 64-bit processes. */
static void
test_flush_id(void **state)
{
   int fd = open_node();
   void *page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
                     (off_t)DRM_PANTHOR_USER_FLUSH_ID_MMIO_OFFSET);

   assert_true(page != MAP_FAILED);
   (void)*(volatile uint32_t *)page;
   assert_int_equal(munmap(page, PAGE), 0);
   close(fd);
}

/* ------------------------------------------------------------------ binds -- */

static int
bind(int fd, uint32_t vm, uint32_t flags, struct drm_panthor_vm_bind_op op)
{
   struct drm_panthor_vm_bind args = {
      .vm_id = vm,
      .flags = flags,
      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
   };

   return drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static void
test_bind(void **state)
{
   int fd = open_node();
   uint32_t vm = create_vm(fd), bo = create_bo(fd, BO_B);
   struct drm_panthor_vm_bind_op op = {
      .flags = DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE |
               DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
      .size = 1ull << 40,
   };

   assert_int_equal(bind(fd, vm, 0, op), 0);
   op.flags = DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC;
   op.bo_handle = bo;
   op.size = BO_B;
   assert_int_equal(bind(fd, vm, 0, op), 0);
   op.va = 1;
   assert_errno(bind(fd, vm, 0, op), EINVAL);
   close(fd);
}

/* ----------------------------------------------------------------- fences -- */

/* A bind that waits for @wait, a timeline's point 1, and signals @done. */
static void
bind_behind(int fd, uint32_t vm, uint32_t wait, uint32_t done)
{
   const struct drm_panthor_sync_op syncs[] = {
      {.flags = DRM_PANTHOR_SYNC_OP_WAIT, .handle = wait},
      {.flags = (uint32_t)DRM_PANTHOR_SYNC_OP_SIGNAL, .handle = done},
   };
   const struct drm_panthor_vm_bind_op op = {
      .flags = DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE |
               DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
      .size = 1ull << 30,
      .syncs = DRM_PANTHOR_OBJ_ARRAY(2, syncs),
   };

   assert_int_equal(bind(fd, vm, DRM_PANTHOR_VM_BIND_ASYNC, op), 0);
}

static void
assert_readable(int fd)
{
   struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

   assert_int_equal(poll(&poll_fd, 1, 10000), 1);
   assert_true(poll_fd.revents & POLLIN);
}

/* Syncobjs as descriptors, sync files and eventfds that poll and epoll see. */
static void
test_fences(void **state)
{
   int fd = open_node(), sync_file, shared, event = eventfd(0, EFD_CLOEXEC);
   uint32_t vm = create_vm(fd), ready, done, copy;

   assert_int_equal(
      drmSyncobjCreate(fd, DRM_SYNCOBJ_CREATE_SIGNALED, &ready), 0);
   assert_int_equal(drmSyncobjCreate(fd, 0, &done), 0);
   struct drm_syncobj_eventfd args = {.handle = done, .fd = event};
   assert_int_equal(drmIoctl(fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args), 0);
   bind_behind(fd, vm, ready, done);
   assert_readable(event);

   assert_int_equal(drmSyncobjExportSyncFile(fd, done, &sync_file), 0);
   assert_readable(sync_file);
   struct epoll_event epoll_event = {.events = EPOLLIN};
   int epoll = epoll_create1(EPOLL_CLOEXEC);
   assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, sync_file, &epoll_event),
                    0);
   assert_int_equal(epoll_wait(epoll, &epoll_event, 1, 10000), 1);

   /* The same syncobj in another file. */
   int other = open_node();
   assert_int_equal(drmSyncobjHandleToFD(fd, done, &shared), 0);
   assert_int_equal(drmSyncobjFDToHandle(other, shared, &copy), 0);
   assert_int_equal(drmSyncobjWait(other, &copy, 1, 0, 0, NULL), 0);
   assert_int_equal(drmSyncobjReset(other, &copy, 1), 0);
   assert_int_equal(drmSyncobjImportSyncFile(other, copy, sync_file), 0);
   assert_int_equal(drmSyncobjWait(fd, &done, 1, 0, 0, NULL), 0);

   close(epoll);
   close(sync_file);
   close(shared);
   close(event);
   close(other);
   close(fd);
}

/* ---------------------------------------------------------------- sharing -- */

static void
test_prime(void **state)
{
   int a = open_node(), b = open_node(), dma_buf;
   uint32_t bo = create_bo(a, BO_B), imported, again;
   uint32_t *words = map_bo(a, bo, BO_B);

   words[5] = 55;
   assert_int_equal(
      drmPrimeHandleToFD(a, bo, DRM_CLOEXEC | DRM_RDWR, &dma_buf), 0);
   assert_int_equal(fcntl(dma_buf, F_GETFD), FD_CLOEXEC);
   assert_int_equal(drmPrimeFDToHandle(b, dma_buf, &imported), 0);
   assert_int_equal(drmPrimeFDToHandle(b, dma_buf, &again), 0);
   assert_int_equal(imported, again);
   assert_int_equal(munmap(words, BO_B), 0);
   close(dma_buf);
   close(a);

   /* It lives on where it was imported. */
   words = map_bo(b, imported, BO_B);
   assert_int_equal(words[5], 55);
   assert_int_equal(munmap(words, BO_B), 0);
   close(b);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_map),      cmocka_unit_test(test_map_errors),
      cmocka_unit_test(test_map_over), cmocka_unit_test(test_flush_id),
      cmocka_unit_test(test_bind),     cmocka_unit_test(test_fences),
      cmocka_unit_test(test_prime),
   };
   return cmocka_run_group_tests_name("preload-use", tests, NULL, NULL);
}
