/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: libc's functions and the kernel's additions. */
#ifndef LINUX_STRING_H
#define LINUX_STRING_H

#include_next <linux/string.h>
#include <linux/gfp_types.h>
#include <linux/types.h>
#include <string.h>

/*
 * Copies at most size - 1 characters and always terminates. Returns the length
 * copied, -E2BIG if src did not fit or size is 0.
 */
ssize_t strscpy(char *dst, const char *src, size_t size);

static inline void *memset32(u32 *s, u32 v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = v;
	return s;
}

static inline void *memset64(u64 *s, u64 v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = v;
	return s;
}

/* The first byte in [s, s + n) that is not c; NULL if all are. */
void *memchr_inv(const void *s, int c, size_t n);
bool sysfs_streq(const char *a, const char *b);

#define str_has_prefix(str, prefix) \
	(strncmp(str, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0)

#endif /* LINUX_STRING_H */
