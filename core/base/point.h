/* SPDX-License-Identifier: MIT */
/*
 * Scheduling points: the places where another vCPU may come between.
 *
 * A point stands *before* each operation that others can see (a lock, an atomic
 * read-modify-write, a page-table entry, an access...).  It advances the vCPU's
 * virtual clock by the operation's cost and, when something wants attention or the
 * turn is over, goes through sched_point_slow() (sync/sched.c), which serves
 * interrupts, gives up the run token, adds jitter, or (controlled mode) chooses who
 * goes on.  No oracle, no trace and no counter contains one.
 */
#ifndef BASE_POINT_H
#define BASE_POINT_H

#include "base/this_cpu.h"

enum sched_kind {
	SCHED_LOCK,
	SCHED_UNLOCK,
	SCHED_ATOMIC,
	SCHED_LOAD,
	SCHED_STORE,
	SCHED_RCU,
	SCHED_IPI,
	SCHED_WAIT,
	SCHED_PTE,
	SCHED_TLB,
	SCHED_ACCESS,
	SCHED_ALLOC,
	SCHED_WINDOW,
	SCHED_ATOMIC_RELAXED,
	NR_SCHED_KINDS,
};

/*
 * Virtual cost of an operation, in the clock's ns-like units: orders of magnitude of
 * an uncontended operation on a present-day server.  Folds to a constant.
 */
static __always_inline unsigned int sched_cost(enum sched_kind kind)
{
	switch (kind) {
	case SCHED_LOCK:	return 20;
	case SCHED_UNLOCK:	return 5;
	case SCHED_ATOMIC:
	case SCHED_ATOMIC_RELAXED:
		return 8;
	case SCHED_LOAD:	return 1;
	case SCHED_STORE:	return 1;
	case SCHED_RCU:		return 2;
	case SCHED_IPI:		return 1000;
	case SCHED_WAIT:	return 50;
	case SCHED_PTE:		return 8;
	case SCHED_TLB:		return 100;
	case SCHED_ACCESS:	return 2;
	case SCHED_ALLOC:	return 25;
	case SCHED_WINDOW:	return 1;
	case NR_SCHED_KINDS:	break;
	}
	return 0;
}

/* The operation changes the point's object; elsewhere sched_touch() says what it does. */
static __always_inline bool sched_kind_writes(enum sched_kind kind)
{
	return kind == SCHED_LOCK || kind == SCHED_UNLOCK || kind == SCHED_STORE ||
	       kind == SCHED_WAIT;
}

/* Something wants attention: never called with the turn running and attn 0. */
void sched_point_slow(enum sched_kind kind, const void *obj);

/* The point as a call into an uninstrumented file. */
void sched_point_call(enum sched_kind kind, const void *obj);

/*
 * What a step touches, from one point to the next: every atomic says so (base/atomic.h,
 * also the raw ones), and the few that are none.  It is not a point.  Only a search wants
 * to know (sync/exhaust.h), to tell which steps could as well change places.  What locks
 * protect need not be told: the lock is.
 */
/* Never looks at *obj: no const, or compilers would take it for a read. */
void sched_touch_slow(void *obj, bool write);
void sched_touch_call(void *obj, bool write);

#if !MM_POINTS
static __always_inline void sched_touch(const void *obj, bool write)
{
}
#elif MM_TSAN
static __always_inline void sched_touch(const void *obj, bool write)
{
	sched_touch_call((void *)(uintptr_t)obj, write);
}
#else
static __always_inline void sched_touch(const void *obj, bool write)
{
	struct cpu_local *cpu = this_cpu_local();

	if (unlikely(cpu && __atomic_load_n(&cpu->attn, __ATOMIC_RELAXED) & ATTN_WATCH))
		sched_touch_slow((void *)(uintptr_t)obj, write);
}
#endif

/* The same pointer. */
static __always_inline void *sched_touched(const void *obj, bool write)
{
	sched_touch(obj, write);
	return (void *)(uintptr_t)obj;
}

#if !MM_POINTS
static __always_inline void sched_point(enum sched_kind kind, const void *obj)
{
}
#elif MM_TSAN
static __always_inline void sched_point(enum sched_kind kind, const void *obj)
{
	sched_point_call(kind, obj);
}
#else
static __always_inline void sched_point(enum sched_kind kind, const void *obj)
{
	struct cpu_local *cpu = this_cpu_local();

	if (unlikely(!cpu))
		return;
	cpu->clock += sched_cost(kind);
	/* one branch for both conditions */
	if (unlikely(__atomic_load_n(&cpu->attn, __ATOMIC_RELAXED) |
		     (cpu->clock >= cpu->turn_end)))
		sched_point_slow(kind, obj);
}
#endif

#endif
