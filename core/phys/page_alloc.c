/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: blocks of frames given out and taken back.
 *
 * Owns a page's fields from the moment its last reference is gone until the
 * first is given out again.  Takes zone->lock (buddy) or nothing (per-CPU
 * lists).  Must never sleep itself: reclaim, where the request allows it, is
 * the scheduler's seam.
 */
#include <stdio.h>

#include "base/finding.h"
#include "phys/fail.h"
#include "phys/phys_mem.h"
#include "sync/sched.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/canary.h"

/* What a page handed back must not carry (PAGE_FLAGS_CHECK_AT_FREE). */
#define FLAGS_CHECK_AT_FREE						\
	(1UL << PG_locked | 1UL << PG_lru | 1UL << PG_writeback |	\
	 1UL << PG_buddy | 1UL << PG_reserved | 1UL << PG_swapcache |	\
	 1UL << PG_zero)

#define MAX_RECLAIM_RETRIES	16

static enum zone_type gfp_zone(gfp_t gfp)
{
	return gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
}

/* Free pages above what the request must leave; none if not positive. */
long zone_spare_pages(const struct zone *zone, gfp_t gfp)
{
	long min = (long)zone->watermark[WMARK_MIN];
	long free = (long)READ_ONCE(zone->free_pages);

	if (gfp & __GFP_MEMALLOC)
		return free;
	if (gfp & __GFP_HIGH)
		min -= min / 2;
	return free - min - (long)zone->lowmem_reserve[gfp_zone(gfp)];
}

/* __zone_watermark_ok(): enough left, and a block of the order among it. */
bool zone_watermark_ok(const struct zone *zone, unsigned int order, gfp_t gfp)
{
	if (zone_spare_pages(zone, gfp) < 1L << order)
		return false;
	for (unsigned int o = order; o < NR_PAGE_ORDERS; o++)
		if (READ_ONCE(zone->free_area[o].nr_free))
			return true;
	return false;
}

/* One block of a zone's, or NULL. */
static inline struct page *rmqueue(struct phys_mem *phys, struct zone *zone,
			    unsigned int order, gfp_t gfp)
{
	struct page *page;

	if (likely(!order))
		return pcp_alloc(phys, zone, gfp);
	spin_lock(&zone->lock);
	page = zone_watermark_ok(zone, order, gfp) ? buddy_alloc(phys, zone, order) : NULL;
	spin_unlock(&zone->lock);
	return page;
}

/* The first zone, at or behind z, that the request may be met from. */
static inline NO_TSAN struct zone *const *eligible_zone(struct zone *const *z, gfp_t gfp)
{
	while (*z && (*z)->type > gfp_zone(gfp))
		z++;
	return z;
}

static inline struct page *get_page_from_freelist(struct phys_mem *phys, gfp_t gfp,
					   unsigned int order)
{
	struct zone *const *z = eligible_zone(phys->nodes[0].node_zonelist.zones, gfp);

	for (; *z; z = eligible_zone(z + 1, gfp)) {
		struct page *page = rmqueue(phys, *z, order, gfp);

		if (likely(page))
			return page;
	}
	return NULL;
}

/* __alloc_pages_slowpath(): lists back to the buddy, then reclaim, then no. */
static noinline struct page *alloc_slowpath(struct phys_mem *phys, gfp_t gfp,
					    unsigned int order)
{
	struct page *page;

	pcp_request_drain(phys);
	drain_local_pages();
	page = get_page_from_freelist(phys, gfp, order);
	for (int i = 0; !page && i < MAX_RECLAIM_RETRIES; i++) {
		const struct sched_ops *ops = this_sched_cpu()->ops;

		if (!gfpflags_allow_blocking(gfp) || !ops->reclaim || !ops->reclaim())
			break;
		page = get_page_from_freelist(phys, gfp, order);
	}
	return page;
}

/*
 * prep_new_page(): what the free page is not already.  A lockless lookup may still
 * hold a pointer to it from its last life.  With a reference that it takes now it may
 * do no more than look again where it found the page, and drop it; so the count
 * comes last, but publishes nothing.
 */
static void prep_new_page(struct phys_mem *phys, struct page *page,
			  unsigned int order, gfp_t gfp)
{
	VM_BUG_ON(READ_ONCE(page->flags) || READ_ONCE(page->mapping));
	if (gfp & __GFP_TABLE)
		__SetPageTable(page);
	if (MM_CHECK || MM_ASAN || (gfp & __GFP_ZERO))
		frames_given(phys, page, order, gfp);
	init_page_count(page);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	struct phys_mem *phys = this_machine()->phys;
	struct page *page;

	VM_BUG_ON(order > MAX_PAGE_ORDER);
	canary(ZOO_CANARY_PHYS);
	sched_point(SCHED_ALLOC, phys);
	if (gfpflags_allow_blocking(gfp))
		might_sleep();
	if (unlikely(should_fail_alloc(FAIL_SCOPE_PAGES, gfp)))
		return NULL;
	page = get_page_from_freelist(phys, gfp, order);
	if (unlikely(!page))
		page = alloc_slowpath(phys, gfp, order);
	if (unlikely(!page))
		return NULL;
	prep_new_page(phys, page, order, gfp);
	count_vm_events(PGALLOC_NORMAL, 1UL << order);
	trace_event(EV_PAGE_ALLOC, page->pfn, order, gfp);
	return page;
}

static void bad_page(struct page *page, const char *why)
{
	char title[96];

	snprintf(title, sizeof(title), "REFS: page freed %s", why);
	finding_report(FINDING_REFS, title,
		       "pfn %u flags %#lx refcount %d mapcount %d mapping %p", page->pfn,
		       READ_ONCE(page->flags), page_ref_count(page), page_mapcount(page),
		       (void *)READ_ONCE(page->mapping));
}

/* free_pages_prepare(): the last look at the page, and the end of the frame. */
static void free_prepare(struct phys_mem *phys, struct page *page,
			 unsigned int order)
{
	if (MM_CHECK) {
		if (unlikely(page_mapcount(page))) {
			bad_page(page, "while mapped");
			page_mapcount_reset(page);
		}
		if (unlikely(READ_ONCE(page->flags) & FLAGS_CHECK_AT_FREE))
			bad_page(page, "with flags of use");
		if (unlikely(page_ref_count(page)))
			bad_page(page, "while referenced");
	}
	trace_event(EV_PAGE_FREE, page->pfn, order, 0);
	if (MM_CHECK || MM_ASAN || MM_TSAN)
		frames_returned(phys, page, order);
	WRITE_ONCE(page->mapping, NULL);
	WRITE_ONCE(page->flags, 0);
}

static void free_block(struct phys_mem *phys, struct page *page,
		       unsigned int order)
{
	struct zone *zone = &phys->zones[page->zone_id];

	spin_lock(&zone->lock);
	buddy_free(phys, zone, page, order);
	spin_unlock(&zone->lock);
}

void __put_page(struct page *page)
{
	struct phys_mem *phys = this_machine()->phys;
	unsigned int order = page->order;

	sched_point(SCHED_ALLOC, phys);
	free_prepare(phys, page, order);
	count_vm_events(PGFREE, 1UL << order);
	if (unlikely(order)) {
		free_block(phys, page, order);
		return;
	}
	pcp_free(phys, page);
}

void __free_pages(struct page *page, unsigned int order)
{
	VM_BUG_ON(page->order != order);
	put_page(page);
}
