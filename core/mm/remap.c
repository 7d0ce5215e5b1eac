/* SPDX-License-Identifier: MIT */
/*
 * remap_file_pages (mm/mmap.c of Linux 6.18): emulated by a new mapping of the same file.
 *
 * The mapping is looked at under mmap_lock held for reading, and again under the lock held for
 * writing: in between it may be gone, or another.
 */
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

/* From vma on to end without a gap, all of one file and alike. */
static bool remap_range_ok(struct vm_area_struct *vma, unsigned long end)
{
	struct vm_area_struct *prev = vma;

	while (prev->vm_end < end) {
		struct vm_area_struct *next = vma_next(prev);

		if (!next || next->vm_start != prev->vm_end || next->vm_file != vma->vm_file ||
		    next->vm_flags != vma->vm_flags)
			return false;
		prev = next;
	}
	return true;
}

static unsigned long remap_locked(struct mm_struct *mm, unsigned long start, unsigned long size,
				  unsigned long pgoff, unsigned long flags, struct file *file,
				  vm_flags_t vm_flags, unsigned long *populate)
{
	struct vm_area_struct *vma = vma_lookup(mm, start);
	/* The flags of rights are the bits of PROT_*. */
	unsigned long prot = vm_flags & VM_ACCESS_FLAGS;

	if (!vma || vma->vm_flags != vm_flags || vma->vm_file != file ||
	    !remap_range_ok(vma, start + size))
		return (unsigned long)-EINVAL;
	flags = (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE |
		(vm_flags & VM_LOCKED ? MAP_LOCKED : 0);
	return do_mmap(mm, file, start, size, prot, flags, pgoff, populate);
}

int do_remap_file_pages(struct mm_struct *mm, unsigned long start, unsigned long size,
			unsigned long prot, unsigned long pgoff, unsigned long flags)
{
	unsigned long populate = 0, ret;
	struct vm_area_struct *vma;
	struct file *file = NULL;
	vm_flags_t vm_flags = 0;

	start &= PAGE_MASK;
	size &= PAGE_MASK;
	if (prot || start + size <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, start);
	if (vma && (vma->vm_flags & VM_SHARED)) {
		file = get_file(vma->vm_file);
		vm_flags = vma->vm_flags;
	}
	mmap_read_unlock(mm);
	if (!file)
		return -EINVAL;
	mmap_write_lock(mm);
	ret = remap_locked(mm, start, size, pgoff, flags, file, vm_flags, &populate);
	mmap_write_unlock(mm);
	fput(file);
	if (populate)
		mm_populate(mm, ret, populate);
	return IS_ERR_VALUE(ret) ? (int)(long)ret : 0;
}
