/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_KERN_INTERNAL_H
#define MMSTORM_KERN_INTERNAL_H

#include "base/list.h"
#include "base/types.h"
#include "hw/control.h"
#include "hw/cpumask.h"
#include "hw/fiber.h"
#include "kern/sched.h"

/*
 * The scheduler's own state: for the files of kern/ only.  All of it is
 * touched by code without ThreadSanitizer only; locks are raw (hw/hw_lock.h):
 * the task's, then a run queue's; kern's alone.
 */

/* Of one vCPU. */
struct kern_cpu {
	/* Under ->lock; nr also read without, as a hint. */
	u32			lock __cacheline_aligned;
	unsigned int		nr;
	struct list_head	queue;

	/* The vCPU's thread alone. */
	struct fiber		idle __cacheline_aligned;	/* its own stack */
	struct task_struct	*prev;		/* switched away from, to be finished */
	struct task_struct	*next;		/* being switched to, not current yet */
	struct mm_struct	*idle_mm;	/* loaded lazily while no task runs; an mm_count */
	struct mm_struct	*drop_mm;	/* borrowed by prev: mm_count to be dropped */
	bool			push;		/* prev should go to another vCPU */
	u64			idled, stolen;
};

/* Of the machine. */
struct kern {
	struct machine		*machine;
	struct kern_mm_ops	mm_ops;
	struct kern_cpu		*cpus;		/* nr_cpus, aligned */
	struct sched_ops	sched_ops;

	/* Atomics. */
	u64			idle[CPUMASK_WORDS];	/* vCPUs with nothing to run */
	u32			stop;		/* kern_should_stop() */
	u32			halt;		/* idle loops end */
	u32			go;		/* they may begin; futex of all threads */
	u32			live;		/* started, not dead; futex of machine_wait() */
	u64			sync_exit;	/* TSan: tasks' ends -> machine_wait() */

	/* Host side: one thread. */
	bool			running;
	struct control_stats	control;	/* of the latest controlled run */

	/* Under ->lock. */
	u32			lock;
	struct list_head	tasks;
	struct list_head	pool;		/* dead tasks with their stacks */
	unsigned int		nr_pool;
};

static inline struct kern_cpu *kern_cpu(struct vcpu *cpu)
{
	return cpu->kern;
}

/* task.c */
void kern_task_recycle(struct task_struct *task);	/* dead, off its stack */
void kern_pool_drain(struct kern *kern);
void kern_stacks_drop(struct kern *kern);

/* runqueue.c */
/* Task lock held: makes it runnable and finds it a vCPU; another one with @push. */
void kern_place(struct task_struct *task, bool push);
/* Off its queue, not runnable any more. */
void kern_unplace(struct task_struct *task);
/* How many wait in the queue: a hint without its lock. */
unsigned int kern_queued(const struct kern_cpu *kc);
/* The first task of @kc's queue that may run on vCPU @nr, or NULL; from any other queue. */
struct task_struct *kern_dequeue(struct kern_cpu *kc, unsigned int nr);
struct task_struct *kern_steal(struct vcpu *cpu);
void kern_set_idle(struct vcpu *cpu, bool idle);

/* deadlock.c */
/* The run stands still, or does not end: a finding that says who waits for what. */
void kern_report_stuck(struct machine *m, enum control_end end);

/* sched.c */
void kern_task_entry(void *task);	/* first thing on a task's stack */
void kern_idle_loop(struct vcpu *cpu);	/* what a vCPU does all day */
/* The sched_ops that differ from the hardware's. */
void kern_sleep(struct sched_ctx *self);
void kern_wake(struct sched_ctx *ctx);
void kern_turn_over(void);
bool kern_wanted(void);

#endif /* MMSTORM_KERN_INTERNAL_H */
