/* SPDX-License-Identifier: MIT */
/*
 * Shrinking failing runs: candidates are made (cut.c), tried, and kept when they fail for
 * the same reason (shrink.h).
 *
 * Owns struct shrink; one thread, no locks.  Must never keep what fails in another way,
 * nor decide by time: where the caller lets it run to its end, the result is always the
 * same.
 */
#include "ops/shrink.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "ops/cut.h"
#include "ops/shorten.h"

/*
 * What may be spent on searching for a schedule of a candidate, in decisions: so small
 * programs are searched long.  In the first round that searches, and the last.
 */
#define EFFORT_FIRST	(1ULL << 15)
#define EFFORT_LAST	(1ULL << 21)
#define EFFORT_FACTOR	4
/* And for fewer vCPUs in the end: there every task's place changes. */
#define EFFORT_CPUS	(1ULL << 23)
/* Programs in which each two ops are tried together: their number is squared. */
#define PAIRS_MAX	24
#define PAIRS_EFFORT	16	/* of so many parts of a single op's */
/* Tasks of which each two are tried as one. */
#define JOINED_MAX	6
/* A searched run has so many marks shifted, at most. */
#define SHIFTS_MAX	4

/* ---- trying ---- */

static bool may_run(struct shrink *s)
{
	if (s->runs >= s->max_runs || !s->go_on(s->arg))
		s->stopped = true;
	return !s->stopped;
}

/* One run; true: it fails as it should. */
static bool fails(struct shrink *s, struct explore_result *r)
{
	s->runs++;
	return !guide_run(&s->guide, &s->config, s->runs, &s->record, r) && r->findings &&
	       !strcmp(r->title, s->title);
}

static bool fails_led(struct shrink *s, enum guide_by by, unsigned int shifts,
		      struct explore_result *r)
{
	s->guide.follow = &s->moved;
	s->guide.by = by;
	s->guide.shifts = shifts;
	return fails(s, r);
}

static bool fails_searched(struct shrink *s, unsigned int try, struct explore_result *r)
{
	struct strategy strategy;

	strategy_start_portfolio(&strategy, try, s->runs, s->result.contested);
	s->guide.follow = NULL;
	s->guide.other = &strategy;
	return fails(s, r);
}

static void swap_trails(struct guide_trail *a, struct guide_trail *b)
{
	struct guide_trail was = *a;

	*a = *b;
	*b = was;
}

/* What was tried is the best from now on; cut is NULL if it is of the same program. */
static bool keep(struct shrink *s, struct cut *cut, const struct explore_result *r)
{
	if (schedule_copy(&s->best.schedule, &s->record)) {
		s->stopped = true;
		return false;
	}
	if (cut) {
		struct op_list was = s->best.list;

		s->best.list = cut->list;
		cut->list = was;
	}
	s->best.config.fills = s->config.fills;
	s->result = *r;
	swap_trails(&s->trail, &s->guide.made);
	if (s->progress)
		s->progress(s->arg, s);
	return true;
}

/* The next line of the task that does old line l, from there on: one that is left. */
static u32 next_left(const struct shrink *s, const struct cut *cut, u32 l)
{
	const struct op_list *old = &s->best.list;
	u32 line = l;

	while (line < old->nr && (old->ops[line].task != old->ops[l].task ||
				  cut->line[line] == CUT_GONE))
		line++;
	return line < old->nr ? cut->line[line] : GUIDE_NO_LINE;
}

/*
 * The trail for the smaller program.  Who was interrupted in a line that is gone is
 * interrupted at the beginning of his next.
 */
static void move_trail(struct shrink *s, const struct cut *cut)
{
	s->moved.nr = 0;
	for (size_t i = 0; i < s->trail.nr; i++) {
		struct guide_mark mark = s->trail.mark[i];

		if (mark.who < GUIDE_IDLE) {
			mark.who = cut->slot[mark.who];
			if (mark.who >= OP_TASKS_MAX)
				continue;
		} else if (mark.who >= GUIDE_IDLE + cut->list.world.cpus) {
			continue;
		}
		if (mark.line != GUIDE_NO_LINE) {
			if (cut->line[mark.line] == CUT_GONE)
				mark.off = mark.nth = 0;
			mark.line = next_left(s, cut, mark.line);
		}
		guide_trail_add(&s->moved, &mark);
	}
}

/* Searches among what is like the trail and among anything, in turn. */
static bool search(struct shrink *s, struct cut *cut)
{
	u64 spent = 0;

	for (unsigned int i = 0; spent < s->effort && may_run(s); i++) {
		struct explore_result r;

		if (i % 2 ? fails_searched(s, i / 2, &r) :
			    fails_led(s, GUIDE_BY_STEP, 1 + i / 2 % SHIFTS_MAX, &r))
			return keep(s, cut, &r);
		/* A run that could not be made is not for nothing. */
		spent += r.decisions + 1;
	}
	return false;
}

/* Tries a candidate, and keeps it if it fails as it should. */
static bool try_cut(struct shrink *s, struct cut *cut)
{
	struct explore_result r;

	s->config.list = &cut->list;
	move_trail(s, cut);
	for (enum guide_by by = 0; by < NR_GUIDE_BYS && may_run(s); by++)
		if (fails_led(s, by, 0, &r))
			return keep(s, cut, &r);
	return search(s, cut);
}

static bool start(struct shrink *s, struct cut *cut)
{
	if (s->stopped || cut_begin(cut, &s->best.list)) {
		s->stopped = true;
		return false;
	}
	s->config = s->best.config;
	s->config.until_finding = true;
	return true;
}

/* ---- what can be left out ---- */

/* One by one: a slot decides where a task begins, and whose thread it is. */
static bool fewer_slots(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

	for (unsigned int to = s->best.list.world.tasks; to--;)
		while (start(s, cut) && cut_last_task(cut, to) && try_cut(s, cut)) {
			smaller = true;
			to = s->best.list.world.tasks - 1;
		}
	return smaller;
}

/* A program of as little world as its ops want. */
static bool tidy(struct shrink *s, struct cut *cut)
{
	bool smaller = fewer_slots(s, cut);

	if (start(s, cut) && cut_nobodys(cut))
		smaller |= try_cut(s, cut);
	if (start(s, cut) && cut_slots(cut, true))
		smaller |= try_cut(s, cut);
	if (start(s, cut) && cut_slots(cut, false))
		smaller |= try_cut(s, cut);
	if (start(s, cut) && cut_pages(cut))
		smaller |= try_cut(s, cut);
	if (start(s, cut) && cut_files(cut))
		smaller |= try_cut(s, cut);
	return smaller;
}

static bool fewer_tasks(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

	for (unsigned int slot = OP_TASKS_MAX; slot--;)
		if (start(s, cut) && cut_task(cut, slot))
			smaller |= try_cut(s, cut);
	return smaller;
}

/* Two tasks' work is one's. */
static bool joined_tasks(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

	for (unsigned int slot = OP_TASKS_MAX; slot--;)
		for (unsigned int way = 0; way < 2 * OP_TASKS_MAX; way++) {
			u64 used = cut_used_slots(&s->best.list);

			if (used & 1ULL << slot && used & 1ULL << way / 2 && start(s, cut) &&
			    cut_join(cut, slot, way / 2, way % 2))
				smaller |= try_cut(s, cut);
		}
	return smaller;
}

/* Those at the end first: what comes after the finding goes at once. */
static bool fewer_lines(struct shrink *s, struct cut *cut, size_t nr)
{
	bool smaller = false;
	size_t end = s->best.list.nr;

	while (end && start(s, cut)) {
		size_t n = min(nr, end);

		cut_lines(cut, end - n, n);
		smaller |= try_cut(s, cut);
		end = min(end - n, s->best.list.nr);
	}
	return smaller;
}

/* Two that only together can go: who makes something, and who takes it away. */
static bool fewer_pairs(struct shrink *s, struct cut *cut)
{
	u64 effort = s->effort;
	bool smaller = false;

	s->effort /= PAIRS_EFFORT;
	for (size_t b = s->best.list.nr; b-- > 1;)
		for (size_t a = b; a--;) {
			if (b >= s->best.list.nr || !start(s, cut))
				break;
			cut_lines(cut, b, 1);
			cut_lines(cut, a, 1);
			smaller |= try_cut(s, cut);
		}
	s->effort = effort;
	return smaller;
}

static bool fewer_cpus(struct shrink *s, struct cut *cut)
{
	unsigned int tasks = shrink_tasks(&s->best.list);
	bool smaller = false;

	/* As many as there are tasks, or a few more, at once; then one by one. */
	for (unsigned int want = tasks; want < s->best.list.world.cpus; want++)
		if (start(s, cut) && cut_cpus(cut, want))
			smaller |= try_cut(s, cut);
	while (s->best.list.world.cpus <= tasks && start(s, cut) &&
	       cut_cpus(cut, s->best.list.world.cpus - 1) && try_cut(s, cut))
		smaller = true;
	return smaller;
}

static bool fewer_fills(struct shrink *s, struct cut *cut)
{
	for (unsigned int fills = 0; fills < s->best.config.fills; fills++) {
		if (!start(s, cut))
			return false;
		s->config.fills = fills;
		if (try_cut(s, cut))
			return true;
	}
	return false;
}

static bool simpler_args(struct shrink *s, struct cut *cut)
{
	bool simpler = false;

	for (size_t line = 0; line < s->best.list.nr; line++)
		for (unsigned int what = 0; what < CUT_ARGS_WAYS; what++)
			if (start(s, cut) && cut_args(cut, line, what))
				simpler |= try_cut(s, cut);
	return simpler;
}

/* What was not begun when it was found, at once. */
static bool unbegun(struct shrink *s, struct cut *cut)
{
	bool any = false;

	if (!start(s, cut))
		return false;
	for (size_t i = cut->list.nr; i--;)
		if (!guide_was_at(&s->guide, i))
			any |= cut_lines(cut, i, 1);
	return any && try_cut(s, cut);
}

/* ---- the schedule ---- */

/* The best run as it is: its trail, and what comes of it. */
static int run_best(struct shrink *s, bool until_finding)
{
	struct strategy replay;
	int err;

	s->config = s->best.config;
	s->config.list = &s->best.list;
	s->config.until_finding = until_finding;
	strategy_start_replay(&replay, &s->best.schedule);
	s->guide.follow = NULL;
	s->guide.other = &replay;
	s->runs++;
	err = guide_run(&s->guide, &s->config, 0, &s->record, &s->result);
	if (!err)
		swap_trails(&s->trail, &s->guide.made);
	return err;
}

/* Marks first to end - 1 of the trail, those of the same task together. */
static bool gather_marks(struct shrink *s, size_t first, size_t end)
{
	bool seen[GUIDE_IDLE + STRATEGY_CPUS] = { false }, changed = false;
	size_t next = first;

	s->moved.nr = 0;
	for (size_t i = 0; i < s->trail.nr; i++)
		guide_trail_add(&s->moved, &s->trail.mark[i]);
	for (size_t i = first; i < end && !s->moved.lost; i++) {
		u16 who = s->trail.mark[i].who;

		for (size_t j = i; j < end && !seen[who]; j++)
			if (s->trail.mark[j].who == who) {
				changed |= j != next;
				s->moved.mark[next++] = s->trail.mark[j];
			}
		seen[who] = true;
	}
	return changed && !s->moved.lost;
}

/* Tasks come between each other less often: large parts of the run first. */
static bool fewer_switches(struct shrink *s)
{
	struct explore_result r;
	bool fewer = false;

	s->config = s->best.config;
	s->config.list = &s->best.list;
	s->config.until_finding = true;
	for (size_t nr = s->trail.nr; nr > 1; nr /= 2) {
		size_t first = 0;

		while (first < s->trail.nr && may_run(s)) {
			size_t end = min(first + nr, s->trail.nr);

			if (gather_marks(s, first, end) && fails_led(s, GUIDE_BY_STEP, 0, &r) &&
			    s->guide.made.nr < s->trail.nr && keep(s, NULL, &r))
				fewer = true;
			else
				first = end;
		}
	}
	return fewer;
}

static void shorter_schedule(struct shrink *s)
{
	if (!may_run(s))
		return;
	s->config = s->best.config;
	s->config.list = &s->best.list;
	s->config.until_finding = true;
	s->runs += shorten_schedule(&s->config, &s->best.schedule, s->title,
				    (unsigned int)min(s->max_runs - s->runs, (u64)INT_MAX),
				    s->go_on, s->arg, &s->result);
	if (run_best(s, true))
		s->stopped = true;
	if (s->progress)
		s->progress(s->arg, s);
}

/* ---- all of it ---- */

static bool one_round(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

	smaller |= fewer_tasks(s, cut);
	for (size_t nr = s->best.list.nr / 2; nr; nr /= 2)
		smaller |= fewer_lines(s, cut, nr);
	if (shrink_tasks(&s->best.list) <= JOINED_MAX)
		smaller |= joined_tasks(s, cut);
	smaller |= tidy(s, cut);
	smaller |= fewer_cpus(s, cut);
	smaller |= fewer_fills(s, cut);
	return smaller;
}

static void round_of(struct shrink *s, struct cut *cut, u64 effort)
{
	s->effort = effort;
	do
		fewer_switches(s);
	while (one_round(s, cut));
	if (effort && s->best.list.nr <= PAIRS_MAX)
		fewer_pairs(s, cut);
	if (simpler_args(s, cut))
		tidy(s, cut);
}

/*
 * By the trail alone, as far as that goes; then with more and more search for each
 * candidate, as runs become shorter.
 */
static void all_rounds(struct shrink *s, struct cut *cut)
{
	unbegun(s, cut);
	round_of(s, cut, 0);
	for (u64 effort = EFFORT_FIRST; effort <= EFFORT_LAST && !s->stopped;
	     effort *= EFFORT_FACTOR)
		round_of(s, cut, effort);
	s->effort = EFFORT_CPUS;
	if (fewer_cpus(s, cut))
		tidy(s, cut);
	fewer_switches(s);
	shorter_schedule(s);
}

int shrink_run(struct shrink *s)
{
	struct cut cut = { .line = NULL };
	int err;

	s->best.config.list = &s->best.list;
	err = run_best(s, true);
	if (err)
		return err;
	if (!s->result.findings)
		return -ENOENT;
	memcpy(s->title, s->result.title, sizeof(s->title));
	all_rounds(s, &cut);
	cut_free(&cut);
	/* To its end this time, as everybody else will run it. */
	err = run_best(s, false);
	s->best.hash = s->result.hash;
	return err;
}

void shrink_free(struct shrink *s)
{
	guide_free(&s->guide);
	guide_trail_free(&s->trail);
	guide_trail_free(&s->moved);
	schedule_free(&s->record);
}

unsigned int shrink_tasks(const struct op_list *list)
{
	return (unsigned int)__builtin_popcountll(cut_used_slots(list));
}
