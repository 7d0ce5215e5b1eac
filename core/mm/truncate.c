/* SPDX-License-Identifier: MIT */
/*
 * Truncation: a file's pages leave every address space and the cache.
 *
 * The order is the protocol (mm/truncate.c, truncate_pagecache):
 *	1. the size shrinks: new faults refuse, faults on their way refuse when
 *	   they look again under the page lock;
 *	2. the range is unmapped from every VMA in i_mmap;
 *	3. each cached page is locked, unmapped once more if a fault was still in
 *	   front of step 1, and taken out of the cache;
 *	4. the range is unmapped again: a private copy may have been made of a
 *	   page between 2 and 3.
 *
 * Locks: i_rwsem and invalidate_lock for writing over all of it; page lock, then
 * i_mmap_rwsem for reading.  No mmap_lock: the VMAs are kept in place, and
 * their bounds still, by i_mmap_rwsem.
 */

#include <errno.h>
#include <stdint.h>

#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/interval_tree.h"
#include "mm/memory.h"
#include "phys/page_alloc.h"
#include "sync/rcu.h"
#include "sync/sched.h"

/* ---- unmapping ---- */

static void unmap_mapping_range_tree(struct address_space *mapping,
				     unsigned long first, unsigned long last,
				     struct zap_details *details)
{
	struct vm_area_struct *vma;

	vma_interval_tree_foreach(vma, &mapping->i_mmap, first, last) {
		unsigned long vba = vma->vm_pgoff;
		unsigned long vea = vba + vma_pages(vma) - 1;
		unsigned long zba = max(first, vba);
		unsigned long zea = min(last, vea);

		zap_page_range_single(vma,
				      vma->vm_start + ((zba - vba) << PAGE_SHIFT),
				      (zea - zba + 1) << PAGE_SHIFT, details);
	}
}

void unmap_mapping_pages(struct address_space *mapping, unsigned long start,
			 unsigned long nr, bool even_cows)
{
	struct zap_details details = { .even_cows = even_cows };
	unsigned long last = start + nr - 1;

	if (last < start)
		last = ~0UL;
	i_mmap_lock_read(mapping);
	unmap_mapping_range_tree(mapping, start, last, &details);
	i_mmap_unlock_read(mapping);
}

void unmap_mapping_range(struct address_space *mapping, u64 holebegin,
			 u64 holelen, int even_cows)
{
	unsigned long first = (unsigned long)(holebegin >> PAGE_SHIFT);
	unsigned long nr = (unsigned long)((holelen + PAGE_SIZE - 1) >>
					   PAGE_SHIFT);

	unmap_mapping_pages(mapping, first, holelen ? nr : ~0UL - first + 1,
			    even_cows);
}

void unmap_mapping_page(struct page *page)
{
	struct address_space *mapping = page_mapping(page);
	struct zap_details details = { .single_page = page };

	VM_BUG_ON(!PageLocked(page));
	i_mmap_lock_read(mapping);
	unmap_mapping_range_tree(mapping, page->index, page->index, &details);
	i_mmap_unlock_read(mapping);
}

/* ---- the cache ---- */

/* A locked page of @mapping: out of every address space and of the cache. */
static void truncate_inode_page(struct page *page)
{
	/* A fault that was past its look at the size has mapped it again. */
	if (page_mapped(page)) {
		window_hit(WIN_TRUNCATE_MET_FAULT);
		unmap_mapping_page(page);
	}
	ClearPageDirty(page);
	filemap_remove_page(page);
}

/* Bytes [from, to) of a page become zero; programs may be writing to them. */
static void zero_page_bytes(struct page *page, unsigned long from,
			    unsigned long to)
{
	const struct machine *m = this_machine();
	u8 *data = page_address(page);

	for (; from < to; from++)
		RAW_WRITE_ONCE(data[frame_offset(m, from)], 0);
}

/* The page that the new end lies in keeps what is before it. */
static void truncate_partial(struct address_space *mapping, u64 from, u64 to)
{
	struct page *page = filemap_lock_page(mapping, from >> PAGE_SHIFT);
	unsigned long begin = from & (PAGE_SIZE - 1);
	unsigned long end = PAGE_SIZE;

	if (!page)
		return;
	if (to >> PAGE_SHIFT == from >> PAGE_SHIFT)
		end = (to & (PAGE_SIZE - 1)) + 1;
	/*
	 * In a tagged frame offsets share bytes: zeroing a part of the page
	 * would zero what stands for the rest too.
	 */
	if (this_machine()->ram.frame_bytes == PAGE_SIZE)
		zero_page_bytes(page, begin, end);
	unlock_page(page);
	put_page(page);
}

/* The first cached page in [*index, last], referenced; NULL: none. */
static struct page *find_get_page_from(struct address_space *mapping,
				       unsigned long *index,
				       unsigned long last)
{
	struct page *page;

	rcu_read_lock();
	while ((page = page_index_find(&mapping->i_pages, index, last))) {
		if (!try_get_page(page))
			continue;
		if (page_index_load(&mapping->i_pages, *index) == page)
			break;
		put_page(page);
	}
	rcu_read_unlock();
	return page;
}

void truncate_inode_pages_range(struct address_space *mapping, u64 lstart,
				u64 lend)
{
	unsigned long index = (unsigned long)((lstart + PAGE_SIZE - 1) >>
					      PAGE_SHIFT);
	unsigned long last = (unsigned long)(lend >> PAGE_SHIFT);
	bool tail = (lend & (PAGE_SIZE - 1)) != PAGE_SIZE - 1;
	struct page *page;

	if (lstart & (PAGE_SIZE - 1))
		truncate_partial(mapping, lstart, lend);
	/* A last page that is only begun keeps the rest. */
	if (tail) {
		if (last >= index)
			truncate_partial(mapping, (u64)last << PAGE_SHIFT, lend);
		if (!last)
			return;
		last--;
	}
	while (index <= last &&
	       (page = find_get_page_from(mapping, &index, last))) {
		lock_page(page);
		/* Someone else's removal came first? */
		if (page_mapping(page) == mapping)
			truncate_inode_page(page);
		unlock_page(page);
		put_page(page);
		index++;
	}
}

void truncate_inode_pages_final(struct address_space *mapping)
{
	truncate_inode_pages_range(mapping, 0, UINT64_MAX);
}

void truncate_pagecache(struct inode *inode, u64 newsize)
{
	struct address_space *mapping = &inode->i_data;
	u64 holebegin = (newsize + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);

	unmap_mapping_range(mapping, holebegin, 0, 1);
	sched_window(WIN_PTE_CHANGED_UNDER_FAULT, (u64)(uintptr_t)mapping, 0);
	truncate_inode_pages_range(mapping, newsize, UINT64_MAX);
	unmap_mapping_range(mapping, holebegin, 0, 1);
}

int do_truncate(struct file *file, s64 size)
{
	struct inode *inode = file->f_inode;
	struct address_space *mapping = &inode->i_data;
	u64 old;

	if (size < 0)
		return -EINVAL;
	if (!(file->f_mode & FMODE_WRITE))
		return -EINVAL;
	if (file->f_kind != FILE_SHMEM && file->f_kind != FILE_REGULAR)
		return -EINVAL;
	down_write(&inode->i_rwsem);
	down_write(&mapping->invalidate_lock);
	old = i_size_read(inode);
	/* First the size: from here on no fault begins past it. */
	i_size_write(inode, (u64)size);
	if ((u64)size < old)
		truncate_pagecache(inode, (u64)size);
	up_write(&mapping->invalidate_lock);
	up_write(&inode->i_rwsem);
	return 0;
}
