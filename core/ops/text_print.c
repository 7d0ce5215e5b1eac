/* SPDX-License-Identifier: MIT */
/*
 * Op text: writing programs, so that text.c reads the same ops back.
 *
 * Owns nothing and takes no locks; prints any op, valid or not.
 */
#include "ops/text.h"

#include <errno.h>
#include <stdarg.h>

#include "base/compiler.h"

#define OP_PAGE_SHIFT	12
#define OP_PAGE_SIZE	(1ULL << OP_PAGE_SHIFT)

/* A buffer that may be too small; len is what a large one would hold. */
struct printer {
	char	*buf;
	size_t	size;
	size_t	len;
};

__printf(2, 3)
static void put(struct printer *out, const char *fmt, ...)
{
	size_t room = out->len < out->size ? out->size - out->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room ? out->buf + out->len : NULL, room, fmt, ap);
	va_end(ap);
	out->len += n > 0 ? (size_t)n : 0;
}

static void put_pages(struct printer *out, u64 bytes)
{
	u64 rest = bytes & (OP_PAGE_SIZE - 1);

	put(out, "%llu", (unsigned long long)(bytes >> OP_PAGE_SHIFT));
	if (rest)
		put(out, "+%llu", (unsigned long long)rest);
}

static void put_addr(struct printer *out, u64 addr)
{
	u64 value = op_addr_value(addr);

	switch (op_addr_space(addr)) {
	case OP_SPACE_WINDOW:
	case OP_SPACE_HEAP:
		put(out, "%c", op_addr_space(addr) == OP_SPACE_HEAP ? 'b' : 'p');
		put_pages(out, value);
		break;
	default:
		put(out, "0x%llx",
		    (unsigned long long)((s64)(value << 2) >> 2));
	}
}

static void put_words(struct printer *out, enum op_arg_kind kind, u64 bits)
{
	const struct op_word *w;
	bool letters = false, first = true;
	u64 left = bits;

	for (w = op_words(kind); w->name; w++) {
		bool letter = kind == OP_ARG_PROT && !w->name[1];

		if ((bits & w->mask) != w->bits || (w->bits & ~left))
			continue;
		if (!w->bits && bits)
			continue;
		put(out, "%s%s", first || (letter && letters) ? "" : "|",
		    w->name);
		letters = letter;
		first = false;
		left &= ~w->bits;
	}
	if (left || first)
		put(out, "%s0x%llx", first ? "" : "|",
		    (unsigned long long)left);
}

static void put_tasks(struct printer *out, u64 mask)
{
	unsigned int i;
	bool first = true;

	if (mask == OP_ALL_TASKS) {
		put(out, "all");
		return;
	}
	for (i = 0; i < OP_TASKS_MAX; i++)
		if (mask & (1ULL << i)) {
			put(out, "%st%u", first ? "" : "|", i);
			first = false;
		}
}

static void put_arg(struct printer *out, enum op_arg_kind kind, u64 arg)
{
	switch (kind) {
	case OP_ARG_ADDR:
	case OP_ARG_HEAP:
		put_addr(out, arg);
		break;
	case OP_ARG_LEN:
	case OP_ARG_AT:
		put_pages(out, arg);
		break;
	case OP_ARG_PROT:
	case OP_ARG_MAP:
	case OP_ARG_MREMAP:
	case OP_ARG_ADVICE:
	case OP_ARG_RMW:
	case OP_ARG_PIN:
		put_words(out, kind, arg);
		break;
	case OP_ARG_FILE:
		if (arg == OP_NO_FILE)
			put(out, "-");
		else
			put(out, "F%llu", (unsigned long long)arg);
		break;
	case OP_ARG_TASK:
		put(out, "t%llu", (unsigned long long)arg);
		break;
	case OP_ARG_TASKS:
		put_tasks(out, arg);
		break;
	case OP_ARG_VALUE:
		if (arg == OP_VALUE_TAG)
			put(out, "tag");
		else
			put(out, "0x%llx", (unsigned long long)arg);
		break;
	default:
		put(out, "%llu", (unsigned long long)arg);
	}
}

int op_text_print(const struct mm_op *op, char *buf, size_t size)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);
	struct printer out = { buf, size, 0 };
	unsigned int i;

	if (size)
		buf[0] = '\0';
	put(&out, "t%u %s(", op->task, op_name((enum mm_op_code)op->code));
	for (i = 0; d && i < d->nr_args; i++) {
		put(&out, "%s", i ? ", " : "");
		put_arg(&out, d->arg[i].kind, op->arg[i]);
	}
	put(&out, ")");
	if (op->flags & OP_F_ASYNC)
		put(&out, " (async%s", op->delay ? "" : ")");
	if (op->delay)
		put(&out, "%sdelay: %u)",
		    op->flags & OP_F_ASYNC ? ", " : " (", op->delay);
	return (int)out.len;
}

int op_text_write(const struct op_list *list, FILE *out)
{
	const struct op_world *w = &list->world;
	char line[OP_TEXT_LINE];
	size_t i;

	fprintf(out, "# mmstorm-ops %d cpus=%u tasks=%u procs=%u pages=%u files=%u file_pages=%u%s seed=0x%llx\n",
		OP_TEXT_VERSION, w->cpus, w->tasks, w->procs, w->pages,
		w->files, w->file_pages, w->ordered ? " ordered=1" : "",
		(unsigned long long)w->seed);
	for (i = 0; i < list->nr; i++) {
		op_text_print(&list->ops[i], line, sizeof(line));
		fprintf(out, "%s\n", line);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
