/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful */
#ifndef LINUX_LIMITS_H
#define LINUX_LIMITS_H

#include_next <linux/limits.h>
#include <limits.h>
#include <linux/types.h>

#define U8_MAX ((u8)~0U)
#define U16_MAX ((u16)~0U)
#define U32_MAX ((u32)~0U)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))

#ifndef SIZE_MAX
#define SIZE_MAX (~(size_t)0)
#endif
#define PHYS_ADDR_MAX (~(phys_addr_t)0)

#endif /* LINUX_LIMITS_H */
