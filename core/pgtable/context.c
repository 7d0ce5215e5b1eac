/* SPDX-License-Identifier: MIT */
/*
 * The life of address-space contexts and of the room.
 *
 * Owns context ids and the kernel's context.  Boot and shutdown run alone;
 * init and destroy of a context belong to its only user, so no locks.  Must
 * never free a root that some vCPU still has loaded, lazily or not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "hw/mmu.h"
#include "pgtable/mmu_gather.h"
#include "pgtable/pgtable.h"
#include "phys/slab.h"

static int context_init(struct machine *m, struct mm_context *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->machine = m;
	spin_lock_init(&ctx->page_table_lock, LOCK_RANK_PAGE_TABLE_LOCK, "page_table_lock");
	spin_lock_init(&ctx->notifier_lock, LOCK_RANK_LEAF, "notifier_lock");
	ctx->pgd = pgtable_alloc_table(ctx, m->arch->levels - 1);
	if (!ctx->pgd)
		return -ENOMEM;
	ctx->root = page_table_address(ctx->pgd);
	ctx->ctx_id = (u64)atomic64_inc_return(&m->pgt->last_ctx_id);
	/* 0 is TLB_GENERATION_INVALID. */
	atomic64_set(&ctx->tlb_gen, 1);
	return 0;
}

int mm_context_init(struct mm_context *ctx)
{
	return context_init(this_machine(), ctx);
}

static bool loaded_anywhere(struct mm_context *ctx)
{
	struct machine *m = ctx->machine;

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		if (smp_load_acquire(&m->cpus[i]->tlbstate->loaded_ctx) == ctx)
			return true;
	return false;
}

void mm_context_destroy(struct mm_context *ctx)
{
	long bytes = atomic_long_read(&ctx->pgtables_bytes);

	MM_BUG_ON(loaded_anywhere(ctx));
	MM_WARN_ON_ONCE(atomic_read(&ctx->tlb_flush_pending));
	if (bytes)
		finding_report(FINDING_REFS, "REFS: page tables left in a dead address space",
			       "%ld bytes, context %llu", bytes, ctx->ctx_id);
	pgtable_free_table(ctx->pgd);
	ctx->pgd = NULL;
	ctx->root = NULL;
}

struct mm_context *init_mm_context(struct machine *m)
{
	return &m->pgt->init_ctx;
}

/* Every vCPU starts on the kernel's root, with nothing in its TLB. */
static void load_init_ctx(struct machine *m, struct vcpu *cpu)
{
	struct tlb_cpu_state *ts = &m->pgt->tlbstates[cpu->nr];
	struct mm_context *ctx = &m->pgt->init_ctx;

	ts->loaded_asid = 0;
	ts->next_asid = 1;
	ts->slots[0].ctx_id = ctx->ctx_id;
	ts->slots[0].tlb_gen = (u64)atomic64_read(&ctx->tlb_gen);
	WRITE_ONCE(ts->loaded_ctx, ctx);
	cpu->tlbstate = ts;
	mmu_load_cr3(cpu, page_to_pfn(ctx->pgd), kern_pcid(0));
}

static void state_free(struct machine *m)
{
	struct pgtable_state *pgt = m->pgt;

	kmem_cache_destroy(pgt->gather_batch_cachep);
	m->pgt = NULL;
	machine_free(m, pgt->tlbstates);
	machine_free(m, pgt);
}

int pgtable_init(struct machine *m)
{
	size_t bytes = m->nr_cpus * sizeof(struct tlb_cpu_state);
	struct pgtable_state *pgt = machine_zalloc(m, sizeof(*pgt), SMP_CACHE_BYTES);

	if (!pgt)
		return -ENOMEM;
	m->pgt = pgt;
	pgt->tlbstates = machine_alloc(m, bytes, SMP_CACHE_BYTES);
	pgt->gather_batch_cachep =
		kmem_cache_create("mmu_gather_batch",
				  sizeof(struct mmu_gather_batch) +
				  MAX_GATHER_BATCH * sizeof(unsigned long), 0, 0, NULL);
	if (!pgt->tlbstates || !pgt->gather_batch_cachep ||
	    context_init(m, &pgt->init_ctx)) {
		state_free(m);
		return -ENOMEM;
	}
	memset(pgt->tlbstates, 0, bytes);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		load_init_ctx(m, m->cpus[i]);
	return 0;
}

void pgtable_exit(struct machine *m)
{
	if (!m->pgt)
		return;
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		mmu_unload_cr3(m->cpus[i]);
		tlb_flush_all(&m->cpus[i]->tlb);
		m->cpus[i]->tlbstate = NULL;
	}
	pgtable_free_table(m->pgt->init_ctx.pgd);
	state_free(m);
}
