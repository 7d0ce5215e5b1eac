/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_OP_H
#define MMSTORM_OPS_OP_H

#include "base/types.h"

/*
 * The waist of the house: one thing that a task does.  A seed, fuzzer bytes,
 * a job, op text and a recording all become arrays or streams of struct mm_op;
 * executing them (ops/exec.h) yields results, counts and findings.
 *
 * Nothing here knows core/mm: the table says how an op is spelled, packed and
 * drawn; how it is executed is exec.c's.
 */

#define OP_ARGS_MAX	6
#define OP_TASKS_MAX	32	/* task slots of a program */
#define OP_STORM_TASKS_MAX 256	/* tasks of a storm at its start */
#define OP_FILES_MAX	8	/* F0..F7 */
#define OP_PAGES_MAX	65536	/* pages of a window */
#define OP_DELAY_MAX	65535
#define OP_COPY_MAX	65536	/* bytes that one copy may move */
#define OP_COUNT_MAX	(1 << 20)
#define OP_PIN_BYTES	(4 << 12)	/* of one pin */
#define OP_CPUS_MAX	256

/* X(NAME, name): the ops.  Append only: the wire form numbers them. */
#define MM_OPS(X)				\
	X(MMAP,		mmap)			\
	X(MUNMAP,	munmap)			\
	X(MPROTECT,	mprotect)		\
	X(MREMAP,	mremap)			\
	X(BRK,		brk)			\
	X(MADVISE,	madvise)		\
	X(LOAD,		load)			\
	X(STORE,	store)			\
	X(RMW,		rmw)			\
	X(COPY,		copy)			\
	X(FETCH,	fetch)			\
	X(FORK,		fork)			\
	X(CLONE,	clone)			\
	X(EXIT,		exit)			\
	X(TRUNCATE,	truncate)		\
	X(MIGRATE,	migrate)		\
	X(YIELD,	yield)			\
	X(BARRIER,	barrier)		\
	X(FAILNTH,	failnth)		\
	X(PIN,		pin)			\
	X(UNPIN,	unpin)			\
	X(DMA_LOAD,	dma_load)		\
	X(DMA_STORE,	dma_store)

enum mm_op_code {
#define X(NAME, name) OP_##NAME,
	MM_OPS(X)
#undef X
	OP_NR,
};

/* Does not make the ops after it wait, where a program is run in order. */
#define OP_F_ASYNC	0x01

struct mm_op {
	u8	code;		/* enum mm_op_code */
	u8	flags;		/* OP_F_* */
	u16	task;		/* slot of the task that does it */
	u32	delay;		/* turns given away before it starts */
	u64	arg[OP_ARGS_MAX];
};

/*
 * Addresses are symbolic, so that a program means the same in every process,
 * on every architecture, and after the window was moved.
 *
 *	p4+16	page 4 of the window, byte 16
 *	b2	page 2 above the start of the heap (brk)
 *	0x7000	that address
 */
enum op_space {
	OP_SPACE_WINDOW,
	OP_SPACE_HEAP,
	OP_SPACE_ABSOLUTE,	/* sign-extended from bit 61 */
};

#define OP_ADDR_SPACE_SHIFT	62
#define OP_ADDR_VALUE_MASK	((1ULL << OP_ADDR_SPACE_SHIFT) - 1)

static inline u64 op_addr(enum op_space space, u64 value)
{
	return (u64)space << OP_ADDR_SPACE_SHIFT |
	       (value & OP_ADDR_VALUE_MASK);
}

static inline u64 op_page(u64 page, u64 offset)
{
	return op_addr(OP_SPACE_WINDOW, (page << 12) + offset);
}

static inline enum op_space op_addr_space(u64 addr)
{
	return (enum op_space)(addr >> OP_ADDR_SPACE_SHIFT);
}

static inline u64 op_addr_value(u64 addr)
{
	return addr & OP_ADDR_VALUE_MASK;
}

/*
 * A store of OP_VALUE_TAG stores the oracles' word for this task and op, in
 * the task's own eight bytes of the page that the address names (check.h).
 */
#define OP_VALUE_TAG	(~0ULL)

#define OP_NO_FILE	(~0ULL)		/* mmap of no file */
#define OP_ALL_TASKS	0xffffffffULL	/* barrier of everyone */

enum op_rmw {
	OP_RMW_XADD,		/* value is added, `expect' is not used */
	OP_RMW_CMPXCHG,
};

/* What an argument is: how it is printed, packed, drawn and resolved. */
enum op_arg_kind {
	OP_ARG_NONE,
	OP_ARG_ADDR,		/* op_addr() */
	OP_ARG_LEN,		/* bytes; text N, N+b: N pages and b bytes */
	OP_ARG_BYTES,		/* bytes, text in bytes */
	OP_ARG_PROT,		/* PROT_* */
	OP_ARG_MAP,		/* MAP_* */
	OP_ARG_MREMAP,		/* MREMAP_* */
	OP_ARG_ADVICE,		/* MADV_* */
	OP_ARG_FILE,		/* F0..F7, OP_NO_FILE */
	OP_ARG_SIZE,		/* 1, 2, 4 or 8 bytes */
	OP_ARG_VALUE,		/* any word, OP_VALUE_TAG */
	OP_ARG_RMW,		/* enum op_rmw */
	OP_ARG_TASK,		/* a slot */
	OP_ARG_TASKS,		/* bit mask of slots, OP_ALL_TASKS */
	OP_ARG_COUNT,		/* small number, from 1 */
	OP_ARG_HEAP,		/* op_addr() of the heap, below every window */
	OP_ARG_PIN,		/* PIN_* */
	OP_ARG_PLACE,		/* of a pin at its task: 0..PINS_MAX-1 */
	OP_ARG_AT,		/* bytes into a pin; text N+b as a length's */
	OP_ARG_KINDS,
};

struct op_arg_desc {
	const char		*name;
	enum op_arg_kind	kind;
};

enum op_class {
	OP_CLASS_MAP,		/* changes the address space */
	OP_CLASS_ACCESS,	/* uses it */
	OP_CLASS_FILE,		/* changes what lies behind it */
	OP_CLASS_DEVICE,	/* lends it to a device */
	OP_CLASS_TASK,		/* makes or ends tasks */
	OP_CLASS_CONTROL,	/* shapes the run */
};

struct op_desc {
	enum op_class		class;
	unsigned int		nr_args;
	struct op_arg_desc	arg[OP_ARGS_MAX];
	const char		*doc;
};

/* Of one op; NULL and "?" for a code that is none. */
const struct op_desc *op_desc(enum mm_op_code code);
const char *op_name(enum mm_op_code code);

/* What an argument is when it is left out. */
u64 op_arg_default(enum op_arg_kind kind);

/* A name for some bits of an argument; mask says which bits it decides. */
struct op_word {
	const char	*name;
	u64		bits;
	u64		mask;
};

/* The words of a kind, ended by a NULL name; NULL for kinds without words. */
const struct op_word *op_words(enum op_arg_kind kind);

/* OP_NR when there is none of that name. */
enum mm_op_code op_by_name(const char *name, size_t len);

/*
 * The world a program is meant for.  All that a run needs beside the ops, and
 * the header line of op text.
 */
struct op_world {
	unsigned int	cpus;
	unsigned int	tasks;		/* t0.. that exist at the start */
	unsigned int	procs;		/* whose threads they are, in turn; 0 is 1 */
	unsigned int	pages;		/* of the window */
	unsigned int	files;		/* F0.. */
	unsigned int	file_pages;	/* size of each at the start */
	bool		ordered;	/* ops wait for the ones before them */
	u64		seed;
};

#define OP_WORLD_DEFAULT \
	{ .cpus = 2, .tasks = 2, .procs = 1, .pages = 64, .files = 2, .file_pages = 16 }

/* -EINVAL when out of the limits above (zero tasks, too many pages, ...). */
int op_world_valid(const struct op_world *world);
/* The same, but for more tasks: of a storm nobody names them one by one. */
int op_world_valid_storm(const struct op_world *world);

/*
 * The window lies around the boundary of two gigabytes, half below it, so that
 * every window meets two PTE tables under two PMD tables.
 */
#define OP_WINDOW_MIDDLE	0x40000000UL
#define OP_HEAP_START		0x20000000UL	/* start_brk of the processes */
#define OP_HEAP_MAX		0x10000000UL	/* bytes: ends below the largest window */

static inline unsigned long op_window_start(const struct op_world *world)
{
	return OP_WINDOW_MIDDLE - ((unsigned long)(world->pages / 2) << 12);
}

static inline unsigned long op_window_end(const struct op_world *world)
{
	return op_window_start(world) + ((unsigned long)world->pages << 12);
}

/* The address that `addr' means where the heap starts at start_brk. */
unsigned long op_resolve(const struct op_world *world, u64 addr,
			 unsigned long start_brk);

/*
 * Whether an op keeps its table's promises (code, task, file and size in
 * range, nothing left over), so that text and wire may carry it.
 */
bool op_valid(const struct mm_op *op);
bool op_equal(const struct mm_op *a, const struct mm_op *b);

#define OP_NO_LINE	(~0ULL)		/* of a program */

/* A program: ops in the order in which they are written. */
struct op_list {
	struct op_world	world;
	struct mm_op	*ops;
	size_t		nr;
	size_t		room;
};

/* 0 or -ENOMEM; the list is unchanged then. */
int op_list_add(struct op_list *list, const struct mm_op *op);
void op_list_free(struct op_list *list);

#endif /* MMSTORM_OPS_OP_H */
