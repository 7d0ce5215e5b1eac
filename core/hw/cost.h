/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_COST_H
#define MMSTORM_HW_COST_H

#include <stddef.h>
#include "base/types.h"
#include "sync/strategy.h"

/*
 * Virtual time of a controlled machine: each vCPU has a clock, and the one whose clock is
 * least goes next.  So many vCPUs run "at once" on one host thread, and how long they
 * take is a figure of the model, the same on every host.
 *
 * A step costs what sched_cost() says of its kind (base/point.h), and besides, in
 * nanoseconds:
 *
 *	line		the line of the object that it is about comes from another vCPU.
 *			Who writes has it alone afterwards, and writers of one line wait
 *			for each other; readers share it
 *	hand_over	a waiter that looks again when its lock has been let go of
 *	ipi		from the sender's step until the interrupt can be taken
 *	wake		from the kick until an idle vCPU goes on
 *	grace		an RCU callback is that old before its grace period may end
 *	slice		between the ticks of a vCPU, at which another task of its queue gets
 *			its turn; at least
 *
 * Each object is a line of its own: false sharing is not seen.  Data of users and
 * page-table entries are lines that are only read; object caches and page lists are
 * each vCPU's own, but for their locks.  There is one distance: no sockets, no caches
 * that overflow, no memory bandwidth.
 */
struct cost_model {
	u32	line, hand_over, ipi, wake, grace, slice;
};

/* One constant: its name, its default and where that comes from. */
struct cost_constant {
	const char	*name;
	size_t		offset;		/* in struct cost_model, a u32 */
	u32		ns;
	const char	*source;
};

extern const struct cost_constant cost_constants[];	/* ended by a NULL name */

void cost_model_default(struct cost_model *model);

/* What was paid for, over all vCPUs. */
struct cost_counts {
	u64	lines;		/* transfers */
	u64	line_waits;	/* of them, those behind another writer */
	u64	hand_overs;
	u64	ipis;		/* taken */
	u64	wakes;
};

struct cost_line;

struct cost_cpu {
	u64	clock;
	u64	irq_at;		/* an interrupt can be taken; 0: none was seen */
	u64	grace_at;	/* the same of a grace period */
	u64	slice_end;
};

struct cost_times {
	struct cost_model	model;
	struct cost_counts	counts;
	unsigned int		nr_cpus;
	struct cost_cpu		*cpu;
	bool			lost;	/* memory was short: the figures mean nothing */

	/* Called once, when every clock has passed end. */
	u64			end;
	void			(*over)(void *arg);
	void			*arg;

	/* A hash table. */
	struct cost_line	*line;
	size_t			nr_lines, room;
};

/* 0 or -ENOMEM.  For control_config.times; stays until the machine is gone. */
int cost_times_init(struct cost_times *t, const struct cost_model *model, unsigned int nr_cpus);
void cost_times_free(struct cost_times *t);

/* The latest clock. */
u64 cost_now(const struct cost_times *t);

/* --- for hw/control.c --------------------------------------------------------- */

/* An index of c->choice, of one or more: what happens first.  @cur: the vCPU that was on. */
unsigned int cost_choose(struct cost_times *t, const struct sched_choices *c, unsigned int cur);
/* What vCPU @cpu waits for has been changed by @cur.  @idle: it waits for work. */
void cost_wake(struct cost_times *t, unsigned int cpu, unsigned int cur, bool idle);
/* An object is new at @p: what was there before it does not matter. */
void cost_forget(struct cost_times *t, const void *p, size_t size);

#endif /* MMSTORM_HW_COST_H */
