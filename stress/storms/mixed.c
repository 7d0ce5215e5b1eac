/* SPDX-License-Identifier: MIT */
/*
 * A bit of everything, and of each run's seed less of this and more of that: what no
 * storm was made for is for this one.  The windows asked for are those that mmap and
 * loads alone reach, because a run may have been dealt little else.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_mixed = {
	.name		= "mixed",
	.what		= "every op but pins, in shares that the seed draws: some left out, the rest skewed",
	.pages		= 24,
	.files		= 2,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 8,
	.swarm		= true,
	.mix = {
		.name = "mixed",
		.weight = {
			[OP_MMAP]	= 24,
			[OP_MUNMAP]	= 6,
			[OP_MPROTECT]	= 12,
			[OP_MREMAP]	= 10,
			[OP_BRK]	= 2,
			[OP_MADVISE]	= 12,
			[OP_LOAD]	= 300,
			[OP_STORE]	= 300,
			[OP_RMW]	= 4,
			[OP_COPY]	= 4,
			[OP_FETCH]	= 4,
			[OP_FORK]	= 4,
			[OP_CLONE]	= 4,
			[OP_TRUNCATE]	= 8,
			[OP_MIGRATE]	= 10,
			[OP_YIELD]	= 8,
		},
		.shared = 150, .file = 300, .stack = 300, .hot = 500, .tagged = 990, .moving = 500,
		.none = 100, .readonly = 300, .guard = 200, .restore = 500, .chain = 300,
		.nap = 10, .whole = 50, .home = 300, .regions = 2, .readers = 150, .writers = 150,
		.dwell = 150, .duel = 100, .stretch = 64, .dwell_ops = 500,
		.len_max = 4, .hot_pages = 6,
		.depth = 2, .children = 2, .life_min = 10, .life_max = 80,
	},
	.windows = {
		WIN_REMOTE_FLUSH, WIN_VMA_LOCK_FALLBACK,
		WIN_TASK_MIGRATED_IN_OP, WIN_IPI_TAKEN_FOR_PARKED,
	},
	.nr_windows = 4,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_REFS |
		  1u << CHECK_STRUCT | 1u << CHECK_TLB | 1u << CHECK_AGE,
};
