/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_MEMORY_H
#define MMSTORM_MM_MEMORY_H

/*
 * Page faults, unmapping and copying of page tables: the part of the mm that
 * edits page-table entries of a process.  Names, flags and protocol are those
 * of the kernel's mm/memory.c as of 6.18; what is missing (huge pages, swap,
 * userfaultfd, protection keys) is missing, never approximated.
 *
 * Addresses are user virtual addresses in bytes.  Functions returning int
 * return 0 or -errno; functions returning vm_fault_t return VM_FAULT_* bits.
 */

#include "base/atomic.h"
#include "base/types.h"
#include "mm/mm.h"
#include "mm/mm_types.h"
#include "phys/page.h"

struct mmu_gather;
struct file;
struct inode;

/* What a vCPU's page fault starts with. */
#define FAULT_FLAG_DEFAULT (FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | \
			    FAULT_FLAG_INTERRUPTIBLE)

static inline bool fault_flag_allow_retry_first(unsigned int flags)
{
	return (flags & FAULT_FLAG_ALLOW_RETRY) && !(flags & FAULT_FLAG_TRIED);
}

/*
 * handle_mm_fault - resolve one fault at @address inside @vma
 * Locks: the VMA's read lock (FAULT_FLAG_VMA_LOCK) or mmap_lock for reading; it
 * is gone on return exactly when VM_FAULT_RETRY or VM_FAULT_COMPLETED is set.
 * Context: may sleep.  Rights were checked by the caller.
 */
vm_fault_t handle_mm_fault(struct vm_area_struct *vma, unsigned long address,
			   unsigned int flags);

/*
 * vmf_anon_prepare - make sure vmf->vma has an anon_vma
 * Under the VMA lock this is only possible when it has one already, or when
 * mmap_lock can be had without waiting: else VM_FAULT_RETRY, lock dropped.
 */
vm_fault_t vmf_anon_prepare(struct vm_fault *vmf);

/* The page behind a present PTE of a normal mapping; NULL for the zero page. */
struct page *vm_normal_page(struct vm_area_struct *vma, unsigned long addr,
			    pte_t pte);
bool is_zero_pfn(unsigned long pfn);
unsigned long my_zero_pfn(void);

/* ---- zap.c: unmapping ---- */

/* Restrictions and wishes of one zap; NULL means: everything. */
struct zap_details {
	struct page *single_page;	/* only this (locked) page */
	bool even_cows;			/* private copies of a file too */
	bool reclaim_pt;		/* give empty PTE tables back (DONTNEED) */
};

/*
 * unmap_vmas - clear every entry of the listed VMAs in [start, end)
 * @vmas: VMAs linked by vm_link in address order, detached from the tree (or
 * all those of a dying mm).  Pages and tables wait in @tlb until its flush.
 * Locks: mmap_lock for writing, or for reading when the VMAs are detached.
 */
void unmap_vmas(struct mmu_gather *tlb, struct list_head *vmas,
		unsigned long start, unsigned long end);

/*
 * free_pgtables - take the listed VMAs out of reverse mapping and free the
 * tables that no VMA between @floor and @ceiling needs (ceiling 0: no limit).
 * Must follow unmap_vmas with the same gather.
 */
void free_pgtables(struct mmu_gather *tlb, struct list_head *vmas,
		   unsigned long floor, unsigned long ceiling);

/*
 * unmap_region - the two above inside one gather, for VMAs between @prev and
 * @next (NULL: none).  Returns with everything flushed.
 */
void unmap_region(struct mm_struct *mm, struct list_head *vmas,
		  struct vm_area_struct *prev, struct vm_area_struct *next);

/* Zap part of one live VMA (MADV_DONTNEED, truncate); notifier and flush included. */
void zap_page_range_single(struct vm_area_struct *vma, unsigned long address,
			   unsigned long size, struct zap_details *details);

/* ---- guard.c ---- */

/*
 * Markers for guard pages in [start, end) of vma, in place of what is there, and without them
 * again.  mmap_lock for writing; to remove them, for reading.  0, -EINVAL, -ENOMEM.
 */
int madvise_guard_install(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end);
int madvise_guard_remove(struct vm_area_struct *vma, unsigned long start,
			 unsigned long end);

/* ---- copy.c ---- */

/*
 * copy_page_range - fork's copy of one VMA's page tables
 * Write-protects shared-by-COW entries in both.  Caller holds both mmap_locks
 * for writing and flushes the parent when all VMAs are done.
 * Return: 0 or -ENOMEM; what was copied then is the caller's to tear down.
 */
int copy_page_range(struct vm_area_struct *dst_vma,
		    struct vm_area_struct *src_vma);

/* ---- move.c ---- */

/*
 * move_page_tables - mremap's move of [old_addr, old_addr + len) of @vma to
 * @new_addr in @new_vma.  Return: bytes moved; less than @len means -ENOMEM
 * happened there and the caller moves the part back.
 * @need_rmap_locks: a reverse-map walk could meet source and destination in the
 * wrong order, so it must be shut out (see move.c).
 * Locks: mmap_lock for writing, both VMAs write-locked.
 */
unsigned long move_page_tables(struct vm_area_struct *vma,
			       unsigned long old_addr,
			       struct vm_area_struct *new_vma,
			       unsigned long new_addr, unsigned long len,
			       bool need_rmap_locks);

/* ---- protect.c ---- */

/*
 * change_protection - rewrite the entries of [start, end) to vma->vm_page_prot
 * The VMA carries its new flags already.  @tlb is open; entries that lost or
 * changed rights are recorded there, and the caller's tlb_finish_mmu flushes.
 * Return: pages changed, or -ENOMEM.
 */
long change_protection(struct mmu_gather *tlb, struct vm_area_struct *vma,
		       unsigned long start, unsigned long end);

/* Whether a PTE of @vma may be made writable without asking a fault handler. */
bool can_change_pte_writable(struct vm_area_struct *vma, unsigned long addr,
			     pte_t pte);

/* ---- counters of resident pages (mm.h has the arithmetic) ---- */

/* Which counter a page-cache page and any mapped page belongs to. */
int mm_counter_file(struct page *page);
int mm_counter(struct page *page);

#endif
