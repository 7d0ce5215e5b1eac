/* SPDX-License-Identifier: MIT */
/*
 * Reading the VMA tree: lookup, walks, the search for room, and the tree's own check.
 *
 * Owns nothing. Runs in an RCU read section or under mmap_lock, takes the root once and sees one
 * consistent tree. Must never dereference a VMA that it found: only the entry's range is stable.
 */
#include "mm/vma_tree.h"

#include "base/bug.h"
#include "base/err.h"
#include "hw/check_met.h"
#include "mm/mmap_lock.h"
#include "mm/vma_node.h"

/*
 * A reader has found a node and will look into it. Here an edit may replace the node, and must
 * not free it.
 */
static inline NO_TSAN const struct vma_node *met(struct mm_struct *mm, const struct vma_node *node)
{
	sched_point(SCHED_LOAD, node);
	check_met(mm->machine, CHECK_OBJECT_VMA_NODE, &node->age);
	return node;
}

static inline const struct vma_node *tree_root(struct mm_struct *mm)
{
	/* Pairs with the release in vma_edit_commit. */
	const struct vma_node *root =
		rcu_dereference_check(mm->mm_vma_root,
				      rcu_read_lock_held() || lockdep_is_held(&mm->mmap_lock));

	return root ? met(mm, root) : NULL;
}

static inline const struct vma_node *child_of(struct mm_struct *mm, const struct vma_node *node,
					      unsigned int i)
{
	return met(mm, vma_node_child(node, i));
}

/* The leaf and slot of the first entry that ends above addr; NULL: none. */
static inline const struct vma_node *descend(struct mm_struct *mm, unsigned long addr,
					     unsigned int *slot)
{
	const struct vma_node *node = tree_root(mm);
	unsigned int height, i;

	if (unlikely(!node))
		return NULL;
	i = vma_node_search(node, addr);
	if (i >= node->nr)
		return NULL;
	/* Below the root there always is such a slot: the parent's end[] says so. */
	for (height = node->height; height; height--) {
		node = child_of(mm, node, i);
		i = vma_node_search(node, addr);
	}
	*slot = i;
	return node;
}

struct vm_area_struct *vma_tree_find(struct mm_struct *mm, unsigned long addr)
{
	unsigned int i;
	const struct vma_node *leaf = descend(mm, addr, &i);

	return leaf ? leaf->slot[i] : NULL;
}

struct vm_area_struct *vma_tree_lookup(struct mm_struct *mm, unsigned long addr)
{
	unsigned int i;
	const struct vma_node *leaf = descend(mm, addr, &i);

	return leaf && leaf->start[i] <= addr ? leaf->slot[i] : NULL;
}

struct vm_area_struct *vma_tree_find_prev(struct mm_struct *mm, unsigned long addr)
{
	const struct vma_node *node = tree_root(mm);
	unsigned int i;

	if (!node || node->start[0] >= addr)
		return NULL;
	for (;;) {
		for (i = node->nr - 1U; node->start[i] >= addr; i--)
			;
		if (!node->height)
			return node->slot[i];
		node = child_of(mm, node, i);
	}
}

/* ---- walks ----------------------------------------------------------------------------------- */

void vma_iter_init(struct vma_iter *it, struct mm_struct *mm, unsigned long addr)
{
	const struct vma_node *node = tree_root(mm);
	unsigned int i;

	it->mm = mm;
	it->depth = -1;
	if (!node || (i = vma_node_search(node, addr)) >= node->nr)
		return;
	for (;;) {
		it->depth++;
		it->node[it->depth] = node;
		it->slot[it->depth] = (u8)i;
		if (!node->height)
			return;
		node = child_of(mm, node, i);
		i = vma_node_search(node, addr);
	}
}

/* From the current slot down to the first entry below it. */
static void iter_left_edge(struct vma_iter *it)
{
	int depth = it->depth;
	const struct vma_node *node = it->node[depth];

	for (; node->height && depth + 1 < VMA_TREE_MAX_HEIGHT; depth++) {
		node = child_of(it->mm, node, it->slot[depth]);
		it->node[depth + 1] = node;
		it->slot[depth + 1] = 0;
	}
	it->depth = depth;
}

struct vm_area_struct *vma_iter_next(struct vma_iter *it)
{
	struct vm_area_struct *vma;
	const struct vma_node *node;

	if (it->depth < 0)
		return NULL;
	node = it->node[it->depth];
	check_met(it->mm->machine, CHECK_OBJECT_VMA_NODE, &node->age);
	vma = node->slot[it->slot[it->depth]++];
	if (it->slot[it->depth] < node->nr)
		return vma;
	/* The leaf is done: up to where there is a next slot, then down its left edge. */
	while (--it->depth >= 0 && ++it->slot[it->depth] >= it->node[it->depth]->nr)
		;
	if (it->depth >= 0)
		iter_left_edge(it);
	return vma;
}

/* ---- room ------------------------------------------------------------------------------------ */

struct gap_search {
	unsigned long	min, max, size;
	unsigned long	start, end;	/* the answer */
};

/* Is [start, end), cut to the limits, large enough? */
static bool gap_fits(struct gap_search *gs, unsigned long start, unsigned long end)
{
	start = max(start, gs->min);
	end = min(end, gs->max);
	if (start >= end || end - start < gs->size)
		return false;
	gs->start = start;
	gs->end = end;
	return true;
}

/* Can a gap inside child i fit? */
static bool gap_below(const struct gap_search *gs, const struct vma_node *node, unsigned int i)
{
	return node->height && node->gap[i] >= gs->size && node->start[i] < gs->max &&
	       node->end[i] > gs->min;
}

/* The gaps strictly inside the node's range, lowest first. */
static bool node_gap_lowest(const struct vma_node *node, struct gap_search *gs)
{
	unsigned int i;

	for (i = 0; i < node->nr && node->start[i] < gs->max; i++) {
		if (gap_below(gs, node, i) &&
		    node_gap_lowest(vma_node_child(node, i), gs))
			return true;
		if (i + 1 < node->nr && gap_fits(gs, node->end[i], node->start[i + 1]))
			return true;
	}
	return false;
}

static bool node_gap_highest(const struct vma_node *node, struct gap_search *gs)
{
	unsigned int i;

	for (i = node->nr; i-- && node->end[i] > gs->min; ) {
		if (gap_below(gs, node, i) &&
		    node_gap_highest(vma_node_child(node, i), gs))
			return true;
		if (i && gap_fits(gs, node->end[i - 1], node->start[i]))
			return true;
	}
	return false;
}

static int gap_search(struct mm_struct *mm, struct gap_search *gs, bool highest,
		      unsigned long *gap_start, unsigned long *gap_end)
{
	const struct vma_node *root = tree_root(mm);
	unsigned long first = root ? root->start[0] : ~0UL;
	unsigned long last = root ? root->end[root->nr - 1] : ~0UL;
	bool found;

	if (!gs->size || gs->min >= gs->max)
		return -EBUSY;
	if (highest)
		found = gap_fits(gs, last, ~0UL) || (root && node_gap_highest(root, gs)) ||
			gap_fits(gs, 0, first);
	else
		found = gap_fits(gs, 0, first) || (root && node_gap_lowest(root, gs)) ||
			gap_fits(gs, last, ~0UL);
	if (!found)
		return -EBUSY;
	*gap_start = gs->start;
	*gap_end = gs->end;
	return 0;
}

int vma_tree_gap_lowest(struct mm_struct *mm, unsigned long min, unsigned long max,
			unsigned long size, unsigned long *gap_start, unsigned long *gap_end)
{
	struct gap_search gs = { .min = min, .max = max, .size = size };

	return gap_search(mm, &gs, false, gap_start, gap_end);
}

int vma_tree_gap_highest(struct mm_struct *mm, unsigned long min, unsigned long max,
			 unsigned long size, unsigned long *gap_start, unsigned long *gap_end)
{
	struct gap_search gs = { .min = min, .max = max, .size = size };

	return gap_search(mm, &gs, true, gap_start, gap_end);
}

/* ---- the check ------------------------------------------------------------------------------- */

static const char *leaf_check(const struct vma_node *leaf, unsigned int i)
{
	const struct vm_area_struct *vma = leaf->slot[i];

	if (!vma)
		return "an entry without a VMA";
	if (vma->vm_start != leaf->start[i] || vma->vm_end != leaf->end[i])
		return "an entry whose range is not its VMA's";
	return NULL;
}

static const char *node_check(const struct vma_node *node, unsigned long *nr)
{
	const char *wrong;
	unsigned int i;

	if (!node->nr || node->nr > VMA_NODE_SLOTS)
		return "a node that is empty or too full";
	for (i = 0; i < node->nr; i++) {
		const struct vma_node *child = vma_node_child(node, i);

		if (node->start[i] >= node->end[i] ||
		    (i && node->start[i] < node->end[i - 1]))
			return "ranges that are empty or overlap";
		if (!node->height) {
			wrong = leaf_check(node, i);
			++*nr;
		} else if (child->height + 1 != node->height) {
			wrong = "leaves at different depths";
		} else if (child->start[0] != node->start[i] ||
			   child->end[child->nr - 1] != node->end[i]) {
			wrong = "a child whose range is not what its parent says";
		} else if (vma_node_max_gap(child) != node->gap[i]) {
			wrong = "a gap that is not the child's largest";
		} else {
			wrong = node_check(child, nr);
		}
		if (wrong)
			return wrong;
	}
	for (; i < VMA_NODE_SLOTS; i++) {
		if (node->end[i] != ~0UL)
			return "an unused slot with an end";
	}
	return NULL;
}

const char *vma_tree_check(struct mm_struct *mm, unsigned long *nr)
{
	const struct vma_node *root = tree_root(mm);

	*nr = 0;
	return root ? node_check(root, nr) : NULL;
}
