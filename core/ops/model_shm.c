/* SPDX-License-Identifier: MIT */
/*
 * model_shm.c: System V shared memory, remap_file_pages and mincore (Linux
 * do_shmat, ksys_shmdt, remap_file_pages, mincore).
 */
#include <errno.h>
#include <sys/shm.h>

#include "ops/model_int.h"

long model_shmat(struct model_mm *mm, struct model_file *segment,
		 unsigned long addr, int flags)
{
	bool readonly = flags & SHM_RDONLY;
	unsigned long size = segment->inode->size, prot = MP_READ, at = addr;
	struct model_file *f;
	struct range *r;
	long ret;

	if (addr & (MODEL_PAGE_SIZE - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		at = addr & -MODEL_PAGE_SIZE;
	}
	if (!at && (flags & SHM_REMAP))
		return -EINVAL;
	r = range_find(mm, at);
	if (at && !(flags & SHM_REMAP) &&
	    (at + size < at || (r && r->start < at + size)))
		return -EINVAL;
	prot |= (readonly ? 0 : MP_WRITE) | (flags & SHM_EXEC ? MP_EXEC : 0);
	/* An open of its own: two attachments never merge. */
	f = model_file_reopen(segment, MODEL_MAY_READ | (readonly ? 0 : MODEL_MAY_WRITE));
	if (!f)
		return -ENOMEM;
	ret = model_mmap(mm, at, size, prot, MM_SHARED | (at ? MM_FIXED : 0), f, 0);
	if (ret > 0)
		range_at(mm, (unsigned long)ret)->special = MODEL_SHM_SEGMENT;
	model_file_close(f);
	return ret;
}

static bool is_piece(const struct range *r, unsigned long addr)
{
	return r->special == MODEL_SHM_SEGMENT &&
	       (r->start - addr) >> MODEL_PAGE_SHIFT == r->pgoff;
}

long model_shmdt(struct model_mm *mm, unsigned long addr)
{
	struct inode_data *segment = NULL;
	unsigned long at = addr, end = 0;
	struct range *r;

	if (addr & (MODEL_PAGE_SIZE - 1))
		return -EINVAL;
	while ((r = range_find(mm, at)) && (!segment || r->end <= end)) {
		at = r->end;
		if (!is_piece(r, addr) || (segment && r->file->inode != segment))
			continue;
		if (!segment) {
			segment = r->file->inode;
			end = addr + page_align(segment->size);
		}
		unmap_range(mm, r->start, r->end);
	}
	return segment ? 0 : -EINVAL;
}

long model_remap_file_pages(struct model_mm *mm, unsigned long addr,
			    unsigned long size, unsigned long prot,
			    unsigned long pgoff, unsigned long flags)
{
	struct range *first, *r;
	unsigned long map = MM_SHARED | MM_FIXED | MM_POPULATE;
	struct model_file *f;
	long ret;

	addr &= -MODEL_PAGE_SIZE;
	size &= -MODEL_PAGE_SIZE;
	if (prot || addr + size <= addr || pgoff + (size >> MODEL_PAGE_SHIFT) < pgoff)
		return -EINVAL;
	first = r = range_at(mm, addr);
	if (!r || !(r->flags & RF_SHARED))
		return -EINVAL;
	while (r->end < addr + size) {
		r = range_at(mm, r->end);
		if (!r || r->file != first->file || r->flags != first->flags)
			return -EINVAL;
	}
	map |= (flags & MM_NONBLOCK) | (first->flags & RF_LOCKED ? MM_LOCKED : 0);
	f = file_get(first->file);
	ret = model_mmap(mm, addr, size, first->flags & RF_ACCESS, map, f,
			 pgoff << MODEL_PAGE_SHIFT);
	file_put(f);
	return ret < 0 ? ret : 0;
}

/* mincore(2): one byte a page at vec. */
long model_mincore(struct model_mm *mm, unsigned long addr, unsigned long len,
		   unsigned long vec)
{
	unsigned long limit = mm->model->params.task_size;
	unsigned long pages = len / MODEL_PAGE_SIZE + (len % MODEL_PAGE_SIZE != 0);

	if (addr & (MODEL_PAGE_SIZE - 1))
		return -EINVAL;
	if (len > limit || addr > limit - len)
		return -ENOMEM;
	if (pages > limit || vec > limit - pages)
		return -EFAULT;
	for (; pages; pages--, addr += MODEL_PAGE_SIZE, vec++) {
		int there = model_page_incore(mm, addr);

		if (there < 0)
			return there;
		if (model_store(mm, vec, 1, (uint64_t)there, NULL))
			return -EFAULT;
	}
	return 0;
}
