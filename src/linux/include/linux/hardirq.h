/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* stricter: see preempt.h. */
#ifndef LINUX_HARDIRQ_H
#define LINUX_HARDIRQ_H

#include <linux/preempt.h>

#endif /* LINUX_HARDIRQ_H */
