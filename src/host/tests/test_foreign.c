/* SPDX-License-Identifier: MIT */
/*
 * A buffer of another process' machine: bound in a VM of this one's, and seen
 * through windows. The other process is a child that was forked before there was
 * any machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drm-uapi/panthor_drm.h"
#include "host.h"

#define PAGE_B 4096ull
#define PAGES 700u /* more than 2 MiB */
#define BO_B (PAGES * PAGE_B)
#define VA (1ull << 30)
#define NOEXEC DRM_PANTHOR_VM_BIND_OP_MAP_NOEXEC

static int
send_fd(int socket, int fd)
{
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(sizeof(int))];
   } control = {.align = {.cmsg_len = CMSG_LEN(sizeof(int)),
                          .cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS}};
   struct iovec iov = {"", 1};
   struct msghdr msg = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control)};

   memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
   return sendmsg(socket, &msg, 0) == 1 ? 0 : -1;
}

static int
receive_fd(int socket)
{
   union {
      struct cmsghdr align;
      char bytes[CMSG_SPACE(sizeof(int))];
   } control;
   char byte;
   struct iovec iov = {&byte, 1};
   struct msghdr msg = {.msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = &control,
                        .msg_controllen = sizeof(control)};
   int fd;

   assert_int_equal(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC), 1);
   assert_int_equal(control.align.cmsg_len, CMSG_LEN(sizeof(int)));
   memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
   return fd;
}

/* --------------------------------------------------------------- exporter -- */

/* Page n begins with 100 + n; the word behind it is the importer's. */
static uint32_t *
page_words(void *mapping, uint32_t page)
{
   return (uint32_t *)((char *)mapping + page * PAGE_B);
}

enum kind { PLAIN, FRAGMENTED, EVICTED };

static int
map_buffer(struct host_file *file, uint32_t handle, void **mapping_out)
{
   struct drm_panthor_bo_mmap_offset offset = {.handle = handle};

   return host_ioctl(file, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &offset) ||
          host_mmap(file, NULL, BO_B, PROT_READ | PROT_WRITE, MAP_SHARED,
                    offset.offset, mapping_out);
}

static int
bind_buffer(struct host_file *file, uint32_t handle, uint32_t *vm_out)
{
   struct drm_panthor_vm_create vm = {0};
   struct drm_panthor_vm_bind_op op = {
      .flags = NOEXEC, .bo_handle = handle, .va = VA, .size = BO_B};
   struct drm_panthor_vm_bind args = {.ops = DRM_PANTHOR_OBJ_ARRAY(1, &op)};

   if (host_ioctl(file, DRM_IOCTL_PANTHOR_VM_CREATE, &vm))
      return -1;
   *vm_out = args.vm_id = vm.id;
   return host_ioctl(file, DRM_IOCTL_PANTHOR_VM_BIND, &args);
}

/* Out of RAM, with all that it has. */
static int
evict(struct host_machine *machine, struct host_file *file, uint32_t handle)
{
   struct host_stats stats;
   uint32_t vm;

   if (bind_buffer(file, handle, &vm))
      return -1;
   host_reclaim(machine, UINT32_MAX);
   host_get_stats(machine, &stats);
   return stats.evictions && stats.swap_out_B >= BO_B ? 0 : -1;
}

/* A buffer with the contents above, mapped, and its descriptor. */
static int
create_buffer(struct host_machine *machine, struct host_file *file,
              enum kind kind, void **mapping_out, int *fd_out)
{
   struct drm_panthor_bo_create bo = {.size = BO_B};
   struct drm_prime_handle prime = {.flags = DRM_CLOEXEC | DRM_RDWR};

   if (host_ioctl(file, DRM_IOCTL_PANTHOR_BO_CREATE, &bo) ||
       map_buffer(file, bo.handle, mapping_out))
      return -1;
   for (uint32_t i = 0; i < PAGES; i++)
      *page_words(*mapping_out, i) = 100 + i;
   if (host_munmap(*mapping_out, BO_B) ||
       (kind == EVICTED && evict(machine, file, bo.handle)))
      return -1;
   prime.handle = bo.handle;
   if (host_ioctl(file, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime))
      return -1;
   *fd_out = prime.fd;
   return map_buffer(file, bo.handle, mapping_out);
}

/* The child's life; its exit status: 0, where all was as it should be. */
static int
export_to(int socket, enum kind kind)
{
   const struct host_config config = {.dram_size_B = 64 << 20,
                                      .dram_fragmented = kind == FRAGMENTED};
   struct host_machine *machine;
   struct host_file *file;
   void *mapping;
   char byte;
   int fd;

   if (host_machine_get(&config, &machine) || host_open(machine, &file) ||
       create_buffer(machine, file, kind, &mapping, &fd))
      return 1;
   if (send_fd(socket, fd) || close(fd))
      return 2;
   if (read(socket, &byte, 1) != 1)
      return 3;
   for (uint32_t i = 0; i < PAGES; i++) {
      if (page_words(mapping, i)[1] != 200 + i)
         return 4;
   }
   if (host_munmap(mapping, BO_B))
      return 5;
   host_close(file);
   return host_machine_put(machine) ? 6 : 0;
}

/* --------------------------------------------------------------- importer -- */

static struct {
   struct host_machine *machine;
   struct host_file *file;
   pid_t child;
   int socket;
   int fd; /* the descriptor */
   uint32_t bo;
} t;

static void
start(enum kind exporter, bool importer_fragmented)
{
   const struct host_config importer = {.dram_size_B = 32 << 20,
                                        .as_count = 4,
                                        .dram_fragmented = importer_fragmented};
   int ends[2];

   assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
                    0);
   t.child = fork();
   assert_true(t.child >= 0);
   if (!t.child) {
      close(ends[0]);
      _exit(export_to(ends[1], exporter));
   }
   close(ends[1]);
   t.socket = ends[0];
   t.fd = receive_fd(t.socket);
   assert_int_equal(host_machine_get(&importer, &t.machine), 0);
   assert_int_equal(host_open(t.machine, &t.file), 0);
}

static void
finish_exporter(void)
{
   int status;

   assert_int_equal(write(t.socket, "", 1), 1);
   assert_int_equal(waitpid(t.child, &status, 0), t.child);
   assert_int_equal(status, 0);
   close(t.socket);
}

static void
stop(void)
{
   host_close(t.file);
   assert_int_equal(host_machine_put(t.machine), 0);
}

static int
import(void)
{
   struct drm_prime_handle prime = {.fd = t.fd};
   int ret = host_ioctl(t.file, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

   t.bo = prime.handle;
   return ret;
}

static void
close_bo(void)
{
   struct drm_gem_close args = {.handle = t.bo};

   assert_int_equal(host_ioctl(t.file, DRM_IOCTL_GEM_CLOSE, &args), 0);
}

/* Shader cores of this machine load and store the other one's memory. */
static void
check_window(enum kind exporter, bool importer_fragmented)
{
   struct host_window *window;
   struct host_stats before, after;
   void *host = mmap(NULL, BO_B, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   uint32_t vm;

   assert_ptr_not_equal(host, MAP_FAILED);
   start(exporter, importer_fragmented);
   host_get_stats(t.machine, &before);
   assert_int_equal(import(), 0);
   assert_int_equal(bind_buffer(t.file, t.bo, &vm), 0);
   assert_int_equal(host_window_create(t.file, vm, VA, host, BO_B, &window), 0);
   /* From behind, and from the middle of what lies together. */
   for (uint32_t i = 0; i < PAGES; i++) {
      uint32_t page = (PAGES - 1 - i) * 7 % PAGES;
      volatile uint32_t *words = page_words(host, i % 3 ? page : PAGES - 1 - i);

      assert_int_equal(*words, 100 + ((char *)words - (char *)host) / PAGE_B);
   }
   for (uint32_t i = 0; i < PAGES; i++)
      page_words(host, i)[1] = 200 + i;
   finish_exporter();
   /* With the exporter gone, the memory is as it was. */
   for (uint32_t i = 0; i < PAGES; i++) {
      volatile uint32_t *words = page_words(host, i);

      assert_int_equal(words[0], 100 + i);
      assert_int_equal(words[1], 200 + i);
   }
   host_get_stats(t.machine, &after);
   assert_int_equal(after.mmu_faults, before.mmu_faults);
   host_window_destroy(window);
   munmap(host, BO_B);
   close(t.fd);
   stop();
}

static void
test_window(void **state)
{
   check_window(PLAIN, false);
}

static void
test_window_fragmented(void **state)
{
   check_window(FRAGMENTED, false);
   check_window(PLAIN, true);
   check_window(FRAGMENTED, true);
}

/* Who exports it gets it back from the swap. */
static void
test_window_evicted(void **state)
{
   check_window(EVICTED, false);
}

/* Each fallible step of the import fails, once; nothing is left of it. */
static void
test_failures(void **state)
{
   struct host_stats before, after;
   uint32_t *words;
   void *mapping;
   uint64_t n;

   start(FRAGMENTED, false);
   host_get_stats(t.machine, &before);
   for (n = 0; n < 10000; n++) {
      host_inject_failure(n);
      int ret = import();
      bool reached = host_inject_failure(UINT64_MAX) > n;

      if (!ret)
         close_bo();
      host_get_stats(t.machine, &after);
      assert_int_equal(after.dram_allocated_B, before.dram_allocated_B);
      if (!reached) {
         assert_int_equal(ret, 0);
         break;
      }
   }
   /* An overlay for each page is some of them. */
   assert_in_range(n, PAGES, 9999);

   /* For the exporter to find. */
   assert_int_equal(host_fd_mmap(t.fd, NULL, BO_B, PROT_READ | PROT_WRITE,
                                 MAP_SHARED, 0, &mapping), 0);
   for (uint32_t i = 0; i < PAGES; i++) {
      words = page_words(mapping, i);
      assert_int_equal(words[0], 100 + i);
      words[1] = 200 + i;
   }
   assert_int_equal(host_munmap(mapping, BO_B), 0);
   close(t.fd);
   finish_exporter();
   stop();
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_window),
      cmocka_unit_test(test_window_fragmented),
      cmocka_unit_test(test_window_evicted),
      cmocka_unit_test(test_failures),
   };
   return cmocka_run_group_tests_name("host-foreign", tests, NULL, NULL);
}
