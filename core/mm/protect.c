/* SPDX-License-Identifier: MIT */
/*
 * mprotect's pass over the entries: each present one gets the VMA's new
 * protection, and those that a TLB may hold with other rights are gathered for
 * the flush, which the caller does before it returns to anyone.
 *
 * Locks: mmap_lock for writing and the VMA write-locked; each table's PTL.
 */

#include "base/bug.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/rmap.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "pgtable/window.h"
#include "sync/windows.h"
#include "zoo/zoo.h"

/*
 * x86's pte_needs_flush: a TLB may have held the old entry, and rights differ in
 * either direction, or the entry is gone.  A stale entry with fewer rights
 * would only fault once more, but the kernel flushes it all the same.
 */
static bool pte_needs_flush(pte_t old, pte_t new)
{
	const u64 rights = _PAGE_RW | _PAGE_USER | _PAGE_NX;

	if (!pte_accessible(old))
		return false;
	if (!pte_accessible(new) || pte_pfn(old) != pte_pfn(new))
		return true;
	if (pte_dirty(old) && !pte_dirty(new))
		return true;
	return (pte_val(old) ^ pte_val(new)) & rights;
}

bool can_change_pte_writable(struct vm_area_struct *vma, unsigned long addr,
			     pte_t pte)
{
	struct page *page;

	if (!(vma->vm_flags & VM_WRITE) || pte_protnone(pte))
		return false;
	/* Shared: vm_page_prot carries W, there is nobody to notify. */
	if (vma->vm_flags & VM_SHARED)
		return pte_dirty(pte);
	/* Private: only what needs no copy. */
	page = vm_normal_page(vma, addr, pte);
	return page && PageAnon(page) && PageAnonExclusive(page);
}

static void change_present_pte(struct mmu_gather *tlb,
			       struct vm_area_struct *vma, pte_t *pte,
			       unsigned long addr)
{
	pte_t old, new;

	/* None in between: an A or D set by the MMU cannot be overwritten. */
	old = zoo(ZOO_PROTECT_LOST_DIRTY) ? ptep_get(pte) : ptep_modify_prot_start(pte);
	/* Whoever comes here now finds none, and waits for the lock. */
	mm_window(WIN_SPURIOUS_FAULT, tlb->ctx, addr);
	new = pte_modify(old, vma->vm_page_prot);
	/* Saves the fault that would find the page exclusive. */
	if (!(vma->vm_flags & VM_SHARED) && !pte_write(new) &&
	    can_change_pte_writable(vma, addr, new))
		new = pte_mkwrite(new);
	ptep_modify_prot_commit(pte, new);
	if (pte_needs_flush(old, new))
		tlb_flush_pte_range(tlb, addr, PAGE_SIZE);
}

/* True when the entry changed. */
static bool change_nonpresent_pte(struct mm_context *ctx, pte_t *pte,
				  pte_t old, unsigned long addr)
{
	swp_entry_t entry = pte_to_swp_entry(old), changed;

	if (!is_writable_migration_entry(entry))
		return false;
	window_hit(WIN_MIGRATION_ENTRY_PROTECTED);
	/*
	 * The page comes back without W; a write then faults, and the fault
	 * finds it exclusive if W is allowed again.
	 */
	changed = make_readable_exclusive_migration_entry(swp_offset_pfn(entry));
	if (is_migration_entry_young(entry))
		changed = make_migration_entry_young(changed);
	if (is_migration_entry_dirty(entry))
		changed = make_migration_entry_dirty(changed);
	set_pte_at(ctx, addr, pte, swp_entry_to_pte(changed));
	return true;
}

/* Pages changed in one table. */
static long change_pte_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			     pmd_t *pmd, unsigned long addr, unsigned long end)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	pte_t *start_pte, *pte;
	spinlock_t *ptl;
	long pages = 0;

	start_pte = pte = pte_offset_map_lock(ctx, pmd, addr, &ptl);
	if (!pte)
		return 0;
	for (; addr != end; pte++, addr += PAGE_SIZE) {
		pte_t old = ptep_get(pte);

		if (pte_none(old))
			continue;
		if (pte_present(old)) {
			change_present_pte(tlb, vma, pte, addr);
			pages++;
		} else if (change_nonpresent_pte(ctx, pte, old, addr)) {
			pages++;
		}
	}
	pte_unmap_unlock(start_pte, ptl);
	return pages;
}

long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
		       unsigned long start, unsigned long end)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	struct mmu_notifier_range range;
	unsigned long addr = start;
	long pages = 0;
	pmd_t *pmd;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_VMA, ctx, start,
				end);
	mmu_notifier_invalidate_range_start(&range);
	while (addr < end && (pmd = pgtable_next_pmd(ctx, &addr, end))) {
		unsigned long next = pmd_addr_end(addr, end);

		if (!pmd_none(pmdp_get(pmd)))
			pages += change_pte_range(tlb, vma, pmd, addr, next);
		addr = next;
	}
	mmu_notifier_invalidate_range_end(&range);
	return pages;
}
