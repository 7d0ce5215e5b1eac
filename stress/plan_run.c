/* SPDX-License-Identifier: MIT */
/*
 * A plan carried out: its runs one after another, whatever those before have found, and
 * what they come to.  Ctrl-C ends the run and those that were to follow.
 */
#include "stress/json.h"
#include "stress/document.h"
#include "stress/plan.h"

/* ---- saying ---- */

/* Whether what is said of all runs says more than that of the one. */
static bool has_total(const struct plan *plan)
{
	return plan->path || plan->nr > 1;
}

/* The command of each run, under its section, and what a swarm was dealt. */
static void print_plan(const struct plan *plan, FILE *out)
{
	const char *section = NULL;
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		const struct run *run = &plan->planned[i]->run;

		if (run->section != section)
			fprintf(out, "# [%s]\n", run->section);
		section = run->section;
		fprintf(out, "%s\n", run->repeat);
		report_mix(out, "# mix ", run);
	}
}

static void print_begin(const struct plan *plan, size_t i, FILE *out)
{
	fprintf(out, "run       %s (%zu of %zu)\n", plan->planned[i]->name, i + 1, plan->nr);
	fflush(out);
}

/* ---- running ---- */

static void run_all(struct plan *plan, struct document *json)
{
	size_t i;

	for (i = 0; i < plan->nr && !monitor_interrupted(); i++) {
		if (has_total(plan))
			print_begin(plan, i, json->file == stdout ? stderr : stdout);
		run_storm(&plan->planned[i]->run, json);
		plan->planned[i]->done = true;
	}
}

/* What all runs come to: the first of the worst verdicts, and sums. */
struct total {
	struct verdict		verdict;
	const struct planned	*worst;
	u64			ops;
	unsigned int		found;
};

static struct total add_up(const struct plan *plan)
{
	struct total t = { .worst = NULL };
	size_t i;

	for (i = 0; i < plan->nr; i++) {
		const struct planned *p = plan->planned[i];

		if (!p->done)
			continue;
		t.ops += p->run.ops_done;
		t.found += p->run.found;
		if (t.worst && verdict_rank(p->run.verdict.code) <=
			       verdict_rank(t.verdict.code))
			continue;
		t.worst = p;
		t.verdict = p->run.verdict;
	}
	if (monitor_interrupted() &&
	    verdict_rank(EXIT_INTERRUPTED) > verdict_rank(t.verdict.code))
		t.verdict = (struct verdict){ EXIT_INTERRUPTED, "INTERRUPTED", "" };
	return t;
}

static void print_total(const struct plan *plan, const struct total *t, FILE *out)
{
	size_t i;

	fprintf(out, "runs      %s\n", plan->path ? plan->path : plan->line->storm);
	for (i = 0; i < plan->nr; i++) {
		const struct planned *p = plan->planned[i];
		const struct verdict *v = &p->run.verdict;

		fprintf(out, "  %-34s %-14s %12llu ops  %u findings%s%s\n", p->name,
			p->done ? v->word : "not run", (unsigned long long)p->run.ops_done,
			p->run.found, v->why[0] ? "  " : "", v->why);
	}
	report_verdict(out, t->verdict.word, t->worst->o.seed, t->ops, t->found);
}

static void json_total(const struct plan *plan, const struct total *t, FILE *file)
{
	struct json j;

	json_begin(&j, file, "runs");
	json_u64(&j, "runs", plan->nr);
	if (plan->path)
		json_string(&j, "job", plan->path);
	json_string(&j, "verdict", t->verdict.word);
	json_u64(&j, "exit_code", t->verdict.code);
	json_string(&j, "worst", t->worst->name);
	json_hex(&j, "seed", t->worst->o.seed);
	json_u64(&j, "ops", t->ops);
	json_u64(&j, "findings", t->found);
	json_end(&j);
}

int plan_run(struct plan *plan)
{
	const struct run_options *line = plan->line;
	struct document json;
	struct total total;

	if (line->dry_run) {
		print_plan(plan, stdout);
		return EXIT_CLEAN;
	}
	if (!line->quiet)
		print_plan(plan, stderr);
	if (document_open(&json, line->json))
		return EXIT_RESOURCES;
	run_all(plan, &json);
	total = add_up(plan);
	if (has_total(plan)) {
		print_total(plan, &total, json.file == stdout ? stderr : stdout);
		if (json.file)
			json_total(plan, &total, json.file);
	}
	if (document_close(&json) && total.verdict.code != EXIT_FINDINGS)
		return EXIT_USAGE;
	return total.verdict.code;
}
