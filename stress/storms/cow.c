/* SPDX-License-Identifier: MIT */
/*
 * Trees of processes, three generations deep, that share pages, write to them, and end:
 * who copies, who is the last user, and what a migration or another fork makes of it.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_cow = {
	.name		= "cow",
	.what		= "fork trees that share pages, break them, migrate them and end",
	.pages		= 24,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 1,
	.threads	= 8,
	.mix = {
		.name = "cow",
		.weight = {
			[OP_MMAP]	= 8,
			[OP_MADVISE]	= 8,
			[OP_LOAD]	= 200,
			[OP_STORE]	= 300,
			[OP_RMW]	= 4,
			[OP_COPY]	= 4,
			[OP_FORK]	= 20,
			[OP_CLONE]	= 10,
			[OP_TRUNCATE]	= 3,
			[OP_MIGRATE]	= 140,
			[OP_YIELD]	= 6,
		},
		.file = 250, .hot = 850, .tagged = 990, .restore = 950,
		.dwell = 100, .duel = 50, .stretch = 64, .dwell_ops = 200,
		.len_max = 4, .hot_pages = 4,
		.depth = 3, .children = 2, .life_min = 20, .life_max = 60,
	},
	.windows = {
		WIN_COW_RACE_LOST, WIN_SPURIOUS_FAULT,
		WIN_MIGRATION_ENTRY_WAIT, WIN_MIGRATION_ENTRY_COPIED,
		WIN_PTE_CHANGED_UNDER_FAULT, WIN_REMOTE_FLUSH,
		WIN_VMA_LOCK_FALLBACK,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_VALUE | 1u << CHECK_COW |
		  1u << CHECK_REFS | 1u << CHECK_STRUCT | 1u << CHECK_INIT |
		  1u << CHECK_DIRTY,
};
