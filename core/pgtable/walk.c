/* SPDX-License-Identifier: MIT */
/*
 * Page tables: finding entries, and making the tables on the way.
 *
 * Entries above PMD change under ctx->page_table_lock, PMD entries under their
 * table's lock (PMD_LOCK), PTEs under theirs (PTE_LOCK); both live in the
 * table's struct page.  Readers take none of them and load-acquire.  A PTE
 * table found under RCU stays memory for the section, but may be out of the
 * tree: hence the second look under the lock.
 *
 * Must never publish a table before it is complete.
 */
#include <errno.h>
#include <string.h>

#include "base/finding.h"
#include "hw/check_met.h"
#include "pgtable/pgtable.h"
#include "pgtable/window.h"
#include "phys/page_alloc.h"
#include "sync/rcu.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/canary.h"
#include "zoo/zoo.h"

#define PTE_LEVEL	0u
#define PMD_LEVEL	1u

/* ---- table pages -------------------------------------------------------------- */

/* Plain stores: a walker that gets here too early races with them. */
static void table_clear(struct page *table)
{
	memset(page_table_address(table), 0, PAGE_SIZE);
}

static struct page *table_new(struct mm_context *ctx, unsigned int level)
{
	struct page *table = alloc_page(GFP_PGTABLE_USER);

	if (!table)
		return NULL;
	rcu_age_born(&table->pt_age);
	table->pt_ctx = ctx;
	table->pt_level = level;
	if (level == PTE_LEVEL)
		spin_lock_init(&table->ptl, LOCK_RANK_PTE_LOCK, "pte_lock");
	else
		spin_lock_init(&table->ptl, LOCK_RANK_PMD_LOCK, "pmd_lock");
	count_vm_event(MMS_PTE_TABLE_ALLOC);
	trace_event(EV_TABLE_ALLOC, page_to_pfn(table), level, 0);
	return table;
}

struct page *pgtable_alloc_table(struct mm_context *ctx, unsigned int level)
{
	struct page *table = table_new(ctx, level);

	if (table)
		table_clear(table);
	return table;
}

void pgtable_free_table(struct page *table)
{
	VM_BUG_ON(!PageTable(table));
	VM_BUG_ON(spin_is_locked(&table->ptl));
	count_vm_event(MMS_PTE_TABLE_FREE);
	trace_event(EV_TABLE_FREE, page_to_pfn(table), 0, 0);
	rcu_age_freed(&table->pt_age);
	free_page(table);
}

void mm_inc_nr_tables(struct mm_context *ctx, unsigned int level)
{
	if (level < ctx->machine->arch->levels - 1)
		atomic_long_add(PAGE_SIZE, &ctx->pgtables_bytes);
}

void mm_dec_nr_tables(struct mm_context *ctx, unsigned int level)
{
	if (level < ctx->machine->arch->levels - 1)
		atomic_long_sub(PAGE_SIZE, &ctx->pgtables_bytes);
}

struct page *pgtable_page_of(const void *entry)
{
	struct machine *m = this_machine();
	size_t off = (size_t)((const char *)entry - (const char *)m->ram.tables);

	return pfn_to_page(off >> PAGE_SHIFT);
}

/* ---- levels above PMD ----------------------------------------------------------- */

/* TABLES functions: entries are read by atomics, and plainly only what never changes. */
#define TABLES	NO_TSAN

static __always_inline u64 read_entry(const u64 *entry)
{
	return smp_load_acquire(entry);
}

/* The entry of addr at a level, or NULL; *missing is the level that was empty. */
static TABLES u64 *walk_to(struct mm_context *ctx, unsigned long addr,
			   unsigned int level, unsigned int *missing)
{
	const struct arch *arch = ctx->machine->arch;
	u64 *table = ctx->root;

	for (unsigned int l = arch->levels - 1; l > level; l--) {
		u64 entry = read_entry(&table[arch_index(arch, l, addr)]);

		if (!x86_entry_present(entry)) {
			*missing = l;
			return NULL;
		}
		table = frame_table(ctx->machine, x86_entry_pfn(entry));
	}
	return &table[arch_index(arch, level, addr)];
}

pmd_t *pgtable_pmd(struct mm_context *ctx, unsigned long addr)
{
	unsigned int missing;

	return (pmd_t *)walk_to(ctx, addr, PMD_LEVEL, &missing);
}

/* A walker has found this table, in the section that it is in, and will look into it. */
static TABLES void table_met(struct machine *m, u64 entry)
{
	check_met(m, CHECK_OBJECT_PAGE_TABLE,
		  &machine_pfn_to_page(m, x86_entry_pfn(entry))->pt_age);
}

TABLES pmd_t *pgtable_pmd_lockless(struct mm_context *ctx, unsigned long addr)
{
	const struct arch *arch = ctx->machine->arch;
	u64 *table = ctx->root;

	VM_BUG_ON(!rcu_read_lock_held());
	for (unsigned int l = arch->levels - 1; l > PMD_LEVEL; l--) {
		u64 entry = read_entry(&table[arch_index(arch, l, addr)]);

		if (!x86_entry_present(entry))
			return NULL;
		table_met(ctx->machine, entry);
		table = frame_table(ctx->machine, x86_entry_pfn(entry));
	}
	return (pmd_t *)&table[arch_index(arch, PMD_LEVEL, addr)];
}

/* Links a new table of `level' in an empty entry above; the loser of a race frees its own. */
static int table_alloc_upper(struct mm_context *ctx, u64 *entry,
			     unsigned int level)
{
	struct page *table = pgtable_alloc_table(ctx, level);

	if (!table)
		return -ENOMEM;
	spin_lock(&ctx->page_table_lock);
	if (likely(!x86_entry_present(read_entry(entry)))) {
		mm_inc_nr_tables(ctx, level);
		sched_point(SCHED_PTE, entry);
		/* Release: the table's zeroes are older than the way to it. */
		smp_store_release(entry, x86_make_entry(page_to_pfn(table), _PAGE_TABLE));
		table = NULL;
	}
	spin_unlock(&ctx->page_table_lock);
	if (table)
		pgtable_free_table(table);
	return 0;
}

TABLES pmd_t *pgtable_pmd_alloc(struct mm_context *ctx, unsigned long addr)
{
	const struct arch *arch = ctx->machine->arch;
	u64 *table = ctx->root;

	for (unsigned int l = arch->levels - 1; l > PMD_LEVEL; l--) {
		u64 *slot = &table[arch_index(arch, l, addr)];
		u64 entry = read_entry(slot);

		if (unlikely(!x86_entry_present(entry))) {
			if (table_alloc_upper(ctx, slot, l - 1))
				return NULL;
			entry = read_entry(slot);
		}
		table = frame_table(ctx->machine, x86_entry_pfn(entry));
	}
	return (pmd_t *)&table[arch_index(arch, PMD_LEVEL, addr)];
}

pmd_t *pgtable_next_pmd(struct mm_context *ctx, unsigned long *addr,
			unsigned long end)
{
	const struct arch *arch = ctx->machine->arch;

	while (*addr < end) {
		unsigned int missing;
		u64 *entry = walk_to(ctx, *addr, PMD_LEVEL, &missing);
		unsigned long next;

		if (entry)
			return (pmd_t *)entry;
		next = ALIGN_DOWN(*addr, arch_level_size(arch, missing)) +
		       arch_level_size(arch, missing);
		if (next <= *addr)	/* wrapped */
			break;
		*addr = next;
	}
	return NULL;
}

/* ---- locks -------------------------------------------------------------------------- */

spinlock_t *pmd_lockptr(struct mm_context *ctx, pmd_t *pmd)
{
	return &pgtable_page_of(pmd)->ptl;
}

TABLES spinlock_t *pte_lockptr(struct mm_context *ctx, pmd_t pmdval)
{
	return &machine_pfn_to_page(ctx->machine, pmd_pfn(pmdval))->ptl;
}

spinlock_t *pmd_lock(struct mm_context *ctx, pmd_t *pmd)
{
	spinlock_t *ptl = pmd_lockptr(ctx, pmd);

	spin_lock(ptl);
	return ptl;
}

/* ---- PTE tables ------------------------------------------------------------------------ */

struct page *pte_alloc_one(struct mm_context *ctx)
{
	struct page *table = table_new(ctx, PTE_LEVEL);

	/* Complete before anyone can find it. */
	if (table && !zoo(ZOO_PTE_TABLE_PUBLISH_BEFORE_INIT))
		table_clear(table);
	return table;
}

void pte_free(struct mm_context *ctx, struct page *table)
{
	pgtable_free_table(table);
}

/* The way to a table; the release in set_pmd() publishes what table_clear() wrote. */
static void pmd_populate(pmd_t *pmd, struct page *table)
{
	set_pmd(pmd, __pmd(x86_make_entry(page_to_pfn(table), _PAGE_TABLE)));
}

void pmd_install(struct mm_context *ctx, pmd_t *pmd, struct page **table)
{
	struct page *published = NULL;
	spinlock_t *ptl = pmd_lock(ctx, pmd);

	/* Someone else may have filled it since we looked. */
	if (likely(pmd_none(pmdp_get(pmd)))) {
		mm_inc_nr_tables(ctx, PTE_LEVEL);
		pmd_populate(pmd, *table);
		published = *table;
		*table = NULL;
	}
	spin_unlock(ptl);
	if (zoo(ZOO_PTE_TABLE_PUBLISH_BEFORE_INIT) && published)
		table_clear(published);
}

int pte_alloc(struct mm_context *ctx, pmd_t *pmd)
{
	struct page *table;

	if (likely(!pmd_none(pmdp_get(pmd))))
		return 0;
	table = pte_alloc_one(ctx);
	if (!table)
		return -ENOMEM;
	mm_window(WIN_PT_RACE_LOST, ctx, (u64)(uintptr_t)pmd);
	pmd_install(ctx, pmd, &table);
	if (table) {
		window_hit(WIN_PT_RACE_LOST);
		pte_free(ctx, table);
	}
	return 0;
}

/* ---- finding a PTE ------------------------------------------------------------------------ */

static noinline void report_bad_pmd(pmd_t *pmd, pmd_t val, unsigned long addr)
{
	finding_report(FINDING_STRUCT, "STRUCT: bad pmd", "entry %p value %#llx addr %#lx",
		       (void *)pmd, pmd_val(val), addr);
}

/*
 * Where the caller stands: a lock of the VMA's, of the mm's or of the reverse map keeps
 * that table linked, or this read section does.
 */
static TABLES void pmd_table_met(struct machine *m, const pmd_t *pmd)
{
#if MM_CHECK
	check_met(m, CHECK_OBJECT_PAGE_TABLE, &pgtable_page_of(pmd)->pt_age);
#endif
}

/* __pte_offset_map(): *pmdvalp is what the answer rests on. */
static TABLES pte_t *map_table(struct machine *m, pmd_t *pmd, unsigned long addr,
			       pmd_t *pmdvalp)
{
	pmd_t val;

	rcu_read_lock();
	pmd_table_met(m, pmd);
	val = pmdp_get_lockless(pmd);
	*pmdvalp = val;
	if (unlikely(pmd_none(val) || pmd_leaf(val)))
		goto nomap;
	if (unlikely(pmd_bad(val))) {
		report_bad_pmd(pmd, val, addr);
		goto nomap;
	}
	table_met(m, pmd_val(val));
	return (pte_t *)frame_table(m, pmd_pfn(val)) + pte_index(addr);
nomap:
	rcu_read_unlock();
	return NULL;
}

pte_t *pte_offset_map(pmd_t *pmd, unsigned long addr)
{
	pmd_t val;

	return map_table(this_machine(), pmd, addr, &val);
}

TABLES pte_t *pte_offset_map_rw_nolock(struct mm_context *ctx, pmd_t *pmd,
				       unsigned long addr, pmd_t *pmdvalp,
				       spinlock_t **ptlp)
{
	pte_t *pte = map_table(ctx->machine, pmd, addr, pmdvalp);

	if (pte)
		*ptlp = pte_lockptr(ctx, *pmdvalp);
	return pte;
}

pte_t *pte_offset_map_lock_nested(struct mm_context *ctx, pmd_t *pmd,
				  unsigned long addr, spinlock_t **ptlp,
				  unsigned int subclass)
{
	canary(ZOO_CANARY_PGTABLE);
	for (;;) {
		pmd_t val;
		pte_t *pte = map_table(ctx->machine, pmd, addr, &val);
		spinlock_t *ptl;

		if (unlikely(!pte))
			return NULL;
		ptl = pte_lockptr(ctx, val);
		sched_window(WIN_PT_GONE, (u64)(unsigned long)pmd, 0);
		table_met(ctx->machine, pmd_val(val));
		if (subclass)
			spin_lock_nested(ptl, subclass);
		else
			spin_lock(ptl);
		/* The table may have left the tree while we waited for its lock. */
		if (likely(pmd_same(val, pmdp_get(pmd)))) {
			*ptlp = ptl;
			return pte;
		}
		pte_unmap_unlock(pte, ptl);
		window_hit(WIN_PT_GONE);
	}
}

pte_t *pte_offset_map_lock(struct mm_context *ctx, pmd_t *pmd,
			   unsigned long addr, spinlock_t **ptlp)
{
	return pte_offset_map_lock_nested(ctx, pmd, addr, ptlp, 0);
}

void pte_unmap(pte_t *pte)
{
	rcu_read_unlock();
}

void pte_unmap_unlock(pte_t *pte, spinlock_t *ptl)
{
	spin_unlock(ptl);
	pte_unmap(pte);
}

pte_t *pgtable_peek_pte(struct mm_context *ctx, unsigned long addr)
{
	pmd_t *pmd = pgtable_pmd(ctx, addr);
	pmd_t val;

	if (!pmd)
		return NULL;
	val = pmdp_get_lockless(pmd);
	if (pmd_none(val) || pmd_leaf(val))
		return NULL;
	return (pte_t *)frame_table(ctx->machine, pmd_pfn(val)) + pte_index(addr);
}
