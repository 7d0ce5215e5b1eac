/* SPDX-License-Identifier: MIT */
/*
 * The buddy: free blocks of 2^order frames, split and merged.
 *
 * Owns zone->free_area, page->order, PG_buddy and lru of free blocks, all under
 * zone->lock (held by every caller).  Of a block only the head's page is looked at.
 * Must never touch a frame's contents, nor a page that is neither free nor being
 * freed beyond reading its flags: its owner changes them at any moment.
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
	page->order = 0;
	WRITE_ONCE(zone->free_area[order].nr_free, zone->free_area[order].nr_free - 1);
}

static void account_free(struct zone *zone, long pages)
{
	WRITE_ONCE(zone->free_pages, zone->free_pages + (unsigned long)pages);
}

/* __rmqueue_smallest()'s choice: the smallest block of at least *order, or NULL. */
static struct page *take_smallest(struct zone *zone, unsigned int *order)
{
	for (; *order < NR_PAGE_ORDERS; ++*order) {
		struct page *page = list_first_entry_or_null(&zone->free_area[*order].free_list,
							     struct page, lru);

		if (!page)
			continue;
		VM_BUG_ON(!PageBuddy(page) || page->order != *order);
		del_page_from_free_list(zone, page, *order);
		return page;
	}
	return NULL;
}

/* The first frames of a block leave the zone; the rest of it goes back, in whole blocks. */
static void split_off(struct phys_mem *phys, struct zone *zone, struct page *block,
		      unsigned int order, unsigned long frames)
{
	unsigned long at, end = block->pfn + frames;

	for (at = frames; at < 1UL << order; at += 1UL << __ffs(at))
		add_to_free_list(zone, zone_page(phys, zone, block->pfn + at),
				 (unsigned int)__ffs(at));
	account_free(zone, -(long)frames);
	zone->used_end = max(zone->used_end, end);
}

struct page *buddy_alloc(struct phys_mem *phys, struct zone *zone,
			 unsigned int order)
{
	unsigned int found = order;
	struct page *page;

	lockdep_assert_held(&zone->lock);
	page = take_smallest(zone, &found);
	if (!page)
		return NULL;
	split_off(phys, zone, page, found, 1UL << order);
	page->order = (u8)order;
	return page;
}

/* The frames that so many requests of order 0 would get, in that order. */
unsigned int buddy_alloc_bulk(struct phys_mem *phys, struct zone *zone, u32 *pfns,
			      unsigned int nr)
{
	unsigned int got = 0;

	lockdep_assert_held(&zone->lock);
	while (got < nr) {
		unsigned int frames, order = 0;
		struct page *block = take_smallest(zone, &order);

		if (!block)
			break;
		frames = min(nr - got, 1U << order);
		split_off(phys, zone, block, order, frames);
		for (unsigned int i = 0; i < frames; i++)
			pfns[got++] = block->pfn + i;
	}
	return got;
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
	buddy = phys_page(phys, buddy_pfn);
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
	page->order = 0;
	account_free(zone, 1L << order);
	while (order < MAX_PAGE_ORDER) {
		struct page *buddy = find_buddy(phys, zone, pfn, order);

		if (!buddy)
			break;
		del_page_from_free_list(zone, buddy, order);
		pfn &= ~(1UL << order);
		order++;
	}
	add_to_free_list(zone, zone_page(phys, zone, pfn), order);
}

/* Frames next to each other, as the largest blocks that they make. */
void buddy_free_range(struct phys_mem *phys, struct zone *zone, unsigned long start,
		      unsigned long end)
{
	while (start < end) {
		unsigned int order = start ? (unsigned int)__ffs(start) : MAX_PAGE_ORDER;

		order = min(order, (unsigned int)MAX_PAGE_ORDER);
		while (start + (1UL << order) > end)
			order--;
		buddy_free(phys, zone, zone_page(phys, zone, start), order);
		start += 1UL << order;
	}
}
