/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_MMU_H
#define MMSTORM_HW_MMU_H

#include "base/types.h"
#include "hw/tlb.h"

/*
 * The page-table walker and the control register that points it at a root.
 *
 * As x86 does: entries are read one level at a time, rights are the
 * conjunction over the levels (NX the disjunction), A is set in every entry
 * used and D in the leaf of a store, each by an atomic compare-and-exchange
 * that starts that entry over when it lost.  A walk begins at the PTE table that
 * the paging-structure cache (hw/tlb.h) names, when it names one, else at the root.
 */

struct vcpu;
struct machine;

enum mmu_access { ACC_READ, ACC_WRITE, ACC_EXEC };

/* Or-ed to an enum mmu_access: not in user mode (copy_from_user and its kind). */
#define ACC_KERNEL	0x100u

/**
 * mmu_load_cr3() - load a page-table root
 * @root_pfn: frame of the top table; its face is the table one
 * @pcid: tag for entries filled from now on, below TLB_TAG_GLOBAL
 *
 * Flushes nothing (bit 63 of CR3 set): the caller flushes what it must.  From then
 * on, and at once, the root is walked speculatively.
 * Calling vCPU only, interrupts off or about to return to user mode.
 */
void mmu_load_cr3(struct vcpu *cpu, unsigned long root_pfn, unsigned int pcid);

/* No root: every walk faults, nothing is speculated. */
void mmu_unload_cr3(struct vcpu *cpu);

/**
 * mmu_walk() - translate @va from the loaded root and fill the TLB
 * @acc: enum mmu_access, perhaps with ACC_KERNEL
 * @entry: set to the filled TLB entry on success
 *
 * Returns 0, or 1 with *@err set to the page-fault error code.  Interrupts
 * must be held off until the entry has been used (cpu->in_access).
 */
int mmu_walk(struct vcpu *cpu, unsigned long va, unsigned int acc, struct tlb_entry **entry,
	     unsigned int *err);

/**
 * mmu_speculate() - fill the TLB with @va's translation if it has one
 *
 * What hardware may do at any time with any address under the loaded root:
 * sets A, never D, faults silently.  Returns true when an entry was filled.
 */
bool mmu_speculate(struct vcpu *cpu, unsigned long va);

/* The same for one of the 16 pages around @va, as prefetching does. */
void mmu_speculate_near(struct vcpu *cpu, unsigned long va);

/**
 * mmu_speculate_idle() - what hardware did while nothing ran here
 *
 * The loaded root is used for speculation also when its CPU runs nobody of it, or
 * halts.  Fills the TLB for some page of a cached walk under the loaded tag, if there
 * is one.  Nothing on a machine that does not speculate.
 */
void mmu_speculate_idle(struct vcpu *cpu);

/* The error code's bits that come from the access alone. */
static inline unsigned int mmu_error_bits(unsigned int acc)
{
	unsigned int err = acc & ACC_KERNEL ? 0 : 0x04u;

	if ((acc & ~ACC_KERNEL) == ACC_WRITE)
		err |= 0x02u;
	if ((acc & ~ACC_KERNEL) == ACC_EXEC)
		err |= 0x10u;
	return err;
}

#endif /* MMSTORM_HW_MMU_H */
