/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_WALK_H
#define MMSTORM_PGTABLE_WALK_H

#include "pgtable/context.h"
#include "pgtable/pte.h"

/*
 * Page tables: their pages, their locks, and finding an entry.
 *
 * Levels above PMD are walked generically (4 or 5 levels, the architecture's
 * number), so that callers handle PMD and PTE only.  Those levels change under
 * page_table_lock; a PMD entry under its table's lock (pmd_lock), a PTE under
 * its table's (pte_offset_map_lock).  Order: page_table_lock > PMD > PTE.
 *
 * A PTE table may go away under anyone who holds neither mmap_lock for
 * writing nor the PTE lock (pt_reclaim.c): pte_offset_map*() therefore may
 * return NULL, and hold an RCU read section until pte_unmap().
 *
 * ctx is &mm->context.  Functions that allocate return NULL or -ENOMEM.
 */

struct mmu_gather;

/* ---- upper levels -------------------------------------------------------- */

/* The PMD entry of addr, or NULL when a level above is empty.  Lockless. */
pmd_t *pgtable_pmd(struct mm_context *ctx, unsigned long addr);
/* The same in a read section alone: the tables above may be on their way out. */
pmd_t *pgtable_pmd_lockless(struct mm_context *ctx, unsigned long addr);
/* The same, allocating upper levels.  NULL: no memory.  May sleep. */
pmd_t *pgtable_pmd_alloc(struct mm_context *ctx, unsigned long addr);
/*
 * The first PMD entry at or after *addr below end whose table exists; *addr
 * moves to the first address in [*addr, end) that it covers.  NULL: none.
 * The entry itself may be none.  Iterate with *addr = pmd_addr_end(*addr, end).
 */
pmd_t *pgtable_next_pmd(struct mm_context *ctx, unsigned long *addr,
			unsigned long end);

/* ---- locks ------------------------------------------------------------------ */

/* The page of the table that an entry lies in. */
struct page *pgtable_page_of(const void *entry);

spinlock_t *pmd_lockptr(struct mm_context *ctx, pmd_t *pmd);
spinlock_t *pte_lockptr(struct mm_context *ctx, pmd_t pmdval);
/* Takes and returns the lock. */
spinlock_t *pmd_lock(struct mm_context *ctx, pmd_t *pmd);

/* ---- PTE tables --------------------------------------------------------------- */

/* Makes sure *pmd points to a PTE table (or is a leaf).  0 or -ENOMEM; may sleep. */
int pte_alloc(struct mm_context *ctx, pmd_t *pmd);
/* A table made ahead of a lock (vmf->prealloc_pte): cleared, with its lock. */
struct page *pte_alloc_one(struct mm_context *ctx);
/* Gives back one that was never published. */
void pte_free(struct mm_context *ctx, struct page *table);
/*
 * Publishes *table in *pmd if that is none, under the PMD lock, and sets
 * *table NULL; else leaves both.  (mm/memory.c)
 */
void pmd_install(struct mm_context *ctx, pmd_t *pmd, struct page **table);

/* ---- finding a PTE -------------------------------------------------------------- */

/*
 * The entry of addr, in an RCU read section until pte_unmap(), not locked:
 * what is read must be checked again under the lock.  NULL: no table (none,
 * or leaf); no section is then open.
 */
pte_t *pte_offset_map(pmd_t *pmd, unsigned long addr);
/* Also says which PMD value and lock go with it: retake with pmd_same(). */
pte_t *pte_offset_map_rw_nolock(struct mm_context *ctx, pmd_t *pmd,
				unsigned long addr, pmd_t *pmdvalp,
				spinlock_t **ptlp);
/* Mapped and locked, the table still in place.  NULL: no table. */
pte_t *pte_offset_map_lock(struct mm_context *ctx, pmd_t *pmd,
			   unsigned long addr, spinlock_t **ptlp);
/*
 * For a destination whose table cannot go away (mmap_lock for writing) while
 * a source table's lock is held or will be: subclass 1 nests inside 0.
 */
pte_t *pte_offset_map_lock_nested(struct mm_context *ctx, pmd_t *pmd,
				  unsigned long addr, spinlock_t **ptlp,
				  unsigned int subclass);
void pte_unmap(pte_t *pte);
void pte_unmap_unlock(pte_t *pte, spinlock_t *ptl);

/* pte_alloc() and pte_offset_map_lock(); NULL on -ENOMEM or when it went away. */
static inline pte_t *pte_alloc_map_lock(struct mm_context *ctx, pmd_t *pmd,
					unsigned long addr, spinlock_t **ptlp)
{
	return pte_alloc(ctx, pmd) ? NULL :
	       pte_offset_map_lock(ctx, pmd, addr, ptlp);
}

/* Offset within a table of addr's PTE. */
static inline unsigned int pte_index(unsigned long addr)
{
	return addr >> PAGE_SHIFT & (PTRS_PER_PTE - 1);
}

/* Without locks or sections: for oracles on a quiet machine, and tests.  NULL: none. */
pte_t *pgtable_peek_pte(struct mm_context *ctx, unsigned long addr);

/* ---- taking tables down ------------------------------------------------------------ */

/*
 * Frees the tables of [addr, end) that nothing in [floor, ceiling) needs;
 * ceiling 0 = no limit (mm/memory.c).  Entries below must be clear; no one
 * else can reach the range (mmap_lock for writing, out of rmap).  Tables go
 * to tlb, freed after its flush and a grace period.
 */
void free_pgd_range(struct mmu_gather *tlb, unsigned long addr,
		    unsigned long end, unsigned long floor,
		    unsigned long ceiling);

/*
 * DONTNEED's reclaim of an empty PTE table (mm/pt_reclaim.c).  No locks held
 * by the caller but mmap_lock or VMA lock for reading.  True when it was freed.
 */
bool try_to_free_pte(struct mm_context *ctx, pmd_t *pmd, unsigned long addr,
		     struct mmu_gather *tlb);

/*
 * Moves a whole PTE table from one PMD entry to an empty one, under both PMD
 * locks (mremap's move_normal_pmd).  The caller flushes the old range before
 * it lets go of what protects it.  False: not possible, move the PTEs.
 */
bool move_normal_pmd(struct mm_context *ctx, unsigned long old_addr,
		     unsigned long new_addr, pmd_t *old_pmd, pmd_t *new_pmd);

/* ---- for oracles: a walk of everything, on a quiet machine ------------------------- */

struct pgtable_visit {
	/* Every table page: level 1 is a PTE table, the arch's `levels' the root. */
	void (*table)(void *arg, struct page *table, unsigned int level,
		      unsigned long addr);
	/* Every PTE that is not none. */
	void (*pte)(void *arg, pte_t *ptep, pte_t pte, unsigned long addr);
	/* Every PMD that maps 2 MiB. */
	void (*pmd)(void *arg, pmd_t *pmdp, pmd_t pmd, unsigned long addr);
	void *arg;
};
void pgtable_visit(struct mm_context *ctx, const struct pgtable_visit *v);

#endif /* MMSTORM_PGTABLE_WALK_H */
