/* SPDX-License-Identifier: MIT */
/*
 * program.c: runs a recording from its first line to its last (see program.h).
 * It holds no state between runs, and never changes the recording.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"
#include "ops/program_strace.h"
#include "ops/strace.h"

/* "D n n=12 a-b:..." */
static int layout_line(struct program_state *s, char *line)
{
	char *end;
	unsigned long nr = strtoul(line + 1, &end, 10);
	struct program_proc *p = program_proc(s, (unsigned)nr);

	if (end == line + 1 || *end != ' ')
		return program_broken(s, "a layout needs: D PROCESS RANGES");
	if (!p)
		return program_broken(s, "process %lu was not introduced, or has ended",
				      nr);
	program_fault_passed(s, p, NULL);
	return program_layout_line(s, p, end + 1);
}

/*
 * No layout follows the last call: the kernel changed nothing. Each call has
 * been looked at once, so the other lines cannot disturb this.
 */
static void settle(struct program_state *s, const char *line)
{
	size_t i;

	for (i = 0; i < s->nr_procs; i++) {
		struct program_proc *p = &s->proc[i];

		if (!p->moved || !p->handle)
			continue;
		if (line[0] == 'D' &&
		    program_proc(s, (unsigned)strtoul(line + 1, NULL, 10)) == p)
			continue;
		p->moved = false;
		program_unequal(s, PROGRAM_SAME,
				"P%u: the call before changed the layout, the kernel's did not",
				p->nr);
	}
}

static int case_line(struct program_state *s, char *line)
{
	/* One more than is looked at, so that the name ends where its text begins. */
	char *word[3];
	unsigned n = program_words(line, word, 3);
	int err;

	if (strcmp(word[0], "@case") || n < 2)
		return program_broken(s, "a case needs: @case ID | TEXT");
	s->cases = true;
	s->no_layouts = false;
	err = program_state_reset(s);
	if (err)
		return err;
	return program_start_case(s, word[1]);
}

int program_run_line(struct program_state *s, char *line)
{
	char *word[PROGRAM_MAX_WORDS];
	unsigned n;
	int err;

	if (!*line || *line == '#')
		return 0;
	if (s->cases)
		settle(s, line);
	if (*line == '@')
		return case_line(s, line);
	if (!s->host) {
		err = program_state_reset(s);
		if (err)
			return err;
	}
	if (line[0] == 'D' && line[1] == ' ')
		return layout_line(s, line);
	n = program_words(line, word, PROGRAM_MAX_WORDS);
	if (!n)
		return 0;
	if (!strcmp(word[0], "S"))
		return program_call_line(s, word, n);
	return program_other_line(s, word, n);
}

int program_run(const char *path, const struct program_backend *backend,
		struct program_report *report)
{
	struct program_reader reader;
	struct program_state s = { .b = backend, .report = report,
				   .reader = &reader };
	unsigned max_diffs = report->max_diffs;
	char *line;
	int err;

	memset(report, 0, sizeof(*report));
	report->max_diffs = max_diffs;
	err = program_open(&reader, path, report->error, sizeof(report->error));
	if (err)
		return err;
	while ((err = program_next_line(&reader, &line, report->error,
					sizeof(report->error))) > 0) {
		report->lines++;
		if (report->lines == 1 && strace_is_line(line)) {
			err = program_strace_run(&s, line);
			break;
		}
		err = program_run_line(&s, line);
		if (err)
			break;
	}
	if (!err && !report->lines)
		err = program_broken(&s, "the file is empty: expected lines of mmtrace v1 or of strace");
	if (err && !report->error[0])
		snprintf(report->error, sizeof(report->error), "%s:%llu: %s", path,
			 (unsigned long long)reader.line, strerror(-err));
	program_state_free(&s);
	program_close(&reader);
	return err;
}
