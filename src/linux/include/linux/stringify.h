/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_STRINGIFY_H
#define LINUX_STRINGIFY_H

#include <linux/compiler.h>

#endif /* LINUX_STRINGIFY_H */
