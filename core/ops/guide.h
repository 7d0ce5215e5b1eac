/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_GUIDE_H
#define MMSTORM_OPS_GUIDE_H

#include "ops/explore.h"

/*
 * Guides: a run in terms of its program, so that another program can be run like it.
 *
 * A schedule's deviations are numbered by decisions, and mean nothing any more when an op
 * is taken out of the program.  A trail says who went on after whom, by landmarks: the
 * task of this line, from its so manieth step in it on; then that one.  At each decision of
 * a run that follows a trail, the one goes on whose step comes first in it.  So who is gone
 * is not missed, who has to wait for something else goes on as soon as he can, and where
 * tasks have to share a vCPU turns end and interrupts come for the sake of whoever would
 * be next.  That is a guess, if a good one: whether the run is what it should be, its own
 * schedule and finding say.
 */
struct guide_mark {
	u32	line;		/* of the program, or GUIDE_NO_LINE */
	u32	off;		/* steps made there, with the one that comes next */
	u32	nth;		/* of them of this kind */
	u16	who;		/* slot of a task, or GUIDE_IDLE + vCPU */
	u8	coming;		/* a vCPU is about to switch to the task */
	u8	kind;		/* enum sched_kind of the step */
	u8	event;		/* enum sched_event */
};

#define GUIDE_IDLE	OP_TASKS_MAX
#define GUIDE_NO_LINE	(~0U)

struct guide_trail {
	struct guide_mark	*mark;	/* in the order in which they were made */
	size_t			nr, room;
	bool			lost;	/* memory was short: incomplete */
};

/* How a mark is found again where lines have more or fewer steps than they had. */
enum guide_by {
	GUIDE_BY_STEP,
	GUIDE_BY_KIND,		/* steps of its kind */
	NR_GUIDE_BYS,
};

struct guide {
	/* Asked for. */
	const struct guide_trail *follow;	/* NULL: other alone */
	enum guide_by		by;
	unsigned int		shifts;		/* so many marks are put elsewhere */
	struct strategy		*other;		/* when there is nothing to follow; may be NULL */

	/* Of the run: the trail that would make it again. */
	struct guide_trail	made;

	/* For the run. */
	struct machine		*machine;
	u64			nr_lines;
	struct prng		rng;
	struct guide_place	*place;
	struct guide_place	*gone_on;	/* has been let, and come to no point since */
	struct guide_link	*link;		/* of each mark followed */
	size_t			nr_places_room, nr_links_room;
	u64			rank[OP_TASKS_MAX];	/* of the tasks' latest marks */
	u64			last;		/* place of the mark made last, if it was a step */
	unsigned int		cpu;		/* on which something happened last */
	u32			turn[STRATEGY_CPUS];	/* steps since a turn ended there */
	struct guide_mark	stood[STRATEGY_CPUS];	/* where each came to its latest point */
};

/**
 * guide_run() - as explore_run(), led by a guide
 * @g: zeroed once, then asked for
 * @seed: of the shifts
 *
 * Another program's trail will do, if its marks have lines and tasks of this one.
 */
int guide_run(struct guide *g, const struct explore_config *config, u64 seed,
	      struct schedule *record, struct explore_result *result);
/* Whether anything of a line was done in the run. */
bool guide_was_at(const struct guide *g, size_t line);
/* Memory of runs; not what it follows. */
void guide_free(struct guide *g);

void guide_trail_free(struct guide_trail *trail);
void guide_trail_add(struct guide_trail *trail, const struct guide_mark *mark);

#endif /* MMSTORM_OPS_GUIDE_H */
