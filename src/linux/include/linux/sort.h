/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful interface: not stable, no allocation. */
#ifndef LINUX_SORT_H
#define LINUX_SORT_H

#include <linux/types.h>

/* Sorts in place; swap_func NULL swaps bytes. O(n log n), no recursion. */
void sort(void *base, size_t num, size_t size,
	  int (*cmp_func)(const void *, const void *),
	  void (*swap_func)(void *, void *, int size));

#endif /* LINUX_SORT_H */
