/* SPDX-License-Identifier: MIT */
/*
 * Editing the VMA tree: copy the path, change the copy, publish the root.
 *
 * Owns the nodes of every mm's tree. Works under mmap_lock held for writing; takes no lock.
 * Must never change a published node (one whose seq is not the open edit's), never free one
 * without a grace period, and never fail in commit: whatever can fail has failed in store or
 * erase, after which the edit can be aborted as if nothing had been done.
 */
#include "mm/vma_tree.h"

#include <string.h>

#include "base/bug.h"
#include "base/err.h"
#include "hw/machine.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma_node.h"
#include "phys/slab.h"
#include "sync/rcu_age.h"

const size_t vma_node_size = sizeof(struct vma_node);

static struct kmem_cache *node_cache(const struct mm_struct *mm)
{
	return mm->machine->mmg->vma_node_cachep;
}

/* ---- nodes of an edit ---------------------------------------------------------------------- */

static struct vma_node *node_alloc(struct vma_edit *e)
{
	struct vma_node *node = e->spare;

	if (node)
		e->spare = node->link;
	else
		node = kmem_cache_alloc(node_cache(e->mm), GFP_KERNEL);
	return node;
}

static struct vma_node *node_new(struct vma_edit *e, unsigned int height)
{
	struct vma_node *node = node_alloc(e);
	unsigned int i;

	if (!node)
		return NULL;
	rcu_age_born(&node->age);
	node->seq = e->seq;
	node->nr = 0;
	node->height = (u8)height;
	for (i = 0; i < VMA_NODE_SLOTS; i++)
		node->end[i] = ~0UL;
	return node;
}

/* The edit has no more use for a node: ours is kept for reuse, a published one retires. */
static void node_drop(struct vma_edit *e, struct vma_node *node)
{
	struct vma_node **list = node->seq == e->seq ? &e->spare : &e->retired;

	node->link = *list;
	*list = node;
}

/* Makes *p a node that this edit may change; NULL: no memory, *p as it was. */
static struct vma_node *node_own(struct vma_edit *e, struct vma_node **p)
{
	struct vma_node *old = *p, *node;

	if (old->seq == e->seq)
		return old;
	node = node_alloc(e);
	if (!node)
		return NULL;
	/* What is copied is linked still: so the copy's age is that of a new one. */
	if (old->height)
		memcpy(node, old, sizeof(*node));
	else
		memcpy(node, old, offsetof(struct vma_node, gap));
	node->seq = e->seq;
	node_drop(e, old);
	*p = node;
	return node;
}

static struct vma_node **child_slot(struct vma_node *node, unsigned int i)
{
	return (struct vma_node **)&node->slot[i];
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* Moves n slots; the ranges may be in one node and overlap. */
static void slots_move(struct vma_node *to, unsigned int ti, const struct vma_node *from,
		       unsigned int fi, unsigned int n)
{
	memmove(&to->end[ti], &from->end[fi], n * sizeof(to->end[0]));
	memmove(&to->slot[ti], &from->slot[fi], n * sizeof(to->slot[0]));
	memmove(&to->start[ti], &from->start[fi], n * sizeof(to->start[0]));
	if (from->height)
		memmove(&to->gap[ti], &from->gap[fi], n * sizeof(to->gap[0]));
}

/* nr becomes n; the slots from there on are unused. */
static void node_truncate(struct vma_node *node, unsigned int n)
{
	unsigned int i;

	for (i = n; i < node->nr; i++)
		node->end[i] = ~0UL;
	node->nr = (u8)n;
}

static void slot_set(struct vma_node *node, unsigned int i, unsigned long start,
		     unsigned long end, unsigned long gap, void *p)
{
	node->start[i] = start;
	node->end[i] = end;
	node->slot[i] = p;
	if (node->height)
		node->gap[i] = gap;
}

static void slot_remove(struct vma_node *node, unsigned int i)
{
	slots_move(node, i, node, i + 1, node->nr - i - 1);
	node_truncate(node, node->nr - 1);
}

/* Slot i of an inner node says what its child holds now. */
static void slot_update(struct vma_node *node, unsigned int i)
{
	struct vma_node *child = vma_node_child(node, i);

	slot_set(node, i, child->start[0], child->end[child->nr - 1], vma_node_max_gap(child),
		 child);
}

static void slot_open(struct vma_node *node, unsigned int i)
{
	slots_move(node, i + 1, node, i, node->nr - i);
	node->nr++;
}

/*
 * Where to cut a full node that gets one more slot before slot i: in half, but at the end
 * where what is mapped grows upwards or downwards, so that nodes stay full behind it.
 * (A child that was cut at its lower end puts its upper part before slot 1.)
 */
static unsigned int split_point(unsigned int i)
{
	return i <= 1 || i == VMA_NODE_SLOTS ? i : VMA_NODE_SLOTS / 2;
}

/*
 * Puts a slot before slot i of an owned node. A full node is cut in two: *right is the new upper
 * part, for the caller to put behind this node.
 */
static int slot_insert(struct vma_edit *e, struct vma_node *node, unsigned int i,
		       unsigned long start, unsigned long end, unsigned long gap, void *p,
		       struct vma_node **right)
{
	if (node->nr == VMA_NODE_SLOTS) {
		struct vma_node *upper = node_new(e, node->height);
		unsigned int at = split_point(i);

		if (!upper)
			return -ENOMEM;
		slots_move(upper, 0, node, at, VMA_NODE_SLOTS - at);
		upper->nr = (u8)(VMA_NODE_SLOTS - at);
		node_truncate(node, at);
		*right = upper;
		if (i > at || at == VMA_NODE_SLOTS) {
			node = upper;
			i -= at;
		}
	}
	slot_open(node, i);
	slot_set(node, i, start, end, gap, p);
	return 0;
}

/* ---- the recursions; each level owns its node before it goes down ---------------------------- */

static int node_insert(struct vma_edit *e, struct vma_node **p, unsigned long start,
		       unsigned long end, struct vm_area_struct *vma, struct vma_node **right)
{
	struct vma_node *node = node_own(e, p), *upper = NULL;
	unsigned int i;
	int err;

	if (!node)
		return -ENOMEM;
	i = vma_node_search(node, start);
	if (!node->height)
		return slot_insert(e, node, min(i, (unsigned int)node->nr), start, end, 0, vma,
				   right);
	i = min(i, node->nr - 1U);
	err = node_insert(e, child_slot(node, i), start, end, vma, &upper);
	if (err)
		return err;
	slot_update(node, i);
	if (!upper)
		return 0;
	err = slot_insert(e, node, i + 1, upper->start[0], upper->end[upper->nr - 1],
			  vma_node_max_gap(upper), upper, right);
	if (err)
		e->orphan = upper;
	return err;
}

static int tree_insert(struct vma_edit *e, unsigned long start, unsigned long end,
		       struct vm_area_struct *vma)
{
	struct vma_node *right = NULL, *root;
	int err;

	if (!e->root) {
		e->root = node_new(e, 0);
		if (!e->root)
			return -ENOMEM;
	}
	err = node_insert(e, &e->root, start, end, vma, &right);
	if (err || !right)
		return err;
	VM_BUG_ON(right->height + 2 > VMA_TREE_MAX_HEIGHT);
	root = node_new(e, right->height + 1U);
	if (!root) {
		e->orphan = right;
		return -ENOMEM;
	}
	root->nr = 2;
	root->slot[0] = e->root;
	root->slot[1] = right;
	slot_update(root, 0);
	slot_update(root, 1);
	e->root = root;
	return 0;
}

/* Changes the entry that covers or follows addr. */
static int node_set(struct vma_edit *e, struct vma_node **p, unsigned long addr,
		    unsigned long start, unsigned long end, struct vm_area_struct *vma)
{
	struct vma_node *node = node_own(e, p);
	unsigned int i;
	int err;

	if (!node)
		return -ENOMEM;
	i = vma_node_search(node, addr);
	VM_BUG_ON(i >= node->nr);
	if (!node->height) {
		slot_set(node, i, start, end, 0, vma);
		return 0;
	}
	err = node_set(e, child_slot(node, i), addr, start, end, vma);
	if (!err)
		slot_update(node, i);
	return err;
}

/* child (owned, slot i) takes in all of its neighbour's slots. */
static void node_merge(struct vma_edit *e, struct vma_node *node, unsigned int i, unsigned int j)
{
	struct vma_node *child = vma_node_child(node, i), *sib = vma_node_child(node, j);

	if (j < i) {
		slots_move(child, sib->nr, child, 0, child->nr);
		slots_move(child, 0, sib, 0, sib->nr);
	} else {
		slots_move(child, child->nr, sib, 0, sib->nr);
	}
	child->nr = (u8)(child->nr + sib->nr);
	node_drop(e, sib);
	slot_update(node, i);
	slot_remove(node, j);
}

/*
 * child takes some slots of its neighbour. Without memory for that it stays thin, which is legal.
 */
static void node_borrow(struct vma_edit *e, struct vma_node *node, unsigned int i, unsigned int j)
{
	struct vma_node *child = vma_node_child(node, i);
	struct vma_node *sib = node_own(e, child_slot(node, j));
	unsigned int n;

	if (!sib)
		return;
	n = (sib->nr - child->nr) / 2U;
	if (j < i) {
		slots_move(child, n, child, 0, child->nr);
		slots_move(child, 0, sib, sib->nr - n, n);
	} else {
		slots_move(child, child->nr, sib, 0, n);
		slots_move(sib, 0, sib, n, sib->nr - n);
	}
	child->nr = (u8)(child->nr + n);
	node_truncate(sib, sib->nr - n);
	slot_update(node, i);
	slot_update(node, j);
}

static void node_refill(struct vma_edit *e, struct vma_node *node, unsigned int i)
{
	unsigned int j = i ? i - 1 : i + 1;

	if (node->nr < 2)
		return;
	if (vma_node_child(node, i)->nr + vma_node_child(node, j)->nr <= VMA_NODE_SLOTS - 4)
		node_merge(e, node, i, j);
	else
		node_borrow(e, node, i, j);
}

/* Removes the entry that covers or follows addr. */
static int node_erase(struct vma_edit *e, struct vma_node **p, unsigned long addr)
{
	struct vma_node *node = node_own(e, p), *child;
	unsigned int i;
	int err;

	if (!node)
		return -ENOMEM;
	i = vma_node_search(node, addr);
	VM_BUG_ON(i >= node->nr);
	if (!node->height) {
		slot_remove(node, i);
		return 0;
	}
	err = node_erase(e, child_slot(node, i), addr);
	if (err)
		return err;
	child = vma_node_child(node, i);
	if (!child->nr) {
		node_drop(e, child);
		slot_remove(node, i);
		return 0;
	}
	slot_update(node, i);
	if (child->nr < VMA_NODE_MIN)
		node_refill(e, node, i);
	return 0;
}

static int tree_erase(struct vma_edit *e, unsigned long addr)
{
	struct vma_node *root;
	int err = node_erase(e, &e->root, addr);

	if (err)
		return err;
	while ((root = e->root)->height && root->nr == 1) {
		e->root = vma_node_child(root, 0);
		node_drop(e, root);
	}
	if (!root->nr) {
		node_drop(e, root);
		e->root = NULL;
	}
	return 0;
}

/* ---- edits ----------------------------------------------------------------------------------- */

struct entry {
	unsigned long		start, end;
	struct vm_area_struct	*vma;
};

/* The first entry of the edit that ends above addr. */
static bool entry_find(const struct vma_edit *e, unsigned long addr, struct entry *en)
{
	const struct vma_node *node = e->root;
	unsigned int i;

	if (!node)
		return false;
	i = vma_node_search(node, addr);
	if (i >= node->nr)
		return false;
	while (node->height) {
		node = vma_node_child(node, i);
		i = vma_node_search(node, addr);
	}
	*en = (struct entry){ node->start[i], node->end[i], node->slot[i] };
	return true;
}

void vma_edit_begin(struct vma_edit *e, struct mm_struct *mm)
{
	mmap_assert_write_locked(mm);
	*e = (struct vma_edit){
		.mm = mm,
		.root = rcu_dereference_protected(mm->mm_vma_root,
						  lockdep_is_held_write(&mm->mmap_lock)),
		.seq = ++mm->vma_edit_seq,
		.open = true,
	};
}

struct vm_area_struct *vma_edit_find(struct vma_edit *e, unsigned long addr)
{
	struct entry en;

	return entry_find(e, addr, &en) ? en.vma : NULL;
}

int vma_edit_erase(struct vma_edit *e, unsigned long start, unsigned long end)
{
	struct entry en;
	int err = 0;

	VM_BUG_ON(!e->open || start >= end);
	while (!err && entry_find(e, start, &en) && en.start < end) {
		if (en.start >= start && en.end <= end) {
			err = tree_erase(e, start);
			continue;
		}
		if (en.start >= start)
			return node_set(e, &e->root, start, end, en.end, en.vma);
		err = node_set(e, &e->root, start, en.start, start, en.vma);
		if (!err && en.end > end)
			return tree_insert(e, end, en.end, en.vma);
	}
	return err;
}

int vma_edit_store(struct vma_edit *e, unsigned long start, unsigned long end,
		   struct vm_area_struct *vma)
{
	struct entry en;
	int err;

	VM_BUG_ON(!e->open || start >= end || !vma);
	/*
	 * An entry inside the range, usually vma's own as it grows, is changed instead of replaced.
	 */
	if (!entry_find(e, start, &en) || en.start >= end || en.start < start || en.end > end) {
		err = vma_edit_erase(e, start, end);
		return err ? err : tree_insert(e, start, end, vma);
	}
	if (en.end < end) {
		err = vma_edit_erase(e, en.end, end);
		if (err)
			return err;
	}
	return node_set(e, &e->root, start, start, end, vma);
}

static void node_free(struct kmem_cache *cache, struct vma_node *node)
{
	rcu_age_freed(&node->age);
	kmem_cache_free(cache, node);
}

static void node_list_free(struct kmem_cache *cache, struct vma_node *node)
{
	while (node) {
		struct vma_node *next = node->link;

		node_free(cache, node);
		node = next;
	}
}

static void retired_free(struct rcu_head *head)
{
	struct vma_node *list = container_of(head, struct vma_node, rcu);

	node_list_free(this_machine()->mmg->vma_node_cachep, list);
}

/* No new reader finds them. */
static void node_list_retire(struct vma_node *node)
{
	u64 stamp = rcu_age_stamp();

	for (; MM_CHECK && node; node = node->link)
		rcu_age_retire(&node->age, stamp);
}

void vma_edit_commit(struct vma_edit *e)
{
	VM_BUG_ON(!e->open);
	e->open = false;
	rcu_assign_pointer(e->mm->mm_vma_root, e->root);
	/* From here on no new reader finds the replaced nodes. */
	if (e->retired) {
		node_list_retire(e->retired);
		call_rcu(&e->retired->rcu, retired_free);
	}
	node_list_free(node_cache(e->mm), e->spare);
}

/* Frees the nodes below that belong to the edit seq; those of an older one are still published. */
static void node_free_own(struct kmem_cache *cache, struct vma_node *node, u64 seq)
{
	unsigned int i;

	if (node->seq != seq)
		return;
	for (i = 0; node->height && i < node->nr; i++)
		node_free_own(cache, vma_node_child(node, i), seq);
	node_free(cache, node);
}

void vma_edit_abort(struct vma_edit *e)
{
	VM_BUG_ON(!e->open);
	e->open = false;
	if (e->root)
		node_free_own(node_cache(e->mm), e->root, e->seq);
	if (e->orphan)
		node_free_own(node_cache(e->mm), e->orphan, e->seq);
	node_list_free(node_cache(e->mm), e->spare);
}

static void node_free_all(struct kmem_cache *cache, struct vma_node *node)
{
	unsigned int i;

	for (i = 0; node->height && i < node->nr; i++)
		node_free_all(cache, vma_node_child(node, i));
	node_free(cache, node);
}

void vma_tree_destroy(struct mm_struct *mm)
{
	struct vma_node *root = mm->mm_vma_root;

	RCU_INIT_POINTER(mm->mm_vma_root, NULL);
	if (root)
		node_free_all(node_cache(mm), root);
}
