/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: vmalloc is kvmalloc. */
#ifndef LINUX_VMALLOC_H
#define LINUX_VMALLOC_H

#include <linux/mm.h>

#define VM_MAP 0x4ul

#define vmalloc(size) kvmalloc(size, GFP_KERNEL)
#define vzalloc(size) kvzalloc(size, GFP_KERNEL)
#define vfree(ptr) kvfree(ptr)

/*
 * Maps the pages side by side, as a second view of the machine's RAM; NULL on
 * failure. Unmap with vunmap().
 */
void *vmap(struct page **pages, unsigned int count, unsigned long flags,
	   pgprot_t prot);
void vunmap(const void *addr);

#endif /* LINUX_VMALLOC_H */
