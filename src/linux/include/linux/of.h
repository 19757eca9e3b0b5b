/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: the one device's compatible string; no device tree. */
#ifndef LINUX_OF_H
#define LINUX_OF_H

#include <linux/mod_devicetable.h>
#include <linux/types.h>

struct device;

struct device_node {
	const char *full_name;
	const char *compatible;
};

#define of_match_ptr(ptr) (ptr)

/* The last entry of the table is all zero. NULL: no match. */
const struct of_device_id *of_match_node(const struct of_device_id *matches,
					 const struct device_node *node);
/* The data of the driver's entry that matched. */
const void *of_device_get_match_data(const struct device *dev);

#endif /* LINUX_OF_H */
