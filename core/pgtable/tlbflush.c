/* SPDX-License-Identifier: MIT */
/*
 * The shootdown: who must flush what, and when it is done
 * (arch/x86/mm/tlb.c, 6.18).
 *
 * Owns tlb_gen (raised here only) and, on each vCPU, the tlb_gen of its loaded
 * slot.  No locks; interrupts off in the handler.  The caller changed the
 * entries before it came, and may use or free what they led to when
 * flush_tlb_mm_range() returns.
 *
 * Must never skip a vCPU that could make an architectural access through an
 * old entry, nor, when tables went away, one that could walk them.
 */
#include "hw/ipi.h"
#include "hw/machine.h"
#include "pgtable/notifier.h"
#include "pgtable/pgtable.h"
#include "pgtable/tlbflush.h"
#include "sync/irqflags.h"
#include "pgtable/window.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/zoo.h"

/* ---- on the vCPU that flushes --------------------------------------------------- */

static unsigned long flush_pages(const struct flush_tlb_info *f)
{
	return f->end == TLB_FLUSH_ALL ? TLB_FLUSH_ALL :
	       (f->end - f->start) >> f->stride_shift;
}

/* INVLPG for each step: this flush is all that the slot missed. */
static void flush_partial(struct vcpu *cpu, const struct flush_tlb_info *f,
			  bool local)
{
	tlb_flush_range(&cpu->tlb, cpu->pcid, f->start, f->end, f->stride_shift);
	if (local)
		count_vm_events(NR_TLB_LOCAL_FLUSH_ONE, flush_pages(f));
}

static void flush_full(struct vcpu *cpu, bool local)
{
	tlb_flush_tag(&cpu->tlb, cpu->pcid);
	if (local)
		count_vm_event(NR_TLB_LOCAL_FLUSH_ALL);
}

/*
 * Brings the loaded slot up to the context's tlb_gen: by this flush alone when
 * it is the only one that was missed, else by everything.
 */
static void catch_up(struct vcpu *cpu, struct tlb_slot *slot,
		     struct mm_context *ctx, const struct flush_tlb_info *f,
		     bool local)
{
	u64 local_gen = slot->tlb_gen;
	u64 mm_gen;
	bool only_one;

	if (f->new_tlb_gen != TLB_GENERATION_INVALID && f->new_tlb_gen <= local_gen) {
		window_hit(WIN_FLUSH_OVERTAKEN);
		return;
	}
	mm_gen = (u64)atomic64_read_acquire(&ctx->tlb_gen);
	/* An earlier handler has caught up with this one too. */
	if (local_gen == mm_gen && !zoo(ZOO_FREEBSD_PCID_GEN_AFTER_IPI))
		return;
	sched_point(SCHED_TLB, slot);
	only_one = f->new_tlb_gen == local_gen + 1 && f->new_tlb_gen == mm_gen;
	if (!only_one && f->new_tlb_gen != TLB_GENERATION_INVALID)
		window_hit(WIN_FLUSH_WIDENED);
	if (only_one && f->end != TLB_FLUSH_ALL)
		flush_partial(cpu, f, local);
	else
		flush_full(cpu, local);
	slot->tlb_gen = mm_gen;
}

static void received(struct vcpu *cpu, u64 entries_before)
{
	count_vm_event(NR_TLB_REMOTE_FLUSH_RECEIVED);
	/* It had one of ours: without the interrupt it could have used it. */
	if (cpu->tlb.flushed_entries != entries_before)
		window_hit(WIN_REMOTE_FLUSH);
}

void flush_tlb_func(void *info)
{
	const struct flush_tlb_info *f = info;
	struct vcpu *cpu = this_cpu();
	struct tlb_cpu_state *ts = cpu->tlbstate;
	struct mm_context *loaded = READ_ONCE(ts->loaded_ctx);
	struct mm_context *init = init_mm_context(cpu->machine);
	bool local = cpu->nr == f->initiating_cpu;
	u64 before = cpu->tlb.flushed_entries;

	lockdep_assert(irqs_disabled());
	trace_event(EV_TLB_FLUSH_FUNC, f->start, f->end, f->new_tlb_gen);
	if (f->ctx && f->ctx != loaded) {
		/* Left in the mask when it switched away; no use asking it again. */
		cpumask_clear_cpu(cpu->nr, mm_cpumask(f->ctx));
	} else if (loaded != init) {
		struct tlb_slot *slot = &ts->slots[ts->loaded_asid];

		VM_BUG_ON(slot->ctx_id != loaded->ctx_id);
		if (READ_ONCE(ts->is_lazy)) {
			/* At the end of a task it is its own, and no race. */
			if (!local)
				window_hit(WIN_LAZY_MET_TABLE_FREE);
			/* It walks these tables, if at all, for nothing: let go of them. */
			switch_mm_irqs_off(NULL, init);
		} else {
			catch_up(cpu, slot, loaded, f, local);
		}
	}
	if (!local)
		received(cpu, before);
}

/* ---- on the vCPU that sends ---------------------------------------------------------- */

/*
 * Needs this vCPU the interrupt?  loaded_ctx is read before is_lazy: a switch
 * writes them the other way round.
 */
static bool should_flush_tlb(unsigned int nr, void *info)
{
	const struct flush_tlb_info *f = info;
	struct tlb_cpu_state *ts = this_machine()->cpus[nr]->tlbstate;
	struct mm_context *loaded = smp_load_acquire(&ts->loaded_ctx);

	/* Lazy: flushed when it switches to anyone, before it uses anything. */
	if (smp_load_acquire(&ts->is_lazy)) {
		if (loaded == f->ctx)
			window_hit(WIN_LAZY_SKIPPED);
		return false;
	}
	/* It may have read tlb_gen already, and not loaded the root yet. */
	if (loaded == LOADED_MM_SWITCHING) {
		window_hit(WIN_SWITCH_VS_FLUSH);
		return true;
	}
	if (loaded == f->ctx)
		return true;
	/* Elsewhere: only to have it leave the mask. */
	return f->trim_cpumask;
}

/*
 * The kernel trims a mask once a second; a simulation has no clock that all
 * runs share, so it is every so many flushes of the address space.
 */
#define TRIM_EVERY	16u

static bool should_trim_cpumask(u64 new_tlb_gen)
{
	return new_tlb_gen % TRIM_EVERY == 0;
}

static void flush_tlb_local(struct flush_tlb_info *info)
{
	local_irq_disable();
	flush_tlb_func(info);
	local_irq_enable();
}

static void flush_tlb_multi(const cpumask_t *mask, struct flush_tlb_info *info)
{
	count_vm_event(NR_TLB_REMOTE_FLUSH);
	trace_event(EV_TLB_FLUSH_SEND, info->start, info->end, info->new_tlb_gen);
	/* Lazy vCPUs walk (speculatively) what they have loaded: freed tables too. */
	if (info->freed_tables && !zoo(ZOO_LAZY_TLB_WALKS_FREED_TABLE))
		ipi_call_many(mask, flush_tlb_func, info);
	else
		ipi_call_many_cond(mask, flush_tlb_func, info, should_flush_tlb);
	if (cpumask_test_cpu(info->initiating_cpu, mask))
		flush_tlb_local(info);
}

static void info_init(struct flush_tlb_info *info, struct mm_context *ctx,
		      unsigned long start, unsigned long end,
		      unsigned int stride_shift, bool freed_tables)
{
	if (end != TLB_FLUSH_ALL && (end - start) >> stride_shift > TLB_FLUSH_CEILING) {
		start = 0;
		end = TLB_FLUSH_ALL;
	}
	*info = (struct flush_tlb_info){
		.ctx = ctx,
		.start = start,
		.end = end,
		.stride_shift = (u8)stride_shift,
		.freed_tables = freed_tables,
	};
}

void flush_tlb_mm_range(struct mm_context *ctx, unsigned long start,
			unsigned long end, unsigned int stride_shift,
			bool freed_tables)
{
	struct flush_tlb_info info;
	cpumask_t mask;

	info_init(&info, ctx, start, end, stride_shift, freed_tables);
	/* Entries have changed, TLBs do not know: what protects them now? */
	mm_window(WIN_REMOTE_FLUSH, ctx, start);
	preempt_disable();
	info.initiating_cpu = this_cpu()->nr;
	/* Full barrier; before the mask is read (switch.c has the other side). */
	if (!zoo(ZOO_FREEBSD_PCID_GEN_AFTER_IPI))
		info.new_tlb_gen = inc_mm_tlb_gen(ctx);
	mm_window(WIN_SWITCH_VS_FLUSH, ctx, 1);
	cpumask_copy(&mask, mm_cpumask(ctx));
	if (cpumask_any_other(&mask, info.initiating_cpu)) {
		info.trim_cpumask = should_trim_cpumask(info.new_tlb_gen);
		flush_tlb_multi(&mask, &info);
	} else if (ctx == READ_ONCE(this_tlbstate()->loaded_ctx)) {
		flush_tlb_local(&info);
	}
	mm_window(WIN_SWITCH_VS_FLUSH, ctx, 1);
	if (zoo(ZOO_FREEBSD_PCID_GEN_AFTER_IPI))
		inc_mm_tlb_gen(ctx);
	preempt_enable();
	mmu_notifier_arch_invalidate_secondary_tlbs(ctx, start, end);
}

void flush_tlb_fix_spurious_fault(struct mm_context *ctx, unsigned long addr)
{
	struct vcpu *cpu;
	unsigned long flags;

	local_irq_save(flags);
	cpu = this_cpu();
	if (READ_ONCE(cpu->tlbstate->loaded_ctx) == ctx)
		tlb_flush_one(&cpu->tlb, cpu->pcid, addr);
	local_irq_restore(flags);
}
