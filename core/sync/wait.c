/* SPDX-License-Identifier: MIT */
/*
 * Wait queues and completions.
 *
 * A queue's lock guards its list, and wakes happen under it; a waiter takes it before
 * it leaves, woken or not, so neither its entry nor its context goes away under a
 * waker.  Being off the list means having been woken.
 *
 * Must not make any order known to TSan but: waker -> woken (in sched_wake), and
 * complete -> the wait that it satisfies.
 */
#include "sync/wait.h"

#include "base/tsan.h"
#include "sync/sched.h"

void init_waitqueue_head(wait_queue_head_t *wq)
{
	wq->lock.val = 0;
	INIT_LIST_HEAD(&wq->head);
}

void init_wait(struct wait_queue_entry *we)
{
	INIT_LIST_HEAD(&we->entry);
	we->ctx = NULL;
	we->key = NULL;
	we->flags = 0;
}

static void __prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *we)
{
	if (list_empty(&we->entry)) {
		/* Exclusive waiters behind all others: a wake that stops at one has woken those. */
		if (we->flags & WQ_FLAG_EXCLUSIVE)
			list_add_tail(&we->entry, &wq->head);
		else
			list_add(&we->entry, &wq->head);
	}
	we->ctx = sched_prepare_sleep();
}

static void prepare_to_wait_flags(wait_queue_head_t *wq, struct wait_queue_entry *we,
				  unsigned int wq_flags)
{
	unsigned long flags = queue_lock_irqsave(&wq->lock);

	we->flags = wq_flags;
	__prepare_to_wait(wq, we);
	queue_unlock_irqrestore(&wq->lock, flags);
}

void prepare_to_wait(wait_queue_head_t *wq, struct wait_queue_entry *we)
{
	prepare_to_wait_flags(wq, we, 0);
}

void prepare_to_wait_exclusive(wait_queue_head_t *wq, struct wait_queue_entry *we)
{
	prepare_to_wait_flags(wq, we, WQ_FLAG_EXCLUSIVE);
}

void schedule_wait(wait_queue_head_t *wq)
{
	sched_sleep(wq);
}

void finish_wait(wait_queue_head_t *wq, struct wait_queue_entry *we)
{
	unsigned long flags;

	sched_finish_sleep();
	flags = queue_lock_irqsave(&wq->lock);
	list_del_init(&we->entry);
	queue_unlock_irqrestore(&wq->lock, flags);
}

/* Under the queue's lock. */
static void wake_up_locked(wait_queue_head_t *wq, unsigned int nr_exclusive, const void *key)
{
	struct wait_queue_entry *we, *next;
	unsigned int woken = 0;

	list_for_each_entry_safe(we, next, &wq->head, entry) {
		if (we->key && we->key != key)
			continue;
		if (!sched_wake(we->ctx))
			continue;	/* another wake, or its own spin, was first */
		list_del_init(&we->entry);
		if ((we->flags & WQ_FLAG_EXCLUSIVE) && nr_exclusive && ++woken == nr_exclusive)
			break;
	}
}

void __wake_up(wait_queue_head_t *wq, unsigned int nr_exclusive, const void *key)
{
	unsigned long flags;

	sched_point(SCHED_WAIT, wq);
	flags = queue_lock_irqsave(&wq->lock);
	wake_up_locked(wq, nr_exclusive, key);
	queue_unlock_irqrestore(&wq->lock, flags);
}

bool waitqueue_active(wait_queue_head_t *wq)
{
	return !list_empty(&wq->head);
}

/* --- completions ---------------------------------------------------------- */

#define DONE_ALL	U32_MAX

void init_completion(struct completion *x)
{
	x->done = 0;
	init_waitqueue_head(&x->wait);
}

void reinit_completion(struct completion *x)
{
	unsigned long flags = queue_lock_irqsave(&x->wait.lock);

	x->done = 0;
	queue_unlock_irqrestore(&x->wait.lock, flags);
}

static void complete_times(struct completion *x, bool all)
{
	unsigned long flags;

	sched_point(SCHED_WAIT, x);
	flags = queue_lock_irqsave(&x->wait.lock);
	tsan_release(&x->done);
	if (all)
		x->done = DONE_ALL;
	else if (x->done != DONE_ALL)
		x->done++;
	wake_up_locked(&x->wait, all ? 0 : 1, NULL);
	/* The waiter may free x as soon as it gets the lock. */
	queue_unlock_irqrestore(&x->wait.lock, flags);
}

void complete(struct completion *x)
{
	complete_times(x, false);
}

void complete_all(struct completion *x)
{
	complete_times(x, true);
}

/* Under the queue's lock. */
static bool take_done(struct completion *x)
{
	if (!x->done)
		return false;
	if (x->done != DONE_ALL)
		x->done--;
	tsan_acquire(&x->done);
	return true;
}

bool try_wait_for_completion(struct completion *x)
{
	unsigned long flags;
	bool done;

	sched_point(SCHED_WAIT, x);
	flags = queue_lock_irqsave(&x->wait.lock);
	done = take_done(x);
	queue_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}

void wait_for_completion(struct completion *x)
{
	struct wait_queue_entry we;
	unsigned long flags;

	might_sleep();
	sched_point(SCHED_WAIT, x);
	init_wait(&we);
	we.flags = WQ_FLAG_EXCLUSIVE;
	flags = queue_lock_irqsave(&x->wait.lock);
	while (!take_done(x)) {
		__prepare_to_wait(&x->wait, &we);
		queue_unlock_irqrestore(&x->wait.lock, flags);
		sched_sleep(x);
		flags = queue_lock_irqsave(&x->wait.lock);
	}
	list_del_init(&we.entry);
	queue_unlock_irqrestore(&x->wait.lock, flags);
	sched_finish_sleep();
}

bool completion_done(struct completion *x)
{
	unsigned long flags = queue_lock_irqsave(&x->wait.lock);
	bool done = x->done;

	queue_unlock_irqrestore(&x->wait.lock, flags);
	return done;
}
