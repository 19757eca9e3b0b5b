/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The driver as the platform bus and the DRM core see it. */
#ifndef PANTHOR_DRV_H
#define PANTHOR_DRV_H

#include "panthor_host.h"

struct panthor_device;
struct platform_driver;

extern struct platform_driver panthor_platform_driver;

/* Module parameter: which version of the uAPI the next probe shows. */
extern enum panthor_uapi panthor_uapi_param;
/* How the last probe ended: the platform bus keeps that to itself. */
struct panthor_probe_result {
	struct panthor_device *ptdev; /* NULL: it failed */
	int error;
};

extern struct panthor_probe_result panthor_last_probe;

#endif /* PANTHOR_DRV_H */
