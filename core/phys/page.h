/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_PAGE_H
#define MMSTORM_PHYS_PAGE_H

#include "base/atomic.h"
#include "base/bug.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/types.h"
#include "arch/x86_64.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "sync/rcu.h"
#include "sync/spinlock.h"

/*
 * struct page: what the operating system knows of one frame of RAM.
 *
 * A page is 64 bytes without lockdep.  All-zero is a valid page that was
 * never handed out, so that booting a machine touches no page at all; what it is
 * (pfn, zone, node, no mappings) it learns when the allocator first looks at it.
 * A free page is as it must be given out again: no flags, order, mapping or mappings.
 */

struct address_space;
struct anon_vma;
struct mm_context;

enum pageflags {
	PG_locked,		/* lock_page(); owner may sleep */
	PG_waiters,		/* someone waits for PG_locked or PG_writeback */
	PG_referenced,
	PG_uptodate,		/* contents may be read; set with release */
	PG_dirty,
	PG_lru,
	PG_swapbacked,
	PG_swapcache,
	PG_writeback,
	PG_anon_exclusive,	/* one mapping, by anon rmap; changed under its PTL */
	PG_buddy,		/* head of a free block; under zone->lock */
	PG_pcp,			/* while frames are counted: seen in a per-CPU list */
	PG_table,		/* page-table page: the frame is used whole */
	PG_reserved,		/* never given to the allocator */
	PG_zero,		/* the shared zero page */
	NR_PAGEFLAGS,
};

/* Low bit of page->mapping: it is an anon_vma, not an address_space. */
#define PAGE_MAPPING_ANON	0x1UL
#define PAGE_MAPPING_FLAGS	0x3UL

enum page_poison { POISONED_NOT, POISONED_DATA, POISONED_TABLE };

struct page {
	unsigned long		flags;		/* enum pageflags, atomic bits */
	atomic_t		_refcount;	/* users; 0 = free */
	atomic_t		_mapcount;	/* PTEs that map it, minus 1 */
	union {
		struct {
			/* LRU or the owner's; the buddy's of a free block. */
			struct list_head	lru;
			/* Set under the page lock or a new page's owner. */
			struct address_space	*mapping;
			unsigned long		index;
		};
		struct {		/* PG_table, live */
			struct list_head	_pt_lru;
			struct mm_context	*pt_ctx;
			unsigned long		pt_level; /* 0 = PTE table */
		};
		struct {		/* PG_table, unlinked, before its grace period */
			struct page		*pt_next;
			struct rcu_head		pt_rcu_head;
		};
	};
	union {
		unsigned long		private;
		spinlock_t		ptl;		/* PG_table: pte/pmd lock */
	};
	u32			pfn;		/* this and the next two: immutable once set */
	u8			zone_id;	/* index into phys_mem.zones */
	u8			nid;
	u8			order;		/* of the block it heads, free or not; else 0 */
	u8			poisoned;	/* free: enum page_poison, which face */
	struct rcu_age		pt_age;		/* PG_table: of the table, for lockless walkers */
};

#if !MM_CHECK
_Static_assert(sizeof(struct page) <= 64, "struct page grew past a line");
#endif

/* ---- frame numbers and bytes ------------------------------------------- */

/* First member of struct phys_mem (phys/phys_mem.h), immutable after boot. */
struct phys_map {
	struct page	*mem_map;	/* by frame number */
	unsigned long	nr_frames;
};

static inline NO_TSAN struct page *machine_pfn_to_page(const struct machine *m,
						       unsigned long pfn)
{
	return &((const struct phys_map *)m->phys)->mem_map[pfn];
}

/* The page of a frame of this machine. */
static inline NO_TSAN struct page *pfn_to_page(unsigned long pfn)
{
	const struct machine *m = this_machine();

	VM_BUG_ON(pfn >= m->ram.nr_frames);
	return machine_pfn_to_page(m, pfn);
}

static inline NO_TSAN unsigned long page_to_pfn(const struct page *page)
{
	return page->pfn;
}

/* Modelled contents of a data page: machine's frame_bytes of them. */
static inline NO_TSAN void *page_address(const struct page *page)
{
	return frame_data(this_machine(), page_to_pfn(page));
}

/* The whole 4096 bytes of a table page, as entries. */
static inline NO_TSAN u64 *page_table_address(const struct page *page)
{
	return frame_table(this_machine(), page_to_pfn(page));
}

/* ---- flags ---------------------------------------------------------------- */

#define PAGEFLAG(Name, name)						\
static inline bool Page##Name(const struct page *page)			\
{									\
	return READ_ONCE(page->flags) & (1UL << PG_##name);		\
}									\
static inline void SetPage##Name(struct page *page)			\
{									\
	set_bit(PG_##name, &page->flags);				\
}									\
static inline void ClearPage##Name(struct page *page)			\
{									\
	clear_bit(PG_##name, &page->flags);				\
}									\
static inline bool TestSetPage##Name(struct page *page)			\
{									\
	return test_and_set_bit(PG_##name, &page->flags);		\
}									\
static inline bool TestClearPage##Name(struct page *page)		\
{									\
	return test_and_clear_bit(PG_##name, &page->flags);		\
}									\
static inline void __SetPage##Name(struct page *page)			\
{									\
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) | (1UL << PG_##name)); \
}									\
static inline void __ClearPage##Name(struct page *page)			\
{									\
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) & ~(1UL << PG_##name)); \
}

PAGEFLAG(Locked, locked)
PAGEFLAG(Waiters, waiters)
PAGEFLAG(Referenced, referenced)
PAGEFLAG(Dirty, dirty)
PAGEFLAG(LRU, lru)
PAGEFLAG(SwapBacked, swapbacked)
PAGEFLAG(SwapCache, swapcache)
PAGEFLAG(Writeback, writeback)
PAGEFLAG(AnonExclusive, anon_exclusive)
PAGEFLAG(Buddy, buddy)
PAGEFLAG(Pcp, pcp)
PAGEFLAG(Table, table)
PAGEFLAG(Reserved, reserved)
PAGEFLAG(Zero, zero)

/*
 * The contents were written before the flag (release), and whoever sees the
 * flag sees them (acquire): zoo D3 is this order removed.
 */
static inline bool PageUptodate(const struct page *page)
{
	return smp_load_acquire(&page->flags) & (1UL << PG_uptodate);
}

void SetPageUptodate(struct page *page);
/* For a page nobody else can reach yet: what publishes the page publishes this. */
static inline void __SetPageUptodate(struct page *page)
{
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) | (1UL << PG_uptodate));
}

/* ---- what it belongs to ----------------------------------------------------- */

static inline bool PageAnon(const struct page *page)
{
	return (unsigned long)READ_ONCE(page->mapping) & PAGE_MAPPING_ANON;
}

/* The anon_vma of an anonymous page; stable under the page lock. */
static inline struct anon_vma *page_anon_vma(const struct page *page)
{
	unsigned long m = (unsigned long)smp_load_acquire(&page->mapping);

	if (!(m & PAGE_MAPPING_ANON))
		return NULL;
	return (struct anon_vma *)(m & ~PAGE_MAPPING_FLAGS);
}

/* The address_space of a file page, NULL for an anonymous one. */
static inline struct address_space *page_mapping(const struct page *page)
{
	struct address_space *m = smp_load_acquire(&page->mapping);

	return (unsigned long)m & PAGE_MAPPING_FLAGS ? NULL : m;
}

/* ---- references --------------------------------------------------------------- */

static inline int page_ref_count(const struct page *page)
{
	return atomic_read(&page->_refcount);
}

static inline void set_page_count(struct page *page, int v)
{
	atomic_set(&page->_refcount, v);
}

static inline void init_page_count(struct page *page)
{
	set_page_count(page, 1);
}

/* Takes nr references away iff exactly `count' are left (migration). */
static inline bool page_ref_freeze(struct page *page, int count)
{
	return atomic_cmpxchg(&page->_refcount, count, 0) == count;
}

/* Ends a freeze: what the freezer wrote is seen by the next taker. */
void page_ref_unfreeze(struct page *page, int count);

/* The caller already holds a reference, or a lock that keeps one alive. */
static inline void get_page(struct page *page)
{
	VM_BUG_ON(page_ref_count(page) <= 0);
	atomic_inc(&page->_refcount);
}

/* Takes a reference unless the page is free or frozen (lockless lookups). */
static inline bool try_get_page(struct page *page)
{
	return atomic_inc_not_zero(&page->_refcount);
}

/*
 * Whoever drops a reference that is not the last releases with it; the last one
 * acquires them all, by reading what it stored: the end of all those releases'
 * sequences.  It publishes nothing: what was free is looked at by nobody.
 */
static inline bool put_page_testzero(struct page *page)
{
	int count = page_ref_count(page);

	VM_BUG_ON(count <= 0);
	if (likely(count == 1) &&
	    atomic_try_cmpxchg_relaxed(&page->_refcount, &count, 0)) {
		(void)atomic_read_acquire(&page->_refcount);
		return true;
	}
	return atomic_dec_and_test(&page->_refcount);
}

/* The last reference is gone: back to the allocator (page_alloc.c). */
void __put_page(struct page *page);

/* Drops a reference; the last one frees the page.  Any context, no sleep. */
static inline void put_page(struct page *page)
{
	if (put_page_testzero(page))
		__put_page(page);
}

/* Drops nr references at once: those of a pin. */
static inline void put_page_refs(struct page *page, int nr)
{
	VM_BUG_ON(page_ref_count(page) < nr);
	if (atomic_sub_and_test(nr, &page->_refcount))
		__put_page(page);
}

/* ---- pins (mm/gup.h) --------------------------------------------------------------
 *
 * A pin says that somebody moves the page's contents without a page table, and is
 * counted as so many references that it cannot be mistaken for a few plain ones.
 */
#define GUP_PIN_COUNTING_BIAS	1024

/* Never false of a pinned page; true also of one that very many have a reference on. */
static inline bool page_maybe_dma_pinned(const struct page *page)
{
	return page_ref_count(page) >= GUP_PIN_COUNTING_BIAS;
}

/*
 * The same, looked at after an entry was cleared.  GUP-fast adds its pin and then looks
 * at the entry again; this adds nothing to the same word: either it finds the pin, or
 * who pins later has acquired the cleared entry with the count.
 */
static inline bool page_maybe_dma_pinned_ordered(struct page *page)
{
	return atomic_fetch_add(0, &page->_refcount) >= GUP_PIN_COUNTING_BIAS;
}

/* ---- mappings: counters themselves belong to mm/rmap.c -------------------------- */

static inline int page_mapcount(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

static inline bool page_mapped(const struct page *page)
{
	return page_mapcount(page) > 0;
}

static inline void page_mapcount_reset(struct page *page)
{
	atomic_set(&page->_mapcount, -1);
}

/* ---- page lock (page_lock.c) ------------------------------------------------------
 *
 * Sleeps; rank LOCK_RANK_PAGE_LOCK, two of them by ascending frame number.
 * Owned by the execution context, not the vCPU.
 */
void lock_page(struct page *page);
bool trylock_page(struct page *page);
void unlock_page(struct page *page);
/* Waits until it was seen unlocked once; takes nothing.  Caller has a reference. */
void wait_on_page_locked(struct page *page);

/* ---- contents ----------------------------------------------------------------------
 *
 * On a frame's modelled bytes.  Plain accesses, instrumented: a store through
 * a stale translation at the same time is a data race that TSan reports.
 */
void clear_page(struct page *page);
void copy_page(struct page *to, struct page *from);
/* Relaxed atomic words where racing with users is legal (page cache source). */
void copy_page_atomic(struct page *to, struct page *from);
void clear_page_atomic(struct page *page);

#endif /* MMSTORM_PHYS_PAGE_H */
