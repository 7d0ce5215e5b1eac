/* SPDX-License-Identifier: MIT */
/*
 * Changes to programs in wire form, for fuzzers: each keeps whole records and
 * does one thing that a person looking for a race would do.
 *
 * Owns nothing and takes no locks; draws only from the generator it is given,
 * so that a fuzzer's seed repeats its work.
 */
#include "ops/wire.h"

#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"

#define REC	OP_WIRE_RECORD

/* A program under the knife: `nr' whole records after the head. */
struct knife {
	u8		*data;
	size_t		nr;
	size_t		nr_max;
	struct prng	*rng;
	const struct op_wire_limits *limits;
};

static size_t below(struct knife *k, size_t n)
{
	return (size_t)(prng_next(k->rng) % n);
}

static u8 *record(struct knife *k, size_t i)
{
	return k->data + OP_WIRE_HEAD + i * REC;
}

static void random_record(struct knife *k, u8 *rec)
{
	u64 a = prng_next(k->rng), b = prng_next(k->rng);

	memcpy(rec, &a, sizeof(a));
	rec[REC - 1] = (u8)b;
	/* Mostly plain: no delay, in the window, not at a page's end. */
	if (b & 0x700)
		rec[1] &= 0x1f;
	if (b & 0x3000)
		rec[3] &= 0x3f;
	if (b & 0x8000)
		rec[3] = 0;
}

/* Opens a hole for one record at i; false when there is no room. */
static bool open_hole(struct knife *k, size_t i)
{
	if (k->nr == k->nr_max)
		return false;
	memmove(record(k, i + 1), record(k, i), (k->nr - i) * REC);
	k->nr++;
	return true;
}

static void close_hole(struct knife *k, size_t i)
{
	memmove(record(k, i), record(k, i + 1), (k->nr - i - 1) * REC);
	k->nr--;
}

static void cut_insert(struct knife *k)
{
	size_t i = below(k, k->nr + 1);
	u8 rec[REC];

	random_record(k, rec);
	if (open_hole(k, i))
		memcpy(record(k, i), rec, REC);
}

static void cut_drop(struct knife *k)
{
	close_hole(k, below(k, k->nr));
}

static void cut_double(struct knife *k)
{
	size_t from = below(k, k->nr), to;
	u8 rec[REC];

	memcpy(rec, record(k, from), REC);
	to = below(k, k->nr + 1);
	if (open_hole(k, to))
		memcpy(record(k, to), rec, REC);
}

static void cut_move(struct knife *k)
{
	size_t from = below(k, k->nr), to;
	u8 rec[REC];

	memcpy(rec, record(k, from), REC);
	close_hole(k, from);
	to = below(k, k->nr + 1);
	if (open_hole(k, to))
		memcpy(record(k, to), rec, REC);
}

/* Another task does it: the shortest way to a race. */
static void cut_retask(struct knife *k)
{
	u8 *rec = record(k, below(k, k->nr));

	rec[1] = (rec[1] & 0xf0) |
		 (u8)below(k, min(k->limits->tasks_max, 16u));
}

/* Two ops meet on one page. */
static void cut_meet(struct knife *k)
{
	u8 *a = record(k, below(k, k->nr)), *b = record(k, below(k, k->nr));

	a[2] = b[2];
	if (below(k, 2))
		a[3] = b[3];
}

/* A run of ops moves by a page or a few. */
static void cut_shift(struct knife *k)
{
	size_t first = below(k, k->nr), n = 1 + below(k, k->nr - first), i;
	u8 by = (u8)(below(k, 2) ? 1 + below(k, 4) : 256 - 1 - below(k, 4));

	for (i = first; i < first + n; i++)
		record(k, i)[2] = (u8)(record(k, i)[2] + by);
}

static void cut_byte(struct knife *k)
{
	u8 *b = record(k, below(k, k->nr)) + below(k, REC);

	switch (below(k, 4)) {
	case 0:
		*b = (u8)prng_next(k->rng);
		break;
	case 1:
		*b = (u8)(*b + 1);
		break;
	case 2:
		*b = (u8)(*b - 1);
		break;
	default:
		*b ^= (u8)(1u << below(k, 8));
	}
}

/* Delay or asynchrony of one op. */
static void cut_timing(struct knife *k)
{
	record(k, below(k, k->nr))[1] ^= (u8)(1u << (4 + below(k, 4)));
}

static void cut_head(struct knife *k)
{
	k->data[below(k, OP_WIRE_HEAD)] = (u8)prng_next(k->rng);
}

static void (*const cuts[])(struct knife *) = {
	cut_insert, cut_insert, cut_drop, cut_double, cut_move, cut_retask,
	cut_retask, cut_meet, cut_meet, cut_shift, cut_byte, cut_byte,
	cut_timing, cut_head,
};

size_t op_wire_mutate(u8 *data, size_t size, size_t room,
		      const struct op_wire_limits *limits, struct prng *rng)
{
	struct knife k = { .data = data, .rng = rng, .limits = limits };

	if (room < OP_WIRE_HEAD + REC)
		return size;
	if (size < OP_WIRE_HEAD) {
		memset(data + size, 0, OP_WIRE_HEAD - size);
		size = OP_WIRE_HEAD;
	}
	k.nr = (size - OP_WIRE_HEAD) / REC;
	k.nr_max = min((room - OP_WIRE_HEAD) / REC, limits->ops_max);
	k.nr = min(k.nr, k.nr_max);
	if (!k.nr)
		cut_insert(&k);
	else
		cuts[below(&k, ARRAY_SIZE(cuts))](&k);
	return OP_WIRE_HEAD + k.nr * REC;
}

static size_t records(size_t size)
{
	return size > OP_WIRE_HEAD ? (size - OP_WIRE_HEAD) / REC : 0;
}

static size_t append(u8 *out, size_t at, size_t room, const u8 *rec, u8 retask)
{
	if (at + REC > room)
		return at;
	memcpy(out + at, rec, REC);
	out[at + 1] = (out[at + 1] & 0xf0) |
		      ((out[at + 1] + retask) & 0x0f);
	return at + REC;
}

size_t op_wire_cross(const u8 *a, size_t a_size, const u8 *b, size_t b_size,
		     u8 *out, size_t room, struct prng *rng)
{
	size_t na = records(a_size), nb = records(b_size), at, i;
	const u8 *ra = a + OP_WIRE_HEAD, *rb = b + OP_WIRE_HEAD;
	size_t cut_a = na ? prng_next(rng) % (na + 1) : 0;
	size_t cut_b = nb ? prng_next(rng) % (nb + 1) : 0;

	if (room < OP_WIRE_HEAD)
		return 0;
	memset(out, 0, OP_WIRE_HEAD);
	if (a_size)
		memcpy(out, a, min(a_size, (size_t)OP_WIRE_HEAD));
	at = OP_WIRE_HEAD;
	if (prng_next(rng) & 1) {
		for (i = 0; i < cut_a; i++)
			at = append(out, at, room, ra + i * REC, 0);
		for (i = cut_b; i < nb; i++)
			at = append(out, at, room, rb + i * REC, 0);
		return at;
	}
	/* Both at once: b's ops go to the next task. */
	for (i = 0; i < na || i < nb; i++) {
		if (i < na)
			at = append(out, at, room, ra + i * REC, 0);
		if (i < nb)
			at = append(out, at, room, rb + i * REC, 1);
	}
	return at;
}
