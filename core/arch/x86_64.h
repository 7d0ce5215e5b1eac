/* SPDX-License-Identifier: MIT */
/*
 * x86-64: page-table entries, the fault error code, CR3 (Intel SDM volume 3, 4.5-4.10),
 * and the bits Linux keeps in what the hardware ignores (arch/x86/include/asm/pgtable*.h).
 */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include "arch/arch.h"

#define _PAGE_BIT_PRESENT	0
#define _PAGE_BIT_RW		1
#define _PAGE_BIT_USER		2
#define _PAGE_BIT_PWT		3
#define _PAGE_BIT_PCD		4
#define _PAGE_BIT_ACCESSED	5
#define _PAGE_BIT_DIRTY		6
#define _PAGE_BIT_PSE		7	/* a leaf above the PTE level */
#define _PAGE_BIT_GLOBAL	8
#define _PAGE_BIT_SOFTW1	9
#define _PAGE_BIT_SOFTW2	10
#define _PAGE_BIT_SOFTW3	11
#define _PAGE_BIT_NX		63
#define _PAGE_BIT_SPECIAL	_PAGE_BIT_SOFTW1
#define _PAGE_BIT_UFFD_WP	_PAGE_BIT_SOFTW2
#define _PAGE_BIT_SOFT_DIRTY	_PAGE_BIT_SOFTW3
#define _PAGE_BIT_PROTNONE	_PAGE_BIT_GLOBAL	/* only where PRESENT is clear */

#define _PAGE_PRESENT		(1ULL << _PAGE_BIT_PRESENT)
#define _PAGE_RW		(1ULL << _PAGE_BIT_RW)
#define _PAGE_USER		(1ULL << _PAGE_BIT_USER)
#define _PAGE_PWT		(1ULL << _PAGE_BIT_PWT)
#define _PAGE_PCD		(1ULL << _PAGE_BIT_PCD)
#define _PAGE_ACCESSED		(1ULL << _PAGE_BIT_ACCESSED)
#define _PAGE_DIRTY		(1ULL << _PAGE_BIT_DIRTY)
#define _PAGE_PSE		(1ULL << _PAGE_BIT_PSE)
#define _PAGE_GLOBAL		(1ULL << _PAGE_BIT_GLOBAL)
#define _PAGE_SPECIAL		(1ULL << _PAGE_BIT_SPECIAL)
#define _PAGE_UFFD_WP		(1ULL << _PAGE_BIT_UFFD_WP)
#define _PAGE_SOFT_DIRTY	(1ULL << _PAGE_BIT_SOFT_DIRTY)
#define _PAGE_NX		(1ULL << _PAGE_BIT_NX)
#define _PAGE_PROTNONE		(1ULL << _PAGE_BIT_PROTNONE)

/* Bits 12-51: the frame. */
#define X86_PFN_MASK		0x000ffffffffff000ULL
#define X86_PTE_FLAGS_MASK	(~X86_PFN_MASK)

/* An entry that points to a table: all rights, the leaf decides. */
#define _PAGE_TABLE		(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER |	\
				 _PAGE_ACCESSED | _PAGE_DIRTY)

/* Page-fault error code. */
#define X86_PF_PROT		(1U << 0)	/* the entry was present: rights were missing */
#define X86_PF_WRITE		(1U << 1)
#define X86_PF_USER		(1U << 2)
#define X86_PF_RSVD		(1U << 3)	/* a reserved bit was set */
#define X86_PF_INSTR		(1U << 4)
#define X86_PF_PK		(1U << 5)

/* CR3: root frame and PCID; a write with NOFLUSH keeps the PCID's translations. */
#define X86_CR3_PCID_BITS	12

static inline bool x86_entry_present(u64 entry)
{
	return entry & _PAGE_PRESENT;
}

/* Does an entry of @level (0 = PTE) map, rather than point to a table? */
static inline bool x86_entry_leaf(u64 entry, unsigned int level)
{
	return level == 0 || (entry & _PAGE_PSE);
}

static inline unsigned long x86_entry_pfn(u64 entry)
{
	return (entry & X86_PFN_MASK) >> PAGE_SHIFT;
}

static inline u64 x86_make_entry(unsigned long pfn, u64 flags)
{
	return ((u64)pfn << PAGE_SHIFT & X86_PFN_MASK) | flags;
}

#endif
