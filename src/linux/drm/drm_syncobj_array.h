/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The arrays of handles and points that many syncobj ioctls take. */
#ifndef DRM_SYNCOBJ_ARRAY_H
#define DRM_SYNCOBJ_ARRAY_H

#include <linux/types.h>

struct drm_file;
struct drm_syncobj;

#define LINUX_SYNCOBJ_ARRAY_INLINE 4

/* Holds a reference on each syncobj. Small ones need no memory. */
struct linux_syncobj_array {
	u32 count;
	struct drm_syncobj **syncobjs;
	u64 *points; /* NULL until linux_syncobj_array_get_points() */
	struct drm_syncobj *inline_syncobjs[LINUX_SYNCOBJ_ARRAY_INLINE];
	u64 inline_points[LINUX_SYNCOBJ_ARRAY_INLINE];
};

/* @handles: user pointer. -EFAULT, -ENOENT: unknown handle, -ENOMEM. */
int linux_syncobj_array_get(struct drm_file *file,
			    struct linux_syncobj_array *array, u64 handles,
			    u32 count);
/* @points: user pointer; 0: all are 0. -EFAULT, -ENOMEM. */
int linux_syncobj_array_get_points(struct linux_syncobj_array *array,
				   u64 points);
void linux_syncobj_array_put(struct linux_syncobj_array *array);

#endif /* DRM_SYNCOBJ_ARRAY_H */
