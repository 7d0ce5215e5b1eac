/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_FAIL_H
#define MMSTORM_PHYS_FAIL_H

#include "hw/machine.h"
#include "phys/gfp.h"

/*
 * Failure injection, as lib/fault-inject.c with fail_page_alloc, failslab
 * and /proc/PID/fail-nth: by probability for the whole machine (machine
 * configuration: prob, scope; drawn from the vCPU's seeded generator) while
 * that is wanted, and by nth allocation of one execution context (a task, idle
 * loop or bound host thread).
 *
 * __GFP_NOFAIL requests are never failed and not counted.
 */
enum fail_scope {
	FAIL_SCOPE_PAGES	= 1u << 0,
	FAIL_SCOPE_SLAB		= 1u << 1,
	FAIL_SCOPE_ALL		= 3u,
	FAIL_SCOPE_FROM		= 1u << 2,	/* nth: and all that come after it */
};

/*
 * Failures by chance begin, and end: around what is tested, not its set-up.  No
 * vCPU runs.  Of a configuration with from_boot they never end.
 */
void fail_start(struct machine *m);
void fail_stop(struct machine *m);

/* One armed sweep step; lives with its user while armed. */
struct fail_nth {
	u64	nth;		/* which one fails: 1 = next; 0 = none, count only */
	u64	seen;		/* allocations in scope since fail_nth_begin */
	u32	scope;		/* enum fail_scope */
	bool	fired;		/* the nth was reached and failed */
};

/* Arms f for the current execution context (one at a time). */
void fail_nth_begin(struct fail_nth *f, u64 nth, u32 scope);
/* Disarms; true when the failure was delivered.  f->seen stays readable. */
bool fail_nth_end(struct fail_nth *f);

/* Asked once by each allocation that may fail; true = fail it now. */
bool __should_fail_alloc(u32 scope, gfp_t gfp);

static inline NO_TSAN bool should_fail_alloc(u32 scope, gfp_t gfp)
{
	const struct vcpu *cpu = this_cpu();

	if (likely(!cpu->exec->fail && !(cpu->machine->fail_prob > 0)))
		return false;
	return __should_fail_alloc(scope, gfp);
}

#endif /* MMSTORM_PHYS_FAIL_H */
