/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_FILEMAP_H
#define MMSTORM_MM_FILEMAP_H

/*
 * Files as the mm sees them: inode, open file, page cache (mm/filemap.c and
 * mm/shmem.c, 6.18).  There is no disk: a page that is not in the cache is a
 * hole and reads as zero, and a hole that is touched is allocated.  Files are
 * born empty; file_write() and stores through shared mappings fill them.
 *
 * Sizes and positions are bytes; pgoff, index are pages.
 */

#include "base/atomic.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "base/types.h"
#include "mm/memory.h"
#include "mm/page_index.h"
#include "sync/rcu_types.h"
#include "sync/rwsem.h"
#include "sync/spinlock.h"

struct machine;

struct address_space {
	/* Immutable. */
	struct inode *host;

	/*
	 * Index of cached pages.  Writers: i_pages_lock.  Readers: RCU, or the
	 * lock of a page that is in it (it cannot leave then).
	 */
	spinlock_t i_pages_lock;
	struct page_index i_pages;
	unsigned long nrpages;

	/* Held for writing over truncation, for reading while a page is added. */
	struct rw_semaphore invalidate_lock;

	/* Protected by i_mmap_rwsem. */
	struct rw_semaphore i_mmap_rwsem;
	struct rb_root_cached i_mmap;
};

struct inode {
	/* Immutable. */
	enum file_kind i_kind;	/* FILE_SHMEM or FILE_REGULAR for cached ones */
	unsigned long i_ino;
	struct machine *i_machine;

	/* Freed at zero, with its pages: one for each struct file. */
	atomic_t i_count;

	/* Serialises size changes. */
	struct rw_semaphore i_rwsem;
	/* Bytes.  Written under i_rwsem and invalidate_lock; read with i_size_read. */
	u64 i_size;

	struct address_space i_data;
	struct list_head i_list;	/* all inodes of the machine: its inode lock */
	struct rcu_head i_rcu;
};

static inline struct inode *file_inode(const struct file *file)
{
	return file->f_inode;
}

static inline u64 i_size_read(const struct inode *inode)
{
	/* Pairs with i_size_write: what was added before the size is seen. */
	return smp_load_acquire(&inode->i_size);
}

/* First page that is wholly past the end of the file. */
static inline unsigned long eof_index(const struct inode *inode)
{
	return (unsigned long)((i_size_read(inode) + PAGE_SIZE - 1) >> PAGE_SHIFT);
}

static inline void i_size_write(struct inode *inode, u64 size)
{
	smp_store_release(&inode->i_size, size);
}

/* ---- life of files ---- */

/* An open file on a new inode of @size bytes, all hole; ERR_PTR(-ENOMEM). */
struct file *file_create(enum file_kind kind, u64 size, unsigned int mode);
/* Another open() of the same inode. */
struct file *file_reopen(struct file *file, unsigned int mode);
/* Drops a reference (get_file is in mm.h); the last one closes. May sleep. */
void fput(struct file *file);

/* An unlinked shmem object, the backing of MAP_SHARED|MAP_ANONYMOUS. */
struct file *shmem_kernel_file_setup(u64 size);
/* Give @vma (shared, no file) such an object of its own length; sets vm_kind. */
int shmem_zero_setup(struct vm_area_struct *vma);
static inline bool inode_is_shmem(const struct inode *inode)
{
	return inode->i_kind == FILE_SHMEM;
}

/*
 * read and write at @pos.  Return bytes moved (reads stop at i_size, writes
 * extend it) or -errno.  Bytes move by relaxed atomics: mappings may race.
 */
long file_read(struct file *file, void *buf, size_t count, u64 pos);
long file_write(struct file *file, const void *buf, size_t count, u64 pos);

/* ---- page cache ---- */

/* A referenced page or NULL; lockless. */
struct page *filemap_get_page(struct address_space *mapping,
			      unsigned long index);
/* Referenced and locked, still at @index of @mapping; NULL when not cached. */
struct page *filemap_lock_page(struct address_space *mapping,
			       unsigned long index);
/* The same; a hole is allocated and zeroed.  ERR_PTR(-ENOMEM). */
struct page *filemap_grab_page(struct address_space *mapping,
			       unsigned long index);
/* Locked @page into the index, with a reference.  -EEXIST, -ENOMEM. */
int filemap_add_page(struct address_space *mapping, struct page *page,
		     unsigned long index);
/* Locked, unmapped @page out of it; drops the index's reference. */
void filemap_remove_page(struct page *page);

/*
 * The file's part of a fault: sets vmf->page, referenced and locked
 * (VM_FAULT_LOCKED), inside i_size.  SIGBUS, OOM, or RETRY with the lock gone.
 * Under FAULT_FLAG_VMA_LOCK or mmap_lock held for reading.
 */
vm_fault_t filemap_fault(struct vm_fault *vmf);
/* Map what is cached of [start_pgoff, end_pgoff]; VM_FAULT_NOPAGE if vmf's is. */
vm_fault_t filemap_map_pages(struct vm_fault *vmf, unsigned long start_pgoff,
			     unsigned long end_pgoff);

/* ---- VMAs of a file ---- */

static inline void i_mmap_lock_write(struct address_space *mapping)
{
	down_write(&mapping->i_mmap_rwsem);
}

static inline void i_mmap_unlock_write(struct address_space *mapping)
{
	up_write(&mapping->i_mmap_rwsem);
}

static inline void i_mmap_lock_read(struct address_space *mapping)
{
	down_read(&mapping->i_mmap_rwsem);
}

static inline void i_mmap_unlock_read(struct address_space *mapping)
{
	up_read(&mapping->i_mmap_rwsem);
}

/* Insert and remove under i_mmap_rwsem taken here; no file: nothing. */
void vma_link_file(struct vm_area_struct *vma);
void unlink_file_vma(struct vm_area_struct *vma);
/* The same with i_mmap_rwsem held for writing. */
void __vma_link_file(struct vm_area_struct *vma, struct address_space *mapping);
void __remove_shared_vm_struct(struct vm_area_struct *vma,
			       struct address_space *mapping);

/* ---- truncate.c ---- */

/*
 * unmap_mapping_range - unmap [holebegin, holebegin + holelen) of the file from
 * every VMA; holelen 0 means to the end.  @even_cows: private copies as well.
 */
void unmap_mapping_range(struct address_space *mapping, u64 holebegin,
			 u64 holelen, int even_cows);
void unmap_mapping_pages(struct address_space *mapping, unsigned long start,
			 unsigned long nr, bool even_cows);
/* Unmap one locked page everywhere. */
void unmap_mapping_page(struct page *page);
/* Drop cached pages of [lstart, lend] (bytes, lend included), zero a partial one. */
void truncate_inode_pages_range(struct address_space *mapping, u64 lstart,
				u64 lend);
void truncate_inode_pages_final(struct address_space *mapping);
void truncate_pagecache(struct inode *inode, u64 newsize);
/* ftruncate: grow or shrink to @size.  0, -EINVAL, -EACCES (not writable). */
int do_truncate(struct file *file, s64 size);

#endif
