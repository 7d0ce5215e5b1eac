/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_EXPLORE_H
#define MMSTORM_OPS_EXPLORE_H

#include "base/finding.h"
#include "hw/control.h"
#include "hw/stock.h"
#include "ops/op.h"
#include "sync/windows.h"

/*
 * One program under one schedule, on a fresh machine: what exploration, replay and
 * shrinking are made of.
 *
 * Everything that decides about a run is in struct explore_config and the strategy: two
 * runs of the same are equal to the last event, in any build, and have equal hashes.  The
 * stock decides about nothing.
 */
struct explore_config {
	const struct op_list	*list;
	u32			checks;		/* 1 << enum check_id */
	u64			zoo[2];		/* planted bugs, bit = id */
	unsigned int		fills;		/* control_config.fills */
	u64			max_points;	/* control_config.max_points */
	enum memory_model	memory;		/* control_config.memory */
	const struct explore_watch *watch;	/* who looks on; may be NULL */
	struct machine_stock	*stock;		/* of the runs before (hw/stock.h); may be NULL */
	bool			until_finding;	/* the run goes no further than its first */
};

/*
 * Looks on at a run, and disturbs nothing: no points, no random numbers of the machine's.
 * Each may be NULL.
 */
struct explore_watch {
	/* Before anything runs; when all is over, and before the machine goes. */
	void	(*begin)(void *arg, struct machine *m);
	void	(*end)(void *arg, struct machine *m);
	/* The current vCPU is at a point (control_config.watch). */
	control_watch_fn point;
	/* The first finding of a title, by whoever made it. */
	void	(*finding)(void *arg, const struct finding *f);
	void	*arg;
};

struct explore_result {
	u64		points;
	u64		decisions;
	u64		contested;	/* where vCPUs compete: PCT's k (sync/strategy.h) */
	u64		hash;		/* every point, choice, event and answer */
	u64		state;		/* what it has led to (ops/final_state.h) */
	u64		ops;
	u64		windows[NR_WINDOWS];	/* hits */
	unsigned int	findings;	/* distinct titles */
	/* Of the first: */
	char		title[160];
	char		detail[2048];
	bool		stuck;		/* deadlock, livelock, panic */
};

/**
 * explore_run() - run it once
 * @strategy: started
 * @record: cleared, then gets the schedule that was; may be NULL
 *
 * 0 when there was a run, whatever it found; -EINVAL or -ENOMEM when there could be
 * none.  Nothing is left of the machine, even if it got stuck.
 */
int explore_run(const struct explore_config *config, struct strategy *strategy,
		struct schedule *record, struct explore_result *result);

struct task_struct;

/* Where a task is in its program. */
struct explore_place {
	unsigned int	slot;
	u64		line;		/* or OP_NO_LINE */
	bool		coming;		/* its vCPU is about to switch to it */
};

/* While a run is under way: the task that vCPU cpu has, or comes to.  False: none. */
bool explore_at(const struct machine *m, unsigned int cpu, struct explore_place *place);
/* Whether the task waits for a vCPU, in the queue of *cpu. */
bool explore_queued(const struct task_struct *task, struct explore_place *place,
		    unsigned int *cpu);

#endif /* MMSTORM_OPS_EXPLORE_H */
