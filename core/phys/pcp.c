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
#include <errno.h>
#include <stdlib.h>

#include "phys/phys_mem.h"
#include "sync/irqflags.h"

/* rmqueue_bulk(): a batch, as far as the watermarks let it. */
static void refill(struct phys_mem *phys, struct pcp_list *list,
		   struct zone *zone, gfp_t gfp)
{
	unsigned int got;
	long spare;

	spin_lock(&zone->lock);
	spare = zone_spare_pages(zone, gfp);
	spare = min(spare, (long)zone->pcp_batch);
	if (spare > 0) {
		got = buddy_alloc_bulk(phys, zone, list->pfn + list->count,
				       (unsigned int)spare);
		RAW_WRITE_ONCE(list->count, list->count + got);
	}
	spin_unlock(&zone->lock);
}

/*
 * The run of neighbours, upwards or downwards, on top of the stack: what is unmapped
 * together is often freed in order.  Takes up to max of them off; [*start, *end).
 */
static unsigned int pop_run(struct pcp_list *list, unsigned int max,
			    unsigned long *start, unsigned long *end)
{
	const u32 *top = list->pfn + list->count - 1;
	u32 step = max > 1 ? top[0] - top[-1] : 0;
	unsigned int n = 1;

	if (step == 1 || step == (u32)-1)
		while (n < max && *(top - n + 1) - *(top - n) == step)
			n++;
	*start = min(top[0], *(top - n + 1));
	*end = *start + n;
	RAW_WRITE_ONCE(list->count, list->count - n);
	return n;
}

/* free_pcppages_bulk() */
static void give_back(struct phys_mem *phys, struct pcp_list *list,
		      struct zone *zone, unsigned int count)
{
	unsigned long start, end;

	count = min(count, list->count);
	spin_lock(&zone->lock);
	while (count) {
		count -= pop_run(list, count, &start, &end);
		buddy_free_range(phys, zone, start, end);
	}
	spin_unlock(&zone->lock);
}

struct page *pcp_alloc_refill(struct phys_mem *phys, struct zone *zone,
			      gfp_t gfp)
{
	struct pcp_list *list;
	struct page *page;

	preempt_disable();
	list = this_pcp_list(zone->id);
	refill(phys, list, zone, gfp);
	page = list->count ? pcp_pop(phys, list, zone) : NULL;
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

/* A vCPU's stacks of all zones, one behind the other, on lines of their own. */
static size_t stack_size(const struct zone *zone)
{
	size_t pages = zone->pcp_high + zone->pcp_batch + 1;

	return ALIGN(pages * sizeof(u32), SMP_CACHE_BYTES);
}

int pcps_init(struct phys_mem *phys)
{
	size_t bytes = 0;
	u8 *at;

	for (unsigned int i = 0; i < phys->nr_zones; i++)
		bytes += stack_size(&phys->zones[i]);
	at = phys->pcp_stacks = machine_alloc(phys->machine, bytes * phys->machine->nr_cpus,
					      SMP_CACHE_BYTES);
	if (!at)
		return -ENOMEM;
	for (unsigned int c = 0; c < phys->machine->nr_cpus; c++) {
		phys->machine->cpus[c]->pcp = &phys->pcps[c];
		for (unsigned int i = 0; i < phys->nr_zones; i++) {
			phys->pcps[c].lists[i].pfn = (u32 *)at;
			phys->pcps[c].lists[i].high = phys->zones[i].pcp_high;
			at += stack_size(&phys->zones[i]);
		}
	}
	return 0;
}
