/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: see printk.h. */
#ifndef LINUX_RATELIMIT_H
#define LINUX_RATELIMIT_H

#include <linux/printk.h>

#endif /* LINUX_RATELIMIT_H */
