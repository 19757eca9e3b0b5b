/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Between drm_syncobj.c, drm_syncobj_wait.c and drm_syncobj_ioctl.c. */
#ifndef DRM_SYNCOBJ_INTERNAL_H
#define DRM_SYNCOBJ_INTERNAL_H

#include <linux/types.h>

struct dma_fence;
struct drm_syncobj;

/*
 * A reference on the fence of @point, a stub where that has gone because it has
 * signalled. -EINVAL: nothing was submitted for it yet.
 */
int linux_drm_syncobj_point_fence(struct drm_syncobj *syncobj, u64 point,
				  struct dma_fence **fence_out);

/* With syncobj->lock held, after the fence changed: tells waiters, eventfds. */
void linux_drm_syncobj_notify(struct drm_syncobj *syncobj);
/* Drops the eventfds that still wait for a submission. */
void linux_drm_syncobj_free_eventfds(struct drm_syncobj *syncobj);

/*
 * Waits until @point has a fence, which may not have signalled. Jiffies left,
 * at least 1, or -ETIME.
 */
long linux_drm_syncobj_wait_available(struct drm_syncobj *syncobj, u64 point,
				      long timeout);

#endif /* DRM_SYNCOBJ_INTERNAL_H */
