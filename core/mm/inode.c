/* SPDX-License-Identifier: MIT */
/*
 * Life of files, and read and write.
 *
 * An inode lives as long as an open file of it; every VMA holds an open file.
 * The last one takes the cache with it: nothing is mapped then, because a
 * mapping would hold a file.
 *
 * Locks: i_rwsem over size changes; invalidate_lock where pages are added.
 */

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/err.h"
#include "mm/fault_state.h"
#include "mm/filemap.h"
#include "mm/interval_tree.h"
#include "phys/page_alloc.h"
#include "phys/slab.h"
#include "sync/rcu.h"

static struct inode *inode_alloc(enum file_kind kind, u64 size)
{
	struct fault_state *fs = this_fault_state();
	struct inode *inode = kmem_cache_zalloc(fs->inode_cachep, GFP_KERNEL);
	struct address_space *mapping;

	if (!inode)
		return NULL;
	inode->i_kind = kind;
	inode->i_machine = this_machine();
	inode->i_size = size;
	atomic_set(&inode->i_count, 0);
	init_rwsem(&inode->i_rwsem, LOCK_RANK_I_RWSEM, "i_rwsem");

	mapping = &inode->i_data;
	mapping->host = inode;
	mapping->i_mmap = RB_ROOT_CACHED;
	spin_lock_init(&mapping->i_pages_lock, LOCK_RANK_I_PAGES,
		       "i_pages_lock");
	init_rwsem(&mapping->invalidate_lock, LOCK_RANK_INVALIDATE_LOCK,
		   "invalidate_lock");
	init_rwsem(&mapping->i_mmap_rwsem, LOCK_RANK_I_MMAP, "i_mmap_rwsem");
	page_index_init(&mapping->i_pages, fs->index_cachep);

	spin_lock(&fs->inode_lock);
	inode->i_ino = ++fs->next_ino;
	list_add_tail(&inode->i_list, &fs->inodes);
	spin_unlock(&fs->inode_lock);
	return inode;
}

static void inode_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(this_fault_state()->inode_cachep,
			container_of(head, struct inode, i_rcu));
}

/* GUP-fast looks into it from a page that has just left it. */
static void inode_free(struct inode *inode)
{
	struct fault_state *fs = this_fault_state();

	spin_lock(&fs->inode_lock);
	list_del(&inode->i_list);
	spin_unlock(&fs->inode_lock);
	call_rcu(&inode->i_rcu, inode_free_rcu);
}

static void iput(struct inode *inode)
{
	if (!atomic_dec_and_test(&inode->i_count))
		return;
	MM_BUG_ON(!RB_EMPTY_ROOT(&inode->i_data.i_mmap.rb_root));
	truncate_inode_pages_final(&inode->i_data);
	MM_BUG_ON(inode->i_data.nrpages);
	inode_free(inode);
}

/* An open file on @inode, which keeps it alive from now on. */
static struct file *file_open(struct inode *inode, unsigned int mode)
{
	struct file *file = kmem_cache_zalloc(this_fault_state()->file_cachep,
					      GFP_KERNEL);

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->f_inode = inode;
	file->f_mapping = &inode->i_data;
	file->f_mode = mode;
	file->f_kind = inode->i_kind;
	atomic_long_set(&file->f_count, 1);
	atomic_inc(&inode->i_count);
	return file;
}

struct file *file_create(enum file_kind kind, u64 size, unsigned int mode)
{
	struct inode *inode = inode_alloc(kind, size);
	struct file *file;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	file = file_open(inode, mode);
	if (IS_ERR(file))
		inode_free(inode);
	return file;
}

struct file *file_reopen(struct file *file, unsigned int mode)
{
	return file_open(file->f_inode, mode);
}

void fput(struct file *file)
{
	struct inode *inode = file->f_inode;

	if (!atomic_long_dec_and_test(&file->f_count))
		return;
	kmem_cache_free(this_fault_state()->file_cachep, file);
	iput(inode);
}

struct file *shmem_kernel_file_setup(u64 size)
{
	return file_create(FILE_SHMEM, size, FMODE_READ | FMODE_WRITE);
}

int shmem_zero_setup(struct vm_area_struct *vma)
{
	struct file *file = shmem_kernel_file_setup(vma->vm_end -
						    vma->vm_start);

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	if (vma->vm_file)
		fput(vma->vm_file);
	vma->vm_file = file;
	vma->vm_kind = VMA_FILE;
	return 0;
}

/* ---- VMAs of a file ---- */

void __vma_link_file(struct vm_area_struct *vma, struct address_space *mapping)
{
	rwsem_assert_held_write(&mapping->i_mmap_rwsem);
	vma_interval_tree_insert(vma, &mapping->i_mmap);
}

void __remove_shared_vm_struct(struct vm_area_struct *vma,
			       struct address_space *mapping)
{
	rwsem_assert_held_write(&mapping->i_mmap_rwsem);
	vma_interval_tree_remove(vma, &mapping->i_mmap);
}

void vma_link_file(struct vm_area_struct *vma)
{
	struct address_space *mapping;

	if (!vma->vm_file)
		return;
	mapping = vma->vm_file->f_mapping;
	i_mmap_lock_write(mapping);
	__vma_link_file(vma, mapping);
	i_mmap_unlock_write(mapping);
}

void unlink_file_vma(struct vm_area_struct *vma)
{
	struct address_space *mapping;

	if (!vma->vm_file)
		return;
	mapping = vma->vm_file->f_mapping;
	i_mmap_lock_write(mapping);
	__remove_shared_vm_struct(vma, mapping);
	i_mmap_unlock_write(mapping);
}

/* ---- read and write ---- */

/* Bytes of a frame, relaxed: programs may write them through mappings. */
static void bytes_out(const struct page *page, unsigned long off, u8 *to,
		      size_t n)
{
	const u8 *data = page_address(page);
	const struct machine *m = this_machine();
	size_t i;

	for (i = 0; i < n; i++)
		to[i] = RAW_READ_ONCE(data[frame_offset(m, off + i)]);
}

static void bytes_in(struct page *page, unsigned long off, const u8 *from,
		     size_t n)
{
	u8 *data = page_address(page);
	const struct machine *m = this_machine();
	size_t i;

	for (i = 0; i < n; i++)
		RAW_WRITE_ONCE(data[frame_offset(m, off + i)], from[i]);
}

/* Bytes from @pos to the end of its page or of the request. */
static size_t chunk_of(u64 pos, size_t left)
{
	size_t room = PAGE_SIZE - (size_t)(pos & (PAGE_SIZE - 1));

	return left < room ? left : room;
}

long file_read(struct file *file, void *buf, size_t count, u64 pos)
{
	struct address_space *mapping = file->f_mapping;
	u64 size = i_size_read(file->f_inode);
	size_t done = 0;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (pos >= size)
		return 0;
	if (count > size - pos)
		count = (size_t)(size - pos);
	while (done < count) {
		size_t n = chunk_of(pos + done, count - done);
		struct page *page = filemap_get_page(mapping,
						     (pos + done) >> PAGE_SHIFT);

		if (page) {
			bytes_out(page, (pos + done) & (PAGE_SIZE - 1),
				  (u8 *)buf + done, n);
			put_page(page);
		} else {
			memset((u8 *)buf + done, 0, n);
		}
		done += n;
	}
	return (long)done;
}

long file_write(struct file *file, const void *buf, size_t count, u64 pos)
{
	struct address_space *mapping = file->f_mapping;
	struct inode *inode = file->f_inode;
	size_t done = 0;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (pos + count < pos || pos + count > (u64)INT64_MAX)
		return -EFBIG;
	down_write(&inode->i_rwsem);
	while (done < count) {
		size_t n = chunk_of(pos + done, count - done);
		struct page *page;

		down_read(&mapping->invalidate_lock);
		page = filemap_grab_page(mapping, (pos + done) >> PAGE_SHIFT);
		up_read(&mapping->invalidate_lock);
		if (IS_ERR(page)) {
			up_write(&inode->i_rwsem);
			return done ? (long)done : -ENOMEM;
		}
		bytes_in(page, (pos + done) & (PAGE_SIZE - 1),
			 (const u8 *)buf + done, n);
		SetPageDirty(page);
		/* Under the page lock: no fault sees the page past the end. */
		if (pos + done + n > i_size_read(inode))
			i_size_write(inode, pos + done + n);
		unlock_page(page);
		put_page(page);
		done += n;
	}
	up_write(&inode->i_rwsem);
	return (long)done;
}
