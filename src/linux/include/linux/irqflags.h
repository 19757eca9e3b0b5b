/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* stricter: see preempt.h. */
#ifndef LINUX_IRQFLAGS_H
#define LINUX_IRQFLAGS_H

#include <linux/preempt.h>

#endif /* LINUX_IRQFLAGS_H */
