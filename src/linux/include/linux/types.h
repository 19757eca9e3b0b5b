/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * faithful: the kernel's integer and list types; libc's stand in where equal.
 */
#ifndef LINUX_TYPES_H
#define LINUX_TYPES_H

/*
 * The uAPI header of the same name comes first: it has __u32 and friends, which
 * libdrm's drm.h and the uAPI of the driver need.
 */
#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef phys_addr_t resource_size_t;
typedef unsigned long pgoff_t;
typedef unsigned int gfp_t;
typedef unsigned int slab_flags_t;
typedef unsigned int fmode_t;
typedef unsigned short umode_t;
typedef u64 sector_t;
typedef unsigned int __bitwise_flags_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef struct {
	long counter;
} atomic_long_t;

#define ATOMIC_INIT(i) { (i) }
#define ATOMIC64_INIT(i) { (i) }
#define ATOMIC_LONG_INIT(i) { (i) }

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};
#define rcu_head callback_head

#define DECLARE_BITMAP(name, bits) \
	unsigned long name[((bits) + 63) / 64]

/* Pointers of another address space; sparse is not run on this code. */
#ifndef __user
#define __user
#endif
#define __iomem
#define __rcu
#define __percpu
#define __kernel
#define __force

#endif /* LINUX_TYPES_H */
