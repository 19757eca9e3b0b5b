/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: render drivers; a hook that is not here does not compile. */
#ifndef LINUX_DRM_DRV_H
#define LINUX_DRM_DRV_H

#include <linux/types.h>
#include <linux/bits.h>
#include <drm/drm_device.h>

struct device;
struct dma_buf;
struct dma_buf_attachment;
struct drm_file;
struct drm_gem_object;
struct drm_ioctl_desc;
struct drm_minor;
struct drm_printer;
struct file_operations;
struct sg_table;

enum drm_driver_feature {
	DRIVER_GEM = BIT(0),
	DRIVER_MODESET = BIT(1),
	DRIVER_RENDER = BIT(3),
	DRIVER_ATOMIC = BIT(4),
	DRIVER_SYNCOBJ = BIT(5),
	DRIVER_SYNCOBJ_TIMELINE = BIT(6),
	DRIVER_COMPUTE_ACCEL = BIT(7),
	DRIVER_GEM_GPUVA = BIT(8),
};

/* What a driver is; constant for its whole life. */
struct drm_driver {
	int (*open)(struct drm_device *dev, struct drm_file *file);
	/* The last call with this file; handles are gone by now. */
	void (*postclose)(struct drm_device *dev, struct drm_file *file);
	/* The last call with this device, before drmm_*() resources go. */
	void (*release)(struct drm_device *dev);
	/* Allocates a shmem object inside the driver's own struct; optional. */
	struct drm_gem_object *(*gem_create_object)(struct drm_device *dev,
						    size_t size);
	struct drm_gem_object *(*gem_prime_import)(struct drm_device *dev,
						   struct dma_buf *dma_buf);
	struct drm_gem_object *(*gem_prime_import_sg_table)(
		struct drm_device *dev, struct dma_buf_attachment *attach,
		struct sg_table *sgt);
	void (*show_fdinfo)(struct drm_printer *p, struct drm_file *f);
	/* For drm_debugfs_create_files(), when the node is registered. */
	void (*debugfs_init)(struct drm_minor *minor);

	int major;
	int minor;
	int patchlevel;
	char *name;
	char *desc;
	char *date;
	u32 driver_features;
	const struct drm_ioctl_desc *ioctls;
	int num_ioctls;
	const struct file_operations *fops;
};

void *__devm_drm_dev_alloc(struct device *parent,
			   const struct drm_driver *driver, size_t size,
			   size_t offset);
/*
 * Allocates a zeroed @type with the device at @member, put again when @parent's
 * managed resources are released. Returns ERR_PTR(-ENOMEM).
 */
#define devm_drm_dev_alloc(parent, driver, type, member)                       \
	((type *)__devm_drm_dev_alloc(parent, driver, sizeof(type),            \
				      offsetof(type, member)))

/* Makes the node appear. -EBUSY: the machine has one node, and it is taken. */
int drm_dev_register(struct drm_device *dev, unsigned long flags);
/* Makes the node disappear; open files go on working. */
void drm_dev_unregister(struct drm_device *dev);
/*
 * The hardware is gone: unregisters, makes drm_dev_enter() fail from now on
 * and waits until every section entered before has left.
 */
void drm_dev_unplug(struct drm_device *dev);
void drm_dev_get(struct drm_device *dev);
/* Accepts NULL. */
void drm_dev_put(struct drm_device *dev);
/* False: unplugged. True: pair with drm_dev_exit(*idx). Sections may sleep. */
bool drm_dev_enter(struct drm_device *dev, int *idx);
void drm_dev_exit(int idx);

static inline bool drm_dev_is_unplugged(struct drm_device *dev)
{
	int idx;

	if (!drm_dev_enter(dev, &idx))
		return true;
	drm_dev_exit(idx);
	return false;
}

static inline bool drm_core_check_all_features(const struct drm_device *dev,
					       u32 features)
{
	u32 supported = dev->driver->driver_features & dev->driver_features;

	return features && (supported & features) == features;
}

static inline bool drm_core_check_feature(const struct drm_device *dev,
					  enum drm_driver_feature feature)
{
	return drm_core_check_all_features(dev, feature);
}

#endif /* LINUX_DRM_DRV_H */
