/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the uAPI's errno values and the kernel-internal ones in use. */
#ifndef LINUX_ERRNO_H
#define LINUX_ERRNO_H

#include_next <linux/errno.h>

#define ERESTARTSYS 512
#define EPROBE_DEFER 517
#define EOPENSTALE 518
#define ENOTSUPP 524

#endif /* LINUX_ERRNO_H */
