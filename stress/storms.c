/* SPDX-License-Identifier: MIT */
/*
 * The storms.  Weights are shares of all ops; what makes a storm is which
 * ops meet on the same few pages at the same time.
 */
#include <string.h>

#include "stress/storm.h"

static const struct storm_info fork_fault_munmap = {
	.name		= "fork-fault-munmap",
	.what		= "faults, forks and unmaps of a few shared pages: COW, shootdown, table freeing",
	.pages		= 64,
	.files		= 2,
	.file_pages	= 16,
	.tasks_per_cpu	= 2,
	.mix = {
		.name = "fork-fault-munmap",
		.weight = {
			[OP_MMAP]	= 120,
			[OP_MUNMAP]	= 60,
			[OP_MPROTECT]	= 50,
			[OP_MREMAP]	= 30,
			[OP_MADVISE]	= 50,
			[OP_LOAD]	= 280,
			[OP_STORE]	= 300,
			[OP_RMW]	= 10,
			[OP_COPY]	= 10,
			[OP_FETCH]	= 5,
			[OP_FORK]	= 12,
			[OP_CLONE]	= 10,
			[OP_TRUNCATE]	= 8,
			[OP_MIGRATE]	= 40,
			[OP_YIELD]	= 15,
		},
		.shared = 150, .file = 200, .hot = 800, .tagged = 900,
		.moving = 700, .readonly = 400,
		.len_max = 8, .hot_pages = 12,
		.depth = 2, .children = 2, .life_min = 20, .life_max = 200,
	},
	.windows = {
		WIN_COW_RACE_LOST, WIN_FAULT_VS_MUNMAP, WIN_REMOTE_FLUSH,
		WIN_VMA_LOCK_FALLBACK, WIN_SPURIOUS_FAULT,
		WIN_TASK_MIGRATED_IN_OP,
	},
	.nr_windows = 6,
	.checks = 1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE |
		  1u << CHECK_COW | 1u << CHECK_REFS | 1u << CHECK_STRUCT |
		  1u << CHECK_TLB | 1u << CHECK_INIT,
};

const struct storm_info *const storms[] = {
	&fork_fault_munmap,
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
