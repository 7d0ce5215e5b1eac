/* SPDX-License-Identifier: MIT */
/*
 * The system calls: what the kernel's entry points check before the mm's own functions
 * (ksys_mmap_pgoff, SYSCALL_DEFINE of each).
 *
 * Owns nothing, holds nothing.
 */
#include "mm/syscalls.h"

#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/migrate.h"
#include "mm/mm.h"

#define MAP_HUGE_SHIFT	26
#define MAP_HUGE_MASK	0x3fUL

/* A pool of huge pages that is empty: every request fails, each for the kernel's reason. */
static long mmap_hugetlb(unsigned long addr, unsigned long len, unsigned long flags)
{
	unsigned long shift = (flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	if (!shift)
		shift = PMD_SHIFT;
	if (shift != PMD_SHIFT && shift != PUD_SHIFT)
		return -EINVAL;
	if (!len || ((flags & MAP_FIXED) && (addr & ((1UL << shift) - 1))))
		return -EINVAL;
	return -ENOMEM;
}

long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
	      struct file *file, unsigned long offset)
{
	if (offset_in_page(offset))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		if (flags & MAP_HUGETLB)
			return mmap_hugetlb(addr, len, flags);
		file = NULL;
	} else if (!file) {
		return -EBADF;
	} else if (flags & MAP_HUGETLB) {
		return -EINVAL;
	}
	return (long)vm_mmap_pgoff(current->mm, file, addr, len, prot, flags,
				   offset >> PAGE_SHIFT);
}

long sys_munmap(unsigned long addr, size_t len)
{
	return vm_munmap(current->mm, addr, len);
}

long sys_mprotect(unsigned long start, size_t len, unsigned long prot)
{
	return do_mprotect_pkey(current->mm, start, len, prot, -1);
}

long sys_pkey_mprotect(unsigned long start, size_t len, unsigned long prot, int pkey)
{
	return do_mprotect_pkey(current->mm, start, len, prot, pkey);
}

long sys_pkey_alloc(unsigned long flags, unsigned long rights)
{
	(void)flags;
	(void)rights;
	return -EINVAL;
}

long sys_pkey_free(int pkey)
{
	(void)pkey;
	return -EINVAL;
}

long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len,
		unsigned long flags, unsigned long new_addr)
{
	return (long)do_mremap(current->mm, addr, old_len, new_len, flags, new_addr);
}

long sys_brk(unsigned long brk)
{
	return (long)do_brk(current->mm, brk);
}

long sys_madvise(unsigned long start, size_t len, int behavior)
{
	return do_madvise(current->mm, start, len, behavior);
}

long sys_mlock(unsigned long start, size_t len)
{
	return do_mlock(current->mm, start, len, VM_LOCKED);
}

long sys_mlock2(unsigned long start, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(current->mm, start, len,
			VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0));
}

long sys_munlock(unsigned long start, size_t len)
{
	return do_munlock(current->mm, start, len);
}

long sys_mlockall(int flags)
{
	return do_mlockall(current->mm, flags);
}

long sys_munlockall(void)
{
	return do_munlockall(current->mm);
}

long sys_mseal(unsigned long start, size_t len, unsigned long flags)
{
	return do_mseal(current->mm, start, len, flags);
}

long sys_msync(unsigned long start, size_t len, int flags)
{
	return do_msync(current->mm, start, len, flags);
}

long sys_mincore(unsigned long start, size_t len, unsigned long vec)
{
	return do_mincore(current->mm, start, len, vec);
}

long sys_shmat(struct file *segment, unsigned long addr, int shmflg)
{
	return segment ? (long)do_shmat(current->mm, segment, addr, shmflg) : -EINVAL;
}

long sys_shmdt(unsigned long addr)
{
	return do_shmdt(current->mm, addr);
}

long sys_remap_file_pages(unsigned long start, unsigned long size, unsigned long prot,
			  unsigned long pgoff, unsigned long flags)
{
	return do_remap_file_pages(current->mm, start, size, prot, pgoff, flags);
}

long sys_truncate(struct file *file, s64 size)
{
	return do_truncate(file, size);
}

long sys_migrate(unsigned long addr)
{
	return do_move_page(current->mm, addr);
}
