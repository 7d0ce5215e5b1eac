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

/*
 * One mapping holds all three areas, so that booting and destroying a
 * fuzzer's machine is one mmap and one munmap.
 */
int ram_create(struct ram *ram, unsigned long nr_frames, unsigned int frame_bytes)
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
	base = reserve(gen_bytes(ram) + data_bytes(ram) + table_bytes(ram));
	if (!base)
		return -ENOMEM;
	want_huge_pages(base, gen_bytes(ram) + data_bytes(ram));
	ram->gen = (u32 *)base;
	ram->data = base + gen_bytes(ram);
	ram->tables = (u64 *)(ram->data + (table_bytes(ram) ? data_bytes(ram) : 0));
	return 0;
}

void ram_destroy(struct ram *ram)
{
	if (!ram->gen)
		return;
	munmap(ram->gen, gen_bytes(ram) + data_bytes(ram) + table_bytes(ram));
	ram->gen = NULL;
	ram->data = NULL;
	ram->tables = NULL;
}
