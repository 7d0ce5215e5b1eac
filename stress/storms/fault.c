/* SPDX-License-Identifier: MIT */
/*
 * Many threads of one process fault in the same few pages, and others keep emptying
 * them: two faults prepare the same page, table, anon_vma or page of a file, and one is
 * too late.  The halves of the window are a page table each, so that tables come and go.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_fault = {
	.name		= "fault",
	.what		= "many threads fault in one region that others keep emptying",
	.pages		= 64,
	.files		= 2,
	.file_pages	= 16,
	.tasks_per_cpu	= 1,
	.threads	= 8,
	.window_ppm	= 12000,
	.mix = {
		.name = "fault",
		.weight = {
			[OP_MMAP]	= 40,
			[OP_MUNMAP]	= 8,
			[OP_MADVISE]	= 40,
			[OP_LOAD]	= 400,
			[OP_STORE]	= 400,
			[OP_RMW]	= 4,
			[OP_COPY]	= 2,
			[OP_FETCH]	= 2,
			[OP_TRUNCATE]	= 12,
			[OP_MIGRATE]	= 80,
			[OP_YIELD]	= 4,
		},
		.shared = 250, .file = 400, .hot = 700, .tagged = 990, .restore = 950,
		.regions = 2, .whole = 300, .readers = 150, .writers = 250,
		.dwell = 150, .duel = 100, .stretch = 64, .dwell_ops = 500,
		.len_max = 4, .hot_pages = 4,
	},
	.windows = {
		WIN_PTE_CHANGED_UNDER_FAULT, WIN_SPURIOUS_FAULT,
		WIN_COW_RACE_LOST, WIN_PT_RACE_LOST, WIN_ANON_VMA_RACE_LOST,
		WIN_CACHE_RACE_LOST, WIN_TRUNCATE_MET_FAULT,
		WIN_VMA_LOCK_FALLBACK,
	},
	.nr_windows = 8,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_REFS | 1u << CHECK_STRUCT | 1u << CHECK_AGE |
		  1u << CHECK_INIT | 1u << CHECK_DIRTY,
};
