/* SPDX-License-Identifier: MIT */
/*
 * The system calls of the mm, on the calling task's address space (current->mm).
 *
 * Arguments and flags are raw x86-64 Linux values; addresses and lengths in bytes. Each returns
 * a value >= 0 (or an address, as a long) or -errno, in the kernel's order of checks. Context:
 * a task, or the current task of a serial machine; may sleep; no locks held.
 */
#ifndef MMSTORM_MM_SYSCALLS_H
#define MMSTORM_MM_SYSCALLS_H

#include "base/types.h"

struct file;

/* file: what fd names, or NULL (-EBADF unless MAP_ANONYMOUS); offset in bytes. */
long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
	      struct file *file, unsigned long offset);
long sys_munmap(unsigned long addr, size_t len);
long sys_mprotect(unsigned long start, size_t len, unsigned long prot);
long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len,
		unsigned long flags, unsigned long new_addr);
/* The new break, or the old one when it cannot be had. */
long sys_brk(unsigned long brk);
long sys_madvise(unsigned long start, size_t len, int behavior);
/* ftruncate: size in bytes. */
long sys_truncate(struct file *file, s64 size);
/* move_pages(2) of one page: to another frame. */
long sys_migrate(unsigned long addr);

#endif /* MMSTORM_MM_SYSCALLS_H */
