/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_PAGE_INDEX_H
#define MMSTORM_MM_PAGE_INDEX_H

/*
 * A radix tree from page offset to struct page, 64 slots a node: the page
 * cache's index (the kernel's i_pages xarray in duty, not in API).
 *
 * Readers hold rcu_read_lock and nothing else.  Writers serialise themselves
 * (the owner's lock).  A node is freed after a grace period, so a reader that
 * is on its way down stays on memory that is a node.
 */

#include "base/types.h"

#define PAGE_INDEX_SHIFT	6
#define PAGE_INDEX_SLOTS	(1u << PAGE_INDEX_SHIFT)

struct page;
struct kmem_cache;
struct page_index_node;

struct page_index {
	struct page_index_node *root;	/* RCU; replaced by the writer */
	struct kmem_cache *cache;	/* immutable: of page_index_node */
};

/*
 * Nodes an insertion may need, taken before the writer's spinlock: a tree over
 * 64-bit offsets has at most 11 levels, and growing adds at most as many.
 */
struct page_index_prealloc {
	struct page_index_node *nodes;
	unsigned nr;
};

struct kmem_cache *page_index_cache_create(void);
void page_index_init(struct page_index *index, struct kmem_cache *cache);

/* Owner's lock not held; may sleep.  0 or -ENOMEM with nothing kept. */
int page_index_prealloc(struct page_index *index, unsigned long offset,
			struct page_index_prealloc *pre);
void page_index_prealloc_free(struct page_index *index,
			      struct page_index_prealloc *pre);

/* Reader or writer: the page at @offset or NULL. */
struct page *page_index_load(struct page_index *index, unsigned long offset);
/* First page at or after *@offset, which is updated; NULL when past @last. */
struct page *page_index_find(struct page_index *index, unsigned long *offset,
			     unsigned long last);

/* Writer.  -EEXIST when taken, -EAGAIN when @pre has too few nodes. */
int page_index_insert(struct page_index *index, unsigned long offset,
		      struct page *page, struct page_index_prealloc *pre);
/* Writer: returns what was there; empty nodes are retired. */
struct page *page_index_erase(struct page_index *index, unsigned long offset);

#endif
