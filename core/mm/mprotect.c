/* SPDX-License-Identifier: MIT */
/*
 * mprotect (mm/mprotect.c): the VMA part. Entries are rewritten by change_protection().
 *
 * Works under mmap_lock held for writing, inside one gather, whose end flushes. VMA by VMA: the
 * first that may not be changed stops the call, and those before it stay changed, as in Linux.
 * Must never return with an entry that grants what its VMA does not, on any CPU.
 */
#include "base/bug.h"
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/notifier.h"

#define PROT_KNOWN	(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)

/*
 * What the change costs: becoming writable may add to the promise, and a mapping without a
 * private page gives it back. Sets *newflags' VM_ACCOUNT and *charged. 0 or -ENOMEM.
 */
static int mprotect_charge(struct vm_area_struct *vma, unsigned long nrpages,
			   vm_flags_t *newflags, long *charged)
{
	struct mm_struct *mm = vma->vm_mm;
	vm_flags_t oldflags = vma->vm_flags;

	*charged = 0;
	if (!(*newflags & VM_WRITE)) {
		if ((oldflags & VM_ACCOUNT) && vma_is_anonymous(vma) && !vma->anon_vma)
			*newflags &= ~VM_ACCOUNT;
		return 0;
	}
	if (!may_expand_vm(mm, *newflags, nrpages) && may_expand_vm(mm, oldflags, nrpages))
		return -ENOMEM;
	if (oldflags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))
		return 0;
	if (vm_enough_memory(mm, (long)nrpages))
		return -ENOMEM;
	*charged = (long)nrpages;
	*newflags |= VM_ACCOUNT;
	return 0;
}

static int mprotect_fixup(struct mmu_gather *tlb, struct vm_area_struct *vma,
			  struct vm_area_struct **pprev, unsigned long start, unsigned long end,
			  vm_flags_t newflags)
{
	struct mm_struct *mm = vma->vm_mm;
	vm_flags_t oldflags = vma->vm_flags;
	long nrpages = (long)((end - start) >> PAGE_SHIFT), charged;
	int err;

	if (oldflags & VM_SEALED)
		return -EPERM;
	if (newflags == oldflags) {
		*pprev = vma;
		return 0;
	}
	err = mprotect_charge(vma, (unsigned long)nrpages, &newflags, &charged);
	if (err)
		return err;
	vma = vma_modify_flags(*pprev, vma, start, end, newflags);
	if (IS_ERR(vma)) {
		vm_unacct_memory(mm, charged);
		return (int)PTR_ERR(vma);
	}
	*pprev = vma;
	vma_start_write(vma);
	vm_flags_modified(vma, newflags);
	vma_set_page_prot(vma);
	/* From here on faults obey the new flags; entries follow, then the flush. */
	MM_WARN_ON_ONCE(change_protection(tlb, vma, start, end) < 0);
	if ((oldflags & VM_ACCOUNT) && !(newflags & VM_ACCOUNT))
		vm_unacct_memory(mm, nrpages);
	/* Locked pages that may be written now are broken out of COW at once. */
	if ((oldflags & (VM_WRITE | VM_SHARED | VM_LOCKED)) == VM_LOCKED && (newflags & VM_WRITE))
		populate_vma_page_range(vma, start, end);
	vm_stat_account(mm, oldflags, -nrpages);
	vm_stat_account(mm, newflags, nrpages);
	return 0;
}

/* newflags of one VMA, or an error in *err: rights beyond VM_MAY*. */
static vm_flags_t mprotect_newflags(const struct vm_area_struct *vma, unsigned long prot,
				    int *err)
{
	vm_flags_t newflags;

	if ((vma->vm_mm->params.personality & READ_IMPLIES_EXEC) && (prot & PROT_READ) &&
	    (vma->vm_flags & VM_MAYEXEC))
		prot |= PROT_EXEC;
	newflags = calc_vm_prot_bits(prot) | (vma->vm_flags & ~VM_ACCESS_FLAGS);
	/* VM_MAY* are the rights' bits times 16. */
	*err = (newflags & ~(newflags >> 4)) & VM_ACCESS_FLAGS ? -EACCES : 0;
	return newflags;
}

/* [start, end) from vma on, to the first hole or refusal. */
static int mprotect_range(struct mmu_gather *tlb, struct vm_area_struct *vma,
			  unsigned long start, unsigned long end, unsigned long prot)
{
	struct mm_struct *mm = vma->vm_mm;
	struct vm_area_struct *prev = start > vma->vm_start ? vma : vma_prev(vma);
	int err;

	while (start < end) {
		unsigned long tmp;
		vm_flags_t newflags;

		if (!vma || vma->vm_start > start)
			return -ENOMEM;
		newflags = mprotect_newflags(vma, prot, &err);
		if (err)
			return err;
		tmp = min(vma->vm_end, end);
		err = mprotect_fixup(tlb, vma, &prev, start, tmp, newflags);
		if (err)
			return err;
		/* A merge may have reached further; prev is what covers tmp - 1 now. */
		start = max(tmp, min(prev->vm_end, end));
		vma = find_vma(mm, start);
	}
	return 0;
}

/* PROT_GROWSDOWN: from the start of the stack. May change *start. */
static int mprotect_grows(const struct vm_area_struct *vma, unsigned long grows,
			  unsigned long *start, unsigned long end)
{
	if (grows & PROT_GROWSDOWN) {
		if (vma->vm_start >= end)
			return -ENOMEM;
		*start = vma->vm_start;
		return vma->vm_flags & VM_GROWSDOWN ? 0 : -EINVAL;
	}
	if (vma->vm_start > *start)
		return -ENOMEM;
	return grows & PROT_GROWSUP ? -EINVAL : 0;
}

static int mprotect_locked(struct mm_struct *mm, unsigned long start, unsigned long end,
			   unsigned long prot, unsigned long grows)
{
	struct vm_area_struct *vma = find_vma_intersection(mm, start, end);
	struct mmu_gather tlb;
	int err;

	if (!vma)
		return -ENOMEM;
	err = mprotect_grows(vma, grows, &start, end);
	if (err)
		return err;
	tlb_gather_mmu(&tlb, &mm->context);
	err = mprotect_range(&tlb, vma, start, end, prot);
	tlb_finish_mmu(&tlb);
	return err;
}

int do_mprotect_pkey(struct mm_struct *mm, unsigned long start, size_t len, unsigned long prot,
		     int pkey)
{
	const unsigned long grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	unsigned long end;
	int err;

	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (offset_in_page(start))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + PAGE_ALIGN(len);
	if (end <= start)
		return -ENOMEM;
	/* A CPU without keys has allocated none, not even key 0. */
	if ((prot & ~PROT_KNOWN) || pkey != -1)
		return -EINVAL;
	mmap_write_lock(mm);
	err = mprotect_locked(mm, start, end, prot, grows);
	mmap_write_unlock(mm);
	return err;
}
