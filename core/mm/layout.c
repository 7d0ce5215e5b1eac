/* SPDX-License-Identifier: MIT */
/*
 * Building a given layout, and showing the one there is (/proc/PID/maps, VmFlags of smaps).
 *
 * Takes mmap_lock itself. Building is for address spaces that nobody runs yet.
 */
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

static const struct vm_special_mapping special_mappings[] = {
	{ "[vdso]", VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC | VM_MAYWRITE | VM_DONTEXPAND },
	{ "[vvar]", VM_READ | VM_MAYREAD | VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP },
	{ "[vvar_vclock]",
	  VM_READ | VM_MAYREAD | VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP },
};

const struct vm_special_mapping *mm_special_mapping(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(special_mappings); i++) {
		if (!strcmp(special_mappings[i].name, name))
			return &special_mappings[i];
	}
	return NULL;
}

static int install_locked(struct mm_struct *mm, unsigned long start, unsigned long end,
			  vm_flags_t flags, unsigned long pgoff, struct file *file,
			  const struct vm_special_mapping *special)
{
	struct vm_area_struct *vma;
	int err = 0;

	if (find_vma_intersection(mm, start, end))
		return -EEXIST;
	vma = vm_area_alloc(mm);
	if (!vma)
		return -ENOMEM;
	vma_set_range(vma, start, end, pgoff);
	vm_flags_reset(vma, special ? special->flags : flags);
	vma->vm_page_prot = vm_get_page_prot(vma->vm_flags);
	vma->vm_special = special;
	if (special)
		vma->vm_kind = VMA_SPECIAL;
	else if (file && !(file->f_kind == FILE_ZERO && !(flags & VM_SHARED)))
		vma->vm_kind = VMA_FILE;
	if (file)
		vma->vm_file = get_file(file);
	else if (flags & VM_SHARED)
		err = shmem_zero_setup(vma);
	if (!err)
		err = vma_link(mm, vma);
	if (err) {
		remove_vma(vma);
		return err;
	}
	vm_stat_account(mm, vma->vm_flags, (long)vma_pages(vma));
	if (flags & VM_ACCOUNT)
		vm_acct_memory(mm, (long)vma_pages(vma));
	return 0;
}

int mm_install_vma(struct mm_struct *mm, unsigned long start, unsigned long end, vm_flags_t flags,
		   unsigned long pgoff, struct file *file,
		   const struct vm_special_mapping *special)
{
	int err;

	MM_BUG_ON(offset_in_page(start | end) || start >= end || end > mm->task_size);
	mmap_write_lock(mm);
	err = install_locked(mm, start, end, flags, pgoff, file, special);
	mmap_write_unlock(mm);
	return err;
}

/* ---- showing --------------------------------------------------------------------------------- */

static const char *vma_name(const struct vm_area_struct *vma)
{
	if (vma->vm_special)
		return vma->vm_special->name;
	if (vma->vm_file)
		return NULL;
	if (vma_is_initial_heap(vma))
		return "[heap]";
	return vma_is_initial_stack(vma) ? "[stack]" : NULL;
}

bool mm_view_vma(struct mm_struct *mm, unsigned long addr, struct vma_view *view)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_vma(mm, addr);
	if (vma)
		*view = (struct vma_view){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.flags = vma->vm_flags,
			.pgoff = vma->vm_file ? vma->vm_pgoff : 0,
			.file = vma->vm_file,
			.name = vma_name(vma),
		};
	mmap_read_unlock(mm);
	return vma;
}

void vma_flags_text(vm_flags_t flags, char *buf, size_t len)
{
	static const char names[64][3] = {
		[0] = "rd", [1] = "wr", [2] = "ex", [3] = "sh", [4] = "mr", [5] = "mw",
		[6] = "me", [7] = "ms", [8] = "gd", [10] = "pf", [11] = "gu", [13] = "lo",
		[14] = "io", [15] = "sr", [16] = "rr", [17] = "dc", [18] = "de", [19] = "lf",
		[20] = "ac", [21] = "nr", [22] = "ht", [23] = "sf", [25] = "wf", [26] = "dd",
		[27] = "sd", [28] = "mm", [29] = "hg", [30] = "nh", [31] = "mg", [40] = "dp",
		[42] = "sl",
	};
	size_t used = 0;
	unsigned int i;

	if (len)
		buf[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(names) && used < len; i++) {
		if ((flags >> i & 1) && names[i][0])
			used += (size_t)snprintf(buf + used, len - used, "%s%s", used ? " " : "",
						 names[i]);
	}
}
