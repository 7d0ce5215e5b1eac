/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm shrink': of a failing controlled run, as little as still fails in the same way.
 *
 * Reads a token, a file with one in it (what `mmstorm explore' printed, or an earlier
 * --out), or op text, for which it looks for a failing run first.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/check.h"
#include "ops/shrink.h"
#include "ops/text.h"
#include "stress/commands.h"
#include "stress/document.h"
#include "stress/exit_codes.h"
#include "stress/lists.h"
#include "stress/options.h"
#include "stress/patience.h"
#include "stress/script.h"
#include "stress/tell.h"

struct shrink_options {
	u64		runs, search, seed, max_points;
	unsigned int	fills;
	double		timeout;
	const char	*checks, *bugs, *out;
	bool		quiet, help;
};

#define ROW(field) .offset = offsetof(struct shrink_options, field)

static const struct option_row rows[] = {
	{ "timeout", 't', OPTION_SECONDS, ROW(timeout), 0, 0, NULL,
	  "stop after that long, with what there is then" },
	{ "runs", 0, OPTION_U64, ROW(runs), 1, 1ULL << 40, NULL, "or after so many runs" },
	{ "out", 'o', OPTION_STRING, ROW(out), 0, 0, NULL,
	  "write what is left to this file: op text, the token in a comment" },
	{ "quiet", 'q', OPTION_FLAG, ROW(quiet), 0, 0, NULL, "no progress on standard error" },
	{ "search", 0, OPTION_U64, ROW(search), 1, 1ULL << 40, NULL,
	  "of op text: schedules tried for one that fails" },
	{ "seed", 0, OPTION_SEED, ROW(seed), 0, 0, NULL, "of op text: of that search" },
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL, "of op text: plant bugs of the zoo" },
	{ "checks", 0, OPTION_STRING, ROW(checks), 0, 0, NULL,
	  "of op text: oracles, all, none, or a list" },
	{ "fills", 0, OPTION_COUNT, ROW(fills), 0, 1000, NULL,
	  "of op text: TLB fills of hardware's own, in a run" },
	{ "max-points", 0, OPTION_U64, ROW(max_points), 1, 1ULL << 32, NULL,
	  "of op text: a run of more scheduling points is a livelock" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

struct shrinking {
	const struct shrink_options *o;
	struct shrink		s;
	struct machine_stock	stock;
	double			started, cpu, last_said;	/* by the host's clocks */
	bool			interrupted;
};

/* ---- what is to be shrunk ---- */

static int say_refused(int err, const char *why)
{
	fprintf(stderr, "mmstorm shrink: %s\n", err == -ENOMEM ? strerror(ENOMEM) : why);
	return err == -ESTALE ? EXIT_DIVERGED : err == -ENOMEM ? EXIT_RESOURCES : EXIT_USAGE;
}

static int take_token(const char *text, struct replay_token *t)
{
	const char *why;
	int err = replay_token_parse(text, t, &why);

	return err ? say_refused(err, why) : EXIT_CLEAN;
}

/* The last word of a file that looks like a token, from malloc(); NULL: none. */
static char *token_in(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL, *token = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"))
			if (replay_token_is(word)) {
				free(token);
				token = strdup(word);
			}
	free(line);
	if (file)
		fclose(file);
	return token;
}

/* Op text: some schedule under which it fails. */
static int search(struct shrinking *k)
{
	struct replay_token *t = &k->s.best;
	struct strategy strategy;
	struct explore_result r = { 0 };

	for (u64 i = 0; i < k->o->search && !r.findings; i++) {
		strategy_start_portfolio(&strategy, i, k->o->seed + i, r.contested);
		if (explore_run(&t->config, &strategy, &t->schedule, &r))
			return EXIT_RESOURCES;
		if (patience_interrupted())
			return EXIT_INTERRUPTED;
	}
	if (r.findings)
		return EXIT_CLEAN;
	fprintf(stderr, "mmstorm shrink: nothing is found in %llu schedules: more of them, --search, or another seed may do\n",
		k->o->search);
	return EXIT_USAGE;
}

static int take_program(const char *path, struct shrinking *k)
{
	struct explore_config *c = &k->s.best.config;
	struct script script;
	int ret;

	c->stock = &k->stock;
	c->fills = k->o->fills;
	c->max_points = k->o->max_points;
	if (parse_checks("shrink", k->o->checks, &c->checks) ||
	    parse_bugs("shrink", k->o->bugs, c->zoo))
		return EXIT_USAGE;
	ret = script_load(&script, "shrink", path);
	if (ret)
		return ret;
	k->s.best.list = script.list;
	c->list = &k->s.best.list;
	return search(k);
}

static int take(const char *what, struct shrinking *k)
{
	char *token;
	int ret;

	if (replay_token_is(what))
		return take_token(what, &k->s.best);
	token = token_in(what);
	if (!token)
		return take_program(what, k);
	ret = take_token(token, &k->s.best);
	free(token);
	return ret;
}

/* ---- on the way ---- */

static bool go_on(void *arg)
{
	struct shrinking *k = arg;

	k->interrupted = k->interrupted || patience_interrupted();
	return !k->interrupted &&
	       patience_now(CLOCK_MONOTONIC) - k->started < k->o->timeout;
}

static void say_size(FILE *out, const struct shrink *s)
{
	const struct op_list *list = &s->best.list;

	fprintf(out, "%zu ops, %u tasks, %u vCPUs, %u pages; %zu deviations in %llu decisions",
		list->nr, shrink_tasks(list), list->world.cpus, list->world.pages,
		s->best.schedule.nr, s->result.decisions);
}

static void progress(void *arg, const struct shrink *s)
{
	struct shrinking *k = arg;
	double now = patience_now(CLOCK_MONOTONIC);

	if (k->o->quiet || now - k->last_said < 0.5)
		return;
	k->last_said = now;
	fprintf(stderr, "%5.1f s, %llu runs: ", now - k->started, s->runs);
	say_size(stderr, s);
	fprintf(stderr, "\n");
}

/* ---- what is left ---- */

static int write_out(const char *path, const struct shrink *s, const char *token)
{
	struct document out;
	int err = document_open(&out, path);

	if (err || !out.file)
		return err;
	op_text_write(&s->best.list, out.file);
	fprintf(out.file, "# %s\n# repeat: mmstorm replay %s\n", s->title, token);
	return document_close(&out);
}

static int report(const struct shrinking *k)
{
	const struct shrink *s = &k->s;
	char *token = replay_token_print(&s->best.config, &s->best.schedule, s->best.hash);
	int ret = token ? EXIT_FINDINGS : EXIT_RESOURCES;

	op_text_write(&s->best.list, stdout);
	story_of(&s->best, stdout);
	say_size(stdout, s);
	printf("; %llu runs in %.1f s, %.1f s of CPU\n", s->runs,
	       patience_now(CLOCK_MONOTONIC) - k->started,
	       patience_now(CLOCK_PROCESS_CPUTIME_ID) - k->cpu);
	if (token)
		printf("repeat: mmstorm replay %s\n", token);
	if (token && write_out(k->o->out, s, token))
		ret = EXIT_RESOURCES;
	printf("mmstorm: %s ops=%zu cpus=%u deviations=%zu runs=%llu\n",
	       k->interrupted ? "INTERRUPTED" : "FINDINGS", s->best.list.nr,
	       s->best.list.world.cpus, s->best.schedule.nr, s->runs);
	free(token);
	return k->interrupted && ret == EXIT_FINDINGS ? EXIT_INTERRUPTED : ret;
}

static int shrink(struct shrinking *k)
{
	int err;

	k->s.best.config.stock = &k->stock;
	err = shrink_run(&k->s);
	if (!err)
		return report(k);
	if (err == -ENOENT) {
		fprintf(stderr, "mmstorm shrink: the run finds nothing: there is no reason to keep while it shrinks\n");
		return EXIT_USAGE;
	}
	fprintf(stderr, "mmstorm shrink: the machine could not be set up: %s\n", strerror(-err));
	return err == -EINVAL ? EXIT_SKIPPED : EXIT_RESOURCES;
}

int cmd_shrink(int argc, char **argv)
{
	struct shrink_options o = {
		.runs = 1ULL << 40, .timeout = 30, .search = 10000, .seed = 1, .fills = 2,
		.max_points = 100000,
	};
	struct shrinking k = { .o = &o };
	int ret, words = options_parse("shrink", rows, argc, argv, &o);

	if (words < 0)
		return EXIT_USAGE;
	if (o.help || words != 1) {
		fprintf(o.help ? stdout : stderr,
			"usage: mmstorm shrink TOKEN|FILE [options]   (FILE: with a token in it, or op text)\n");
		if (o.help)
			options_help(rows);
		return o.help ? EXIT_CLEAN : EXIT_USAGE;
	}
	if (!MM_POINTS) {
		fprintf(stderr, "mmstorm shrink: this build has no scheduling points\n");
		return EXIT_SKIPPED;
	}
	patience_block_signals();
	k.s.max_runs = o.runs;
	k.s.go_on = go_on;
	k.s.progress = progress;
	k.s.arg = &k;
	ret = take(argv[1], &k);
	k.started = patience_now(CLOCK_MONOTONIC);
	k.cpu = patience_now(CLOCK_PROCESS_CPUTIME_ID);
	if (!ret)
		ret = shrink(&k);
	shrink_free(&k.s);
	replay_token_free(&k.s.best);
	machine_stock_drop(&k.stock);
	return ret;
}
