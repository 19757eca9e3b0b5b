/* SPDX-License-Identifier: MIT */
/* Processes: fork, exec, and descriptors that come along. */
#include "client.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int
wait_for(pid_t pid)
{
   int status;

   assert_int_equal(waitpid(pid, &status, 0), pid);
   assert_true(WIFEXITED(status));
   return WEXITSTATUS(status);
}

/* A child before exec() has no node, and the parent's goes on. */
static void
test_fork(void **state)
{
   int fd = open_node();
   uint32_t vm = create_vm(fd);
   pid_t pid = fork();

   assert_true(pid >= 0);
   if (!pid) {
      errno = 0;
      bool refused = open(NODE, O_RDWR) == -1 && errno == ENODEV;
      bool unknown = !has_vm(fd, vm);
      close(fd);
      _exit(refused && unknown ? 0 : 1);
   }
   assert_int_equal(wait_for(pid), 0);
   assert_true(has_vm(fd, vm));
   close(fd);
}

extern char **environ;

/* This program again, as main() below: with @argument for its work. */
static int
run_self(const char *argument)
{
   char *argv[] = {"/proc/self/exe", (char *)argument, NULL};
   pid_t pid;

   assert_int_equal(
      posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0);
   return wait_for(pid);
}

/* Each process has a machine of its own. */
static void
test_exec(void **state)
{
   int fd = open_node();

   create_vm(fd);
   assert_int_equal(run_self("first-vm"), 0);
   close(fd);
}

/* What was inherited is a descriptor of nothing that this process knows. */
static void
test_inherited(void **state)
{
   char argument[32];
   int fd = open(NODE, O_RDWR);
   uint32_t vm = create_vm(fd);

   snprintf(argument, sizeof(argument), "inherited:%d", fd);
   assert_int_equal(run_self(argument), 0);
   assert_true(has_vm(fd, vm));
   close(fd);
}

/* While the other process has it open, the file is, too. */
static void
test_outlives(void **state)
{
   int fd = open_node(), gate[2];
   uint32_t vm = create_vm(fd);

   assert_int_equal(pipe(gate), 0);
   pid_t pid = fork();
   assert_true(pid >= 0);
   if (!pid) {
      char byte;
      close(gate[1]);
      _exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
   }
   int copy = dup(fd);
   close(fd);
   assert_true(has_vm(copy, vm));
   close(copy);
   close(gate[0]);
   close(gate[1]);
   assert_int_equal(wait_for(pid), 0);
   /* Now nobody has, and a close of anything notices. */
   close(dup(1));
}

/* What a program leaves behind is its exit status, where that is asked for. */
static void
test_leak_check(void **state)
{
   assert_int_equal(run_self("leave-mapping"), 23);
}

/* A program that opened the node says at its end what was counted. */
static void
test_stats(void **state)
{
   char path[] = "/tmp/pansparse-test-XXXXXX", line[4096] = "";
   unsigned ioctls = 0;
   int fd = mkstemp(path);

   assert_true(fd >= 0);
   setenv("PANSPARSE_STATS", path, 1);
   assert_int_equal(run_self("first-vm"), 0);
   unsetenv("PANSPARSE_STATS");
   assert_true(read(fd, line, sizeof(line) - 1) > 0);
   assert_int_equal(sscanf(line, "{\"pid\": %*d, \"ioctls\": %u", &ioctls), 1);
   assert_int_equal(ioctls, 1);
   assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
   close(fd);
   unlink(path);
}

static int
work(const char *argument)
{
   struct drm_panthor_vm_create vm = {0};
   int fd;

   if (!strcmp(argument, "first-vm")) {
      fd = open(NODE, O_RDWR);
      return fd >= 0 && !drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm) &&
                   vm.id == 1 && !close(fd)
                ? 0
                : 1;
   }
   if (!strcmp(argument, "leave-mapping")) {
      struct drm_panthor_bo_create bo = {.size = 1 << 16};
      struct drm_panthor_bo_mmap_offset offset = {.handle = 1};

      fd = open(NODE, O_RDWR);
      return fd >= 0 && !drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo) &&
                   !drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset) &&
                   mmap(NULL, 1 << 16, PROT_READ, MAP_SHARED, fd,
                        (off_t)offset.offset) != MAP_FAILED &&
                   !close(fd)
                ? 0
                : 1;
   }
   if (sscanf(argument, "inherited:%d", &fd) == 1)
      return fcntl(fd, F_GETFD) >= 0 &&
                   drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm) &&
                   errno == ENOTTY
                ? 0
                : 1;
   return 2;
}

int
main(int argc, char **argv)
{
   if (argc > 1)
      return work(argv[1]);

   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fork),
      cmocka_unit_test(test_exec),
      cmocka_unit_test(test_inherited),
      cmocka_unit_test(test_outlives),
      cmocka_unit_test(test_leak_check),
      cmocka_unit_test(test_stats),
   };
   return cmocka_run_group_tests_name("preload-process", tests, NULL, NULL);
}
