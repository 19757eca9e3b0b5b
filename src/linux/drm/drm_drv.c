// SPDX-License-Identifier: MIT OR GPL-2.0
/* A DRM device: its memory, its node, and the end of its hardware. */
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "drm_internal.h"

/* The first render node of a machine is number 128. */
#define RENDER_MINOR 128

/* The node; minor is NULL while no device is registered. */
static DEFINE_MUTEX(node_lock); /* guards node_minor */
static struct drm_minor *node_minor;
static struct inode node_inode = { .i_minor = RENDER_MINOR };

/*
 * Sections between drm_dev_enter() and drm_dev_exit(), of all devices: there
 * is one, and drm_dev_exit() is not told which it is.
 */
static atomic_t sections = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(sections_wait);

const char *linux_drm_log_name(const struct drm_device *drm)
{
	return drm ? drm->driver->name : "drm";
}

/* ------------------------------------------------------------- lifetime -- */

static void destroy_mutexes(struct drm_device *dev, void *res)
{
	mutex_destroy(&dev->object_name_lock);
	mutex_destroy(&dev->filelist_mutex);
}

static void destroy_vma_manager(struct drm_device *dev, void *res)
{
	drm_vma_offset_manager_destroy(dev->vma_offset_manager);
}

static int dev_init(struct drm_device *dev, const struct drm_driver *driver,
		    struct device *parent)
{
	int ret;

	kref_init(&dev->ref);
	dev->dev = get_device(parent);
	dev->driver = driver;
	dev->driver_features = ~0u;
	INIT_LIST_HEAD(&dev->managed.resources);
	spin_lock_init(&dev->managed.lock);
	INIT_LIST_HEAD(&dev->filelist);
	mutex_init(&dev->filelist_mutex);
	mutex_init(&dev->object_name_lock);
	ret = drmm_add_action_or_reset(dev, destroy_mutexes, NULL);
	if (ret)
		return ret;

	dev->render = drmm_kzalloc(dev, sizeof(*dev->render), GFP_KERNEL);
	dev->vma_offset_manager = drmm_kzalloc(
		dev, sizeof(*dev->vma_offset_manager), GFP_KERNEL);
	if (!dev->render || !dev->vma_offset_manager)
		return -ENOMEM;
	dev->render->dev = dev;
	dev->render->type = DRM_MINOR_RENDER;
	dev->render->index = RENDER_MINOR;
	drm_vma_offset_manager_init(dev->vma_offset_manager,
				    DRM_FILE_PAGE_OFFSET_START,
				    DRM_FILE_PAGE_OFFSET_SIZE);
	return drmm_add_action_or_reset(dev, destroy_vma_manager, NULL);
}

static void dev_release(struct kref *ref)
{
	struct drm_device *dev = container_of(ref, struct drm_device, ref);
	void *memory = dev->managed.final_kfree;
	struct device *parent = dev->dev;

	WARN(dev->registered, "released a device that is registered");
	WARN(!list_empty(&dev->filelist), "released a device with open files");
	if (dev->driver->release)
		dev->driver->release(dev);
	linux_drm_managed_release(dev);
	put_device(parent);
	kfree(memory);
}

void drm_dev_get(struct drm_device *dev)
{
	kref_get(&dev->ref);
}

void drm_dev_put(struct drm_device *dev)
{
	if (dev)
		kref_put(&dev->ref, dev_release);
}

static void devm_dev_put(void *data)
{
	drm_dev_put(data);
}

void *__devm_drm_dev_alloc(struct device *parent,
			   const struct drm_driver *driver, size_t size,
			   size_t offset)
{
	void *container = kzalloc(size, GFP_KERNEL);
	struct drm_device *dev;
	int ret;

	if (!container)
		return ERR_PTR(-ENOMEM);
	dev = (struct drm_device *)((char *)container + offset);
	ret = dev_init(dev, driver, parent);
	if (ret)
		goto err_release;
	dev->managed.final_kfree = container;
	ret = devm_add_action_or_reset(parent, devm_dev_put, dev);
	return ret ? ERR_PTR(ret) : container;

err_release:
	linux_drm_managed_release(dev);
	put_device(parent);
	kfree(container);
	return ERR_PTR(ret);
}

/* ----------------------------------------------------------------- node -- */

int drm_dev_register(struct drm_device *dev, unsigned long flags)
{
	int ret = 0;

	if (WARN_ON(!drm_core_check_feature(dev, DRIVER_RENDER) ||
		    !dev->driver->fops))
		return -EINVAL;
	if (dev->driver->debugfs_init)
		dev->driver->debugfs_init(dev->render);
	mutex_lock(&node_lock);
	if (node_minor) {
		ret = -EBUSY;
	} else {
		node_minor = dev->render;
		dev->registered = true;
	}
	mutex_unlock(&node_lock);
	return ret;
}

void drm_dev_unregister(struct drm_device *dev)
{
	mutex_lock(&node_lock);
	if (dev->registered) {
		node_minor = NULL;
		dev->registered = false;
	}
	mutex_unlock(&node_lock);
}

int linux_drm_node_get(struct inode **inode_out,
		       const struct file_operations **fops_out)
{
	int ret = -ENODEV;

	mutex_lock(&node_lock);
	if (node_minor) {
		*inode_out = &node_inode;
		*fops_out = node_minor->dev->driver->fops;
		ret = 0;
	}
	mutex_unlock(&node_lock);
	return ret;
}

struct drm_minor *linux_drm_minor_acquire(struct inode *inode)
{
	struct drm_minor *minor;

	mutex_lock(&node_lock);
	minor = node_minor;
	if (minor)
		drm_dev_get(minor->dev);
	mutex_unlock(&node_lock);
	if (!minor)
		return ERR_PTR(-ENODEV);
	if (drm_dev_is_unplugged(minor->dev)) {
		drm_dev_put(minor->dev);
		return ERR_PTR(-ENODEV);
	}
	return minor;
}

/* --------------------------------------------------------------- unplug -- */

/*
 * Either the section sees unplugged, or unplug sees the section: both write
 * theirs before they read the other's, sequentially consistent.
 */
bool drm_dev_enter(struct drm_device *dev, int *idx)
{
	*idx = 0;
	atomic_inc_return(&sections);
	if (likely(!__atomic_load_n(&dev->unplugged, __ATOMIC_SEQ_CST)))
		return true;
	drm_dev_exit(*idx);
	return false;
}

void drm_dev_exit(int idx)
{
	/* Only drm_dev_unplug() waits, so this is almost never a call. */
	if (atomic_dec_and_test(&sections) &&
	    wq_has_sleeper(&sections_wait))
		wake_up_all(&sections_wait);
}

void drm_dev_unplug(struct drm_device *dev)
{
	__atomic_store_n(&dev->unplugged, true, __ATOMIC_SEQ_CST);
	wait_event(sections_wait, atomic_read(&sections) == 0);
	drm_dev_unregister(dev);
}
