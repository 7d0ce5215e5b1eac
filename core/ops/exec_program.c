/* SPDX-License-Identifier: MIT */
/*
 * Programs: tasks in slots that do the lines written for them.
 *
 * A slot's task does the lines of its number that come after the line that made
 * it.  In parallel each task goes through the program by itself; barriers, and
 * the turn of an ordered program, are all that one waits for of another.  No
 * program can wait for ever: a barrier counts arrivals (who waits, waits for a
 * smaller count than its own), and the turn passes over lines that nobody will do.
 *
 * Locks: order_lock, around moves of the turn.  Must never be held over an op.
 */
#include <errno.h>

#include "kern/sched.h"
#include "kern/task.h"
#include "ops/exec_int.h"

static const struct mm_op *line_op(const struct op_run *run, u64 line)
{
	return &run->list->ops[line];
}

/* The first line from `line' on that is for t. */
static u64 next_line(const struct op_task *t, u64 line)
{
	const struct op_list *list = t->run->list;

	for (; line < list->nr; line++)
		if (list->ops[line].task == t->index)
			return line;
	return OP_NO_LINE;
}

static int program_setup(struct op_run *run)
{
	int err = op_run_places(run, OP_TASKS_MAX);
	unsigned int i;

	for (i = 0; !err && i < OP_TASKS_MAX; i++)
		run->tasks[i].line = next_line(&run->tasks[i], 0);
	return err;
}

static u64 program_task_id(const struct op_task *child)
{
	/* The line that it starts behind tells one tenant from the next. */
	return 1 + child->index +
	       (child->line == OP_NO_LINE ? 0 : child->line) * OP_TASKS_MAX;
}

/* The child does the lines behind the one that makes it. */
static struct op_task *program_place(struct op_task *t, const struct mm_op *op)
{
	struct op_task *child = &t->run->tasks[op->arg[0]];
	u64 here = (u64)(op - t->run->list->ops);

	if (!op_place_take(child))
		return NULL;
	smp_store_release(&child->line, next_line(child, here + 1));
	return child;
}

/* ---- ordered programs ---- */

/* Nobody will do this line: the turn need not stop at it. */
static bool line_is_nobodys(struct op_run *run, u64 line)
{
	const struct op_task *t = &run->tasks[line_op(run, line)->task];

	return !op_place_taken(t) || smp_load_acquire(&t->line) > line;
}

/*
 * The turn moves to the next line that must be waited for.  `done' is a line
 * that its task has just finished, or OP_NO_LINE when a task ended.
 */
static void turn_on(struct op_run *run, u64 done)
{
	u64 turn;

	spin_lock(&run->order_lock);
	turn = run->turn;
	if (turn == done)
		turn++;
	while (turn < run->list->nr &&
	       ((line_op(run, turn)->flags & OP_F_ASYNC) ||
		line_is_nobodys(run, turn)))
		turn++;
	/* Release: who sees its turn sees what was done before it. */
	smp_store_release(&run->turn, turn);
	spin_unlock(&run->order_lock);
}

static bool its_turn(struct op_run *run, u64 line)
{
	return smp_load_acquire(&run->turn) >= line;
}

/* Every line before this one is done, the asynchronous too. */
static bool all_before_done(struct op_task *t, u64 line)
{
	const struct op_task *other;
	unsigned int i;

	for (i = 0; i < OP_TASKS_MAX; i++) {
		other = &t->run->tasks[i];
		if (other != t && op_place_taken(other) &&
		    smp_load_acquire(&other->line) < line)
			return false;
	}
	return true;
}

/* ---- barriers ---- */

/* Each task of the set has come to as many barriers, or will to no more. */
static bool all_arrived(struct op_task *t, u64 set)
{
	const struct op_task *other;
	unsigned int i;

	for (i = 0; i < OP_TASKS_MAX; i++) {
		other = &t->run->tasks[i];
		if (other == t || !(set & 1ULL << i))
			continue;
		if (op_place_taken(other) &&
		    smp_load_acquire(&other->line) != OP_NO_LINE &&
		    smp_load_acquire(&other->barriers) < t->barriers)
			return false;
	}
	return true;
}

static void barrier(struct op_task *t, const struct mm_op *op, u64 line)
{
	struct op_run *run = t->run;

	smp_store_release(&t->barriers, t->barriers + 1);
	wake_up_all(&run->wq);
	op_rest_begin(run);
	if (run->world.ordered)
		wait_event(&run->wq, all_before_done(t, line));
	else
		wait_event(&run->wq, all_arrived(t, op->arg[0]));
	op_rest_end(run);
}

static void wait_for_turn(struct op_run *run, u64 line)
{
	op_rest_begin(run);
	wait_event(&run->wq, its_turn(run, line));
	op_rest_end(run);
}

/* ---- tasks ---- */

static void do_line(struct op_task *t, u64 line, bool *more)
{
	const struct mm_op *op = line_op(t->run, line);
	struct op_run *run = t->run;

	if (run->world.ordered && !its_turn(run, line))
		wait_for_turn(run, line);
	if (op->code == OP_BARRIER)
		barrier(t, op, line);
	*more = op_do(t, op, line);
	/* Release: pairs with those who wait for this line. */
	smp_store_release(&t->line, *more ? next_line(t, line + 1) : OP_NO_LINE);
	if (run->world.ordered && !(op->flags & OP_F_ASYNC))
		turn_on(run, line);
	if (run->world.ordered || t->line == OP_NO_LINE)
		wake_up_all(&run->wq);
	op_between(run);
}

/* Gives up what is left, for a stop: nobody is to wait for it. */
static void give_up(struct op_task *t)
{
	smp_store_release(&t->line, OP_NO_LINE);
	if (t->run->world.ordered)
		turn_on(t->run, OP_NO_LINE);
	wake_up_all(&t->run->wq);
}

static void program_main(struct op_task *t)
{
	bool more = true;

	/* The first lines may be nobody's. */
	if (t->run->world.ordered)
		turn_on(t->run, OP_NO_LINE);
	while (t->line != OP_NO_LINE && !op_stopped(t->run))
		do_line(t, t->line, &more);
	give_up(t);
	/* An exit ends the task; without one it lives as long as the others. */
	if (more)
		op_finish(t->run);
}

static void program_left(struct op_task *t)
{
	struct op_run *run = t->run;

	smp_store_release(&t->barriers, 0u);
	smp_store_release(&t->taken, 0u);
	if (run->serial)
		return;
	if (run->world.ordered)
		turn_on(run, OP_NO_LINE);
	wake_up_all(&run->wq);
}

/* ---- serial ---- */

static void serial_line(struct op_run *run, u64 line)
{
	const struct mm_op *op = line_op(run, line);
	struct op_task *t = &run->tasks[op->task];
	struct op_result none = { .done = false };
	struct op_place place = { .task = op->task, .k = line };

	if (!t->task || t->line != line) {
		if (run->config.observe)
			run->config.observe(run->config.arg, &place, op, &none);
		return;
	}
	kern_switch_to(t->task);
	t->line = next_line(t, line + 1);
	if (!op_do(t, op, line))
		op_task_leave(t);
	else if (xchg(&run->rest.want, 0u))
		op_check(run);
}

static int program_serial(struct op_run *run)
{
	u64 line;

	for (line = 0; line < run->list->nr && !op_stopped(run); line++)
		serial_line(run, line);
	kern_switch_to(NULL);
	op_check(run);
	return 0;
}

const struct op_runner op_program_runner = {
	.setup = program_setup,
	.main = program_main,
	.serial = program_serial,
	.place = program_place,
	.task_id = program_task_id,
	.left = program_left,
};
