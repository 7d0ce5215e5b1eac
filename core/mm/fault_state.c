/* SPDX-License-Identifier: MIT */
/*
 * Boot and shutdown of what faults, reverse mapping and files keep per machine.
 *
 * Owns the zero page and the object caches; machine->mmg->fault points here.
 */

#include <errno.h>

#include "base/bug.h"
#include "mm/fault_state.h"
#include "mm/filemap.h"
#include "mm/page_index.h"
#include "mm/rmap.h"
#include "phys/page_alloc.h"
#include "phys/slab.h"

struct fault_state *this_fault_state(void)
{
	return this_machine()->mmg->fault;
}

/* Once for the life of the memory: a finder may lock a recycled one. */
static void anon_vma_ctor(void *object)
{
	struct anon_vma *anon_vma = object;

	init_rwsem(&anon_vma->rwsem, LOCK_RANK_ANON_VMA, "anon_vma");
	atomic_set(&anon_vma->refcount, 0);
	anon_vma->rb_root = RB_ROOT_CACHED;
}

static struct page *make_zero_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return NULL;
	__SetPageZero(page);
	__SetPageUptodate(page);
	return page;
}

static bool make_caches(struct fault_state *fs)
{
	fs->anon_vma_cachep = kmem_cache_create("anon_vma",
			sizeof(struct anon_vma), 0, SLAB_TYPESAFE_BY_RCU,
			anon_vma_ctor);
	fs->anon_vma_chain_cachep = kmem_cache_create("anon_vma_chain",
			sizeof(struct anon_vma_chain), 0, 0, NULL);
	fs->inode_cachep = kmem_cache_create("inode", sizeof(struct inode), 0,
					     0, NULL);
	fs->file_cachep = kmem_cache_create("file", sizeof(struct file), 0, 0,
					    NULL);
	fs->index_cachep = page_index_cache_create();
	return fs->anon_vma_cachep && fs->anon_vma_chain_cachep &&
	       fs->inode_cachep && fs->file_cachep && fs->index_cachep;
}

static void destroy_cache(struct kmem_cache *cache)
{
	if (cache)
		kmem_cache_destroy(cache);
}

int fault_state_init(struct machine *m)
{
	struct fault_state *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	m->mmg->fault = fs;
	spin_lock_init(&fs->inode_lock, LOCK_RANK_LEAF, "inode_lock");
	INIT_LIST_HEAD(&fs->inodes);
	if (make_caches(fs))
		fs->zero_page = make_zero_page();
	if (!fs->zero_page) {
		fault_state_exit(m);
		return -ENOMEM;
	}
	return 0;
}

void fault_state_exit(struct machine *m)
{
	struct fault_state *fs = m->mmg->fault;

	if (!fs)
		return;
	if (fs->zero_page) {
		/* Nobody counts uses of it; it must not have been counted. */
		VM_WARN_ON_ONCE(page_ref_count(fs->zero_page) != 1);
		VM_WARN_ON_ONCE(page_mapped(fs->zero_page));
		__ClearPageZero(fs->zero_page);
		free_page(fs->zero_page);
	}
	destroy_cache(fs->anon_vma_chain_cachep);
	destroy_cache(fs->anon_vma_cachep);
	destroy_cache(fs->file_cachep);
	destroy_cache(fs->inode_cachep);
	destroy_cache(fs->index_cachep);
	m->mmg->fault = NULL;
	kfree(fs);
}
