/* SPDX-License-Identifier: MIT */
/*
 * The scheduling seam: what a vCPU and an execution context are to the locks,
 * RCU and lockdep, and the table (sched_ops) through which waiting reaches the
 * rooms above.
 *
 * A context (sched_ctx) is what can hold locks and sleep: a task, a vCPU's idle
 * loop, an interrupt taken on a vCPU, a bound host thread.  A vCPU (sched_cpu)
 * runs one context at a time.  The current vCPU is found from the thread-local
 * of base/this_cpu.h; a thread without one passes all points and may not wait.
 *
 * Everything here is compiled without ThreadSanitizer, and all fields of
 * sched_cpu and sched_ctx are touched by functions of such files only.
 */
#ifndef MM_SYNC_SCHED_H
#define MM_SYNC_SCHED_H

#include "base/atomic.h"
#include "base/point.h"
#include "base/prng.h"
#include "base/this_cpu.h"
#include "base/types.h"
#include "sync/lockdep.h"
#include "sync/rcu_types.h"
#include "sync/windows.h"

struct sched_cpu;
struct sched_control;
struct store_buffers;
struct jitter;

enum ctx_state { CTX_RUNNING, CTX_SLEEPING };

/* Embedded in a task; one per idle loop, per bound thread, and per vCPU for interrupts. */
struct sched_ctx {
	/* Written by the sleeper and by wakers, atomically; futex word of the default ops. */
	u32			state;
	/* Clock of the latest waker, atomic maximum; the sleeper takes it over. */
	u64			wake_clock;
	/* Owner only.  What it sleeps for, in reports; NULL: it does not. */
	const void		*waits_for;
	/* Owner only.  Conditions that it has waited for and found true. */
	u64			waits_done;
	/* Owner only.  What it does, for jitter to tell calls apart; any number. */
	u32			what;
	/* Immutable.  Set by kern/: embedded in a task that has a stack of its own. */
	bool			is_task;
	/* Owner only. */
	const char		*name;
	struct lockdep_stack	locks;
};

/*
 * What waiting means; a machine's rooms install theirs.  All are called without
 * TSan instrumentation in mind: an ordering they mean must be said by annotation.
 */
struct sched_ops {
	/*
	 * Stop running self until its state is CTX_RUNNING.  Returns at once when it
	 * is already.  May return early: callers re-check.  Called with nothing atomic.
	 */
	void (*sleep)(struct sched_ctx *self);
	/*
	 * ctx->state has just gone from SLEEPING to RUNNING by the caller.  ctx may
	 * still be on its way into sleep(), or awake again: make it runnable only if
	 * it was really taken off its CPU.  Called with interrupts off, a queue's raw
	 * lock held, also from interrupt handlers; ctx stays valid during the call.
	 */
	void (*wake)(struct sched_ctx *ctx);
	/* Take the pending interrupts (ATTN_IRQ is up, interrupts are on). */
	void (*serve_irqs)(void);
	/*
	 * One turn of a busy wait, the spins-th; may give the run token away and take it
	 * back, never switches tasks.  Not NULL.
	 */
	void (*relax)(unsigned int spins);
	/*
	 * Set the vCPU aside while *word is value, for at most that many turns of others;
	 * unhold() by who changes it.  Spinlocks may be held, interrupts are on, the
	 * vCPU counts as parked.  NULL: sched_relax() is all there is.
	 */
	void (*hold)(const u64 *word, u64 value, unsigned int turns);
	void (*unhold)(unsigned int cpu);
	/*
	 * ATTN_RESCHED or ATTN_STOP is up, or the turn is over; moves local.turn_end on.
	 * Not called in handlers, nor between sched_prepare_sleep() and sched_sleep():
	 * whoever is set aside here is runnable.  Spinlocks may be held, interrupts off.
	 */
	void (*turn_over)(void);
	/*
	 * Around a wait inside a library (a grace period): the vCPU counts as parked,
	 * without its token, its interrupts taken for it by their senders.
	 */
	void (*blocking_begin)(void);
	void (*blocking_end)(void);
	/*
	 * Somebody waits for this vCPU, or for what it runs on: who waits for something had
	 * better sleep.  A hint.  NULL: as if one did.
	 */
	bool (*wanted)(void);
	/* An allocation failed: free something; true if it is worth trying again. */
	bool (*reclaim)(void);
};

/* Blocks host threads on a futex, gives no token away. */
extern const struct sched_ops sched_default_ops;

/*
 * Controlled mode: whoever decides what happens next (hw/control.c).  Interrupts, turns,
 * RCU callbacks are its decisions too, so where it is installed nothing of the kind is
 * done at points, nor where interrupts come on.  Keep local.turn_end at 0, so that every
 * point takes the slow path.  NULL in all other modes.
 */
struct sched_control {
	/* An operation on obj comes next.  Called in handlers and RCU callbacks too. */
	void (*point)(struct sched_cpu *cpu, enum sched_kind kind, const void *obj);
	/*
	 * The caller has looked at obj, in vain, and will look again: not before
	 * somebody says that it has changed.  what: the object's kind, for reports.
	 */
	void (*wait)(struct sched_cpu *cpu, const void *obj, const char *what);
	void (*changed)(struct sched_cpu *cpu, const void *obj);
	/* The caller waits, it does not know for what: others first. */
	void (*yield)(struct sched_cpu *cpu);
	/* ATTN_WATCH is up: the step under way touches obj.  Called anywhere. */
	void (*touch)(struct sched_cpu *cpu, const void *obj, bool write);
	/*
	 * A load of what others may have stored comes next (sync/store_buffer.h): they may
	 * come between, but nothing happens to this vCPU, whose code knows of no point here.
	 */
	void (*load)(struct sched_cpu *cpu, const void *obj);
	/* There is a new object at obj: what others did there before is another's story. */
	void (*fresh)(struct sched_cpu *cpu, const void *obj, size_t size);
};

#define JITTER_WHATS	32

/* How often this vCPU passed each window in each call (sched_ctx.what), for jitter to be fair. */
struct jitter_passes {
	u64	all;
	u32	pairs;			/* that were passed at all */
	/* Weighted: HOLD_COMPANY in company, else 1. */
	u64	of[JITTER_WHATS][NR_WINDOWS];
};

/* First member of struct vcpu.  Owner only, unless said otherwise. */
struct sched_cpu {
	struct cpu_local	local;		/* must be first: base/this_cpu.h */
	struct sched_ctx	*ctx;		/* what runs here; never NULL while bound */
	const struct sched_ops	*ops;
	const struct sched_control *control;	/* NULL unless a controlled machine runs */
	struct store_buffers	*stores;	/* its; NULL unless local.weak */
	struct jitter		*jitter;	/* the machine's, NULL unless RUN_JITTER */
	struct lockdep_state	*lockdep;	/* the machine's, may be NULL */
	struct rcu_cpu		rcu;
	unsigned int		irq_off;	/* nesting of local_irq_disable */
	unsigned int		preempt_count;	/* spinlocks held, preempt_disable */
	unsigned int		in_irq;		/* nesting of handlers */
	bool			irq_by_other;	/* the handler runs on its sender's thread */
	struct prng		jitter_rng;
	struct jitter_passes	jitter_passes;
	u64			points_slow;
	u64			windows[NR_WINDOWS];	/* owner-written relaxed, read by reports */
	struct sched_ctx	irq_ctx;	/* handlers run as this */
	struct sched_ctx	cb_ctx;		/* RCU callbacks run as this */
};

/*
 * Prepare a vCPU to be bound: boot_ctx is what runs first on it (an idle loop or a
 * host thread).  ops NULL means the default ones; rcu, lockdep and jitter are the
 * machine's and may be NULL.  cpu is zeroed first, all but nothing else is set in
 * local besides id.  Allocates nothing, cannot fail.
 */
void sched_cpu_init(struct sched_cpu *cpu, unsigned int id, struct sched_ctx *boot_ctx,
		    const struct sched_ops *ops, struct rcu_state *rcu,
		    struct lockdep_state *lockdep, struct jitter *jitter);
void sched_ctx_init(struct sched_ctx *ctx, const char *name);

/* The vCPU of this thread, or NULL. */
static inline struct sched_cpu *this_sched_cpu(void)
{
	return (struct sched_cpu *)this_cpu_local();
}

/* --- waiting -------------------------------------------------------------- */

/* What base/point.h calls when attention is asked for or the turn is over. */
void sched_point_slow(enum sched_kind kind, const void *obj);

/*
 * One turn of a busy wait: spins counts them.  Serves interrupts when they are
 * on; after a few turns lets ops->relax give up the run token.
 */
void sched_relax(unsigned int spins);

/* Nobody else would run instead of us: waiting awake takes nothing from anyone's turn. */
bool sched_alone(void);

/*
 * Busy waiting for condition, a function of obj's state.  In free mode the condition is
 * tried again and again; in controlled mode only when obj has changed, so that who
 * changes it must say so: a change that nobody tells is a lost wake-up, and is found as
 * one.  Who waits touches obj as if changing it, who tells as if looking at it: tellers
 * do not mind each other.  what says in reports what kind of object it is.  condition
 * must not pass a point after it has looked.
 */
#define sched_wait(obj, what, condition)				\
	do {								\
		unsigned int __spins = 0;				\
									\
		sched_touch(obj, true);					\
		while (!(condition))					\
			sched_wait_turn(obj, what, __spins++);		\
	} while (0)
void sched_wait_turn(const void *obj, const char *what, unsigned int spins);
/* An object has been made at obj (controlled mode is told, nobody else is). */
void sched_fresh(const void *obj, size_t size);
/* obj, for which others may wait in sched_wait(), has changed.  Only its address is used. */
void sched_changed(const void *obj);

/*
 * Sleeping, as the kernel does it:
 *
 *	sched_prepare_sleep();		state = SLEEPING, seq_cst
 *	while (!condition)
 *		sched_sleep(obj), sched_prepare_sleep();
 *	sched_finish_sleep();
 *
 * and the waker makes the condition true, then calls sched_wake(ctx).  The wake
 * orders the waker before the woken (TSan is told) when it ended a sleep.  The
 * caller must keep ctx alive over sched_wake: the queues of this folder do, by
 * waking under the queue's lock, which the sleeper takes before it leaves.
 */
struct sched_ctx *sched_prepare_sleep(void);
void sched_sleep(const void *obj);
void sched_finish_sleep(void);
/* True if ctx was sleeping.  Any context, interrupts off or on. */
bool sched_wake(struct sched_ctx *ctx);

/* Nothing forbids to put the current context aside: no lock spin-held, no handler, ... */
bool sched_may_sleep(const struct sched_cpu *cpu);

/* The turn is over: another task may run here, unless this one is on its way to sleep. */
void sched_turn_over(void);

/* This vCPU's clock jumps to that of an event it waited for. */
void sched_clock_advance(u64 at_least);
u64 sched_clock(void);

/* --- interrupts: for hw/ipi.c ------------------------------------------------ */

/*
 * Bracket the handlers of one batch of interrupts taken on cpu.  by_other: the
 * caller's thread is not the vCPU's own (bound to it for the while, under its
 * state lock).  Handlers run with interrupts off as cpu->irq_ctx, which may be
 * entered once at a time.  Returns the context that was interrupted.
 */
struct sched_ctx *sched_irq_enter(struct sched_cpu *cpu, bool by_other);
void sched_irq_exit(struct sched_cpu *cpu, struct sched_ctx *interrupted);

/* --- jitter ------------------------------------------------------------------- */

#define JITTER_SLOTS	64

/*
 * Seeded disturbance: at a point, with probability ppm per million, spin a while
 * or give the token away; at a window, be held.  The table is the machine's; slots
 * are claimed and met by atomics.
 */
struct jitter {
	u32	ppm;			/* per point */
	u32	window_ppm;		/* holds per million windows passed, on average */
	u64	seed;
	u64	met, held;		/* relaxed counters */
	/* 0: free; else who waits here for whom (jitter.c), by compare-and-exchange */
	struct {
		u64	claim __cacheline_aligned;
		u32	held;		/* vCPUs held at places of this slot */
	} slot[JITTER_SLOTS];
};

void jitter_init(struct jitter *j, u64 seed, u32 ppm, u32 window_ppm);
/* sched.c only. */
void jitter_point(struct sched_cpu *cpu, enum sched_kind kind, const void *obj);

#if MM_POINTS
/*
 * A window opens here.  place: what it is a window of (mm_place() of an address space, or
 * any object's address); key: where in it (an address, or 0).  In
 * jitter mode the vCPU may be held, for a bounded number of others' turns: half of
 * the times until another comes to the same place and key, half whoever comes; with
 * interrupts off only for a few microseconds.  Who comes may have to wait in its stead.
 * Never changes what is legal.
 */
void sched_window(enum window_id id, u64 place, u64 key);
/*
 * The same by who knows whether anybody is in company there: whom nobody can meet is
 * held more rarely.  Ask sched_window_counts() first where that costs something to find out.
 */
void sched_window_with(enum window_id id, u64 place, u64 key, bool company);
bool sched_window_counts(void);
#else
static inline void sched_window(enum window_id id, u64 place, u64 key) { }
#endif

#endif
