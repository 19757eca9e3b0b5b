/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: see bitops.h. */
#ifndef LINUX_FIND_H
#define LINUX_FIND_H

#include <linux/bitops.h>

#endif /* LINUX_FIND_H */
