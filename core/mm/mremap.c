/* SPDX-License-Identifier: MIT */
/*
 * mremap (mm/mremap.c of Linux 6.18): the VMA part. Entries move by move_page_tables().
 *
 * Works under mmap_lock held for writing; both VMAs are write-locked while entries move, so no
 * fault sees a page in neither place. Checks come before the destination is unmapped (6.17).
 * After that there is no way back: what lacks memory then is tried again and again, as
 * __GFP_NOFAIL would, and only when frames are really used up does the destination stay unmapped,
 * as in Linux. Pages are never lost: what was moved is moved back.
 */
#include "base/bug.h"
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

#define MREMAP_KNOWN	(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)
/* How often a step is tried that must not fail any more. */
#define MREMAP_TRIES	64

/* One call (struct vma_remap_struct); of a move over several VMAs, the current piece. */
struct vma_remap {
	struct mm_struct	*mm;
	struct vm_area_struct	*vma;
	unsigned long		addr, old_len, new_len, new_addr;
	unsigned long		flags;
	unsigned long		delta;		/* bytes grown or shrunk */
	long			charged;	/* pages promised by this call */
	bool			populate_expand;
	bool			mmap_locked;
};

/* The caller names a place, or a hint for one. */
static bool implies_new_addr(const struct vma_remap *vrm)
{
	return vrm->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

static bool expands(const struct vma_remap *vrm)
{
	return vrm->new_len > vrm->old_len;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static int check_params(const struct vma_remap *vrm)
{
	const struct mm_struct *mm = vrm->mm;

	if (vrm->flags & ~MREMAP_KNOWN)
		return -EINVAL;
	if (offset_in_page(vrm->addr))
		return -EINVAL;
	if (!vrm->new_len || vrm->new_len > mm->task_size)
		return -EINVAL;
	if (!implies_new_addr(vrm))
		return 0;
	if (vrm->new_addr > mm->task_size - vrm->new_len || offset_in_page(vrm->new_addr))
		return -EINVAL;
	if (!(vrm->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((vrm->flags & MREMAP_DONTUNMAP) && vrm->old_len != vrm->new_len)
		return -EINVAL;
	if (vrm->addr + vrm->old_len > vrm->new_addr && vrm->new_addr + vrm->new_len > vrm->addr)
		return -EINVAL;
	return 0;
}

/* Cuts at both places must not meet the limit half way. */
static bool near_map_count_limit(const struct vma_remap *vrm)
{
	return implies_new_addr(vrm) &&
	       vrm->mm->map_count + 2 >= (int)vrm->mm->params.max_map_count - 3;
}

/* The VMA can do what is asked (check_prep_vma). */
static int check_prep_vma(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	unsigned long old_len = vrm->old_len, new_len = vrm->new_len, pgoff;

	if (!vma)
		return -EFAULT;
	if (vma->vm_flags & VM_SEALED)
		return -EPERM;
	vrm->delta = expands(vrm) ? new_len - old_len : old_len - new_len;
	if (!implies_new_addr(vrm)) {
		vrm->new_addr = vrm->addr;
		if (!expands(vrm))
			return 0;
	}
	if (!old_len && !(vma->vm_flags & (VM_SHARED | VM_MAYSHARE)))
		return -EINVAL;
	if ((vrm->flags & MREMAP_DONTUNMAP) && (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP)))
		return -EINVAL;
	/* What a shrink unmaps may cross VMAs; what is kept or moved may not. */
	old_len = min(old_len, new_len);
	if (old_len > vma->vm_end - vrm->addr)
		return -EFAULT;
	if (new_len == old_len)
		return 0;
	if (vma->vm_flags & VM_LOCKED)
		vrm->populate_expand = true;
	pgoff = ((vrm->addr - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
	if (pgoff + (new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (vma->vm_flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (!mlock_future_ok(vrm->mm, vma->vm_flags, vrm->delta))
		return -EAGAIN;
	return may_expand_vm(vrm->mm, vma->vm_flags, vrm->delta >> PAGE_SHIFT) ? 0 : -ENOMEM;
}

/* ---- accounts -------------------------------------------------------------------------------- */

static int charge(struct vma_remap *vrm)
{
	unsigned long bytes = vrm->flags & MREMAP_DONTUNMAP ? vrm->new_len : vrm->delta;

	if (!(vrm->vma->vm_flags & VM_ACCOUNT))
		return 0;
	if (vm_enough_memory(vrm->mm, (long)(bytes >> PAGE_SHIFT)))
		return -ENOMEM;
	vrm->charged = (long)(bytes >> PAGE_SHIFT);
	return 0;
}

static void uncharge(struct vma_remap *vrm)
{
	vm_unacct_memory(vrm->mm, vrm->charged);
	vrm->charged = 0;
}

static void stat_account(struct vma_remap *vrm, unsigned long bytes)
{
	unsigned long pages = bytes >> PAGE_SHIFT;

	vm_stat_account(vrm->mm, vrm->vma->vm_flags, (long)pages);
	if (vrm->vma->vm_flags & VM_LOCKED)
		vrm->mm->locked_vm += pages;
}

/* ---- moving ---------------------------------------------------------------------------------- */

/*
 * A new VMA at new_addr with the pages of the old one. On failure the pages are where they were;
 * *new_vma is then what must be unmapped, or NULL.
 */
static int copy_vma_and_data(struct vma_remap *vrm, struct vm_area_struct **new_vma)
{
	unsigned long pgoff = vrm->vma->vm_pgoff + ((vrm->addr - vrm->vma->vm_start) >> PAGE_SHIFT);
	struct vm_area_struct *vma = vrm->vma, *new;
	int tries = vrm->flags & MREMAP_FIXED ? MREMAP_TRIES : 1;
	unsigned long moved;
	bool need_rmap_locks;

	do {
		new = copy_vma(&vma, vrm->new_addr, vrm->new_len, pgoff, &need_rmap_locks);
	} while (!new && --tries);
	*new_vma = new;
	if (!new)
		return -ENOMEM;
	vrm->vma = vma;
	vma_start_write(vma);
	vma_start_write(new);
	for (moved = 0; moved < vrm->old_len && tries; tries--)
		moved += move_page_tables(vma, vrm->addr + moved, new, vrm->new_addr + moved,
					  vrm->old_len - moved, need_rmap_locks);
	if (moved >= vrm->old_len)
		return 0;
	/* Back: the tables it needs are still there. */
	move_page_tables(new, vrm->new_addr, vma, vrm->addr, moved, true);
	vrm->vma = new;
	vrm->old_len = vrm->new_len;
	vrm->addr = vrm->new_addr;
	return -ENOMEM;
}

/* Unmapping that must not fail for want of memory for its cuts. */
static int munmap_nofail(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	int err, tries = MREMAP_TRIES;

	do {
		err = do_munmap(mm, addr, len);
	} while (err == -ENOMEM && --tries);
	return err;
}

/* VM_ACCOUNT goes back to what is left of the source on both sides. */
static void account_rest(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = vma_lookup(mm, addr);

	if (!vma)
		return;
	vma_start_write(vma);
	vm_flags_reset(vma, vma->vm_flags | VM_ACCOUNT);
}

/* After a move the source, after a failed one the destination. */
static void unmap_source_vma(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	unsigned long start = vma->vm_start, end = vma->vm_end;
	/* The promise has moved with the pages: the unmapping must not take it back. */
	bool account = (vma->vm_flags & VM_ACCOUNT) && !(vrm->flags & MREMAP_DONTUNMAP);

	if (account) {
		vma_start_write(vma);
		vm_flags_reset(vma, vma->vm_flags & ~VM_ACCOUNT);
	}
	if (munmap_nofail(vrm->mm, vrm->addr, vrm->old_len)) {
		/*
		 * No memory for the cuts: it stays mapped, empty, and keeps a promise of
		 * its own. (Linux records one for any source, and nothing takes it back.)
		 */
		if (account) {
			vm_acct_memory(vrm->mm, (long)(vrm->old_len >> PAGE_SHIFT));
			account_rest(vrm->mm, vrm->addr);
		}
		return;
	}
	if (account && start < vrm->addr)
		account_rest(vrm->mm, vrm->addr - 1);
	if (account && end > vrm->addr + vrm->old_len)
		account_rest(vrm->mm, vrm->addr + vrm->old_len);
}

/* The source stays, empty: unlocked, and of no anon_vma if all of it has moved. */
static void dontunmap_complete(struct vma_remap *vrm, struct vm_area_struct *new_vma)
{
	struct vm_area_struct *vma = vrm->vma;

	vma_start_write(vma);
	vm_flags_reset(vma, vma->vm_flags & ~VM_LOCKED_MASK);
	if (new_vma != vma && vrm->addr == vma->vm_start &&
	    vrm->addr + vrm->old_len == vma->vm_end)
		unlink_anon_vmas(vma);
}

static unsigned long move_vma(struct vma_remap *vrm)
{
	struct mm_struct *mm = vrm->mm;
	struct vm_area_struct *vma = vrm->vma, *new_vma;
	unsigned long to = vrm->new_addr;
	int err;

	if (mm->map_count >= (int)mm->params.max_map_count - 3)
		return (unsigned long)-ENOMEM;
	if (vma->vm_kind == VMA_SPECIAL &&
	    (vma->vm_start != vrm->addr || vma->vm_end != vrm->addr + vrm->old_len))
		return (unsigned long)-EINVAL;
	err = charge(vrm);
	if (err)
		return (unsigned long)err;
	/* Faults on the source wait from here on. */
	vma_start_write(vma);
	err = copy_vma_and_data(vrm, &new_vma);
	if (err && !new_vma) {
		uncharge(vrm);
		return (unsigned long)err;
	}
	stat_account(vrm, vrm->new_len);
	if (!err && (vrm->flags & MREMAP_DONTUNMAP))
		dontunmap_complete(vrm, new_vma);
	else
		unmap_source_vma(vrm);
	if (err && !(vrm->flags & MREMAP_DONTUNMAP))
		uncharge(vrm);
	return err ? (unsigned long)err : to;
}

/* Where to: the caller's place, or what a mapping like this would get. */
static int set_new_addr(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	unsigned long flags = 0, found;

	if (vrm->flags & MREMAP_FIXED)
		flags |= MAP_FIXED;
	if (vma->vm_flags & VM_MAYSHARE)
		flags |= MAP_SHARED;
	found = get_unmapped_area(vrm->mm, vma->vm_file,
				  implies_new_addr(vrm) ? vrm->new_addr : 0, vrm->new_len,
				  vma->vm_pgoff + ((vrm->addr - vma->vm_start) >> PAGE_SHIFT),
				  flags, vma->vm_flags);
	if (IS_ERR_VALUE(found))
		return (int)(long)found;
	vrm->new_addr = found;
	return 0;
}

/* ---- shrinking and growing ------------------------------------------------------------------- */

/* The tail goes; with unlock the lock goes too, on success. */
static int shrink_vma(struct vma_remap *vrm, bool unlock)
{
	unsigned long at = vrm->addr + vrm->new_len;
	int err;

	if (unlock)
		err = do_vmi_munmap(vrm->mm, at, vrm->delta, true);
	else
		err = munmap_nofail(vrm->mm, at, vrm->delta);
	vrm->vma = NULL;
	if (err)
		return err;
	if (unlock) {
		vrm->mmap_locked = false;
		return 0;
	}
	vrm->vma = vma_lookup(vrm->mm, vrm->addr);
	return vrm->vma ? 0 : -EFAULT;
}

static bool can_expand_in_place(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	unsigned long end = vma->vm_end + vrm->delta;

	if (vma->vm_end - vrm->addr != vrm->old_len || end < vma->vm_end)
		return false;
	if (find_vma_intersection(vrm->mm, vma->vm_end, end))
		return false;
	return !IS_ERR_VALUE(get_unmapped_area(vrm->mm, NULL, vma->vm_start,
					       end - vma->vm_start, 0, MAP_FIXED, 0));
}

/* The extension merges with the VMA, perhaps with its next too (vma_merge_extend). */
static int expand_in_place(struct vma_remap *vrm)
{
	struct vm_area_struct *vma = vrm->vma;
	struct vma_edit e;
	struct vma_merge_struct vmg = {
		.mm = vrm->mm, .edit = &e, .prev = vma, .next = vma_next(vma),
		.start = vma->vm_end, .end = vma->vm_end + vrm->delta,
		.pgoff = vma->vm_pgoff + vma_pages(vma), .vm_flags = vma->vm_flags,
		.file = vma->vm_file, .anon_vma = vma->anon_vma,
		.kind = (enum vma_kind)vma->vm_kind,
	};

	if (charge(vrm))
		return -ENOMEM;
	vma_edit_begin(&e, vrm->mm);
	if (!vma_merge_new_prepare(&vmg)) {
		vma_edit_abort(&e);
		uncharge(vrm);
		return -ENOMEM;
	}
	vrm->vma = vma_merge_finish(&vmg);
	stat_account(vrm, vrm->delta);
	return 0;
}

static unsigned long expand_vma(struct vma_remap *vrm)
{
	int err;

	if (can_expand_in_place(vrm)) {
		err = expand_in_place(vrm);
		return err ? (unsigned long)err : vrm->addr;
	}
	if (!(vrm->flags & MREMAP_MAYMOVE))
		return (unsigned long)-ENOMEM;
	err = set_new_addr(vrm);
	return err ? (unsigned long)err : move_vma(vrm);
}

/* ---- the two kinds of call ------------------------------------------------------------------- */

/* To a place that the caller names (mremap_to). */
static unsigned long mremap_to(struct vma_remap *vrm)
{
	int err;

	if (vrm->flags & MREMAP_FIXED) {
		err = do_munmap(vrm->mm, vrm->new_addr, vrm->new_len);
		if (err)
			return (unsigned long)err;
		/* It may have been a part of the same VMA. */
		vrm->vma = vma_lookup(vrm->mm, vrm->addr);
		if (!vrm->vma)
			return (unsigned long)-EFAULT;
	}
	if (vrm->old_len > vrm->new_len) {
		err = shrink_vma(vrm, false);
		if (err)
			return (unsigned long)err;
		vrm->old_len = vrm->new_len;
		vrm->delta = 0;
	}
	if ((vrm->flags & MREMAP_DONTUNMAP) &&
	    !may_expand_vm(vrm->mm, vrm->vma->vm_flags, vrm->old_len >> PAGE_SHIFT))
		return (unsigned long)-ENOMEM;
	err = set_new_addr(vrm);
	return err ? (unsigned long)err : move_vma(vrm);
}

/* Where it is, if possible (mremap_at). */
static unsigned long mremap_at(struct vma_remap *vrm)
{
	int err;

	if (expands(vrm))
		return expand_vma(vrm);
	if (vrm->old_len == vrm->new_len)
		return vrm->addr;
	err = shrink_vma(vrm, true);
	return err ? (unsigned long)err : vrm->addr;
}

/* A place that get_unmapped_area() might not grant exactly excludes a joint move. */
static bool multi_allowed(const struct vm_area_struct *vma)
{
	return !vma->vm_file || vma->vm_kind == VMA_FILE;
}

/* FIXED without resize: every VMA of the range moves, the gaps between them stay (remap_move). */
static unsigned long remap_move(struct vma_remap *vrm)
{
	unsigned long start = vrm->addr, end = start + vrm->old_len, to = vrm->new_addr;
	unsigned long at = start, res = (unsigned long)-EFAULT;
	struct vm_area_struct *vma;

	while (at < end && (vma = find_vma_intersection(vrm->mm, at, end)) != NULL) {
		unsigned long ret;

		if (at == start && vma->vm_start > start)
			return (unsigned long)-EFAULT;
		if (!multi_allowed(vma) && (at != start || vma->vm_end < end))
			return (unsigned long)-EFAULT;
		vrm->vma = vma;
		vrm->addr = max(vma->vm_start, start);
		vrm->new_addr = to + (vrm->addr - start);
		vrm->old_len = vrm->new_len = min(vma->vm_end, end) - vrm->addr;
		at = vrm->addr + vrm->old_len;
		ret = (unsigned long)check_prep_vma(vrm);
		if (!ret)
			ret = mremap_to(vrm);
		if (IS_ERR_VALUE(ret))
			return ret;
		if (vrm->addr == start)
			res = ret;
	}
	return res;
}

unsigned long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len,
			unsigned long new_len, unsigned long flags, unsigned long new_addr)
{
	struct vma_remap vrm = {
		.mm = mm, .addr = addr, .flags = flags, .new_addr = new_addr,
		.old_len = PAGE_ALIGN(old_len), .new_len = PAGE_ALIGN(new_len),
		.mmap_locked = true,
	};
	unsigned long ret = (unsigned long)check_params(&vrm);

	if (ret)
		return ret;
	mmap_write_lock(mm);
	if (near_map_count_limit(&vrm)) {
		ret = (unsigned long)-ENOMEM;
	} else if ((flags & MREMAP_FIXED) && vrm.old_len == vrm.new_len) {
		ret = remap_move(&vrm);
	} else {
		vrm.vma = vma_lookup(mm, addr);
		ret = (unsigned long)check_prep_vma(&vrm);
		if (!ret)
			ret = implies_new_addr(&vrm) ? mremap_to(&vrm) : mremap_at(&vrm);
	}
	if (vrm.mmap_locked)
		mmap_write_unlock(mm);
	if (!IS_ERR_VALUE(ret) && vrm.populate_expand)
		mm_populate(mm, ret + vrm.old_len, vrm.delta);
	return ret;
}
