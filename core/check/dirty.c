/* SPDX-License-Identifier: MIT */
/*
 * The oracle of the dirty bit: dirty.
 *
 * A page that an access has stored to is dirty when nobody runs: an entry that maps it
 * says so, or the page itself does, to which zap and migration hand it on.  Who
 * changes an entry must not lose a D that the MMU sets meanwhile; the next who takes the
 * page for clean would lose what was stored (FreeBSD PR 61852).
 *
 * Owns nothing; what was stored to, frame.c knows.  The machine is quiet.
 */
#include "base/compiler.h"
#include "base/finding.h"
#include "check/recount.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "phys/page.h"

void recount_dirty(struct recount *rc, const struct page *page)
{
	unsigned long pfn = page_to_pfn(page);

	if (!rc->machine->chk->frames[pfn].stored)
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
