/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_FAULT_STATE_H
#define MMSTORM_MM_FAULT_STATE_H

/*
 * What the fault, reverse-map and file code keeps per machine.
 */

#include "base/list.h"
#include "sync/spinlock.h"

struct machine;
struct page;
struct kmem_cache;

struct fault_state {
	/* Immutable after boot. */
	struct page *zero_page;
	struct kmem_cache *anon_vma_cachep;
	struct kmem_cache *anon_vma_chain_cachep;
	struct kmem_cache *inode_cachep;
	struct kmem_cache *file_cachep;
	struct kmem_cache *index_cachep;

	spinlock_t inode_lock;
	struct list_head inodes;	/* inode_lock */
	unsigned long next_ino;		/* inode_lock */
};

/*
 * Boot and shutdown, once per machine, on a bound host thread with the page
 * allocator and slab working.  0 or -ENOMEM with nothing kept.
 */
int fault_state_init(struct machine *m);
void fault_state_exit(struct machine *m);

/* The running machine's. */
struct fault_state *this_fault_state(void);

#endif
