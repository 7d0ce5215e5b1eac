/* SPDX-License-Identifier: MIT */
/*
 * Pages that mremap takes out of an anonymous mapping and puts back where they were, while
 * they migrate: what comes home merges with its neighbours, to where a walk of the reverse
 * map has been already.  One process, so that who meets means the same page.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_migrate = {
	.name		= "migrate",
	.what		= "pages migrate while mremap takes them away and brings them home",
	.pages		= 1024,
	.files		= 1,
	.file_pages	= 4,
	.tasks_per_cpu	= 1,
	.threads	= 8,
	.window_ppm	= 30000,
	.mix = {
		.name = "migrate",
		.weight = {
			[OP_MMAP]	= 8,
			[OP_MREMAP]	= 120,
			[OP_LOAD]	= 150,
			[OP_STORE]	= 450,
			[OP_FORK]	= 1,
			[OP_TRUNCATE]	= 20,
			[OP_MIGRATE]	= 300,
			[OP_YIELD]	= 4,
		},
		.shared = 50, .file = 200, .hot = 980, .tagged = 990, .moving = 950,
		.restore = 900,
		.regions = 2, .whole = 60, .chain = 700, .readers = 200,
		.len_max = 2, .hot_pages = 2,
		.depth = 1, .children = 1, .life_min = 10, .life_max = 60,
	},
	.windows = {
		WIN_MIGRATION_ENTRY_MOVED, WIN_MIGRATION_ENTRY_ZAPPED,
		WIN_RMAP_ENTRY_CHANGED, WIN_MIGRATION_ENTRY_WAIT,
		WIN_FAULT_VS_MUNMAP, WIN_VMA_CUT_UNDER_FAULT,
		WIN_REMOTE_FLUSH,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_REFS | 1u << CHECK_STRUCT | 1u << CHECK_TLB |
		  1u << CHECK_DIRTY,
};
