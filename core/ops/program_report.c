/* SPDX-License-Identifier: MIT */
/*
 * program_report.c: the tallies of a run, its first differences, its cases,
 * and the names of what the backend lacks.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

const char *const program_kind_names[PROGRAM_NR_KINDS] = {
	[PROGRAM_S] = "S", [PROGRAM_D] = "D", [PROGRAM_SAME] = "no-D",
	[PROGRAM_T] = "T", [PROGRAM_F] = "f", [PROGRAM_G] = "G",
	[PROGRAM_V] = "V", [PROGRAM_L] = "L", [PROGRAM_C] = "C",
	[PROGRAM_Q] = "Q",
};

/* The kinds a case is judged by: what a program can see. */
static bool decides(enum program_kind kind)
{
	return kind <= PROGRAM_T;
}

static struct program_case *current_case(struct program_state *s)
{
	struct program_report *r = s->report;

	return r->nr_cases ? &r->cases[r->nr_cases - 1] : NULL;
}

void program_equal(struct program_state *s, enum program_kind kind)
{
	s->report->tally[kind].equal++;
}

static void mark_case(struct program_state *s)
{
	struct program_case *c = current_case(s);

	if (c && !c->line)
		c->line = s->reader->line;
}

static void unequal(struct program_state *s, enum program_kind kind,
		    const char *fmt, va_list args)
{
	struct program_report *r = s->report;
	char text[512], *diffs;
	int len;

	r->tally[kind].unequal++;
	if (decides(kind) && current_case(s)) {
		current_case(s)->unequal++;
		if (!current_case(s)->unsupported)
			current_case(s)->unexplained++;
		mark_case(s);
	}
	if (r->nr_diffs >= r->max_diffs)
		return;
	len = snprintf(text, sizeof(text), "line %llu: ",
		       (unsigned long long)s->reader->line);
	vsnprintf(text + len, sizeof(text) - (size_t)len, fmt, args);
	len = (int)strlen(text);
	diffs = realloc(r->diffs, r->diffs_len + (size_t)len + 2);
	if (!diffs)
		return;
	memcpy(diffs + r->diffs_len, text, (size_t)len);
	r->diffs = diffs;
	r->diffs_len += (size_t)len + 1;
	diffs[r->diffs_len - 1] = '\n';
	diffs[r->diffs_len] = '\0';
	r->nr_diffs++;
}

void program_unequal(struct program_state *s, enum program_kind kind,
		     const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	unequal(s, kind, fmt, args);
	va_end(args);
}

void program_unlike(struct program_state *s, enum program_kind kind,
		    const struct program_proc *p, bool swapped, const char *fmt, ...)
{
	va_list args;

	if (swapped || p->huge) {
		program_unsupported(s, kind, swapped ? "swap" : "transparent huge pages");
		return;
	}
	va_start(args, fmt);
	unequal(s, kind, fmt, args);
	va_end(args);
}

void program_unsupported(struct program_state *s, enum program_kind kind,
			 const char *what)
{
	struct program_report *r = s->report;
	unsigned i;

	r->tally[kind].unsupported++;
	if (decides(kind) && current_case(s)) {
		current_case(s)->unsupported++;
		mark_case(s);
	}
	for (i = 0; i < r->nr_lacks; i++)
		if (!strncmp(r->lack[i].name, what, sizeof(r->lack[i].name) - 1)) {
			r->lack[i].count++;
			return;
		}
	if (i == sizeof(r->lack) / sizeof(r->lack[0]))
		return;
	strncpy(r->lack[i].name, what, sizeof(r->lack[i].name) - 1);
	r->lack[i].count = 1;
	r->nr_lacks++;
}

int program_broken(struct program_state *s, const char *fmt, ...)
{
	struct program_report *r = s->report;
	va_list args;
	int len;

	len = snprintf(r->error, sizeof(r->error), "%s:%llu: ", s->reader->path,
		       (unsigned long long)s->reader->line);
	if (len < 0 || (size_t)len >= sizeof(r->error))
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(r->error + len, sizeof(r->error) - (size_t)len, fmt, args);
	va_end(args);
	return -EINVAL;
}

bool program_want_number(struct program_state *s, const char *text,
			 uint64_t *value)
{
	if (program_number(text, value))
		return true;
	program_broken(s, "'%.40s' is no number", text);
	return false;
}

int program_start_case(struct program_state *s, const char *id)
{
	struct program_report *r = s->report;
	struct program_case *cases = program_grow(r->cases, r->nr_cases,
						  &r->cap_cases, sizeof(*cases));

	if (!cases)
		return -ENOMEM;
	r->cases = cases;
	memset(&cases[r->nr_cases], 0, sizeof(*cases));
	strncpy(cases[r->nr_cases].id, id, sizeof(cases->id) - 1);
	r->nr_cases++;
	return 0;
}

void program_report_free(struct program_report *report)
{
	free(report->cases);
	free(report->diffs);
	report->cases = NULL;
	report->diffs = NULL;
}

double program_equal_share(const struct program_report *report)
{
	static const enum program_kind kinds[] = { PROGRAM_S, PROGRAM_D, PROGRAM_T };
	uint64_t equal = 0, all = 0;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct program_tally *t = &report->tally[kinds[i]];

		equal += t->equal;
		all += t->equal + t->unequal + t->unsupported;
	}
	return all ? (double)equal / (double)all : 1.0;
}
