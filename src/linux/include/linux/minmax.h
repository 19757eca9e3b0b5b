/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful, without the compiler-time checks of signedness. */
#ifndef LINUX_MINMAX_H
#define LINUX_MINMAX_H

#include <linux/build_bug.h>
#include <linux/compiler.h>

/* Each argument is evaluated once; both must have compatible types. */
#define __minmax(op, x, y)                                                    \
	({                                                                    \
		__auto_type __mm_x = (x);                                     \
		__auto_type __mm_y = (y);                                     \
		__mm_x op __mm_y ? __mm_x : __mm_y;                           \
	})
#define min(x, y) __minmax(<, x, y)
#define max(x, y) __minmax(>, x, y)
#define min3(x, y, z) min(min(x, y), z)
#define max3(x, y, z) max(max(x, y), z)
#define min_t(type, x, y) min((type)(x), (type)(y))
#define max_t(type, x, y) max((type)(x), (type)(y))
#define umin(x, y) min((u64)(x), (u64)(y))
#define umax(x, y) max((u64)(x), (u64)(y))
#define min_not_zero(x, y)                                                    \
	({                                                                    \
		__auto_type __nz_x = (x);                                     \
		__auto_type __nz_y = (y);                                     \
		!__nz_x ? __nz_y : !__nz_y ? __nz_x : min(__nz_x, __nz_y);    \
	})
#define clamp(val, lo, hi) min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi) \
	clamp((type)(val), (type)(lo), (type)(hi))
#define clamp_val(val, lo, hi) clamp_t(typeof(val), val, lo, hi)
#define in_range(val, start, len)                                             \
	({                                                                    \
		u64 __ir_start = (start);                                     \
		(u64)(val) - __ir_start < (u64)(len);                         \
	})

#define swap(a, b)                                                            \
	do {                                                                  \
		typeof(a) __swap_tmp = (a);                                   \
		(a) = (b);                                                    \
		(b) = __swap_tmp;                                             \
	} while (0)

#endif /* LINUX_MINMAX_H */
