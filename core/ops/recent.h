/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_RECENT_H
#define MMSTORM_OPS_RECENT_H

#include "ops/exec.h"

/*
 * What a storm did last, as a program: where free running has found something, controlled
 * mode can look for it among the same ops (`mmstorm explore --from').
 *
 * A stream's ops follow from who the task is and how far it has come, so nothing need be
 * kept while the storm runs: recent_look() notes that for every task, and recent_program()
 * draws the ops again.  How the tasks' ops lay to each other is not known, and what was
 * mapped before them is as their own last mmaps say.
 */

#define RECENT_OPS	24	/* of each task */

struct recent_task {
	u64		key, k;		/* who it is, and how many ops it has drawn */
	u16		nth;		/* of its ancestor at the start */
	u8		depth, place;
};

struct recent {
	struct recent_task	task[OP_TASKS_MAX];
	unsigned int		nr;
	bool			looked;
};

/*
 * Where the tasks of a storm under way are.  Any context, also on another task's vCPU in
 * the middle of anything; they are not stopped, so it is about where they are.
 */
void recent_look(const struct op_run *run, struct recent *recent);

/* 0; -ENOENT: nobody has looked; -EINVAL or -ENOMEM.  list is empty then. */
int recent_program(const struct recent *recent, const struct op_world *world,
		   const struct op_mix *mix, struct op_list *list);

#endif /* MMSTORM_OPS_RECENT_H */
