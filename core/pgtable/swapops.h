/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_SWAPOPS_H
#define MMSTORM_PGTABLE_SWAPOPS_H

#include "base/bug.h"
#include "pgtable/pte.h"

/*
 * Non-present entries with a meaning: swap slots, migration, markers, as in
 * include/linux/swapops.h.  Every walker meets every type.
 *
 * In the PTE, as on x86-64: bits 59-63 the type, bits 9-58 the offset,
 * inverted, so that a small offset looks like a high, unmapped frame (L1TF);
 * bit 3 the exclusive mark of a swapped anonymous page; bit 8 and bit 0 clear.
 */
typedef struct { u64 val; } swp_entry_t;

#define SWP_TYPE_SHIFT		58	/* in swp_entry_t */
#define SWP_OFFSET_MASK		((1ULL << 50) - 1)

enum swp_type {
	/* 0 .. MAX_SWAPFILES - 1: swap areas */
	MAX_SWAPFILES		= 24,
	SWP_MIGRATION_READ	= 28,
	SWP_MIGRATION_READ_EXCLUSIVE = 29,
	SWP_MIGRATION_WRITE	= 30,
	SWP_PTE_MARKER		= 31,
};

#define PTE_SWP_OFFSET_SHIFT	9
#define PTE_SWP_TYPE_SHIFT	59
#define PTE_SWP_EXCLUSIVE	(1ULL << 3)

static inline swp_entry_t swp_entry(unsigned int type, u64 offset)
{
	return (swp_entry_t){ ((u64)type << SWP_TYPE_SHIFT) |
			      (offset & SWP_OFFSET_MASK) };
}

static inline unsigned int swp_type(swp_entry_t e)
{
	return (unsigned int)(e.val >> SWP_TYPE_SHIFT);
}

static inline u64 swp_offset(swp_entry_t e)
{
	return e.val & SWP_OFFSET_MASK;
}

static inline pte_t swp_entry_to_pte(swp_entry_t e)
{
	return __pte(((u64)swp_type(e) << PTE_SWP_TYPE_SHIFT) |
		     ((~swp_offset(e) & SWP_OFFSET_MASK) << PTE_SWP_OFFSET_SHIFT));
}

static inline swp_entry_t pte_to_swp_entry(pte_t pte)
{
	u64 off = ~(pte_val(pte) >> PTE_SWP_OFFSET_SHIFT) & SWP_OFFSET_MASK;

	return swp_entry((unsigned int)(pte_val(pte) >> PTE_SWP_TYPE_SHIFT), off);
}

/* Neither none nor present. */
static inline bool is_swap_pte(pte_t pte)
{
	return !pte_none(pte) && !pte_present(pte);
}

static inline bool non_swap_entry(swp_entry_t e)
{
	return swp_type(e) >= MAX_SWAPFILES;
}

static inline pte_t pte_swp_mkexclusive(pte_t pte)
{
	return __pte(pte_val(pte) | PTE_SWP_EXCLUSIVE);
}

/* ---- migration: offset = A and D of the old entry, and the old frame -------- */

#define SWP_MIG_YOUNG		(1ULL << 48)
#define SWP_MIG_DIRTY		(1ULL << 49)
#define SWP_PFN_MASK		((1ULL << 48) - 1)

static inline swp_entry_t make_readable_migration_entry(unsigned long pfn)
{
	return swp_entry(SWP_MIGRATION_READ, pfn);
}

static inline swp_entry_t make_readable_exclusive_migration_entry(unsigned long pfn)
{
	return swp_entry(SWP_MIGRATION_READ_EXCLUSIVE, pfn);
}

static inline swp_entry_t make_writable_migration_entry(unsigned long pfn)
{
	return swp_entry(SWP_MIGRATION_WRITE, pfn);
}

static inline swp_entry_t make_migration_entry_young(swp_entry_t e)
{
	return (swp_entry_t){ e.val | SWP_MIG_YOUNG };
}

static inline swp_entry_t make_migration_entry_dirty(swp_entry_t e)
{
	return (swp_entry_t){ e.val | SWP_MIG_DIRTY };
}

static inline bool is_migration_entry_young(swp_entry_t e)
{
	return e.val & SWP_MIG_YOUNG;
}

static inline bool is_migration_entry_dirty(swp_entry_t e)
{
	return e.val & SWP_MIG_DIRTY;
}

static inline bool is_migration_entry(swp_entry_t e)
{
	return swp_type(e) >= SWP_MIGRATION_READ &&
	       swp_type(e) <= SWP_MIGRATION_WRITE;
}

static inline bool is_writable_migration_entry(swp_entry_t e)
{
	return swp_type(e) == SWP_MIGRATION_WRITE;
}

static inline bool is_readable_migration_entry(swp_entry_t e)
{
	return swp_type(e) == SWP_MIGRATION_READ;
}

/* The frame of a migration entry. */
static inline unsigned long swp_offset_pfn(swp_entry_t e)
{
	return swp_offset(e) & SWP_PFN_MASK;
}

/* Its page: locked for as long as the entry exists, so that its lock can be waited for. */
static inline struct page *pfn_swap_entry_to_page(swp_entry_t e)
{
	struct page *page = pfn_to_page(swp_offset_pfn(e));

	VM_BUG_ON(is_migration_entry(e) && !PageLocked(page));
	return page;
}

/* ---- markers: a property of an address without a page --------------------------- */

enum pte_marker {
	PTE_MARKER_GUARD	= 1 << 2,
};

static inline swp_entry_t make_pte_marker_entry(unsigned int marker)
{
	return swp_entry(SWP_PTE_MARKER, marker);
}

static inline pte_t make_pte_marker(unsigned int marker)
{
	return swp_entry_to_pte(make_pte_marker_entry(marker));
}

static inline bool is_pte_marker_entry(swp_entry_t e)
{
	return swp_type(e) == SWP_PTE_MARKER;
}

static inline unsigned int pte_marker_get(swp_entry_t e)
{
	return (unsigned int)swp_offset(e);
}

static inline bool is_pte_marker(pte_t pte)
{
	return is_swap_pte(pte) && is_pte_marker_entry(pte_to_swp_entry(pte));
}

static inline bool is_guard_swp_entry(swp_entry_t e)
{
	return is_pte_marker_entry(e) && (pte_marker_get(e) & PTE_MARKER_GUARD);
}

#endif /* MMSTORM_PGTABLE_SWAPOPS_H */
