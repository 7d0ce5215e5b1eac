/* SPDX-License-Identifier: MIT */
/*
 * Reading a finding back from JSON lines that this program wrote (report_json.c).
 *
 * Strings of the outermost object are all that is asked for; no byte is trusted.
 */
#include "stress/finding_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress/exit_codes.h"

/* Behind the string that begins at *at, with its text in out; NULL: it does not end. */
static const char *read_string(const char *at, char *out)
{
	for (at++; *at && *at != '"'; at++) {
		unsigned int code = (unsigned char)*at;

		if (*at == '\\') {
			at++;
			code = *at == 'n' ? '\n' : *at == 't' ? '\t' : (unsigned char)*at;
			if (*at == 'u' && sscanf(at + 1, "%4x", &code) == 1 &&
			    strspn(at + 1, "0123456789abcdefABCDEF") >= 4)
				at += 4;
		}
		if (!*at)
			return NULL;
		*out++ = (char)code;
	}
	*out = '\0';
	return *at ? at + 1 : NULL;
}

/* The string of a key of the line's object, from malloc(); NULL: there is none. */
static char *string_of(const char *line, const char *key)
{
	char *text = malloc(strlen(line) + 1);
	unsigned int depth = 0;
	bool found = false;

	for (const char *at = line; text && at && *at; ) {
		if (*at == '"') {
			at = read_string(at, text);
			if (found)
				return at ? text : (free(text), NULL);
			found = at && depth == 1 && *at == ':' && at[1] == '"' &&
				!strcmp(text, key);
			if (found)
				at++;
			continue;
		}
		depth += (*at == '{' || *at == '[');
		depth -= (*at == '}' || *at == ']');
		at++;
	}
	free(text);
	return NULL;
}

static bool is_finding(const char *line)
{
	char *schema = string_of(line, "schema"), *type = string_of(line, "type");
	bool is = schema && type && !strcmp(schema, "mmstorm/1") && !strcmp(type, "finding");

	free(schema);
	free(type);
	return is;
}

void finding_file_free(struct finding_file *f)
{
	free(f->title);
	free(f->bugs);
	free(f->checks);
	free(f->program);
	memset(f, 0, sizeof(*f));
}

static int take(struct finding_file *f, const char *path, unsigned int nr, const char *line)
{
	f->title = string_of(line, "title");
	f->program = string_of(line, "program");
	f->bugs = string_of(line, "bugs");
	f->checks = string_of(line, "checks");
	if (f->title && f->program)
		return EXIT_CLEAN;
	fprintf(stderr, "%s:%u: the finding has no program: one of 'mmstorm run STORM --json FILE' has\n",
		path, nr);
	finding_file_free(f);
	return EXIT_USAGE;
}

int finding_file_load(struct finding_file *f, const char *command, const char *path)
{
	FILE *file = fopen(path, "r");
	int ret = EXIT_USAGE;
	unsigned int nr = 1;
	char *line = NULL;
	size_t size = 0;

	memset(f, 0, sizeof(*f));
	if (!file) {
		fprintf(stderr, "mmstorm %s: %s: %s\n", command, path, strerror(errno));
		return EXIT_USAGE;
	}
	while (getline(&line, &size, file) > 0 && !is_finding(line))
		nr++;
	if (!feof(file))
		ret = take(f, path, nr, line);
	else
		fprintf(stderr, "%s:%u: there is no finding up to here: what 'mmstorm run STORM --json FILE' writes would do\n",
			path, nr);
	free(line);
	fclose(file);
	return ret;
}
