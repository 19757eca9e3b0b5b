/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * reduced: registers of the one device; an __iomem pointer cannot be
 * dereferenced, only passed to these.
 */
#ifndef LINUX_IO_H
#define LINUX_IO_H

#include <linux/barrier.h>
#include <linux/types.h>

/* Outside the register window: reported; reads give all ones. */
u32 linux_mmio_read32(const volatile void __iomem *addr);
void linux_mmio_write32(u32 value, volatile void __iomem *addr);

/* The plain forms order RAM against the register, the relaxed do not. */
static inline u32 readl_relaxed(const volatile void __iomem *addr)
{
	return linux_mmio_read32(addr);
}

static inline void writel_relaxed(u32 value, volatile void __iomem *addr)
{
	linux_mmio_write32(value, addr);
}

static inline u32 readl(const volatile void __iomem *addr)
{
	u32 value = readl_relaxed(addr);

	rmb();
	return value;
}

static inline void writel(u32 value, volatile void __iomem *addr)
{
	wmb();
	writel_relaxed(value, addr);
}

/* Two 32-bit accesses, low word first, as on the device's 32-bit bus. */
static inline u64 readq(const volatile void __iomem *addr)
{
	u32 low = readl(addr);

	return low | (u64)readl((const volatile char *)addr + 4) << 32;
}

static inline void writeq(u64 value, volatile void __iomem *addr)
{
	writel((u32)value, addr);
	writel_relaxed((u32)(value >> 32), (volatile char *)addr + 4);
}

#define readq_relaxed(addr) readq(addr)
#define writeq_relaxed(value, addr) writeq(value, addr)
#define lo_hi_readq(addr) readq(addr)
#define lo_hi_writeq(value, addr) writeq(value, addr)

#endif /* LINUX_IO_H */
