/* SPDX-License-Identifier: MIT */
/*
 * Failure injection: decides which allocation fails.
 *
 * Owns the armed sweep of each execution context (exec_context.fail), which
 * only that context touches; draws from the vCPU's generator.  No locks.
 * Must never decide by time or address: a seed repeats its failures.
 */
#include "base/prng.h"
#include "phys/fail.h"
#include "phys/phys_mem.h"
#include "sync/irqflags.h"
#include "trace/counters.h"

void fail_start(struct machine *m)
{
	m->fail_prob = m->config.fail.prob;
}

void fail_stop(struct machine *m)
{
	if (!m->config.fail.from_boot)
		m->fail_prob = 0;
}

void fail_nth_begin(struct fail_nth *f, u64 nth, u32 scope)
{
	struct exec_context *exec = this_cpu()->exec;

	MM_BUG_ON(exec->fail);
	*f = (struct fail_nth){ .nth = nth, .scope = scope ? scope : FAIL_SCOPE_ALL };
	exec->fail = f;
}

bool fail_nth_end(struct fail_nth *f)
{
	struct exec_context *exec = this_cpu()->exec;

	MM_BUG_ON(exec->fail != f);
	exec->fail = NULL;
	return f->fired;
}

static bool fail_this_one(struct fail_nth *f, u32 scope)
{
	if (!(f->scope & scope))
		return false;
	f->seen++;
	if (f->nth && (f->scope & FAIL_SCOPE_FROM ? f->seen >= f->nth : f->seen == f->nth)) {
		f->fired = true;
		return true;
	}
	return false;
}

static bool fail_by_chance(const struct machine *m, u32 scope)
{
	const struct fail_config *cfg = &m->config.fail;
	bool fail;

	if (cfg->scope && !(cfg->scope & scope))
		return false;
	preempt_disable();
	fail = prng_double(&this_cpu()->rng) < m->fail_prob;
	preempt_enable();
	return fail;
}

bool __should_fail_alloc(u32 scope, gfp_t gfp)
{
	struct vcpu *cpu = this_cpu();
	struct fail_nth *f = cpu->exec->fail;
	bool fail = false;

	if (gfp & __GFP_NOFAIL)
		return false;
	if (f)
		fail = fail_this_one(f, scope);
	if (!fail && cpu->machine->fail_prob > 0)
		fail = fail_by_chance(cpu->machine, scope);
	if (fail)
		count_vm_event(MMS_ALLOC_FAIL_INJECTED);
	return fail;
}
