/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "pan_kmod_private.h"

static void
close_handle(struct pan_kmod_dev *dev, uint32_t handle)
{
   struct drm_gem_close args = {.handle = handle};

   /* It cannot fail for a handle that is ours. */
   if (pan_kmod_ioctl(dev, DRM_IOCTL_GEM_CLOSE, &args))
      pan_kmod_error("buffer handle %u was closed by somebody else", handle);
}

static int
set_label(struct pan_kmod_dev *dev, uint32_t handle, const char *label)
{
   struct drm_panthor_bo_set_label args = {
       .handle = handle,
       .label = (uint64_t)(uintptr_t)label,
   };

   return pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_SET_LABEL, &args);
}

int
pan_kmod_bo_create(struct pan_kmod_dev *dev, uint64_t size_B, uint32_t flags,
                   uint32_t exclusive_vm_id, const char *label,
                   struct pan_kmod_bo **bo_out)
{
   struct pan_kmod_bo *bo = calloc(1, sizeof(*bo));
   if (!bo)
      return -ENOMEM;

   struct drm_panthor_bo_create args = {
       .size = size_B,
       .flags = flags,
       .exclusive_vm_id = exclusive_vm_id,
   };
   int ret = pan_kmod_ioctl(dev, DRM_IOCTL_PANTHOR_BO_CREATE, &args);
   if (ret)
      goto err_free;

   if (label) {
      ret = set_label(dev, args.handle, label);
      if (ret)
         goto err_close;
   }

   bo->dev = dev;
   bo->handle = args.handle;
   bo->flags = flags;
   bo->size_B = args.size;
   *bo_out = bo;
   return 0;

err_close:
   close_handle(dev, args.handle);
err_free:
   free(bo);
   return ret;
}

void
pan_kmod_bo_destroy(struct pan_kmod_bo *bo)
{
   if (!bo)
      return;

   close_handle(bo->dev, bo->handle);
   free(bo);
}

int
pan_kmod_bo_mmap(struct pan_kmod_bo *bo, void *addr, int prot, int flags,
                 void **addr_out)
{
   struct drm_panthor_bo_mmap_offset args = {.handle = bo->handle};

   int ret = pan_kmod_ioctl(bo->dev, DRM_IOCTL_PANTHOR_BO_MMAP_OFFSET, &args);
   if (ret)
      return ret;

   return pan_kmod_mmap(bo->dev, addr, bo->size_B, prot, flags | MAP_SHARED,
                        args.offset, addr_out);
}
