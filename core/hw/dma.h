/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_DMA_H
#define MMSTORM_HW_DMA_H

#include "base/types.h"

/*
 * What a device does to memory: it was told a frame, and reads and writes it through no
 * TLB and no page table, whatever becomes of the address space that the page was in.
 * Only a reference on the page keeps the frame from being somebody else's.
 */
struct dma {
	unsigned long	pfn;
	u32		gen;		/* of the frame, when the device was told */
	unsigned int	offset;		/* bytes into the page; aligned to size */
	unsigned int	size;		/* 1, 2, 4 or 8 */

	/* For the oracles: on whose behalf. */
	unsigned long	va;		/* where the page was in the process */
	unsigned int	pin;		/* the current task's so-many-eth */
};

/* Task context, or a bound thread. */
u64 dma_read(const struct dma *dma);
void dma_write(const struct dma *dma, u64 value);

#endif /* MMSTORM_HW_DMA_H */
