/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histograms of u64 values (latencies, ages): every power of two is cut
 * into 16 equal buckets, so a value is known to within 1/16; below 16 exactly.
 * HdrHistogram does the same, but is not packaged for Debian 12.
 *
 * Owner only: one histogram per vCPU, merged when it stands still.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include "base/compiler.h"

#define HIST_SUB_BITS	4
#define HIST_SUB	(1U << HIST_SUB_BITS)
#define HIST_BUCKETS	((64 - HIST_SUB_BITS + 1) * HIST_SUB)

struct hist {
	u64	total;		/* values added */
	u64	sum;		/* wraps, as u64 does */
	u64	min, max;	/* exact; U64_MAX and 0 when empty */
	u64	bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_add(struct hist *h, u64 value);
void hist_merge(struct hist *into, const struct hist *from);

/* Bucket of @value, and the lowest value of a bucket. */
unsigned int hist_bucket(u64 value);
u64 hist_bucket_start(unsigned int bucket);

/*
 * The value that @permille of the values do not exceed (500 = the median), as the
 * highest value of its bucket but never beyond max; 0 when empty.
 */
u64 hist_percentile(const struct hist *h, unsigned int permille);
double hist_mean(const struct hist *h);

#endif
