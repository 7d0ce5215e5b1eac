/* SPDX-License-Identifier: MIT */
/*
 * RCU with the kernel's names and promises (kernel: include/linux/rcupdate.h):
 * synchronize_rcu() and call_rcu() wait for all read sections of the machine that
 * were begun before.  Grace periods come from liburcu's memb flavour; what TSan
 * must know of them is said by annotation (rcu.c tells how).
 *
 * Read sections nest, do not sleep, do not change vCPU; spinlocks and interrupts
 * are allowed inside.  A handler that another thread runs for this vCPU must not
 * enter one: that thread's reader state is another's.
 *
 * Callbacks run on the vCPU that processes them, with preemption off, after a
 * grace period: they may take spinlocks and free memory, not sleep.
 */
#ifndef MM_SYNC_RCU_H
#define MM_SYNC_RCU_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/point.h"
#include "base/types.h"
#include "sync/lockdep.h"
#include "sync/rcu_types.h"

/* A list longer than this is processed by call_rcu itself, where it may sleep. */
#define RCU_BATCH	256U
/* So many may wait, on all vCPUs of a machine together, before idle ones process theirs. */
#define RCU_IDLE_PENDING 2048U

/* --- the machine's side ------------------------------------------------------ */

/* cpus: array of nr pointers, kept by the caller, filled before any of them runs. */
void rcu_state_init(struct rcu_state *rs, struct sched_cpu **cpus, unsigned int nr,
		    enum rcu_mode mode);
/* Nothing may be queued any more; finding REFS if something is. */
void rcu_state_destroy(struct rcu_state *rs);

/*
 * The calling thread, bound to its vCPU, becomes (ceases to be) a reader.  A thread
 * bound to several vCPUs in turn, or nested, calls it for each.  Outside read
 * sections.  On a serial machine too.
 */
void rcu_cpu_online(void);
void rcu_cpu_offline(void);

/* --- readers ------------------------------------------------------------------ */

void rcu_read_lock(void);
void rcu_read_unlock(void);
/* In checking and TSan builds: inside a read section, or on a thread without vCPU. */
bool rcu_read_lock_held(void);

#if MM_CHECK || MM_TSAN
void rcu_check_deref(bool ok, const char *what);
#define __rcu_check(ok, what)	rcu_check_deref(ok, what)
#else
#define __rcu_check(ok, what)	do { } while (0)
#endif

/* Read a pointer that a writer publishes; inside a read section, or with cond true. */
#define rcu_dereference_check(p, cond)					\
	({								\
		__rcu_check(cond, #p);					\
		sched_point(SCHED_LOAD, &(p));				\
		smp_load_acquire(&(p));					\
	})
#define rcu_dereference(p)	rcu_dereference_check(p, false)
/* The update side: cond says which lock keeps p from changing. */
#define rcu_dereference_protected(p, cond)				\
	({								\
		lockdep_assert(cond);					\
		READ_ONCE(p);						\
	})
/* Only the value matters, it is not followed. */
#define rcu_access_pointer(p)	READ_ONCE(p)

/* Publish: everything written before is seen by who reads the pointer. */
#define rcu_assign_pointer(p, v)					\
	do {								\
		sched_point(SCHED_STORE, &(p));				\
		smp_store_release(&(p), v);				\
	} while (0)
/* A value that needs no publishing: NULL, or an object no reader can see yet. */
#define RCU_INIT_POINTER(p, v)	WRITE_ONCE(p, v)

/* --- updaters ----------------------------------------------------------------- */

/* Sleeps; the vCPU counts as parked and gives its run token away meanwhile. */
void synchronize_rcu(void);
/*
 * func(head) after a grace period.  Any context.  head is the library's until then.
 * May process callbacks itself where sleeping is allowed and the list is long.
 */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* All callbacks queued before, on any vCPU of the machine, have run.  Sleeps. */
void rcu_barrier(void);
/* One batch of this vCPU's: sleeps for a grace period if there is any.  Returns how many ran. */
unsigned long rcu_process_callbacks(void);
/* Callbacks wait on this vCPU. */
bool rcu_callbacks_pending(void);
/* So many of them wait that a vCPU with nothing else to do should process them. */
bool rcu_batch_due(void);

/*
 * RCU_MODEL: a vCPU's callbacks whose grace period may end now, because every section
 * that was open when it began has been left; and its end, on that vCPU, where it may
 * sleep.  When to do so is a decision of the schedule (hw/control.c).
 */
bool rcu_batch_ready(const struct sched_cpu *cpu);
void rcu_batch_end(void);

#endif
