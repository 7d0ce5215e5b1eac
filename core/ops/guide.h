/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_GUIDE_H
#define MMSTORM_OPS_GUIDE_H

#include "ops/explore.h"

/*
 * Guides: a schedule in terms of the program, so that another program can be run by it.
 *
 * A schedule's deviations are numbered by decisions, and mean nothing any more when an op
 * is taken out of the program.  A mark says the same by landmarks: when the task of this
 * line has made so many steps in it, and would go on by default, then that one goes on
 * instead.  A run that follows the marks of another need not be like it; whether it is
 * what it should be, its own schedule and finding say.
 */
struct guide_mark {
	u32	line;		/* of the program; its number of ops + n: vCPU n, idle */
	u32	off;		/* steps */
	u32	nth;		/* of the decisions there */
	u16	who;		/* slot of a task, or GUIDE_IDLE + n: vCPU n, idle */
	u16	event;		/* enum sched_event */
};

#define GUIDE_IDLE	OP_TASKS_MAX

struct guide_marks {
	struct guide_mark	*mark;	/* in the order in which they were met */
	size_t			nr, room;
	bool			lost;	/* memory was short: incomplete */
};

/* How far a line has come, on whichever vCPUs, and its next mark. */
struct guide_line {
	u32	first;		/* 0: none, or 1 + i */
	u32	off;
	u32	nth;
};

struct guide {
	/* Asked for. */
	const struct guide_marks *follow;	/* may be NULL */
	struct strategy		*other;	/* asked instead, one_in so many decisions; may be NULL */
	u64			one_in;		/* 1: always */

	/* Of the run: the marks that would make it again. */
	struct guide_marks	made;
	u64			cpus;	/* on which tasks have been; bit = vCPU, of the first 64 */

	/* For the run. */
	struct machine		*machine;
	u64			nr_lines;
	struct prng		rng;
	struct guide_line	*line;
	u32			*next;		/* mark of the same line; 0: none, or 1 + i */
	size_t			nr_lines_room, nr_next_room;
	struct { u64 line, step; } at[STRATEGY_CPUS];	/* when last seen */
};

/**
 * guide_run() - as explore_run(), led by a guide
 * @g: zeroed once; follow, other and one_in set
 */
int guide_run(struct guide *g, const struct explore_config *config, u64 seed,
	      struct schedule *record, struct explore_result *result);
/* Memory of runs; not what it follows. */
void guide_free(struct guide *g);

void guide_marks_free(struct guide_marks *marks);
void guide_marks_add(struct guide_marks *marks, const struct guide_mark *mark);

#endif /* MMSTORM_OPS_GUIDE_H */
