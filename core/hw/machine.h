/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_MACHINE_H
#define MMSTORM_HW_MACHINE_H

#include "base/atomic.h"
#include "base/finding.h"
#include "base/types.h"
#include "hw/check_ops.h"
#include "hw/control.h"
#include "hw/memory.h"
#include "hw/ram.h"
#include "hw/stock.h"
#include "hw/token.h"
#include "hw/vcpu.h"
#include "hw/vectors.h"
#include "sync/rcu.h"

struct arch;
struct phys_mem;
struct pgtable_state;
struct mm_global;
struct kern;
struct check_state;

enum run_mode {
	RUN_SERIAL,	/* one bound host thread, no tasks of their own stack */
	RUN_FREE,	/* vCPUs are threads and run when they can */
	RUN_JITTER,	/* the same, disturbed at points from the seed */
	RUN_CONTROLLED,	/* one vCPU at a time on one thread, each step decided (hw/control.h) */
};

/* Allocation failures to inject (phys/fail.c), between fail_start() and fail_stop(). */
struct fail_config {
	double	prob;		/* of each allocation; 0 is never */
	u32	scope;		/* FAIL_* bits of phys/fail.h; 0 is all */
	bool	from_boot;	/* from the first one on, and at all times */
};

#define MACHINE_FRAMES_MIN	16

/* What a machine is; zero in a field is its default where one is named. */
struct machine_config {
	unsigned int	nr_cpus;	/* 1 to NR_CPUS */
	unsigned long	nr_frames;	/* of 4 KiB; at least MACHINE_FRAMES_MIN */
	unsigned int	frame_bytes;	/* 64 or 4096 */
	u64		seed;
	enum run_mode	mode;
	unsigned int	run_tokens;	/* vCPUs that run at once; 0: host cores */
	unsigned int	speculate_ppm;	/* accesses that are followed by a speculative TLB fill */
	unsigned int	jitter_ppm;	/* points that are disturbed, RUN_JITTER; 0: default */
	unsigned int	window_ppm;	/* windows that are held, RUN_JITTER; 0: default */
	u64		turn;		/* virtual ns of a turn; 0: default */
	u64		zoo[2];		/* planted bugs, bit = id */
	u32		checks;		/* 1 << enum check_id */
	struct fail_config fail;
	bool		trace;		/* event rings */
	unsigned int	trace_events;	/* per ring; 0: default */
	bool		trace_hash;	/* keep a hash of all events, in each ring */
	size_t		stack_size;	/* bytes of a task's stack; 0: default */
	struct control_config control;	/* RUN_CONTROLLED */
	struct machine_stock *stock;	/* RUN_CONTROLLED: of the machines before; may be NULL */
	/* The sink's (base/finding.h), for those who want them before there is a machine. */
	void		(*on_finding)(struct finding_sink *sink, const struct finding *f);
	void		(*on_panic)(struct finding_sink *sink, const struct finding *f);
	void		*sink_priv;
};

/*
 * A simulated computer and everything that runs on it.
 *
 * machine_create() makes the hardware, with interrupts on, nothing loaded and
 * no vCPU running; what lies above fills in its own pointers at boot
 * (kern/boot.c) and frees them before machine_destroy().
 */
struct machine {
	/* Immutable after machine_create(). */
	struct machine_config	config;
	const struct arch	*arch;
	unsigned int		nr_cpus;
	struct vcpu		**cpus;
	struct ram		ram;
	bool			serial;		/* config.mode == RUN_SERIAL */
	bool			parallel;	/* vCPUs are threads: free and jitter */
	u64			turn;		/* virtual ns */
	struct sched_cpu	**sched_cpus;	/* the same vCPUs, as sync/ wants them */

	/* Installed at boot, immutable while vCPUs run. */
	const struct check_ops	*check;
	struct hw_vectors	vec;
	const struct sched_ops	*sched_ops;
	struct phys_mem		*phys;
	struct pgtable_state	*pgt;
	struct mm_global	*mmg;
	struct kern		*kern;
	struct check_state	*chk;
	double			fail_prob;	/* now; phys/fail.c */

	/* Each with its own rules. */
	struct finding_sink	sink;
	struct rcu_state	rcu;
	struct lockdep_state	lockdep;
	struct jitter		jitter;		/* unused unless RUN_JITTER */
	struct token_pool	tokens;		/* used if parallel */
	struct control		*control;	/* while a controlled machine runs */
	struct machine_memory	memory;

	/*
	 * Moves with every TLB fill of a watched machine and with every call that its
	 * oracles see begin: tells which of two came first.  Atomic, orders nothing.
	 */
	u64			translations __cacheline_aligned;
};

/**
 * machine_create() - make a computer
 * @config: copied
 * @out: the machine
 *
 * Returns 0; -EINVAL for a configuration that makes no sense; -ENOMEM.
 * Costs microseconds for a small one.
 */
int machine_create(const struct machine_config *config, struct machine **out);

/* No vCPU runs and no host thread is bound.  @m may be NULL. */
void machine_destroy(struct machine *m);
/* The same in the middle of whatever it did: a controlled machine, with all its blocks. */
void machine_drop(struct machine *m);

/**
 * machine_bind_host() - the calling thread becomes vCPU @nr
 *
 * Until machine_unbind_host().  For boot, tests, quiet checks and the serial
 * machine.  Takes a run token if the machine is parallel.  May be used by
 * several threads at once, each for another vCPU, if the machine is parallel.  A thread
 * that is bound already may bind to another vCPU of the same machine: the binding moves.
 */
void machine_bind_host(struct machine *m, unsigned int nr);
void machine_unbind_host(struct machine *m);

/* A later moment than every one that was asked for before. */
static inline u64 machine_translation_stamp(struct machine *m)
{
	return raw_fetch_add_order(&m->translations, 1, __ATOMIC_RELAXED) + 1;
}

/* Installs what waiting means on every vCPU; none runs. */
void machine_set_sched_ops(struct machine *m, const struct sched_ops *ops);

static inline struct fiber_stacks *machine_spare_stacks(const struct machine *m)
{
	return m->config.stock ? &m->config.stock->stacks : NULL;
}

static inline NO_TSAN struct machine *this_machine(void)
{
	return this_cpu()->machine;
}

static inline NO_TSAN void *frame_data(const struct machine *m, unsigned long pfn)
{
	return ram_data(&m->ram, pfn);
}

static inline NO_TSAN u64 *frame_table(const struct machine *m, unsigned long pfn)
{
	return ram_table(&m->ram, pfn);
}

/* Where a page's byte @off (or an address) lands in its frame. */
static inline NO_TSAN unsigned int frame_offset(const struct machine *m, unsigned long off)
{
	return (unsigned int)off & (m->ram.frame_bytes - 1);
}

#endif /* MMSTORM_HW_MACHINE_H */
