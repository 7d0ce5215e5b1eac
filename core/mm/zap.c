/* SPDX-License-Identifier: MIT */
/*
 * Unmapping: entries cleared, pages and tables handed to the gather.
 *
 * The law: entry cleared -> TLBs flushed -> page freed.  The gather (mmu_gather)
 * keeps it, as long as nothing here frees by itself.
 *
 * Locks: for unmap_vmas and free_pgtables, mmap_lock for writing, or for
 * reading with the VMAs detached; for zap_page_range_single anything that keeps
 * the VMA in place: mmap_lock, its VMA lock, or i_mmap_rwsem.  So a fault may
 * install entries behind a DONTNEED's back, and another zap may run beside it.
 */

#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/mm.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "sync/sched.h"
#include "zoo/zoo.h"

/* One table's worth of zapping. */
struct zap_state {
	struct mmu_gather *tlb;
	struct vm_area_struct *vma;
	struct zap_details *details;
	long rss[NR_MM_COUNTERS];
	bool force_flush;	/* flush before the PTL is dropped */
	bool full;		/* the gather takes no more pages */
};

/* Truncation of one page, or of cache pages only, passes by the others. */
static bool should_zap_page(const struct zap_details *details,
			    struct page *page)
{
	if (!details)
		return true;
	if (details->single_page && details->single_page != page)
		return false;
	return details->even_cows || details->reclaim_pt || !page ||
	       !PageAnon(page);
}

static void zap_present_pte(struct zap_state *zs, pte_t *pte, pte_t ptent,
			    unsigned long addr)
{
	struct page *page = vm_normal_page(zs->vma, addr, ptent);
	bool anon, delay_rmap = false;

	if (!should_zap_page(zs->details, page))
		return;
	/* What the MMU set until now, D above all, is in what comes back. */
	ptent = ptep_get_and_clear(pte);
	tlb_remove_tlb_entry(zs->tlb, addr);
	if (!page)
		return;
	anon = PageAnon(page);
	zs->rss[anon ? MM_ANONPAGES : mm_counter_file(page)]--;
	if (!anon && pte_dirty(ptent)) {
		SetPageDirty(page);
		/*
		 * Other CPUs may write through their TLBs until the flush: the
		 * page must count as mapped, and the PTL be held, until then,
		 * or write-back could take it for clean.
		 */
		delay_rmap = true;
		zs->force_flush = true;
	}
	if (!delay_rmap)
		page_remove_rmap(page);
	if (unlikely(__tlb_remove_page(zs->tlb, page, delay_rmap))) {
		zs->force_flush = true;
		zs->full = true;
	}
}

/* Migration entries and markers. */
static void zap_nonpresent_pte(struct zap_state *zs, pte_t *pte, pte_t ptent)
{
	swp_entry_t entry = pte_to_swp_entry(ptent);

	if (is_migration_entry(entry)) {
		struct page *page = pfn_swap_entry_to_page(entry);

		if (!should_zap_page(zs->details, page))
			return;
		window_hit(WIN_MIGRATION_ENTRY_ZAPPED);
		/* Its map count and reference went when it became an entry. */
		zs->rss[mm_counter(page)]--;
	} else if (is_pte_marker_entry(entry)) {
		/* Guards survive DONTNEED; they go with the mapping. */
		if (zs->details)
			return;
	} else {
		MM_BUG();
	}
	pte_clear(pte);
}

static void delayed_rmap(struct page *page, void *arg)
{
	(void)arg;
	page_remove_rmap(page);
}

/* Nobody writes to the pages any more: only then are they mapped no more. */
static void flush_dirty(struct mmu_gather *tlb)
{
	tlb_flush_mmu_tlbonly(tlb);
	tlb_flush_rmaps(tlb, delayed_rmap, NULL);
}

static void add_mm_rss(struct mm_struct *mm, const long *rss)
{
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (rss[i])
			add_mm_counter(mm, i, rss[i]);
}

/*
 * The description of a page that is zapped soon, on its way into the cache.  Of
 * the entry only a hint is wanted: whatever it says, nothing is dereferenced.
 */
#define ZAP_AHEAD	6

static inline void prefetch_page(const struct machine *m, const pte_t *pte)
{
#if !MM_TSAN
	__builtin_prefetch(machine_pfn_to_page(m, pte_pfn(__pte(READ_ONCE(pte->pte)))), 1);
#endif
}

/*
 * One PTE table's part of [addr, end), until the gather is full.  Returns where
 * it stopped.
 */
static unsigned long zap_pte_range(struct mmu_gather *tlb,
				   struct vm_area_struct *vma, pmd_t *pmd,
				   unsigned long addr, unsigned long end,
				   struct zap_details *details)
{
	struct mm_struct *mm = vma->vm_mm;
	struct zap_state zs = { .tlb = tlb, .vma = vma, .details = details };
	pte_t *start_pte, *pte;
	spinlock_t *ptl;

	start_pte = pte = pte_offset_map_lock(&mm->context, pmd, addr, &ptl);
	if (!pte)
		return end;
	for (; addr != end && !zs.full; pte++, addr += PAGE_SIZE) {
		pte_t ptent = ptep_get(pte);

		if (end - addr > ZAP_AHEAD * PAGE_SIZE)
			prefetch_page(mm->context.machine, pte + ZAP_AHEAD);
		if (pte_none(ptent))
			continue;
		if (pte_present(ptent))
			zap_present_pte(&zs, pte, ptent, addr);
		else
			zap_nonpresent_pte(&zs, pte, ptent);
	}
	add_mm_rss(mm, zs.rss);
	/* What must be flushed while the PTL is held. */
	if (zs.force_flush && !zoo(ZOO_ZAP_DIRTY_FLUSH_AFTER_UNLOCK))
		flush_dirty(tlb);
	pte_unmap_unlock(start_pte, ptl);
	if (zs.force_flush && zoo(ZOO_ZAP_DIRTY_FLUSH_AFTER_UNLOCK))
		flush_dirty(tlb);
	/* And the pages, once it is not. */
	if (zs.force_flush)
		tlb_flush_mmu(tlb);
	return addr;
}

static void zap_pmd(struct mmu_gather *tlb, struct vm_area_struct *vma,
		    pmd_t *pmd, unsigned long addr, unsigned long end,
		    struct zap_details *details)
{
	bool whole = addr == (addr & PMD_MASK) && end - addr == PMD_SIZE;
	unsigned long at = addr;

	if (pmd_none(pmdp_get(pmd)))
		return;
	while (at != end)
		at = zap_pte_range(tlb, vma, pmd, at, end, details);
	/* DONTNEED gives the table back if it covered it and emptied it. */
	if (details && details->reclaim_pt && whole)
		try_to_free_pte(&vma->vm_mm->context, pmd, addr, tlb);
}

static void unmap_page_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			     unsigned long addr, unsigned long end,
			     struct zap_details *details)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	pmd_t *pmd;

	while (addr < end && (pmd = pgtable_next_pmd(ctx, &addr, end))) {
		unsigned long next = pmd_addr_end(addr, end);

		zap_pmd(tlb, vma, pmd, addr, next, details);
		addr = next;
	}
}

static void unmap_single_vma(struct mmu_gather *tlb, struct vm_area_struct *vma,
			     unsigned long start, unsigned long end,
			     struct zap_details *details)
{
	start = max(vma->vm_start, start);
	end = min(vma->vm_end, end);
	if (start < end)
		unmap_page_range(tlb, vma, start, end, details);
}

void unmap_vmas(struct mmu_gather *tlb, struct list_head *vmas,
		unsigned long start, unsigned long end)
{
	struct mmu_notifier_range range;
	struct vm_area_struct *vma;

	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, tlb->ctx, start, end);
	mmu_notifier_invalidate_range_start(&range);
	list_for_each_entry(vma, vmas, vm_link)
		unmap_single_vma(tlb, vma, start, end, NULL);
	mmu_notifier_invalidate_range_end(&range);
}

void free_pgtables(struct mmu_gather *tlb, struct list_head *vmas,
		   unsigned long floor, unsigned long ceiling)
{
	struct vm_area_struct *vma, *next;
	unsigned long start = 0, end = 0;

	if (list_empty(vmas))
		return;
	/*
	 * Out of reverse mapping before the tables go: a walk that came in by
	 * rmap has no other reason to stay away from them.
	 */
	list_for_each_entry(vma, vmas, vm_link) {
		unlink_anon_vmas(vma);
		unlink_file_vma(vma);
	}
	list_for_each_entry(vma, vmas, vm_link) {
		if (end == start)
			start = vma->vm_start;
		end = vma->vm_end;
		next = list_is_last(&vma->vm_link, vmas) ?
			NULL : list_next_entry(vma, vm_link);
		/* Neighbours that can share a table are one range. */
		if (next && next->vm_start <= end + PMD_SIZE)
			continue;
		free_pgd_range(tlb, start, end, floor,
			       next ? next->vm_start : ceiling);
		start = end;
	}
}

void unmap_region(struct mm_struct *mm, struct list_head *vmas,
		  struct vm_area_struct *prev, struct vm_area_struct *next)
{
	struct mmu_gather tlb;

	if (list_empty(vmas))
		return;
	tlb_gather_mmu(&tlb, &mm->context);
	unmap_vmas(&tlb, vmas,
		   list_first_entry(vmas, struct vm_area_struct, vm_link)->vm_start,
		   list_last_entry(vmas, struct vm_area_struct, vm_link)->vm_end);
	free_pgtables(&tlb, vmas, prev ? prev->vm_end : 0,
		      next ? next->vm_start : 0);
	tlb_finish_mmu(&tlb);
}

void zap_page_range_single(struct vm_area_struct *vma, unsigned long address,
			   unsigned long size, struct zap_details *details)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	unsigned long end = address + size;
	struct mmu_notifier_range range;
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, ctx);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, ctx, address, end);
	mmu_notifier_invalidate_range_start(&range);
	unmap_single_vma(&tlb, vma, address, end, details);
	/* The flush belongs inside the bracket: the pages are gone after it. */
	tlb_finish_mmu(&tlb);
	mmu_notifier_invalidate_range_end(&range);
}
