/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_COMPILER_ATTRIBUTES_H
#define LINUX_COMPILER_ATTRIBUTES_H

#include <linux/compiler.h>

#endif /* LINUX_COMPILER_ATTRIBUTES_H */
