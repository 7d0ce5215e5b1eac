/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_PLAN_H
#define MMSTORM_STRESS_PLAN_H

#include "ops/job.h"
#include "stress/run.h"

/*
 * Runs one after another, and one verdict.  There is a run for each storm of a command
 * line, or of each section of a job.
 */

struct planned {
	struct run_options	o;
	struct run		run;
	char			name[128];	/* among the others */
	bool			done;
};

struct plan {
	const struct run_options *line;		/* of the command line */
	u64			given;		/* bit n: it sets the nth row */
	const char		*path;		/* of the job, for messages; NULL: none */
	struct job		job;
	struct planned		**planned;	/* each on its own: a run points into it */
	size_t			nr;
};

/* plan_run.c: runs, or says, what is planned.  An exit code, that of the worst verdict. */
int plan_run(struct plan *plan);

/* plan.c: the command's two forms.  The same. */
int plan_line(const struct run_options *line);
int plan_job(const struct run_options *line, u64 given);

#endif /* MMSTORM_STRESS_PLAN_H */
