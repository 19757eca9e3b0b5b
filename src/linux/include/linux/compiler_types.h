/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_COMPILER_TYPES_H
#define LINUX_COMPILER_TYPES_H

#include <linux/compiler.h>

#endif /* LINUX_COMPILER_TYPES_H */
