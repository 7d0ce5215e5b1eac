/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_PHYS_MEM_H
#define MMSTORM_PHYS_PHYS_MEM_H

#include "phys/page.h"
#include "phys/page_alloc.h"
#include "sync/wait.h"

/*
 * machine->phys: what this room keeps of a machine.  For this room and for
 * oracles and views that look at a quiet machine.
 */

#define PAGE_WAIT_TABLE_SIZE	64

/*
 * One vCPU's free pages of one zone: a stack of frame numbers, so that a page is
 * touched when it is given out and when it comes back, and not in between.  There is
 * room for what a refill adds to a full one.
 */
struct pcp_list {
	u32		*pfn;
	unsigned int	count;
	unsigned int	high;		/* zone->pcp_high */
};

/* vcpu->pcp.  The vCPU only. */
struct pcp_cpu {
	struct pcp_list	lists[MAX_ZONES];
	/* Set by anyone who found no memory: give the lists back soon. */
	u32		drain_request __cacheline_aligned;
} __cacheline_aligned;

struct slab_state;

struct phys_mem {
	/* Immutable after boot. */
	struct phys_map		map;
	void			*mem_map_block;	/* what map.mem_map lies in */
	struct machine		*machine;
	bool			poison;		/* fill frames at free and allocation */
	unsigned int		nr_zones;
	unsigned int		nr_nodes;
	struct pcp_cpu		*pcps;		/* by vCPU */
	void			*pcp_stacks;	/* what pcps' lists lie in */
	pg_data_t		nodes[MAX_NUMNODES];

	/* Each under its own lock. */
	struct zone		zones[MAX_ZONES];

	/* Waiters for page bits, by hash of the page. */
	wait_queue_head_t	page_wait[PAGE_WAIT_TABLE_SIZE];

	struct slab_state	*slab;
};

_Static_assert(offsetof(struct phys_mem, map) == 0, "pfn_to_page()");

/* buddy.c: zone->lock held. */
struct page *buddy_alloc(struct phys_mem *phys, struct zone *zone,
			 unsigned int order);
unsigned int buddy_alloc_bulk(struct phys_mem *phys, struct zone *zone, u32 *pfns,
			      unsigned int nr);
void buddy_free(struct phys_mem *phys, struct zone *zone, struct page *page,
		unsigned int order);
void buddy_free_range(struct phys_mem *phys, struct zone *zone, unsigned long start,
		      unsigned long end);

/* pcp.c: the ways past a list that is empty, full or wanted by others. */
struct page *pcp_alloc_refill(struct phys_mem *phys, struct zone *zone, gfp_t gfp);
void pcp_shrink(struct phys_mem *phys, struct zone *zone);

static inline NO_TSAN struct page *phys_page(const struct phys_mem *phys, unsigned long pfn)
{
	return &phys->map.mem_map[pfn];
}

/* The page of a frame of the zone that the allocator has in hand, which may be its first time. */
static inline struct page *zone_page(const struct phys_mem *phys, const struct zone *zone,
				     unsigned long pfn)
{
	struct page *page = phys_page(phys, pfn);

	if (unlikely(page->pfn != pfn)) {
		page->pfn = (u32)pfn;
		page->zone_id = zone->id;
		page->nid = zone->nid;
		page_mapcount_reset(page);
	}
	return page;
}

/* The page on top. */
static inline struct page *pcp_pop(struct phys_mem *phys, struct pcp_list *list,
				   const struct zone *zone)
{
	unsigned int top = list->count - 1;

	RAW_WRITE_ONCE(list->count, top);
	return zone_page(phys, zone, list->pfn[top]);
}

/*
 * The next page to be given out, its description and its bytes, on their way into
 * the cache while this one is put to use.
 */
static inline void pcp_prefetch(const struct phys_mem *phys, const struct pcp_list *list)
{
	const struct machine *m = phys->machine;

	if (list->count) {
		u32 next = list->pfn[list->count - 1];
		const u8 *bytes = frame_data(m, next);

		__builtin_prefetch(phys_page(phys, next), 1);
		for (unsigned int i = 0; i < m->ram.frame_bytes; i += SMP_CACHE_BYTES)
			__builtin_prefetch(bytes + i, 1);
	}
}

/* The running vCPU's list of a zone. */
static inline NO_TSAN struct pcp_list *this_pcp_list(unsigned int zone_id)
{
	return &this_cpu()->pcp->lists[zone_id];
}

static inline NO_TSAN bool pcp_drain_requested(void)
{
	return READ_ONCE(this_cpu()->pcp->drain_request);
}

/* Through the running vCPU's lists. */
static inline struct page *pcp_alloc(struct phys_mem *phys, struct zone *zone,
				     gfp_t gfp)
{
	struct pcp_list *list = this_pcp_list(zone->id);
	struct page *page;

	if (unlikely(!list->count))
		return pcp_alloc_refill(phys, zone, gfp);
	page = pcp_pop(phys, list, zone);
#if !MM_TSAN
	pcp_prefetch(phys, list);
#endif
	return page;
}

static inline void pcp_free(struct phys_mem *phys, struct page *page)
{
	unsigned int zone_id = page->zone_id;
	struct pcp_list *list = this_pcp_list(zone_id);
	unsigned int count = list->count;

	list->pfn[count] = page->pfn;
	RAW_WRITE_ONCE(list->count, count + 1);
	if (unlikely(count >= list->high || pcp_drain_requested()))
		pcp_shrink(phys, &phys->zones[zone_id]);
}

/* The running vCPU's, preemption disabled; or any, on a quiet machine. */
void pcp_drain(struct phys_mem *phys, struct pcp_cpu *pcp);
/* Asks every vCPU to give its lists back at its next free. */
void pcp_request_drain(struct phys_mem *phys);

/* pcp.c: after zones_init().  0 or -ENOMEM. */
int pcps_init(struct phys_mem *phys);

/* page_alloc.c: how many pages may leave the zone, and may a block? */
long zone_spare_pages(const struct zone *zone, gfp_t gfp);
bool zone_watermark_ok(const struct zone *zone, unsigned int order, gfp_t gfp);

/* zone.c */
int zones_init(struct phys_mem *phys);

/* frame.c: a block's contents and generations, as it is given out and comes back. */
void frames_given(struct phys_mem *phys, struct page *page, unsigned int order,
		  gfp_t gfp);
void frames_returned(struct phys_mem *phys, struct page *page,
		     unsigned int order);
/* The host may use the memory for another machine. */
void frames_unpoison_all(struct phys_mem *phys);

#endif /* MMSTORM_PHYS_PHYS_MEM_H */
