/* SPDX-License-Identifier: MIT */
/*
 * mmu_gather: what was unmapped waits here until no TLB can know it.
 *
 * A gather is its caller's alone, no locks.  The order is the whole point and
 * each step is a statement of its own: flush, then pages go; flush (lazy CPUs
 * too), then a grace period, then tables go.
 *
 * Must never free anything before the flush that covers it.
 */
#include "base/bug.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/pgtable.h"
#include "phys/page_alloc.h"
#include "phys/slab.h"
#include "sync/rcu.h"
#include "sync/rcu_age.h"
#include "pgtable/window.h"
#include "zoo/zoo.h"

/* ---- the range ------------------------------------------------------------- */

static void __tlb_reset_range(struct mmu_gather *tlb)
{
	if (tlb->fullmm) {
		tlb->start = tlb->end = ~0UL;
	} else {
		tlb->start = tlb->ctx->machine->arch->task_size;
		tlb->end = 0;
	}
	tlb->freed_tables = false;
	tlb->cleared_ptes = false;
	tlb->cleared_pmds = false;
	tlb->cleared_upper = false;
}

/* tlb_get_unmap_shift(): the smallest step that meets every entry. */
static unsigned int unmap_shift(const struct mmu_gather *tlb)
{
	if (tlb->cleared_ptes)
		return PAGE_SHIFT;
	if (tlb->cleared_pmds)
		return PMD_SHIFT;
	if (tlb->cleared_upper)
		return PUD_SHIFT;
	return PAGE_SHIFT;
}

/* tlb_flush() */
static void flush_range(struct mmu_gather *tlb)
{
	unsigned long start = 0, end = TLB_FLUSH_ALL;

	if (!tlb->fullmm && !tlb->need_flush_all) {
		start = tlb->start;
		end = tlb->end;
	}
	flush_tlb_mm_range(tlb->ctx, start, end, unmap_shift(tlb), tlb->freed_tables);
	tlb->flushed = true;
}

void tlb_flush_mmu_tlbonly(struct mmu_gather *tlb)
{
	/* Nothing present was touched: no TLB can know of it. */
	if (!(tlb->freed_tables || tlb->cleared_ptes || tlb->cleared_pmds ||
	      tlb->cleared_upper))
		return;
	flush_range(tlb);
	__tlb_reset_range(tlb);
}

/* ---- pages -------------------------------------------------------------------- */

static struct page *decode_page(unsigned long encoded)
{
	return (struct page *)(encoded & ~ENCODED_PAGE_BIT_DELAY_RMAP);
}

/* A further batch; without memory the gather just flushes more often. */
static noinline bool tlb_next_batch(struct mmu_gather *tlb)
{
	struct mmu_gather_batch *batch;

	/* Delayed rmaps are found in the batch in use only. */
	if (tlb->delayed_rmap && tlb->active != &tlb->local)
		return false;
	if (tlb->active->next) {
		tlb->active = tlb->active->next;
		return true;
	}
	if (tlb->batch_count == MAX_GATHER_BATCH_COUNT)
		return false;
	batch = kmem_cache_alloc(tlb->ctx->machine->pgt->gather_batch_cachep, GFP_NOWAIT);
	if (!batch)
		return false;
	tlb->batch_count++;
	batch->next = NULL;
	batch->nr = 0;
	batch->max = MAX_GATHER_BATCH;
	batch->encoded_pages = (unsigned long *)(batch + 1);
	tlb->active->next = batch;
	tlb->active = batch;
	return true;
}

GATHER bool __tlb_remove_page(struct mmu_gather *tlb, struct page *page,
			      bool delay_rmap)
{
	struct mmu_gather_batch *batch = tlb->active;

	VM_BUG_ON(!tlb->end && !tlb->fullmm);	/* tlb_remove_tlb_entry() comes first */
	batch->encoded_pages[batch->nr++] = (unsigned long)page |
		(delay_rmap ? ENCODED_PAGE_BIT_DELAY_RMAP : 0);
	tlb->delayed_rmap |= delay_rmap;
	if (likely(batch->nr < batch->max))
		return false;
	return !tlb_next_batch(tlb);
}

void tlb_remove_page(struct mmu_gather *tlb, struct page *page)
{
	if (__tlb_remove_page(tlb, page, false))
		tlb_flush_mmu(tlb);
}

static void flush_rmap_batch(struct mmu_gather_batch *batch,
			     void (*fn)(struct page *page, void *arg), void *arg)
{
	for (unsigned int i = 0; i < batch->nr; i++) {
		if (!(batch->encoded_pages[i] & ENCODED_PAGE_BIT_DELAY_RMAP))
			continue;
		batch->encoded_pages[i] &= ~ENCODED_PAGE_BIT_DELAY_RMAP;
		fn(decode_page(batch->encoded_pages[i]), arg);
	}
}

void tlb_flush_rmaps(struct mmu_gather *tlb,
		     void (*fn)(struct page *page, void *arg), void *arg)
{
	if (!tlb->delayed_rmap)
		return;
	/* No one writes through an old entry any more when the rmap goes. */
	tlb_flush_mmu_tlbonly(tlb);
	flush_rmap_batch(&tlb->local, fn, arg);
	if (tlb->active != &tlb->local)
		flush_rmap_batch(tlb->active, fn, arg);
	tlb->delayed_rmap = false;
}

/* The gather's references go; pages that have no other are free. */
static void tlb_batch_pages_flush(struct mmu_gather *tlb)
{
	for (struct mmu_gather_batch *b = &tlb->local; b && b->nr; b = b->next) {
		for (unsigned int i = 0; i < b->nr; i++) {
			VM_BUG_ON(b->encoded_pages[i] & ENCODED_PAGE_BIT_DELAY_RMAP);
			put_page(decode_page(b->encoded_pages[i]));
		}
		b->nr = 0;
	}
	tlb->active = &tlb->local;
}

static void tlb_batch_list_free(struct mmu_gather *tlb)
{
	struct kmem_cache *cache = tlb->ctx->machine->pgt->gather_batch_cachep;
	struct mmu_gather_batch *batch, *next;

	for (batch = tlb->local.next; batch; batch = next) {
		next = batch->next;
		kmem_cache_free(cache, batch);
	}
	tlb->local.next = NULL;
}

/* ---- tables -------------------------------------------------------------------- */

/* No lockless walker that found these tables is left. */
static void tlb_remove_table_rcu(struct rcu_head *head)
{
	struct page *table = container_of(head, struct page, pt_rcu_head);

	while (table) {
		struct page *next = table->pt_next;

		pgtable_free_table(table);
		table = next;
	}
}

static void tlb_table_flush(struct mmu_gather *tlb)
{
	struct page *first = tlb->tables;

	if (!first)
		return;
	/* Hardware walkers first: no TLB or walk in flight leads here any more. */
	tlb_flush_mmu_tlbonly(tlb);
	tlb->tables = NULL;
	tlb->nr_tables = 0;
	/* Then the software ones. */
	call_rcu(&first->pt_rcu_head, tlb_remove_table_rcu);
}

static void tlb_remove_table(struct mmu_gather *tlb, struct page *table)
{
	VM_BUG_ON(!PageTable(table));
	/* Its entry above is clear: only who walked through that is still there. */
	rcu_age_retire(&table->pt_age, rcu_age_stamp());
	if (zoo(ZOO_TABLE_FREED_BEFORE_FLUSH)) {
		pgtable_free_table(table);
		return;
	}
	table->pt_next = tlb->tables;
	tlb->tables = table;
	if (++tlb->nr_tables >= MAX_TABLE_BATCH)
		tlb_table_flush(tlb);
}

void pte_free_tlb(struct mmu_gather *tlb, struct page *table,
		  unsigned long addr)
{
	tlb_flush_pmd_range(tlb, addr, PAGE_SIZE);
	tlb->freed_tables = true;
	tlb_remove_table(tlb, table);
}

void pmd_free_tlb(struct mmu_gather *tlb, struct page *table,
		  unsigned long addr)
{
	upper_free_tlb(tlb, table, addr);
}

void upper_free_tlb(struct mmu_gather *tlb, struct page *table,
		    unsigned long addr)
{
	__tlb_adjust_range(tlb, addr, PAGE_SIZE);
	tlb->cleared_upper = true;
	tlb->freed_tables = true;
	tlb_remove_table(tlb, table);
}

/* ---- life ------------------------------------------------------------------------ */

void tlb_flush_mmu(struct mmu_gather *tlb)
{
	tlb_flush_mmu_tlbonly(tlb);
	tlb_table_flush(tlb);
	tlb_batch_pages_flush(tlb);
}

static void gather_open(struct mmu_gather *tlb, struct mm_context *ctx,
			bool fullmm)
{
	tlb->ctx = ctx;
	tlb->fullmm = fullmm;
	tlb->need_flush_all = false;
	tlb->flushed = false;
	tlb->delayed_rmap = false;
	tlb->local.next = NULL;
	tlb->local.nr = 0;
	tlb->local.max = MMU_GATHER_BUNDLE;
	tlb->local.encoded_pages = tlb->__pages;
	tlb->active = &tlb->local;
	tlb->batch_count = 0;
	tlb->tables = NULL;
	tlb->nr_tables = 0;
	__tlb_reset_range(tlb);
	inc_tlb_flush_pending(ctx);
}

void tlb_gather_mmu(struct mmu_gather *tlb, struct mm_context *ctx)
{
	gather_open(tlb, ctx, false);
}

void tlb_gather_mmu_fullmm(struct mmu_gather *tlb, struct mm_context *ctx)
{
	gather_open(tlb, ctx, true);
}

/*
 * Another gather is open on this address space.  Entries that we found empty
 * may have been emptied by it, and not flushed yet: our caller must not
 * return before they are.  What the other cleared is unknown here, so all of
 * it is flushed, walk caches included.
 */
static void flush_for_others(struct mmu_gather *tlb)
{
	tlb->fullmm = true;
	__tlb_reset_range(tlb);
	tlb->freed_tables = true;
	window_hit(WIN_TLB_NESTED_FLUSH);
}

void tlb_finish_mmu(struct mmu_gather *tlb)
{
	mm_window(WIN_TLB_NESTED_FLUSH, tlb->ctx, 0);
	if (mm_tlb_flush_nested(tlb->ctx) && !zoo(ZOO_PARALLEL_ZAP_FLUSH_MISS))
		flush_for_others(tlb);
	tlb_flush_mmu(tlb);
	tlb_batch_list_free(tlb);
	dec_tlb_flush_pending(tlb->ctx, tlb->flushed);
}
