/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm list': what there is to name on the command line, one a line, its
 * name first.
 */
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "ops/op.h"
#include "stress/bench.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/jobs.h"
#include "stress/scenarios.h"
#include "stress/storm.h"
#include "trace/counters.h"
#include "zoo/zoo.h"

static void list_storms(void)
{
	unsigned int i;

	for (i = 0; storms[i]; i++)
		printf("%-24s %s\n", storms[i]->name, storms[i]->what);
}

static void list_bugs(void)
{
	const struct zoo_bug *bug;
	unsigned int i;

	for (i = 0; (bug = zoo_bug(i)); i++)
		printf("%-36s %s [%s]\n", bug->slug, bug->title, bug->source);
}

static void list_checks(void)
{
	unsigned int i;

	for (i = 0; i < NR_CHECKS; i++)
		printf("%-10s %s\n", check_info[i].slug, check_info[i].what);
}

static void list_counters(void)
{
	unsigned int i;

	for (i = 0; i < NR_VM_EVENT_ITEMS; i++)
		printf("%s\n", vm_event_name(i));
}

static void list_windows(void)
{
	unsigned int i;

	for (i = 0; i < NR_WINDOWS; i++)
		printf("%-26s %s\n", window_name(i), window_text(i));
}

static void list_ops(void)
{
	unsigned int i;

	for (i = 0; i < OP_NR; i++)
		printf("%-10s %s\n", op_name(i), op_desc(i)->doc);
}

static void list_archs(void)
{
	printf("%-10s %u-level page tables, %u-bit addresses\n",
	       arch_x86_64.name, arch_x86_64.levels, arch_x86_64.va_bits);
}

static void list_cases(void)
{
	unsigned int i;

	for (i = 0; bench_cases[i]; i++)
		printf("%-16s %s\n", bench_cases[i]->name, bench_cases[i]->what);
}

/* What a job is for is its first line, "# what". */
static void list_jobs(void)
{
	const struct ready_job *job;
	const char *what;

	for (job = ready_jobs; job->name; job++) {
		what = job->text + strspn(job->text, "# ");
		printf("%-10s %.*s\n", job->name, (int)strcspn(what, "\n"), what);
	}
}

static void list_scenarios(void)
{
	const struct scenario *s;
	char title[120];

	for (s = scenarios; s->name; s++) {
		scenario_title(s, title, sizeof(title));
		printf("%-20s %s\n", s->name, title);
	}
}

static const struct {
	const char	*name;
	void		(*list)(void);
} lists[] = {
	{ "storms", list_storms }, { "jobs", list_jobs }, { "bugs", list_bugs },
	{ "checks", list_checks }, { "counters", list_counters },
	{ "windows", list_windows }, { "ops", list_ops },
	{ "archs", list_archs }, { "cases", list_cases },
	{ "scenarios", list_scenarios },
};

int cmd_list(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc == 2 && i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (!strcmp(argv[1], lists[i].name)) {
			lists[i].list();
			return EXIT_CLEAN;
		}
	}
	fprintf(argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr,
		"usage: mmstorm list storms|jobs|scenarios|bugs|checks|counters|windows|ops|archs|cases\n");
	return argc == 2 && !strcmp(argv[1], "--help") ? EXIT_CLEAN : EXIT_USAGE;
}
