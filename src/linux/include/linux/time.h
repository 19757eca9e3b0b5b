/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see time64.h and timekeeping.h. */
#ifndef LINUX_TIME_H
#define LINUX_TIME_H

/*
 * No #include_next: the uAPI header of this name defines struct timespec, which
 * libc has its own of.
 */
#include <linux/ktime.h>
#include <time.h>

#endif /* LINUX_TIME_H */
