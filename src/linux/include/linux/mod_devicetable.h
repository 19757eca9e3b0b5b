/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: matching by compatible string. */
#ifndef LINUX_MOD_DEVICETABLE_H
#define LINUX_MOD_DEVICETABLE_H

#include <linux/types.h>

struct of_device_id {
	char name[32];
	char type[32];
	char compatible[128];
	const void *data;
};

struct platform_device_id {
	char name[24];
	unsigned long driver_data;
};

#endif /* LINUX_MOD_DEVICETABLE_H */
