/* SPDX-License-Identifier: MIT */
/*
 * Faulting pages in ahead of their use (mm/gup.c: mm_populate, faultin_page_range).
 *
 * Takes mmap_lock for reading, VMA by VMA, and asks handle_mm_fault() for each page as an access
 * would. Never waits with the lock dropped: no retry is allowed to the faults.
 */
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

static int populate_page(struct vm_area_struct *vma, unsigned long addr, bool write)
{
	vm_fault_t ret = handle_mm_fault(vma, addr, write ? FAULT_FLAG_WRITE : 0);

	if (ret & VM_FAULT_OOM)
		return -ENOMEM;
	return ret & VM_FAULT_ERROR ? -EFAULT : 0;
}

static int populate_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			  bool write)
{
	int err = 0;

	for (; !err && start < end; start += PAGE_SIZE)
		err = populate_page(vma, start, write);
	return err;
}

int populate_vma_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	if (vma->vm_flags & VM_LOCKONFAULT)
		return 0;
	if (!(vma->vm_flags & VM_ACCESS_FLAGS))
		return -EFAULT;
	/* Private pages that may be written are broken out of COW at once. */
	return populate_pages(vma, start, end,
			      (vma->vm_flags & (VM_WRITE | VM_SHARED)) == VM_WRITE);
}

int __mm_populate(struct mm_struct *mm, unsigned long start, unsigned long len,
		  bool ignore_errors)
{
	unsigned long end = start + len, next;
	int err = 0;

	for (; start < end && !err; start = next) {
		struct vm_area_struct *vma;

		mmap_read_lock(mm);
		vma = find_vma_intersection(mm, start, end);
		if (!vma) {
			mmap_read_unlock(mm);
			break;
		}
		next = min(vma->vm_end, end);
		if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
			err = populate_vma_page_range(vma, max(start, vma->vm_start), next);
		mmap_read_unlock(mm);
		if (ignore_errors)
			err = 0;
	}
	return err;
}

int madvise_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool write)
{
	int err = 0;

	while (!err && start < end) {
		struct vm_area_struct *vma;

		mmap_read_lock(mm);
		vma = vma_lookup(mm, start);
		if (!vma)
			err = -ENOMEM;
		else if (!(vma->vm_flags & (write ? VM_WRITE : VM_READ)) ||
			 (vma->vm_flags & (VM_IO | VM_PFNMAP)))
			err = -EINVAL;
		if (!err) {
			unsigned long next = min(vma->vm_end, end);

			err = populate_pages(vma, start, next, write);
			start = next;
		}
		mmap_read_unlock(mm);
	}
	return err;
}
