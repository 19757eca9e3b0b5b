/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: images come from the machine, and nobody waits for user space. */
#ifndef LINUX_FIRMWARE_H
#define LINUX_FIRMWARE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct device;

struct firmware {
	size_t size; /* bytes */
	const u8 *data;
	void *priv;
};

/*
 * -EINVAL: no name; -ENOENT: the machine has no such file; -ENOMEM; other
 * errors as the machine gave them. On failure *@fw is NULL. May sleep.
 */
int __must_check request_firmware(const struct firmware **fw, const char *name,
				  struct device *device);
/* Accepts NULL. */
void release_firmware(const struct firmware *fw);

#endif /* LINUX_FIRMWARE_H */
