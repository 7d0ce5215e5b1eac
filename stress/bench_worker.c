/* SPDX-License-Identifier: MIT */
/*
 * What the workers of both sides have in common: rounds, and what they took.
 *
 * A worker times its own rounds, so that starting threads, booting a machine and
 * waiting for the others count for neither side.  It stays on its thread, and in the
 * simulated machine on its vCPU, whose counters are therefore its own.  CPU time is the
 * whole process's, since others work for it (interrupts taken for a parked vCPU), less
 * what the worker's own thread puts aside.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "stress/bench.h"
#include "stress/run.h"

static u64 clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

/* ---- what does not count ---- */

static void read_meter(const struct bench_worker *w, struct bench_meter *at)
{
	const u64 *counters = w->os->counters();

	at->wall = monitor_now_ns();
	at->cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	if (counters)
		memcpy(at->events, counters, sizeof(at->events));
}

/* @sum += @to - @from */
static void add_stretch(struct bench_meter *sum, const struct bench_meter *from,
			const struct bench_meter *to)
{
	unsigned int i;

	sum->wall += to->wall - from->wall;
	sum->cpu += to->cpu - from->cpu;
	for (i = 0; i < NR_VM_EVENT_ITEMS; i++)
		sum->events[i] += to->events[i] - from->events[i];
}

void bench_pause(struct bench_worker *w)
{
	read_meter(w, &w->paused);
}

void bench_resume(struct bench_worker *w)
{
	struct bench_meter now = { 0 };

	read_meter(w, &now);
	add_stretch(&w->aside, &w->paused, &now);
}

/* ---- rounds ---- */

static bool round_of(struct bench_worker *w)
{
	bool ok = w->c->round(w);

	w->os->breathe(false);
	return ok && !__atomic_load_n(&w->shared->failed, __ATOMIC_RELAXED);
}

/* All measure the same time: one alone would find no one in its way. */
static bool begin_together(struct bench_worker *w)
{
	struct bench_shared *s = w->shared;

	__atomic_fetch_add(&s->begun, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&s->begun, __ATOMIC_ACQUIRE) < s->threads) {
		if (__atomic_load_n(&s->failed, __ATOMIC_RELAXED))
			return false;
		w->os->breathe(true);
	}
	return true;
}

static bool measure(struct bench_worker *w)
{
	struct bench_meter begin = { 0 }, end = { 0 };
	u64 deadline;
	bool ok;

	w->done = 0;
	w->aside = begin;
	hist_init(&w->lat);
	w->cpu_begin = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	read_meter(w, &begin);
	deadline = begin.wall + (u64)(w->seconds * 1e9);
	do
		ok = round_of(w);
	while (ok && monitor_now_ns() < deadline);
	read_meter(w, &end);
	w->cpu_end = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	add_stretch(&w->took, &begin, &end);
	add_stretch(&w->took, &w->aside, &(struct bench_meter){ 0 });
	return ok;
}

void bench_worker_run(struct bench_worker *w)
{
	bool ok = (!w->c->setup || w->c->setup(w)) && round_of(w) && begin_together(w) &&
		  measure(w);

	if (!ok)
		__atomic_store_n(&w->shared->failed, -EIO, __ATOMIC_RELAXED);
	if (w->c->teardown)
		w->c->teardown(w);
}

/* ---- all workers ---- */

int bench_sum(const struct bench_worker *w, unsigned int nr, struct bench_rate *out)
{
	u64 begin = w[0].cpu_begin, end = w[0].cpu_begin, aside = 0;
	unsigned int i, e;

	if (w[0].shared->failed)
		return w[0].shared->failed;
	hist_init(&out->lat);
	for (i = 0; i < nr; i++) {
		out->done += w[i].done;
		out->per_second += w[i].done * 1e9 / w[i].took.wall;
		begin = min(begin, w[i].cpu_begin);
		end = max(end, w[i].cpu_end);
		aside += w[i].aside.cpu - w[i].child_cpu;
		hist_merge(&out->lat, &w[i].lat);
		for (e = 0; e < NR_VM_EVENT_ITEMS; e++)
			out->events[e] += w[i].took.events[e];
	}
	out->per_cpu_second = out->done * 1e9 / (end - begin - aside);
	return 0;
}
