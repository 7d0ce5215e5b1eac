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
/* As on a CPU without protection keys: none can be had, and only -1 names no key. */
long sys_pkey_mprotect(unsigned long start, size_t len, unsigned long prot, int pkey);
long sys_pkey_alloc(unsigned long flags, unsigned long rights);
long sys_pkey_free(int pkey);
long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len,
		unsigned long flags, unsigned long new_addr);
/* The new break, or the old one when it cannot be had. */
long sys_brk(unsigned long brk);
long sys_madvise(unsigned long start, size_t len, int behavior);
long sys_mlock(unsigned long start, size_t len);
/* flags: MLOCK_ONFAULT. */
long sys_mlock2(unsigned long start, size_t len, int flags);
long sys_munlock(unsigned long start, size_t len);
/* flags: MCL_*. */
long sys_mlockall(int flags);
long sys_munlockall(void);
long sys_mseal(unsigned long start, size_t len, unsigned long flags);
/* flags: MS_*. */
long sys_msync(unsigned long start, size_t len, int flags);
/* vec: where one byte a page goes to. */
long sys_mincore(unsigned long start, size_t len, unsigned long vec);
/* segment: the file that stands for it, or NULL (-EINVAL); shmflg: SHM_*. */
long sys_shmat(struct file *segment, unsigned long addr, int shmflg);
long sys_shmdt(unsigned long addr);
/* pgoff in pages. */
long sys_remap_file_pages(unsigned long start, unsigned long size, unsigned long prot,
			  unsigned long pgoff, unsigned long flags);
/* ftruncate: size in bytes. */
long sys_truncate(struct file *file, s64 size);
/* move_pages(2) of one page: to another frame. */
long sys_migrate(unsigned long addr);

#endif /* MMSTORM_MM_SYSCALLS_H */
