/* SPDX-License-Identifier: MIT */
/*
 * What an architecture is: constant values, no state.  hw/ is the hardware built to
 * these values; everything above asks the machine's `arch` and knows no other numbers.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include "base/compiler.h"

/* The base page is the same everywhere so far: mm code may use it as a constant. */
#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	ALIGN((unsigned long)(x), PAGE_SIZE)
#define offset_in_page(x)	((unsigned long)(x) & ~PAGE_MASK)

/* So is a table: 512 entries of 8 bytes in one page. */
#define TABLE_SHIFT	9
#define PTRS_PER_TABLE	(1UL << TABLE_SHIFT)
#define PMD_SHIFT	(PAGE_SHIFT + TABLE_SHIFT)
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PMD_MASK	(~(PMD_SIZE - 1))
#define PUD_SHIFT	(PMD_SHIFT + TABLE_SHIFT)
#define PUD_SIZE	(1UL << PUD_SHIFT)
#define PUD_MASK	(~(PUD_SIZE - 1))

struct arch {
	const char	*name;

	/* paging */
	unsigned int	levels;			/* of tables, the root included */
	unsigned int	va_bits;		/* of a virtual address that is translated */
	unsigned int	pa_bits;
	unsigned int	page_shift;
	unsigned int	index_bits;		/* per level */
	unsigned int	leaf_levels;		/* bit l: an entry of level l may map (0 = PTE) */
	unsigned int	tag_bits;		/* of a translation's tag: PCID, ASID */
	/* pages; more and the tag is flushed whole */
	unsigned int	tlb_single_flush_ceiling;

	/* address space of a process */
	unsigned long	task_size;		/* first address it may not use */
	unsigned long	mmap_min_addr;
	unsigned long	elf_et_dyn_base;	/* where programs are loaded */
	unsigned long	stack_guard_gap;	/* bytes kept free below a growing stack */
	unsigned long	mmap_gap_min;		/* between stack top and mmap_base, bytes */
	unsigned long	mmap_gap_max;
	unsigned int	mmap_rnd_bits;		/* pages' worth of randomness of mmap_base */
	unsigned int	max_map_count;		/* VMAs of a process, by default */
};

/* Index into the table of @level (0 = PTE) for @va. */
static inline NO_TSAN unsigned int arch_index(const struct arch *arch, unsigned int level,
					      unsigned long va)
{
	return (va >> (arch->page_shift + level * arch->index_bits)) &
	       ((1U << arch->index_bits) - 1);
}

/* Bytes that one entry of @level covers. */
static inline NO_TSAN unsigned long arch_level_size(const struct arch *arch, unsigned int level)
{
	return 1UL << (arch->page_shift + level * arch->index_bits);
}

/* Do the bits above va_bits all repeat bit va_bits - 1? */
static inline NO_TSAN bool arch_canonical(const struct arch *arch, unsigned long va)
{
	int shift = 64 - (int)arch->va_bits;

	return (unsigned long)((long)(va << shift) >> shift) == va;
}

extern const struct arch arch_x86_64;		/* 4 levels */

/* The architecture called @name, or NULL; and the i-th one, NULL past the end. */
const struct arch *arch_find(const char *name);
const struct arch *arch_get(unsigned int i);

#endif
