/* SPDX-License-Identifier: MIT */
/*
 * The lock inside the locks: guards the queues of rwsem and wait.  Not known to
 * lockdep or TSan, no scheduling point, interrupts off while held.  For the files of
 * this folder (and hw's run-state lock) only: its users must all be compiled without TSan, or
 * what it orders would be reported.
 */
#ifndef MM_SYNC_RAW_LOCK_H
#define MM_SYNC_RAW_LOCK_H

#include "base/types.h"

struct raw_lock {
	u32	val;
};

/* Returns the flags for unlock. */
unsigned long raw_lock_irqsave(struct raw_lock *lock);
void raw_unlock_irqrestore(struct raw_lock *lock, unsigned long flags);

#endif
