/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: how much room is left. */
#ifndef LINUX_SWAP_H
#define LINUX_SWAP_H

#include <linux/atomic.h>

extern atomic_long_t nr_swap_pages;

static inline long get_nr_swap_pages(void)
{
	return atomic_long_read(&nr_swap_pages);
}

#endif /* LINUX_SWAP_H */
