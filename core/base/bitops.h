/* SPDX-License-Identifier: MIT */
/*
 * Single bits of unsigned long arrays, with the kernel's names and order:
 * set_bit() and clear_bit() are atomic and relaxed, test_and_*_bit() fully ordered,
 * the _lock and _unlock forms acquire and release, the __ forms are plain.
 */
#ifndef BASE_BITOPS_H
#define BASE_BITOPS_H

#include "base/atomic.h"

#define BIT_MASK(nr)	(1UL << ((unsigned long)(nr) % (unsigned long)BITS_PER_LONG))
#define BIT_WORD(nr)	((unsigned long)(nr) / (unsigned long)BITS_PER_LONG)

static inline bool test_bit(unsigned long nr, const unsigned long *addr)
{
	return READ_ONCE(addr[BIT_WORD(nr)]) & BIT_MASK(nr);
}

static inline bool test_bit_acquire(unsigned long nr, const unsigned long *addr)
{
	return smp_load_acquire(&addr[BIT_WORD(nr)]) & BIT_MASK(nr);
}

static inline void set_bit(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC_RELAXED, &addr[BIT_WORD(nr)]);
	raw_fetch_or_order(&addr[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC_RELAXED, &addr[BIT_WORD(nr)]);
	raw_fetch_and_order(&addr[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline void change_bit(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC_RELAXED, &addr[BIT_WORD(nr)]);
	raw_fetch_xor_order(&addr[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_RELAXED);
}

static inline bool test_and_set_bit(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC, &addr[BIT_WORD(nr)]);
	return raw_fetch_or_order(&addr[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_SEQ_CST) &
	       BIT_MASK(nr);
}

static inline bool test_and_clear_bit(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC, &addr[BIT_WORD(nr)]);
	return raw_fetch_and_order(&addr[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_SEQ_CST) &
	       BIT_MASK(nr);
}

static inline bool test_and_set_bit_lock(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC, &addr[BIT_WORD(nr)]);
	return raw_fetch_or_order(&addr[BIT_WORD(nr)], BIT_MASK(nr), __ATOMIC_ACQUIRE) &
	       BIT_MASK(nr);
}

static inline void clear_bit_unlock(unsigned long nr, unsigned long *addr)
{
	sched_point(SCHED_ATOMIC, &addr[BIT_WORD(nr)]);
	raw_fetch_and_order(&addr[BIT_WORD(nr)], ~BIT_MASK(nr), __ATOMIC_RELEASE);
}

static inline void __set_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *addr)
{
	addr[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

#endif
