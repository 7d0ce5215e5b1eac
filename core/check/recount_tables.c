/* SPDX-License-Identifier: MIT */
/*
 * The recount's walk of page tables: each entry against the VMA that it lies
 * in and the page that it maps; then each frame against the sum of entries.
 */
#include "base/compiler.h"
#include "base/finding.h"
#include "check/recount.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/tlb.h"
#include "hw/vcpu.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/memory.h"
#include "mm/rmap.h"
#include "mm/vma.h"
#include "pgtable/pte.h"
#include "pgtable/swapops.h"
#include "pgtable/switch.h"
#include "pgtable/walk.h"
#include "phys/page.h"
#include "phys/phys_mem.h"

static void visit_table(void *arg, struct page *table, unsigned int level,
			unsigned long addr)
{
	struct recount *rc = arg;

	rc->tables++;
	if (level < rc->machine->arch->levels)
		rc->table_bytes += PAGE_SIZE;
	if (!PageTable(table) || page_ref_count(table) < 1)
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: an entry leads to a page that is no table",
			       "mm %u, address 0x%lx, level %u, frame %lu",
			       rc->mm->id, addr, level, page_to_pfn(table));
}

/* The reverse map must find this entry: same anon_vma chain, same address. */
static bool rmap_finds_anon(struct vm_area_struct *vma, struct page *page)
{
	struct anon_vma *av = page_anon_vma(page);
	struct anon_vma_chain *avc;

	list_for_each_entry(avc, &vma->anon_vma_chain, same_vma)
		if (avc->anon_vma == av)
			return true;
	return false;
}

static bool rmap_finds(struct vm_area_struct *vma, struct page *page,
		       unsigned long addr)
{
	unsigned long pgoff = vma->vm_pgoff +
			      ((addr - vma->vm_start) >> PAGE_SHIFT);

	if (READ_ONCE(page->index) != pgoff)
		return false;
	if (PageAnon(page))
		return rmap_finds_anon(vma, page);
	return vma->vm_file && page_mapping(page) == vma->vm_file->f_mapping;
}

/* Truncation leaves nothing mapped there, not even what was copied from it. */
static bool past_end_of_file(const struct vm_area_struct *vma, unsigned long addr)
{
	u64 index = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);

	return vma->vm_file && vma->vm_kind == VMA_FILE &&
	       index >= eof_index(vma->vm_file->f_mapping->host);
}

static int rss_kind(const struct page *page)
{
	if (PageAnon(page))
		return MM_ANONPAGES;
	if (page_mapping(page) && inode_is_shmem(page_mapping(page)->host))
		return MM_SHMEMPAGES;
	return MM_FILEPAGES;
}

static void visit_mapped(struct recount *rc, struct vm_area_struct *vma,
			 pte_t pte, unsigned long addr)
{
	unsigned long pfn = pte_pfn(pte);
	struct page *page;

	if (is_zero_pfn(pfn)) {
		if (pte_write(pte))
			recount_report(rc, FINDING_STRUCT,
				       "STRUCT: the zero page is mapped writable",
				       "mm %u, address 0x%lx", rc->mm->id, addr);
		return;
	}
	if (pfn >= rc->machine->ram.nr_frames) {
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: an entry leads out of RAM",
			       "mm %u, address 0x%lx, entry 0x%llx", rc->mm->id,
			       addr, (unsigned long long)pte_val(pte));
		return;
	}
	page = pfn_to_page(pfn);
	rc->mapped[pfn]++;
	rc->dirty[pfn] |= pte_dirty(pte);
	rc->rss[rss_kind(page)]++;
	if (page_ref_count(page) < 1)
		recount_report(rc, FINDING_REFS, "REFS: a free page is mapped",
			       "mm %u, address 0x%lx, frame %lu", rc->mm->id,
			       addr, pfn);
	else if (!rmap_finds(vma, page, addr))
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: a mapped page is out of reach of its reverse map",
			       "mm %u, address 0x%lx, frame %lu, index 0x%lx",
			       rc->mm->id, addr, pfn, page->index);
}

static void visit_pte(void *arg, pte_t *ptep, pte_t pte, unsigned long addr)
{
	struct recount *rc = arg;
	struct vm_area_struct *vma = vma_lookup(rc->mm, addr);

	(void)ptep;
	rc->ptes++;
	if (!vma) {
		recount_report(rc, FINDING_STRUCT, "STRUCT: an entry outside every VMA",
			       "mm %u, address 0x%lx, entry 0x%llx", rc->mm->id,
			       addr, (unsigned long long)pte_val(pte));
		return;
	}
	if (pte_write(pte) && pte_accessible(pte) && !(vma->vm_flags & VM_WRITE))
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: a writable entry in a VMA that is not",
			       "mm %u, address 0x%lx", rc->mm->id, addr);
	if (pte_present(pte) && past_end_of_file(vma, addr))
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: a page is mapped past the end of its file",
			       "mm %u, address 0x%lx", rc->mm->id, addr);
	if (pte_present(pte))
		visit_mapped(rc, vma, pte, addr);
	else if (is_swap_pte(pte) && is_migration_entry(pte_to_swp_entry(pte)))
		recount_report(rc, FINDING_STRUCT,
			       "STRUCT: a migration entry was left behind",
			       "mm %u, address 0x%lx", rc->mm->id, addr);
}

void recount_tables(struct recount *rc)
{
	struct pgtable_visit visit = {
		.table = visit_table, .pte = visit_pte, .arg = rc,
	};

	pgtable_visit(&rc->mm->context, &visit);
}

/*
 * Frames
 */

static void recount_task_pins(struct task_struct *task, void *arg)
{
	struct recount *rc = arg;
	const struct user_pin *pin;
	unsigned int i;

	for (pin = task->pins; pin < task->pins + PINS_MAX; pin++)
		for (i = 0; i < pin->nr; i++)
			rc->pinned[page_to_pfn(pin->page[i])] +=
				pin->how & PIN_GET ? 1 : GUP_PIN_COUNTING_BIAS;
}

void recount_pins(struct recount *rc)
{
	kern_for_each_task(rc->machine, recount_task_pins, rc);
}

/* References that a page in no table, cache or list can still have: none. */
static void recount_page(struct recount *rc, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	unsigned int mapped = rc->mapped[pfn];
	int expected;

	if (PageTable(page) || PageReserved(page) || PageZero(page))
		return;
	if (PageBuddy(page) || page_ref_count(page) == 0) {
		if (mapped)
			recount_report(rc, FINDING_REFS,
				       "REFS: a page of the allocator is mapped",
				       "frame %lu, %u times", pfn, mapped);
		return;
	}
	if (page_mapcount(page) != (int)mapped)
		recount_report(rc, FINDING_REFS, "REFS: mapcount is off",
			       "frame %lu: mapped by %u entries, mapcount %d",
			       pfn, mapped, page_mapcount(page));
	expected = (int)(mapped + rc->pinned[pfn]) + (page_mapping(page) != NULL);
	if (!expected)
		recount_report(rc, FINDING_REFS, "REFS: a frame was lost",
			       "frame %lu: %d references, nobody maps or caches it",
			       pfn, page_ref_count(page));
	else if (page_ref_count(page) != expected)
		recount_report(rc, FINDING_REFS, "REFS: refcount is off",
			       "frame %lu: %d references, %d owners", pfn,
			       page_ref_count(page), expected);
	if (rc->dirtiness)
		recount_dirty(rc, page);
}

void recount_frames(struct recount *rc)
{
	const struct phys_mem *phys = rc->machine->phys;
	struct frame_count fc;
	unsigned long pfn, sum;

	for (pfn = 1; pfn < rc->machine->ram.nr_frames; pfn++) {
		/* Nobody's, and nobody says otherwise: most are. */
		if (rc->mapped[pfn] || page_ref_count(phys_page(phys, pfn)))
			recount_page(rc, pfn);
	}
	phys_count_frames(rc->machine, &fc);
	sum = fc.reserved + fc.buddy + fc.pcp + fc.allocated;
	if (fc.broken || sum != fc.total)
		recount_report(rc, FINDING_REFS, "REFS: frames are not conserved",
			       "%lu frames: %lu reserved, %lu buddy, %lu in per-CPU lists, %lu allocated, %lu in no or two places",
			       fc.total, fc.reserved, fc.buddy, fc.pcp,
			       fc.allocated, fc.broken);
}

/*
 * TLBs: an entry that may be used as it stands must be what a walk would find.
 *
 * It may be used when its tag's slot has all of its mm's flushes: the switch
 * that loads the slot, now or later, will then flush nothing.
 */

struct tlb_look {
	struct recount	*rc;
	struct vcpu	*cpu;
	unsigned int	pcid;
};

static bool tlb_entry_backed(struct mm_context *ctx, unsigned long va,
			     const struct tlb_entry *entry)
{
	pte_t *ptep = pgtable_peek_pte(ctx, va);
	pte_t pte;

	if (!ptep)
		return false;
	pte = ptep_get(ptep);
	if (!pte_accessible(pte) || pte_pfn(pte) != tlb_pfn(entry, va))
		return false;
	if (entry->flags & TLB_WRITE && !pte_write(pte))
		return false;
	/* A store through it would set no D any more. */
	return !(entry->flags & TLB_DIRTY) || pte_dirty(pte);
}

static bool look_at_entry(void *arg, unsigned long va, unsigned int tag,
			  const struct tlb_entry *entry)
{
	struct tlb_look *look = arg;
	struct recount *rc = look->rc;

	if (tag != look->pcid || entry->flags & (TLB_2M | TLB_GLOBAL))
		return true;
	check_count(this_cpu(), CHECK_TLB, true);
	if (!tlb_entry_backed(&rc->mm->context, va, entry))
		recount_report(rc, FINDING_STALE,
			       "TLB: a live entry that the page tables do not back",
			       "mm %u, vCPU %u, address 0x%lx, frame %u, flags 0x%x%s",
			       rc->mm->id, look->cpu->nr, va, entry->pfn,
			       entry->flags, entry->flags & TLB_SPECULATED ?
			       " (filled by speculation)" : "");
	return true;
}

/* The entries of rc->mm in every vCPU's TLB. */
void recount_tlbs(struct recount *rc)
{
	struct mm_context *ctx = &rc->mm->context;
	unsigned int i, asid;

	for (i = 0; i < rc->machine->nr_cpus; i++) {
		struct vcpu *cpu = rc->machine->cpus[i];
		struct tlb_look look = { .rc = rc, .cpu = cpu };

		for (asid = 0; asid < TLB_NR_DYN_ASIDS; asid++) {
			const struct tlb_slot *slot = &cpu->tlbstate->slots[asid];

			if (slot->ctx_id != ctx->ctx_id || slot->tlb_gen !=
			    (u64)atomic64_read(&ctx->tlb_gen))
				continue;
			look.pcid = kern_pcid(asid);
			tlb_for_each(&cpu->tlb, look_at_entry, &look);
		}
	}
}
