/* SPDX-License-Identifier: MIT */
/*
 * The buddy: free blocks of 2^order frames, split and merged.
 *
 * Owns zone->free_area, page->order, PG_buddy and pcp_next/lru of free blocks,
 * all under zone->lock (held by every caller).  Must never touch a frame's
 * contents, nor a page that is neither free nor being freed beyond reading
 * its flags: its owner changes them at any moment.
 */
#include "phys/phys_mem.h"

static void add_to_free_list(struct zone *zone, struct page *page,
			     unsigned int order)
{
	page->order = (u8)order;
	__SetPageBuddy(page);
	list_add(&page->lru, &zone->free_area[order].free_list);
	WRITE_ONCE(zone->free_area[order].nr_free, zone->free_area[order].nr_free + 1);
}

static void del_page_from_free_list(struct zone *zone, struct page *page,
				    unsigned int order)
{
	list_del(&page->lru);
	__ClearPageBuddy(page);
	WRITE_ONCE(zone->free_area[order].nr_free, zone->free_area[order].nr_free - 1);
}

static void account_free(struct zone *zone, long pages)
{
	WRITE_ONCE(zone->free_pages, zone->free_pages + (unsigned long)pages);
}

static struct page *block_at(struct phys_mem *phys, unsigned long pfn)
{
	struct page *page = &phys->map.mem_map[pfn];

	page->pfn = (u32)pfn;
	return page;
}

/* Halves a block until it has the wanted order; upper halves go back. */
static void expand(struct phys_mem *phys, struct zone *zone, struct page *page,
		   unsigned int low, unsigned int high)
{
	while (high > low) {
		high--;
		add_to_free_list(zone, block_at(phys, page->pfn + (1UL << high)), high);
	}
}

/* __rmqueue_smallest(): the smallest block that holds the order, or NULL. */
struct page *buddy_alloc(struct phys_mem *phys, struct zone *zone,
			 unsigned int order)
{
	lockdep_assert_held(&zone->lock);
	for (unsigned int o = order; o < NR_PAGE_ORDERS; o++) {
		struct page *page = list_first_entry_or_null(&zone->free_area[o].free_list,
							     struct page, lru);

		if (!page)
			continue;
		VM_BUG_ON(!PageBuddy(page) || page->order != o);
		del_page_from_free_list(zone, page, o);
		expand(phys, zone, page, order, o);
		page->order = (u8)order;
		account_free(zone, -(1L << order));
		if (page->pfn + (1UL << order) > zone->used_end)
			zone->used_end = page->pfn + (1UL << order);
		return page;
	}
	return NULL;
}

/* The free block that completes pfn's, or NULL. */
static struct page *find_buddy(struct phys_mem *phys, struct zone *zone,
			       unsigned long pfn, unsigned int order)
{
	unsigned long buddy_pfn = pfn ^ (1UL << order);
	struct page *buddy;

	if (buddy_pfn < zone->zone_start_pfn ||
	    buddy_pfn + (1UL << order) > zone->zone_start_pfn + zone->spanned_pages)
		return NULL;
	buddy = &phys->map.mem_map[buddy_pfn];
	/* PG_buddy changes only under our lock: order and lists are valid with it. */
	return PageBuddy(buddy) && buddy->order == order ? buddy : NULL;
}

/* __free_one_page(): merges upwards as far as buddies are free. */
void buddy_free(struct phys_mem *phys, struct zone *zone, struct page *page,
		unsigned int order)
{
	unsigned long pfn = page->pfn;

	lockdep_assert_held(&zone->lock);
	VM_BUG_ON(PageBuddy(page));
	VM_BUG_ON(pfn & ((1UL << order) - 1));
	account_free(zone, 1L << order);
	while (order < MAX_PAGE_ORDER) {
		struct page *buddy = find_buddy(phys, zone, pfn, order);

		if (!buddy)
			break;
		del_page_from_free_list(zone, buddy, order);
		pfn &= ~(1UL << order);
		order++;
	}
	add_to_free_list(zone, block_at(phys, pfn), order);
}
