/* SPDX-License-Identifier: MIT */
/*
 * The strategies of controlled runs.
 *
 * Owns struct strategy; takes no lock and waits for nothing: it is asked on the vCPU
 * that stops, in the middle of anything.  Must never look at an address but to see
 * whether two are the same.
 */
#include "sync/strategy.h"

#include <string.h>

#include "base/bug.h"
#include "base/compiler.h"

/* Of so many draws one may be of what nobody waits for: a fill of hardware, a tick. */
#define UNASKED_ONE_IN	64
/* But more often to a vCPU that stands where a window opens. */
#define UNASKED_ONE_IN_WINDOW	8
#define UNASKED_ALWAYS	(1u << SCHED_FILL | 1u << SCHED_TICK)
#define AXIS_LATE	0x6c617465ULL	/* keeps its draws apart from the run's */
/* Of so many decisions of the sticky walk one is not the default. */
#define STICKY_ONE_IN	8

void strategy_begin(struct strategy *s, enum strategy_kind kind)
{
	s->kind = kind;
	s->contested = 0;
	s->unasked = UNASKED_ALWAYS;
	s->closed = false;
}

/*
 * A barrier that is missing shows when a store waits while much else happens; one that comes
 * out as often as others go on never waits so long.  So in some runs nobody asks for it.
 */
static void draw_lateness(struct strategy *s, u64 seed)
{
	u64 r = hash64(seed, AXIS_LATE, 0);

	if (r & 1)
		s->unasked |= 1u << SCHED_DRAIN;
	if (r & 2)
		s->unasked |= 1u << SCHED_OVERTAKE;
}

static void pct_start(struct strategy *s, unsigned int depth, u64 expected)
{
	unsigned int i, j;

	s->pct.nr_changes = min(depth ? depth - 1 : 0, (unsigned int)PCT_DEPTH_MAX);
	s->pct.changed = 0;
	/* Above all that falls behind. */
	s->pct.lowest = PCT_DEPTH_MAX;
	for (i = 0; i < STRATEGY_ACTORS; i++)
		s->pct.priority[i] = 0;
	for (i = 0; i < s->pct.nr_changes; i++) {
		u64 at = prng_below(&s->rng, max(expected, 1ULL));

		for (j = i; j && s->pct.change[j - 1] > at; j--)
			s->pct.change[j] = s->pct.change[j - 1];
		s->pct.change[j] = at;
	}
}

void strategy_start(struct strategy *s, enum strategy_kind kind, u64 seed, unsigned int depth,
		    u64 expected)
{
	strategy_begin(s, kind);
	prng_seed(&s->rng, seed);
	draw_lateness(s, seed);
	if (kind == STRATEGY_PCT)
		pct_start(s, depth, expected);
	else if (kind == STRATEGY_POS)
		memset(s->pos.step, 0, sizeof(s->pos.step));
}

void strategy_start_replay(struct strategy *s, const struct schedule *schedule)
{
	strategy_begin(s, STRATEGY_REPLAY);
	s->replay.schedule = schedule;
	s->replay.next = 0;
	s->replay.missed = 0;
}

void strategy_start_portfolio(struct strategy *s, u64 n, u64 seed, u64 expected)
{
	static const struct { enum strategy_kind kind; unsigned int depth; } turn[] = {
		{ STRATEGY_RANDOM, 0 }, { STRATEGY_STICKY, 0 }, { STRATEGY_POS, 0 },
		{ STRATEGY_PCT, 3 }, { STRATEGY_POS, 0 }, { STRATEGY_STICKY, 0 },
		{ STRATEGY_PCT, 4 },
	};

	n %= ARRAY_SIZE(turn);
	strategy_start(s, turn[n].kind, seed, turn[n].depth, expected);
}

void strategy_start_caller(struct strategy *s, strategy_fn choose, void *arg)
{
	strategy_begin(s, STRATEGY_CALLER);
	s->caller.choose = choose;
	s->caller.arg = arg;
}

void strategy_start_exhaust(struct strategy *s, struct exhaust *exhaust)
{
	strategy_begin(s, STRATEGY_EXHAUST);
	s->exhaust = exhaust;
}

struct exhaust *strategy_exhaust(const struct strategy *s)
{
	return s && s->kind == STRATEGY_EXHAUST ? s->exhaust : NULL;
}

static unsigned int actor(const struct sched_choice *choice)
{
	return choice->cpu * NR_SCHED_EVENTS + choice->event;
}

/* What nobody waits for: fills and ticks, and stores that are seen late.  They are no threads. */
static bool unasked(const struct strategy *s, const struct sched_choice *choice)
{
	return s->unasked >> choice->event & 1;
}

static bool unasked_now(struct strategy *s, const struct sched_choice *choice)
{
	return !prng_below(&s->rng, choice->kind == SCHED_WINDOW ? UNASKED_ONE_IN_WINDOW :
								     UNASKED_ONE_IN);
}

/* ---- walks ---- */

static unsigned int any(struct strategy *s, const struct sched_choices *c)
{
	unsigned int i = (unsigned int)prng_below(&s->rng, c->nr);

	while (unasked(s, &c->choice[i]) && !unasked_now(s, &c->choice[i]))
		i = (unsigned int)prng_below(&s->rng, c->nr);
	return i;
}

unsigned int strategy_walk(struct strategy *s, const struct sched_choices *c)
{
	return prng_below(&s->rng, STICKY_ONE_IN) ? 0 : any(s, c);
}

/* ---- PCT ---- */

/* The first draw of an actor is its priority. */
static u64 pct_priority(struct strategy *s, const struct sched_choice *choice)
{
	u64 *p = &s->pct.priority[actor(choice)];

	if (!*p && !(1u << choice->event & UNASKED_ALWAYS))
		*p = PCT_DEPTH_MAX + 1 + (prng_next(&s->rng) >> 1);
	if (unasked(s, choice))
		return unasked_now(s, choice) ? U64_MAX : 0;
	return *p;
}

static unsigned int pct_best(struct strategy *s, const struct sched_choices *c)
{
	u64 highest = pct_priority(s, &c->choice[0]);
	unsigned int i, best = 0;

	for (i = 1; i < c->nr; i++) {
		u64 priority = pct_priority(s, &c->choice[i]);

		if (priority > highest) {
			highest = priority;
			best = i;
		}
	}
	return best;
}

static unsigned int pct(struct strategy *s, const struct sched_choices *c)
{
	unsigned int best = pct_best(s, c);

	if (s->pct.changed == s->pct.nr_changes ||
	    s->contested <= s->pct.change[s->pct.changed])
		return best;
	s->pct.changed++;
	s->pct.priority[actor(&c->choice[best])] = s->pct.lowest--;
	return pct_best(s, c);
}

unsigned int strategy_actors(const struct strategy *s)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < STRATEGY_ACTORS; i++)
		nr += s->pct.priority[i] != 0;
	return nr;
}

/* ---- POS ---- */

static bool reads(const struct sched_choice *choice)
{
	return choice->kind == SCHED_LOAD;
}

static bool race(const struct sched_choice *a, const struct sched_choice *b)
{
	return a->event == SCHED_RUN && b->event == SCHED_RUN && a->obj && a->obj == b->obj &&
	       !(reads(a) && reads(b));
}

static u64 pos_priority(struct strategy *s, const struct sched_choice *choice)
{
	unsigned int a = actor(choice);

	if (s->pos.step[a] != choice->step + 1) {
		s->pos.step[a] = choice->step + 1;
		s->pos.priority[a] = unasked(s, choice) && !unasked_now(s, choice) ?
				     0 : prng_next(&s->rng);
	}
	return s->pos.priority[a];
}

static unsigned int pos(struct strategy *s, const struct sched_choices *c)
{
	unsigned int i, best = 0;

	for (i = 1; i < c->nr; i++) {
		if (pos_priority(s, &c->choice[i]) > pos_priority(s, &c->choice[best]))
			best = i;
	}
	for (i = 0; i < c->nr; i++) {
		if (i == best || race(&c->choice[i], &c->choice[best]))
			s->pos.step[actor(&c->choice[i])] = 0;
	}
	return best;
}

/* ---- replay ---- */

static unsigned int replay(struct strategy *s, const struct sched_choices *c)
{
	const struct schedule *list = s->replay.schedule;
	const struct deviation *d;
	unsigned int i;

	if (s->replay.next == list->nr || list->dev[s->replay.next].at != c->decision)
		return 0;
	d = &list->dev[s->replay.next++];
	for (i = 0; i < c->nr; i++) {
		if (c->choice[i].cpu == d->cpu && c->choice[i].event == d->event)
			return i;
	}
	s->replay.missed++;
	return 0;
}

bool strategy_followed(const struct strategy *s)
{
	return s->kind != STRATEGY_REPLAY ||
	       (!s->replay.missed && s->replay.next == s->replay.schedule->nr);
}

/* Fills and the like apart, two of whom one must wait. */
static bool contested(const struct strategy *s, const struct sched_choices *c)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < c->nr && nr < 2; i++)
		nr += !unasked(s, &c->choice[i]);
	return nr > 1;
}

void strategy_close(struct strategy *s)
{
	s->closed = true;
	if (s->kind == STRATEGY_EXHAUST)
		exhaust_close(s->exhaust);
}

unsigned int strategy_choose(struct strategy *s, const struct sched_choices *c)
{
	s->contested += !s->closed && contested(s, c);
	switch (s->kind) {
	case STRATEGY_RANDOM:	return any(s, c);
	case STRATEGY_STICKY:	return strategy_walk(s, c);
	case STRATEGY_PCT:	return pct(s, c);
	case STRATEGY_POS:	return pos(s, c);
	case STRATEGY_REPLAY:	return replay(s, c);
	case STRATEGY_BYTES:	return strategy_bytes_choose(s, c);
	case STRATEGY_CALLER:	return s->caller.choose(s->caller.arg, c);
	case STRATEGY_EXHAUST:	return exhaust_choose(s->exhaust, c);
	case NR_STRATEGIES:	break;
	}
	MM_BUG();
}
