/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm bench': rates, and ratios taken in one run.
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
#include "stress/json.h"
#include "stress/options.h"
#include "stress/sanitizer.h"

#define ROUNDS_MAX	64

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

static const char *const frames_choices[] = { "both", "64", "4096", NULL };

#define ROW(field) .offset = offsetof(struct bench_options, field)

static const struct option_row rows[] = {
	{ "against", 0, OPTION_STRING, ROW(against), 0, 0, NULL,
	  "host: the same work by real system calls, and the ratio" },
	{ "threads", 0, OPTION_COUNT, ROW(threads), 1, 256, NULL,
	  "workers in one process, a vCPU each" },
	{ "frame-bytes", 0, OPTION_CHOICE, ROW(frames), 0, 0, frames_choices,
	  "bytes kept of a page's contents" },
	{ "rounds", 0, OPTION_COUNT, ROW(rounds), 1, ROUNDS_MAX, NULL,
	  "turns that each side takes" },
	{ "time", 't', OPTION_SECONDS, ROW(time), 0, 0, NULL,
	  "length of a turn" },
	{ "checks", 0, OPTION_FLAG, ROW(checks), 0, 0, NULL,
	  "with every oracle on" },
	{ "json", 'j', OPTION_FLAG, ROW(json), 0, 0, NULL, "JSON lines" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

static const char *const side_name[NR_BENCH_SIDES] = {
	[BENCH_HOST]	= "host",
	[BENCH_TAGGED]	= "tagged frames (64)",
	[BENCH_WHOLE]	= "whole frames (4096)",
};

static const char *const side_slug[NR_BENCH_SIDES] = {
	[BENCH_HOST] = "host", [BENCH_TAGGED] = "tagged", [BENCH_WHOLE] = "whole",
};

/* Kernel steps that a fault or its undoing may not skip. */
static const struct {
	enum vm_event_item item;
	const char *name;
} steps[] = {
	{ PGFAULT, "faults" }, { VMA_LOCK_SUCCESS, "under the VMA lock" },
	{ PGALLOC_NORMAL, "page allocations" }, { PGFREE, "page frees" },
	{ MMS_PTE_TABLE_ALLOC, "tables made" },
	{ MMS_RMAP_ADD, "rmap adds" }, { MMS_RMAP_REMOVE, "rmap removes" },
	{ MMS_TLB_MISS, "TLB misses" },
	{ NR_TLB_LOCAL_FLUSH_ONE, "local flushes of a page" },
	{ NR_TLB_LOCAL_FLUSH_ALL, "local flushes of all" },
	{ NR_TLB_REMOTE_FLUSH, "remote flushes" },
};

struct series {
	bool	on[NR_BENCH_SIDES];
	double	rate[NR_BENCH_SIDES][ROUNDS_MAX];
	double	cpu_rate[NR_BENCH_SIDES][ROUNDS_MAX];
	double	ratio[NR_BENCH_SIDES][ROUNDS_MAX];
	double	cpu_ratio[NR_BENCH_SIDES][ROUNDS_MAX];
	struct bench_rate last[NR_BENCH_SIDES];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int nr)
{
	qsort(values, nr, sizeof(*values), by_value);
	return nr % 2 ? values[nr / 2] :
	       (values[nr / 2 - 1] + values[nr / 2]) / 2;
}

static int run_side(const struct bench_case *c, const struct bench_options *o,
		    enum bench_side side, struct bench_rate *rate)
{
	if (side == BENCH_HOST)
		return bench_run_host(c, o->threads, o->time, rate);
	return bench_run_sim(c, side == BENCH_WHOLE ? 4096 : 64, o->threads,
			     o->time, o->checks ? CHECK_ALL : 0, rate);
}

static void note_turn(struct series *s, enum bench_side side, unsigned int r)
{
	s->rate[side][r] = s->last[side].per_second;
	s->cpu_rate[side][r] = s->last[side].per_cpu_second;
	if (!s->on[BENCH_HOST])
		return;
	s->ratio[side][r] = s->rate[side][r] / s->rate[BENCH_HOST][r];
	s->cpu_ratio[side][r] = s->cpu_rate[side][r] / s->cpu_rate[BENCH_HOST][r];
}

static int measure(const struct bench_case *c, const struct bench_options *o,
		   struct series *s)
{
	enum bench_side side;
	unsigned int r;
	int ret;

	for (r = 0; r < o->rounds; r++) {
		for (side = 0; side < NR_BENCH_SIDES; side++) {
			if (!s->on[side])
				continue;
			ret = run_side(c, o, side, &s->last[side]);
			if (ret)
				return ret;
			note_turn(s, side, r);
		}
	}
	return 0;
}

static void print_steps(const struct bench_case *c, const struct series *s,
			enum bench_side side)
{
	const struct bench_rate *rate = &s->last[side];
	size_t i;

	printf("  kernel steps per %s:", c->unit);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (rate->events[steps[i].item])
			printf("%s %.3g %s", i ? "," : "",
			       (double)rate->events[steps[i].item] / rate->done_all,
			       steps[i].name);
	printf("\n");
}

static void print_text(const struct bench_case *c,
		       const struct bench_options *o, struct series *s)
{
	enum bench_side side, sim = BENCH_HOST;

	printf("%s: %s; %u thread%s, %s, sanitizer %s, oracles %s\n", c->name,
	       c->what, o->threads, o->threads == 1 ? "" : "s",
	       MM_POINTS ? "scheduling points in" : "no scheduling points",
	       sanitizer_name(), o->checks ? "on" : "off");
	for (side = 0; side < NR_BENCH_SIDES; side++) {
		if (!s->on[side])
			continue;
		printf("  %-20s %10.0f %s/s %10.0f per CPU second", side_name[side],
		       median(s->rate[side], o->rounds), c->unit,
		       median(s->cpu_rate[side], o->rounds));
		if (side != BENCH_HOST) {
			sim = side;
			if (s->on[BENCH_HOST])
				printf("  ratio %.2f, by CPU time %.2f",
				       median(s->ratio[side], o->rounds),
				       median(s->cpu_ratio[side], o->rounds));
		}
		printf("\n");
	}
	if (sim != BENCH_HOST)
		print_steps(c, s, sim);
}

static void print_json(const struct bench_case *c,
		       const struct bench_options *o, struct series *s)
{
	enum bench_side side;
	struct json j;
	size_t i;

	for (side = 0; side < NR_BENCH_SIDES; side++) {
		if (!s->on[side])
			continue;
		json_begin(&j, stdout, "bench");
		json_string(&j, "case", c->name);
		json_string(&j, "side", side_slug[side]);
		if (side != BENCH_HOST)
			json_u64(&j, "frame_bytes", side == BENCH_WHOLE ? 4096 : 64);
		json_u64(&j, "threads", o->threads);
		json_double(&j, "per_s", median(s->rate[side], o->rounds));
		json_double(&j, "per_cpu_s", median(s->cpu_rate[side], o->rounds));
		if (side != BENCH_HOST && s->on[BENCH_HOST]) {
			json_double(&j, "ratio", median(s->ratio[side], o->rounds));
			json_double(&j, "ratio_cpu", median(s->cpu_ratio[side], o->rounds));
		}
		json_open_object(&j, "steps");
		for (i = 0; side != BENCH_HOST &&
			    i < sizeof(steps) / sizeof(steps[0]); i++)
			json_double(&j, vm_event_name(steps[i].item),
				    (double)s->last[side].events[steps[i].item] /
				    s->last[side].done_all);
		json_end(&j);
	}
}

static int run_case(const struct bench_case *c, const struct bench_options *o)
{
	struct series *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return EXIT_RESOURCES;
	s->on[BENCH_HOST] = o->against != NULL;
	s->on[BENCH_TAGGED] = o->frames != 2;
	s->on[BENCH_WHOLE] = o->frames != 1;
	ret = measure(c, o, s);
	if (ret)
		fprintf(stderr, "mmstorm bench: %s: %s\n", c->name,
			strerror(-ret));
	else if (o->json)
		print_json(c, o, s);
	else
		print_text(c, o, s);
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
	struct bench_options o = { .threads = 1, .rounds = 5, .time = 0.25 };
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
	return run_cases(words, argv + 1, &o);
}
