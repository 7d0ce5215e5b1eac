/* SPDX-License-Identifier: MIT */
/*
 * Job files: reading them (job.h has the form).
 *
 * Owns nothing and takes no locks.  Input is not trusted: it may hold any bytes and
 * need not end in a zero; every refusal names its line and what would do instead.
 */
#include "ops/job.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

#define GLOBAL	"global"

__printf(2, 3)
static int refuse(struct job_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- lines ---- */

/* Cuts blanks off both ends, in place. */
static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return s;
}

static bool is_name(const char *s)
{
	size_t len = 0;

	for (; s[len]; len++)
		if (!isalnum((unsigned char)s[len]) && !strchr("-_.", s[len]))
			return false;
	return len && len < JOB_NAME_MAX;
}

static bool is_printable(const char *s, size_t len, unsigned char *bad)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*bad = (unsigned char)s[i];
		if ((*bad < ' ' && *bad != '\t' && *bad != '\r') || *bad == 0x7f)
			return false;
	}
	return true;
}

static struct job_section *last_section(struct job *job)
{
	if (job->nr_sections)
		return &job->section[job->nr_sections - 1];
	return job->global.line ? &job->global : NULL;
}

static int global_line(struct job *job, struct job_error *err)
{
	if (job->global.line)
		return refuse(err, "[global] was in line %u already: write it once",
			      job->global.line);
	if (job->nr_sections)
		return refuse(err, "[global] comes first, before [%s]",
			      job->section[0].name);
	job->global = (struct job_section){ GLOBAL, err->line, job->settings, 0 };
	return 0;
}

/* "[name]"; `line' is trimmed. */
static int section_line(struct job *job, char *line, struct job_error *err)
{
	size_t len = strlen(line);
	const struct job_section *old, *last = last_section(job);
	char *name;

	if (line[len - 1] != ']')
		return refuse(err, "a section is written [NAME], a line of its own");
	line[len - 1] = '\0';
	name = trim(line + 1);
	if (!is_name(name))
		return refuse(err, "a section's name is 1 to %d letters, digits, '-', '_' or '.'",
			      JOB_NAME_MAX - 1);
	if (!strcmp(name, GLOBAL))
		return global_line(job, err);
	old = job_section(job, name, strlen(name));
	if (old)
		return refuse(err, "section [%s] was in line %u already: give each its own name",
			      name, old->line);
	if (job->nr_sections == JOB_SECTIONS_MAX)
		return refuse(err, "too many sections: at most %d", JOB_SECTIONS_MAX);
	job->section[job->nr_sections++] = (struct job_section){
		name, err->line,
		last ? last->setting + last->nr_settings : job->settings, 0,
	};
	return 0;
}

/* "name" or "name = value"; `line' is trimmed. */
static int setting_line(struct job *job, char *line, struct job_error *err)
{
	struct job_section *section = last_section(job);
	char *value = strchr(line, '='), *name;

	if (value)
		*value++ = '\0';
	name = trim(line);
	if (value)
		value = trim(value);
	if (!is_name(name))
		return refuse(err, "'%.40s' is no option: write NAME = VALUE, or [SECTION]",
			      name);
	if (!section)
		return refuse(err, "'%.40s' stands before any section: write [global] or [NAME] above it",
			      name);
	section->setting[section->nr_settings++] =
		(struct job_setting){ name, value, err->line };
	return 0;
}

static int parse_line(struct job *job, char *line, size_t len,
		      struct job_error *err)
{
	unsigned char bad;

	if (!is_printable(line, len, &bad))
		return refuse(err, "byte 0x%02x: a job is plain text", bad);
	line = trim(line);
	if (!*line || *line == '#' || *line == ';')
		return 0;
	if (*line == '[')
		return section_line(job, line, err);
	return setting_line(job, line, err);
}

/* ---- whole files ---- */

/* Room for what the text can hold at most, so that pointers into it stay. */
static int make_room(struct job *job, const char *text, size_t len)
{
	size_t i, lines = 1;

	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	job->text = malloc(len + 1);
	job->settings = calloc(lines, sizeof(*job->settings));
	job->section = calloc(min(lines, (size_t)JOB_SECTIONS_MAX), sizeof(*job->section));
	if (!job->text || !job->settings || !job->section)
		return -ENOMEM;
	if (len)
		memcpy(job->text, text, len);
	job->text[len] = '\0';
	return 0;
}

static int parse_lines(struct job *job, size_t len, struct job_error *err)
{
	char *line = job->text, *end = line + len;
	int ret = 0;

	for (err->line = 1;; err->line++) {
		char *nl = memchr(line, '\n', (size_t)(end - line));

		if (!nl)
			nl = end;
		*nl = '\0';
		ret = parse_line(job, line, (size_t)(nl - line), err);
		line = nl + 1;
		if (ret || line >= end)
			break;
	}
	if (!ret && !job->nr_sections)
		ret = refuse(err, "no run is described: write a section, [NAME]");
	return ret;
}

int job_parse(const char *text, size_t len, struct job *job, struct job_error *err)
{
	int ret;

	memset(job, 0, sizeof(*job));
	memset(err, 0, sizeof(*err));
	ret = make_room(job, text, len);
	if (ret)
		refuse(err, "out of memory: use a smaller file");
	else
		ret = parse_lines(job, len, err);
	if (ret)
		job_free(job);
	return ret;
}

void job_free(struct job *job)
{
	free(job->text);
	free(job->settings);
	free(job->section);
	memset(job, 0, sizeof(*job));
}

const struct job_section *job_section(const struct job *job, const char *name,
				      size_t len)
{
	size_t i;

	for (i = 0; i < job->nr_sections; i++)
		if (strlen(job->section[i].name) == len &&
		    !memcmp(job->section[i].name, name, len))
			return &job->section[i];
	return NULL;
}

/* ---- settings ---- */

static int apply(const struct job_setting *s, const struct option_row *row,
		 bool no, void *out, struct job_error *err)
{
	struct option_error why;

	if (row->not_in_jobs)
		return refuse(err, "%s belongs on the command line: --%s", s->name,
			      s->name);
	if (row->kind == OPTION_FLAG) {
		if (s->value)
			return refuse(err, "%s takes no value: %s or no-%s will do",
				      s->name, row->name, row->name);
		option_set_flag(row, !no, out);
		return 0;
	}
	if (!s->value || !*s->value)
		return refuse(err, "%s needs a value: %s = VALUE", s->name, s->name);
	if (option_set(row, s->value, out, &why))
		return refuse(err, "%s: %s", s->name, why.what);
	return 0;
}

int job_apply(const struct job_section *section, const struct option_row *rows,
	      void *out, struct job_error *err)
{
	unsigned int line[OPTION_ROWS_MAX] = { 0 };
	size_t i;

	for (i = 0; i < section->nr_settings; i++) {
		const struct job_setting *s = &section->setting[i];
		const struct option_row *row;
		bool no;
		int ret;

		err->line = s->line;
		row = option_find(rows, s->name, strlen(s->name), &no);
		if (!row)
			return refuse(err, "there is no option %s; 'mmstorm run --help' names them",
				      s->name);
		if (line[row - rows])
			return refuse(err, "%s was in line %u already: give it once in a section",
				      s->name, line[row - rows]);
		line[row - rows] = s->line;
		ret = apply(s, row, no, out, err);
		if (ret)
			return ret;
	}
	return 0;
}
