/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU page lists: order-0 pages that pass between owners without a lock.
 *
 * A vCPU's lists are touched by that vCPU alone, so no shared line is written
 * on the way of an allocation or a free; a batch at a time moves between them
 * and the buddy under zone->lock.  Must never be used from an interrupt handler.
 *
 * Tasks change places only at scheduling points.  The way through a list has
 * none and so needs nothing more; where the zone's lock is taken, which is a
 * point, preemption is off.
 */
#include "phys/phys_mem.h"
#include "sync/irqflags.h"

/* rmqueue_bulk(): a batch, as far as the watermarks let it. */
static void refill(struct phys_mem *phys, struct pcp_list *list,
		   struct zone *zone, gfp_t gfp)
{
	spin_lock(&zone->lock);
	for (unsigned int i = 0; i < zone->pcp_batch; i++) {
		struct page *page;

		if (!zone_watermark_ok(zone, 0, gfp))
			break;
		page = buddy_alloc(phys, zone, 0);
		if (!page)
			break;
		page->zone_id = zone->id;
		page->nid = zone->nid;
		pcp_push(list, page);
	}
	spin_unlock(&zone->lock);
}

/* free_pcppages_bulk() */
static void give_back(struct phys_mem *phys, struct pcp_list *list,
		      struct zone *zone, unsigned int count)
{
	spin_lock(&zone->lock);
	while (count-- && list->count) {
		struct page *page = pcp_pop(list);

		__ClearPagePcp(page);
		buddy_free(phys, zone, page, 0);
	}
	spin_unlock(&zone->lock);
}

struct page *pcp_alloc_refill(struct phys_mem *phys, struct zone *zone,
			      gfp_t gfp)
{
	struct pcp_list *list;
	struct page *page;

	preempt_disable();
	list = &this_cpu()->pcp->lists[zone->id];
	refill(phys, list, zone, gfp);
	page = list->head ? pcp_pop(list) : NULL;
	preempt_enable();
	return page;
}

/* Too many, or somebody is short of memory. */
void pcp_shrink(struct phys_mem *phys, struct zone *zone)
{
	struct pcp_cpu *pcp;

	preempt_disable();
	pcp = this_cpu()->pcp;
	if (READ_ONCE(pcp->drain_request)) {
		WRITE_ONCE(pcp->drain_request, 0);
		pcp_drain(phys, pcp);
	} else {
		give_back(phys, &pcp->lists[zone->id], zone, zone->pcp_batch);
	}
	preempt_enable();
}

void pcp_drain(struct phys_mem *phys, struct pcp_cpu *pcp)
{
	for (unsigned int i = 0; i < phys->nr_zones; i++)
		if (pcp->lists[i].count)
			give_back(phys, &pcp->lists[i], &phys->zones[i],
				  pcp->lists[i].count);
}

void pcp_request_drain(struct phys_mem *phys)
{
	for (unsigned int i = 0; i < phys->machine->nr_cpus; i++)
		WRITE_ONCE(phys->pcps[i].drain_request, 1);
}

void drain_local_pages(void)
{
	preempt_disable();
	pcp_drain(this_machine()->phys, this_cpu()->pcp);
	preempt_enable();
}

void drain_all_pages(struct machine *m)
{
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		pcp_drain(m->phys, &m->phys->pcps[i]);
}
