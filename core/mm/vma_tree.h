/* SPDX-License-Identifier: MIT */
/*
 * The index of an address space: which VMA covers an address, and where there is room.
 *
 * A persistent (path-copying) B+ tree. A published node never changes. A writer makes an edit:
 * it copies the nodes on the paths it touches into an unpublished tree, publishes the new root
 * once, and the replaced nodes go away after a grace period. A reader takes the root once and
 * sees one consistent tree; it never restarts. Whether a VMA it finds is still the right one is
 * the business of the VMA lock (vma_lock.h): VMAs themselves are edited in place.
 *
 * Every entry is a range [start, end) and its VMA; inner nodes carry the largest gap below each
 * child, so that the search for room is logarithmic.
 */
#ifndef MMSTORM_MM_VMA_TREE_H
#define MMSTORM_MM_VMA_TREE_H

#include "base/types.h"
#include "mm/mm_types.h"

struct kmem_cache;
struct vma_node;

#define VMA_TREE_MAX_HEIGHT	12	/* 7^12 entries: never reached */

/* sizeof(struct vma_node), for the cache that init.c makes. */
extern const size_t vma_node_size;

/* ---- readers: RCU read section, or mmap_lock ------------------------------------------------- */

/* The first VMA that ends above addr, or NULL (find_vma). It may start above addr too. */
struct vm_area_struct *vma_tree_find(struct mm_struct *mm, unsigned long addr);
/* The VMA whose entry covers addr, or NULL (mas_walk). */
struct vm_area_struct *vma_tree_lookup(struct mm_struct *mm, unsigned long addr);
/* The last VMA that starts below addr, or NULL. */
struct vm_area_struct *vma_tree_find_prev(struct mm_struct *mm, unsigned long addr);

/*
 * A walk over one snapshot in address order. Valid as long as its RCU section lasts, or, under
 * mmap_lock, until an edit is committed.
 */
struct vma_iter {
	struct mm_struct	*mm;
	const struct vma_node	*node[VMA_TREE_MAX_HEIGHT];
	u8			slot[VMA_TREE_MAX_HEIGHT];
	int			depth;	/* of the leaf; -1 at the end */
};

/* Positions at the first entry that ends above addr. */
void vma_iter_init(struct vma_iter *it, struct mm_struct *mm, unsigned long addr);
/* The current entry's VMA and a step forward; NULL at the end. */
struct vm_area_struct *vma_iter_next(struct vma_iter *it);

#define for_each_vma(it, mm, vma)					\
	for (vma_iter_init(&(it), (mm), 0); ((vma) = vma_iter_next(&(it))) != NULL; )
/* Every VMA that overlaps [start, end), by its entry's start; mmap_lock held. */
#define for_each_vma_range(it, mm, vma, start, end)			\
	for (vma_iter_init(&(it), (mm), (start));			\
	     ((vma) = vma_iter_next(&(it))) != NULL && (vma)->vm_start < (end); )

/*
 * Room for size bytes inside [min, max): the lowest or the highest gap that is large enough.
 * The part of that gap inside [min, max) is stored in *gap_start and *gap_end. 0 or -EBUSY.
 */
int vma_tree_gap_lowest(struct mm_struct *mm, unsigned long min, unsigned long max,
			unsigned long size, unsigned long *gap_start, unsigned long *gap_end);
int vma_tree_gap_highest(struct mm_struct *mm, unsigned long min, unsigned long max,
			 unsigned long size, unsigned long *gap_start, unsigned long *gap_end);

/* ---- writers: mmap_lock for writing, one edit of an mm at a time ----------------------------- */

struct vma_edit {
	struct mm_struct	*mm;
	struct vma_node		*root;		/* unpublished */
	struct vma_node		*retired;	/* published nodes this edit replaces */
	struct vma_node		*spare;		/* nodes made by this edit and dropped again */
	struct vma_node		*orphan;	/* cut off and not linked when memory ran out */
	u64			seq;		/* nodes that carry it are this edit's own */
	bool			open;
};

void vma_edit_begin(struct vma_edit *e, struct mm_struct *mm);
/*
 * [start, end) belongs to vma now; what covered it before is cut back, cut in two or dropped.
 * 0 or -ENOMEM; after -ENOMEM the edit can only be aborted.
 */
int vma_edit_store(struct vma_edit *e, unsigned long start, unsigned long end,
		   struct vm_area_struct *vma);
/* [start, end) belongs to nobody. The same returns. */
int vma_edit_erase(struct vma_edit *e, unsigned long start, unsigned long end);
/* Publishes everything at once. Cannot fail, does not sleep. */
void vma_edit_commit(struct vma_edit *e);
/* As if the edit had never begun. */
void vma_edit_abort(struct vma_edit *e);
/* The state inside the edit, for one that depends on its own stores. */
struct vm_area_struct *vma_edit_find(struct vma_edit *e, unsigned long addr);

/* Frees all nodes at once: no reader can be left (exit_mmap, a failed dup_mmap). */
void vma_tree_destroy(struct mm_struct *mm);

/* ---- checking -------------------------------------------------------------------------------- */

/*
 * Recounts order, fill, gaps and entry bounds; returns NULL or what is wrong, in words. Counts
 * the entries in *nr. mmap_lock held.
 */
const char *vma_tree_check(struct mm_struct *mm, unsigned long *nr);

#endif /* MMSTORM_MM_VMA_TREE_H */
