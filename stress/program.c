/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm program': recordings of real programs on the simulated mm, every
 * answer of the real kernel compared (ops/program.h).
 *
 * Prints the comparison on standard output, trouble on standard error.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "ops/program.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/json.h"
#include "stress/options.h"
#include "stress/sanitizer.h"

struct program_options {
	unsigned int	backend;
	unsigned int	diffs;
	unsigned int	min_equal;
	bool		cases;
	bool		json;
	bool		help;
};

static const char *const backend_choices[] = { "mm", "model", NULL };
static const struct program_backend *const backends[] = { &program_core,
							   &program_model };

#define ROW(field) .offset = offsetof(struct program_options, field)

static const struct option_row rows[] = {
	{ "backend", 0, OPTION_CHOICE, ROW(backend), 0, 0, backend_choices,
	  "what answers: the mm, or the reference model" },
	{ "cases", 0, OPTION_FLAG, ROW(cases), 0, 0, NULL,
	  "a verdict for each case of a recording of cases" },
	{ "diffs", 0, OPTION_COUNT, ROW(diffs), 0, 1000000, NULL,
	  "differences to print for each recording" },
	{ "min-equal", 0, OPTION_COUNT, ROW(min_equal), 0, 100, NULL,
	  "percent of S, D and T lines that must be equal for success" },
	{ "json", 0, OPTION_FLAG, ROW(json), 0, 0, NULL, "JSON lines" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

/* Of all recordings of one command line. */
struct totals {
	uint64_t	ops, unequal, lines_all, lines_equal, findings;
	bool		short_of_goal;
};

static bool any(const struct program_tally *t)
{
	return t->equal || t->unequal || t->unsupported;
}

/* --- one recording, for people ---------------------------------------------- */

static void print_cases(const struct program_report *r)
{
	size_t i, equal = 0, unexplained = 0;

	for (i = 0; i < r->nr_cases; i++) {
		const struct program_case *c = &r->cases[i];

		if (!c->unequal && !c->unsupported) {
			equal++;
			printf("  case %-40s equal\n", c->id);
		} else {
			printf("  case %-40s %s: %u unequal, %u unsupported, from line %llu\n",
			       c->id, c->unexplained ? "UNEQUAL" : "unsupported",
			       c->unequal, c->unsupported, (unsigned long long)c->line);
			unexplained += c->unexplained != 0;
		}
	}
	printf("  cases: %zu, equal %zu, unequal %zu, with unsupported calls %zu\n",
	       r->nr_cases, equal, unexplained, r->nr_cases - equal - unexplained);
}

static void print_report(const char *path, const struct program_report *r,
			 const struct program_options *o)
{
	unsigned int i;

	printf("%s: %.2f%% of S, D and T lines equal (%s)\n", path,
	       100 * program_equal_share(r), backends[o->backend]->name);
	printf("  %-6s %10s %10s %12s\n", "line", "equal", "unequal", "unsupported");
	for (i = 0; i < PROGRAM_NR_KINDS; i++)
		if (any(&r->tally[i]))
			printf("  %-6s %10llu %10llu %12llu\n", program_kind_names[i],
			       (unsigned long long)r->tally[i].equal,
			       (unsigned long long)r->tally[i].unequal,
			       (unsigned long long)r->tally[i].unsupported);
	if (any(&r->layouts))
		printf("  final layouts: %llu equal, %llu unequal\n",
		       (unsigned long long)r->layouts.equal,
		       (unsigned long long)r->layouts.unequal);
	if (r->given)
		printf("  not compared: %llu answers that tell what execve made\n",
		       (unsigned long long)r->given);
	for (i = 0; i < r->nr_lacks; i++)
		printf("  not supported: %s (%llu)\n", r->lack[i].name,
		       (unsigned long long)r->lack[i].count);
	if (r->findings)
		printf("  the machine reported %llu findings\n",
		       (unsigned long long)r->findings);
	if (r->diffs)
		printf("%s", r->diffs);
	if (o->cases)
		print_cases(r);
}

/* --- one recording, for programs ----------------------------------------------- */

static void json_tally(struct json *j, const char *key,
		       const struct program_tally *t)
{
	json_open_object(j, key);
	json_u64(j, "equal", t->equal);
	json_u64(j, "unequal", t->unequal);
	json_u64(j, "unsupported", t->unsupported);
	json_close(j);
}

static void json_cases(const struct program_report *r, const char *path)
{
	struct json j;
	size_t i;

	for (i = 0; i < r->nr_cases; i++) {
		const struct program_case *c = &r->cases[i];

		json_begin(&j, stdout, "program-case");
		json_string(&j, "file", path);
		json_string(&j, "case", c->id);
		json_u64(&j, "unequal", c->unequal);
		json_u64(&j, "unsupported", c->unsupported);
		json_u64(&j, "unexplained", c->unexplained);
		json_u64(&j, "line", c->line);
		json_end(&j);
	}
}

static void json_report(const char *path, const struct program_report *r,
			const struct program_options *o)
{
	struct json j;
	unsigned int i;

	json_begin(&j, stdout, "program");
	json_string(&j, "file", path);
	json_string(&j, "backend", backends[o->backend]->name);
	json_double(&j, "equal_share", program_equal_share(r));
	for (i = 0; i < PROGRAM_NR_KINDS; i++)
		if (any(&r->tally[i]))
			json_tally(&j, program_kind_names[i], &r->tally[i]);
	json_tally(&j, "layouts", &r->layouts);
	json_open_object(&j, "not_supported");
	for (i = 0; i < r->nr_lacks; i++)
		json_u64(&j, r->lack[i].name, r->lack[i].count);
	json_close(&j);
	json_u64(&j, "not_compared", r->given);
	json_u64(&j, "findings", r->findings);
	json_u64(&j, "cases", r->nr_cases);
	json_end(&j);
	if (o->cases)
		json_cases(r, path);
}

/* --- all of them -------------------------------------------------------------------- */

static void add_totals(struct totals *t, const struct program_report *r,
		       const struct program_options *o)
{
	unsigned int i;

	for (i = 0; i < PROGRAM_NR_KINDS; i++) {
		const struct program_tally *k = &r->tally[i];

		if (i == PROGRAM_S || i == PROGRAM_T || i == PROGRAM_F)
			t->ops += k->equal + k->unequal;
		if (i > PROGRAM_T || i == PROGRAM_SAME)
			continue;
		t->lines_all += k->equal + k->unequal + k->unsupported;
		t->lines_equal += k->equal;
		t->unequal += k->unequal + k->unsupported;
	}
	t->findings += r->findings;
	/* A layout that a call changed without the kernel's doing so counts too. */
	if (100 * program_equal_share(r) < o->min_equal || r->layouts.unequal ||
	    (o->min_equal == 100 && r->tally[PROGRAM_SAME].unequal))
		t->short_of_goal = true;
}

static int verdict(const struct totals *t, const struct program_options *o)
{
	uint64_t findings = t->findings + sanitizer_reports();
	bool bad = findings || t->short_of_goal;
	double share = t->lines_all ?
		100.0 * (double)t->lines_equal / (double)t->lines_all : 100;
	struct json j;

	if (o->json) {
		json_begin(&j, stdout, "program-summary");
		json_string(&j, "verdict", bad ? "FINDINGS" : "SUCCESS");
		json_u64(&j, "ops", t->ops);
		json_u64(&j, "unequal", t->unequal);
		json_double(&j, "equal_share", share / 100);
		json_u64(&j, "findings", findings);
		json_end(&j);
	} else {
		printf("mmstorm: %s seed=0x1 ops=%llu findings=%llu unequal=%llu equal=%.2f%%\n",
		       bad ? "FINDINGS" : "SUCCESS", (unsigned long long)t->ops,
		       (unsigned long long)findings, (unsigned long long)t->unequal,
		       share);
	}
	if (fflush(stdout)) {
		fprintf(stderr, "mmstorm program: standard output: %s\n",
			strerror(errno));
		return EXIT_RESOURCES;
	}
	return bad ? EXIT_FINDINGS : EXIT_CLEAN;
}

static int run_one(const char *path, const struct program_options *o,
		   struct totals *t)
{
	struct program_report r = { .max_diffs = o->diffs };
	int err = program_run(path, backends[o->backend], &r);

	if (err) {
		fprintf(stderr, "mmstorm program: %s\n", r.error);
		program_report_free(&r);
		return err == -ENOMEM ? EXIT_RESOURCES : EXIT_USAGE;
	}
	if (o->json)
		json_report(path, &r, o);
	else
		print_report(path, &r, o);
	add_totals(t, &r, o);
	program_report_free(&r);
	return 0;
}

int cmd_program(int argc, char **argv)
{
	struct program_options o = { .diffs = 10, .min_equal = 100 };
	int i, ret, files = options_parse("program", rows, argc, argv, &o);
	struct totals t = { 0 };

	if (files < 0)
		return EXIT_USAGE;
	if (o.help || !files) {
		fprintf(o.help ? stdout : stderr,
			"usage: mmstorm program FILE... [options]   (FILE: mmtrace or strace text, plain or .gz)\n");
		if (o.help)
			options_help(rows);
		return o.help ? EXIT_CLEAN : EXIT_USAGE;
	}
	for (i = 1; i <= files; i++) {
		ret = run_one(argv[i], &o, &t);
		if (ret)
			return ret;
	}
	return verdict(&t, &o);
}
