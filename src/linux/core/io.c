// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Registers. The window is address space that nothing may touch, so that a
 * driver that dereferences an __iomem pointer crashes as it would on a board.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <sys/mman.h>
#include "internal.h"

static char *window;

void __iomem *linux_mmio_base(void)
{
	return window;
}

static bool offset_of(const volatile void __iomem *addr, u32 *offset_out)
{
	u64 offset = (u64)((const volatile char *)addr - window);

	*offset_out = (u32)offset;
	return !WARN(offset > LINUX_MMIO_SIZE - 4 || offset % 4,
		     "register access at %p, outside the window or misaligned",
		     (const void *)(uintptr_t)addr);
}

u32 linux_mmio_read32(const volatile void __iomem *addr)
{
	u32 offset;

	if (!offset_of(addr, &offset))
		return ~0u;
	return linux_machine.ops->mmio_read32(linux_machine.machine, offset);
}

void linux_mmio_write32(u32 value, volatile void __iomem *addr)
{
	u32 offset;

	if (offset_of(addr, &offset))
		linux_machine.ops->mmio_write32(linux_machine.machine, offset,
						value);
}

int linux_io_boot(void)
{
	void *addr = mmap(NULL, LINUX_MMIO_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addr == MAP_FAILED)
		return -ENOMEM;
	window = addr;
	return 0;
}

void linux_io_shutdown(void)
{
	munmap(window, LINUX_MMIO_SIZE);
	window = NULL;
}
