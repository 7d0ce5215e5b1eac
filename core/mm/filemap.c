/* SPDX-License-Identifier: MIT */
/*
 * The page cache: finding, adding and removing pages of a file, and the faults
 * and reads that go through it (mm/filemap.c).
 *
 * Owns address_space.i_pages.  A cached page has a reference from the index, its
 * contents are complete when it enters it, and it stays there while it is locked
 * by someone other than truncation.  A lockless lookup takes a reference only if
 * there is one, and then looks whether the page is still where it was found.
 *
 * Locks: page lock > i_mmap > i_pages_lock.  A page is added under
 * invalidate_lock held for reading, so that truncation, which holds it for
 * writing, ends with nothing left behind its back.
 */

#include <errno.h>

#include "base/bug.h"
#include "base/err.h"
#include "mm/filemap.h"
#include "mm/memory_int.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma_lock.h"
#include "pgtable/walk.h"
#include "phys/page_alloc.h"
#include "sync/rcu.h"
#include "sync/sched.h"
#include "trace/counters.h"

/* ---- the index ---- */

struct page *filemap_get_page(struct address_space *mapping,
			      unsigned long index)
{
	struct page *page;

	rcu_read_lock();
	for (;;) {
		page = page_index_load(&mapping->i_pages, index);
		if (!page)
			break;
		/* Free or freezing: it is on its way out, look again. */
		if (!try_get_page(page))
			continue;
		/* The frame may have begun a new life before we held it. */
		if (likely(page_index_load(&mapping->i_pages, index) == page))
			break;
		put_page(page);
	}
	rcu_read_unlock();
	return page;
}

/* Locked @page: is it (still) page @index of @mapping? */
static bool page_is_at(struct page *page, struct address_space *mapping,
		       unsigned long index)
{
	return page_mapping(page) == mapping && page->index == index;
}

struct page *filemap_lock_page(struct address_space *mapping,
			       unsigned long index)
{
	struct page *page;

	for (;;) {
		page = filemap_get_page(mapping, index);
		if (!page)
			return NULL;
		lock_page(page);
		/* Truncated while we slept for the lock? */
		if (likely(page_is_at(page, mapping, index)))
			return page;
		unlock_page(page);
		put_page(page);
	}
}

int filemap_add_page(struct address_space *mapping, struct page *page,
		     unsigned long index)
{
	struct page_index_prealloc pre = { NULL, 0 };
	int err;

	VM_BUG_ON(!PageLocked(page));
	VM_BUG_ON(!PageUptodate(page));
	get_page(page);
	page->index = index;
	smp_store_release(&page->mapping, mapping);
	do {
		err = page_index_prealloc(&mapping->i_pages, index, &pre);
		if (err)
			break;
		spin_lock(&mapping->i_pages_lock);
		err = page_index_insert(&mapping->i_pages, index, page, &pre);
		if (!err)
			mapping->nrpages++;
		spin_unlock(&mapping->i_pages_lock);
	} while (err == -EAGAIN);
	page_index_prealloc_free(&mapping->i_pages, &pre);
	if (err) {
		WRITE_ONCE(page->mapping, NULL);
		put_page(page);
	}
	return err;
}

void filemap_remove_page(struct page *page)
{
	struct address_space *mapping = page_mapping(page);
	struct page *old;

	VM_BUG_ON(!PageLocked(page));
	VM_BUG_ON(page_mapped(page));
	spin_lock(&mapping->i_pages_lock);
	old = page_index_erase(&mapping->i_pages, page->index);
	mapping->nrpages--;
	/* Who waits for the page lock sees that it was truncated. */
	WRITE_ONCE(page->mapping, NULL);
	spin_unlock(&mapping->i_pages_lock);
	MM_BUG_ON(old != page);
	put_page(page);
}

/* A complete page of zeroes, locked; NULL: no memory. */
static struct page *alloc_hole_page(struct address_space *mapping)
{
	struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);

	if (!page)
		return NULL;
	if (inode_is_shmem(mapping->host))
		__SetPageSwapBacked(page);
	__SetPageUptodate(page);
	if (!trylock_page(page))
		MM_BUG();
	return page;
}

struct page *filemap_grab_page(struct address_space *mapping,
			       unsigned long index)
{
	struct page *page;
	int err;

	rwsem_assert_held(&mapping->invalidate_lock);
	for (;;) {
		page = filemap_lock_page(mapping, index);
		if (page)
			return page;
		page = alloc_hole_page(mapping);
		if (!page)
			return ERR_PTR(-ENOMEM);
		sched_window(WIN_CACHE_RACE_LOST, (u64)(uintptr_t)mapping, index);
		err = filemap_add_page(mapping, page, index);
		if (!err)
			return page;
		unlock_page(page);
		put_page(page);
		if (err != -EEXIST)
			return ERR_PTR(err);
		/* Another filled the hole first; its page serves. */
		window_hit(WIN_CACHE_RACE_LOST);
	}
}

/* ---- faults ---- */

/* Gives up the lock that a fault came with, whichever it is. */
static void release_fault_lock(struct vm_fault *vmf)
{
	if (vmf->flags & FAULT_FLAG_VMA_LOCK)
		vma_end_read(vmf->vma);
	else
		mmap_read_unlock(vmf->vma->vm_mm);
}

/*
 * Locks the page without sleeping under the VMA's lock if that can be helped: a
 * first attempt lets go of it, sleeps for the page, and starts over.  Returns
 * the file to drop then; *@locked says whether the page is locked.
 */
static struct file *lock_page_maybe_drop(struct vm_fault *vmf,
					 struct page *page, bool *locked)
{
	struct file *fpin = NULL;

	*locked = trylock_page(page);
	if (*locked || (vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return NULL;
	if (fault_flag_allow_retry_first(vmf->flags)) {
		/* The VMA may be gone soon, and with it the file's reference. */
		fpin = get_file(vmf->vma->vm_file);
		release_fault_lock(vmf);
	}
	lock_page(page);
	*locked = true;
	return fpin;
}

/* The cached page of a fault with a reference; a hole is filled. */
static struct page *fault_find_page(struct address_space *mapping,
				    unsigned long index, vm_fault_t *ret)
{
	struct page *page = filemap_get_page(mapping, index);

	if (page)
		return page;
	down_read(&mapping->invalidate_lock);
	/* A truncation that came first has moved the end: nothing to fill. */
	if (index >= eof_index(mapping->host)) {
		up_read(&mapping->invalidate_lock);
		*ret = VM_FAULT_SIGBUS;
		return NULL;
	}
	page = filemap_grab_page(mapping, index);
	up_read(&mapping->invalidate_lock);
	if (IS_ERR(page)) {
		*ret = VM_FAULT_OOM;
		return NULL;
	}
	if (!inode_is_shmem(mapping->host))
		*ret |= VM_FAULT_MAJOR;
	unlock_page(page);
	return page;
}

vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct address_space *mapping = vmf->vma->vm_file->f_mapping;
	struct inode *inode = mapping->host;
	struct file *fpin;
	struct page *page;
	vm_fault_t ret = 0;
	bool locked;

	for (;;) {
		if (unlikely(vmf->pgoff >= eof_index(inode)))
			return VM_FAULT_SIGBUS;
		page = fault_find_page(mapping, vmf->pgoff, &ret);
		if (!page)
			return ret;
		sched_window(WIN_PTE_CHANGED_UNDER_FAULT, (u64)(uintptr_t)mapping, 0);
		fpin = lock_page_maybe_drop(vmf, page, &locked);
		if (fpin || !locked)
			goto out_retry;
		/* Did it get truncated while it was not locked? */
		if (likely(page_is_at(page, mapping, vmf->pgoff)))
			break;
		window_hit(WIN_PAGE_TRUNCATED_UNDER_FAULT);
		unlock_page(page);
		put_page(page);
	}
	/*
	 * The size may have shrunk since it was looked at, with truncation not
	 * yet at this page: it waits for the page lock, or has been here.
	 */
	if (unlikely(vmf->pgoff >= eof_index(inode))) {
		unlock_page(page);
		put_page(page);
		return VM_FAULT_SIGBUS;
	}
	vmf->page = page;
	return ret | VM_FAULT_LOCKED;

out_retry:
	if (locked)
		unlock_page(page);
	put_page(page);
	if (fpin)
		fput(fpin);
	return ret | VM_FAULT_RETRY;
}

/*
 * A cached page that can be mapped at once: locked, referenced, complete and
 * inside the file.  NULL otherwise; never waits.  In an RCU read section.
 */
static struct page *next_mappable_page(struct address_space *mapping,
				       unsigned long *index,
				       unsigned long last)
{
	struct page *page;

	for (; (page = page_index_find(&mapping->i_pages, index, last));
	     ++*index) {
		if (PageLocked(page) || !try_get_page(page))
			continue;
		/* Still the page that the index names, after it was pinned? */
		if (page_index_load(&mapping->i_pages, *index) != page)
			goto skip;
		if (!PageUptodate(page) || !trylock_page(page))
			goto skip;
		if (page_is_at(page, mapping, *index) &&
		    *index < eof_index(mapping->host))
			return page;
		unlock_page(page);
skip:
		put_page(page);
	}
	return NULL;
}

vm_fault_t filemap_map_pages(struct vm_fault *vmf, unsigned long start_pgoff,
			     unsigned long end_pgoff)
{
	struct vm_area_struct *vma = vmf->vma;
	struct mm_struct *mm = vma->vm_mm;
	struct address_space *mapping = vma->vm_file->f_mapping;
	unsigned long addr, index = start_pgoff;
	vm_fault_t ret = 0;
	struct page *page;
	spinlock_t *ptl;
	pte_t *pte;

	rcu_read_lock();
	page = next_mappable_page(mapping, &index, end_pgoff);
	if (!page)
		goto out;
	addr = vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
	pte = pte_offset_map_lock(&mm->context, vmf->pmd, addr, &ptl);
	if (!pte) {
		unlock_page(page);
		put_page(page);
		goto out;
	}
	while (page) {
		unsigned long va = vma->vm_start +
				   ((index - vma->vm_pgoff) << PAGE_SHIFT);
		pte_t *ptep = pte + ((va - addr) >> PAGE_SHIFT);
		bool fault_addr = va == vmf->address;

		if (pte_none(ptep_get(ptep))) {
			pte_t entry = mk_pte(page, vma->vm_page_prot);

			page_add_file_rmap(page);
			inc_mm_counter(mm, mm_counter_file(page));
			set_pte_at(&mm->context, va, ptep,
				   fault_addr ? entry : pte_mkold(entry));
			if (fault_addr)
				ret = VM_FAULT_NOPAGE;
			unlock_page(page);
		} else {
			unlock_page(page);
			put_page(page);
		}
		index++;
		page = next_mappable_page(mapping, &index, end_pgoff);
	}
	pte_unmap_unlock(pte, ptl);
out:
	rcu_read_unlock();
	return ret;
}
