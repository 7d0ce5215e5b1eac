/* SPDX-License-Identifier: MIT */
/*
 * VMAs: finding, making, splitting and merging them (mm/vma.c of Linux 6.18).
 *
 * mmap_lock is held for writing everywhere here unless a line says otherwise.
 *
 * Splits and merges come in two halves. The first half allocates everything and writes the new
 * ranges into an unpublished edit of the tree; it may fail, and what it did can be cancelled. The
 * second half changes the VMAs in place and cannot fail. A call that needs several of them does
 * all first halves, then all second halves, then publishes once: so a failing call leaves the
 * address space as it was.
 */
#ifndef MMSTORM_MM_VMA_H
#define MMSTORM_MM_VMA_H

#include "mm/mm.h"
#include "mm/mm_types.h"
#include "mm/vma_tree.h"

/* ---- lives (vma.c) --------------------------------------------------------------------------- */

/* A detached VMA of this mm, zero but for its lists; NULL: no memory. */
struct vm_area_struct *vm_area_alloc(struct mm_struct *mm);
/* A detached copy with an empty anon_vma_chain; takes no references (vm_area_dup). */
struct vm_area_struct *vm_area_dup(struct vm_area_struct *orig);
/* Detached, references dropped by the caller. A lockless reader may still look at the memory. */
void vm_area_free(struct vm_area_struct *vma);
/* A VMA of an unmapped list: drops the file, frees (mm/vma.c remove_vma). May sleep. */
void remove_vma(struct vm_area_struct *vma);

/* ---- finding; mmap_lock at least for reading ------------------------------------------------- */

static inline struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)
{
	return vma_tree_find(mm, addr);
}

static inline struct vm_area_struct *vma_lookup(struct mm_struct *mm, unsigned long addr)
{
	return vma_tree_lookup(mm, addr);
}

/* find_vma, and in *prev the VMA before it. */
struct vm_area_struct *find_vma_prev(struct mm_struct *mm, unsigned long addr,
				     struct vm_area_struct **prev);

static inline struct vm_area_struct *find_vma_intersection(struct mm_struct *mm,
							    unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma = vma_tree_find(mm, start);

	return vma && vma->vm_start < end ? vma : NULL;
}

/* Neighbours by address, whether they touch or not. */
static inline struct vm_area_struct *vma_next(struct vm_area_struct *vma)
{
	return vma_tree_find(vma->vm_mm, vma->vm_end);
}

static inline struct vm_area_struct *vma_prev(struct vm_area_struct *vma)
{
	return vma_tree_find_prev(vma->vm_mm, vma->vm_start);
}

/* Where the VMA begins for one who looks for room: a guard gap below a stack. */
unsigned long vm_start_gap(const struct vm_area_struct *vma);

bool vma_is_initial_heap(const struct vm_area_struct *vma);
bool vma_is_initial_stack(const struct vm_area_struct *vma);

/* ---- flags and protection -------------------------------------------------------------------- */

vm_flags_t calc_vm_prot_bits(unsigned long prot);
pgprot_t vm_get_page_prot(vm_flags_t vm_flags);
/* VMA write-locked or not attached yet. */
void vm_flags_reset(struct vm_area_struct *vma, vm_flags_t flags);
/* The same for what vma_modify_flags() returned: what it has by merging stays. */
static inline void vm_flags_modified(struct vm_area_struct *vma, vm_flags_t flags)
{
	vm_flags_reset(vma, flags | (vma->vm_flags & VM_STICKY));
}
/* Recomputes vm_page_prot from the flags. */
void vma_set_page_prot(struct vm_area_struct *vma);
/* Private, writable, not NORESERVE: its pages are promised. */
bool accountable_mapping(vm_flags_t flags);

static inline void vma_set_range(struct vm_area_struct *vma, unsigned long start,
				 unsigned long end, unsigned long pgoff)
{
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_pgoff = pgoff;
}

/*
 * Faults [start, end) in: pages of its own where it may be written, none where it is locked on
 * fault only. mmap_lock held. 0, -ENOMEM or -EFAULT.
 */
int populate_vma_page_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);

/* ---- inserting ------------------------------------------------------------------------------- */

/*
 * Publishes a complete new VMA: commits @e, which it is stored in, then enters it in the
 * file's tree. It stays write-locked, so that its maker may go on with it.
 */
void vma_link_finish(struct vma_edit *e, struct vm_area_struct *vma);
/* An edit of its own for one VMA (insert_vm_struct, dup_mmap). 0 or -ENOMEM. */
int vma_link(struct mm_struct *mm, struct vm_area_struct *vma);

/* ---- splitting ------------------------------------------------------------------------------- */

/* One cut of vma at addr: new gets the lower (new_below) or the upper part. */
struct vma_split {
	struct vm_area_struct	*vma;
	struct vm_area_struct	*new;		/* NULL: nothing prepared */
	unsigned long		addr;
	bool			new_below;
};

/* First half; 0, -ENOMEM (also beyond max_map_count), -EINVAL ([vdso]). */
int vma_split_prepare(struct vma_edit *e, struct vma_split *sp, struct vm_area_struct *vma,
		      unsigned long addr, bool new_below);
void vma_split_finish(struct vma_split *sp);
void vma_split_cancel(struct vma_split *sp);

/* ---- merging (vma_merge.c) ------------------------------------------------------------------- */

enum vma_merge_state {
	VMA_MERGE_START,
	VMA_MERGE_NOMERGE,
	VMA_MERGE_ERROR_NOMEM,
	VMA_MERGE_SUCCESS,
};

/*
 * A range [start, end) with properties, and its neighbours. After a successful first half the
 * fields describe the target as it will be.
 */
struct vma_merge_struct {
	struct mm_struct	*mm;
	struct vma_edit		*edit;
	struct vm_area_struct	*prev;
	/* the VMA that holds the range; NULL: a new range */
	struct vm_area_struct	*middle;
	struct vm_area_struct	*next;
	struct vm_area_struct	*target;	/* who grows */
	struct vm_area_struct	*copied_from;	/* mremap: whose pages come along */
	unsigned long		start, end;
	unsigned long		pgoff;
	vm_flags_t		vm_flags;
	struct file		*file;
	struct anon_vma		*anon_vma;
	enum vma_kind		kind;
	enum vma_merge_state	state;
	bool			just_expand;	/* brk: only prev may grow */
	/* Between the halves. */
	bool			remove_middle, remove_next;
	bool			adjust_middle_start, adjust_next_start;
	struct vm_area_struct	*anon_dup;	/* got an anon_vma by this merge */
};

/* First halves; true when a merge is prepared. False: state says NOMERGE or ERROR_NOMEM. */
bool vma_merge_new_prepare(struct vma_merge_struct *vmg);
bool vma_merge_existing_prepare(struct vma_merge_struct *vmg);
/* Grow vmg->target to [start, end), swallowing next if that ends there (vma_expand). */
int vma_expand_prepare(struct vma_merge_struct *vmg);
/*
 * Second half: changes the target and its neighbours and publishes the edit. The VMAs that are
 * gone have been freed on return. Returns the target.
 */
struct vm_area_struct *vma_merge_finish(struct vma_merge_struct *vmg);
void vma_merge_cancel(struct vma_merge_struct *vmg);

/*
 * [start, end) of vma is to have new flags: merge it with a neighbour, or split it out; returns
 * the VMA that is (or contains) it, or ERR_PTR(-ENOMEM). The caller sets the flags of the result
 * (vm_flags_modified). vma_modify_flags().
 */
struct vm_area_struct *vma_modify_flags(struct vm_area_struct *prev, struct vm_area_struct *vma,
					unsigned long start, unsigned long end,
					vm_flags_t vm_flags);

/*
 * A VMA of len bytes at addr like *vmap, for mremap: merged into a neighbour or new. NULL: no
 * memory. *need_rmap_locks as in copy_vma(); *vmap follows vma when it was merged into.
 */
struct vm_area_struct *copy_vma(struct vm_area_struct **vmap, unsigned long addr,
				unsigned long len, unsigned long pgoff, bool *need_rmap_locks);

/* ---- unmapping (munmap.c) -------------------------------------------------------------------- */

/*
 * The removal of [start, end) (struct vma_munmap_struct). The steps, in order; everything up to
 * and including vms_gather can fail and be cancelled:
 *
 *	vms_gather_munmap_vmas	cuts prepared, pages counted; nothing visible
 *	(an erase, or a store over the range, into the same edit)
 *	vms_finish_cuts		cuts made, the VMAs of the range write-locked and listed
 *	(publish)
 *	vms_detach		nobody finds the VMAs any more
 *	vms_clear_ptes		page tables emptied, flushed and freed
 *	vms_complete_munmap_vmas	VMAs freed
 *
 * mmap over a range clears the entries before it publishes: the place is never seen empty.
 */
struct vma_munmap {
	struct mm_struct	*mm;
	struct vma_edit		*edit;
	unsigned long		start, end;
	struct vm_area_struct	*vma;		/* first of the range; NULL: nothing there */
	struct vm_area_struct	*prev, *next;	/* outside, as they will be after the cuts */
	struct vma_split	cut[2];
	struct list_head	vmas;		/* vm_link */
	int			vma_count;
	unsigned long		nr_pages, locked_vm, nr_accounted;
	unsigned long		exec_vm, stack_vm, data_vm;
};

/* 0, -ENOMEM (memory, or a cut beyond max_map_count), -EPERM (sealed), -EINVAL ([vdso]). */
int vms_gather_munmap_vmas(struct vma_munmap *vms, struct vma_edit *e, struct mm_struct *mm,
			   unsigned long start, unsigned long end);
void vms_cancel(struct vma_munmap *vms);
void vms_finish_cuts(struct vma_munmap *vms);
void vms_detach(struct vma_munmap *vms);
void vms_clear_ptes(struct vma_munmap *vms);
void vms_complete_munmap_vmas(struct vma_munmap *vms);

/*
 * munmap with mmap_lock held for writing. With unlock and success the lock is gone on return: it
 * was held for reading only while pages were freed. Otherwise it is still held.
 */
int do_vmi_munmap(struct mm_struct *mm, unsigned long start, size_t len, bool unlock);
int do_vmi_align_munmap(struct mm_struct *mm, unsigned long start, unsigned long end, bool unlock);

#endif /* MMSTORM_MM_VMA_H */
