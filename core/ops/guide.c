/* SPDX-License-Identifier: MIT */
/*
 * Guided runs: who goes on is said by marks in the program (guide.h).
 *
 * Owns struct guide.  Compiled without ThreadSanitizer: it looks at every vCPU's task as
 * whichever vCPU decides.  Must decide nothing by an address or by time.
 */
#include "ops/guide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/tsan.h"

/* ---- marks ---- */

void guide_marks_free(struct guide_marks *marks)
{
	free(marks->mark);
	memset(marks, 0, sizeof(*marks));
}

void guide_marks_add(struct guide_marks *marks, const struct guide_mark *mark)
{
	size_t room = 2 * marks->room + 64;
	struct guide_mark *more;

	if (marks->nr == marks->room) {
		/* Any vCPU may be the one that adds: to TSan they are threads without order. */
		tsan_ignore_writes_begin();
		more = realloc(marks->mark, room * sizeof(*more));
		tsan_ignore_writes_end();
		if (!more) {
			marks->lost = true;
			return;
		}
		marks->mark = more;
		marks->room = room;
	}
	marks->mark[marks->nr++] = *mark;
}

/* ---- following ---- */

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

/* A list of marks for each line, in their order. */
static int sort_marks(struct guide *g, size_t lines)
{
	const struct guide_marks *marks = g->follow;

	if (!make_room((void **)&g->line, &g->nr_lines_room, lines, sizeof(*g->line)) ||
	    !make_room((void **)&g->next, &g->nr_next_room, marks ? marks->nr : 0,
		       sizeof(*g->next)))
		return -ENOMEM;
	for (size_t i = marks ? marks->nr : 0; i--;) {
		struct guide_line *line = &g->line[marks->mark[i].line];

		g->next[i] = line->first;
		line->first = (u32)i + 1;
	}
	return 0;
}

/* Where vCPU cpu is, and who is there. */
static u64 look_at(const struct guide *g, unsigned int cpu, u16 *who)
{
	unsigned int slot;
	u64 line;

	*who = (u16)(GUIDE_IDLE + cpu);
	if (!explore_at(g->machine, cpu, &slot, &line))
		return g->nr_lines + cpu;
	*who = (u16)slot;
	return line == OP_NO_LINE ? g->nr_lines + cpu : line;
}

/* Counts the steps in each line: a task may have been on several vCPUs in one. */
static void look_around(struct guide *g, const struct sched_choices *c)
{
	for (unsigned int i = 0; i < c->nr; i++) {
		unsigned int cpu = c->choice[i].cpu;
		u64 step = c->choice[i].step, line;
		u16 who;

		line = look_at(g, cpu, &who);
		if (who < GUIDE_IDLE && cpu < 64)
			g->cpus |= 1ULL << cpu;
		if (g->at[cpu].line == line && g->at[cpu].step != step) {
			g->line[line].off += (u32)(step - g->at[cpu].step);
			g->line[line].nth = 0;
		}
		g->at[cpu].line = line;
		g->at[cpu].step = step;
	}
}

static unsigned int find(const struct guide *g, const struct sched_choices *c,
			 const struct guide_mark *mark)
{
	u16 who;

	for (unsigned int i = 0; i < c->nr; i++) {
		if (c->choice[i].event != mark->event)
			continue;
		look_at(g, c->choice[i].cpu, &who);
		if (who == mark->who)
			return i;
	}
	return 0;
}

static bool is_due(const struct guide_mark *mark, const struct guide_line *at)
{
	return mark->off < at->off || (mark->off == at->off && mark->nth <= at->nth);
}

/* The first mark of the line, if it is due; each is met once. */
static unsigned int follow(struct guide *g, const struct sched_choices *c,
			   struct guide_line *at)
{
	u32 i = at->first;

	if (!i || !is_due(&g->follow->mark[i - 1], at))
		return 0;
	at->first = g->next[i - 1];
	return find(g, c, &g->follow->mark[i - 1]);
}

static unsigned int choose(void *arg, const struct sched_choices *c)
{
	struct guide *g = arg;
	struct guide_mark mark;
	struct guide_line *at;
	unsigned int i;

	look_around(g, c);
	mark.line = (u32)g->at[c->choice[0].cpu].line;
	at = &g->line[mark.line];
	mark.off = at->off;
	mark.nth = at->nth;
	i = follow(g, c, at);
	at->nth++;
	if (g->other && !prng_below(&g->rng, g->one_in))
		i = strategy_choose(g->other, c);
	if (i) {
		mark.event = c->choice[i].event;
		look_at(g, c->choice[i].cpu, &mark.who);
		guide_marks_add(&g->made, &mark);
	}
	return i;
}

/* ---- runs ---- */

static void begin(void *arg, struct machine *m)
{
	struct guide *g = arg;

	g->machine = m;
}

int guide_run(struct guide *g, const struct explore_config *config, u64 seed,
	      struct schedule *record, struct explore_result *result)
{
	struct explore_watch watch = { .begin = begin, .arg = g };
	struct explore_config c = *config;
	struct strategy strategy;
	int err;

	g->nr_lines = config->list->nr;
	g->made.nr = 0;
	g->cpus = 0;
	g->made.lost = false;
	for (unsigned int i = 0; i < STRATEGY_CPUS; i++)
		g->at[i].line = OP_NO_LINE;
	prng_seed(&g->rng, seed);
	err = sort_marks(g, g->nr_lines + STRATEGY_CPUS);
	if (err)
		return err;
	c.watch = &watch;
	strategy_start_caller(&strategy, choose, g);
	err = explore_run(&c, &strategy, record, result);
	return err ? err : g->made.lost ? -ENOMEM : 0;
}

void guide_free(struct guide *g)
{
	guide_marks_free(&g->made);
	free(g->line);
	free(g->next);
	g->line = NULL;
	g->next = NULL;
	g->nr_lines_room = g->nr_next_room = 0;
}
