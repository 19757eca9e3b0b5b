/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful names; the values are our own. */
#ifndef LINUX_GFP_TYPES_H
#define LINUX_GFP_TYPES_H

#include <linux/types.h>

#define ___GFP_DIRECT_RECLAIM 0x01u
#define ___GFP_KSWAPD_RECLAIM 0x02u
#define ___GFP_HIGH 0x04u
#define ___GFP_ZERO 0x08u
#define ___GFP_NOWARN 0x10u
#define ___GFP_NOFAIL 0x20u
#define ___GFP_IO 0x40u
#define ___GFP_FS 0x80u
#define ___GFP_NORETRY 0x100u
#define ___GFP_RETRY_MAYFAIL 0x200u
#define ___GFP_COMP 0x400u
#define ___GFP_ACCOUNT 0x800u
#define ___GFP_DMA32 0x1000u
#define ___GFP_HIGHMEM 0x2000u
#define ___GFP_MOVABLE 0x4000u
#define ___GFP_NOMEMALLOC 0x8000u

#define __GFP_DIRECT_RECLAIM ((gfp_t)___GFP_DIRECT_RECLAIM)
#define __GFP_KSWAPD_RECLAIM ((gfp_t)___GFP_KSWAPD_RECLAIM)
#define __GFP_RECLAIM \
	((gfp_t)(___GFP_DIRECT_RECLAIM | ___GFP_KSWAPD_RECLAIM))
#define __GFP_HIGH ((gfp_t)___GFP_HIGH)
#define __GFP_ZERO ((gfp_t)___GFP_ZERO)
#define __GFP_NOWARN ((gfp_t)___GFP_NOWARN)
#define __GFP_NOFAIL ((gfp_t)___GFP_NOFAIL)
#define __GFP_IO ((gfp_t)___GFP_IO)
#define __GFP_FS ((gfp_t)___GFP_FS)
#define __GFP_NORETRY ((gfp_t)___GFP_NORETRY)
#define __GFP_RETRY_MAYFAIL ((gfp_t)___GFP_RETRY_MAYFAIL)
#define __GFP_COMP ((gfp_t)___GFP_COMP)
#define __GFP_ACCOUNT ((gfp_t)___GFP_ACCOUNT)
#define __GFP_DMA32 ((gfp_t)___GFP_DMA32)
#define __GFP_HIGHMEM ((gfp_t)___GFP_HIGHMEM)
#define __GFP_MOVABLE ((gfp_t)___GFP_MOVABLE)
#define __GFP_NOMEMALLOC ((gfp_t)___GFP_NOMEMALLOC)

#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_KERNEL_ACCOUNT (GFP_KERNEL | __GFP_ACCOUNT)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)
#define GFP_USER (GFP_KERNEL)
#define GFP_HIGHUSER (GFP_USER | __GFP_HIGHMEM)
#define GFP_DMA32 __GFP_DMA32

static inline bool gfpflags_allow_blocking(const gfp_t flags)
{
	return flags & __GFP_DIRECT_RECLAIM;
}

#endif /* LINUX_GFP_TYPES_H */
