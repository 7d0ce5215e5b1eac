/* SPDX-License-Identifier: MIT */
/*
 * switch_mm: which root and tag a vCPU runs on (arch/x86/mm/tlb.c).
 *
 * Owns tlb_cpu_state.  Everything but loaded_ctx and is_lazy is the vCPU's
 * own, touched with interrupts off (or by who acts as it); those two are read
 * by senders of flushes.  No locks: the protocol with them is
 *
 *	switch_mm()				flush_tlb_mm_range()
 *	  loaded_ctx = SWITCHING		  change the entries
 *	  set own bit in mm_cpumask		  raise tlb_gen
 *	  read tlb_gen				  read mm_cpumask, loaded_ctx, is_lazy
 *
 * with a full barrier between the lines on either side: the switch sees the
 * new tlb_gen, or the flush sees the CPU, or both.
 *
 * Must never load a root whose tag is behind without flushing the tag.
 */
#include "hw/mmu.h"
#include "pgtable/pgtable.h"
#include "pgtable/switch.h"
#include "pgtable/window.h"
#include "sync/irqflags.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/zoo.h"

struct new_asid {
	u16	asid;
	bool	need_flush;
};

/* Other tags are behind (kernel mappings changed under them). */
static void clear_asid_other(struct tlb_cpu_state *ts)
{
	for (u16 asid = 0; asid < TLB_NR_DYN_ASIDS; asid++)
		if (asid != ts->loaded_asid)
			ts->slots[asid].ctx_id = 0;
	ts->invalidate_other = false;
}

/* The slot that knows this context, perhaps behind; or the next in turn. */
static struct new_asid choose_new_asid(struct tlb_cpu_state *ts,
				       const struct mm_context *next,
				       u64 next_tlb_gen)
{
	struct new_asid ns;

	if (ts->invalidate_other)
		clear_asid_other(ts);
	for (ns.asid = 0; ns.asid < TLB_NR_DYN_ASIDS; ns.asid++) {
		if (ts->slots[ns.asid].ctx_id != next->ctx_id)
			continue;
		ns.need_flush = ts->slots[ns.asid].tlb_gen < next_tlb_gen;
		if (ns.need_flush)
			window_hit(WIN_TAG_BEHIND);
		return ns;
	}
	ns.asid = ts->next_asid++;
	if (ns.asid >= TLB_NR_DYN_ASIDS) {
		ns.asid = 0;
		ts->next_asid = 1;
	}
	ns.need_flush = true;
	return ns;
}

/* Root and tag become the hardware's; what the tag's entries missed goes first. */
static void load_new_mm_cr3(struct vcpu *cpu, struct tlb_cpu_state *ts,
			    struct mm_context *next, struct new_asid ns,
			    u64 next_tlb_gen)
{
	sched_point(SCHED_TLB, ts);
	if (ns.need_flush) {
		ts->slots[ns.asid].ctx_id = next->ctx_id;
		ts->slots[ns.asid].tlb_gen = next_tlb_gen;
		tlb_flush_tag(&cpu->tlb, kern_pcid(ns.asid));
	}
	ts->loaded_asid = ns.asid;
	mmu_load_cr3(cpu, page_to_pfn(next->pgd), kern_pcid(ns.asid));
	trace_event(EV_SWITCH_MM, next->ctx_id, kern_pcid(ns.asid), next_tlb_gen);
}

/*
 * We are about to need an exact TLB again.  Full barrier: the read of tlb_gen
 * that follows is not older (pairs with should_flush_tlb()).
 */
static bool stop_being_lazy(struct tlb_cpu_state *ts)
{
	if (!READ_ONCE(ts->is_lazy))
		return false;
	xchg(&ts->is_lazy, 0);
	return true;
}

/* From here on flushes of either context are sent to us; full barrier. */
static void mark_switching(struct tlb_cpu_state *ts)
{
	if (!zoo(ZOO_SWITCH_MM_BARRIER_MISSING))
		xchg(&ts->loaded_ctx, LOADED_MM_SWITCHING);
	else
		WRITE_ONCE(ts->loaded_ctx, LOADED_MM_SWITCHING);
}

/*
 * Flushes of this context are sent to us.  Full barrier.  Nobody flushes the
 * kernel's context by its mask.
 */
static void join_cpumask(struct vcpu *cpu, struct mm_context *next)
{
	if (next == init_mm_context(cpu->machine))
		return;
	if (!cpumask_test_cpu(cpu->nr, mm_cpumask(next)))
		cpumask_set_cpu(cpu->nr, mm_cpumask(next));
}

/* Flushes do not see us: until we are in again, this is as if we were not here. */
static void leave_cpumask(struct vcpu *cpu, struct mm_context *ctx)
{
	if (ctx != init_mm_context(cpu->machine))
		cpumask_clear_cpu(cpu->nr, mm_cpumask(ctx));
}

static u64 read_tlb_gen(const struct mm_context *ctx)
{
	return (u64)atomic64_read_acquire(&ctx->tlb_gen);
}

/* The same context again: up to date, unless it was kept lazily meanwhile. */
static void switch_same(struct vcpu *cpu, struct tlb_cpu_state *ts,
			struct mm_context *next, bool was_lazy)
{
	struct new_asid ns = { .asid = ts->loaded_asid, .need_flush = true };
	u64 next_tlb_gen;

	VM_BUG_ON(ts->slots[ns.asid].ctx_id != next->ctx_id);
	(void)VM_WARN_ON_ONCE(next != init_mm_context(cpu->machine) &&
			      !cpumask_test_cpu(cpu->nr, mm_cpumask(next)));
	if (zoo(ZOO_OPENBSD_CPU_BIT_GAP)) {
		leave_cpumask(cpu, next);
		mm_window(WIN_SWITCH_VS_FLUSH, next, 1);
		join_cpumask(cpu, next);
	}
	if (!was_lazy)
		return;
	next_tlb_gen = read_tlb_gen(next);
	if (ts->slots[ns.asid].tlb_gen == next_tlb_gen)
		return;
	window_hit(WIN_LAZY_BEHIND);
	load_new_mm_cr3(cpu, ts, next, ns, next_tlb_gen);
}

/*
 * Step by step, with room between the steps for a flush: each of them is a line of the
 * protocol above.
 */
static void switch_other(struct vcpu *cpu, struct tlb_cpu_state *ts,
			 struct mm_context *next)
{
	struct new_asid ns;
	u64 next_tlb_gen;

	/* The old context's bit stays: a flush that finds us elsewhere clears it. */
	if (zoo(ZOO_OPENBSD_CPU_BIT_GAP))
		leave_cpumask(cpu, READ_ONCE(ts->loaded_ctx));
	if (!zoo(ZOO_SHOULD_FLUSH_WINDOW))
		mark_switching(ts);
	mm_window(WIN_SWITCH_VS_FLUSH, next, 1);
	if (!zoo(ZOO_SWITCH_MM_BARRIER) && !zoo(ZOO_OPENBSD_CPU_BIT_GAP))
		join_cpumask(cpu, next);
	mm_window(WIN_SWITCH_VS_FLUSH, next, 1);
	next_tlb_gen = read_tlb_gen(next);
	ns = choose_new_asid(ts, next, next_tlb_gen);
	mm_window(WIN_SWITCH_VS_FLUSH, next, 1);
	if (zoo(ZOO_SHOULD_FLUSH_WINDOW))
		mark_switching(ts);
	load_new_mm_cr3(cpu, ts, next, ns, next_tlb_gen);
	mm_window(WIN_SWITCH_VS_FLUSH, next, 1);
	if (zoo(ZOO_SWITCH_MM_BARRIER) || zoo(ZOO_OPENBSD_CPU_BIT_GAP))
		join_cpumask(cpu, next);
	smp_store_release(&ts->loaded_ctx, next);
	count_vm_event(MMS_SWITCH_MM);
}

void switch_mm_irqs_off(struct mm_context *prev, struct mm_context *next)
{
	struct vcpu *cpu = this_cpu();
	struct tlb_cpu_state *ts = cpu->tlbstate;
	bool was_lazy;

	lockdep_assert(irqs_disabled());
	VM_BUG_ON(ts->loaded_ctx == LOADED_MM_SWITCHING);
	was_lazy = stop_being_lazy(ts);
	if (READ_ONCE(ts->loaded_ctx) == next)
		switch_same(cpu, ts, next, was_lazy);
	else
		switch_other(cpu, ts, next);
}

void switch_mm(struct mm_context *prev, struct mm_context *next)
{
	unsigned long flags;

	local_irq_save(flags);
	switch_mm_irqs_off(prev, next);
	local_irq_restore(flags);
}

void enter_lazy_tlb(struct mm_context *ctx)
{
	struct tlb_cpu_state *ts;

	preempt_disable();
	ts = this_tlbstate();
	if (READ_ONCE(ts->loaded_ctx) != init_mm_context(this_machine())) {
		/* Release: our last use of the TLB is older than what excuses us. */
		smp_store_release(&ts->is_lazy, 1);
		count_vm_event(MMS_LAZY_TLB);
		trace_event(EV_LAZY_TLB, ctx ? ctx->ctx_id : 0, 0, 0);
	}
	preempt_enable();
}

void leave_mm(void)
{
	switch_mm(NULL, init_mm_context(this_machine()));
}

struct mm_context *current_loaded_ctx(void)
{
	return READ_ONCE(this_tlbstate()->loaded_ctx);
}
