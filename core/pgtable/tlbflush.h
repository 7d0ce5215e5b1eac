/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_TLBFLUSH_H
#define MMSTORM_PGTABLE_TLBFLUSH_H

#include "pgtable/context.h"
#include "pgtable/pte.h"

/*
 * The flush protocol of arch/x86/mm/tlb.c (6.18).
 *
 * A change to an address space first changes the entry, then raises the
 * context's tlb_gen, then reads its cpumask and interrupts every member that
 * has it loaded and is not lazy (all members when tables were freed), then
 * waits.  A vCPU that comes in meanwhile first sets its bit, then reads
 * tlb_gen.  Each vCPU remembers up to which tlb_gen each of its six tags is
 * flushed, and catches up by one range, or fully.
 *
 * Context: preemption may be on; interrupts on; spinlocks may be held.
 * Returns when no vCPU can use an old translation of the range any more.
 */
#define TLB_FLUSH_ALL		(~0UL)
#define TLB_GENERATION_INVALID	0ULL

/* tlb_single_page_flush_ceiling: more pages than this flush everything. */
#define TLB_FLUSH_CEILING	33UL

struct flush_tlb_info {
	struct mm_context	*ctx;
	unsigned long		start;
	unsigned long		end;		/* TLB_FLUSH_ALL: everything */
	u64			new_tlb_gen;
	unsigned int		initiating_cpu;
	u8			stride_shift;
	bool			freed_tables;
	bool			trim_cpumask;
};

/* [start, end) in steps of 1 << stride_shift; end TLB_FLUSH_ALL: all. */
void flush_tlb_mm_range(struct mm_context *ctx, unsigned long start,
			unsigned long end, unsigned int stride_shift,
			bool freed_tables);

static inline void flush_tlb_mm(struct mm_context *ctx)
{
	flush_tlb_mm_range(ctx, 0, TLB_FLUSH_ALL, 0, true);
}

static inline void flush_tlb_range(struct mm_context *ctx, unsigned long start,
				   unsigned long end)
{
	flush_tlb_mm_range(ctx, start, end, PAGE_SHIFT, false);
}

static inline void flush_tlb_page(struct mm_context *ctx, unsigned long addr)
{
	flush_tlb_mm_range(ctx, addr, addr + PAGE_SIZE, PAGE_SHIFT, false);
}

/*
 * Clears an entry and makes sure no TLB has it: break-before-make.  PTE lock
 * held.  No flush when the old entry could not be in a TLB.
 */
pte_t ptep_clear_flush(struct mm_context *ctx, unsigned long addr, pte_t *ptep);

/*
 * A fault found a good entry: the vCPU used an old translation with fewer
 * rights.  Drops it here, without an IPI (x86: hardware does it on the fault).
 */
void flush_tlb_fix_spurious_fault(struct mm_context *ctx, unsigned long addr);

/* The change is in the tables; whoever reads this value or a later one sees it. */
static inline u64 inc_mm_tlb_gen(struct mm_context *ctx)
{
	return (u64)atomic64_inc_return(&ctx->tlb_gen);
}

/* The IPI's handler: flush_tlb_info in info.  Interrupts off. */
void flush_tlb_func(void *info);

#endif /* MMSTORM_PGTABLE_TLBFLUSH_H */
