/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_STOCK_H
#define MMSTORM_HW_STOCK_H

#include "hw/fiber.h"
#include "hw/memory.h"
#include "hw/ram.h"

/*
 * What a machine leaves to the next: memory that the host need not make afresh, a page
 * fault at a time.
 *
 * A search runs thousands of small machines, one after another.  Each takes its RAM, its
 * stacks and its larger blocks from here, as far as there are any, and brings them back.
 * The next finds what it would on a host that is asked for the first time: RAM is cleared
 * where it was used, blocks are asked for in zeros or not; how a machine came to its end
 * makes no difference.
 *
 * All zero is empty.  One host thread's at a time; of a controlled machine only
 * (machine_config.stock), and lives longer than every machine that has it.
 */
struct machine_stock {
	struct ram_stock	ram;
	struct fiber_stacks	stacks;
	struct memory_stock	memory;
};

/* Gives all of it back to the host; it is empty then. */
void machine_stock_drop(struct machine_stock *stock);

#endif /* MMSTORM_HW_STOCK_H */
