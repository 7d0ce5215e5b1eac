/* SPDX-License-Identifier: MIT */
/*
 * Simulated physical memory.
 *
 * Owns the host memory behind the frames.  Big reservations that cost only
 * what is touched; a small machine takes one short mapping.  No locks: who
 * may touch a frame is decided above.
 */
#include "hw/ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/compiler.h"

#define FRAME_SIZE	4096UL

/* Fresh zero pages, address space only until touched; NULL when the host refuses. */
static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/*
 * Large memories on the host's large pages, where it has them: a simulated access
 * should not miss the host's TLB as well.  The buddy hands frames out from below,
 * so that little is touched in vain.
 */
#define HUGE_FROM	(32UL << 20)

static void want_huge_pages(void *p, size_t bytes)
{
#if !MM_TSAN && !MM_ASAN
	if (bytes >= HUGE_FROM)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
}

static size_t gen_bytes(const struct ram *ram)
{
	return ALIGN(ram->nr_frames * sizeof(u32), FRAME_SIZE);
}

static size_t data_bytes(const struct ram *ram)
{
	return ALIGN(ram->nr_frames << ram->frame_shift, FRAME_SIZE);
}

static size_t table_bytes(const struct ram *ram)
{
	return ram->frame_bytes == FRAME_SIZE ? 0 : ram->nr_frames * FRAME_SIZE;
}

static size_t mark_bytes(const struct ram *ram)
{
	return ALIGN(ram->nr_frames, FRAME_SIZE);
}

/* The one of the stock, if it is large enough. */
static void *take_mapping(struct ram *ram, struct ram_stock *stock)
{
	void *base;

	if (!stock || stock->bytes < ram->bytes)
		return reserve(ram->bytes);
	base = stock->base;
	ram->bytes = stock->bytes;
	*stock = (struct ram_stock){ .base = NULL };
	return base;
}

/*
 * One mapping holds all areas, so that booting and destroying a fuzzer's
 * machine is one mmap and one munmap.
 */
int ram_create(struct ram *ram, unsigned long nr_frames, unsigned int frame_bytes,
	       struct ram_stock *stock)
{
	u8 *base;

	if (frame_bytes != 64 && frame_bytes != FRAME_SIZE)
		return -EINVAL;
	/* A TLB entry and a page-table entry of ours hold 32 bits of frame number. */
	if (!nr_frames || nr_frames > U32_MAX)
		return -EINVAL;
	ram->nr_frames = nr_frames;
	ram->frame_bytes = frame_bytes;
	ram->frame_shift = frame_bytes == 64 ? 6 : 12;
	ram->bytes = gen_bytes(ram) + data_bytes(ram) + table_bytes(ram) +
		     (stock ? mark_bytes(ram) : 0);
	base = take_mapping(ram, stock);
	if (!base)
		return -ENOMEM;
	want_huge_pages(base, gen_bytes(ram) + data_bytes(ram));
	ram->gen = (u32 *)base;
	ram->data = base + gen_bytes(ram);
	ram->tables = (u64 *)(ram->data + (table_bytes(ram) ? data_bytes(ram) : 0));
	ram->marks = stock ? ram->data + data_bytes(ram) + table_bytes(ram) : NULL;
	return 0;
}

/* As it was before it was given out for the first time. */
static void clear_frame(struct ram *ram, unsigned long pfn)
{
	if (ram->marks[pfn] & RAM_USED_DATA)
		memset(ram_data(ram, pfn), 0, ram->frame_bytes);
	if (ram->marks[pfn] & RAM_USED_TABLE)
		memset(ram_table(ram, pfn), 0, FRAME_SIZE);
	ram->gen[pfn] = 0;
	ram->marks[pfn] = 0;
}

/* Most marks are none: a word of them at a time, and there is room for whole words. */
static void clear(struct ram *ram)
{
	const u64 *marks = (const u64 *)ram->marks;

	for (unsigned long pfn = 0; pfn < ram->nr_frames; pfn += sizeof(*marks)) {
		if (!marks[pfn / sizeof(*marks)])
			continue;
		for (unsigned long i = pfn; i < pfn + sizeof(*marks); i++) {
			if (ram->marks[i])
				clear_frame(ram, i);
		}
	}
}

void ram_stock_drop(struct ram_stock *stock)
{
	if (stock->base)
		munmap(stock->base, stock->bytes);
	*stock = (struct ram_stock){ .base = NULL };
}

void ram_destroy(struct ram *ram, struct ram_stock *stock)
{
	if (!ram->gen)
		return;
	if (stock && ram->bytes > stock->bytes) {
		clear(ram);
		ram_stock_drop(stock);
		*stock = (struct ram_stock){ .base = ram->gen, .bytes = ram->bytes };
	} else {
		munmap(ram->gen, ram->bytes);
	}
	ram->gen = NULL;
	ram->data = NULL;
	ram->tables = NULL;
	ram->marks = NULL;
}
