/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: compile-time assertions. */
#ifndef LINUX_BUILD_BUG_H
#define LINUX_BUILD_BUG_H

#include <assert.h>
#include <linux/compiler.h>

#define BUILD_BUG_ON_ZERO(e) ((int)sizeof(struct { int : (-!!(e)); }))
#define BUILD_BUG_ON_MSG(cond, msg) _Static_assert(!(cond), msg)
#define BUILD_BUG_ON(cond) \
	BUILD_BUG_ON_MSG(cond, "BUILD_BUG_ON failed: " #cond)
#define BUILD_BUG_ON_INVALID(e) ((void)sizeof((long)(e)))
#define BUILD_BUG_ON_NOT_POWER_OF_2(n) \
	BUILD_BUG_ON((n) == 0 || (((n) & ((n) - 1)) != 0))

/* The message may be left out, unlike that of C17. */
#undef static_assert
#define static_assert(e, ...) _Static_assert(e, "" __VA_ARGS__)

#endif /* LINUX_BUILD_BUG_H */
