/* SPDX-License-Identifier: MIT */
/*
 * The translation cache.
 *
 * Owns struct tlb.  Owner-only data, no locks (hw/tlb.h); compiled without
 * ThreadSanitizer because a sender that takes a parked vCPU's interrupt works
 * on it too, ordered by that vCPU's state lock.  Must never look at a page
 * table: what it holds is what was true once.
 */
#include "hw/tlb.h"

#include <string.h>

#define PAGE_MASK_4K	(~0xfffULL)
#define PAGE_MASK_2M	(~0x1fffffULL)

/* Where an entry for @va under @tag is kept: the key a look-up would use. */
static u64 key_4k(unsigned long va, unsigned int tag)
{
	return (va & PAGE_MASK_4K) | tag;
}

static u64 key_2m(unsigned long va, unsigned int tag)
{
	return (va & PAGE_MASK_2M) | tag;
}

void tlb_init(struct tlb *tlb)
{
	memset(tlb, 0, sizeof(*tlb));
	for (unsigned int i = 0; i < TLB_SETS; i++)
		memset(tlb->set[i].key, 0xff, sizeof(tlb->set[i].key));
	memset(tlb->huge_key, 0xff, sizeof(tlb->huge_key));
	for (unsigned int i = 0; i < TLB_WALKS; i++)
		tlb->walk[i].key = TLB_NO_KEY;
}

static struct tlb_entry *find_huge(struct tlb *tlb, u64 key)
{
	for (unsigned int i = 0; i < TLB_HUGE; i++)
		if (tlb->huge_key[i] == key)
			return &tlb->huge[i];
	return NULL;
}

static struct tlb_entry *find_small(struct tlb *tlb, unsigned long va, u64 key)
{
	struct tlb_set *set = &tlb->set[va >> 12 & (TLB_SETS - 1)];

	for (unsigned int i = 0; i < TLB_WAYS; i++)
		if (set->key[i] == key)
			return &set->way[i];
	return NULL;
}

struct tlb_entry *tlb_lookup_rare(struct tlb *tlb, unsigned int tag, unsigned long va)
{
	struct tlb_entry *entry = NULL;

	if (tlb->nr_huge) {
		entry = find_huge(tlb, key_2m(va, tag));
		if (!entry && tlb->nr_global)
			entry = find_huge(tlb, key_2m(va, TLB_TAG_GLOBAL));
	}
	if (!entry && tlb->nr_global)
		entry = find_small(tlb, va, key_4k(va, TLB_TAG_GLOBAL));
	return entry;
}

static u64 *key_of(struct tlb *tlb, unsigned long va, struct tlb_entry *entry)
{
	struct tlb_set *set = &tlb->set[va >> 12 & (TLB_SETS - 1)];

	if (entry->flags & TLB_2M)
		return &tlb->huge_key[entry - tlb->huge];
	return &set->key[entry - set->way];
}

static void drop(struct tlb *tlb, u64 *key, struct tlb_entry *entry)
{
	*key = TLB_NO_KEY;
	tlb->nr_entries--;
	tlb->nr_huge -= !!(entry->flags & TLB_2M);
	tlb->nr_global -= !!(entry->flags & TLB_GLOBAL);
	tlb->flushed_entries++;
	entry->flags = 0;
}

/* The way of the same key, so that none is held twice; else an empty one; else the victim. */
static inline unsigned int choose(const u64 *keys, unsigned int nr, u64 key, u32 *victim)
{
	for (unsigned int i = 0; i < nr; i++)
		if (keys[i] == key)
			return i;
	for (unsigned int i = 0; i < nr; i++)
		if (keys[i] == TLB_NO_KEY)
			return i;
	return (*victim)++ % nr;
}

/* An entry that is not empty makes room for another. */
static inline void evict(struct tlb *tlb, const struct tlb_entry *entry)
{
	tlb->evictions++;
	tlb->nr_entries--;
	tlb->nr_huge -= !!(entry->flags & TLB_2M);
	tlb->nr_global -= !!(entry->flags & TLB_GLOBAL);
}

struct tlb_entry *tlb_fill(struct tlb *tlb, unsigned int tag, unsigned long va,
			   unsigned long pfn, u32 gen, u32 flags)
{
	struct tlb_set *set = &tlb->set[va >> 12 & (TLB_SETS - 1)];
	struct tlb_entry *entry;
	unsigned int i;
	u64 key;

	if (unlikely(flags & TLB_GLOBAL)) {
		tag = TLB_TAG_GLOBAL;
		tlb->nr_global++;
	}
	if (unlikely(flags & TLB_2M)) {
		key = key_2m(va, tag);
		i = choose(tlb->huge_key, TLB_HUGE, key, &tlb->huge_victim);
		tlb->huge_key[i] = key;
		entry = &tlb->huge[i];
		tlb->nr_huge++;
	} else {
		key = key_4k(va, tag);
		i = choose(set->key, TLB_WAYS, key, &set->victim);
		set->key[i] = key;
		entry = &set->way[i];
	}
	if (entry->flags)
		evict(tlb, entry);
	tlb->nr_entries++;
	tlb->fills++;
	tlb->fills_speculative += !!(flags & TLB_SPECULATED);
	*entry = (struct tlb_entry){
		.pfn = (u32)pfn, .gen = gen, .flags = flags | TLB_VALID,
	};
	return entry;
}

/* ---- paging structures ---- */

void tlb_walk_fill(struct tlb *tlb, unsigned int tag, unsigned long va,
		   const struct tlb_walk *walk)
{
	struct tlb_walk *place = &tlb->walk[(va >> 21 ^ tag) % TLB_WALKS];

	tlb->nr_walks += place->key == TLB_NO_KEY;
	*place = *walk;
	place->key = key_2m(va, tag);
}

static void drop_walk(struct tlb *tlb, struct tlb_walk *walk)
{
	walk->key = TLB_NO_KEY;
	tlb->nr_walks--;
}

/* Those for which (key & mask) == tag; mask 0 drops all. */
static void drop_walks(struct tlb *tlb, u64 mask, u64 tag)
{
	for (unsigned int i = 0; i < TLB_WALKS && tlb->nr_walks; i++)
		if (tlb->walk[i].key != TLB_NO_KEY && (tlb->walk[i].key & mask) == tag)
			drop_walk(tlb, &tlb->walk[i]);
}

/* ---- flushes ---- */

static void drop_va(struct tlb *tlb, unsigned long va, struct tlb_entry *entry)
{
	if (entry)
		drop(tlb, key_of(tlb, va, entry), entry);
}

static void flush_va(struct tlb *tlb, unsigned int tag, unsigned long va)
{
	drop_va(tlb, va, find_small(tlb, va, key_4k(va, tag)));
	if (tlb->nr_huge)
		drop_va(tlb, va, find_huge(tlb, key_2m(va, tag)));
	if (tlb->nr_global) {
		drop_va(tlb, va, find_small(tlb, va, key_4k(va, TLB_TAG_GLOBAL)));
		if (tlb->nr_huge)
			drop_va(tlb, va, find_huge(tlb, key_2m(va, TLB_TAG_GLOBAL)));
	}
}

void tlb_flush_one(struct tlb *tlb, unsigned int tag, unsigned long va)
{
	tlb->flushes_one++;
	drop_walks(tlb, TLB_TAG_MASK, tag);
	if (tlb->nr_entries)
		flush_va(tlb, tag, va);
}

void tlb_drop_faulted(struct tlb *tlb, unsigned int tag, unsigned long va)
{
	struct tlb_walk *walk = tlb_walk_lookup(tlb, tag, va);

	tlb->flushes_one++;
	if (walk)
		drop_walk(tlb, walk);
	if (tlb->nr_entries)
		flush_va(tlb, tag, va);
}

void tlb_flush_range(struct tlb *tlb, unsigned int tag, unsigned long start, unsigned long end,
		     unsigned int stride_shift)
{
	unsigned long step = 1UL << stride_shift;

	tlb->flushes_one += (end - start + step - 1) >> stride_shift;
	drop_walks(tlb, TLB_TAG_MASK, tag);
	if (!tlb->nr_entries)
		return;
	/* More pages than entries: dropping the tag is cheaper, and flushes globals too. */
	if ((end - start) >> stride_shift > TLB_SETS * TLB_WAYS) {
		tlb_flush_tag(tlb, tag);
		if (tlb->nr_global)
			tlb_flush_all(tlb);
		return;
	}
	for (unsigned long va = start; va < end; va += step)
		flush_va(tlb, tag, va);
}

/* Drops every entry for which (key & mask) == tag; mask 0 drops all. */
static void flush_matching(struct tlb *tlb, u64 mask, u64 tag, bool globals)
{
	for (unsigned int s = 0; s < TLB_SETS && tlb->nr_entries; s++) {
		struct tlb_set *set = &tlb->set[s];

		for (unsigned int i = 0; i < TLB_WAYS; i++)
			if (set->way[i].flags && (set->key[i] & mask) == tag &&
			    (globals || !(set->way[i].flags & TLB_GLOBAL)))
				drop(tlb, &set->key[i], &set->way[i]);
	}
	for (unsigned int i = 0; i < TLB_HUGE && tlb->nr_huge; i++)
		if (tlb->huge[i].flags && (tlb->huge_key[i] & mask) == tag &&
		    (globals || !(tlb->huge[i].flags & TLB_GLOBAL)))
			drop(tlb, &tlb->huge_key[i], &tlb->huge[i]);
}

void tlb_flush_tag(struct tlb *tlb, unsigned int tag)
{
	tlb->flushes_tag++;
	drop_walks(tlb, TLB_TAG_MASK, tag);
	flush_matching(tlb, TLB_TAG_MASK, tag, false);
}

void tlb_flush_all_nonglobal(struct tlb *tlb)
{
	tlb->flushes_all++;
	drop_walks(tlb, 0, 0);
	flush_matching(tlb, 0, 0, false);
}

void tlb_flush_all(struct tlb *tlb)
{
	tlb->flushes_all++;
	drop_walks(tlb, 0, 0);
	flush_matching(tlb, 0, 0, true);
}

void tlb_for_each(struct tlb *tlb,
		  bool (*fn)(void *arg, unsigned long va, unsigned int tag,
			     const struct tlb_entry *entry),
		  void *arg)
{
	for (unsigned int s = 0; s < TLB_SETS; s++) {
		struct tlb_set *set = &tlb->set[s];

		for (unsigned int i = 0; i < TLB_WAYS; i++)
			if (set->way[i].flags &&
			    !fn(arg, set->key[i] & PAGE_MASK_4K,
				(unsigned int)(set->key[i] & TLB_TAG_MASK), &set->way[i]))
				return;
	}
	for (unsigned int i = 0; i < TLB_HUGE; i++)
		if (tlb->huge[i].flags &&
		    !fn(arg, tlb->huge_key[i] & PAGE_MASK_2M,
			(unsigned int)(tlb->huge_key[i] & TLB_TAG_MASK), &tlb->huge[i]))
			return;
}
