// SPDX-License-Identifier: MIT OR GPL-2.0
/* Syncobjs for the driver: what is inside, handles and descriptors. */
#include <drm/drm_syncobj.h>
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/idr.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "drm_internal.h"
#include "drm_syncobj_internal.h"

/* For how long drm_syncobj_find_fence() waits for a submission. */
#define WAIT_FOR_SUBMIT_TIMEOUT (5 * HZ)

/* ------------------------------------------------------------- lifetime -- */

int drm_syncobj_create(struct drm_syncobj **out_syncobj, uint32_t flags,
		       struct dma_fence *fence)
{
	struct drm_syncobj *syncobj = kzalloc(sizeof(*syncobj), GFP_KERNEL);
	struct dma_fence *stub = NULL;

	if (!syncobj)
		return -ENOMEM;
	if (flags & DRM_SYNCOBJ_CREATE_SIGNALED) {
		stub = dma_fence_allocate_private_stub(ktime_get());
		if (!stub) {
			kfree(syncobj);
			return -ENOMEM;
		}
		fence = stub;
	}
	kref_init(&syncobj->refcount);
	INIT_LIST_HEAD(&syncobj->cb_list);
	INIT_LIST_HEAD(&syncobj->ev_fd_list);
	spin_lock_init(&syncobj->lock);
	if (fence)
		drm_syncobj_replace_fence(syncobj, fence);
	dma_fence_put(stub);
	*out_syncobj = syncobj;
	return 0;
}

void drm_syncobj_free(struct kref *kref)
{
	struct drm_syncobj *syncobj =
		container_of(kref, struct drm_syncobj, refcount);

	WARN_ON(!list_empty(&syncobj->cb_list));
	drm_syncobj_replace_fence(syncobj, NULL);
	linux_drm_syncobj_free_eventfds(syncobj);
	kfree(syncobj);
}

/* ------------------------------------------------------------- contents -- */

void drm_syncobj_replace_fence(struct drm_syncobj *syncobj,
			       struct dma_fence *fence)
{
	struct dma_fence *old;

	dma_fence_get(fence);
	spin_lock(&syncobj->lock);
	old = rcu_replace_pointer(syncobj->fence, fence, true);
	if (fence != old)
		linux_drm_syncobj_notify(syncobj);
	spin_unlock(&syncobj->lock);
	dma_fence_put(old);
}

void drm_syncobj_add_point(struct drm_syncobj *syncobj,
			   struct dma_fence_chain *chain,
			   struct dma_fence *fence, uint64_t point)
{
	struct dma_fence *prev, *link;

	dma_fence_get(fence);
	spin_lock(&syncobj->lock);
	prev = drm_syncobj_fence_get(syncobj);
	/* The syncobj's reference on prev is the chain's from now on. */
	dma_fence_chain_init(chain, prev, fence, point);
	rcu_assign_pointer(syncobj->fence, &chain->base);
	linux_drm_syncobj_notify(syncobj);
	spin_unlock(&syncobj->lock);

	/* A walk takes out the points that have signalled. */
	dma_fence_chain_for_each(link, prev)
		;
	dma_fence_put(prev);
}

int drm_syncobj_find_fence(struct drm_file *file_private, u32 handle, u64 point,
			   u64 flags, struct dma_fence **fence)
{
	struct drm_syncobj *syncobj;
	int ret;

	if (flags & ~(u64)DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT)
		return -EINVAL;
	syncobj = drm_syncobj_find(file_private, handle);
	if (!syncobj)
		return -ENOENT;

	ret = linux_drm_syncobj_point_fence(syncobj, point, fence);
	if (ret && flags) {
		long left = linux_drm_syncobj_wait_available(
			syncobj, point, WAIT_FOR_SUBMIT_TIMEOUT);

		/* It cannot become unavailable, but somebody may reset it. */
		ret = left > 0 ? linux_drm_syncobj_point_fence(syncobj, point,
							       fence)
			       : (int)left;
	}
	drm_syncobj_put(syncobj);
	return ret;
}

int linux_drm_syncobj_point_fence(struct drm_syncobj *syncobj, u64 point,
				  struct dma_fence **fence_out)
{
	struct dma_fence *fence = drm_syncobj_fence_get(syncobj);

	if (!fence)
		return -EINVAL;
	if (dma_fence_chain_find_seqno(&fence, point)) {
		dma_fence_put(fence);
		return -EINVAL;
	}
	/* The point has gone from the chain because it has signalled. */
	*fence_out = fence ? fence : dma_fence_get_stub();
	return 0;
}

/* -------------------------------------------------------------- handles -- */

void linux_drm_syncobj_open(struct drm_file *file)
{
	idr_init_base(&file->syncobj_idr, 1);
	spin_lock_init(&file->syncobj_table_lock);
}

void linux_drm_syncobj_release(struct drm_file *file)
{
	struct drm_syncobj *syncobj;
	int handle;

	idr_for_each_entry(&file->syncobj_idr, syncobj, handle)
		drm_syncobj_put(syncobj);
	idr_destroy(&file->syncobj_idr);
}

struct drm_syncobj *drm_syncobj_find(struct drm_file *file_private, u32 handle)
{
	struct drm_syncobj *syncobj;

	spin_lock(&file_private->syncobj_table_lock);
	syncobj = idr_find(&file_private->syncobj_idr, handle);
	if (syncobj)
		drm_syncobj_get(syncobj);
	spin_unlock(&file_private->syncobj_table_lock);
	return syncobj;
}

int drm_syncobj_get_handle(struct drm_file *file_private,
			   struct drm_syncobj *syncobj, u32 *handle)
{
	int ret;

	drm_syncobj_get(syncobj);
	idr_preload(GFP_KERNEL);
	spin_lock(&file_private->syncobj_table_lock);
	ret = idr_alloc(&file_private->syncobj_idr, syncobj, 1, 0, GFP_NOWAIT);
	spin_unlock(&file_private->syncobj_table_lock);
	idr_preload_end();
	if (ret < 0) {
		drm_syncobj_put(syncobj);
		return ret;
	}
	*handle = ret;
	return 0;
}

int linux_drm_syncobj_create_ioctl(struct drm_device *dev, void *data,
				   struct drm_file *file)
{
	struct drm_syncobj_create *args = data;
	struct drm_syncobj *syncobj;
	int ret;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ))
		return -EOPNOTSUPP;
	if (args->flags & ~(u32)DRM_SYNCOBJ_CREATE_SIGNALED)
		return -EINVAL;
	ret = drm_syncobj_create(&syncobj, args->flags, NULL);
	if (ret)
		return ret;
	ret = drm_syncobj_get_handle(file, syncobj, &args->handle);
	drm_syncobj_put(syncobj);
	return ret;
}

int linux_drm_syncobj_destroy_ioctl(struct drm_device *dev, void *data,
				    struct drm_file *file)
{
	struct drm_syncobj_destroy *args = data;
	struct drm_syncobj *syncobj;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ))
		return -EOPNOTSUPP;
	if (args->pad)
		return -EINVAL;
	spin_lock(&file->syncobj_table_lock);
	syncobj = idr_remove(&file->syncobj_idr, args->handle);
	spin_unlock(&file->syncobj_table_lock);
	if (!syncobj)
		return -EINVAL;
	drm_syncobj_put(syncobj);
	return 0;
}

/* ---------------------------------------------------------- descriptors -- */

static int syncobj_file_release(struct inode *inode, struct file *file)
{
	drm_syncobj_put(file->private_data);
	return 0;
}

static const struct file_operations syncobj_file_fops = {
	.release = syncobj_file_release,
};

int drm_syncobj_get_fd(struct drm_syncobj *syncobj, int *p_fd)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	file = anon_inode_getfile("syncobj_file", &syncobj_file_fops, syncobj,
				  0);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	drm_syncobj_get(syncobj);
	fd_install(fd, file);
	*p_fd = fd;
	return 0;
}

static int handle_to_fd(struct drm_file *file, u32 handle, int *p_fd)
{
	struct drm_syncobj *syncobj = drm_syncobj_find(file, handle);
	int ret;

	if (!syncobj)
		return -EINVAL;
	ret = drm_syncobj_get_fd(syncobj, p_fd);
	drm_syncobj_put(syncobj);
	return ret;
}

static int fd_to_handle(struct drm_file *file_private, int fd, u32 *handle)
{
	struct file *file = fget(fd);
	int ret = -EINVAL;

	if (!file)
		return -EINVAL;
	if (file->f_op == &syncobj_file_fops)
		ret = drm_syncobj_get_handle(file_private, file->private_data,
					     handle);
	fput(file);
	return ret;
}

static int export_sync_file(struct drm_file *file, u32 handle, int *p_fd)
{
	struct sync_file *sync_file;
	struct dma_fence *fence;
	int ret, fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	ret = drm_syncobj_find_fence(file, handle, 0, 0, &fence);
	if (ret)
		goto err_put_fd;
	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	if (!sync_file) {
		ret = -EINVAL;
		goto err_put_fd;
	}
	linux_sync_file_install(sync_file, fd);
	*p_fd = fd;
	return 0;

err_put_fd:
	put_unused_fd(fd);
	return ret;
}

static int import_sync_file(struct drm_file *file, int fd, u32 handle)
{
	struct dma_fence *fence = sync_file_get_fence(fd);
	struct drm_syncobj *syncobj;

	if (!fence)
		return -EINVAL;
	syncobj = drm_syncobj_find(file, handle);
	if (syncobj) {
		drm_syncobj_replace_fence(syncobj, fence);
		drm_syncobj_put(syncobj);
	}
	dma_fence_put(fence);
	return syncobj ? 0 : -ENOENT;
}

int linux_drm_syncobj_handle_to_fd_ioctl(struct drm_device *dev, void *data,
					 struct drm_file *file)
{
	struct drm_syncobj_handle *args = data;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ))
		return -EOPNOTSUPP;
	if (args->pad ||
	    args->flags & ~(u32)DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE)
		return -EINVAL;
	if (args->flags)
		return export_sync_file(file, args->handle, &args->fd);
	return handle_to_fd(file, args->handle, &args->fd);
}

int linux_drm_syncobj_fd_to_handle_ioctl(struct drm_device *dev, void *data,
					 struct drm_file *file)
{
	struct drm_syncobj_handle *args = data;

	if (!drm_core_check_feature(dev, DRIVER_SYNCOBJ))
		return -EOPNOTSUPP;
	if (args->pad ||
	    args->flags & ~(u32)DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE)
		return -EINVAL;
	if (args->flags)
		return import_sync_file(file, args->fd, args->handle);
	return fd_to_handle(file, args->fd, &args->handle);
}
