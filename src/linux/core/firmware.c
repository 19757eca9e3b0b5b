// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/firmware.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "internal.h"

static int load(const char *name, const void **data_out, size_t *size_B_out)
{
	if (!linux_machine.firmware)
		return -ENOENT;
	return linux_machine.firmware(linux_machine.machine, name, data_out,
				      size_B_out);
}

int request_firmware(const struct firmware **fw, const char *name,
		     struct device *device)
{
	struct firmware *firmware;
	const void *data;
	int ret;

	might_sleep();
	*fw = NULL;
	if (!name || !*name)
		return -EINVAL;
	firmware = kzalloc(sizeof(*firmware), GFP_KERNEL);
	if (!firmware)
		return -ENOMEM;
	ret = load(name, &data, &firmware->size);
	if (ret) {
		dev_warn(device, "firmware %s: error %d\n", name, ret);
		kfree(firmware);
		return ret;
	}
	firmware->data = data;
	*fw = firmware;
	return 0;
}

void release_firmware(const struct firmware *fw)
{
	kfree(fw);
}
