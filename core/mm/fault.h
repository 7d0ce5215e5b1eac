/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_FAULT_H
#define MMSTORM_MM_FAULT_H

/*
 * The processor's page-fault vector (arch/x86/mm/fault.c).
 */

struct fault_info;

/* Error code of a page fault, bits as x86 pushes them. */
enum x86_pf_error_code {
	X86_PF_PROT	= 1u << 0,	/* entry present: rights were lacking */
	X86_PF_WRITE	= 1u << 1,
	X86_PF_USER	= 1u << 2,
	X86_PF_RSVD	= 1u << 3,
	X86_PF_INSTR	= 1u << 4,
};

/*
 * exc_page_fault - what hw_vectors.page_fault is set to
 * Runs as the faulting task, may sleep.  Return: 0, retry the access; -EFAULT
 * with @info saying which signal (SIGSEGV, SIGBUS, code, address); -ENOMEM when
 * memory ran out (the kernel would invoke the OOM killer).
 */
int exc_page_fault(unsigned long address, unsigned error_code,
		   struct fault_info *info);

#endif
