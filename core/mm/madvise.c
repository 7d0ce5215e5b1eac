/* SPDX-License-Identifier: MIT */
/*
 * madvise (mm/madvise.c of Linux 6.18).
 *
 * Advice that changes VMAs (flags) runs under mmap_lock held for writing, advice about pages
 * under mmap_lock held for reading. A hole does not stop the call: everything mapped is treated,
 * then -ENOMEM. What only speeds a kernel with a disk up (WILLNEED, COLD, PAGEOUT, FREE without
 * reclaim) is checked and then does nothing. COLLAPSE is not there: -EINVAL. Guard regions are
 * guard.c's.
 */
#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

static bool behavior_valid(int behavior)
{
	switch (behavior) {
	case MADV_NORMAL ... MADV_DONTNEED:
	case MADV_FREE ... MADV_DONTNEED_LOCKED:
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		return true;
	default:
		return false;
	}
}

/* Decided by flags alone, hence by VMAs. */
static bool behavior_changes_vmas(int behavior)
{
	switch (behavior) {
	case MADV_NORMAL ... MADV_SEQUENTIAL:
	case MADV_DONTFORK ... MADV_KEEPONFORK:
		return true;
	default:
		return false;
	}
}

/* ---- flags ----------------------------------------------------------------------------------- */

/* ksm_madvise: only private memory of the ordinary kind can be merged. */
static vm_flags_t ksm_flags(const struct vm_area_struct *vma, vm_flags_t flags, bool merge)
{
	if (!merge)
		return flags & ~VM_MERGEABLE;
	if (flags & (VM_SHARED | VM_MAYSHARE | VM_SPECIAL | VM_HUGETLB | VM_DROPPABLE))
		return flags;
	return flags | VM_MERGEABLE;
}

/* The flags that advice wants, or -EINVAL in *err. */
static vm_flags_t advised_flags(const struct vm_area_struct *vma, int behavior, int *err)
{
	vm_flags_t flags = vma->vm_flags;

	*err = 0;
	switch (behavior) {
	case MADV_NORMAL:
		return flags & ~(VM_RAND_READ | VM_SEQ_READ);
	case MADV_SEQUENTIAL:
		return (flags & ~VM_RAND_READ) | VM_SEQ_READ;
	case MADV_RANDOM:
		return (flags & ~VM_SEQ_READ) | VM_RAND_READ;
	case MADV_DONTFORK:
		return flags | VM_DONTCOPY;
	case MADV_DOFORK:
		*err = flags & VM_IO ? -EINVAL : 0;
		return flags & ~VM_DONTCOPY;
	case MADV_WIPEONFORK:
		*err = vma->vm_file || (flags & VM_SHARED) ? -EINVAL : 0;
		return flags | VM_WIPEONFORK;
	case MADV_KEEPONFORK:
		*err = flags & VM_DROPPABLE ? -EINVAL : 0;
		return flags & ~VM_WIPEONFORK;
	case MADV_DONTDUMP:
		return flags | VM_DONTDUMP;
	case MADV_DODUMP:
		*err = flags & (VM_SPECIAL | VM_DROPPABLE) ? -EINVAL : 0;
		return flags & ~VM_DONTDUMP;
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
		return ksm_flags(vma, flags, behavior == MADV_MERGEABLE);
	case MADV_HUGEPAGE:
		return (flags & ~VM_NOHUGEPAGE) | VM_HUGEPAGE;
	case MADV_NOHUGEPAGE:
		return (flags & ~VM_HUGEPAGE) | VM_NOHUGEPAGE;
	default:
		MM_BUG();
	}
}

static int madvise_update_vma(struct vm_area_struct *vma, struct vm_area_struct **prev,
			      unsigned long start, unsigned long end, int behavior)
{
	vm_flags_t flags;
	int err;

	flags = advised_flags(vma, behavior, &err);
	if (err || flags == vma->vm_flags) {
		*prev = vma;
		return err;
	}
	vma = vma_modify_flags(*prev, vma, start, end, flags);
	if (IS_ERR(vma))
		/* "kernel resources, such as slab, are temporarily unavailable" */
		return PTR_ERR(vma) == -ENOMEM ? -EAGAIN : (int)PTR_ERR(vma);
	*prev = vma;
	vma_start_write(vma);
	vm_flags_modified(vma, flags);
	return 0;
}

/* ---- pages ----------------------------------------------------------------------------------- */

static int madvise_dontneed(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			    int behavior)
{
	struct zap_details details = { .even_cows = true, .reclaim_pt = true };
	vm_flags_t forbidden = VM_PFNMAP;

	if (behavior != MADV_DONTNEED_LOCKED)
		forbidden |= VM_LOCKED;
	if (vma->vm_flags & forbidden)
		return -EINVAL;
	if (behavior == MADV_FREE)
		/* Pages may stay until memory is short; here it never is. */
		return vma_is_anonymous(vma) ? 0 : -EINVAL;
	zap_page_range_single(vma, start, end - start, &details);
	return 0;
}

static int madvise_lru(const struct vm_area_struct *vma)
{
	return vma->vm_flags & (VM_LOCKED | VM_PFNMAP) ? -EINVAL : 0;
}

/* fallocate(PUNCH_HOLE): the pages of [from, from + len) go, private copies stay. */
static void file_punch_hole(struct file *file, u64 from, u64 len)
{
	struct address_space *mapping = file->f_mapping;

	down_write(&file->f_inode->i_rwsem);
	down_write(&mapping->invalidate_lock);
	unmap_mapping_range(mapping, from, len, 0);
	truncate_inode_pages_range(mapping, from, from + len - 1);
	up_write(&mapping->invalidate_lock);
	up_write(&file->f_inode->i_rwsem);
}

/* A hole in the file of a mapping that could be written. The lock is dropped and taken again. */
static int madvise_remove(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct file *file = vma->vm_file;
	u64 from = (u64)(start - vma->vm_start) + ((u64)vma->vm_pgoff << PAGE_SHIFT);

	if (vma->vm_flags & VM_LOCKED)
		return -EINVAL;
	if (!file || vma->vm_kind != VMA_FILE)
		return -EINVAL;
	if ((vma->vm_flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	/* The VMA may be gone when the lock is: the file must not. */
	get_file(file);
	mmap_read_unlock(mm);
	file_punch_hole(file, from, end - start);
	fput(file);
	mmap_read_lock(mm);
	return 0;
}

/* Contents would be lost. */
static bool is_discard(int behavior)
{
	switch (behavior) {
	case MADV_FREE:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_REMOVE:
	case MADV_DONTFORK:
	case MADV_WIPEONFORK:
	case MADV_GUARD_INSTALL:
		return true;
	default:
		return false;
	}
}

/* What may not be written may not be thrown away either, once it is sealed. */
static bool can_madvise_modify(const struct vm_area_struct *vma, int behavior)
{
	return !(vma->vm_flags & VM_SEALED) || !is_discard(behavior) ||
	       !vma_is_anonymous(vma) || (vma->vm_flags & VM_WRITE);
}

static int madvise_vma(struct vm_area_struct *vma, struct vm_area_struct **prev,
		       unsigned long start, unsigned long end, int behavior)
{
	if (!can_madvise_modify(vma, behavior))
		return -EPERM;
	if (behavior_changes_vmas(behavior))
		return madvise_update_vma(vma, prev, start, end, behavior);
	*prev = NULL;
	switch (behavior) {
	case MADV_GUARD_INSTALL:
		return madvise_guard_install(vma, start, end);
	case MADV_GUARD_REMOVE:
		return madvise_guard_remove(vma, start, end);
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
		return madvise_dontneed(vma, start, end, behavior);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return madvise_lru(vma);
	case MADV_REMOVE:
		return madvise_remove(vma, start, end);
	default:
		return 0;	/* WILLNEED: there is no disk to read ahead from */
	}
}

/* ---- the walk -------------------------------------------------------------------------------- */

static int madvise_walk_vmas(struct mm_struct *mm, unsigned long start, unsigned long end,
			     int behavior)
{
	struct vm_area_struct *vma = find_vma(mm, start), *prev;
	int unmapped = 0, err;

	prev = vma && start > vma->vm_start ? vma : vma_tree_find_prev(mm, start);
	for (; start < end; vma = find_vma(mm, start)) {
		unsigned long tmp;

		if (!vma)
			return -ENOMEM;
		if (start < vma->vm_start) {
			unmapped = -ENOMEM;
			start = vma->vm_start;
			if (start >= end)
				break;
		}
		tmp = min(vma->vm_end, end);
		err = madvise_vma(vma, &prev, start, tmp, behavior);
		if (err)
			return err;
		start = tmp;
		/* A merge may have swallowed more. */
		if (prev && start < prev->vm_end)
			start = prev->vm_end;
	}
	return unmapped;
}

int do_madvise(struct mm_struct *mm, unsigned long start, size_t len_in, int behavior)
{
	unsigned long len = PAGE_ALIGN(len_in), end = start + len;
	int err;

	if (!behavior_valid(behavior) || offset_in_page(start))
		return -EINVAL;
	if ((len_in && !len) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (behavior == MADV_POPULATE_READ || behavior == MADV_POPULATE_WRITE)
		return madvise_populate(mm, start, end, behavior == MADV_POPULATE_WRITE);
	if (behavior_changes_vmas(behavior) || behavior == MADV_GUARD_INSTALL) {
		mmap_write_lock(mm);
		err = madvise_walk_vmas(mm, start, end, behavior);
		mmap_write_unlock(mm);
	} else {
		mmap_read_lock(mm);
		err = madvise_walk_vmas(mm, start, end, behavior);
		mmap_read_unlock(mm);
	}
	return err;
}
