/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_IPI_H
#define MMSTORM_HW_IPI_H

#include "base/types.h"
#include "hw/cpumask.h"

struct vcpu;

/**
 * ipi_call_many() - run @fn(@info) on every vCPU of @mask but the caller's
 *
 * Returns when all have run it (smp_call_function_many(..., wait = true)).
 * @fn runs with interrupts off, in the target's interrupt context, and
 * this_cpu() is the target, also when the caller takes the interrupt for a
 * target that is parked.  It must not sleep, enter RCU, take a lock that is
 * held anywhere with interrupts on, or send an interrupt itself.
 *
 * The caller is in task, idle or bound-thread context, with interrupts on
 * (off is a LOCKDEP finding: two such callers would wait for each other), and
 * stays on its vCPU.  It may hold spinlocks.  It serves interrupts for itself
 * while it waits.
 *
 * Happens-before: all of the caller's past -> @fn; all of the target's past
 * -> @fn -> all of the target's future; @fn -> return.
 */
void ipi_call_many(const cpumask_t *mask, void (*fn)(void *info), void *info);

/* The same, skipping targets for which @cond says no (on_each_cpu_cond_mask). */
void ipi_call_many_cond(const cpumask_t *mask, void (*fn)(void *info), void *info,
			bool (*cond)(unsigned int cpu, void *info));

/* One target; runs @fn here, interrupts off, when that is the caller. */
void ipi_call_one(unsigned int cpu, void (*fn)(void *info), void *info);

/*
 * Serves what is pending for the calling vCPU.  Does nothing when it has
 * interrupts off, an access in flight, or is in a handler already; nor in controlled
 * mode, where delivery is a decision: ipi_take(), when ipi_deliverable().
 */
void ipi_serve(struct vcpu *cpu);
bool ipi_deliverable(const struct vcpu *cpu);
void ipi_take(struct vcpu *cpu);

/* Per vCPU, owner-written, relaxed. */
struct ipi_stats {
	u64 sent;		/* calls of ipi_call_many() with at least one target */
	u64 targets;		/* targets of those, skipped ones not counted */
	u64 skipped;		/* targets that @cond excused */
	u64 by_self;		/* handlers this vCPU ran for itself */
	u64 for_others;		/* handlers this vCPU ran as a parked target */
	u64 long_waits;		/* gave up the run token while waiting */
};

#endif /* MMSTORM_HW_IPI_H */
