/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: signed nanoseconds. */
#ifndef LINUX_KTIME_H
#define LINUX_KTIME_H

#include <linux/time64.h>
#include <linux/types.h>

typedef s64 ktime_t;
#define KTIME_MAX ((s64)~((u64)1 << 63))

static inline ktime_t ktime_set(const s64 secs, const unsigned long nsecs)
{
	if (secs >= KTIME_MAX / NSEC_PER_SEC)
		return KTIME_MAX;
	return secs * NSEC_PER_SEC + (s64)nsecs;
}

static inline struct timespec64 ktime_to_timespec64(ktime_t kt)
{
	s64 sec = kt / NSEC_PER_SEC, nsec = kt % NSEC_PER_SEC;

	if (nsec < 0) {
		sec--;
		nsec += NSEC_PER_SEC;
	}
	return (struct timespec64){ .tv_sec = sec, .tv_nsec = nsec };
}

#define ktime_add(a, b) ((a) + (b))
#define ktime_sub(a, b) ((a) - (b))
#define ktime_add_ns(kt, ns) ((kt) + (ktime_t)(ns))
#define ktime_add_us(kt, us) ((kt) + (ktime_t)(us) * NSEC_PER_USEC)
#define ktime_add_ms(kt, ms) ((kt) + (ktime_t)(ms) * NSEC_PER_MSEC)
#define ktime_to_ns(kt) (kt)
#define ktime_to_us(kt) ((kt) / NSEC_PER_USEC)
#define ktime_to_ms(kt) ((kt) / NSEC_PER_MSEC)
#define ktime_us_delta(a, b) ktime_to_us((a) - (b))
#define ktime_ms_delta(a, b) ktime_to_ms((a) - (b))
#define ktime_before(a, b) ((a) < (b))
#define ktime_after(a, b) ((a) > (b))
#define ktime_compare(a, b) ((a) < (b) ? -1 : (a) > (b))
#define ns_to_ktime(ns) ((ktime_t)(ns))
#define ms_to_ktime(ms) ((ktime_t)(ms) * NSEC_PER_MSEC)
#define us_to_ktime(us) ((ktime_t)(us) * NSEC_PER_USEC)

#include <linux/timekeeping.h>

#endif /* LINUX_KTIME_H */
