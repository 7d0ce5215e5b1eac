/* SPDX-License-Identifier: MIT */
/*
 * munmap (mm/vma.c: vms_gather_munmap_vmas and what follows).
 *
 * Works under mmap_lock held for writing; while pages are freed it may be held for reading only,
 * as the VMAs are detached by then. Must never let a VMA go whose entries may still be in use:
 * the order is unpublish, detach, clear, flush, free.
 */
#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

void vms_cancel(struct vma_munmap *vms)
{
	vma_split_cancel(&vms->cut[0]);
	vma_split_cancel(&vms->cut[1]);
}

/* Where the count of VMAs forbids to cut a hole; a trim may go over the limit for a moment. */
static bool hole_exceeds_map_count(const struct vma_munmap *vms)
{
	const struct mm_struct *mm = vms->mm;

	return vms->start > vms->vma->vm_start && vms->end < vms->vma->vm_end &&
	       mm->map_count >= (int)mm->params.max_map_count;
}

/* Adds the part of vma that goes away to the counts. */
static void vms_count(struct vma_munmap *vms, const struct vm_area_struct *vma)
{
	unsigned long start = max(vma->vm_start, vms->start);
	unsigned long nr = (min(vma->vm_end, vms->end) - start) >> PAGE_SHIFT;
	vm_flags_t flags = vma->vm_flags;

	vms->vma_count++;
	vms->nr_pages += nr;
	if (flags & VM_LOCKED)
		vms->locked_vm += nr;
	if (flags & VM_ACCOUNT)
		vms->nr_accounted += nr;
	if ((flags & (VM_EXEC | VM_WRITE | VM_STACK)) == VM_EXEC)
		vms->exec_vm += nr;
	else if (flags & VM_STACK)
		vms->stack_vm += nr;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		vms->data_vm += nr;
}

static int vms_cut(struct vma_munmap *vms, struct vm_area_struct *vma)
{
	int err;

	if (vms->start > vma->vm_start) {
		err = vma_split_prepare(vms->edit, &vms->cut[0], vma, vms->start, true);
		if (err)
			return err;
		vms->prev = vms->cut[0].new;
	}
	if (vms->end < vma->vm_end) {
		err = vma_split_prepare(vms->edit, &vms->cut[1], vma, vms->end, false);
		if (err)
			return err;
		vms->next = vms->cut[1].new;
	}
	return 0;
}

int vms_gather_munmap_vmas(struct vma_munmap *vms, struct vma_edit *e, struct mm_struct *mm,
			   unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	struct vma_iter it;
	int err;

	mmap_assert_write_locked(mm);
	*vms = (struct vma_munmap){ .mm = mm, .edit = e, .start = start, .end = end };
	INIT_LIST_HEAD(&vms->vmas);
	vms->vma = find_vma_intersection(mm, start, end);
	vms->prev = vma_tree_find_prev(mm, start);
	vms->next = vma_tree_find(mm, end);
	if (vms->next && vms->next->vm_start < end)
		vms->next = vma_next(vms->next);
	if (!vms->vma)
		return 0;
	if (hole_exceeds_map_count(vms))
		return -ENOMEM;
	for_each_vma_range(it, mm, vma, start, end) {
		err = vma->vm_flags & VM_SEALED ? -EPERM : vms_cut(vms, vma);
		if (err) {
			vms_cancel(vms);
			return err;
		}
		vms_count(vms, vma);
	}
	return 0;
}

void vms_finish_cuts(struct vma_munmap *vms)
{
	struct vm_area_struct *vma;
	struct vma_iter it;

	vma_split_finish(&vms->cut[0]);
	vma_split_finish(&vms->cut[1]);
	/* The published tree is the old one still: its entries are the VMAs that go. */
	vma_iter_init(&it, vms->mm, vms->start);
	while (vms->vma && (vma = vma_iter_next(&it)) && vma->vm_start < vms->end) {
		vma_start_write(vma);
		list_add_tail(&vma->vm_link, &vms->vmas);
	}
}

void vms_detach(struct vma_munmap *vms)
{
	struct vm_area_struct *vma;

	/*
	 * Only now: a fault that meets a detached VMA looks it up again at once, and must then
	 * find what has replaced it.
	 */
	list_for_each_entry(vma, &vms->vmas, vm_link)
		vma_mark_detached(vma);
	vms->mm->map_count -= vms->vma_count;
	vms->mm->locked_vm -= vms->locked_vm;
	RAW_WRITE_ONCE(vms->mm->total_vm, vms->mm->total_vm - vms->nr_pages);
	vms->mm->exec_vm -= vms->exec_vm;
	vms->mm->stack_vm -= vms->stack_vm;
	vms->mm->data_vm -= vms->data_vm;
}

void vms_clear_ptes(struct vma_munmap *vms)
{
	if (!list_empty(&vms->vmas))
		unmap_region(vms->mm, &vms->vmas, vms->prev, vms->next);
}

void vms_complete_munmap_vmas(struct vma_munmap *vms)
{
	struct vm_area_struct *vma, *tmp;

	list_for_each_entry_safe(vma, tmp, &vms->vmas, vm_link) {
		list_del(&vma->vm_link);
		remove_vma(vma);
	}
	vm_unacct_memory(vms->mm, (long)vms->nr_accounted);
}

int do_vmi_align_munmap(struct mm_struct *mm, unsigned long start, unsigned long end, bool unlock)
{
	struct vma_munmap vms;
	struct vma_edit e;
	int err;

	vma_edit_begin(&e, mm);
	err = vms_gather_munmap_vmas(&vms, &e, mm, start, end);
	if (!err && vms.vma)
		err = vma_edit_erase(&e, start, end);
	if (err) {
		vms_cancel(&vms);
		vma_edit_abort(&e);
		return err;
	}
	vms_finish_cuts(&vms);
	vma_edit_commit(&e);
	vms_detach(&vms);
	/* The neighbours keep their places: growing a stack needs the lock for writing. */
	if (unlock)
		mmap_write_downgrade(mm);
	vms_clear_ptes(&vms);
	vms_complete_munmap_vmas(&vms);
	if (unlock)
		mmap_read_unlock(mm);
	return 0;
}

int do_vmi_munmap(struct mm_struct *mm, unsigned long start, size_t len, bool unlock)
{
	unsigned long end;

	if (offset_in_page(start) || start > mm->task_size || len > mm->task_size - start)
		return -EINVAL;
	end = start + PAGE_ALIGN(len);
	if (end == start)
		return -EINVAL;
	if (find_vma_intersection(mm, start, end))
		return do_vmi_align_munmap(mm, start, end, unlock);
	if (unlock)
		mmap_write_unlock(mm);
	return 0;
}

int do_munmap(struct mm_struct *mm, unsigned long start, size_t len)
{
	return do_vmi_munmap(mm, start, len, false);
}

int vm_munmap(struct mm_struct *mm, unsigned long start, size_t len)
{
	int err;

	mmap_write_lock(mm);
	err = do_vmi_munmap(mm, start, len, true);
	if (err)
		mmap_write_unlock(mm);
	return err;
}
