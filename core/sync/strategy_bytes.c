/* SPDX-License-Identifier: MIT */
/*
 * A schedule as bytes, for fuzzers: every byte string is one.
 *
 * Records of three bytes: how many decisions by default come first, what is done then,
 * and with what.
 *
 *	gap	up to 191 as it is, above in steps of sixteen
 *	what	bits 0-2: 0, 1	once, the choice whose index is the value
 *			  2, 3	once, the vCPU whose number is the value goes on
 *			  4	once, the first thing of the kind value: interrupt, tick, ...
 *			  5-7	a sticky walk, drawn from the value and from where it is
 *		bits 3-6	of a walk: two to the power of so many decisions
 *
 * So most bytes mean "no", one change is one preemption more or less, and a walk is there
 * for what nobody can aim at.  Behind the last record everything is the default.
 *
 * Owns nothing, takes no lock.  Must never look at an address but to see whether two are
 * the same.
 */
#include "sync/strategy.h"

#include "base/compiler.h"

#define GAP_EXACT	192u
#define GAP_STEP	16u

enum { DO_INDEX, DO_CPU = 2, DO_EVENT = 4, DO_WALK };

static u64 gap_of(u8 gap)
{
	return gap < GAP_EXACT ? gap : GAP_EXACT + (gap - GAP_EXACT) * (u64)GAP_STEP;
}

/* The record to come acts so many decisions after @decision. */
static void wait_for_next(struct strategy *s, u64 decision)
{
	if (s->bytes.next < s->bytes.nr)
		s->bytes.due = decision + gap_of(s->bytes.record[s->bytes.next][0]);
}

void strategy_start_bytes(struct strategy *s, const u8 *bytes, size_t len, u8 *seen)
{
	strategy_begin(s, STRATEGY_BYTES);
	s->bytes.record = (const u8 (*)[SCHEDULE_BYTES_RECORD])bytes;
	s->bytes.nr = len / SCHEDULE_BYTES_RECORD;
	s->bytes.next = 0;
	s->bytes.walk_end = 0;
	s->bytes.seen = seen;
	s->bytes.last = 0;
	wait_for_next(s, 0);
}

/* ---- what a record does ---- */

static unsigned int first_of(const struct sched_choices *c, enum sched_event event, int cpu)
{
	for (unsigned int i = 0; i < c->nr; i++) {
		if (c->choice[i].event == event && (cpu < 0 || c->choice[i].cpu == cpu))
			return i;
	}
	return 0;
}

static unsigned int act(struct strategy *s, const struct sched_choices *c)
{
	const u8 *r = s->bytes.record[s->bytes.next++];
	u64 end = c->decision + 1;
	unsigned int i;

	switch (r[1] & 7) {
	case DO_INDEX:
	case DO_INDEX + 1:
		i = r[2] % c->nr;
		break;
	case DO_CPU:
	case DO_CPU + 1:
		i = first_of(c, SCHED_RUN, r[2] % SCHEDULE_BYTES_CPUS);
		break;
	case DO_EVENT:
		i = first_of(c, r[2] % NR_SCHED_EVENTS, -1);
		break;
	default:
		end = c->decision + (1ULL << (r[1] >> 3 & 15));
		prng_seed(&s->rng, (u64)s->bytes.next << 8 | r[2]);
		s->bytes.walk_end = end;
		i = strategy_walk(s, c);
	}
	wait_for_next(s, end);
	return i;
}

/* ---- what a fuzzer is told of a run ---- */

static void count(struct strategy *s, u64 what)
{
	u8 *n = &s->bytes.seen[mix64(what) % SCHEDULE_BYTES_SEEN];

	*n += *n != 0xff;
}

static bool contend(const struct sched_choice *a, const struct sched_choice *b)
{
	return a->event == SCHED_RUN && b->event == SCHED_RUN && a->obj == b->obj &&
	       a->cpu != b->cpu;
}

/* Who was put off before what, for whom, and after which; and who wins which race. */
static void look(struct strategy *s, const struct sched_choices *c, unsigned int i)
{
	const struct sched_choice *chosen = &c->choice[i], *put_off = &c->choice[0];

	if (i) {
		u32 what = 1 + put_off->kind +
			   NR_SCHED_KINDS * (chosen->kind + NR_SCHED_KINDS * (u32)chosen->event);

		count(s, (u64)s->bytes.last << 32 | what);
		s->bytes.last = what;
	}
	for (unsigned int j = 0; chosen->obj && j < c->nr; j++) {
		if (contend(&c->choice[j], chosen))
			count(s, 1ULL << 63 | (u64)chosen->kind << 8 | c->choice[j].kind);
	}
}

unsigned int strategy_bytes_choose(struct strategy *s, const struct sched_choices *c)
{
	unsigned int i = 0;

	if (s->bytes.next < s->bytes.nr && c->decision >= s->bytes.due)
		i = act(s, c);
	else if (c->decision < s->bytes.walk_end)
		i = strategy_walk(s, c);
	if (s->bytes.seen)
		look(s, c, i);
	return i;
}
