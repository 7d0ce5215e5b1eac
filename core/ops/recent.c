/* SPDX-License-Identifier: MIT */
/*
 * The last ops of a storm's tasks, as a program (recent.h).
 *
 * Owns nothing.  Compiled without ThreadSanitizer: it looks at streams while their tasks
 * draw from them; each word is read whole, and what does not fit together is only another
 * program.  Must disturb nothing.
 */
#include "ops/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "ops/exec_int.h"

/* ---- looking ---- */

static void look_at(const struct op_task *t, struct recent *recent)
{
	struct recent_task *r = &recent->task[recent->nr];

	if (recent->nr == OP_TASKS_MAX || !raw_load_order(&t->taken, __ATOMIC_ACQUIRE))
		return;
	r->key = t->stream.key;
	r->k = t->stream.k;
	r->nth = t->stream.task;
	r->depth = t->stream.depth;
	r->place = t->stream.place;
	/* Of a family that has no slot nothing can be told. */
	if (r->nth < OP_TASKS_MAX)
		recent->nr++;
}

void recent_look(const struct op_run *run, struct recent *recent)
{
	recent->nr = 0;
	recent->looked = true;
	for (unsigned int i = 0; i < run->nr_tasks; i++)
		look_at(&run->tasks[i], recent);
}

/* ---- drawing again ---- */

/* One task's last ops, the oldest first, and its mmaps before them. */
struct tail {
	struct mm_op	op[RECENT_OPS];
	unsigned int	nr;
	unsigned int	slot;
};

struct telling {
	const struct recent	*recent;
	struct op_list		*list;
	const struct op_mix	*mix;
	struct tail		tail[OP_TASKS_MAX];
	/* Of each process at the start: who mapped a page last, before the tails. */
	struct mm_op		mapped[OP_TASKS_MAX][64];
	u8			places[OP_TASKS_MAX][OP_CHILDREN_MAX];	/* slots of children */
	int			err;
};

static void add(struct telling *t, const struct mm_op *op, unsigned int slot)
{
	struct mm_op line = *op;

	line.task = (u16)slot;
	if (!t->err)
		t->err = op_list_add(t->list, &line);
}

static void note_mapping(struct telling *t, const struct recent_task *r, const struct mm_op *op)
{
	unsigned int procs = max(t->list->world.procs, 1u);

	if (op->code == OP_MMAP)
		t->mapped[r->nth % procs][op_addr_value(op->arg[0]) >> 12 & 63] = *op;
}

static void draw_tail(struct telling *t, const struct recent_task *r, struct tail *tail)
{
	struct op_stream stream;
	struct mm_op op;

	op_stream_of(&stream, &t->list->world, t->mix, r->nth, r->depth, r->place, r->key);
	while (stream.k < r->k && op_stream_next(&stream, &op)) {
		if (stream.k + RECENT_OPS <= r->k)
			note_mapping(t, r, &op);
		else
			tail->op[tail->nr++] = op;
	}
}

/* The tasks at the start have their own slots, children those behind them. */
static void give_slots(struct telling *t)
{
	unsigned int next = t->list->world.tasks;

	for (unsigned int i = 0; i < t->recent->nr; i++) {
		const struct recent_task *r = &t->recent->task[i];

		t->tail[i].slot = r->depth ? next++ : r->nth;
		if (t->tail[i].slot >= OP_TASKS_MAX)
			t->tail[i].nr = 0;
		else if (r->depth == 1)
			t->places[r->nth][r->place] = (u8)t->tail[i].slot;
	}
}

/* What the processes have mapped, and the children that are there. */
static void tell_beginning(struct telling *t)
{
	const struct mm_op all = { .code = OP_BARRIER, .arg = { OP_ALL_TASKS } };
	const struct op_world *w = &t->list->world;

	for (unsigned int p = 0; p < max(w->procs, 1u); p++)
		for (unsigned int i = 0; i < 64; i++)
			if (t->mapped[p][i].code == OP_MMAP && t->mapped[p][i].arg[1])
				add(t, &t->mapped[p][i], p);
	for (unsigned int i = 0; i < t->recent->nr; i++) {
		struct mm_op fork = { .code = OP_FORK, .arg = { t->tail[i].slot } };

		if (t->recent->task[i].depth && t->tail[i].nr)
			add(t, &fork, t->recent->task[i].nth);
	}
	for (unsigned int i = 0; i < w->tasks; i++)
		add(t, &all, i);
}

/* A fork into a place whose holder is told of is that child again, or -EEXIST. */
static void tell_op(struct telling *t, const struct recent_task *r, struct mm_op op,
		    unsigned int slot)
{
	if (op.code == OP_FORK || op.code == OP_CLONE) {
		unsigned int child = r->depth ? 0 : t->places[r->nth][op.arg[0]];

		if (!child) {
			memset(&op, 0, sizeof(op));
			op.code = OP_YIELD;
		} else {
			op.arg[0] = child;
		}
	}
	add(t, &op, slot);
}

/* Their last ops stand side by side, as they were when somebody looked. */
static void tell_tails(struct telling *t)
{
	for (unsigned int ago = RECENT_OPS; ago; ago--)
		for (unsigned int i = 0; i < t->recent->nr; i++)
			if (t->tail[i].nr >= ago)
				tell_op(t, &t->recent->task[i],
					t->tail[i].op[t->tail[i].nr - ago], t->tail[i].slot);
}

int recent_program(const struct recent *recent, const struct op_world *world,
		   const struct op_mix *mix, struct op_list *list)
{
	struct telling *t;
	int err;

	memset(list, 0, sizeof(*list));
	if (!recent->looked)
		return -ENOENT;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->recent = recent;
	t->list = list;
	t->mix = mix;
	list->world = *world;
	list->world.tasks = min(world->tasks, (unsigned int)OP_TASKS_MAX);
	list->world.procs = min(world->procs, list->world.tasks);
	for (unsigned int i = 0; i < recent->nr; i++)
		draw_tail(t, &recent->task[i], &t->tail[i]);
	give_slots(t);
	tell_beginning(t);
	tell_tails(t);
	err = t->err;
	free(t);
	if (err)
		op_list_free(list);
	return err;
}
