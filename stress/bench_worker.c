/* SPDX-License-Identifier: MIT */
/*
 * What the workers of both sides have in common: rounds, and the time they took.
 *
 * A worker times its own rounds, so that starting threads, booting a machine and
 * waiting for the others count for neither side.
 */
#include <errno.h>
#include <time.h>

#include "base/compiler.h"
#include "stress/bench.h"
#include "stress/run.h"

/* Of all threads: a task of the simulated machine may change its own. */
static u64 cpu_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

void bench_worker_run(struct bench_worker *w, bool (*round)(struct bench_worker *w))
{
	u64 deadline;

	w->failed = !round(w);
	w->cpu_begin = cpu_now_ns();
	w->begin = monitor_now_ns();
	deadline = w->begin + (u64)(w->seconds * 1e9);
	do {
		w->failed |= !round(w);
		w->rounds++;
		w->end = monitor_now_ns();
	} while (!w->failed && w->end < deadline);
	w->cpu_end = cpu_now_ns();
}

int bench_sum(const struct bench_worker *w, unsigned int nr, struct bench_rate *out)
{
	u64 cpu_begin = w[0].cpu_begin, cpu_end = w[0].cpu_end;
	bool failed = false;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		u64 done = w[i].rounds * w[i].c->per_round;

		out->done += done;
		out->done_all += done + w[i].c->per_round;
		out->per_second += done * 1e9 / (w[i].end - w[i].begin);
		cpu_begin = min(cpu_begin, w[i].cpu_begin);
		cpu_end = max(cpu_end, w[i].cpu_end);
		failed |= w[i].failed;
	}
	out->per_cpu_second = out->done * 1e9 / (cpu_end - cpu_begin);
	return failed ? -EIO : 0;
}
