/* SPDX-License-Identifier: MIT */
/*
 * The one thread-local: which virtual CPU this host thread is.
 *
 * A machine owns all its state; what the lowest layers need of it on every
 * operation hangs here, so that they need not know what a machine is.
 */
#ifndef BASE_THIS_CPU_H
#define BASE_THIS_CPU_H

#include "base/compiler.h"

struct finding_sink;
struct trace_ring;

/* Bits of cpu_local.attn: each sends the next scheduling point into its slow path. */
enum {
	ATTN_IRQ	= 1 << 0,	/* an interrupt is pending */
	ATTN_RESCHED	= 1 << 1,	/* another task should run here */
	ATTN_JITTER	= 1 << 2,	/* every point may yield or spin (seeded) */
	ATTN_STOP	= 1 << 3,	/* the machine wants this vCPU to stand still */
	ATTN_WATCH	= 1 << 4,	/* what is touched is told: sched_touch() */
};

/*
 * First member of struct sched_cpu (sync/sched.h), itself the first member of
 * struct vcpu (hw/vcpu.h): the three convert into each other by a cast.
 */
struct cpu_local {
	/* owner only, and whoever acts as this vCPU under its state lock */
	u64			clock;		/* virtual time, in units like ns */
	u64			turn_end;	/* clock at which the slow path is taken */
	u64			*vm_events;	/* counters by enum vm_event_item; readers sum */
	struct trace_ring	*trace;		/* NULL: off */
	/* immutable while bound */
	unsigned int		id;
	const u64		*zoo;		/* the machine's planted bugs, one bit each */
	bool			weak;		/* stores may wait (sync/store_buffer.h) */
	struct finding_sink	*sink;		/* the machine's */
	/* written by anybody, atomically: apart from what the owner writes */
	u32			attn __cacheline_aligned;
};

/*
 * this_cpu_local(): the vCPU this thread is, NULL when it is none.
 *
 * The trap: a task sleeps on one host thread and may wake on another, so neither
 * the value nor the *address* of a thread-local may live across a call.  Compilers
 * take the address of a __thread variable for constant within a function and may
 * keep it in a register over the switch.  Hence no compiler-made access: either an
 * asm load through the thread register, done afresh each time (x86-64; the executable
 * is never a shared object, so its offset is a link-time constant), or a
 * real call into a file of its own.  ThreadSanitizer builds always call.
 */
struct cpu_local *this_cpu_local_call(void);
bool this_cpu_weak_call(void);

#if defined(__x86_64__) && !MM_TSAN
static __always_inline struct cpu_local *this_cpu_local(void)
{
	struct cpu_local *cpu;

	__asm__ __volatile__("movq %%fs:mm_bound_cpu@tpoff, %0" : "=r"(cpu));
	return cpu;
}

/* cpu_local.weak of this vCPU, false when there is none: one compare with memory. */
static __always_inline bool this_cpu_weak(void)
{
	bool weak;

	__asm__ __volatile__("cmpb $0, %%fs:mm_bound_cpu@tpoff+8" : "=@ccne"(weak));
	return weak;
}
#else
static __always_inline struct cpu_local *this_cpu_local(void)
{
	return this_cpu_local_call();
}

static __always_inline bool this_cpu_weak(void)
{
	return this_cpu_weak_call();
}
#endif

/* Makes the calling thread act as @cpu (NULL: as none).  Only hw/ and sync's tests call it. */
void this_cpu_bind(struct cpu_local *cpu);

#endif
