/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_MATH64_H
#define LINUX_MATH64_H

#include <linux/math.h>
#include <linux/types.h>

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *remainder)
{
	*remainder = (u32)(dividend % divisor);
	return dividend / divisor;
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline s64 div_s64(s64 dividend, s32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline s64 div64_s64(s64 dividend, s64 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *remainder)
{
	*remainder = dividend % divisor;
	return dividend / divisor;
}

#define div64_ul(x, y) div64_u64((x), (y))
#define div64_long(x, y) div64_s64((x), (y))
#define do_div(n, base)                                                       \
	({                                                                    \
		u32 __dd_base = (base);                                       \
		u32 __dd_rem = (u32)((u64)(n) % __dd_base);                   \
		(n) = (u64)(n) / __dd_base;                                   \
		__dd_rem;                                                     \
	})
#define DIV64_U64_ROUND_UP(ll, d)                                             \
	({                                                                    \
		u64 __dr_d = (d);                                             \
		div64_u64((ll) + __dr_d - 1, __dr_d);                         \
	})

/* a * b / c with a 128-bit product. */
static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (u64)((unsigned __int128)a * b / c);
}

static inline u64 mul_u64_u32_div(u64 a, u32 mul, u32 div)
{
	return mul_u64_u64_div_u64(a, mul, div);
}

#endif /* LINUX_MATH64_H */
