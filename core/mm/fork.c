/* SPDX-License-Identifier: MIT */
/*
 * An address space as a whole: made as a copy (dup_mmap), unmade (exit_mmap).
 *
 * Locks: dup_mmap holds the parent's mmap_lock for writing, the child's nested
 * in it, and write-locks each parent VMA before it looks at it: faults under the
 * VMA lock know nothing of mmap_lock, and one that ran beside the copy could
 * make a page exclusive or writable again after it was shared.
 *
 * Must never leave half a VMA: each is complete when it is listed, so that a
 * failure at any step is undone by what exit_mmap does anyway.
 */

#include <errno.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/finding.h"
#include "mm/filemap.h"
#include "mm/fork.h"
#include "mm/interval_tree.h"
#include "mm/memory.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"
#include "mm/vma_tree.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/tlbflush.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "zoo/zoo.h"

/* The child's VMA into the file's tree: complete, for rmap finds it there. */
static void dup_link_file(struct vm_area_struct *tmp,
			  struct vm_area_struct *mpnt)
{
	struct address_space *mapping = tmp->vm_file->f_mapping;

	i_mmap_lock_write(mapping);
	/*
	 * Behind the parent's: truncation visits it later, and so meets in the
	 * child what was copied from a parent that it has passed.
	 */
	vma_interval_tree_insert_after(tmp, mpnt, &mapping->i_mmap);
	i_mmap_unlock_write(mapping);
}

/* A detached copy of @mpnt for @mm; NULL: no memory, nothing kept. */
static struct vm_area_struct *dup_vma(struct mm_struct *mm,
				      struct vm_area_struct *mpnt)
{
	struct vm_area_struct *tmp = vm_area_dup(mpnt);

	if (!tmp)
		return NULL;
	tmp->vm_mm = mm;
	tmp->vm_flags &= ~(vm_flags_t)VM_LOCKED_MASK;
	if (tmp->vm_flags & VM_WIPEONFORK) {
		/* It starts empty: no pages, so no anon_vma. */
		tmp->anon_vma = NULL;
	} else if (anon_vma_fork(tmp, mpnt)) {
		vm_area_free(tmp);
		return NULL;
	}
	return tmp;
}

/*
 * One VMA of the parent, stored in @edit and added to @vmas.  On -ENOMEM it is in
 * both, with a part of its pages perhaps, or in neither.
 */
static int dup_one(struct vma_edit *edit, struct list_head *vmas,
		   struct mm_struct *mm, struct vm_area_struct *mpnt)
{
	unsigned long charge = 0;
	struct vm_area_struct *tmp;

	if (mpnt->vm_flags & VM_ACCOUNT)
		charge = vma_pages(mpnt);
	if (charge && vm_enough_memory(mpnt->vm_mm, (long)charge))
		return -ENOMEM;
	tmp = dup_vma(mm, mpnt);
	if (!tmp)
		goto fail_uncharge;
	if (vma_edit_store(edit, tmp->vm_start, tmp->vm_end, tmp))
		goto fail_free;
	vma_start_write(tmp);
	vma_mark_attached(tmp);
	list_add_tail(&tmp->vm_link, vmas);
	mm->map_count++;
	vm_stat_account(mm, tmp->vm_flags, (long)vma_pages(tmp));
	if (tmp->vm_file) {
		get_file(tmp->vm_file);
		dup_link_file(tmp, mpnt);
	}
	if (tmp->vm_flags & VM_WIPEONFORK)
		return 0;
	return copy_page_range(tmp, mpnt);

fail_free:
	unlink_anon_vmas(tmp);
	vm_area_free(tmp);
fail_uncharge:
	if (charge)
		vm_unacct_memory(mm, (long)charge);
	return -ENOMEM;
}

static void dup_mm_fields(struct mm_struct *mm, struct mm_struct *oldmm)
{
	mm->def_flags = oldmm->def_flags & ~(unsigned long)VM_LOCKED_MASK;
	mm->start_code = oldmm->start_code;
	mm->end_code = oldmm->end_code;
	mm->start_data = oldmm->start_data;
	mm->end_data = oldmm->end_data;
	mm->start_brk = oldmm->start_brk;
	mm->brk = oldmm->brk;
	mm->start_stack = oldmm->start_stack;
	mm->mmap_base = oldmm->mmap_base;
	mm->mmap_legacy_base = oldmm->mmap_legacy_base;
	mm->task_size = oldmm->task_size;
	mm->flags = READ_ONCE(oldmm->flags) & MMF_INIT_MASK;
}

static void unmap_all(struct mm_struct *mm, struct list_head *vmas);

/*
 * All VMAs, in one edit: until it is committed only reverse mapping can see
 * anything of the child.  On -ENOMEM the child is empty again.
 */
static int dup_vmas(struct mm_struct *mm, struct mm_struct *oldmm)
{
	struct vm_area_struct *mpnt;
	struct vma_iter it;
	struct vma_edit edit;
	LIST_HEAD(vmas);
	int err = 0;

	vma_edit_begin(&edit, mm);
	for_each_vma(it, oldmm, mpnt) {
		/* Before anything of it is read. */
		if (!zoo(ZOO_FORK_WITHOUT_VMA_LOCK))
			vma_start_write(mpnt);
		if (mpnt->vm_flags & VM_DONTCOPY)
			continue;
		err = dup_one(&edit, &vmas, mm, mpnt);
		if (err)
			break;
	}
	if (err) {
		vma_edit_abort(&edit);
		unmap_all(mm, &vmas);
		return err;
	}
	vma_edit_commit(&edit);
	return 0;
}

int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)
{
	int err;

	mmap_write_lock(oldmm);
	mmap_write_lock_nested(mm, 1);
	dup_mm_fields(mm, oldmm);
	err = dup_vmas(mm, oldmm);
	mmap_write_unlock(mm);
	/*
	 * The parent's TLBs may still write to pages that the child now shares;
	 * this ends before the VMAs are unlocked and anyone can take a fault on
	 * one of them.
	 */
	flush_tlb_mm(&oldmm->context);
	mmap_write_unlock(oldmm);
	return err;
}

struct mm_struct *dup_mm(struct mm_struct *oldmm)
{
	struct mm_struct *mm = mm_alloc(oldmm->machine, &oldmm->params);
	int err;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	/* All that is the parent's is copied, but not what hardware knows it by. */
	if (zoo(ZOO_FORK_COPIES_ASID))
		mm->context.ctx_id = oldmm->context.ctx_id;
	err = dup_mmap(mm, oldmm);
	if (err) {
		mmput(mm);
		return ERR_PTR(err);
	}
	count_vm_event(MMS_FORK);
	return mm;
}

/*
 * Unmaps and frees the VMAs on @vmas, which are all that @mm has; no task runs
 * in it.  Reverse mapping still finds them, and lazy CPUs may still have the
 * root loaded: hence the locks and the flush.  mmap_lock held for writing.
 */
static void unmap_all(struct mm_struct *mm, struct list_head *vmas)
{
	struct vm_area_struct *vma, *next;
	unsigned long accounted = 0;
	struct mmu_gather tlb;

	if (list_empty(vmas))
		return;
	tlb_gather_mmu_fullmm(&tlb, &mm->context);
	unmap_vmas(&tlb, vmas, 0, ~0UL);
	free_pgtables(&tlb, vmas, 0, 0);
	tlb_finish_mmu(&tlb);

	list_for_each_entry_safe(vma, next, vmas, vm_link) {
		if (vma->vm_flags & VM_ACCOUNT)
			accounted += vma_pages(vma);
		vm_stat_account(mm, vma->vm_flags, -(long)vma_pages(vma));
		list_del(&vma->vm_link);
		vma_start_write(vma);
		vma_mark_detached(vma);
		remove_vma(vma);
		mm->map_count--;
	}
	vm_unacct_memory(mm, (long)accounted);
}

/* The kernel's check_mm(): with nothing mapped every count is zero. */
static void check_mm(struct mm_struct *mm)
{
	static const char *const names[NR_MM_COUNTERS] = {
		"file", "anon", "swap", "shmem",
	};
	int i;

	for (i = 0; i < NR_MM_COUNTERS; i++) {
		long left = atomic_long_read(&mm->rss_stat[i]);

		if (unlikely(left))
			finding_report(FINDING_REFS, "REFS: bad rss counter at exit",
				       "mm %u: %ld %s pages left", mm->id, left,
				       names[i]);
	}
	if (unlikely(mm_pgtables_bytes(&mm->context)))
		finding_report(FINDING_REFS, "REFS: page tables left at exit",
			       "mm %u: %lu bytes", mm->id,
			       mm_pgtables_bytes(&mm->context));
}

void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	struct vma_iter it;
	LIST_HEAD(vmas);

	mmap_write_lock(mm);
	for_each_vma(it, mm, vma)
		list_add_tail(&vma->vm_link, &vmas);
	unmap_all(mm, &vmas);
	MM_WARN_ON_ONCE(mm->map_count);
	check_mm(mm);
	vma_tree_destroy(mm);
	mm->exiting = true;
	mmap_write_unlock(mm);
	count_vm_event(MMS_EXIT);
}
