/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <time.h>

#include "pan_kmod_private.h"

/* The kernel wants CLOCK_MONOTONIC; so far away that it overflows is for ever.
 */
static int64_t
absolute_timeout_ns(int64_t timeout_ns)
{
   struct timespec now;
   int64_t now_ns;

   clock_gettime(CLOCK_MONOTONIC, &now);
   now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;

   if (timeout_ns > INT64_MAX - now_ns)
      return INT64_MAX;

   return now_ns + timeout_ns;
}

int
pan_kmod_syncobj_create(struct pan_kmod_dev *dev, bool signaled,
                        uint32_t *handle_out)
{
   struct drm_syncobj_create args = {
       .flags = signaled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0,
   };

   int ret = pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_CREATE, &args);
   if (!ret)
      *handle_out = args.handle;
   return ret;
}

void
pan_kmod_syncobj_destroy(struct pan_kmod_dev *dev, uint32_t handle)
{
   struct drm_syncobj_destroy args = {.handle = handle};

   if (handle && pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_DESTROY, &args))
      pan_kmod_error("syncobj %u was destroyed by somebody else", handle);
}

int
pan_kmod_syncobj_wait(struct pan_kmod_dev *dev, uint32_t handle, uint64_t point,
                      int64_t timeout_ns)
{
   uint64_t handles = (uint64_t)(uintptr_t)&handle;
   int64_t deadline_ns = absolute_timeout_ns(timeout_ns);

   if (!point) {
      struct drm_syncobj_wait args = {
          .handles = handles,
          .timeout_nsec = deadline_ns,
          .count_handles = 1,
          .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
      };

      return pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_WAIT, &args);
   }

   struct drm_syncobj_timeline_wait args = {
       .handles = handles,
       .points = (uint64_t)(uintptr_t)&point,
       .timeout_nsec = deadline_ns,
       .count_handles = 1,
       .flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT,
   };

   return pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int
pan_kmod_syncobj_signal(struct pan_kmod_dev *dev, uint32_t handle,
                        uint64_t point)
{
   uint64_t handles = (uint64_t)(uintptr_t)&handle;

   if (!point) {
      struct drm_syncobj_array args = {
          .handles = handles,
          .count_handles = 1,
      };

      return pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_SIGNAL, &args);
   }

   struct drm_syncobj_timeline_array args = {
       .handles = handles,
       .points = (uint64_t)(uintptr_t)&point,
       .count_handles = 1,
   };

   return pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args);
}

int
pan_kmod_syncobj_query(struct pan_kmod_dev *dev, uint32_t handle,
                       uint64_t *point_out)
{
   uint64_t point = 0;
   struct drm_syncobj_timeline_array args = {
       .handles = (uint64_t)(uintptr_t)&handle,
       .points = (uint64_t)(uintptr_t)&point,
       .count_handles = 1,
   };

   int ret = pan_kmod_ioctl(dev, DRM_IOCTL_SYNCOBJ_QUERY, &args);
   if (!ret)
      *point_out = point;
   return ret;
}
