/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_BENCH_H
#define MMSTORM_STRESS_BENCH_H

#include "base/types.h"
#include "trace/counters.h"

/*
 * Microbenchmarks under the kernel community's names (will-it-scale and
 * others).  A case does one round of work over and over, on the simulated
 * machine and, side by side, by the host's own system calls.
 */

struct bench_case;

/* What one worker of a case works with, and what its rounds took. */
struct bench_worker {
	unsigned int	nr;		/* 0 .. threads - 1 */
	unsigned long	base;		/* simulated: start of its own region */

	const struct bench_case *c;
	double		seconds;	/* for how long it works */
	u64		rounds;		/* measured ones */
	u64		begin, end;	/* ns: of the measured rounds */
	u64		cpu_begin, cpu_end;	/* ns of CPU time, of the whole process */
	bool		failed;
};

struct bench_case {
	const char	*name;
	const char	*what;
	const char	*unit;		/* of which a round does `per_round' */
	unsigned int	per_round;
	unsigned long	region;		/* bytes of address space for a worker */

	/* One round; false: it failed, the case ends with an error. */
	bool		(*sim)(struct bench_worker *w);
	bool		(*host)(struct bench_worker *w);
};

/* Ended by NULL. */
extern const struct bench_case *const bench_cases[];

enum bench_side {
	BENCH_HOST,
	BENCH_TAGGED,		/* 64 bytes a frame */
	BENCH_WHOLE,		/* 4096 bytes a frame */
	NR_BENCH_SIDES,
};

struct bench_rate {
	double		per_second;	/* all workers together, by the clock on the wall */
	double		per_cpu_second;	/* by the CPU time that the process used */
	u64		done;		/* units, measured */
	u64		done_all;	/* and the warm-up's: of these are ->events */
	u64		events[NR_VM_EVENT_ITEMS];	/* simulated sides */
};

/*
 * What a worker does, on either side: a round that does not count, which has the
 * host put memory behind what the case touches (the simulated machine's RAM, the
 * kernel's own), then rounds until its time is over.
 */
void bench_worker_run(struct bench_worker *w, bool (*round)(struct bench_worker *w));
/* Workers that have finished -> rates and counts.  0, or -EIO when one failed. */
int bench_sum(const struct bench_worker *w, unsigned int nr, struct bench_rate *out);

/* Runs @c for @seconds on @threads workers.  0 or -errno. */
int bench_run_sim(const struct bench_case *c, unsigned int frame_bytes,
		  unsigned int threads, double seconds, u32 checks,
		  struct bench_rate *out);
int bench_run_host(const struct bench_case *c, unsigned int threads,
		   double seconds, struct bench_rate *out);

#endif /* MMSTORM_STRESS_BENCH_H */
