/* SPDX-License-Identifier: MIT */
/*
 * Storms as programs: the ops that streams draw, one below the other.
 *
 * A pure function of the world and the mix; no machine, no lock.  Must never draw
 * anything itself: what a task does is stream.c's.
 */
#include "ops/unroll.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"

/* A slot of the program, while a task has it. */
struct teller {
	struct op_stream	stream;
	bool			live;
	bool			waits;		/* drew pending, whose place is taken */
	struct mm_op		pending;
	int			child[OP_CHILDREN_MAX];	/* slots of its places, or -1 */
};

struct unroll {
	struct teller		slot[OP_TASKS_MAX];
	const struct op_world	*world;
	struct op_list		*list;
	size_t			nr;		/* ops wanted */
	int			err;
};

static void add(struct unroll *u, const struct mm_op *op, unsigned int slot)
{
	struct mm_op line = *op;

	line.task = (u16)slot;
	if (!u->err)
		u->err = op_list_add(u->list, &line);
}

static void begin(struct teller *t)
{
	t->live = true;
	t->waits = false;
	for (unsigned int i = 0; i < OP_CHILDREN_MAX; i++)
		t->child[i] = -1;
}

/* Slots behind those of the start: what the header names must be there. */
static int free_slot(const struct unroll *u)
{
	for (unsigned int i = u->world->tasks; i < OP_TASKS_MAX; i++)
		if (!u->slot[i].live)
			return (int)i;
	return -1;
}

/* False: its place is taken, it has to wait. */
static bool make_child(struct unroll *u, unsigned int slot, struct mm_op *op)
{
	const struct mm_op yield = { .code = OP_YIELD };
	struct teller *t = &u->slot[slot];
	unsigned int place = (unsigned int)op->arg[0];
	int child = t->child[place];

	if (child >= 0 && u->slot[child].live)
		return false;
	child = free_slot(u);
	if (child < 0) {
		add(u, &yield, slot);
		return true;
	}
	op_stream_child(&t->stream, place, &u->slot[child].stream);
	begin(&u->slot[child]);
	t->child[place] = child;
	op->arg[0] = (u64)child;
	add(u, op, slot);
	return true;
}

static void leave(struct unroll *u, unsigned int slot)
{
	const struct mm_op op = { .code = OP_EXIT };

	add(u, &op, slot);
	u->slot[slot].live = false;
}

static void turn(struct unroll *u, unsigned int slot)
{
	struct teller *t = &u->slot[slot];
	struct mm_op op = t->pending;

	if (!t->waits && !op_stream_next(&t->stream, &op)) {
		leave(u, slot);
		return;
	}
	switch (op.code) {
	case OP_FORK:
	case OP_CLONE:
		t->pending = op;
		t->waits = !make_child(u, slot, &op);
		break;
	case OP_EXIT:
		leave(u, slot);
		break;
	default:
		add(u, &op, slot);
	}
}

/* Somebody of the start is always live, and waits only for who has a life to end. */
static void take_turns(struct unroll *u)
{
	while (!u->err && u->list->nr < u->nr)
		for (unsigned int i = 0; i < OP_TASKS_MAX && u->list->nr < u->nr; i++)
			if (u->slot[i].live)
				turn(u, i);
}

int op_unroll(const struct op_world *world, const struct op_mix *mix, size_t nr,
	      struct op_list *list)
{
	struct unroll u = { .world = world, .list = list, .nr = nr };

	memset(list, 0, sizeof(*list));
	if (op_world_valid(world) || op_mix_valid(mix))
		return -EINVAL;
	list->world = *world;
	for (unsigned int i = 0; i < world->tasks; i++) {
		op_stream_init(&u.slot[i].stream, &list->world, mix, i);
		begin(&u.slot[i]);
	}
	take_turns(&u);
	if (u.err)
		op_list_free(list);
	return u.err;
}
