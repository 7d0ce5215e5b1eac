/* SPDX-License-Identifier: MIT */
/*
 * Op text: reading programs (text.h has the grammar, text_print.c writes it).
 *
 * Owns nothing and takes no locks.  Input is not trusted: it may hold any
 * bytes and need not end in a zero; every refusal names its line and what
 * would do instead.
 */
#include "ops/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mm/pin.h"
#include "ops/read_file.h"

#define OP_PAGE_SHIFT	12

/* ---- the cursor ---- */

/* One line under the eye: [p, end) is what is left of it. */
struct cursor {
	const char		*p;
	const char		*end;
	struct op_text_error	*err;
};

__printf(2, 3)
static int refuse(struct cursor *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->err->what, sizeof(c->err->what), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void skip_space(struct cursor *c)
{
	while (c->p < c->end && isspace((unsigned char)*c->p))
		c->p++;
}

/* Space before it is skipped, whether it is there or not. */
static bool take(struct cursor *c, char ch)
{
	skip_space(c);
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

static bool at_digit(const struct cursor *c)
{
	return c->p < c->end && isdigit((unsigned char)*c->p);
}

static bool is_word_char(char ch)
{
	return isalnum((unsigned char)ch) || ch == '_';
}

/* A run of letters, digits and underscores; its length, 0 when none. */
static size_t take_word(struct cursor *c, const char **word)
{
	skip_space(c);
	*word = c->p;
	while (c->p < c->end && is_word_char(*c->p))
		c->p++;
	return (size_t)(c->p - *word);
}

/* For messages: what stands at the cursor, short and printable. */
static const char *glimpse(const struct cursor *c, char buf[24])
{
	size_t n = 0;
	const char *p = c->p;

	while (p < c->end && n < 20 && !strchr(",() \t\r", *p)) {
		buf[n++] = isprint((unsigned char)*p) ? *p : '?';
		p++;
	}
	if (!n && p < c->end)
		buf[n++] = isprint((unsigned char)*p) ? *p : '?';
	buf[n] = '\0';
	return n ? buf : "end of line";
}

static int digit_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return 16;
}

/* Decimal, or hexadecimal after 0x. */
static int take_number(struct cursor *c, u64 *out)
{
	int base = 10, digits = 0;
	char buf[24];
	u64 n = 0;

	skip_space(c);
	if (c->end - c->p > 1 && c->p[0] == '0' &&
	    (c->p[1] == 'x' || c->p[1] == 'X')) {
		base = 16;
		c->p += 2;
	}
	while (c->p < c->end && digit_value(*c->p) < base) {
		if (__builtin_mul_overflow(n, (u64)base, &n) ||
		    __builtin_add_overflow(n, (u64)digit_value(*c->p), &n))
			return refuse(c, "number too large: at most 64 bits");
		c->p++;
		digits++;
	}
	if (!digits || (c->p < c->end && is_word_char(*c->p)))
		return refuse(c, "'%s' is no number: use decimal or 0x..",
			      glimpse(c, buf));
	*out = n;
	return 0;
}

/* "N" or "N+b": N pages and b bytes. */
static int take_pages(struct cursor *c, u64 *out)
{
	u64 pages, bytes = 0;
	int err;

	err = take_number(c, &pages);
	if (!err && take(c, '+'))
		err = take_number(c, &bytes);
	if (err)
		return err;
	if (pages >> (64 - OP_PAGE_SHIFT) ||
	    __builtin_add_overflow(pages << OP_PAGE_SHIFT, bytes, out))
		return refuse(c, "too many pages: at most 2^52");
	return 0;
}

/* ---- arguments ---- */

static int take_addr(struct cursor *c, u64 *out)
{
	enum op_space space = OP_SPACE_ABSOLUTE;
	u64 value;
	int err;

	skip_space(c);
	if (c->p < c->end && (*c->p == 'p' || *c->p == 'b')) {
		space = *c->p == 'p' ? OP_SPACE_WINDOW : OP_SPACE_HEAP;
		c->p++;
		err = take_pages(c, &value);
		if (!err && value > OP_ADDR_VALUE_MASK)
			err = refuse(c, "too far: at most 2^50 pages");
	} else {
		err = take_number(c, &value);
		if (!err && value != (u64)((s64)(value << 2) >> 2))
			err = refuse(c, "0x%llx cannot be written: use bits 0-60, or all of 61-63",
				     (unsigned long long)value);
	}
	if (!err)
		*out = op_addr(space, value);
	return err;
}

/* "RWX" in one word: rights only. */
static bool rights_word(const char *word, size_t len, u64 *bits)
{
	const struct op_word *w, *words = op_words(OP_ARG_PROT);
	size_t i;

	*bits = 0;
	for (i = 0; i < len; i++) {
		for (w = words; w->name; w++)
			if (w->name[0] == word[i] && !w->name[1])
				break;
		if (!w->name)
			return false;
		*bits |= w->bits;
	}
	return len != 0;
}

static int take_one_word(struct cursor *c, enum op_arg_kind kind, u64 *bits)
{
	const struct op_word *w;
	const char *word;
	char buf[24];
	size_t len;

	skip_space(c);
	/* Not 32BIT, which a word may be. */
	if (at_digit(c) && !(c->end - c->p > 4 && !memcmp(c->p, "32BIT", 5)))
		return take_number(c, bits);
	len = take_word(c, &word);
	for (w = op_words(kind); w->name; w++)
		if (strlen(w->name) == len && !memcmp(w->name, word, len)) {
			*bits = w->bits;
			return 0;
		}
	if (kind == OP_ARG_PROT && rights_word(word, len, bits))
		return 0;
	c->p = word;
	w = op_words(kind);
	return refuse(c, "unknown word '%s': use %s, %s, ... or 0x..",
		      glimpse(c, buf), w[0].name, w[1].name);
}

static int take_words(struct cursor *c, enum op_arg_kind kind, u64 *out)
{
	u64 bits, all = 0;
	int err;

	do {
		err = take_one_word(c, kind, &bits);
		if (err)
			return err;
		all |= bits;
	} while (take(c, '|'));
	*out = all;
	return 0;
}

static int take_file(struct cursor *c, u64 *out)
{
	char buf[24];

	if (take(c, '-')) {
		*out = OP_NO_FILE;
		return 0;
	}
	if (!take(c, 'F') || !at_digit(c))
		return refuse(c, "'%s' is no file: use F0 to F%u, or -",
			      glimpse(c, buf), OP_FILES_MAX - 1);
	return take_number(c, out);
}

static int take_task(struct cursor *c, u64 *out)
{
	char buf[24];
	int err;

	if (!take(c, 't') || !at_digit(c))
		return refuse(c, "'%s' is no task: use t0 to t%u",
			      glimpse(c, buf), OP_TASKS_MAX - 1);
	err = take_number(c, out);
	if (!err && *out >= OP_TASKS_MAX)
		err = refuse(c, "no task t%llu: use t0 to t%u",
			     (unsigned long long)*out, OP_TASKS_MAX - 1);
	return err;
}

static bool take_literal(struct cursor *c, const char *literal)
{
	size_t len = strlen(literal);

	skip_space(c);
	if ((size_t)(c->end - c->p) < len || memcmp(c->p, literal, len))
		return false;
	if (c->p + len < c->end && is_word_char(c->p[len]))
		return false;
	c->p += len;
	return true;
}

static int take_tasks(struct cursor *c, u64 *out)
{
	u64 task, all = 0;
	int err;

	if (take_literal(c, "all")) {
		*out = OP_ALL_TASKS;
		return 0;
	}
	do {
		err = take_task(c, &task);
		if (err)
			return err;
		all |= 1ULL << task;
	} while (take(c, '|'));
	*out = all;
	return 0;
}

static int take_arg(struct cursor *c, enum op_arg_kind kind, u64 *out)
{
	switch (kind) {
	case OP_ARG_ADDR:
	case OP_ARG_HEAP:
		return take_addr(c, out);
	case OP_ARG_LEN:
	case OP_ARG_AT:
		return take_pages(c, out);
	case OP_ARG_PROT:
	case OP_ARG_MAP:
	case OP_ARG_MREMAP:
	case OP_ARG_ADVICE:
	case OP_ARG_RMW:
	case OP_ARG_PIN:
		return take_words(c, kind, out);
	case OP_ARG_FILE:
		return take_file(c, out);
	case OP_ARG_TASK:
		return take_task(c, out);
	case OP_ARG_TASKS:
		return take_tasks(c, out);
	case OP_ARG_VALUE:
		if (take_literal(c, "tag")) {
			*out = OP_VALUE_TAG;
			return 0;
		}
		return take_number(c, out);
	default:
		return take_number(c, out);
	}
}

static int take_args(struct cursor *c, struct mm_op *op)
{
	enum mm_op_code code = (enum mm_op_code)op->code;
	const struct op_desc *d = op_desc(code);
	unsigned int i, given = 0;
	char buf[24];
	int err;

	for (i = 0; i < d->nr_args; i++)
		op->arg[i] = op_arg_default(d->arg[i].kind);
	if (!take(c, '(') || take(c, ')'))
		return 0;
	do {
		if (given == d->nr_args)
			return refuse(c, "%s takes %u argument%s", op_name(code),
				      given, given == 1 ? "" : "s");
		err = take_arg(c, d->arg[given].kind, &op->arg[given]);
		if (err)
			return err;
		given++;
	} while (take(c, ','));
	if (!take(c, ')'))
		return refuse(c, "'%s' after argument %u of %s: use , or )",
			      glimpse(c, buf), given, op_name(code));
	return 0;
}

/* ---- lines ---- */

/* "(async, delay: 120)" */
static int take_flags(struct cursor *c, struct mm_op *op)
{
	char buf[24];
	u64 delay;
	int err;

	if (!take(c, '('))
		return 0;
	do {
		if (take_literal(c, "async")) {
			op->flags |= OP_F_ASYNC;
		} else if (take_literal(c, "delay") && take(c, ':')) {
			err = take_number(c, &delay);
			if (err)
				return err;
			if (delay > OP_DELAY_MAX)
				return refuse(c, "delay too long: at most %u",
					      OP_DELAY_MAX);
			op->delay = (u32)delay;
		} else {
			return refuse(c, "'%s' is no flag: use async or delay: N",
				      glimpse(c, buf));
		}
	} while (take(c, ','));
	if (!take(c, ')'))
		return refuse(c, "'%s' after a flag: use , or )",
			      glimpse(c, buf));
	return 0;
}

static int take_op_name(struct cursor *c, struct mm_op *op)
{
	enum mm_op_code code;
	const char *word;
	char buf[24];
	size_t len;

	len = take_word(c, &word);
	code = op_by_name(word, len);
	if (code == OP_NR) {
		c->p = word;
		return refuse(c, "unknown op '%s': use mmap, munmap, load, store, ... (mmstorm list ops)",
			      glimpse(c, buf));
	}
	op->code = (u8)code;
	return 0;
}

/* Says which argument is out of range, after all were read well. */
static int refuse_values(struct cursor *c, const struct mm_op *op)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);
	struct mm_op probe = *op;
	unsigned int i;

	for (i = 0; i < d->nr_args; i++) {
		probe.arg[i] = op_arg_default(d->arg[i].kind);
		if (d->arg[i].kind == OP_ARG_FILE)
			probe.arg[i] = 0;
		if (op_valid(&probe))
			break;
	}
	if (i == d->nr_args)
		i = 0;
	return refuse(c, "argument '%s' of %s is out of range (sizes: 1 2 4 8; files: F0-F%u; copies: %u bytes; counts: 1-%u; heap: b0-b%lu; places: 0-%u; in a pin: 0-%u+4095)",
		      d->arg[i].name, op_name((enum mm_op_code)op->code),
		      OP_FILES_MAX - 1, OP_COPY_MAX, OP_COUNT_MAX,
		      OP_HEAP_MAX >> OP_PAGE_SHIFT, PINS_MAX - 1,
		      (OP_PIN_BYTES >> OP_PAGE_SHIFT) - 1);
}

/* 1: an op, 0: none on this line, -EINVAL. */
static int parse_line(struct cursor *c, struct mm_op *op)
{
	char buf[24];
	u64 task = 0;
	int err = 0;

	memset(op, 0, sizeof(*op));
	skip_space(c);
	if (c->p == c->end || *c->p == '#')
		return 0;
	if (*c->p == 't' && c->end - c->p > 1 &&
	    isdigit((unsigned char)c->p[1]))
		err = take_task(c, &task);
	op->task = (u16)task;
	if (!err)
		err = take_op_name(c, op);
	if (!err)
		err = take_args(c, op);
	if (!err)
		err = take_flags(c, op);
	if (err)
		return err;
	skip_space(c);
	if (c->p < c->end && *c->p != '#')
		return refuse(c, "'%s' after the op: use a line each, or # for a comment",
			      glimpse(c, buf));
	return op_valid(op) ? 1 : refuse_values(c, op);
}

/* ---- the header ---- */

static const struct header_key {
	const char	*name;
	size_t		offset;
	u64		min;
	u64		max;
} header_keys[] = {
	{ "cpus", offsetof(struct op_world, cpus), 1, OP_CPUS_MAX },
	{ "tasks", offsetof(struct op_world, tasks), 1, OP_TASKS_MAX },
	{ "procs", offsetof(struct op_world, procs), 1, OP_TASKS_MAX },
	{ "pages", offsetof(struct op_world, pages), 1, OP_PAGES_MAX },
	{ "files", offsetof(struct op_world, files), 0, OP_FILES_MAX },
	{ "file_pages", offsetof(struct op_world, file_pages), 0, OP_PAGES_MAX },
};

static int header_value(struct cursor *c, const char *key, size_t len,
			struct op_world *world)
{
	const struct header_key *k = NULL;
	unsigned int i;
	u64 value;
	int err;

	err = take_number(c, &value);
	if (err)
		return err;
	if (len == 4 && !memcmp(key, "seed", 4)) {
		world->seed = value;
		return 0;
	}
	if (len == 7 && !memcmp(key, "ordered", 7)) {
		world->ordered = value != 0;
		return value > 1 ? refuse(c, "ordered is 0 or 1") : 0;
	}
	for (i = 0; i < ARRAY_SIZE(header_keys); i++)
		if (strlen(header_keys[i].name) == len &&
		    !memcmp(header_keys[i].name, key, len))
			k = &header_keys[i];
	if (!k)
		return refuse(c, "unknown key '%.*s': use cpus, tasks, procs, pages, files, file_pages, ordered or seed",
			      (int)min(len, (size_t)20), key);
	if (value < k->min || value > k->max)
		return refuse(c, "%s=%llu: use %llu to %llu", k->name,
			      (unsigned long long)value,
			      (unsigned long long)k->min,
			      (unsigned long long)k->max);
	*(unsigned int *)((char *)world + k->offset) = (unsigned int)value;
	return 0;
}

static int parse_header(struct cursor *c, struct op_world *world)
{
	static const struct op_world start = OP_WORLD_DEFAULT;
	const char *key;
	u64 version;
	size_t len;
	int err;

	*world = start;
	if (!take(c, '#') || !take_literal(c, "mmstorm") || !take(c, '-') ||
	    !take_literal(c, "ops"))
		return refuse(c, "no op text: the first line is '# mmstorm-ops %d cpus=2 ...'",
			      OP_TEXT_VERSION);
	err = take_number(c, &version);
	if (err)
		return err;
	if (version != OP_TEXT_VERSION)
		return refuse(c, "version %llu: this build reads version %d",
			      (unsigned long long)version, OP_TEXT_VERSION);
	for (;;) {
		skip_space(c);
		if (c->p == c->end)
			break;
		len = take_word(c, &key);
		if (!len || !take(c, '='))
			return refuse(c, "keys are written key=value");
		err = header_value(c, key, len, world);
		if (err)
			return err;
	}
	if (world->procs > world->tasks)
		return refuse(c, "procs=%u: use at most tasks=%u",
			      world->procs, world->tasks);
	return 0;
}

/* ---- whole texts ---- */

static int parse_lines(const char *text, size_t len, struct op_list *list,
		       struct op_text_error *err)
{
	const char *end = text + len, *line = text;
	struct mm_op op;
	int ret;

	for (err->line = 1; line < end || err->line == 1; err->line++) {
		const char *nl = line < end ?
			memchr(line, '\n', (size_t)(end - line)) : NULL;
		struct cursor c = { line, nl ? nl : end, err };

		if (err->line == 1)
			ret = parse_header(&c, &list->world);
		else
			ret = parse_line(&c, &op);
		if (ret > 0)
			ret = op_list_add(list, &op);
		if (ret)
			return ret;
		line = nl ? nl + 1 : end;
	}
	return 0;
}

int op_text_parse(const char *text, size_t len, struct op_list *list,
		  struct op_text_error *err)
{
	int ret;

	memset(list, 0, sizeof(*list));
	memset(err, 0, sizeof(*err));
	ret = parse_lines(text, len, list, err);
	if (ret) {
		op_list_free(list);
		if (ret == -ENOMEM)
			snprintf(err->what, sizeof(err->what),
				 "out of memory: use fewer ops");
	}
	return ret;
}

int op_text_load(const char *path, struct op_list *list,
		 struct op_text_error *err)
{
	char *text = NULL;
	size_t len = 0;
	int ret;

	memset(list, 0, sizeof(*list));
	memset(err, 0, sizeof(*err));
	ret = read_file(path, &text, &len);
	if (ret) {
		snprintf(err->what, sizeof(err->what),
			 "%s: use a readable file of op text", strerror(-ret));
		return ret;
	}
	ret = op_text_parse(text, len, list, err);
	free(text);
	return ret;
}
