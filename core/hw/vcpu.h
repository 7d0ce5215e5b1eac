/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_VCPU_H
#define MMSTORM_HW_VCPU_H

#include <pthread.h>
#include "base/compiler.h"
#include "base/prng.h"
#include "base/this_cpu.h"
#include "base/types.h"
#include "hw/ipi.h"
#include "hw/tlb.h"
#include "hw/vectors.h"
#include "sync/sched.h"
#include "trace/counters.h"

struct machine;
struct task_struct;
struct tlb_cpu_state;
struct pcp_cpu;
struct check_cpu;
struct fail_nth;
struct fiber;

/* What the hardware and the layers below tasks keep for whoever runs: a task, or a bound thread. */
struct exec_context {
	struct fault_info	fault;	/* last refused access */
	struct fail_nth		*fail;	/* phys/fail.c: the sweep that is armed */
};

/*
 * Where a vCPU is, under its raw lock.  Everything but RUNNING is at a point:
 * its interrupts can be taken for it, when it has them on.
 */
enum vcpu_state {
	VCPU_IDLE,	/* no thread, or nothing to run: waits to be kicked */
	VCPU_PARKED,	/* in the middle of something, without a run token */
	VCPU_RUNNING,	/* holds a run token, or the one thread of a machine that is not parallel */
};

/* One ipi_call_many() of this vCPU as a sender; it has at most one. */
struct ipi_call {
	void		(*fn)(void *);
	void		*info;
	u32		pending;	/* targets that have yet to answer */
	u64		clock;		/* the sender's, when it sent */
	u64		ack_clock;	/* latest of the targets', when they answered */
	u64		sync_begin;	/* TSan: sender's past -> handlers */
	u64		sync_end;	/* TSan: handlers -> return */
} __cacheline_aligned;

struct vcpu {
	struct sched_cpu	sched;		/* first: this_cpu_local() is the vCPU */

	/* Immutable. */
	struct machine		*machine;
	unsigned int		nr;

	/* Owner only, or who acts as the owner under ->lock while it is parked. */
	unsigned int		in_access;	/* depth: interrupts held off by an access */
	unsigned int		pcid;
	unsigned long		root_pfn;	/* CR3; NO_ROOT when none is loaded */
	unsigned long		walked_va;	/* of the last walk for an access */
	struct sched_ctx	host_ctx;	/* the bound host thread's, or the idle loop's */
	struct exec_context	*exec;		/* the running task's, or ->host_exec */
	struct exec_context	host_exec;
	struct fiber		*fiber;		/* the stack in use here, while the machine runs */
	struct prng		rng;		/* speculation, placement: seeded per vCPU */
	struct tlb_cpu_state	*tlbstate;	/* pgtable/ */
	struct pcp_cpu		*pcp;		/* phys/ */
	struct task_struct	*current_task;	/* kern/; NULL: a bound host thread */
	struct kern_cpu		*kern;		/* kern/: run queue and idle task */
	struct check_cpu	*chk;		/* check/ */
	struct ipi_stats	ipi;
	u64			turns;		/* turns that ended */
	unsigned int		overdue;	/* times this turn's end was put off */
	u64			parks;		/* times it gave up its token */
	u64			accesses;	/* user accesses that were made */
	u64			accesses_slow;	/* of those, not by the hit path of hw/access.c */
	u64			hits_slow;	/* TLB hits of those */
	u64			speculate_at;	/* accesses at the next speculative fill */
	unsigned long		fill_near;	/* controlled mode: the page of the last access */
	u64			access_faults;	/* page faults they took */

	u64			vm_events[NR_VM_EVENT_ITEMS];

	struct tlb		tlb;

	/* State: under ->lock; state may be read without as a hint. */
	u32			lock __cacheline_aligned;	/* hw/hw_lock.h */
	u32			state;		/* enum vcpu_state */
	bool			served;		/* somebody acted as it since it parked */
	u64			sync;		/* TSan: the vCPU <-> who acts as it */

	/* Any vCPU, atomically: senders with a call for this one. */
	u64			irq_from[4];

	/* Run token: under the pool's lock, and the futex words. */
	struct vcpu		*token_next;
	u32			token_granted;	/* futex */
	bool			held;		/* in pool->held */
	u64			held_until;	/* pool->ticks */
	u32			kicked;		/* futex: wake from IDLE */

	struct ipi_call		call;

	/* Host thread, when the machine runs. */
	pthread_t		thread;
	void			(*main)(struct vcpu *);
};

#define NO_ROOT	(~0UL)

/* The vCPU that the calling code runs as; NULL outside.  Not across a point that may sleep. */
static __always_inline struct vcpu *this_cpu(void)
{
	return (struct vcpu *)this_cpu_local();
}

/* Machine-wide view of one vCPU's number and the caller's. */
static inline unsigned int smp_processor_id(void)
{
	return this_cpu()->nr;
}

/* ---- life (machine.c, vcpu.c) ---- */
int vcpu_create(struct machine *m, unsigned int nr, struct vcpu **out);
void vcpu_destroy(struct vcpu *cpu);

/*
 * vcpu_enter() - the calling host thread becomes @cpu: takes a token, RUNNING
 * vcpu_leave() - and stops being it: IDLE, token given back
 *
 * A vCPU has at most one thread; entering twice is a bug.
 */
void vcpu_enter(struct vcpu *cpu);
void vcpu_leave(struct vcpu *cpu);

/* Starts a thread that enters, runs @main and leaves; 0 or -EAGAIN.  vcpu_join() waits for it. */
int vcpu_start(struct vcpu *cpu, void (*main)(struct vcpu *));
void vcpu_join(struct vcpu *cpu);

/* ---- running (vcpu.c), all for the calling vCPU unless said ---- */

/*
 * Gives up the token for something to happen: IDLE until vcpu_kick(), which
 * may have come before.  Interrupts on.  Spurious returns happen.
 */
void vcpu_idle_wait(struct vcpu *cpu);
/* Any vCPU or thread: ends or pre-empts @target's vcpu_idle_wait(). */
void vcpu_kick(struct vcpu *target);
/* Sets an attention bit of any vCPU: it takes its next point's slow path. */
void vcpu_attn(struct vcpu *target, u32 bits);

/* Hands the token to the next in line and waits for another; false: nobody waits. */
bool vcpu_yield(struct vcpu *cpu);

/* sched_ops that belong to the hardware; kern/ puts them in its own table. */
void hw_serve_irqs(void);
void hw_relax(unsigned int spins);
/* sched_ops.hold: parked, and without a token, for that many turns of others. */
void hw_hold(const u64 *word, u64 value, unsigned int turns);
void hw_unhold(unsigned int cpu_nr);
void hw_turn_over(void);
/*
 * Around a call that may block the host thread: parked, without a token.  In
 * a handler, or where vCPUs are no threads, they do nothing.
 */
void hw_blocking_begin(void);
void hw_blocking_end(void);
/* For bound host threads: blocks the host thread, parked. */
void hw_sleep(struct sched_ctx *self);
void hw_wake(struct sched_ctx *ctx);
bool hw_reclaim(void);
extern const struct sched_ops hw_sched_ops;

/* May what runs here be set aside: no spinlock, read section, handler, access; interrupts on. */
static inline bool vcpu_preemptible(const struct vcpu *cpu)
{
	return !cpu->in_access && sched_may_sleep(&cpu->sched);
}

/* Draws when the next speculative fill is due. */
void vcpu_next_speculation(struct vcpu *cpu);
/* Brings the counter mms_tlb_hit up to date, which the hit path does not touch. */
void vcpu_publish_hits(struct vcpu *cpu);

/* The next turn of @cpu starts now. */
void vcpu_new_turn(struct vcpu *cpu);

#endif /* MMSTORM_HW_VCPU_H */
