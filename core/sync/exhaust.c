/* SPDX-License-Identifier: MIT */
/*
 * The bounded search: the path to the run under way, what is still to be tried along it,
 * and the states that have been seen.
 *
 * A run goes the path again, to where another way is to be tried, and from there on takes
 * whatever costs nothing; all else that the bounds allow is noted for later.  The deepest
 * is tried first, so when a state is met again, all that follows it has been tried.
 *
 * Owns struct exhaust; no lock: one thread.  Memory grows in the middle of a run, on any
 * vCPU's stack: hidden from ThreadSanitizer.  Must never look at what a pointer points to.
 */
#include "sync/exhaust.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/compiler.h"
#include "base/prng.h"
#include "base/tsan.h"
#include "sync/steps.h"
#include "sync/strategy.h"

/* Something that may happen, and what is left of the bounds before it. */
struct way {
	u16	cpu;
	u8	event;
	u8	preemptions, events;	/* what it costs */
};

/* A decision of the path. */
struct node {
	struct way		taken;
	u8			preemptions, events;	/* left before it */
	u32			nr_others;	/* not tried yet: at the end of others[] */
	u32			steps;		/* before it */
	u32			since;		/* run: from it on, all have come here */
	struct step_turn	turn;
};

/* Seen with so much left: bit preemptions * 8 + events. */
struct state {
	u64	hash;
	u64	left;			/* 0: free */
};

/* By hash, open addressing; room is a power of 2. */
struct states {
	struct state	*state;
	size_t		nr, room;
};

struct exhaust {
	struct exhaust_bounds	bounds;
	struct exhaust_stats	stats;
	struct steps		*steps;
	const char		*failed;
	bool			done;

	struct node		*path;
	size_t			nr_path, room_path;
	struct way		*others;
	size_t			nr_others, room_others;

	struct states		seen, finals;

	/* of the run under way */
	size_t			at;		/* its next decision */
	size_t			again;		/* up to here it goes the path again */
	bool			over;		/* it has joined another, or is closed */
	bool			departed;	/* another way than by default was just taken */
	unsigned int		on;		/* vCPU that the latest step was on */
	unsigned int		preemptions, events;	/* left */
};

#define STATES_FIRST	(1u << 12)

static const char another_run[] = "equal choices led to another run";

/* ---- memory ---- */

static void *grow(struct exhaust *s, void *array, size_t *room, size_t size)
{
	size_t more = 2 * *room + 256;
	void *bigger;

	tsan_ignore_writes_begin();
	bigger = realloc(array, more * size);
	tsan_ignore_writes_end();
	if (!bigger) {
		s->failed = "memory is short";
		return NULL;
	}
	*room = more;
	return bigger;
}

static bool add_other(struct exhaust *s, const struct way *way)
{
	if (s->nr_others == s->room_others) {
		struct way *others = grow(s, s->others, &s->room_others, sizeof(*others));

		if (!others)
			return false;
		s->others = others;
	}
	s->others[s->nr_others++] = *way;
	return true;
}

static struct node *add_node(struct exhaust *s)
{
	if (s->nr_path == s->room_path) {
		struct node *path = grow(s, s->path, &s->room_path, sizeof(*path));

		if (!path)
			return NULL;
		s->path = path;
	}
	return &s->path[s->nr_path++];
}

/* ---- states ---- */

/* This much left, and less of either. */
static u64 left_mask(unsigned int preemptions, unsigned int events)
{
	u64 row = (2ULL << events) - 1, mask = 0;

	for (unsigned int i = 0; i <= preemptions; i++)
		mask |= row << 8 * i;
	return mask;
}

static struct state *find_state(const struct states *t, u64 hash)
{
	size_t i = hash & (t->room - 1);

	while (t->state[i].left && t->state[i].hash != hash)
		i = (i + 1) & (t->room - 1);
	return &t->state[i];
}

static bool grow_states(struct states *t)
{
	struct states more = { .nr = t->nr, .room = t->room ? 2 * t->room : STATES_FIRST };

	tsan_ignore_writes_begin();
	more.state = calloc(more.room, sizeof(*more.state));
	for (size_t i = 0; more.state && i < t->room; i++)
		if (t->state[i].left)
			*find_state(&more, t->state[i].hash) = t->state[i];
	if (more.state)
		free(t->state);
	tsan_ignore_writes_end();
	if (!more.state)
		return false;
	*t = more;
	return true;
}

/* False when there is no room for it.  A mask of 0 does nothing. */
static bool remember(struct states *t, u64 hash, u64 mask)
{
	struct state *state;

	if (t->nr >= t->room / 4 * 3 && !grow_states(t))
		return false;
	state = find_state(t, hash);
	t->nr += !state->left;
	state->hash = hash;
	state->left |= mask;
	return true;
}

/* ---- what ways there are ---- */

static bool can_run(const struct sched_choices *c, unsigned int cpu)
{
	for (unsigned int i = 0; i < c->nr; i++)
		if (c->choice[i].event == SCHED_RUN && c->choice[i].cpu == cpu)
			return true;
	return false;
}

static bool somebody_can_run(const struct sched_choices *c)
{
	/* They come first. */
	return c->choice[0].event == SCHED_RUN;
}

static struct step_turn turn_of(const struct sched_choices *c)
{
	struct step_turn turn = { .runner = c->runner, .resume = c->resume };

	for (unsigned int i = 0; i < c->nr; i++)
		if (c->choice[i].event == SCHED_RUN)
			turn.can_run |= 1ULL << c->choice[i].cpu;
	return turn;
}

static struct way way_of(const struct sched_choices *c, const struct sched_choice *choice)
{
	bool leaves = choice->cpu != c->runner && can_run(c, c->runner);
	struct way way = { .cpu = choice->cpu, .event = choice->event };

	switch ((enum sched_event)choice->event) {
	case SCHED_RUN:
		way.preemptions = leaves;
		break;
	case SCHED_FILL:
		way.events = 1;
		break;
	case SCHED_TICK:
		/* Another task goes on there. */
		way.preemptions = leaves;
		way.events = somebody_can_run(c);
		break;
	default:
		way.events = somebody_can_run(c);
		break;
	}
	return way;
}

static bool affordable(const struct exhaust *s, const struct way *way)
{
	return way->preemptions <= s->preemptions && way->events <= s->events;
}

/* Of what costs nothing the first; something does always. */
static unsigned int first_free(const struct sched_choices *c)
{
	for (unsigned int i = 0; i < c->nr; i++) {
		struct way way = way_of(c, &c->choice[i]);

		if (!way.preemptions && !way.events)
			return i;
	}
	MM_BUG();
}

/* ---- where we have been ---- */

static bool has_been(const struct exhaust *s, u64 hash)
{
	return find_state(&s->seen, hash)->left >> (8 * s->preemptions + s->events) & 1;
}

static u64 place(const struct exhaust *s, const struct step_turn *turn, unsigned int runner)
{
	return mix64(steps_hash(s->steps) + hash64(turn->resume, runner, 0));
}

/* Who went on last matters only if he can go on. */
static unsigned int by_right(const struct step_turn *turn)
{
	return turn->runner < STRATEGY_CPUS && turn->can_run >> turn->runner & 1 ?
	       turn->runner : STRATEGY_CPUS;
}

/*
 * All that follows has been tried, with at least as much left.  Where nobody went on by
 * right, each could for nothing: that is more.
 */
static bool seen(const struct exhaust *s, const struct step_turn *turn)
{
	return !s->bounds.brute && !steps_lost(s->steps) &&
	       (has_been(s, place(s, turn, by_right(turn))) ||
		has_been(s, place(s, turn, STRATEGY_CPUS)));
}

/* What is not remembered is tried again. */
static void note_place(struct exhaust *s, const struct step_turn *turn)
{
	if (!s->bounds.brute && !steps_lost(s->steps) && s->seen.nr < s->bounds.max_states)
		remember(&s->seen, place(s, turn, by_right(turn)),
			 left_mask(s->preemptions, s->events));
}

/* ---- choosing ---- */

static unsigned int go_again(struct exhaust *s, const struct sched_choices *c)
{
	const struct way *way = &s->path[s->at].taken;

	for (unsigned int i = 0; i < c->nr; i++) {
		if (c->choice[i].cpu != way->cpu || c->choice[i].event != way->event)
			continue;
		s->preemptions -= way->preemptions;
		s->events -= way->events;
		s->at++;
		s->departed = s->at == s->again;
		return i;
	}
	s->failed = another_run;
	return first_free(c);
}

/* The rest is noted.  What costs nothing last: it will be tried first. */
static void branch(struct exhaust *s, const struct sched_choices *c, unsigned int taken)
{
	struct node *node = add_node(s);
	size_t before = s->nr_others;

	if (!node)
		return;
	node->taken = way_of(c, &c->choice[taken]);
	node->preemptions = (u8)s->preemptions;
	node->events = (u8)s->events;
	node->steps = steps_count(s->steps);
	node->since = steps_run(s->steps);
	node->turn = turn_of(c);
	for (unsigned int i = c->nr; i-- > 0;) {
		struct way way = way_of(c, &c->choice[i]);

		if (i != taken && affordable(s, &way) && !add_other(s, &way))
			break;
	}
	node->nr_others = (u32)(s->nr_others - before);
	s->stats.decisions += node->nr_others != 0;
	s->at++;
}

static unsigned int ways_within(const struct exhaust *s, const struct sched_choices *c)
{
	unsigned int ways = 0;

	for (unsigned int i = 0; i < c->nr; i++) {
		struct way way = way_of(c, &c->choice[i]);

		ways += affordable(s, &way);
	}
	return ways;
}

/*
 * Where there is one way only, places are noted just after a departure from the default
 * and after a switch: that is where others come together with this run.
 */
static bool is_landmark(const struct exhaust *s, const struct sched_choices *c)
{
	return s->departed || c->runner != s->on;
}

static unsigned int decide(struct exhaust *s, const struct sched_choices *c)
{
	const struct step_turn turn = turn_of(c);
	unsigned int ways, taken;

	if (s->at < s->again && !s->failed)
		return c->nr > 1 ? go_again(s, c) : 0;
	taken = c->nr > 1 ? first_free(c) : 0;
	if (s->failed || s->over)
		return taken;
	if (seen(s, &turn)) {
		s->over = true;
		s->stats.joined++;
		return taken;
	}
	ways = ways_within(s, c);
	if (ways > 1 || is_landmark(s, c))
		note_place(s, &turn);
	s->departed = false;
	if (c->nr > 1)
		branch(s, c, taken);
	return taken;
}

unsigned int exhaust_choose(struct exhaust *s, const struct sched_choices *c)
{
	const struct step_turn turn = turn_of(c);
	const struct sched_choice *choice;
	unsigned int i;

	steps_after(s->steps, &turn);
	i = decide(s, c);
	choice = &c->choice[i];
	s->on = choice->cpu;
	if (s->bounds.brute)
		return i;
	steps_begin(s->steps, choice->cpu, choice->event, &turn);
	if (choice->event == SCHED_RUN && choice->obj)
		steps_touch(s->steps, choice->obj, sched_kind_writes(choice->kind));
	return i;
}

void exhaust_close(struct exhaust *s)
{
	s->over = true;
}

void exhaust_touch(struct exhaust *s, const void *obj, bool write)
{
	steps_touch(s->steps, obj, write);
}

void exhaust_step_end(struct exhaust *s)
{
	steps_end(s->steps);
}

/* ---- from run to run ---- */

struct exhaust *exhaust_new(const struct exhaust_bounds *bounds)
{
	struct exhaust *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->bounds = *bounds;
	if (!s->bounds.max_states)
		s->bounds.max_states = EXHAUST_STATES;
	s->steps = steps_new();
	if (!s->steps || !grow_states(&s->seen) || !grow_states(&s->finals)) {
		exhaust_free(s);
		return NULL;
	}
	return s;
}

void exhaust_free(struct exhaust *s)
{
	if (!s)
		return;
	steps_free(s->steps);
	free(s->path);
	free(s->others);
	free(s->seen.state);
	free(s->finals.state);
	free(s);
}

/* Only one can go on: for nothing, and nothing else can be paid for. */
static bool only_way(const struct exhaust *s, const struct step_turn *turn, struct way *way)
{
	unsigned int cpu = by_right(turn);

	if (s->preemptions || s->events || !turn->can_run)
		return false;
	if (cpu == STRATEGY_CPUS && turn->can_run & (turn->can_run - 1))
		return false;
	if (cpu == STRATEGY_CPUS)
		cpu = (unsigned int)__builtin_ctzll(turn->can_run);
	*way = (struct way){ .cpu = (u16)cpu, .event = SCHED_RUN };
	return true;
}

#define AHEAD_MAX	4096

/*
 * Without a run: would this way, taken at @node, only lead to where we have been?  Looks
 * ahead for as long as what happens is known, and there is only one way to go on.
 */
static bool leads_nowhere_new(struct exhaust *s, const struct node *node, struct way way)
{
	struct step_turn turn = node->turn;
	bool known = false;

	s->preemptions = node->preemptions - way.preemptions;
	s->events = node->events - way.events;
	for (unsigned int i = 0; i < AHEAD_MAX && !known; i++) {
		if (!steps_imagine(s->steps, way.cpu, way.event, node->since, &turn))
			break;
		known = seen(s, &turn);
		if (!known && !only_way(s, &turn, &way))
			break;
	}
	steps_undo(s->steps, node->steps);
	return known;
}

/* What is left to try at the end of the path and is worth it; false: nothing. */
static bool next_other(struct exhaust *s, struct node *node)
{
	steps_undo(s->steps, node->steps);
	while (node->nr_others) {
		node->nr_others--;
		node->taken = s->others[--s->nr_others];
		if (s->bounds.brute || !leads_nowhere_new(s, node, node->taken))
			return true;
		s->stats.pruned++;
	}
	return false;
}

/* Back to the last decision of the path at which something else is to be tried. */
static bool backtrack(struct exhaust *s)
{
	while (s->nr_path) {
		if (next_other(s, &s->path[s->nr_path - 1]))
			return true;
		s->nr_path--;
	}
	return false;
}

bool exhaust_next(struct exhaust *s)
{
	if (s->failed || s->done)
		return false;
	if (s->stats.runs && !backtrack(s)) {
		s->done = true;
		return false;
	}
	s->stats.runs++;
	s->at = 0;
	s->again = s->nr_path;
	s->over = false;
	s->departed = false;
	s->on = STRATEGY_CPUS;
	s->preemptions = s->bounds.preemptions;
	s->events = s->bounds.events;
	steps_reset(s->steps);
	return true;
}

void exhaust_end(struct exhaust *s, u64 final)
{
	if (s->at < s->again)
		s->failed = another_run;
	if (find_state(&s->finals, final)->left)
		return;
	s->stats.finals_hash += mix64(final);
	if (!remember(&s->finals, final, 1))
		s->failed = "memory is short";
}

bool exhaust_done(const struct exhaust *s)
{
	return s->done;
}

const char *exhaust_failed(const struct exhaust *s)
{
	return s->failed;
}

void exhaust_stats(const struct exhaust *s, struct exhaust_stats *stats)
{
	*stats = s->stats;
	stats->bounds = s->bounds;
	stats->left = s->nr_others;
	stats->states = s->seen.nr;
	stats->finals = s->finals.nr;
}
