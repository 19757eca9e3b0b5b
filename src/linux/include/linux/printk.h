/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: printf's formats, to stderr; the kernel's extensions of %p print the
 * plain pointer.
 */
#ifndef LINUX_PRINTK_H
#define LINUX_PRINTK_H

#include <linux/compiler.h>

enum linux_loglevel {
	LINUX_LOG_ERR,
	LINUX_LOG_WARN,
	LINUX_LOG_NOTICE,
	LINUX_LOG_INFO,
	LINUX_LOG_DEBUG,
};

/*
 * One line to stderr, prefixed with @prefix and ": " unless that is NULL.
 * Levels above LINUX_LOGLEVEL in the environment (default: 1, warnings) are
 * dropped: a driver that works is silent.
 */
void linux_printk(enum linux_loglevel level, const char *prefix,
		  const char *fmt, ...) __printf(3, 4);

#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define printk(fmt, ...) linux_printk(LINUX_LOG_WARN, NULL, fmt, ##__VA_ARGS__)
#define KERN_ERR ""
#define KERN_WARNING ""
#define KERN_INFO ""
#define KERN_DEBUG ""
#define pr_err(fmt, ...) \
	linux_printk(LINUX_LOG_ERR, NULL, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) \
	linux_printk(LINUX_LOG_WARN, NULL, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) \
	linux_printk(LINUX_LOG_NOTICE, NULL, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) \
	linux_printk(LINUX_LOG_INFO, NULL, pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...) \
	linux_printk(LINUX_LOG_DEBUG, NULL, pr_fmt(fmt), ##__VA_ARGS__)
#define __linux_once(call)                                                    \
	do {                                                                  \
		static bool __once;                                           \
		if (!__atomic_exchange_n(&__once, true, __ATOMIC_RELAXED))    \
			call;                                                 \
	} while (0)
#define pr_err_once(fmt, ...) __linux_once(pr_err(fmt, ##__VA_ARGS__))
#define pr_warn_once(fmt, ...) __linux_once(pr_warn(fmt, ##__VA_ARGS__))
#define pr_info_once(fmt, ...) __linux_once(pr_info(fmt, ##__VA_ARGS__))

/* At most ten lines per call site and five seconds get through. */
struct linux_ratelimit {
	unsigned long long window_start_ns;
	unsigned int lines;
};
bool linux_ratelimit_ok(struct linux_ratelimit *rl);
#define __linux_ratelimited(call)                                             \
	do {                                                                  \
		static struct linux_ratelimit __rl;                           \
		if (linux_ratelimit_ok(&__rl))                                \
			call;                                                 \
	} while (0)
#define pr_err_ratelimited(fmt, ...) \
	__linux_ratelimited(pr_err(fmt, ##__VA_ARGS__))
#define pr_warn_ratelimited(fmt, ...) \
	__linux_ratelimited(pr_warn(fmt, ##__VA_ARGS__))
#define no_printk(fmt, ...) ((void)0)

#endif /* LINUX_PRINTK_H */
