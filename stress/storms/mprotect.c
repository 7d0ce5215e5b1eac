/* SPDX-License-Identifier: MIT */
/*
 * Rights that change under faults: VMAs are cut and joined again all the time, and with
 * them their anon_vmas, whose pages migrate meanwhile.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_mprotect = {
	.name		= "mprotect",
	.what		= "rights change: VMAs and their anon_vmas are cut and joined under faults",
	.pages		= 24,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 6,
	.mix = {
		.name = "mprotect",
		.weight = {
			[OP_MMAP]	= 24,
			[OP_MPROTECT]	= 110,
			[OP_MADVISE]	= 6,
			[OP_LOAD]	= 120,
			[OP_STORE]	= 120,
			[OP_FETCH]	= 2,
			[OP_FORK]	= 1,
			[OP_TRUNCATE]	= 30,
			[OP_MIGRATE]	= 90,
			[OP_YIELD]	= 4,
		},
		.shared = 250, .file = 300, .hot = 900, .tagged = 990, .none = 150,
		.readonly = 500, .restore = 700,
		.duel = 150, .stretch = 64, .writers = 200,
		.len_max = 5, .hot_pages = 8,
		.depth = 1, .children = 1, .life_min = 10, .life_max = 60,
	},
	.windows = {
		WIN_VMA_CUT_UNDER_FAULT, WIN_VMA_LOCK_FALLBACK,
		WIN_SPURIOUS_FAULT, WIN_PTE_CHANGED_UNDER_FAULT,
		WIN_ANON_VMA_RACE_LOST, WIN_MIGRATION_ENTRY_PROTECTED,
		WIN_REMOTE_FLUSH,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_STRUCT | 1u << CHECK_TLB | 1u << CHECK_AGE |
		  1u << CHECK_DIRTY,
};
