/* SPDX-License-Identifier: MIT */
/*
 * The command line, from a table of rows.
 *
 * Written here and not taken from getopt_long(): the same rows must also read job
 * files and print the resolved configuration, and every refusal must say what would do.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stress/options.h"

struct parser {
	const char		*command;
	const struct option_row	*rows;
	void			*out;
	u64			given;		/* bit n: the nth row was set */
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

static const struct option_row *row_by_letter(const struct parser *p, char c)
{
	const struct option_row *row;

	for (row = p->rows; row->name; row++)
		if (row->letter && row->letter == c)
			return row;
	return NULL;
}

static void set_flag(struct parser *p, const struct option_row *row, bool on)
{
	option_set_flag(row, on, p->out);
	p->given |= 1ull << (row - p->rows);
}

static int set_value(struct parser *p, const struct option_row *row,
		     const char *text)
{
	struct option_error err;

	if (option_set(row, text, p->out, &err))
		return refuse(p, "--%s: %s", row->name, err.what);
	p->given |= 1ull << (row - p->rows);
	return 0;
}

/* --name, --name=value, --name value, --no-name.  Returns arguments used. */
static int parse_long(struct parser *p, char **arg)
{
	const char *name = arg[0] + 2, *eq = strchr(name, '=');
	size_t len = eq ? (size_t)(eq - name) : strlen(name);
	const struct option_row *row;
	bool no;
	int ret;

	row = option_find(p->rows, name, len, &no);
	if (!row)
		return refuse(p, "there is no option --%.*s", (int)len, name);
	if (row->kind == OPTION_FLAG) {
		if (eq)
			return refuse(p, "--%.*s takes no value", (int)len, name);
		set_flag(p, row, !no);
		return 1;
	}
	if (!eq && !arg[1])
		return refuse(p, "--%s needs a value", row->name);
	ret = set_value(p, row, eq ? eq + 1 : arg[1]);
	return ret ? ret : eq ? 1 : 2;
}

static int parse_short(struct parser *p, char **arg)
{
	const struct option_row *row = row_by_letter(p, arg[0][1]);
	int ret;

	if (!row)
		return refuse(p, "there is no option -%c", arg[0][1]);
	if (row->kind == OPTION_FLAG) {
		if (arg[0][2])
			return refuse(p, "-%c takes no value", arg[0][1]);
		set_flag(p, row, true);
		return 1;
	}
	if (!arg[0][2] && !arg[1])
		return refuse(p, "-%c needs a value", arg[0][1]);
	ret = set_value(p, row, arg[0][2] ? arg[0] + 2 : arg[1]);
	return ret ? ret : arg[0][2] ? 1 : 2;
}

int options_parse_given(const char *command, const struct option_row *rows,
			int argc, char **argv, void *out, u64 *given)
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
	*given = p.given;
	return words;
}

int options_parse(const char *command, const struct option_row *rows,
		  int argc, char **argv, void *out)
{
	u64 given;

	return options_parse_given(command, rows, argc, argv, out, &given);
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
