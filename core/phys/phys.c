/* SPDX-License-Identifier: MIT */
/*
 * The room's life: machine->phys from boot to shutdown, and the count that
 * says where every frame is.
 *
 * Owns allocation of the room's own tables from the host.  Runs while nobody
 * else does, so takes no locks.  Must never be called with vCPUs running.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "phys/phys_mem.h"
#include "phys/slab.h"

static void phys_free(struct phys_mem *phys)
{
	struct machine *m = phys->machine;

	machine_free(m, phys->pcp_stacks);
	machine_free(m, phys->pcps);
	machine_free(m, phys->mem_map_block);
	machine_free(m, phys);
}

static struct phys_mem *phys_new(struct machine *m)
{
	struct phys_mem *phys = machine_zalloc(m, sizeof(*phys), SMP_CACHE_BYTES);

	if (!phys)
		return NULL;
	phys->machine = m;
	phys->map.nr_frames = m->ram.nr_frames;
	/*
	 * Untouched pages of it cost nothing: an all-zero page is a valid one.  In
	 * step with the cache's lines, so that a page of 64 bytes is in one of them.
	 */
	phys->mem_map_block = machine_zalloc(m, (m->ram.nr_frames + 1) * sizeof(struct page), 0);
	phys->map.mem_map = (struct page *)ALIGN((uintptr_t)phys->mem_map_block,
						 SMP_CACHE_BYTES);
	phys->pcps = machine_zalloc(m, m->nr_cpus * sizeof(*phys->pcps), SMP_CACHE_BYTES);
	if (!phys->mem_map_block || !phys->pcps) {
		phys_free(phys);
		return NULL;
	}
	return phys;
}

int phys_init(struct machine *m)
{
	struct phys_mem *phys = phys_new(m);
	int err;

	if (!phys)
		return -ENOMEM;
	phys->poison = MM_CHECK && m->config.checks;
	for (unsigned int i = 0; i < PAGE_WAIT_TABLE_SIZE; i++)
		init_waitqueue_head(&phys->page_wait[i]);
	m->phys = phys;
	zones_init(phys);
	err = pcps_init(phys);
	if (!err)
		err = slab_init(m);
	if (err) {
		m->phys = NULL;
		phys_free(phys);
	}
	return err;
}

static void report_frames(struct machine *m)
{
	struct frame_count fc;

	phys_count_frames(m, &fc);
	if (fc.allocated)
		finding_report_to(&m->sink, FINDING_REFS,
				  "REFS: frames allocated at shutdown",
				  "%lu of %lu frames, %lu of them page tables",
				  fc.allocated, fc.total, fc.tables);
	if (fc.broken)
		finding_report_to(&m->sink, FINDING_REFS,
				  "REFS: frames lost or owned twice at shutdown",
				  "%lu of %lu frames", fc.broken, fc.total);
}

void phys_exit(struct machine *m)
{
	struct phys_mem *phys = m->phys;

	if (!phys)
		return;
	slab_exit(m);
	report_frames(m);
	frames_unpoison_all(phys);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		m->cpus[i]->pcp = NULL;
	m->phys = NULL;
	phys_free(phys);
}

unsigned long nr_free_pages(struct machine *m)
{
	struct phys_mem *phys = m->phys;
	unsigned long sum = 0;

	for (unsigned int i = 0; i < phys->nr_zones; i++) {
		sum += READ_ONCE(phys->zones[i].free_pages);
		for (unsigned int c = 0; c < m->nr_cpus; c++)
			sum += RAW_READ_ONCE(phys->pcps[c].lists[i].count);
	}
	return sum;
}

/* Frames on the free lists of the buddy. */
static unsigned long count_buddy(struct phys_mem *phys)
{
	unsigned long frames = 0;

	for (unsigned int i = 0; i < phys->nr_zones; i++)
		for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
			frames += list_count_nodes(&phys->zones[i].free_area[o].free_list) << o;
	return frames;
}

/* Marks a list's pages, or takes the marks away; returns how many had it already. */
static unsigned long mark_list(struct phys_mem *phys, const struct pcp_list *list,
			       bool mark)
{
	unsigned long had = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		struct page *page = &phys->map.mem_map[list->pfn[i]];

		had += PagePcp(page);
		if (mark)
			__SetPagePcp(page);
		else
			__ClearPagePcp(page);
	}
	return had;
}

static unsigned long mark_lists(struct phys_mem *phys, bool mark)
{
	unsigned long had = 0;

	for (unsigned int c = 0; c < phys->machine->nr_cpus; c++)
		for (unsigned int i = 0; i < phys->nr_zones; i++)
			had += mark_list(phys, &phys->pcps[c].lists[i], mark);
	return had;
}

static unsigned long distance(unsigned long a, unsigned long b)
{
	return a > b ? a - b : b - a;
}

/* Classes one page; returns how many frames it speaks for. */
static unsigned long count_page(const struct page *page, struct frame_count *fc)
{
	unsigned long n = 1UL << page->order;

	if (PageReserved(page)) {
		fc->reserved++;
		return 1;
	}
	if (PageBuddy(page)) {
		fc->buddy += n;
		fc->broken += page_ref_count(page) || PagePcp(page) ? n : 0;
		return n;
	}
	if (PagePcp(page)) {
		fc->pcp++;
		fc->broken += page_ref_count(page) ? 1 : 0;
		return 1;
	}
	if (page_ref_count(page) > 0) {
		fc->allocated += n;
		fc->tables += PageTable(page) ? n : 0;
		return n;
	}
	fc->broken++;
	return 1;
}

void phys_count_frames(struct machine *m, struct frame_count *fc)
{
	struct phys_mem *phys = m->phys;

	*fc = (struct frame_count){ .total = phys->map.nr_frames };
	fc->broken = mark_lists(phys, true);
	for (unsigned long pfn = 0; pfn < fc->total; )
		pfn += count_page(&phys->map.mem_map[pfn], fc);
	mark_lists(phys, false);
	fc->broken += distance(count_buddy(phys), fc->buddy);
}
