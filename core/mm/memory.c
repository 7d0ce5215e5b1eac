/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what handle_mm_fault does with one address (mm/memory.c).
 *
 * Comes in with the VMA's read lock or mmap_lock held for reading.  Entries are
 * read once without a lock, decided upon, and compared again under the PTL
 * before they are changed; whatever is allocated, copied or locked in between
 * was prepared for an entry that may not be there any more.
 *
 * Must never: sleep with a PTL held; make a page reachable before its contents
 * are complete; change an entry from one page to another without the flush in
 * between.
 *
 * File faults continue in memory_file.c.
 */

#include "base/bug.h"
#include "mm/fault_state.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/migrate.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "pgtable/notifier.h"
#include "pgtable/swapops.h"
#include "pgtable/tlbflush.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/canary.h"
#include "zoo/zoo.h"

/* Looks at entries by atomics, and plainly at the fault's own state. */
#define FAULT_OWN	NO_TSAN

unsigned long my_zero_pfn(void)
{
	return page_to_pfn(this_fault_state()->zero_page);
}

bool is_zero_pfn(unsigned long pfn)
{
	return pfn == my_zero_pfn();
}

struct page *vm_normal_page(struct vm_area_struct *vma, unsigned long addr,
			    pte_t pte)
{
	(void)vma;
	(void)addr;
	if (likely(!pte_special(pte)))
		return pte_page(pte);
	/* Special: a frame without counts.  The zero page is the only one. */
	MM_BUG_ON(!is_zero_pfn(pte_pfn(pte)));
	return NULL;
}

int mm_counter_file(struct page *page)
{
	return PageSwapBacked(page) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

int mm_counter(struct page *page)
{
	return PageAnon(page) ? MM_ANONPAGES : mm_counter_file(page);
}

/* A private mapping that may be written: its pages are copied on write. */
bool is_cow_mapping(vm_flags_t flags)
{
	return (flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* W only where the VMA allows it: mkwrite, unless a debugger forced the write. */
pte_t maybe_mkwrite(pte_t pte, struct vm_area_struct *vma)
{
	return vma_flags(vma) & VM_WRITE ? pte_mkwrite(pte) : pte;
}

/*
 * Under the PTL: is the entry still what the fault was about?  Not so when
 * another CPU resolved the same fault, or zapped, migrated or protected it.
 */
FAULT_OWN bool vmf_pte_changed(struct vm_fault *vmf)
{
	bool changed;

	if (vmf->flags & FAULT_FLAG_ORIG_PTE_VALID)
		changed = !pte_same(ptep_get(vmf->pte), vmf->orig_pte);
	else
		changed = !pte_none(ptep_get(vmf->pte));
	if (changed)
		window_hit(WIN_PTE_CHANGED_UNDER_FAULT);
	return changed;
}

/* The table went away while no lock was held: the access comes back for more. */
static void pt_gone(void)
{
	window_hit(WIN_PT_GONE);
}

/* Locks vmf->pte for its last step; false when there is no table any more. */
FAULT_OWN bool vmf_pte_lock(struct vm_fault *vmf)
{
	vmf->pte = pte_offset_map_lock(&vmf->vma->vm_mm->context, vmf->pmd,
				       vmf->address, &vmf->ptl);
	if (unlikely(!vmf->pte))
		pt_gone();
	return vmf->pte;
}

FAULT_OWN void vmf_pte_unlock(struct vm_fault *vmf)
{
	pte_unmap_unlock(vmf->pte, vmf->ptl);
	vmf->pte = NULL;
}

/*
 * Under the VMA lock, making an anon_vma needs mmap_lock as well, because a
 * neighbour's may be shared.  It ranks above the VMA lock: only try.
 */
static vm_fault_t __vmf_anon_prepare(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	vm_fault_t ret = 0;

	if (likely(vma_anon_vma(vma)))
		return 0;
	if ((vmf->flags & FAULT_FLAG_VMA_LOCK) && !mmap_read_trylock(mm))
		return VM_FAULT_RETRY;
	if (__anon_vma_prepare(vma))
		ret = VM_FAULT_OOM;
	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		mmap_read_unlock(mm);
	return ret;
}

vm_fault_t vmf_anon_prepare(struct vm_fault *vmf)
{
	vm_fault_t ret = __vmf_anon_prepare(vmf);

	if (unlikely(ret & VM_FAULT_RETRY))
		vma_end_read(vmf->vma);
	return ret;
}

/* ---- anonymous memory ---- */

/* A read of memory never written: the shared zero page, counted nowhere. */
static vm_fault_t do_anonymous_zero(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_context *ctx = &vma->vm_mm->context;

	if (!vmf_pte_lock(vmf))
		return 0;
	if (!vmf_pte_changed(vmf)) {
		pte_t entry = pfn_pte(my_zero_pfn(), vma_page_prot(vma));

		set_pte_at(ctx, vmf->address, vmf->pte, pte_mkspecial(entry));
		count_vm_event(MMS_ZERO_PAGE);
	}
	vmf_pte_unlock(vmf);
	return 0;
}

static vm_fault_t do_anonymous_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long address = vmf->address;
	unsigned int flags = vmf->flags;
	vm_flags_t vm_flags = vma_flags(vma);
	struct page *page;
	vm_fault_t ret;
	pte_t entry;

	if (vm_flags & VM_SHARED)
		return VM_FAULT_SIGBUS;
	/* An entry was read: the table was there, and if it goes, vmf_pte_lock() says so. */
	if (!(flags & FAULT_FLAG_ORIG_PTE_VALID) &&
	    pte_alloc(&mm->context, vmf->pmd))
		return VM_FAULT_OOM;
	if (!(flags & FAULT_FLAG_WRITE))
		return do_anonymous_zero(vmf);

	ret = vmf_anon_prepare(vmf);
	if (ret)
		return ret;
	page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	if (!page)
		return VM_FAULT_OOM;
	/* Contents before the flag, the flag before the entry. */
	__SetPageUptodate(page);
	entry = mk_pte(page, vma_page_prot(vma));
	if (vm_flags & VM_WRITE)
		entry = pte_mkwrite(pte_mkdirty(entry));

	vmf_window(vmf, WIN_PTE_CHANGED_UNDER_FAULT);
	if (!vmf_pte_lock(vmf))
		goto release;
	if (vmf_pte_changed(vmf)) {
		vmf_pte_unlock(vmf);
		goto release;
	}
	inc_mm_counter(mm, MM_ANONPAGES);
	page_add_new_anon_rmap(page, vma, address);
	set_pte_at(&mm->context, address, vmf->pte, entry);
	vmf_pte_unlock(vmf);
	return 0;
release:
	put_page(page);
	return 0;
}

/* ---- write to a present, write-protected entry ---- */

/* The page stays, the right comes.  PTL held; released here. */
static void wp_page_reuse(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pte_t entry;

	VM_BUG_ON(vmf->page && PageAnon(vmf->page) &&
		  !PageAnonExclusive(vmf->page));
	entry = pte_mkyoung(vmf->orig_pte);
	entry = maybe_mkwrite(pte_mkdirty(entry), vma);
	/* Rights grow: nobody else needs a flush, a stale entry faults again. */
	ptep_set_access_flags(vmf->pte, entry, true);
	vmf_pte_unlock(vmf);
	count_vm_event(PGREUSE);
}

/*
 * Is this mapping the last user of an anonymous page that fork once shared?
 * The page lock keeps migration and other deciders out; a reference more is a
 * copier, a walker or another mapping: then the page is shared, or may be.
 */
static bool only_reference(const struct page *page)
{
	/* A pin, or a reference of GUP, does not show among the mappings. */
	if (zoo(ZOO_COW_BREAKS_EITHER_WAY))
		return page_mapcount(page) == 1;
	/* Acquire: the last other user's reads come before our write. */
	return atomic_read_acquire(&page->_refcount) == 1;
}

static bool wp_can_reuse_anon_page(struct page *page,
				   struct vm_area_struct *vma)
{
	if (!only_reference(page))
		return false;
	if (!trylock_page(page))
		return false;
	if (!only_reference(page)) {
		unlock_page(page);
		return false;
	}
	/* From now on it is this VMA's own, for rmap too. */
	page_move_anon_rmap(page, vma);
	unlock_page(page);
	return true;
}

/* The new page's contents.  A file page is a source that users may write to. */
static void wp_copy_contents(struct page *dst, struct page *src)
{
	if (!src)
		clear_page(dst);
	else if (PageAnon(src))
		copy_page(dst, src);
	else
		copy_page_atomic(dst, src);
}

/*
 * The entry is still the one the copy was made for: put the new page in.
 * PTL held.
 */
static void wp_page_install(struct vm_fault *vmf, struct page *new,
			    struct page *old)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct mm_context *ctx = &mm->context;
	pte_t entry;

	if (!old || !PageAnon(old)) {
		if (old)
			dec_mm_counter(mm, mm_counter_file(old));
		inc_mm_counter(mm, MM_ANONPAGES);
	}
	entry = mk_pte(new, vma_page_prot(vma));
	if (!(vmf->flags & FAULT_FLAG_UNSHARE))
		entry = maybe_mkwrite(pte_mkdirty(entry), vma);
	/*
	 * Break before make: from the moment one CPU can write the new page,
	 * none may read the old one any more.
	 */
	if (!zoo(ZOO_COW_NEW_PAGE_VISIBLE_BEFORE_FLUSH))
		ptep_clear_flush(ctx, vmf->address, vmf->pte);
	page_add_new_anon_rmap(new, vma, vmf->address);
	set_pte_at(ctx, vmf->address, vmf->pte, entry);
	/*
	 * Not before the entry has left it: at the last unmapping another
	 * process takes the old page for its own and writes to it.
	 */
	if (old)
		page_remove_rmap(old);
	trace_event(EV_COW, vmf->address, old ? page_to_pfn(old) : 0,
		    page_to_pfn(new));
}

/* No locks but the VMA's; vmf->page has a reference of ours. */
static vm_fault_t wp_page_copy(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_context *ctx = &vma->vm_mm->context;
	struct page *old = vmf->page, *new;
	struct mmu_notifier_range range;
	bool copied = false;
	vm_fault_t ret;

	ret = vmf_anon_prepare(vmf);
	if (unlikely(ret))
		goto out_put_old;
	new = alloc_page(GFP_HIGHUSER_MOVABLE);
	if (!new) {
		ret = VM_FAULT_OOM;
		goto out_put_old;
	}
	vmf_window(vmf, WIN_COW_RACE_LOST);
	wp_copy_contents(new, old);
	__SetPageUptodate(new);

	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, ctx, vmf->address,
				vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	vmf_window(vmf, WIN_COW_RACE_LOST);
	/* The lock was dropped: is it still the entry that was copied from? */
	if (vmf_pte_lock(vmf)) {
		copied = pte_same(ptep_get(vmf->pte), vmf->orig_pte);
		if (likely(copied))
			wp_page_install(vmf, new, old);
		else
			window_hit(WIN_COW_RACE_LOST);
		vmf_pte_unlock(vmf);
	}
	/* Left out above, made good too late: others saw both pages. */
	if (zoo(ZOO_COW_NEW_PAGE_VISIBLE_BEFORE_FLUSH) && copied)
		flush_tlb_page(ctx, vmf->address);
	mmu_notifier_invalidate_range_end(&range);

	if (copied) {
		count_vm_event(MMS_COW_COPY);
		/* The reference that the entry held on the old page. */
		if (old)
			put_page(old);
	} else {
		put_page(new);
	}
out_put_old:
	if (old)
		put_page(old);
	return ret;
}

/*
 * PTL held, vmf->pte still vmf->orig_pte; releases it.  A write, or (unshare) somebody
 * who only wants to read the page by its frame and must see what is written later.
 */
static vm_fault_t do_wp_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct page *page;

	page = vm_normal_page(vma, vmf->address, vmf->orig_pte);
	vmf->page = page;
	if (vma_flags(vma) & (VM_SHARED | VM_MAYSHARE))
		return wp_page_shared(vmf, wp_page_reuse);

	if (page && PageAnon(page) &&
	    (PageAnonExclusive(page) || wp_can_reuse_anon_page(page, vma))) {
		if (!PageAnonExclusive(page))
			SetPageAnonExclusive(page);
		if (unlikely(vmf->flags & FAULT_FLAG_UNSHARE)) {
			vmf_pte_unlock(vmf);
			return 0;
		}
		wp_page_reuse(vmf);
		return 0;
	}
	/* A reference across the unlock: the copy reads from this page. */
	if (page)
		get_page(page);
	vmf_pte_unlock(vmf);
	return wp_page_copy(vmf);
}

/* ---- entries that are neither none nor present ---- */

/*
 * do_swap_page's part that exists: migration entries and markers.  (No swap
 * areas: an entry of one is a corrupt table.)
 */
static vm_fault_t do_swap_page(struct vm_fault *vmf)
{
	swp_entry_t entry = pte_to_swp_entry(vmf->orig_pte);

	if (is_migration_entry(entry)) {
		migration_entry_wait(vmf->vma->vm_mm, vmf->pmd, vmf->address);
		return 0;
	}
	if (is_pte_marker_entry(entry)) {
		if (is_guard_swp_entry(entry))
			return VM_FAULT_SIGSEGV;
		return VM_FAULT_SIGBUS;
	}
	MM_BUG();
	return VM_FAULT_SIGBUS;
}

/* ---- the way down ---- */

static vm_fault_t do_pte_missing(struct vm_fault *vmf)
{
	/* [vdso] and [vvar] have no contents here: they read as zero. */
	if (vmf->vma->vm_kind != VMA_FILE)
		return do_anonymous_page(vmf);
	return do_fault(vmf);
}

/* The entry under its lock, and good already: A and D, or nothing at all. */
static void fault_refresh_pte(struct vm_fault *vmf)
{
	struct mm_context *ctx = &vmf->vma->vm_mm->context;
	pte_t entry = vmf->orig_pte;

	if (vmf->flags & FAULT_FLAG_WRITE)
		entry = pte_mkdirty(entry);
	entry = pte_mkyoung(entry);
	if (ptep_set_access_flags(vmf->pte, entry,
				  vmf->flags & FAULT_FLAG_WRITE))
		return;
	/* Another CPU made it good between our walk and now. */
	window_hit(WIN_SPURIOUS_FAULT);
	if (vmf->flags & FAULT_FLAG_TRIED)
		return;
	/* Our own TLB may still hold the entry with fewer rights. */
	if (vmf->flags & FAULT_FLAG_WRITE)
		flush_tlb_fix_spurious_fault(ctx, vmf->address);
}

/* The entry was read once, into orig_pte; present. */
static vm_fault_t handle_pte_present(struct vm_fault *vmf)
{
	spin_lock(vmf->ptl);
	if (unlikely(!pte_same(ptep_get(vmf->pte), vmf->orig_pte))) {
		window_hit(WIN_PTE_CHANGED_UNDER_FAULT);
		vmf_pte_unlock(vmf);
		return 0;
	}
	if ((vmf->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_UNSHARE)) &&
	    !pte_write(vmf->orig_pte))
		return do_wp_page(vmf);
	fault_refresh_pte(vmf);
	vmf_pte_unlock(vmf);
	return 0;
}

static vm_fault_t handle_pte_fault(struct vm_fault *vmf)
{
	struct mm_context *ctx = &vmf->vma->vm_mm->context;
	pmd_t pmdval;

	vmf->pte = NULL;
	if (unlikely(pmd_none(pmdp_get(vmf->pmd)))) {
		vmf->flags &= ~(unsigned int)FAULT_FLAG_ORIG_PTE_VALID;
		return do_pte_missing(vmf);
	}
	/* The RCU section of the map is held until the entry is locked. */
	vmf->pte = pte_offset_map_rw_nolock(ctx, vmf->pmd, vmf->address,
					    &pmdval, &vmf->ptl);
	if (unlikely(!vmf->pte)) {
		pt_gone();
		return 0;
	}
	/* Once: every later decision is about this value; pages are looked at under the PTL. */
	vmf->orig_pte = ptep_get(vmf->pte);
	vmf->flags |= FAULT_FLAG_ORIG_PTE_VALID;
	if (pte_present(vmf->orig_pte)) {
		vmf_window(vmf, WIN_SPURIOUS_FAULT);
		return handle_pte_present(vmf);
	}
	pte_unmap(vmf->pte);
	vmf->pte = NULL;
	if (pte_none(vmf->orig_pte))
		return do_pte_missing(vmf);
	return do_swap_page(vmf);
}

static vm_fault_t __handle_mm_fault(struct vm_area_struct *vma,
				    unsigned long address, unsigned int flags)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = address & ~(PAGE_SIZE - 1),
		.real_address = address,
		.flags = flags,
	};

	vmf.pgoff = ((vmf.address - vma->vm_start) >> PAGE_SHIFT) +
		    vma->vm_pgoff;
	vmf.pmd = pgtable_pmd_alloc(&vma->vm_mm->context, vmf.address);
	if (!vmf.pmd)
		return VM_FAULT_OOM;
	return handle_pte_fault(&vmf);
}

/* sanitize_fault_flags(): only a private mapping has something to unshare. */
static unsigned int sanitize_fault_flags(struct vm_area_struct *vma, unsigned int flags)
{
	if (likely(!(flags & FAULT_FLAG_UNSHARE)))
		return flags;
	VM_BUG_ON(flags & FAULT_FLAG_WRITE);
	return is_cow_mapping(vma_flags(vma)) ? flags :
	       flags & ~(unsigned int)FAULT_FLAG_UNSHARE;
}

vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address,
			   unsigned int flags)
{
	vm_fault_t ret;

	flags = sanitize_fault_flags(vma, flags);
	VM_BUG_ON(address < vma->vm_start || address >= vma->vm_end);
	might_sleep();
	canary(ZOO_CANARY_MM);
	ret = __handle_mm_fault(vma, address, flags);
	/* A retry is the same fault again: counted when it ends. */
	if (!(ret & VM_FAULT_RETRY)) {
		count_vm_event(PGFAULT);
		if (ret & VM_FAULT_MAJOR)
			count_vm_event(PGMAJFAULT);
	}
	return ret;
}
