/* SPDX-License-Identifier: MIT */
/*
 * Pinning and referencing a task's pages: the slow way, and letting go.
 *
 * Holds mmap_lock for reading, takes each page under its PTL, and faults in what is not
 * there as the access needs it; a fault may let go of mmap_lock, and then the VMA is
 * looked up anew.  Fork holds mmap_lock for writing: here nobody races with it.
 *
 * Must never pin an anonymous page that another process may map as well.
 */

#include "mm/gup.h"

#include <errno.h>

#include "base/bug.h"
#include "base/err.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/memory_int.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "pgtable/walk.h"
#include "sync/sched.h"
#include "trace/counters.h"

/* ---- taking and letting go ---- */

/* Under the PTL that maps it: it has a reference. */
static void try_grab_page(struct page *page, unsigned int flags)
{
	if (!(flags & FOLL_PIN)) {
		get_page(page);
	} else if (!PageZero(page)) {
		atomic_add(GUP_PIN_COUNTING_BIAS, &page->_refcount);
		count_vm_event(NR_FOLL_PIN_ACQUIRED);
	}
}

void gup_put_page(struct page *page, unsigned int flags)
{
	if (!(flags & FOLL_PIN)) {
		put_page(page);
	} else if (!PageZero(page)) {
		count_vm_event(NR_FOLL_PIN_RELEASED);
		put_page_refs(page, GUP_PIN_COUNTING_BIAS);
	}
}

void sanity_check_pinned_pages(struct page **pages, unsigned long npages)
{
	for (; npages; npages--, pages++)
		VM_WARN_ON_ONCE(PageAnon(*pages) && !PageAnonExclusive(*pages));
}

void unpin_user_pages(struct page **pages, unsigned long npages)
{
	sanity_check_pinned_pages(pages, npages);
	for (; npages; npages--, pages++)
		gup_put_page(*pages, FOLL_PIN);
}

void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages, bool make_dirty)
{
	unsigned long i;

	for (i = 0; make_dirty && i < npages; i++) {
		if (PageDirty(pages[i]))
			continue;
		/* Against truncation, which takes the mark away with the page. */
		lock_page(pages[i]);
		SetPageDirty(pages[i]);
		unlock_page(pages[i]);
	}
	unpin_user_pages(pages, npages);
}

bool gup_must_unshare(struct vm_area_struct *vma, unsigned int flags, struct page *page)
{
	/* Who writes has a writable entry, and that page is the process's own. */
	if ((flags & (FOLL_WRITE | FOLL_PIN)) != FOLL_PIN)
		return false;
	if (!PageAnon(page)) {
		/* A short pin need not see what is written later. */
		if (!(flags & FOLL_LONGTERM))
			return false;
		return !vma || is_cow_mapping(vma->vm_flags);
	}
	/* After the acquire of the entry: who took it away has changed that, too. */
	return !PageAnonExclusive(page);
}

/* ---- one page, under mmap_lock ---- */

/* Only shared memory may have a long pin that writes: a file system wants to know. */
static bool writable_file_mapping_allowed(struct vm_area_struct *vma, unsigned int flags)
{
	if (!(flags & FOLL_LONGTERM))
		return true;
	if ((vma->vm_flags & (VM_WRITE | VM_SHARED)) != (VM_WRITE | VM_SHARED))
		return true;
	return !vma->vm_file || inode_is_shmem(file_inode(vma->vm_file));
}

static int check_vma_flags(struct vm_area_struct *vma, unsigned int flags)
{
	if (vma->vm_flags & (VM_IO | VM_PFNMAP))
		return -EFAULT;
	if (!(flags & FOLL_WRITE))
		return vma->vm_flags & VM_READ ? 0 : -EFAULT;
	if (!vma_is_anonymous(vma) && !writable_file_mapping_allowed(vma, flags))
		return -EFAULT;
	return vma->vm_flags & VM_WRITE ? 0 : -EFAULT;
}

/* PTL held.  NULL: a fault must come first; -EMLINK: one that unshares the page. */
static struct page *follow_pte(struct vm_area_struct *vma, unsigned long addr, pte_t pte,
			       unsigned int flags)
{
	struct page *page;

	if (!pte_present(pte) || ((flags & FOLL_WRITE) && !pte_write(pte)))
		return NULL;
	page = vm_normal_page(vma, addr, pte);
	if (!page)
		page = pte_page(pte);	/* the zero page: vm_normal_page() looked */
	if (!pte_write(pte) && gup_must_unshare(vma, flags, page))
		return ERR_PTR(-EMLINK);
	VM_WARN_ON_ONCE((flags & FOLL_PIN) && PageAnon(page) && !PageAnonExclusive(page));
	try_grab_page(page, flags);
	if ((flags & FOLL_WRITE) && !pte_dirty(pte) && !PageDirty(page))
		SetPageDirty(page);
	SetPageReferenced(page);
	return page;
}

static struct page *follow_page_pte(struct vm_area_struct *vma, unsigned long addr,
				    unsigned int flags)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	pmd_t *pmd = pgtable_pmd(ctx, addr);
	struct page *page;
	spinlock_t *ptl;
	pte_t *ptep;

	ptep = pmd ? pte_offset_map_lock(ctx, pmd, addr, &ptl) : NULL;
	if (!ptep)
		return NULL;
	page = follow_pte(vma, addr, ptep_get(ptep), flags);
	pte_unmap_unlock(ptep, ptl);
	return page;
}

/* 0: look again.  -EAGAIN: the same, and mmap_lock is not held any more. */
static int faultin_page(struct vm_area_struct *vma, unsigned long addr, unsigned int flags,
			bool unshare)
{
	unsigned int fault_flags = FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
	vm_fault_t ret;

	if (flags & FOLL_WRITE)
		fault_flags |= FAULT_FLAG_WRITE;
	if (flags & FOLL_TRIED)
		fault_flags |= FAULT_FLAG_TRIED;
	if (unshare)
		fault_flags |= FAULT_FLAG_UNSHARE;
	ret = handle_mm_fault(vma, addr, fault_flags);
	if (ret & (VM_FAULT_COMPLETED | VM_FAULT_RETRY))
		return -EAGAIN;
	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	return ret & VM_FAULT_ERROR ? -EFAULT : 0;
}

/* mmap_lock held for reading; it may have been away when this returns. */
static int get_user_page(struct mm_struct *mm, unsigned long addr, unsigned int flags,
			 struct page **pagep)
{
	struct page *page, *before = ERR_PTR(-EEXIST);
	struct vm_area_struct *vma;
	int err;

	for (;; before = page) {
		vma = vma_lookup(mm, addr);
		err = vma ? check_vma_flags(vma, flags) : -EFAULT;
		if (err)
			return err;
		page = follow_page_pte(vma, addr, flags);
		if (page && PTR_ERR(page) != -EMLINK) {
			*pagep = page;
			return 0;
		}
		/* What the last fault has put right is wrong again. */
		if (page == before)
			window_hit(WIN_GUP_FAULTED_AGAIN);
		err = faultin_page(vma, addr, flags, page);
		sched_window(WIN_GUP_FAULTED_AGAIN, mm_place(&mm->context), addr);
		if (err == -EAGAIN) {
			mmap_read_lock(mm);
			flags |= FOLL_TRIED;
		} else if (err) {
			return err;
		}
	}
}

static long gup_slow(struct mm_struct *mm, unsigned long start, unsigned long nr_pages,
		     unsigned int flags, struct page **pages)
{
	unsigned long i;
	int err = 0;

	mmap_read_lock(mm);
	for (i = 0; i < nr_pages; i++) {
		err = get_user_page(mm, start + (i << PAGE_SHIFT), flags, &pages[i]);
		if (err)
			break;
	}
	mmap_read_unlock(mm);
	return i ? (long)i : err;
}

/* ---- fast, then slow ---- */

static long gup_fast_fallback(unsigned long start, unsigned long nr_pages, unsigned int flags,
			      struct page **pages)
{
	struct mm_struct *mm = current->mm;
	unsigned long len = nr_pages << PAGE_SHIFT, end;
	long nr, ret;

	might_sleep();
	/* Before the first pin: fork asks for it first. */
	if ((flags & FOLL_PIN) && !test_bit(MMF_HAS_PINNED, &mm->flags))
		set_bit(MMF_HAS_PINNED, &mm->flags);
	start &= PAGE_MASK;
	if (__builtin_add_overflow(start, len, &end))
		return -EOVERFLOW;
	if (end > mm->task_size)
		return -EFAULT;
	nr = gup_fast(start, end, flags, pages);
	if (nr == (long)nr_pages)
		return nr;
	ret = gup_slow(mm, start + ((unsigned long)nr << PAGE_SHIFT),
		       nr_pages - (unsigned long)nr, flags, pages + nr);
	if (ret < 0)
		return nr ? nr : ret;
	return nr + ret;
}

long pin_user_pages_fast(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages)
{
	if (gup_flags & ~(unsigned int)(FOLL_WRITE | FOLL_LONGTERM))
		return -EINVAL;
	return gup_fast_fallback(start, nr_pages, gup_flags | FOLL_PIN, pages);
}

long get_user_pages_fast(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages)
{
	/* A time without an end is a pin's. */
	if (gup_flags & ~(unsigned int)FOLL_WRITE)
		return -EINVAL;
	return gup_fast_fallback(start, nr_pages, gup_flags | FOLL_GET, pages);
}
