/* SPDX-License-Identifier: MIT */
/*
 * Faults on file mappings: read, private write (COW of a cache page), shared
 * write, and fault-around (do_fault and below, mm/memory.c).
 *
 * The cache page comes locked from filemap_fault and stays locked until its
 * entry is in place: truncation, which removes a page under that lock after it
 * has unmapped it, can then not pass between the look at the cache and the
 * entry.  The table is allocated before the page lock is taken.
 */

#include "base/bug.h"
#include "base/err.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/rmap.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "zoo/zoo.h"

/* Pages mapped around a read fault when they are cached (64 KiB). */
#define FAULT_AROUND_PAGES	16UL

/* A table for finish_fault, taken while nothing is locked. */
static vm_fault_t prealloc_pte(struct vm_fault *vmf)
{
	if (!pmd_none(pmdp_get(vmf->pmd)) || vmf->prealloc_pte)
		return 0;
	vmf->prealloc_pte = pte_alloc_one(&vmf->vma->vm_mm->context);
	return vmf->prealloc_pte ? 0 : VM_FAULT_OOM;
}

static vm_fault_t __do_fault(struct vm_fault *vmf)
{
	vm_fault_t ret = prealloc_pte(vmf);

	if (ret)
		return ret;
	return filemap_fault(vmf);
}

/* PTL held, the entry none: map @page. */
static void set_pte_page(struct vm_fault *vmf, struct page *page, bool is_cow)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	pte_t entry = mk_pte(page, vma_page_prot(vma));

	if (vmf->flags & FAULT_FLAG_WRITE)
		entry = maybe_mkwrite(pte_mkdirty(entry), vma);
	if (is_cow)
		page_add_new_anon_rmap(page, vma, vmf->address);
	else
		page_add_file_rmap(page);
	inc_mm_counter(mm, mm_counter(page));
	set_pte_at(&mm->context, vmf->address, vmf->pte, entry);
}

/*
 * The page is ready: install it unless someone was faster.  The entry takes over
 * the reference that the caller has on it, unless an error is returned.
 */
static vm_fault_t finish_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_context *ctx = &vma->vm_mm->context;
	bool is_cow = (vmf->flags & FAULT_FLAG_WRITE) &&
		      !(vma_flags(vma) & VM_SHARED);
	vm_fault_t ret = 0;

	if (pmd_none(pmdp_get(vmf->pmd))) {
		if (vmf->prealloc_pte)
			pmd_install(ctx, vmf->pmd, &vmf->prealloc_pte);
		else if (pte_alloc(ctx, vmf->pmd))
			return VM_FAULT_OOM;
	}
	vmf_window(vmf, WIN_PTE_CHANGED_UNDER_FAULT);
	if (!vmf_pte_lock(vmf))
		return VM_FAULT_NOPAGE;
	if (vmf_pte_changed(vmf))
		ret = VM_FAULT_NOPAGE;
	else
		set_pte_page(vmf, is_cow ? vmf->cow_page : vmf->page, is_cow);
	vmf_pte_unlock(vmf);
	return ret;
}

/* ---- read ---- */

/*
 * Maps what is cached of the aligned window around the address, clipped to the
 * VMA and the table.  VM_FAULT_NOPAGE when the address itself was among it.
 */
static vm_fault_t do_fault_around(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_context *ctx = &vma->vm_mm->context;
	unsigned long pte_off = pte_index(vmf->address);
	unsigned long vma_off = vmf->pgoff - vma->vm_pgoff;
	unsigned long from = pte_off & ~(FAULT_AROUND_PAGES - 1);
	unsigned long low = pte_off - min(pte_off, vma_off);
	unsigned long to;
	vm_fault_t ret;

	from = max(from, low);
	to = min(from + FAULT_AROUND_PAGES, (unsigned long)PTRS_PER_PTE);
	to = min(to, pte_off + vma_pages(vma) - vma_off) - 1;

	ret = prealloc_pte(vmf);
	if (ret)
		return ret;
	if (pmd_none(pmdp_get(vmf->pmd)) && vmf->prealloc_pte)
		pmd_install(ctx, vmf->pmd, &vmf->prealloc_pte);
	return filemap_map_pages(vmf, vmf->pgoff + from - pte_off,
				 vmf->pgoff + to - pte_off);
}

static vm_fault_t do_read_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	/* First what needs no waiting: pages in the cache and unlocked. */
	ret = do_fault_around(vmf);
	if (ret)
		return ret;
	ret = __do_fault(vmf);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY)))
		return ret;
	/* Locked until it is mapped: truncation either finds it so, or was here before. */
	if (zoo(ZOO_FAULT_VS_TRUNCATE))
		unlock_page(vmf->page);
	ret |= finish_fault(vmf);
	if (!zoo(ZOO_FAULT_VS_TRUNCATE))
		unlock_page(vmf->page);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY)))
		put_page(vmf->page);
	return ret;
}

/* ---- private write ---- */

static vm_fault_t do_cow_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	vmf->cow_page = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!vmf->cow_page)
		return VM_FAULT_OOM;
	ret = __do_fault(vmf);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY)))
		goto uncharge_out;
	/* Others may write to the source through shared mappings: atomically. */
	copy_page_atomic(vmf->cow_page, vmf->page);
	__SetPageUptodate(vmf->cow_page);
	/* Still locked: a page that truncation has taken is not copied from. */
	ret |= finish_fault(vmf);
	unlock_page(vmf->page);
	put_page(vmf->page);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY)))
		goto uncharge_out;
	count_vm_event(MMS_COW_COPY);
	return ret;
uncharge_out:
	put_page(vmf->cow_page);
	return ret;
}

/* ---- shared write ---- */

static vm_fault_t do_shared_fault(struct vm_fault *vmf)
{
	vm_fault_t ret;

	ret = __do_fault(vmf);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY)))
		return ret;
	ret |= finish_fault(vmf);
	if (unlikely(ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE |
			    VM_FAULT_RETRY))) {
		unlock_page(vmf->page);
		put_page(vmf->page);
		return ret;
	}
	/* fault_dirty_shared_page: still locked, so it cannot be truncated. */
	SetPageDirty(vmf->page);
	unlock_page(vmf->page);
	return ret;
}

vm_fault_t wp_page_shared(struct vm_fault *vmf,
			  void (*reuse)(struct vm_fault *vmf))
{
	struct page *page = vmf->page;

	/* Nothing is mapped shared but cache pages; reuse drops the PTL. */
	MM_BUG_ON(!page);
	get_page(page);
	reuse(vmf);
	SetPageDirty(page);
	put_page(page);
	return 0;
}

vm_fault_t do_fault(struct vm_fault *vmf)
{
	struct mm_context *ctx = &vmf->vma->vm_mm->context;
	vm_fault_t ret;

	if (!(vmf->flags & FAULT_FLAG_WRITE))
		ret = do_read_fault(vmf);
	else if (!(vma_flags(vmf->vma) & VM_SHARED))
		ret = do_cow_fault(vmf);
	else
		ret = do_shared_fault(vmf);
	/* Another's table was there first: ours was never published. */
	if (vmf->prealloc_pte) {
		pte_free(ctx, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
	}
	return ret;
}
