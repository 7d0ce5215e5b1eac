/* SPDX-License-Identifier: MIT */
/*
 * The page-fault vector: which VMA, which lock, which signal
 * (arch/x86/mm/fault.c, mm/mmap_lock.c).
 *
 * First attempt under the VMA's own lock, found under RCU; if that cannot be had
 * or the handler asks for a retry, under mmap_lock.  A handler that answers
 * VM_FAULT_RETRY has let go of whichever lock it came with.
 *
 * Runs as the faulting task, interrupts on, nothing held; may sleep.
 */

#include <errno.h>

#include "base/bug.h"
#include "kern/task.h"
#include "mm/fault.h"
#include "mm/memory.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"
#include "pgtable/window.h"
#include "trace/counters.h"

static int signal_fault(struct fault_info *info, int signo, int code,
			unsigned long address)
{
	info->signo = signo;
	info->code = code;
	info->addr = address;
	return -EFAULT;
}

static int bad_area(struct fault_info *info, unsigned long address)
{
	return signal_fault(info, MM_SIGSEGV, MM_SEGV_MAPERR, address);
}

static int bad_area_access_error(struct fault_info *info, unsigned long address)
{
	return signal_fault(info, MM_SIGSEGV, MM_SEGV_ACCERR, address);
}

/* Does the VMA forbid it?  What is allowed but faulted is handle_mm_fault's. */
static bool access_error(unsigned int error_code,
			 const struct vm_area_struct *vma)
{
	if (error_code & X86_PF_WRITE)
		return !(vma_flags(vma) & VM_WRITE);
	/*
	 * A fetch is refused once its page is there: until then it is handled as
	 * a read, and may end in SIGBUS instead, as on x86.
	 */
	if ((error_code & X86_PF_INSTR) && (error_code & X86_PF_PROT) &&
	    !(vma_flags(vma) & VM_EXEC))
		return true;
	/*
	 * A read of a present page: the entry forbids it for good, unless it
	 * was rewritten since the walk (a fetch from a page that became
	 * executable: the retry finds it so).
	 */
	if ((error_code & X86_PF_PROT) && !(error_code & X86_PF_INSTR))
		return true;
	return !(vma_flags(vma) & VM_ACCESS_FLAGS);
}

/*
 * The VMA of @address with mmap_lock held for reading, a stack grown down to it
 * if need be: growth changes the VMA, so it takes the lock for writing.  NULL:
 * no lock held.
 */
static struct vm_area_struct *lock_mm_and_find_vma(struct mm_struct *mm,
						   unsigned long address)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = find_vma(mm, address);
	if (likely(vma && vma->vm_start <= address))
		return vma;
	if (!vma || !(vma_flags(vma) & VM_GROWSDOWN)) {
		mmap_read_unlock(mm);
		return NULL;
	}
	return expand_stack(mm, address);
}

/* What became of a fault that is over: 0 (try the access again) or -errno. */
static int fault_result(vm_fault_t fault, struct fault_info *info,
			unsigned long address)
{
	if (likely(!(fault & VM_FAULT_ERROR)))
		return 0;
	if (fault & VM_FAULT_OOM)
		return -ENOMEM;
	if (fault & VM_FAULT_SIGBUS)
		return signal_fault(info, MM_SIGBUS, MM_BUS_ADRERR, address);
	return bad_area(info, address);
}

/*
 * The attempt under the VMA lock.  True: *@err is the result.  False: go on
 * under mmap_lock, with *@flags.
 */
static bool fault_under_vma_lock(struct mm_struct *mm, unsigned long address,
				 unsigned int error_code, unsigned int *flags,
				 struct fault_info *info, int *err)
{
	struct vm_area_struct *vma = lock_vma_under_rcu(mm, address);
	vm_fault_t fault;

	if (!vma)
		return false;
	if (unlikely(access_error(error_code, vma))) {
		vma_end_read(vma);
		count_vm_event(VMA_LOCK_SUCCESS);
		*err = bad_area_access_error(info, address);
		return true;
	}
	mm_window(WIN_FAULT_VS_MUNMAP, &mm->context, 0);
	fault = handle_mm_fault(vma, address, *flags | FAULT_FLAG_VMA_LOCK);
	if (!(fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		vma_end_read(vma);
	if (!(fault & VM_FAULT_RETRY)) {
		count_vm_event(VMA_LOCK_SUCCESS);
		*err = fault_result(fault, info, address);
		return true;
	}
	count_vm_event(VMA_LOCK_RETRY);
	/* It slept for a page already: the next attempt need not let go. */
	if (fault & VM_FAULT_MAJOR)
		*flags |= FAULT_FLAG_TRIED;
	return false;
}

static int fault_under_mmap_lock(struct mm_struct *mm, unsigned long address,
				 unsigned int error_code, unsigned int flags,
				 struct fault_info *info)
{
	struct vm_area_struct *vma;
	vm_fault_t fault;

	for (;;) {
		vma = lock_mm_and_find_vma(mm, address);
		if (unlikely(!vma))
			return bad_area(info, address);
		if (unlikely(access_error(error_code, vma))) {
			mmap_read_unlock(mm);
			return bad_area_access_error(info, address);
		}
		fault = handle_mm_fault(vma, address, flags);
		if (fault & VM_FAULT_COMPLETED)
			return 0;
		if (!(fault & VM_FAULT_RETRY))
			break;
		/* The lock is gone; once more, and this time without letting go. */
		flags |= FAULT_FLAG_TRIED;
	}
	mmap_read_unlock(mm);
	return fault_result(fault, info, address);
}

static int do_user_addr_fault(struct mm_struct *mm, unsigned long address,
			      unsigned int error_code, struct fault_info *info)
{
	unsigned int flags = FAULT_FLAG_DEFAULT;
	int err;

	if (error_code & X86_PF_USER)
		flags |= FAULT_FLAG_USER;
	if (error_code & X86_PF_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (error_code & X86_PF_INSTR)
		flags |= FAULT_FLAG_INSTRUCTION;
	/* A copy to or from user may hold mmap_lock: it takes no VMA lock. */
	if ((flags & FAULT_FLAG_USER) &&
	    fault_under_vma_lock(mm, address, error_code, &flags, info, &err))
		return err;
	return fault_under_mmap_lock(mm, address, error_code, flags, info);
}

int exc_page_fault(unsigned long address, unsigned int error_code,
		   struct fault_info *info)
{
	struct mm_struct *mm = current ? current->mm : NULL;
	int err;

	info->signo = 0;
	/* A corrupt table: nothing the program did. */
	MM_BUG_ON(error_code & X86_PF_RSVD);
	if (!mm || address >= mm->task_size)
		err = bad_area(info, address);
	else
		err = do_user_addr_fault(mm, address, error_code, info);
	/* A kernel-mode access fails by its return value, with no signal. */
	if (err && !(error_code & X86_PF_USER))
		info->signo = 0;
	return err;
}
