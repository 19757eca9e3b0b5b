/* SPDX-License-Identifier: MIT */
/*
 * PANSPARSE_RECORD: what clients do, however they end, can be replayed. Clients are this
 * program again; REPLAY_PROGRAM is what bin/replay runs.
 */
#include "client.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static char path[PATH_MAX];

static int
setup(void **state)
{
   const char *directory = getenv("TMPDIR");

   snprintf(path, sizeof(path), "%s/test-preload-record-XXXXXX",
            directory ? directory : "/tmp");
   int fd = mkstemp(path);
   return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
   return unlink(path);
}

/* --------------------------------------------------------------- clients -- */

static void
bind_page(int fd, uint32_t vm, uint32_t bo, uint64_t va)
{
   struct drm_panthor_vm_bind_op op = {
      .flags = DRM_PANTHOR_VM_BIND_OP_TYPE_MAP | DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC,
      .bo_handle = bo, .va = va, .size = 4096};
   struct drm_panthor_vm_bind bind = {.vm_id = vm,
                                      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   if (drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_BIND, &bind))
      exit(1);
}

static void *
bind_for_ever(void *fd)
{
   for (uint32_t i = 0;; i++) {
      struct drm_panthor_vm_create vm = {0};
      struct drm_panthor_bo_create bo = {.size = 8192};

      if (drmIoctl(*(int *)fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm) ||
          drmIoctl(*(int *)fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
         exit(1);
      for (uint64_t va = 0; va < 16 * 4096; va += 4096)
         bind_page(*(int *)fd, vm.id, bo.handle, va);
      struct drm_gem_close close_bo = {.handle = bo.handle};
      struct drm_panthor_vm_destroy destroy = {.id = vm.id};
      if (drmIoctl(*(int *)fd, DRM_IOCTL_GEM_CLOSE, &close_bo) ||
          drmIoctl(*(int *)fd, DRM_IOCTL_PANTHOR_VM_DESTROY, &destroy))
         exit(1);
   }
   return NULL;
}

/* Two threads that never rest; says so on its standard output. */
static int
run_for_ever(void)
{
   int fd = open(NODE, O_RDWR | O_CLOEXEC);
   pthread_t other;

   if (fd < 0 || pthread_create(&other, NULL, bind_for_ever, &fd) ||
       write(STDOUT_FILENO, "", 1) != 1)
      return 1;
   bind_for_ever(&fd);
   return 1;
}

/* Closes all that it does not know, and goes on. */
static int
run_tidy(void)
{
   int fd = open(NODE, O_RDWR | O_CLOEXEC);
   struct drm_panthor_vm_create vm = {0};
   struct drm_panthor_bo_create bo = {.size = 8192};

   if (fd < 0)
      return 1;
   for (int other = 3; other < 4096; other++) {
      if (other != fd)
         close(other);
   }
   if (drmIoctl(fd, DRM_IOCTL_PANTHOR_VM_CREATE, &vm) ||
       drmIoctl(fd, DRM_IOCTL_PANTHOR_BO_CREATE, &bo))
      return 1;
   /* More than a window of the recording. */
   for (uint64_t i = 0; i < 20000; i++)
      bind_page(fd, vm.id, bo.handle, i % 512 * 4096);
   return close(fd) ? 1 : 0;
}

static pid_t
start(const char *client, const char *record, int output)
{
   pid_t pid = fork();

   assert_true(pid >= 0);
   if (pid == 0) {
      if (output >= 0)
         dup2(output, STDOUT_FILENO);
      setenv("PANSPARSE_RECORD", record, 1);
      unsetenv("PANSPARSE_DRM_LEAKS");
      execl("/proc/self/exe", "client", client, NULL);
      _exit(127);
   }
   return pid;
}

static int
wait_for(pid_t pid)
{
   int status;

   assert_int_equal(waitpid(pid, &status, 0), pid);
   return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---------------------------------------------------------------- replays -- */

/* What the program says, in @text; its exit status. */
static int
replay(const char *file, char *text, size_t size)
{
   const char *program = getenv("REPLAY_PROGRAM");
   int ends[2];

   assert_non_null(program);
   assert_int_equal(pipe(ends), 0);
   pid_t pid = fork();
   assert_true(pid >= 0);
   if (pid == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      close(ends[0]);
      unsetenv("LD_PRELOAD");
      execl(program, program, file, NULL);
      _exit(127);
   }
   close(ends[1]);
   size_t done = 0;
   for (ssize_t some; (some = read(ends[0], text + done, size - 1 - done)) > 0;)
      done += (size_t)some;
   text[done] = '\0';
   close(ends[0]);
   return wait_for(pid);
}

/* Killed in the middle of whatever it does, an ioctl most likely. */
static void
test_killed(void **state)
{
   char text[8192];

   for (int round = 0; round < 8; round++) {
      int ends[2];
      char byte;

      assert_int_equal(pipe(ends), 0);
      pid_t pid = start("for-ever", path, ends[1]);
      assert_int_equal(read(ends[0], &byte, 1), 1);
      usleep((useconds_t)(round * 7001 % 30000));
      kill(pid, SIGKILL);
      assert_int_equal(wait_for(pid), -1);
      close(ends[0]);
      close(ends[1]);

      int status = replay(path, text, sizeof(text));
      if (status || strstr(text, "damaged") || !strstr(text, "\n0 differences\n"))
         fputs(text, stderr);
      assert_int_equal(status, 0);
      assert_null(strstr(text, "damaged"));
      assert_non_null(strstr(text, "\n0 differences\n"));
   }
}

static void
test_descriptors_closed(void **state)
{
   char text[8192];

   assert_int_equal(wait_for(start("tidy", path, -1)), 0);
   assert_int_equal(replay(path, text, sizeof(text)), 0);
   assert_non_null(strstr(text, "20002 ioctls made with 20000 ops"));
   assert_null(strstr(text, "damaged"));
}

/* A file takes one process; %p makes a file for each. */
static void
test_two_clients(void **state)
{
   char pattern[PATH_MAX + 8], name[PATH_MAX + 32], text[8192], byte;
   int ends[2];

   assert_int_equal(pipe(ends), 0);
   pid_t first = start("for-ever", path, ends[1]);
   assert_int_equal(read(ends[0], &byte, 1), 1);
   /* It says that it does not record, and works. */
   assert_int_equal(wait_for(start("tidy", path, -1)), 0);
   kill(first, SIGKILL);
   wait_for(first);
   close(ends[0]);
   close(ends[1]);
   assert_int_equal(replay(path, text, sizeof(text)), 0);
   assert_null(strstr(text, "20002 ioctls made"));

   snprintf(pattern, sizeof(pattern), "%s.%%p", path);
   pid_t second = start("tidy", pattern, -1);
   assert_int_equal(wait_for(second), 0);
   snprintf(name, sizeof(name), "%s.%d", path, (int)second);
   assert_int_equal(replay(name, text, sizeof(text)), 0);
   assert_non_null(strstr(text, "20002 ioctls made"));
   assert_int_equal(unlink(name), 0);
}

/* A file that cannot be written is no reason to stop. */
static void
test_no_file(void **state)
{
   assert_int_equal(wait_for(start("tidy", "/nonexistent/file", -1)), 0);
   assert_int_equal(wait_for(start("tidy", "/dev/full", -1)), 0);
}

int
main(int argc, char **argv)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_killed),
      cmocka_unit_test(test_descriptors_closed),
      cmocka_unit_test(test_two_clients),
      cmocka_unit_test(test_no_file),
   };

   if (argc > 1)
      return strcmp(argv[1], "tidy") == 0 ? run_tidy() : run_for_ever();
   return cmocka_run_group_tests(tests, setup, teardown);
}
