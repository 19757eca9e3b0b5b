/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_ARRAY_SIZE_H
#define LINUX_ARRAY_SIZE_H

#include <linux/build_bug.h>

#define ARRAY_SIZE(a)                                              \
	(sizeof(a) / sizeof((a)[0]) +                              \
	 BUILD_BUG_ON_ZERO(__same_type((a), &(a)[0])))

#endif /* LINUX_ARRAY_SIZE_H */
