/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: a bad pointer gives a count or -EFAULT, never a crash. One system
 * call per copy.
 */
#ifndef LINUX_UACCESS_H
#define LINUX_UACCESS_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/types.h>

/* The highest user address is below this. */
#ifdef __x86_64__
#define TASK_SIZE_MAX (1ul << 47)
#else
#define TASK_SIZE_MAX (1ul << 52)
#endif
#define TASK_SIZE TASK_SIZE_MAX

/*
 * "User" memory is that of this process, so the kernel's own memory is not
 * protected from a wrong pointer; what is not mapped, or not in this way, is
 * detected. Memory that only a SIGSEGV handler would map counts as bad.
 */
static inline bool access_ok(const void __user *addr, unsigned long size)
{
	return size <= TASK_SIZE_MAX &&
	       (unsigned long)addr <= TASK_SIZE_MAX - size;
}

/* How many bytes were not copied; those of the target are zeroed. */
unsigned long __must_check copy_from_user(void *to, const void __user *from,
					  unsigned long n);
/* How many bytes were not copied. */
unsigned long __must_check copy_to_user(void __user *to, const void *from,
					unsigned long n);
unsigned long __must_check clear_user(void __user *to, unsigned long n);
#define __copy_from_user(to, from, n) copy_from_user(to, from, n)
#define __copy_to_user(to, from, n) copy_to_user(to, from, n)

#define get_user(x, ptr)                                               \
	({                                                             \
		typeof(*(ptr)) __gu_val;                               \
		int __gu_err = copy_from_user(&__gu_val, (ptr),        \
					      sizeof(__gu_val)) ?      \
				       -EFAULT :                       \
				       0;                              \
		(x) = (typeof(x))__gu_val;                             \
		__gu_err;                                              \
	})
#define put_user(x, ptr)                                               \
	({                                                             \
		typeof(*(ptr)) __pu_val = (x);                         \
		copy_to_user((ptr), &__pu_val, sizeof(__pu_val)) ?     \
			-EFAULT :                                      \
			0;                                             \
	})

/*
 * A struct that grew over time: copies what both know and zeroes the rest.
 * -E2BIG: the user has non-zero bytes beyond ksize; -EFAULT.
 */
int __must_check copy_struct_from_user(void *dst, size_t ksize,
				       const void __user *src, size_t usize);
/* 1: all zero, 0: not, -EFAULT. */
int check_zeroed_user(const void __user *from, size_t size);

/* At most n bytes with the terminator: -EINVAL if longer; ERR_PTR. */
struct linux_alloc_site;
char *linux_strndup_user(const char __user *s, long n,
			 struct linux_alloc_site *site);
#define strndup_user(s, n) linux_strndup_user(s, n, __LINUX_SITE())
void *linux_memdup_user(const void __user *src, size_t len, size_t max,
			struct linux_alloc_site *site);
#define memdup_user(src, len) \
	linux_memdup_user(src, len, KMALLOC_MAX_SIZE, __LINUX_SITE())
#define vmemdup_user(src, len) \
	linux_memdup_user(src, len, LINUX_KVMALLOC_MAX, __LINUX_SITE())
/* Length with the terminator; 0: bad pointer; > n: longer than n. */
long strnlen_user(const char __user *s, long n);
/* Length without the terminator; count: it did not fit; -EFAULT. */
long strncpy_from_user(char *dst, const char __user *src, long count);

#include <linux/slab.h>

#endif /* LINUX_UACCESS_H */
