/* SPDX-License-Identifier: MIT */
/*
 * The op table: what each op is called, takes and means, and the words that its
 * arguments are written with.  Constant data and pure functions: no locks, no
 * machine.  It must never know how an op is executed (exec.c).
 */
#include "ops/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "mm/pin.h"
#include "mm/uapi.h"

#define A(arg_name, arg_kind) { .name = arg_name, .kind = OP_ARG_##arg_kind }

#define DESC(code, cls, n, text, ...)		\
	[OP_##code] = {				\
		.class = OP_CLASS_##cls,	\
		.nr_args = (n),			\
		.arg = { __VA_ARGS__ },		\
		.doc = (text),			\
	}

static const struct op_desc desc[OP_NR] = {
	DESC(MMAP, MAP, 6, "map memory",
	     A("addr", ADDR), A("len", LEN), A("prot", PROT), A("flags", MAP),
	     A("file", FILE), A("offset", LEN)),
	DESC(MUNMAP, MAP, 2, "unmap a range",
	     A("addr", ADDR), A("len", LEN)),
	DESC(MPROTECT, MAP, 3, "change the rights of a range",
	     A("addr", ADDR), A("len", LEN), A("prot", PROT)),
	DESC(MREMAP, MAP, 5, "move or resize a mapping",
	     A("old", ADDR), A("old_len", LEN), A("new_len", LEN),
	     A("flags", MREMAP), A("new", ADDR)),
	DESC(BRK, MAP, 1, "set the end of the heap", A("end", HEAP)),
	DESC(MADVISE, MAP, 3, "give advice about a range",
	     A("addr", ADDR), A("len", LEN), A("advice", ADVICE)),
	DESC(LOAD, ACCESS, 2, "read 1-8 bytes",
	     A("addr", ADDR), A("size", SIZE)),
	DESC(STORE, ACCESS, 3, "write 1-8 bytes",
	     A("addr", ADDR), A("size", SIZE), A("value", VALUE)),
	DESC(RMW, ACCESS, 4, "read and write 8 bytes atomically",
	     A("addr", ADDR), A("how", RMW), A("value", VALUE),
	     A("expect", VALUE)),
	DESC(COPY, ACCESS, 3, "copy a block, in through the kernel and out",
	     A("to", ADDR), A("from", ADDR), A("bytes", BYTES)),
	DESC(FETCH, ACCESS, 1, "fetch an instruction", A("addr", ADDR)),
	DESC(FORK, TASK, 1, "make a process", A("child", TASK)),
	DESC(CLONE, TASK, 1, "make a thread", A("child", TASK)),
	DESC(EXIT, TASK, 0, "end the task"),
	DESC(TRUNCATE, FILE, 2, "set the size of a file",
	     A("file", FILE), A("size", LEN)),
	DESC(MIGRATE, FILE, 1, "move a page to another frame",
	     A("addr", ADDR)),
	DESC(YIELD, CONTROL, 0, "let another task run"),
	DESC(BARRIER, CONTROL, 1, "wait for other tasks", A("tasks", TASKS)),
	DESC(FAILNTH, CONTROL, 1, "fail the nth allocation of the next op",
	     A("nth", COUNT)),
	DESC(PIN, DEVICE, 4, "pin a range for a device, in place of what is there",
	     A("addr", ADDR), A("len", LEN), A("how", PIN), A("place", PLACE)),
	DESC(UNPIN, DEVICE, 1, "let go of a pin", A("place", PLACE)),
	DESC(DMA_LOAD, ACCESS, 3, "read 1-8 bytes by a pin's frame",
	     A("place", PLACE), A("at", AT), A("size", SIZE)),
	DESC(DMA_STORE, ACCESS, 4, "write 1-8 bytes by a pin's frame",
	     A("place", PLACE), A("at", AT), A("size", SIZE), A("value", VALUE)),
};

/* Names come from the list of ops, so that the two cannot differ. */
static const char *const names[OP_NR] = {
#define X(NAME, name) [OP_##NAME] = #name,
	MM_OPS(X)
#undef X
};

const char *op_name(enum mm_op_code code)
{
	return code < OP_NR ? names[code] : "?";
}

const struct op_desc *op_desc(enum mm_op_code code)
{
	return code < OP_NR ? &desc[code] : NULL;
}

#define ONE(word, value)  { word, value, value }
#define ALL(word, value)  { word, value, ~0ULL }

/* Rights are written without bars: RW, RX. */
static const struct op_word prot_words[] = {
	ALL("NONE", PROT_NONE),
	ONE("R", PROT_READ), ONE("W", PROT_WRITE), ONE("X", PROT_EXEC),
	ONE("SEM", PROT_SEM), ONE("GROWSDOWN", PROT_GROWSDOWN),
	ONE("GROWSUP", PROT_GROWSUP),
	{ NULL },
};

static const struct op_word map_words[] = {
	{ "SHARED", MAP_SHARED, MAP_TYPE },
	{ "PRIVATE", MAP_PRIVATE, MAP_TYPE },
	{ "SHARED_VALIDATE", MAP_SHARED_VALIDATE, MAP_TYPE },
	{ "DROPPABLE", MAP_DROPPABLE, MAP_TYPE },
	ONE("ANON", MAP_ANONYMOUS), ONE("FIXED", MAP_FIXED),
	ONE("FIXED_NOREPLACE", MAP_FIXED_NOREPLACE),
	ONE("GROWSDOWN", MAP_GROWSDOWN), ONE("NORESERVE", MAP_NORESERVE),
	ONE("POPULATE", MAP_POPULATE), ONE("LOCKED", MAP_LOCKED),
	ONE("STACK", MAP_STACK), ONE("NONBLOCK", MAP_NONBLOCK),
	ONE("32BIT", MAP_32BIT), ONE("HUGETLB", MAP_HUGETLB),
	ONE("SYNC", MAP_SYNC), ONE("DENYWRITE", MAP_DENYWRITE),
	{ NULL },
};

static const struct op_word mremap_words[] = {
	ONE("MAYMOVE", MREMAP_MAYMOVE), ONE("FIXED", MREMAP_FIXED),
	ONE("DONTUNMAP", MREMAP_DONTUNMAP),
	{ NULL },
};

static const struct op_word advice_words[] = {
	ALL("NORMAL", MADV_NORMAL), ALL("RANDOM", MADV_RANDOM),
	ALL("SEQUENTIAL", MADV_SEQUENTIAL), ALL("WILLNEED", MADV_WILLNEED),
	ALL("DONTNEED", MADV_DONTNEED), ALL("FREE", MADV_FREE),
	ALL("REMOVE", MADV_REMOVE), ALL("DONTFORK", MADV_DONTFORK),
	ALL("DOFORK", MADV_DOFORK), ALL("MERGEABLE", MADV_MERGEABLE),
	ALL("UNMERGEABLE", MADV_UNMERGEABLE), ALL("HUGEPAGE", MADV_HUGEPAGE),
	ALL("NOHUGEPAGE", MADV_NOHUGEPAGE), ALL("DONTDUMP", MADV_DONTDUMP),
	ALL("DODUMP", MADV_DODUMP), ALL("WIPEONFORK", MADV_WIPEONFORK),
	ALL("KEEPONFORK", MADV_KEEPONFORK), ALL("COLD", MADV_COLD),
	ALL("PAGEOUT", MADV_PAGEOUT), ALL("POPULATE_READ", MADV_POPULATE_READ),
	ALL("POPULATE_WRITE", MADV_POPULATE_WRITE),
	ALL("DONTNEED_LOCKED", MADV_DONTNEED_LOCKED),
	ALL("GUARD_INSTALL", MADV_GUARD_INSTALL),
	ALL("GUARD_REMOVE", MADV_GUARD_REMOVE),
	ALL("COLLAPSE", MADV_COLLAPSE),
	{ NULL },
};

static const struct op_word rmw_words[] = {
	ALL("XADD", OP_RMW_XADD), ALL("CMPXCHG", OP_RMW_CMPXCHG),
	{ NULL },
};

static const struct op_word pin_words[] = {
	ALL("READ", PIN_READ), ONE("WRITE", PIN_WRITE),
	ONE("LONGTERM", PIN_LONGTERM), ONE("GET", PIN_GET),
	{ NULL },
};

static const struct op_word *const words[OP_ARG_KINDS] = {
	[OP_ARG_PROT] = prot_words,
	[OP_ARG_MAP] = map_words,
	[OP_ARG_MREMAP] = mremap_words,
	[OP_ARG_ADVICE] = advice_words,
	[OP_ARG_RMW] = rmw_words,
	[OP_ARG_PIN] = pin_words,
};

const struct op_word *op_words(enum op_arg_kind kind)
{
	return kind < OP_ARG_KINDS ? words[kind] : NULL;
}

enum mm_op_code op_by_name(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < OP_NR; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], name, len))
			return (enum mm_op_code)i;
	return OP_NR;
}

u64 op_arg_default(enum op_arg_kind kind)
{
	switch (kind) {
	case OP_ARG_FILE:
		return OP_NO_FILE;
	case OP_ARG_TASKS:
		return OP_ALL_TASKS;
	case OP_ARG_SIZE:
		return 8;
	case OP_ARG_COUNT:
		return 1;
	case OP_ARG_HEAP:
		return op_addr(OP_SPACE_HEAP, 0);
	default:
		return 0;
	}
}

/* Of mmap a file may be absent; a truncate needs one. */
static bool file_valid(enum mm_op_code code, u64 file)
{
	return file < OP_FILES_MAX ||
	       (file == OP_NO_FILE && code == OP_MMAP);
}

static bool arg_valid(enum mm_op_code code, enum op_arg_kind kind, u64 arg)
{
	switch (kind) {
	case OP_ARG_NONE:
		return arg == 0;
	case OP_ARG_ADDR:
		return op_addr_space(arg) <= OP_SPACE_ABSOLUTE;
	case OP_ARG_HEAP:
		return op_addr_space(arg) == OP_SPACE_HEAP &&
		       op_addr_value(arg) <= OP_HEAP_MAX;
	case OP_ARG_FILE:
		return file_valid(code, arg);
	case OP_ARG_SIZE:
		return arg == 1 || arg == 2 || arg == 4 || arg == 8;
	case OP_ARG_RMW:
		return arg <= OP_RMW_CMPXCHG;
	case OP_ARG_TASK:
		return arg < OP_TASKS_MAX;
	case OP_ARG_TASKS:
		return arg && arg <= OP_ALL_TASKS;
	case OP_ARG_COUNT:
		return arg && arg <= OP_COUNT_MAX;
	case OP_ARG_BYTES:
		return arg <= OP_COPY_MAX;
	case OP_ARG_PLACE:
		return arg < PINS_MAX;
	case OP_ARG_AT:
		return arg < OP_PIN_BYTES;
	default:
		return kind < OP_ARG_KINDS;
	}
}

bool op_valid(const struct mm_op *op)
{
	const struct op_desc *d;
	unsigned int i;

	if (op->code >= OP_NR || op->task >= OP_TASKS_MAX)
		return false;
	if ((op->flags & ~OP_F_ASYNC) || op->delay > OP_DELAY_MAX)
		return false;
	d = &desc[op->code];
	for (i = 0; i < OP_ARGS_MAX; i++)
		if (!arg_valid((enum mm_op_code)op->code, d->arg[i].kind,
			       op->arg[i]))
			return false;
	return true;
}

bool op_equal(const struct mm_op *a, const struct mm_op *b)
{
	return a->code == b->code && a->flags == b->flags &&
	       a->task == b->task && a->delay == b->delay &&
	       !memcmp(a->arg, b->arg, sizeof(a->arg));
}

int op_world_valid(const struct op_world *w)
{
	return w->tasks > OP_TASKS_MAX ? -EINVAL : op_world_valid_storm(w);
}

int op_world_valid_storm(const struct op_world *w)
{
	if (!w->cpus || w->cpus > OP_CPUS_MAX)
		return -EINVAL;
	if (!w->tasks || w->tasks > OP_STORM_TASKS_MAX)
		return -EINVAL;
	if (w->procs > w->tasks)
		return -EINVAL;
	if (!w->pages || w->pages > OP_PAGES_MAX)
		return -EINVAL;
	if (w->files > OP_FILES_MAX || w->file_pages > OP_PAGES_MAX)
		return -EINVAL;
	return 0;
}

unsigned long op_resolve(const struct op_world *world, u64 addr,
			 unsigned long start_brk)
{
	u64 value = op_addr_value(addr);

	switch (op_addr_space(addr)) {
	case OP_SPACE_WINDOW:
		return op_window_start(world) + value;
	case OP_SPACE_HEAP:
		return start_brk + value;
	default:
		/* Bit 61 stands for the two above it. */
		return (unsigned long)((s64)(value << 2) >> 2);
	}
}

int op_list_add(struct op_list *list, const struct mm_op *op)
{
	if (list->nr == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct mm_op *ops;

		ops = realloc(list->ops, room * sizeof(*ops));
		if (!ops)
			return -ENOMEM;
		list->ops = ops;
		list->room = room;
	}
	list->ops[list->nr++] = *op;
	return 0;
}

void op_list_free(struct op_list *list)
{
	free(list->ops);
	list->ops = NULL;
	list->nr = 0;
	list->room = 0;
}
