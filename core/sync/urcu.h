/* SPDX-License-Identifier: MIT */
/*
 * What sync/rcu.c takes from liburcu (memb flavour, 0.13).  The library's own header
 * would bring its rcu_head and call_rcu along; the prototypes are its public ones.
 * In a TSan build the library's functions are called, never its inlines: they must
 * stay out of TSan's sight whole.  Elsewhere the read side is its inline functions
 * (each under ten lines, free for any use by their licence), out of line in rcu.c: a
 * task may move to another thread between calls, and the compiler must not keep the
 * address of a thread-local over that.
 */
#ifndef MM_SYNC_URCU_H
#define MM_SYNC_URCU_H

#include "base/types.h"

#define URCU_NO_COMPAT_IDENTIFIERS
#include <urcu/static/urcu-memb.h>

extern void urcu_memb_read_lock(void);
extern void urcu_memb_read_unlock(void);
extern void urcu_memb_synchronize_rcu(void);
extern void urcu_memb_register_thread(void);
extern void urcu_memb_unregister_thread(void);

static inline void lib_read_lock(void)
{
#if MM_TSAN
	urcu_memb_read_lock();
#else
	_urcu_memb_read_lock();
#endif
}

static inline void lib_read_unlock(void)
{
#if MM_TSAN
	urcu_memb_read_unlock();
#else
	_urcu_memb_read_unlock();
#endif
}

/* This thread is a reader to the library. */
static inline bool lib_registered(void)
{
	return URCU_TLS(urcu_memb_reader).registered;
}

#endif
