/* SPDX-License-Identifier: MIT */
/*
 * What `mmstorm bench' prints.
 *
 * A ratio is the median of the turns' own ratios; beside the rates by the wall's clock
 * stand those by CPU time, which what else runs on the host disturbs less.
 */
#include <stdlib.h>

#include "base/point.h"
#include "stress/bench.h"
#include "stress/json.h"
#include "stress/sanitizer.h"
#include "stress/stats.h"

static const char *const side_name[NR_BENCH_SIDES] = {
	[BENCH_HOST]	= "host",
	[BENCH_TAGGED]	= "tagged frames (64)",
	[BENCH_WHOLE]	= "whole frames (4096)",
};

static const char *const side_slug[NR_BENCH_SIDES] = {
	[BENCH_HOST] = "host", [BENCH_TAGGED] = "tagged", [BENCH_WHOLE] = "whole",
};

/* Kernel steps that a fault or its undoing may not skip. */
static const struct {
	enum vm_event_item item;
	const char *name;
} steps[] = {
	{ PGFAULT, "faults" }, { VMA_LOCK_SUCCESS, "under the VMA lock" },
	{ PGALLOC_NORMAL, "page allocations" }, { PGFREE, "page frees" },
	{ MMS_PTE_TABLE_ALLOC, "tables made" },
	{ MMS_RMAP_ADD, "rmap adds" }, { MMS_RMAP_REMOVE, "rmap removes" },
	{ MMS_COW_COPY, "COW copies" }, { PGREUSE, "COW reuses" },
	{ MMS_FORK, "forks" },
	{ MMS_TLB_MISS, "TLB misses" },
	{ NR_TLB_LOCAL_FLUSH_ONE, "local flushes of a page" },
	{ NR_TLB_LOCAL_FLUSH_ALL, "local flushes of all" },
	{ NR_TLB_REMOTE_FLUSH, "remote flushes" },
	{ MMS_IPI_SELF, "interrupts taken" },
	{ MMS_IPI_TAKEN_FOR_PARKED, "taken for a parked vCPU" },
	{ MMS_IPI_SKIPPED, "skipped as lazy or elsewhere" },
	{ MMS_SWITCH_TASK, "task switches" }, { MMS_SWITCH_MM, "address space switches" },
};

static double per_unit(const struct bench_rate *rate, enum vm_event_item item)
{
	return rate->done ? (double)rate->events[item] / (double)rate->done : 0;
}

static void print_steps(const struct bench_series *s, enum bench_side side)
{
	const char *comma = "";
	size_t i;

	printf("  kernel steps per %s:", s->c->unit);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		double n = per_unit(&s->last[side], steps[i].item);

		if (n < 0.0001)
			continue;
		printf("%s %.3g %s", comma, n, steps[i].name);
		comma = ",";
	}
	printf("%s\n", *comma ? "" : " none of those counted");
}

/* Of the last turn. */
static void print_latency(const struct bench_series *s, enum bench_side side)
{
	const struct hist *h = &s->last[side].lat;

	if (h->total)
		printf("  %-20s a %s takes %.0f ns on average, median %llu, p99 %llu\n",
		       side_name[side], s->c->unit, hist_mean(h),
		       (unsigned long long)hist_percentile(h, 500),
		       (unsigned long long)hist_percentile(h, 990));
}

/* Time of a unit here, as a share of the stated one's. */
static double to_reference(struct bench_series *s, enum bench_side side)
{
	return 1e9 / median(s->cpu_rate[side], s->turns) / s->c->reference_ns;
}

static void print_side(struct bench_series *s, enum bench_side side)
{
	printf("  %-20s %10.0f %s/s %10.0f per CPU second", side_name[side],
	       median(s->rate[side], s->turns), s->c->unit,
	       median(s->cpu_rate[side], s->turns));
	if (side != BENCH_HOST && s->on[BENCH_HOST])
		printf("  ratio %.2f, by CPU time %.2f", median(s->ratio[side], s->turns),
		       median(s->cpu_ratio[side], s->turns));
	if (s->c->reference_ns)
		printf("  %.1f ns each, %.2f of the stated time",
		       1e9 / median(s->cpu_rate[side], s->turns), to_reference(s, side));
	printf("\n");
	print_latency(s, side);
}

void bench_print_text(struct bench_series *s)
{
	enum bench_side side, sim = BENCH_HOST;

	printf("%s: %s; %u thread%s, %s, sanitizer %s, oracles %s\n", s->c->name,
	       s->c->what, s->threads, s->threads == 1 ? "" : "s",
	       MM_POINTS ? "scheduling points in" : "no scheduling points",
	       sanitizer_name(), s->checks ? "on" : "off");
	if (s->c->reference_ns)
		printf("  stated, not measured here: Linux's maple tree in user space, %.0f ns a %s\n",
		       s->c->reference_ns, s->c->unit);
	for (side = 0; side < NR_BENCH_SIDES; side++) {
		if (!s->on[side])
			continue;
		print_side(s, side);
		sim = side;
	}
	if (sim != BENCH_HOST)
		print_steps(s, sim);
}

static void json_latency(struct json *j, const struct hist *h)
{
	if (!h->total)
		return;
	json_double(j, "mean_ns", hist_mean(h));
	json_u64(j, "median_ns", hist_percentile(h, 500));
	json_u64(j, "p99_ns", hist_percentile(h, 990));
}

static void print_json_side(struct bench_series *s, enum bench_side side)
{
	struct json j;
	size_t i;

	json_begin(&j, stdout, "bench");
	json_string(&j, "case", s->c->name);
	json_string(&j, "unit", s->c->unit);
	json_string(&j, "side", side_slug[side]);
	if (side != BENCH_HOST)
		json_u64(&j, "frame_bytes", side == BENCH_WHOLE ? 4096 : 64);
	json_u64(&j, "threads", s->threads);
	json_double(&j, "per_s", median(s->rate[side], s->turns));
	json_double(&j, "per_cpu_s", median(s->cpu_rate[side], s->turns));
	if (side != BENCH_HOST && s->on[BENCH_HOST]) {
		json_double(&j, "ratio", median(s->ratio[side], s->turns));
		json_double(&j, "ratio_cpu", median(s->cpu_ratio[side], s->turns));
	}
	if (s->c->reference_ns) {
		json_double(&j, "reference_ns", s->c->reference_ns);
		json_double(&j, "to_reference", to_reference(s, side));
	}
	json_latency(&j, &s->last[side].lat);
	json_open_object(&j, "steps");
	for (i = 0; side != BENCH_HOST && i < ARRAY_SIZE(steps); i++)
		json_double(&j, vm_event_name(steps[i].item),
			    per_unit(&s->last[side], steps[i].item));
	json_end(&j);
}

void bench_print_json(struct bench_series *s)
{
	enum bench_side side;

	for (side = 0; side < NR_BENCH_SIDES; side++)
		if (s->on[side])
			print_json_side(s, side);
}
