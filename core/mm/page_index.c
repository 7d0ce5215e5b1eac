/* SPDX-License-Identifier: MIT */
/*
 * The page cache's index: a radix tree of 64-slot nodes.
 *
 * Owns the nodes; the pages belong to the address_space.  Writers are
 * serialised by the address_space's i_pages_lock; readers hold rcu_read_lock
 * only.  A slot is published by a release store once what it points to is
 * complete, and a node that left the tree is freed after a grace period: a
 * reader on its way down may stand on it still.  Must never allocate: the
 * writer holds a spinlock and brings the nodes along (page_index_prealloc).
 */

#include <errno.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/compiler.h"
#include "hw/check_met.h"
#include "mm/page_index.h"
#include "phys/slab.h"
#include "sync/rcu.h"

#define INDEX_MASK	(PAGE_INDEX_SLOTS - 1)
#define INDEX_BITS	64

struct page_index_node {
	/* Written under the owner's lock, read under RCU. */
	void *slots[PAGE_INDEX_SLOTS];

	/* Immutable once published. */
	unsigned int shift;		/* bits of the offset below this node */

	/* Owner's lock. */
	unsigned int count;		/* slots in use */
	struct page_index_node *parent;
	unsigned int parent_slot;

	/* Of a node outside the tree. */
	struct page_index_node *next;
	struct kmem_cache *cache;
	struct rcu_head rcu;
	struct rcu_age age;		/* 0 in a new node: it is allocated zeroed */
};

struct kmem_cache *page_index_cache_create(void)
{
	return kmem_cache_create("page_index_node",
				 sizeof(struct page_index_node), 0, 0, NULL);
}

void page_index_init(struct page_index *index, struct kmem_cache *cache)
{
	WRITE_ONCE(index->root, NULL);
	index->cache = cache;
}

static void node_free_rcu(struct rcu_head *head)
{
	struct page_index_node *node =
		container_of(head, struct page_index_node, rcu);

	rcu_age_freed(&node->age);
	kmem_cache_free(node->cache, node);
}

/* The offset's bits that a node of @shift cannot see. */
static bool offset_fits(unsigned long offset, unsigned int shift)
{
	unsigned int bits = shift + PAGE_INDEX_SHIFT;

	return bits >= INDEX_BITS || (offset >> bits) == 0;
}

static unsigned int slot_of(const struct page_index_node *node,
			    unsigned long offset)
{
	return (offset >> node->shift) & INDEX_MASK;
}

/* ---- readers ---- */

/* The node that a link leads to now, or NULL. */
static struct page_index_node *follow(struct page_index_node **link)
{
	struct page_index_node *node = smp_load_acquire(link);

	if (node) {
		/* Here a writer may prune the node, and must not free it. */
		sched_point(SCHED_LOAD, node);
		check_met_here(CHECK_OBJECT_INDEX_NODE, &node->age);
	}
	return node;
}

static struct page_index_node *child_at(struct page_index_node *node, unsigned long offset)
{
	return follow((struct page_index_node **)&node->slots[slot_of(node, offset)]);
}

struct page *page_index_load(struct page_index *index, unsigned long offset)
{
	struct page_index_node *node = follow(&index->root);

	if (!node || !offset_fits(offset, node->shift))
		return NULL;
	while (node && node->shift)
		node = child_at(node, offset);
	if (!node)
		return NULL;
	return smp_load_acquire(&node->slots[slot_of(node, offset)]);
}

/*
 * First entry at or after @offset below @node; the offset it has, or the first
 * one behind this node, goes to *@found.
 */
static struct page *node_find(struct page_index_node *node,
			      unsigned long offset, unsigned long *found)
{
	unsigned long step = 1UL << node->shift;
	unsigned int slot;

	for (slot = slot_of(node, offset); slot < PAGE_INDEX_SLOTS; slot++) {
		void *entry = smp_load_acquire(&node->slots[slot]);
		struct page *page;

		if (entry && !node->shift) {
			*found = offset;
			return entry;
		}
		if (entry) {
			check_met_here(CHECK_OBJECT_INDEX_NODE,
				       &((struct page_index_node *)entry)->age);
			page = node_find(entry, offset, found);
			if (page)
				return page;
		}
		offset = (offset & ~(step - 1)) + step;
		if (!offset)	/* wrapped: past the last offset there is */
			break;
	}
	*found = offset;
	return NULL;
}

struct page *page_index_find(struct page_index *index, unsigned long *offset,
			     unsigned long last)
{
	struct page_index_node *root = follow(&index->root);
	unsigned long found;
	struct page *page;

	if (!root || *offset > last || !offset_fits(*offset, root->shift))
		return NULL;
	page = node_find(root, *offset, &found);
	if (!page || found > last)
		return NULL;
	*offset = found;
	return page;
}

/* ---- writers ---- */

static unsigned int levels_for(unsigned long offset)
{
	unsigned int shift = 0;
	unsigned int levels = 1;

	while (!offset_fits(offset, shift)) {
		shift += PAGE_INDEX_SHIFT;
		levels++;
	}
	return levels;
}

int page_index_prealloc(struct page_index *index, unsigned long offset,
			struct page_index_prealloc *pre)
{
	struct page_index_node *root;
	unsigned int old_levels = 0;
	unsigned int need = levels_for(offset);
	bool present;

	/* A guess: whoever changed the tree meanwhile makes insert say -EAGAIN. */
	rcu_read_lock();
	root = follow(&index->root);
	if (root)
		old_levels = root->shift / PAGE_INDEX_SHIFT + 1;
	present = root && offset_fits(offset, root->shift);
	if (present) {
		need = 0;
		while (root && root->shift) {
			root = child_at(root, offset);
			if (!root)
				need = 1;
			old_levels--;
		}
		if (need)
			need = old_levels;
	} else if (need > old_levels) {
		/* New levels on top, and a path of its own below the top. */
		need = 2 * need - old_levels;
	}
	rcu_read_unlock();

	while (pre->nr < need) {
		struct page_index_node *node =
			kmem_cache_alloc(index->cache, GFP_KERNEL | __GFP_ZERO);

		if (!node) {
			page_index_prealloc_free(index, pre);
			return -ENOMEM;
		}
		node->cache = index->cache;
		node->next = pre->nodes;
		pre->nodes = node;
		pre->nr++;
	}
	return 0;
}

void page_index_prealloc_free(struct page_index *index,
			      struct page_index_prealloc *pre)
{
	struct page_index_node *node;

	while ((node = pre->nodes) != NULL) {
		pre->nodes = node->next;
		pre->nr--;
		kmem_cache_free(index->cache, node);
	}
}

static struct page_index_node *take_node(struct page_index_prealloc *pre,
					 unsigned int shift)
{
	struct page_index_node *node = pre->nodes;

	if (!node)
		return NULL;
	pre->nodes = node->next;
	pre->nr--;
	node->next = NULL;
	node->shift = shift;
	return node;
}

/* Make @child an entry of @parent; the child must be complete. */
static void link_node(struct page_index_node *parent, unsigned int slot,
		      struct page_index_node *child)
{
	child->parent = parent;
	child->parent_slot = slot;
	parent->count++;
	smp_store_release(&parent->slots[slot], (void *)child);
}

/* Raise the tree until it reaches @offset. */
static int grow(struct page_index *index, unsigned long offset,
		struct page_index_prealloc *pre)
{
	struct page_index_node *root = index->root;

	if (!root) {
		unsigned int shift = (levels_for(offset) - 1) * PAGE_INDEX_SHIFT;

		root = take_node(pre, shift);
		if (!root)
			return -EAGAIN;
		smp_store_release(&index->root, root);
		return 0;
	}
	while (!offset_fits(offset, root->shift)) {
		struct page_index_node *top =
			take_node(pre, root->shift + PAGE_INDEX_SHIFT);

		if (!top)
			return -EAGAIN;
		link_node(top, 0, root);
		smp_store_release(&index->root, top);
		root = top;
	}
	return 0;
}

/* The lowest node over @offset; missing ones come from @pre when it is given. */
static struct page_index_node *leaf_of(struct page_index *index,
				       unsigned long offset,
				       struct page_index_prealloc *pre)
{
	struct page_index_node *node = index->root;

	if (!node || !offset_fits(offset, node->shift))
		return NULL;
	while (node->shift) {
		unsigned int slot = slot_of(node, offset);
		struct page_index_node *child = node->slots[slot];

		if (!child && pre) {
			child = take_node(pre, node->shift - PAGE_INDEX_SHIFT);
			if (child)
				link_node(node, slot, child);
		}
		if (!child)
			return NULL;
		node = child;
	}
	return node;
}

/* Retire @node and every ancestor that is left without an entry. */
static void prune(struct page_index *index, struct page_index_node *node)
{
	while (node && !node->count) {
		struct page_index_node *parent = node->parent;

		if (parent) {
			smp_store_release(&parent->slots[node->parent_slot],
					  NULL);
			parent->count--;
		} else {
			smp_store_release(&index->root, NULL);
		}
		rcu_age_retire(&node->age, rcu_age_stamp());
		call_rcu(&node->rcu, node_free_rcu);
		node = parent;
	}
}

/* After a failed insertion: the deepest node over @offset may be empty. */
static void prune_path(struct page_index *index, unsigned long offset)
{
	struct page_index_node *node = index->root, *child;

	if (!node || !offset_fits(offset, node->shift))
		return;
	while (node->shift && (child = node->slots[slot_of(node, offset)]))
		node = child;
	prune(index, node);
}

int page_index_insert(struct page_index *index, unsigned long offset,
		      struct page *page, struct page_index_prealloc *pre)
{
	struct page_index_node *leaf;
	unsigned int slot;
	int err;

	err = grow(index, offset, pre);
	leaf = err ? NULL : leaf_of(index, offset, pre);
	if (!leaf) {
		prune_path(index, offset);
		return -EAGAIN;
	}
	slot = slot_of(leaf, offset);
	if (leaf->slots[slot])
		return -EEXIST;
	leaf->count++;
	smp_store_release(&leaf->slots[slot], (void *)page);
	return 0;
}

struct page *page_index_erase(struct page_index *index, unsigned long offset)
{
	struct page_index_node *leaf = leaf_of(index, offset, NULL);
	struct page *old;
	unsigned int slot;

	if (!leaf)
		return NULL;
	slot = slot_of(leaf, offset);
	old = leaf->slots[slot];
	if (!old)
		return NULL;
	smp_store_release(&leaf->slots[slot], NULL);
	leaf->count--;
	prune(index, leaf);
	return old;
}
