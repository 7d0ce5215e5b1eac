/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histograms.  Owns nothing, takes no lock (one owner per histogram); must
 * never allocate: adding a value is part of what it measures.
 */
#include "base/hist.h"

#include <string.h>

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = U64_MAX;
}

/*
 * Values below HIST_SUB have a bucket each.  Above, with the top bit at position e, the
 * next HIST_SUB_BITS bits choose among the HIST_SUB buckets of that power of two.
 */
unsigned int hist_bucket(u64 value)
{
	unsigned int exp;

	if (value < HIST_SUB)
		return (unsigned int)value;
	exp = 63U - (unsigned int)__builtin_clzll(value);
	return (exp - HIST_SUB_BITS + 1) * HIST_SUB +
	       (unsigned int)((value >> (exp - HIST_SUB_BITS)) & (HIST_SUB - 1));
}

u64 hist_bucket_start(unsigned int bucket)
{
	unsigned int power = bucket / HIST_SUB;
	u64 sub = bucket % HIST_SUB;

	return power ? (sub + HIST_SUB) << (power - 1) : sub;
}

void hist_add(struct hist *h, u64 value)
{
	h->bucket[hist_bucket(value)]++;
	h->total++;
	h->sum += value;
	if (value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->total += from->total;
	into->sum += from->sum;
	into->min = min(into->min, from->min);
	into->max = max(into->max, from->max);
}

u64 hist_percentile(const struct hist *h, unsigned int permille)
{
	/* the rank of the value asked for, from 1; in 128 bits, as total * 1000 may wrap */
	u64 rank = (u64)(((unsigned __int128)h->total * permille + 999) / 1000);
	u64 seen = 0;

	if (!h->total)
		return 0;
	rank = max(rank, 1ULL);
	for (unsigned int i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return clamp(hist_bucket_start(i + 1) - 1, h->min, h->max);
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->total ? (double)h->sum / (double)h->total : 0.0;
}
