/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm zoo': re-introduce historical bugs, and see which detectors find them, how
 * often and how fast.
 *
 * The storms and scenarios are those that everybody has, and each gets its share of a
 * seed's budget: nothing here knows which bug one of them is good for.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "hw/machine.h"
#include "stress/commands.h"
#include "stress/document.h"
#include "stress/exit_codes.h"
#include "stress/options.h"
#include "stress/process.h"
#include "stress/strategies.h"
#include "stress/zoo.h"

#define SEEDS_MAX	1000

#define ROW(field) .offset = offsetof(struct zoo_options, field)

static const struct option_row rows[] = {
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL,
	  "bugs, comma separated (mmstorm list bugs)" },
	{ "all", 'a', OPTION_FLAG, ROW(all), 0, 0, NULL, "all bugs but the canaries" },
	{ "detector", 'd', OPTION_STRING, ROW(detectors), 0, 0, NULL,
	  "some of tsan,oracles,both,asan" },
	{ "budget", 'b', OPTION_SECONDS, ROW(budget), 0, 0, NULL,
	  "time for one seed, shared by the storms" },
	{ "seeds", 'n', OPTION_COUNT, ROW(seeds), 1, SEEDS_MAX, NULL, "how many" },
	{ "seed", 's', OPTION_U64, ROW(seed), 0, 0, NULL, "the first of them" },
	{ "storm", 0, OPTION_STRING, ROW(storms), 0, 0, NULL,
	  "storms, comma separated (all; mmstorm list storms)" },
	{ "strategy", 0, OPTION_STRING, ROW(strategies), 0, 0, NULL,
	  "no storms, but searches: some of random,sticky,pct:D,pos,portfolio", valid_strategies },
	{ "scenario", 0, OPTION_STRING, ROW(scenarios), 0, 0, NULL,
	  "what they search, comma separated (all; mmstorm list scenarios)" },
	{ "memory", 0, OPTION_STRING, ROW(memory), 0, 0, NULL,
	  "and its model: sc, tso or pso", valid_memory },
	{ "runs", 0, OPTION_U64, ROW(runs), 1, 1ULL << 32, NULL,
	  "schedules for one seed, shared by the scenarios" },
	{ "cpus", 'c', OPTION_COUNT, ROW(cpus), 1, NR_CPUS, NULL, "simulated CPUs" },
	{ "builds", 0, OPTION_STRING, ROW(builds), 0, 0, NULL,
	  "folder with tsan/, release/ and dev/ (this program's)" },
	{ "tsan", 0, OPTION_STRING, ROW(tsan), 0, 0, NULL, "or: that program" },
	{ "release", 0, OPTION_STRING, ROW(release), 0, 0, NULL, "the same without a sanitizer" },
	{ "dev", 0, OPTION_STRING, ROW(dev), 0, 0, NULL, "the same with AddressSanitizer" },
	{ "json", 'j', OPTION_STRING, ROW(json), 0, 0, NULL, "JSON lines to a file, or -" },
	{ "svg", 0, OPTION_STRING, ROW(svg), 0, 0, NULL, "a picture, to a file" },
	{ "logs", 0, OPTION_STRING, ROW(logs), 0, 0, NULL,
	  "folder for what finders print (scripts/triage reads it)" },
	{ "quiet", 'q', OPTION_FLAG, ROW(quiet), 0, 0, NULL, "no talk on standard error" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

/* --- the hunt -------------------------------------------------------------------- */

/* Schedules after which PCT of that depth is to be expected to have found it, at the latest. */
static double pct_bound(const struct zoo_matrix *m, const struct hunt_result *r)
{
	double bound = r->n * m->nr_scenarios;

	for (unsigned int d = 1; d < m->depth; d++)
		bound *= r->k;
	return bound;
}

static void note(const struct zoo_matrix *m, struct zoo_cell *cell, const struct hunt_result *r,
		 double seconds)
{
	unsigned int i;

	cell->seeds++;
	if (r->end != HUNT_FOUND)
		return;
	if (m->strategies)
		titles_add(&cell->scenarios, r->scenario);
	cell->bound[cell->found] = pct_bound(m, r);
	cell->took[cell->found++] = m->strategies ? r->schedules : seconds;
	for (i = 0; i < r->titles.nr; i++)
		titles_add(&cell->titles, r->titles.text[i]);
}

/*
 * Storms see a bug soon or hardly: all have a short turn before any has a long one.  One
 * alone has nobody to wait for.
 */
static const unsigned int turns[] = { 1, 2, 4 };
#define SUM_OF_TURNS 7

/* All storms in turn, another one first for each seed; false when that has decided. */
static bool try_storms(const struct zoo_matrix *m, struct hunt *h, struct hunt_result *r,
		       double *seconds)
{
	unsigned int i;

	for (i = 0; i < m->nr_storms; i++) {
		h->storm = m->storms[(h->seed + i) % m->nr_storms];
		hunt(h, r);
		*seconds += r->seconds;
		if (r->end != HUNT_MISSED)
			return false;
	}
	return true;
}

static void try_seed(const struct zoo_matrix *m, struct hunt *h, struct hunt_result *r,
		     double *seconds)
{
	unsigned int t;

	*seconds = 0;
	/* A search lets its scenarios take turns itself. */
	if (h->strategy) {
		hunt(h, r);
		return;
	}
	h->budget = m->budget;
	if (m->nr_storms == 1) {
		try_storms(m, h, r, seconds);
		return;
	}
	for (t = 0; t < ARRAY_SIZE(turns); t++) {
		h->budget = m->budget / m->nr_storms * turns[t] / SUM_OF_TURNS;
		if (!try_storms(m, h, r, seconds))
			return;
	}
}

static void talk(const struct hunt *h, const struct hunt_result *r, double seconds)
{
	if (r->end == HUNT_FOUND && h->strategy)
		fprintf(stderr, "  seed %llu: found in %.0f schedules, in %s: %s\n",
			(unsigned long long)h->seed, r->schedules, r->scenario,
			r->titles.text[0]);
	else if (h->strategy)
		fprintf(stderr, "  seed %llu: not found\n", (unsigned long long)h->seed);
	else if (r->end == HUNT_FOUND)
		fprintf(stderr, "  seed %llu: found in %.2f s by %s: %s\n",
			(unsigned long long)h->seed, seconds, h->storm->name, r->titles.text[0]);
	else
		fprintf(stderr, "  seed %llu: not found in %.2f s\n",
			(unsigned long long)h->seed, seconds);
}

/* Which run it was that could not be made. */
static int failed(const struct hunt *h, const struct hunt_result *r)
{
	fprintf(stderr, "mmstorm zoo: %s %s %s --bug %s --seed %llu: %s\n", h->program,
		h->strategy ? "explore" : "run", h->strategy ? h->scenarios : h->storm->name,
		h->bug, (unsigned long long)h->seed, r->why);
	return -EIO;
}

static int hunt_cell(struct zoo_matrix *m, unsigned int bug, unsigned int column,
		     const struct zoo_options *o)
{
	const struct zoo_column *c = &m->columns[column];
	struct hunt h = {
		.detector = c->detector, .program = c->program.path, .bug = m->bugs[bug],
		.cpus = m->cpus, .logs = o->logs,
		.strategy = c->strategy, .scenarios = m->scenarios, .runs = m->runs,
		.memory = m->memory,
	};
	struct hunt_result r;
	char name[64];
	unsigned int i;
	double seconds;

	if (!o->quiet)
		fprintf(stderr, "%s, looked for by %s\n", h.bug,
			zoo_column_name(m, column, name, sizeof(name)));
	for (i = 0; i < m->seeds; i++) {
		h.seed = m->first_seed + i;
		try_seed(m, &h, &r, &seconds);
		if (r.end == HUNT_INTERRUPTED || process_interrupted()) {
			m->interrupted = true;
			return 0;
		}
		if (r.end == HUNT_FAILED)
			return failed(&h, &r);
		if (!o->quiet)
			talk(&h, &r, seconds);
		note(m, zoo_cell(m, bug, column), &r, seconds);
	}
	return 0;
}

static int hunt_all(struct zoo_matrix *m, const struct zoo_options *o)
{
	unsigned int bug, column;
	int ret = 0;

	process_take_signals();
	for (bug = 0; bug < m->nr_bugs; bug++)
		for (column = 0; column < m->nr_columns && !ret && !m->interrupted; column++)
			if (!m->columns[column].program.lacks[0])
				ret = hunt_cell(m, bug, column, o);
	return ret;
}

/* --- what comes of it -------------------------------------------------------------- */

static int save(const char *path, const struct zoo_matrix *m,
		void (*write)(FILE *, const struct zoo_matrix *))
{
	struct document out;
	int ret = document_open(&out, path);

	if (ret || !path)
		return ret;
	write(out.file, m);
	return document_close(&out);
}

static int conclude(struct zoo_matrix *m, const struct zoo_options *o)
{
	bool json_only = o->json && !strcmp(o->json, "-");
	int ret;

	zoo_report(json_only ? stderr : stdout, m);
	ret = save(o->json, m, zoo_json);
	if (save(o->svg, m, zoo_svg) || ret)
		return EXIT_USAGE;
	if (m->interrupted)
		return EXIT_INTERRUPTED;
	return zoo_bugs_found(m) == m->nr_bugs ? EXIT_CLEAN : EXIT_FINDINGS;
}

static int usage(void)
{
	unsigned int d;

	printf("usage: mmstorm zoo --bug SLUG[,SLUG]|--all [options]\n\n"
	       "Plants historical bugs, one at a time, and lets detectors look for them.\n\n");
	for (d = 0; d < NR_DETECTORS; d++)
		printf("  %-8s %s (build/%s)\n", detectors[d].slug, detectors[d].what,
		       detectors[d].build);
	printf("\n");
	options_help(rows);
	printf("\nExit: 0 each bug was found by 19 of 20 seeds of some detector, 2 not so,\n"
	       "1 usage, 3 a run could not be made, 4 no build is there, 130 interrupted.\n");
	return EXIT_CLEAN;
}

static int measure(struct zoo_matrix *m, const struct zoo_options *o)
{
	int ret = zoo_choose(m, o);

	if (ret)
		return ret == -ENOMEM ? EXIT_RESOURCES : EXIT_USAGE;
	if (!zoo_find_programs(m, o)) {
		fprintf(stderr, "mmstorm zoo: nothing can run; scripts/test builds all, and cmake --preset NAME one\n");
		return EXIT_SKIPPED;
	}
	if (hunt_all(m, o))
		return EXIT_RESOURCES;
	return conclude(m, o);
}

int cmd_zoo(int argc, char **argv)
{
	struct zoo_options o = {
		.budget = 60, .runs = 20000, .memory = "sc", .seeds = 20, .seed = 1, .cpus = 8,
	};
	struct zoo_matrix m = { 0 };
	int ret, words = options_parse("zoo", rows, argc, argv, &o);

	if (words < 0)
		return EXIT_USAGE;
	if (o.help)
		return usage();
	if (words) {
		zoo_refuse("'%s' is no option; a bug is --bug SLUG", argv[1]);
		return EXIT_USAGE;
	}
	ret = measure(&m, &o);
	zoo_forget(&m);
	return ret;
}
