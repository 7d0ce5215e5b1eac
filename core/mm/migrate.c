/* SPDX-License-Identifier: MIT */
/*
 * Migration of anonymous pages.
 *
 *	lock src -> unmap: entries become migration entries, TLBs flushed
 *	-> nobody else holds a reference? -> copy -> remap to dst -> unlock
 *
 * Owns nothing.  Holds both page locks (src, then the new dst) over the whole
 * and a reference on the anon_vma, because an unmapped page does not keep it.
 * A fault that meets a migration entry sleeps on src's page lock.
 *
 * Must never copy while a mapping, a TLB entry or another holder of a reference
 * could still write.
 */

#include <errno.h>

#include "base/bug.h"
#include "mm/memory.h"
#include "mm/migrate.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/zoo.h"

/* Passes over a page that others hold a passing reference on (migrate_pages). */
#define NR_MAX_MIGRATE_PASS	10

/* Contents and what a page says of itself; both locked, src unmapped. */
static void migrate_copy(struct page *dst, struct page *src)
{
	/*
	 * Plain stores: nobody may write src any more, and a store through a
	 * translation that survived the flush is a race that TSan sees.
	 */
	copy_page(dst, src);
	dst->index = src->index;
	smp_store_release(&dst->mapping, src->mapping);
	SetPageSwapBacked(dst);
	if (PageDirty(src))
		SetPageDirty(dst);
	if (PageReferenced(src))
		SetPageReferenced(dst);
	SetPageUptodate(dst);
}

/* @src locked, @dst new and locked, its anon_vma referenced. */
static int unmap_and_move(struct page *dst, struct page *src)
{
	/* mremap may be about to move the entry, to where the walks have been already. */
	rmap_window(page_anon_vma(src), src->index);
	try_to_migrate(src);
	sched_window(WIN_MIGRATION_ENTRY_WAIT, src->pfn, 0);
	if (page_mapped(src)) {
		/* An entry was in another hand's window: leave it all. */
		remove_migration_ptes(src, src);
		return -EAGAIN;
	}
	/*
	 * One reference is left, our caller's: whoever has another one (a COW
	 * fault about to copy, a waiter) may be about to use the old frame.
	 * After this look none can be had: no entry leads here.  Acquire: what
	 * those did who had one before comes before the copy.
	 */
	if (atomic_read_acquire(&src->_refcount) != 1) {
		remove_migration_ptes(src, src);
		return -EAGAIN;
	}
	migrate_copy(dst, src);
	remove_migration_ptes(src, dst);
	return 0;
}

int migrate_page(struct page *page)
{
	struct anon_vma *anon_vma;
	struct page *dst;
	int err = -EBUSY;

	dst = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!dst)
		return -ENOMEM;
	lock_page(page);
	/* Only now stable: mapped, anonymous, and by which anon_vma. */
	anon_vma = PageAnon(page) ? page_get_anon_vma(page) : NULL;
	if (anon_vma) {
		bool keep = !zoo(ZOO_MIGRATE_ANON_VMA_FREED);

		if (!trylock_page(dst))
			MM_BUG();
		/* Unmapped it keeps none: the way back leads through this one. */
		if (!keep)
			put_anon_vma(anon_vma);
		err = unmap_and_move(dst, page);
		unlock_page(dst);
		if (keep)
			put_anon_vma(anon_vma);
	}
	/* Wakes the faults that wait on the entries. */
	unlock_page(page);
	trace_event(EV_MIGRATE_PAGE, page_to_pfn(page), page_to_pfn(dst),
		    (u64)(s64)err);
	/* Mappings hold their own references. */
	put_page(dst);
	count_vm_event(err ? PGMIGRATE_FAIL : PGMIGRATE_SUCCESS);
	return err;
}

/* A reference on the page that @addr maps, or why not. */
static int page_for_migration(struct mm_struct *mm, unsigned long addr,
			      struct page **pagep)
{
	struct mm_context *ctx = &mm->context;
	struct vm_area_struct *vma;
	struct page *page = NULL;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;
	int err = -ENOENT;

	mmap_assert_locked(mm);
	vma = vma_lookup(mm, addr);
	if (!vma)
		return -EFAULT;
	pmd = pgtable_pmd(ctx, addr);
	pte = pmd ? pte_offset_map_lock(ctx, pmd, addr, &ptl) : NULL;
	if (!pte)
		return -ENOENT;
	if (pte_present(ptep_get(pte)))
		page = vm_normal_page(vma, addr, ptep_get(pte));
	if (page) {
		err = 0;
		if (!PageAnon(page))
			err = -EBUSY;
		else if (page_mapcount(page) > 1)
			err = -EACCES;
		else
			get_page(page);
	}
	pte_unmap_unlock(pte, ptl);
	*pagep = page;
	return err;
}

int do_move_page(struct mm_struct *mm, unsigned long addr)
{
	int err, pass;

	addr &= ~(PAGE_SIZE - 1);
	for (pass = 0; pass < NR_MAX_MIGRATE_PASS; pass++) {
		struct page *page;

		mmap_read_lock(mm);
		err = page_for_migration(mm, addr, &page);
		mmap_read_unlock(mm);
		if (err)
			return err;
		err = migrate_page(page);
		put_page(page);
		if (err != -EAGAIN)
			break;
	}
	return err;
}

void migration_entry_wait(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	ptep = pte_offset_map_lock(&mm->context, pmd, addr, &ptl);
	if (!ptep)
		return;
	pte = ptep_get(ptep);
	if (is_swap_pte(pte) && is_migration_entry(pte_to_swp_entry(pte))) {
		page = pfn_swap_entry_to_page(pte_to_swp_entry(pte));
		/*
		 * While the entry stands under our PTL the migrator cannot get
		 * past it, and its reference keeps the page: ours is safe.
		 */
		get_page(page);
		window_hit(WIN_MIGRATION_ENTRY_WAIT);
	}
	pte_unmap_unlock(ptep, ptl);
	if (!page)
		return;
	wait_on_page_locked(page);
	put_page(page);
}
