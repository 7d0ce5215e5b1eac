/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_RMAP_H
#define MMSTORM_MM_RMAP_H

/*
 * Reverse mapping: from a page to the entries that map it (mm/rmap.c, 6.18).
 *
 * Anonymous pages point at an anon_vma, whose interval tree holds one link
 * (anon_vma_chain) for each VMA that may map pages of it.  File pages point at
 * their address_space and its i_mmap.  A walk visits VMAs, computes the address
 * from vm_pgoff, and looks at the entry under its PTL.
 */

#include "base/atomic.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "base/types.h"
#include "mm/mm_types.h"
#include "phys/page.h"
#include "sync/rwsem.h"
#include "sync/sched.h"

struct machine;

/*
 * Memory of an anon_vma is type-stable (freed under RCU): page_get_anon_vma
 * finds it through a page with no lock at all.
 */
struct anon_vma {
	/* Immutable after publish. */
	struct anon_vma *root;		/* whose rwsem protects the whole family */
	struct anon_vma *parent;

	/* Used in the root only. */
	struct rw_semaphore rwsem;

	/* Freed at zero; a walker that only found it through a page holds one. */
	atomic_t refcount;
	struct rcu_age age;		/* retired when the count is zero */

	/* Protected by root->rwsem for writing. */
	unsigned long num_children;	/* a root counts itself */
	unsigned long num_active_vmas;	/* VMAs whose ->anon_vma this is */
	struct rb_root_cached rb_root;	/* of anon_vma_chain */
};

/*
 * "This VMA may map pages of this anon_vma."
 */
struct anon_vma_chain {
	struct vm_area_struct *vma;
	struct anon_vma *anon_vma;
	struct list_head same_vma;	/* mmap_lock and page_table_lock */
	struct rb_node rb;		/* anon_vma->root->rwsem */
	unsigned long rb_subtree_last;
};

static inline void anon_vma_lock_write(struct anon_vma *anon_vma)
{
	down_write(&anon_vma->root->rwsem);
}

static inline void anon_vma_unlock_write(struct anon_vma *anon_vma)
{
	up_write(&anon_vma->root->rwsem);
}

static inline void anon_vma_lock_read(struct anon_vma *anon_vma)
{
	down_read(&anon_vma->root->rwsem);
}

static inline void anon_vma_unlock_read(struct anon_vma *anon_vma)
{
	up_read(&anon_vma->root->rwsem);
}

/*
 * __anon_vma_prepare - give @vma an anon_vma: an adjacent VMA's where
 * find_mergeable_anon_vma allows it, else a new one.
 * Locks: mmap_lock, at least for reading (the VMA lock alone is not enough).
 */
int __anon_vma_prepare(struct vm_area_struct *vma);

/*
 * What a fault may rely on: pairs with the release in __anon_vma_prepare, so
 * that the chain and the anon_vma behind the pointer are complete.
 */
static inline struct anon_vma *vma_anon_vma(const struct vm_area_struct *vma)
{
	return smp_load_acquire(&vma->anon_vma);
}

static inline int anon_vma_prepare(struct vm_area_struct *vma)
{
	if (likely(vma_anon_vma(vma)))
		return 0;
	return __anon_vma_prepare(vma);
}

/*
 * The anon_vma of a neighbour that @vma may share, or NULL: contiguous, same
 * flags but for access bits, and the neighbour was not forked (chain of one).
 */
struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma);

/*
 * anon_vma_clone - attach @dst to every anon_vma of @src (split, move, fork)
 * anon_vma_fork - the same for a child's VMA, which then gets an anon_vma of its
 * own, or an inactive ancestor's (at most one child and no VMA: the reuse rule).
 * Locks: mmap_lock of both for writing.  Return: 0 or -ENOMEM, @dst unlinked.
 */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src);
int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *pvma);
void unlink_anon_vmas(struct vm_area_struct *vma);

/* Around every change of vm_start, vm_end or vm_pgoff; anon_vma write lock held. */
void anon_vma_interval_tree_pre_update_vma(struct vm_area_struct *vma);
void anon_vma_interval_tree_post_update_vma(struct vm_area_struct *vma);

/* References: get needs one already, or RCU and inc-not-zero. */
static inline void get_anon_vma(struct anon_vma *anon_vma)
{
	atomic_inc(&anon_vma->refcount);
}
void __put_anon_vma(struct anon_vma *anon_vma);
static inline void put_anon_vma(struct anon_vma *anon_vma)
{
	if (atomic_dec_and_test(&anon_vma->refcount))
		__put_anon_vma(anon_vma);
}

/* A reference on the anon_vma of @page; NULL if unmapped. */
struct anon_vma *page_get_anon_vma(struct page *page);

/*
 * A window of one page's place in its reverse map: who walks it for the page and who moves
 * the page's entries, in whatever address space, meet here.
 */
static inline void rmap_window(const struct anon_vma *anon_vma, unsigned long pgoff)
{
	sched_window(WIN_MIGRATION_ENTRY_MOVED, (u64)(uintptr_t)READ_ONCE(anon_vma->root), pgoff);
}

/* ---- map counts ---- */

enum rmap_flags {
	RMAP_NONE	= 0,
	RMAP_EXCLUSIVE	= 1 << 0,	/* sets PageAnonExclusive */
};

/* A fresh page, not yet visible: no lock needed.  Others: PTL held. */
void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma,
			    unsigned long address);
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma,
			unsigned long address, int flags);
void page_add_file_rmap(struct page *page);
void page_remove_rmap(struct page *page);
/* A page only @vma maps: later faults of children need not see it. */
void page_move_anon_rmap(struct page *page, struct vm_area_struct *vma);

/*
 * Fork: one more mapping.  The anonymous form clears PageAnonExclusive: both
 * sides must then copy.  -EBUSY, and nothing done: the page may be pinned, and
 * must stay the parent's own.  write_protect_seq is odd.
 */
void page_dup_file_rmap(struct page *page);
int page_try_dup_anon_rmap(struct page *page, struct vm_area_struct *src_vma);
/*
 * Migration: exclusiveness moves from the page into the entry; it is cleared.  The
 * entry was cleared and flushed before.  -EBUSY, and nothing done: it may be pinned.
 */
int page_try_share_anon_rmap(struct page *page);

/* ---- walking ---- */

#define PVMW_SYNC	(1 << 0)	/* look under the PTL even at empty entries */
#define PVMW_MIGRATION	(1 << 1)	/* find migration entries for the page */

struct page_vma_mapped_walk {
	/* Set by the caller. */
	unsigned long pfn;
	struct vm_area_struct *vma;
	unsigned long address;
	unsigned int flags;

	/* Set by the walk: the entry, mapped and locked, on true. */
	pte_t *pte;
	spinlock_t *ptl;
};

/*
 * True: pvmw->pte maps (or, with PVMW_MIGRATION, waits for) the page and its
 * PTL is held.  False: no more; nothing held.
 */
bool page_vma_mapped_walk(struct page_vma_mapped_walk *pvmw);
void page_vma_mapped_walk_done(struct page_vma_mapped_walk *pvmw);

struct rmap_walk_control {
	void *arg;
	/* false ends the walk. */
	bool (*rmap_one)(struct page *page, struct vm_area_struct *vma,
			 unsigned long addr, void *arg);
	/* true: enough has been seen.  May be NULL. */
	bool (*done)(struct page *page);
};

/*
 * Visit every VMA that may map the locked anonymous @page.  Only while it is
 * mapped, or while the caller keeps a reference on its anon_vma (migration).
 */
void rmap_walk_anon(struct page *page, struct rmap_walk_control *rwc);

/* Address of @pgoff in @vma, or -EFAULT cast to unsigned long when outside. */
unsigned long vma_address(struct vm_area_struct *vma, unsigned long pgoff);
unsigned long page_address_in_vma(struct page *page,
				  struct vm_area_struct *vma);

/* ---- migration's two halves (rmap.c, migrate.c) ---- */

/* Replace every mapping of the locked @page by a migration entry, flushed. */
void try_to_migrate(struct page *page);
/* Replace the migration entries of locked @src by mappings of @dst. */
void remove_migration_ptes(struct page *src, struct page *dst);

#endif
