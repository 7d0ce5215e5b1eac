/* SPDX-License-Identifier: MIT */
/*
 * The read-modify-write changes of page-table entries.
 *
 * Owns nothing; callers hold the entry's lock, which keeps other software out
 * but not the walkers: they set A and D at any moment, so none of these may be
 * a load followed by a store.
 */
#include "pgtable/pte.h"
#include "pgtable/context.h"
#include "pgtable/tlbflush.h"
#include "zoo/zoo.h"

void ptep_set_wrprotect(pte_t *ptep)
{
	u64 old = pte_val(ptep_get(ptep));

	while (!try_cmpxchg(&ptep->pte, &old, pte_val(pte_wrprotect(__pte(old)))))
		;
}

bool ptep_test_and_clear_young(pte_t *ptep)
{
	u64 old = pte_val(ptep_get(ptep));

	while (old & _PAGE_ACCESSED)
		if (try_cmpxchg(&ptep->pte, &old, old & ~_PAGE_ACCESSED))
			return true;
	return false;
}

bool ptep_set_access_flags(pte_t *ptep, pte_t entry, bool dirty)
{
	bool changed = !pte_same(ptep_get(ptep), entry);

	if (changed && dirty)
		set_pte(ptep, entry);
	return changed;
}

pte_t ptep_clear_flush(struct mm_context *ctx, unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get_and_clear(ptep);
	bool flush = pte_accessible(pte);

	/* PROT_NONE may be newer than some TLB: its flush is still under way. */
	if (pte_protnone(pte) && !zoo(ZOO_PROTNONE_NOT_FLUSHED))
		flush = mm_tlb_flush_pending(ctx);
	if (flush)
		flush_tlb_page(ctx, addr);
	return pte;
}
