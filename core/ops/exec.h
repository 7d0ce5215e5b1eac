/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_EXEC_H
#define MMSTORM_OPS_EXEC_H

#include "ops/op.h"
#include "ops/stream.h"

struct machine;
struct mm_struct;
struct file;

/*
 * Runs: ops executed by the tasks of one booted machine.
 *
 * The tasks t0.. (world.tasks of them) start as threads of world.procs processes,
 * task n in process n mod procs.  In a program fork(tN) and clone(tN) make tN, which
 * does the ops of tN that are written after that line, up to its exit; they answer
 * -EEXIST while there is a tN.  A task without an exit lives until the program ends.
 * In a storm the ops are drawn (ops/stream.h), and a
 * task waits for its children before it ends.  Either runs in the machine's mode:
 *
 *	RUN_SERIAL	on the calling host thread, op by op: a program in the order
 *			in which it is written, streams in an order drawn from the
 *			seed.  Barriers and delays mean nothing.
 *	free, jitter,
 *	controlled	tasks run in parallel on the vCPUs; the caller waits for the
 *			last one.  barrier(T) waits until each task of T has
 *			come to as many barriers, or has ended.  In an ordered
 *			program an op waits for every op before it that is not
 *			async, and a barrier for those too.
 *
 * A signal that an access raises is recorded and the task goes on.
 */

struct op_result {
	bool		done;		/* false: there was no such task */
	bool		failed;		/* an allocation was made to fail (failnth) */
	long		ret;		/* the call's answer: >= 0 or -errno */
	unsigned long	va;		/* the access' or range's address */
	u64		value;		/* loaded or stored; before the rmw; hash of a copy */
	int		signo;		/* raised by an access, 0 = none */
	int		code;		/* si_code */
	unsigned long	address;	/* si_addr */
};

/* Where an op was done. */
struct op_place {
	unsigned int	task;		/* slot; of streams: place in the families */
	u64		key;		/* of streams: who it is */
	u64		k;		/* the task's k-th op; of programs: its line */
	unsigned int	cpu;		/* vCPU on which it ended */
	struct mm_struct *mm;		/* the task's */
};

struct op_run_config {
	struct machine	*machine;	/* by kern_boot(); oracles attached before */
	struct op_world	world;		/* cpus is not used: the machine has them */

	/*
	 * Called after each op, on the vCPU that did it, nothing locked.  With
	 * parallel runs it is called from several at once.
	 */
	void		(*observe)(void *arg, const struct op_place *place,
				   const struct mm_op *op,
				   const struct op_result *result);
	/*
	 * Called when nobody runs: all tasks are asleep between two ops, their
	 * address spaces (mms: each once) alive.  At the end of a run, before the
	 * tasks exit, and after about every quiet_ops ops (0: only at the end).
	 * On a task without locks, or on the caller's thread in serial runs.
	 */
	void		(*quiet)(void *arg, struct mm_struct *const *mms,
				 unsigned int nr_mms);
	u64		quiet_ops;

	void		*arg;		/* of both */
};

struct op_run;

/*
 * Creates the files and the first processes.  0, -EINVAL (world), -ENOMEM.
 * Called unbound, as all of this; binds to vCPU 0 for the while.
 */
int op_run_create(const struct op_run_config *config, struct op_run **out);

/* Ends what tasks are left and puts all files.  The machine is quiet after. */
void op_run_destroy(struct op_run *run);

/*
 * Once per run.  0 when the ops were executed, whatever they answered;
 * -ENOMEM or -EAGAIN when the run itself could not go on; -EDEADLK when a controlled
 * machine is stuck, which is a finding: then nothing may be destroyed.
 */
int op_run_program(struct op_run *run, const struct op_list *list);

/*
 * world.tasks streams; ends when these have done max_ops together (0 = never; what
 * their children do comes on top), or by op_run_stop().
 */
int op_run_streams(struct op_run *run, const struct op_mix *mix, u64 max_ops);

/* Tasks end before their next op.  From any thread or signal handler. */
void op_run_stop(struct op_run *run);

struct op_counts {
	u64	ops;
	u64	count[OP_NR];
	u64	error[OP_NR];		/* answered -errno */
	u64	signal[OP_NR];		/* raised a signal */
	u64	tasks;			/* started */
	u64	tasks_ended;
	u64	moved;			/* ops that ended on another vCPU */
};

/* Of vCPU `cpu', or of all with cpu = -1.  May be read while running. */
void op_run_counts(const struct op_run *run, int cpu, struct op_counts *out);

/* Serial runs only: the mm of a program's task, NULL when it has ended. */
struct mm_struct *op_run_mm(const struct op_run *run, unsigned int task);

/* File Fn of the run, NULL when n is out of range. */
struct file *op_run_file(const struct op_run *run, unsigned int n);
/* "F0".. for proc_names (ops/procfs.h): `run' is the struct op_run. */
const char *op_run_file_name(void *run, const struct file *file);

#endif /* MMSTORM_OPS_EXEC_H */
