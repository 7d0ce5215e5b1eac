/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_SHRINK_H
#define MMSTORM_OPS_SHRINK_H

#include "ops/explore.h"
#include "ops/guide.h"
#include "ops/replay_token.h"

/*
 * Shrinking: of a controlled run that finds something, as little as still finds the same:
 * tasks, ops, vCPUs, pages, arguments, fills by hardware, deviations of the schedule.
 *
 * What is left out of the program changes the decisions that a schedule counts.  So the
 * schedule is kept as a trail through the program (ops/guide.h) too, which leads the
 * smaller program the same way; where that fails, it is searched again, a little.
 */
struct shrink {
	/* Asked for. */
	u64			max_runs;
	bool			(*go_on)(void *arg);	/* false: stop, with what there is */
	/* Something became smaller; may be NULL. */
	void			(*progress)(void *arg, const struct shrink *s);
	void			*arg;

	/* What there is: it fails as it should. */
	struct replay_token	best;
	struct explore_result	result;		/* of it */
	u64			runs;		/* made so far */

	/* For the work. */
	char			title[160];	/* of the finding to keep */
	struct explore_config	config;		/* of the candidate under way */
	struct guide_trail	trail, moved;	/* of best; for the candidate */
	struct guide		guide;
	struct schedule		record;
	u64			effort;		/* decisions to search each candidate for */
	bool			stopped;
};

/**
 * shrink_run() - make s->best smaller
 * @s: zeroed, then asked for, and best given: as of replay_token_parse()
 *
 * 0; -ENOENT when best itself finds nothing; -EINVAL or -ENOMEM when it could not run.
 */
int shrink_run(struct shrink *s);
/* All but best. */
void shrink_free(struct shrink *s);

/* The tasks that its program has. */
unsigned int shrink_tasks(const struct op_list *list);

#endif /* MMSTORM_OPS_SHRINK_H */
