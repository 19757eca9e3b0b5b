/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* stricter: see spinlock.h. */
#ifndef LINUX_SPINLOCK_TYPES_H
#define LINUX_SPINLOCK_TYPES_H

#include <linux/spinlock.h>

#endif /* LINUX_SPINLOCK_TYPES_H */
