/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_BENCH_H
#define MMSTORM_STRESS_BENCH_H

#include "base/hist.h"
#include "base/prng.h"
#include "base/types.h"
#include "trace/counters.h"

/*
 * Microbenchmarks under the kernel community's names.  A case is written once, over
 * the calls of a bench_os, of which there are two: the simulated machine's, and the
 * host's own system calls.
 */

struct bench_case;
struct bench_worker;

/*
 * What a case may ask of an operating system.  Memory is private and anonymous, in
 * pages of 4 KiB, at the worker's own addresses (MAP_FIXED on both sides).  False: it
 * failed, and the case ends with an error.
 */
struct bench_os {
	bool	(*map)(unsigned long at, unsigned long bytes);
	bool	(*unmap)(unsigned long at, unsigned long bytes);
	bool	(*protect)(unsigned long at, unsigned long bytes, bool writable);
	bool	(*move)(unsigned long from, unsigned long bytes, unsigned long to);
	bool	(*dontneed)(unsigned long at, unsigned long bytes);
	/* One byte of each page. */
	bool	(*write)(unsigned long at, unsigned long bytes);
	bool	(*read)(unsigned long at, unsigned long bytes);

	/* A child process: it sleeps, or answers calls.  One at a time for a worker. */
	bool	(*fork)(struct bench_worker *w, bool answers);
	/* Ends the child; its memory is freed when this returns. */
	void	(*reap)(struct bench_worker *w);
	/* Wakes the child, which touches a page, wakes us and sleeps: two switches. */
	bool	(*call)(struct bench_worker *w);

	/* Others may have the CPU: between two rounds, or while it waits. */
	void	(*breathe)(bool waits);
	/* What the kernel has counted on this CPU; NULL: it does not say. */
	const u64 *(*counters)(void);
};

/* Where a worker stands, or how far it came. */
struct bench_meter {
	u64	wall, cpu;		/* ns; CPU time of the thread */
	u64	events[NR_VM_EVENT_ITEMS];	/* of the vCPU */
};

/* What the workers of a run share. */
struct bench_shared {
	unsigned long base;	/* what all use, made by the first worker before ->ready */
	u32	ready;		/* atomic: 1, or 2 when that failed */
	u32	duty;		/* atomic: who holds it changes what the others use */
	int	failed;		/* atomic: 0 or -errno */
	u32	begun;		/* atomic: how many are ready to measure */
	u32	threads;
};

/* What one worker of a case works with, and what its rounds took. */
struct bench_worker {
	const struct bench_case	*c;
	const struct bench_os	*os;
	struct bench_shared	*shared;
	unsigned int		nr;		/* 0 .. threads - 1 */
	unsigned long		base;		/* start of its own addresses */
	double			seconds;	/* for how long it works */

	/* The case's own. */
	struct prng		rng;
	void			*private;	/* calloc'ed by setup, freed by the runner */
	void			*child;		/* the os's */

	u64			done;		/* units, that the case counts */
	struct hist		lat;		/* ns of a unit, where the case takes them */

	/* bench_worker.c */
	u64			cpu_begin, cpu_end;	/* ns of CPU time, of the process */
	u64			child_cpu;	/* ns, where the child does half of the work */
	struct bench_meter	paused;		/* at the last bench_pause() */
	struct bench_meter	aside;		/* between pauses and resumes */
	struct bench_meter	took;		/* all the rest */
};

struct bench_case {
	const char	*name;
	const char	*what;
	const char	*unit;
	unsigned long	n;		/* the case's own: how many */
	unsigned long	region;		/* bytes of address space for a worker */
	unsigned long	frames;		/* simulated frames for a worker, above some */
	unsigned int	min_threads;	/* 0: one is enough */
	bool		contents;	/* pages are zeroed or copied: whole frames differ */
	bool		sim_only;	/* no system call does this */
	double		reference_ns;	/* instead: a stated time of a unit */

	/* All but round may be NULL. */
	bool		(*setup)(struct bench_worker *w);
	bool		(*round)(struct bench_worker *w);
	void		(*teardown)(struct bench_worker *w);
};

/* Ended by NULL. */
extern const struct bench_case *const bench_cases[];

extern const struct bench_case bench_storm, bench_storm_fork;
extern const struct bench_case bench_vma_lookup[], bench_vma_update[];

enum bench_side {
	BENCH_HOST,
	BENCH_TAGGED,		/* 64 bytes a frame */
	BENCH_WHOLE,		/* 4096 bytes a frame */
	NR_BENCH_SIDES,
};

struct bench_rate {
	double		per_second;	/* all workers together, by the clock on the wall */
	double		per_cpu_second;	/* by the CPU time that the process used */
	u64		done;
	u64		events[NR_VM_EVENT_ITEMS];	/* of these units; simulated sides */
	struct hist	lat;
};

/*
 * What a worker does, on either side: set-up, a round that does not count, which has
 * the host put memory behind what the case touches (the simulated machine's RAM, the
 * kernel's own), then rounds until its time is over, and teardown.
 */
void bench_worker_run(struct bench_worker *w);
/* Workers that have finished -> rates and counts.  0, or -EIO when one failed. */
int bench_sum(const struct bench_worker *w, unsigned int nr, struct bench_rate *out);

/* What a round does in between is preparation: it counts for nothing. */
void bench_pause(struct bench_worker *w);
void bench_resume(struct bench_worker *w);

/* Runs @c for @seconds on @threads workers.  0 or -errno. */
int bench_run_sim(const struct bench_case *c, unsigned int frame_bytes,
		  unsigned int threads, double seconds, u32 checks,
		  struct bench_rate *out);
int bench_run_host(const struct bench_case *c, unsigned int threads,
		   double seconds, struct bench_rate *out);

/* ---- bench_report.c ---- */

#define BENCH_TURNS_MAX	64

/* All turns of a case. */
struct bench_series {
	const struct bench_case *c;
	unsigned int	threads, turns;
	bool		checks;
	bool		on[NR_BENCH_SIDES];
	double		rate[NR_BENCH_SIDES][BENCH_TURNS_MAX];
	double		cpu_rate[NR_BENCH_SIDES][BENCH_TURNS_MAX];
	double		ratio[NR_BENCH_SIDES][BENCH_TURNS_MAX];
	double		cpu_ratio[NR_BENCH_SIDES][BENCH_TURNS_MAX];
	struct bench_rate last[NR_BENCH_SIDES];
};

void bench_print_text(struct bench_series *s);
void bench_print_json(struct bench_series *s);

#endif /* MMSTORM_STRESS_BENCH_H */
