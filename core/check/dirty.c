/* SPDX-License-Identifier: MIT */
/*
 * The oracle of the dirty bit: dirty.
 *
 * A page that an access has stored to is dirty when nobody runs: an entry that maps it
 * says so, or the page itself does, to which zap and migration hand it on.  Who
 * changes an entry must not lose a D that the MMU sets meanwhile; the next who takes the
 * page for clean would lose what was stored (FreeBSD PR 61852).
 *
 * Owns check_state.stored, a byte for each frame: set by whoever stores, cleared by who
 * takes the frame from the allocator.  No locks.
 */
#include "base/compiler.h"
#include "base/finding.h"
#include "check/recount.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "phys/page.h"

void check_frame_alloc(struct machine *m, unsigned long pfn, unsigned int order)
{
	unsigned long end = pfn + (1UL << order);

	for (; pfn < end; pfn++)
		WRITE_ONCE(m->chk->stored[pfn], 0);
}

void check_stored(struct vcpu *cpu, const struct access_record *rec)
{
	u8 *stored = &cpu->machine->chk->stored[rec->pfn];

	/* Most stores are not the first: the line stays shared. */
	if (!READ_ONCE(*stored))
		WRITE_ONCE(*stored, 1);
}

void recount_dirty(struct recount *rc, const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	if (!rc->machine->chk->stored[pfn])
		return;
	/* Out of every address space and file: only a pin keeps it, for nobody to lose. */
	if (!rc->mapped[pfn] && !page_mapping(page))
		return;
	check_count(this_cpu(), CHECK_DIRTY, true);
	if (rc->dirty[pfn] || PageDirty(page))
		return;
	recount_report(rc, FINDING_STRUCT, "DIRTY: a page was stored to and is clean",
		       "frame %lu, index 0x%lx, mapped by %u entries, none of them dirty",
		       pfn, page->index, rc->mapped[pfn]);
}
