// SPDX-License-Identifier: MIT OR GPL-2.0
/* The dispatcher, and the ioctls that say what the device is. */
#include <drm/drm_ioctl.h>
#include <drm/drm.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <linux/array_size.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "drm_internal.h"

/* Gives the user's buffer what fits, and its length what there is. */
static int copy_field(char __user *buf, __kernel_size_t *len, const char *value)
{
	size_t have = value ? strlen(value) : 0;
	size_t copied = min((size_t)*len, have);

	*len = have;
	if (copied && buf && copy_to_user(buf, value, copied))
		return -EFAULT;
	return 0;
}

static int version_ioctl(struct drm_device *dev, void *data,
			 struct drm_file *file)
{
	const struct drm_driver *driver = dev->driver;
	struct drm_version *version = data;
	int ret;

	version->version_major = driver->major;
	version->version_minor = driver->minor;
	version->version_patchlevel = driver->patchlevel;
	ret = copy_field(version->name, &version->name_len, driver->name);
	if (!ret)
		ret = copy_field(version->date, &version->date_len,
				 driver->date);
	if (!ret)
		ret = copy_field(version->desc, &version->desc_len,
				 driver->desc);
	return ret;
}

/* The other capabilities are about displays, which no render node has. */
static int get_cap_ioctl(struct drm_device *dev, void *data,
			 struct drm_file *file)
{
	struct drm_get_cap *cap = data;

	cap->value = 0;
	switch (cap->capability) {
	case DRM_CAP_TIMESTAMP_MONOTONIC:
		cap->value = 1;
		return 0;
	case DRM_CAP_PRIME:
		cap->value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
		return 0;
	case DRM_CAP_SYNCOBJ:
		cap->value = drm_core_check_feature(dev, DRIVER_SYNCOBJ);
		return 0;
	case DRM_CAP_SYNCOBJ_TIMELINE:
		cap->value =
			drm_core_check_feature(dev, DRIVER_SYNCOBJ_TIMELINE);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

#define CORE(ioctl, _func)                                                     \
	[DRM_IOCTL_NR(DRM_IOCTL_##ioctl)] = {                                  \
		.cmd = DRM_IOCTL_##ioctl,                                      \
		.flags = DRM_RENDER_ALLOW,                                     \
		.func = _func,                                                 \
		.name = #ioctl,                                                \
	}
/* Known, but not for render nodes: -EACCES before anything would run. */
#define CORE_PRIMARY(ioctl)                                                    \
	[DRM_IOCTL_NR(DRM_IOCTL_##ioctl)] = {                                  \
		.cmd = DRM_IOCTL_##ioctl,                                      \
		.name = #ioctl,                                                \
	}

static const struct drm_ioctl_desc core_ioctls[] = {
	CORE(VERSION, version_ioctl),
	CORE(GET_CAP, get_cap_ioctl),
	CORE(GEM_CLOSE, linux_drm_gem_close_ioctl),
	CORE(PRIME_HANDLE_TO_FD, linux_drm_prime_handle_to_fd_ioctl),
	CORE(PRIME_FD_TO_HANDLE, linux_drm_prime_fd_to_handle_ioctl),
	CORE(SYNCOBJ_CREATE, linux_drm_syncobj_create_ioctl),
	CORE(SYNCOBJ_DESTROY, linux_drm_syncobj_destroy_ioctl),
	CORE(SYNCOBJ_HANDLE_TO_FD, linux_drm_syncobj_handle_to_fd_ioctl),
	CORE(SYNCOBJ_FD_TO_HANDLE, linux_drm_syncobj_fd_to_handle_ioctl),
	CORE(SYNCOBJ_TRANSFER, linux_drm_syncobj_transfer_ioctl),
	CORE(SYNCOBJ_WAIT, linux_drm_syncobj_wait_ioctl),
	CORE(SYNCOBJ_TIMELINE_WAIT, linux_drm_syncobj_timeline_wait_ioctl),
	CORE(SYNCOBJ_EVENTFD, linux_drm_syncobj_eventfd_ioctl),
	CORE(SYNCOBJ_RESET, linux_drm_syncobj_reset_ioctl),
	CORE(SYNCOBJ_SIGNAL, linux_drm_syncobj_signal_ioctl),
	CORE(SYNCOBJ_TIMELINE_SIGNAL, linux_drm_syncobj_timeline_signal_ioctl),
	CORE(SYNCOBJ_QUERY, linux_drm_syncobj_query_ioctl),

	CORE_PRIMARY(GET_UNIQUE),
	CORE_PRIMARY(GET_MAGIC),
	CORE_PRIMARY(GET_CLIENT),
	CORE_PRIMARY(GET_STATS),
	CORE_PRIMARY(SET_VERSION),
	CORE_PRIMARY(SET_CLIENT_CAP),
	CORE_PRIMARY(SET_UNIQUE),
	CORE_PRIMARY(AUTH_MAGIC),
	CORE_PRIMARY(SET_MASTER),
	CORE_PRIMARY(DROP_MASTER),
	CORE_PRIMARY(GEM_FLINK),
	CORE_PRIMARY(GEM_OPEN),
	CORE_PRIMARY(WAIT_VBLANK),
	CORE_PRIMARY(MODE_GETRESOURCES),
	CORE_PRIMARY(MODE_CREATE_DUMB),
	CORE_PRIMARY(MODE_MAP_DUMB),
	CORE_PRIMARY(MODE_DESTROY_DUMB),
};

static const struct drm_ioctl_desc *find_ioctl(struct drm_device *dev,
					       unsigned int nr)
{
	const struct drm_ioctl_desc *table = core_ioctls;
	unsigned int count = ARRAY_SIZE(core_ioctls);

	if (nr >= DRM_COMMAND_BASE && nr < DRM_COMMAND_END) {
		table = dev->driver->ioctls;
		count = dev->driver->num_ioctls;
		nr -= DRM_COMMAND_BASE;
	}
	return nr < count && table[nr].cmd ? &table[nr] : NULL;
}

long drm_ioctl_kernel(struct file *file, drm_ioctl_t *func, void *kdata,
		      u32 flags)
{
	struct drm_file *file_priv = file->private_data;
	struct drm_device *dev = file_priv->minor->dev;

	if (drm_dev_is_unplugged(dev))
		return -ENODEV;
	if ((flags & DRM_ROOT_ONLY) && !capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!(flags & DRM_RENDER_ALLOW) && drm_is_render_client(file_priv))
		return -EACCES;
	return func(dev, kdata, file_priv);
}

long drm_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct drm_file *file_priv = filp->private_data;
	struct drm_device *dev = file_priv->minor->dev;
	const struct drm_ioctl_desc *ioctl;
	char stack_data[128] __aligned(8);
	size_t in_size, out_size, size;
	char *data = stack_data;
	long ret;

	if (drm_dev_is_unplugged(dev))
		return -ENODEV;
	if (DRM_IOCTL_TYPE(cmd) != DRM_IOCTL_BASE)
		return -ENOTTY;
	ioctl = find_ioctl(dev, DRM_IOCTL_NR(cmd));
	if (!ioctl)
		return -EINVAL;

	/* The directions are those on which both sides agree. */
	in_size = cmd & ioctl->cmd & IOC_IN ? _IOC_SIZE(cmd) : 0;
	out_size = cmd & ioctl->cmd & IOC_OUT ? _IOC_SIZE(cmd) : 0;
	size = max3(in_size, out_size, (size_t)_IOC_SIZE(ioctl->cmd));
	if (size > sizeof(stack_data)) {
		data = kmalloc(size, GFP_KERNEL);
		if (!data)
			return -ENOMEM;
	}
	ret = -EFAULT;
	if (copy_from_user(data, (void __user *)arg, in_size))
		goto out_free;
	memset(data + in_size, 0, size - in_size);

	ret = drm_ioctl_kernel(filp, ioctl->func, data, ioctl->flags);
	if (copy_to_user((void __user *)arg, data, out_size))
		ret = -EFAULT;
out_free:
	if (data != stack_data)
		kfree(data);
	return ret;
}
