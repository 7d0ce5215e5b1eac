/* SPDX-License-Identifier: MIT */
/*
 * Sequence counters (kernel: include/linux/seqlock.h).  Writers are serialised by
 * the user's lock.  What a reader reads in between must be read atomically
 * (READ_ONCE or stronger) and is meaningful only when read_seqcount_retry says no.
 *
 * The two ends carry release and acquire; the two inner orderings (counter before
 * data on the write side, data before counter on the read side) need fences, which
 * TSan does not understand and does not need here: nothing is published by them.
 * So they stand out of line, in an uninstrumented file.
 */
#ifndef MM_SYNC_SEQCOUNT_H
#define MM_SYNC_SEQCOUNT_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/point.h"
#include "base/types.h"
#include "sync/irqflags.h"
#include "sync/sched.h"

typedef struct seqcount {
	unsigned int	sequence;	/* odd while a writer is inside */
} seqcount_t;

#if MM_TSAN
void seqcount_rmb(void);
void seqcount_wmb(void);
#else
static inline void seqcount_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}
static inline void seqcount_wmb(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}
#endif

static inline void seqcount_init(seqcount_t *s)
{
	WRITE_ONCE(s->sequence, 0);
}

/* May be odd: the caller looks. */
static inline unsigned int raw_read_seqcount(const seqcount_t *s)
{
	sched_point(SCHED_LOAD, s);
	return smp_load_acquire(&s->sequence);
}

/* False when a writer is inside: take the slow way instead of waiting. */
static inline bool raw_seqcount_try_begin(const seqcount_t *s, unsigned int *start)
{
	*start = raw_read_seqcount(s);
	return !(*start & 1);
}

/* Waits for a writer inside to leave. */
static inline unsigned int read_seqcount_begin(const seqcount_t *s)
{
	unsigned int seq;

	sched_wait(s, "sequence counter", !((seq = raw_read_seqcount(s)) & 1));
	return seq;
}

/* True: what was read since may be torn, do it again. */
static inline bool read_seqcount_retry(const seqcount_t *s, unsigned int start)
{
	seqcount_rmb();
	sched_point(SCHED_LOAD, s);
	return READ_ONCE(s->sequence) != start;
}

static inline void raw_write_seqcount_begin(seqcount_t *s)
{
	sched_point(SCHED_STORE, s);
	WRITE_ONCE(s->sequence, RAW_READ_ONCE(s->sequence) + 1);
	seqcount_wmb();
	weak_wmb();
}

static inline void raw_write_seqcount_end(seqcount_t *s)
{
	sched_point(SCHED_STORE, s);
	smp_store_release(&s->sequence, RAW_READ_ONCE(s->sequence) + 1);
	sched_changed(s);
}

/* With preemption off, so that readers do not wait for a descheduled writer. */
static inline void write_seqcount_begin(seqcount_t *s)
{
	preempt_disable();
	raw_write_seqcount_begin(s);
}

static inline void write_seqcount_end(seqcount_t *s)
{
	raw_write_seqcount_end(s);
	preempt_enable();
}

#endif
