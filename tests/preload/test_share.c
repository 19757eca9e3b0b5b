/* SPDX-License-Identifier: MIT */
/* Descriptors that the node gives out, as the kernel's own headers have them. */
#include "client.h"

#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define BO_B (1 << 16)
#define PAGE_B 4096

static char *
map(int fd, uint64_t offset, size_t size_B)
{
   char *mapped = mmap(NULL, size_B, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                       (off_t)offset);

   assert_ptr_not_equal(mapped, MAP_FAILED);
   return mapped;
}

static bool
readable(int fd)
{
   struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

   return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLIN;
}

/* ---------------------------------------------------------------- dma-buf -- */

static void
test_size(void **state)
{
   int fd = open_node(), buf;

   assert_int_equal(lseek(fd, 5, SEEK_SET), 0);
   assert_int_equal(drmPrimeHandleToFD(fd, create_bo(fd, BO_B), DRM_CLOEXEC,
                                       &buf), 0);
   assert_int_equal(lseek(buf, 0, SEEK_END), BO_B);
   assert_int_equal(lseek64(buf, 0, SEEK_SET), 0);
   assert_errno(lseek(buf, 1, SEEK_SET), EINVAL);
   close(fd);
   assert_int_equal(lseek(buf, 0, SEEK_END), BO_B);
   close(buf);
   assert_errno(lseek(buf, 0, SEEK_END), EBADF);
}

/* What one sees the other sees, and it stays when all else is closed. */
static void
test_map(void **state)
{
   int fd = open_node(), buf;
   uint32_t handle = create_bo(fd, BO_B);
   char *by_node = map(fd, mmap_offset(fd, handle), BO_B);

   assert_int_equal(drmPrimeHandleToFD(fd, handle, DRM_CLOEXEC | DRM_RDWR, &buf),
                    0);
   char *second_page = map(buf, PAGE_B, PAGE_B);
   strcpy(by_node + PAGE_B, "written by one");
   assert_string_equal(second_page, "written by one");
   munmap(by_node, BO_B);
   close(fd);
   close(buf);
   assert_string_equal(second_page, "written by one");
   munmap(second_page, PAGE_B);
}

static void
test_map_rules(void **state)
{
   int fd = open_node(), buf;

   assert_int_equal(drmPrimeHandleToFD(fd, create_bo(fd, BO_B), DRM_CLOEXEC,
                                       &buf), 0);
   assert_errno((long)mmap(NULL, PAGE_B, PROT_WRITE, MAP_SHARED, buf, 0), EACCES);
   assert_errno((long)mmap(NULL, PAGE_B, PROT_READ, MAP_SHARED, buf, BO_B),
                EINVAL);
   assert_errno((long)mmap(NULL, PAGE_B, PROT_READ, MAP_PRIVATE, buf, 0), EINVAL);
   close(buf);
   close(fd);
}

/* --------------------------------------------------------------- sync file -- */

/* A sync file of a syncobj that is signalled already. */
static int
signalled_sync_file(int fd)
{
   uint32_t syncobj;
   int sync_file;

   assert_int_equal(drmSyncobjCreate(fd, DRM_SYNCOBJ_CREATE_SIGNALED, &syncobj),
                    0);
   assert_int_equal(drmSyncobjExportSyncFile(fd, syncobj, &sync_file), 0);
   assert_int_equal(drmSyncobjDestroy(fd, syncobj), 0);
   return sync_file;
}

static void
test_implicit_sync(void **state)
{
   struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_RW};
   struct dma_buf_import_sync_file import = {.flags = DMA_BUF_SYNC_WRITE};
   struct dma_buf_sync begin = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
   struct dma_buf_sync end = {.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ};
   int fd = open_node(), buf;

   assert_int_equal(drmPrimeHandleToFD(fd, create_bo(fd, BO_B), DRM_CLOEXEC,
                                       &buf), 0);
   assert_int_equal(ioctl(buf, DMA_BUF_SET_NAME, "a name"), 0);
   import.fd = signalled_sync_file(fd);
   assert_int_equal(ioctl(buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import), 0);
   assert_int_equal(ioctl(buf, DMA_BUF_IOCTL_SYNC, &begin), 0);
   assert_int_equal(ioctl(buf, DMA_BUF_IOCTL_SYNC, &end), 0);
   assert_int_equal(ioctl(buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export), 0);
   assert_true(readable(export.fd));
   begin.flags = 1u << 31;
   assert_errno(ioctl(buf, DMA_BUF_IOCTL_SYNC, &begin), EINVAL);
   assert_errno(ioctl(buf, SYNC_IOC_MERGE, &begin), ENOTTY);
   close(export.fd);
   close(import.fd);
   close(buf);
   close(fd);
}

static void
test_sync_file(void **state)
{
   int fd = open_node();
   struct sync_merge_data merge = {.name = "both",
                                   .fd2 = signalled_sync_file(fd)};
   struct sync_fence_info infos[2];
   struct sync_file_info info = {.num_fences = 2,
                                 .sync_fence_info = (uintptr_t)infos};
   int first = signalled_sync_file(fd);

   assert_int_equal(ioctl(first, SYNC_IOC_MERGE, &merge), 0);
   assert_true(readable(merge.fence));
   assert_int_equal(ioctl(merge.fence, SYNC_IOC_FILE_INFO, &info), 0);
   assert_string_equal(info.name, "both");
   assert_int_equal(info.status, 1);
   assert_in_range(info.num_fences, 1, 2);
   assert_int_equal(infos[0].status, 1);
   merge.fd2 = 0;
   assert_errno(ioctl(first, SYNC_IOC_MERGE, &merge), ENOENT);
   close(merge.fence);
   close(first);
   close_range(3, ~0u, 0);
}

/* ---------------------------------------------------------------- the rest -- */

#define DEBUGFS "/sys/kernel/debug/dri/128/"

/* What the driver says of this machine, as it is at each open. */
static void
test_debugfs(void **state)
{
   int fd = open_node();
   char text[4096] = "";

   create_vm(fd);
   int file = open(DEBUGFS "gpuvas", O_RDONLY | O_CLOEXEC);
   assert_true(file >= 0);
   assert_true(read(file, text, sizeof(text) - 1) > 0);
   assert_non_null(strstr(text, "DRM GPU VA space (panthor-file-1-vm-1)"));
   close(file);
   create_vm(fd);
   FILE *stream = fopen(DEBUGFS "translations", "r");
   assert_non_null(stream);
   size_t length = fread(text, 1, sizeof(text) - 1, stream);
   text[length] = '\0';
   assert_non_null(strstr(text, "Translations of file 1, VM 2:"));
   fclose(stream);

   assert_errno(open(DEBUGFS "gpuvas", O_RDWR), EACCES);
   assert_errno(open(DEBUGFS "nothing", O_RDONLY), ENOENT);
   assert_null(fopen(DEBUGFS "gpuvas", "w"));
   close(fd);
}

/* What the kernel answers for descriptors of any kind. */
static void
test_any_file(void **state)
{
   int fd = open_node(), buf;

   assert_int_equal(drmPrimeHandleToFD(fd, create_bo(fd, BO_B), 0, &buf), 0);
   assert_int_equal(ioctl(fd, FIONCLEX), 0);
   assert_int_equal(fcntl(fd, F_GETFD), 0);
   assert_int_equal(ioctl(buf, FIOCLEX), 0);
   assert_int_equal(fcntl(buf, F_GETFD), FD_CLOEXEC);
   close(buf);
   close(fd);
}

/* In a child of fork() they are what they are: sockets. */
static void
test_fork(void **state)
{
   int fd = open_node(), buf, status;

   assert_int_equal(drmPrimeHandleToFD(fd, create_bo(fd, BO_B), DRM_CLOEXEC,
                                       &buf), 0);
   pid_t child = fork();
   assert_true(child >= 0);
   if (!child)
      _exit(lseek(buf, 0, SEEK_END) == -1 && errno == ESPIPE ? 0 : 1);
   assert_int_equal(waitpid(child, &status, 0), child);
   assert_int_equal(status, 0);
   close(buf);
   close(fd);
}

int
main(void)
{
   const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_size),
      cmocka_unit_test(test_map),
      cmocka_unit_test(test_map_rules),
      cmocka_unit_test(test_implicit_sync),
      cmocka_unit_test(test_sync_file),
      cmocka_unit_test(test_any_file),
      cmocka_unit_test(test_debugfs),
      cmocka_unit_test(test_fork),
   };
   return cmocka_run_group_tests_name("preload-share", tests, NULL, NULL);
}
