/* SPDX-License-Identifier: MIT */
/*
 * The command line, from a table of rows.
 *
 * Written here and not taken from getopt_long(): the same rows must also print
 * the resolved configuration, and every refusal must say what would do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress/options.h"

struct parser {
	const char		*command;
	const struct option_row	*rows;
	void			*out;
};

__attribute__((format(printf, 2, 3)))
static int refuse(const struct parser *p, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "mmstorm %s: ", p->command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'mmstorm %s --help'.\n", p->command);
	return -EINVAL;
}

static const struct option_row *row_by_name(const struct parser *p,
					    const char *name, size_t len)
{
	const struct option_row *row;

	for (row = p->rows; row->name; row++)
		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return row;
	return NULL;
}

static const struct option_row *row_by_letter(const struct parser *p, char c)
{
	const struct option_row *row;

	for (row = p->rows; row->name; row++)
		if (row->letter == c)
			return row;
	return NULL;
}

/* A number with an optional thousand's suffix; false when it is not one. */
static bool parse_u64(const char *text, u64 *value)
{
	static const char suffix[] = "kmg";
	const char *at;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno)
		return false;
	if (!*end)
		return true;
	at = strchr(suffix, *end);
	if (!at || end[1])
		return false;
	for (; at >= suffix; at--)
		if (__builtin_mul_overflow(*value, 1000ull, value))
			return false;
	return true;
}

static bool parse_seconds(const char *text, double *value)
{
	static const struct { const char *suffix; double scale; } unit[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 },
		{ "h", 3600 }, { "d", 86400 },
	};
	char *end;
	size_t i;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	*value = strtod(text, &end);
	for (i = 0; i < sizeof(unit) / sizeof(unit[0]); i++) {
		if (!strcmp(end, unit[i].suffix)) {
			*value *= unit[i].scale;
			return *value >= 0 && *value < 1e9;
		}
	}
	return false;
}

static int set_choice(const struct parser *p, const struct option_row *row,
		      const char *text, unsigned int *out)
{
	char list[256] = "";
	unsigned int i;

	for (i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], text)) {
			*out = i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", i ? ", " : "", row->choices[i]);
	}
	return refuse(p, "--%s: '%s' is none of %s", row->name, text, list);
}

static int set_number(const struct parser *p, const struct option_row *row,
		      const char *text, void *out)
{
	u64 value;

	if (!parse_u64(text, &value))
		return refuse(p, "--%s: '%s' is not a number", row->name, text);
	if (row->kind != OPTION_SEED && row->max &&
	    (value < row->min || value > row->max))
		return refuse(p, "--%s: %s is out of range, %llu to %llu will do",
			      row->name, text, (unsigned long long)row->min,
			      (unsigned long long)row->max);
	if (row->kind == OPTION_COUNT)
		*(unsigned int *)out = value;
	else
		*(u64 *)out = value;
	return 0;
}

static int set_value(const struct parser *p, const struct option_row *row,
		     const char *text)
{
	void *out = (char *)p->out + row->offset;

	switch (row->kind) {
	case OPTION_STRING:
		*(const char **)out = text;
		return 0;
	case OPTION_CHOICE:
		return set_choice(p, row, text, out);
	case OPTION_SECONDS:
		if (parse_seconds(text, out))
			return 0;
		return refuse(p, "--%s: '%s' is not a time; 20s, 5m, 250ms will do",
			      row->name, text);
	case OPTION_PROBABILITY: {
		char *end;
		double value = strtod(text, &end);

		if (end == text || *end || !(value >= 0 && value <= 1))
			return refuse(p, "--%s: '%s' is not a probability from 0 to 1",
				      row->name, text);
		*(double *)out = value;
		return 0;
	}
	default:
		return set_number(p, row, text, out);
	}
}

/* --name, --name=value, --name value, --no-name.  Returns arguments used. */
static int parse_long(const struct parser *p, char **arg)
{
	const char *name = arg[0] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct option_row *row = row_by_name(p, name, len);
	int ret;

	if (!row && len > 3 && !memcmp(name, "no-", 3) && !eq) {
		row = row_by_name(p, name + 3, len - 3);
		if (row && row->kind == OPTION_FLAG) {
			*(bool *)((char *)p->out + row->offset) = false;
			return 1;
		}
		row = NULL;
	}
	if (!row)
		return refuse(p, "there is no option --%.*s", (int)len, name);
	if (row->kind == OPTION_FLAG) {
		if (eq)
			return refuse(p, "--%s takes no value", row->name);
		*(bool *)((char *)p->out + row->offset) = true;
		return 1;
	}
	if (!eq && !arg[1])
		return refuse(p, "--%s needs a value", row->name);
	ret = set_value(p, row, eq ? eq + 1 : arg[1]);
	return ret ? ret : eq ? 1 : 2;
}

static int parse_short(const struct parser *p, char **arg)
{
	const struct option_row *row = row_by_letter(p, arg[0][1]);
	int ret;

	if (!row)
		return refuse(p, "there is no option -%c", arg[0][1]);
	if (row->kind == OPTION_FLAG) {
		if (arg[0][2])
			return refuse(p, "-%c takes no value", arg[0][1]);
		*(bool *)((char *)p->out + row->offset) = true;
		return 1;
	}
	if (!arg[0][2] && !arg[1])
		return refuse(p, "-%c needs a value", arg[0][1]);
	ret = set_value(p, row, arg[0][2] ? arg[0] + 2 : arg[1]);
	return ret ? ret : arg[0][2] ? 1 : 2;
}

int options_parse(const char *command, const struct option_row *rows,
		  int argc, char **argv, void *out)
{
	struct parser p = { .command = command, .rows = rows, .out = out };
	int i = 1, used, words = 0;

	while (i < argc) {
		if (!strcmp(argv[i], "--")) {
			for (i++; i < argc; i++)
				argv[1 + words++] = argv[i];
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1]) {
			argv[1 + words++] = argv[i++];
			continue;
		}
		used = argv[i][1] == '-' ? parse_long(&p, argv + i) :
					   parse_short(&p, argv + i);
		if (used < 0)
			return used;
		i += used;
	}
	argv[1 + words] = NULL;
	return words;
}

static const char *placeholder(const struct option_row *row)
{
	static const char *const name[] = {
		[OPTION_COUNT] = " N", [OPTION_U64] = " N",
		[OPTION_SEED] = " SEED", [OPTION_SECONDS] = " TIME",
		[OPTION_PROBABILITY] = " P", [OPTION_STRING] = " WORD",
		[OPTION_CHOICE] = " WORD", [OPTION_FLAG] = "",
	};

	return name[row->kind];
}

void options_help(const struct option_row *rows)
{
	const struct option_row *row;
	unsigned int i;
	char head[64];

	for (row = rows; row->name; row++) {
		snprintf(head, sizeof(head), "%c%c%s --%s%s",
			 row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
			 row->letter ? "," : " ", row->name, placeholder(row));
		printf("  %-28s %s", head, row->help);
		for (i = 0; row->kind == OPTION_CHOICE && row->choices[i]; i++)
			printf("%s%s", i ? ", " : ": ", row->choices[i]);
		printf("\n");
	}
}

static void print_value(const struct option_row *row, const void *value,
			char *buf, size_t size)
{
	const char *text;

	switch (row->kind) {
	case OPTION_FLAG:
		if (*(const bool *)value)
			snprintf(buf, size, " --%s", row->name);
		return;
	case OPTION_COUNT:
		snprintf(buf, size, " --%s %u", row->name,
			 *(const unsigned int *)value);
		return;
	case OPTION_U64:
		if (*(const u64 *)value)
			snprintf(buf, size, " --%s %llu", row->name,
				 *(const unsigned long long *)value);
		return;
	case OPTION_SEED:
		snprintf(buf, size, " --%s 0x%llx", row->name,
			 *(const unsigned long long *)value);
		return;
	case OPTION_SECONDS:
		if (*(const double *)value > 0)
			snprintf(buf, size, " --%s %gs", row->name,
				 *(const double *)value);
		return;
	case OPTION_PROBABILITY:
		if (*(const double *)value > 0)
			snprintf(buf, size, " --%s %g", row->name,
				 *(const double *)value);
		return;
	case OPTION_STRING:
		text = *(const char *const *)value;
		if (text)
			snprintf(buf, size, " --%s %s", row->name, text);
		return;
	case OPTION_CHOICE:
		snprintf(buf, size, " --%s %s", row->name,
			 row->choices[*(const unsigned int *)value]);
		return;
	}
}

void options_print(const struct option_row *rows, const void *values,
		   char *buf, size_t size)
{
	const struct option_row *row;
	size_t len = 0;

	buf[0] = '\0';
	for (row = rows; row->name && len < size; row++) {
		print_value(row, (const char *)values + row->offset,
			    buf + len, size - len);
		len = strlen(buf);
	}
	if (buf[0] == ' ')
		memmove(buf, buf + 1, len);
}
