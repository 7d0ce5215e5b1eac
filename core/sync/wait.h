/* SPDX-License-Identifier: MIT */
/*
 * Wait queues and completions (kernel: include/linux/wait.h, completion.h).
 *
 * The condition must be read atomically and made true before the wake; a wake that
 * ended a sleep orders the waker's past before the woken's future, and TSan is told
 * so.  A waiter who finds the condition true without sleeping is ordered by the
 * condition's own load alone.
 *
 * Waiting sleeps; waking is allowed in any context, interrupt handlers included.
 */
#ifndef MM_SYNC_WAIT_H
#define MM_SYNC_WAIT_H

#include "base/list.h"
#include "base/types.h"
#include "sync/lockdep.h"
#include "sync/queue_lock.h"

struct sched_ctx;

typedef struct wait_queue_head {
	struct queue_lock		lock;
	struct list_head	head;
} wait_queue_head_t;

/* On the waiter's stack. */
struct wait_queue_entry {
	struct list_head	entry;		/* under the queue's lock */
	struct sched_ctx	*ctx;
	const void		*key;		/* NULL: any wake; else only wakes with this key */
	unsigned int		flags;
};

#define WQ_FLAG_EXCLUSIVE	1

void init_waitqueue_head(wait_queue_head_t *wq);

/* Enqueue (once) and set the state; then check the condition, then schedule_wait. */
void init_wait(struct wait_queue_entry *we);
void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *we);
void prepare_to_wait_exclusive(wait_queue_head_t *wq, struct wait_queue_entry *we);
void schedule_wait(wait_queue_head_t *wq);
void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *we);

/* All non-exclusive waiters, and nr exclusive ones (0: all). */
void __wake_up(wait_queue_head_t *wq, unsigned int nr_exclusive, const void *key);
#define wake_up(wq)		__wake_up(wq, 1, NULL)
#define wake_up_all(wq)		__wake_up(wq, 0, NULL)
/* Only waiters with this key (many objects share one queue, as for PG_locked). */
#define wake_up_key(wq, key)	__wake_up(wq, 0, key)
/* Somebody is queued (racy; order it after making the condition true by a seq_cst RMW). */
bool waitqueue_active(wait_queue_head_t *wq);

#define __wait_event(wq, condition, prepare, k)				\
	do {								\
		struct wait_queue_entry __we;				\
									\
		init_wait(&__we);					\
		__we.key = (k);						\
		for (;;) {						\
			prepare(wq, &__we);				\
			if (condition)					\
				break;					\
			schedule_wait(wq);				\
		}							\
		finish_wait(wq, &__we);					\
	} while (0)

#define wait_event(wq, condition)					\
	do {								\
		might_sleep();						\
		if (!(condition))					\
			__wait_event(wq, condition, prepare_to_wait, NULL);	\
	} while (0)
#define wait_event_exclusive(wq, condition)				\
	do {								\
		might_sleep();						\
		if (!(condition))					\
			__wait_event(wq, condition, prepare_to_wait_exclusive, NULL); \
	} while (0)
#define wait_event_key(wq, k, condition)				\
	do {								\
		might_sleep();						\
		if (!(condition))					\
			__wait_event(wq, condition, prepare_to_wait, k);	\
	} while (0)

/* done saturates at complete_all. */
struct completion {
	u32			done;		/* under wait.lock */
	wait_queue_head_t	wait;
};

void init_completion(struct completion *x);
void reinit_completion(struct completion *x);
void wait_for_completion(struct completion *x);
bool try_wait_for_completion(struct completion *x);
void complete(struct completion *x);
void complete_all(struct completion *x);
bool completion_done(struct completion *x);

#endif
