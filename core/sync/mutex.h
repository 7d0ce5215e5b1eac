/* SPDX-License-Identifier: MIT */
/*
 * Mutex (kernel: include/linux/mutex.h): sleeps, first come first served, released
 * by its taker.  A semaphore that is only ever taken for writing is exactly that.
 */
#ifndef MM_SYNC_MUTEX_H
#define MM_SYNC_MUTEX_H

#include "sync/rwsem.h"

struct mutex {
	struct rw_semaphore	sem;
};

static inline void mutex_init(struct mutex *m, enum lock_rank rank, const char *name)
{
	init_rwsem(&m->sem, rank, name);
}

static inline void mutex_lock(struct mutex *m)
{
	down_write(&m->sem);
}

static inline void mutex_lock_nested(struct mutex *m, unsigned int subclass)
{
	down_write_nested(&m->sem, subclass);
}

static inline bool mutex_trylock(struct mutex *m)
{
	return down_write_trylock(&m->sem);
}

static inline void mutex_unlock(struct mutex *m)
{
	up_write(&m->sem);
}

static inline bool mutex_is_locked(const struct mutex *m)
{
	return rwsem_is_locked(&m->sem);
}

#define mutex_assert_held(m)	lockdep_assert_held_write(&(m)->sem)

#endif
