/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer semaphore with the kernel's names (include/linux/rwsem.h): sleeps, those who
 * queue first come first served (a reader that arrives behind a waiting writer waits, so read
 * recursion can deadlock and is a finding), with downgrade.
 *
 * All but trylocks and releases may sleep.  Released by the context that took it.
 */
#ifndef MM_SYNC_RWSEM_H
#define MM_SYNC_RWSEM_H

#include "base/list.h"
#include "base/types.h"
#include "sync/lockdep.h"
#include "sync/queue_lock.h"

struct rw_semaphore {
	u64			count;		/* atomic: readers << 8 | RWSEM_* */
	struct queue_lock		wait_lock;	/* the queue, and setting RWSEM_WAITERS */
	struct list_head	wait_list;
#if MM_CHECK
	u8			rank;
	const char		*name;
#endif
};

void init_rwsem(struct rw_semaphore *sem, enum lock_rank rank, const char *name);

void down_read(struct rw_semaphore *sem);
bool down_read_trylock(struct rw_semaphore *sem);
void up_read(struct rw_semaphore *sem);

void down_write(struct rw_semaphore *sem);
void down_write_nested(struct rw_semaphore *sem, unsigned int subclass);
bool down_write_trylock(struct rw_semaphore *sem);
void up_write(struct rw_semaphore *sem);

/* The writer becomes a reader without letting another writer in between. */
void downgrade_write(struct rw_semaphore *sem);

bool rwsem_is_locked(const struct rw_semaphore *sem);
bool rwsem_is_write_locked(const struct rw_semaphore *sem);
/* Somebody waits: a holder of a long operation may want to let go. */
bool rwsem_is_contended(const struct rw_semaphore *sem);

#define rwsem_assert_held(sem)		lockdep_assert_held(sem)
#define rwsem_assert_held_write(sem)	lockdep_assert_held_write(sem)

#endif
