// SPDX-License-Identifier: MIT OR GPL-2.0
/* Entry points of the loadable module. Not part of the build in user space. */
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>

#include "panthor_drv.h"
#include "panthor_fw.h"

static int set_uapi(const char *value, const struct kernel_param *param)
{
	unsigned int uapi;
	int ret;

	ret = kstrtouint(value, 0, &uapi);
	if (ret)
		return ret;

	if (uapi > PANTHOR_UAPI_1_8)
		return -EINVAL;

	panthor_uapi_param = uapi;
	return 0;
}

static const struct kernel_param_ops uapi_ops = {.set = set_uapi};
module_param_cb(uapi, &uapi_ops, NULL, 0);
MODULE_PARM_DESC(uapi, "0: version 1.9; 1: 1.8 with MAP_SPARSE; 2: 1.8");

module_param_named(fw_ping_ms, panthor_fw_ping_ms, uint, 0444);
MODULE_PARM_DESC(fw_ping_ms, "milliseconds between questions to the firmware");

module_param_named(fw_patience, panthor_fw_patience, uint, 0444);
MODULE_PARM_DESC(fw_patience,
		 "times as long as usual that the firmware may take to answer");

module_platform_driver(panthor_platform_driver);

MODULE_DESCRIPTION("Panthor, the driver of Mali GPUs with command streams");
MODULE_LICENSE("Dual MIT/GPL");
