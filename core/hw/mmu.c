/* SPDX-License-Identifier: MIT */
/*
 * The page-table walker.
 *
 * Owns a vCPU's root register.  Instrumented: it reads and writes page tables
 * concurrently with the operating system, and ThreadSanitizer judges that.
 * Entries are read by load-acquire (pairs with the store-release that
 * published them) and changed by compare-and-exchange only.
 *
 * Locks: none, it is hardware.  Must never sleep; interrupts are held off by
 * the caller (in_access) from before the walk until its result was used.
 */
#include "hw/mmu.h"

#include "arch/x86_64.h"
#include "base/atomic.h"
#include "base/bug.h"
#include "base/finding.h"
#include "base/point.h"
#include "hw/machine.h"
#include "trace/counters.h"
#include "trace/trace.h"

/* Rights gathered on the way down. */
struct walk {
	struct vcpu	*cpu;
	unsigned long	va;
	unsigned int	acc;		/* enum mmu_access | ACC_KERNEL */
	bool		speculative;
	u64		all;		/* RW and USER: conjunction over the levels */
	u64		nx;
	unsigned int	level;
	u64		*slot;		/* of the entry in hand */
	u64		entry;
};

void mmu_load_cr3(struct vcpu *cpu, unsigned long root_pfn, unsigned int pcid)
{
	MM_BUG_ON(root_pfn >= cpu->machine->ram.nr_frames || pcid >= TLB_TAG_GLOBAL);
	cpu->root_pfn = root_pfn;
	cpu->pcid = pcid;
}

void mmu_unload_cr3(struct vcpu *cpu)
{
	cpu->root_pfn = NO_ROOT;
	cpu->pcid = 0;
}

/* The error code of a walk that found an entry but not the right. */
static unsigned int rights_error(const struct walk *w)
{
	return mmu_error_bits(w->acc) | X86_PF_PROT;
}

/* Sets @bits in the entry in hand; false when it changed meanwhile. */
static bool set_bits(struct walk *w, u64 bits)
{
	u64 old = w->entry;

	if ((old & bits) == bits)
		return true;
	sched_point(SCHED_PTE, w->slot);
	w->entry |= bits;
	return raw_try_cmpxchg_order(w->slot, &old, old | bits, __ATOMIC_SEQ_CST,
				     __ATOMIC_ACQUIRE);
}

/* An entry's frame does not exist: corrupt tables, or tables that are none any more. */
static unsigned int out_of_ram(const struct walk *w)
{
	finding_report(FINDING_STRUCT, "a page-table entry leads out of RAM",
		       "vcpu %u va %#lx level %u entry %#llx (frames: %lu)", w->cpu->nr, w->va,
		       w->level, w->entry, w->cpu->machine->ram.nr_frames);
	return mmu_error_bits(w->acc) | X86_PF_PROT | X86_PF_RSVD;
}

static bool rights_ok(const struct walk *w)
{
	unsigned int kind = w->acc & ~ACC_KERNEL;

	if (!(w->acc & ACC_KERNEL) && !(w->all & _PAGE_USER))
		return false;
	if (kind == ACC_WRITE)
		return w->all & _PAGE_RW;
	return kind != ACC_EXEC || !w->nx;
}

static bool frame_exists(const struct walk *w)
{
	unsigned long last = x86_entry_pfn(w->entry);

	if (w->level && x86_entry_leaf(w->entry, w->level))
		last += (arch_level_size(w->cpu->machine->arch, w->level) >> PAGE_SHIFT) - 1;
	return last < w->cpu->machine->ram.nr_frames;
}

static struct tlb_entry *fill(struct walk *w)
{
	struct vcpu *cpu = w->cpu;
	unsigned long pfn = x86_entry_pfn(w->entry);
	u32 flags = w->speculative ? TLB_SPECULATED : 0;

	if (w->all & _PAGE_RW)
		flags |= TLB_WRITE;
	if (w->all & _PAGE_USER)
		flags |= TLB_USER;
	if (w->nx)
		flags |= TLB_NX;
	if (w->entry & _PAGE_DIRTY)
		flags |= TLB_DIRTY;
	if (w->entry & _PAGE_GLOBAL)
		flags |= TLB_GLOBAL;
	if (w->level) {
		/* A larger leaf is kept as the 2 MiB of it that @va lies in. */
		pfn += (w->va >> PAGE_SHIFT) & ((1UL << (w->level * TABLE_SHIFT)) - 1);
		pfn &= ~(PTRS_PER_TABLE - 1);
		flags |= TLB_2M;
	}
	trace_event(w->speculative ? EV_TLB_SPECULATE : EV_TLB_FILL, w->va, pfn, cpu->pcid);
	return tlb_fill(&cpu->tlb, cpu->pcid, w->va, pfn, ram_gen(&cpu->machine->ram, pfn), flags);
}

enum step { STEP_DOWN, STEP_LEAF, STEP_AGAIN, STEP_FAULT };

/* One level: reads the entry, gathers rights, sets A (and D). */
static enum step step(struct walk *w, unsigned int *err)
{
	sched_point(SCHED_PTE, w->slot);
	w->entry = raw_load_order(w->slot, __ATOMIC_ACQUIRE);
	if (!x86_entry_present(w->entry)) {
		*err = mmu_error_bits(w->acc);
		return STEP_FAULT;
	}
	if (!frame_exists(w)) {
		*err = out_of_ram(w);
		return STEP_FAULT;
	}
	w->all &= w->entry;
	w->nx |= w->entry & _PAGE_NX;
	if (!x86_entry_leaf(w->entry, w->level))
		return set_bits(w, _PAGE_ACCESSED) ? STEP_DOWN : STEP_AGAIN;
	if (!w->speculative && !rights_ok(w)) {
		*err = rights_error(w);
		return STEP_FAULT;
	}
	if (!w->speculative && (w->acc & ~ACC_KERNEL) == ACC_WRITE)
		return set_bits(w, _PAGE_ACCESSED | _PAGE_DIRTY) ? STEP_LEAF : STEP_AGAIN;
	return set_bits(w, _PAGE_ACCESSED) ? STEP_LEAF : STEP_AGAIN;
}

static struct tlb_entry *walk(struct walk *w, unsigned int *err)
{
	struct machine *m = w->cpu->machine;
	unsigned long table;

again:
	table = w->cpu->root_pfn;
	w->all = _PAGE_RW | _PAGE_USER;
	w->nx = 0;
	for (w->level = m->arch->levels - 1;; w->level--) {
		w->slot = &frame_table(m, table)[arch_index(m->arch, w->level, w->va)];
		switch (step(w, err)) {
		case STEP_AGAIN:
			goto again;
		case STEP_FAULT:
			return NULL;
		case STEP_LEAF:
			return fill(w);
		case STEP_DOWN:
			table = x86_entry_pfn(w->entry);
		}
	}
}

int mmu_walk(struct vcpu *cpu, unsigned long va, unsigned int acc, struct tlb_entry **entry,
	     unsigned int *err)
{
	struct walk w = { .cpu = cpu, .va = va, .acc = acc };

	sched_point(SCHED_TLB, cpu);
	if (cpu->root_pfn == NO_ROOT) {
		*err = mmu_error_bits(acc);
		return 1;
	}
	*entry = walk(&w, err);
	return !*entry;
}

bool mmu_speculate(struct vcpu *cpu, unsigned long va)
{
	struct walk w = { .cpu = cpu, .va = va, .speculative = true };
	unsigned int err;
	bool filled;

	if (cpu->root_pfn == NO_ROOT || !arch_canonical(cpu->machine->arch, va))
		return false;
	if (tlb_lookup(&cpu->tlb, cpu->pcid, va))
		return false;
	cpu->in_access++;
	filled = walk(&w, &err);
	cpu->in_access--;
	if (filled)
		count_vm_event(MMS_TLB_SPECULATIVE_FILL);
	return filled;
}
