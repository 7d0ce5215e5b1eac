/* SPDX-License-Identifier: MIT */
/*
 * Devices that keep pages by pins, and read and write them past every page table, while
 * the same few pages are forked, copied for writing, migrated and unmapped: whose copy is
 * whose, and who may still use what it once found.
 */
#include "stress/storms/storms.h"

const struct storm_info storm_gup = {
	.name		= "gup",
	.what		= "pages pinned for devices, against forks, COW and unmaps of the same few pages",
	.pages		= 8,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 4,
	.window_ppm	= 15000,
	.mix = {
		.name = "gup",
		.weight = {
			[OP_MMAP]	= 10,
			[OP_MUNMAP]	= 3,
			[OP_MPROTECT]	= 4,
			[OP_MADVISE]	= 6,
			[OP_LOAD]	= 120,
			[OP_STORE]	= 160,
			[OP_FORK]	= 30,
			[OP_TRUNCATE]	= 4,
			[OP_MIGRATE]	= 6,
			[OP_PIN]	= 120,
			[OP_UNPIN]	= 6,
			[OP_DMA_LOAD]	= 120,
			[OP_DMA_STORE]	= 120,
		},
		.shared = 100, .file = 150, .hot = 900, .tagged = 1000,
		.readonly = 150, .restore = 900, .pin_write = 700, .pin_get = 400,
		.duel = 300, .stretch = 64,
		.len_max = 2, .hot_pages = 3,
		.depth = 1, .children = 1, .life_min = 4, .life_max = 24,
	},
	.windows = {
		WIN_GUP_FAST_RACED, WIN_GUP_FAST_VS_FORK, WIN_GUP_FAULTED_AGAIN,
		WIN_COW_RACE_LOST,
	},
	.nr_windows = 4,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_COW | 1u << CHECK_REFS | 1u << CHECK_STRUCT |
		  1u << CHECK_TLB | 1u << CHECK_AGE | 1u << CHECK_INIT |
		  1u << CHECK_DIRTY,
};
