/* SPDX-License-Identifier: MIT */
/*
 * System V shared memory, as far as address spaces see it (ipc/shm.c of Linux 6.18): a segment is
 * a file, each attachment an open of its own, so that two never merge.
 *
 * Works under mmap_lock held for writing. Keys, owners and the life of a segment are the
 * caller's: who has the file may attach it.
 */
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"

/* Where to attach: rounded if that is wished. 0 or -EINVAL. */
static int shm_address(unsigned long *addr, int shmflg)
{
	if (!*addr)
		return shmflg & SHM_REMAP ? -EINVAL : 0;
	if (offset_in_page(*addr)) {
		if (!(shmflg & SHM_RND))
			return -EINVAL;
		*addr &= PAGE_MASK;
		if (!*addr && (shmflg & SHM_REMAP))
			return -EINVAL;
	}
	return 0;
}

static unsigned long shm_map(struct mm_struct *mm, struct file *file, unsigned long addr,
			     int shmflg, unsigned long *populate)
{
	unsigned long size = i_size_read(file_inode(file));
	unsigned long prot = PROT_READ;

	if (!(shmflg & SHM_RDONLY))
		prot |= PROT_WRITE;
	if (shmflg & SHM_EXEC)
		prot |= PROT_EXEC;
	if (addr && !(shmflg & SHM_REMAP) &&
	    (addr + size < addr || find_vma_intersection(mm, addr, addr + size)))
		return (unsigned long)-EINVAL;
	return do_mmap(mm, file, addr, size, prot, MAP_SHARED | (addr ? MAP_FIXED : 0), 0,
		       populate);
}

unsigned long do_shmat(struct mm_struct *mm, struct file *segment, unsigned long addr, int shmflg)
{
	unsigned long populate = 0, ret;
	struct file *file;
	int err = shm_address(&addr, shmflg);

	if (err)
		return (unsigned long)err;
	file = file_reopen(segment, shmflg & SHM_RDONLY ? FMODE_READ : FMODE_READ | FMODE_WRITE);
	if (IS_ERR(file))
		return (unsigned long)PTR_ERR(file);
	file->f_shm = true;
	mmap_write_lock(mm);
	ret = shm_map(mm, file, addr, shmflg, &populate);
	mmap_write_unlock(mm);
	fput(file);
	if (populate)
		mm_populate(mm, ret, populate);
	return ret;
}

/* A piece of the attachment at addr, where it was put. */
static bool shm_piece(const struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_file && vma->vm_file->f_shm &&
	       (vma->vm_start - addr) >> PAGE_SHIFT == vma->vm_pgoff;
}

int do_shmdt(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	struct inode *segment = NULL;
	unsigned long next = addr, end = 0;

	if (offset_in_page(addr))
		return -EINVAL;
	mmap_write_lock(mm);
	/* The first piece says which segment, and how far the others may be. */
	while ((vma = find_vma(mm, next)) && (!segment || vma->vm_end <= end)) {
		next = vma->vm_end;
		if (!shm_piece(vma, addr) || (segment && file_inode(vma->vm_file) != segment))
			continue;
		if (!segment) {
			segment = file_inode(vma->vm_file);
			end = addr + PAGE_ALIGN((unsigned long)i_size_read(segment));
		}
		do_munmap(mm, vma->vm_start, vma->vm_end - vma->vm_start);
	}
	mmap_write_unlock(mm);
	return segment ? 0 : -EINVAL;
}
