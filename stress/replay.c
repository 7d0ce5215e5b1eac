/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm replay': the run of a token again, to the last event; or the ops of op text,
 * as often as asked, under the oracles.  The interleaving of the latter is the host's.
 * Inputs of fuzz_sched are replay_input.c's.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/finding.h"
#include "check/check.h"
#include "ops/replay_token.h"
#include "ops/text.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/lists.h"
#include "stress/options.h"
#include "stress/replay_input.h"
#include "stress/sanitizer.h"
#include "stress/script.h"
#include "stress/tell.h"

struct replay_options {
	unsigned int	sched;
	unsigned int	repeat;
	const char	*checks;
	const char	*bugs;
	bool		story;
	bool		help;
};

static const char *const sched_choices[] = { "serial", "free", "jitter", NULL };
static const enum run_mode sched_mode[] = { RUN_SERIAL, RUN_FREE, RUN_JITTER };

#define ROW(field) .offset = offsetof(struct replay_options, field)

static const struct option_row rows[] = {
	{ "sched", 0, OPTION_CHOICE, ROW(sched), 0, 0, sched_choices,
	  "how the tasks run" },
	{ "repeat", 0, OPTION_COUNT, ROW(repeat), 1, 1000000000, NULL,
	  "times, each on a fresh machine, until something is found" },
	{ "checks", 0, OPTION_STRING, ROW(checks), 0, 0, NULL,
	  "oracles: all, none, or a list" },
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL,
	  "plant bugs of the zoo" },
	{ "story", 0, OPTION_FLAG, ROW(story), 0, 0, NULL,
	  "of a token: tell the run, a line for each step" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

static unsigned int print_findings(const struct machine *m)
{
	const struct finding *f;
	unsigned int i;

	for (i = 0; (f = finding_get(&m->sink, i)); i++)
		printf("%s (%u times)\n  %s\n", f->title, f->count, f->detail);
	return i;
}

/* One run on a fresh machine: findings, or minus an exit code. */
static int replay_once(struct script *s, const struct replay_options *o,
		       u32 checks, const u64 zoo[2])
{
	int findings, ret = script_boot(s, sched_mode[o->sched], checks, zoo);

	if (ret)
		return -ret;
	ret = op_run_program(s->run, &s->list);
	if (ret) {
		fprintf(stderr, "mmstorm replay: the program could not go on: %s\n",
			strerror(-ret));
		script_shutdown(s);
		return -EXIT_RESOURCES;
	}
	machine_bind_host(s->machine, 0);
	check_quiet(s->machine);
	machine_unbind_host(s->machine);
	findings = print_findings(s->machine) + sanitizer_reports();
	script_shutdown(s);
	return findings;
}

/* ---- tokens: the same run, to the last event ---- */

static int say_replayed(const struct replay_token *t, const struct strategy *strategy,
			const struct explore_result *r)
{
	bool same = strategy_followed(strategy) && r->hash == t->hash;
	unsigned int findings = r->findings + sanitizer_reports();

	if (r->findings)
		printf("%s\n  %s\n", r->title, r->detail);
	if (!same)
		fprintf(stderr, "mmstorm replay: the run went another way than the token's: trace hash 0x%llx, not 0x%llx\n",
			r->hash, t->hash);
	printf("mmstorm: %s trace_hash=0x%llx decisions=%llu ops=%llu findings=%u\n",
	       !same ? "DIVERGED" : findings ? "FINDINGS" : "SUCCESS", r->hash, r->decisions,
	       r->ops, findings);
	if (!same)
		return EXIT_DIVERGED;
	return findings ? EXIT_FINDINGS : EXIT_CLEAN;
}

/* As often as asked; the first that differs from the token ends it. */
static int run_token(struct replay_token *t, const struct replay_options *o)
{
	struct machine_stock stock = { .ram = { .base = NULL } };
	struct strategy strategy;
	struct explore_result r;
	int err = 0;

	t->config.stock = &stock;
	for (unsigned int i = 0; i < o->repeat && !err; i++) {
		strategy_start_replay(&strategy, &t->schedule);
		err = explore_run(&t->config, &strategy, NULL, &r);
		if (!err && (r.hash != t->hash || !strategy_followed(&strategy)))
			break;
	}
	t->config.stock = NULL;
	machine_stock_drop(&stock);
	if (!err)
		return say_replayed(t, &strategy, &r);
	fprintf(stderr, "mmstorm replay: the machine could not be set up: %s\n", strerror(-err));
	return err == -EINVAL ? EXIT_SKIPPED : EXIT_RESOURCES;
}

static int replay_token(const char *text, const struct replay_options *o)
{
	struct replay_token token;
	const char *why;
	int ret = replay_token_parse(text, &token, &why);

	if (ret) {
		fprintf(stderr, "mmstorm replay: %s\n", ret == -ENOMEM ? strerror(ENOMEM) : why);
		return ret == -ESTALE ? EXIT_DIVERGED :
		       ret == -ENOMEM ? EXIT_RESOURCES : EXIT_USAGE;
	}
	if (o->story)
		story_of(&token, stdout);
	ret = run_token(&token, o);
	replay_token_free(&token);
	return ret;
}

/* ---- op text ---- */

static int replay(struct script *s, const struct replay_options *o,
		  u32 checks, const u64 zoo[2])
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < o->repeat && !ret; i++)
		ret = replay_once(s, o, checks, zoo);
	if (ret < 0)
		return -ret;
	printf("mmstorm: %s seed=0x%llx ops=%zu runs=%u findings=%d\n",
	       ret ? "FINDINGS" : "SUCCESS",
	       (unsigned long long)s->list.world.seed, s->list.nr, i, ret);
	return ret ? EXIT_FINDINGS : EXIT_CLEAN;
}

int cmd_replay(int argc, char **argv)
{
	struct replay_options o = { .repeat = 1 };
	int ret, words = options_parse("replay", rows, argc, argv, &o);
	u64 zoo[2] = { 0 };
	struct script s;
	u32 checks;

	if (words < 0)
		return EXIT_USAGE;
	if (o.help || words != 1) {
		fprintf(o.help ? stdout : stderr,
			"usage: mmstorm replay TOKEN|FILE [options]   (FILE: op text, or an input of fuzz_sched)\n");
		if (o.help)
			options_help(rows);
		return o.help ? EXIT_CLEAN : EXIT_USAGE;
	}
	if (parse_checks("replay", o.checks, &checks) ||
	    parse_bugs("replay", o.bugs, zoo))
		return EXIT_USAGE;
	if (replay_token_is(argv[1]))
		return replay_token(argv[1], &o);
	if (replay_is_input(argv[1]))
		return replay_input(argv[1], o.repeat, checks, zoo);
	ret = script_load(&s, "replay", argv[1]);
	if (ret)
		return ret;
	ret = replay(&s, &o, checks, zoo);
	script_free(&s);
	return ret;
}
