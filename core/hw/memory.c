/* SPDX-License-Identifier: MIT */
/*
 * A machine's blocks of host memory, and the list that a controlled one keeps of them.
 *
 * Owns struct machine_memory.  No lock: one thread runs all of a controlled machine, the
 * others keep no list.  Compiled without ThreadSanitizer, to which the vCPUs are threads
 * that share the list without order.  Must never let an address decide anything but
 * where its own entry is.
 */
#include "hw/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/tsan.h"
#include "hw/machine.h"

#define ROOM_MIN	256

static size_t home_of(const struct machine_memory *mem, const void *p)
{
	return (size_t)(((u64)(uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ULL >> 20) & (mem->room - 1);
}

/* Where @p is, or where it would go. */
static size_t find(const struct machine_memory *mem, const void *p)
{
	size_t i = home_of(mem, p);

	while (mem->block[i] && mem->block[i] != p)
		i = (i + 1) & (mem->room - 1);
	return i;
}

static bool grow(struct machine_memory *mem)
{
	struct machine_memory more = { .room = mem->room ? 2 * mem->room : ROOM_MIN };

	/* Any vCPU may be the one: to TSan they are threads without order. */
	tsan_ignore_writes_begin();
	more.block = calloc(more.room, sizeof(*more.block));
	for (size_t i = 0; more.block && i < mem->room; i++) {
		if (mem->block[i])
			more.block[find(&more, mem->block[i])] = mem->block[i];
	}
	if (more.block) {
		free(mem->block);
		mem->block = more.block;
		mem->room = more.room;
	}
	tsan_ignore_writes_end();
	return more.block;
}

/* Half of it stays empty, so that looks are short. */
static bool list_block(struct machine_memory *mem, void *p)
{
	if (2 * (mem->nr + 1) > mem->room && !grow(mem))
		return false;
	mem->block[find(mem, p)] = p;
	mem->nr++;
	return true;
}

/* Those behind it that a look would no longer reach move up. */
static void unlist_block(struct machine_memory *mem, const void *p)
{
	size_t mask = mem->room - 1, hole = find(mem, p), i = hole;

	MM_BUG_ON(!mem->block[hole]);
	while (mem->block[i = (i + 1) & mask]) {
		size_t home = home_of(mem, mem->block[i]);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		mem->block[hole] = mem->block[i];
		hole = i;
	}
	mem->block[hole] = NULL;
	mem->nr--;
}

static void *listed(struct machine *m, void *p)
{
	if (!p || !m->memory.listed || list_block(&m->memory, p))
		return p;
	free(p);
	return NULL;
}

static void *host_block(size_t size, size_t align)
{
	if (align <= 2 * sizeof(void *))
		return malloc(size);
	return aligned_alloc(align, ALIGN(size, align));
}

void *machine_alloc(struct machine *m, size_t size, size_t align)
{
	return listed(m, host_block(size, align));
}

void *machine_zalloc(struct machine *m, size_t size, size_t align)
{
	void *p;

	if (align <= 2 * sizeof(void *))
		return listed(m, calloc(1, size));
	p = machine_alloc(m, size, align);
	if (p)
		memset(p, 0, size);
	return p;
}

void machine_free(struct machine *m, void *p)
{
	if (p && m->memory.listed)
		unlist_block(&m->memory, p);
	free(p);
}

void machine_memory_drop(struct machine_memory *mem)
{
	for (size_t i = 0; i < mem->room; i++)
		free(mem->block[i]);
	free(mem->block);
	memset(mem, 0, sizeof(*mem));
}
