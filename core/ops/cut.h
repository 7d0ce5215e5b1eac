/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_CUT_H
#define MMSTORM_OPS_CUT_H

#include "ops/op.h"

/*
 * Smaller programs made from a program: candidates for shrinking (ops/shrink.h), of which
 * nobody knows yet whether they still do what they should.
 */
struct cut {
	struct op_list	list;
	u32		*line;		/* of the old one: its line here, or CUT_GONE */
	size_t		nr_lines;
	u16		slot[OP_TASKS_MAX];	/* of the old one's task: its slot here */
	bool		moved;		/* tasks may find themselves on other vCPUs */
};

#define CUT_GONE	(~0U)

/* The tasks that have lines; bit = slot. */
u64 cut_used_slots(const struct op_list *list);

/* A copy of from, nothing cut yet.  Overwrites; 0 or -ENOMEM, then it is empty. */
int cut_begin(struct cut *cut, const struct op_list *from);
void cut_free(struct cut *cut);

/* Each returns whether it changed anything. */

/* Without nr lines from first on. */
bool cut_lines(struct cut *cut, size_t first, size_t nr);
/* Without the lines of a task, and those that make it. */
bool cut_task(struct cut *cut, unsigned int slot);
/* What task slot does task into does, too: where it is written, or behind all of its own. */
bool cut_join(struct cut *cut, unsigned int slot, unsigned int into, bool behind);
/* Without the lines of tasks that nobody makes. */
bool cut_nobodys(struct cut *cut);
/* Slots numbered without gaps; everyone at the start is a thread of as few processes. */
bool cut_slots(struct cut *cut, bool one_process);
/* One task fewer at the start: the last one is none, or takes slot to, which is nobody's. */
bool cut_last_task(struct cut *cut, unsigned int to);
bool cut_cpus(struct cut *cut, unsigned int cpus);
/* Pages numbered without gaps, and no more of them than are used; files likewise. */
bool cut_pages(struct cut *cut);
bool cut_files(struct cut *cut);
/* One line's arguments, what-th way: 0, 1, ...; false: there is none such. */
bool cut_args(struct cut *cut, size_t line, unsigned int what);
#define CUT_ARGS_WAYS	6

#endif /* MMSTORM_OPS_CUT_H */
