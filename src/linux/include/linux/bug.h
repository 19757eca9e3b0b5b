/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: every WARN is counted, see linux_warn_count() in linux_machine.h.
 * BUG aborts the process.
 */
#ifndef LINUX_BUG_H
#define LINUX_BUG_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

/*
 * Prints "WARNING: file:line func(): text" to stderr and counts it. With
 * LINUX_PANIC_ON_WARN=1 in the environment it aborts. @fmt may be NULL.
 */
void linux_warn(const char *file, int line, const char *func, const char *fmt,
		...) __printf(4, 5) __cold;
void linux_bug(const char *file, int line, const char *func) __noreturn __cold;

#define BUG() linux_bug(__FILE__, __LINE__, __func__)
#define BUG_ON(cond)                                                          \
	do {                                                                  \
		if (unlikely(cond))                                           \
			BUG();                                                \
	} while (0)

#define __LINUX_WARN(cond, fmt...)                                            \
	({                                                                    \
		bool __warn_on = !!(cond);                                    \
		if (unlikely(__warn_on))                                      \
			linux_warn(__FILE__, __LINE__, __func__, fmt);        \
		unlikely(__warn_on);                                          \
	})
#define __LINUX_WARN_ONCE(cond, fmt...)                                       \
	({                                                                    \
		static bool __warned;                                         \
		bool __warn_on = !!(cond);                                    \
		if (unlikely(__warn_on) &&                                    \
		    !__atomic_exchange_n(&__warned, true, __ATOMIC_RELAXED))  \
			linux_warn(__FILE__, __LINE__, __func__, fmt);        \
		unlikely(__warn_on);                                          \
	})

#define WARN_ON(cond) __LINUX_WARN(cond, "%s", #cond)
#define WARN_ON_ONCE(cond) __LINUX_WARN_ONCE(cond, "%s", #cond)
#define WARN(cond, fmt...) __LINUX_WARN(cond, fmt)
#define WARN_ONCE(cond, fmt...) __LINUX_WARN_ONCE(cond, fmt)

#endif /* LINUX_BUG_H */
