/* SPDX-License-Identifier: MIT */
/*
 * Moments with nobody running: all tasks of a run asleep between two ops, their
 * address spaces alive, so that the whole machine can be recounted.
 *
 * A task rests when it waits for another one (a child's place, a barrier), when
 * it has nothing more to do, and when a check is wanted.  The last to rest, or to
 * leave for good, makes the check; who rests may get up only when none is under way.
 *
 * Locks: rest.lock, around the counts.  Never held over the check or a sleep.
 */
#include "kern/sched.h"
#include "kern/task.h"
#include "ops/exec_int.h"

void op_rest_init(struct op_run *run)
{
	spin_lock_init(&run->rest.lock, LOCK_RANK_OP, "op_rest");
	init_waitqueue_head(&run->rest.wq);
}

/* ---- the check ---- */

static unsigned int live_mms(struct op_run *run)
{
	unsigned int i, j, nr = 0;

	for (i = 0; i < run->nr_tasks; i++) {
		struct task_struct *task = run->tasks[i].task;

		if (!task || !task->mm)
			continue;
		for (j = 0; j < nr && run->mms[j] != task->mm; j++)
			;
		if (j == nr)
			run->mms[nr++] = task->mm;
	}
	return nr;
}

void op_check(struct op_run *run)
{
	const struct op_run_config *config = &run->config;

	if (config->quiet)
		config->quiet(config->arg, run->mms, live_mms(run));
}

/* Under the lock: the caller is the last, and makes the check. */
static bool is_last(struct op_run *run)
{
	struct op_rest *r = &run->rest;

	if (!smp_load_acquire(&r->want) || r->busy || r->final ||
	    r->resting != r->live)
		return false;
	WRITE_ONCE(r->busy, 1u);
	return true;
}

/* Under the lock: when nobody has more to do, the last check is due. */
static void want_final(struct op_rest *r)
{
	if (!r->final && r->live && r->finished == r->live)
		smp_store_release(&r->want, 1u);
}

static void make_check(struct op_run *run)
{
	struct op_rest *r = &run->rest;

	/* The others sleep; their vCPUs may still be clearing up after them. */
	kern_wait_idle();
	op_check(run);
	spin_lock(&r->lock);
	if (op_stopped(run) || r->finished == r->live)
		smp_store_release(&r->final, 1u);
	smp_store_release(&r->want, 0u);
	smp_store_release(&r->busy, 0u);
	spin_unlock(&r->lock);
	wake_up_all(&r->wq);
}

/* ---- resting ---- */

void op_rest_begin(struct op_run *run)
{
	bool last;

	spin_lock(&run->rest.lock);
	run->rest.resting++;
	last = is_last(run);
	spin_unlock(&run->rest.lock);
	if (last)
		make_check(run);
}

void op_rest_end(struct op_run *run)
{
	struct op_rest *r = &run->rest;

	for (;;) {
		wait_event(&r->wq, !smp_load_acquire(&r->busy));
		spin_lock(&r->lock);
		if (!r->busy)
			break;
		spin_unlock(&r->lock);
	}
	r->resting--;
	spin_unlock(&r->lock);
}

void op_between(struct op_run *run)
{
	struct op_rest *r = &run->rest;

	if (!run->config.quiet)
		return;
	if (smp_load_acquire(&r->final))
		return;
	if (op_stopped(run))
		smp_store_release(&r->want, 1u);
	if (likely(!smp_load_acquire(&r->want)))
		return;
	op_rest_begin(run);
	/* Who counts ops may want another check after the final one. */
	wait_event(&r->wq, !smp_load_acquire(&r->want) ||
			   smp_load_acquire(&r->final));
	op_rest_end(run);
}

/* ---- coming and going ---- */

void op_live(struct op_run *run)
{
	spin_lock(&run->rest.lock);
	run->rest.live++;
	spin_unlock(&run->rest.lock);
}

void op_gone(struct op_run *run)
{
	struct op_rest *r = &run->rest;
	bool last;

	spin_lock(&r->lock);
	r->live--;
	want_final(r);
	last = is_last(run);
	spin_unlock(&r->lock);
	if (last)
		make_check(run);
}

void op_finish(struct op_run *run)
{
	struct op_rest *r = &run->rest;

	spin_lock(&r->lock);
	r->finished++;
	want_final(r);
	spin_unlock(&r->lock);
	op_rest_begin(run);
	wait_event(&r->wq, smp_load_acquire(&r->final));
	op_rest_end(run);
}
