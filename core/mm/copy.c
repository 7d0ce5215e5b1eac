/* SPDX-License-Identifier: MIT */
/*
 * Fork's copy of page tables.
 *
 * What can be faulted in again is not copied: only a VMA with an anon_vma has
 * pages of its own.  A page that both now map loses W in both, and exclusive
 * ownership; the parent's TLBs are flushed once, by dup_mmap, before anyone may
 * run in either.  A pinned page is not shared but copied: the device that moves its
 * contents does so for the parent.
 *
 * Locks: mmap_lock of both for writing; the parent's VMA write-locked, or a
 * fault could make a page exclusive again behind the copy; per table the
 * child's PTL, then the parent's nested in it.
 */

#include <errno.h>

#include "base/bug.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/rmap.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "sync/sched.h"

/* One pair of VMAs on its way. */
struct copy_state {
	struct vm_area_struct *dst_vma;
	struct vm_area_struct *src_vma;
	struct page *prealloc;		/* for the copy of a pinned page; NULL: none */
	long rss[NR_MM_COUNTERS];
};

static bool vma_needs_copy(const struct vm_area_struct *src_vma)
{
	/*
	 * File pages inside a private mapping that has an anon_vma are copied
	 * too: the table is visited anyway.
	 */
	return src_vma->anon_vma;
}

static void copy_nonpresent_pte(struct copy_state *cs, pte_t *dst_pte,
				pte_t *src_pte, pte_t pte, unsigned long addr)
{
	swp_entry_t entry = pte_to_swp_entry(pte);

	if (is_migration_entry(entry)) {
		struct page *page = pfn_swap_entry_to_page(entry);

		window_hit(WIN_MIGRATION_ENTRY_COPIED);
		cs->rss[mm_counter(page)]++;
		/*
		 * Exclusive or writable no more: when migration ends, both get
		 * a page that they share.
		 */
		if (!is_readable_migration_entry(entry) &&
		    is_cow_mapping(cs->src_vma->vm_flags)) {
			swp_entry_t shared =
				make_readable_migration_entry(
					swp_offset_pfn(entry));

			if (is_migration_entry_young(entry))
				shared = make_migration_entry_young(shared);
			if (is_migration_entry_dirty(entry))
				shared = make_migration_entry_dirty(shared);
			pte = swp_entry_to_pte(shared);
			set_pte_at(&cs->src_vma->vm_mm->context, addr, src_pte,
				   pte);
		}
	} else if (!is_pte_marker_entry(entry)) {
		MM_BUG();
	}
	set_pte_at(&cs->dst_vma->vm_mm->context, addr, dst_pte, pte);
}

/*
 * The parent's page may be pinned: it stays the parent's, with all its rights, and the
 * child gets a copy at once.  -EAGAIN: no page for it was taken yet.
 */
static int copy_present_page(struct copy_state *cs, pte_t *dst_pte,
			     struct page *page, unsigned long addr)
{
	struct vm_area_struct *dst_vma = cs->dst_vma;
	struct page *new = cs->prealloc;
	pte_t pte;

	if (!new)
		return -EAGAIN;
	cs->prealloc = NULL;
	/* The device and the parent's threads may be writing to it, and may do so. */
	copy_page_atomic(new, page);
	__SetPageUptodate(new);
	page_add_new_anon_rmap(new, dst_vma, addr);
	cs->rss[MM_ANONPAGES]++;
	pte = maybe_mkwrite(pte_mkdirty(mk_pte(new, dst_vma->vm_page_prot)), dst_vma);
	set_pte_at(&dst_vma->vm_mm->context, addr, dst_pte, pte);
	return 0;
}

/*
 * Two windows, to jitter: first GUP-fast may be let go on that was held before it looked
 * for its page; and then this is held, while that looks.
 */
static void share_window(const struct copy_state *cs, unsigned long addr)
{
	u64 place = mm_place(&cs->src_vma->vm_mm->context);

	sched_window(WIN_GUP_FAST_VS_FORK, place, 0);
	sched_window(WIN_GUP_FAST_RACED, place, addr);
}

/* One more mapping of @page, with its reference.  -EBUSY: pinned, and not shared. */
static int share_page(struct copy_state *cs, struct page *page, unsigned long addr)
{
	bool exclusive = PageAnon(page) && PageAnonExclusive(page);

	get_page(page);
	if (PageAnon(page)) {
		if (page_try_dup_anon_rmap(page, cs->src_vma)) {
			put_page(page);
			return -EBUSY;
		}
		/*
		 * From the look at its pins until W is gone nobody may pin it unseen:
		 * write_protect_seq tells GUP-fast, which holds no lock.
		 */
		if (exclusive)
			share_window(cs, addr);
	} else {
		page_dup_file_rmap(page);
	}
	cs->rss[mm_counter(page)]++;
	return 0;
}

static int copy_present_pte(struct copy_state *cs, pte_t *dst_pte,
			    pte_t *src_pte, pte_t pte, unsigned long addr)
{
	vm_flags_t flags = cs->src_vma->vm_flags;
	struct page *page = vm_normal_page(cs->src_vma, addr, pte);

	if (page && share_page(cs, page, addr))
		return copy_present_page(cs, dst_pte, page, addr);
	if (is_cow_mapping(flags) && pte_write(pte)) {
		/* Atomic: the MMU may be setting A or D in it. */
		ptep_set_wrprotect(src_pte);
		pte = pte_wrprotect(pte);
	}
	if (flags & VM_SHARED)
		pte = pte_mkclean(pte);
	set_pte_at(&cs->dst_vma->vm_mm->context, addr, dst_pte,
		   pte_mkold(pte));
	return 0;
}

/*
 * The entries of [*from, end), which lie in one table; *from moves to the first that
 * was not copied.  -EAGAIN: that one needs cs->prealloc.
 */
static int copy_ptes(struct copy_state *cs, pmd_t *dst_pmd, pmd_t *src_pmd,
		     unsigned long *from, unsigned long end)
{
	struct mm_context *dst_ctx = &cs->dst_vma->vm_mm->context;
	struct mm_context *src_ctx = &cs->src_vma->vm_mm->context;
	pte_t *dst_pte, *src_pte, *dst_start, *src_start;
	spinlock_t *dst_ptl, *src_ptl;
	unsigned long addr = *from;
	int err = 0;

	dst_start = dst_pte = pte_alloc_map_lock(dst_ctx, dst_pmd, addr,
						 &dst_ptl);
	if (!dst_pte)
		return -ENOMEM;
	src_start = src_pte = pte_offset_map_lock_nested(src_ctx, src_pmd,
							 addr, &src_ptl, 1);
	if (!src_pte) {
		pte_unmap_unlock(dst_start, dst_ptl);
		return 0;
	}
	for (; addr != end; dst_pte++, src_pte++, addr += PAGE_SIZE) {
		pte_t pte = ptep_get(src_pte);

		if (pte_none(pte))
			continue;
		if (pte_present(pte))
			err = copy_present_pte(cs, dst_pte, src_pte, pte, addr);
		else
			copy_nonpresent_pte(cs, dst_pte, src_pte, pte, addr);
		if (unlikely(err))
			break;
	}
	pte_unmap_unlock(src_start, src_ptl);
	pte_unmap_unlock(dst_start, dst_ptl);
	*from = addr;
	return err;
}

/* Memory for the copy of a pinned page is taken with no lock but the VMA's. */
static int copy_pte_range(struct copy_state *cs, pmd_t *dst_pmd,
			  pmd_t *src_pmd, unsigned long addr,
			  unsigned long end)
{
	int err;

	while ((err = copy_ptes(cs, dst_pmd, src_pmd, &addr, end)) == -EAGAIN) {
		cs->prealloc = alloc_page(GFP_HIGHUSER_MOVABLE);
		if (!cs->prealloc)
			return -ENOMEM;
	}
	return err;
}

static int copy_pmds(struct copy_state *cs)
{
	struct mm_context *dst_ctx = &cs->dst_vma->vm_mm->context;
	struct mm_context *src_ctx = &cs->src_vma->vm_mm->context;
	unsigned long addr = cs->src_vma->vm_start;
	unsigned long end = cs->src_vma->vm_end;
	pmd_t *src_pmd, *dst_pmd;
	int err;

	while (addr < end && (src_pmd = pgtable_next_pmd(src_ctx, &addr, end))) {
		unsigned long next = pmd_addr_end(addr, end);

		if (!pmd_none(pmdp_get(src_pmd))) {
			dst_pmd = pgtable_pmd_alloc(dst_ctx, addr);
			if (!dst_pmd)
				return -ENOMEM;
			err = copy_pte_range(cs, dst_pmd, src_pmd, addr, next);
			if (err)
				return err;
		}
		addr = next;
	}
	return 0;
}

int copy_page_range(struct vm_area_struct *dst_vma,
		    struct vm_area_struct *src_vma)
{
	struct copy_state cs = { .dst_vma = dst_vma, .src_vma = src_vma };
	struct mm_struct *src_mm = src_vma->vm_mm;
	bool is_cow = is_cow_mapping(src_vma->vm_flags);
	struct mmu_notifier_range range;
	int err, i;

	if (!vma_needs_copy(src_vma))
		return 0;
	if (is_cow) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE,
					&src_mm->context, src_vma->vm_start,
					src_vma->vm_end);
		mmu_notifier_invalidate_range_start(&range);
		/* GUP-fast looks at it: a pin that is taken now may be missed below. */
		raw_write_seqcount_begin(&src_mm->write_protect_seq);
	}
	err = copy_pmds(&cs);
	/* The page that needed it was pinned no more when the locks were back. */
	if (cs.prealloc)
		put_page(cs.prealloc);
	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (cs.rss[i])
			add_mm_counter(dst_vma->vm_mm, i, cs.rss[i]);
	if (is_cow) {
		raw_write_seqcount_end(&src_mm->write_protect_seq);
		mmu_notifier_invalidate_range_end(&range);
	}
	return err;
}
