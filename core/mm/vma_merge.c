/* SPDX-License-Identifier: MIT */
/*
 * Merging: when two mappings become one VMA, and how (mm/vma.c, vma_merge_*; the rules of 6.18).
 *
 * Works under mmap_lock held for writing. First halves write-lock what they may change, copy
 * anon_vma links and write the edit; they can be cancelled. vma_merge_finish() changes ranges
 * under the locks of the reverse map, publishes, and frees what was swallowed.
 * Must never let a VMA with an anon_vma grow over pages of another anon_vma.
 */
#include "base/bug.h"
#include "base/err.h"
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vma_int.h"
#include "mm/vma_lock.h"
#include "zoo/zoo.h"

/* ---- the rules ------------------------------------------------------------------------------- */

static bool is_mergeable_vma(const struct vma_merge_struct *vmg, const struct vm_area_struct *vma)
{
	return !((vma->vm_flags ^ vmg->vm_flags) & ~VM_IGNORE_MERGE) &&
	       vma->vm_file == vmg->file && vma->vm_kind == vmg->kind;
}

/* Forked: some of its pages may belong to an ancestor's anon_vma. */
static bool vma_had_uncowed_parents(const struct vm_area_struct *vma)
{
	return vma && vma->anon_vma && !list_is_singular(&vma->anon_vma_chain);
}

static bool is_mergeable_anon_vma(const struct vma_merge_struct *vmg,
				  const struct vm_area_struct *tgt)
{
	if (!tgt->anon_vma && vmg->anon_vma)
		/* tgt would take over the links. */
		return !vma_had_uncowed_parents(vmg->middle) &&
		       !vma_had_uncowed_parents(vmg->copied_from);
	if (tgt->anon_vma && !vmg->anon_vma)
		return !vma_had_uncowed_parents(tgt);
	return tgt->anon_vma == vmg->anon_vma;
}

static bool can_vma_merge_left(const struct vma_merge_struct *vmg)
{
	const struct vm_area_struct *prev = vmg->prev;

	return prev && prev->vm_end == vmg->start && is_mergeable_vma(vmg, prev) &&
	       is_mergeable_anon_vma(vmg, prev) &&
	       prev->vm_pgoff + vma_pages(prev) == vmg->pgoff;
}

static bool can_vma_merge_right(const struct vma_merge_struct *vmg, bool merge_left)
{
	const struct vm_area_struct *next = vmg->next, *prev = vmg->prev;

	if (!next || next->vm_start != vmg->end || !is_mergeable_vma(vmg, next) ||
	    !is_mergeable_anon_vma(vmg, next) ||
	    next->vm_pgoff != vmg->pgoff + ((vmg->end - vmg->start) >> PAGE_SHIFT))
		return false;
	/* Each fits the range, but do they fit each other? */
	return !merge_left || !prev->anon_vma || !next->anon_vma ||
	       prev->anon_vma == next->anon_vma;
}

/*
 * The end of a SysV attachment is told to its owner (vm_ops->close): it is never swallowed by
 * another VMA.
 */
static bool can_merge_remove_vma(const struct vm_area_struct *vma)
{
	return !vma->vm_file || !vma->vm_file->f_shm;
}

/* ---- first halves ---------------------------------------------------------------------------- */

/* dst is about to cover src's pages: it needs src's links, if it has none itself. */
static int dup_anon_vma(struct vma_merge_struct *vmg, struct vm_area_struct *dst,
			struct vm_area_struct *src)
{
	int err;

	if (!src->anon_vma || dst->anon_vma)
		return 0;
	/* A fault that holds dst decides by this whether its pages can be found. */
	if (!zoo(ZOO_ANON_VMA_SET_UNLOCKED))
		vma_start_write(dst);
	dst->anon_vma = src->anon_vma;
	err = anon_vma_clone(dst, src);
	if (err)
		dst->anon_vma = NULL;
	else
		vmg->anon_dup = dst;
	return err;
}

void vma_merge_cancel(struct vma_merge_struct *vmg)
{
	if (vmg->anon_dup)
		unlink_anon_vmas(vmg->anon_dup);
	vmg->anon_dup = NULL;
}

static int merge_error(struct vma_merge_struct *vmg, int err)
{
	vma_merge_cancel(vmg);
	vmg->state = VMA_MERGE_ERROR_NOMEM;
	return err;
}

int vma_expand_prepare(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *target = vmg->target, *next = vmg->next;
	int err = 0;

	mmap_assert_write_locked(vmg->mm);
	vmg->remove_next = next && next != target && vmg->end == next->vm_end;
	if (vmg->remove_next) {
		vma_start_write(next);
		err = dup_anon_vma(vmg, target, next);
	}
	if (!err && vmg->copied_from)
		err = dup_anon_vma(vmg, target, vmg->copied_from);
	vma_start_write(target);
	if (!err)
		err = vma_edit_store(vmg->edit, vmg->start, vmg->end, target);
	if (err)
		return merge_error(vmg, err);
	vmg->state = VMA_MERGE_SUCCESS;
	return 0;
}

bool vma_merge_new_prepare(struct vma_merge_struct *vmg)
{
	bool left, right;

	VM_BUG_ON(vmg->middle || vmg->target);
	vmg->state = VMA_MERGE_NOMERGE;
	if (vmg->vm_flags & VM_SPECIAL)
		return false;
	left = can_vma_merge_left(vmg);
	right = !vmg->just_expand && can_vma_merge_right(vmg, left);
	if (!left && !right)
		return false;
	if (left && right && !can_merge_remove_vma(vmg->next))
		right = false;
	if (right) {
		vmg->end = vmg->next->vm_end;
		vmg->target = vmg->next;
	}
	if (left) {
		vmg->start = vmg->prev->vm_start;
		vmg->pgoff = vmg->prev->vm_pgoff;
		vmg->target = vmg->prev;
	}
	return !vma_expand_prepare(vmg);
}

/* |--prev--|--middle--|: prev takes middle's head, or all of it. */
static int merge_left_prepare(struct vma_merge_struct *vmg)
{
	vmg->start = vmg->prev->vm_start;
	vmg->pgoff = vmg->prev->vm_pgoff;
	vmg->adjust_middle_start = !vmg->remove_middle;
	return dup_anon_vma(vmg, vmg->prev, vmg->middle);
}

/* |--middle--|--next--|: next takes middle's tail, or all of it. */
static int merge_right_prepare(struct vma_merge_struct *vmg)
{
	vmg->pgoff = vmg->next->vm_pgoff - ((vmg->end - vmg->start) >> PAGE_SHIFT);
	vmg->end = vmg->next->vm_end;
	vmg->adjust_next_start = !vmg->remove_middle;
	return dup_anon_vma(vmg, vmg->next, vmg->middle);
}

/* |--prev--|--middle--|--next--|: prev takes everything. */
static int merge_both_prepare(struct vma_merge_struct *vmg)
{
	vmg->start = vmg->prev->vm_start;
	vmg->end = vmg->next->vm_end;
	vmg->pgoff = vmg->prev->vm_pgoff;
	return dup_anon_vma(vmg, vmg->prev, vmg->next->anon_vma ? vmg->next : vmg->middle);
}

bool vma_merge_existing_prepare(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *middle = vmg->middle;
	bool left_side = vmg->start == middle->vm_start;
	bool right_side = vmg->end == middle->vm_end;
	bool left, right;
	int err;

	mmap_assert_write_locked(vmg->mm);
	vmg->state = VMA_MERGE_NOMERGE;
	if ((vmg->vm_flags & VM_SPECIAL) || (!left_side && !right_side))
		return false;
	left = left_side && can_vma_merge_left(vmg);
	if (right_side)
		vmg->next = vma_next(middle);
	right = right_side && can_vma_merge_right(vmg, left);
	if (!left && !right)
		return false;
	vmg->remove_middle = left_side && right_side;
	if (vmg->remove_middle && !can_merge_remove_vma(middle))
		return false;
	if (left && right && !can_merge_remove_vma(vmg->next))
		right = false;
	vmg->remove_next = left && right;
	vmg->target = left ? vmg->prev : vmg->next;
	if (left && right)
		err = merge_both_prepare(vmg);
	else
		err = left ? merge_left_prepare(vmg) : merge_right_prepare(vmg);
	vma_start_write(middle);
	if (right)
		vma_start_write(vmg->next);
	if (left)
		vma_start_write(vmg->prev);
	if (!err)
		err = vma_edit_store(vmg->edit, vmg->start, vmg->end, vmg->target);
	if (err) {
		merge_error(vmg, err);
		return false;
	}
	vmg->state = VMA_MERGE_SUCCESS;
	return true;
}

/* ---- second half ----------------------------------------------------------------------------- */

/* A VMA swallowed by another; nobody finds it any more. */
static void merge_free(struct vm_area_struct *vma)
{
	vma_mark_detached(vma);
	unlink_anon_vmas(vma);
	vma->vm_mm->map_count--;
	remove_vma(vma);
}

/* Of what the target takes over. */
static vm_flags_t merged_flags(const struct vma_merge_struct *vmg)
{
	return vmg->vm_flags | (vmg->remove_next ? vmg->next->vm_flags : 0);
}

struct vm_area_struct *vma_merge_finish(struct vma_merge_struct *vmg)
{
	struct vm_area_struct *target = vmg->target, *adjust = NULL;
	struct vma_prepare vp = {
		.vma = target,
		.mapping = target->vm_file ? target->vm_file->f_mapping : NULL,
	};
	int i, n = 0;

	if (vmg->remove_middle)
		vp.remove[n++] = vmg->middle;
	if (vmg->remove_next)
		vp.remove[n++] = vmg->next;
	if (vmg->adjust_middle_start || vmg->adjust_next_start)
		adjust = vp.adj_next = vmg->middle;
	vp.anon_vma = target->anon_vma;
	if (!vp.anon_vma && adjust)
		vp.anon_vma = adjust->anon_vma;

	vma_prepare(&vp);
	/* middle gives its head to prev, or its tail to next. */
	if (vmg->adjust_middle_start)
		vma_set_range(adjust, vmg->end, adjust->vm_end, adjust->vm_pgoff +
			      ((vmg->end - adjust->vm_start) >> PAGE_SHIFT));
	else if (vmg->adjust_next_start)
		adjust->vm_end = vmg->start;
	vma_set_range(target, vmg->start, vmg->end, vmg->pgoff);
	vm_flags_reset(target, target->vm_flags | (merged_flags(vmg) & VM_STICKY));
	vma_complete(&vp);
	vma_edit_commit(vmg->edit);

	for (i = 0; i < n; i++)
		merge_free(vp.remove[i]);
	return target;
}

/* ---- what callers want ----------------------------------------------------------------------- */

/* Cuts [start, end) out of vma: all cuts or none, except that the limit may stop the second. */
static int split_out(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vma_split sp[2] = { };
	struct vma_edit e;
	int room = (int)mm->params.max_map_count - mm->map_count;
	bool head = vma->vm_start < start, tail = vma->vm_end > end;
	int err = 0, late = 0;

	if (room < head + tail) {
		/* As the kernel does: the first cut is made, and stays. */
		if (room < 1 || !(head && tail))
			return -ENOMEM;
		tail = false;
		late = -ENOMEM;
	}
	vma_edit_begin(&e, mm);
	if (head)
		err = vma_split_prepare(&e, &sp[0], vma, start, true);
	if (!err && tail)
		err = vma_split_prepare(&e, &sp[1], vma, end, false);
	if (err) {
		vma_split_cancel(&sp[0]);
		vma_edit_abort(&e);
		return err;
	}
	vma_split_finish(&sp[0]);
	vma_split_finish(&sp[1]);
	vma_edit_commit(&e);
	return late;
}

struct vm_area_struct *vma_modify_flags(struct vm_area_struct *prev, struct vm_area_struct *vma,
					unsigned long start, unsigned long end,
					vm_flags_t vm_flags)
{
	struct vma_edit e;
	struct vma_merge_struct vmg = {
		.mm = vma->vm_mm, .edit = &e, .prev = prev, .middle = vma,
		.start = start, .end = end,
		.pgoff = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT),
		.vm_flags = vm_flags, .file = vma->vm_file, .anon_vma = vma->anon_vma,
		.kind = (enum vma_kind)vma->vm_kind,
	};
	int err;

	vma_edit_begin(&e, vma->vm_mm);
	if (vma_merge_existing_prepare(&vmg))
		return vma_merge_finish(&vmg);
	vma_edit_abort(&e);
	if (vmg.state == VMA_MERGE_ERROR_NOMEM)
		return ERR_PTR(-ENOMEM);
	if (vma->vm_start == start && vma->vm_end == end)
		return vma;
	err = split_out(vma, start, end);
	return err ? ERR_PTR(err) : vma;
}

/* The new place's VMA when nothing merges. */
static struct vm_area_struct *copy_vma_new(struct vm_area_struct *vma, unsigned long addr,
					   unsigned long len, unsigned long pgoff)
{
	struct vm_area_struct *new = vm_area_dup(vma);

	if (!new)
		return NULL;
	vma_set_range(new, addr, addr + len, pgoff);
	if (anon_vma_clone(new, vma))
		goto free_new;
	if (new->vm_file)
		get_file(new->vm_file);
	if (!vma_link(vma->vm_mm, new))
		return new;
	unlink_anon_vmas(new);
	if (new->vm_file)
		fput(new->vm_file);
free_new:
	vm_area_free(new);
	return NULL;
}

struct vm_area_struct *copy_vma(struct vm_area_struct **vmap, unsigned long addr,
				unsigned long len, unsigned long pgoff, bool *need_rmap_locks)
{
	struct vm_area_struct *vma = *vmap, *new;
	unsigned long vma_start = vma->vm_start;
	struct mm_struct *mm = vma->vm_mm;
	struct vma_edit e;
	struct vma_merge_struct vmg = {
		.mm = mm, .edit = &e, .start = addr, .end = addr + len,
		.vm_flags = vma->vm_flags, .file = vma->vm_file, .anon_vma = vma->anon_vma,
		.kind = (enum vma_kind)vma->vm_kind, .copied_from = vma,
	};

	/* No page depends on its offset yet: number it for its new place, where it may merge. */
	if (vma_is_anonymous(vma) && !vma->anon_vma)
		pgoff = addr >> PAGE_SHIFT;
	vmg.pgoff = pgoff;
	vmg.next = find_vma_prev(mm, addr, &vmg.prev);
	VM_BUG_ON(vmg.next && vmg.next->vm_start < addr + len);

	vma_edit_begin(&e, mm);
	if (vma_merge_new_prepare(&vmg)) {
		new = vma_merge_finish(&vmg);
		/* An unfaulted source may have been next to the place and be part of it now. */
		if (vma_start >= new->vm_start && vma_start < new->vm_end)
			*vmap = vma = new;
		/* A walk of the reverse map would look at the new place, then at the old one. */
		*need_rmap_locks = !zoo(ZOO_MREMAP_RMAP_ORDER) &&
				   new->vm_pgoff <= vma->vm_pgoff;
		if (vma->anon_vma)
			rmap_window(vma->anon_vma, pgoff);
		return new;
	}
	vma_edit_abort(&e);
	if (vmg.state == VMA_MERGE_ERROR_NOMEM)
		return NULL;
	*need_rmap_locks = false;
	return copy_vma_new(vma, addr, len, pgoff);
}
