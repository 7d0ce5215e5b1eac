/* SPDX-License-Identifier: MIT */
/*
 * Taking page tables out of the tree, and moving one.
 *
 * free_pgd_range() runs where nobody else can reach the range (mmap_lock for
 * writing, out of rmap), so clears entries without their locks; reclaim and
 * move run against faults and reverse-map walks, and take both locks.  A table
 * taken out goes to a gather: it must never be freed here, since TLBs and
 * lockless walkers still know it.
 */
#include "hw/machine.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/pgtable.h"
#include "sync/sched.h"
#include "zoo/zoo.h"

static void entry_clear(u64 *entry)
{
	sched_point(SCHED_PTE, entry);
	smp_store_release(entry, 0);
}

/* Unlinks the table that *entry points to, of `level', and gathers it. */
static void unlink_table(struct mmu_gather *tlb, u64 *entry, unsigned int level,
			 unsigned long addr)
{
	struct machine *m = tlb->ctx->machine;
	struct page *table = machine_pfn_to_page(m, x86_entry_pfn(smp_load_acquire(entry)));

	entry_clear(entry);
	if (level == 0)
		pte_free_tlb(tlb, table, addr);
	else if (level == 1)
		pmd_free_tlb(tlb, table, addr);
	else
		upper_free_tlb(tlb, table, addr);
	mm_dec_nr_tables(tlb->ctx, level);
}

/*
 * Does anything between floor and ceiling still need the table that covers
 * [start, end) at an entry of `size' bytes?  (free_pmd_range and family)
 */
static bool span_in_use(unsigned long start, unsigned long end,
			unsigned long floor, unsigned long ceiling,
			unsigned long size)
{
	if (ALIGN_DOWN(start, size) < floor)
		return true;
	if (ceiling) {
		ceiling = ALIGN_DOWN(ceiling, size);
		if (!ceiling)
			return true;
	}
	return end - 1 > ceiling - 1;
}

static unsigned long entry_end(unsigned long addr, unsigned long end,
			       unsigned long size)
{
	unsigned long next = ALIGN_DOWN(addr, size) + size;

	return next - 1 < end - 1 ? next : end;
}

/*
 * Frees what is below the entries of [addr, end) in `table' of `level'; then,
 * if the span of each lower table is unused, that table.
 */
static void free_range(struct mmu_gather *tlb, u64 *table, unsigned int level,
		       unsigned long addr, unsigned long end,
		       unsigned long floor, unsigned long ceiling)
{
	struct machine *m = tlb->ctx->machine;
	unsigned long size = arch_level_size(m->arch, level);
	unsigned long next;

	for (; addr != end; addr = next) {
		u64 *entry = &table[arch_index(m->arch, level, addr)];
		u64 val = smp_load_acquire(entry);

		next = entry_end(addr, end, size);
		if (!x86_entry_present(val) || x86_entry_leaf(val, level))
			continue;
		if (level > 1)
			free_range(tlb, frame_table(m, x86_entry_pfn(val)), level - 1,
				   addr, next, floor, ceiling);
		/*
		 * A PTE table's span was clipped to whole PMDs by the caller.
		 * Taking an upper table flushes from the start of its span.
		 */
		if (level == 1)
			unlink_table(tlb, entry, 0, addr);
		else if (!span_in_use(addr, next, floor, ceiling, size))
			unlink_table(tlb, entry, level - 1, ALIGN_DOWN(addr, size));
	}
}

void free_pgd_range(struct mmu_gather *tlb, unsigned long addr,
		    unsigned long end, unsigned long floor,
		    unsigned long ceiling)
{
	struct mm_context *ctx = tlb->ctx;

	/* Clip to the PMDs that lie wholly between floor and ceiling. */
	addr &= PMD_MASK;
	if (addr < floor) {
		addr += PMD_SIZE;
		if (!addr)
			return;
	}
	if (ceiling) {
		ceiling &= PMD_MASK;
		if (!ceiling)
			return;
	}
	if (end - 1 > ceiling - 1)
		end -= PMD_SIZE;
	if (addr > end - 1)
		return;
	free_range(tlb, ctx->root, ctx->machine->arch->levels - 1, addr, end, floor, ceiling);
}

static bool table_is_empty(const pte_t *start)
{
	for (unsigned int i = 0; i < PTRS_PER_PTE; i++)
		if (!pte_none(ptep_get(start + i)))
			return false;
	return true;
}

bool try_to_free_pte(struct mm_context *ctx, pmd_t *pmd, unsigned long addr,
		     struct mmu_gather *tlb)
{
	spinlock_t *pml, *ptl;
	bool empty = false;
	pmd_t val;
	pte_t *pte;

	sched_window(WIN_PT_GONE, (u64)(unsigned long)pmd, 0);
	pml = pmd_lock(ctx, pmd);
	pte = pte_offset_map_rw_nolock(ctx, pmd, addr & PMD_MASK, &val, &ptl);
	if (!pte) {
		spin_unlock(pml);
		return false;
	}
	/* Who waits for this lock will find the PMD changed (pte_offset_map_lock). */
	spin_lock(ptl);
	if (pmd_same(val, pmdp_get(pmd)) && table_is_empty(pte)) {
		pmd_clear(pmd);
		empty = true;
	}
	pte_unmap_unlock(pte, ptl);
	spin_unlock(pml);
	if (empty) {
		pte_free_tlb(tlb, pmd_page(val), addr & PMD_MASK);
		mm_dec_nr_tables(ctx, 0);
	}
	return empty;
}

/* Both PMD locks, lower address first; they may be one. */
static void lock_two_pmds(spinlock_t *a, spinlock_t *b)
{
	if (a > b) {
		spinlock_t *t = a;

		a = b;
		b = t;
	}
	spin_lock(a);
	if (a != b)
		spin_lock_nested(b, 1);
}

static void unlock_two_pmds(spinlock_t *a, spinlock_t *b)
{
	if (a != b)
		spin_unlock(b);
	spin_unlock(a);
}

bool move_normal_pmd(struct mm_context *ctx, unsigned long old_addr,
		     unsigned long new_addr, pmd_t *old_pmd, pmd_t *new_pmd)
{
	spinlock_t *old_ptl = pmd_lockptr(ctx, old_pmd);
	spinlock_t *new_ptl = pmd_lockptr(ctx, new_pmd);
	bool moved = false;
	pmd_t val;

	lock_two_pmds(old_ptl, new_ptl);
	val = pmdp_get(old_pmd);
	if (pmd_present(val) && !pmd_leaf(val) && pmd_none(pmdp_get(new_pmd))) {
		pmd_clear(old_pmd);
		set_pmd(new_pmd, val);
		/*
		 * Before anyone can take pages away through the new address:
		 * their flush would not cover the old one.
		 */
		if (!zoo(ZOO_MREMAP_FLUSH_LATE))
			flush_tlb_range(ctx, old_addr, old_addr + PMD_SIZE);
		moved = true;
	}
	unlock_two_pmds(old_ptl, new_ptl);
	return moved;
}

/* ---- a walk of everything ------------------------------------------------------ */

static void visit_table(struct mm_context *ctx, const struct pgtable_visit *v,
			u64 *table, unsigned int level, unsigned long base)
{
	const struct arch *arch = ctx->machine->arch;

	if (v->table)
		v->table(v->arg, pgtable_page_of(table), level + 1, base);
	for (unsigned int i = 0; i < PTRS_PER_TABLE; i++) {
		unsigned long addr = base + i * arch_level_size(arch, level);
		u64 val = smp_load_acquire(&table[i]);

		if (!val)
			continue;
		if (!level) {
			if (v->pte)
				v->pte(v->arg, (pte_t *)&table[i], __pte(val), addr);
		} else if (level == 1 && pmd_leaf(__pmd(val))) {
			if (v->pmd)
				v->pmd(v->arg, (pmd_t *)&table[i], __pmd(val), addr);
		} else if (x86_entry_present(val)) {
			visit_table(ctx, v, frame_table(ctx->machine, x86_entry_pfn(val)),
				    level - 1, addr);
		}
	}
}

void pgtable_visit(struct mm_context *ctx, const struct pgtable_visit *v)
{
	visit_table(ctx, v, ctx->root, ctx->machine->arch->levels - 1, 0);
}
