/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_VECTORS_H
#define MMSTORM_HW_VECTORS_H

#include "base/types.h"

/*
 * The interrupt descriptor table: where the hardware enters the operating
 * system.  Installed at boot by mm/.  Error codes are X86_PF_* of arch/x86_64.h.
 */

/* Signals and codes, raw Linux values. */
#define MM_SIGBUS	7
#define MM_SIGKILL	9
#define MM_SIGSEGV	11
#define MM_SEGV_MAPERR	1
#define MM_SEGV_ACCERR	2
#define MM_SEGV_BNDERR	3
#define MM_SEGV_PKUERR	4
#define MM_BUS_ADRERR	2
#define MM_SI_KERNEL	0x80

struct fault_info {
	int	signo;		/* 0: no signal (kernel-mode access: just -EFAULT) */
	int	code;
	u64	addr;
};

struct hw_vectors {
	/*
	 * Page fault at @va with X86_PF_* @err, interrupts on, on the task
	 * that made the access; may sleep, and may come back on another vCPU.
	 * 0: try the access again.  -EFAULT: it cannot be done; @fi then
	 * holds the signal, or signo 0 for an access in kernel mode.  -ENOMEM
	 * (VM_FAULT_OOM) is handed on to who made the access.
	 */
	int (*page_fault)(unsigned long va, unsigned int err, struct fault_info *fi);
	/* General protection (a non-canonical address); NULL: SIGSEGV, SI_KERNEL, 0. */
	int (*general_protection)(unsigned long va, struct fault_info *fi);
};

#endif /* MMSTORM_HW_VECTORS_H */
