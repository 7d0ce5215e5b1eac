/* SPDX-License-Identifier: MIT */
/* What the tests of pgtable/ share: booted page tables, and a map-on-demand fault handler. */
#ifndef TESTS_PGTABLE_RIG_H
#define TESTS_PGTABLE_RIG_H

#include <errno.h>

#include "hw/access.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/pgtable.h"
#include "pgtable/swapops.h"
#include "phys_rig.h"
#include "trace/counters.h"

static inline struct machine *pg_rig_create(unsigned int nr_cpus, enum run_mode mode,
					    unsigned long nr_frames)
{
	struct machine *m = phys_rig_create(nr_cpus, mode, 64, nr_frames, 1);

	assert_int_equal(pgtable_init(m), 0);
	return m;
}

static inline void pg_rig_destroy(struct machine *m)
{
	rcu_barrier();
	drain_all_pages(m);
	assert_frames(m, 1);	/* the kernel's root */
	pgtable_exit(m);
	phys_rig_destroy(m);
}

/* All vCPUs give up what they have loaded; machine quiet, caller bound to 0. */
static inline void pg_rig_unload(struct machine *m)
{
	for (unsigned int i = m->nr_cpus; i-- > 0;) {
		machine_bind_host(m, i);
		leave_mm();
	}
}

static inline u64 vm_event(struct machine *m, enum vm_event_item item)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		sum += READ_ONCE(m->cpus[i]->vm_events[item]);
	return sum;
}

/* Maps a new zeroed page at va unless something is there.  0 or -ENOMEM. */
static inline int pg_rig_map(struct mm_context *ctx, unsigned long va, pgprot_t prot)
{
	pmd_t *pmd = pgtable_pmd_alloc(ctx, va);
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte;

	if (!pmd)
		return -ENOMEM;
	page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	do {
		if (pte_alloc(ctx, pmd)) {
			put_page(page);
			return -ENOMEM;
		}
		pte = pte_offset_map_lock(ctx, pmd, va, &ptl);
	} while (!pte);	/* the table went away again */
	if (pte_none(ptep_get(pte))) {
		set_pte_at(ctx, va, pte, mk_pte(page, prot));
		page = NULL;
	}
	pte_unmap_unlock(pte, ptl);
	if (page)
		put_page(page);
	return 0;
}

/* The vector of these tests: whatever is not mapped gets a page. */
static inline int pg_rig_fault(unsigned long va, unsigned int err, struct fault_info *fi)
{
	struct mm_context *ctx = current_loaded_ctx();
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	if (!(err & X86_PF_PROT))
		return pg_rig_map(ctx, va & PAGE_MASK, PAGE_SHARED) ? -EFAULT : 0;
	/* Write-protected for a while: its protector holds the lock meanwhile. */
	pmd = pgtable_pmd(ctx, va);
	pte = pmd ? pte_offset_map_lock(ctx, pmd, va, &ptl) : NULL;
	if (pte)
		pte_unmap_unlock(pte, ptl);
	return 0;
}

/* Clears [start, end) through a gather, as zap_pte_range() does; true: tables too. */
static inline void pg_rig_zap(struct mm_context *ctx, unsigned long start, unsigned long end,
			      bool reclaim)
{
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, ctx);
	for (unsigned long addr = start, next; addr < end; addr = next) {
		pmd_t *pmd = pgtable_next_pmd(ctx, &addr, end);
		spinlock_t *ptl;
		pte_t *first, *pte;

		if (!pmd)
			break;
		next = pmd_addr_end(addr, end);
		first = pte = pte_offset_map_lock(ctx, pmd, addr, &ptl);
		if (!pte)
			continue;
		for (unsigned long a = addr; a < next; a += PAGE_SIZE, pte++) {
			pte_t old = ptep_get(pte);

			if (pte_none(old))
				continue;
			old = ptep_get_and_clear(pte);
			tlb_remove_tlb_entry(&tlb, a);
			if (__tlb_remove_page(&tlb, pte_page(old), false)) {
				pte_unmap_unlock(first, ptl);
				tlb_flush_mmu(&tlb);
				first = pte_offset_map_lock(ctx, pmd, addr, &ptl);
				if (!first)
					break;
				pte = first + ((a - addr) >> PAGE_SHIFT);
			}
		}
		if (first)
			pte_unmap_unlock(first, ptl);
		if (reclaim)
			try_to_free_pte(ctx, pmd, addr, &tlb);
	}
	tlb_finish_mmu(&tlb);
}

/* Everything goes: as exit_mmap() does it. */
static inline void pg_rig_exit(struct mm_context *ctx)
{
	struct mmu_gather tlb;

	pg_rig_zap(ctx, 0, 1UL << 47, false);
	tlb_gather_mmu_fullmm(&tlb, ctx);
	free_pgd_range(&tlb, 0, (1UL << 47) - PAGE_SIZE, 0, 0);
	tlb_finish_mmu(&tlb);
	assert_int_equal(mm_pgtables_bytes(ctx), 0);
}

#endif
