/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: the condition is tested first, and once more after the time is
 * over.
 */
#ifndef LINUX_IOPOLL_H
#define LINUX_IOPOLL_H

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/ktime.h>

/*
 * Reads val = op(args) until cond is true: 0, or -ETIMEDOUT. timeout_us 0 waits
 * for ever; sleep_us 0 does not sleep in between.
 */
#define __linux_poll(op, val, cond, pause, timeout_us, args...)            \
	({                                                                 \
		u64 __lp_us = (timeout_us);                                \
		ktime_t __lp_end = __lp_us ?                               \
			ktime_add_us(ktime_get(), __lp_us) : KTIME_MAX;    \
		bool __lp_true;                                            \
		for (;;) {                                                 \
			bool __lp_over;                                    \
			(val) = op(args);                                  \
			__lp_true = (cond);                                \
			if (__lp_true)                                     \
				break;                                     \
			__lp_over = __lp_us && ktime_get() > __lp_end;     \
			if (__lp_over) {                                   \
				(val) = op(args);                          \
				__lp_true = (cond);                        \
				break;                                     \
			}                                                  \
			pause;                                             \
		}                                                          \
		__lp_true ? 0 : -ETIMEDOUT;                                \
	})

#define read_poll_timeout(op, val, cond, sleep_us, timeout_us,             \
			  sleep_before_read, args...)                      \
	({                                                                 \
		unsigned long __rp_us = (sleep_us);                        \
		might_sleep_if(__rp_us != 0);                              \
		if ((sleep_before_read) && __rp_us)                        \
			usleep_range((__rp_us >> 2) + 1, __rp_us);         \
		__linux_poll(op, val, cond, ({                             \
				     if (__rp_us)                          \
					     usleep_range(                 \
						     (__rp_us >> 2) + 1,   \
						     __rp_us);             \
				     else                                  \
					     cpu_relax();                  \
			     }),                                           \
			     timeout_us, args);                            \
	})

#define read_poll_timeout_atomic(op, val, cond, delay_us, timeout_us,      \
				 delay_before_read, args...)               \
	({                                                                 \
		unsigned long __rp_us = (delay_us);                        \
		if ((delay_before_read) && __rp_us)                        \
			udelay(__rp_us);                                   \
		__linux_poll(op, val, cond, ({                             \
				     if (__rp_us)                          \
					     udelay(__rp_us);              \
				     cpu_relax();                          \
			     }),                                           \
			     timeout_us, args);                            \
	})

#define readx_poll_timeout(op, addr, val, cond, sleep_us, timeout_us) \
	read_poll_timeout(op, val, cond, sleep_us, timeout_us, false, addr)
#define readx_poll_timeout_atomic(op, addr, val, cond, delay_us, timeout_us) \
	read_poll_timeout_atomic(op, val, cond, delay_us, timeout_us, false, \
				 addr)
#define readl_poll_timeout(addr, val, cond, sleep_us, timeout_us) \
	readx_poll_timeout(readl, addr, val, cond, sleep_us, timeout_us)
#define readl_poll_timeout_atomic(addr, val, cond, delay_us, timeout_us) \
	readx_poll_timeout_atomic(readl, addr, val, cond, delay_us, timeout_us)
#define readl_relaxed_poll_timeout(addr, val, cond, sleep_us, timeout_us) \
	readx_poll_timeout(readl_relaxed, addr, val, cond, sleep_us, timeout_us)
#define readl_relaxed_poll_timeout_atomic(addr, val, cond, delay_us,       \
					  timeout_us)                      \
	readx_poll_timeout_atomic(readl_relaxed, addr, val, cond, delay_us, \
				  timeout_us)
#define readq_poll_timeout(addr, val, cond, sleep_us, timeout_us) \
	readx_poll_timeout(readq, addr, val, cond, sleep_us, timeout_us)

#endif /* LINUX_IOPOLL_H */
