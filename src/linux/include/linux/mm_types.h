/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: what a device driver reads of pages and of user mappings. */
#ifndef LINUX_MM_TYPES_H
#define LINUX_MM_TYPES_H

#include <linux/list.h>
#include <linux/types.h>

struct file;
struct linux_alloc_site;
struct vm_operations_struct;

/* One per 4 KiB of RAM, in an array that costs memory only where it is used. */
struct page {
	unsigned long flags;
	atomic_t _refcount;
	unsigned int order; /* of the allocation that this page heads */
	unsigned long private;
	void *mapping;
	pgoff_t index;
	struct list_head lru;
	struct linux_alloc_site *site;
};

typedef struct {
	unsigned long pgprot;
} pgprot_t;

typedef unsigned long vm_flags_t;
typedef unsigned int vm_fault_t;

struct mm_struct;

/* A user mapping, while the driver's mmap() or a fault looks at it. */
struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end; /* exclusive */
	struct mm_struct *vm_mm;
	pgprot_t vm_page_prot;
	vm_flags_t vm_flags;
	unsigned long vm_pgoff; /* in pages */
	struct file *vm_file;
	void *vm_private_data;
	const struct vm_operations_struct *vm_ops;
};

#endif /* LINUX_MM_TYPES_H */
