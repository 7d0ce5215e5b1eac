/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_STORY_H
#define MMSTORM_OPS_STORY_H

#include <stdio.h>

#include "ops/explore.h"
#include "trace/trace.h"

/*
 * Stories: a controlled run in words, a line for each step, as somebody would tell it who
 * has watched every vCPU: which op, what of the mm's it does, under which locks, to the
 * first finding.
 *
 * A story is made by looking on (explore_watch): the run is the same run.  Steps that
 * nobody else can tell apart are one line: an op that ran without another vCPU coming
 * between is told as a whole.
 */
#define STORY_TEXT	192
#define STORY_UNDER	64
#define STORY_PENDING	4

enum story_kind {
	STORY_BEGIN,		/* of an op */
	STORY_END,
	STORY_STEP,		/* what matters of an op, also where it is told as a whole */
	STORY_DETAIL,		/* what does not, there */
	STORY_ASIDE,		/* of no op: an interrupt, a switch */
	STORY_FINDING,
};

struct story_line {
	u8	kind;		/* enum story_kind */
	u8	cpu;
	u16	slot;		/* of the task; STORY_NOBODY: none */
	u32	op;		/* the how manieth that was begun, from 1; 0: none */
	char	text[STORY_TEXT];
	char	under[STORY_UNDER];	/* locks held */
};

#define STORY_NOBODY	0xffff

struct story {
	const struct op_list	*list;
	struct machine		*machine;
	struct story_line	*line;
	size_t			nr, room;
	bool			lost;		/* memory was short, or it got too long */
	bool			over;		/* a finding was told */
	u32			ops;		/* begun */
	struct {
		u64	seen;			/* records of its ring */
		/* Entries that it stood before, and what was there. */
		struct { const u64 *slot; u64 value; } pending[STORY_PENDING];
		unsigned int nr_pending;
		const char *wants;		/* name of the lock that it stood before */
	} cpu[STRATEGY_CPUS];
	struct {
		u32		op;		/* under way, or 0 */
		const struct mm_op *what;
		size_t		next;		/* line behind it */
		unsigned long	va;		/* of an access */
	} slot[OP_TASKS_MAX];
	char			detail[2048];	/* of the finding */
	struct explore_watch	watch;
};

/* s->watch is for explore_config.watch of runs of this program; one run a story. */
void story_init(struct story *s, const struct op_list *list);
void story_free(struct story *s);

/* All of it, collapsed where nothing came between. */
void story_print(const struct story *s, FILE *out);

/* ---- inside: story_words.c ---- */

/* Each writes words into buf. */
void story_page(const struct story *s, unsigned long va, char *buf, size_t size);
void story_entry(u64 entry, char *buf, size_t size);
/* An event of vCPU cpu's ring; false: nothing to tell. */
bool story_event(const struct story *s, const struct trace_record *rec, struct story_line *line);

#endif /* MMSTORM_OPS_STORY_H */
