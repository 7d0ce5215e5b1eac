/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_KERN_SCHED_H
#define MMSTORM_KERN_SCHED_H

#include "base/types.h"
#include "kern/task.h"

struct machine;
struct mm_struct;
struct vcpu;

/*
 * What context_switch() needs of address spaces; installed by mm_init().
 * Called on the vCPU that switches, interrupts off and preemption off, except
 * mmdrop and exit_mm.  NULL members are skipped.
 */
struct kern_mm_ops {
	/*
	 * switch_mm_irqs_off(): load @next's root.  @prev is what was loaded
	 * before, NULL when nothing was.  May find @next loaded already.
	 */
	void (*switch_mm)(struct mm_struct *prev, struct mm_struct *next, struct task_struct *tsk);
	/* enter_lazy_tlb(): @mm stays loaded while a task without an mm runs. */
	void (*enter_lazy_tlb)(struct mm_struct *mm, struct task_struct *tsk);
	/* mm_count references of lazy users; mmdrop may free, runs interrupts on. */
	void (*mmgrab)(struct mm_struct *mm);
	void (*mmdrop)(struct mm_struct *mm);
	/*
	 * mmput() of an exiting task's mm, task context, may sleep.  kern has
	 * made the task lazy (mm NULL, active_mm kept by an mm_count) before,
	 * as the kernel's exit_mm() does.
	 */
	void (*exit_mm)(struct mm_struct *mm);
	/* Behind it: the pins of a task that is ending. */
	void (*exit_pins)(struct task_struct *task);
	/* Unload: the vCPU goes out of use; leave_mm() of whatever is loaded. */
	void (*leave_mm)(struct mm_struct *mm);
};

void kern_set_mm_ops(struct machine *m, const struct kern_mm_ops *ops);

/* ---- tasks, from inside ---- */

/**
 * schedule() - let another task run, or the vCPU idle
 *
 * Returns when the caller is chosen again, perhaps on another vCPU.  The
 * caller goes to sleep when its sched_ctx says so, else it stays runnable.
 * Task context; interrupts on, no spinlock, no RCU section.
 */
void schedule(void);
/* Gives the others of this vCPU's run queue a turn. */
void kern_yield(void);
/*
 * schedule() if the turn is over, someone waits and it is legal here: between two
 * ops.  In bench builds, which have no points, the only end that a turn has.
 */
void cond_resched(void);

/*
 * Waits until no other vCPU does anything: what their last tasks left behind (borrowed
 * address spaces, RCU callbacks) is cleared away, and comes before the caller's future.
 * The caller sees to it that every other task sleeps until it wakes one.  Task context;
 * the caller stays on its vCPU.
 */
void kern_wait_idle(void);
/* exit_mm() of the running task, which may go on, but not to user memory, until task_exit(). */
void kern_exit_mm(void);
/* A change of mm by the running task (exec-like): @mm's mm_users is given away. */
void kern_use_mm(struct mm_struct *mm);

/* ---- machine, from the host side (a thread that is not bound) ---- */

/**
 * machine_run() - start the vCPU threads: started tasks begin to run
 *
 * Not in serial mode (-EINVAL).  0 or -EAGAIN when the host refuses threads;
 * then none runs.  A controlled machine runs in machine_wait().
 */
int machine_run(struct machine *m);
/*
 * Waits until no started task is left; false when the deadline passed first (host ms, 0:
 * none).  A controlled machine runs here, and knows no deadline: false when it is stuck,
 * which is a finding, or was abandoned.  Its tasks then stay where they are for good.
 */
bool machine_wait(struct machine *m, unsigned int ms);
/* Tasks should finish: kern_should_stop() is true from now on. Any thread. */
void machine_ask_stop(struct machine *m);
bool kern_should_stop(void);
/*
 * Ends the vCPU threads; every task must have exited.  Serial and not running: nothing.
 * False: a controlled machine was abandoned on the way, and stays where it is for good.
 */
bool machine_stop(struct machine *m);
/* What the latest controlled run was. */
const struct control_stats *machine_control_stats(const struct machine *m);

/* Started and not yet dead. */
unsigned int kern_nr_tasks(struct machine *m);

/* Calls @fn for each live task under kern's raw lock: no points, no sleeping. For reports. */
void kern_for_each_task(struct machine *m, void (*fn)(struct task_struct *task, void *arg),
			void *arg);

/* Which task vCPU @cpu switches to just now, without having left what it did; NULL: none. */
struct task_struct *kern_next_task(const struct vcpu *cpu);

/* ---- serial mode ---- */

/**
 * kern_switch_to() - @task becomes current on the bound vCPU
 * @task: or NULL: no task, the mm stays loaded lazily
 *
 * Loads its mm.  Serial machines, and bound threads while no vCPU runs.
 */
void kern_switch_to(struct task_struct *task);

/*
 * Unloads what idle vCPUs and the caller hold lazily, so that every mm that
 * has no user is gone.  Bound, no vCPU runs.  For shutdown and quiet checks.
 */
void kern_release_mms(struct machine *m);

#endif /* MMSTORM_KERN_SCHED_H */
