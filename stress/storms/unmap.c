/* SPDX-License-Identifier: MIT */
/*
 * Threads that each map and unmap a page table's worth of their own, and go to the others'
 * now and then: VMAs, entries and whole tables leave the tree while neighbours walk it.
 * Disjoint at home, overlapping abroad.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_unmap = {
	.name		= "unmap",
	.what		= "unmaps of disjoint and overlapping regions, tables and all, under faults",
	.pages		= 2048,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 8,
	.mix = {
		.name = "unmap",
		.weight = {
			[OP_MMAP]	= 30,
			[OP_MUNMAP]	= 30,
			[OP_MADVISE]	= 20,
			[OP_LOAD]	= 300,
			[OP_STORE]	= 300,
			[OP_TRUNCATE]	= 4,
			[OP_YIELD]	= 4,
		},
		.shared = 150, .file = 200, .stack = 300, .hot = 980, .tagged = 990, .restore = 900,
		.regions = 4, .home = 700, .whole = 250, .readers = 150, .writers = 150,
		.len_max = 3, .hot_pages = 4,
	},
	.windows = {
		WIN_FAULT_VS_MUNMAP, WIN_VMA_LOCK_FALLBACK, WIN_PT_GONE,
		WIN_PT_RACE_LOST, WIN_TLB_NESTED_FLUSH, WIN_REMOTE_FLUSH,
		WIN_LAZY_MET_TABLE_FREE, WIN_GP_WAITED_FOR_READER,
	},
	.nr_windows = 8,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_REFS |
		  1u << CHECK_STRUCT | 1u << CHECK_TLB | 1u << CHECK_AGE |
		  1u << CHECK_DIRTY,
};
