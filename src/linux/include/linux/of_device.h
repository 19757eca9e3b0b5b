/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: see of.h. */
#ifndef LINUX_OF_DEVICE_H
#define LINUX_OF_DEVICE_H

#include <linux/of.h>

#endif /* LINUX_OF_DEVICE_H */
