/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: the general odds and ends that drivers expect here. */
#ifndef LINUX_KERNEL_H
#define LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/kconfig.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define upper_32_bits(n) ((u32)(((u64)(n)) >> 32))
#define lower_32_bits(n) ((u32)((n)&0xffffffff))
#define upper_16_bits(n) ((u16)((n) >> 16))
#define lower_16_bits(n) ((u16)((n)&0xffff))

#define u64_to_user_ptr(x) ((void __user *)(uintptr_t)(u64)(x))

/* Formats at most size - 1 characters; returns how many were stored. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

void __might_sleep(const char *file, int line);
#define might_sleep() __might_sleep(__FILE__, __LINE__)
#define might_sleep_if(cond)         \
	do {                         \
		if (cond)            \
			might_sleep(); \
	} while (0)

#endif /* LINUX_KERNEL_H */
