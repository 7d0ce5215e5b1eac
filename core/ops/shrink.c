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

/* Of a run that is led by marks with some noise, so many decisions are anyone's. */
#define NOISE_ONE_IN	16
/* Searches for a candidate, in the first round that searches and the last. */
#define TRIES_FIRST	6
#define TRIES_LAST	384
#define TRIES_FACTOR	4
/* And for fewer vCPUs in the end: there every other task's place changes. */
#define TRIES_CPUS	6000
/* Programs in which each two ops are tried together: their number is squared. */
#define PAIRS_MAX	24

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

static bool fails_led(struct shrink *s, struct explore_result *r)
{
	s->guide.follow = &s->moved;
	s->guide.other = NULL;
	return fails(s, r);
}

/* By the marks with some noise, or without them. */
static bool fails_somehow(struct shrink *s, unsigned int try, struct explore_result *r)
{
	struct strategy strategy;

	if (try % 2) {
		strategy_start(&strategy, STRATEGY_RANDOM, s->runs, 0, 0);
		s->guide.one_in = NOISE_ONE_IN;
	} else {
		strategy_start_portfolio(&strategy, try / 2, s->runs, s->result.contested);
		s->guide.one_in = 1;
	}
	s->guide.follow = try % 2 ? &s->moved : NULL;
	s->guide.other = &strategy;
	return fails(s, r);
}

static void swap_marks(struct guide_marks *a, struct guide_marks *b)
{
	struct guide_marks was = *a;

	*a = *b;
	*b = was;
}

/* What was tried is the best from now on. */
static bool keep(struct shrink *s, struct cut *cut, const struct explore_result *r)
{
	struct op_list was = s->best.list;

	if (schedule_copy(&s->best.schedule, &s->record)) {
		s->stopped = true;
		return false;
	}
	s->best.list = cut->list;
	cut->list = was;
	s->best.config.fills = s->config.fills;
	s->best.hash = r->hash;
	s->result = *r;
	swap_marks(&s->marks, &s->guide.made);
	s->cpus = s->guide.cpus;
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
	return line < old->nr ? cut->line[line] : CUT_GONE;
}

/* What becomes of the vCPUs where other tasks are left, or fewer vCPUs: a guess. */
enum cpus_guess {
	CPUS_STAY,
	CPUS_RANKED,		/* those where tasks were come first */
	CPUS_FORGOTTEN,		/* what they did without a task is nobody's business */
	NR_CPUS_GUESSES,
};

static unsigned int move_cpu(const struct shrink *s, unsigned int cpu, enum cpus_guess guess)
{
	u64 bit = 1ULL << cpu % 64;

	if (guess != CPUS_RANKED || cpu >= 64)
		return cpu;
	if (s->cpus & bit)
		return (unsigned int)__builtin_popcountll(s->cpus & (bit - 1));
	return (unsigned int)(__builtin_popcountll(s->cpus) +
			      __builtin_popcountll(~s->cpus & (bit - 1)));
}

/*
 * The marks for the smaller program.  Who was interrupted in a line that is gone is
 * interrupted at the beginning of its next.
 */
static void move_marks(struct shrink *s, const struct cut *cut, enum cpus_guess guess)
{
	size_t nr_old = s->best.list.nr;

	s->moved.nr = 0;
	for (size_t i = 0; i < s->marks.nr; i++) {
		struct guide_mark mark = s->marks.mark[i];

		if (mark.line >= nr_old) {
			if (guess == CPUS_FORGOTTEN)
				continue;
			mark.line = move_cpu(s, mark.line - (u32)nr_old, guess) +
				    (u32)cut->list.nr;
		} else {
			u32 line = next_left(s, cut, mark.line);

			if (cut->line[mark.line] == CUT_GONE)
				mark.off = mark.nth = 0;
			mark.line = line;
		}
		if (mark.who < GUIDE_IDLE)
			mark.who = cut->slot[mark.who];
		else
			mark.who = (u16)(GUIDE_IDLE +
					 move_cpu(s, mark.who - GUIDE_IDLE, guess));
		if (mark.line != CUT_GONE)
			guide_marks_add(&s->moved, &mark);
	}
}

/* Tries a candidate, and keeps it if it fails as it should. */
static bool try_cut(struct shrink *s, struct cut *cut)
{
	unsigned int guesses = cut->moved ? NR_CPUS_GUESSES : 1;
	struct explore_result r;

	s->config.list = &cut->list;
	for (unsigned int guess = 0; guess < guesses && may_run(s); guess++) {
		move_marks(s, cut, guess);
		if (fails_led(s, &r))
			return keep(s, cut, &r);
	}
	for (unsigned int i = 0; i < s->tries && may_run(s); i++) {
		if (guesses > 1)
			move_marks(s, cut, i / 2 % guesses);
		if (fails_somehow(s, i, &r))
			return keep(s, cut, &r);
	}
	return false;
}

static bool start(struct shrink *s, struct cut *cut)
{
	if (s->stopped || cut_begin(cut, &s->best.list)) {
		s->stopped = true;
		return false;
	}
	s->config = s->best.config;
	return true;
}

/* ---- what can be left out ---- */

/* A program of as little world as its ops want. */
static bool tidy(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

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
	bool smaller = false;

	for (size_t b = s->best.list.nr; b-- > 1;)
		for (size_t a = b; a--;) {
			if (b >= s->best.list.nr || !start(s, cut))
				break;
			cut_lines(cut, b, 1);
			cut_lines(cut, a, 1);
			smaller |= try_cut(s, cut);
		}
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

/* ---- the schedule ---- */

/* The marks of the best run as it is. */
static int mark_best(struct shrink *s)
{
	struct strategy replay;
	struct explore_result r;
	int err;

	strategy_start_replay(&replay, &s->best.schedule);
	s->guide.follow = NULL;
	s->guide.other = &replay;
	s->guide.one_in = 1;
	s->runs++;
	err = guide_run(&s->guide, &s->best.config, 0, &s->record, &r);
	if (err)
		return err;
	swap_marks(&s->marks, &s->guide.made);
	s->cpus = s->guide.cpus;
	s->result = r;
	return 0;
}

static bool shorter_schedule(struct shrink *s)
{
	size_t before = s->best.schedule.nr;

	if (!may_run(s))
		return false;
	s->runs += shorten_schedule(&s->best.config, &s->best.schedule, s->title,
				    (unsigned int)min(s->max_runs - s->runs, (u64)INT_MAX),
				    s->go_on, s->arg, &s->result);
	s->best.hash = s->result.hash;
	if (mark_best(s))
		s->stopped = true;
	if (s->progress && s->best.schedule.nr < before)
		s->progress(s->arg, s);
	return s->best.schedule.nr < before;
}

/* ---- all of it ---- */

static bool one_round(struct shrink *s, struct cut *cut)
{
	bool smaller = false;

	smaller |= fewer_tasks(s, cut);
	for (size_t nr = s->best.list.nr / 2; nr; nr /= 2)
		smaller |= fewer_lines(s, cut, nr);
	smaller |= tidy(s, cut);
	smaller |= fewer_cpus(s, cut);
	smaller |= fewer_fills(s, cut);
	return smaller;
}

static void round_of(struct shrink *s, struct cut *cut, unsigned int tries)
{
	s->tries = tries;
	while (one_round(s, cut))
		shorter_schedule(s);
	if (simpler_args(s, cut))
		tidy(s, cut);
	if (tries && s->best.list.nr <= PAIRS_MAX)
		fewer_pairs(s, cut);
}

/*
 * By the marks alone, as far as that goes; then with more and more search for each
 * candidate, as runs become shorter.
 */
static void all_rounds(struct shrink *s, struct cut *cut)
{
	round_of(s, cut, 0);
	shorter_schedule(s);
	for (unsigned int tries = TRIES_FIRST; tries <= TRIES_LAST && !s->stopped;
	     tries *= TRIES_FACTOR)
		round_of(s, cut, tries);
	s->tries = TRIES_CPUS;
	if (fewer_cpus(s, cut))
		tidy(s, cut);
	shorter_schedule(s);
}

int shrink_run(struct shrink *s)
{
	struct cut cut = { .line = NULL };
	int err;

	s->best.config.list = &s->best.list;
	err = mark_best(s);
	if (err)
		return err;
	if (!s->result.findings)
		return -ENOENT;
	memcpy(s->title, s->result.title, sizeof(s->title));
	s->best.hash = s->result.hash;
	all_rounds(s, &cut);
	cut_free(&cut);
	return 0;
}

void shrink_free(struct shrink *s)
{
	guide_free(&s->guide);
	guide_marks_free(&s->marks);
	guide_marks_free(&s->moved);
	schedule_free(&s->record);
}

unsigned int shrink_tasks(const struct op_list *list)
{
	u64 seen = 0;
	unsigned int nr = 0;

	for (size_t i = 0; i < list->nr; i++)
		seen |= 1ULL << list->ops[i].task;
	for (; seen; seen &= seen - 1)
		nr++;
	return nr;
}
