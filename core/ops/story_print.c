/* SPDX-License-Identifier: MIT */
/*
 * Printing a story: a line for a step, or for an op where nobody came between.
 *
 * Owns nothing; reads a story that is complete.
 */
#include <string.h>

#include "base/compiler.h"
#include "ops/story.h"

#define WHO_WIDTH	10
#define TEXT_WIDTH	78

/* The last line of the op that line first begins; 0: it does not end in this story. */
static size_t end_of(const struct story *s, size_t first)
{
	for (size_t i = first + 1; i < s->nr; i++)
		if (s->line[i].op == s->line[first].op && s->line[i].kind == STORY_END)
			return i;
	return 0;
}

/* Of a vCPU that has nothing to run, or looks for something. */
static bool is_idle(const struct story_line *line)
{
	return line->kind == STORY_ASIDE && line->slot == STORY_NOBODY;
}

/* Nobody else did anything between these two lines. */
static bool alone(const struct story *s, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++)
		if (s->line[i].kind == STORY_FINDING ||
		    (s->line[i].cpu != s->line[first].cpu && !is_idle(&s->line[i])))
			return false;
	return true;
}

static void print_who(const struct story_line *line, FILE *out, unsigned int nr)
{
	char who[16];

	snprintf(who, sizeof(who), line->slot == STORY_NOBODY ? "cpu%u" : "cpu%u t%u", line->cpu,
		 line->slot);
	fprintf(out, "%4u  %-*s ", nr, WHO_WIDTH, who);
}

static void print_step(const struct story_line *line, FILE *out, unsigned int nr)
{
	const char *indent = line->kind == STORY_BEGIN || line->kind == STORY_ASIDE ? "" : "  ";

	print_who(line, out, nr);
	if (line->under[0])
		fprintf(out, "%s%-*s [%s]\n", indent, TEXT_WIDTH - 2, line->text, line->under);
	else
		fprintf(out, "%s%s\n", indent, line->text);
}

/* "store(p0, 8, tag): sets the entry of p0: ...; its TLB is filled: ...; done" */
static void print_whole(const struct story *s, size_t first, size_t last, FILE *out,
			unsigned int nr)
{
	print_who(&s->line[first], out, nr);
	fprintf(out, "%s:", s->line[first].text);
	for (size_t i = first + 1; i < last; i++)
		if (s->line[i].cpu == s->line[first].cpu &&
		    (s->line[i].kind == STORY_STEP || s->line[i].kind == STORY_ASIDE))
			fprintf(out, " %s;", s->line[i].text);
	fprintf(out, " %s\n", s->line[last].text);
}

/* Here another vCPU goes on while this one is in the middle of an op. */
static void print_break(const struct story *s, size_t i, FILE *out)
{
	const struct story_line *line = &s->line[i], *next = line + 1;

	if (i + 1 < s->nr && line->op && line->kind != STORY_END && next->cpu != line->cpu &&
	    next->kind != STORY_FINDING)
		fprintf(out, "      (cpu%u stands still in the middle of this; cpu%u goes on)\n",
			line->cpu, next->cpu);
}

void story_print(const struct story *s, FILE *out)
{
	char page[72];
	unsigned int nr = 1;

	story_page(s, op_window_start(&s->list->world), page, sizeof(page));
	fprintf(out, "%s is at address 0x%lx\n", page, op_window_start(&s->list->world));
	for (size_t i = 0; i < s->nr; i++) {
		const struct story_line *line = &s->line[i];
		size_t last = line->kind == STORY_BEGIN ? end_of(s, i) : 0;

		if (line->kind == STORY_FINDING) {
			fprintf(out, "      cpu%u => %s\n              %s\n", line->cpu, line->text,
				s->detail);
		} else if (line->kind == STORY_DETAIL && !line->op) {
			continue;	/* a boot, an end: of no task's doing */
		} else if (last && alone(s, i, last)) {
			print_whole(s, i, last, out, nr++);
			for (; i < last; i++)
				if (s->line[i].cpu != line->cpu)
					print_step(&s->line[i], out, nr++);
		} else {
			print_step(line, out, nr++);
			print_break(s, i, out);
		}
	}
	if (s->lost)
		fprintf(out, "      (the story is longer than this)\n");
}
