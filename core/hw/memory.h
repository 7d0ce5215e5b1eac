/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_MEMORY_H
#define MMSTORM_HW_MEMORY_H

#include <stddef.h>
#include "base/types.h"

struct machine;

/*
 * Memory of the host for what runs on a machine: blocks, as of malloc().
 *
 * A controlled machine keeps a list of them, because it may get stuck: then nobody can
 * take apart what is on it, and machine_drop() gives all of it back as it is.  The
 * others free what they have, and keep none.
 */
struct machine_memory {
	bool			listed;
	struct memory_block	*block;	/* a hash table by address; p NULL: nothing here */
	size_t			nr;
	size_t			room;	/* a power of two, or 0 */
	struct memory_stock	*stock;	/* NULL: none */
};

struct memory_block {
	void		*p;
	unsigned int	order;	/* of those that go to the stock: 1 << order bytes; or 0 */
};

/*
 * Larger blocks that no machine has now, by order, and an empty list for the next machine
 * (hw/stock.h).  Where a sanitizer watches there are none: it shall see each free.
 */
#define MEMORY_STOCK_ORDERS	32

struct memory_stock {
	struct spare_block	*spare[MEMORY_STOCK_ORDERS];
	struct memory_block	*block;
	size_t			room;
};

/* @align: 0, or a power of two.  NULL when the host has none. */
void *machine_alloc(struct machine *m, size_t size, size_t align);
/* The same in zeros; large and untouched, it costs nothing, or with a stock a memset(). */
void *machine_zalloc(struct machine *m, size_t size, size_t align);
/* @p may be NULL. */
void machine_free(struct machine *m, void *p);

/* A machine's, before its first block; @stock may be NULL. */
void machine_memory_init(struct machine_memory *mem, bool listed, struct memory_stock *stock);
/* Frees what is left of a listed machine's blocks. */
void machine_memory_drop(struct machine_memory *mem);
void memory_stock_drop(struct memory_stock *stock);

#endif /* MMSTORM_HW_MEMORY_H */
