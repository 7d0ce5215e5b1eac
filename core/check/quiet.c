/* SPDX-License-Identifier: MIT */
/*
 * The whole-machine recount: refs, struct, tlb and dirty.
 *
 * Everything that the mm counts is counted again from what is really there:
 * VMAs from the tree, RSS and table bytes from the entries, map and reference
 * counts from all entries of all processes and all tasks' pins, frames from the
 * allocator's lists.
 *
 * Runs with every task asleep outside the mm; takes mmap_lock for reading
 * where a walk asserts it.  Changes nothing.
 */
#include <stdlib.h>

#include "base/compiler.h"
#include "base/finding.h"
#include "check/recount.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "pgtable/walk.h"
#include "sync/rcu.h"

static void same_count(struct recount *rc, const char *title,
		       unsigned long counted, unsigned long kept)
{
	if (counted == kept)
		return;
	recount_report(rc, FINDING_STRUCT, title,
		       "mm %u: %lu counted, %lu kept", rc->mm->id, counted, kept);
}

/* Order, overlap, gaps and the mm's totals. */
void recount_vmas(struct recount *rc)
{
	unsigned long nr = 0, counted = 0, pages = 0, end = 0;
	struct mm_struct *mm = rc->mm;
	struct vm_area_struct *vma;
	struct vma_iter it;
	const char *wrong;

	wrong = vma_tree_check(mm, &nr);
	if (wrong)
		recount_report(rc, FINDING_STRUCT, "STRUCT: VMA tree broken",
			       "mm %u: %s", mm->id, wrong);
	for_each_vma(it, mm, vma) {
		if (vma->vm_mm != mm)
			recount_report(rc, FINDING_STRUCT,
				       "STRUCT: VMA of another mm in the tree",
				       "mm %u, VMA at 0x%lx", mm->id,
				       vma->vm_start);
		if (vma->vm_start < end || vma->vm_end <= vma->vm_start)
			recount_report(rc, FINDING_STRUCT, "STRUCT: VMAs overlap",
				       "mm %u: [0x%lx, 0x%lx) after 0x%lx",
				       mm->id, vma->vm_start, vma->vm_end, end);
		end = vma->vm_end;
		pages += vma_pages(vma);
		counted++;
	}
	same_count(rc, "STRUCT: entries of the VMA tree and its walk differ", counted, nr);
	same_count(rc, "STRUCT: map_count is off", counted, mm->map_count);
	same_count(rc, "STRUCT: total_vm is off", pages, mm->total_vm);
}

static void recount_mm(struct recount *rc, struct mm_struct *mm)
{
	static const char *const name[NR_MM_COUNTERS] = {
		[MM_FILEPAGES]	= "REFS: RssFile is off",
		[MM_ANONPAGES]	= "REFS: RssAnon is off",
		[MM_SWAPENTS]	= "REFS: VmSwap is off",
		[MM_SHMEMPAGES]	= "REFS: RssShmem is off",
	};
	unsigned int i;

	rc->mm = mm;
	for (i = 0; i < NR_MM_COUNTERS; i++)
		rc->rss[i] = 0;
	rc->table_bytes = 0;
	mmap_read_lock(mm);
	recount_vmas(rc);
	recount_tables(rc);
	if (rc->tlbs)
		recount_tlbs(rc);
	mmap_read_unlock(mm);
	for (i = 0; i < NR_MM_COUNTERS; i++)
		if (rc->rss[i] != atomic_long_read(&mm->rss_stat[i]))
			recount_report(rc, FINDING_REFS, name[i],
				       "mm %u: %ld counted, %ld kept", mm->id,
				       rc->rss[i],
				       atomic_long_read(&mm->rss_stat[i]));
	if (rc->table_bytes != atomic_long_read(&mm->context.pgtables_bytes))
		recount_report(rc, FINDING_REFS, "REFS: bytes of page tables are off",
			       "mm %u: %ld counted, %ld kept", mm->id,
			       rc->table_bytes,
			       atomic_long_read(&mm->context.pgtables_bytes));
}

static bool on(struct machine *m, enum check_id id)
{
	return m->chk && m->chk->mask & 1u << id;
}

unsigned int check_quiet(struct machine *m)
{
	struct recount rc = {
		.machine = m, .tlbs = on(m, CHECK_TLB), .dirtiness = on(m, CHECK_DIRTY),
	};
	struct mm_struct *mm;

	if (!on(m, CHECK_REFS) && !on(m, CHECK_STRUCT) && !rc.tlbs && !rc.dirtiness)
		return 0;
	/* What only waits for readers is not lost. */
	rcu_barrier();
	rc.mapped = machine_zalloc(m, m->ram.nr_frames * sizeof(*rc.mapped), 0);
	rc.dirty = machine_zalloc(m, m->ram.nr_frames * sizeof(*rc.dirty), 0);
	rc.pinned = machine_zalloc(m, m->ram.nr_frames * sizeof(*rc.pinned), 0);
	if (!rc.mapped || !rc.dirty || !rc.pinned) {
		check_count(this_cpu(), CHECK_REFS, false);
		check_count(this_cpu(), CHECK_STRUCT, false);
		goto out;
	}
	list_for_each_entry(mm, &m->mmg->mms, mmlist)
		if (!mm->exiting)
			recount_mm(&rc, mm);
	recount_pins(&rc);
	recount_frames(&rc);
	check_count(this_cpu(), CHECK_REFS, true);
	check_count(this_cpu(), CHECK_STRUCT, true);
out:
	machine_free(m, rc.mapped);
	machine_free(m, rc.dirty);
	machine_free(m, rc.pinned);
	return rc.findings;
}
