/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: all memory is mapped, so kmap is arithmetic. */
#ifndef LINUX_HIGHMEM_H
#define LINUX_HIGHMEM_H

#include <linux/mm.h>
#include <linux/string.h>

#define kmap(page) page_address(page)
#define kunmap(page) ((void)(page))
#define kmap_local_page(page) page_address(page)
#define kunmap_local(addr) ((void)(addr))

static inline void clear_highpage(struct page *page)
{
	clear_page(page_address(page));
}

#endif /* LINUX_HIGHMEM_H */
