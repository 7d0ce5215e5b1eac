/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON lines.  Never holds a value back, never fails by itself: the
 * caller looks at ferror() and fclose() of its file.
 */
#include <math.h>

#include "base/bug.h"
#include "stress/json.h"

static void put_string(FILE *file, const char *s)
{
	putc('"', file);
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", file);
		else if (c < 0x20 || c == 0x7f)
			fprintf(file, "\\u%04x", c);
		else
			putc(c, file);
	}
	putc('"', file);
}

static void put_key(struct json *j, const char *key)
{
	if (j->comma[j->depth])
		putc(',', j->file);
	j->comma[j->depth] = true;
	if (key) {
		put_string(j->file, key);
		putc(':', j->file);
	}
}

static void open_with(struct json *j, char open, char close)
{
	MM_BUG_ON(j->depth + 1 >= JSON_DEPTH_MAX);
	putc(open, j->file);
	j->depth++;
	j->comma[j->depth] = false;
	j->close[j->depth] = close;
}

void json_begin(struct json *j, FILE *file, const char *type)
{
	*j = (struct json){ .file = file };
	open_with(j, '{', '}');
	json_string(j, "schema", "mmstorm/1");
	json_string(j, "type", type);
}

void json_end(struct json *j)
{
	while (j->depth)
		json_close(j);
	putc('\n', j->file);
	fflush(j->file);
}

void json_close(struct json *j)
{
	putc(j->close[j->depth--], j->file);
}

void json_open_object(struct json *j, const char *key)
{
	put_key(j, key);
	open_with(j, '{', '}');
}

void json_open_array(struct json *j, const char *key)
{
	put_key(j, key);
	open_with(j, '[', ']');
}

void json_string(struct json *j, const char *key, const char *value)
{
	put_key(j, key);
	put_string(j->file, value);
}

void json_hex(struct json *j, const char *key, u64 value)
{
	put_key(j, key);
	fprintf(j->file, "\"0x%llx\"", (unsigned long long)value);
}

void json_u64(struct json *j, const char *key, u64 value)
{
	put_key(j, key);
	fprintf(j->file, "%llu", (unsigned long long)value);
}

void json_double(struct json *j, const char *key, double value)
{
	put_key(j, key);
	if (isfinite(value))
		fprintf(j->file, "%.6g", value);
	else
		fputs("null", j->file);
}
