/* SPDX-License-Identifier: MIT */
/*
 * Reverse mapping, the anonymous half: life of anon_vmas, map counts.
 *
 * Owns anon_vma and anon_vma_chain.  A family of anon_vmas (a root and all that
 * fork derived from it) shares the root's rwsem, which protects every member's
 * interval tree and counts.  A VMA's own chain list is under mmap_lock, plus
 * page_table_lock while it is held for reading only.
 *
 * Must never: allocate under the rwsem; free an anon_vma that a lockless finder
 * (page_get_anon_vma) could still be taking a reference of: the memory is
 * type-stable, and the finder looks again at the page when it has it.
 */

#include <errno.h>

#include "base/bug.h"
#include "hw/check_met.h"
#include "mm/fault_state.h"
#include "mm/interval_tree.h"
#include "mm/memory.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "phys/slab.h"
#include "sync/rcu.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "zoo/zoo.h"

/* ---- memory ---- */

/*
 * A recycled anon_vma may be looked at by who found its previous life: only
 * fields that such a finder reads are atomic, and the rwsem is constructed once
 * for the life of the memory.
 */
static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon_vma =
		kmem_cache_alloc(this_fault_state()->anon_vma_cachep,
				 GFP_KERNEL);

	if (!anon_vma)
		return NULL;
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 0;
	anon_vma->rb_root = RB_ROOT_CACHED;
	/* The root of a fork's child is set before anybody can find it. */
	WRITE_ONCE(anon_vma->parent, anon_vma);
	WRITE_ONCE(anon_vma->root, anon_vma);
	rcu_age_born(&anon_vma->age);
	atomic_set_release(&anon_vma->refcount, 1);
	return anon_vma;
}

static void anon_vma_free(struct anon_vma *anon_vma)
{
	VM_BUG_ON(atomic_read(&anon_vma->refcount));
	rcu_age_retire(&anon_vma->age, rcu_age_stamp());
	kmem_cache_free(this_fault_state()->anon_vma_cachep, anon_vma);
}

void __put_anon_vma(struct anon_vma *anon_vma)
{
	struct anon_vma *root = anon_vma->root;

	anon_vma_free(anon_vma);
	if (root != anon_vma && atomic_dec_and_test(&root->refcount))
		anon_vma_free(root);
}

static struct anon_vma_chain *anon_vma_chain_alloc(void)
{
	return kmem_cache_alloc(this_fault_state()->anon_vma_chain_cachep,
				GFP_KERNEL);
}

static void anon_vma_chain_free(struct anon_vma_chain *avc)
{
	kmem_cache_free(this_fault_state()->anon_vma_chain_cachep, avc);
}

/* Family lock held for writing. */
static void anon_vma_chain_link(struct vm_area_struct *vma,
				struct anon_vma_chain *avc,
				struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
	anon_vma_interval_tree_insert(avc, &anon_vma->rb_root);
}

/*
 * All links of one VMA belong to one family: take its lock once.  @root is what
 * the previous call returned.
 */
static struct anon_vma *lock_anon_vma_root(struct anon_vma *root,
					   struct anon_vma *anon_vma)
{
	struct anon_vma *new_root = anon_vma->root;

	if (new_root == root)
		return root;
	MM_BUG_ON(root);
	down_write(&new_root->rwsem);
	return new_root;
}

static void unlock_anon_vma_root(struct anon_vma *root)
{
	if (root)
		up_write(&root->rwsem);
}

/* ---- giving a VMA an anon_vma ---- */

/* Rights that neighbours may differ in and still share an anon_vma. */
static bool anon_vma_compatible(struct vm_area_struct *a,
				struct vm_area_struct *b)
{
	return a->vm_end == b->vm_start && a->vm_file == b->vm_file &&
	       a->vm_kind == b->vm_kind &&
	       !((a->vm_flags ^ b->vm_flags) &
		 ~(VM_ACCESS_FLAGS | VM_IGNORE_MERGE)) &&
	       b->vm_pgoff == a->vm_pgoff + vma_pages(a);
}

/*
 * @old may be getting its anon_vma at this moment from a fault on another CPU
 * (mmap_lock is held for reading): the acquire in vma_anon_vma shows its chain
 * complete or not at all.  A chain of one: not forked.
 */
static struct anon_vma *reusable_anon_vma(struct vm_area_struct *old,
					  struct vm_area_struct *a,
					  struct vm_area_struct *b)
{
	struct anon_vma *anon_vma;

	if (!anon_vma_compatible(a, b))
		return NULL;
	anon_vma = vma_anon_vma(old);
	if (anon_vma && list_is_singular(&old->anon_vma_chain))
		return anon_vma;
	return NULL;
}

struct anon_vma *find_mergeable_anon_vma(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = NULL;
	struct vm_area_struct *near;

	near = vma_next(vma);
	if (near)
		anon_vma = reusable_anon_vma(near, vma, near);
	if (anon_vma)
		return anon_vma;
	near = vma_prev(vma);
	if (near)
		anon_vma = reusable_anon_vma(near, near, vma);
	return anon_vma;
}

int __anon_vma_prepare(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct anon_vma *anon_vma, *allocated = NULL;
	struct anon_vma_chain *avc;
	bool locked;

	mmap_assert_locked(mm);
	might_sleep();

	avc = anon_vma_chain_alloc();
	if (!avc)
		return -ENOMEM;
	anon_vma = find_mergeable_anon_vma(vma);
	if (!anon_vma) {
		anon_vma = anon_vma_alloc();
		if (!anon_vma) {
			anon_vma_chain_free(avc);
			return -ENOMEM;
		}
		anon_vma->num_children++;	/* a root is its own parent */
		allocated = anon_vma;
	}

	sched_window(WIN_ANON_VMA_RACE_LOST, mm_place(&mm->context), vma->vm_start);
	/*
	 * A new one is locked too: its memory may be a recycled anon_vma that
	 * someone, through RCU and a page, is about to lock and walk.
	 */
	locked = !zoo(ZOO_ANON_VMA_PREPARE_UNLOCKED) || !allocated;
	if (locked)
		anon_vma_lock_write(anon_vma);
	/* Two faults of one VMA, each with mmap_lock for reading: one wins. */
	spin_lock(&mm->context.page_table_lock);
	if (likely(!vma->anon_vma)) {
		if (!locked)
			smp_store_release(&vma->anon_vma, anon_vma);
		/* Whoever looks at it now must be shut out by its lock. */
		sched_window(WIN_ANON_VMA_RACE_LOST, mm_place(&mm->context), vma->vm_start);
		anon_vma_chain_link(vma, avc, anon_vma);
		anon_vma->num_active_vmas++;
		/* Last: who sees it (vma_anon_vma) sees all of the above. */
		smp_store_release(&vma->anon_vma, anon_vma);
		allocated = NULL;
		avc = NULL;
	}
	spin_unlock(&mm->context.page_table_lock);
	if (locked)
		anon_vma_unlock_write(anon_vma);

	if (unlikely(allocated))
		put_anon_vma(allocated);
	if (unlikely(avc)) {
		window_hit(WIN_ANON_VMA_RACE_LOST);
		anon_vma_chain_free(avc);
	}
	return 0;
}

/* As many links as @src has, on @list; nothing is kept on -ENOMEM. */
static int alloc_chains(struct vm_area_struct *src, struct list_head *list)
{
	struct anon_vma_chain *pavc, *avc, *next;

	list_for_each_entry(pavc, &src->anon_vma_chain, same_vma) {
		avc = anon_vma_chain_alloc();
		if (!avc)
			goto enomem;
		list_add(&avc->same_vma, list);
	}
	return 0;
enomem:
	list_for_each_entry_safe(avc, next, list, same_vma)
		anon_vma_chain_free(avc);
	return -ENOMEM;
}

int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma_chain *avc, *pavc;
	struct anon_vma *root = NULL;
	LIST_HEAD(chains);

	if (alloc_chains(src, &chains)) {
		/* unlink_anon_vmas must not take away what was not counted. */
		dst->anon_vma = NULL;
		return -ENOMEM;
	}
	/* Oldest first, so that dst's list ends in the same order as src's. */
	list_for_each_entry_reverse(pavc, &src->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = pavc->anon_vma;

		avc = list_first_entry(&chains, struct anon_vma_chain, same_vma);
		list_del(&avc->same_vma);
		root = lock_anon_vma_root(root, anon_vma);
		anon_vma_chain_link(dst, avc, anon_vma);
		/*
		 * Fork's reuse rule: an ancestor's anon_vma that no VMA uses
		 * any more and that has at most one child serves as well as a
		 * new one, so that a chain of forks does not grow for ever.  A
		 * root is never taken: it counts itself and a child.
		 */
		if (!dst->anon_vma && src->anon_vma &&
		    anon_vma->num_children < 2 &&
		    anon_vma->num_active_vmas == 0)
			dst->anon_vma = anon_vma;
	}
	if (dst->anon_vma)
		dst->anon_vma->num_active_vmas++;
	unlock_anon_vma_root(root);
	return 0;
}

int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *pvma)
{
	struct anon_vma_chain *avc;
	struct anon_vma *anon_vma;

	if (!pvma->anon_vma)
		return 0;
	/* Not the parent's: a page the child makes must not be found there. */
	vma->anon_vma = NULL;
	/* First the parent's anon_vmas: their pages may be mapped by both. */
	if (anon_vma_clone(vma, pvma))
		return -ENOMEM;
	if (vma->anon_vma)
		return 0;

	anon_vma = anon_vma_alloc();
	if (!anon_vma)
		goto out_unlink;
	avc = anon_vma_chain_alloc();
	if (!avc)
		goto out_put;
	anon_vma->num_active_vmas++;
	WRITE_ONCE(anon_vma->root, pvma->anon_vma->root);
	WRITE_ONCE(anon_vma->parent, pvma->anon_vma);
	/* The root's rwsem is this one's too, so the root must outlive it. */
	get_anon_vma(anon_vma->root);
	vma->anon_vma = anon_vma;
	anon_vma_lock_write(anon_vma);
	anon_vma_chain_link(vma, avc, anon_vma);
	anon_vma->parent->num_children++;
	anon_vma_unlock_write(anon_vma);
	return 0;

out_put:
	put_anon_vma(anon_vma);
out_unlink:
	unlink_anon_vmas(vma);
	return -ENOMEM;
}

void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc, *next;
	struct anon_vma *root = NULL;

	/* Newest first: a child goes before its parent, the root last. */
	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = avc->anon_vma;

		root = lock_anon_vma_root(root, anon_vma);
		anon_vma_interval_tree_remove(avc, &anon_vma->rb_root);
		if (RB_EMPTY_ROOT(&anon_vma->rb_root.rb_root)) {
			/* Freed below, outside the lock that its root holds. */
			anon_vma->parent->num_children--;
			continue;
		}
		list_del(&avc->same_vma);
		anon_vma_chain_free(avc);
	}
	if (vma->anon_vma) {
		vma->anon_vma->num_active_vmas--;
		/* The VMA may live on (mremap DONTUNMAP): it starts anew. */
		WRITE_ONCE(vma->anon_vma, NULL);
	}
	unlock_anon_vma_root(root);

	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		VM_WARN_ON_ONCE(avc->anon_vma->num_children);
		VM_WARN_ON_ONCE(avc->anon_vma->num_active_vmas);
		put_anon_vma(avc->anon_vma);
		list_del(&avc->same_vma);
		anon_vma_chain_free(avc);
	}
}

void anon_vma_interval_tree_pre_update_vma(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_remove(avc, &avc->anon_vma->rb_root);
}

void anon_vma_interval_tree_post_update_vma(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		anon_vma_interval_tree_insert(avc, &avc->anon_vma->rb_root);
}

/* ---- from a page to its anon_vma, with no lock held ---- */

/*
 * What a mapped page leads to, in a read section.  A mapped page keeps its
 * anon_vma: so it was not freed yet when the section began.
 */
static struct anon_vma *mapped_anon_vma(struct page *page)
{
	struct anon_vma *anon_vma = page_mapped(page) ? page_anon_vma(page) : NULL;

	if (anon_vma)
		check_met_here(CHECK_OBJECT_ANON_VMA, &anon_vma->age);
	return anon_vma;
}

/*
 * RCU keeps the memory an anon_vma; the count keeps this one alive; and only a
 * page that is mapped *after* the count was raised proves that it was still its
 * anon_vma, and not a recycled one.
 */
struct anon_vma *page_get_anon_vma(struct page *page)
{
	struct anon_vma *anon_vma;

	rcu_read_lock();
	anon_vma = mapped_anon_vma(page);
	if (anon_vma && !atomic_inc_not_zero(&anon_vma->refcount))
		anon_vma = NULL;
	if (anon_vma && !page_mapped(page)) {
		rcu_read_unlock();
		put_anon_vma(anon_vma);
		return NULL;
	}
	rcu_read_unlock();
	return anon_vma;
}

/* ---- map counts ---- */

static unsigned long linear_page_index(struct vm_area_struct *vma,
				       unsigned long address)
{
	return ((address - vma->vm_start) >> PAGE_SHIFT) + vma->vm_pgoff;
}

/* A page nobody else can reach yet. */
void page_add_new_anon_rmap(struct page *page, struct vm_area_struct *vma,
			    unsigned long address)
{
	/* It was acquired when it was made sure of, before the page was allocated. */
	struct anon_vma *anon_vma = READ_ONCE(vma->anon_vma);

	VM_BUG_ON(!anon_vma);
	VM_BUG_ON(address < vma->vm_start || address >= vma->vm_end);
	/*
	 * Relaxed all four: the release that puts the page into a table publishes
	 * them, and nobody finds an anonymous page but through one.
	 */
	page->index = linear_page_index(vma, address);
	WRITE_ONCE(page->mapping,
		   (struct address_space *)((unsigned long)anon_vma |
					    PAGE_MAPPING_ANON));
	WRITE_ONCE(page->flags, READ_ONCE(page->flags) |
		   1UL << PG_swapbacked | 1UL << PG_anon_exclusive);
	atomic_set(&page->_mapcount, 0);
	count_vm_event(MMS_RMAP_ADD);
}

/* A page with its mapping and index already: a migrated one.  PTL held. */
void page_add_anon_rmap(struct page *page, struct vm_area_struct *vma,
			unsigned long address, int flags)
{
	VM_BUG_ON(!PageAnon(page));
	VM_BUG_ON(page->index != linear_page_index(vma, address));
	if (flags & RMAP_EXCLUSIVE)
		SetPageAnonExclusive(page);
	atomic_inc(&page->_mapcount);
	count_vm_event(MMS_RMAP_ADD);
}

void page_add_file_rmap(struct page *page)
{
	VM_BUG_ON(PageAnon(page));
	atomic_inc(&page->_mapcount);
	count_vm_event(MMS_RMAP_ADD);
}

void page_remove_rmap(struct page *page)
{
	/*
	 * Carries no order: whoever wants the page for himself looks at its
	 * reference count, and finds our last use of it before our put_page().
	 */
	int mapcount = atomic_sub_return_relaxed(1, &page->_mapcount);

	MM_BUG_ON(mapcount < -1);
	count_vm_event(MMS_RMAP_REMOVE);
}

/* Page lock and PTL held, the only reference is this mapping's. */
void page_move_anon_rmap(struct page *page, struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = vma_anon_vma(vma);

	VM_BUG_ON(!PageLocked(page));
	VM_BUG_ON(!anon_vma);
	/* One store: who looks without the page lock sees the one or the other. */
	smp_store_release(&page->mapping,
			  (struct address_space *)((unsigned long)anon_vma |
						   PAGE_MAPPING_ANON));
}

void page_dup_file_rmap(struct page *page)
{
	atomic_inc(&page->_mapcount);
	count_vm_event(MMS_RMAP_ADD);
}

/*
 * A device may be moving its contents, by the parent's wish: if parent and child shared
 * the page, the parent's next write would leave it to the device and get a copy.
 */
static bool page_needs_cow_for_dma(struct vm_area_struct *vma, struct page *page)
{
	VM_BUG_ON(!(raw_read_seqcount(&vma->vm_mm->write_protect_seq) & 1));
	return test_bit(MMF_HAS_PINNED, &vma->vm_mm->flags) && page_maybe_dma_pinned(page);
}

int page_try_dup_anon_rmap(struct page *page, struct vm_area_struct *src_vma)
{
	VM_BUG_ON(!PageAnon(page));
	if (PageAnonExclusive(page) && page_needs_cow_for_dma(src_vma, page))
		return -EBUSY;
	/* Before the second mapping exists: from here on both must copy. */
	ClearPageAnonExclusive(page);
	atomic_inc(&page->_mapcount);
	count_vm_event(MMS_RMAP_ADD);
	return 0;
}

int page_try_share_anon_rmap(struct page *page)
{
	VM_BUG_ON(!PageAnonExclusive(page));
	/*
	 * The entry was cleared before this look, and who pins looks at the entry
	 * after his pin: one of us sees the other.
	 */
	if (page_maybe_dma_pinned_ordered(page))
		return -EBUSY;
	ClearPageAnonExclusive(page);
	return 0;
}
