/* SPDX-License-Identifier: MIT */
/*
 * The storm as a benchmark: a fixed mix of map, write, protect, unmap, DONTNEED and, in
 * one case, fork.  Neighbouring blocks of pages merge into one mapping and are cut apart
 * again.  Both sides draw the same calls from the same seed, and no call is wrong: the
 * worker knows which of its blocks may be written to.
 */
#include <stdlib.h>

#include "stress/bench.h"

#define PAGE		4096ul
#define BLOCKS		64u
#define BLOCK_PAGES	16u
#define BLOCK		(BLOCK_PAGES * PAGE)
#define BLOCKS_MAX	4u
#define BATCH		64u

enum block { UNMAPPED, READABLE, WRITABLE };

static bool storm_setup(struct bench_worker *w)
{
	w->private = calloc(BLOCKS, 1);
	prng_seed(&w->rng, hash64(0x73746f726dULL, w->nr, 0));
	return w->private;
}

/* A run of blocks; of it the first ones of a kind. */
struct run_of_blocks {
	unsigned int	first, nr;
	unsigned long	at, bytes;
};

static struct run_of_blocks draw(struct bench_worker *w)
{
	struct run_of_blocks r;

	r.first = (unsigned int)prng_below(&w->rng, BLOCKS);
	r.nr = 1 + (unsigned int)prng_below(&w->rng, min(BLOCKS_MAX, BLOCKS - r.first));
	r.at = w->base + r.first * BLOCK;
	r.bytes = r.nr * BLOCK;
	return r;
}

static void set(struct bench_worker *w, const struct run_of_blocks *r, enum block kind)
{
	u8 *block = w->private;

	for (unsigned int i = 0; i < r->nr; i++)
		block[r->first + i] = (u8)kind;
}

/* Cuts the run off before the first block that is less than @least. */
static bool cut(struct bench_worker *w, struct run_of_blocks *r, enum block least)
{
	const u8 *block = w->private;
	unsigned int n = 0;

	while (n < r->nr && block[r->first + n] >= least)
		n++;
	r->nr = n;
	r->bytes = n * BLOCK;
	return n;
}

static bool some_writes(struct bench_worker *w, const struct run_of_blocks *r)
{
	unsigned int pages = 1 + (unsigned int)prng_below(&w->rng, BLOCK_PAGES);

	return w->os->write(r->at, pages * PAGE);
}

static bool protect(struct bench_worker *w, struct run_of_blocks *r, bool writable)
{
	set(w, r, writable ? WRITABLE : READABLE);
	return w->os->protect(r->at, r->bytes, writable);
}

/* In a thousand: what is left is for writes. */
enum { MAP = 250, UNMAP = 120, PROTECT = 150, DONTNEED = 80 };

static bool op(struct bench_worker *w)
{
	unsigned int kind = (unsigned int)prng_below(&w->rng, 1000);
	struct run_of_blocks r = draw(w);

	if (kind < MAP) {
		set(w, &r, WRITABLE);
		return w->os->map(r.at, r.bytes);
	}
	if (kind < MAP + UNMAP) {
		set(w, &r, UNMAPPED);
		return w->os->unmap(r.at, r.bytes);
	}
	if (kind < MAP + UNMAP + PROTECT)
		return !cut(w, &r, READABLE) || protect(w, &r, kind & 1);
	if (kind < MAP + UNMAP + PROTECT + DONTNEED)
		return !cut(w, &r, READABLE) || w->os->dontneed(r.at, r.bytes);
	return !cut(w, &r, WRITABLE) || some_writes(w, &r);
}

static bool storm_round(struct bench_worker *w)
{
	bool ok = true;
	unsigned int i;

	for (i = 0; ok && i < BATCH; i++)
		ok = op(w);
	w->done += BATCH;
	return ok;
}

const struct bench_case bench_storm = {
	.name = "storm",
	.what = "a mix of map, write, protect, unmap and DONTNEED",
	.unit = "op", .region = BLOCKS * BLOCK, .frames = 2 * BLOCKS * BLOCK_PAGES,
	.contents = true,
	.setup = storm_setup, .round = storm_round,
};

/* One op in a thousand is a fork whose child ends at once. */
static bool storm_fork_round(struct bench_worker *w)
{
	bool ok = storm_round(w);

	if (!ok || prng_below(&w->rng, 1000) >= BATCH)
		return ok;
	ok = w->os->fork(w, false);
	if (ok)
		w->os->reap(w);
	w->done++;
	return ok;
}

const struct bench_case bench_storm_fork = {
	.name = "storm_fork",
	.what = "the same, and one op in a thousand forks a child that ends at once",
	.unit = "op", .region = BLOCKS * BLOCK, .frames = 4 * BLOCKS * BLOCK_PAGES,
	.contents = true,
	.setup = storm_setup, .round = storm_fork_round,
};
