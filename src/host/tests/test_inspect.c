/* SPDX-License-Identifier: MIT */
/* Looking into a process from outside: who may, what comes, what it disturbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "drm-uapi/panthor_drm.h"
#include "host.h"

#define MIB(x) ((uint64_t)(x) << 20)
#define PAGE_B 4096
#define VA (1ull << 40)

static const char *const parts[] = {
   "machine", "stats", "tlb", "files", "gpuvas", "translations", "page_tables",
   "gems", "slots", "groups", "binds",
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* A machine with a VM, a window on it, and something in its TLB. */
struct fixture {
   struct host_machine *machine;
   struct host_file *file;
   struct host_window *window;
   volatile uint32_t *gpu;
   uint32_t vm, bo;
};

static void
call(struct fixture *f, unsigned long request, void *args)
{
   assert_int_equal(host_ioctl(f->file, request, args), 0);
}

static void
map(struct fixture *f, uint32_t flags, uint64_t va, uint64_t size_B)
{
   struct drm_panthor_vm_bind_op op = {
      .flags = flags,
      .bo_handle = flags & DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE ? 0 : f->bo,
      .va = va,
      .size = size_B,
   };
   struct drm_panthor_vm_bind args = {
      .vm_id = f->vm,
      .ops = DRM_PANTHOR_OBJ_ARRAY(1, &op),
   };

   call(f, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

static int
setup(void **state)
{
   const struct host_config config = {.dram_size_B = MIB(64)};
   struct fixture *f = calloc(1, sizeof(*f));
   struct drm_panthor_vm_create vm = {0};
   struct drm_panthor_bo_create bo = {.size = MIB(1)};
   void *host;

   assert_int_equal(host_machine_get(&config, &f->machine), 0);
   assert_int_equal(host_open(f->machine, &f->file), 0);
   call(f, DRM_IOCTL_PANTHOR_VM_CREATE, &vm);
   call(f, DRM_IOCTL_PANTHOR_BO_CREATE, &bo);
   f->vm = vm.id;
   f->bo = bo.handle;
   map(f, DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC |
              DRM_PANTHOR_VM_BIND_OP_MAP_SPARSE, VA, MIB(64));
   map(f, DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC, VA + MIB(2), 4 * PAGE_B);
   host = mmap(NULL, MIB(4), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   assert_ptr_not_equal(host, MAP_FAILED);
   assert_int_equal(host_window_create(f->file, f->vm, VA, host, MIB(4),
                                       &f->window), 0);
   f->gpu = host;
   f->gpu[MIB(2) / 4] = 1;
   *state = f;
   return 0;
}

static int
teardown(void **state)
{
   struct fixture *f = *state;

   host_window_destroy(f->window);
   munmap((void *)f->gpu, MIB(4));
   host_close(f->file);
   assert_int_equal(host_machine_put(f->machine), 0);
   free(f);
   return 0;
}

static struct host_stats
get_stats(struct fixture *f)
{
   struct host_stats stats;

   host_get_stats(f->machine, &stats);
   return stats;
}

/* --------------------------------------------------------------- answers -- */

/* A row of a table with two columns. */
static uint64_t
value_of(const char *text, const char *name)
{
   const char *row = strstr(text, name);

   assert_non_null(row);
   return strtoull(strchr(row, '|') + 1, NULL, 0);
}

static void
test_parts(void **state)
{
   struct fixture *f = *state;
   uint64_t va = 0, end, pa;

   for (size_t i = 0; i < PARTS; i++) {
      char *text = attach_ask(parts[i]);

      assert_non_null(text);
      free(text);
   }

   char *text = attach_ask("machine");
   assert_int_equal(value_of(text, " format "), 1);
   assert_int_equal(value_of(text, " DRAM "), MIB(64));
   free(text);

   text = attach_ask("stats");
   struct host_stats stats = get_stats(f);
   assert_int_equal(value_of(text, " ioctls "), stats.ioctls);
   assert_int_equal(value_of(text, " tlb_entries "), stats.tlb_entries);
   assert_int_equal(value_of(text, " pt_entries_written "),
                    stats.pt_entries_written);
   free(text);

   /* What the debugfs file says, and nothing else. */
   char *wanted;
   size_t size_B;
   text = attach_ask("page_tables");
   assert_int_equal(host_debugfs_read(f->machine, "page_tables", &wanted,
                                      &size_B), 0);
   assert_string_equal(text, wanted);
   free(wanted);
   free(text);

   /* The store of setup() is in the TLB, at the memory where it went. */
   text = attach_ask("tlb");
   const char *row = strstr(text, "\n 0x");
   assert_non_null(strstr(text, "Window [0x0000010000000000, +0x400000) of"));
   assert_non_null(row);
   assert_int_equal(sscanf(row, " 0x%lx | 0x%lx | 0x%lx | rw", &va, &end, &pa), 3);
   assert_int_equal(va, VA + MIB(2));
   assert_int_equal(end, VA + MIB(2) + 4 * PAGE_B);
   assert_int_equal(*(uint32_t *)host_dram_ptr(f->machine, pa), 1);
   free(text);
}

/* What a cut leaves of an entry shows the same memory as before. */
static void
test_tlb_cut(void **state)
{
   struct fixture *f = *state;
   uint64_t pa[3] = {0}, va, end;
   char *text = attach_ask("tlb"), *row = strstr(text, "\n 0x");

   assert_int_equal(sscanf(row, " 0x%lx | 0x%lx | 0x%lx", &va, &end, &pa[0]), 3);
   free(text);

   host_window_drop(f->window, VA + MIB(2) + PAGE_B, PAGE_B);
   text = attach_ask("tlb");
   row = strstr(text, "\n 0x");
   assert_int_equal(sscanf(row, " 0x%lx | 0x%lx | 0x%lx", &va, &end, &pa[1]), 3);
   assert_int_equal(va, VA + MIB(2));
   assert_int_equal(end, VA + MIB(2) + PAGE_B);
   assert_int_equal(pa[1], pa[0]);
   row = strstr(row + 1, "\n 0x");
   assert_int_equal(sscanf(row, " 0x%lx | 0x%lx | 0x%lx", &va, &end, &pa[2]), 3);
   assert_int_equal(va, VA + MIB(2) + 2 * PAGE_B);
   assert_int_equal(end, VA + MIB(2) + 4 * PAGE_B);
   assert_int_equal(pa[2], pa[0] + 2 * PAGE_B);
   free(text);

   /* An entry that loses its beginning. */
   host_window_drop(f->window, VA + MIB(2), 3 * PAGE_B);
   text = attach_ask("tlb");
   row = strstr(text, "\n 0x");
   assert_int_equal(sscanf(row, " 0x%lx | 0x%lx | 0x%lx", &va, &end, &pa[2]), 3);
   assert_int_equal(va, VA + MIB(2) + 3 * PAGE_B);
   assert_int_equal(pa[2], pa[0] + 3 * PAGE_B);
   free(text);

   /* A window that shows nothing is there, too. */
   host_window_drop(f->window, VA, MIB(4));
   text = attach_ask("tlb");
   assert_non_null(strstr(text, "Window [0x0000010000000000"));
   assert_null(strstr(text, "\n 0x"));
   free(text);
}

/* No counter, page table, TLB entry or BO is other than before. */
static void
test_disturbs_nothing(void **state)
{
   struct fixture *f = *state;
   char *before[PARTS], *after;
   struct host_stats stats = get_stats(f), now;

   for (size_t i = 0; i < PARTS; i++)
      before[i] = attach_ask(parts[i]);
   for (unsigned round = 0; round < 3; round++) {
      for (size_t i = 0; i < PARTS; i++) {
         after = attach_ask(parts[i]);
         assert_non_null(after);
         assert_string_equal(after, before[i]);
         free(after);
      }
   }
   for (size_t i = 0; i < PARTS; i++)
      free(before[i]);
   now = get_stats(f);
   assert_memory_equal(&now, &stats, sizeof(now));
}

/* --------------------------------------------------------------- requests -- */

static void
assert_refused(const void *request, size_t size_B, const char *words)
{
   char *answer = attach_exchange(getpid(), request, size_B);

   assert_non_null(answer);
   assert_string_equal(answer, words);
   free(answer);
}

static void
test_bad_requests(void **state)
{
   static const char unknown[] = "error there is no part of that name\n";
   char longer[4096];
   (void)state;

   assert_refused("none\n", 5, unknown);
   assert_refused("\n", 1, unknown);
   assert_refused("stats \n", 7, unknown);
   assert_refused("\0stats\n", 7, unknown);
   assert_refused("\xff\xfe/../\n", 7, unknown);
   memset(longer, 'a', sizeof(longer));
   assert_refused(longer, 64, "error the request is too long\n");
   assert_refused(longer, sizeof(longer), "error the request is too long\n");
   /* The longest one; what follows its end of line is not looked at. */
   longer[63] = '\n';
   assert_refused(longer, 64, unknown);
   char *answer = attach_exchange(getpid(), "machine\nstats\n", 14);
   assert_non_null(strstr(answer, "ok "));
   assert_null(strstr(answer, "ioctls"));
   free(answer);
}

static int64_t
now_ms(void)
{
   struct timespec now;

   clock_gettime(CLOCK_MONOTONIC, &now);
   return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Clients that do nothing are left after a while, and others get their turn. */
static void
test_silent(void **state)
{
   int silent = attach_connect(getpid()), half = attach_connect(getpid());
   int gone = attach_connect(getpid());
   (void)state;

   assert_true(silent >= 0 && half >= 0 && gone >= 0);
   assert_int_equal(send(half, "sta", 3, MSG_NOSIGNAL), 3);
   close(gone);
   char *text = attach_ask("stats");
   assert_non_null(text);
   free(text);
   text = attach_receive(silent);
   assert_string_equal(text, "error there was no request\n");
   free(text);
   text = attach_receive(half);
   assert_string_equal(text, "error there was no request\n");
   free(text);
}

static void *
ask_often(void *data)
{
   bool *bad = data;

   for (unsigned i = 0; i < 50; i++) {
      char *text = attach_ask(parts[i % PARTS]);

      *bad |= !text;
      free(text);
   }
   return NULL;
}

static void
test_two_clients(void **state)
{
   pthread_t thread;
   bool bad = false, also_bad = false;
   (void)state;

   assert_int_equal(pthread_create(&thread, NULL, ask_often, &bad), 0);
   ask_often(&also_bad);
   assert_int_equal(pthread_join(thread, NULL), 0);
   assert_false(bad || also_bad);
}

/* Sends as another user; exits with 0 where it is refused. */
static void
ask_as_nobody(pid_t pid)
{
   if (setresuid(65534, 65534, 65534))
      _exit(2);
   char *answer = attach_exchange(pid, "stats\n", 6);
   _exit(answer && !strcmp(answer, "error this is another user's process\n")
            ? 0
            : 1);
}

static void
test_another_user(void **state)
{
   pid_t pid = getpid();
   int status;
   (void)state;

   if (geteuid())
      skip();
   pid_t child = fork();
   assert_true(child >= 0);
   if (!child)
      ask_as_nobody(pid);
   assert_int_equal(waitpid(child, &status, 0), child);
   assert_true(WIFEXITED(status));
   if (WEXITSTATUS(status) == 2)
      skip();
   assert_int_equal(WEXITSTATUS(status), 0);
}

/* Each step of making the text may fail: it is said, and nothing is left. */
static void
test_failures(void **state)
{
   struct fixture *f = *state;
   static const char no_memory[] =
      "error the process has no memory left for the answer\n";

   for (size_t i = 0; i < PARTS; i++) {
      char request[32], *answer;
      uint64_t n = 0;
      bool failed;

      snprintf(request, sizeof(request), "%s\n", parts[i]);
      do {
         host_inject_failure(n++);
         answer = attach_exchange(getpid(), request, strlen(request));
         host_inject_failure(UINT64_MAX);
         assert_non_null(answer);
         failed = strncmp(answer, "ok ", 3);
         if (failed)
            assert_string_equal(answer, no_memory);
         free(answer);
      } while (failed);
      if (!strcmp(parts[i], "translations") || !strcmp(parts[i], "gems"))
         assert_true(n > 1);
   }
   assert_int_equal(f->gpu[MIB(2) / 4], 1);
}

/* ---------------------------------------------------------------- machine -- */

static void
assert_no_machine(void)
{
   assert_int_equal(attach_connect(getpid()), -1);
   assert_int_equal(errno, ECONNREFUSED);
}

/* There is a socket while there is a machine, and unless it is switched off. */
static void
test_lifetime(void **state)
{
   const struct host_config config = {.dram_size_B = MIB(64)};
   const struct host_config off = {.dram_size_B = MIB(64), .no_inspect = true};
   struct host_machine *machine;
   (void)state;

   assert_no_machine();
   for (unsigned i = 0; i < 3; i++) {
      assert_int_equal(host_machine_get(&config, &machine), 0);
      char *text = attach_ask("machine");
      assert_non_null(text);
      free(text);
      assert_int_equal(host_machine_put(machine), 0);
      assert_no_machine();
   }
   assert_int_equal(host_machine_get(&off, &machine), 0);
   assert_no_machine();
   assert_int_equal(host_machine_put(machine), 0);
}

static void
test_environment(void **state)
{
   struct host_config config;
   (void)state;

   setenv("PANSPARSE_INSPECT", "0", 1);
   assert_int_equal(host_config_from_env(&config), 0);
   assert_true(config.no_inspect);
   setenv("PANSPARSE_INSPECT", "1", 1);
   assert_int_equal(host_config_from_env(&config), 0);
   assert_false(config.no_inspect);
   setenv("PANSPARSE_INSPECT", "no", 1);
   assert_int_equal(host_config_from_env(&config), -EINVAL);
   unsetenv("PANSPARSE_INSPECT");
   assert_int_equal(host_config_from_env(&config), 0);
   assert_false(config.no_inspect);
}

/* Clients that do not go on keep no machine from shutting down. */
static void
test_shutdown(void **state)
{
   const struct host_config config = {.dram_size_B = MIB(64)};
   struct host_machine *machine;
   int clients[3];
   (void)state;

   assert_int_equal(host_machine_get(&config, &machine), 0);
   for (unsigned i = 0; i < 3; i++) {
      clients[i] = attach_connect(getpid());
      assert_true(clients[i] >= 0);
   }
   usleep(100000);
   int64_t start_ms = now_ms();
   assert_int_equal(host_machine_put(machine), 0);
   assert_true(now_ms() - start_ms < 800);
   for (unsigned i = 0; i < 3; i++)
      close(clients[i]);
}

/* Somebody else has the name: the machine boots, and is as good as before. */
static void
test_name_is_taken(void **state)
{
   const struct host_config config = {.dram_size_B = MIB(64)};
   struct host_machine *machine;
   int gate[2];
   char byte;
   (void)state;

   assert_int_equal(pipe(gate), 0);
   assert_int_equal(host_machine_get(&config, &machine), 0);
   /* A child of fork() has the socket, and nobody who answers. */
   pid_t child = fork();
   assert_true(child >= 0);
   if (!child) {
      close(gate[1]);
      _exit(read(gate[0], &byte, 1) ? 1 : 0);
   }
   assert_int_equal(host_machine_put(machine), 0);
   assert_int_equal(host_machine_get(&config, &machine), 0);
   assert_int_equal(host_machine_put(machine), 0);
   close(gate[0]);
   close(gate[1]);
   assert_int_equal(waitpid(child, NULL, 0), child);

   assert_int_equal(host_machine_get(&config, &machine), 0);
   char *text = attach_ask("machine");
   assert_non_null(text);
   free(text);
   assert_int_equal(host_machine_put(machine), 0);
}

/* Descriptors above the program's own are closed, as daemons do. */
static int
lose_descriptors(void)
{
   const struct host_config config = {.dram_size_B = MIB(64),
                                      .tlb_entries = 64};
   struct host_machine *machine;
   char link[64], target[64];

   if (host_machine_get(&config, &machine))
      return 1;
   /* The sockets alone: the machine needs its memory. */
   for (int fd = 3; fd < 256; fd++) {
      snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
      ssize_t length = readlink(link, target, sizeof(target) - 1);
      if (length > 6 && !memcmp(target, "socket", 6))
         /* Not close(): that others use it is the point, not a race. */
         syscall(SYS_close, fd);
   }
   return host_machine_put(machine) ? 2 : 0;
}

static void
test_socket_is_closed(void **state)
{
   int status;
   (void)state;

   pid_t child = fork();
   assert_true(child >= 0);
   if (!child) {
      alarm(20);
      _exit(lose_descriptors());
   }
   assert_int_equal(waitpid(child, &status, 0), child);
   assert_true(WIFEXITED(status));
   assert_int_equal(WEXITSTATUS(status), 0);
}

int
main(void)
{
#define LOOK(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
   const struct CMUnitTest tests[] = {
      LOOK(test_parts),        LOOK(test_tlb_cut),
      LOOK(test_disturbs_nothing), LOOK(test_bad_requests),
      LOOK(test_silent),       LOOK(test_two_clients),
      LOOK(test_another_user), LOOK(test_failures),
      cmocka_unit_test(test_lifetime),
      cmocka_unit_test(test_environment),
      cmocka_unit_test(test_shutdown),
      cmocka_unit_test(test_name_is_taken),
      cmocka_unit_test(test_socket_is_closed),
   };

   return cmocka_run_group_tests_name("host-inspect", tests, NULL, NULL);
}
