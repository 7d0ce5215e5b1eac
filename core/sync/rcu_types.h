/* SPDX-License-Identifier: MIT */
/* The data of RCU (sync/rcu.h has the rules); apart so that sched_cpu can embed it. */
#ifndef MM_SYNC_RCU_TYPES_H
#define MM_SYNC_RCU_TYPES_H

#include "base/compiler.h"
#include "base/types.h"

struct sched_cpu;

struct rcu_head {
	struct rcu_head	*next;
	void		(*func)(struct rcu_head *head);
};

/*
 * In an object that readers find: whether it is still linked (sync/rcu_age.h).  0: it is;
 * n: unlinked, as the n-th of the machine.  Costs nothing where nothing asks.
 */
struct rcu_age {
#if MM_CHECK
	u64		word;
#endif
};

#define RCU_RING	4

/* A vCPU as reader and as keeper of callbacks.  On lines of its own: readers write it. */
struct rcu_cpu {
	struct rcu_state *state;	/* the machine's; NULL: no RCU here */
	unsigned int	nest;		/* owner: depth of read sections */
	bool		online;		/* owner: a thread is bound and may read */
	bool		library;	/* owner: sections enter the library (free mode) */
	bool		registered;	/* owner: by rcu_cpu_online, which undoes it */
	/* Owner writes, grace periods read: phase seen by the latest outermost section. */
	u64		last_phase;
	u64		entered;	/* owner: rcu_state.unlinked as that began */
	/* Addresses that TSan hangs clocks on: eight bytes each, never read. */
	u64		cur;
	u64		prev[RCU_RING];
	/* Pushed by the owner (or a handler in its place), taken whole by anyone. */
	struct rcu_head	*callbacks __cacheline_aligned;
	u64		nr_queued;	/* relaxed, by the owner */
	u64		process_at;	/* of nr_queued: call_rcu processes */
	u64		nr_done;	/* run here, others' too */
	/* Batches begun and ended by this vCPU: rcu_barrier waits for begun ones. */
	u64		batch_begun;
	u64		batch_ended;
	/* Controlled mode: callbacks whose grace period has begun, and in which phase. */
	struct rcu_head	*batch;
	u64		batch_phase;
} __cacheline_aligned;

/* Who says when a grace period may end. */
enum rcu_mode {
	RCU_LIBRARY,		/* liburcu: each vCPU is a thread */
	RCU_MODEL,		/* ourselves: the vCPUs take turns on one thread */
	RCU_SERIAL,		/* nobody: one vCPU runs to its end, then the next */
};

/* The machine's. */
struct rcu_state {
	u64		phase __cacheline_aligned;	/* one step per grace-period batch */
	u64		unlinked;	/* stamps given (sync/rcu_age.h) */
	u64		in_grace;	/* of these, as the newest grace period began: a hint */
	u64		all_see;	/* controlled mode: of these, what all vCPUs see gone */
	u64		gp_begin;			/* TSan address */
	/* Set before the vCPUs run. */
	enum rcu_mode	mode;
	unsigned int	nr_cpus;
	struct sched_cpu **cpus;	/* nr_cpus of them; the caller's array */
	u64		nr_grace_periods __cacheline_aligned;	/* relaxed */
};

#endif
