/* SPDX-License-Identifier: MIT */
/* The back end over a DRM render node: the real driver on a real GPU. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pan_kmod_private.h"

struct kmod_drm_dev {
   struct pan_kmod_dev base;
   int fd;
};

static struct kmod_drm_dev *
to_drm_dev(struct pan_kmod_dev *dev)
{
   return (struct kmod_drm_dev *)dev;
}

static int
kmod_drm_destroy(struct pan_kmod_dev *dev)
{
   struct kmod_drm_dev *drm = to_drm_dev(dev);

   close(drm->fd);
   free(drm);
   return 0;
}

static int
kmod_drm_ioctl(struct pan_kmod_dev *dev, unsigned long request, void *arg)
{
   return ioctl(to_drm_dev(dev)->fd, request, arg) ? -errno : 0;
}

static int
kmod_drm_mmap(struct pan_kmod_dev *dev, void *addr, size_t size_B, int prot,
              int flags, uint64_t offset, void **addr_out)
{
   void *mapped =
       mmap64(addr, size_B, prot, flags, to_drm_dev(dev)->fd, (off64_t)offset);
   if (mapped == MAP_FAILED)
      return -errno;

   *addr_out = mapped;
   return 0;
}

static int
kmod_drm_munmap(struct pan_kmod_dev *dev, void *addr, size_t size_B)
{
   (void)dev;
   return munmap(addr, size_B) ? -errno : 0;
}

static const struct pan_kmod_ops kmod_drm_ops = {
    .destroy = kmod_drm_destroy,
    .ioctl = kmod_drm_ioctl,
    .mmap = kmod_drm_mmap,
    .munmap = kmod_drm_munmap,
};

int
pan_kmod_drm_create(const char *path, struct pan_kmod_dev **dev_out)
{
   struct kmod_drm_dev *drm = calloc(1, sizeof(*drm));
   if (!drm)
      return -ENOMEM;

   drm->fd = open(path, O_RDWR | O_CLOEXEC);
   if (drm->fd < 0) {
      int ret = -errno;

      pan_kmod_error("%s cannot be opened: %s", path, strerror(-ret));
      free(drm);
      return ret;
   }

   drm->base.ops = &kmod_drm_ops;
   *dev_out = &drm->base;
   return 0;
}
