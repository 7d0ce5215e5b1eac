/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks with the kernel's names (include/linux/spinlock.h).  The holder is
 * atomic: it must not sleep, and keeps its vCPU.  A waiter serves interrupts when
 * they are on, and gives its run token away after a few turns, so that a holder
 * without a token gets one.  Not fair.
 *
 * init takes the rank (sync/lockdep.h) and a name, which together are the class.
 * A lock needs no destruction.
 */
#ifndef MM_SYNC_SPINLOCK_H
#define MM_SYNC_SPINLOCK_H

#include "base/types.h"
#include "sync/irqflags.h"
#include "sync/lockdep.h"

typedef struct spinlock {
	u32		val;		/* 0 free, 1 held */
#if MM_CHECK
	u8		rank;
	const char	*name;
#endif
} spinlock_t;

#if MM_CHECK
_Static_assert(sizeof(spinlock_t) <= 16, "struct page embeds one");
#define __SPIN_LOCK_UNLOCKED(r, n)	{ .val = 0, .rank = (r), .name = (n) }
#else
#define __SPIN_LOCK_UNLOCKED(r, n)	{ .val = 0 }
#endif

void spin_lock_init(spinlock_t *lock, enum lock_rank rank, const char *name);

void spin_lock(spinlock_t *lock);
/* A second lock of the rank while one of a lower subclass is held. */
void spin_lock_nested(spinlock_t *lock, unsigned int subclass);
bool spin_trylock(spinlock_t *lock);
void spin_unlock(spinlock_t *lock);
bool spin_is_locked(const spinlock_t *lock);

static inline void spin_lock_irq(spinlock_t *lock)
{
	local_irq_disable();
	spin_lock(lock);
}

static inline void spin_unlock_irq(spinlock_t *lock)
{
	spin_unlock(lock);
	local_irq_enable();
}

#define spin_lock_irqsave(lock, flags)		\
	do {					\
		local_irq_save(flags);		\
		spin_lock(lock);		\
	} while (0)

static inline void spin_unlock_irqrestore(spinlock_t *lock, unsigned long flags)
{
	spin_unlock(lock);
	local_irq_restore(flags);
}

#endif
