/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_RAW_LOCK_H
#define MMSTORM_HW_RAW_LOCK_H

#include "base/types.h"

/*
 * The lock of the simulated computer's own machinery (vCPU state, tokens, run
 * queues): not a lock of the simulated kernel.  No scheduling point, no
 * lockdep, invisible to ThreadSanitizer: it must only be used by files that
 * are compiled without it, held for nanoseconds, and never across a point.
 * The holder keeps its host thread, so waiting is spinning and then a futex.
 */
#define RAW_LOCK_INIT	0

void raw_lock_slow(u32 *lock);
void raw_unlock_slow(u32 *lock);

static inline bool raw_trylock(u32 *lock)
{
	u32 free = 0;

	return __atomic_compare_exchange_n(lock, &free, 1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void raw_lock(u32 *lock)
{
	if (!raw_trylock(lock))
		raw_lock_slow(lock);
}

static inline void raw_unlock(u32 *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) != 1)
		raw_unlock_slow(lock);
}

/* Futexes that ThreadSanitizer does not see (private to the process). */
void raw_futex_wait(u32 *word, u32 expected);
void raw_futex_wake(u32 *word, int nr);

#endif /* MMSTORM_HW_RAW_LOCK_H */
