/* SPDX-License-Identifier: MIT */
/*
 * Runs: the files and processes of a run, the lives of its tasks, its counts.
 *
 * Owns struct op_run and the places of its tasks; takes no lock itself.  What a
 * task does is exec_program.c's or exec_stream.c's.  Must never decide by time
 * or by what a task was answered.
 */
#include "ops/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/err.h"
#include "check/check.h"
#include "hw/machine.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "ops/exec_int.h"
#include "phys/fail.h"

/* ---- places ---- */

int op_run_places(struct op_run *run, unsigned long nr)
{
	unsigned long i;

	run->tasks = machine_zalloc(run->machine, nr * sizeof(*run->tasks), 0);
	run->mms = machine_zalloc(run->machine, nr * sizeof(*run->mms), 0);
	if (!run->tasks || !run->mms)
		return -ENOMEM;
	run->nr_tasks = (unsigned int)nr;
	for (i = 0; i < nr; i++) {
		run->tasks[i].run = run;
		run->tasks[i].index = (unsigned int)i;
		init_waitqueue_head(&run->tasks[i].wq);
	}
	return 0;
}

bool op_place_take(struct op_task *t)
{
	return cmpxchg(&t->taken, 0u, 1u) == 0;
}

bool op_place_taken(const struct op_task *t)
{
	/* Pairs with the leaver's release: what it wrote here is ours now. */
	return smp_load_acquire(&t->taken);
}

/* ---- tasks ---- */

static void count_task(struct op_run *run, bool ended)
{
	struct op_counts *c = &run->counts[smp_processor_id()].c;
	u64 *n = ended ? &c->tasks_ended : &c->tasks;

	WRITE_ONCE(*n, *n + 1);
}

static void task_main(void *arg)
{
	struct op_task *t = arg;

	t->run->runner->main(t);
	op_task_leave(t);
}

int op_task_make(struct op_task *t, struct mm_struct *mm)
{
	struct op_run *run = t->run;
	struct task_struct *task, *parent = current;

	task = task_create(run->machine, run->runner->task_id(t),
			   parent ? parent->id : 0, mm, task_main, t);
	if (!task) {
		mmput(mm);
		run->runner->left(t);
		return -ENOMEM;
	}
	task->private = t;
	t->task = task;
	t->k = 0;
	t->tags = 0;
	t->arm = 0;
	t->has_pending = false;
	t->ending = false;
	t->finished = false;
	return 0;
}

int op_task_watch(struct op_task *t)
{
	int err = check_task_start(t->task);

	if (!err)
		return 0;
	/* Unwatched it would change what the others are judged by: it is not made. */
	task_free(t->task);
	t->task = NULL;
	t->run->runner->left(t);
	return err;
}

void op_task_go(struct op_task *t)
{
	count_task(t->run, false);
	if (t->run->serial)
		return;
	op_live(t->run);
	task_start(t->task);
}

void op_task_leave(struct op_task *t)
{
	struct task_struct *task = t->task;
	struct op_run *run = t->run;

	count_task(run, true);
	check_task_exit(task);
	if (run->serial) {
		kern_switch_to(NULL);
		task_free(task);
	} else {
		kern_exit_mm();
	}
	t->task = NULL;
	run->runner->left(t);
	if (!run->serial)
		op_gone(run);
}

/* ---- the world ---- */

static int make_files(struct op_run *run)
{
	const struct op_world *w = &run->world;
	unsigned int i;

	for (i = 0; i < w->files; i++) {
		struct file *file = file_create(
			i & 1 ? FILE_SHMEM : FILE_REGULAR,
			(u64)w->file_pages << PAGE_SHIFT,
			FMODE_READ | FMODE_WRITE);

		if (IS_ERR(file))
			return (int)PTR_ERR(file);
		run->files[i] = file;
	}
	return 0;
}

static int make_process(struct op_run *run, struct mm_struct **out)
{
	const struct op_world *w = &run->world;
	struct mm_struct *mm = mm_alloc(run->machine, NULL);

	if (!mm)
		return -ENOMEM;
	*out = mm;
	mm->start_brk = OP_HEAP_START;
	mm->brk = OP_HEAP_START;
	if (!run->machine->chk)
		return 0;
	return check_mm_create(mm, op_window_start(w),
			       min(w->pages, (unsigned int)CHECK_WINDOW_PAGES));
}

static int make_world(struct op_run *run)
{
	unsigned int i;
	int err;

	err = make_files(run);
	for (i = 0; !err && i < run->world.procs; i++)
		err = make_process(run, &run->procs[i]);
	return err;
}

int op_run_create(const struct op_run_config *config, struct op_run **out)
{
	struct machine *m = config->machine;
	struct op_run *run;
	int err;

	err = op_world_valid_storm(&config->world);
	if (err)
		return err;
	run = machine_zalloc(m, sizeof(*run), 0);
	if (!run)
		return -ENOMEM;
	run->config = *config;
	run->world = config->world;
	run->machine = m;
	run->serial = m->serial;
	if (!run->world.procs)
		run->world.procs = 1;
	run->quiet_share = max(config->quiet_ops / m->nr_cpus,
			       config->quiet_ops ? 1ULL : 0ULL);
	op_rest_init(run);
	init_waitqueue_head(&run->wq);
	spin_lock_init(&run->order_lock, LOCK_RANK_OP, "op_order");
	run->counts = machine_zalloc(m, m->nr_cpus * sizeof(*run->counts), SMP_CACHE_BYTES);
	if (!run->counts) {
		machine_free(m, run);
		return -ENOMEM;
	}
	machine_bind_host(m, 0);
	err = make_world(run);
	machine_unbind_host(m);
	if (err) {
		op_run_destroy(run);
		return err;
	}
	*out = run;
	return 0;
}

/* Processes whose tasks hold them from now on. */
static void put_processes(struct op_run *run)
{
	unsigned int i;

	for (i = 0; i < run->world.procs; i++) {
		if (!run->procs[i])
			continue;
		check_mm_put(run->procs[i]);
		mmput(run->procs[i]);
		run->procs[i] = NULL;
	}
}

void op_run_destroy(struct op_run *run)
{
	struct machine *m;
	unsigned int i;

	if (!run)
		return;
	m = run->machine;
	machine_bind_host(run->machine, 0);
	for (i = 0; i < run->nr_tasks; i++)
		if (run->tasks[i].task)
			op_task_leave(&run->tasks[i]);
	put_processes(run);
	for (i = 0; i < OP_FILES_MAX; i++)
		if (run->files[i])
			fput(run->files[i]);
	machine_unbind_host(run->machine);
	machine_free(m, run->tasks);
	machine_free(m, run->mms);
	machine_free(m, run->naps);
	machine_free(m, run->counts);
	machine_free(m, run);
}

/* ---- running ---- */

/* The tasks at the start, none running yet; all or none. */
static int make_first_tasks(struct op_run *run)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < run->world.tasks; i++) {
		struct op_task *t = &run->tasks[i];
		struct mm_struct *mm = run->procs[i % run->world.procs];

		mmget(mm);
		op_place_take(t);
		err = op_task_make(t, mm);
		if (!err)
			err = op_task_watch(t);
		if (err)
			break;
	}
	if (err)
		while (i--) {
			check_task_exit(run->tasks[i].task);
			task_free(run->tasks[i].task);
			run->tasks[i].task = NULL;
		}
	return err;
}

/* Nobody has run them: of a run that could not be there is nothing left to end. */
static void take_back(struct op_run *run)
{
	machine_bind_host(run->machine, 0);
	for (unsigned int i = 0; i < run->world.tasks; i++) {
		struct op_task *t = &run->tasks[i];

		task_withdraw(t->task);
		count_task(run, true);
		check_task_exit(t->task);
		task_free(t->task);
		t->task = NULL;
	}
	machine_unbind_host(run->machine);
}

static int run_parallel(struct op_run *run)
{
	int err = machine_run(run->machine);

	if (err) {
		take_back(run);
		return err;
	}
	/* False: a controlled machine is stuck. */
	if (!machine_wait(run->machine, 0))
		return -EDEADLK;
	return machine_stop(run->machine) ? 0 : -EDEADLK;
}

static int run_tasks(struct op_run *run, const struct op_runner *runner)
{
	unsigned int i;
	int err;

	run->runner = runner;
	machine_bind_host(run->machine, 0);
	err = runner->setup(run);
	if (!err)
		err = make_first_tasks(run);
	if (!err) {
		for (i = 0; i < run->world.tasks; i++)
			op_task_go(&run->tasks[i]);
		put_processes(run);
		fail_start(run->machine);
		if (run->serial)
			err = runner->serial(run);
	}
	machine_unbind_host(run->machine);
	if (!err && !run->serial)
		err = run_parallel(run);
	fail_stop(run->machine);
	return err;
}

int op_run_program(struct op_run *run, const struct op_list *list)
{
	int err = op_world_valid(&run->world);

	if (err)
		return err;
	run->list = list;
	return run_tasks(run, &op_program_runner);
}

int op_run_streams(struct op_run *run, const struct op_mix *mix, u64 max_ops)
{
	int err = op_mix_valid(mix);

	if (err)
		return err;
	run->mix = mix;
	run->life = DIV_ROUND_UP(max_ops, run->world.tasks);
	return run_tasks(run, &op_stream_runner);
}

void op_run_stop(struct op_run *run)
{
	WRITE_ONCE(run->stop, 1u);
}

/* ---- looking ---- */

static void add_counts(struct op_counts *sum, const struct op_counts *c)
{
	unsigned int i;

	sum->ops += READ_ONCE(c->ops);
	sum->tasks += READ_ONCE(c->tasks);
	sum->tasks_ended += READ_ONCE(c->tasks_ended);
	sum->moved += READ_ONCE(c->moved);
	for (i = 0; i < OP_NR; i++) {
		sum->count[i] += READ_ONCE(c->count[i]);
		sum->error[i] += READ_ONCE(c->error[i]);
		sum->signal[i] += READ_ONCE(c->signal[i]);
	}
}

void op_run_counts(const struct op_run *run, int cpu, struct op_counts *out)
{
	unsigned int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < run->machine->nr_cpus; i++)
		if (cpu < 0 || (unsigned int)cpu == i)
			add_counts(out, &run->counts[i].c);
}

struct mm_struct *op_run_mm(const struct op_run *run, unsigned int task)
{
	if (task >= run->nr_tasks || !run->tasks[task].task)
		return NULL;
	return run->tasks[task].task->mm;
}

struct file *op_run_file(const struct op_run *run, unsigned int n)
{
	return n < OP_FILES_MAX ? run->files[n] : NULL;
}

const char *op_run_file_name(void *run, const struct file *file)
{
	static const char names[OP_FILES_MAX][4] = {
		"F0", "F1", "F2", "F3", "F4", "F5", "F6", "F7",
	};
	const struct op_run *r = run;
	unsigned int i;

	for (i = 0; i < OP_FILES_MAX; i++)
		if (r->files[i] && r->files[i]->f_inode == file->f_inode)
			return names[i];
	return NULL;
}
