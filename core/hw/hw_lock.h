/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_HW_LOCK_H
#define MMSTORM_HW_HW_LOCK_H

#include "base/atomic.h"
#include "base/types.h"

/*
 * The lock of the simulated computer's own machinery (vCPU state, tokens, run
 * queues): not a lock of the simulated kernel.  No scheduling point, no
 * lockdep, invisible to ThreadSanitizer: it must only be used by files that
 * are compiled without it, held for nanoseconds, and never across a point.
 * The holder keeps its host thread, so waiting is spinning and then a futex.
 */
void hw_lock_slow(u32 *lock);
void hw_unlock_slow(u32 *lock);

static inline bool hw_trylock(u32 *lock)
{
	u32 free = 0;

	return raw_try_cmpxchg_order(lock, &free, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void hw_lock(u32 *lock)
{
	if (!hw_trylock(lock))
		hw_lock_slow(lock);
}

static inline void hw_unlock(u32 *lock)
{
	if (raw_xchg_order(lock, 0, __ATOMIC_RELEASE) != 1)
		hw_unlock_slow(lock);
}

/* Futexes that ThreadSanitizer does not see (private to the process). */
void hw_futex_wait(u32 *word, u32 expected);
/* True when @ms milliseconds passed without a wake. */
bool hw_futex_wait_ms(u32 *word, u32 expected, unsigned int ms);
void hw_futex_wake(u32 *word, int nr);

#endif /* MMSTORM_HW_HW_LOCK_H */
