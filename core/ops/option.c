/* SPDX-License-Identifier: MIT */
/*
 * Options: values from text and to text again, by a table of rows.
 *
 * Owns nothing and takes no locks.  Text is not trusted: it may be anything that
 * ends in a zero.
 */
#include "ops/option.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

int option_refuse(struct option_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->what, sizeof(err->what), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* ---- rows and fields ---- */

static const struct option_row *find_row(const struct option_row *rows,
					 const char *name, size_t len)
{
	const struct option_row *row;

	for (row = rows; row->name; row++)
		if (strlen(row->name) == len && !memcmp(row->name, name, len))
			return row;
	return NULL;
}

const struct option_row *option_find(const struct option_row *rows,
				     const char *name, size_t len, bool *no)
{
	const struct option_row *row = find_row(rows, name, len);

	*no = false;
	if (row || len <= 3 || memcmp(name, "no-", 3))
		return row;
	row = find_row(rows, name + 3, len - 3);
	if (!row || row->kind != OPTION_FLAG)
		return NULL;
	*no = true;
	return row;
}

static void *field(const struct option_row *row, void *values)
{
	return (char *)values + row->offset;
}

static const void *const_field(const struct option_row *row, const void *values)
{
	return (const char *)values + row->offset;
}

static size_t field_size(const struct option_row *row)
{
	static const size_t size[] = {
		[OPTION_FLAG] = sizeof(bool), [OPTION_COUNT] = sizeof(unsigned int),
		[OPTION_U64] = sizeof(u64), [OPTION_SEED] = sizeof(u64),
		[OPTION_SECONDS] = sizeof(double),
		[OPTION_PROBABILITY] = sizeof(double),
		[OPTION_STRING] = sizeof(char *),
		[OPTION_CHOICE] = sizeof(unsigned int),
	};

	return size[row->kind];
}

void option_copy(const struct option_row *row, const void *from, void *to)
{
	memcpy(field(row, to), const_field(row, from), field_size(row));
}

/* ---- from text ---- */

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

static bool parse_seconds(const char *text, double *out)
{
	static const struct { const char *suffix; double scale; } unit[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { "m", 60 },
		{ "h", 3600 }, { "d", 86400 },
	};
	double value;
	char *end;
	size_t i;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	value = strtod(text, &end);
	for (i = 0; end != text && i < ARRAY_SIZE(unit); i++) {
		if (strcmp(end, unit[i].suffix))
			continue;
		value *= unit[i].scale;
		if (!(value >= 0 && value < 1e9))
			return false;
		*out = value;
		return true;
	}
	return false;
}

static int set_choice(const struct option_row *row, const char *text,
		      unsigned int *out, struct option_error *err)
{
	char list[160] = "";
	unsigned int i;

	for (i = 0; row->choices[i]; i++) {
		if (!strcmp(row->choices[i], text)) {
			*out = i;
			return 0;
		}
		snprintf(list + strlen(list), sizeof(list) - strlen(list),
			 "%s%s", i ? ", " : "", row->choices[i]);
	}
	return option_refuse(err, "'%.40s' is none of %s", text, list);
}

static int set_number(const struct option_row *row, const char *text, void *out,
		      struct option_error *err)
{
	u64 value;

	if (!parse_u64(text, &value))
		return option_refuse(err, "'%.40s' is not a number: 8, 0x8 or 8k will do",
				     text);
	if (row->kind != OPTION_SEED && row->max &&
	    (value < row->min || value > row->max))
		return option_refuse(err, "%.40s is out of range, %llu to %llu will do",
				     text, (unsigned long long)row->min,
				     (unsigned long long)row->max);
	if (row->kind == OPTION_COUNT)
		*(unsigned int *)out = (unsigned int)value;
	else
		*(u64 *)out = value;
	return 0;
}

static int set_probability(const char *text, double *out, struct option_error *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value <= 1))
		return option_refuse(err, "'%.40s' is not a probability from 0 to 1",
				     text);
	*out = value;
	return 0;
}

int option_set(const struct option_row *row, const char *text, void *out,
	       struct option_error *err)
{
	void *to = field(row, out);

	switch (row->kind) {
	case OPTION_STRING:
		if (row->valid && row->valid(text, err))
			return -EINVAL;
		*(const char **)to = text;
		return 0;
	case OPTION_CHOICE:
		return set_choice(row, text, to, err);
	case OPTION_SECONDS:
		if (parse_seconds(text, to))
			return 0;
		return option_refuse(err, "'%.40s' is not a time; 20s, 5m, 250ms will do",
				     text);
	case OPTION_PROBABILITY:
		return set_probability(text, to, err);
	default:
		return set_number(row, text, to, err);
	}
}

void option_set_flag(const struct option_row *row, bool on, void *out)
{
	*(bool *)field(row, out) = on;
}

/* ---- to text ---- */

static void print_quoted(const char *text, FILE *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./,:+=@%^-";

	if (*text && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			putc(*text, out);
	}
	putc('\'', out);
}

/* As few digits as lead back to the same value. */
static void print_double(double value, const char *unit, FILE *out)
{
	char text[40];
	int digits;

	for (digits = 6; digits < 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	fprintf(out, "%.*g%s", digits, value, unit);
}

/* What says nothing: it is not there, or 0, and would be without a word. */
static bool is_silent(const struct option_row *row, const void *value,
		      const void *by_default)
{
	static const char zeroes[sizeof(u64)];
	size_t size = field_size(row);

	switch (row->kind) {
	case OPTION_FLAG:
		return !memcmp(value, by_default, size);
	case OPTION_STRING:
		return !*(const char *const *)value;
	case OPTION_U64:
	case OPTION_SECONDS:
	case OPTION_PROBABILITY:
		return !memcmp(value, zeroes, size) && !memcmp(value, by_default, size);
	default:
		return false;
	}
}

static void print_value(const struct option_row *row, const void *value, FILE *out)
{
	switch (row->kind) {
	case OPTION_FLAG:
		break;
	case OPTION_COUNT:
		fprintf(out, " %u", *(const unsigned int *)value);
		break;
	case OPTION_U64:
		fprintf(out, " %llu", *(const unsigned long long *)value);
		break;
	case OPTION_SEED:
		fprintf(out, " 0x%llx", *(const unsigned long long *)value);
		break;
	case OPTION_SECONDS:
	case OPTION_PROBABILITY:
		putc(' ', out);
		print_double(*(const double *)value,
			     row->kind == OPTION_SECONDS ? "s" : "", out);
		break;
	case OPTION_STRING:
		putc(' ', out);
		print_quoted(*(const char *const *)value, out);
		break;
	case OPTION_CHOICE:
		fprintf(out, " %s", row->choices[*(const unsigned int *)value]);
		break;
	}
}

void options_print(const struct option_row *rows, const void *values,
		   const void *defaults, FILE *out)
{
	const struct option_row *row;

	for (row = rows; row->name; row++) {
		const void *value = const_field(row, values);
		bool no = row->kind == OPTION_FLAG && !*(const bool *)value;

		if (is_silent(row, value, const_field(row, defaults)))
			continue;
		fprintf(out, " --%s%s", no ? "no-" : "", row->name);
		print_value(row, value, out);
	}
}
