/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* reduced: one resource, the register window. */
#ifndef LINUX_IOPORT_H
#define LINUX_IOPORT_H

#include <linux/types.h>

struct resource {
	resource_size_t start;
	resource_size_t end; /* inclusive */
	const char *name;
	unsigned long flags;
};

#define IORESOURCE_MEM 0x00000200
#define IORESOURCE_IRQ 0x00000400

static inline resource_size_t resource_size(const struct resource *res)
{
	return res->end - res->start + 1;
}

#endif /* LINUX_IOPORT_H */
