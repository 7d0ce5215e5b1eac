/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm bench': the cases asked for, on the sides asked for.
 *
 * Machines are shared and drift, so the sides take turns and a ratio is the
 * median of the turns' own ratios.  Beside the rates by the wall's clock stand
 * those by CPU time, which what else runs on the host disturbs less.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "stress/bench.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/options.h"

struct bench_options {
	const char	*against;
	unsigned int	threads;
	unsigned int	rounds;
	unsigned int	frames;		/* index in frames_choices */
	double		time;		/* seconds of a side in a round */
	bool		checks;
	bool		json;
	bool		help;
};

enum { FRAMES_BOTH, FRAMES_TAGGED, FRAMES_WHOLE };
static const char *const frames_choices[] = { "both", "64", "4096", NULL };

#define ROW(field) .offset = offsetof(struct bench_options, field)

static const struct option_row rows[] = {
	{ "against", 0, OPTION_STRING, ROW(against), 0, 0, NULL,
	  "host: the same work by real system calls, and the ratio" },
	{ "threads", 0, OPTION_COUNT, ROW(threads), 1, 256, NULL,
	  "workers in one process, a vCPU each; no fewer than the case needs" },
	{ "frame-bytes", 0, OPTION_CHOICE, ROW(frames), 0, 0, frames_choices,
	  "bytes kept of a page's contents; both: 4096 only where contents move" },
	{ "rounds", 0, OPTION_COUNT, ROW(rounds), 1, BENCH_TURNS_MAX, NULL,
	  "turns that each side takes: 5, or 3 when no case is named" },
	{ "time", 't', OPTION_SECONDS, ROW(time), 0, 0, NULL,
	  "length of a turn: 250ms, or 50ms when no case is named" },
	{ "checks", 0, OPTION_FLAG, ROW(checks), 0, 0, NULL,
	  "with every oracle on" },
	{ "json", 'j', OPTION_FLAG, ROW(json), 0, 0, NULL, "JSON lines" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

static int run_side(const struct bench_series *s, const struct bench_options *o,
		    enum bench_side side, struct bench_rate *rate)
{
	if (side == BENCH_HOST)
		return bench_run_host(s->c, s->threads, o->time, rate);
	return bench_run_sim(s->c, side == BENCH_WHOLE ? 4096 : 64, s->threads,
			     o->time, o->checks ? CHECK_ALL : 0, rate);
}

static void note_turn(struct bench_series *s, enum bench_side side, unsigned int r)
{
	s->rate[side][r] = s->last[side].per_second;
	s->cpu_rate[side][r] = s->last[side].per_cpu_second;
	if (!s->on[BENCH_HOST])
		return;
	s->ratio[side][r] = s->rate[side][r] / s->rate[BENCH_HOST][r];
	s->cpu_ratio[side][r] = s->cpu_rate[side][r] / s->cpu_rate[BENCH_HOST][r];
}

static int measure(const struct bench_options *o, struct bench_series *s)
{
	enum bench_side side;
	unsigned int r;
	int ret;

	for (r = 0; r < s->turns; r++) {
		for (side = 0; side < NR_BENCH_SIDES; side++) {
			if (!s->on[side])
				continue;
			ret = run_side(s, o, side, &s->last[side]);
			if (ret)
				return ret;
			note_turn(s, side, r);
		}
	}
	return 0;
}

/* Which sides there are: whole frames where nobody asked only if they make a difference. */
static void choose_sides(struct bench_series *s, const struct bench_options *o)
{
	s->on[BENCH_HOST] = o->against && !s->c->sim_only;
	s->on[BENCH_TAGGED] = o->frames != FRAMES_WHOLE;
	s->on[BENCH_WHOLE] = o->frames == FRAMES_WHOLE ||
			     (o->frames == FRAMES_BOTH && s->c->contents);
}

static int run_case(const struct bench_case *c, const struct bench_options *o)
{
	struct bench_series *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return EXIT_RESOURCES;
	s->c = c;
	s->threads = max(o->threads, c->min_threads);
	s->turns = o->rounds;
	s->checks = o->checks;
	choose_sides(s, o);
	ret = measure(o, s);
	if (ret)
		fprintf(stderr, "mmstorm bench: %s: %s\n", c->name,
			strerror(-ret));
	else if (o->json)
		bench_print_json(s);
	else
		bench_print_text(s);
	fflush(stdout);
	free(s);
	return ret ? EXIT_RESOURCES : EXIT_CLEAN;
}

static const struct bench_case *find_case(const char *name)
{
	unsigned int i;

	for (i = 0; bench_cases[i]; i++)
		if (!strcmp(bench_cases[i]->name, name))
			return bench_cases[i];
	fprintf(stderr, "mmstorm bench: there is no case '%s'; 'mmstorm list cases' names them\n",
		name);
	return NULL;
}

static int run_cases(int nr, char **names, const struct bench_options *o)
{
	int i, code = EXIT_CLEAN;

	for (i = 0; i < nr; i++)
		if (!find_case(names[i]))
			return EXIT_USAGE;
	for (i = 0; i < nr && !code; i++)
		code = run_case(find_case(names[i]), o);
	for (i = 0; !nr && bench_cases[i] && !code; i++)
		code = run_case(bench_cases[i], o);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_options o = { .threads = 1 };
	int words = options_parse("bench", rows, argc, argv, &o);

	if (words < 0)
		return EXIT_USAGE;
	if (o.help) {
		printf("usage: mmstorm bench [CASE...] [options]\n\n");
		options_help(rows);
		return EXIT_CLEAN;
	}
	if (o.against && strcmp(o.against, "host")) {
		fprintf(stderr, "mmstorm bench: --against: only 'host' is known, not '%s'\n",
			o.against);
		return EXIT_USAGE;
	}
	if (o.checks && !MM_CHECK) {
		fprintf(stderr, "mmstorm bench: --checks: this build has no oracles\n");
		return EXIT_SKIPPED;
	}
	/* All cases: briefly. */
	if (!o.rounds)
		o.rounds = words ? 5 : 3;
	if (!o.time)
		o.time = words ? 0.25 : 0.05;
	return run_cases(words, argv + 1, &o);
}
