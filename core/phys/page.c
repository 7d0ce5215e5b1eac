/* SPDX-License-Identifier: MIT */
/*
 * Page flags that carry an order, frozen references, and the page lock.
 *
 * The page lock is bit PG_locked with waiters in the machine's hashed queues
 * (mm/filemap.c: folio_lock).  It belongs to the execution context that took
 * it, sleeps, and is known to lockdep as rank PAGE_LOCK; two nest by address,
 * that is by frame number.  Must never be taken in atomic context.
 */
#include "phys/phys_mem.h"
#include "sync/lockdep.h"
#include "zoo/zoo.h"

void SetPageUptodate(struct page *page)
{
	/* Pairs with PageUptodate(): the contents are older than the flag. */
	test_and_set_bit(PG_uptodate, &page->flags);
}

void page_ref_unfreeze(struct page *page, int count)
{
	VM_BUG_ON(page_ref_count(page) != 0);
	VM_BUG_ON(count == 0);
	/* Pairs with try_get_page(): takers see what was done while frozen. */
	atomic_set_release(&page->_refcount, count);
}

static wait_queue_head_t *page_waitqueue(const struct page *page)
{
	u32 hash = page->pfn * 0x9e3779b1u;

	return &this_machine()->phys->page_wait[hash / (u32)((1ULL << 32) / PAGE_WAIT_TABLE_SIZE)];
}

static bool take_lock_bit(struct page *page)
{
	return !test_and_set_bit_lock(PG_locked, &page->flags);
}

/*
 * Tries once more after announcing a waiter.  Both bits live in one word: the
 * holder's clearing of PG_locked comes before our mark, and then we get the
 * lock, or after it, and then the holder sees the mark and wakes us.
 */
static bool announce_and_take(struct page *page)
{
	if (!PageWaiters(page))
		TestSetPageWaiters(page);
	return take_lock_bit(page);
}

void lock_page(struct page *page)
{
	might_sleep();
	lockdep_acquire(page, LOCK_RANK_PAGE_LOCK, 0, 0, "page_lock");
	if (!take_lock_bit(page))
		wait_event_key(page_waitqueue(page), page, announce_and_take(page));
}

bool trylock_page(struct page *page)
{
	if (!take_lock_bit(page))
		return false;
	lockdep_acquire(page, LOCK_RANK_PAGE_LOCK, 0, LOCKDEP_TRY, "page_lock");
	return true;
}

void unlock_page(struct page *page)
{
	bool waiters;

	VM_BUG_ON(!PageLocked(page));
	lockdep_release(page);
	waiters = zoo(ZOO_PAGE_LOCK_LOST_WAKEUP) && PageWaiters(page);
	test_and_clear_bit(PG_locked, &page->flags);
	/* Only now: who comes to wait after this look finds the page unlocked. */
	if (!zoo(ZOO_PAGE_LOCK_LOST_WAKEUP))
		waiters = PageWaiters(page);
	if (unlikely(waiters)) {
		/*
		 * All of this page's waiters are woken, and mark again if they
		 * lose: so the mark may go, but before the wake, not after.
		 */
		ClearPageWaiters(page);
		wake_up_key(page_waitqueue(page), page);
	}
}

static bool announce_and_look(struct page *page)
{
	TestSetPageWaiters(page);
	return !test_bit_acquire(PG_locked, &page->flags);
}

void wait_on_page_locked(struct page *page)
{
	might_sleep();
	if (test_bit_acquire(PG_locked, &page->flags))
		wait_event_key(page_waitqueue(page), page, announce_and_look(page));
}
