/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_MMU_GATHER_H
#define MMSTORM_PGTABLE_MMU_GATHER_H

#include "pgtable/context.h"
#include "pgtable/pte.h"
#include "pgtable/tlbflush.h"

/*
 * Batching of unmapped pages and tables until the TLBs are flushed
 * (include/asm-generic/tlb.h, mm/mmu_gather.c).
 *
 * The law: entry cleared -> flush -> page freed; table unlinked -> flush, lazy
 * CPUs included -> grace period -> table freed.
 *
 * A gather belongs to one caller and lives on its stack.  It may sleep in
 * tlb_flush_mmu() and tlb_finish_mmu() only as far as waiting for IPIs: call
 * those without PTE locks where the kernel does (interrupts must be on).
 */

#define MMU_GATHER_BUNDLE	8
/* Pages in a batch that fills one host page, and batches in a gather at most. */
#define MAX_GATHER_BATCH	510
#define MAX_GATHER_BATCH_COUNT	(10000UL / MAX_GATHER_BATCH)
#define MAX_TABLE_BATCH		509

/* Low bit of a gathered page: its rmap is removed after the flush. */
#define ENCODED_PAGE_BIT_DELAY_RMAP	1UL

struct mmu_gather_batch {
	struct mmu_gather_batch	*next;
	unsigned int		nr;
	unsigned int		max;
	unsigned long		*encoded_pages;	/* max of them, behind the batch */
};

struct mmu_gather {
	struct mm_context	*ctx;

	/* What must be flushed: first to last touched address. */
	unsigned long		start;
	unsigned long		end;
	bool			fullmm;		/* the address space dies, or all of it */
	bool			need_flush_all;
	bool			flushed;	/* once at least */
	bool			freed_tables;
	bool			delayed_rmap;
	bool			cleared_ptes;
	bool			cleared_pmds;
	bool			cleared_upper;	/* puds, p4ds */

	/* Pages to free after the flush. */
	unsigned int		batch_count;
	struct mmu_gather_batch	*active;
	struct mmu_gather_batch	local;
	unsigned long		__pages[MMU_GATHER_BUNDLE];

	/* Tables to free after the flush and a grace period. */
	struct page		*tables;
	unsigned int		nr_tables;
};

/* Opens a gather: raises tlb_flush_pending. */
void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_context *ctx);
/* For an address space that nobody runs any more (exit). */
void tlb_gather_mmu_fullmm(struct mmu_gather *tlb, struct mm_context *ctx);
/* Flushes what is left, frees it, lowers tlb_flush_pending. */
void tlb_finish_mmu(struct mmu_gather *tlb);

/* A gather's functions look at the gather: the caller's alone, on its stack. */
#define GATHER	NO_TSAN

/* A present PTE at addr was cleared or lost rights: the range grows. */
static inline GATHER void __tlb_adjust_range(struct mmu_gather *tlb,
				      unsigned long addr, unsigned long size)
{
	if (addr < tlb->start)
		tlb->start = addr;
	if (addr + size > tlb->end)
		tlb->end = addr + size;
}

static inline GATHER void tlb_flush_pte_range(struct mmu_gather *tlb,
				       unsigned long addr, unsigned long size)
{
	__tlb_adjust_range(tlb, addr, size);
	tlb->cleared_ptes = true;
}

static inline GATHER void tlb_flush_pmd_range(struct mmu_gather *tlb,
				       unsigned long addr, unsigned long size)
{
	__tlb_adjust_range(tlb, addr, size);
	tlb->cleared_pmds = true;
}

static inline GATHER void tlb_remove_tlb_entry(struct mmu_gather *tlb,
					unsigned long addr)
{
	tlb_flush_pte_range(tlb, addr, PAGE_SIZE);
}

/*
 * Hands over the mapping's reference of a page.  True: the gather is full, and
 * the caller must tlb_flush_mmu() before the next page (after dropping its PTE
 * lock).  delay_rmap: the caller calls tlb_flush_rmaps() before that unlock.
 */
bool __tlb_remove_page(struct mmu_gather *tlb, struct page *page,
		       bool delay_rmap);
/* The same, flushing by itself when full: not under a PTE lock. */
void tlb_remove_page(struct mmu_gather *tlb, struct page *page);

/*
 * Pages whose rmap waits for the flush: flush first, then fn for each, all
 * before the PTE lock goes (zap of dirty shared pages).
 */
void tlb_flush_rmaps(struct mmu_gather *tlb,
		     void (*fn)(struct page *page, void *arg), void *arg);

/* Flush only; then nothing is owed for what was cleared so far. */
void tlb_flush_mmu_tlbonly(struct mmu_gather *tlb);
/* Flush, then free the pages and retire the tables gathered so far. */
void tlb_flush_mmu(struct mmu_gather *tlb);

/*
 * A table was unlinked at addr (its entry is already clear).  Gathers the
 * page; frees it in the order given above.
 */
void pte_free_tlb(struct mmu_gather *tlb, struct page *table,
		  unsigned long addr);
void pmd_free_tlb(struct mmu_gather *tlb, struct page *table,
		  unsigned long addr);
/* Tables above the PMD level. */
void upper_free_tlb(struct mmu_gather *tlb, struct page *table,
		    unsigned long addr);

#endif /* MMSTORM_PGTABLE_MMU_GATHER_H */
