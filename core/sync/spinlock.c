/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks (test, and test-and-set) and the queue lock of rwsem and wait.
 *
 * TSan knows a spinlock by the mutex hooks alone.  They are called back to back once
 * the lock is really ours, and before it is given up: TSan ignores all memory accesses
 * and order between a pre and its post, so a waiter that called pre_lock first would
 * have to divert out of that region for every interrupt it serves in the loop.  This
 * way no slow path is ever inside one.
 *
 * Must not touch the lock after the releasing store: its memory may be gone.
 */
#include "sync/spinlock.h"

#include "base/atomic.h"
#include "base/tsan.h"
#include "sync/queue_lock.h"
#include "sync/sched.h"
#include "sync/store_buffer.h"

#if MM_CHECK
#define lock_rank(l)	((enum lock_rank)(l)->rank)
#define lock_name(l)	((l)->name)
#else
#define lock_rank(l)	LOCK_RANK_LEAF
#define lock_name(l)	NULL
#endif

static inline bool lock_word_try(u32 *val)
{
	return !raw_load_order(val, __ATOMIC_RELAXED) &&
	       !raw_xchg_order(val, 1, __ATOMIC_ACQUIRE);
}

static noinline void lock_word_slow(u32 *val)
{
	sched_wait(val, "spinlock", lock_word_try(val));
}

static inline void lock_word(u32 *val)
{
	if (unlikely(!lock_word_try(val)))
		lock_word_slow(val);
}

static inline void unlock_word(u32 *val)
{
	raw_store_order(val, 0, __ATOMIC_RELEASE);
}

/*
 * preempt_disable() without the calls: these are the hottest functions there are.  It
 * stands inside the lock, where the locked instruction need not wait for its store;
 * between the two there is no point, and a busy wait never switches tasks.
 */
static inline void hold_cpu(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (likely(cpu))
		cpu->preempt_count++;
}

static inline void drop_cpu(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (likely(cpu))
		cpu->preempt_count--;
}

/*
 * Others can wait for it in controlled mode, and there it may wait to be seen as any other
 * release.  Queue locks need neither: no point stands inside one.
 */
static noinline void unlock_controlled(struct sched_cpu *cpu, u32 *val)
{
	smp_store_waits(val, sizeof(*val));
	unlock_word(val);
	cpu->control->changed(cpu, val);
}

static inline void unlock_and_tell(u32 *val)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(cpu && cpu->control))
		unlock_controlled(cpu, val);
	else
		unlock_word(val);
}

void spin_lock_init(spinlock_t *lock, enum lock_rank rank, const char *name)
{
	lock->val = 0;
#if MM_CHECK
	lock->rank = rank;
	lock->name = name;
#endif
	tsan_mutex_create(lock, 0);
}

static inline void tsan_locked(spinlock_t *lock, unsigned int flags)
{
	tsan_mutex_pre_lock(lock, flags);
	tsan_mutex_post_lock(lock, flags);
}

static inline void __spin_lock(spinlock_t *lock, unsigned int subclass)
{
	sched_point(SCHED_LOCK, lock);
	lockdep_acquire(lock, lock_rank(lock), subclass, LOCKDEP_SPIN, lock_name(lock));
	lock_word(&lock->val);
	hold_cpu();
	tsan_locked(lock, 0);
}

void spin_lock(spinlock_t *lock)
{
	__spin_lock(lock, 0);
}

void spin_lock_nested(spinlock_t *lock, unsigned int subclass)
{
	__spin_lock(lock, subclass);
}

bool spin_trylock(spinlock_t *lock)
{
	sched_point(SCHED_LOCK, lock);
	if (!lock_word_try(&lock->val))
		return false;
	hold_cpu();
	lockdep_acquire(lock, lock_rank(lock), 0, LOCKDEP_SPIN | LOCKDEP_TRY, lock_name(lock));
	tsan_locked(lock, TSAN_MUTEX_TRY_LOCK);
	return true;
}

void spin_unlock(spinlock_t *lock)
{
	sched_point(SCHED_UNLOCK, lock);
	lockdep_release(lock);
	tsan_mutex_pre_unlock(lock, 0);
	tsan_mutex_post_unlock(lock, 0);
	drop_cpu();
	unlock_and_tell(&lock->val);
}

bool spin_is_locked(const spinlock_t *lock)
{
	return raw_load_order(&lock->val, __ATOMIC_RELAXED);
}

unsigned long queue_lock_irqsave(struct queue_lock *lock)
{
	unsigned long flags;

	local_irq_save(flags);
	lock_word(&lock->val);
	return flags;
}

void queue_unlock_irqrestore(struct queue_lock *lock, unsigned long flags)
{
	unlock_word(&lock->val);
	local_irq_restore(flags);
}
