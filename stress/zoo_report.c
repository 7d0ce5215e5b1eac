/* SPDX-License-Identifier: MIT */
/*
 * The matrix of `mmstorm zoo' as text and as JSON lines.
 */
#include <stdio.h>
#include <string.h>

#include "stress/json.h"
#include "stress/stats.h"
#include "stress/zoo.h"

bool zoo_bug_found(const struct zoo_matrix *m, unsigned int bug)
{
	unsigned int i;

	for (i = 0; i < m->nr_columns; i++) {
		const struct zoo_cell *cell = zoo_cell(m, bug, i);

		if (zoo_tried(cell) && cell->found * 20 >= cell->seeds * 19)
			return true;
	}
	return false;
}

unsigned int zoo_bugs_found(const struct zoo_matrix *m)
{
	unsigned int bug, found = 0;

	for (bug = 0; bug < m->nr_bugs; bug++)
		found += zoo_bug_found(m, bug);
	return found;
}

const char *zoo_verdict(const struct zoo_matrix *m)
{
	if (m->interrupted)
		return "INTERRUPTED";
	return zoo_bugs_found(m) == m->nr_bugs ? "SUCCESS" : "MISSED";
}

/* --- text ---------------------------------------------------------------------- */

#define BUG_WIDTH	36
#define CELL_WIDTH	27

const char *zoo_column_name(const struct zoo_matrix *m, unsigned int column, char *buf,
			    size_t size)
{
	const struct zoo_column *c = &m->columns[column];

	if (!c->strategy)
		snprintf(buf, size, "%s", c->detector->slug);
	else if (m->columns[0].detector == m->columns[m->nr_columns - 1].detector)
		snprintf(buf, size, "%s", c->strategy);
	else
		snprintf(buf, size, "%s %s", c->detector->slug, c->strategy);
	return buf;
}

static void print_storms(FILE *out, const struct zoo_matrix *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_storms; i++)
		fprintf(out, "%s%s", i ? "," : "", m->storms[i]->name);
}

const char *zoo_took(char *buf, size_t size, const struct zoo_matrix *m, double took)
{
	int digits = m->strategies ? 0 : took < 10 ? 2 : took < 100 ? 1 : 0;

	snprintf(buf, size, "%.*f", digits, took);
	return buf;
}

static void cell_text(char *text, size_t size, const struct zoo_matrix *m,
		      const struct zoo_cell *cell)
{
	char middle[16], first[16], last[16];

	if (!zoo_tried(cell)) {
		snprintf(text, size, "-");
	} else if (!cell->found) {
		snprintf(text, size, "0/%u", cell->seeds);
	} else {
		/* The median sorts them. */
		zoo_took(middle, sizeof(middle), m, median(cell->took, cell->found));
		zoo_took(first, sizeof(first), m, cell->took[0]);
		zoo_took(last, sizeof(last), m, cell->took[cell->found - 1]);
		snprintf(text, size, "%u/%u %s (%s to %s)", cell->found, cell->seeds, middle,
			 first, last);
	}
}

/* Of the scenarios in which it was found, as often as that. */
static double median_bound(const struct zoo_matrix *m, unsigned int bug)
{
	double bound[ZOO_COLUMNS_MAX];
	unsigned int i, nr = 0;

	for (i = 0; i < m->nr_columns; i++) {
		const struct zoo_cell *cell = zoo_cell(m, bug, i);

		if (cell->found)
			bound[nr++] = median(cell->bound, cell->found);
	}
	return nr ? median(bound, nr) : 0;
}

/* A row of the matrix; @bug nr_bugs is the head. */
static void print_row(FILE *out, const struct zoo_matrix *m, unsigned int bug)
{
	bool head = bug == m->nr_bugs;
	int at, column = BUG_WIDTH;
	unsigned int i;
	char text[64];

	at = fprintf(out, "%s", head ? "" : m->bugs[bug]);
	for (i = 0; i < m->nr_columns; i++) {
		if (head)
			zoo_column_name(m, i, text, sizeof(text));
		else
			cell_text(text, sizeof(text), m, zoo_cell(m, bug, i));
		at += fprintf(out, "%*s %s", column > at ? column - at : 0, "", text);
		column += CELL_WIDTH;
	}
	if (m->depth && head)
		fprintf(out, "%*s bound", column > at ? column - at : 0, "");
	else if (m->depth)
		fprintf(out, "%*s %.1g", column > at ? column - at : 0, "", median_bound(m, bug));
	fprintf(out, "\n");
}

static void print_titles(FILE *out, const struct zoo_matrix *m, unsigned int bug)
{
	unsigned int c, i, shown = 0;
	char name[64];

	for (c = 0; c < m->nr_columns; c++) {
		const struct titles *titles = &zoo_cell(m, bug, c)->titles;

		zoo_column_name(m, c, name, sizeof(name));

		for (i = 0; i < titles->nr; i++) {
			if (!shown++)
				fprintf(out, "\n%s\n", m->bugs[bug]);
			fprintf(out, "  %-8s %4u %s\n", i ? "" : name, titles->count[i],
				titles->text[i]);
		}
	}
}

static void print_head(FILE *out, const struct zoo_matrix *m)
{
	if (!m->strategies) {
		fprintf(out, "found by how many seeds; seconds that it took: median (fastest to slowest)\n"
			     "%g s for a seed, %u vCPUs, storms ", m->budget, m->cpus);
		print_storms(out, m);
		return;
	}
	fprintf(out, "found by how many seeds; schedules that it took: median (fewest to most)\n"
		     "%llu schedules for a seed, memory %s, scenarios in turn: %s", m->runs,
		m->memory, m->scenarios);
	if (m->depth)
		fprintf(out, "\nbound: what pct:%u is sure not to exceed on average, if the bug's depth is %u:\n"
			     "n k^%u, of the scenario that found it, times %u scenarios", m->depth,
			m->depth, m->depth - 1, m->nr_scenarios);
}

void zoo_report(FILE *out, const struct zoo_matrix *m)
{
	unsigned int bug;

	print_head(out, m);
	fprintf(out, "\n\n");
	print_row(out, m, m->nr_bugs);
	for (bug = 0; bug < m->nr_bugs; bug++)
		print_row(out, m, bug);
	for (bug = 0; bug < m->nr_bugs; bug++)
		print_titles(out, m, bug);
	fprintf(out, "\nmmstorm: %s seed=0x%llx bugs=%u found=%u seeds=%u\n", zoo_verdict(m),
		(unsigned long long)m->first_seed, m->nr_bugs, zoo_bugs_found(m), m->seeds);
	fflush(out);
}

/* --- JSON lines ------------------------------------------------------------------ */

static void json_counts(struct json *j, const char *name, const struct titles *titles)
{
	json_open_object(j, name);
	for (unsigned int i = 0; i < titles->nr; i++)
		json_u64(j, titles->text[i], titles->count[i]);
	json_close(j);
}

static void json_took(struct json *j, const struct zoo_matrix *m, const struct zoo_cell *cell)
{
	bool search = m->strategies;

	if (cell->found) {
		json_double(j, search ? "median" : "median_s", median(cell->took, cell->found));
		json_double(j, search ? "min" : "min_s", cell->took[0]);
		json_double(j, search ? "max" : "max_s", cell->took[cell->found - 1]);
	}
	if (cell->found && m->depth)
		json_double(j, "pct_bound", median(cell->bound, cell->found));
	json_open_array(j, search ? "schedules" : "seconds");
	for (unsigned int i = 0; i < cell->found; i++)
		json_double(j, NULL, cell->took[i]);
	json_close(j);
}

static void json_cell(FILE *out, const struct zoo_matrix *m, unsigned int bug,
		      unsigned int column)
{
	const struct zoo_cell *cell = zoo_cell(m, bug, column);
	const struct zoo_column *c = &m->columns[column];
	struct json j;

	json_begin(&j, out, "zoo");
	json_string(&j, "bug", m->bugs[bug]);
	json_string(&j, "detector", c->detector->slug);
	if (c->strategy)
		json_string(&j, "strategy", c->strategy);
	json_string(&j, "program", c->program.path);
	if (c->program.lacks[0])
		json_string(&j, "skipped", c->program.lacks);
	json_u64(&j, "seeds", cell->seeds);
	json_u64(&j, "found", cell->found);
	json_took(&j, m, cell);
	if (c->strategy)
		json_counts(&j, "scenarios", &cell->scenarios);
	json_counts(&j, "titles", &cell->titles);
	json_end(&j);
}

void zoo_json(FILE *out, const struct zoo_matrix *m)
{
	unsigned int bug, i;
	struct json j;

	for (bug = 0; bug < m->nr_bugs; bug++)
		for (i = 0; i < m->nr_columns; i++)
			json_cell(out, m, bug, i);
	json_begin(&j, out, "zoo-summary");
	json_string(&j, "verdict", zoo_verdict(m));
	json_u64(&j, "bugs", m->nr_bugs);
	json_u64(&j, "found", zoo_bugs_found(m));
	json_hex(&j, "seed", m->first_seed);
	json_u64(&j, "seeds", m->seeds);
	if (m->strategies) {
		json_u64(&j, "budget_schedules", m->runs);
		json_string(&j, "scenarios", m->scenarios);
		json_string(&j, "memory", m->memory);
		json_end(&j);
		return;
	}
	json_double(&j, "budget_s", m->budget);
	json_u64(&j, "cpus", m->cpus);
	json_open_array(&j, "storms");
	for (i = 0; i < m->nr_storms; i++)
		json_string(&j, NULL, m->storms[i]->name);
	json_end(&j);
}
