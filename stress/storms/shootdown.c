/* SPDX-License-Identifier: MIT */
/*
 * Most tasks only use a handful of pages, and keep them in their TLBs; a few take rights
 * and pages away, over each other.  What one flush leaves to another is what goes wrong.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_shootdown = {
	.name		= "shootdown",
	.what		= "rights and pages taken from under running readers and writers",
	.pages		= 16,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 8,
	.mix = {
		.name = "shootdown",
		.weight = {
			[OP_MMAP]	= 16,
			[OP_MUNMAP]	= 12,
			[OP_MPROTECT]	= 60,
			[OP_MADVISE]	= 30,
			[OP_LOAD]	= 100,
			[OP_STORE]	= 100,
			[OP_MIGRATE]	= 8,
			[OP_YIELD]	= 4,
		},
		.shared = 100, .file = 100, .hot = 950, .tagged = 990, .readonly = 500,
		.restore = 1000, .readers = 350, .writers = 250,
		.len_max = 4, .hot_pages = 4,
	},
	.windows = {
		WIN_REMOTE_FLUSH, WIN_FLUSH_OVERTAKEN, WIN_FLUSH_WIDENED,
		WIN_TLB_NESTED_FLUSH, WIN_IPI_TAKEN_FOR_PARKED,
		WIN_SPURIOUS_FAULT, WIN_LAZY_SKIPPED,
	},
	.nr_windows = 7,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_TLB,
};
