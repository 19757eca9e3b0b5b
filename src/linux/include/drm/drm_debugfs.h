/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: files that say what a driver has, for people and tests, named
 * /sys/kernel/debug/dri/<minor>/<name> in a kernel. See linux_debugfs_read().
 */
#ifndef LINUX_DRM_DEBUGFS_H
#define LINUX_DRM_DEBUGFS_H

#include <linux/seq_file.h>
#include <linux/types.h>

struct dentry;
struct drm_minor;

struct drm_info_list {
	const char *name;
	/* m->private is a struct drm_info_node. 0 or a negative errno. */
	int (*show)(struct seq_file *m, void *unused);
	u32 driver_features; /* that the device must have */
	void *data;
};

struct drm_info_node {
	struct drm_minor *minor;
	const struct drm_info_list *info_ent;
};

/* For drm_driver::debugfs_init, once; @files must outlive the device. */
void drm_debugfs_create_files(const struct drm_info_list *files, int count,
			      struct dentry *root, struct drm_minor *minor);

#endif /* LINUX_DRM_DEBUGFS_H */
