/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: one render node, no masters, leases or events. */
#ifndef LINUX_DRM_FILE_H
#define LINUX_DRM_FILE_H

#include <linux/types.h>
#include <linux/idr.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <drm/drm.h>
#include <drm/drm_prime.h>

struct drm_device;
struct file;
struct inode;

enum drm_minor_type {
	DRM_MINOR_PRIMARY = 0,
	DRM_MINOR_CONTROL = 1,
	DRM_MINOR_RENDER = 2,
	DRM_MINOR_ACCEL = 32,
};

/* A node of the device; here there is one, the render node. */
struct drm_minor {
	int index;
	int type; /* enum drm_minor_type */
	struct drm_device *dev;
	struct dentry *debugfs_root; /* NULL */
	/* Constant once the node is registered. */
	const struct drm_info_list *debugfs_files;
	int num_debugfs_files;
};

/* One open file of the node, with the handles it owns. */
struct drm_file {
	bool authenticated; /* never: render clients need no authentication */
	u64 client_id; /* unique, from 1 */
	struct list_head lhead; /* in drm_device::filelist */
	struct drm_minor *minor;

	struct idr object_idr; /* GEM handle -> object */
	spinlock_t table_lock; /* guards object_idr */
	struct idr syncobj_idr; /* syncobj handle -> drm_syncobj */
	spinlock_t syncobj_table_lock; /* guards syncobj_idr */

	struct file *filp;
	void *driver_priv;
	struct drm_prime_file_private prime;
};

static inline bool drm_is_primary_client(const struct drm_file *file_priv)
{
	return file_priv->minor->type == DRM_MINOR_PRIMARY;
}

static inline bool drm_is_render_client(const struct drm_file *file_priv)
{
	return file_priv->minor->type == DRM_MINOR_RENDER;
}

/* file_operations of every DRM driver. drm_open() calls drm_driver::open. */
int drm_open(struct inode *inode, struct file *filp);
/* Drops all handles, calls drm_driver::postclose, in the kernel's order. */
int drm_release(struct inode *inode, struct file *filp);

/* There is no read, poll or fdinfo system call here: see docs/linux-drm.md. */
#define drm_read NULL
#define drm_poll NULL
#define drm_show_fdinfo NULL

#endif /* LINUX_DRM_FILE_H */
