/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the calling thread's effective capabilities. */
#ifndef LINUX_CAPABILITY_H
#define LINUX_CAPABILITY_H

#include_next <linux/capability.h>
#include <linux/types.h>

bool capable(int cap);

#endif /* LINUX_CAPABILITY_H */
