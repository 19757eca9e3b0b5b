/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful; HZ is 1000, and jiffies are read from the monotonic clock. */
#ifndef LINUX_JIFFIES_H
#define LINUX_JIFFIES_H

#include <linux/limits.h>
#include <linux/time64.h>
#include <linux/types.h>

#undef HZ
#define HZ 1000

#define MAX_JIFFY_OFFSET ((LONG_MAX >> 1) - 1)

u64 get_jiffies_64(void);
#define jiffies ((unsigned long)get_jiffies_64())
#define jiffies_64 get_jiffies_64()

/* Conversions to jiffies round up, and end at MAX_JIFFY_OFFSET. */
static inline unsigned long msecs_to_jiffies(const unsigned int m)
{
	return (int)m < 0 ? MAX_JIFFY_OFFSET : m;
}

static inline unsigned long usecs_to_jiffies(const unsigned int u)
{
	return ((unsigned long)u + 999) / 1000;
}

static inline unsigned long secs_to_jiffies(unsigned long s)
{
	return s * HZ;
}

/* These two round down. */
static inline u64 nsecs_to_jiffies64(u64 n)
{
	return n / (NSEC_PER_SEC / HZ);
}

static inline unsigned long nsecs_to_jiffies(u64 n)
{
	return nsecs_to_jiffies64(n);
}

static inline unsigned int jiffies_to_msecs(const unsigned long j)
{
	return j;
}

static inline unsigned int jiffies_to_usecs(const unsigned long j)
{
	return j * 1000;
}

static inline u64 jiffies_to_nsecs(const unsigned long j)
{
	return (u64)j * (NSEC_PER_SEC / HZ);
}

#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a) time_before(jiffies, a)

#endif /* LINUX_JIFFIES_H */
