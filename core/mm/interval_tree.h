/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_INTERVAL_TREE_H
#define MMSTORM_MM_INTERVAL_TREE_H

/*
 * Interval trees of VMAs by file page offset (mm/interval_tree.c).
 * An interval is [vm_pgoff, last page offset], both included.
 */

#include "base/rbtree.h"

struct vm_area_struct;
struct anon_vma_chain;

/* i_mmap.  Locks: i_mmap_rwsem for writing, for reading in the iterators. */
void vma_interval_tree_insert(struct vm_area_struct *vma,
			      struct rb_root_cached *root);
void vma_interval_tree_remove(struct vm_area_struct *vma,
			      struct rb_root_cached *root);
/*
 * Insert @vma, whose interval begins where @prev's does, so that iterators meet
 * it after @prev: fork's child after its parent, or truncation could pass the
 * child before the copy and the parent after it.
 */
void vma_interval_tree_insert_after(struct vm_area_struct *vma,
				    struct vm_area_struct *prev,
				    struct rb_root_cached *root);
struct vm_area_struct *
vma_interval_tree_iter_first(struct rb_root_cached *root, unsigned long first,
			     unsigned long last);
struct vm_area_struct *
vma_interval_tree_iter_next(struct vm_area_struct *vma, unsigned long first,
			    unsigned long last);

#define vma_interval_tree_foreach(vma, root, first, last)		\
	for ((vma) = vma_interval_tree_iter_first(root, first, last);	\
	     (vma); (vma) = vma_interval_tree_iter_next(vma, first, last))

/* anon_vma->rb_root.  Locks: anon_vma->root->rwsem, likewise. */
void anon_vma_interval_tree_insert(struct anon_vma_chain *avc,
				   struct rb_root_cached *root);
void anon_vma_interval_tree_remove(struct anon_vma_chain *avc,
				   struct rb_root_cached *root);
struct anon_vma_chain *
anon_vma_interval_tree_iter_first(struct rb_root_cached *root,
				  unsigned long first, unsigned long last);
struct anon_vma_chain *
anon_vma_interval_tree_iter_next(struct anon_vma_chain *avc,
				 unsigned long first, unsigned long last);

#define anon_vma_interval_tree_foreach(avc, root, first, last)		     \
	for ((avc) = anon_vma_interval_tree_iter_first(root, first, last);  \
	     (avc); (avc) = anon_vma_interval_tree_iter_next(avc, first, last))

#endif
