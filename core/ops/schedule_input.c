/* SPDX-License-Identifier: MIT */
/*
 * Programs with their schedules as bytes: reading, and changing them for fuzzers.
 *
 * Owns nothing.  A change takes the input apart into ops and schedule, works on one, and
 * puts them together again.  Must never trust a byte, and draws only from the generator
 * that it is given.
 */
#include "ops/schedule_input.h"

#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "check/check.h"

#define MAGIC		"mms1"
#define MAGIC_LEN	4
#define REC		SCHEDULE_BYTES_RECORD
#define OPS_MAX		(OP_WIRE_HEAD + SCHEDULE_INPUT_OPS * OP_WIRE_RECORD)

static const struct op_wire_limits limits = SCHEDULE_INPUT_LIMITS;

/* A schedule: a walk of 4096 decisions. */
static const u8 walk[REC] = { 0, 5 | 12 << 3, 1 };

/* An input in its parts. */
struct parts {
	u8	ops[OPS_MAX];
	u8	schedule[SCHEDULE_INPUT_RECORDS][REC];
	size_t	nr_ops;		/* bytes */
	size_t	nr;		/* records of the schedule */
};

bool schedule_input_is(const void *data, size_t size)
{
	return size >= SCHEDULE_INPUT_HEAD && !memcmp(data, MAGIC, MAGIC_LEN);
}

/* How many bytes of @size, which are @data's without the magic, are its ops. */
static size_t ops_len(const u8 *data, size_t size)
{
	size_t n = size ? min(data[0], SCHEDULE_INPUT_OPS) : 0;

	return min(OP_WIRE_HEAD + n * OP_WIRE_RECORD, size ? size - 1 : 0);
}

static void skip_magic(const u8 **data, size_t *size)
{
	if (!schedule_input_is(*data, *size))
		return;
	*data += MAGIC_LEN;
	*size -= MAGIC_LEN;
}

static void how_to_run(struct schedule_input *in)
{
	in->config = (struct explore_config){
		.list = &in->list,
		.checks = CHECK_ALL,
		.fills = 2,
	};
}

int schedule_input_decode(const u8 *data, size_t size, struct schedule_input *in)
{
	size_t len;

	memset(in, 0, sizeof(*in));
	how_to_run(in);
	skip_magic(&data, &size);
	len = ops_len(data, size);
	if (size) {
		in->schedule = data + 1 + len;
		in->len = size - 1 - len;
	}
	return op_wire_decode(size ? data + 1 : data, len, &limits, &in->list);
}

void schedule_input_walk(struct op_list *list, struct schedule_input *in)
{
	how_to_run(in);
	in->list = *list;
	in->schedule = walk;
	in->len = sizeof(walk);
}

void schedule_input_free(struct schedule_input *in)
{
	op_list_free(&in->list);
}

/* ---- apart and together ---- */

static void take_apart(const u8 *data, size_t size, struct parts *p)
{
	size_t len;

	memset(p, 0, sizeof(*p));
	skip_magic(&data, &size);
	len = ops_len(data, size);
	if (!size)
		return;
	memcpy(p->ops, data + 1, len);
	p->nr_ops = len;
	p->nr = min((size - 1 - len) / REC, (size_t)SCHEDULE_INPUT_RECORDS);
	memcpy(p->schedule, data + 1 + len, p->nr * REC);
}

/* Whole ops, then as much of the schedule as there is room for. */
static size_t put_together(struct parts *p, u8 *data, size_t room)
{
	size_t n = 0;

	if (room < SCHEDULE_INPUT_HEAD + OP_WIRE_HEAD)
		return 0;
	room -= SCHEDULE_INPUT_HEAD + OP_WIRE_HEAD;
	if (p->nr_ops > OP_WIRE_HEAD)
		n = min((p->nr_ops - OP_WIRE_HEAD) / OP_WIRE_RECORD, room / OP_WIRE_RECORD);
	room -= n * OP_WIRE_RECORD;
	memcpy(data, MAGIC, MAGIC_LEN);
	data[MAGIC_LEN] = (u8)n;
	data += SCHEDULE_INPUT_HEAD;
	p->nr_ops = OP_WIRE_HEAD + n * OP_WIRE_RECORD;
	p->nr = min(p->nr, room / REC);
	memcpy(data, p->ops, p->nr_ops);
	memcpy(data + p->nr_ops, p->schedule, p->nr * REC);
	return SCHEDULE_INPUT_HEAD + p->nr_ops + p->nr * REC;
}

size_t schedule_input_encode(const struct op_list *list, u8 *data, size_t room)
{
	struct parts p = { .nr = 1 };

	p.nr_ops = min(op_wire_encode(list, &limits, p.ops, sizeof(p.ops), NULL),
		       sizeof(p.ops));
	memcpy(p.schedule[0], walk, REC);
	return put_together(&p, data, room);
}

/* ---- changing a schedule ---- */

static size_t below(struct prng *rng, size_t n)
{
	return (size_t)prng_below(rng, n);
}

/* Mostly one preemption, near the one before. */
static void random_record(u8 *rec, struct prng *rng)
{
	u64 r = prng_next(rng);

	rec[0] = (u8)(r >> (8 + below(rng, 6)) & 0xff) >> below(rng, 6);
	rec[1] = r & 7 ? (u8)(r >> 16 & 3) : (u8)(r >> 16);
	rec[2] = (u8)(r >> 32) & (r & 8 ? 7 : 0xff);
}

static void cut_insert(struct parts *p, struct prng *rng)
{
	size_t at = below(rng, p->nr + 1);

	if (p->nr == SCHEDULE_INPUT_RECORDS)
		return;
	memmove(p->schedule[at + 1], p->schedule[at], (p->nr - at) * REC);
	random_record(p->schedule[at], rng);
	p->nr++;
	/* Those behind it stay where they are, if they can. */
	if (at + 1 < p->nr && p->schedule[at + 1][0] > p->schedule[at][0])
		p->schedule[at + 1][0] -= p->schedule[at][0] + 1;
}

static void cut_drop(struct parts *p, struct prng *rng)
{
	size_t at = below(rng, p->nr);
	u8 gap = p->schedule[at][0];

	p->nr--;
	memmove(p->schedule[at], p->schedule[at + 1], (p->nr - at) * REC);
	if (at < p->nr && p->schedule[at][0] + gap < 0xff)
		p->schedule[at][0] += gap + 1;
}

static void cut_gap(struct parts *p, struct prng *rng)
{
	u8 *gap = &p->schedule[below(rng, p->nr)][0];
	u8 by = (u8)(1u << below(rng, 5));

	*gap = (u8)(prng_next(rng) & 1 ? *gap + by : *gap - by);
}

static void cut_value(struct parts *p, struct prng *rng)
{
	p->schedule[below(rng, p->nr)][2] = (u8)prng_next(rng) & (below(rng, 2) ? 7 : 0xff);
}

static void cut_what(struct parts *p, struct prng *rng)
{
	p->schedule[below(rng, p->nr)][1] ^= (u8)(1u << below(rng, 7));
}

static void cut_redraw(struct parts *p, struct prng *rng)
{
	random_record(p->schedule[below(rng, p->nr)], rng);
}

static void cut_tail(struct parts *p, struct prng *rng)
{
	p->nr = below(rng, p->nr + 1);
}

static void (*const cuts[])(struct parts *p, struct prng *rng) = {
	cut_insert, cut_insert, cut_drop, cut_gap, cut_gap, cut_gap, cut_value, cut_value,
	cut_what, cut_redraw, cut_tail,
};

static void mutate_schedule(struct parts *p, struct prng *rng)
{
	if (!p->nr)
		cut_insert(p, rng);
	else
		cuts[below(rng, ARRAY_SIZE(cuts))](p, rng);
}

size_t schedule_input_mutate(u8 *data, size_t size, size_t room, struct prng *rng)
{
	struct parts p;

	take_apart(data, size, &p);
	if (prng_next(rng) & 1)
		mutate_schedule(&p, rng);
	else
		p.nr_ops = op_wire_mutate(p.ops, p.nr_ops, sizeof(p.ops),
					  &limits, rng);
	return put_together(&p, data, room);
}

/* Half the times the schedule of b for the program of a, else what both programs give. */
size_t schedule_input_cross(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
			    size_t room, struct prng *rng)
{
	struct parts pa, pb, p;

	take_apart(a, a_size, &pa);
	take_apart(b, b_size, &pb);
	p = pa;
	if (prng_next(rng) & 1) {
		size_t keep = below(rng, pa.nr + 1);

		p.nr = min(keep + pb.nr, (size_t)SCHEDULE_INPUT_RECORDS);
		memcpy(p.schedule[keep], pb.schedule, (p.nr - keep) * REC);
	} else {
		p.nr_ops = op_wire_cross(pa.ops, pa.nr_ops, pb.ops, pb.nr_ops, p.ops,
					 sizeof(p.ops), rng);
	}
	return put_together(&p, out, room);
}
