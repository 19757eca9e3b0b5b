/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* DEV_QUERY */
#ifndef PANTHOR_QUERY_H
#define PANTHOR_QUERY_H

struct drm_device;
struct drm_file;

int panthor_ioctl_dev_query(struct drm_device *ddev, void *data,
			    struct drm_file *file);

#endif /* PANTHOR_QUERY_H */
