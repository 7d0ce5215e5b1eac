/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_PAGE_ALLOC_H
#define MMSTORM_PHYS_PAGE_ALLOC_H

#include "phys/gfp.h"
#include "phys/page.h"
#include "sync/wait.h"

/*
 * Nodes, zones, the buddy allocator and per-CPU page lists, with the
 * structure of include/linux/mmzone.h and mm/page_alloc.c.
 *
 * Orders 0..MAX_PAGE_ORDER are buddy blocks under zone->lock.  Order-0 pages
 * pass through a list per vCPU and zone, touched by that vCPU only, with
 * preemption disabled; it exchanges `batch' pages with the buddy at a time.
 */

#define MAX_PAGE_ORDER	10
#define NR_PAGE_ORDERS	(MAX_PAGE_ORDER + 1)
#define MAX_NUMNODES	4
#define MAX_ZONES	8		/* over all nodes */

enum zone_type { ZONE_DMA32, ZONE_NORMAL, MAX_NR_ZONES };
enum zone_watermarks { WMARK_MIN, WMARK_LOW, WMARK_HIGH, NR_WMARK };

struct free_area {
	struct list_head	free_list;	/* by page->lru */
	unsigned long		nr_free;	/* blocks */
};

struct zone {
	/* Immutable after boot. */
	const char		*name;
	enum zone_type		type;
	u8			id;		/* index in phys_mem.zones */
	u8			nid;
	unsigned long		zone_start_pfn;
	unsigned long		spanned_pages;
	unsigned long		managed_pages;
	unsigned long		watermark[NR_WMARK];	/* pages; 3.14's arithmetic */
	unsigned long		lowmem_reserve[MAX_NR_ZONES];
	unsigned int		pcp_batch;	/* pages moved at a time */
	unsigned int		pcp_high;	/* kept per vCPU at most */

	/* Under lock. */
	spinlock_t		lock __cacheline_aligned;
	struct free_area	free_area[NR_PAGE_ORDERS];
	unsigned long		free_pages;	/* in free_area; read by anyone */
	unsigned long		used_end;	/* frames from here on were never handed out */
};

/* Zones in order of preference for one request. */
struct zonelist {
	struct zone	*zones[MAX_ZONES + 1];	/* NULL-terminated */
};

typedef struct pglist_data {
	int		node_id;
	struct zone	*node_zones[MAX_NR_ZONES];
	struct zonelist	node_zonelist;
} pg_data_t;

/* Boot: makes m->phys; every frame but 0 is free.  0 or -ENOMEM. */
int phys_init(struct machine *m);
/* Shutdown: frames still allocated, or lost, are a REFS finding. */
void phys_exit(struct machine *m);

/*
 * 2^order frames, _refcount 1 on the head, or NULL (no memory, or injected).
 * May sleep for reclaim only with __GFP_DIRECT_RECLAIM.  alloc_pages().
 */
struct page *alloc_pages(gfp_t gfp, unsigned int order);
static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/* Drops the caller's reference; frees the block when it was the last. */
void __free_pages(struct page *page, unsigned int order);
static inline void free_page(struct page *page)
{
	__free_pages(page, 0);
}

/* This vCPU's lists go back to the buddy (or all vCPUs', machine quiet). */
void drain_local_pages(void);
void drain_all_pages(struct machine *m);

/* Free frames, in buddy and lists; exact only when the machine is quiet. */
unsigned long nr_free_pages(struct machine *m);

/* Where every frame is, for the refs oracle.  The machine is quiet. */
struct frame_count {
	unsigned long	total;		/* frames of the machine */
	unsigned long	reserved;	/* frame 0 and boot's */
	unsigned long	buddy;
	unsigned long	pcp;
	unsigned long	allocated;	/* pages with _refcount > 0, all orders */
	unsigned long	tables;		/* of those, page-table pages */
	unsigned long	broken;		/* in no or in two of these places */
};
/*
 * Walks lists and pages; reserved + buddy + pcp + allocated = total and
 * broken = 0, or a frame was lost or is owned twice.
 */
void phys_count_frames(struct machine *m, struct frame_count *fc);

#endif /* MMSTORM_PHYS_PAGE_ALLOC_H */
