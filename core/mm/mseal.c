/* SPDX-License-Identifier: MIT */
/*
 * mseal (mm/mseal.c of Linux 6.18): VMAs that may not be unmapped, moved or changed any more.
 *
 * Works under mmap_lock held for writing; the flag is set under the VMA's write lock, and nothing
 * takes it away. Those who must refuse look for themselves: munmap.c, mprotect.c, mremap.c,
 * madvise.c.
 */
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

static bool range_contains_unmapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	while (start < end) {
		struct vm_area_struct *vma = vma_lookup(mm, start);

		if (!vma)
			return true;
		start = vma->vm_end;
	}
	return false;
}

static int mseal_apply(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	struct vm_area_struct *prev = start > vma->vm_start ? vma : vma_prev(vma);

	for (; start < end; vma = find_vma(mm, start)) {
		unsigned long tmp = min(vma->vm_end, end);

		if (!(vma->vm_flags & VM_SEALED)) {
			vm_flags_t newflags = vma->vm_flags | VM_SEALED;

			vma = vma_modify_flags(prev, vma, start, tmp, newflags);
			if (IS_ERR(vma))
				return (int)PTR_ERR(vma);
			vma_start_write(vma);
			vm_flags_modified(vma, newflags);
		}
		prev = vma;
		/* A merge may have reached further. */
		start = max(tmp, vma->vm_end);
	}
	return 0;
}

int do_mseal(struct mm_struct *mm, unsigned long start, size_t len_in, unsigned long flags)
{
	unsigned long len = PAGE_ALIGN(len_in), end = start + len;
	int err = -ENOMEM;

	if (flags || offset_in_page(start) || (len_in && !len) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	mmap_write_lock(mm);
	if (!range_contains_unmapped(mm, start, end))
		err = mseal_apply(mm, start, end);
	mmap_write_unlock(mm);
	return err;
}
