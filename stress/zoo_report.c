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
	unsigned int d;

	for (d = 0; d < NR_DETECTORS; d++) {
		const struct zoo_cell *cell = zoo_cell(m, bug, d);

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

static void print_storms(FILE *out, const struct zoo_matrix *m)
{
	unsigned int i;

	for (i = 0; i < m->nr_storms; i++)
		fprintf(out, "%s%s", i ? "," : "", m->storms[i]->name);
}

const char *zoo_seconds(char *buf, size_t size, double seconds)
{
	snprintf(buf, size, "%.*f", seconds < 10 ? 2 : seconds < 100 ? 1 : 0, seconds);
	return buf;
}

static void cell_text(char *text, size_t size, const struct zoo_cell *cell)
{
	char middle[16], first[16], last[16];

	if (!zoo_tried(cell)) {
		snprintf(text, size, "-");
	} else if (!cell->found) {
		snprintf(text, size, "0/%u", cell->seeds);
	} else {
		/* The median sorts them. */
		zoo_seconds(middle, sizeof(middle), median(cell->seconds, cell->found));
		zoo_seconds(first, sizeof(first), cell->seconds[0]);
		zoo_seconds(last, sizeof(last), cell->seconds[cell->found - 1]);
		snprintf(text, size, "%u/%u %s (%s to %s)", cell->found, cell->seeds, middle,
			 first, last);
	}
}

/* A row of the matrix; @bug nr_bugs is the head. */
static void print_row(FILE *out, const struct zoo_matrix *m, unsigned int bug)
{
	bool head = bug == m->nr_bugs;
	int at, column = BUG_WIDTH, d;
	char text[64];

	at = fprintf(out, "%s", head ? "" : m->bugs[bug]);
	for (d = 0; d < NR_DETECTORS; d++) {
		if (!m->asked[d])
			continue;
		if (!head)
			cell_text(text, sizeof(text), zoo_cell(m, bug, d));
		at += fprintf(out, "%*s %s", column > at ? column - at : 0, "",
			      head ? detectors[d].slug : text);
		column += CELL_WIDTH;
	}
	fprintf(out, "\n");
}

static void print_titles(FILE *out, const struct zoo_matrix *m, unsigned int bug)
{
	unsigned int d, i, shown = 0;

	for (d = 0; d < NR_DETECTORS; d++) {
		const struct titles *titles = &zoo_cell(m, bug, d)->titles;

		for (i = 0; i < titles->nr; i++) {
			if (!shown++)
				fprintf(out, "\n%s\n", m->bugs[bug]);
			fprintf(out, "  %-8s %4u %s\n", i ? "" : detectors[d].slug,
				titles->count[i], titles->text[i]);
		}
	}
}

void zoo_report(FILE *out, const struct zoo_matrix *m)
{
	unsigned int bug;

	fprintf(out, "found by how many seeds; seconds that it took: median (fastest to slowest)\n"
		     "%g s for a seed, %u vCPUs, storms ", m->budget, m->cpus);
	print_storms(out, m);
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

static void json_cell(FILE *out, const struct zoo_matrix *m, unsigned int bug,
		      enum detector_id d)
{
	const struct zoo_cell *cell = zoo_cell(m, bug, d);
	struct json j;
	unsigned int i;

	json_begin(&j, out, "zoo");
	json_string(&j, "bug", m->bugs[bug]);
	json_string(&j, "detector", detectors[d].slug);
	json_string(&j, "program", m->program[d].path);
	if (m->program[d].lacks[0])
		json_string(&j, "skipped", m->program[d].lacks);
	json_u64(&j, "seeds", cell->seeds);
	json_u64(&j, "found", cell->found);
	if (cell->found) {
		json_double(&j, "median_s", median(cell->seconds, cell->found));
		json_double(&j, "min_s", cell->seconds[0]);
		json_double(&j, "max_s", cell->seconds[cell->found - 1]);
	}
	json_open_array(&j, "seconds");
	for (i = 0; i < cell->found; i++)
		json_double(&j, NULL, cell->seconds[i]);
	json_close(&j);
	json_open_object(&j, "titles");
	for (i = 0; i < cell->titles.nr; i++)
		json_u64(&j, cell->titles.text[i], cell->titles.count[i]);
	json_end(&j);
}

void zoo_json(FILE *out, const struct zoo_matrix *m)
{
	unsigned int bug, d, i;
	struct json j;

	for (bug = 0; bug < m->nr_bugs; bug++)
		for (d = 0; d < NR_DETECTORS; d++)
			if (m->asked[d])
				json_cell(out, m, bug, d);
	json_begin(&j, out, "zoo-summary");
	json_string(&j, "verdict", zoo_verdict(m));
	json_u64(&j, "bugs", m->nr_bugs);
	json_u64(&j, "found", zoo_bugs_found(m));
	json_hex(&j, "seed", m->first_seed);
	json_u64(&j, "seeds", m->seeds);
	json_double(&j, "budget_s", m->budget);
	json_u64(&j, "cpus", m->cpus);
	json_open_array(&j, "storms");
	for (i = 0; i < m->nr_storms; i++)
		json_string(&j, NULL, m->storms[i]->name);
	json_end(&j);
}
