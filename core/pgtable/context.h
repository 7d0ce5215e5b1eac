/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_CONTEXT_H
#define MMSTORM_PGTABLE_CONTEXT_H

#include "base/atomic.h"
#include "base/types.h"
#include "phys/page.h"
#include "hw/cpumask.h"
#include "sync/spinlock.h"
#include "zoo/zoo.h"

struct machine;
struct mmu_notifier;
struct page;

/*
 * The part of a process that page tables and TLBs need; mm_struct embeds it
 * as mm->context.  Here `ctx' stands where the kernel's functions take `mm'.
 */
struct mm_context {
	/* Immutable after mm_context_init(). */
	struct page		*pgd;		/* root table */
	u64			*root;		/* its entries */
	u64			ctx_id;		/* never reused in a machine; 1 = kernel's */
	struct machine		*machine;

	/* Notifiers: RCU list; changed under notifier_lock. */
	struct mmu_notifier	*notifiers;
	spinlock_t		notifier_lock;

	/* Upper levels' entries (above PMD) change under it. */
	spinlock_t		page_table_lock __cacheline_aligned;
	/*
	 * Open gathers and other batched flushes: raised before the first
	 * entry is changed, lowered after the flush (mm_types.h).
	 */
	atomic_t		tlb_flush_pending;
	/* Bytes of PTE, PMD and PUD tables, not the root (VmPTE). */
	atomic_long_t		pgtables_bytes;

	/* Raised by each change that needs a flush (inc_mm_tlb_gen). */
	atomic64_t		tlb_gen __cacheline_aligned;
	/*
	 * vCPUs that may hold translations of a loaded root; set before
	 * tlb_gen is read (switch_mm), cleared when a flush finds the CPU
	 * elsewhere.
	 */
	cpumask_t		cpumask;
};

static inline cpumask_t *mm_cpumask(struct mm_context *ctx)
{
	return &ctx->cpumask;
}

/* A new empty address space of this_machine().  0 or -ENOMEM. */
int mm_context_init(struct mm_context *ctx);
/* The address space as a place of windows (sync/sched.h): what its vCPUs have in CR3. */
static inline u64 mm_place(const struct mm_context *ctx)
{
	return ctx->pgd->pfn;
}

/*
 * Frees the root.  Nobody runs on it and no vCPU has it loaded, lazily or
 * not (mmdrop's guarantee; checked); tables below were freed before.
 */
void mm_context_destroy(struct mm_context *ctx);

/* Bytes of tables, for VmPTE and limits. */
static inline unsigned long mm_pgtables_bytes(const struct mm_context *ctx)
{
	return (unsigned long)atomic_long_read(&ctx->pgtables_bytes);
}

/* The kernel's own address space: what idle and lazy vCPUs fall back to. */
struct mm_context *init_mm_context(struct machine *m);

/* Boot and shutdown of the room: m->pgt, every vCPU's tlbstate, kernel root loaded. */
int pgtable_init(struct machine *m);
void pgtable_exit(struct machine *m);

/* ---- batched flushes under way (include/linux/mm_types.h) ------------------- */

/*
 * Before the PTE lock is taken and the first entry changed; the lock then
 * orders it before the change for everyone who takes the same lock.
 */
static inline void inc_tlb_flush_pending(struct mm_context *ctx)
{
	if (unlikely(zoo(ZOO_FLUSH_PENDING_BOOL)))
		atomic_set(&ctx->tlb_flush_pending, 1);
	else
		atomic_inc(&ctx->tlb_flush_pending);
}

/*
 * After the flush is complete everywhere, if there was one: who finds nothing pending, and so
 * flushes nothing himself, must come after every use of a translation that it has taken.
 * (The kernel's atomic_dec() is relaxed, and relies on the flush to order that.)
 */
static inline void dec_tlb_flush_pending(struct mm_context *ctx, bool flushed)
{
	if (unlikely(zoo(ZOO_FLUSH_PENDING_BOOL)))
		atomic_set(&ctx->tlb_flush_pending, 0);
	else if (flushed)
		(void)atomic_dec_return_release(&ctx->tlb_flush_pending);
	else
		atomic_dec(&ctx->tlb_flush_pending);
}

/* Some change of this mm may not have been flushed yet.  Under the PTE lock. */
static inline bool mm_tlb_flush_pending(struct mm_context *ctx)
{
	return atomic_read_acquire(&ctx->tlb_flush_pending) > 0;
}

/* Beside ours another one is open.  After the PTE lock was taken once. */
static inline bool mm_tlb_flush_nested(struct mm_context *ctx)
{
	return atomic_read_acquire(&ctx->tlb_flush_pending) > 1;
}

#endif /* MMSTORM_PGTABLE_CONTEXT_H */
