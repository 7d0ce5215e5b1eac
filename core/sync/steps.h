/* SPDX-License-Identifier: MIT */
/*
 * A controlled run as a partial order of steps.
 *
 * A step is what a vCPU does from one decision to the next.  Two steps of one vCPU are in
 * order, and two that touch the same object, if one of them changes it; the others could
 * as well change places, and all would be the same afterwards.  What is the same then is
 * here one number: the hash of a step is made of those of the steps that it comes after
 * directly, and the hash of a run is the sum over its steps.  Runs that differ only in
 * the order of what could change places have equal hashes, and have led to equal machines.
 *
 * This stands on two things.  A step is decided by what its vCPU did before and by what it
 * finds in the objects that it touches.  And all that vCPUs share is told, by points and
 * by sched_touch(), or is protected by a lock that is.
 *
 * For the same reason a step need not be done to know what it would do: what such a step
 * touched when it was done is remembered, and if it would find the same there, it would
 * do the same.
 */
#ifndef MM_SYNC_STEPS_H
#define MM_SYNC_STEPS_H

#include "base/types.h"

struct steps;

/* Who can go on, and who would. */
struct step_turn {
	u64		can_run;	/* vCPUs, a bit each */
	unsigned int	runner;		/* sched_choices.runner */
	u64		resume;		/* sched_choices.resume */
};

/* NULL when memory is short. */
struct steps *steps_new(void);
void steps_free(struct steps *s);

/* A new run, numbered from 1. */
void steps_reset(struct steps *s);
u32 steps_run(const struct steps *s);

/* On @cpu; @kind: what else tells this step from another that could begin here. */
void steps_begin(struct steps *s, unsigned int cpu, unsigned int kind,
		 const struct step_turn *turn);
/* Nothing outside of a step. */
void steps_touch(struct steps *s, const void *obj, bool write);
void steps_end(struct steps *s);
/* Whose turn it is after the step that has ended. */
void steps_after(struct steps *s, const struct step_turn *turn);

u64 steps_hash(const struct steps *s);
/* Too many objects or steps for the tables: the hash means nothing. */
bool steps_lost(const struct steps *s);

/* How many there have been; and back to so many. */
u32 steps_count(const struct steps *s);
void steps_undo(struct steps *s, u32 count);

/*
 * The step as it would be, added to the run; *turn is that after it.  False, and nothing
 * changed, when it is not known.  @since: runs from this one on have begun with the steps
 * there are, or with those that they began with when first one was only thought of.
 */
bool steps_imagine(struct steps *s, unsigned int cpu, unsigned int kind, u32 since,
		   struct step_turn *turn);

#endif
