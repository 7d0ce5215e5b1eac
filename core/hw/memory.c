/* SPDX-License-Identifier: MIT */
/*
 * A machine's blocks of host memory, the list that a controlled one keeps of them, and
 * the larger ones that the next machine gets.
 *
 * Owns struct machine_memory and struct memory_stock.  No lock: one thread runs all of a
 * controlled machine, the others keep no list.  Compiled without ThreadSanitizer, to which
 * the vCPUs are threads that share the list without order.  Must never let an address
 * decide anything but where its own entry is.
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

	while (mem->block[i].p && mem->block[i].p != p)
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
		if (mem->block[i].p)
			more.block[find(&more, mem->block[i].p)] = mem->block[i];
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
static bool list_block(struct machine_memory *mem, void *p, unsigned int order)
{
	if (2 * (mem->nr + 1) > mem->room && !grow(mem))
		return false;
	mem->block[find(mem, p)] = (struct memory_block){ .p = p, .order = order };
	mem->nr++;
	return true;
}

/* Those behind it that a look would no longer reach move up.  Returns its order. */
static unsigned int unlist_block(struct machine_memory *mem, const void *p)
{
	size_t mask = mem->room - 1, hole = find(mem, p), i = hole;
	unsigned int order = mem->block[hole].order;

	MM_BUG_ON(!mem->block[hole].p);
	while (mem->block[i = (i + 1) & mask].p) {
		size_t home = home_of(mem, mem->block[i].p);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		mem->block[hole] = mem->block[i];
		hole = i;
	}
	mem->block[hole].p = NULL;
	mem->nr--;
	return order;
}

/* ---- the stock ---- */

/* Smaller ones the C library keeps as well. */
#define STOCK_ORDER_MIN	14

/* Alignment of all blocks of the stock; a larger one is not asked for. */
#define STOCK_ALIGN	4096

struct spare_block {
	struct spare_block *next;
};

/* Whether such a block is the stock's: its order, or 0. */
static unsigned int stock_order(const struct machine_memory *mem, size_t size)
{
	if (MM_ASAN || MM_TSAN || !mem->stock || size < 1UL << STOCK_ORDER_MIN ||
	    size > 1UL << (MEMORY_STOCK_ORDERS - 1))
		return 0;
	return order_base_2(size);
}

static void *stock_take(struct memory_stock *stock, unsigned int order)
{
	struct spare_block *spare = stock->spare[order];

	if (!spare)
		return aligned_alloc(STOCK_ALIGN, 1UL << order);
	stock->spare[order] = spare->next;
	return spare;
}

static void give_back(struct memory_stock *stock, void *p, unsigned int order)
{
	struct spare_block *spare = p;

	if (!order) {
		free(p);
		return;
	}
	spare->next = stock->spare[order];
	stock->spare[order] = spare;
}

void memory_stock_drop(struct memory_stock *stock)
{
	for (unsigned int i = 0; i < MEMORY_STOCK_ORDERS; i++) {
		struct spare_block *spare;

		while ((spare = stock->spare[i])) {
			stock->spare[i] = spare->next;
			free(spare);
		}
	}
	free(stock->block);
	memset(stock, 0, sizeof(*stock));
}

/* ---- blocks ---- */

static void *listed(struct machine_memory *mem, void *p, unsigned int order)
{
	if (!p || !mem->listed || list_block(mem, p, order))
		return p;
	give_back(mem->stock, p, order);
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
	struct machine_memory *mem = &m->memory;
	unsigned int order = stock_order(mem, size);

	return listed(mem, order ? stock_take(mem->stock, order) : host_block(size, align), order);
}

void *machine_zalloc(struct machine *m, size_t size, size_t align)
{
	struct machine_memory *mem = &m->memory;
	void *p;

	if (align <= 2 * sizeof(void *) && !stock_order(mem, size))
		return listed(mem, calloc(1, size), 0);
	p = machine_alloc(m, size, align);
	if (p)
		memset(p, 0, size);
	return p;
}

void machine_free(struct machine *m, void *p)
{
	if (p && m->memory.listed)
		give_back(m->memory.stock, p, unlist_block(&m->memory, p));
	else
		free(p);
}

/* ---- a machine's life ---- */

void machine_memory_init(struct machine_memory *mem, bool listed, struct memory_stock *stock)
{
	*mem = (struct machine_memory){ .listed = listed, .stock = stock };
	if (!stock)
		return;
	mem->block = stock->block;
	mem->room = stock->room;
	stock->block = NULL;
	stock->room = 0;
}

void machine_memory_drop(struct machine_memory *mem)
{
	struct memory_stock *stock = mem->stock;

	for (size_t i = 0; mem->nr && i < mem->room; i++) {
		if (!mem->block[i].p)
			continue;
		give_back(stock, mem->block[i].p, mem->block[i].order);
		mem->block[i].p = NULL;
		mem->nr--;
	}
	if (stock && !stock->block) {
		stock->block = mem->block;
		stock->room = mem->room;
	} else {
		free(mem->block);
	}
	memset(mem, 0, sizeof(*mem));
}
