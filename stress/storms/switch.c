/* SPDX-License-Identifier: MIT */
/*
 * More address spaces than tags, more tasks than vCPUs, and sleep: vCPUs change what they
 * have loaded, keep what they do not use, and come back to what has changed meanwhile.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_switch = {
	.name		= "switch",
	.what		= "more tasks than vCPUs, more processes than tags, and lazy vCPUs",
	.pages		= 16,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 4,
	.tasks_max	= OP_STORM_TASKS_MAX,
	.threads	= 2,
	.mix = {
		.name = "switch",
		.weight = {
			[OP_MMAP]	= 8,
			[OP_MUNMAP]	= 4,
			[OP_MPROTECT]	= 20,
			[OP_MADVISE]	= 10,
			[OP_LOAD]	= 300,
			[OP_STORE]	= 200,
			[OP_FORK]	= 3,
			[OP_TRUNCATE]	= 2,
			[OP_YIELD]	= 60,
		},
		.shared = 100, .file = 250, .hot = 900, .tagged = 990, .readonly = 400,
		.restore = 950, .nap = 40, .regions = 2, .whole = 100,
		.len_max = 3, .hot_pages = 3,
		.depth = 1, .children = 1, .life_min = 10, .life_max = 60,
	},
	.windows = {
		WIN_TAG_BEHIND, WIN_SWITCH_VS_FLUSH, WIN_LAZY_SKIPPED,
		WIN_LAZY_BEHIND, WIN_LAZY_MET_TABLE_FREE,
		WIN_TASK_MIGRATED_IN_OP, WIN_IPI_TAKEN_FOR_PARKED,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_COW | 1u << CHECK_TLB,
};
