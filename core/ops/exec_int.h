/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_EXEC_INT_H
#define MMSTORM_OPS_EXEC_INT_H

/*
 * Inside the executor: what its files share.
 *
 *	exec.c		runs: creation, starting and ending tasks, counts
 *	exec_op.c	one op of the current task, all but where its child goes
 *	exec_rest.c	moments with nobody running
 *	exec_nap.c	storms: sleeping until another of the process wakes one
 *	exec_program.c	programs: slots, order, barriers
 *	exec_stream.c	storms: families
 */

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/list.h"
#include "ops/exec.h"
#include "phys/fail.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

struct task_struct;

/*
 * A place for one task at a time: a program's slot, or a place in a family.
 * Places live as long as the run, so that who leaves one last may still wake
 * others there; the tasks in them come and go.
 */
struct op_task {
	/* Immutable. */
	struct op_run		*run;
	unsigned int		index;
	struct op_task		*parent;		/* storms; NULL at the start */
	struct op_task		*child[OP_CHILDREN_MAX];

	/*
	 * 1: somebody is here.  Taken by cmpxchg; given back by a release
	 * store, which is the last that a leaver does to this place.
	 */
	u32			taken;

	/* The task's own; written by its maker before it starts. */
	struct task_struct	*task;
	u64			k;			/* ops done */
	u64			tags;			/* tagged stores done */
	u64			arm;			/* failnth for the next op */
	struct fail_nth		fail;
	struct op_stream	stream;			/* storms */
	struct mm_op		pending;		/* serial: drawn, must wait */
	bool			has_pending;
	bool			ending;			/* serial: has no more ops */
	bool			finished;		/* serial: nor children */

	/* Written by the task, read by others of a program; release, acquire. */
	u64			line;			/* of its next op, or OP_NO_LINE */
	u32			barriers;		/* it has come to */

	/* Storms: asleep in a nap; the list under op_nap.lock, the flag ends the sleep. */
	struct list_head	nap;
	u32			asleep;

	/* Storms: a child has left; a nap is over. */
	wait_queue_head_t	wq;
};

/* See exec_nap.c: the tasks at the start of one process. */
struct op_nap {
	/* Under the lock. */
	spinlock_t		lock;
	struct list_head	asleep;		/* op_task.nap, the longest asleep first */
	unsigned int		awake;
	bool			over;		/* one has ended: no more naps */
};

/* See exec_rest.c. */
struct op_rest {
	/* Under the lock. */
	spinlock_t		lock;
	unsigned int		live;		/* tasks made and not gone */
	unsigned int		resting;	/* of these, asleep between two ops */
	unsigned int		finished;	/* of these, with no more to do */

	/* Written under the lock (want: also set without), read without. */
	u32			want;		/* a check is wanted */
	u32			busy;		/* and under way */
	u32			final;		/* the last one was made */
	wait_queue_head_t	wq;
};

struct op_cpu_counts {
	struct op_counts	c;
} __cacheline_aligned;

struct op_run {
	/* Immutable once the tasks run. */
	struct op_run_config	config;
	struct machine		*machine;
	struct op_world		world;
	const struct op_runner	*runner;
	const struct op_list	*list;
	const struct op_mix	*mix;
	u64			life;		/* ops of a task at the start */
	struct file		*files[OP_FILES_MAX];
	struct mm_struct	*procs[OP_STORM_TASKS_MAX];	/* given up when it starts */
	struct op_task		*tasks;
	unsigned int		nr_tasks;
	bool			serial;

	/* Atomic. */
	u32			stop;

	/* Ordered programs: turn is written under the lock, read without. */
	spinlock_t		order_lock;
	u64			turn;		/* lines before it are done or async */

	/* Programs: a line is done, a task ended, a barrier was come to. */
	wait_queue_head_t	wq;

	struct op_nap		*naps;		/* storms: of each process at the start */
	struct op_rest		rest;
	struct mm_struct	**mms;		/* who makes a check: the live ones */
	u64			quiet_share;	/* ops of a vCPU between checks */

	/* Each written by its vCPU alone, read by reports. */
	struct op_cpu_counts	*counts;
};

/* What differs between programs and storms. */
struct op_runner {
	/* Makes run->tasks; 0 or -ENOMEM. */
	int	(*setup)(struct op_run *run);
	/* What a task does, on its own stack; parallel runs. */
	void	(*main)(struct op_task *t);
	/* All tasks' ops, on this thread; serial runs. */
	int	(*serial)(struct op_run *run);
	/* The place for the child of this op, taken; NULL when it is not free. */
	struct op_task *(*place)(struct op_task *t, const struct mm_op *op);
	/* The number of the task that takes this place now. */
	u64	(*task_id)(const struct op_task *child);
	/* The task has left its place. */
	void	(*left)(struct op_task *t);
};

extern const struct op_runner op_program_runner;
extern const struct op_runner op_stream_runner;

/* ---- exec.c ---- */

static inline bool op_stopped(struct op_run *run)
{
	return READ_ONCE(run->stop);
}

bool op_place_take(struct op_task *t);
bool op_place_taken(const struct op_task *t);

/*
 * A task of `mm' (its reference is given away, also on failure) in the place
 * that was taken for it; on failure the place is given back.
 */
int op_task_make(struct op_task *t, struct mm_struct *mm);
/* From now on the oracles know it.  -ENOMEM: it is gone, and its place given back. */
int op_task_watch(struct op_task *t);
/* Parallel: it may run. */
void op_task_go(struct op_task *t);
/* The current task's last act before it ends (parallel), or its end (serial). */
void op_task_leave(struct op_task *t);
/* nr places, index and run filled in. */
int op_run_places(struct op_run *run, unsigned long nr);

/* ---- exec_rest.c ---- */

void op_rest_init(struct op_run *run);
/* Around a sleep between two ops. */
void op_rest_begin(struct op_run *run);
void op_rest_end(struct op_run *run);
/* Between two ops: takes part in a check that is wanted. */
void op_between(struct op_run *run);
/* A task is made, by its maker; it has gone, with its mm. */
void op_live(struct op_run *run);
void op_gone(struct op_run *run);
/* The task has no more to do: waits until that is so for all. */
void op_finish(struct op_run *run);
/* Makes the check; nobody runs (serial). */
void op_check(struct op_run *run);

/* ---- exec_nap.c ---- */

int op_naps_init(struct op_run *run);
/* A task of the start sleeps until another of its process wakes it; it wakes some first. */
void op_nap(struct op_task *t, unsigned int wakes);
/* It has no more to do. */
void op_nap_end(struct op_task *t);

/* ---- exec_op.c ---- */

/*
 * Does one op as the current task, and observes and counts it.  False for an
 * op after which the task ends.
 */
bool op_do(struct op_task *t, const struct mm_op *op, u64 k);

#endif /* MMSTORM_OPS_EXEC_INT_H */
