/* SPDX-License-Identifier: MIT */
/*
 * mremap's move of page-table entries from one address to another.
 *
 * A moved page is reachable at its new address by anyone who takes the new PTL
 * or walks rmap, while TLBs may still translate the old address to it.  So the
 * old range is flushed before either PTL is dropped: whoever then unmaps and
 * frees the page at its new address can be sure that nobody reaches it by the
 * old one.
 *
 * Locks: mmap_lock for writing and both VMAs write-locked by the caller; per
 * table the old PTL, then the new one.  Reverse-map locks where a walk could
 * meet the two VMAs in the wrong order (@need_rmap_locks), and always when a
 * whole table moves, which takes no PTL.
 */

#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/rmap.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/tlbflush.h"
#include "pgtable/walk.h"
#include "sync/sched.h"
#include "zoo/zoo.h"

/* One move; addresses advance. */
struct move_state {
	struct vm_area_struct *vma;
	struct vm_area_struct *new_vma;
	struct mm_context *ctx;
	unsigned long old_addr;
	unsigned long new_addr;
	unsigned long old_end;
	bool need_rmap_locks;
};

static void take_rmap_locks(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		i_mmap_lock_write(vma->vm_file->f_mapping);
	if (vma->anon_vma)
		anon_vma_lock_write(vma->anon_vma);
}

static void drop_rmap_locks(struct vm_area_struct *vma)
{
	if (vma->anon_vma)
		anon_vma_unlock_write(vma->anon_vma);
	if (vma->vm_file)
		i_mmap_unlock_write(vma->vm_file->f_mapping);
}

/*
 * Moves the entries under both PTLs.  True when one of them may be in a TLB.
 */
static bool move_entries(struct move_state *ms, pte_t *old_pte, pte_t *new_pte,
			 unsigned long extent)
{
	unsigned long off;
	bool flush = false;

	for (off = 0; off < extent; off += PAGE_SIZE, old_pte++, new_pte++) {
		pte_t pte;

		VM_WARN_ON_ONCE(!pte_none(ptep_get(new_pte)));
		if (pte_none(ptep_get(old_pte)))
			continue;
		pte = ptep_get_and_clear(old_pte);
		if (pte_present(pte))
			flush = true;
		else if (is_migration_entry(pte_to_swp_entry(pte)))
			window_hit(WIN_MIGRATION_ENTRY_MOVED);
		set_pte_at(ms->ctx, ms->new_addr + off, new_pte, pte);
	}
	return flush;
}

/* One extent inside one table on both sides.  False: a table went away. */
static bool move_ptes(struct move_state *ms, pmd_t *old_pmd, pmd_t *new_pmd,
		      unsigned long extent)
{
	unsigned long old_addr = ms->old_addr;
	spinlock_t *old_ptl, *new_ptl;
	pte_t *old_pte, *new_pte;
	pmd_t pmdval;
	bool flush;

	if (ms->need_rmap_locks)
		take_rmap_locks(ms->vma);
	old_pte = pte_offset_map_lock(ms->ctx, old_pmd, old_addr, &old_ptl);
	if (!old_pte)
		goto gone;
	new_pte = pte_offset_map_rw_nolock(ms->ctx, new_pmd, ms->new_addr,
					   &pmdval, &new_ptl);
	if (!new_pte) {
		pte_unmap_unlock(old_pte, old_ptl);
		goto gone;
	}
	/* mmap_lock for writing: nobody takes these two in the other order. */
	if (new_ptl != old_ptl)
		spin_lock_nested(new_ptl, 1);
	flush = move_entries(ms, old_pte, new_pte, extent);
	/* While both PTLs keep the pages where they are. */
	if (flush && !zoo(ZOO_MREMAP_FLUSH_LATE))
		flush_tlb_range(ms->ctx, old_addr, old_addr + extent);
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	pte_unmap(new_pte);
	pte_unmap_unlock(old_pte, old_ptl);
	if (ms->need_rmap_locks)
		drop_rmap_locks(ms->vma);
	if (zoo(ZOO_MREMAP_FLUSH_LATE) && flush)
		flush_tlb_range(ms->ctx, old_addr, old_addr + extent);
	return true;
gone:
	if (ms->need_rmap_locks)
		drop_rmap_locks(ms->vma);
	return false;
}

/*
 * A whole table, when both sides are aligned to it: its PMD entry moves.  No PTL
 * protects against a walk by rmap, so that is shut out.
 */
static bool move_table(struct move_state *ms, pmd_t *old_pmd, pmd_t *new_pmd)
{
	bool moved, locks = !zoo(ZOO_MOVE_TABLE_NO_RMAP_LOCK);

	if (locks)
		take_rmap_locks(ms->vma);
	moved = move_normal_pmd(ms->ctx, ms->old_addr, ms->new_addr, old_pmd,
				new_pmd);
	/* The flush is in move_normal_pmd, under the PMD locks. */
	if (locks)
		drop_rmap_locks(ms->vma);
	if (zoo(ZOO_MREMAP_FLUSH_LATE) && moved)
		flush_tlb_range(ms->ctx, ms->old_addr, ms->old_addr + PMD_SIZE);
	return moved;
}

/* Bytes from here to the end of either side's table, or of the move. */
static unsigned long get_extent(const struct move_state *ms)
{
	unsigned long extent = ms->old_end - ms->old_addr;
	unsigned long old_room = PMD_SIZE - (ms->old_addr & ~PMD_MASK);
	unsigned long new_room = PMD_SIZE - (ms->new_addr & ~PMD_MASK);

	return min(extent, min(old_room, new_room));
}

/* False: no memory. */
static bool move_extent(struct move_state *ms, unsigned long extent)
{
	pmd_t *old_pmd, *new_pmd;

	old_pmd = pgtable_pmd(ms->ctx, ms->old_addr);
	if (!old_pmd || pmd_none(pmdp_get(old_pmd)))
		return true;
	new_pmd = pgtable_pmd_alloc(ms->ctx, ms->new_addr);
	if (!new_pmd)
		return false;
	if (extent == PMD_SIZE && pmd_none(pmdp_get(new_pmd)) &&
	    move_table(ms, old_pmd, new_pmd))
		return true;
	do {
		if (pmd_none(pmdp_get(old_pmd)))
			return true;
		if (pte_alloc(ms->ctx, new_pmd))
			return false;
		/* A table that went away (the kernel's -EAGAIN): look again. */
	} while (!move_ptes(ms, old_pmd, new_pmd, extent));
	return true;
}

unsigned long move_page_tables(struct vm_area_struct *vma,
			       unsigned long old_addr,
			       struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len,
			       bool need_rmap_locks)
{
	struct move_state ms = {
		.vma = vma,
		.new_vma = new_vma,
		.ctx = &vma->vm_mm->context,
		.old_addr = old_addr,
		.new_addr = new_addr,
		.old_end = old_addr + len,
		.need_rmap_locks = need_rmap_locks,
	};
	struct mmu_notifier_range range;

	if (!len)
		return 0;
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, ms.ctx, old_addr,
				old_addr + len);
	mmu_notifier_invalidate_range_start(&range);
	while (ms.old_addr < ms.old_end) {
		unsigned long extent = get_extent(&ms);

		if (!move_extent(&ms, extent))
			break;
		ms.old_addr += extent;
		ms.new_addr += extent;
	}
	mmu_notifier_invalidate_range_end(&range);
	return ms.old_addr - old_addr;
}
