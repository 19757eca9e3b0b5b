/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: no helpers for other exporters. GEM objects as dma-bufs, and dma-
 * bufs as GEM objects.
 */
#ifndef LINUX_DRM_PRIME_H
#define LINUX_DRM_PRIME_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_file;
struct drm_gem_object;

/*
 * Which dma-bufs an open file knows under which handle, so that importing one
 * twice, or exporting and importing it, gives the handle that is there.
 */
struct drm_prime_file_private {
	struct mutex lock; /* guards members */
	struct list_head members;
};

/* A new dma-buf of @obj, which it references; ERR_PTR(-ENOMEM). */
struct dma_buf *drm_gem_prime_export(struct drm_gem_object *obj, int flags);
/*
 * The object itself for an own dma-buf (one more reference), else a new object
 * from drm_driver::gem_prime_import_sg_table().
 */
struct drm_gem_object *drm_gem_prime_import(struct drm_device *dev,
					    struct dma_buf *dma_buf);
/* For the free callback of imported objects: unmaps @sg and detaches. */
void drm_prime_gem_destroy(struct drm_gem_object *obj, struct sg_table *sg);

/* -ENOENT: handle; -EINVAL: not exportable; -EMFILE; -ENOMEM. */
int drm_gem_prime_handle_to_fd(struct drm_device *dev,
			       struct drm_file *file_priv, uint32_t handle,
			       uint32_t flags, int *prime_fd);
/* -EBADF: no such descriptor; -EINVAL: not a dma-buf of this machine. */
int drm_gem_prime_fd_to_handle(struct drm_device *dev,
			       struct drm_file *file_priv, int prime_fd,
			       uint32_t *handle);

#endif /* LINUX_DRM_PRIME_H */
