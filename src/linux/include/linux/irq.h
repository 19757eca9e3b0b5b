/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see interrupt.h. */
#ifndef LINUX_IRQ_H
#define LINUX_IRQ_H

#include <linux/interrupt.h>

#endif /* LINUX_IRQ_H */
