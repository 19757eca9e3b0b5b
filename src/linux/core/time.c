// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <errno.h>
#include <time.h>

static ktime_t read_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (s64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

ktime_t ktime_get(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

ktime_t ktime_get_raw(void)
{
	return read_clock(CLOCK_MONOTONIC_RAW);
}

ktime_t ktime_get_boottime(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

ktime_t ktime_get_real(void)
{
	return read_clock(CLOCK_REALTIME);
}

u64 get_jiffies_64(void)
{
	return ktime_get_ns() / (NSEC_PER_SEC / HZ);
}

static void sleep_ns(u64 ns)
{
	u64 end = ktime_get_ns() + ns;
	struct timespec ts = {
		.tv_sec = (time_t)(end / NSEC_PER_SEC),
		.tv_nsec = (long)(end % NSEC_PER_SEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR)
		;
}

void ndelay(unsigned long nsecs)
{
	u64 end = ktime_get_ns() + nsecs;

	while (ktime_get_ns() < end)
		cpu_relax();
}

void udelay(unsigned long usecs)
{
	ndelay(usecs * NSEC_PER_USEC);
}

void mdelay(unsigned long msecs)
{
	ndelay(msecs * NSEC_PER_MSEC);
}

void msleep(unsigned int msecs)
{
	might_sleep();
	sleep_ns((u64)msecs * NSEC_PER_MSEC);
}

void usleep_range(unsigned long min, unsigned long max)
{
	might_sleep();
	sleep_ns((u64)min * NSEC_PER_USEC);
}
