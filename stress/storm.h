/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_STORM_H
#define MMSTORM_STRESS_STORM_H

#include "check/check.h"
#include "ops/op.h"
#include "ops/stream.h"
#include "sync/windows.h"

/*
 * A storm is data: what its tasks do, on what, and what must be seen to have
 * happened before its silence means anything.
 */

#define STORM_WINDOWS_MAX	12
#define STORMS_MAX		16	/* in one go */
#define STORM_TASKS_MAX		32	/* more would only wait, but where that is the point */

struct storm_info {
	const char	*name;
	const char	*what;		/* one line, for `mmstorm list storms' */
	struct op_mix	mix;
	bool		swarm;		/* the seed draws a run's mix from it (ops/swarm.h) */
	unsigned int	pages;		/* of the window, default */
	unsigned int	files;
	unsigned int	file_pages;
	unsigned int	tasks_per_cpu;	/* at the start */
	unsigned int	tasks_max;	/* but no more than these, 0: STORM_TASKS_MAX */
	unsigned int	threads;	/* of a process at the start */
	unsigned int	window_ppm;	/* windows that jitter holds, 0: as machine_config has it */
	/* Windows that a run on two vCPUs or more must have hit; nr_windows of them. */
	enum window_id	windows[STORM_WINDOWS_MAX];
	unsigned int	nr_windows;
	u32		checks;		/* oracles that must have been conclusive */
};

/* Ended by NULL. */
extern const struct storm_info *const storms[];

const struct storm_info *storm_find(const char *name);

/* What it is let loose on; tasks 0: as many as it has by cpus. */
struct op_world storm_world(const struct storm_info *storm, unsigned int cpus,
			    unsigned int tasks, u64 seed);

#endif /* MMSTORM_STRESS_STORM_H */
