/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_MATH_H
#define LINUX_MATH_H

#include <linux/types.h>

/* The first two need a power of two. */
#define round_up(x, y) ((((x) - 1) | ((typeof(x))((y) - 1))) + 1)
#define round_down(x, y) ((x) & ~((typeof(x))((y) - 1)))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define DIV_ROUND_DOWN_ULL(ll, d) ((unsigned long long)(ll) / (d))
#define DIV_ROUND_UP_ULL(ll, d) \
	DIV_ROUND_DOWN_ULL((unsigned long long)(ll) + (d) - 1, (d))
#define DIV_ROUND_CLOSEST(x, d) (((x) + (d) / 2) / (d))
#define roundup(x, y)                                                         \
	({                                                                    \
		typeof(y) __ru_y = (y);                                       \
		(((x) + (__ru_y - 1)) / __ru_y) * __ru_y;                     \
	})
#define rounddown(x, y)                                                       \
	({                                                                    \
		typeof(x) __rd_x = (x);                                       \
		__rd_x - (__rd_x % (y));                                      \
	})

#endif /* LINUX_MATH_H */
