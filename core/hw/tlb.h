/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_TLB_H
#define MMSTORM_HW_TLB_H

#include "base/types.h"
#include "base/compiler.h"

/*
 * The translation cache of one observer (a vCPU).
 *
 * 64 sets of 4 ways for 4 KiB pages, 8 entries for 2 MiB pages.  An entry is
 * matched by page and tag (the PCID that was loaded when it was filled); a
 * global entry matches under every tag.  It keeps what the walk found, rights
 * included, and nothing keeps it true: the operating system must flush.
 *
 * Beside them 16 entries of a paging-structure cache: which PTE table covers 2 MiB,
 * with the rights of the levels above.  A walk that finds one begins there, and so
 * reaches a table that has left the tree, until a flush of any page of its tag.
 *
 * Owner only: the vCPU itself, or the sender of an interrupt that acts as it
 * under its state lock while it is parked.  No locks, no atomics, no points.
 * Every flush may drop more than it was asked for, never less.
 */
#define TLB_SETS	64
#define TLB_WAYS	4
#define TLB_HUGE	8
#define TLB_WALKS	16

/* Tags are PCIDs, 12 bits; this one means global and is never loaded. */
#define TLB_TAG_GLOBAL	0xfffu
#define TLB_TAG_MASK	0xfffu

/* Matches nothing that is looked up: the last page is never mapped global. */
#define TLB_NO_KEY	(~0ULL)

#define TLB_VALID	0x01u
#define TLB_WRITE	0x02u
#define TLB_USER	0x04u
#define TLB_NX		0x08u
#define TLB_DIRTY	0x10u	/* D is set in the leaf: a store need not walk */
#define TLB_GLOBAL	0x20u
#define TLB_2M		0x40u
#define TLB_SPECULATED	0x80u	/* filled by speculation, not by an access */

struct tlb_entry {
	u32 pfn;	/* frame of the 4 KiB page; of a 2 MiB page the first */
	u32 gen;	/* ram.gen[pfn] when the entry was filled */
	u64 flags : 12;	/* TLB_*; 0 when the way is empty */
	u64 stamp : 52;	/* watched machines: machine_translation_stamp() of the fill */
};

/* The walk of 2 MiB down to its PTE table. */
struct tlb_walk {
	u64 key;	/* 2 MiB address | tag; TLB_NO_KEY when empty */
	u32 pfn;	/* frame of the table */
	u32 gen;	/* ram.gen[pfn] when it was walked to */
	u64 all;	/* conjunction and disjunction of the entries above */
	u64 any;
};

struct tlb_set {
	u64 key[TLB_WAYS];	/* page address | tag; TLB_NO_KEY when the way is empty */
	struct tlb_entry way[TLB_WAYS];
	u32 victim;		/* round robin */
} __cacheline_aligned;

struct tlb {
	struct tlb_set set[TLB_SETS];
	u64 huge_key[TLB_HUGE];
	struct tlb_entry huge[TLB_HUGE];
	struct tlb_walk walk[TLB_WALKS];
	u32 huge_victim;
	u32 nr_walks;		/* upper bound of paging-structure entries: 0 skips flushing */
	u32 nr_huge;		/* upper bound of 2 MiB entries: 0 skips the probe */
	u32 nr_global;		/* upper bound of global entries */
	u32 nr_entries;		/* upper bound of entries: 0 skips flushing */

	/* Counters, owner only; readers elsewhere take what they get. */
	u64 fills, fills_speculative, evictions;
	u64 flushes_all, flushes_tag, flushes_one, flushed_entries;
};

void tlb_init(struct tlb *tlb);

/* The slow half of tlb_lookup(): global entries and 2 MiB pages. */
struct tlb_entry *tlb_lookup_rare(struct tlb *tlb, unsigned int tag, unsigned long va);

/**
 * tlb_lookup() - the entry that translates @va under @tag
 *
 * Rights are the caller's to judge.  NULL on a miss.  Frame of the access:
 * tlb_pfn(entry, va).
 */
static inline NO_TSAN struct tlb_entry *tlb_lookup(struct tlb *tlb, unsigned int tag,
						   unsigned long va)
{
	struct tlb_set *set = &tlb->set[va >> 12 & (TLB_SETS - 1)];
	u64 key = (va & ~0xfffUL) | tag;

	for (unsigned int i = 0; i < TLB_WAYS; i++)
		if (set->key[i] == key)
			return &set->way[i];
	if (unlikely(tlb->nr_huge | tlb->nr_global))
		return tlb_lookup_rare(tlb, tag, va);
	return NULL;
}

static inline NO_TSAN unsigned long tlb_pfn(const struct tlb_entry *entry, unsigned long va)
{
	if (unlikely(entry->flags & TLB_2M))
		return entry->pfn + (va >> 12 & 511);
	return entry->pfn;
}

/**
 * tlb_fill() - remember a translation
 * @flags: TLB_WRITE, USER, NX, DIRTY, GLOBAL, 2M, SPECULATED
 * @pfn: of a 2 MiB page the first frame
 *
 * Replaces an entry of the same page and tag, else an empty way, else the
 * set's oldest.  Returns the entry.
 */
struct tlb_entry *tlb_fill(struct tlb *tlb, unsigned int tag, unsigned long va,
			   unsigned long pfn, u32 gen, u32 flags);

/* The PTE table that @va's last walk under @tag went to, or NULL. */
static inline NO_TSAN struct tlb_walk *tlb_walk_lookup(struct tlb *tlb, unsigned int tag,
						       unsigned long va)
{
	u64 key = (va & ~0x1fffffUL) | tag;
	struct tlb_walk *walk = &tlb->walk[(va >> 21 ^ tag) % TLB_WALKS];

	return walk->key == key ? walk : NULL;
}

/* Remembers it; replaces whatever is kept in that place. */
void tlb_walk_fill(struct tlb *tlb, unsigned int tag, unsigned long va,
		   const struct tlb_walk *walk);

/*
 * What a page fault at @va drops by itself: the page's entries, and the cached walk
 * that led to them (SDM 4.10.4.1).
 */
void tlb_drop_faulted(struct tlb *tlb, unsigned int tag, unsigned long va);

/*
 * INVLPG / INVPCID single: @va under @tag, of either size, and global ones.  As in
 * hardware any flush of a tag drops all of its paging-structure entries.
 */
void tlb_flush_one(struct tlb *tlb, unsigned int tag, unsigned long va);
/* tlb_flush_one() for [start, end) in steps of 1 << stride_shift bytes. */
void tlb_flush_range(struct tlb *tlb, unsigned int tag, unsigned long start, unsigned long end,
		     unsigned int stride_shift);
/* INVPCID single context: everything of @tag but global entries. */
void tlb_flush_tag(struct tlb *tlb, unsigned int tag);
/* INVPCID all but global. */
void tlb_flush_all_nonglobal(struct tlb *tlb);
/* INVPCID all, global entries included. */
void tlb_flush_all(struct tlb *tlb);

/* Calls @fn for every valid entry, for oracles and views; stops when it returns false. */
void tlb_for_each(struct tlb *tlb,
		  bool (*fn)(void *arg, unsigned long va, unsigned int tag,
			     const struct tlb_entry *entry),
		  void *arg);

#endif /* MMSTORM_HW_TLB_H */
