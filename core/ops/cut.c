/* SPDX-License-Identifier: MIT */
/*
 * Making programs smaller: lines, tasks, vCPUs, pages, arguments (cut.h).
 *
 * Owns struct cut; pure functions of a program.  Must never say that a program still does
 * what it did.
 */
#include "ops/cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mm/uapi.h"

#define OP_PAGE		(1ULL << 12)

void cut_free(struct cut *cut)
{
	op_list_free(&cut->list);
	free(cut->line);
	cut->line = NULL;
	cut->nr_lines = 0;
}

int cut_begin(struct cut *cut, const struct op_list *from)
{
	cut_free(cut);
	cut->list.world = from->world;
	cut->line = malloc((from->nr + 1) * sizeof(*cut->line));
	if (!cut->line)
		return -ENOMEM;
	cut->nr_lines = from->nr;
	cut->moved = false;
	for (size_t i = 0; i < from->nr; i++) {
		cut->line[i] = (u32)i;
		if (op_list_add(&cut->list, &from->ops[i])) {
			cut_free(cut);
			return -ENOMEM;
		}
	}
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		cut->slot[i] = (u16)i;
	return 0;
}

/* ---- lines ---- */

bool cut_lines(struct cut *cut, size_t first, size_t nr)
{
	struct op_list *list = &cut->list;

	if (first >= list->nr || !nr)
		return false;
	nr = min(nr, list->nr - first);
	memmove(list->ops + first, list->ops + first + nr,
		(list->nr - first - nr) * sizeof(*list->ops));
	list->nr -= nr;
	for (size_t i = 0; i < cut->nr_lines; i++) {
		if (cut->line[i] == CUT_GONE || cut->line[i] < first)
			continue;
		cut->line[i] = cut->line[i] < first + nr ? CUT_GONE : cut->line[i] - (u32)nr;
	}
	return true;
}

static bool makes(const struct mm_op *op, unsigned int slot)
{
	return (op->code == OP_FORK || op->code == OP_CLONE) && op->arg[0] == slot;
}

bool cut_task(struct cut *cut, unsigned int slot)
{
	bool changed = false;

	for (size_t i = cut->list.nr; i--;)
		if (cut->list.ops[i].task == slot || makes(&cut->list.ops[i], slot))
			changed = cut_lines(cut, i, 1);
	return changed;
}

/* Old lines that are at @from now are at to[@from]. */
static void renumber(struct cut *cut, const u32 *to)
{
	for (size_t i = 0; i < cut->nr_lines; i++)
		if (cut->line[i] != CUT_GONE)
			cut->line[i] = to[cut->line[i]];
}

/* Lines of a slot are moved behind the last of another, in their order. */
static bool move_behind(struct cut *cut, unsigned int slot, unsigned int other)
{
	struct op_list *list = &cut->list;
	struct mm_op *ops = malloc((list->nr + 1) * sizeof(*ops));
	u32 *to = malloc((list->nr + 1) * sizeof(*to));
	size_t last = list->nr, nr = 0;

	while (last && list->ops[last - 1].task != other)
		last--;
	if (ops && to) {
		for (size_t i = 0; i < last; i++)
			if (list->ops[i].task != slot)
				to[i] = (u32)nr++;
		for (size_t i = 0; i < list->nr; i++)
			if (i >= last || list->ops[i].task == slot)
				to[i] = (u32)nr++;
		for (size_t i = 0; i < nr; i++)
			ops[to[i]] = list->ops[i];
		memcpy(list->ops, ops, nr * sizeof(*ops));
		renumber(cut, to);
	}
	free(to);
	free(ops);
	return nr;
}

bool cut_join(struct cut *cut, unsigned int slot, unsigned int into, bool behind)
{
	unsigned int nr = 0;

	if (slot == into || (behind && !move_behind(cut, slot, into)))
		return false;
	for (size_t i = cut->list.nr; i--;) {
		struct mm_op *op = &cut->list.ops[i];

		if (makes(op, slot)) {
			cut_lines(cut, i, 1);
		} else if (op->task == slot) {
			op->task = (u16)into;
			nr++;
		}
	}
	cut->slot[slot] = (u16)into;
	return nr;
}

bool cut_nobodys(struct cut *cut)
{
	const struct op_list *list = &cut->list;
	bool changed = false;

	for (unsigned int slot = list->world.tasks; slot < OP_TASKS_MAX; slot++) {
		size_t i = 0;

		while (i < list->nr && !makes(&list->ops[i], slot))
			i++;
		if (i == list->nr)
			changed = cut_task(cut, slot) || changed;
	}
	return changed;
}

/* ---- tasks ---- */

u64 cut_used_slots(const struct op_list *list)
{
	u64 used = 0;

	for (size_t i = 0; i < list->nr; i++)
		used |= 1ULL << list->ops[i].task;
	return used;
}

/* Those at the start keep together who is of one process: of n mod procs. */
static unsigned int number_first(struct cut *cut, u64 used, bool one_process, u16 *slot)
{
	const struct op_world *w = &cut->list.world;
	unsigned int procs = max(w->procs, 1u), groups = 0, tasks = 0;

	if (one_process)
		procs = 1;
	for (unsigned int g = 0; g < procs; g++)
		for (unsigned int i = g; i < w->tasks; i += procs)
			if (used & 1ULL << i) {
				groups++;
				break;
			}
	groups = max(groups, 1u);
	for (unsigned int g = 0, group = 0; g < procs; g++) {
		unsigned int nr = 0;

		for (unsigned int i = g; i < w->tasks; i += procs)
			if (used & 1ULL << i) {
				slot[i] = (u16)(nr++ * groups + group);
				tasks = max(tasks, slot[i] + 1u);
			}
		group += nr > 0;
	}
	cut->list.world.procs = groups;
	return max(tasks, groups);
}

static u64 map_mask(u64 mask, const u16 *slot)
{
	u64 out = 0;

	if (mask == OP_ALL_TASKS)
		return mask;
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		if (mask & 1ULL << i && slot[i] < OP_TASKS_MAX)
			out |= 1ULL << slot[i];
	return out;
}

static void rename_task(struct mm_op *op, const u16 *slot)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);

	op->task = slot[op->task];
	for (unsigned int i = 0; i < d->nr_args; i++) {
		if (d->arg[i].kind == OP_ARG_TASK)
			op->arg[i] = slot[op->arg[i]];
		else if (d->arg[i].kind == OP_ARG_TASKS)
			op->arg[i] = map_mask(op->arg[i], slot);
	}
}

bool cut_slots(struct cut *cut, bool one_process)
{
	struct op_world before = cut->list.world;
	u64 used = cut_used_slots(&cut->list), made = 0;
	u16 slot[OP_TASKS_MAX];
	unsigned int next;

	for (size_t i = 0; i < cut->list.nr; i++)
		for (unsigned int s = 0; s < OP_TASKS_MAX; s++)
			if (makes(&cut->list.ops[i], s))
				made |= 1ULL << s;
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		slot[i] = OP_TASKS_MAX;
	next = number_first(cut, used, one_process, slot);
	cut->list.world.tasks = next;
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		if (slot[i] == OP_TASKS_MAX && (used | made) & 1ULL << i)
			slot[i] = (u16)next++;
	if (next > OP_TASKS_MAX) {
		cut->list.world = before;
		return false;
	}
	for (size_t i = 0; i < cut->list.nr; i++)
		rename_task(&cut->list.ops[i], slot);
	memcpy(cut->slot, slot, sizeof(slot));
	cut->moved = true;
	return memcmp(&before, &cut->list.world, sizeof(before)) != 0;
}

bool cut_last_task(struct cut *cut, unsigned int to)
{
	struct op_world *w = &cut->list.world;
	unsigned int last = w->tasks - 1;
	u64 used = cut_used_slots(&cut->list);

	if (!last || to > last || (to < last && (used & 1ULL << to || !(used & 1ULL << last))) ||
	    (to == last && used & 1ULL << last))
		return false;
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		cut->slot[i] = (u16)i;
	cut->slot[last] = (u16)to;
	for (size_t i = 0; i < cut->list.nr; i++)
		rename_task(&cut->list.ops[i], cut->slot);
	w->tasks = last;
	w->procs = min(w->procs, last);
	cut->moved = true;
	return true;
}

bool cut_cpus(struct cut *cut, unsigned int cpus)
{
	if (!cpus || cpus >= cut->list.world.cpus)
		return false;
	cut->list.world.cpus = cpus;
	cut->moved = true;
	return true;
}

/* ---- pages ---- */

static u64 *range_start(struct mm_op *op, unsigned int i)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);

	if (i >= d->nr_args || d->arg[i].kind != OP_ARG_ADDR)
		return NULL;
	return op_addr_space(op->arg[i]) == OP_SPACE_WINDOW ? &op->arg[i] : NULL;
}

/* Bytes that an op touches from argument i on, an address. */
static u64 range_length(const struct mm_op *op, unsigned int i)
{
	switch (op->code) {
	case OP_MMAP:
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_MADVISE:
	case OP_PIN:
		return op->arg[1];
	case OP_MREMAP:
		return i ? op->arg[2] : max(op->arg[1], op->arg[2]);
	case OP_COPY:
		return op->arg[2];
	default:
		return 8;
	}
}

static void mark_touched(struct mm_op *op, u32 *touched, unsigned int pages)
{
	for (unsigned int i = 0; i < OP_ARGS_MAX; i++) {
		const u64 *at = range_start(op, i);
		u64 first, end;

		if (!at)
			continue;
		first = op_addr_value(*at);
		end = DIV_ROUND_UP(first + max(range_length(op, i), 1ULL), OP_PAGE);
		for (u64 p = first / OP_PAGE; p < min(end, (u64)pages); p++)
			touched[p] = 1;
	}
}

/* The pages of the window that are touched become p0, p1, ... in their order. */
bool cut_pages(struct cut *cut)
{
	unsigned int pages = cut->list.world.pages;
	u32 *name = calloc(pages + 1, sizeof(*name));
	unsigned int used = 0;

	if (!name)
		return false;
	for (size_t l = 0; l < cut->list.nr; l++)
		mark_touched(&cut->list.ops[l], name, pages);
	for (unsigned int p = 0; p <= pages; p++) {
		u32 touched = name[p];

		name[p] = used;
		used += touched;
	}
	for (size_t l = 0; l < cut->list.nr; l++)
		for (unsigned int i = 0; i < OP_ARGS_MAX; i++) {
			u64 *at = range_start(&cut->list.ops[l], i);

			if (at)
				*at = op_page(name[min(op_addr_value(*at) / OP_PAGE, (u64)pages)],
					      op_addr_value(*at) % OP_PAGE);
		}
	free(name);
	/* An even number has its middle between two pages, as all windows do. */
	cut->list.world.pages = max(used + (used & 1), 2u);
	return cut->list.world.pages != pages;
}

/* ---- files ---- */

bool cut_files(struct cut *cut)
{
	struct op_world *w = &cut->list.world;
	unsigned int files = 0;
	u64 end = 0;

	for (size_t l = 0; l < cut->list.nr; l++) {
		const struct mm_op *op = &cut->list.ops[l];

		if (op->code == OP_MMAP && op->arg[4] != OP_NO_FILE) {
			files = max(files, (unsigned int)op->arg[4] + 1);
			end = max(end, op->arg[5] + op->arg[1]);
		} else if (op->code == OP_TRUNCATE) {
			files = max(files, (unsigned int)op->arg[0] + 1);
			end = max(end, op->arg[1]);
		}
	}
	end = DIV_ROUND_UP(end, OP_PAGE);
	if (files == w->files && end >= w->file_pages)
		return false;
	w->files = files;
	w->file_pages = (unsigned int)min(end, (u64)w->file_pages);
	return true;
}

/* ---- arguments ---- */

static void shorten_range(struct mm_op *op)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);

	for (unsigned int i = 0; i < d->nr_args; i++)
		if (d->arg[i].kind == OP_ARG_LEN && op->code != OP_TRUNCATE &&
		    !(op->code == OP_MMAP && i == 5) && op->arg[i] > OP_PAGE)
			op->arg[i] = OP_PAGE;
}

static void make_anonymous(struct mm_op *op)
{
	if (op->code != OP_MMAP || op->arg[4] == OP_NO_FILE)
		return;
	op->arg[3] |= MAP_ANONYMOUS;
	op->arg[4] = OP_NO_FILE;
	op->arg[5] = 0;
}

static void make_private(struct mm_op *op)
{
	if (op->code == OP_MMAP && (op->arg[3] & MAP_TYPE) == MAP_SHARED)
		op->arg[3] = (op->arg[3] & ~(u64)MAP_TYPE) | MAP_PRIVATE;
}

static void each_arg(struct mm_op *op, unsigned int what)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);

	for (unsigned int i = 0; i < d->nr_args; i++) {
		enum op_arg_kind kind = d->arg[i].kind;

		if (what == 0 && kind == OP_ARG_ADDR)
			op->arg[i] &= ~(OP_PAGE - 1);
		if (what == 1 && kind == OP_ARG_VALUE && op->arg[i] != OP_VALUE_TAG)
			op->arg[i] = min(op->arg[i], 1ULL);
		if (what == 1 && kind == OP_ARG_SIZE)
			op->arg[i] = 8;
	}
}

bool cut_args(struct cut *cut, size_t line, unsigned int what)
{
	struct mm_op *op = &cut->list.ops[line];
	struct mm_op before = *op;

	switch (what) {
	case 0:
	case 1:
		each_arg(op, what);
		break;
	case 2:
		shorten_range(op);
		break;
	case 3:
		op->delay = 0;
		op->flags = 0;
		break;
	case 4:
		make_anonymous(op);
		break;
	case 5:
		make_private(op);
		break;
	default:
		return false;
	}
	return !op_equal(op, &before);
}
