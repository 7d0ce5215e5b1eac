/* SPDX-License-Identifier: MIT */
/*
 * The storms.  Weights are shares of all ops; what makes a storm is which
 * ops meet on the same few pages at the same time.
 */
#include <string.h>

#include "base/compiler.h"
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

const struct storm_info *const storms[] = {
	&fork_fault_munmap,
	&storm_fault,
	&storm_unmap,
	&storm_shootdown,
	&storm_cow,
	&storm_mprotect,
	&storm_remap,
	&storm_migrate,
	&storm_switch,
	&storm_mixed,
	&storm_gup,
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

struct op_world storm_world(const struct storm_info *storm, unsigned int cpus,
			    unsigned int tasks, u64 seed)
{
	unsigned int most = storm->tasks_max ? storm->tasks_max : STORM_TASKS_MAX;

	if (!tasks)
		tasks = min(storm->tasks_per_cpu * cpus, most);
	return (struct op_world){
		.cpus = cpus,
		.tasks = tasks,
		.procs = (tasks + storm->threads - 1) / storm->threads,
		.pages = storm->pages,
		.files = storm->files,
		.file_pages = storm->file_pages,
		.seed = seed,
	};
}
