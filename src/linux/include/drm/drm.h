/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: <drm/drm.h> of the kernel is the uAPI header that libdrm installs.
 */
#ifndef LINUX_DRM_H
#define LINUX_DRM_H

#include <drm.h>

#include <linux/types.h>

/* Wait flags and ioctls that are younger than the oldest libdrm we build on. */
#ifndef DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE
#define DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE (1 << 3)
#endif

#ifndef DRM_IOCTL_SYNCOBJ_EVENTFD
struct drm_syncobj_eventfd {
	__u32 handle;
	__u32 flags;
	__u64 point;
	__s32 fd;
	__u32 pad;
};
#define DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct drm_syncobj_eventfd)
#endif

#endif /* LINUX_DRM_H */
