/* SPDX-License-Identifier: MIT */
/*
 * Nodes and zones: how a machine's frames are divided, and the numbers that
 * follow from a zone's size.
 *
 * Owns nodes, zonelists, watermarks, reserves and per-CPU list sizes; all are
 * immutable after boot, so no locks.  Hands the frames to the buddy once.
 * Must never look at a page's contents.
 *
 * Today a machine is one node with one zone, Normal; the arithmetic is that of
 * mm/page_alloc.c for any number of them.
 */
#include "phys/phys_mem.h"

/* vm.min_free_kbytes' default bounds, vm.watermark_scale_factor. */
#define MIN_FREE_KB_LOW		128UL
#define MIN_FREE_KB_HIGH	262144UL
#define WATERMARK_SCALE		10UL

/* vm.lowmem_reserve_ratio, by zone_type. */
static const unsigned long lowmem_ratio[MAX_NR_ZONES] = {
	[ZONE_DMA32] = 256,
	[ZONE_NORMAL] = 32,
};

static unsigned long int_sqrt(unsigned long x)
{
	unsigned long r = 0;

	for (unsigned long bit = 1UL << 31; bit; bit >>= 1)
		if ((r | bit) * (r | bit) <= x)
			r |= bit;
	return r;
}

static unsigned long managed_sum(const struct phys_mem *phys)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < phys->nr_zones; i++)
		sum += phys->zones[i].managed_pages;
	return sum;
}

/*
 * calculate_min_free_kbytes(), in pages.  A machine of a few MiB, which the
 * kernel does not know, keeps at most 1/32 back.
 */
static unsigned long min_free_pages(unsigned long managed)
{
	unsigned long kb = int_sqrt((managed << (PAGE_SHIFT - 10)) * 16);

	kb = max(min(kb, MIN_FREE_KB_HIGH), MIN_FREE_KB_LOW);
	return min(kb >> (PAGE_SHIFT - 10), managed / 32);
}

/* __setup_per_zone_wmarks(): low and high are min plus one and two steps. */
static void setup_watermarks(struct phys_mem *phys)
{
	unsigned long sum = managed_sum(phys);
	unsigned long pages_min = min_free_pages(sum);

	for (unsigned int i = 0; i < phys->nr_zones; i++) {
		struct zone *z = &phys->zones[i];
		unsigned long share = pages_min * z->managed_pages / sum;
		unsigned long step = max(share / 4,
					 z->managed_pages * WATERMARK_SCALE / 10000);

		z->watermark[WMARK_MIN] = share;
		z->watermark[WMARK_LOW] = share + step;
		z->watermark[WMARK_HIGH] = share + 2 * step;
	}
}

/* setup_per_zone_lowmem_reserve(): what higher zones' requests must leave. */
static void setup_lowmem_reserve(struct phys_mem *phys)
{
	for (unsigned int n = 0; n < phys->nr_nodes; n++) {
		struct zone **zones = phys->nodes[n].node_zones;

		for (int low = 0; low < MAX_NR_ZONES; low++) {
			unsigned long above = 0;

			for (int up = low + 1; zones[low] && up < MAX_NR_ZONES; up++) {
				above += zones[up] ? zones[up]->managed_pages : 0;
				zones[low]->lowmem_reserve[up] = above / lowmem_ratio[low];
			}
		}
	}
}

/*
 * zone_batchsize(), zone_highsize().  On small machines, which the kernel
 * would give a batch of 1, a batch is as much as keeps the lists of all vCPUs
 * below a sixteenth of the zone.
 */
static void setup_pcp(struct phys_mem *phys, struct zone *z)
{
	unsigned int cpus = phys->machine->nr_cpus;
	unsigned long batch = min(z->managed_pages >> 12, 64UL);
	unsigned long fair = min(z->managed_pages / (64UL * cpus), 31UL);

	if (batch > 1)
		batch = (1UL << __fls(batch + batch / 2)) - 1;
	z->pcp_batch = (unsigned int)max(max(batch, fair), 1UL);
	z->pcp_high = (unsigned int)max(z->watermark[WMARK_LOW] / cpus,
					4UL * z->pcp_batch);
	z->pcp_high = (unsigned int)min((unsigned long)z->pcp_high,
					max(z->managed_pages / (8UL * cpus), 1UL));
	z->pcp_batch = min(z->pcp_batch, z->pcp_high);
}

static struct zone *add_zone(struct phys_mem *phys, u8 nid, enum zone_type type,
			     const char *name, unsigned long start,
			     unsigned long end)
{
	struct zone *z = &phys->zones[phys->nr_zones];

	z->id = (u8)phys->nr_zones++;
	z->name = name;
	z->type = type;
	z->nid = nid;
	z->zone_start_pfn = start;
	z->spanned_pages = end - start;
	spin_lock_init(&z->lock, LOCK_RANK_ZONE, "zone_lock");
	for (int order = 0; order < NR_PAGE_ORDERS; order++)
		INIT_LIST_HEAD(&z->free_area[order].free_list);
	phys->nodes[nid].node_id = nid;
	phys->nodes[nid].node_zones[type] = z;
	return z;
}

/* Gives [start, end) to the buddy. */
static void free_range(struct phys_mem *phys, struct zone *z,
		       unsigned long start, unsigned long end)
{
	spin_lock(&z->lock);
	buddy_free_range(phys, z, start, end);
	z->managed_pages += end - start;
	spin_unlock(&z->lock);
}

/* build_zonelists(): own node first, its highest zone first. */
static void build_zonelists(struct phys_mem *phys)
{
	for (unsigned int n = 0; n < phys->nr_nodes; n++) {
		unsigned int nr = 0;

		for (unsigned int d = 0; d < phys->nr_nodes; d++) {
			pg_data_t *pgdat = &phys->nodes[(n + d) % phys->nr_nodes];

			for (int t = MAX_NR_ZONES - 1; t >= 0; t--)
				if (pgdat->node_zones[t])
					phys->nodes[n].node_zonelist.zones[nr++] =
						pgdat->node_zones[t];
		}
	}
}

int zones_init(struct phys_mem *phys)
{
	unsigned long nr = phys->map.nr_frames;
	struct zone *normal;

	phys->nr_nodes = 1;
	normal = add_zone(phys, 0, ZONE_NORMAL, "Normal", 0, nr);
	/* Frame 0 stays out: a frame number of 0 in an entry is a mistake. */
	__SetPageReserved(&phys->map.mem_map[0]);
	free_range(phys, normal, 1, nr);
	build_zonelists(phys);
	setup_watermarks(phys);
	setup_lowmem_reserve(phys);
	for (unsigned int i = 0; i < phys->nr_zones; i++)
		setup_pcp(phys, &phys->zones[i]);
	return 0;
}
