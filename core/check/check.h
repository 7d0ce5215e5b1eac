/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_CHECK_CHECK_H
#define MMSTORM_CHECK_CHECK_H

#include "base/types.h"
#include "hw/check_ops.h"
#include "sync/rcu_age.h"

/*
 * The oracles: what no sanitizer can see, because every access to C memory
 * was in order and only the simulated machine went wrong.
 *
 * Each judges from what was *promised*: a call that has returned, a store
 * that has been acknowledged.  While a call is under way, or when two calls
 * on one page overlap in time, the page's state is not known and accesses to
 * it are excused; a run therefore reports how many checks were conclusive,
 * and zero of them is not success.
 *
 * Cost: about 100 ns per user access while attached (`stale' alone: 5 ns), and
 * 40 ns per fault for `age'; the quiet checks walk the whole machine,
 * microseconds per mapped page.
 */

struct machine;
struct task_struct;
struct mm_struct;
struct check_mm;
struct check_task;

enum check_id {
	CHECK_STALE,	/* a translation outlived the frame it leads to */
	CHECK_RIGHTS,	/* an access the completed calls do not allow, or a
			 * refusal of one that they do */
	CHECK_VALUE,	/* a word that was acknowledged and is not there, or
			 * that goes back in time */
	CHECK_COW,	/* a write of one process seen in another */
	CHECK_REFS,	/* counts that do not add up on a quiet machine */
	CHECK_STRUCT,	/* VMAs, tables and reverse maps that disagree */
	CHECK_TLB,	/* a live TLB entry of a quiet machine that the page
			 * tables do not back */
	CHECK_AGE,	/* an RCU reader, and an object that was unlinked before
			 * its section began */
	CHECK_INIT,	/* poison where zeroes or data belong */
	CHECK_DIRTY,	/* a page that was stored to is dirty, when quiet */
	NR_CHECKS,
};

#define CHECK_ALL	((1u << NR_CHECKS) - 1)

struct check_info {
	const char *slug;
	const char *what;	/* what it says no to, one line */
};

extern const struct check_info check_info[NR_CHECKS];

/**
 * check_attach() - put oracles on a booted machine
 * @m: a machine with no task running yet
 * @mask: bits 1 << enum check_id
 *
 * Returns 0 or -ENOMEM.
 */
int check_attach(struct machine *m, u32 mask);
void check_detach(struct machine *m);

/* Checks of one oracle so far that were not excused; and those that were. */
u64 check_conclusive(struct machine *m, enum check_id id);
u64 check_excused(struct machine *m, enum check_id id);

/*
 * The age oracle's histogram: how often readers met such an object in such a
 * state.  The last two of enum rcu_met are findings.
 */
u64 check_ages(struct machine *m, enum check_object what, enum rcu_met how);
const char *check_object_name(enum check_object what);

/**
 * check_quiet() - recount the whole machine
 *
 * Nothing may run: every task is gone or asleep outside the mm, the caller
 * is bound to a vCPU.  Reports findings; returns how many.
 */
unsigned int check_quiet(struct machine *m);

/*
 * Address spaces and tasks
 *
 * An address space is watched in one window of pages; outside it only the
 * oracles that need no expectation (stale, init, quiet) speak.
 */

/* @base: bytes, page aligned; @pages: at most CHECK_WINDOW_PAGES. */
#define CHECK_WINDOW_PAGES	4096
int check_mm_create(struct mm_struct *mm, unsigned long base,
		    unsigned int pages);
/*
 * The creator's hold on it, given up when the first tasks have theirs or will
 * never come.  @mm may be watched by nobody.
 */
void check_mm_put(struct mm_struct *mm);

/* A task starts to use, or leaves, its mm; the last one frees the shadow. */
int check_task_start(struct task_struct *task);
void check_task_exit(struct task_struct *task);

/**
 * check_fork_begin() - a fork of the caller's mm starts
 *
 * Returns a token for check_fork_end(), or NULL when nothing is watched or
 * memory is short (the child is then not watched).
 */
struct check_mm *check_fork_begin(struct task_struct *parent);

/* @child: the new mm, not yet running, or NULL when the fork failed. */
void check_fork_end(struct task_struct *parent, struct check_mm *token,
		    struct mm_struct *child);

/*
 * Calls: what a system call promises for the pages of the window
 */
enum check_effect {
	CHECK_EFFECT_NONE,	/* contents and rights stay (flag-only advice,
				 * migration, a read-only query) */
	CHECK_EFFECT_MAP,	/* [start, len) mapped afresh */
	CHECK_EFFECT_UNMAP,
	CHECK_EFFECT_PROTECT,
	CHECK_EFFECT_MOVE,	/* [start, len) moves to [to, to_len) */
	CHECK_EFFECT_ZERO,	/* private pages read as new, shared as is */
	CHECK_EFFECT_TRUNCATE,	/* file pages from `pgoff' on are dropped */
	CHECK_EFFECT_ADVISE,	/* a fork copies the range not as it is, or not */
	CHECK_EFFECT_ANY,	/* the caller cannot say what becomes of it */
};

enum check_backing {
	CHECK_BACK_NONE,	/* not mapped */
	CHECK_BACK_ANON,	/* private anonymous: reads zero at first */
	CHECK_BACK_FILE,	/* private file: reads as the file at first */
	CHECK_BACK_SHARED,	/* shared, file or shared anonymous */
};

struct check_range {
	unsigned int first;	/* window page */
	unsigned int nr;
};

struct check_call {
	enum check_effect effect;
	unsigned long	start, len;	/* bytes */
	unsigned long	to, to_len;	/* bytes, CHECK_EFFECT_MOVE */
	unsigned int	prot;		/* PROT_*, for MAP and PROTECT */
	enum check_backing backing;	/* for MAP */
	bool		fixed;		/* MAP: the address is not a hint */
	bool		grows;		/* MAP: faults below may extend it */
	bool		keeps;		/* MOVE: the old range stays mapped */

	/* The check's own, from begin to end. */
	struct check_range from_range, to_range;
};

/* Both on the task itself, around the call; no lock of the mm held. */
void check_call_begin(struct task_struct *task, struct check_call *call);
void check_call_end(struct task_struct *task, struct check_call *call,
		    long result);

/*
 * Pins: what a device that was given pages of the window sees and leaves there
 *
 * Until a call touches the page, a store through a pin for writing is a store of the
 * process, and must be seen as such; so must a load see what the process stored, unless
 * the pin promises less (a reference, or a short look at what may be the zero page).
 * After that, and through a mere reference, no other process's later word may appear.
 */
struct check_pin {
	unsigned long	start;		/* bytes */
	unsigned int	place;		/* which of the task's */
	unsigned int	how;		/* PIN_* of mm/pin.h */
};

/* Both on the task itself, around sys_pin(); @result its answer. */
void check_pin_begin(struct task_struct *task, const struct check_pin *pin);
void check_pin_end(struct task_struct *task, const struct check_pin *pin, long result);

/*
 * Tagged words
 *
 * A task owns one 8-byte slot of the first 64 bytes of every page, and
 * stores tags there: who wrote, and the how-many-eth of its stores.  An address
 * space has eight slots, given to its tasks as they start and taken back as they
 * end; the stores of a ninth task at one time are not judged by value.
 */
#define CHECK_SLOTS	8

/* Never zero, differs for each (task, seq); seq counts from 1. */
u64 check_tag(const struct task_struct *task, u64 seq);
/* Byte offset in a page of the slot that @task stores to. */
unsigned int check_slot_offset(const struct task_struct *task);

#endif /* MMSTORM_CHECK_CHECK_H */
