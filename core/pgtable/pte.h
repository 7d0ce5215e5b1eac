/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_PTE_H
#define MMSTORM_PGTABLE_PTE_H

#include "arch/x86_64.h"
#include "base/atomic.h"
#include "base/point.h"
#include "base/types.h"
#include "phys/page.h"

/*
 * Page-table entries: types, what they say, and the few ways to change one.
 *
 * The format is x86-64's, as in arch/x86/include/asm/pgtable*.h; bit names come
 * from arch/.  An entry is shared with the MMU walkers of every vCPU, which
 * set A and D in it at any moment: it is read once, whole, and changed either
 * under its lock by a store that owes nothing to its old value, or by an
 * atomic read-modify-write.
 *
 * Orders: writers release.  Readers without the entry's lock acquire when they
 * follow it (the _lockless forms, and the walkers), so that they see the frame's
 * or table's contents written before it; under the lock, the lock has ordered them.
 * Each change is a scheduling point (SCHED_PTE) that stands before it.
 */

typedef struct { u64 pte; } pte_t;
typedef struct { u64 pmd; } pmd_t;
typedef struct { u64 pgprot; } pgprot_t;

#define pte_val(x)	((x).pte)
#define pmd_val(x)	((x).pmd)
#define pgprot_val(x)	((x).pgprot)
#define __pte(x)	((pte_t){ (x) })
#define __pmd(x)	((pmd_t){ (x) })
#define __pgprot(x)	((pgprot_t){ (x) })

/* Spans of one entry at each level of 4 KiB, 9-bit paging. */
#define PTRS_PER_PTE	512
/* The first address after addr's PMD, or end if that comes first. */
static inline unsigned long pmd_addr_end(unsigned long addr, unsigned long end)
{
	unsigned long boundary = (addr + PMD_SIZE) & PMD_MASK;

	return boundary - 1 < end - 1 ? boundary : end;
}

/*
 * Present bit clear and _PAGE_PROTNONE set: a mapped page nobody may reach;
 * hardware sees non-present.  (The bit is G in a present entry.)
 */
#define PTE_PFN_MASK		X86_PFN_MASK
/* What pte_modify() keeps of the old entry. */
#define PTE_CHG_MASK		(PTE_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | \
				 _PAGE_SPECIAL | _PAGE_SOFT_DIRTY)

/* Protections of user mappings (asm/pgtable_types.h). */
#define PAGE_NONE		__pgprot(_PAGE_PROTNONE | _PAGE_ACCESSED)
#define PAGE_READONLY		__pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED | _PAGE_NX)
#define PAGE_READONLY_EXEC	__pgprot(_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_SHARED		__pgprot(pgprot_val(PAGE_READONLY) | _PAGE_RW)
#define PAGE_SHARED_EXEC	__pgprot(pgprot_val(PAGE_READONLY_EXEC) | _PAGE_RW)

/* ---- what an entry says --------------------------------------------------- */

static inline bool pte_none(pte_t pte)
{
	return !pte_val(pte);
}

/* Maps a page: reachable, or PROT_NONE. */
static inline bool pte_present(pte_t pte)
{
	return pte_val(pte) & (_PAGE_PRESENT | _PAGE_PROTNONE);
}

/* PROT_NONE: mapped, not reachable. */
static inline bool pte_protnone(pte_t pte)
{
	return (pte_val(pte) & (_PAGE_PROTNONE | _PAGE_PRESENT)) == _PAGE_PROTNONE;
}

/* A TLB may hold this entry. */
static inline bool pte_accessible(pte_t pte)
{
	return pte_val(pte) & _PAGE_PRESENT;
}

static inline bool pte_write(pte_t pte)
{
	return pte_val(pte) & _PAGE_RW;
}

static inline bool pte_exec(pte_t pte)
{
	return !(pte_val(pte) & _PAGE_NX);
}

static inline bool pte_dirty(pte_t pte)
{
	return pte_val(pte) & _PAGE_DIRTY;
}

static inline bool pte_young(pte_t pte)
{
	return pte_val(pte) & _PAGE_ACCESSED;
}

static inline bool pte_special(pte_t pte)
{
	return pte_val(pte) & _PAGE_SPECIAL;
}

static inline bool pte_soft_dirty(pte_t pte)
{
	return pte_val(pte) & _PAGE_SOFT_DIRTY;
}

static inline bool pte_same(pte_t a, pte_t b)
{
	return pte_val(a) == pte_val(b);
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return (pte_val(pte) & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static inline struct page *pte_page(pte_t pte)
{
	return pfn_to_page(pte_pfn(pte));
}

/* ---- values ------------------------------------------------------------------ */

#define PTE_BIT_OPS(name, bit)						\
static inline pte_t pte_mk##name(pte_t pte)				\
{									\
	return __pte(pte_val(pte) | (bit));				\
}

PTE_BIT_OPS(write_novma, _PAGE_RW)
PTE_BIT_OPS(dirty, _PAGE_DIRTY | _PAGE_SOFT_DIRTY)
PTE_BIT_OPS(young, _PAGE_ACCESSED)
PTE_BIT_OPS(special, _PAGE_SPECIAL)
PTE_BIT_OPS(huge, _PAGE_PSE)
#undef PTE_BIT_OPS

static inline pte_t pte_mkwrite(pte_t pte)
{
	return pte_mkwrite_novma(pte);
}

static inline pte_t pte_wrprotect(pte_t pte)
{
	return __pte(pte_val(pte) & ~(u64)_PAGE_RW);
}

static inline pte_t pte_mkclean(pte_t pte)
{
	return __pte(pte_val(pte) & ~(u64)_PAGE_DIRTY);
}

static inline pte_t pte_mkold(pte_t pte)
{
	return __pte(pte_val(pte) & ~(u64)_PAGE_ACCESSED);
}

static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return __pte(((u64)pfn << PAGE_SHIFT) | pgprot_val(prot));
}

static inline pte_t mk_pte(const struct page *page, pgprot_t prot)
{
	return pfn_pte(page_to_pfn(page), prot);
}

/* The same page with other rights; A, D and software bits stay. */
static inline pte_t pte_modify(pte_t pte, pgprot_t prot)
{
	return __pte((pte_val(pte) & PTE_CHG_MASK) |
		     (pgprot_val(prot) & ~PTE_CHG_MASK));
}

/* ---- reading and changing entries ---------------------------------------------- */

/* PTE lock held, or the value is only compared. */
static inline pte_t ptep_get(const pte_t *ptep)
{
	return __pte(READ_ONCE(ptep->pte));
}

/* No lock, and what the entry leads to is looked at. */
static inline pte_t ptep_get_lockless(const pte_t *ptep)
{
	return __pte(smp_load_acquire(&ptep->pte));
}

/*
 * Stores an entry.  PTE lock held (or the table is not published).  Replaces
 * a none or non-present entry; a present one is replaced only after
 * ptep_clear_flush(), or when nothing but rights grow.
 */
static inline void set_pte(pte_t *ptep, pte_t pte)
{
	sched_point(SCHED_PTE, ptep);
	smp_store_release(&ptep->pte, pte_val(pte));
}
/* ctx, addr: for the reader, and for architectures that need them. */
#define set_pte_at(ctx, addr, ptep, pte) \
	do { (void)(ctx); (void)(addr); set_pte((ptep), (pte)); } while (0)

static inline void pte_clear(pte_t *ptep)
{
	set_pte(ptep, __pte(0));
}

/*
 * Takes the entry out; what it returns includes A and D set until then.  PTE lock
 * held: that orders it after the store of the entry, and the flush that must follow
 * raises tlb_gen with release.
 */
static inline pte_t ptep_get_and_clear(pte_t *ptep)
{
	sched_point(SCHED_PTE, ptep);
	weak_rmw(ptep);
	return __pte(raw_xchg_order(&ptep->pte, 0, __ATOMIC_RELAXED));
}

/* Takes W away without losing an A or D that arrives at the same time. */
void ptep_set_wrprotect(pte_t *ptep);

/* Clears A; true when it was set. */
bool ptep_test_and_clear_young(pte_t *ptep);

/*
 * mprotect's pair: between start and commit the entry is none, so that the
 * walker cannot set D in an entry that is being rewritten.  PTE lock held.
 */
static inline pte_t ptep_modify_prot_start(pte_t *ptep)
{
	return ptep_get_and_clear(ptep);
}

static inline void ptep_modify_prot_commit(pte_t *ptep, pte_t pte)
{
	set_pte(ptep, pte);
}

/*
 * Rights and A/D may only grow (fault path).  True when the entry changed:
 * the faulting vCPU's own stale entry then only faults once more (x86 flushes
 * nothing; see flush_tlb_fix_spurious_fault).  PTE lock held.
 */
bool ptep_set_access_flags(pte_t *ptep, pte_t entry, bool dirty);

/* ---- PMD -------------------------------------------------------------------------- */

static inline bool pmd_none(pmd_t pmd)
{
	return !pmd_val(pmd);
}

static inline bool pmd_present(pmd_t pmd)
{
	return pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_PROTNONE | _PAGE_PSE);
}

/* Maps 2 MiB itself. */
static inline bool pmd_leaf(pmd_t pmd)
{
	return (pmd_val(pmd) & _PAGE_PSE) && pmd_present(pmd);
}

/* Neither none, leaf nor a pointer to a table: someone wrote nonsense. */
static inline bool pmd_bad(pmd_t pmd)
{
	return (pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_USER | _PAGE_PSE)) !=
	       (_PAGE_PRESENT | _PAGE_USER);
}

static inline bool pmd_same(pmd_t a, pmd_t b)
{
	return pmd_val(a) == pmd_val(b);
}

static inline unsigned long pmd_pfn(pmd_t pmd)
{
	return (pmd_val(pmd) & PTE_PFN_MASK) >> PAGE_SHIFT;
}

/* The page of the PTE table that a (non-leaf, present) PMD points to. */
static inline struct page *pmd_page(pmd_t pmd)
{
	return pfn_to_page(pmd_pfn(pmd));
}

/* PMD lock held, or the value is only compared. */
static inline pmd_t pmdp_get(const pmd_t *pmdp)
{
	return __pmd(READ_ONCE(pmdp->pmd));
}

/* No lock, and the table is looked at. */
static inline pmd_t pmdp_get_lockless(const pmd_t *pmdp)
{
	return __pmd(smp_load_acquire(&pmdp->pmd));
}

/* Publishes or replaces a PMD; release: the table below is complete first. */
static inline void set_pmd(pmd_t *pmdp, pmd_t pmd)
{
	sched_point(SCHED_PTE, pmdp);
	smp_store_release(&pmdp->pmd, pmd_val(pmd));
}

static inline void pmd_clear(pmd_t *pmdp)
{
	set_pmd(pmdp, __pmd(0));
}

#endif /* MMSTORM_PGTABLE_PTE_H */
