/* SPDX-License-Identifier: MIT */
/*
 * A task's pins, and what devices do with them.
 *
 * Owns task->pins, which only the task itself touches (and who ends it).  Takes no lock.
 * Pins outlive the mappings, and the address space, that they were made in.
 */

#include "mm/pin.h"

#include <errno.h>
#include <string.h>

#include "hw/dma.h"
#include "hw/machine.h"
#include "kern/task.h"
#include "mm/gup.h"
#include "mm/mm.h"

static void let_go(struct user_pin *pin)
{
	unsigned int i;

	if (pin->how & PIN_GET)
		for (i = 0; i < pin->nr; i++)
			put_page(pin->page[i]);
	else
		unpin_user_pages_dirty_lock(pin->page, pin->nr, pin->how & PIN_WRITE);
	pin->nr = 0;
}

static bool how_valid(unsigned int how)
{
	if (how & ~(unsigned int)(PIN_WRITE | PIN_LONGTERM | PIN_GET))
		return false;
	return !(how & PIN_GET) || how == PIN_GET;
}

static long take_pages(struct user_pin *pin, unsigned long nr)
{
	unsigned int flags = 0;

	if (pin->how & PIN_GET)
		return get_user_pages_fast(pin->start, nr, 0, pin->page);
	if (pin->how & PIN_WRITE)
		flags |= FOLL_WRITE;
	if (pin->how & PIN_LONGTERM)
		flags |= FOLL_LONGTERM;
	return pin_user_pages_fast(pin->start, nr, flags, pin->page);
}

long sys_pin(unsigned int n, unsigned long addr, size_t len, unsigned int how)
{
	unsigned long nr = (len >> PAGE_SHIFT) +
		((offset_in_page(addr) + offset_in_page(len) + PAGE_SIZE - 1) >> PAGE_SHIFT);
	struct user_pin *pin;
	unsigned int i;
	long ret;

	if (n >= PINS_MAX || !len || nr > PIN_PAGES_MAX || !how_valid(how))
		return -EINVAL;
	pin = &current->pins[n];
	let_go(pin);
	pin->start = addr & PAGE_MASK;
	pin->how = how;
	ret = take_pages(pin, nr);
	if (ret < 0)
		return ret;
	pin->nr = (unsigned int)ret;
	for (i = 0; i < pin->nr; i++)
		pin->gen[i] = ram_gen(&this_machine()->ram, page_to_pfn(pin->page[i]));
	return ret;
}

long sys_unpin(unsigned int n)
{
	if (n >= PINS_MAX || !current->pins[n].nr)
		return -ENXIO;
	let_go(&current->pins[n]);
	return 0;
}

/* The place in memory that the device is told; 0 or -errno. */
static long dma_target(unsigned int n, unsigned long at, unsigned int size, struct dma *dma)
{
	const struct user_pin *pin = n < PINS_MAX ? &current->pins[n] : NULL;
	unsigned long i = at >> PAGE_SHIFT;

	if (!pin || i >= pin->nr)
		return -ENXIO;
	if (at & (size - 1))
		return -EINVAL;
	*dma = (struct dma){
		.pfn = page_to_pfn(pin->page[i]), .gen = pin->gen[i],
		.offset = (unsigned int)offset_in_page(at), .size = size,
		.va = pin->start + (i << PAGE_SHIFT), .pin = n,
	};
	return 0;
}

long sys_dma_load(unsigned int n, unsigned long at, unsigned int size, u64 *value)
{
	struct dma dma;
	long ret = dma_target(n, at, size, &dma);

	if (!ret)
		*value = dma_read(&dma);
	return ret;
}

long sys_dma_store(unsigned int n, unsigned long at, unsigned int size, u64 value)
{
	struct dma dma;
	long ret = dma_target(n, at, size, &dma);

	if (ret)
		return ret;
	/* What was pinned for reading may be the zero page, or nobody's to write to. */
	if (!(current->pins[n].how & PIN_WRITE))
		return -EACCES;
	dma_write(&dma, value);
	return 0;
}

void exit_pins(struct task_struct *task)
{
	unsigned int i;

	for (i = 0; i < PINS_MAX; i++)
		let_go(&task->pins[i]);
}
