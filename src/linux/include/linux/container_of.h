/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_CONTAINER_OF_H
#define LINUX_CONTAINER_OF_H

#include <linux/build_bug.h>
#include <linux/stddef.h>

/* A pointer to a member gives the pointer to the structure around it. */
#define container_of(ptr, type, member)                                       \
	({                                                                    \
		_Static_assert(__same_type(*(ptr), ((type *)0)->member) ||    \
				       __same_type(*(ptr), void),             \
			       "container_of: pointer of another type");      \
		(type *)((char *)(ptr) - offsetof(type, member));             \
	})
#define container_of_const(ptr, type, member) container_of(ptr, type, member)

#endif /* LINUX_CONTAINER_OF_H */
