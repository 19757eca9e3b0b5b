/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_OVERFLOW_H
#define LINUX_OVERFLOW_H

#include <linux/compiler.h>
#include <linux/stddef.h>

#define check_add_overflow(a, b, d) \
	((bool)unlikely(__builtin_add_overflow(a, b, d)))
#define check_sub_overflow(a, b, d) \
	((bool)unlikely(__builtin_sub_overflow(a, b, d)))
#define check_mul_overflow(a, b, d) \
	((bool)unlikely(__builtin_mul_overflow(a, b, d)))

/* These saturate, so that the allocation that follows fails. */
static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return check_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t sum;

	return check_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t size_sub(size_t minuend, size_t subtrahend)
{
	size_t diff;

	if (minuend == SIZE_MAX || subtrahend == SIZE_MAX ||
	    check_sub_overflow(minuend, subtrahend, &diff))
		return SIZE_MAX;
	return diff;
}

#define array_size(a, b) size_mul(a, b)
#define array3_size(a, b, c) size_mul(size_mul(a, b), c)
#define flex_array_size(p, member, count) \
	size_mul(count, sizeof(*(p)->member))
#define struct_size(p, member, count) \
	size_add(sizeof(*(p)), flex_array_size(p, member, count))
#define struct_size_t(type, member, count) \
	struct_size((type *)NULL, member, count)

#endif /* LINUX_OVERFLOW_H */
