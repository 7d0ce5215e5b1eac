/* SPDX-License-Identifier: MIT */
/*
 * From what a run saw to one word.
 *
 * The order is that of what a user must hear first: a defect, then a machine
 * that stands still, then that the run was cut short, then that its silence
 * means nothing because the storm's windows or oracles were never reached.
 */
#include <stdio.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "stress/run.h"
#include "stress/sanitizer.h"

u64 run_ops(const struct run *run)
{
	struct op_counts counts;

	if (!run->ops)
		return 0;
	op_run_counts(run->ops, -1, &counts);
	return counts.ops;
}

unsigned int run_sanitizer_reports(const struct run *run)
{
	return sanitizer_reports() - run->reports_before;
}

unsigned int run_findings(const struct run *run)
{
	return finding_count(&run->machine->sink) + run_sanitizer_reports(run);
}

unsigned int verdict_rank(enum exit_code code)
{
	static const enum exit_code by_rank[] = {
		EXIT_CLEAN, EXIT_NOT_EXERCISED, EXIT_USAGE, EXIT_RESOURCES,
		EXIT_INTERRUPTED, EXIT_STALL, EXIT_FINDINGS,
	};
	unsigned int rank;

	for (rank = 0; rank < ARRAY_SIZE(by_rank); rank++)
		if (by_rank[rank] == code)
			break;
	return rank;
}

/* The first of the storm's windows that was not hit, or NULL. */
static const char *missed_window(const struct run *run)
{
	unsigned int i;

	if (run->o->cpus < 2 || run->o->any_windows)
		return NULL;
	for (i = 0; i < run->storm->nr_windows; i++)
		if (!windows_sum(run->machine, run->storm->windows[i]))
			return window_name(run->storm->windows[i]);
	return NULL;
}

/* The first of the storm's oracles that never came to a conclusion, or NULL. */
static const char *missed_check(const struct run *run)
{
	unsigned int id;

	if (run->o->any_windows)
		return NULL;
	for (id = 0; id < NR_CHECKS; id++)
		if (run->storm->checks & run->checks & 1u << id &&
		    !check_conclusive(run->machine, id))
			return check_info[id].slug;
	return NULL;
}

static struct verdict say(enum exit_code code, const char *word)
{
	return (struct verdict){ .code = code, .word = word };
}

struct verdict run_verdict(const struct run *run)
{
	struct verdict v;
	const char *missed;

	if (run_findings(run))
		return say(EXIT_FINDINGS, "FINDINGS");
	if (READ_ONCE(run->stop) == STOP_STALL)
		return say(EXIT_STALL, "STALL");
	if (monitor_interrupted())
		return say(EXIT_INTERRUPTED, "INTERRUPTED");
	if (run->error) {
		v = say(EXIT_RESOURCES, "NO-RESOURCES");
		snprintf(v.why, sizeof(v.why), "the run could not go on: error %d",
			 -run->error);
		return v;
	}
	missed = missed_window(run);
	if (missed) {
		v = say(EXIT_NOT_EXERCISED, "NOT-EXERCISED");
		snprintf(v.why, sizeof(v.why), "window %s was never hit", missed);
		return v;
	}
	missed = missed_check(run);
	if (missed) {
		v = say(EXIT_NOT_EXERCISED, "NOT-EXERCISED");
		snprintf(v.why, sizeof(v.why),
			 "oracle %s never came to a conclusion", missed);
		return v;
	}
	return say(EXIT_CLEAN, "SUCCESS");
}
