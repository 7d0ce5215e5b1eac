/* SPDX-License-Identifier: MIT */
/*
 * Storms: tasks that do what their streams draw, in families of bounded size.
 *
 * Each task at the start heads a family: a tree of places, made before anything
 * runs.  A fork goes to the place that the stream drew; if somebody still lives
 * there the parent waits for its end, as a program would in wait(), and it waits
 * for all its children before it ends itself.  Waits go down the tree only, and
 * every life below the start is finite, so no task waits for ever.  The first tasks
 * live to the end of the run.
 *
 * Takes no lock.
 */
#include <errno.h>

#include "base/prng.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "ops/exec_int.h"

#define AXIS_SERIAL	0x73657269616cULL

/* ---- families ---- */

static int stream_setup(struct op_run *run)
{
	unsigned int made = run->world.tasks, i, j;
	unsigned int first = 0, end, depth;
	int err;

	err = op_run_places(run, op_mix_tasks_max(run->mix, made));
	if (!err)
		err = op_naps_init(run);
	if (err)
		return err;
	/* A generation after the other: its places follow those of its parents. */
	for (depth = 0; depth < run->mix->depth; depth++) {
		end = made;
		for (i = first; i < end; i++)
			for (j = 0; j < run->mix->children; j++) {
				run->tasks[i].child[j] = &run->tasks[made];
				run->tasks[made++].parent = &run->tasks[i];
			}
		first = end;
	}
	for (i = 0; i < run->world.tasks; i++) {
		op_stream_init(&run->tasks[i].stream, &run->world, run->mix, i);
		run->tasks[i].stream.life = run->life;
	}
	return 0;
}

static u64 stream_task_id(const struct op_task *child)
{
	/* The op that makes it tells one tenant of a place from the next. */
	return 1 + child->index +
	       (child->parent ? child->parent->k : 0) * child->run->nr_tasks;
}

static struct op_task *child_of(const struct op_task *t,
				const struct mm_op *op)
{
	return op->code == OP_FORK || op->code == OP_CLONE ?
	       t->child[op->arg[0]] : NULL;
}

static struct op_task *stream_place(struct op_task *t, const struct mm_op *op)
{
	struct op_task *child = child_of(t, op);

	if (!op_place_take(child))
		return NULL;
	op_stream_child(&t->stream, (unsigned int)op->arg[0], &child->stream);
	return child;
}

static void stream_left(struct op_task *t)
{
	struct op_task *parent = t->parent;

	smp_store_release(&t->taken, 0u);
	/* The place may have its next tenant by now; the parent's stays. */
	if (parent && !t->run->serial)
		wake_up_all(&parent->wq);
}

static bool has_children(const struct op_task *t)
{
	unsigned int i;

	for (i = 0; i < OP_CHILDREN_MAX; i++)
		if (t->child[i] && op_place_taken(t->child[i]))
			return true;
	return false;
}

/* ---- parallel ---- */

static void wait_for_place(struct op_task *t, struct op_task *child)
{
	op_rest_begin(t->run);
	wait_event(&t->wq, !op_place_taken(child));
	op_rest_end(t->run);
}

static void wait_for_children(struct op_task *t)
{
	op_rest_begin(t->run);
	wait_event(&t->wq, !has_children(t));
	op_rest_end(t->run);
}

static void stream_main(struct op_task *t)
{
	struct op_task *child;
	struct mm_op op;
	bool more = true;

	while (more && !op_stopped(t->run) && op_stream_next(&t->stream, &op)) {
		child = child_of(t, &op);
		if (child && op_place_taken(child))
			wait_for_place(t, child);
		more = op_do(t, &op, t->stream.k - 1);
		op_between(t->run);
		if (more && t->stream.nap && !op_stopped(t->run))
			op_nap(t, t->stream.nap - 1u);
	}
	if (!t->parent)
		op_nap_end(t);
	if (has_children(t))
		wait_for_children(t);
	if (!t->parent)
		op_finish(t->run);
}

/* ---- serial ---- */

static void serial_step(struct op_task *t)
{
	struct op_task *child;
	struct mm_op op;

	if (t->ending) {
		/* The first ones live to the end. */
		t->finished = !t->parent && !has_children(t);
		if (t->parent && !has_children(t))
			op_task_leave(t);
		return;
	}
	if (t->has_pending) {
		op = t->pending;
	} else if (!op_stream_next(&t->stream, &op)) {
		t->ending = true;
		return;
	}
	child = child_of(t, &op);
	t->has_pending = child && op_place_taken(child);
	if (t->has_pending) {
		t->pending = op;
		return;
	}
	kern_switch_to(t->task);
	t->ending = !op_do(t, &op, t->stream.k - 1);
	if (xchg(&t->run->rest.want, 0u))
		op_check(t->run);
}

/* The nth of the tasks that are not finished, NULL when there are fewer. */
static struct op_task *live_task(struct op_run *run, u64 n, u64 *nr)
{
	unsigned int i;

	*nr = 0;
	for (i = 0; i < run->nr_tasks; i++)
		if (run->tasks[i].task && !run->tasks[i].finished &&
		    (*nr)++ == n)
			return &run->tasks[i];
	return NULL;
}

static int stream_serial(struct op_run *run)
{
	u64 step, nr;

	for (step = 0; !op_stopped(run); step++) {
		live_task(run, ~0ULL, &nr);
		if (!nr)
			break;
		serial_step(live_task(run, hash64(run->world.seed, AXIS_SERIAL,
						  step) % nr, &nr));
	}
	kern_switch_to(NULL);
	op_check(run);
	return 0;
}

const struct op_runner op_stream_runner = {
	.setup = stream_setup,
	.main = stream_main,
	.serial = stream_serial,
	.place = stream_place,
	.task_id = stream_task_id,
	.left = stream_left,
};
