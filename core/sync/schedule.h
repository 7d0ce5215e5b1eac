/* SPDX-License-Identifier: MIT */
/*
 * A schedule as a value: the few decisions that are not what would happen anyway.
 *
 * A controlled run (hw/control.h) comes to decisions, numbered from 0, at each of which
 * several things may happen next.  One of them is the default, on the whole "let the
 * current vCPU go on"; a schedule lists only where another is chosen.  Whatever it
 * lists is a valid schedule: what cannot be done at a decision is not done.  So a
 * schedule is made smaller by leaving out deviations.
 */
#ifndef MM_SYNC_SCHEDULE_H
#define MM_SYNC_SCHEDULE_H

#include <stddef.h>

#include "base/types.h"

/* What a vCPU may do next. */
enum sched_event {
	SCHED_RUN,		/* go on: do what it stands before, or look again */
	SCHED_IRQ,		/* take the interrupts that others have sent */
	SCHED_TICK,		/* its turn is over: another task of its queue runs */
	SCHED_GRACE,		/* a grace period ends: its callbacks run */
	SCHED_FILL,		/* the hardware fills its TLB, unasked */
	SCHED_DRAIN,		/* its oldest store is seen (sync/store_buffer.h) */
	SCHED_OVERTAKE,		/* another is, before the oldest */
	NR_SCHED_EVENTS,
};

const char *sched_event_name(enum sched_event event);

/* Not the default at decision at, but event on vCPU cpu. */
struct deviation {
	u64	at;
	u16	cpu;
	u16	event;
};

/* In order of at. */
struct schedule {
	struct deviation *dev;
	size_t		nr, room;
	bool		lost;		/* memory was short: incomplete */
};

void schedule_init(struct schedule *s);
void schedule_free(struct schedule *s);
/* Keeps the memory. */
void schedule_clear(struct schedule *s);
/* To the end; a failure is remembered in lost. */
void schedule_add(struct schedule *s, u64 at, unsigned int cpu, enum sched_event event);
/* -ENOMEM, and to is empty then. */
int schedule_copy(struct schedule *to, const struct schedule *from);

/*
 * Packed, about two bytes a deviation: returns how many bytes it takes, and writes no
 * more than room.  Unpacking says -EINVAL for bytes that no packing gives, or -ENOMEM.
 */
size_t schedule_pack(const struct schedule *s, u8 *out, size_t room);
int schedule_unpack(struct schedule *s, const u8 *data, size_t size);

#endif
