/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer semaphores: in a queue, first come first served; before there is one,
 * whoever comes first among those who spin.
 *
 * sem->count holds it all: readers above bit 8, RWSEM_WRITER, RWSEM_WAITERS.  While
 * nobody waits, taking and releasing is one atomic on it.  With RWSEM_WAITERS up no
 * one takes the semaphore by himself: he queues, and the lock is *granted* from the
 * head of the queue, under wait_lock, to one writer or to all readers up to the next
 * writer.  RWSEM_WAITERS is only changed, and holders only added while it is up, under
 * wait_lock.  A release that leaves nobody inside goes through the grant.
 *
 * A granted waiter's context is woken under wait_lock, which the waiter takes before
 * it leaves: so its context outlives the wake.
 *
 * Must not touch sem after the releasing atomic when nobody waits.
 */
#include "sync/rwsem.h"

#include "base/atomic.h"
#include "base/tsan.h"
#include "sync/sched.h"
#include "sync/store_buffer.h"

#define RWSEM_WRITER	1ULL
#define RWSEM_WAITERS	2ULL
#define RWSEM_READER	(1ULL << 8)
#define RWSEM_HELD	(~0ULL & ~RWSEM_WAITERS)

/*
 * Turns of a busy wait before going to sleep: about the length of a short section; and,
 * where nobody else would run here, about what it costs to put the vCPU to sleep and
 * wake it.
 */
#define RWSEM_SPINS		12
#define RWSEM_SPINS_ALONE	100

/* Where a scheduler decides who runs, a turn of ours is one more decision for nothing. */
static inline bool rwsem_worth_spinning(unsigned int spins)
{
	if (this_sched_cpu()->control)
		return false;
	return spins < RWSEM_SPINS || (spins < RWSEM_SPINS_ALONE && sched_alone());
}

#if MM_CHECK
#define sem_rank(s)	((enum lock_rank)(s)->rank)
#define sem_name(s)	((s)->name)
#else
#define sem_rank(s)	LOCK_RANK_LEAF
#define sem_name(s)	NULL
#endif

struct rwsem_waiter {
	struct list_head	node;		/* under wait_lock */
	struct sched_ctx	*ctx;
	u64			clock;		/* the granter's, set before granted */
	u32			granted;	/* atomic */
	bool			write;
};

void init_rwsem(struct rw_semaphore *sem, enum lock_rank rank, const char *name)
{
	sem->count = 0;
	sem->wait_lock.val = 0;
	INIT_LIST_HEAD(&sem->wait_list);
#if MM_CHECK
	sem->rank = rank;
	sem->name = name;
#endif
	tsan_mutex_create(sem, 0);
}

/* The hooks stand back to back, as in spinlock.c. */
static inline void tsan_locked(struct rw_semaphore *sem, unsigned int flags)
{
	tsan_mutex_pre_lock(sem, flags);
	tsan_mutex_post_lock(sem, flags);
}

static inline void tsan_unlocking(struct rw_semaphore *sem, unsigned int flags)
{
	tsan_mutex_pre_unlock(sem, flags);
	tsan_mutex_post_unlock(sem, flags);
}

/* One step into the semaphore, if nobody forbids it. */
static inline bool rwsem_try(struct rw_semaphore *sem, bool write)
{
	u64 busy = write ? ~0ULL : RWSEM_WRITER | RWSEM_WAITERS;
	u64 old = raw_load_order(&sem->count, __ATOMIC_RELAXED);

	while (!(old & busy)) {
		if (raw_try_cmpxchg_order(&sem->count, &old,
					  old + (write ? RWSEM_WRITER : RWSEM_READER),
					  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

static void rwsem_grant_one(struct rw_semaphore *sem, struct rwsem_waiter *w)
{
	raw_fetch_add_order(&sem->count, w->write ? RWSEM_WRITER : RWSEM_READER,
			   __ATOMIC_ACQUIRE);
	list_del(&w->node);
	w->clock = sched_clock();
	raw_store_order(&w->granted, 1, __ATOMIC_SEQ_CST);
	sched_wake(w->ctx);
}

/* Under wait_lock: let in who may come in. */
static void rwsem_grant(struct rw_semaphore *sem)
{
	struct rwsem_waiter *w, *next;

	list_for_each_entry_safe(w, next, &sem->wait_list, node) {
		u64 count = raw_load_order(&sem->count, __ATOMIC_ACQUIRE);

		if (count & (w->write ? RWSEM_HELD : RWSEM_WRITER))
			break;
		rwsem_grant_one(sem, w);
	}
	if (list_empty(&sem->wait_list))
		raw_fetch_and_order(&sem->count, ~RWSEM_WAITERS, __ATOMIC_RELAXED);
}

static noinline void rwsem_wake(struct rw_semaphore *sem)
{
	unsigned long flags = queue_lock_irqsave(&sem->wait_lock);

	rwsem_grant(sem);
	queue_unlock_irqrestore(&sem->wait_lock, flags);
}

static void rwsem_sleep_until_granted(struct rw_semaphore *sem, struct rwsem_waiter *w)
{
	unsigned int spins;

	for (spins = 0; rwsem_worth_spinning(spins); spins++) {
		if (raw_load_order(&w->granted, __ATOMIC_ACQUIRE))
			return;
		/* Takes interrupts: the holder may wait for our answer to one. */
		sched_relax(spins);
	}
	for (;;) {
		sched_prepare_sleep();
		if (raw_load_order(&w->granted, __ATOMIC_SEQ_CST))
			break;
		sched_sleep(sem);
	}
	sched_finish_sleep();
}

/*
 * rwsem_optimistic_spin(): whoever would only idle instead watches for the semaphore to
 * become free, and takes it ahead of nobody: while one waits in the queue there is no
 * way around it.
 */
static bool rwsem_spin(struct rw_semaphore *sem, bool write)
{
	unsigned int spins;

	for (spins = 0; spins < RWSEM_SPINS_ALONE && sched_alone(); spins++) {
		if (raw_load_order(&sem->count, __ATOMIC_RELAXED) & RWSEM_WAITERS)
			break;
		if (rwsem_try(sem, write))
			return true;
		/* Takes interrupts: the holder may wait for our answer to one. */
		sched_relax(spins);
	}
	return false;
}

static noinline void rwsem_wait(struct rw_semaphore *sem, bool write)
{
	struct rwsem_waiter w = { .ctx = this_sched_cpu()->ctx, .write = write };
	unsigned long flags = queue_lock_irqsave(&sem->wait_lock);

	list_add_tail(&w.node, &sem->wait_list);
	/* From here on every release sees the flag, or was seen by the grant below. */
	raw_fetch_or_order(&sem->count, RWSEM_WAITERS, __ATOMIC_SEQ_CST);
	rwsem_grant(sem);
	queue_unlock_irqrestore(&sem->wait_lock, flags);

	if (!raw_load_order(&w.granted, __ATOMIC_ACQUIRE)) {
		window_hit(write ? WIN_RWSEM_WRITER_WAITED : WIN_RWSEM_READER_WAITED);
		rwsem_sleep_until_granted(sem, &w);
	}
	/* Who granted may still be at our context: it lets go of wait_lock last. */
	flags = queue_lock_irqsave(&sem->wait_lock);
	queue_unlock_irqrestore(&sem->wait_lock, flags);
	sched_clock_advance(w.clock);
}

static inline void rwsem_down(struct rw_semaphore *sem, unsigned int subclass, bool write)
{
	might_sleep();
	sched_point(SCHED_LOCK, sem);
	lockdep_acquire(sem, sem_rank(sem), subclass, write ? 0 : LOCKDEP_READ, sem_name(sem));
	if (unlikely(!rwsem_try(sem, write)) && !rwsem_spin(sem, write))
		rwsem_wait(sem, write);
	tsan_locked(sem, write ? 0 : TSAN_MUTEX_READ_LOCK);
}

static inline bool rwsem_down_trylock(struct rw_semaphore *sem, bool write)
{
	sched_point(SCHED_LOCK, sem);
	if (!rwsem_try(sem, write))
		return false;
	lockdep_acquire(sem, sem_rank(sem), 0, LOCKDEP_TRY | (write ? 0 : LOCKDEP_READ),
			sem_name(sem));
	tsan_locked(sem, write ? TSAN_MUTEX_TRY_LOCK : TSAN_MUTEX_TRY_READ_LOCK);
	return true;
}

void down_read(struct rw_semaphore *sem)
{
	rwsem_down(sem, 0, false);
}

bool down_read_trylock(struct rw_semaphore *sem)
{
	return rwsem_down_trylock(sem, false);
}

void down_write(struct rw_semaphore *sem)
{
	rwsem_down(sem, 0, true);
}

void down_write_nested(struct rw_semaphore *sem, unsigned int subclass)
{
	rwsem_down(sem, subclass, true);
}

bool down_write_trylock(struct rw_semaphore *sem)
{
	return rwsem_down_trylock(sem, true);
}

void up_read(struct rw_semaphore *sem)
{
	u64 old;

	sched_point(SCHED_UNLOCK, sem);
	lockdep_release(sem);
	tsan_unlocking(sem, TSAN_MUTEX_READ_LOCK);
	smp_store_barrier();
	old = raw_fetch_sub_order(&sem->count, RWSEM_READER, __ATOMIC_RELEASE);
	if (unlikely(old == (RWSEM_READER | RWSEM_WAITERS)))
		rwsem_wake(sem);
}

void up_write(struct rw_semaphore *sem)
{
	u64 old;

	sched_point(SCHED_UNLOCK, sem);
	lockdep_release(sem);
	tsan_unlocking(sem, 0);
	smp_store_barrier();
	old = raw_fetch_sub_order(&sem->count, RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(old & RWSEM_WAITERS))
		rwsem_wake(sem);
}

void downgrade_write(struct rw_semaphore *sem)
{
	u64 old;

	sched_point(SCHED_UNLOCK, sem);
	lockdep_downgrade(sem);
	/* For TSan the lock is free in between; nobody else can take it for writing there. */
	tsan_unlocking(sem, 0);
	tsan_locked(sem, TSAN_MUTEX_READ_LOCK);
	smp_store_barrier();
	old = raw_fetch_add_order(&sem->count, RWSEM_READER - RWSEM_WRITER, __ATOMIC_RELEASE);
	if (unlikely(old & RWSEM_WAITERS))
		rwsem_wake(sem);	/* readers at the head come in */
}

bool rwsem_is_locked(const struct rw_semaphore *sem)
{
	return raw_load_order(&sem->count, __ATOMIC_RELAXED) & RWSEM_HELD;
}

bool rwsem_is_write_locked(const struct rw_semaphore *sem)
{
	return raw_load_order(&sem->count, __ATOMIC_RELAXED) & RWSEM_WRITER;
}

bool rwsem_is_contended(const struct rw_semaphore *sem)
{
	return raw_load_order(&sem->count, __ATOMIC_RELAXED) & RWSEM_WAITERS;
}
