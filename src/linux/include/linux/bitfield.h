/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: masks must be constants with contiguous bits. */
#ifndef LINUX_BITFIELD_H
#define LINUX_BITFIELD_H

#include <linux/build_bug.h>
#include <linux/types.h>

#define __bf_shf(mask) __builtin_ctzll(mask)
#define FIELD_MAX(mask) ((typeof(mask))((mask) >> __bf_shf(mask)))
#define FIELD_FIT(mask, val) \
	(!(((typeof(mask))(val) << __bf_shf(mask)) & ~(mask)))
#define FIELD_PREP(mask, val) \
	(((typeof(mask))(val) << __bf_shf(mask)) & (mask))
#define FIELD_PREP_CONST(mask, val) FIELD_PREP(mask, val)
#define FIELD_GET(mask, reg) \
	((typeof(mask))(((reg) & (mask)) >> __bf_shf(mask)))

#endif /* LINUX_BITFIELD_H */
