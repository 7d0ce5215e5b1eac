/* SPDX-License-Identifier: MIT */
/*
 * Chains of mremap, to and fro and on, by pages and by whole page tables, while those who
 * come by the reverse map (truncation, migration) look for the same pages.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_remap = {
	.name		= "remap",
	.what		= "mremap chains of pages and tables, against truncation and migration",
	.pages		= 1024,
	.files		= 1,
	.file_pages	= 4,
	.tasks_per_cpu	= 3,
	.threads	= 8,
	.mix = {
		.name = "remap",
		.weight = {
			[OP_MMAP]	= 24,
			[OP_MREMAP]	= 120,
			[OP_LOAD]	= 300,
			[OP_STORE]	= 300,
			[OP_FORK]	= 1,
			[OP_TRUNCATE]	= 40,
			[OP_MIGRATE]	= 80,
			[OP_YIELD]	= 4,
		},
		.shared = 200, .file = 500, .hot = 980, .tagged = 990, .moving = 950,
		.restore = 900,
		.regions = 2, .whole = 60, .chain = 600, .readers = 200, .writers = 100,
		.dwell = 60, .duel = 100, .stretch = 64, .dwell_ops = 300,
		.len_max = 2, .hot_pages = 2,
		.depth = 1, .children = 1, .life_min = 10, .life_max = 60,
	},
	.windows = {
		WIN_MIGRATION_ENTRY_MOVED, WIN_MIGRATION_ENTRY_ZAPPED,
		WIN_RMAP_ENTRY_CHANGED, WIN_TRUNCATE_MET_FAULT,
		WIN_FAULT_VS_MUNMAP, WIN_VMA_CUT_UNDER_FAULT,
		WIN_REMOTE_FLUSH,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_REFS | 1u << CHECK_STRUCT | 1u << CHECK_TLB |
		  1u << CHECK_DIRTY,
};
