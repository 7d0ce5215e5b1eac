/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_FAULT_H
#define MMSTORM_MM_FAULT_H

/*
 * The processor's page-fault vector (arch/x86/mm/fault.c).
 */

#include "hw/vectors.h"

/*
 * exc_page_fault - what hw_vectors.page_fault is set to
 * Runs as the faulting task, may sleep.  Return: 0, retry the access; -EFAULT
 * with @info saying which signal (SIGSEGV, SIGBUS, code, address); -ENOMEM when
 * memory ran out (the kernel would invoke the OOM killer).
 */
int exc_page_fault(unsigned long address, unsigned int error_code,
		   struct fault_info *info);

#endif
