/* SPDX-License-Identifier: MIT */
/*
 * Names for what a run reports: titles of the machine's findings as it prints them,
 * and of sanitizers' reports the same that scripts/triage makes of them, from the kind
 * and the functions that are to blame.
 *
 * Reads lines that other processes have printed: any line may be anything.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "stress/zoo.h"

static const char *const tool_name[] = {
	[TOOL_TSAN] = "TSAN", [TOOL_ASAN] = "ASAN", [TOOL_LSAN] = "LSAN", [TOOL_UBSAN] = "UBSAN",
};

/* Where a stack passes through, and is not to blame (scripts/findings/stacks.py). */
static const char *const helpers[] = {
	"core/base/", "core/sync/", "core/trace/", "core/zoo/", "core/phys/slab.",
	"core/hw/memory.",
};

void titles_add(struct titles *titles, const char *title)
{
	unsigned int i;

	for (i = 0; i < titles->nr; i++) {
		if (!strcmp(titles->text[i], title)) {
			titles->count[i]++;
			return;
		}
	}
	if (titles->nr == TITLES_MAX)
		return;
	snprintf(titles->text[i], TITLE_SIZE, "%s", title);
	titles->count[i] = 1;
	titles->nr++;
}

/* Of one run, however often it says so. */
static void titles_note(struct titles *titles, const char *title)
{
	unsigned int i;

	for (i = 0; i < titles->nr; i++)
		if (!strcmp(titles->text[i], title))
			return;
	titles_add(titles, title);
}

/* --- kinds of reports ------------------------------------------------------- */

/*
 * "signed integer overflow: 1 + 2 cannot ..." is signed-integer-overflow: words up to the
 * first of :,( without names in quotes and without numbers.
 */
static void slug(char *out, size_t size, const char *text)
{
	size_t len = 0, word, quoted;

	out[0] = '\0';
	while (*text && !strchr(":,(", *text)) {
		if (*text == '\'') {
			quoted = strcspn(text + 1, "'");
			text += quoted + 1 + (text[quoted + 1] == '\'');
			continue;
		}
		word = strcspn(text, " :,('");
		if (word && strcspn(text, "0123456789") >= word)
			len += snprintf(out + len, size - len, "%s%.*s", len ? "-" : "",
					(int)word, text);
		if (len >= size)
			return;
		text += word + (text[word] == ' ');
	}
}

static void begin(struct title_reader *r, enum title_tool tool)
{
	r->tool = tool;
	r->nr_sites = 0;
	r->in_site = false;
	r->kind[0] = '\0';
	r->heading[0] = '\0';
}

static void asan_kind(struct title_reader *r, const char *text)
{
	static const struct { const char *start, *kind; } odd[] = {
		{ "attempting double-free", "double-free" }, { "attempting free", "bad-free" },
		{ "requested allocation size", "allocation-size-too-big" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		if (!strncmp(text, odd[i].start, strlen(odd[i].start))) {
			snprintf(r->kind, sizeof(r->kind), "%s", odd[i].kind);
			return;
		}
	}
	snprintf(r->kind, sizeof(r->kind), "%.*s", (int)strcspn(text, " "), text);
}

/* The first line of a report? */
static bool begins(struct title_reader *r, const char *line)
{
	static const struct { const char *mark; enum title_tool tool; } first[] = {
		{ "WARNING: ThreadSanitizer: ", TOOL_TSAN },
		{ "ERROR: ThreadSanitizer: ", TOOL_TSAN },
		{ "ERROR: AddressSanitizer: ", TOOL_ASAN },
		{ "ERROR: LeakSanitizer: ", TOOL_LSAN },
		{ ": runtime error: ", TOOL_UBSAN },
	};
	const char *at = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(first) && !at; i++)
		at = strstr(line, first[i].mark);
	if (!at)
		return false;
	at += strlen(first[--i].mark);
	begin(r, first[i].tool);
	if (r->tool == TOOL_ASAN)
		asan_kind(r, at);
	else if (!strncmp(at, "SEGV", 4))
		snprintf(r->kind, sizeof(r->kind), "SEGV");
	else
		slug(r->kind, sizeof(r->kind), at);
	return true;
}

/* --- stacks ------------------------------------------------------------------ */

static bool two_sites(const struct title_reader *r)
{
	return r->tool == TOOL_TSAN && (!strncmp(r->kind, "data-race", 9) ||
					!strcmp(r->kind, "heap-use-after-free"));
}

/* Is the stack below this heading one that names the report? */
static bool names_it(const struct title_reader *r)
{
	if (two_sites(r))
		return r->nr_sites < 2 && strstr(r->heading, "of size ");
	if (r->tool == TOOL_LSAN)
		return strstr(r->heading, "irect leak of ");	/* in-, too */
	return !r->nr_sites;
}

/* Where the project's part of a path begins, or NULL. */
static const char *ours(const char *path)
{
	static const char *const tops[] = { "core/", "stress/", "fuzz/", "tests/" };
	const char *found = NULL, *at;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tops); i++)
		for (at = path; (at = strstr(at, tops[i])); at++)
			if ((at == path || at[-1] == '/') && (!found || at > found))
				found = at;
	return found;
}

static int rank_of(const char *path)
{
	const char *own = ours(path);
	size_t len = own ? strcspn(own, ":") : 0, i;

	if (!own)
		return 1;
	if (len < 2 || strncmp(own + len - 2, ".c", 2))
		return 2;
	for (i = 0; i < ARRAY_SIZE(helpers); i++)
		if (!strncmp(own, helpers[i], strlen(helpers[i])))
			return 3;
	return 4;
}

/* "    #2 0x55bf in vma_start_read /src/core/mm/vma_lock.c:81:7 (mmstorm+0x1)" */
static bool frame(const char *line, unsigned int *number, char function[80], char path[256])
{
	char word[256];
	int used = 0;

	path[0] = '\0';
	if (line[0] != ' ' || sscanf(line, " #%u %255s%n", number, word, &used) != 2)
		return false;
	line += used;
	if (!strncmp(word, "0x", 2) && sscanf(line, " in %255s%n", word, &used) == 1)
		line += used;
	snprintf(function, 80, "%.79s", word[0] == '(' || word[0] == '<' ? "" : word);
	if (sscanf(line, " %255s", path) != 1 || path[0] == '(')
		path[0] = '\0';
	return true;
}

static void take_frame(struct title_reader *r, unsigned int number, const char *function,
		       const char *path)
{
	struct title_site *site;
	int rank = function[0] ? rank_of(path) : 0;

	if (!number) {
		r->in_site = names_it(r);
		if (r->in_site)
			r->site[r->nr_sites++ % 2] = (struct title_site){ 0 };
	}
	if (!r->in_site)
		return;
	site = &r->site[(r->nr_sites - 1) % 2];
	if (rank <= site->rank)
		return;
	site->rank = rank;
	snprintf(site->function, sizeof(site->function), "%s", function);
}

/* --- titles ------------------------------------------------------------------ */

static const char *site_name(const struct title_reader *r, int i)
{
	return i < r->nr_sites && r->site[i].rank ? r->site[i].function : "?";
}

/* A leak is named when its stack is over; the others when they sum up. */
static void end_leak(struct title_reader *r)
{
	char title[TITLE_SIZE];

	if (r->tool != TOOL_LSAN || !r->nr_sites)
		return;
	snprintf(title, sizeof(title), "LSAN: %sleak from %s",
		 !strncmp(r->heading, "Indirect", 8) ? "indirect " : "", site_name(r, 0));
	titles_note(r->titles, title);
	r->nr_sites = 0;
}

static void end_report(struct title_reader *r)
{
	const char *one = site_name(r, 0), *two = site_name(r, 1), *swap;
	char title[TITLE_SIZE];

	if (r->tool == TOOL_LSAN) {
		r->tool = TOOL_NONE;
		return;
	}
	if (two_sites(r) && strcmp(one, two) > 0) {
		swap = one;
		one = two;
		two = swap;
	}
	snprintf(title, sizeof(title), "%s: %s in %s%s%s", tool_name[r->tool], r->kind, one,
		 two_sites(r) ? " / " : "", two_sites(r) ? two : "");
	titles_note(r->titles, title);
	r->tool = TOOL_NONE;
}

static void report_line(struct title_reader *r, const char *line)
{
	char function[80], path[256];
	unsigned int number;

	if (frame(line, &number, function, path)) {
		take_frame(r, number, function, path);
		return;
	}
	end_leak(r);
	if (strstr(line, "SUMMARY: "))
		end_report(r);
	else if (line[0])
		snprintf(r->heading, sizeof(r->heading), "%s", line);
}

/* "STALE: ..." and the like, which are no words of a sanitizer. */
static bool is_title(const char *line)
{
	static const char *const others[] = { "SUMMARY", "WARNING", "ERROR", "HINT" };
	size_t len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), i;

	if (len < 2 || strncmp(line + len, ": ", 2))
		return false;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (len == strlen(others[i]) && !strncmp(line, others[i], len))
			return false;
	return true;
}

/* A finding as it is met, its line in the summary, or a stall. */
static void machine_line(struct title_reader *r, const char *line)
{
	static const char *const stalls[] = {
		"no op has ended", "asked to stop, tasks have not ended",
	};
	char title[TITLE_SIZE];
	const char *end;
	size_t i;

	if (!strncmp(line, "  ", 2) && line[2] && line[2] != ' ' && is_title(r->before))
		titles_note(r->titles, r->before);
	if (!strncmp(line, "finding   ", 10) && (end = strrchr(line, '(')) &&
	    strstr(end, " times)") && end - line > 11) {
		snprintf(title, sizeof(title), "%.*s", (int)(end - line - 11), line + 10);
		titles_note(r->titles, title);
	}
	for (i = 0; i < ARRAY_SIZE(stalls); i++) {
		if (!strncmp(line, "mmstorm: ", 9) &&
		    !strncmp(line + 9, stalls[i], strlen(stalls[i]))) {
			snprintf(title, sizeof(title), "STALL: %s", stalls[i]);
			titles_note(r->titles, title);
		}
	}
	snprintf(r->before, sizeof(r->before), "%s", line);
}

void title_line(struct title_reader *r, const char *line)
{
	if (begins(r, line))
		return;
	if (r->tool != TOOL_NONE)
		report_line(r, line);
	machine_line(r, line);
}

void title_end(struct title_reader *r)
{
	end_leak(r);
	if (r->tool != TOOL_NONE)
		end_report(r);
}
