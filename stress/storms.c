/* SPDX-License-Identifier: MIT */
/*
 * The storms.  Weights are shares of all ops; what makes a storm is which
 * ops meet on the same few pages at the same time.
 */
#include <string.h>

#include "stress/storm.h"
#include "stress/storms/storms.h"

static const struct storm_info fork_fault_munmap = {
	.name		= "fork-fault-munmap",
	.what		= "faults, forks and unmaps of a few shared pages: COW, shootdown, table freeing",
	.pages		= 16,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 4,
	.mix = {
		.name = "fork-fault-munmap",
		.weight = {
			[OP_MMAP]	= 28,
			[OP_MUNMAP]	= 3,
			[OP_MPROTECT]	= 8,
			[OP_MREMAP]	= 6,
			[OP_MADVISE]	= 16,
			[OP_LOAD]	= 450,
			[OP_STORE]	= 450,
			[OP_RMW]	= 2,
			[OP_COPY]	= 1,
			[OP_FETCH]	= 2,
			[OP_FORK]	= 5,
			[OP_CLONE]	= 5,
			[OP_TRUNCATE]	= 12,
			[OP_MIGRATE]	= 10,
			[OP_YIELD]	= 8,
		},
		.shared = 120, .file = 400, .hot = 800, .tagged = 990,
		.moving = 800, .readonly = 250, .restore = 900,
		.dwell = 300, .duel = 100, .stretch = 64, .dwell_ops = 1500,
		.len_max = 3, .hot_pages = 6,
		.depth = 1, .children = 1, .life_min = 10, .life_max = 80,
	},
	.windows = {
		WIN_COW_RACE_LOST, WIN_FAULT_VS_MUNMAP, WIN_REMOTE_FLUSH,
		WIN_VMA_LOCK_FALLBACK, WIN_SPURIOUS_FAULT,
		WIN_TASK_MIGRATED_IN_OP,
	},
	.nr_windows = 6,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_COW | 1u << CHECK_REFS | 1u << CHECK_STRUCT |
		  1u << CHECK_TLB | 1u << CHECK_AGE | 1u << CHECK_INIT |
		  1u << CHECK_DIRTY,
};

static const struct storm_info gup = {
	.name		= "gup",
	.what		= "pages pinned for devices, against forks, COW and unmaps of the same few pages",
	.pages		= 8,
	.files		= 1,
	.file_pages	= 8,
	.tasks_per_cpu	= 2,
	.threads	= 4,
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
			[OP_DMA_LOAD]	= 80,
			[OP_DMA_STORE]	= 80,
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
		  1u << CHECK_TLB | 1u << CHECK_AGE | 1u << CHECK_INIT,
};

const struct storm_info *const storms[] = {
	&fork_fault_munmap,
	&storm_fault,
	&storm_unmap,
	&storm_shootdown,
	&storm_cow,
	&storm_mprotect,
	&storm_remap,
	&storm_switch,
	&storm_mixed,
	&gup,
	NULL,
};

const struct storm_info *storm_find(const char *name)
{
	unsigned int i;

	for (i = 0; storms[i]; i++)
		if (!strcmp(storms[i]->name, name))
			return storms[i];
	return NULL;
}
