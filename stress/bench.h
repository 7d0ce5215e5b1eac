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

/* What one worker of a case works with. */
struct bench_worker {
	unsigned int	nr;		/* 0 .. threads - 1 */
	unsigned long	base;		/* simulated: start of its own region */
	void		*host_base;	/* host: the same */
	void		*priv;
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
	double		per_second;	/* all workers together */
	u64		done;		/* units */
	u64		events[NR_VM_EVENT_ITEMS];	/* simulated sides */
};

/* Runs @c for @seconds on @threads workers.  0 or -errno. */
int bench_run_sim(const struct bench_case *c, unsigned int frame_bytes,
		  unsigned int threads, double seconds, u32 checks,
		  struct bench_rate *out);
int bench_run_host(const struct bench_case *c, unsigned int threads,
		   double seconds, struct bench_rate *out);

#endif /* MMSTORM_STRESS_BENCH_H */
