/* SPDX-License-Identifier: MIT */
/*
 * The two interval trees of reverse mapping: VMAs of a file (i_mmap) and links
 * of an anon_vma, both keyed by page offset.
 *
 * Owns nothing and locks nothing: the tree's owner holds i_mmap_rwsem or
 * anon_vma->root->rwsem.  A node's interval must not change while it is in a
 * tree (anon_vma_interval_tree_pre_update_vma takes it out for that).
 *
 * An augmented red-black tree: sorted by first offset, each node knowing the
 * greatest last offset below it.
 */

#include "base/bug.h"
#include "mm/interval_tree.h"
#include "mm/mm_types.h"
#include "mm/rmap.h"

static unsigned long vma_first(const struct vm_area_struct *vma)
{
	return vma->vm_pgoff;
}

static unsigned long vma_last(const struct vm_area_struct *vma)
{
	return vma->vm_pgoff + vma_pages(vma) - 1;
}

static unsigned long avc_first(const struct anon_vma_chain *avc)
{
	return vma_first(avc->vma);
}

static unsigned long avc_last(const struct anon_vma_chain *avc)
{
	return vma_last(avc->vma);
}

RB_DECLARE_CALLBACKS_MAX(static, vma_tree_augment, struct vm_area_struct,
			 shared.rb, unsigned long, shared.rb_subtree_last,
			 vma_last)
RB_DECLARE_CALLBACKS_MAX(static, avc_tree_augment, struct anon_vma_chain, rb,
			 unsigned long, rb_subtree_last, avc_last)

/*
 * INTERVAL_TREE: the operations for one type.
 *
 * subtree_search finds the leftmost node of a subtree that overlaps, given
 * that the subtree's greatest last offset reaches @first.  iter_next goes up
 * until it may go down to the right again.
 */
#define INTERVAL_TREE(type, field, augmented, START, LAST, augment, prefix)   \
void prefix##_insert(type *node, struct rb_root_cached *root)		      \
{									      \
	struct rb_node **link = &root->rb_root.rb_node, *parent = NULL;	      \
	bool leftmost = true;						      \
									      \
	node->augmented = LAST(node);					      \
	while (*link) {							      \
		parent = *link;						      \
		if (START(node) < START(rb_entry(parent, type, field))) {     \
			link = &parent->rb_left;			      \
		} else {						      \
			link = &parent->rb_right;			      \
			leftmost = false;				      \
		}							      \
	}								      \
	rb_link_node(&node->field, parent, link);			      \
	rb_insert_augmented_cached(&node->field, root, leftmost, &augment);   \
}									      \
									      \
void prefix##_remove(type *node, struct rb_root_cached *root)		      \
{									      \
	rb_erase_augmented_cached(&node->field, root, &augment);	      \
}									      \
									      \
static type *prefix##_subtree_search(type *node, unsigned long first,	      \
				     unsigned long last)		      \
{									      \
	for (;;) {							      \
		if (node->field.rb_left) {				      \
			type *left = rb_entry(node->field.rb_left, type,      \
					      field);			      \
									      \
			if (first <= left->augmented) {			      \
				node = left;				      \
				continue;				      \
			}						      \
		}							      \
		if (START(node) > last)					      \
			return NULL;					      \
		if (first <= LAST(node))				      \
			return node;					      \
		if (!node->field.rb_right)				      \
			return NULL;					      \
		node = rb_entry(node->field.rb_right, type, field);	      \
		if (first > node->augmented)				      \
			return NULL;					      \
	}								      \
}									      \
									      \
type *prefix##_iter_first(struct rb_root_cached *root, unsigned long first,   \
			  unsigned long last)				      \
{									      \
	type *top;							      \
									      \
	if (RB_EMPTY_ROOT(&root->rb_root))				      \
		return NULL;						      \
	top = rb_entry(root->rb_root.rb_node, type, field);		      \
	if (top->augmented < first)					      \
		return NULL;						      \
	return prefix##_subtree_search(top, first, last);		      \
}									      \
									      \
type *prefix##_iter_next(type *node, unsigned long first, unsigned long last) \
{									      \
	struct rb_node *rb = node->field.rb_right, *prev;		      \
									      \
	for (;;) {							      \
		if (rb) {						      \
			type *right = rb_entry(rb, type, field);	      \
									      \
			if (first <= right->augmented)			      \
				return prefix##_subtree_search(right, first,  \
							       last);	      \
		}							      \
		do {							      \
			rb = rb_parent(&node->field);			      \
			if (!rb)					      \
				return NULL;				      \
			prev = &node->field;				      \
			node = rb_entry(rb, type, field);		      \
			rb = node->field.rb_right;			      \
		} while (prev == rb);					      \
		if (last < START(node))					      \
			return NULL;					      \
		if (first <= LAST(node))				      \
			return node;					      \
	}								      \
}

INTERVAL_TREE(struct vm_area_struct, shared.rb, shared.rb_subtree_last,
	      vma_first, vma_last, vma_tree_augment, vma_interval_tree)
INTERVAL_TREE(struct anon_vma_chain, rb, rb_subtree_last, avc_first, avc_last,
	      avc_tree_augment, anon_vma_interval_tree)

void vma_interval_tree_insert_after(struct vm_area_struct *vma,
				    struct vm_area_struct *prev,
				    struct rb_root_cached *root)
{
	struct rb_node *parent = &prev->shared.rb;
	struct rb_node **link = &parent->rb_right;

	VM_BUG_ON(vma_first(vma) != vma_first(prev));
	vma->shared.rb_subtree_last = vma_last(vma);
	while (*link) {
		parent = *link;
		link = &parent->rb_left;
	}
	rb_link_node(&vma->shared.rb, parent, link);
	rb_insert_augmented_cached(&vma->shared.rb, root, false,
				   &vma_tree_augment);
}
