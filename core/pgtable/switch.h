/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_SWITCH_H
#define MMSTORM_PGTABLE_SWITCH_H

#include "pgtable/context.h"

/*
 * What is loaded on a vCPU: switch_mm, lazy TLB, and the six dynamic tags
 * (arch/x86/mm/tlb.c: cpu_tlbstate).
 */
#define TLB_NR_DYN_ASIDS	6

/* loaded_ctx while CR3 and the rest of this state do not agree. */
#define LOADED_MM_SWITCHING	((struct mm_context *)1UL)

/* What the TLB's entries of one tag are worth. */
struct tlb_slot {
	u64	ctx_id;		/* 0: nothing */
	u64	tlb_gen;	/* flushed up to here */
};

struct tlb_cpu_state {
	/* Owner (or who acts as it) only, interrupts off. */
	u16			loaded_asid;
	u16			next_asid;
	bool			invalidate_other;	/* other slots are stale */
	struct tlb_slot		slots[TLB_NR_DYN_ASIDS];

	/* Written by the owner, read by those who send flushes. */
	struct mm_context	*loaded_ctx __cacheline_aligned;
	u32			is_lazy;
};

/* The PCID of a tag: 0 is not used. */
static inline unsigned int kern_pcid(u16 asid)
{
	return asid + 1u;
}

/*
 * Loads next on this vCPU, flushing what its TLB missed.  prev is what the
 * caller thinks is loaded (checked in debug).  Takes interrupts off itself.
 * The caller keeps next alive as long as it stays loaded, also lazily.
 */
void switch_mm(struct mm_context *prev, struct mm_context *next);
/* The same with interrupts off already. */
void switch_mm_irqs_off(struct mm_context *prev, struct mm_context *next);

/*
 * The vCPU runs nobody of this address space but leaves its root loaded: it
 * is not interrupted for flushes until switch_mm(), except when tables go.
 */
void enter_lazy_tlb(struct mm_context *ctx);
/* Gives up a lazily kept root for the kernel's. */
void leave_mm(void);

/* The context that this vCPU has loaded (never SWITCHING to its owner). */
struct mm_context *current_loaded_ctx(void);

#endif /* MMSTORM_PGTABLE_SWITCH_H */
