/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful interface; the multipliers are the well-known golden ratio. */
#ifndef LINUX_HASH_H
#define LINUX_HASH_H

#include <linux/types.h>

static inline u32 hash_32(u32 val, unsigned int bits)
{
	return (val * 0x61c88647u) >> (32 - bits);
}

static inline u32 hash_64(u64 val, unsigned int bits)
{
	return (u32)((val * 0x61c8864680b583ebull) >> (64 - bits));
}

#define hash_long(val, bits) hash_64(val, bits)

static inline u32 hash_ptr(const void *ptr, unsigned int bits)
{
	return hash_64((uintptr_t)ptr, bits);
}

#endif /* LINUX_HASH_H */
