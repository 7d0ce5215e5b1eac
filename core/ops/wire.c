/* SPDX-License-Identifier: MIT */
/*
 * The wire form: any bytes are a program (wire.h).
 *
 * Owns nothing and takes no locks.  Decoding must never refuse, and must never
 * make an op that op_valid() does not like; encoding is the search for bytes
 * that decode to the same thing, so the two cannot drift apart.
 */
#include "ops/wire.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "mm/pin.h"
#include "mm/uapi.h"

#define WIRE_FILES	2
#define WIRE_FILE_PAGES	8

const struct op_wire_limits op_wire_limits_default = {
	.cpus_max = 4,
	.tasks_max = 8,
	.pages_max = 64,
	.ops_max = 256,
	.codes = (1u << OP_NR) - 1,
};

/* Bytes that an argument of a kind takes. */
static const u8 arg_bytes[OP_ARG_KINDS] = {
	[OP_ARG_ADDR] = 2, [OP_ARG_LEN] = 1, [OP_ARG_BYTES] = 1,
	[OP_ARG_PROT] = 1, [OP_ARG_MAP] = 1, [OP_ARG_MREMAP] = 1,
	[OP_ARG_ADVICE] = 1, [OP_ARG_FILE] = 1, [OP_ARG_SIZE] = 1,
	[OP_ARG_VALUE] = 2, [OP_ARG_RMW] = 1, [OP_ARG_TASK] = 1,
	[OP_ARG_TASKS] = 1, [OP_ARG_COUNT] = 1, [OP_ARG_HEAP] = 2,
	[OP_ARG_PIN] = 1, [OP_ARG_PLACE] = 1, [OP_ARG_AT] = 1,
};

/* What the meaning of a byte depends on. */
struct wire {
	const struct op_wire_limits	*limits;
	struct op_world			world;
	enum mm_op_code			code;	/* of the op at hand */
	u8				codes[OP_NR];
	unsigned int			nr_codes;
};

/* ---- arguments: bytes to meaning ---- */

/* Addresses where an address space ends, or is none. */
static const u64 edges[] = {
	0x0,			/* NULL */
	0xf000,			/* below mmap_min_addr, then on it */
	0x7fffffffd000,		/* the last pages of user space */
	0x800000000000,		/* the first that is not canonical */
	0xffff800000000000,	/* the kernel's half */
	0xfffffffffffff000,	/* the last page of all */
};

static u64 decode_addr(const struct wire *w, const u8 *b)
{
	u64 low = b[1] & 63, page = b[0];

	switch (b[1] >> 6) {
	case 0:
		return op_page(page % w->world.pages, low * 8);
	case 1:		/* the last bytes of a page: may reach into the next */
		return op_page(page % w->world.pages, 4095 - low);
	case 2:
		return op_addr(OP_SPACE_HEAP, (page % 16 << 12) + low * 8);
	default:
		if (low >= 32)	/* above the window */
			return op_page(w->world.pages + page % 8, low * 8);
		return op_addr(OP_SPACE_ABSOLUTE,
			       edges[low % ARRAY_SIZE(edges)] +
			       (page % 3 << 12));
	}
}

static u64 decode_len(u8 b)
{
	u64 pages = b & 63;

	switch (b >> 6) {
	case 0:
		return pages << 12;
	case 1:
		return (pages << 12) + 1;
	case 2:
		return pages << 18;
	default:	/* of 0 pages: all there is, and it wraps */
		return (pages << 12) - 1;
	}
}

static u64 decode_prot(u8 b)
{
	u64 rights = b & (PROT_READ | PROT_WRITE | PROT_EXEC);

	if (b >= 0xf8)
		return rights | PROT_GROWSDOWN;
	if (b >= 0xf0)
		return rights | 0x100000;	/* no such right */
	return rights;
}

static u64 decode_map(u8 b)
{
	u64 flags = b & 1 ? MAP_SHARED : MAP_PRIVATE;

	if ((b & 0xc0) == 0xc0)		/* the rarer types */
		flags = b & 1 ? MAP_SHARED_VALIDATE : 0;
	flags |= b & 0x02 ? MAP_ANONYMOUS : 0;
	flags |= b & 0x04 ? MAP_FIXED : 0;
	flags |= b & 0x08 ? MAP_FIXED_NOREPLACE : 0;
	flags |= b & 0x10 ? MAP_GROWSDOWN : 0;
	flags |= b & 0x20 ? MAP_NORESERVE : 0;
	return flags;
}

static u64 decode_advice(u8 b)
{
	static const u8 advice[16] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED, MADV_GUARD_INSTALL,
		MADV_GUARD_REMOVE, MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL,
		MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK, MADV_WIPEONFORK,
		MADV_KEEPONFORK, MADV_DONTDUMP, MADV_DODUMP, 99,
	};

	return advice[b % ARRAY_SIZE(advice)];
}

static u64 decode_file(const struct wire *w, u8 b)
{
	if (w->code != OP_MMAP)
		return b % WIRE_FILES;
	b %= WIRE_FILES + 1;
	return b ? b - 1u : OP_NO_FILE;
}

static u64 decode_value(const u8 *b)
{
	u64 v = b[0] | (u64)b[1] << 8;

	if (v == 0xffff)
		return OP_VALUE_TAG;
	/* Small ones, and ones that fill the word. */
	return v & 0x8000 ? (v & 0x7fff) * 0x0001000100010001ULL : v;
}

static u64 decode_bytes(u8 b)
{
	return b < 128 ? b : (b - 127u) * 64;
}

static u64 decode_arg(const struct wire *w, enum op_arg_kind kind, const u8 *b)
{
	switch (kind) {
	case OP_ARG_ADDR:
		return decode_addr(w, b);
	case OP_ARG_LEN:
		return decode_len(b[0]);
	case OP_ARG_BYTES:
		return decode_bytes(b[0]);
	case OP_ARG_PROT:
		return decode_prot(b[0]);
	case OP_ARG_MAP:
		return decode_map(b[0]);
	case OP_ARG_MREMAP:
		return b[0] >= 0xf8 ? b[0] & 15 : b[0] & 7;
	case OP_ARG_ADVICE:
		return decode_advice(b[0]);
	case OP_ARG_FILE:
		return decode_file(w, b[0]);
	case OP_ARG_SIZE:
		return 1u << (b[0] & 3);
	case OP_ARG_VALUE:
		return decode_value(b);
	case OP_ARG_RMW:
		return b[0] & 1;
	case OP_ARG_TASK:
		return b[0] % w->limits->tasks_max;
	case OP_ARG_TASKS:
		return b[0] ? b[0] : OP_ALL_TASKS;
	case OP_ARG_COUNT:
		return 1 + b[0] % 32;
	case OP_ARG_HEAP:
		return op_addr(OP_SPACE_HEAP,
			       ((u64)(b[0] % 32) << 12) + (b[1] & 63) * 8u);
	case OP_ARG_PIN:
		return b[0] >= 0xf8 ? b[0] & 15 : b[0] & 7;
	case OP_ARG_PLACE:
		return b[0] % PINS_MAX;
	case OP_ARG_AT:		/* words, and now and then one that is not aligned */
		return ((u64)(b[0] >> 6) << 12) + (b[0] & 7) * 8u + (b[0] >> 3 & 7) % 5;
	default:
		return 0;
	}
}

/* ---- records ---- */

static const u16 delays[8] = { 0, 1, 2, 4, 8, 16, 64, 256 };

static void decode_record(struct wire *w, const u8 *rec, struct mm_op *op)
{
	const struct op_desc *d;
	const u8 *b = rec + 2;
	unsigned int i;

	memset(op, 0, sizeof(*op));
	w->code = (enum mm_op_code)w->codes[rec[0] % w->nr_codes];
	op->code = (u8)w->code;
	op->task = (rec[1] & 15) % w->limits->tasks_max;
	op->flags = rec[1] & 16 ? OP_F_ASYNC : 0;
	op->delay = delays[rec[1] >> 5];
	d = op_desc(w->code);
	for (i = 0; i < d->nr_args; i++) {
		op->arg[i] = decode_arg(w, d->arg[i].kind, b);
		b += arg_bytes[d->arg[i].kind];
	}
}

static void wire_init(struct wire *w, const struct op_wire_limits *limits)
{
	unsigned int i;

	memset(w, 0, sizeof(*w));
	w->limits = limits;
	for (i = 0; i < OP_NR; i++)
		if (limits->codes & (1u << i))
			w->codes[w->nr_codes++] = (u8)i;
	if (!w->nr_codes)	/* nothing allowed: a load does least */
		w->codes[w->nr_codes++] = OP_LOAD;
}

static void decode_head(struct wire *w, const u8 *head)
{
	const struct op_wire_limits *l = w->limits;

	w->world = (struct op_world) {
		.cpus = 1 + head[0] % l->cpus_max,
		.tasks = 1 + (head[1] & 0x3f) % l->tasks_max,
		.pages = 1 + head[2] % l->pages_max,
		.files = WIRE_FILES,
		.file_pages = WIRE_FILE_PAGES,
		.ordered = head[1] & 0x80,
		.seed = head[3],
	};
	w->world.procs = head[1] & 0x40 ? min(2u, w->world.tasks) : 1;
}

int op_wire_decode(const u8 *data, size_t size,
		   const struct op_wire_limits *limits, struct op_list *list)
{
	u8 rec[OP_WIRE_RECORD], head[OP_WIRE_HEAD] = { 0 };
	struct mm_op op;
	struct wire w;
	size_t at;
	int err;

	memset(list, 0, sizeof(*list));
	wire_init(&w, limits);
	if (size)
		memcpy(head, data, min(size, sizeof(head)));
	decode_head(&w, head);
	list->world = w.world;
	for (at = OP_WIRE_HEAD; at < size; at += OP_WIRE_RECORD) {
		if (list->nr == limits->ops_max)
			break;
		memset(rec, 0, sizeof(rec));
		memcpy(rec, data + at, min(size - at, sizeof(rec)));
		decode_record(&w, rec, &op);
		err = op_list_add(list, &op);
		if (err) {
			op_list_free(list);
			return err;
		}
	}
	return 0;
}

/* ---- encoding: the bytes whose meaning is nearest ---- */

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/* True when the argument is held exactly. */
static bool encode_arg(const struct wire *w, enum op_arg_kind kind, u64 arg,
		       u8 *out)
{
	unsigned int n = arg_bytes[kind], i;
	u64 best = ~0ULL;

	for (i = 0; i < 1u << (8 * n); i++) {
		u8 b[2] = { (u8)i, (u8)(i >> 8) };
		u64 d = distance(decode_arg(w, kind, b), arg);

		if (d < best || !i) {
			best = d;
			memcpy(out, b, n);
		}
		if (!d)
			return true;
	}
	return false;
}

static bool encode_code(const struct wire *w, u8 code, u8 *out)
{
	unsigned int i;

	for (i = 0; i < w->nr_codes; i++)
		if (w->codes[i] == code) {
			*out = (u8)i;
			return true;
		}
	return false;
}

static bool encode_who(const struct wire *w, const struct mm_op *op, u8 *out)
{
	unsigned int i = 0;

	while (i < ARRAY_SIZE(delays) - 1 && delays[i] < op->delay)
		i++;
	*out = (u8)(op->task % min(w->limits->tasks_max, 16u)) |
	       (op->flags & OP_F_ASYNC ? 16 : 0) | (u8)(i << 5);
	return delays[i] == op->delay &&
	       op->task < min(w->limits->tasks_max, 16u);
}

/* False when the op is of a kind that bytes may not ask for. */
static bool encode_record(struct wire *w, const struct mm_op *op, u8 *rec,
			  bool *exact)
{
	const struct op_desc *d = op_desc((enum mm_op_code)op->code);
	unsigned int i;
	u8 *b = rec + 2;

	memset(rec, 0, OP_WIRE_RECORD);
	w->code = (enum mm_op_code)op->code;
	if (!d || !encode_code(w, op->code, &rec[0])) {
		*exact = false;
		return false;
	}
	if (!encode_who(w, op, &rec[1]))
		*exact = false;
	for (i = 0; i < d->nr_args; i++) {
		if (!encode_arg(w, d->arg[i].kind, op->arg[i], b))
			*exact = false;
		b += arg_bytes[d->arg[i].kind];
	}
	return true;
}

static void encode_head(struct wire *w, const struct op_world *world,
			u8 *head, bool *exact)
{
	const struct op_wire_limits *l = w->limits;

	head[0] = (u8)((world->cpus - 1) % l->cpus_max);
	head[1] = (u8)((world->tasks - 1) % l->tasks_max) |
		  (world->procs > 1 ? 0x40 : 0) | (world->ordered ? 0x80 : 0);
	head[2] = (u8)((world->pages - 1) % l->pages_max);
	head[3] = (u8)world->seed;
	decode_head(w, head);
	if (w->world.cpus != world->cpus || w->world.tasks != world->tasks ||
	    w->world.procs != world->procs ||
	    w->world.pages != world->pages || w->world.seed != world->seed ||
	    w->world.files != world->files ||
	    w->world.file_pages != world->file_pages)
		*exact = false;
}

static void place(u8 *data, size_t room, size_t at, const u8 *src, size_t n)
{
	if (at < room)
		memcpy(data + at, src, min(n, room - at));
}

size_t op_wire_encode(const struct op_list *list,
		      const struct op_wire_limits *limits, u8 *data,
		      size_t room, bool *exact)
{
	u8 rec[OP_WIRE_RECORD], head[OP_WIRE_HEAD];
	size_t at = OP_WIRE_HEAD, i;
	bool same = true;
	struct wire w;

	wire_init(&w, limits);
	encode_head(&w, &list->world, head, &same);
	place(data, room, 0, head, sizeof(head));
	for (i = 0; i < list->nr; i++) {
		if (!encode_record(&w, &list->ops[i], rec, &same))
			continue;
		place(data, room, at, rec, sizeof(rec));
		at += sizeof(rec);
	}
	if (exact)
		*exact = same;
	return at;
}
