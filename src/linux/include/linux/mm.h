/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: RAM is linear in the host's address space, so pages, physical and
 * virtual addresses convert by arithmetic.
 */
#ifndef LINUX_MM_H
#define LINUX_MM_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm_types.h>
#include <linux/overflow.h>
#include <linux/page.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>
#include <linux/slab.h>

/* ----------------------------------------------------------------- pages -- */

void put_page(struct page *page);

static inline void get_page(struct page *page)
{
	WARN_ON(atomic_fetch_inc(&page->_refcount) <= 0);
}

static inline int page_count(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

static inline unsigned long page_private(const struct page *page)
{
	return page->private;
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	page->private = private;
}

#define nth_page(page, n) ((page) + (n))

/* -------------------------------------------------------------- mappings -- */

#define VM_NONE 0x0ul
#define VM_READ 0x1ul
#define VM_WRITE 0x2ul
#define VM_EXEC 0x4ul
#define VM_SHARED 0x8ul
#define VM_MAYREAD 0x10ul
#define VM_MAYWRITE 0x20ul
#define VM_MAYEXEC 0x40ul
#define VM_MAYSHARE 0x80ul
#define VM_PFNMAP 0x400ul
#define VM_IO 0x4000ul
#define VM_DONTCOPY 0x20000ul
#define VM_DONTEXPAND 0x40000ul
#define VM_DONTDUMP 0x4000000ul
#define VM_MIXEDMAP 0x10000000ul

#define VM_FAULT_OOM 0x01u
#define VM_FAULT_SIGBUS 0x02u
#define VM_FAULT_NOPAGE 0x100u

struct vm_fault {
	struct vm_area_struct *vma;
	unsigned int flags;
	pgoff_t pgoff;
	unsigned long address;
};

struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);
	void (*close)(struct vm_area_struct *vma);
	vm_fault_t (*fault)(struct vm_fault *vmf);
};

static inline void vm_flags_set(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, vm_flags_t flags)
{
	vma->vm_flags &= ~flags;
}

static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}

static inline bool is_cow_mapping(vm_flags_t flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/*
 * Shows registers, by physical page. -EINVAL: none there; -ENXIO, or other
 * errors of the machine: not as a page.
 */
int io_remap_pfn_range(struct vm_area_struct *vma, unsigned long addr,
		       unsigned long pfn, unsigned long size, pgprot_t prot);

/* Shows one page at a page-aligned address of the mapping. */
int vm_insert_page(struct vm_area_struct *vma, unsigned long addr,
		   struct page *page);

#endif /* LINUX_MM_H */
