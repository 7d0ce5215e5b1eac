/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_KERN_TASK_H
#define MMSTORM_KERN_TASK_H

#include "base/list.h"
#include "base/types.h"
#include "hw/cpumask.h"
#include "hw/fiber.h"
#include "hw/vcpu.h"
#include "hw/vectors.h"
#include "mm/pin.h"
#include "sync/sched.h"

struct machine;
struct mm_struct;

/* Where a task is; under its ->lock. */
enum task_run {
	TASK_NEW,	/* created, not started */
	TASK_QUEUED,	/* on a run queue */
	TASK_ON_CPU,	/* running, or on its way off the vCPU */
	TASK_BLOCKED,	/* asleep: task.sched says until when */
	TASK_DEAD,	/* has left its stack for good */
};

/*
 * A thread of a simulated process.  It runs @fn(@arg) on a stack of its own,
 * on whichever vCPU takes it; in serial mode it has no stack and is only what
 * `current' points to.
 */
struct task_struct {
	struct sched_ctx	sched;		/* first: what sync/ knows of a task */

	/* Immutable after task_create(). */
	struct machine		*machine;
	u64			id;		/* from 1; the maker's choice */
	u64			parent;		/* id, 0 for none */
	void			(*fn)(void *);
	void			*arg;

	/* The task itself. */
	struct mm_struct	*mm;		/* holds an mm_users; NULL after exit_mm() */
	struct mm_struct	*active_mm;	/* what is loaded: mm, or borrowed (idle: lazy) */
	struct exec_context	exec;		/* last refused access, armed failure */
	void			*private;	/* ops/: its stream */
	bool			in_op;		/* between the start and the end of an op */
	bool			owes_turn;	/* it was over in the middle of an op */
	u32			op_cpu;		/* where the op began (windows) */
	unsigned int		personality;
	struct user_pin		pins[PINS_MAX];	/* mm/pin.c */
	void			*check;		/* check/: its struct check_task */
	u64			nr_switches;	/* times switched in */
	u64			nr_migrations;	/* times switched in on another vCPU than before */

	/* Under ->lock (raw). */
	u32			lock;
	enum task_run		run;
	u32			last_cpu;
	u32			queue;		/* QUEUED: whose run queue it is on */
	cpumask_t		cpus;		/* where it may run */

	/* Under the run queue's lock. */
	struct list_head	rq_node;

	/* Who switches. */
	struct fiber		fiber;
	u64			left_clock;	/* virtual time at which it left its last vCPU */
	u64			sync;		/* TSan: one vCPU -> the next, creator -> task */

	struct list_head	all_node;	/* kern's list, under its lock */
};

/* The task that runs here; NULL on a bound host thread without one. */
static inline NO_TSAN struct task_struct *get_current(void)
{
	return this_cpu()->current_task;
}
#define current get_current()

/**
 * task_create() - make a task that has not started
 * @id: its number: what it does must depend on it, not on when it was made
 * @parent: the creator's id, or 0
 * @mm: the address space; an mm_users reference that the caller gives away, or
 *	NULL for a kernel thread
 * @fn: what it runs; when it returns the task exits
 *
 * Context: bound thread or task; may sleep.  NULL when memory is short, and
 * then the reference is still the caller's.
 */
struct task_struct *task_create(struct machine *m, u64 id, u64 parent, struct mm_struct *mm,
				void (*fn)(void *), void *arg);

/* Makes a new task runnable (wake_up_new_task()).  Not in serial mode. */
void task_start(struct task_struct *task);

/* Takes back a task that was started and that no vCPU has run yet: as before.  None runs. */
void task_withdraw(struct task_struct *task);

/*
 * Ends the calling task: drops its mm through kern_mm_ops.exit_mm, leaves its
 * stack for good.  fn returning does the same.  No locks held.
 */
void task_exit(void) __attribute__((noreturn));

/*
 * Frees a task that never started, or one of a serial machine: drops its mm
 * too.  The task must not be current anywhere.
 */
void task_free(struct task_struct *task);

#endif /* MMSTORM_KERN_TASK_H */
