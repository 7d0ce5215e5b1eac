/* SPDX-License-Identifier: MIT */
/*
 * Stack growth (mm/vma.c expand_downwards, mm/mmap.c expand_stack).
 *
 * Works under mmap_lock held for writing, as bounds change and a node of the tree is replaced:
 * others who hold the lock for reading only may be walking it.
 */
#include "base/bug.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"
#include "zoo/zoo.h"

static int acct_stack_growth(struct vm_area_struct *vma, unsigned long size, unsigned long grow)
{
	struct mm_struct *mm = vma->vm_mm;

	if (!may_expand_vm(mm, vma->vm_flags, grow))
		return -ENOMEM;
	if (size > mm_rlimit(mm, RLIMIT_STACK))
		return -ENOMEM;
	if (!mlock_future_ok(mm, vma->vm_flags, grow << PAGE_SHIFT))
		return -ENOMEM;
	return vm_enough_memory(mm, (long)grow);
}

/* The page address is far enough above what is below. */
static bool stack_gap_ok(const struct vm_area_struct *vma, unsigned long address)
{
	const struct vm_area_struct *prev = vma_tree_find_prev(vma->vm_mm, vma->vm_start);

	return !prev || (prev->vm_flags & VM_GROWSDOWN) || !(prev->vm_flags & VM_ACCESS_FLAGS) ||
	       address - prev->vm_end >= vma->vm_mm->params.stack_guard_gap;
}

/* The change itself: nothing can fail any more. */
static void stack_grow(struct vma_edit *e, struct vm_area_struct *vma, unsigned long address)
{
	unsigned long grow = (vma->vm_start - address) >> PAGE_SHIFT;
	struct mm_struct *mm = vma->vm_mm;

	if (vma->vm_flags & VM_LOCKED)
		mm->locked_vm += grow;
	vm_stat_account(mm, vma->vm_flags, (long)grow);
	if (!zoo(ZOO_EXPAND_VMA_UNLOCKED))
		vma_start_write(vma);
	anon_vma_lock_write(vma->anon_vma);
	anon_vma_interval_tree_pre_update_vma(vma);
	vma_set_range(vma, address, vma->vm_end, vma->vm_pgoff - grow);
	anon_vma_interval_tree_post_update_vma(vma);
	anon_vma_unlock_write(vma->anon_vma);
	vma_edit_commit(e);
}

int expand_downwards(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vma_edit e;
	unsigned long grow;
	int err;

	mmap_assert_write_locked(mm);
	if (!(vma->vm_flags & VM_GROWSDOWN))
		return -EFAULT;
	address &= PAGE_MASK;
	if (address < max(mm->params.dac_mmap_min_addr, mm->params.lsm_mmap_min_addr))
		return -EPERM;
	if (address >= vma->vm_start)
		return 0;
	if (!stack_gap_ok(vma, address))
		return -ENOMEM;
	/* So that there is a lock to take around the change. */
	if (anon_vma_prepare(vma))
		return -ENOMEM;
	grow = (vma->vm_start - address) >> PAGE_SHIFT;
	if (grow > vma->vm_pgoff)
		return -ENOMEM;
	vma_edit_begin(&e, mm);
	err = vma_edit_store(&e, address, vma->vm_end, vma);
	if (!err)
		err = acct_stack_growth(vma, vma->vm_end - address, grow);
	if (err) {
		vma_edit_abort(&e);
		return err;
	}
	stack_grow(&e, vma, address);
	return 0;
}

struct vm_area_struct *expand_stack(struct mm_struct *mm, unsigned long address)
{
	struct vm_area_struct *vma;

	/* Not an upgrade: two readers who both wanted one would wait for each other. */
	mmap_read_unlock(mm);
	mmap_write_lock(mm);
	vma = find_vma(mm, address);
	if (vma && (vma->vm_start <= address || !expand_downwards(vma, address))) {
		mmap_write_downgrade(mm);
		return vma;
	}
	mmap_write_unlock(mm);
	return NULL;
}
