/* SPDX-License-Identifier: MIT */
/*
 * The page-table walker.
 *
 * Owns a vCPU's root register.  It reads and writes page tables concurrently
 * with the operating system, and ThreadSanitizer judges that: entries are read
 * by load-acquire (pairs with the store-release that published them) and changed
 * by compare-and-exchange only, both instrumented.  The rest, WALKER functions,
 * looks at what is the vCPU's own or never changes, and is not.
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

#define WALKER	NO_TSAN

/* Pages that are looked for as soon as a root is loaded. */
#define LOAD_SPECULATES	4

/* Where a walk has got to. */
struct walk {
	unsigned long	table;		/* frame of the table in hand */
	u32		gen;		/* its generation when it was walked to */
	u64		*slot;		/* of the entry in hand */
	u64		entry;
	u64		all;		/* RW and USER: conjunction over the levels */
	u64		nx;		/* NX: disjunction over the levels */
	unsigned int	level;
	bool		speculative;
};

void mmu_load_cr3(struct vcpu *cpu, unsigned long root_pfn, unsigned int pcid)
{
	MM_BUG_ON(root_pfn >= cpu->machine->ram.nr_frames || pcid >= TLB_TAG_GLOBAL);
	cpu->root_pfn = root_pfn;
	cpu->pcid = pcid;
	if (!cpu->machine->config.speculate_ppm || cpu != this_cpu())
		return;
	for (unsigned int i = 0; i < LOAD_SPECULATES; i++)
		mmu_speculate_near(cpu, cpu->walked_va);
}

void mmu_unload_cr3(struct vcpu *cpu)
{
	cpu->root_pfn = NO_ROOT;
	cpu->pcid = 0;
}

static __always_inline u64 read_entry(const u64 *slot)
{
	return smp_load_acquire(slot);
}

static __always_inline bool change_entry(u64 *slot, u64 old, u64 new)
{
	return raw_try_cmpxchg_order(slot, &old, new, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

/* Sets @bits in the entry in hand; false when it changed meanwhile. */
static inline WALKER bool set_bits(struct walk *w, u64 bits)
{
	u64 old = w->entry;

	if (likely((old & bits) == bits))
		return true;
	sched_point(SCHED_PTE, w->slot);
	weak_rmw(w->slot);
	w->entry |= bits;
	return change_entry(w->slot, old, old | bits);
}

/* An entry's frame does not exist: corrupt tables, or tables that are none any more. */
static noinline unsigned int out_of_ram(struct vcpu *cpu, unsigned long va, unsigned int acc,
					unsigned int level, u64 entry)
{
	finding_report(FINDING_STRUCT, "STRUCT: a page-table entry leads out of RAM",
		       "vcpu %u va %#lx level %u entry %#llx (frames: %lu)", cpu->nr, va, level,
		       entry, cpu->machine->ram.nr_frames);
	return mmu_error_bits(acc) | X86_PF_PROT | X86_PF_RSVD;
}

static inline WALKER bool rights_ok(const struct walk *w, unsigned int acc)
{
	unsigned int kind = acc & ~ACC_KERNEL;

	if (!(acc & ACC_KERNEL) && !(w->all & _PAGE_USER))
		return false;
	if (kind == ACC_WRITE)
		return w->all & _PAGE_RW;
	return kind != ACC_EXEC || !(w->nx & _PAGE_NX);
}

/* The table, page or first page that the entry in hand leads to; and a large page's last. */
static inline WALKER bool frame_exists(const struct machine *m, const struct walk *w)
{
	return x86_entry_pfn(w->entry) < m->ram.nr_frames;
}

static inline WALKER bool last_frame_exists(const struct machine *m, const struct walk *w)
{
	unsigned long frames = arch_level_size(m->arch, w->level) >> PAGE_SHIFT;

	return x86_entry_pfn(w->entry) + frames <= m->ram.nr_frames;
}

static inline WALKER struct tlb_entry *fill(struct vcpu *cpu, unsigned long va,
					    const struct walk *w)
{
	struct machine *m = cpu->machine;
	unsigned long pfn = x86_entry_pfn(w->entry);
	u32 flags = w->speculative ? TLB_SPECULATED : 0;
	struct tlb_entry *entry;

	if (w->all & _PAGE_RW)
		flags |= TLB_WRITE;
	if (w->all & _PAGE_USER)
		flags |= TLB_USER;
	if (w->nx & _PAGE_NX)
		flags |= TLB_NX;
	if (w->entry & _PAGE_DIRTY)
		flags |= TLB_DIRTY;
	if (w->entry & _PAGE_GLOBAL)
		flags |= TLB_GLOBAL;
	if (w->level) {
		/* A larger leaf is kept as the 2 MiB of it that @va lies in. */
		pfn += (va >> PAGE_SHIFT) & ((1UL << (w->level * TABLE_SHIFT)) - 1);
		pfn &= ~(PTRS_PER_TABLE - 1);
		flags |= TLB_2M;
	}
	trace_event(w->speculative ? EV_TLB_SPECULATE : EV_TLB_FILL, va, pfn, cpu->pcid);
	entry = tlb_fill(&cpu->tlb, cpu->pcid, va, pfn, ram_gen(&m->ram, pfn), flags);
	/* After the entry was read: a call that began later than this can know of it. */
	if (unlikely(m->check))
		entry->stamp = machine_translation_stamp(m);
	return entry;
}

/* At the leaf: rights, A and D.  False with *@err 0: from the root again. */
static inline WALKER bool finish(struct walk *w, unsigned int acc, unsigned int *err)
{
	*err = 0;
	if (w->speculative)
		return set_bits(w, _PAGE_ACCESSED);
	if (unlikely(!rights_ok(w, acc))) {
		*err = mmu_error_bits(acc) | X86_PF_PROT;
		return false;
	}
	if ((acc & ~ACC_KERNEL) == ACC_WRITE)
		return set_bits(w, _PAGE_ACCESSED | _PAGE_DIRTY);
	return set_bits(w, _PAGE_ACCESSED);
}

/* The table that the entry in hand leads to is the one in hand. */
static __always_inline WALKER void descend(struct vcpu *cpu, unsigned long va, struct walk *w)
{
	w->table = x86_entry_pfn(w->entry);
	w->gen = ram_gen(&cpu->machine->ram, w->table);
	w->level--;
	if (!w->level)
		tlb_walk_fill(&cpu->tlb, cpu->pcid, va, &(struct tlb_walk){
			.pfn = (u32)w->table, .gen = w->gen, .all = w->all, .any = w->nx });
}

/* Where a walk begins: at the table of a cached one, or with @cached false at the root. */
static __always_inline WALKER struct walk begin(struct vcpu *cpu, unsigned long va,
						bool speculative, bool cached)
{
	const struct machine *m = cpu->machine;
	struct tlb_walk *c = cached ? tlb_walk_lookup(&cpu->tlb, cpu->pcid, va) : NULL;

	if (c)
		return (struct walk){ .table = c->pfn, .gen = c->gen, .all = c->all, .nx = c->any,
				      .speculative = speculative };
	return (struct walk){ .table = cpu->root_pfn, .gen = ram_gen(&m->ram, cpu->root_pfn),
			      .all = _PAGE_RW | _PAGE_USER, .level = m->arch->levels - 1,
			      .speculative = speculative };
}

static __always_inline WALKER void read_slot(struct vcpu *cpu, unsigned long va, struct walk *w)
{
	struct machine *m = cpu->machine;

	w->slot = &frame_table(m, w->table)[arch_index(m->arch, w->level, va)];
	sched_point(SCHED_PTE, w->slot);
	w->entry = read_entry(w->slot);
	if (unlikely(m->check && m->check->table_walked))
		m->check->table_walked(cpu, va, w->table, w->gen);
}

/* @w is a local that no call sees, so that it can live in registers. */
static __always_inline WALKER struct tlb_entry *walk(struct vcpu *cpu, unsigned long va,
						     unsigned int acc, bool speculative,
						     unsigned int *err)
{
	const struct machine *m = cpu->machine;
	bool cached = true;
	struct walk w;

again:
	w = begin(cpu, va, speculative, cached);
	cached = false;
	for (;;) {
		read_slot(cpu, va, &w);
		if (!x86_entry_present(w.entry)) {
			*err = mmu_error_bits(acc);
			return NULL;
		}
		if (unlikely(!frame_exists(m, &w))) {
			*err = out_of_ram(cpu, va, acc, w.level, w.entry);
			return NULL;
		}
		w.all &= w.entry;
		w.nx |= w.entry;
		if (x86_entry_leaf(w.entry, w.level))
			break;
		if (unlikely(!set_bits(&w, _PAGE_ACCESSED)))
			goto again;
		descend(cpu, va, &w);
	}
	if (unlikely(w.level && !last_frame_exists(m, &w))) {
		*err = out_of_ram(cpu, va, acc, w.level, w.entry);
		return NULL;
	}
	if (likely(finish(&w, acc, err)))
		return fill(cpu, va, &w);
	if (!*err)
		goto again;
	return NULL;
}

WALKER int mmu_walk(struct vcpu *cpu, unsigned long va, unsigned int acc, struct tlb_entry **entry,
	     unsigned int *err)
{
	sched_point(SCHED_TLB, cpu);
	if (cpu->root_pfn == NO_ROOT) {
		*err = mmu_error_bits(acc);
		return 1;
	}
	cpu->walked_va = va;
	*entry = walk(cpu, va, acc, false, err);
	return !*entry;
}

WALKER bool mmu_speculate(struct vcpu *cpu, unsigned long va)
{
	unsigned int err;
	bool filled;

	if (cpu->root_pfn == NO_ROOT || !arch_canonical(cpu->machine->arch, va))
		return false;
	if (tlb_lookup(&cpu->tlb, cpu->pcid, va))
		return false;
	cpu->in_access++;
	filled = walk(cpu, va, ACC_READ, true, &err);
	cpu->in_access--;
	if (filled)
		count_vm_event(MMS_TLB_SPECULATIVE_FILL);
	return filled;
}

WALKER void mmu_speculate_near(struct vcpu *cpu, unsigned long va)
{
	u64 page = prng_below(&cpu->rng, 16);

	mmu_speculate(cpu, va + (page < 8 ? page - 8 : page - 7) * PAGE_SIZE);
}

static WALKER struct tlb_walk *some_cached_walk(struct vcpu *cpu)
{
	unsigned int first = (unsigned int)prng_below(&cpu->rng, TLB_WALKS);

	for (unsigned int i = 0; i < TLB_WALKS; i++) {
		struct tlb_walk *walk = &cpu->tlb.walk[(first + i) % TLB_WALKS];

		if (walk->key != TLB_NO_KEY && (walk->key & TLB_TAG_MASK) == cpu->pcid)
			return walk;
	}
	return NULL;
}

WALKER void mmu_speculate_idle(struct vcpu *cpu)
{
	struct tlb_walk *walk;

	if (!cpu->machine->config.speculate_ppm || !cpu->tlb.nr_walks)
		return;
	walk = some_cached_walk(cpu);
	if (walk)
		mmu_speculate(cpu, (walk->key & ~(u64)TLB_TAG_MASK) +
			      prng_below(&cpu->rng, PTRS_PER_TABLE) * PAGE_SIZE);
}
