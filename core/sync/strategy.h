/* SPDX-License-Identifier: MIT */
/*
 * Strategies: who chooses at the decisions of a controlled run.
 *
 * At a decision at least two things may happen next; the strategy names one.  It sees
 * what each of them is about, so that it can tell which of them race.  It must choose by
 * that, by its seed, and by what it chose before: not by addresses, nor by time.
 *
 *	random	any of them, all with the same chance
 *	sticky	the default, mostly; now and then any
 *	pct	each of the things that can go on (vCPUs, their interrupts, ...) has a
 *		priority; the highest goes on.  At d - 1 decisions, drawn beforehand, who
 *		goes on falls behind all others.  Finds a bug of depth d among n of them and
 *		k decisions with a chance of at least 1 / (n k^(d-1)) a run (Burckhardt
 *		and others, ASPLOS 2010).  The decisions that count are the contested ones,
 *		at which two or more can go on, until the program's last op is done: before
 *		its tasks part there is nobody to fall behind
 *	pos	each step waiting to happen has a priority of its own, drawn anew when it
 *		has happened and when another that races with it has (Yuan and others,
 *		CAV 2018)
 *	replay	what a schedule lists
 *	bytes	what a fuzzer's bytes say (strategy_bytes.c)
 *	caller	a function of the caller's, who may know more of what runs
 *	search	all there are, within bounds (sync/exhaust.h)
 *
 * Fills of hardware and ticks, which may happen at any time and make nobody go on, are
 * drawn seldom by all of them.  So are, each in half of the runs, stores that come out in
 * order and stores that overtake: then they are seen when something forces them, and much may
 * happen until then.
 */
#ifndef MM_SYNC_STRATEGY_H
#define MM_SYNC_STRATEGY_H

#include "base/point.h"
#include "base/prng.h"
#include "sync/schedule.h"
#include "sync/exhaust.h"

/* One thing that may happen next. */
struct sched_choice {
	u16		cpu;
	u8		event;		/* enum sched_event */
	u8		kind;		/* enum sched_kind of the step, for SCHED_RUN */
	u64		step;		/* the vCPU's how manieth: tells one from the next */
	const void	*obj;		/* what it touches; NULL: nothing that others do */
};

struct sched_choices {
	u64		decision;	/* its number */
	unsigned int	nr;		/* at least 2; for a search also 1 */
	unsigned int	runner;		/* vCPU that went on last; STRATEGY_CPUS: none */
	u64		resume;		/* hash of who goes on after events under way */
	struct sched_choice *choice;	/* the default first; who can go on before events */
};

enum strategy_kind {
	STRATEGY_RANDOM,
	STRATEGY_STICKY,
	STRATEGY_PCT,
	STRATEGY_POS,
	STRATEGY_REPLAY,
	STRATEGY_BYTES,
	STRATEGY_CALLER,
	STRATEGY_EXHAUST,
	NR_STRATEGIES,
};

#define PCT_DEPTH_MAX	16
#define STRATEGY_CPUS	256	/* of a controlled machine */
#define STRATEGY_ACTORS	(STRATEGY_CPUS * NR_SCHED_EVENTS)

/* A record of bytes, the vCPUs that it can name, and counters of what was seen. */
#define SCHEDULE_BYTES_RECORD	3
#define SCHEDULE_BYTES_CPUS	8
#define SCHEDULE_BYTES_SEEN	4096
typedef unsigned int (*strategy_fn)(void *arg, const struct sched_choices *c);

struct strategy {
	enum strategy_kind	kind;
	struct prng		rng;
	u64			contested;	/* decisions, until it is closed */
	u32			unasked;	/* bit = event that is drawn seldom in this run */
	bool			closed;
	union {
		struct {
			u64	priority[STRATEGY_ACTORS];
			u64	change[PCT_DEPTH_MAX];	/* contested decisions, in order */
			unsigned int nr_changes, changed;
			u64	lowest;
		} pct;
		struct {
			u64	priority[STRATEGY_ACTORS];
			u64	step[STRATEGY_ACTORS];	/* that it was drawn for, + 1 */
		} pos;
		struct {
			const struct schedule *schedule;
			size_t	next;
			u64	missed;		/* deviations that could not be done */
		} replay;
		struct {
			const u8 (*record)[SCHEDULE_BYTES_RECORD];
			size_t	nr, next;
			u64	due;		/* the decision at which the next acts */
			u64	walk_end;	/* decisions before it are drawn */
			u8	*seen;
			u32	last;		/* who was put off for whom */
		} bytes;
		struct {
			strategy_fn choose;
			void	*arg;
		} caller;
		struct exhaust *exhaust;
	};
};

/* For one run.  depth and expected (how many contested decisions, about: k) are PCT's. */
void strategy_start(struct strategy *s, enum strategy_kind kind, u64 seed, unsigned int depth,
		    u64 expected);
/*
 * The n-th run of a portfolio: what walks, POS and PCT of some depths find between them is
 * more than any of them finds.
 */
void strategy_start_portfolio(struct strategy *s, u64 n, u64 seed, u64 expected);
void strategy_start_replay(struct strategy *s, const struct schedule *schedule);
void strategy_start_caller(struct strategy *s, strategy_fn choose, void *arg);
/* For the run that exhaust_next() has allowed. */
void strategy_start_exhaust(struct strategy *s, struct exhaust *exhaust);

/* NULL but for searches: those are told of every step, and asked where there is no choice. */
struct exhaust *strategy_exhaust(const struct strategy *s);

/*
 * Whole records of @bytes, which stay; @seen, if not NULL, are SCHEDULE_BYTES_SEEN
 * saturating counters of preemptions and won races by their kinds, for coverage.
 */
void strategy_start_bytes(struct strategy *s, const u8 *bytes, size_t len, u8 *seen);

/* The program is done: what is still to come is how the machine goes down. */
void strategy_close(struct strategy *s);

/* An index of c->choice. */
unsigned int strategy_choose(struct strategy *s, const struct sched_choices *c);

/* Parts of it: what all kinds start with, a step of the sticky walk, one of bytes. */
void strategy_begin(struct strategy *s, enum strategy_kind kind);
unsigned int strategy_walk(struct strategy *s, const struct sched_choices *c);
unsigned int strategy_bytes_choose(struct strategy *s, const struct sched_choices *c);

/* PCT: how many have been given a priority so far, n of its bound. */
unsigned int strategy_actors(const struct strategy *s);

/* Replay: all that the schedule lists was met and could be done. */
bool strategy_followed(const struct strategy *s);

#endif
