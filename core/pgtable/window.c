/* SPDX-License-Identifier: MIT */
/*
 * Windows of address spaces, and who could be met there.
 *
 * Owns nothing.  Looks at other vCPUs without a lock: what it finds is a hint to the
 * jitter and may be wrong by the time it is used.  Must never order anything.
 */
#include "pgtable/window.h"

#include "hw/machine.h"
#include "hw/vcpu.h"
#include "pgtable/pgtable.h"
#include "pgtable/switch.h"

#if MM_POINTS
static bool runs_in(const struct vcpu *cpu, const struct mm_context *ctx)
{
	const struct tlb_cpu_state *ts = cpu->tlbstate;

	return RAW_READ_ONCE(ts->loaded_ctx) == ctx && !RAW_READ_ONCE(ts->is_lazy);
}

static bool in_company(const struct mm_context *ctx)
{
	const struct machine *m = this_machine();
	unsigned int self = this_cpu()->nr, nr;

	for (nr = 0; nr < m->nr_cpus; nr++)
		if (nr != self && runs_in(m->cpus[nr], ctx))
			return true;
	return false;
}

void mm_window(enum window_id id, const struct mm_context *ctx, u64 key)
{
	bool company = !sched_window_counts() || in_company(ctx);

	sched_window_with(id, mm_place(ctx), key, company);
}
#endif
