/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful (the kernel has it as asm/page.h and asm/memory.h) */
#ifndef LINUX_PAGE_H
#define LINUX_PAGE_H

#include <linux/align.h>
#include <linux/mm_types.h>
#include <linux/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(addr) ALIGN(addr, PAGE_SIZE)
#define PAGE_ALIGN_DOWN(addr) ALIGN_DOWN(addr, PAGE_SIZE)
#define PAGE_ALIGNED(addr) IS_ALIGNED((unsigned long)(addr), PAGE_SIZE)
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define PHYS_PFN(x) ((unsigned long)((x) >> PAGE_SHIFT))
#define PMD_SHIFT 21
#define PMD_SIZE (1ul << PMD_SHIFT)
#define HPAGE_PMD_ORDER (PMD_SHIFT - PAGE_SHIFT)
#define MAX_PAGE_ORDER 10

/* Set by linux_boot(), constant until linux_shutdown(). */
extern struct page *linux_mem_map;
extern char *linux_ram_base;
extern unsigned long linux_max_pfn;

#define page_to_pfn(page) ((unsigned long)((page) - linux_mem_map))
#define pfn_to_page(pfn) (linux_mem_map + (pfn))
#define pfn_valid(pfn) ((unsigned long)(pfn) < linux_max_pfn)

static inline phys_addr_t page_to_phys(const struct page *page)
{
	return PFN_PHYS(page_to_pfn(page));
}

static inline struct page *phys_to_page(phys_addr_t phys)
{
	return pfn_to_page(PHYS_PFN(phys));
}

static inline void *phys_to_virt(phys_addr_t phys)
{
	return linux_ram_base + phys;
}

/* Of memory that is pages: not of kmalloc's, of stacks or of variables. */
static inline phys_addr_t virt_to_phys(const volatile void *addr)
{
	return (phys_addr_t)((const volatile char *)addr - linux_ram_base);
}

static inline bool virt_addr_valid(const void *addr)
{
	return pfn_valid(PHYS_PFN(virt_to_phys(addr)));
}

static inline void *page_address(const struct page *page)
{
	return phys_to_virt(page_to_phys(page));
}

static inline struct page *virt_to_page(const void *addr)
{
	return phys_to_page(virt_to_phys(addr));
}

#define page_to_virt(page) page_address(page)
#define __pa(x) virt_to_phys((const void *)(x))
#define __va(x) phys_to_virt((phys_addr_t)(x))
#define virt_to_pfn(addr) PHYS_PFN(virt_to_phys(addr))
#define pfn_to_virt(pfn) phys_to_virt(PFN_PHYS(pfn))
#define page_size(page) (PAGE_SIZE << (page)->order)

static inline void clear_page(void *page)
{
	__builtin_memset(page, 0, PAGE_SIZE);
}

static inline void copy_page(void *to, const void *from)
{
	__builtin_memcpy(to, from, PAGE_SIZE);
}

#endif /* LINUX_PAGE_H */
