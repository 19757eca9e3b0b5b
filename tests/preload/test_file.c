/* SPDX-License-Identifier: MIT */
/* Descriptors of the node: copies, and in which order they are closed. */
#include "client.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

/* Two opens are two files, and copies of one descriptor are one. */
static void
test_copies(void **state)
{
   int a = open_node(), b = open_node();
   uint32_t vm = create_vm(a);

   assert_true(has_vm(a, vm));
   assert_false(has_vm(b, vm));

   int copies[] = {dup(a), fcntl(a, F_DUPFD, 100), fcntl(a, F_DUPFD_CLOEXEC, 0),
                   dup2(a, 90), dup3(a, 91, O_CLOEXEC)};
   for (unsigned i = 0; i < 5; i++)
      assert_true(has_vm(copies[i], vm));

   /* The first goes first. */
   close(a);
   for (unsigned i = 0; i < 5; i++) {
      assert_true(has_vm(copies[i], vm));
      close(copies[i]);
   }
   assert_errno(fcntl(copies[4], F_GETFD), EBADF);
   close(b);
}

/* A descriptor that takes the place of one closes that. */
static void
test_dup_over(void **state)
{
   int a = open_node(), b = open_node();
   uint32_t vm = create_vm(b);

   assert_int_equal(dup2(b, a), a);
   assert_true(has_vm(a, vm));
   close(b);
   assert_true(has_vm(a, vm));
   close(a);
}

static void
test_close_range(void **state)
{
   int a = fcntl(open_node(), F_DUPFD, 500);
   int b = fcntl(a, F_DUPFD, 501);

   assert_true(a >= 500 && b > a);
   close_range(3, ~0u, 0);
   assert_errno(fcntl(a, F_GETFD), EBADF);
   assert_errno(fcntl(b, F_GETFD), EBADF);
}

/* Who closes whatever there may be closes nothing that the device needs. */
static void
test_close_all(void **state)
{
   int fd = open_node(), shared;
   uint32_t syncobj;

   assert_int_equal(drmSyncobjCreate(fd, 0, &syncobj), 0);
   assert_int_equal(drmSyncobjHandleToFD(fd, syncobj, &shared), 0);
   for (int i = 3; i < 2048; i++)
      if (i != fd)
         close(i);
   create_bo(fd, 1 << 21);
   assert_int_equal(drmSyncobjHandleToFD(fd, syncobj, &shared), 0);
   close_range(3, (unsigned)fd - 1, 0);
   close_range((unsigned)fd + 1, ~0u, 0);
   create_bo(fd, 1 << 21);
   close(fd);

   fd = open_node();
   assert_true(fd < 64);
   closefrom(3);
   assert_errno(fcntl(fd, F_GETFD), EBADF);
   fd = open_node();
   create_bo(fd, 1 << 21);
   close(fd);
}

/* A number that was used before is another file. */
static void
test_reuse(void **state)
{
   for (unsigned i = 0; i < 100; i++) {
      int fd = open_node();

      assert_int_equal(create_vm(fd), 1);
      close(fd);
   }
}

/* Nothing comes from the node by itself. */
static void
test_poll(void **state)
{
   int fd = open_node();
   struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

   assert_int_equal(poll(&poll_fd, 1, 0), 0);
   close(fd);
}

/* A descriptor that is on its way through a socket keeps the file open. */
static void
test_in_flight(void **state)
{
   union {
      struct cmsghdr header;
      char space[CMSG_SPACE(sizeof(int))];
   } control = {0};
   char byte = 0;
   struct iovec data = {.iov_base = &byte, .iov_len = 1};
   struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control)};
   int ends[2], fd = open_node();
   uint32_t vm = create_vm(fd);

   assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
   struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
   rights->cmsg_level = SOL_SOCKET;
   rights->cmsg_type = SCM_RIGHTS;
   rights->cmsg_len = CMSG_LEN(sizeof(int));
   memcpy(CMSG_DATA(rights), &fd, sizeof(int));
   assert_int_equal(sendmsg(ends[0], &message, 0), 1);
   close(fd);

   assert_int_equal(recvmsg(ends[1], &message, 0), 1);
   memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
   assert_true(has_vm(fd, vm));
   close(fd);
   close(ends[0]);
   close(ends[1]);
}

/* ---------------------------------------------------------------- threads -- */

static void *
open_and_close(void *data)
{
   for (unsigned i = 0; i < 50; i++) {
      int fd = open(NODE, O_RDWR | O_CLOEXEC);
      struct drm_panthor_vm_create vm = {0};
      struct drm_panthor_bo_create bo = {.size = 1 << 16};

      if (fd < 0 || drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm) ||
          vm.id != 1 || drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo) ||
          bo.handle != 1)
         return "a call failed, or met another thread's file";
      int copy = dup(fd);
      close(fd);
      if (!has_vm(copy, vm.id))
         return "the copy is not the file";
      close(copy);
   }
   return NULL;
}

static void
test_threads(void **state)
{
   pthread_t threads[4];
   void *what;

   for (unsigned i = 0; i < 4; i++)
      assert_int_equal(
         pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
   for (unsigned i = 0; i < 4; i++) {
      assert_int_equal(pthread_join(threads[i], &what), 0);
      if (what)
         fail_msg("%s", (char *)what);
   }
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copies),  cmocka_unit_test(test_dup_over),
      cmocka_unit_test(test_reuse),   cmocka_unit_test(test_poll),
      cmocka_unit_test(test_in_flight), cmocka_unit_test(test_threads),
      cmocka_unit_test(test_close_range), cmocka_unit_test(test_close_all),
   };
   return cmocka_run_group_tests_name("preload-file", tests, NULL, NULL);
}
