/* SPDX-License-Identifier: MIT */
/*
 * Guard regions (mm/madvise.c: madvise_guard_install, madvise_guard_remove; Linux 6.18): markers
 * in entries where an access is to fail, without a VMA of their own.
 *
 * Works under mmap_lock held for writing and the VMA's write lock: no fault can put a page where
 * a marker is about to stand, so what was mapped is zapped once and for all. (The kernel holds
 * mmap_lock for reading, and starts over when a fault was faster.) Entries change under their
 * table's lock. A marker needs no flush: its entry was not present.
 */
#include "base/bug.h"
#include "mm/memory.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"

static bool is_valid_guard_vma(const struct vm_area_struct *vma, bool allow_locked)
{
	vm_flags_t disallowed = VM_SPECIAL | VM_HUGETLB | (allow_locked ? 0 : VM_LOCKED);

	return !(vma->vm_flags & disallowed);
}

/* One table's part of [addr, end). False: no memory for the table. */
static bool install_markers(struct mm_context *ctx, unsigned long addr, unsigned long end)
{
	pmd_t *pmd = pgtable_pmd_alloc(ctx, addr);
	pte_t *start_pte, *pte;
	spinlock_t *ptl;

	if (!pmd)
		return false;
	start_pte = pte = pte_alloc_map_lock(ctx, pmd, addr, &ptl);
	if (!pte)
		return false;
	for (; addr != end; pte++, addr += PAGE_SIZE) {
		MM_BUG_ON(!pte_none(ptep_get(pte)) && !is_pte_marker(ptep_get(pte)));
		set_pte_at(ctx, addr, pte, make_pte_marker(PTE_MARKER_GUARD));
	}
	pte_unmap_unlock(start_pte, ptl);
	return true;
}

int madvise_guard_install(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct zap_details details = { .even_cows = true };

	if (!is_valid_guard_vma(vma, false))
		return -EINVAL;
	vma_start_write(vma);
	/* Sticky: a VMA that merges with this one has it too. */
	vm_flags_reset(vma, vma->vm_flags | VM_MAYBE_GUARD);
	/* So that fork copies the tables, and the markers in them. */
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	zap_page_range_single(vma, start, end - start, &details);
	while (start < end) {
		unsigned long next = pmd_addr_end(start, end);

		if (!install_markers(&vma->vm_mm->context, start, next))
			return -ENOMEM;
		start = next;
	}
	return 0;
}

static void remove_markers(struct mm_context *ctx, pmd_t *pmd, unsigned long addr,
			   unsigned long end)
{
	pte_t *start_pte, *pte;
	spinlock_t *ptl;

	start_pte = pte = pte_offset_map_lock(ctx, pmd, addr, &ptl);
	if (!pte)
		return;
	for (; addr != end; pte++, addr += PAGE_SIZE) {
		pte_t old = ptep_get(pte);

		if (is_pte_marker(old) && is_guard_swp_entry(pte_to_swp_entry(old)))
			pte_clear(pte);
	}
	pte_unmap_unlock(start_pte, ptl);
}

int madvise_guard_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	pmd_t *pmd;

	/* Nothing is lost by it: locked memory may have it done. */
	if (!is_valid_guard_vma(vma, true))
		return -EINVAL;
	while (start < end && (pmd = pgtable_next_pmd(ctx, &start, end))) {
		unsigned long next = pmd_addr_end(start, end);

		if (!pmd_none(pmdp_get(pmd)))
			remove_markers(ctx, pmd, start, next);
		start = next;
	}
	return 0;
}
