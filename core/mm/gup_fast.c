/* SPDX-License-Identifier: MIT */
/*
 * GUP-fast: from an address to a page with no lock at all.
 *
 * Page tables are freed after a grace period, and this walks them in a read section.  (The
 * kernel turns interrupts off, which is one, and holds off who frees tables by interrupt;
 * nobody does so here.)  A page is taken if anybody has a reference on it: it may be
 * another's by then, and so the entry that led to it is looked at again.  If that has
 * changed, whatever it was, the page is given back and the slow way gets its turn.
 *
 * Three who change entries must not be overtaken between this file's two looks:
 *	zap		the entry is cleared before the page's reference is dropped;
 *	migration	the entry is cleared, then pins are looked for (rmap.c);
 *	fork		looks for pins, then takes W away: the other way round, so it
 *			raises write_protect_seq over both, and a pin that has met it is void.
 *
 * Must never change anything of a page before the second look, nor sleep.
 */

#include "hw/machine.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/gup.h"
#include "mm/memory.h"
#include "pgtable/walk.h"
#include "sync/rcu.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "zoo/zoo.h"

struct gup_walk {
	struct mm_context *ctx;
	unsigned int flags;
	struct page **pages;
	long nr;
};

/* NULL: free, or frozen, at the moment. */
static struct page *try_grab_page_fast(struct page *page, unsigned int flags)
{
	if ((flags & FOLL_PIN) && PageZero(page))
		return page;
	if (!try_get_page(page))
		return NULL;
	if (flags & FOLL_PIN) {
		/* Ordered with the second look: see page_maybe_dma_pinned_ordered(). */
		atomic_add_return(GUP_PIN_COUNTING_BIAS - 1, &page->_refcount);
		count_vm_event(NR_FOLL_PIN_ACQUIRED);
	}
	return page;
}

/*
 * A long pin that writes must not go behind the back of a file system that wants to know
 * of writes.  The page is ours; its mapping may be leaving it, and the inode lives as
 * long as this section.
 */
static bool gup_fast_page_allowed(struct page *page, unsigned int flags)
{
	const unsigned int writes = FOLL_PIN | FOLL_LONGTERM | FOLL_WRITE;
	struct address_space *mapping;

	if (PageAnon(page))
		return true;
	mapping = page_mapping(page);
	/* Truncated: the slow way finds out what is there now. */
	if (!mapping)
		return false;
	return (flags & writes) != writes || inode_is_shmem(mapping->host);
}

/* Does the entry, by itself, allow the access? */
static bool pte_access_permitted(pte_t pte, bool write)
{
	u64 need = _PAGE_PRESENT | _PAGE_USER | (write ? _PAGE_RW : 0);

	return (pte_val(pte) & need) == need;
}

static bool entry_unchanged(const pmd_t *pmdp, pmd_t pmd, const pte_t *ptep, pte_t pte)
{
	/* Acquire: what was there before the entry came back is gone for us, too. */
	if (likely(pmd_same(pmd, pmdp_get_lockless(pmdp)) &&
		   pte_same(pte, ptep_get_lockless(ptep))))
		return true;
	window_hit(WIN_GUP_FAST_RACED);
	return false;
}

/* The page behind one entry, taken; NULL: not this way. */
static struct page *gup_fast_pte(struct gup_walk *w, pmd_t *pmdp, pmd_t pmd, pte_t *ptep)
{
	pte_t pte = ptep_get_lockless(ptep);
	struct page *page;

	if (!pte_access_permitted(pte, w->flags & FOLL_WRITE))
		return NULL;
	/* The zero page, and whatever else has no counts. */
	if (pte_special(pte))
		return NULL;
	sched_window(WIN_GUP_FAST_RACED, page_to_pfn(pte_page(pte)), 0);
	page = try_grab_page_fast(pte_page(pte), w->flags);
	if (unlikely(!page)) {
		window_hit(WIN_GUP_FAST_RACED);
		return NULL;
	}
	if (unlikely(!entry_unchanged(pmdp, pmd, ptep, pte)))
		goto not_ours;
	if (!gup_fast_page_allowed(page, w->flags))
		goto not_ours;
	if (!pte_write(pte) && gup_must_unshare(NULL, w->flags, page))
		goto not_ours;
	SetPageReferenced(page);
	return page;
not_ours:
	gup_put_page(page, w->flags);
	return NULL;
}

/* [addr, end) lies in one table.  False: the walk is over. */
static bool gup_fast_pte_range(struct gup_walk *w, pmd_t *pmdp, unsigned long addr,
			       unsigned long end)
{
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *start, *ptep;
	pmd_t pmd;

	start = ptep = pte_offset_map_rw_nolock(w->ctx, pmdp, addr, &pmd, &ptl);
	if (!start)
		return false;
	for (; addr != end; addr += PAGE_SIZE) {
		page = gup_fast_pte(w, pmdp, pmd, ptep++);
		if (!page)
			break;
		w->pages[w->nr++] = page;
	}
	pte_unmap(start);
	return page;
}

static void gup_fast_range(struct gup_walk *w, unsigned long addr, unsigned long end)
{
	bool more = true;

	while (more && addr != end) {
		unsigned long next = pmd_addr_end(addr, end);
		pmd_t *pmdp = pgtable_pmd_lockless(w->ctx, addr);

		more = pmdp && gup_fast_pte_range(w, pmdp, addr, next);
		addr = next;
	}
}

/*
 * A fork has begun or ended since: it may have looked for our pins before we had them,
 * and written its entries after we had looked at them.
 */
static bool met_fork(const struct mm_struct *mm, unsigned int seq)
{
	if (zoo(ZOO_GUP_FAST_VS_FORK) || !read_seqcount_retry(&mm->write_protect_seq, seq))
		return false;
	window_hit(WIN_GUP_FAST_VS_FORK);
	return true;
}

long gup_fast(unsigned long start, unsigned long end, unsigned int gup_flags,
	      struct page **pages)
{
	struct mm_struct *mm = current->mm;
	struct gup_walk w = { .ctx = &mm->context, .flags = gup_flags, .pages = pages };
	unsigned int seq = 0;

	if ((gup_flags & FOLL_PIN) && !raw_seqcount_try_begin(&mm->write_protect_seq, &seq)) {
		window_hit(WIN_GUP_FAST_VS_FORK);
		return 0;
	}
	sched_window(WIN_GUP_FAST_VS_FORK, mm_place(w.ctx), 0);
	rcu_read_lock();
	gup_fast_range(&w, start, end);
	rcu_read_unlock();
	if (!(gup_flags & FOLL_PIN))
		return w.nr;
	if (unlikely(met_fork(mm, seq))) {
		/* Not unpin_user_pages(): they may be shared already, which it would not like. */
		while (w.nr)
			gup_put_page(pages[--w.nr], gup_flags);
		return 0;
	}
	sanity_check_pinned_pages(pages, (unsigned long)w.nr);
	return w.nr;
}
