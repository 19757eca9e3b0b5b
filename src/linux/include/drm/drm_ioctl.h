/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful. How a driver declares its ioctls, and the dispatcher that calls
 * them.
 */
#ifndef LINUX_DRM_IOCTL_H
#define LINUX_DRM_IOCTL_H

#include <linux/types.h>
#include <linux/bits.h>
#include <asm/ioctl.h>

struct drm_device;
struct drm_file;
struct file;

/*
 * @data is the argument struct in kernel memory, as large as the larger of the
 * user's and the kernel's idea of it, with what user space did not give zeroed.
 */
typedef int drm_ioctl_t(struct drm_device *dev, void *data,
			struct drm_file *file_priv);

#define DRM_IOCTL_NR(n) _IOC_NR(n)
#define DRM_IOCTL_TYPE(n) _IOC_TYPE(n)
#define DRM_MAJOR 226

enum drm_ioctl_flags {
	DRM_AUTH = BIT(0),
	DRM_MASTER = BIT(1),
	DRM_ROOT_ONLY = BIT(2),
	DRM_RENDER_ALLOW = BIT(5),
};

struct drm_ioctl_desc {
	unsigned int cmd;
	enum drm_ioctl_flags flags;
	drm_ioctl_t *func;
	const char *name;
};

#define DRM_IOCTL_DEF_DRV(ioctl, _func, _flags)                                \
	[DRM_IOCTL_NR(DRM_IOCTL_##ioctl) - DRM_COMMAND_BASE] = {               \
		.cmd = DRM_IOCTL_##ioctl,                                      \
		.flags = _flags,                                               \
		.func = _func,                                                 \
		.name = #ioctl,                                                \
	}

/*
 * file_operations::unlocked_ioctl of every DRM driver. -ENODEV: unplugged;
 * -ENOTTY: not a DRM ioctl; -EINVAL: unknown number; -EACCES: not for render
 * nodes; -ENOMEM; -EFAULT; else what the handler returned. The argument struct
 * is copied back on success and on error alike.
 */
long drm_ioctl(struct file *filp, unsigned int cmd, unsigned long arg);
/* Calls @func under the checks of @flags; @kdata is in kernel memory. */
long drm_ioctl_kernel(struct file *file, drm_ioctl_t *func, void *kdata,
		      u32 flags);
/* There are no 32-bit processes here. */
#define drm_compat_ioctl NULL

#endif /* LINUX_DRM_IOCTL_H */
