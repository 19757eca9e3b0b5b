/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the u and n forms spin, the others sleep. */
#ifndef LINUX_DELAY_H
#define LINUX_DELAY_H

#include <linux/types.h>

void ndelay(unsigned long nsecs);
void udelay(unsigned long usecs);
void mdelay(unsigned long msecs);
void msleep(unsigned int msecs);
void usleep_range(unsigned long min, unsigned long max);
static inline void fsleep(unsigned long usecs)
{
	usleep_range(usecs, usecs + (usecs >> 2));
}

#endif /* LINUX_DELAY_H */
