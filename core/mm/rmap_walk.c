/* SPDX-License-Identifier: MIT */
/*
 * Walking reverse mapping, and its two users that rewrite entries: migration's
 * unmap (try_to_migrate) and remap (remove_migration_ptes).
 *
 * Locks: the page's, held by the caller over the whole; then anon_vma's for
 * reading; then the PTL of each entry.  No mmap_lock: the VMAs seen may be in
 * the middle of mprotect or munmap, so everything taken from a VMA is either
 * protected by the anon_vma's rwsem (its place in the tree, vm_start, vm_pgoff)
 * or read once under the PTL (vm_page_prot).
 *
 * Must never trust an entry read without its PTL, or a VMA's bounds without the
 * rwsem.
 */

#include <errno.h>

#include "base/bug.h"
#include "mm/interval_tree.h"
#include "mm/memory.h"
#include "mm/rmap.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/tlbflush.h"
#include "pgtable/walk.h"
#include "sync/sched.h"

unsigned long vma_address(struct vm_area_struct *vma, unsigned long pgoff)
{
	unsigned long address;

	if (pgoff < vma->vm_pgoff)
		return -EFAULT;
	address = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
	if (address < vma->vm_start || address >= vma->vm_end)
		return -EFAULT;
	return address;
}

unsigned long page_address_in_vma(struct page *page,
				  struct vm_area_struct *vma)
{
	if (PageAnon(page) && !vma->anon_vma)
		return -EFAULT;
	return vma_address(vma, page->index);
}

/* Does this entry map the page, or (PVMW_MIGRATION) wait for it? */
static bool check_pte(const struct page_vma_mapped_walk *pvmw, pte_t pte)
{
	swp_entry_t entry;

	if (!(pvmw->flags & PVMW_MIGRATION))
		return pte_present(pte) && !pte_special(pte) &&
		       pte_pfn(pte) == pvmw->pfn;
	if (!is_swap_pte(pte))
		return false;
	entry = pte_to_swp_entry(pte);
	return is_migration_entry(entry) && swp_offset_pfn(entry) == pvmw->pfn;
}

void page_vma_mapped_walk_done(struct page_vma_mapped_walk *pvmw)
{
	if (pvmw->pte)
		pte_unmap_unlock(pvmw->pte, pvmw->ptl);
	pvmw->pte = NULL;
}

bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw)
{
	struct mm_context *ctx = &pvmw->vma->vm_mm->context;
	pmd_t *pmd;
	pte_t *pte;

	/* A page is mapped at most once in a VMA: the second call ends. */
	if (pvmw->pte) {
		page_vma_mapped_walk_done(pvmw);
		return false;
	}
	pmd = pgtable_pmd(ctx, pvmw->address);
	if (!pmd)
		return false;
	if (!(pvmw->flags & PVMW_SYNC)) {
		/* A look without the lock spares it for most VMAs of a family. */
		bool match;

		pte = pte_offset_map(pmd, pvmw->address);
		if (!pte)
			return false;
		match = check_pte(pvmw, ptep_get_lockless(pte));
		pte_unmap(pte);
		if (!match)
			return false;
		sched_window(WIN_RMAP_ENTRY_CHANGED, mm_place(ctx), pvmw->address);
	}
	pvmw->pte = pte_offset_map_lock(ctx, pmd, pvmw->address, &pvmw->ptl);
	if (!pvmw->pte)
		return false;
	/* The entry that counts is the one under the lock. */
	if (check_pte(pvmw, ptep_get(pvmw->pte)))
		return true;
	if (!(pvmw->flags & PVMW_SYNC))
		window_hit(WIN_RMAP_ENTRY_CHANGED);
	page_vma_mapped_walk_done(pvmw);
	return false;
}

/*
 * Migration walks when the page is mapped by nobody (its entries wait), so that says
 * nothing of its anon_vma: the caller holds a reference.
 */
static struct anon_vma *rmap_walk_anon_lock(struct page *page)
{
	struct anon_vma *anon_vma = page_anon_vma(page);

	if (anon_vma)
		anon_vma_lock_read(anon_vma);
	return anon_vma;
}

void rmap_walk_anon(struct page *page, struct rmap_walk_control *rwc)
{
	struct anon_vma *anon_vma;
	struct anon_vma_chain *avc;
	unsigned long pgoff = page->index;
	bool visited = false;

	VM_BUG_ON(!PageLocked(page));
	anon_vma = rmap_walk_anon_lock(page);
	if (!anon_vma)
		return;
	anon_vma_interval_tree_foreach(avc, &anon_vma->rb_root, pgoff, pgoff) {
		unsigned long address = vma_address(avc->vma, pgoff);

		VM_BUG_ON(address == (unsigned long)-EFAULT);
		/*
		 * Between two: an entry may move from this one to the one before
		 * (mremap.c).  The walk that puts entries back is the one that must not
		 * miss it; what the other misses is tried again.
		 */
		if (visited && !page_mapped(page))
			rmap_window(anon_vma, pgoff);
		visited = true;
		if (!rwc->rmap_one(page, avc->vma, address, rwc->arg))
			break;
		if (rwc->done && rwc->done(page))
			break;
	}
	anon_vma_unlock_read(anon_vma);
}

/* ---- migration: unmap ---- */

static swp_entry_t migration_entry_of(pte_t pte, bool exclusive)
{
	unsigned long pfn = pte_pfn(pte);
	swp_entry_t entry;

	if (pte_write(pte))
		entry = make_writable_migration_entry(pfn);
	else if (exclusive)
		entry = make_readable_exclusive_migration_entry(pfn);
	else
		entry = make_readable_migration_entry(pfn);
	if (pte_young(pte))
		entry = make_migration_entry_young(entry);
	if (pte_dirty(pte))
		entry = make_migration_entry_dirty(entry);
	return entry;
}

static bool try_to_migrate_one(struct page *page, struct vm_area_struct *vma,
			       unsigned long address, void *arg)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	struct page_vma_mapped_walk pvmw = {
		.pfn = page_to_pfn(page), .vma = vma, .address = address,
	};
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, ctx, address,
				address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	while (page_vma_mapped_walk(&pvmw)) {
		bool exclusive = PageAnonExclusive(page);
		pte_t pte;

		/*
		 * The entry goes and every TLB forgets it before the page is
		 * copied: a store after the copy would be lost.
		 */
		pte = ptep_clear_flush(ctx, address, pvmw.pte);
		if (pte_dirty(pte))
			SetPageDirty(page);
		/* Exclusiveness waits in the entry: fork may take it away. */
		if (exclusive && page_try_share_anon_rmap(page)) {
			/* Pinned: whoever moves its contents would miss the copy. */
			set_pte_at(ctx, address, pvmw.pte, pte);
			page_vma_mapped_walk_done(&pvmw);
			mmu_notifier_invalidate_range_end(&range);
			return false;
		}
		/* The resident count stays: the entry stands for the page. */
		set_pte_at(ctx, address, pvmw.pte,
			   swp_entry_to_pte(migration_entry_of(pte, exclusive)));
		page_remove_rmap(page);
		put_page(page);
	}
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

static bool page_not_mapped(struct page *page)
{
	return !page_mapped(page);
}

void try_to_migrate(struct page *page)
{
	struct rmap_walk_control rwc = {
		.rmap_one = try_to_migrate_one,
		.done = page_not_mapped,
	};

	rmap_walk_anon(page, &rwc);
}

/* ---- migration: remap ---- */

/* Walks dst's reverse map, which is src's; the entries name @arg, src. */
static bool remove_migration_pte(struct page *dst, struct vm_area_struct *vma,
				 unsigned long address, void *arg)
{
	struct page *src = arg;
	struct mm_context *ctx = &vma->vm_mm->context;
	struct page_vma_mapped_walk pvmw = {
		.pfn = page_to_pfn(src), .vma = vma, .address = address,
		.flags = PVMW_SYNC | PVMW_MIGRATION,
	};

	while (page_vma_mapped_walk(&pvmw)) {
		swp_entry_t entry = pte_to_swp_entry(ptep_get(pvmw.pte));
		int rmap_flags = RMAP_NONE;
		pte_t pte;

		get_page(dst);
		/*
		 * Under the PTL: mprotect writes the protection first and then
		 * comes by under this lock, so that an old one is corrected.
		 */
		pte = mk_pte(dst, __pgprot(READ_ONCE(vma->vm_page_prot.pgprot)));
		if (!is_migration_entry_young(entry))
			pte = pte_mkold(pte);
		if (is_migration_entry_dirty(entry))
			pte = pte_mkdirty(pte);
		if (is_writable_migration_entry(entry))
			pte = pte_mkwrite(pte);
		if (!is_readable_migration_entry(entry))
			rmap_flags |= RMAP_EXCLUSIVE;
		page_add_anon_rmap(dst, vma, address, rmap_flags);
		set_pte_at(ctx, address, pvmw.pte, pte);
	}
	return true;
}

void remove_migration_ptes(struct page *src, struct page *dst)
{
	struct rmap_walk_control rwc = {
		.rmap_one = remove_migration_pte,
		.arg = src,
	};

	/* dst carries src's mapping and index already (or is src). */
	rmap_walk_anon(dst, &rwc);
}
