// SPDX-License-Identifier: MIT OR GPL-2.0
/* Opening and closing the node. */
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "drm_internal.h"

static atomic64_t last_client_id = ATOMIC64_INIT(0);

static struct drm_file *file_alloc(struct drm_minor *minor, struct file *filp)
{
	struct drm_device *dev = minor->dev;
	struct drm_file *file = kzalloc(sizeof(*file), GFP_KERNEL);
	int ret;

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->client_id = (u64)atomic64_inc_return(&last_client_id);
	file->minor = minor;
	file->filp = filp;
	INIT_LIST_HEAD(&file->lhead);
	linux_drm_gem_open(file);
	linux_drm_syncobj_open(file);
	linux_drm_prime_open(&file->prime);
	if (dev->driver->open) {
		ret = dev->driver->open(dev, file);
		if (ret)
			goto err_release;
	}
	return file;

err_release:
	linux_drm_prime_release(&file->prime);
	linux_drm_syncobj_release(file);
	linux_drm_gem_release(file);
	kfree(file);
	return ERR_PTR(ret);
}

static void file_free(struct drm_file *file)
{
	struct drm_device *dev = file->minor->dev;

	linux_drm_syncobj_release(file);
	linux_drm_gem_release(file);
	if (dev->driver->postclose)
		dev->driver->postclose(dev, file);
	linux_drm_prime_release(&file->prime);
	kfree(file);
}

int drm_open(struct inode *inode, struct file *filp)
{
	struct drm_minor *minor = linux_drm_minor_acquire(inode);
	struct drm_device *dev;
	struct drm_file *file;

	if (IS_ERR(minor))
		return PTR_ERR(minor);
	dev = minor->dev;
	file = file_alloc(minor, filp);
	if (IS_ERR(file)) {
		drm_dev_put(dev);
		return PTR_ERR(file);
	}
	filp->private_data = file;
	atomic_inc(&dev->open_count);
	mutex_lock(&dev->filelist_mutex);
	list_add(&file->lhead, &dev->filelist);
	mutex_unlock(&dev->filelist_mutex);
	return 0;
}

int drm_release(struct inode *inode, struct file *filp)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *dev = file->minor->dev;

	mutex_lock(&dev->filelist_mutex);
	list_del(&file->lhead);
	mutex_unlock(&dev->filelist_mutex);
	file_free(file);
	filp->private_data = NULL;
	atomic_dec(&dev->open_count);
	drm_dev_put(dev);
	return 0;
}
