/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_CONST_H
#define LINUX_CONST_H

#include_next <linux/const.h>

#define UL(x) ((unsigned long)(x##UL))
#define ULL(x) ((unsigned long long)(x##ULL))

#endif /* LINUX_CONST_H */
