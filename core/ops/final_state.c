/* SPDX-License-Identifier: MIT */
/*
 * Final states: what can be said of a run without saying how it came about.
 *
 * Owns nothing and changes nothing.  Looks at address spaces and frames when nobody runs,
 * with mmap_lock alone; must never fault anything in, nor let an address of the host into a hash.
 */
#include "ops/final_state.h"

#include "base/compiler.h"
#include "base/prng.h"
#include "hw/machine.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_tree.h"
#include "ops/exec.h"
#include "pgtable/walk.h"
#include "phys/page.h"
#include "phys/page_alloc.h"
#include "trace/counters.h"

static u64 mix_in(u64 hash, u64 word)
{
	return mix64(hash + word + 1);
}

u64 final_answer(const struct op_place *place, const struct mm_op *op,
		 const struct op_result *result)
{
	const u64 words[] = {
		place->k, op->code, result->done, result->failed, (u64)result->ret, result->va,
		result->value, (u64)result->signo, (u64)result->code, result->address,
	};
	u64 hash = place->task;

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		hash = mix_in(hash, words[i]);
	return hash;
}

/* ---- memory ---- */

static u64 contents(const struct ram *ram, unsigned long pfn)
{
	const u64 *word = ram_data(ram, pfn);
	u64 hash = 0;

	for (unsigned int i = 0; i < ram->frame_bytes / sizeof(*word); i++)
		hash = mix_in(hash, raw_load_order(&word[i], __ATOMIC_RELAXED));
	return hash;
}

static u64 page_state(struct machine *m, pte_t pte)
{
	struct page *page = pte_page(pte);
	u64 hash = pte_val(pte) & ~PTE_PFN_MASK;

	hash = mix_in(hash, (u64)page_mapcount(page));
	hash = mix_in(hash, PageAnon(page) ? 1u + PageAnonExclusive(page) : 0);
	return mix_in(hash, contents(&m->ram, pte_pfn(pte)));
}

static u64 vma_state(struct machine *m, struct vm_area_struct *vma)
{
	u64 hash = mix_in(vma->vm_start, vma->vm_end);

	hash = mix_in(hash, vma->vm_flags);
	/* Which file is told by what is in it: its number may be that of who was first. */
	hash = mix_in(hash, vma->vm_file != NULL);
	hash = mix_in(hash, vma->vm_pgoff);
	for (unsigned long va = vma->vm_start; va < vma->vm_end; va += PAGE_SIZE) {
		pte_t *ptep = pgtable_peek_pte(&vma->vm_mm->context, va);
		pte_t pte = ptep ? ptep_get(ptep) : __pte(0);

		if (pte_none(pte))
			continue;
		hash = mix_in(hash, va);
		hash = mix_in(hash, pte_present(pte) ? page_state(m, pte) : 0);
	}
	return hash;
}

u64 final_memory(struct machine *m, struct mm_struct *const *mms, unsigned int nr)
{
	u64 hash = nr;

	for (unsigned int i = 0; i < nr; i++) {
		struct vm_area_struct *vma;
		struct vma_iter it;

		hash = mix_in(hash, i);
		mmap_read_lock(mms[i]);
		for_each_vma(it, mms[i], vma)
			hash = mix_in(hash, vma_state(m, vma));
		mmap_read_unlock(mms[i]);
	}
	return hash;
}

/* ---- counts ---- */

u64 final_counts(struct machine *m)
{
	u64 sum[NR_VM_EVENT_ITEMS] = { 0 };
	u64 hash = nr_free_pages(m);

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		vm_events_add(sum, m->cpus[i]->vm_events);
	for (unsigned int i = 0; i < NR_VM_EVENT_ITEMS; i++)
		hash = mix_in(hash, sum[i]);
	return hash;
}
