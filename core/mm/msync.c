/* SPDX-License-Identifier: MIT */
/*
 * msync and mincore (mm/msync.c, mm/mincore.c of Linux 6.18): they look at mappings and change
 * nothing. There is no disk: msync finds nothing to write, and what remains are its checks.
 *
 * Works under mmap_lock held for reading; entries are read under their lock.
 */
#include "hw/access.h"
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"

/* ---- msync ----------------------------------------------------------------------------------- */

static int msync_walk(struct mm_struct *mm, unsigned long start, unsigned long end, int flags)
{
	int unmapped = 0;

	while (start < end) {
		struct vm_area_struct *vma = find_vma(mm, start);

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			if (flags == MS_ASYNC || vma->vm_start >= end)
				return -ENOMEM;
			unmapped = -ENOMEM;
		}
		if ((flags & MS_INVALIDATE) && (vma->vm_flags & VM_LOCKED))
			return -EBUSY;
		start = vma->vm_end;
	}
	return unmapped;
}

int do_msync(struct mm_struct *mm, unsigned long start, size_t len, int flags)
{
	unsigned long end;
	int err;

	if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || offset_in_page(start) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = start + PAGE_ALIGN(len);
	if (end < start)
		return -ENOMEM;
	mmap_read_lock(mm);
	err = msync_walk(mm, start, end, flags);
	mmap_read_unlock(mm);
	return err;
}

/* ---- mincore --------------------------------------------------------------------------------- */

/* The cache has the page, whether it is mapped or not. */
static bool mincore_page(const struct vm_area_struct *vma, unsigned long addr)
{
	struct page *page;

	if (vma->vm_kind != VMA_FILE)
		return false;
	page = filemap_get_page(vma->vm_file->f_mapping,
				vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT));
	if (page)
		put_page(page);
	return page;
}

/* The entry, or none where no table is; a marker stands for none. */
static pte_t mincore_pte(const struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_context *ctx = &vma->vm_mm->context;
	pmd_t *pmd = pgtable_pmd(ctx, addr);
	pte_t *pte, entry = __pte(0);
	spinlock_t *ptl;

	if (!pmd || pmd_none(pmdp_get(pmd)))
		return entry;
	pte = pte_offset_map_lock(ctx, pmd, addr, &ptl);
	if (!pte)
		return entry;
	entry = ptep_get(pte);
	pte_unmap_unlock(pte, ptl);
	return is_pte_marker(entry) ? __pte(0) : entry;
}

int mm_incore(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	int ret = -ENOMEM;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma)
		/* A page that migrates is there. */
		ret = !pte_none(mincore_pte(vma, addr)) || mincore_page(vma, addr);
	mmap_read_unlock(mm);
	return ret;
}

int do_mincore(struct mm_struct *mm, unsigned long start, size_t len, unsigned long vec)
{
	unsigned long pages = (len >> PAGE_SHIFT) + !!offset_in_page(len);

	if (offset_in_page(start))
		return -EINVAL;
	if (len > mm->task_size || start > mm->task_size - len)
		return -ENOMEM;
	if (pages > mm->task_size || vec > mm->task_size - pages)
		return -EFAULT;
	for (; pages; pages--, start += PAGE_SIZE, vec++) {
		int there = mm_incore(mm, start);
		u8 byte = there == 1;

		if (there < 0)
			return there;
		if (copy_to_user(vec, &byte, 1))
			return -EFAULT;
	}
	return 0;
}
