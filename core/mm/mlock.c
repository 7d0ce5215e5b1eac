/* SPDX-License-Identifier: MIT */
/*
 * mlock and its family (mm/mlock.c of Linux 6.18): flags of VMAs, locked_vm, and pages brought in.
 *
 * Flags change under mmap_lock held for writing and the VMA's write lock; pages come afterwards,
 * by mm_populate(), with no lock held by the caller. There is no reclaim, so a page does not know
 * that it is locked. Must never leave locked_vm different from the pages of VM_LOCKED VMAs, but
 * for mremap's DONTUNMAP, which the kernel counts twice.
 */
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

static bool vma_supports_mlock(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_SPECIAL | VM_DROPPABLE));
}

/* [start, end) of vma; *prev becomes the VMA that covers end - 1. */
static int mlock_fixup(struct vm_area_struct *vma, struct vm_area_struct **prev,
		       unsigned long start, unsigned long end, vm_flags_t newflags)
{
	vm_flags_t oldflags = vma->vm_flags;
	struct mm_struct *mm = vma->vm_mm;
	unsigned long nr_pages = (end - start) >> PAGE_SHIFT;

	if (newflags == oldflags || !vma_supports_mlock(vma)) {
		*prev = vma;
		return 0;
	}
	vma = vma_modify_flags(*prev, vma, start, end, newflags);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	*prev = vma;
	if (!(newflags & VM_LOCKED))
		mm->locked_vm -= nr_pages;
	else if (!(oldflags & VM_LOCKED))
		mm->locked_vm += nr_pages;
	vma_start_write(vma);
	vm_flags_modified(vma, newflags);
	return 0;
}

/* The first hole ends the call; what lies before it has its flags. */
static int apply_vma_lock_flags(struct mm_struct *mm, unsigned long start, size_t len,
				vm_flags_t flags)
{
	unsigned long end = start + len;
	struct vm_area_struct *vma, *prev;
	int err;

	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	vma = vma_lookup(mm, start);
	if (!vma)
		return -ENOMEM;
	prev = start > vma->vm_start ? vma : vma_prev(vma);
	while (start < end) {
		unsigned long tmp;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		tmp = min(vma->vm_end, end);
		err = mlock_fixup(vma, &prev, start, tmp,
				  (vma->vm_flags & ~VM_LOCKED_MASK) | flags);
		if (err)
			return err;
		/* A merge may have reached further. */
		start = max(tmp, prev->vm_end);
		vma = find_vma(mm, start);
	}
	return 0;
}

/* Pages of the range that are locked already: they are not locked twice. */
static unsigned long count_mm_mlocked_page_nr(struct mm_struct *mm, unsigned long start,
					      size_t len)
{
	/* A length that wraps counts to the end. */
	unsigned long end = start + len < start ? ~0UL : start + len;
	struct vm_area_struct *vma;
	unsigned long count = 0;
	struct vma_iter it;

	for_each_vma_range(it, mm, vma, start, end)
		if (vma->vm_flags & VM_LOCKED)
			count += min(end, vma->vm_end) - max(start, vma->vm_start);
	return count >> PAGE_SHIFT;
}

/* RLIMIT_MEMLOCK allows to lock the range. */
static bool mlock_allowed(struct mm_struct *mm, unsigned long start, size_t len)
{
	unsigned long limit = mm_rlimit(mm, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned long locked = mm->locked_vm + (len >> PAGE_SHIFT);

	if (mm->params.cap_ipc_lock || locked <= limit)
		return true;
	return locked - count_mm_mlocked_page_nr(mm, start, len) <= limit;
}

int do_mlock(struct mm_struct *mm, unsigned long start, size_t len, vm_flags_t flags)
{
	int err = -ENOMEM;

	if (!can_do_mlock(mm))
		return -EPERM;
	len = PAGE_ALIGN(len + offset_in_page(start));
	start &= PAGE_MASK;
	mmap_write_lock(mm);
	if (mlock_allowed(mm, start, len))
		err = apply_vma_lock_flags(mm, start, len, flags);
	mmap_write_unlock(mm);
	if (err)
		return err;
	/* What POSIX calls these errors (__mlock_posix_error_return). */
	switch (__mm_populate(mm, start, len, false)) {
	case 0:
		return 0;
	case -ENOMEM:
		return -EAGAIN;
	default:
		return -ENOMEM;
	}
}

int do_munlock(struct mm_struct *mm, unsigned long start, size_t len)
{
	int err;

	len = PAGE_ALIGN(len + offset_in_page(start));
	start &= PAGE_MASK;
	mmap_write_lock(mm);
	err = apply_vma_lock_flags(mm, start, len, 0);
	mmap_write_unlock(mm);
	return err;
}

/* Every VMA; one that cannot be changed stays as it is. */
static void lock_all_vmas(struct mm_struct *mm, vm_flags_t flags)
{
	struct vm_area_struct *vma = find_vma(mm, 0), *prev = NULL;

	while (vma) {
		if (mlock_fixup(vma, &prev, vma->vm_start, vma->vm_end,
				(vma->vm_flags & ~VM_LOCKED_MASK) | flags))
			prev = vma;
		vma = vma_next(prev);
	}
}

int do_mlockall(struct mm_struct *mm, int flags)
{
	vm_flags_t lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int err = -ENOMEM;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_do_mlock(mm))
		return -EPERM;
	mmap_write_lock(mm);
	if (!(flags & MCL_CURRENT) || mm->params.cap_ipc_lock ||
	    mm->total_vm <= mm_rlimit(mm, RLIMIT_MEMLOCK) >> PAGE_SHIFT) {
		mm->def_flags &= ~VM_LOCKED_MASK;
		if (flags & MCL_FUTURE)
			mm->def_flags |= lock;
		if (flags & MCL_CURRENT)
			lock_all_vmas(mm, lock);
		err = 0;
	}
	mmap_write_unlock(mm);
	if (!err && (flags & MCL_CURRENT))
		mm_populate(mm, 0, mm->task_size);
	return err;
}

int do_munlockall(struct mm_struct *mm)
{
	mmap_write_lock(mm);
	mm->def_flags &= ~VM_LOCKED_MASK;
	lock_all_vmas(mm, 0);
	mmap_write_unlock(mm);
	return 0;
}
