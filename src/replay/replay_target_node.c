/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>

#include "replay_target.h"

struct node_target {
   struct replay_target base;
   const char *path;
};

struct node_file {
   struct replay_file base;
   int fd;
};

static int
fd_of(struct replay_file *file)
{
   return ((struct node_file *)file)->fd;
}

/* The machine is what it is. */
static int
node_boot(struct replay_target *target, const uint64_t *config)
{
   (void)target;
   (void)config;
   return 0;
}

static int
node_shutdown(struct replay_target *target)
{
   (void)target;
   return 0;
}

static int
node_open(struct replay_target *target, struct replay_file **file_out)
{
   struct node_file *file = calloc(1, sizeof(*file));

   if (!file)
      return -ENOMEM;
   file->fd = open(((struct node_target *)target)->path, O_RDWR | O_CLOEXEC);
   if (file->fd < 0) {
      int ret = -errno;
      free(file);
      return ret;
   }
   file->base.target = target;
   *file_out = &file->base;
   return 0;
}

static void
node_close(struct replay_file *file)
{
   close(fd_of(file));
   free(file);
}

static int
node_fd_ioctl(int fd, uint32_t request, void *arg)
{
   return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static int
node_ioctl(struct replay_file *file, uint32_t request, void *arg)
{
   return node_fd_ioctl(fd_of(file), request, arg);
}

static int
node_fd_mmap(int fd, size_t size_B, int prot, int flags, uint64_t offset,
             void **addr_out)
{
   *addr_out = mmap64(NULL, size_B, prot, flags, fd, (off64_t)offset);
   return *addr_out == MAP_FAILED ? -errno : 0;
}

static int
node_mmap(struct replay_file *file, size_t size_B, int prot, int flags,
          uint64_t offset, void **addr_out)
{
   return node_fd_mmap(fd_of(file), size_B, prot, flags, offset, addr_out);
}

static int
node_munmap(void *addr, size_t size_B)
{
   return munmap(addr, size_B) ? -errno : 0;
}

/* Whether its driver calls itself panthor. */
static int
check_node(struct replay_target *target)
{
   char name[8] = "";
   struct drm_version version = {.name = name, .name_len = sizeof(name) - 1};
   struct replay_file *file;
   int ret = node_open(target, &file);

   if (ret)
      return ret;
   ret = node_ioctl(file, DRM_IOCTL_VERSION, &version);
   if (ret || strcmp(name, "panthor"))
      ret = -ENODEV;
   node_close(file);
   return ret;
}

int
replay_target_node(const char *path, struct replay_target **target_out)
{
   static const struct replay_target_ops ops = {
      .boot = node_boot,
      .shutdown = node_shutdown,
      .open = node_open,
      .close = node_close,
      .ioctl = node_ioctl,
      .mmap = node_mmap,
      .munmap = node_munmap,
      .fd_ioctl = node_fd_ioctl,
      .fd_mmap = node_fd_mmap,
   };
   static struct node_target target = {.base = {&ops}};

   target.path = path;
   *target_out = &target.base;
   return check_node(&target.base);
}
