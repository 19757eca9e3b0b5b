/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: what a render driver and its files need; no displays. */
#ifndef LINUX_DRM_DEVICE_H
#define LINUX_DRM_DEVICE_H

#include <linux/types.h>
#include <linux/atomic.h>
#include <linux/idr.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>

struct device;
struct drm_driver;
struct drm_minor;
struct drm_vma_offset_manager;

/*
 * One DRM device. Embedded in the driver's own struct, at the offset told to
 * devm_drm_dev_alloc(). Held by its parent device (until the driver detaches)
 * and by every open file, exported dma-buf and user mapping.
 */
struct drm_device {
	struct kref ref;
	struct device *dev; /* parent */

	/* What drmm_*() registered, newest first; final_kfree goes last. */
	struct {
		struct list_head resources;
		void *final_kfree;
		spinlock_t lock; /* guards resources */
	} managed;

	const struct drm_driver *driver;
	void *dev_private;
	struct drm_minor *render;
	bool registered; /* guarded by the node lock of drm_drv.c */
	u32 driver_features; /* mask over driver->driver_features */
	bool unplugged; /* written once; read under drm_dev_enter() */

	atomic_t open_count;
	struct mutex filelist_mutex; /* guards filelist */
	struct list_head filelist; /* drm_file::lhead */

	struct mutex object_name_lock; /* guards gem handle_count and dma_buf */
	struct drm_vma_offset_manager *vma_offset_manager;
};

#endif /* LINUX_DRM_DEVICE_H */
