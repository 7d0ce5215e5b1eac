/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm explore': small programs, in turn, under many schedules, until one fails.
 *
 * Run n of a seed has always the same program and schedule, whatever came before it.  What is found
 * is made short and printed with a token, which `mmstorm replay' runs again.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "check/check.h"
#include "ops/explore.h"
#include "ops/replay_token.h"
#include "ops/shorten.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/explore_dfs.h"
#include "stress/finding_file.h"
#include "stress/json.h"
#include "stress/lists.h"
#include "stress/options.h"
#include "stress/patience.h"
#include "stress/sanitizer.h"
#include "stress/scaling.h"
#include "stress/searched.h"
#include "stress/strategies.h"

struct explore_options {
	struct searched_draw draw;	/* of a storm's programs */
	const char	*strategy;
	u64		runs, first, seed, max_points;
	unsigned int	fills, shorten, events;
	double		timeout;
	const char	*checks, *bugs, *json, *memory, *from;
	bool		token, brute, help;
};

#define ROW(field) .offset = offsetof(struct explore_options, field)

static const struct option_row rows[] = {
	{ "ops", 'n', OPTION_COUNT, ROW(draw.ops), 1, 100000, NULL,
	  "of storm:NAME: length of the programs that are drawn, a new one for each run" },
	{ "cpus", 'c', OPTION_COUNT, ROW(draw.cpus), 1, 64, NULL,
	  "of storm:NAME: simulated CPUs" },
	{ "tasks", 0, OPTION_COUNT, ROW(draw.tasks), 0, OP_TASKS_MAX, NULL,
	  "of storm:NAME: tasks at the start (0: the storm's)" },
	{ "from", 0, OPTION_STRING, ROW(from), 0, 0, NULL,
	  "a finding of a storm (mmstorm run --json FILE): look for it in the ops around it" },
	{ "strategy", 0, OPTION_STRING, ROW(strategy), 0, 0, NULL,
	  "random, sticky, pct:D (D from 1 to 16), pos, or portfolio: all in turn; or dfs:B (B from 0 to 7): every schedule with at most B preemptions" },
	{ "runs", 0, OPTION_U64, ROW(runs), 1, 1ULL << 40, NULL,
	  "schedules, at most (10000; dfs: all there are)" },
	{ "first", 0, OPTION_U64, ROW(first), 0, 1ULL << 40, NULL, "number of the first run" },
	{ "timeout", 0, OPTION_SECONDS, ROW(timeout), 0, 0, NULL, "stop after that long" },
	{ "seed", 0, OPTION_SEED, ROW(seed), 0, 0, NULL, "of the strategy" },
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL, "plant bugs of the zoo" },
	{ "checks", 0, OPTION_STRING, ROW(checks), 0, 0, NULL,
	  "oracles: all, none, or a list" },
	{ "memory", 0, OPTION_STRING, ROW(memory), 0, 0, NULL,
	  "sc, tso or pso: may stores be seen late, and out of order?" },
	{ "fills", 0, OPTION_COUNT, ROW(fills), 0, 1000, NULL,
	  "TLB fills of hardware's own, in a run" },
	{ "events", 0, OPTION_COUNT, ROW(events), 0, EXHAUST_BOUND_MAX, NULL,
	  "dfs: TLB fills, and interrupts, turns and grace periods that end early, in a run, at most" },
	{ "no-reduction", 0, OPTION_FLAG, ROW(brute), 0, 0, NULL,
	  "dfs: then run equivalent schedules too, and compare final states" },
	{ "max-points", 0, OPTION_U64, ROW(max_points), 1, 1ULL << 32, NULL,
	  "a run of more scheduling points is a livelock" },
	{ "shorten", 0, OPTION_COUNT, ROW(shorten), 0, 1000000, NULL,
	  "runs spent on making a failing schedule short" },
	{ "token", 0, OPTION_FLAG, ROW(token), 0, 0, NULL,
	  "print the token of the last run, also when it found nothing" },
	{ "json", 0, OPTION_STRING, ROW(json), 0, 0, NULL, "write a JSON line to this file" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

struct search {
	const char		*scenario;	/* as it was asked for */
	struct explore_options	o;
	struct finding_file	from;		/* its title is what is looked for */
	u64			others;		/* runs that found something else */
	struct searched_set	set;
	struct searched		*at;		/* the one that is run */
	u64			zoo[ZOO_WORDS];	/* planted */
	struct explore_config	config;
	struct machine_stock	stock;
	const char		*strategy_name;
	struct named_strategy	named;
	struct explore_dfs	dfs;		/* or this one */
	struct strategy		strategy;
	struct schedule		schedule;
	struct explore_result	result;
	/* so far */
	u64			runs, decisions, points;
	double			seconds, cpu;	/* of the host: by the clock, and used */
	u64			windows[NR_WINDOWS];
	bool			interrupted;
	char			*token;
	char			epitaph[400];	/* how to repeat the run under way */
};

/* ---- what is asked for ---- */

static int refuse(const char *option, const struct option_error *err)
{
	fprintf(stderr, "mmstorm explore: --%s: %s\n", option, err->what);
	return -EINVAL;
}

static int parse_strategy(struct search *s)
{
	struct option_error err;

	s->strategy_name = s->o.strategy ? s->o.strategy : STRATEGY_DEFAULT;
	if (explore_dfs_parse(&s->dfs, s->strategy_name) ||
	    !strategy_by_name(s->strategy_name, &s->named, &err))
		return 0;
	strncat(err.what, "; or dfs:B (B from 0 to 7)", sizeof(err.what) - strlen(err.what) - 1);
	return refuse("strategy", &err);
}

static int parse_memory(struct search *s)
{
	struct option_error err;

	if (s->o.memory && memory_by_name(s->o.memory, &s->config.memory, &err))
		return refuse("memory", &err);
	if (!s->dfs.asked || s->config.memory == MEMORY_SC)
		return 0;
	option_refuse(&err, "dfs searches sc alone");
	return refuse("memory", &err);
}

/* Bugs and oracles are the storm's, if none are asked for. */
static int parse_finding(struct search *s)
{
	const char *bugs = s->o.bugs ? s->o.bugs : s->from.bugs;
	const char *checks = s->o.checks ? s->o.checks : s->from.checks;
	int ret = searched_load_text(&s->set, "explore", s->o.from, s->from.program);

	if (!ret && (parse_bugs("explore", bugs, s->zoo) ||
		     parse_checks("explore", checks, &s->config.checks)))
		ret = EXIT_USAGE;
	return ret;
}

/* The ops around a finding. */
static int load_finding(struct search *s)
{
	int ret = finding_file_load(&s->from, "explore", s->o.from);

	if (ret)
		return ret;
	ret = parse_finding(s);
	if (ret) {
		searched_free(&s->set);
		finding_file_free(&s->from);
	}
	return ret;
}

static int load(struct search *s)
{
	int ret = s->o.from ? load_finding(s) :
			      searched_load(&s->set, "explore", s->scenario);

	if (ret || !s->dfs.asked || (s->set.nr == 1 && !s->set.item[0].storm))
		return ret;
	fprintf(stderr, "mmstorm explore: --strategy: dfs searches one program, a scenario or a file\n");
	searched_free(&s->set);
	return EXIT_USAGE;
}

/* ---- searching ---- */

static void start_strategy(struct search *s, u64 run)
{
	u64 seed = hash64(s->o.seed, run, 0);

	if (s->dfs.exhaust) {
		strategy_start_exhaust(&s->strategy, s->dfs.exhaust);
		return;
	}
	strategy_start_named(&s->strategy, &s->named, run / s->set.nr, seed, s->at->decisions);
}

static void say_before(struct search *s, u64 run)
{
	if (s->dfs.asked)
		return;
	snprintf(s->epitaph, sizeof(s->epitaph), "mmstorm: repeat: mmstorm explore %s%s --ops %u --cpus %u --tasks %u --strategy %s --memory %s --seed 0x%llx --first %llu --runs 1%s%s # in %s (n=%u k=%llu)",
		 s->o.from ? "--from " : "", s->scenario, s->o.draw.ops, s->o.draw.cpus,
		 s->o.draw.tasks, s->strategy_name,
		 memory_model_name(s->config.memory), s->o.seed, run,
		 s->o.bugs ? " --bug " : "", s->o.bugs ? s->o.bugs : "", s->at->name,
		 s->at->actors, s->at->decisions);
	sanitizer_set_epitaph(s->epitaph);
}

/* The first report ends the search: none has been there before this run. */
static void look_at_sanitizer(struct search *s)
{
	if (sanitizer_reports() && !s->result.findings++)
		snprintf(s->result.title, sizeof(s->result.title), "%s",
			 "SANITIZER: a report, see standard error");
}

/* Another finding than the one that is looked for is no reason to stop. */
static void look_at_title(struct search *s)
{
	if (!s->result.findings || !s->from.title || !strcmp(s->result.title, s->from.title))
		return;
	s->others++;
	s->result.findings = 0;
}

static int run_program(struct search *s, const u64 zoo[ZOO_WORDS])
{
	int err;

	s->config.list = &s->at->list;
	memcpy(s->config.zoo, zoo, sizeof(s->config.zoo));
	err = explore_run(&s->config, &s->strategy, &s->schedule, &s->result);
	if (err)
		return err;
	look_at_title(s);
	look_at_sanitizer(s);
	for (unsigned int i = 0; i < NR_WINDOWS; i++)
		s->windows[i] += s->result.windows[i];
	return 0;
}

/*
 * How many can go on, and how many decisions a run has, about: those of one without
 * bugs, which are for the strategy to find.
 */
static int measure(struct search *s)
{
	static const u64 none[ZOO_WORDS];
	int err = searched_draw(s->at, &s->o.draw, s->o.seed, 0);

	if (err)
		return err;
	strategy_start(&s->strategy, STRATEGY_PCT, 0, 1, 0);
	err = run_program(s, none);
	s->at->decisions = s->result.contested;
	s->at->actors = strategy_actors(&s->strategy);
	return err;
}

static int run_once(struct search *s, u64 run)
{
	int err = 0;

	s->at = &s->set.item[run % s->set.nr];
	if (!s->at->actors)
		err = measure(s);
	if (!err && !s->result.findings)
		err = searched_draw(s->at, &s->o.draw, s->o.seed, run);
	if (err || s->result.findings)
		return err;
	say_before(s, run);
	start_strategy(s, run);
	err = run_program(s, s->zoo);
	if (err)
		return err;
	s->runs++;
	s->decisions += s->result.decisions;
	s->points += s->result.points;
	if (s->dfs.exhaust)
		exhaust_end(s->dfs.exhaust, s->result.state);
	return 0;
}

static bool timed_out(const struct search *s, double start)
{
	return s->o.timeout > 0 && patience_now(CLOCK_MONOTONIC) - start >= s->o.timeout;
}

static int search(struct search *s)
{
	double start = patience_now(CLOCK_MONOTONIC), cpu = patience_now(CLOCK_PROCESS_CPUTIME_ID);
	int err = 0;

	for (u64 i = 0; !err && !s->result.findings && i < s->o.runs; i++) {
		if (s->dfs.asked && !explore_dfs_next(&s->dfs))
			break;
		err = run_once(s, s->o.first + i);
		if (err)
			break;
		s->interrupted = patience_interrupted();
		if (s->interrupted || timed_out(s, start))
			break;
	}
	s->seconds = patience_now(CLOCK_MONOTONIC) - start;
	s->cpu = patience_now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	return err;
}

/* ---- reporting ---- */

/* Not what a sanitizer found: it speaks of each place once, so no run after the first fails. */
static void shorten(struct search *s)
{
	struct explore_result before = s->result;
	size_t length = s->schedule.nr;
	unsigned int runs;

	if (!s->o.shorten || !strncmp(before.title, "SANITIZER", 9))
		return;
	runs = shorten_schedule(&s->config, &s->schedule, before.title, s->o.shorten, NULL,
				NULL, &s->result);
	fprintf(stderr, "mmstorm explore: %zu deviations from the default schedule, %zu after %u runs to shorten it\n",
		length, s->schedule.nr, runs);
}

static void report_finding(struct search *s)
{
	printf("%s\n  %s\n", s->result.title, s->result.detail);
	if (s->runs)
		printf("found by run %llu, after %llu schedules, in %s (n=%u k=%llu); ",
		       s->o.first + s->runs - 1, s->runs, s->at->name, s->at->actors,
		       s->at->decisions);
	else
		printf("found with no bug planted, in %s; ", s->at->name);
	printf("%zu deviations in %llu decisions\n", s->schedule.nr, s->result.decisions);
}

static const char *verdict(const struct search *s)
{
	if (s->result.findings || explore_dfs_disagrees(&s->dfs))
		return "FINDINGS";
	return s->interrupted ? "INTERRUPTED" : "SUCCESS";
}

static double rate(u64 n, double seconds)
{
	return seconds > 0 ? (double)n / seconds : 0;
}

static int write_json(const struct search *s)
{
	FILE *file = s->o.json ? fopen(s->o.json, "w") : NULL;
	struct json j;

	if (!s->o.json)
		return 0;
	if (!file)
		goto failed;
	json_begin(&j, file, "explore");
	json_string(&j, "scenario", s->scenario);
	json_string(&j, "strategy", s->strategy_name);
	json_string(&j, "memory", memory_model_name(s->config.memory));
	json_hex(&j, "seed", s->o.seed);
	json_u64(&j, "schedules", s->runs);
	json_double(&j, "schedules_per_s", rate(s->runs, s->cpu));
	json_u64(&j, "decisions", s->decisions);
	json_double(&j, "decisions_per_s", rate(s->decisions, s->cpu));
	json_u64(&j, "points", s->points);
	if (s->dfs.asked)
		explore_dfs_json(&s->dfs, &j);
	json_u64(&j, "findings", s->result.findings);
	if (s->result.findings) {
		json_string(&j, "title", s->result.title);
		json_string(&j, "found_in", s->at->name);
		json_u64(&j, "pct_n", s->at->actors);
		json_u64(&j, "pct_k", s->at->decisions);
	}
	json_open_object(&j, "windows");
	for (unsigned int i = 0; i < NR_WINDOWS; i++)
		if (s->windows[i])
			json_u64(&j, window_name(i), s->windows[i]);
	json_close(&j);
	if (s->token) {
		json_string(&j, "token", s->token);
		json_hex(&j, "trace_hash", s->result.hash);
	}
	json_string(&j, "verdict", verdict(s));
	json_end(&j);
	if (fclose(file))
		goto failed;
	return 0;
failed:
	fprintf(stderr, "mmstorm explore: --json: %s: %s\n", s->o.json, strerror(errno));
	return -EIO;
}

static int report(struct search *s)
{
	u64 runs = s->runs, decisions = s->decisions;

	if (s->result.findings)
		shorten(s);
	if (s->result.findings || s->o.token)
		s->token = replay_token_print(&s->config, &s->schedule, s->result.hash);
	if (s->result.findings)
		report_finding(s);
	if (s->token)
		printf("repeat: mmstorm replay %s\n", s->token);
	if (s->dfs.asked)
		explore_dfs_report(&s->dfs);
	printf("%llu schedules in %.2f s, %.2f s of CPU: %.0f/s; %llu decisions, %.2f M/s; %llu points\n",
	       runs, s->seconds, s->cpu, rate(runs, s->cpu), decisions,
	       rate(decisions, s->cpu) * 1e-6, s->points);
	if (s->others)
		printf("%llu schedules found something else than '%s'\n", s->others, s->from.title);
	printf("mmstorm: %s seed=0x%llx schedules=%llu findings=%u\n", verdict(s), s->o.seed, runs,
	       s->result.findings);
	if (write_json(s))
		return EXIT_RESOURCES;
	if (s->result.findings || explore_dfs_disagrees(&s->dfs))
		return EXIT_FINDINGS;
	return s->interrupted ? EXIT_INTERRUPTED : EXIT_CLEAN;
}

static int explore(struct search *s)
{
	int ret, err;

	s->config.stock = &s->stock;
	s->config.fills = s->o.fills;
	s->config.max_points = s->o.max_points;
	patience_block_signals();
	if (s->dfs.asked)
		s->config.fills = s->o.events;
	if (!s->o.runs)
		s->o.runs = s->dfs.asked ? U64_MAX : 10000;
	err = explore_dfs_begin(&s->dfs, s->o.events, s->o.brute);
	if (!err)
		err = search(s);
	if (err) {
		fprintf(stderr, "mmstorm explore: the machine could not be set up: %s\n",
			strerror(-err));
		ret = err == -EINVAL ? EXIT_SKIPPED : EXIT_RESOURCES;
	} else {
		ret = report(s);
	}
	searched_free(&s->set);
	finding_file_free(&s->from);
	schedule_free(&s->schedule);
	free(s->token);
	explore_dfs_end(&s->dfs);
	machine_stock_drop(&s->stock);
	return ret;
}

int cmd_explore(int argc, char **argv)
{
	struct search s = {
		.o = { .seed = 1, .fills = 2, .events = 1, .max_points = 100000,
		       .shorten = 2000, .draw = { .ops = 200, .cpus = 8 } },
	};
	int ret, words;

	if (scaling_asked(argc, argv))
		return cmd_scaling(argc, argv);
	words = options_parse("explore", rows, argc, argv, &s.o);
	if (words < 0)
		return EXIT_USAGE;
	if (s.o.help || words != !s.o.from) {
		fprintf(s.o.help ? stdout : stderr,
			"usage: mmstorm explore SCENARIO|FILE|storm:NAME[,...]|all|--from FINDING [options]   ('mmstorm list scenarios', storms)\n"
			"       mmstorm explore --scaling STORM [options]   (virtual time; --help for its own)\n");
		if (s.o.help)
			options_help(rows);
		return s.o.help ? EXIT_CLEAN : EXIT_USAGE;
	}
	s.scenario = s.o.from ? s.o.from : argv[1];
	if (parse_strategy(&s) || parse_memory(&s) ||
	    parse_checks("explore", s.o.checks, &s.config.checks) ||
	    parse_bugs("explore", s.o.bugs, s.zoo))
		return EXIT_USAGE;
	if (!MM_POINTS) {
		fprintf(stderr, "mmstorm explore: this build has no scheduling points\n");
		return EXIT_SKIPPED;
	}
	ret = load(&s);
	return ret ? ret : explore(&s);
}
