/* SPDX-License-Identifier: MIT */
/*
 * Putting oracles on a machine and taking them off; their counts and names.
 *
 * Owns struct check_state.  Attach and detach while no task runs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/err.h"
#include "check/shadow.h"
#include "hw/check_ops.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "kern/task.h"

const struct check_info check_info[NR_CHECKS] = {
	[CHECK_STALE]	= { "stale", "an access through a translation that should be gone" },
	[CHECK_RIGHTS]	= { "rights", "an access that the completed calls forbid, or a refusal of one they allow" },
	[CHECK_VALUE]	= { "value", "a word that was acknowledged and is not there, or goes back in time" },
	[CHECK_COW]	= { "cow", "a write of one process seen in another" },
	[CHECK_REFS]	= { "refs", "reference, map, table or page counts that do not add up when quiet" },
	[CHECK_STRUCT]	= { "struct", "VMAs, page tables and reverse maps that disagree when quiet" },
	[CHECK_TLB]	= { "tlb", "a live TLB entry that the page tables do not back when quiet" },
	[CHECK_AGE]	= { "age", "an RCU reader that meets what was unlinked before its section began, or is freed" },
	[CHECK_INIT]	= { "init", "poison where zeroes or data belong" },
	[CHECK_DIRTY]	= { "dirty", "a page that was stored to and is clean when quiet" },
};

#define CHECK_SHADOWED	(1u << CHECK_STALE | 1u << CHECK_RIGHTS | 1u << CHECK_VALUE | \
			 1u << CHECK_COW | 1u << CHECK_INIT)
#define CHECK_WATCHING	(CHECK_SHADOWED | 1u << CHECK_DIRTY | 1u << CHECK_AGE)

/* Who asks for nothing is not called. */
static void choose_ops(struct check_ops *ops, u32 mask)
{
	if (mask & CHECK_SHADOWED) {
		ops->access_begin = check_access_begin;
		ops->access_end = check_access_end;
	}
	if (mask & 1u << CHECK_STALE) {
		ops->access_translated = check_access_translated;
		ops->table_walked = check_table_walked;
	}
	if (mask & (1u << CHECK_STALE | 1u << CHECK_DIRTY))
		ops->access_moved = check_access_moved;
	if (mask & (1u << CHECK_STALE | 1u << CHECK_DIRTY)) {
		ops->frame_alloc = check_frame_alloc;
		ops->frame_copy = check_frame_copy;
	}
	if (mask & 1u << CHECK_AGE)
		ops->met = check_object_met;
}

static void free_state(struct machine *m, struct check_state *st)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(st->tasks); i++)
		machine_free(m, st->tasks[i]);
	machine_free(m, st->frames);
	machine_free(m, st->count);
	machine_free(m, st);
}

int check_attach(struct machine *m, u32 mask)
{
	struct check_state *st;

	/* Where frames change hands untold, nobody knows who stored to one. */
	if (!MM_CHECK)
		mask &= ~(1u << CHECK_DIRTY);
	if (!mask)
		return 0;
	st = machine_zalloc(m, sizeof(*st), 0);
	if (!st)
		return -ENOMEM;
	st->mask = mask;
	st->nr_cpus = m->nr_cpus;
	st->frames = machine_zalloc(m, m->ram.nr_frames * sizeof(*st->frames), 0);
	st->count = machine_zalloc(m, m->nr_cpus * sizeof(*st->count), SMP_CACHE_BYTES);
	if (!st->frames || !st->count) {
		free_state(m, st);
		return -ENOMEM;
	}
	choose_ops(&st->ops, mask);
	m->chk = st;
	if (mask & CHECK_WATCHING)
		m->check = &st->ops;
	return 0;
}

void check_detach(struct machine *m)
{
	struct check_state *st = m->chk;

	if (!st)
		return;
	m->check = NULL;
	m->chk = NULL;
	free_state(m, st);
}

u64 check_conclusive(struct machine *m, enum check_id id)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; m->chk && i < m->chk->nr_cpus; i++)
		sum += READ_ONCE(m->chk->count[i].conclusive[id]);
	return sum;
}

u64 check_excused(struct machine *m, enum check_id id)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; m->chk && i < m->chk->nr_cpus; i++)
		sum += READ_ONCE(m->chk->count[i].excused[id]);
	return sum;
}

/* A task that is not watched still needs words that nobody takes for others'. */
static u32 tag_id(const struct task_struct *task)
{
	const struct check_task *ct = task->check;

	return ct ? ct->id : TAG_NOBODY;
}

u64 check_tag(const struct task_struct *task, u64 seq)
{
	return (u64)tag_id(task) << TAG_TASK_SHIFT |
	       (seq & ((1ull << TAG_TASK_SHIFT) - 1));
}

unsigned int check_slot_offset(const struct task_struct *task)
{
	const struct check_task *ct = task->check;

	return (ct ? ct->slot : tag_id(task) % CHECK_SLOTS) * 8;
}
