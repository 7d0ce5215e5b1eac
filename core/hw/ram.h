/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_RAM_H
#define MMSTORM_HW_RAM_H

#include "base/atomic.h"
#include "base/types.h"

/*
 * Simulated physical memory: frames of 4 KiB, numbered from 0.
 *
 * A frame has two faces.  As *data* it keeps frame_bytes bytes: all 4096, or
 * 64 (a tagged frame, in which an offset lands at offset mod 64).  As a
 * *table* it keeps 512 entries, always.  When frame_bytes is 4096 the two
 * faces are the same bytes.  A frame has one face at a time: who allocated it
 * knows which.
 *
 * Content is memory like any other: who may touch it when is the business of
 * those who own the frame.  User data moves by relaxed atomics (hw/access.c),
 * entries by acquire and release.
 */
struct ram {
	unsigned long	nr_frames;	/* all immutable after ram_create() */
	unsigned int	frame_bytes;	/* 64 or 4096 */
	unsigned int	frame_shift;	/* log2 of it */
	u8		*data;		/* nr_frames << frame_shift */
	u64		*tables;	/* nr_frames * 512; == data when frame_bytes is 4096 */
	u32		*gen;		/* per frame: raised when it is freed; relaxed atomics */
	u8		*marks;		/* per frame: RAM_USED_*, its owner's; NULL: nobody asks */
	size_t		bytes;		/* of the mapping, which begins with gen */
};

/* Which faces of a frame may be anything but zero. */
enum ram_mark { RAM_USED_DATA = 1, RAM_USED_TABLE = 2 };

/* The mapping of a machine that is gone, in zeros, for the next one (hw/stock.h). */
struct ram_stock {
	void	*base;		/* NULL: none */
	size_t	bytes;
};

/**
 * ram_create() - reserve memory for a machine's frames
 * @frame_bytes: 64 or 4096
 * @stock: to be used first, and at the end to be given it; NULL: none
 *
 * Frames read as zero, generations start at 0.  Host memory is used only as
 * frames are touched.  Returns 0, -EINVAL or -ENOMEM.
 *
 * With a stock, who gives a frame out says which face is used: ram_mark().
 */
int ram_create(struct ram *ram, unsigned long nr_frames, unsigned int frame_bytes,
	       struct ram_stock *stock);
void ram_destroy(struct ram *ram, struct ram_stock *stock);
void ram_stock_drop(struct ram_stock *stock);

static inline NO_TSAN void *ram_data(const struct ram *ram, unsigned long pfn)
{
	return ram->data + (pfn << ram->frame_shift);
}

static inline NO_TSAN u64 *ram_table(const struct ram *ram, unsigned long pfn)
{
	return ram->tables + pfn * 512;
}

static inline u32 ram_gen(const struct ram *ram, unsigned long pfn)
{
	return raw_load_order(&ram->gen[pfn], __ATOMIC_RELAXED);
}

static inline NO_TSAN void ram_mark(struct ram *ram, unsigned long pfn, enum ram_mark mark)
{
#if MM_POINTS
	if (unlikely(ram->marks))
		ram->marks[pfn] |= (u8)mark;
#endif
}

/* The frame's life ends: every translation to it is stale from now on. */
static inline void ram_gen_bump(struct ram *ram, unsigned long pfn)
{
	raw_fetch_add_order(&ram->gen[pfn], 1, __ATOMIC_RELAXED);
}

#endif /* MMSTORM_HW_RAM_H */
