/* SPDX-License-Identifier: MIT */
/*
 * The node of the VMA tree; private to vma_tree.c and vma_tree_read.c.
 *
 * A published node is immutable but for link and rcu, which no reader looks at, and age, at which
 * the age oracle looks.
 */
#ifndef MMSTORM_MM_VMA_NODE_H
#define MMSTORM_MM_VMA_NODE_H

#include "base/compiler.h"
#include "base/types.h"
#include "sync/rcu.h"

#define VMA_NODE_SLOTS	16
/* An edit merges or refills a node that falls below. */
#define VMA_NODE_MIN	5

/*
 * Slot i covers [start[i], end[i]): in a leaf one VMA, in an inner node everything below the
 * child. Ranges are in order and disjoint; slots >= nr have end ULONG_MAX, so that the search
 * needs no bound.
 */
struct vma_node {
	u64			seq;	/* the edit that made it */
	struct vma_node		*link;	/* in the edit's retired or spare list */
	struct rcu_head		rcu;
	u8			nr;
	u8			height;	/* 0: leaf */
	struct rcu_age		age;

	/* A descent reads two lines of these and one of slot[]. */
	unsigned long		end[VMA_NODE_SLOTS] __cacheline_aligned;
	void			*slot[VMA_NODE_SLOTS];
	unsigned long		start[VMA_NODE_SLOTS];
	/* Largest inside the child.  Last: a leaf has none, and leaves theirs alone. */
	unsigned long		gap[VMA_NODE_SLOTS];
};

/*
 * The first slot that ends above addr; nr or more when there is none. Branch-free. ThreadSanitizer
 * is shown only what the caller then looks at: the node is written and freed as a whole.
 */
static inline NO_TSAN unsigned int vma_node_search(const struct vma_node *node,
						   unsigned long addr)
{
	unsigned int i = (unsigned int)(node->end[7] <= addr) << 3;
	const unsigned long *end = node->end + i;

	/* Which of the two lines is needed is known soon; a miss takes much longer. */
	__builtin_prefetch(node->slot);
	__builtin_prefetch(node->slot + 8);

	i += (end[0] <= addr) + (end[1] <= addr) + (end[2] <= addr) + (end[3] <= addr);
	return i + (end[4] <= addr) + (end[5] <= addr) + (end[6] <= addr) + (end[7] <= addr);
}

static inline struct vma_node *vma_node_child(const struct vma_node *node, unsigned int i)
{
	return node->slot[i];
}

/* The largest gap strictly inside the node's range. */
static inline unsigned long vma_node_max_gap(const struct vma_node *node)
{
	unsigned long best = 0;
	unsigned int i;

	for (i = 1; i < node->nr; i++)
		best = max(best, node->start[i] - node->end[i - 1]);
	for (i = 0; node->height && i < node->nr; i++)
		best = max(best, node->gap[i]);
	return best;
}

#endif /* MMSTORM_MM_VMA_NODE_H */
