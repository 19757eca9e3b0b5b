// SPDX-License-Identifier: MIT OR GPL-2.0
/* Module entry points for a kernel that loads no modules: panthor_host.h. */
#include <linux/errno.h>
#include <linux/platform_device.h>

#include "panthor_device.h"
#include "panthor_drv.h"
#include "panthor_host.h"

int panthor_probe(enum panthor_uapi uapi, struct panthor_device **ptdev_out)
{
	int ret;

	panthor_uapi_param = uapi;
	panthor_last_probe = (struct panthor_probe_result){.error = -ENODEV};
	ret = platform_driver_register(&panthor_platform_driver);
	if (ret)
		return ret;

	/* On some buses a driver is registered although its probe failed. */
	if (!panthor_last_probe.ptdev) {
		platform_driver_unregister(&panthor_platform_driver);
		return panthor_last_probe.error;
	}

	*ptdev_out = panthor_last_probe.ptdev;
	return 0;
}

void panthor_remove(struct panthor_device *ptdev)
{
	platform_driver_unregister(&panthor_platform_driver);
}
