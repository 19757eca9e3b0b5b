// SPDX-License-Identifier: MIT OR GPL-2.0
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/minmax.h>

#ifdef __SANITIZE_THREAD__
int linux_tsan_fence;
#endif

/* flip: all ones to look for zeros. */
static unsigned long find_next(const unsigned long *addr, unsigned long size,
			       unsigned long offset, unsigned long flip)
{
	while (offset < size) {
		unsigned long word = (addr[BIT_WORD(offset)] ^ flip) &
				     (~0ul << (offset % BITS_PER_LONG));

		offset -= offset % BITS_PER_LONG;
		if (word)
			return min(offset + __ffs(word), size);
		offset += BITS_PER_LONG;
	}
	return size;
}

unsigned long find_next_bit(const unsigned long *addr, unsigned long size,
			    unsigned long offset)
{
	return find_next(addr, size, offset, 0);
}

unsigned long find_next_zero_bit(const unsigned long *addr, unsigned long size,
				 unsigned long offset)
{
	return find_next(addr, size, offset, ~0ul);
}
