/* SPDX-License-Identifier: MIT */
/*
 * Every schedule of a program within bounds, each once: depth first, a run for each.
 *
 * Bounded are preemptions, and hardware events out of turn.
 *
 *	preemption	another vCPU goes on, though the one that went on last could
 *	event		an interrupt is taken, a turn is over, or a grace period ends, while
 *			some vCPU could go on; or the hardware fills a TLB, at any time
 *
 * What happens when no vCPU can go on costs nothing, and each of it is tried.  A handler
 * or callback that has begun goes on for nothing, and so does afterwards who went on
 * before; to leave it in its midst is a preemption.
 *
 * Reduction: runs that come to equivalent states (sync/steps.h: equal partial orders of
 * what has happened), with the same vCPU about to go on and with no more left of either
 * bound than an earlier one had there, have the same futures, and those have been tried.
 * The bounds are part of what is compared, so it is sound under them; sleep sets alone
 * are not: the schedule that they stand for may be one of more preemptions.
 */
#ifndef MM_SYNC_EXHAUST_H
#define MM_SYNC_EXHAUST_H

#include "base/types.h"

struct sched_choices;
struct exhaust;

#define EXHAUST_BOUND_MAX	7

struct exhaust_bounds {
	unsigned int	preemptions, events;	/* at most EXHAUST_BOUND_MAX */
	bool		brute;			/* no reduction */
	u64		max_states;		/* remembered; 0: EXHAUST_STATES */
};

#define EXHAUST_STATES	(1ULL << 24)

struct exhaust_stats {
	struct exhaust_bounds bounds;
	u64	runs;		/* begun */
	u64	joined;		/* of these: came to an earlier one's state, not branched further */
	u64	pruned;		/* ways not run: they would only lead to such states */
	u64	states;		/* remembered */
	u64	decisions;	/* at which there was more than one way within the bounds */
	u64	left;		/* ways known and not tried */
	u64	finals;		/* distinct ends: exhaust_end() */
	u64	finals_hash;	/* of the set of them */
};

/* NULL when memory is short. */
struct exhaust *exhaust_new(const struct exhaust_bounds *bounds);
void exhaust_free(struct exhaust *s);

/*
 * Before each run: false when there is none left, or -- see exhaust_failed() -- it cannot
 * go on.
 */
bool exhaust_next(struct exhaust *s);

/* After each run: what it has led to, as a number. */
void exhaust_end(struct exhaust *s, u64 final);

/* Nothing is left to try. */
bool exhaust_done(const struct exhaust *s);

/*
 * NULL, or why the search cannot say anything: memory, or a run did not follow the one
 * before it where it had to.
 */
const char *exhaust_failed(const struct exhaust *s);

void exhaust_stats(const struct exhaust *s, struct exhaust_stats *stats);

/* From the run: every decision, also those without a choice; begins a step. */
unsigned int exhaust_choose(struct exhaust *s, const struct sched_choices *c);
/* What comes now in this run is not searched: it takes what costs nothing, to its end. */
void exhaust_close(struct exhaust *s);
void exhaust_touch(struct exhaust *s, const void *obj, bool write);
void exhaust_step_end(struct exhaust *s);

#endif
