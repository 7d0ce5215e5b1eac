/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_STREAM_H
#define MMSTORM_OPS_STREAM_H

#include "ops/op.h"

/*
 * Streams: what the tasks of a storm do.  Op k of a task is drawn from
 * hash64(seed, key, k), where the key says who the task is: the n-th at the
 * start, or the child that op k of that parent made.  So what a task does never
 * depends on timing, nor on what the machine answered, and a run's ops can be
 * written down before it starts.
 *
 * The number of tasks is bounded by the shape of the family, not by a count
 * that racing tasks share: a task has `children' places for its children,
 * a fork into a place that is taken first waits for its holder to end, and
 * tasks at the last depth do not fork.  Children end after a drawn number of ops.
 *
 * A race wants the same few calls on the same page again and again, not each call
 * once in a while.  So a task's life is cut into stretches, and some of them have
 * a focus: the task dwells on a page (uses it, and calls nothing), or duels (one
 * call, over and over, of pages that it uses meanwhile).  Which calls meet on which
 * page is chance; that they meet a thousand times, when they do, is not.
 *
 * Mappings stay in the window (they name their place, FIXED), so that what one task
 * maps another meets, and a run's memory is bounded.  The window may be cut into
 * regions: each thread of a process has one for its home, where it meets nobody, and
 * goes abroad now and then.
 */

struct op_stream;

/* What a storm's tasks do, and how much of each.  Data; see stress/storms. */
struct op_mix {
	const char	*name;
	u16		weight[OP_NR];		/* shares, 0 = never */

	/* Of 1000: how often ... */
	u16		shared;		/* a mapping is MAP_SHARED */
	u16		file;		/* a mapping is of a file */
	u16		stack;		/* a private one of no file grows down */
	u16		hot;		/* an address is in the hot pages */
	u16		tagged;		/* a store is a tagged word */
	u16		moving;		/* mremap names its target (FIXED) */
	u16		none;		/* mprotect takes all rights */
	u16		readonly;	/* or else the right to write */
	u16		guard;		/* madvise sets up guards instead of emptying */
	u16		restore;	/* what an op took away, the next puts back */
	u16		chain;		/* what mremap moved moves on, or back */
	u16		nap;		/* a task sleeps after an op, until another wakes it */
	u16		whole;		/* a range is a whole region */
	u16		home;		/* an address is in the task's own region */
	u16		regions;	/* parts that the window is cut into, 0 = not cut */

	/* Of 1000 tasks at the start: how many never do anything but ... */
	u16		readers;	/* load */
	u16		writers;	/* load and store */
	u16		pin_write;	/* a pin is for writing */
	u16		pin_get;	/* and of the others, a reference only */

	/* Of 1000: how often a stretch is ... */
	u16		dwell;		/* accesses only, to its focus */
	u16		duel;		/* one call and accesses, of its focus */
	u16		stretch;	/* ops of one; of one that dwells dwell_ops */
	u16		dwell_ops;

	u16		len_max;	/* pages of a mapping or range, from 1 */
	u16		hot_pages;	/* size of the hot part, of a region's too; 0 = none */

	/* The family. */
	u8		depth;		/* generations after the first, 0 = no fork */
	u8		children;	/* places a task has, 1-4 */
	u16		life_min;	/* ops of a child, at least and at most */
	u16		life_max;
};

/*
 * -EINVAL: no op has a weight that any task may draw, barrier has one (it has no
 * meaning here), or a field is out of its range.
 */
int op_mix_valid(const struct op_mix *mix);

/* Most tasks that `initial' tasks and their families can be at one time. */
unsigned long op_mix_tasks_max(const struct op_mix *mix, unsigned int initial);

#define OP_DEPTH_MAX		8
#define OP_CHILDREN_MAX		4

/* What the stretch under way is about. */
struct op_focus {
	u16			pages;		/* of the focus, 0 = none */
	u64			page;		/* the first of them */
	u8			code;		/* the call of a duel, or OP_NR */
	u8			stores;		/* of 64 accesses */
};

enum op_role {
	OP_ROLE_ANY,
	OP_ROLE_READER,
	OP_ROLE_WRITER,
};

struct op_stream {
	const struct op_world	*world;
	const struct op_mix	*mix;
	u64			key;		/* who the task is */
	u64			k;		/* of the next op */
	u64			life;		/* ops in all, 0 = until told to stop */
	u16			task;		/* of its ancestor at the start */
	u16			thread;		/* which of its process that one was */
	u8			role;		/* enum op_role */
	u8			nap;		/* after this op: 0, or 1 + how many it wakes */
	u8			depth;		/* generations above it */
	u8			place;		/* it has at its parent */
	u32			weights;	/* sum, without what it may not draw */
	struct op_focus		focus;
	u64			stretch_end;	/* k of the next stretch's first op */
	struct mm_op		last;		/* the op before, where k is not 0 */
	struct mm_op		moved;		/* what a chain moves on, if anything */
};

/* The stream of the nth task at the start. */
void op_stream_init(struct op_stream *s, const struct op_world *world,
		    const struct op_mix *mix, unsigned int nth);

/*
 * The stream of the child that the fork or clone drawn last makes: call it
 * between that op_stream_next() and the one after.
 */
void op_stream_child(const struct op_stream *parent, unsigned int place,
		     struct op_stream *child);

/*
 * The stream of a task of which only this is known: whose family, how deep in it, in which
 * of its parent's places, and its key.
 */
void op_stream_of(struct op_stream *s, const struct op_world *world, const struct op_mix *mix,
		  unsigned int nth, unsigned int depth, unsigned int place, u64 key);

/*
 * Draws the next op; false when the task's life is over.  For fork and clone
 * arg[0] is the place of the child (0..children-1).
 */
bool op_stream_next(struct op_stream *s, struct mm_op *op);

#endif /* MMSTORM_OPS_STREAM_H */
