/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: caching attributes are recorded, and mean nothing to a virtual
 * device.
 */
#ifndef LINUX_PGTABLE_H
#define LINUX_PGTABLE_H

#include <linux/mm_types.h>

#define __pgprot(x) ((pgprot_t){ (x) })
#define pgprot_val(x) ((x).pgprot)
#define LINUX_PROT_WC 0x1000ul
#define LINUX_PROT_UC 0x2000ul
#define PAGE_KERNEL __pgprot(0)

static inline pgprot_t pgprot_writecombine(pgprot_t prot)
{
	prot.pgprot |= LINUX_PROT_WC;
	return prot;
}

static inline pgprot_t pgprot_noncached(pgprot_t prot)
{
	prot.pgprot |= LINUX_PROT_UC;
	return prot;
}

pgprot_t vm_get_page_prot(vm_flags_t flags);

#endif /* LINUX_PGTABLE_H */
