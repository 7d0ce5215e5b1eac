/* SPDX-License-Identifier: MIT */
/*
 * Runs one after another: one for each storm of a command line, or of each section of
 * a job.
 *
 * All that can be refused is refused before the first run begins.  What a section
 * does not say has its default; what the command line says goes before both.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/job.h"
#include "ops/read_file.h"
#include "stress/jobs.h"
#include "stress/lists.h"
#include "stress/plan.h"

/* ---- planning ---- */

static struct planned *plan_another(struct plan *plan)
{
	size_t size = (plan->nr + 1) * sizeof(*plan->planned);
	struct planned **more = realloc(plan->planned, size);

	if (!more)
		return NULL;
	plan->planned = more;
	more[plan->nr] = calloc(1, sizeof(**more));
	return more[plan->nr] ? more[plan->nr++] : NULL;
}

/* All but the first nr. */
static void plan_keep(struct plan *plan, size_t nr)
{
	while (plan->nr > nr) {
		plan->nr--;
		run_forget(&plan->planned[plan->nr]->run);
		free(plan->planned[plan->nr]);
	}
}

static void plan_free(struct plan *plan)
{
	plan_keep(plan, 0);
	free(plan->planned);
	job_free(&plan->job);
}

/* SECTION, STORM, or SECTION/STORM: what tells it from the others. */
static void name_run(struct planned *p, bool of_several)
{
	const char *section = p->run.section;

	snprintf(p->name, sizeof(p->name), "%s%s%s", section ? section : "",
		 section && of_several ? "/" : "",
		 section && !of_several ? "" : p->run.storm->name);
}

/* A run for each storm that the options name; a random seed is drawn by now. */
static int plan_runs(struct plan *plan, const struct run_options *o, const char *section,
		     struct option_error *err)
{
	const struct storm_info *chosen[STORMS_MAX];
	struct planned *p;
	int i, nr, ret = 0;

	if (!o->storm)
		return option_refuse(err, "name one storm, or several as STORM,STORM; 'mmstorm list storms' names them");
	nr = list_storms(o->storm, chosen, err);
	if (nr < 0)
		return nr;
	for (i = 0; i < nr && !ret; i++) {
		p = plan_another(plan);
		if (!p)
			return -ENOMEM;
		p->o = *o;
		if (!p->o.ops && p->o.timeout <= 0)
			p->o.timeout = 20;
		p->run = (struct run){ .o = &p->o, .storm = chosen[i], .section = section };
		name_run(p, nr > 1);
		ret = run_prepare(&p->run, err);
	}
	return ret;
}

static int out_of_memory(void)
{
	fprintf(stderr, "mmstorm run: %s\n", strerror(ENOMEM));
	return EXIT_RESOURCES;
}

static int refused(const struct plan *plan, unsigned int line, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", plan->path, line, what);
	return EXIT_USAGE;
}

static void apply_line(const struct plan *plan, struct run_options *o)
{
	const struct option_row *row;

	for (row = run_rows; row->name; row++)
		if (plan->given >> (row - run_rows) & 1)
			option_copy(row, plan->line, o);
	if (plan->line->storm)
		o->storm = plan->line->storm;
}

static int plan_section(struct plan *plan, const struct job_section *section)
{
	struct option_error err;
	struct job_error where;
	struct run_options o;
	int ret;

	run_options_default(&o);
	if (job_apply(&plan->job.global, run_rows, &o, &where) ||
	    job_apply(section, run_rows, &o, &where))
		return refused(plan, where.line, where.what);
	apply_line(plan, &o);
	ret = plan_runs(plan, &o, section->name, &err);
	if (ret == -ENOMEM)
		return out_of_memory();
	if (!ret)
		return 0;
	snprintf(where.what, sizeof(where.what), "[%s]: %s", section->name, err.what);
	return refused(plan, section->line, where.what);
}

static int no_section(const struct plan *plan, const char *name, size_t len)
{
	size_t i;

	fprintf(stderr, "mmstorm run: --section: there is no section '%.*s' in %s; it has",
		(int)len, name, plan->path);
	for (i = 0; i < plan->job.nr_sections; i++)
		fprintf(stderr, "%s %s", i ? "," : "", plan->job.section[i].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

/* Whether a comma list has that name. */
static bool in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (;; list += strcspn(list, ",") + 1) {
		if (strcspn(list, ",") == len && !memcmp(list, name, len))
			return true;
		if (!list[strcspn(list, ",")])
			return false;
	}
}

/* Every name that --section gives is one of the job. */
static int check_sections(const struct plan *plan)
{
	const char *list = plan->line->section;
	size_t len;

	while (list) {
		len = strcspn(list, ",");
		if (!job_section(&plan->job, list, len))
			return no_section(plan, list, len);
		list = list[len] ? list + len + 1 : NULL;
	}
	return 0;
}

/* All sections are looked at, though only some may be asked for: a job is right or not. */
static int plan_sections(struct plan *plan)
{
	const char *list = plan->line->section;
	size_t i, kept;
	int ret = check_sections(plan);

	for (i = 0; i < plan->job.nr_sections && !ret; i++) {
		kept = plan->nr;
		ret = plan_section(plan, &plan->job.section[i]);
		if (!ret && list && !in_list(list, plan->job.section[i].name))
			plan_keep(plan, kept);
	}
	return ret;
}

static int load_job(struct plan *plan)
{
	const char *text = ready_job(plan->line->job);
	struct job_error err;
	char *read = NULL;
	size_t len;
	int ret = 0;

	plan->path = plan->line->job;
	if (text)
		len = strlen(text);
	else
		ret = read_file(plan->path, &read, &len);
	if (ret) {
		fprintf(stderr, "mmstorm run: --job: %s: %s; a readable file will do, or a ready job (mmstorm list jobs)\n",
			plan->path, strerror(-ret));
		return EXIT_USAGE;
	}
	ret = job_parse(text ? text : read, len, &plan->job, &err);
	free(read);
	if (ret == -ENOMEM)
		return out_of_memory();
	return ret ? refused(plan, err.line, err.what) : 0;
}

/* ---- the command's two forms ---- */

int plan_line(const struct run_options *line)
{
	struct plan plan = { .line = line };
	struct option_error err;
	int ret = plan_runs(&plan, line, NULL, &err);

	if (ret == -ENOMEM) {
		ret = out_of_memory();
	} else if (ret) {
		fprintf(stderr, "mmstorm run: %s\n", err.what);
		ret = EXIT_USAGE;
	} else {
		ret = plan_run(&plan);
	}
	plan_free(&plan);
	return ret;
}

int plan_job(const struct run_options *line, u64 given)
{
	struct plan plan = { .line = line, .given = given };
	int ret = load_job(&plan);

	if (!ret)
		ret = plan_sections(&plan);
	if (!ret)
		ret = plan_run(&plan);
	plan_free(&plan);
	return ret;
}
