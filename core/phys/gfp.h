/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_GFP_H
#define MMSTORM_PHYS_GFP_H

#include "base/types.h"

/*
 * Allocation flags, with the meaning of include/linux/gfp_types.h.
 *
 * __GFP_TABLE is ours: the frame will be a page table or other whole-frame
 * kernel data, so its 4096 bytes (frame_table()) are what is cleared and
 * poisoned, not its modelled user contents (frame_data()).
 */
typedef u32 gfp_t;

#define __GFP_DMA32		0x0001u	/* highest zone allowed is DMA32 */
#define __GFP_HIGH		0x0002u	/* may use part of the min reserve */
#define __GFP_DIRECT_RECLAIM	0x0004u	/* may sleep and reclaim */
#define __GFP_KSWAPD_RECLAIM	0x0008u
#define __GFP_ZERO		0x0010u	/* returned cleared */
#define __GFP_NOWARN		0x0020u
#define __GFP_NOFAIL		0x0040u	/* never injected a failure */
#define __GFP_MEMALLOC		0x0080u	/* ignores watermarks */
#define __GFP_MOVABLE		0x0100u
#define __GFP_TABLE		0x0200u

#define __GFP_RECLAIM		(__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)

#define GFP_ATOMIC		(__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_NOWAIT		(__GFP_KSWAPD_RECLAIM | __GFP_NOWARN)
#define GFP_KERNEL		__GFP_RECLAIM
#define GFP_HIGHUSER_MOVABLE	(GFP_KERNEL | __GFP_MOVABLE)
#define GFP_PGTABLE_USER	(GFP_KERNEL | __GFP_TABLE)

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM;
}

#endif /* MMSTORM_PHYS_GFP_H */
