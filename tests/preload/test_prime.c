/* SPDX-License-Identifier: MIT */
/*
 * Buffers shared between processes, each of which has a machine of its own. The
 * one that is told is a peer (peer.h), or this process.
 */
#include "client.h"
#include "peer.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "../../src/linux/drm/dma_buf_message.h"

#define BO_B (64 * PAGE_B)
#define RDWR (DRM_CLOEXEC | DRM_RDWR)

static const struct peer *const here = NULL;

/* A call of @peer, or of this process. */
static int64_t
ask(const struct peer *peer, struct peer_call call)
{
   return peer ? peer_call_fd(peer, call, -1, NULL) : peer_do(call, -1, NULL);
}

#define ASK(peer, ...) ask(peer, (struct peer_call){__VA_ARGS__})

/* The slot's descriptor, from the one to the other. */
static void
pass(const struct peer *from, const struct peer *to, uint32_t slot)
{
   const struct peer_call give = {PEER_GIVE, slot}, take = {PEER_TAKE, slot};
   int fd;

   if (from)
      peer_call_fd(from, give, -1, &fd);
   else
      peer_do(give, -1, &fd);
   assert_true(fd >= 0);
   if (!to) {
      peer_do(take, fd, NULL);
      return;
   }
   peer_call_fd(to, take, fd, NULL);
   close(fd);
}

/* @from makes a buffer in @slot, and @to imports it there. */
static void
share(const struct peer *from, const struct peer *to, uint32_t slot,
      uint64_t size_B)
{
   assert_int_equal(ASK(from, PEER_CREATE, slot, .size_B = size_B,
                        .flags = RDWR), 0);
   pass(from, to, slot);
   assert_true(ASK(to, PEER_IMPORT, slot) > 0);
}

/* What @writer leaves at @offset by @store, @reader finds by @load. */
static void
check_word(const struct peer *writer, enum peer_op store,
           const struct peer *reader, enum peer_op load, uint64_t offset)
{
   static uint32_t value = 1000;

   value++;
   assert_int_equal(ASK(writer, store, 0, offset, .value = value), 0);
   assert_int_equal(ASK(reader, load, 0, offset), value);
}

/* CPU and GPU of both, with both mapped, each way. */
static void
check_words(const struct peer *a, const struct peer *b, uint64_t offset)
{
   static const enum peer_op stores[] = {PEER_STORE, PEER_GPU_STORE};
   static const enum peer_op loads[] = {PEER_LOAD, PEER_GPU_LOAD};

   for (int i = 0; i < 4; i++) {
      check_word(a, stores[i / 2], b, loads[i % 2], offset + 4 * i);
      check_word(b, stores[i / 2], a, loads[i % 2], offset + 4 * i);
   }
}

static void
check_shared(const struct peer *exporter, const struct peer *importer,
             uint64_t size_B)
{
   share(exporter, importer, 0, size_B);
   assert_int_equal(ASK(exporter, PEER_MAP, 0, .size_B = size_B), 0);
   assert_int_equal(ASK(importer, PEER_MAP, 0, .size_B = size_B), 0);
   assert_int_equal(ASK(importer, PEER_LOAD, 0, size_B - 4), 0);
   for (uint64_t at = 0; at < size_B; at = at ? 4 * at : PAGE_B)
      check_words(exporter, importer, at);
   check_words(exporter, importer, size_B - 16);
   assert_int_equal(ASK(exporter, PEER_UNMAP, 0, .size_B = size_B), 0);
   assert_int_equal(ASK(importer, PEER_UNMAP, 0, .size_B = size_B), 0);
   ASK(exporter, PEER_CLOSE_FD, 0);
   ASK(importer, PEER_CLOSE_FD, 0);
   assert_int_equal(ASK(exporter, PEER_CLOSE_HANDLE, 0), 0);
   assert_int_equal(ASK(importer, PEER_CLOSE_HANDLE, 0), 0);
}

static void
test_bytes(void **state)
{
   static const uint64_t sizes[] = {PAGE_B, 3 * PAGE_B, 1 << 21,
                                    (1 << 21) + PAGE_B, 1 << 26};
   struct peer peer = peer_start();

   for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
      check_shared(&peer, here, sizes[i]);
      check_shared(here, &peer, sizes[i]);
   }
   peer_done();
   peer_finish(&peer);
}

/* What the node and the descriptor say of it, before and after. */
static void
test_calls(void **state)
{
   struct peer peer = peer_start();

   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = BO_B, .flags = RDWR),
                    0);
   assert_int_equal(ASK(&peer, PEER_INFO, 0), 0);
   pass(&peer, here, 0);
   assert_int_equal(ASK(here, PEER_SEEK, 0), BO_B);
   assert_int_equal(ASK(here, PEER_IOCTL, 0), 0);
   assert_true(ASK(here, PEER_IMPORT, 0) > 0);
   assert_int_equal(ASK(here, PEER_SEEK, 0), BO_B);
   assert_int_equal(ASK(here, PEER_IOCTL, 0), 0);
   assert_int_equal(ASK(here, PEER_INFO, 0), DRM_PANTHOR_BO_IS_IMPORTED);
   assert_int_equal(ASK(here, PEER_SYNC, 0), -EINVAL);

   /* From its 60th page on. */
   assert_int_equal(ASK(here, PEER_MAP_FD, 0, 60 * PAGE_B, 4 * PAGE_B), 0);
   assert_int_equal(ASK(&peer, PEER_MAP, 0, .size_B = BO_B), 0);
   assert_int_equal(ASK(here, PEER_STORE, 0, PAGE_B, .value = 61), 0);
   assert_int_equal(ASK(&peer, PEER_LOAD, 0, 61 * PAGE_B), 61);
   assert_int_equal(ASK(here, PEER_UNMAP, 0, .size_B = 4 * PAGE_B), 0);
   assert_int_equal(ASK(&peer, PEER_UNMAP, 0, .size_B = BO_B), 0);
   peer_done();
   peer_finish(&peer);
}

/* Exported for reading. */
static void
test_read_only(void **state)
{
   struct peer peer = peer_start();

   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = BO_B,
                        .flags = DRM_CLOEXEC), 0);
   pass(&peer, here, 0);
   assert_int_equal(ASK(here, PEER_MAP_FD, 0, 0, PAGE_B), -EACCES);
   peer_done();
   peer_finish(&peer);
}

/* Descriptors of fences say nothing to another process, and nobody waits. */
static void
test_no_fences(void **state)
{
   struct peer peer = peer_start();
   struct pollfd poll_fd = {.events = POLLIN | POLLOUT};
   struct drm_gem_close args;
   int node = open_node(), fd;
   uint32_t handle;

   assert_int_equal(ASK(&peer, PEER_SYNCOBJ, 0), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 0}, -1, &fd);
   assert_errno(drmSyncobjFDToHandle(node, fd, &handle), EINVAL);
   assert_errno(drmPrimeFDToHandle(node, fd, &handle), EINVAL);
   close(fd);

   assert_int_equal(ASK(&peer, PEER_CREATE, 1, .size_B = BO_B, .flags = RDWR),
                    0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 1}, -1, &poll_fd.fd);
   assert_errno(drmSyncobjFDToHandle(node, poll_fd.fd, &handle), EINVAL);
   for (int i = 0; i < 2; i++) {
      assert_int_equal(poll(&poll_fd, 1, 0), 1);
      assert_int_equal(poll_fd.revents, POLLIN | POLLOUT);
      /* The same when it is imported. */
      assert_int_equal(drmPrimeFDToHandle(node, poll_fd.fd, &handle), 0);
   }
   args = (struct drm_gem_close){.handle = handle};
   assert_int_equal(drmIoctl(node, DRM_IOCTL_GEM_CLOSE, &args), 0);
   close(poll_fd.fd);
   close(node);
   peer_finish(&peer);
}

/* ----------------------------------------------------------------- extents -- */

/* What comes with a descriptor; closes none of the files. */
static struct linux_dma_buf_message
look(int fd, int fds[2])
{
   struct linux_dma_buf_message message;
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(2 * sizeof(int))];
   } control;
   struct iovec iov = {&message, sizeof(message)};
   struct msghdr msg = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control)};

   assert_int_equal(recvmsg(fd, &msg, MSG_PEEK | MSG_CMSG_CLOEXEC),
                    sizeof(message));
   assert_int_equal(control.align.cmsg_len, CMSG_LEN(2 * sizeof(int)));
   memcpy(fds, CMSG_DATA(&control.align), 2 * sizeof(int));
   return message;
}

/* A buffer in the holes between others: as many pieces. */
static void
test_fragmented(void **state)
{
   enum { PAGES = 200 };
   struct linux_dma_buf_message message;
   int fds[2], fd;

   setenv("PANSPARSE_DRAM", "32M", 1);
   struct peer peer = peer_start();
   unsetenv("PANSPARSE_DRAM");
   assert_true(ASK(&peer, PEER_FRAGMENT) > PAGES);
   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = PAGES * PAGE_B,
                        .flags = RDWR), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 0}, -1, &fd);
   message = look(fd, fds);
   assert_int_equal(message.size_B, PAGES * PAGE_B);
   assert_int_equal(message.num_extents, PAGES);
   close(fds[0]);
   close(fds[1]);
   close(fd);

   pass(&peer, here, 0);
   assert_true(ASK(here, PEER_IMPORT, 0) > 0);
   assert_int_equal(ASK(&peer, PEER_MAP, 0, .size_B = PAGES * PAGE_B), 0);
   assert_int_equal(ASK(here, PEER_MAP, 0, .size_B = PAGES * PAGE_B), 0);
   for (uint64_t i = 0; i < PAGES; i++)
      check_word(here, PEER_STORE, &peer, PEER_LOAD, i * PAGE_B);
   for (uint64_t i = 0; i < PAGES; i += 7)
      check_words(here, &peer, i * PAGE_B);
   assert_int_equal(ASK(&peer, PEER_UNMAP, 0, .size_B = PAGES * PAGE_B), 0);
   assert_int_equal(ASK(here, PEER_UNMAP, 0, .size_B = PAGES * PAGE_B), 0);
   peer_done();
   peer_finish(&peer);
}

/* ---------------------------------------------------------------- identity -- */

/* However often it was exported, copied and imported. */
static void
test_same(void **state)
{
   struct peer peer = peer_start();
   int64_t handle;

   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = BO_B, .flags = RDWR),
                    0);
   pass(&peer, here, 0);
   pass(&peer, here, 1);
   assert_int_equal(ASK(&peer, PEER_EXPORT, 0, .flags = RDWR), 0);
   pass(&peer, here, 0);
   handle = ASK(here, PEER_IMPORT, 0);
   assert_true(handle > 0);
   assert_int_equal(ASK(here, PEER_IMPORT, 0), handle);
   peer_done();
   peer_finish(&peer);
}

/* What comes home is what it was. */
static void
test_own(void **state)
{
   struct peer peer = peer_start();
   int node = open_node(), fd, back;
   uint32_t bo = create_bo(node, BO_B), handle;

   assert_int_equal(drmPrimeHandleToFD(node, bo, RDWR, &fd), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_TAKE, 0}, fd, NULL);
   assert_true(ASK(&peer, PEER_IMPORT, 0) > 0);
   assert_int_equal(ASK(&peer, PEER_EXPORT, 0, .flags = RDWR), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 0}, -1, &back);
   assert_int_equal(drmPrimeFDToHandle(node, back, &handle), 0);
   assert_int_equal(handle, bo);
   close(back);
   close(fd);
   peer_finish(&peer);
   close(node);
}

/* Larger than all RAM: it has no pages for others, and is exported all the same. */
static void
test_no_pages(void **state)
{
   struct peer peer = peer_start();
   int node = open_node(), other = open_node(), fd;
   uint32_t bo = create_bo(node, UINT64_C(1) << 38), handle;

   assert_int_equal(drmPrimeHandleToFD(node, bo, RDWR, &fd), 0);
   assert_int_equal(drmPrimeFDToHandle(node, fd, &handle), 0);
   assert_int_equal(handle, bo);
   assert_int_equal(drmPrimeFDToHandle(other, fd, &handle), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_TAKE, 0}, fd, NULL);
   assert_int_equal(ASK(&peer, PEER_IMPORT, 0), -EINVAL);
   close(fd);
   peer_finish(&peer);
   close(other);
   close(node);
}

/* Handed on, after which the one in the middle forgets it. */
static void
test_third(void **state)
{
   struct peer first = peer_start(), last = peer_start();

   share(&first, here, 0, BO_B);
   assert_int_equal(ASK(&first, PEER_MAP, 0, .size_B = BO_B), 0);
   assert_int_equal(ASK(here, PEER_EXPORT, 0, .flags = RDWR), 0);
   pass(here, &last, 0);
   peer_done();
   assert_true(ASK(&last, PEER_IMPORT, 0) > 0);
   assert_int_equal(ASK(&last, PEER_MAP, 0, .size_B = BO_B), 0);
   check_words(&first, &last, 9 * PAGE_B);
   ASK(&first, PEER_CLOSE_FD, 0);
   ASK(&first, PEER_CLOSE_HANDLE, 0);
   check_word(&first, PEER_STORE, &last, PEER_GPU_LOAD, 0);
   assert_int_equal(ASK(&first, PEER_UNMAP, 0, .size_B = BO_B), 0);
   assert_int_equal(ASK(&last, PEER_UNMAP, 0, .size_B = BO_B), 0);
   peer_finish(&first);
   peer_finish(&last);
}

/* One that was open when the program was started. */
static void
test_inherited(void **state)
{
   int node = open_node(), fd;

   assert_int_equal(drmPrimeHandleToFD(node, create_bo(node, BO_B), DRM_RDWR,
                                       &fd), 0);
   char *mapping = mmap(NULL, BO_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
   assert_ptr_not_equal(mapping, MAP_FAILED);
   strcpy(mapping + PAGE_B, "for the child");
   struct peer peer = peer_start();
   assert_int_equal(ASK(&peer, PEER_TAKE, 0, .value = (uint32_t)fd), fd);
   assert_true(ASK(&peer, PEER_IMPORT, 0) > 0);
   uint32_t word;
   memcpy(&word, mapping + PAGE_B, sizeof(word));
   assert_int_equal(ASK(&peer, PEER_GPU_LOAD, 0, PAGE_B), word);
   peer_finish(&peer);
   munmap(mapping, BO_B);
   close(fd);
   close(node);
}

/* ---------------------------------------------------------------- lifetime -- */

/* The exporter has closed all, and makes new buffers; those are other memory. */
static void
test_exporter_forgets(void **state)
{
   struct peer peer = peer_start();

   share(&peer, here, 0, BO_B);
   assert_int_equal(ASK(here, PEER_MAP, 0, .size_B = BO_B), 0);
   assert_int_equal(ASK(here, PEER_STORE, 0, 0, .value = 5), 0);
   ASK(&peer, PEER_CLOSE_FD, 0);
   ASK(&peer, PEER_CLOSE_HANDLE, 0);
   ASK(here, PEER_CLOSE_FD, 0);
   for (uint32_t slot = 1; slot < PEER_SLOTS; slot++) {
      assert_int_equal(ASK(&peer, PEER_CREATE, slot, .size_B = BO_B,
                           .flags = RDWR), 0);
      assert_int_equal(ASK(&peer, PEER_MAP, slot, .size_B = BO_B), 0);
      assert_int_equal(ASK(&peer, PEER_STORE, slot, 0, .value = 99), 0);
      assert_int_equal(ASK(&peer, PEER_UNMAP, slot, .size_B = BO_B), 0);
   }
   assert_int_equal(ASK(here, PEER_LOAD, 0), 5);
   assert_int_equal(ASK(here, PEER_GPU_LOAD, 0), 5);
   /* A mapping alone keeps it as well. */
   ASK(here, PEER_CLOSE_HANDLE, 0);
   ASK(&peer, PEER_CREATE, 0, .size_B = BO_B, .flags = RDWR);
   assert_int_equal(ASK(here, PEER_LOAD, 0), 5);
   assert_int_equal(ASK(here, PEER_UNMAP, 0, .size_B = BO_B), 0);
   peer_done();
   peer_finish(&peer);
}

/* The exporter ends as it should, in which it frees all it has. */
static void
test_exporter_ends(void **state)
{
   static const uint64_t sizes[] = {PAGE_B, 1 << 21};

   for (unsigned i = 0; i < 2; i++) {
      struct peer peer = peer_start();

      share(&peer, here, 0, sizes[i]);
      assert_int_equal(ASK(&peer, PEER_GPU_STORE, 0, 8, .value = 77), 0);
      peer_finish(&peer);
      assert_int_equal(ASK(here, PEER_GPU_LOAD, 0, 8), 77);
      assert_int_equal(ASK(here, PEER_MAP, 0, .size_B = sizes[i]), 0);
      assert_int_equal(ASK(here, PEER_LOAD, 0, 8), 77);
      check_words(here, here, 16);
      /* Also for who comes late. */
      struct peer late = peer_start();
      pass(here, &late, 0);
      assert_true(ASK(&late, PEER_IMPORT, 0) > 0);
      check_word(here, PEER_STORE, &late, PEER_GPU_LOAD, 4);
      peer_finish(&late);
      assert_int_equal(ASK(here, PEER_UNMAP, 0, .size_B = sizes[i]), 0);
      peer_done();
   }
}

/* The other one is killed in the middle of something, whatever its part is. */
static void
test_killed(void **state)
{
   for (unsigned i = 0; i < 6; i++) {
      struct peer peer = peer_start();
      const struct peer *exporter = i % 2 ? &peer : here;
      const struct peer *importer = i % 2 ? here : &peer;

      share(exporter, importer, 0, BO_B);
      assert_int_equal(ASK(here, PEER_MAP, 0, .size_B = BO_B), 0);
      assert_int_equal(ASK(here, PEER_STORE, 0, 4, .value = 7 + i), 0);
      assert_int_equal(ASK(&peer, PEER_GPU_LOAD, 0, 4), 7 + i);
      peer_send(&peer, (struct peer_call){.op = PEER_CHURN});
      usleep(20000 * (1 + i));
      peer_kill(&peer);
      assert_int_equal(ASK(here, PEER_LOAD, 0, 4), 7 + i);
      check_words(here, here, 5 * PAGE_B);
      assert_int_equal(ASK(here, PEER_UNMAP, 0, .size_B = BO_B), 0);
      peer_done();
   }
}

/* A program that closes all that it does not know does not close ours. */
static void
test_close_range(void **state)
{
   struct peer peer = peer_start();
   int node = open_node(), fd;
   uint32_t handle, again;

   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = BO_B, .flags = RDWR),
                    0);
   assert_int_equal(ASK(&peer, PEER_GPU_STORE, 0, 0, .value = 4711), 0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 0}, -1, &fd);
   assert_int_equal(drmPrimeFDToHandle(node, fd, &handle), 0);
   peer_kill(&peer);
   assert_int_equal(close_range((unsigned)node + 1, ~0u, 0), 0);
   assert_int_equal(drmPrimeHandleToFD(node, handle, RDWR, &fd), 0);
   assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
   assert_int_equal(lseek(fd, 0, SEEK_END), BO_B);
   assert_int_equal(drmPrimeFDToHandle(node, fd, &again), 0);
   assert_int_equal(again, handle);
   uint32_t *words = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);
   assert_ptr_not_equal(words, MAP_FAILED);
   assert_int_equal(words[0], 4711);
   munmap(words, PAGE_B);
   /* This one is the program's to close. */
   assert_int_equal(close(fd), 0);
   close(node);
}

/* ------------------------------------------------------------ bad messages -- */

/* A socket with @size_B bytes of @message and two descriptors. */
static int
forge(const struct linux_dma_buf_message *message, size_t size_B,
      const int fds[2])
{
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(2 * sizeof(int))];
   } control = {.align = {.cmsg_len = CMSG_LEN(2 * sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
   struct iovec iov = {(void *)message, size_B};
   struct msghdr msg = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control)};
   int ends[2];

   memcpy(CMSG_DATA(&control.align), fds, 2 * sizeof(int));
   assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                    0);
   assert_int_equal(sendmsg(ends[1], &msg, 0), size_B);
   close(ends[1]);
   return ends[0];
}

/* A table with one extent, sealed as one has to be. */
static int
forge_table(uint64_t offset, uint64_t size_B)
{
   const struct linux_dma_buf_extent extent = {offset, size_B};
   int fd = memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING);

   assert_int_equal(write(fd, &extent, sizeof(extent)), sizeof(extent));
   assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK |
                                              F_SEAL_GROW | F_SEAL_WRITE), 0);
   return fd;
}

/* It is a socket, to all calls. */
static void
refuse(int node, int fd)
{
   uint32_t handle;

   assert_errno(drmPrimeFDToHandle(node, fd, &handle), EINVAL);
   assert_errno(lseek(fd, 0, SEEK_END), ESPIPE);
   assert_errno((long)mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
   close(fd);
}

static void
test_bad_messages(void **state)
{
   struct peer peer = peer_start();
   struct linux_dma_buf_message good, bad;
   int node = open_node(), fd, fds[2], table, ends[2];
   uint32_t handle;

   assert_int_equal(ASK(&peer, PEER_CREATE, 0, .size_B = BO_B, .flags = RDWR),
                    0);
   peer_call_fd(&peer, (struct peer_call){PEER_GIVE, 0}, -1, &fd);
   good = look(fd, fds);
   assert_int_equal(good.num_extents, 1);
   close(fd);
   /* A copy of all that is right is as good. */
   fd = forge(&good, sizeof(good), fds);
   assert_int_equal(drmPrimeFDToHandle(node, fd, &handle), 0);
   close(fd);

   refuse(node, forge(&good, sizeof(good) - 1, fds));
   bad = good;
   bad.version++;
   refuse(node, forge(&bad, sizeof(bad), fds));
   bad = good;
   bad.size_B += PAGE_B;
   refuse(node, forge(&bad, sizeof(bad), fds));
   table = forge_table(0x40, BO_B);
   refuse(node, forge(&good, sizeof(good), (int[]){fds[0], table}));
   close(table);
   table = forge_table((uint64_t)lseek(fds[0], 0, SEEK_END), BO_B);
   refuse(node, forge(&good, sizeof(good), (int[]){fds[0], table}));
   close(table);
   refuse(node, forge(&good, sizeof(good), (int[]){fds[1], fds[0]}));

   assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
                    0);
   assert_int_equal(write(ends[1], "pansparse", 9), 9);
   close(ends[1]);
   refuse(node, ends[0]);
   close(fds[0]);
   close(fds[1]);
   close(node);
   peer_finish(&peer);
}

/* ----------------------------------------------------------------- threads -- */

enum { THREADS = 4, BUFFERS = 4, ROUNDS = 200 };

struct stress {
   const int *fds;
   unsigned seed;
   unsigned bad;
};

static void *
stress_thread(void *data)
{
   struct stress *stress = data;
   int node = open(NODE, O_RDWR | O_CLOEXEC);

   for (int i = 0; i < ROUNDS; i++) {
      uint32_t which = (uint32_t)rand_r(&stress->seed) % BUFFERS, handle;
      int fd = stress->fds[which];
      uint32_t *words = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, fd, 0);

      if (drmPrimeFDToHandle(node, fd, &handle)) {
         stress->bad++;
         continue;
      }
      struct drm_panthor_bo_mmap_offset offset = {.handle = handle};
      struct drm_gem_close close_args = {.handle = handle};
      stress->bad += drmIoctl(node, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset);
      uint32_t *same = mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, node,
                            (off_t)offset.offset);
      stress->bad += words == MAP_FAILED || same == MAP_FAILED ||
                     words[0] != 40 + which || same[0] != 40 + which;
      stress->bad += drmIoctl(node, DRM_IOCTL_GEM_CLOSE, &close_args) != 0;
      stress->bad += munmap(words, PAGE_B) + munmap(same, PAGE_B);
   }
   close(node);
   return NULL;
}

static void
test_threads(void **state)
{
   struct peer peers[2] = {peer_start(), peer_start()};
   struct stress stress[THREADS];
   pthread_t threads[THREADS];
   int fds[BUFFERS], node = open_node();

   for (uint32_t i = 0; i < BUFFERS; i++) {
      const struct peer *peer = &peers[i % 2];

      assert_int_equal(ASK(peer, PEER_CREATE, i, .size_B = BO_B,
                           .flags = RDWR), 0);
      assert_int_equal(ASK(peer, PEER_GPU_STORE, i, .value = 40 + i), 0);
      peer_call_fd(peer, (struct peer_call){PEER_GIVE, i}, -1, &fds[i]);
   }
   for (unsigned i = 0; i < THREADS; i++) {
      stress[i] = (struct stress){fds, 11 + i, 0};
      assert_int_equal(
         pthread_create(&threads[i], NULL, stress_thread, &stress[i]), 0);
   }
   for (unsigned i = 0; i < THREADS; i++) {
      pthread_join(threads[i], NULL);
      assert_int_equal(stress[i].bad, 0);
   }
   for (uint32_t i = 0; i < BUFFERS; i++)
      close(fds[i]);
   peer_finish(&peers[0]);
   peer_finish(&peers[1]);
   close(node);
}

int
main(int argc, char **argv)
{
   if (argc > 1)
      return peer_main(argv[1]);

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bytes),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_read_only),
      cmocka_unit_test(test_no_fences),
      cmocka_unit_test(test_fragmented),
      cmocka_unit_test(test_same),
      cmocka_unit_test(test_own),
      cmocka_unit_test(test_no_pages),
      cmocka_unit_test(test_third),
      cmocka_unit_test(test_inherited),
      cmocka_unit_test(test_exporter_forgets),
      cmocka_unit_test(test_exporter_ends),
      cmocka_unit_test(test_killed),
      cmocka_unit_test(test_close_range),
      cmocka_unit_test(test_bad_messages),
      cmocka_unit_test(test_threads),
   };
   return cmocka_run_group_tests_name("preload-prime", tests, NULL, NULL);
}
