/* SPDX-License-Identifier: MIT */
/*
 * Weak memory in controlled runs: stores that others do not see yet.
 *
 * A controlled machine (hw/control.h) may have one of three memories:
 *
 *	sc	a store is seen by all vCPUs when it is made
 *	tso	a vCPU's stores wait in its buffer and come out in order, as on x86
 *	pso	they come out in any order, but: to one location in order; a release
 *		store after all before it; those after a write barrier after those before
 *
 * Stores that wait are those of WRITE_ONCE(), smp_store_release() and what is made of
 * them (atomic_set(), set_pte(), rcu_assign_pointer(), sequence counters, the store that
 * ends a spinlock) in the files of the operating system (MM_WEAK in core/CMakeLists.txt).
 * Loads by READ_ONCE(), smp_load_acquire() and what is made of them see the vCPU's own
 * stores at once, of the others' only what has come out.  Loads are made in order, and in
 * order with what comes after them.  When a store comes out is a decision of the strategy
 * (SCHED_DRAIN; in pso SCHED_OVERTAKE besides), unless something before it has forced it:
 *
 *	its vCPU	a read-modify-write (in tso any, as on x86; in pso one that asks for
 *			an order: a relaxed one is seen at once, and overtakes); taking a
 *			lock; releasing a semaphore; sending or taking an interrupt; a wait,
 *			a wake-up; a switch of tasks; loading CR3, INVLPG; an access of the
 *			program; the end of a system call, which others are told at once
 *	another vCPU	a store to the same location, a read-modify-write or a lock of it:
 *			that far
 *	a grace period	its begin and its end: all vCPUs' (each has been through a barrier)
 *	a full buffer	the oldest
 *	memory freed	stores to it
 *
 * Each of these only picks one of the times at which hardware may do it anyway.  What it
 * costs are ends that depend on two vCPUs' stores to one location reaching memory in
 * another order than they were made in (the litmus tests R, S and 2+2W), and on a store
 * that comes out before both an older and a newer one of its vCPU: those are not seen.
 * tests/unit/test_store_order.c compares the rest with buffers as hardware has them.
 *
 * Memory itself always has what was stored last.  What waits is kept as what *others*
 * see instead: the value before.  So code that looks at memory without the macros (plain
 * accesses under a lock, the oracles, ThreadSanitizer) needs to know nothing of this, and
 * to let a store out is to forget an entry: it touches nobody's memory, freed or not.
 * A plain store is seen by all when it is made, so one that should have been kept in
 * order by a release that is missing shows nothing here; plain_read() is for what the mm
 * reads plainly and stores by WRITE_ONCE().
 *
 * To ThreadSanitizer a store is made, and a load sees what is in memory, as in sc: a load
 * that acquires is ordered behind a release that it has not seen yet.  That hides nothing
 * that sc would report.
 */
#ifndef MM_SYNC_STORE_BUFFER_H
#define MM_SYNC_STORE_BUFFER_H

#include <stddef.h>

#include "base/atomic.h"
#include "base/types.h"

enum memory_model {
	MEMORY_SC,
	MEMORY_TSO,
	MEMORY_PSO,
	NR_MEMORY_MODELS,
};

const char *memory_model_name(enum memory_model model);

#define STORE_BUFFER_SIZE	16

/* A store that others do not see yet. */
struct pending_store {
	const void	*addr;
	u64		before;		/* what they see; as many bytes as size says */
	u32		epoch;		/* write barriers before it */
	u8		size;
	bool		release;
};

/* A vCPU's, the oldest first. */
struct store_buffer {
	struct pending_store	store[STORE_BUFFER_SIZE];
	unsigned int		nr;
	u32			epoch;
	u64			drained;	/* how many have come out */
};

/* A machine's. */
struct store_buffers {
	enum memory_model	model;
	unsigned int		nr_cpus;
	unsigned int		pending;	/* in all of them */
	struct store_buffer	cpu[];
};

/* NULL for MEMORY_SC, and when memory is short. */
struct store_buffers *store_buffers_create(enum memory_model model, unsigned int nr_cpus);

/* ---- what the strategy may choose ---- */

/* The oldest comes out, or (pso) the newest that may. */
void store_buffer_drain(struct store_buffers *b, unsigned int cpu);
void store_buffer_overtake(struct store_buffers *b, unsigned int cpu);
/* Where they would be seen; NULL: there is none, or it is the same one. */
const void *store_buffer_oldest(const struct store_buffers *b, unsigned int cpu);
const void *store_buffer_newest(const struct store_buffers *b, unsigned int cpu);

/* ---- what forces them ---- */

/* @cpu passes a full barrier. */
void store_buffer_barrier(struct store_buffers *b, unsigned int cpu);
/*
 * @cpu changes *addr, whole and at once: a full barrier, and nobody's store to it waits.
 * Did one?  Stores to what is changed so begin where it begins: a point knows no size.
 */
bool store_buffer_locked(struct store_buffers *b, unsigned int cpu, const void *addr);
/*
 * The same without asking for order: in pso nothing comes out but stores to *addr, and of
 * @cpu those before its latest write barrier.
 */
void store_buffer_relaxed(struct store_buffers *b, unsigned int cpu, const void *addr);
void store_buffers_drain_all(struct store_buffers *b);

/* ---- by the vCPU that the caller is; nothing without a buffer ---- */

void smp_store_barrier_slow(void);
/* All vCPUs': a grace period begins or ends. */
void smp_store_barrier_all(void);
/* Of any vCPU's. */
bool smp_stores_pending(void);
/* A release store to *p comes next, by a file that has no MM_WEAK. */
void smp_store_waits(const void *p, size_t size);

/* The caller has made its stores before whatever comes next. */
static __always_inline void smp_store_barrier(void)
{
	if (MM_POINTS && unlikely(this_cpu_weak()))
		smp_store_barrier_slow();
}

#endif
