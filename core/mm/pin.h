/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_PIN_H
#define MMSTORM_MM_PIN_H

#include "base/types.h"

/*
 * What a task has pinned for devices: as a driver would keep it behind an open file, so
 * many pins at a time, of so many pages.  Ours: stands for the registration of a buffer
 * (io_uring, RDMA), and for a pipe that was given pages (vmsplice).
 */

#define PINS_MAX	4
#define PIN_PAGES_MAX	4

/* How: flags of sys_pin(). */
#define PIN_READ	0x0	/* the device only reads */
#define PIN_WRITE	0x1
#define PIN_LONGTERM	0x2
#define PIN_GET		0x4	/* a reference, no pin: it is read, and nothing is promised */

struct page;
struct task_struct;

struct user_pin {
	unsigned int	nr;		/* pages; 0: the place is free */
	unsigned int	how;		/* PIN_* */
	unsigned long	start;		/* where they were */
	struct page	*page[PIN_PAGES_MAX];
	u32		gen[PIN_PAGES_MAX];	/* of their frames, then */
};

/*
 * Pins the pages that [addr, addr + len) lies in, in place @n of the current task; what
 * was there is let go first.  Return: pages pinned, which may be fewer; -EINVAL (no such
 * place, too many pages, flags), or what GUP says.
 */
long sys_pin(unsigned int n, unsigned long addr, size_t len, unsigned int how);
/* 0, or -ENXIO: nothing is pinned there. */
long sys_unpin(unsigned int n);

/*
 * The device reads or writes @size aligned bytes, @at bytes from the first pinned page's
 * start.  0; -ENXIO: nothing is pinned there; -EINVAL: alignment; -EACCES: not for writing.
 */
long sys_dma_load(unsigned int n, unsigned long at, unsigned int size, u64 *value);
long sys_dma_store(unsigned int n, unsigned long at, unsigned int size, u64 value);

/* The task is gone, and its address space before it. */
void exit_pins(struct task_struct *task);

#endif
