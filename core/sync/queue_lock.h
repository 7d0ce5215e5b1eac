/* SPDX-License-Identifier: MIT */
/*
 * The lock inside the sleeping locks: guards the queues of rwsem and wait.  Unknown
 * to lockdep and TSan, no scheduling point, interrupts off while held.  For the files
 * of this folder only: its users must all be compiled without TSan, or what it orders
 * would be reported.
 */
#ifndef MM_SYNC_QUEUE_LOCK_H
#define MM_SYNC_QUEUE_LOCK_H

#include "base/types.h"

struct queue_lock {
	u32	val;
};

/* Returns the flags for unlock. */
unsigned long queue_lock_irqsave(struct queue_lock *lock);
void queue_unlock_irqrestore(struct queue_lock *lock, unsigned long flags);

#endif
