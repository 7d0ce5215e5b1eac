/* SPDX-License-Identifier: MIT */
/*
 * VMAs: making, freeing, linking and splitting them (mm/vma.c, mm/vma_init.c).
 *
 * Owns struct vm_area_struct. Works under mmap_lock held for writing, write-locks every VMA
 * before it changes it, and takes i_mmap_rwsem, then the anon_vma's lock, around every change of
 * a range, so that a reverse-map walk never meets a VMA in the wrong place of its tree.
 * Must never write vm_refcnt or vm_lock_seq of a VMA plainly: a lockless reader may look at them
 * even when the VMA is free.
 */
#include "mm/vma.h"

#include "base/bug.h"
#include "hw/machine.h"
#include "mm/filemap.h"
#include "mm/interval_tree.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma_int.h"
#include "mm/vma_lock.h"
#include "phys/slab.h"
#include "sync/rcu_age.h"
#include "sync/sched.h"
#include "zoo/zoo.h"

/* ---- lives ----------------------------------------------------------------------------------- */

static struct kmem_cache *vma_cache(const struct mm_struct *mm)
{
	return mm->machine->mmg->vm_area_cachep;
}

/* Memory whose vm_refcnt is 0, as the constructor or vma_mark_detached() left it. */
static struct vm_area_struct *vm_area_get(struct mm_struct *mm)
{
	struct vm_area_struct *vma = kmem_cache_alloc(vma_cache(mm), GFP_KERNEL);

	if (vma) {
		vma_assert_detached(vma);
		rcu_age_born(&vma->vm_age);
		/* No number of a lock: the newest of a fresh mm is 0. */
		WRITE_ONCE(vma->vm_lock_seq, ~0U);
	}
	return vma;
}

struct vm_area_struct *vm_area_alloc(struct mm_struct *mm)
{
	struct vm_area_struct *vma = vm_area_get(mm);

	if (!vma)
		return NULL;
	vma_set_range(vma, 0, 0, 0);
	vma->vm_mm = mm;
	vma->vm_page_prot = __pgprot(0);
	vma->vm_flags = VM_NONE;
	vma->vm_file = NULL;
	vma->vm_kind = VMA_ANON;
	vma->anon_vma = NULL;
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	vma->shared.rb_subtree_last = 0;
	vma->vm_special = NULL;
	INIT_LIST_HEAD(&vma->vm_link);
	return vma;
}

struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig)
{
	struct vm_area_struct *vma = vm_area_get(orig->vm_mm);

	if (!vma)
		return NULL;
	vma_set_range(vma, orig->vm_start, orig->vm_end, orig->vm_pgoff);
	vma->vm_mm = orig->vm_mm;
	vma->vm_page_prot = orig->vm_page_prot;
	vma->vm_flags = orig->vm_flags;
	vma->vm_file = orig->vm_file;
	vma->vm_kind = orig->vm_kind;
	vma->anon_vma = orig->anon_vma;
	INIT_LIST_HEAD(&vma->anon_vma_chain);
	vma->shared.rb_subtree_last = 0;
	vma->vm_special = orig->vm_special;
	INIT_LIST_HEAD(&vma->vm_link);
	return vma;
}

void vm_area_free(struct vm_area_struct *vma)
{
	struct kmem_cache *cache = vma_cache(vma->vm_mm);

	vma_assert_detached(vma);
	/* A fault that found it under RCU may still look at vm_lock_seq and vm_refcnt. */
	if (!zoo(ZOO_VMA_FREED_WITHOUT_GRACE))
		kmem_cache_free(cache, vma);
	else
		kmem_cache_free_now(cache, vma);
}

void remove_vma(struct vm_area_struct *vma)
{
	might_sleep();
	if (vma->vm_file)
		fput(vma->vm_file);
	vm_area_free(vma);
}

/* ---- finding --------------------------------------------------------------------------------- */

struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long addr,
				     struct vm_area_struct **prev)
{
	struct vm_area_struct *vma = vma_tree_find(mm, addr);

	*prev = vma ? vma_prev(vma) : vma_tree_find_prev(mm, ~0UL);
	return vma;
}

unsigned long vm_start_gap(const struct vm_area_struct *vma)
{
	unsigned long gap;

	if (!(vma->vm_flags & VM_GROWSDOWN))
		return vma->vm_start;
	gap = vma->vm_mm->params.stack_guard_gap;
	return vma->vm_start > gap ? vma->vm_start - gap : 0;
}

bool vma_is_initial_heap(const struct vm_area_struct *vma)
{
	return vma->vm_start < vma->vm_mm->brk && vma->vm_end > vma->vm_mm->start_brk;
}

bool vma_is_initial_stack(const struct vm_area_struct *vma)
{
	return vma->vm_start <= vma->vm_mm->start_stack && vma->vm_end >= vma->vm_mm->start_stack;
}

/* ---- flags and protection -------------------------------------------------------------------- */

vm_flags_t calc_vm_prot_bits(unsigned long prot)
{
	return ((prot & PROT_READ) ? VM_READ : 0) | ((prot & PROT_WRITE) ? VM_WRITE : 0) |
	       ((prot & PROT_EXEC) ? VM_EXEC : 0);
}

/* x86: writable implies readable, executable too; a private page is made writable by its fault. */
pgprot_t vm_get_page_prot(vm_flags_t vm_flags)
{
	bool exec = vm_flags & VM_EXEC;

	if (!(vm_flags & VM_ACCESS_FLAGS))
		return PAGE_NONE;
	if ((vm_flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED))
		return exec ? PAGE_SHARED_EXEC : PAGE_SHARED;
	return exec ? PAGE_READONLY_EXEC : PAGE_READONLY;
}

void vm_flags_reset(struct vm_area_struct *vma, vm_flags_t flags)
{
	if (vma_is_attached(vma))
		vma_assert_write_locked(vma);
	/* Atomic: a reverse-map walk reads them with no lock of the mm. */
	WRITE_ONCE(vma->vm_flags, flags);
}

void vma_set_page_prot(struct vm_area_struct *vma)
{
	/* Atomic for the same reason. No file here wants to hear of first writes (writenotify). */
	WRITE_ONCE(vma->vm_page_prot.pgprot, pgprot_val(vm_get_page_prot(vma->vm_flags)));
}

bool accountable_mapping(vm_flags_t flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/* ---- changing ranges under the reverse map --------------------------------------------------- */

void vma_prepare(struct vma_prepare *vp)
{
	if (vp->mapping) {
		i_mmap_lock_write(vp->mapping);
		/* Visible to file walkers from now on; its range is final already. */
		if (vp->insert)
			__vma_link_file(vp->insert, vp->mapping);
	}
	if (vp->anon_vma) {
		anon_vma_lock_write(vp->anon_vma);
		anon_vma_interval_tree_pre_update_vma(vp->vma);
		if (vp->adj_next)
			anon_vma_interval_tree_pre_update_vma(vp->adj_next);
	}
	if (vp->mapping) {
		vma_interval_tree_remove(vp->vma, &vp->mapping->i_mmap);
		if (vp->adj_next)
			vma_interval_tree_remove(vp->adj_next, &vp->mapping->i_mmap);
	}
}

void vma_complete(struct vma_prepare *vp)
{
	int i;

	if (vp->mapping) {
		if (vp->adj_next)
			vma_interval_tree_insert(vp->adj_next, &vp->mapping->i_mmap);
		vma_interval_tree_insert(vp->vma, &vp->mapping->i_mmap);
		for (i = 0; i < 2 && vp->remove[i]; i++)
			__remove_shared_vm_struct(vp->remove[i], vp->mapping);
	}
	if (vp->anon_vma) {
		anon_vma_interval_tree_post_update_vma(vp->vma);
		if (vp->adj_next)
			anon_vma_interval_tree_post_update_vma(vp->adj_next);
		anon_vma_unlock_write(vp->anon_vma);
	}
	if (vp->mapping)
		i_mmap_unlock_write(vp->mapping);
}

/* ---- linking --------------------------------------------------------------------------------- */

void vma_link_finish(struct vma_edit *e, struct vm_area_struct *vma)
{
	/* Locked before anyone can find it: its maker is not done with it. */
	vma_start_write(vma);
	vma_mark_attached(vma);
	if (zoo(ZOO_NEW_VMA_VISIBLE_UNLOCKED))
		WRITE_ONCE(vma->vm_lock_seq, ~0U);
	vma_edit_commit(e);
	/* A page that a fault found in the file now would not be found by its truncation. */
	sched_window(WIN_VMA_LOCK_FALLBACK, mm_place(&vma->vm_mm->context), vma->vm_start);
	vma_link_file(vma);
	vma->vm_mm->map_count++;
}

int vma_link(struct mm_struct *mm, struct vm_area_struct *vma)
{
	struct vma_edit e;
	int err;

	vma_edit_begin(&e, mm);
	err = vma_edit_store(&e, vma->vm_start, vma->vm_end, vma);
	if (err) {
		vma_edit_abort(&e);
		return err;
	}
	vma_link_finish(&e, vma);
	return 0;
}

/* ---- splitting ------------------------------------------------------------------------------- */

int vma_split_prepare(struct vma_edit *e, struct vma_split *sp, struct vm_area_struct *vma,
		      unsigned long addr, bool new_below)
{
	struct vm_area_struct *new;
	int err;

	VM_BUG_ON(addr <= vma->vm_start || addr >= vma->vm_end);
	*sp = (struct vma_split){ .vma = vma, .addr = addr, .new_below = new_below };
	if (vma->vm_kind == VMA_SPECIAL)
		return -EINVAL;
	new = vm_area_dup(vma);
	if (!new)
		return -ENOMEM;
	if (new_below) {
		new->vm_end = addr;
	} else {
		new->vm_start = addr;
		new->vm_pgoff += (addr - vma->vm_start) >> PAGE_SHIFT;
	}
	/* Its chain covers pages of both from now on; a walk may visit a page through either. */
	err = anon_vma_clone(new, vma);
	if (err)
		goto free_new;
	err = vma_edit_store(e, new->vm_start, new->vm_end, new);
	if (err)
		goto unlink;
	if (new->vm_file)
		get_file(new->vm_file);
	sp->new = new;
	return 0;
unlink:
	unlink_anon_vmas(new);
free_new:
	vm_area_free(new);
	return err;
}

void vma_split_finish(struct vma_split *sp)
{
	struct vm_area_struct *vma = sp->vma, *new = sp->new;
	struct vma_prepare vp = { .vma = vma, .insert = new };

	if (!new)
		return;
	vp.mapping = vma->vm_file ? vma->vm_file->f_mapping : NULL;
	vp.anon_vma = vma->anon_vma;
	vma_start_write(vma);
	vma_start_write(new);
	vma_prepare(&vp);
	if (sp->new_below) {
		vma->vm_start = sp->addr;
		vma->vm_pgoff += (sp->addr - new->vm_start) >> PAGE_SHIFT;
	} else {
		vma->vm_end = sp->addr;
	}
	vma_complete(&vp);
	vma_mark_attached(new);
	vma->vm_mm->map_count++;
	sp->new = NULL;
}

void vma_split_cancel(struct vma_split *sp)
{
	struct vm_area_struct *new = sp->new;

	if (!new)
		return;
	unlink_anon_vmas(new);
	remove_vma(new);
	sp->new = NULL;
}
