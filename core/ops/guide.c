/* SPDX-License-Identifier: MIT */
/*
 * Guided runs: who goes on is said by another run's trail (guide.h).
 *
 * Owns struct guide.  A place is where a task can be: in a line, about to be switched to
 * in one, behind all of its lines; or a vCPU that has no task.  Steps are counted in each,
 * on whichever vCPUs.  Compiled without ThreadSanitizer: it looks at every vCPU's task as
 * whichever vCPU decides.  Must decide nothing by an address or by time.
 */
#include "ops/guide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/tsan.h"
#include "hw/machine.h"
#include "kern/sched.h"

struct guide_place {
	u32	at;		/* 1 + the mark that it has come to; 0: the trail was never here */
	u32	event;		/* 1 + the mark of its events that comes next; 0: none */
	u32	off;
	u32	kind;		/* of the latest step */
	u32	nth[NR_SCHED_KINDS];
};

struct guide_link {
	u32	next;		/* 1 + the next mark of the place; 0: none */
	u32	next_event;	/* 1 + the next of its events; 0: none */
	u32	off, nth;	/* of the mark, perhaps shifted */
	u64	rank;		/* its turn, perhaps another's */
};

/* Ranks of what no mark speaks of: nothing, unless there is nothing else. */
#define RANK_SELDOM	(1ULL << 40)
#define RANK_NEVER	(1ULL << 41)
/* Steps that a task makes, once it has a vCPU, before its turn ends for another's sake. */
#define TURN_STEPS	16
/* A mark is shifted by so many steps, at most. */
#define SHIFT_STEPS	12
/* Or among so many others. */
#define SHIFT_MARKS	24

/* ---- trails ---- */

void guide_trail_free(struct guide_trail *trail)
{
	free(trail->mark);
	memset(trail, 0, sizeof(*trail));
}

void guide_trail_add(struct guide_trail *trail, const struct guide_mark *mark)
{
	size_t room = 2 * trail->room + 64;
	struct guide_mark *more;

	if (trail->nr == trail->room) {
		/* Any vCPU may be the one that adds: to TSan they are threads without order. */
		tsan_ignore_writes_begin();
		more = realloc(trail->mark, room * sizeof(*more));
		tsan_ignore_writes_end();
		if (!more) {
			trail->lost = true;
			return;
		}
		trail->mark = more;
		trail->room = room;
	}
	trail->mark[trail->nr++] = *mark;
}

/* ---- places ---- */

static size_t nr_places(const struct guide *g, unsigned int cpus)
{
	return 2 * g->nr_lines + 2 * OP_TASKS_MAX + cpus;
}

static size_t place_of(const struct guide *g, const struct guide_mark *at)
{
	if (at->who >= GUIDE_IDLE)
		return 2 * g->nr_lines + 2 * OP_TASKS_MAX + (at->who - GUIDE_IDLE);
	if (at->line == GUIDE_NO_LINE)
		return 2 * g->nr_lines + 2 * at->who + at->coming;
	return 2 * (size_t)at->line + at->coming;
}

static struct guide_mark mark_at(const struct explore_place *place)
{
	return (struct guide_mark){
		.who = (u16)place->slot, .coming = place->coming,
		.line = place->line == OP_NO_LINE ? GUIDE_NO_LINE : (u32)place->line,
	};
}

/* Where vCPU cpu is: the place alone. */
static struct guide_mark look_at(const struct guide *g, unsigned int cpu)
{
	struct explore_place place;

	if (explore_at(g->machine, cpu, &place))
		return mark_at(&place);
	return (struct guide_mark){ .who = (u16)(GUIDE_IDLE + cpu), .line = GUIDE_NO_LINE };
}

/* And how far it has come there. */
static struct guide_mark stand_at(const struct guide *g, unsigned int cpu)
{
	struct guide_mark at = look_at(g, cpu);
	const struct guide_place *p = &g->place[place_of(g, &at)];

	at.off = p->off;
	at.kind = (u8)p->kind;
	at.nth = p->nth[p->kind];
	return at;
}

static void count_step(struct guide_place *p)
{
	p->off++;
	p->nth[p->kind]++;
}

/* A mark of what happens on vCPU cpu: who goes on at once needs no other. */
static void note(struct guide *g, const struct guide_mark *at, unsigned int cpu)
{
	u64 place = place_of(g, at);

	g->cpu = cpu;
	if (at->event == SCHED_RUN && g->last == place)
		return;
	guide_trail_add(&g->made, at);
	g->last = at->event == SCHED_RUN ? place : ~0ULL;
}

static void on_point(void *arg, struct vcpu *cpu, enum sched_kind kind, const void *obj)
{
	struct guide *g = arg;
	struct guide_mark at = look_at(g, cpu->nr);
	struct guide_place *p = &g->place[place_of(g, &at)];

	(void)obj;
	/* Nobody else could go on, so that nobody was asked. */
	if (g->cpu != cpu->nr)
		note(g, &g->stood[cpu->nr], cpu->nr);
	p->kind = kind;
	count_step(p);
	g->gone_on = NULL;
	g->stood[cpu->nr] = stand_at(g, cpu->nr);
}

/* ---- ranks ---- */

static bool reached(const struct guide *g, const struct guide_place *p, u32 i)
{
	const struct guide_mark *mark = &g->follow->mark[i];

	if (g->by == GUIDE_BY_KIND)
		return p->nth[mark->kind] >= g->link[i].nth;
	return p->off >= g->link[i].off;
}

/* Of a step at a mark: one before which something happened comes behind that. */
static u64 rank_of_mark(const struct guide *g, u32 i)
{
	return g->link[i].rank + (g->follow->mark[i].event != SCHED_RUN);
}

/* Of the steps of a place: where the run is on its trail.  The first mark is for all before. */
static u64 rank_of_place(const struct guide *g, struct guide_place *p)
{
	u32 next;

	if (!p->at)
		return RANK_NEVER;
	while ((next = g->link[p->at - 1].next) && reached(g, p, next - 1))
		p->at = next;
	return rank_of_mark(g, p->at - 1);
}

/* Of the task's next step; in a place that the trail never was at, it is still where it was. */
static u64 rank_of_task(struct guide *g, const struct guide_mark *at)
{
	struct guide_mark in_line = *at;
	u64 rank = rank_of_place(g, &g->place[place_of(g, at)]);

	if (rank == RANK_NEVER && at->coming) {
		in_line.coming = false;
		rank = rank_of_place(g, &g->place[place_of(g, &in_line)]);
	}
	if (rank == RANK_NEVER)
		return g->rank[at->who];
	g->rank[at->who] = rank;
	return rank;
}

/* Of the step behind the one that a place has come to. */
static u64 rank_of_next(const struct guide *g, struct guide_place *p)
{
	u64 rank = rank_of_place(g, p);
	u32 next = rank == RANK_NEVER ? 0 : g->link[p->at - 1].next;

	if (!p->off || !next || g->link[next - 1].off > p->off + 1)
		return rank;
	return rank_of_mark(g, next - 1);
}

/*
 * Of a task without a vCPU: it comes to one for the how manieth time in this line, and
 * then goes on.  Of one that the trail speaks of no more nothing can be said.
 */
static u64 rank_of_coming(struct guide *g, const struct guide_mark *at)
{
	struct guide_mark coming = *at;
	struct guide_place *p;
	u64 rank;
	u32 next;

	coming.coming = true;
	p = &g->place[place_of(g, &coming)];
	rank = rank_of_place(g, p);
	next = p->at ? g->link[p->at - 1].next : 0;
	if (p->off && next)
		return rank_of_mark(g, next - 1);
	if (p->at && !p->off)
		return rank;
	return rank_of_next(g, &g->place[place_of(g, at)]);
}

struct queued {
	struct guide	*g;
	unsigned int	cpu;
	u64		rank;
};

static void look_at_queued(struct task_struct *task, void *arg)
{
	struct queued *q = arg;
	struct explore_place place;
	struct guide_mark at;
	unsigned int cpu;

	if (!explore_queued(task, &place, &cpu) || cpu != q->cpu)
		return;
	at = mark_at(&place);
	q->rank = min(q->rank, rank_of_coming(q->g, &at));
}

/* Of whoever waits in the queue of a vCPU. */
static u64 rank_of_queued(struct guide *g, unsigned int cpu)
{
	struct queued q = { .g = g, .cpu = cpu, .rank = RANK_NEVER };

	kern_for_each_task(g->machine, look_at_queued, &q);
	return q.rank;
}

static u64 rank_of_run(struct guide *g, unsigned int cpu)
{
	struct guide_mark at = look_at(g, cpu);
	u64 rank;

	if (at.who < GUIDE_IDLE)
		return rank_of_task(g, &at);
	rank = rank_of_place(g, &g->place[place_of(g, &at)]);
	return min(min(rank, rank_of_queued(g, cpu)), RANK_SELDOM);
}

/* Whether vCPU cpu has a step among the choices. */
static bool can_run(const struct sched_choices *c, unsigned int cpu)
{
	for (unsigned int i = 0; i < c->nr && c->choice[i].event == SCHED_RUN; i++)
		if (c->choice[i].cpu == cpu)
			return true;
	return false;
}

/* Of the first who has to wait for something. */
static u64 rank_of_waiters(struct guide *g, const struct sched_choices *c)
{
	u64 rank = RANK_SELDOM;

	for (unsigned int cpu = 0; cpu < g->machine->nr_cpus; cpu++) {
		struct guide_mark at = look_at(g, cpu);

		if (at.who < GUIDE_IDLE && !can_run(c, cpu))
			rank = min(rank, rank_of_task(g, &at));
	}
	return rank;
}

/* The next mark of the vCPU's place that is of this event, if it is due. */
static u32 event_mark(const struct guide *g, const struct sched_choice *choice)
{
	struct guide_mark at = look_at(g, choice->cpu);
	const struct guide_place *p = &g->place[place_of(g, &at)];
	u32 i = p->event;

	while (i && g->follow->mark[i - 1].event != choice->event)
		i = g->link[i - 1].next_event;
	return i && reached(g, p, i - 1) ? i : 0;
}

static u64 rank_of_event(struct guide *g, const struct sched_choices *c,
			 const struct sched_choice *choice)
{
	u32 mark = event_mark(g, choice);

	if (mark)
		return g->link[mark - 1].rank;
	switch (choice->event) {
	case SCHED_IRQ:
	case SCHED_GRACE:
		return rank_of_waiters(g, c);
	case SCHED_TICK:
		return g->turn[choice->cpu] < TURN_STEPS ? RANK_NEVER :
		       rank_of_queued(g, choice->cpu);
	default:
		return RANK_NEVER;
	}
}

/* ---- choosing ---- */

static unsigned int first_of(struct guide *g, const struct sched_choices *c)
{
	u64 least = ~0ULL;
	unsigned int first = 0;

	for (unsigned int i = 0; i < c->nr; i++) {
		const struct sched_choice *choice = &c->choice[i];
		u64 rank = choice->event == SCHED_RUN ? rank_of_run(g, choice->cpu) :
						       rank_of_event(g, c, choice);

		if (rank < least) {
			least = rank;
			first = i;
		}
	}
	return first;
}

/* Marks of events are met once, and those of the same place before them no more. */
static void meet(struct guide *g, const struct sched_choice *choice)
{
	struct guide_mark at = look_at(g, choice->cpu);
	u32 mark = event_mark(g, choice);

	if (mark)
		g->place[place_of(g, &at)].event = g->link[mark - 1].next_event;
}

/* It is what happens now. */
static void take(struct guide *g, const struct sched_choice *choice)
{
	struct guide_mark at = stand_at(g, choice->cpu);

	at.event = choice->event;
	note(g, &at, choice->cpu);
	if (choice->event == SCHED_RUN)
		g->turn[choice->cpu]++;
	else if (choice->event == SCHED_TICK)
		g->turn[choice->cpu] = 0;
	g->gone_on = choice->event == SCHED_RUN ? &g->place[place_of(g, &at)] : NULL;
}

static unsigned int choose(void *arg, const struct sched_choices *c)
{
	struct guide *g = arg;
	unsigned int i = 0;

	/* Out of a handler one is where one was, without another point: a step all the same. */
	if (g->gone_on)
		count_step(g->gone_on);
	if (g->follow)
		i = first_of(g, c);
	else if (g->other)
		i = strategy_choose(g->other, c);
	if (g->follow && c->choice[i].event != SCHED_RUN)
		meet(g, &c->choice[i]);
	take(g, &c->choice[i]);
	return i;
}

/* ---- runs ---- */

/* Room for nr elements, which are zero then. */
static bool make_room(void **array, size_t *room, size_t nr, size_t size)
{
	void *more = *room < nr ? realloc(*array, nr * size) : *array;

	if (nr && !more)
		return false;
	*array = more;
	*room = max(*room, nr);
	if (nr)
		memset(more, 0, nr * size);
	return true;
}

/* Some marks are met earlier or later than they were, or have another's turn. */
static void shift(struct guide *g)
{
	size_t nr = g->follow ? g->follow->nr : 0;

	for (unsigned int i = 0; i < g->shifts && nr; i++) {
		size_t at = prng_below(&g->rng, nr);
		u64 by = prng_below(&g->rng, 2 * SHIFT_MARKS + 1);
		u32 steps = (u32)prng_below(&g->rng, 2 * SHIFT_STEPS + 1);

		if (prng_below(&g->rng, 2)) {
			g->link[at].rank += 2 * by + 1;
			g->link[at].rank -= min(g->link[at].rank, 2ULL * SHIFT_MARKS);
		} else {
			g->link[at].off = max(g->link[at].off + steps, (u32)SHIFT_STEPS) -
					  SHIFT_STEPS;
			g->link[at].nth = max(g->link[at].nth + steps / 4,
					      (u32)SHIFT_STEPS / 4) - SHIFT_STEPS / 4;
		}
	}
}

/* Two lists of marks for each place, in their order. */
static int lay_out(struct guide *g, unsigned int cpus)
{
	const struct guide_trail *trail = g->follow;
	size_t nr = trail ? trail->nr : 0;

	if (!make_room((void **)&g->place, &g->nr_places_room, nr_places(g, cpus),
		       sizeof(*g->place)) ||
	    !make_room((void **)&g->link, &g->nr_links_room, nr, sizeof(*g->link)))
		return -ENOMEM;
	for (size_t i = nr; i--;) {
		const struct guide_mark *mark = &trail->mark[i];
		struct guide_place *p = &g->place[place_of(g, mark)];

		g->link[i] = (struct guide_link){
			.next = p->at, .next_event = p->event, .off = mark->off,
			.nth = mark->nth, .rank = 2 * i + 2,
		};
		p->at = (u32)i + 1;
		if (mark->event != SCHED_RUN)
			p->event = (u32)i + 1;
	}
	shift(g);
	return 0;
}

static void begin(void *arg, struct machine *m)
{
	struct guide *g = arg;

	g->machine = m;
}

static void wait_for_end(struct task_struct *task, void *arg)
{
	struct guide *g = arg;
	struct explore_place place;
	struct guide_mark at;
	unsigned int cpu;

	if (!explore_queued(task, &place, &cpu))
		return;
	at = mark_at(&place);
	at.coming = true;
	at.off = g->place[place_of(g, &at)].off + 1;
	guide_trail_add(&g->made, &at);
}

/*
 * A run that was left in the middle: whatever was next for those who did not bring it there
 * has not been done, and is to be done no sooner by who follows.
 */
static void end(void *arg, struct machine *m)
{
	struct guide *g = arg;

	if (!m->control)
		return;
	for (unsigned int cpu = 0; cpu < m->nr_cpus; cpu++) {
		struct guide_mark at = stand_at(g, cpu);

		if (cpu != g->cpu)
			guide_trail_add(&g->made, &at);
	}
	kern_for_each_task(m, wait_for_end, g);
}

int guide_run(struct guide *g, const struct explore_config *config, u64 seed,
	      struct schedule *record, struct explore_result *result)
{
	struct explore_watch watch = {
		.begin = begin, .point = on_point, .end = end, .arg = g,
	};
	struct explore_config c = *config;
	struct strategy strategy;
	int err;

	g->nr_lines = config->list->nr;
	g->made.nr = 0;
	g->made.lost = false;
	g->last = ~0ULL;
	g->gone_on = NULL;
	memset(g->turn, 0, sizeof(g->turn));
	g->cpu = STRATEGY_CPUS;
	for (unsigned int i = 0; i < STRATEGY_CPUS; i++)
		g->stood[i] = (struct guide_mark){
			.who = (u16)(GUIDE_IDLE + i), .line = GUIDE_NO_LINE,
		};
	for (unsigned int i = 0; i < OP_TASKS_MAX; i++)
		g->rank[i] = RANK_SELDOM;
	prng_seed(&g->rng, seed);
	err = lay_out(g, config->list->world.cpus);
	if (err)
		return err;
	c.watch = &watch;
	strategy_start_caller(&strategy, choose, g);
	err = explore_run(&c, &strategy, record, result);
	return err ? err : g->made.lost ? -ENOMEM : 0;
}

bool guide_was_at(const struct guide *g, size_t line)
{
	return g->place[2 * line].off;
}

void guide_free(struct guide *g)
{
	guide_trail_free(&g->made);
	free(g->place);
	free(g->link);
	g->place = NULL;
	g->link = NULL;
	g->nr_places_room = g->nr_links_room = 0;
}
