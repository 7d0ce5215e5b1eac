/* SPDX-License-Identifier: MIT */
/*
 * Reference counts that saturate and complain (kernel: include/linux/refcount.h).
 * A count that overflows, is raised from zero or is dropped below it stays at
 * REFCOUNT_SATURATED for good: the object leaks, and a finding says so once.
 */
#ifndef MM_SYNC_REFCOUNT_H
#define MM_SYNC_REFCOUNT_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/point.h"
#include "base/types.h"

typedef struct refcount_struct {
	int	refs;
} refcount_t;

#define REFCOUNT_INIT(n)	{ .refs = (n) }
#define REFCOUNT_MAX		0x7fffffff
#define REFCOUNT_SATURATED	(-0x40000000)

enum refcount_error {
	REFCOUNT_ADD_OVF,
	REFCOUNT_ADD_UAF,	/* raised from zero */
	REFCOUNT_SUB_UAF,	/* dropped below zero */
	REFCOUNT_DEC_LEAK,	/* refcount_dec reached zero: nobody will free it */
};

/* Saturate and report.  The kernel's refcount_warn_saturate. */
void refcount_warn_saturate(refcount_t *r, enum refcount_error error);

static inline void refcount_set(refcount_t *r, int n)
{
	WRITE_ONCE(r->refs, n);
}

static inline int refcount_read(const refcount_t *r)
{
	return READ_ONCE(r->refs);
}

static inline void refcount_add(int i, refcount_t *r)
{
	int old;

	sched_point(SCHED_ATOMIC_RELAXED, r);
#ifdef MM_CANARY_SYNC
	/* A race planted for tests that ask whether one in this room would be seen. */
	old = r->refs;
	r->refs = old + i;
#else
	old = raw_fetch_add_order(&r->refs, i, __ATOMIC_RELAXED);
#endif
	if (unlikely(old <= 0))
		refcount_warn_saturate(r, REFCOUNT_ADD_UAF);
	else if (unlikely(old > REFCOUNT_MAX - i))
		refcount_warn_saturate(r, REFCOUNT_ADD_OVF);
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

/* order: memory order of the success; fails at zero, with no order. */
static inline bool __refcount_add_not_zero(int i, refcount_t *r, bool acquire)
{
	int old = refcount_read(r);

	sched_point(acquire ? SCHED_ATOMIC : SCHED_ATOMIC_RELAXED, r);
	do {
		if (!old)
			return false;
	} while (!(acquire ? raw_try_cmpxchg_order(&r->refs, &old, old + i, __ATOMIC_ACQUIRE,
						   __ATOMIC_RELAXED)
			   : raw_try_cmpxchg_order(&r->refs, &old, old + i, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED)));
	if (unlikely(old < 0 || old > REFCOUNT_MAX - i))
		refcount_warn_saturate(r, REFCOUNT_ADD_OVF);
	return true;
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return __refcount_add_not_zero(1, r, false);
}

static inline bool refcount_inc_not_zero_acquire(refcount_t *r)
{
	return __refcount_add_not_zero(1, r, true);
}

/* Release, and acquire when it returns true: the caller owns the object. */
static inline bool refcount_sub_and_test(int i, refcount_t *r)
{
	int old;

	sched_point(SCHED_ATOMIC, r);
	old = raw_fetch_sub_order(&r->refs, i, __ATOMIC_ACQ_REL);
	if (old == i)
		return true;
	if (unlikely(old <= 0 || old < i))
		refcount_warn_saturate(r, REFCOUNT_SUB_UAF);
	return false;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

/* Must not reach zero. */
static inline void refcount_dec(refcount_t *r)
{
	int old;

	sched_point(SCHED_ATOMIC, r);
	old = raw_fetch_sub_order(&r->refs, 1, __ATOMIC_RELEASE);
	if (unlikely(old <= 1))
		refcount_warn_saturate(r, REFCOUNT_DEC_LEAK);
}

#endif
