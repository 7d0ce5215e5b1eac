/* SPDX-License-Identifier: MIT */
/*
 * brk (mm/mmap.c, mm/vma.c do_brk_flags): the heap grows and shrinks at its end.
 *
 * Works under mmap_lock held for writing; owns mm->brk. Never an error to the caller: the break
 * comes back, moved or not.
 */
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

static bool brk_exceeds_data(const struct mm_struct *mm, unsigned long brk)
{
	unsigned long limit = mm_rlimit(mm, RLIMIT_DATA);

	return limit < RLIM_INFINITY &&
	       brk - mm->start_brk + (mm->end_data - mm->start_data) > limit;
}

/* The place is legal and may be locked (check_brk_limits), and a page stays free above. */
static bool brk_room(struct mm_struct *mm, unsigned long oldbrk, unsigned long newbrk)
{
	unsigned long top = newbrk + PAGE_SIZE;
	struct vm_area_struct *next;

	if (IS_ERR_VALUE(get_unmapped_area(mm, NULL, oldbrk, newbrk - oldbrk, 0, MAP_FIXED, 0)))
		return false;
	if (!mlock_future_ok(mm, mm->def_flags, newbrk - oldbrk))
		return false;
	next = find_vma_intersection(mm, oldbrk, top + mm->params.stack_guard_gap);
	return !next || top <= vm_start_gap(next);
}

/* A VMA of its own for [addr, end), stored into the edit. NULL: no memory. */
static struct vm_area_struct *brk_new_vma(struct vma_edit *e, unsigned long addr,
					  unsigned long end, vm_flags_t flags)
{
	struct vm_area_struct *vma = vm_area_alloc(e->mm);

	if (!vma)
		return NULL;
	vma_set_range(vma, addr, end, addr >> PAGE_SHIFT);
	vm_flags_reset(vma, flags);
	vma->vm_page_prot = vm_get_page_prot(flags);
	if (!vma_edit_store(e, addr, end, vma))
		return vma;
	vm_area_free(vma);
	return NULL;
}

/* Extends the VMA below, never one that belongs to what is above or to .bss; or makes one. */
static int brk_map(struct mm_struct *mm, struct vm_area_struct *below, unsigned long addr,
		   unsigned long end, vm_flags_t flags)
{
	struct vm_area_struct *vma;
	struct vma_edit e;
	struct vma_merge_struct vmg = {
		.mm = mm, .edit = &e, .prev = below, .start = addr, .end = end,
		.pgoff = addr >> PAGE_SHIFT, .vm_flags = flags, .just_expand = true,
	};

	vma_edit_begin(&e, mm);
	if (vma_merge_new_prepare(&vmg)) {
		vma_merge_finish(&vmg);
		return 0;
	}
	vma = vmg.state == VMA_MERGE_ERROR_NOMEM ? NULL : brk_new_vma(&e, addr, end, flags);
	if (!vma) {
		vma_edit_abort(&e);
		return -ENOMEM;
	}
	vma_link_finish(&e, vma);
	return 0;
}

/* do_brk_flags */
static int brk_grow(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	vm_flags_t flags = VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT | mm->def_flags |
			   (mm->params.personality & READ_IMPLIES_EXEC ? VM_EXEC : 0);
	struct vm_area_struct *below = vma_tree_find_prev(mm, addr);
	long pages = (long)((end - addr) >> PAGE_SHIFT);
	int err;

	if (!may_expand_vm(mm, flags, (unsigned long)pages))
		return -ENOMEM;
	if (mm->map_count > (int)mm->params.max_map_count)
		return -ENOMEM;
	err = vm_enough_memory(mm, pages);
	if (err)
		return err;
	if (below && below->vm_end <= mm->start_brk)
		below = NULL;
	err = brk_map(mm, below, addr, end, flags);
	if (err) {
		vm_unacct_memory(mm, pages);
		return err;
	}
	vm_stat_account(mm, flags, pages);
	if (flags & VM_LOCKED)
		mm->locked_vm += (unsigned long)pages;
	return 0;
}

/* 0 with the lock gone, or an error with the lock held. */
static int brk_shrink(struct mm_struct *mm, unsigned long newbrk, unsigned long oldbrk,
		      unsigned long brk)
{
	unsigned long origbrk = mm->brk;
	int err;

	/* What was unmapped by hand cannot be given back again. */
	if (!find_vma_intersection(mm, newbrk, oldbrk))
		return -EINVAL;
	/* Before the lock is downgraded. */
	mm->brk = brk;
	err = do_vmi_align_munmap(mm, newbrk, oldbrk, true);
	if (err)
		mm->brk = origbrk;
	return err;
}

unsigned long do_brk(struct mm_struct *mm, unsigned long brk)
{
	unsigned long origbrk, newbrk, oldbrk;
	bool populate;

	mmap_write_lock(mm);
	origbrk = mm->brk;
	newbrk = PAGE_ALIGN(brk);
	oldbrk = PAGE_ALIGN(origbrk);
	if (brk < mm->start_brk || brk_exceeds_data(mm, brk))
		goto out;
	if (oldbrk == newbrk) {
		mm->brk = brk;
		goto out;
	}
	if (brk <= mm->brk) {
		if (brk_shrink(mm, newbrk, oldbrk, brk))
			goto out;
		return brk;
	}
	if (newbrk < oldbrk || !brk_room(mm, oldbrk, newbrk) || brk_grow(mm, oldbrk, newbrk))
		goto out;
	mm->brk = brk;
	populate = mm->def_flags & VM_LOCKED;
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, oldbrk, newbrk - oldbrk);
	return brk;
out:
	brk = mm->brk;
	mmap_write_unlock(mm);
	return brk;
}
