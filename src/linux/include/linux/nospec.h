/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: no speculation barrier; the index is bounded architecturally. */
#ifndef LINUX_NOSPEC_H
#define LINUX_NOSPEC_H

#include <linux/compiler.h>

#define array_index_nospec(index, size)                        \
	({                                                     \
		typeof(index) __idx = (index);                 \
		__idx < (size) ? __idx : 0;                    \
	})

#endif /* LINUX_NOSPEC_H */
