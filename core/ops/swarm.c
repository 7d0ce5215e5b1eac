/* SPDX-License-Identifier: MIT */
/*
 * Swarms: mixes drawn from a mix, and mixes as text (swarm.h).
 *
 * Pure functions of their arguments.
 */
#include "ops/swarm.h"

#include <stddef.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/prng.h"

#define AXIS_SWARM	0x737761726dULL

/* What there is in a mix beside weights and the family. */
enum draw_kind {
	DRAW_NOT,		/* stays what it is */
	DRAW_SHARE,		/* of 1000, perhaps 0 */
	DRAW_SIZE,		/* from 1 */
};

static const struct mix_field {
	const char	*name;
	size_t		offset;
	enum draw_kind	kind;
} fields[] = {
#define FIELD(name, kind) { #name, offsetof(struct op_mix, name), kind }
	FIELD(shared, DRAW_SHARE), FIELD(file, DRAW_SHARE), FIELD(hot, DRAW_SHARE),
	FIELD(tagged, DRAW_NOT), FIELD(moving, DRAW_SHARE), FIELD(readonly, DRAW_SHARE),
	FIELD(restore, DRAW_SHARE), FIELD(chain, DRAW_SHARE), FIELD(nap, DRAW_SHARE),
	FIELD(whole, DRAW_SHARE), FIELD(home, DRAW_SHARE), FIELD(regions, DRAW_SIZE),
	FIELD(readers, DRAW_SHARE), FIELD(writers, DRAW_SHARE),
	FIELD(dwell, DRAW_SHARE), FIELD(duel, DRAW_SHARE), FIELD(stretch, DRAW_NOT),
	FIELD(dwell_ops, DRAW_NOT), FIELD(len_max, DRAW_SIZE), FIELD(hot_pages, DRAW_SIZE),
	FIELD(life_min, DRAW_NOT), FIELD(life_max, DRAW_NOT),
	FIELD(none, DRAW_SHARE), FIELD(guard, DRAW_SHARE), FIELD(stack, DRAW_SHARE),
#undef FIELD
};

static u16 *value_of(struct op_mix *mix, const struct mix_field *f)
{
	return (u16 *)((char *)mix + f->offset);
}

/* ---- drawing ---- */

/* What the others stand on. */
static bool is_kept(unsigned int code)
{
	return code == OP_MMAP || code == OP_LOAD;
}

/* A third is left out; the others differ by powers of two, an eighth to eight times. */
static u16 draw_weight(struct prng *rng, unsigned int code, u16 weight)
{
	bool out = !prng_below(rng, 3);
	u64 skewed = ((u64)weight << prng_below(rng, 7)) >> 3;

	if (!weight || (out && !is_kept(code)))
		return 0;
	return (u16)min(max(skewed, 1ULL), 0xffffULL);
}

static u16 draw_field(struct prng *rng, enum draw_kind kind, u16 value)
{
	bool out = !prng_below(rng, 4);
	u64 drawn = prng_below(rng, 2ULL * value + 1);

	if (kind == DRAW_NOT || !value)
		return value;
	if (kind == DRAW_SIZE)
		return (u16)min(max(drawn, 1ULL), 0xffffULL);
	return out ? 0 : (u16)min(drawn, 1000ULL);
}

void op_mix_swarm(const struct op_mix *base, u64 seed, struct op_mix *mix)
{
	struct prng rng;
	unsigned int i;

	prng_seed(&rng, hash64(seed, AXIS_SWARM, 0));
	*mix = *base;
	for (i = 0; i < OP_NR; i++)
		mix->weight[i] = draw_weight(&rng, i, base->weight[i]);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		u16 *value = value_of(mix, &fields[i]);

		*value = draw_field(&rng, fields[i].kind, *value);
	}
	mix->depth = (u8)prng_below(&rng, base->depth + 1ULL);
	mix->children = base->children ? (u8)(1 + prng_below(&rng, base->children)) : 0;
}

/* ---- printing ---- */

static void add(char *buf, size_t size, size_t *len, const char *between, const char *name,
		unsigned int value)
{
	int n;

	if (!value || *len >= size)
		return;
	n = snprintf(buf + *len, size - *len, "%s%s %u", *len ? between : "", name, value);
	*len += n > 0 ? (size_t)n : 0;
}

void op_mix_print(const struct op_mix *mix, char *buf, size_t size)
{
	struct op_mix copy = *mix;
	const char *between = "; ";
	size_t len = 0, before;
	unsigned int i;

	buf[0] = '\0';
	for (i = 0; i < OP_NR; i++)
		add(buf, size, &len, ", ", op_name((enum mm_op_code)i), mix->weight[i]);
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		before = len;
		add(buf, size, &len, between, fields[i].name, *value_of(&copy, &fields[i]));
		if (len != before)
			between = ", ";
	}
	add(buf, size, &len, ", ", "depth", mix->depth);
	add(buf, size, &len, ", ", "children", mix->children);
}
